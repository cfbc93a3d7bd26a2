// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * quick_host.c - what a tunnel's file changes of the host beside the tunnel itself (quick.h): who resolves names, and,
 * when everything is to go through the tunnel, rules and a firewall.
 *
 * A default route stands in a table of its own. The main table is looked at first, but for its default routes; then
 * that table, but for packets with the tunnel's mark, which are its own. The firewall drops what comes in by another
 * way for the tunnel's addresses, which would tell a stranger whether somebody has them (CVE-2019-14899), and gives
 * the answers to the tunnel's packets their mark, so that a strict reverse path filter lets them in.
 */
#include <cli/quick.h>
#include <cli/tunnel.h>
#include <datapath/netlink_policy.h>
#include <util/encoding.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIREWALL_PREFIX "wgxdp-"
/* Strict filters look up an answer's sender with its mark, too. */
#define MARK_SWITCH "/proc/sys/net/ipv4/conf/all/src_valid_mark"

/* ---- what is needed ------------------------------------------------------------------------------ */

bool quick_takes_everything(const struct conf *conf, enum address_family family)
{
	if (conf->table != TABLE_AUTO)
		return false;
	for (size_t i = 0; i < conf->device.peer_count; i++) {
		const struct peer_config *peer = &conf->device.peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			if (peer->allowed_ips[j].prefix_length == 0 &&
			    peer->allowed_ips[j].family == family)
				return true;
		}
	}
	return false;
}

static bool has_firewall_program(const struct conf *conf)
{
	return quick_has_program("nft") || ((!quick_takes_everything(conf, FAMILY_IPV4) ||
					     quick_has_program("iptables-restore")) &&
					    (!quick_takes_everything(conf, FAMILY_IPV6) ||
					     quick_has_program("ip6tables-restore")));
}

bool quick_check_programs(const struct arguments *arguments, const struct conf *conf)
{
	if (conf->dns_servers.count + conf->dns_domains.count && !quick_has_program("resolvconf")) {
		complain(arguments,
			 "DNS: there is no resolvconf on this host: expected the package "
			 "openresolv or systemd-resolved, or a file without DNS");
		return false;
	}
	if (!has_firewall_program(conf)) {
		complain(arguments, "a default route needs a firewall: expected nft, or "
				    "iptables-restore and ip6tables-restore");
		return false;
	}
	return true;
}

/* ---- text for programs --------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t length;
	FILE *to;
};

static bool text_open(struct text *text)
{
	*text = (struct text){0};
	text->to = open_memstream(&text->bytes, &text->length);
	return text->to != NULL;
}

/* Runs the program with the text, and frees that. */
static bool text_run(const struct arguments *arguments, struct text *text, const char *const *argv)
{
	bool good = !fclose(text->to);

	if (!good)
		complain(arguments, "out of memory");
	good = good && quick_run(arguments, argv, text->bytes);
	free(text->bytes);
	return good;
}

/* ---- DNS ----------------------------------------------------------------------------------------- */

/* resolvconf orders its interfaces by their prefix, when it is told to: Debian's has a list of them. */
static void resolvconf_name(char name[64], const char *tunnel)
{
	FILE *order = fopen("/etc/resolvconf/interface-order", "re");
	char line[32] = "", prefix[32] = "";

	while (order && !*prefix && fgets(line, sizeof(line), order)) {
		size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789-");

		if (length && line[length] == '*' && line[length + 1] == '\n')
			snprintf(prefix, sizeof(prefix), "%.*s.", (int)length, line);
	}
	if (order)
		fclose(order);
	snprintf(name, 64, "%s%s", prefix, tunnel);
}

bool quick_set_dns(const struct arguments *arguments, const char *name, const struct conf *conf)
{
	char record[64];
	const char *const argv[] = {"resolvconf", "-a", record, "-m", "0", "-x", NULL};
	struct text text;

	resolvconf_name(record, name);
	if (!text_open(&text)) {
		complain(arguments, "out of memory");
		return false;
	}
	for (size_t i = 0; i < conf->dns_servers.count; i++)
		fprintf(text.to, "nameserver %s\n", conf->dns_servers.items[i]);
	for (size_t i = 0; i < conf->dns_domains.count; i++)
		fprintf(text.to, "%s%s", i ? " " : "search ", conf->dns_domains.items[i]);
	if (conf->dns_domains.count)
		fprintf(text.to, "\n");
	return text_run(arguments, &text, argv);
}

bool quick_unset_dns(const struct arguments *arguments, const char *name)
{
	char record[64];
	const char *const argv[] = {"resolvconf", "-d", record, "-f", NULL};

	resolvconf_name(record, name);
	return quick_run(arguments, argv, NULL);
}

/* ---- firewall ------------------------------------------------------------------------------------ */

static bool has_rules(const struct quick_record *record, enum address_family family)
{
	return family == FAMILY_IPV4 ? record->has_ipv4_rules : record->has_ipv6_rules;
}

static const char *nft_family(enum address_family family)
{
	return family == FAMILY_IPV4 ? "ip" : "ip6";
}

static void print_nft_table(FILE *to, enum address_family family, const char *name,
			    const struct conf *conf, uint32_t mark)
{
	const char *nft = nft_family(family);

	fprintf(to,
		"table %s " FIREWALL_PREFIX "%s {\n\tchain from_elsewhere {\n"
		"\t\ttype filter hook prerouting priority -300;\n",
		nft, name);
	for (size_t i = 0; i < conf->address_count; i++) {
		char address[ADDRESS_TEXT_LENGTH];

		if (conf->addresses[i].family != family)
			continue;
		address_to_text(address, family, conf->addresses[i].address);
		fprintf(to, "\t\tiifname != \"%s\" %s daddr %s fib saddr type != local drop\n",
			name, nft, address);
	}
	fprintf(to,
		"\t}\n\tchain mark_answers {\n\t\ttype filter hook prerouting priority -150;\n"
		"\t\tmeta l4proto udp meta mark set ct mark\n\t}\n"
		"\tchain keep_mark {\n\t\ttype filter hook postrouting priority -150;\n"
		"\t\tmeta l4proto udp meta mark %u ct mark set meta mark\n\t}\n}\n",
		mark);
}

static void print_iptables(FILE *to, enum address_family family, const char *name,
			   const struct conf *conf, uint32_t mark)
{
	fprintf(to, "*raw\n:" FIREWALL_PREFIX "%s - [0:0]\n", name);
	for (size_t i = 0; i < conf->address_count; i++) {
		char address[ADDRESS_TEXT_LENGTH];

		if (conf->addresses[i].family != family)
			continue;
		address_to_text(address, family, conf->addresses[i].address);
		fprintf(to,
			"-A " FIREWALL_PREFIX "%s ! -i %s -d %s -m addrtype ! --src-type LOCAL -j "
			"DROP\n",
			name, name, address);
	}
	fprintf(to,
		"-I PREROUTING -j " FIREWALL_PREFIX "%s\nCOMMIT\n"
		"*mangle\n:" FIREWALL_PREFIX "%s - [0:0]\n:" FIREWALL_PREFIX "%s-out - [0:0]\n"
		"-A " FIREWALL_PREFIX "%s -p udp -j CONNMARK --restore-mark\n"
		"-A " FIREWALL_PREFIX "%s-out -p udp -m mark --mark %u -j CONNMARK --save-mark\n"
		"-I PREROUTING -j " FIREWALL_PREFIX "%s\n"
		"-I POSTROUTING -j " FIREWALL_PREFIX "%s-out\nCOMMIT\n",
		name, name, name, name, name, mark, name, name);
}

static void print_iptables_removal(FILE *to, const char *name)
{
	fprintf(to,
		"*raw\n-D PREROUTING -j " FIREWALL_PREFIX "%s\n"
		"-F " FIREWALL_PREFIX "%s\n-X " FIREWALL_PREFIX "%s\nCOMMIT\n"
		"*mangle\n-D PREROUTING -j " FIREWALL_PREFIX "%s\n"
		"-D POSTROUTING -j " FIREWALL_PREFIX "%s-out\n"
		"-F " FIREWALL_PREFIX "%s\n-X " FIREWALL_PREFIX "%s\n"
		"-F " FIREWALL_PREFIX "%s-out\n-X " FIREWALL_PREFIX "%s-out\nCOMMIT\n",
		name, name, name, name, name, name, name, name, name);
}

static const char *const nft[] = {"nft", "-f", "-", NULL};
static const char *const iptables[] = {"iptables-restore", "-n", NULL};
static const char *const ip6tables[] = {"ip6tables-restore", "-n", NULL};

/* `conf` NULL: takes it away. */
static bool change_firewall(const struct arguments *arguments, const char *name,
			    const struct conf *conf, const struct quick_record *record)
{
	static const enum address_family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	bool has_nft = quick_has_program("nft"), good = true;

	for (int i = 0; i < 2; i++) {
		enum address_family family = families[i];
		struct text text;

		if (!has_rules(record, family))
			continue;
		if (!text_open(&text)) {
			complain(arguments, "out of memory");
			return false;
		}
		if (has_nft && conf)
			print_nft_table(text.to, family, name, conf, record->mark);
		else if (has_nft)
			/* made first, so that it is no fault when there is none */
			fprintf(text.to,
				"table %s " FIREWALL_PREFIX "%s\ndelete table %s " FIREWALL_PREFIX
				"%s\n",
				nft_family(family), name, nft_family(family), name);
		else if (conf)
			print_iptables(text.to, family, name, conf, record->mark);
		else
			print_iptables_removal(text.to, name);
		good &= text_run(arguments, &text,
				 has_nft                 ? nft
				 : family == FAMILY_IPV4 ? iptables
							 : ip6tables);
	}
	return good;
}

static bool let_marks_count(const struct arguments *arguments)
{
	FILE *to = fopen(MARK_SWITCH, "we");
	bool good = to && fputs("1", to) >= 0;

	good = to && !fclose(to) && good;
	if (!good)
		complain(arguments, "cannot write " MARK_SWITCH ": %s", strerror(errno));
	return good;
}

bool quick_set_firewall(const struct arguments *arguments, const char *name,
			const struct conf *conf, const struct quick_record *record)
{
	return (!record->has_ipv4_rules || let_marks_count(arguments)) &&
	       change_firewall(arguments, name, conf, record);
}

bool quick_remove_firewall(const struct arguments *arguments, const char *name,
			   const struct quick_record *record)
{
	return change_firewall(arguments, name, NULL, record);
}

/* ---- rules --------------------------------------------------------------------------------------- */

bool quick_add_rules(const struct arguments *arguments, const struct host *host,
		     const struct quick_record *record)
{
	static const enum address_family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	int error = 0;

	for (int i = 0; i < 2 && !error; i++) {
		if (!has_rules(record, families[i]))
			continue;
		error = netlink_add_mark_rule(host->netlink, families[i], record->mark);
		if (!error)
			error = netlink_add_main_rule(host->netlink, families[i]);
	}
	if (error)
		complain(arguments, "the rules for a default route cannot be made: %s",
			 strerror(-error));
	return !error;
}

void quick_remove_rules(const struct host *host, const struct quick_record *record)
{
	static const enum address_family families[] = {FAMILY_IPV4, FAMILY_IPV6};

	for (int i = 0; i < 2; i++) {
		/* the second is the same for every tunnel: one of them is ours, if the first was there */
		if (has_rules(record, families[i]) &&
		    !netlink_remove_mark_rule(host->netlink, families[i], record->mark))
			netlink_remove_main_rule(host->netlink, families[i]);
	}
}

/* ---- and back ------------------------------------------------------------------------------------ */

bool quick_undo(const struct arguments *arguments, const struct host *host, const char *name,
		const struct quick_record *record)
{
	bool good = true;

	quick_remove_rules(host, record);
	if (record->has_firewall)
		good &= quick_remove_firewall(arguments, name, record);
	if (record->has_dns)
		good &= quick_unset_dns(arguments, name);
	return good;
}
