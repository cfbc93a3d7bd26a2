// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * commands.c - the list of commands with their options (cli.h). Dispatch and help are made from it; what a
 * command does stands in the file of its name.
 */
#include <cli/cli.h>
#include <cli/quick.h>
#include <cli/tunnel.h>

#include <stdlib.h>
#include <string.h>

#define DROP_IN_NAME "wgxdp-agent"

static int print_help(const struct arguments *arguments);
static int print_version(const struct arguments *arguments);

/* clang-format off */
#define TUNNEL_OPTION {"tunnel", 0, false, "NAME", "the tunnel (" TUNNEL_DEFAULT ")"}
#define PEER_OPTIONS                                                                               \
	TUNNEL_OPTION,                                                                             \
	{"allowed-ips", 0, false, "LIST", "prefixes it may use, with commas; replaces what it had"}, \
	{"endpoint", 0, false, "HOST:PORT", "where it is reached; a name is resolved now and when it no longer answers"},        \
	{"keepalive", 0, false, "N|off", "seconds between packets that keep a NAT open"},          \
	{"roaming", 0, false, "on|off", "off: its endpoint is not moved by where its packets come from"}, \
	{"limit", 0, false, "RATE", "at most so much each way, like 100mbit; off: any"},          \
	{"preshared-key", 0, false, "FILE", "a second, symmetric key; an empty file removes it"}

#define RULE_OPTIONS                                                                               \
	{"bind", 0, true, "ADDR", "receive on this local address and send from it alone; any: on all"},  \
	{"clamp-mss", 0, false, "on|off|N", "make TCP's segments fit the MTU, or N bytes; off: leave them"}

/* The kernel's memory for them is reserved when the first tunnel is made. */
#define LIMIT_OPTIONS                                                                              \
	{"max-peers", 0, false, "N", "room for so many in all tunnels here; when the first is made (131072)"}, \
	{"max-sessions", 0, false, "N", "likewise, for sessions and handshakes (four a peer)"},     \
	{"max-allowed-ips", 0, false, "N", "likewise, of either family (2097152)"}

static const struct option_spec tunnel_options[] = {TUNNEL_OPTION, {0}};

static const struct option_spec peer_options[] = {PEER_OPTIONS, {0}};

static const struct option_spec qr_options[] = {
	TUNNEL_OPTION,
	{"allowed-ips", 0, false, "LIST", "its addresses, with commas; without: the next free ones of the tunnel's networks"},
	{"endpoint", 0, false, "HOST:PORT", "where it finds us; without: an address of an attached interface"},
	{"routes", 0, false, "LIST", "what it sends through the tunnel, with commas (0.0.0.0/0,::/0)"},
	{"dns", 0, false, "LIST", "whom it asks for names: addresses and domains, with commas"},
	{"keepalive", 0, false, "N|off", "seconds between packets of its that keep a NAT open"},
	{"psk", 0, false, NULL, "a preshared key, too"},
	{"text", 0, false, NULL, "print it as a file"},
	{0},
};

static const struct option_spec attach_options[] = {
	TUNNEL_OPTION,
	{"mode", 0, false, "MODE", "native, generic, or auto: native where the driver can"},
	{"private-key", 0, false, "FILE", "the tunnel's key; without: kept, or made in " KEY_DIRECTORY},
	{"listen-port", 0, false, "N", "UDP port; without: kept, or any; 0: any"},
	{"address", 0, true, "CIDR", "of the tunnel's interface"},
	{"fwmark", 0, false, "N", "mark of the packets it sends; 0: none"},
	RULE_OPTIONS,
	LIMIT_OPTIONS,
	{0},
};

static const struct option_spec agent_options[] = {
	{"foreground", 'f', false, NULL, "do not go to the background"},
	{"follow-routes", 0, false, NULL, "receive where the routes to the peers and the default route are"},
	RULE_OPTIONS,
	LIMIT_OPTIONS,
	{0},
};

static const struct option_spec drop_in_options[] = {
	{"foreground", 'f', false, NULL, "do not go to the background"},
	{0},
};

#define JSON_OPTION {"json", 0, false, NULL, "for programs; no secret key is in it"}

static const struct option_spec json_options[] = {JSON_OPTION, {0}};

static const struct option_spec metrics_options[] = {
	{"listen", 0, false, "ADDR:PORT", "serve them there by HTTP, at /metrics"},
	{0},
};

static const struct option_spec top_options[] = {
	{"interval", 0, false, "N", "seconds between two looks (1)"},
	{0},
};

static const struct option_spec help_options[] = {
	{"man", 0, false, NULL, "all commands, as the manual page has them"},
	{"completion", 0, false, "SHELL", "what completes command lines in bash, zsh or fish"},
	{0},
};

static const struct option_spec list_options[] = {TUNNEL_OPTION, JSON_OPTION, {0}};

const struct command commands[] = {
	{"attach", "IFACE", "receive on an interface; makes the tunnel when it is not there",
	 attach_options, cli_attach},
	{"detach", "IFACE", "remove the receive program from an interface, for all tunnels",
	 tunnel_options, cli_detach},
	{"up", QUICK_OPERAND, "make a tunnel from its file, as wg-quick does: " QUICK_DIRECTORY "/NAME.conf",
	 NULL, cli_up},
	{"down", QUICK_OPERAND, "remove a tunnel, what up did for it, every trace but its key and its file",
	 NULL, cli_down},
	{"save", QUICK_OPERAND, "write a tunnel as it is into its file", NULL, cli_save},
	{"strip", QUICK_OPERAND, "print a tunnel's file as wg(8) takes it", NULL, cli_strip},
	{"syncconf", QUICK_OPERAND, "make a tunnel what its file says by now; what stays is not disturbed",
	 NULL, cli_syncconf},
	{"peer add", "PUBKEY", "add a peer", peer_options, cli_peer_add},
	{"peer set", "PUBKEY", "change a peer", peer_options, cli_peer_set},
	{"peer remove", "PUBKEY", "remove a peer", tunnel_options, cli_peer_remove},
	{"peer list", "", "print a line for each peer: key, endpoint, allowed IPs", list_options,
	 cli_peer_list},
	{"peer qr", "PHONE", "add a phone of that name, print its configuration, whose private key is kept nowhere, as a QR code",
	 qr_options, cli_peer_qr},
	{"show", "[TUNNEL]", "print tunnels, peers, interfaces and what was dropped", json_options,
	 cli_show},
	{"stats", "[TUNNEL]", "print what became of packets, with the meaning of each outcome",
	 json_options, cli_stats},
	{"metrics", "[TUNNEL]", "print what there is to measure, as Prometheus reads it",
	 metrics_options, cli_metrics},
	{"top", "[TUNNEL]", "watch peers in a terminal: rates, handshakes, drops", top_options,
	 cli_top},
	{"doctor", "[IFACE]", "look at host, interface and firewall, and say what to do", json_options,
	 cli_doctor},
	{"monitor", "[TUNNEL]", "print what happens, as it happens: a line for each event",
	 json_options, cli_monitor},
	{"genkey", "", "print a new private key", NULL, cli_genkey},
	{"genpsk", "", "print a new preshared key", NULL, cli_genpsk},
	{"pubkey", "", "read a private key, print its public key", NULL, cli_pubkey},
	{"agent", "TUNNEL", "run a tunnel's agent; attach starts it by itself", agent_options,
	 cli_agent},
	{"selftest", "", "seal, open, hash and replay checks in BPF on this kernel (root)", NULL,
	 cli_selftest},
	{"version", "", "print the version", NULL, print_version},
	{"help", "[COMMAND]", "print this list, or what a command takes", help_options, print_help},
	{0},
};
/* clang-format on */

const struct command drop_in_command = {
	.name = DROP_IN_NAME,
	.operands = "IFACE",
	.summary = "make a tunnel and run it until its interface is removed, as wireguard-go does",
	.options = drop_in_options,
	.run = cli_drop_in,
};

static int print_list(void)
{
	printf("Usage: wgxdp COMMAND\n\n");
	for (const struct command *command = commands; command->name; command++) {
		char left[32];

		snprintf(left, sizeof(left), "%s %s", command->name, command->operands);
		printf("  %-20s %s\n", left, command->summary);
	}
	printf("\n'wgxdp help COMMAND' prints what it takes.\n");
	return EXIT_SUCCESS;
}

/* Words of `name` that argv begins with, all of them or 0. */
static int words_matched(const char *name, int argc, char **argv)
{
	int count = 0;

	while (*name) {
		size_t length = strcspn(name, " ");

		if (count >= argc || strlen(argv[count]) != length ||
		    strncmp(argv[count], name, length) != 0)
			return 0;
		count++;
		name += length;
		name += strspn(name, " ");
	}
	return count;
}

/* "peer" is the beginning of four. */
static bool begins_with_word(const char *name, const char *word)
{
	return strncmp(name, word, strlen(word)) == 0 && strchr(" ", name[strlen(word)]);
}

static int print_help(const struct arguments *arguments)
{
	const char *shell = option_value(arguments, "completion", 0);
	const char *word = arguments->operands[0];
	bool found = false;

	if (option_value(arguments, "man", 0)) {
		reference_print_man();
		return EXIT_SUCCESS;
	}
	if (shell && reference_print_completion(shell))
		return EXIT_SUCCESS;
	if (shell) {
		complain(arguments, "--completion '%s': expected bash, zsh or fish", shell);
		return EXIT_USAGE;
	}
	if (arguments->operand_count == 0)
		return print_list();
	for (const struct command *command = commands; command->name; command++) {
		if (!begins_with_word(command->name, word))
			continue;
		if (found)
			printf("\n");
		options_print_help(stdout, command);
		found = true;
	}
	if (!found)
		complain(arguments, "'%s' is not a command: expected one that 'wgxdp help' lists",
			 word);
	return found ? EXIT_SUCCESS : EXIT_USAGE;
}

static int print_version(const struct arguments *arguments)
{
	(void)arguments;
	printf("wgxdp %s\n", WGXDP_VERSION);
	return EXIT_SUCCESS;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct arguments arguments;

	switch (options_parse(&arguments, command, argc, argv)) {
	case OPTIONS_GOOD:
		return command->run(&arguments);
	case OPTIONS_HELP:
		options_print_help(stdout, command);
		return EXIT_SUCCESS;
	case OPTIONS_BAD:
		break;
	}
	return EXIT_USAGE;
}

static bool is_drop_in(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, DROP_IN_NAME) == 0;
}

int commands_run(int argc, char **argv)
{
	const char *second = "";

	if (argc > 0 && is_drop_in(argv[0]))
		return run(&drop_in_command, argc - 1, argv + 1);
	if (argc < 2) {
		complain_early("no command: expected one that 'wgxdp help' lists");
		return EXIT_USAGE;
	}
	/* "--help" and "--version" are what people try first */
	while (*argv[1] == '-')
		argv[1]++;
	for (const struct command *command = commands; command->name; command++) {
		int words = words_matched(command->name, argc - 1, argv + 1);

		if (words)
			return run(command, argc - 1 - words, argv + 1 + words);
		if (argc > 2 && begins_with_word(command->name, argv[1]))
			second = argv[2];
	}
	complain_early("'%s%s%s' is not a command: expected one that 'wgxdp help' lists", argv[1],
		       *second ? " " : "", second);
	return EXIT_USAGE;
}
