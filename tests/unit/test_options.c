// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_options.c - command lines against their tables (cli/options.h), the values people write (cli/input.h),
 * and the commands' own table as it is.
 *
 * stderr is caught in a file, so that every refusal is seen to name what was wrong, in one line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/input.h>
#include <criterion/criterion.h>
#include <util/encoding.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX 10

/* A label has at most 63 characters: the resolver need not ask anybody. */
#define NO_NAME "a123456789b123456789c123456789d123456789e123456789f123456789g123"

static const struct option_spec options[] = {
	{"tunnel", 0, false, "NAME", "which"},
	{"foreground", 'f', false, NULL, "stay"},
	{"address", 0, true, "CIDR", "several"},
	{0},
};

static const struct command one_operand = {"try", "IFACE", "for tests", options, NULL};
static const struct command perhaps_one = {"try", "[IFACE]", "for tests", options, NULL};
static const struct command no_options = {"try", "", "for tests", NULL, NULL};

/* ---- what a refusal says -------------------------------------------------------------------------- */

static FILE *caught;
static int true_stderr;

static void catch_stderr(void)
{
	caught = tmpfile();
	fflush(stderr);
	true_stderr = dup(STDERR_FILENO);
	dup2(fileno(caught), STDERR_FILENO);
}

static void release_stderr(char *text, size_t size)
{
	size_t length;

	fflush(stderr);
	dup2(true_stderr, STDERR_FILENO);
	close(true_stderr);
	rewind(caught);
	length = fread(text, 1, size - 1, caught);
	text[length] = '\0';
	fclose(caught);
}

static void expect_said(const char *text, const char *expected, const char *row)
{
	cr_expect(strstr(text, expected), "'%s': \"%s\" does not say \"%s\"", row, text, expected);
	cr_expect(*text && strchr(text, '\n') == text + strlen(text) - 1, "'%s': not one line: %s",
		  row, text);
}

/* ---- the parser ----------------------------------------------------------------------------------- */

/* Splits at spaces, into memory of the caller's. */
static int split(char *line, char *words[WORDS_MAX])
{
	int count = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	return count;
}

Test(options, values_and_operands)
{
	static const char *const lines[] = {
		"eth0 --tunnel wg1 -f --address 1/2 --address 3/4",
		"--tunnel=wg1 --address=1/2 eth0 --address=3/4 --foreground",
		"-f --address 1/2 --address 3/4 --tunnel wg1 -- eth0",
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		char line[100], *words[WORDS_MAX];
		struct arguments arguments;
		int count;

		strcpy(line, lines[i]);
		count = split(line, words);
		cr_assert_eq(options_parse(&arguments, &one_operand, count, words), OPTIONS_GOOD,
			     "'%s'", lines[i]);
		cr_expect_eq(arguments.operand_count, 1);
		cr_expect_str_eq(arguments.operands[0], "eth0");
		cr_expect_str_eq(option_value(&arguments, "tunnel", 0), "wg1");
		cr_expect_null(option_value(&arguments, "tunnel", 1));
		cr_expect_not_null(option_value(&arguments, "foreground", 0));
		cr_expect_str_eq(option_value(&arguments, "address", 0), "1/2");
		cr_expect_str_eq(option_value(&arguments, "address", 1), "3/4");
		cr_expect_null(option_value(&arguments, "address", 2));
	}
}

Test(options, a_value_may_look_like_an_option)
{
	char *words[] = {"--tunnel", "-f", "--", "--tunnel"};
	struct arguments arguments;

	cr_assert_eq(options_parse(&arguments, &one_operand, 4, words), OPTIONS_GOOD);
	cr_expect_str_eq(option_value(&arguments, "tunnel", 0), "-f");
	cr_expect_null(option_value(&arguments, "foreground", 0));
	cr_expect_str_eq(arguments.operands[0], "--tunnel");
}

Test(options, an_operand_may_be_missing)
{
	struct arguments arguments;

	cr_assert_eq(options_parse(&arguments, &perhaps_one, 0, NULL), OPTIONS_GOOD);
	cr_expect_eq(arguments.operand_count, 0);
	cr_expect_null(arguments.operands[0]);
}

Test(options, help_is_everywhere)
{
	char *words[] = {"--help"}, *short_words[] = {"-h"};
	struct arguments arguments;

	cr_expect_eq(options_parse(&arguments, &one_operand, 1, words), OPTIONS_HELP);
	cr_expect_eq(options_parse(&arguments, &no_options, 1, short_words), OPTIONS_HELP);
}

Test(options, refusals)
{
	static const struct {
		const struct command *command;
		const char *line;
		const char *said;
	} rows[] = {
		{&one_operand, "", "expected IFACE"},
		{&one_operand, "eth0 eth1", "'eth1'"},
		{&one_operand, "eth0 --frob", "'--frob' is not an option: expected --tunnel"},
		{&one_operand, "eth0 --tunnels wg0", "'--tunnels'"},
		{&one_operand, "eth0 --tunne wg0", "'--tunne'"},
		{&one_operand, "eth0 -x", "'-x'"},
		{&one_operand, "eth0 -ff", "'-ff'"},
		{&one_operand, "eth0 --tunnel", "expected NAME"},
		{&one_operand, "eth0 --foreground=yes", "--foreground takes no value"},
		{&one_operand, "eth0 --tunnel a --tunnel b", "--tunnel is given twice"},
		{&one_operand, "eth0 -f --foreground", "--foreground is given twice"},
		{&no_options, "more", "'more' is too much: expected nothing"},
		{&no_options, "--tunnel wg0", "'--tunnel'"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[100], *words[WORDS_MAX], text[500];
		struct arguments arguments;
		enum options_result result;
		int count;

		strcpy(line, rows[i].line);
		count = split(line, words);
		catch_stderr();
		result = options_parse(&arguments, rows[i].command, count, words);
		release_stderr(text, sizeof(text));
		cr_expect_eq(result, OPTIONS_BAD, "'%s'", rows[i].line);
		expect_said(text, rows[i].said, rows[i].line);
	}
}

/* ---- values --------------------------------------------------------------------------------------- */

static const struct arguments no_arguments = {.command = &no_options};

/* One of the functions of input.h, by its first letters. */
static bool read_value(const char *kind, const char *text, struct peer_config *peer)
{
	uint64_t number;
	struct allowed_ip address;

	if (strcmp(kind, "key") == 0)
		return input_public_key(&no_arguments, text, peer->public_key);
	if (strcmp(kind, "key-file") == 0)
		return input_key_file(&no_arguments, text, false, peer->preshared_key);
	if (strcmp(kind, "port") == 0)
		return input_number(&no_arguments, "listen-port", text, 65535, &number);
	if (strcmp(kind, "keepalive") == 0)
		return input_keepalive(&no_arguments, text, &peer->keepalive);
	if (strcmp(kind, "address") == 0)
		return input_address(&no_arguments, text, &address);
	if (strcmp(kind, "allowed-ips") == 0)
		return input_prefixes(&no_arguments, "allowed-ips", text, peer);
	return input_endpoint(&no_arguments, text, peer);
}

Test(options, values_that_are_refused)
{
	static const struct {
		const char *kind;
		const char *text;
		const char *said;
	} rows[] = {
		{"key", "short", "'short' is not a public key: expected a key of 44"},
		{"key-file", "/nonexistent/key", "/nonexistent/key"},
		{"key-file", "/dev/null", "there is no key in /dev/null"},
		{"key-file", "/dev/zero", "there is no key in /dev/zero"},
		{"port", "65536", "--listen-port '65536': expected a number from 0 to 65535"},
		{"port", "-1", "'-1'"},
		{"port", "0x10000", "'0x10000'"},
		{"port", "0x", "'0x'"},
		{"port", "0x-1", "'0x-1'"},
		{"port", "0x0x1", "'0x0x1'"},
		{"port", "0x10000000000000001", "'0x10000000000000001'"},
		{"keepalive", "on", "--keepalive 'on': expected seconds"},
		{"keepalive", "65536", "'65536'"},
		{"address", "10.0.0.1/33", "--address '10.0.0.1/33'"},
		{"allowed-ips", "10.0.0.0/8,fd00::/129", "--allowed-ips 'fd00::/129'"},
		{"allowed-ips", "10.0.0.0/8,", "--allowed-ips ''"},
		{"allowed-ips", "10.0.0.0/8, 10.0.0.1", "--allowed-ips ' 10.0.0.1'"},
		{"endpoint", "host", "'host': expected HOST:PORT"},
		{"endpoint", "host:0", "'host:0'"},
		{"endpoint", "host:http", "'host:http'"},
		{"endpoint", ":51820", "':51820'"},
		{"endpoint", "2001:db8::1:51820", "[IPV6]:PORT"},
		{"endpoint", "no-such-host.invalid:51820",
		 "'no-such-host.invalid:51820': cannot resolve"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device_config config = {0};
		char text[500];
		bool good;

		catch_stderr();
		good = read_value(rows[i].kind, rows[i].text, config_add_peer(&config));
		release_stderr(text, sizeof(text));
		cr_expect_not(good, "%s '%s'", rows[i].kind, rows[i].text);
		expect_said(text, rows[i].said, rows[i].text);
		config_free(&config);
	}
}

Test(options, values_that_are_taken)
{
	struct device_config config = {0};
	struct peer_config *peer = config_add_peer(&config);
	uint64_t number;
	struct allowed_ip address = {0};

	cr_expect(input_number(&no_arguments, "fwmark", "0xFfffffff", UINT32_MAX, &number));
	cr_expect_eq(number, UINT32_MAX);
	cr_expect(input_keepalive(&no_arguments, "25", &peer->keepalive));
	cr_expect_eq(peer->keepalive, 25);
	cr_expect(input_keepalive(&no_arguments, "off", &peer->keepalive));
	cr_expect_eq(peer->keepalive, 0);
	cr_expect(input_address(&no_arguments, "10.0.0.1/24", &address));
	cr_expect_eq(address.address[3], 1, "an address keeps its host bits");
	cr_expect(input_prefixes(&no_arguments, "allowed-ips", "", peer));
	cr_expect_eq(peer->allowed_ip_count, 0);
	cr_expect(input_prefixes(&no_arguments, "allowed-ips", "10.0.0.1/24,fd00::2", peer));
	cr_expect_eq(peer->allowed_ip_count, 2);
	cr_expect_eq(peer->allowed_ips[0].address[3], 0, "an allowed IP does not");
	cr_expect_eq(peer->allowed_ips[1].prefix_length, 128);
	cr_expect(input_endpoint(&no_arguments, "localhost:51820", peer));
	cr_expect_eq(peer->endpoint.port[0] * 256 + peer->endpoint.port[1], 51820);
	cr_expect_neq(peer->endpoint.family, FAMILY_NONE);
	config_free(&config);
}

static bool read_key_text(const char *content, uint8_t key[static 32])
{
	FILE *file = tmpfile();
	char text[500];
	bool good;

	fputs(content, file);
	rewind(file);
	catch_stderr();
	good = input_key(&no_arguments, fileno(file), "the file", true, key);
	release_stderr(text, sizeof(text));
	cr_expect_eq(good, *text == '\0', "says something exactly when it refuses");
	cr_expect_null(strstr(text, "AAEC"), "a refused key is not shown: %s", text);
	fclose(file);
	return good;
}

Test(options, key_files)
{
	const char *key_text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	char content[200];
	uint8_t key[32] = {0};

	cr_expect(read_key_text(key_text, key));
	cr_expect_eq(key[31], 31);
	sprintf(content, "%s\r\n", key_text);
	cr_expect(read_key_text(content, key));
	sprintf(content, "%s\n%s\n", key_text, key_text);
	cr_expect_not(read_key_text(content, key), "two keys");
	sprintf(content, "%s%20s", key_text, "");
	cr_expect_not(read_key_text(content, key), "too long for a key file");
	cr_expect_not(read_key_text("AAEC", key));
	cr_expect_eq(key[31], 31, "a refused key leaves the result");
	cr_expect(read_key_text("\n", key), "an empty file is no key");
	cr_expect_eq(key[31], 0);
}

/* ---- the commands --------------------------------------------------------------------------------- */

static int run_line(const char *rest, char *text, size_t size)
{
	char line[100], *words[WORDS_MAX];
	int status;

	snprintf(line, sizeof(line), "wgxdp %s", rest);
	catch_stderr();
	status = commands_run(split(line, words), words);
	release_stderr(text, size);
	return status;
}

Test(options, command_lines_that_are_refused)
{
	static const struct {
		const char *line;
		int status;
		const char *said;
	} rows[] = {
		{"", 2, "no command"},
		{"frob", 2, "'frob' is not a command"},
		{"fr\nob", 2, "'fr?ob' is not a command"},
		{"attach eth0 --fr\033[1mob", 2, "'--fr?[1mob' is not an option"},
		{"attach eth0 --mode fa\nst", 1, "--mode 'fa?st': expected auto"},
		{"attachment eth0", 2, "'attachment' is not a command"},
		{"peer", 2, "'peer' is not a command"},
		{"peer frob", 2, "'peer frob' is not a command"},
		{"help frob", 2, "'frob'"},
		{"attach", 2, "expected IFACE"},
		{"attach eth0 --frob", 2, "'--frob'"},
		{"attach eth0 --mode fast", 1, "--mode 'fast': expected auto, native or generic"},
		{"attach eth0 --listen-port 70000", 1, "'70000'"},
		{"attach eth0 --fwmark x", 1, "--fwmark 'x'"},
		{"attach eth0 --address 10.0.0.0/40", 1, "'10.0.0.0/40'"},
		{"attach eth0 --tunnel sixteen-letters-", 1, "at most 15 characters"},
		{"attach eth0 --private-key /nonexistent", 1, "/nonexistent"},
		{"down a/b", 1, "expected a tunnel's name, or a file that is called NAME.conf"},
		{"peer add x", 1, "'x' is not a public key"},
		{"peer remove x --endpoint 1.2.3.4:5", 2, "'--endpoint'"},
		{"show no-tunnel", 1, "there is no tunnel no-tunnel"},
		{"genkey now", 2, "'now'"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[500];

		cr_expect_eq(run_line(rows[i].line, text, sizeof(text)), rows[i].status, "'%s'",
			     rows[i].line);
		expect_said(text, rows[i].said, rows[i].line);
	}
}

/* A command that is not found because another's name hides it, or without words for the help. */
Test(options, every_command_is_reachable_and_has_help)
{
	for (const struct command *command = commands; command->name; command++) {
		char line[100], text[500], help[8000] = "";
		FILE *to = fmemopen(help, sizeof(help), "w");

		/* what no command takes, so nothing happens */
		snprintf(line, sizeof(line), "%s --no-such-option", command->name);
		cr_expect_eq(run_line(line, text, sizeof(text)), 2);
		snprintf(line, sizeof(line), "wgxdp: %s: '--no-such-option'", command->name);
		expect_said(text, line, command->name);
		cr_expect(command->run && command->summary && command->operands);

		options_print_help(to, command);
		fclose(to);
		cr_expect(strstr(help, command->summary), "%s", command->name);
		for (const struct option_spec *option = command->options; option && option->name;
		     option++)
			cr_expect(strstr(help, option->name) && strstr(help, option->help),
				  "%s --%s", command->name, option->name);
	}
}

Test(options, kernels)
{
	cr_expect(environment_kernel_suffices("6.1.0-18-amd64"));
	cr_expect(environment_kernel_suffices("6.12.9"));
	cr_expect(environment_kernel_suffices("10.0"));
	cr_expect_not(environment_kernel_suffices("6.0.19"));
	cr_expect_not(environment_kernel_suffices("5.15.0-91-generic"));
	cr_expect_not(environment_kernel_suffices("rolling"));
}
