// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_conf.c - a tunnel's file: what each line means, what is refused in which line, and that a file which is
 * printed and read again is the same. cli/conf_parse.c, cli/conf_print.c, cli/conf_sync.c.
 */
#include <cli/conf.h>
#include <cli/conf_sync.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
#define KEY_C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA="
#define PEER_B "[Peer]\nPublicKey = " KEY_B "\n"
#define PEER_C "[Peer]\nPublicKey = " KEY_C "\n"

static struct conf good(const char *text)
{
	struct conf_error error = {0};
	struct conf conf;

	cr_assert(conf_parse(text, strlen(text), &conf, &error), "line %u: %s", error.line,
		  error.text);
	return conf;
}

Test(conf, everything)
{
	struct conf conf =
		good("# my tunnel\n"
		     "[interface]\n"
		     "privatekey=" KEY_B " # secret\n"
		     "  ListenPort\t=\t51820  \r\n"
		     "FwMark = 0xca6c\n"
		     "Address = 10.0.0.1/24,fd00::1/64\n"
		     "address = 192.0.2.1\n"
		     "DNS = 1.1.1.1, fd00::53, example.org\n"
		     "MTU = 1380\n"
		     "Table = 77\n"
		     "PostUp = iptables -A FORWARD -i %i -j ACCEPT; echo a=b # not this\n"
		     "PostUp = second\n"
		     "PreDown = down\n"
		     "SaveConfig = true\n"
		     "\n"
		     "# Anna's phone\n"
		     "[Peer]\n"
		     "PublicKey = " KEY_B "\n"
		     "PresharedKey = " KEY_C "\n"
		     "AllowedIPs = 10.0.0.2/32, fd00::2\n"
		     "AllowedIPs = 10.7.8.9/16\n"
		     "Endpoint = [2001:db8::1]:51820\n"
		     "PersistentKeepalive = 25\n"
		     "[Peer]\n"
		     "# name = Bert # the elder\n"
		     "PublicKey = " KEY_C "\n"
		     "Endpoint = vpn.example.org:1\n"
		     "PersistentKeepalive = off\n"
		     "AllowedIPs =\n"
		     "[Interface]\n"
		     "PreUp = first");
	const struct peer_config *peers = conf.device.peers;

	cr_expect_eq(conf.device.listen_port, 51820);
	cr_expect_eq(conf.device.fwmark, 0xca6c);
	cr_expect_eq(conf.device.private_key[0], 0x04);
	cr_expect(conf.device.replace_peers);
	cr_assert_eq(conf.address_count, 3);
	cr_expect_eq(conf.addresses[0].address[3], 1, "host bits stay");
	cr_expect_eq(conf.addresses[1].prefix_length, 64);
	cr_expect_eq(conf.addresses[2].prefix_length, 32);
	cr_assert_eq(conf.dns_servers.count, 2);
	cr_assert_eq(conf.dns_domains.count, 1);
	cr_expect_str_eq(conf.dns_domains.items[0], "example.org");
	cr_expect_eq(conf.mtu, 1380);
	cr_expect_eq(conf.table, TABLE_NAMED);
	cr_expect_str_eq(conf.table_name, "77");
	cr_expect(conf.saves_itself);
	cr_assert_eq(conf.hooks[HOOK_POST_UP].count, 2);
	cr_expect_str_eq(conf.hooks[HOOK_POST_UP].items[0],
			 "iptables -A FORWARD -i %i -j ACCEPT; echo a=b");
	cr_assert_eq(conf.hooks[HOOK_PRE_UP].count, 1, "sections may come again");
	cr_expect_str_eq(conf.hooks[HOOK_PRE_UP].items[0], "first",
			 "the last line may lack its end");

	cr_assert_eq(conf.device.peer_count, 2);
	cr_expect_str_eq(peers[0].name, "Anna's phone");
	cr_expect(peers[0].replace_allowed_ips);
	cr_expect_eq(peers[0].allowed_ip_count, 3);
	cr_expect_eq(peers[0].allowed_ips[2].address[2], 0, "host bits go");
	cr_expect(peers[0].has_endpoint);
	cr_expect_eq(peers[0].keepalive, 25);
	cr_expect_str_eq(peers[1].name, "Bert # the elder");
	cr_expect_not(peers[1].has_endpoint, "a name is not resolved here");
	cr_expect_str_eq(peers[1].endpoint_name, "vpn.example.org:1");
	cr_expect(peers[1].has_keepalive);
	conf_free(&conf);
}

static void expect_names(const char *text, const char *first, const char *second)
{
	struct conf conf = good(text);

	cr_assert_eq(conf.device.peer_count, 2, "%s", text);
	cr_expect_str_eq(conf.device.peers[0].name, first, "'%s' in:\n%s",
			 conf.device.peers[0].name, text);
	cr_expect_str_eq(conf.device.peers[1].name, second, "'%s' in:\n%s",
			 conf.device.peers[1].name, text);
	conf_free(&conf);
}

Test(conf, names)
{
	char text[512], longest[PEER_NAME_MAX + 1];

	expect_names(PEER_B PEER_C, "", "");
	expect_names("# one\n" PEER_B "# two\n" PEER_C, "one", "two");
	expect_names("### begin one ###\n" PEER_B "# two\n\n" PEER_C, "begin one", "");
	expect_names(PEER_B "#name=one\n" PEER_C "# Name =  two \n", "", "two");
	expect_names(PEER_B "#name=one\nAllowedIPs =\n# two\n# not a name\n#name = 2\n" PEER_C,
		     "one", "2");
	expect_names("# one\n#\n" PEER_B "# two\n" PEER_C, "", "two");
	expect_names(PEER_B "#wgxdp Name = one\n" PEER_C "# named = no\n", "one", "");
	expect_names(PEER_B "# a\tb\n" PEER_C, "", "a?b");

	/* 62 bytes, and then a character of two */
	memset(longest, 'x', sizeof(longest));
	snprintf(text, sizeof(text), "# %.62s\u00e9\n" PEER_B PEER_C, longest);
	longest[62] = '\0';
	expect_names(text, longest, "");
}

Test(conf, refused)
{
	static const struct {
		unsigned int line;
		const char *text, *said;
	} rows[] = {
		{1, "PrivateKey = " KEY_A, "before the first section"},
		{1, "[Interfaces]", "expected [Interface] or [Peer]"},
		{2, "[Interface]\nPrivateKey", "expected KEY = VALUE"},
		{2, "[Interface]\nPrivateKey = x", "44 characters"},
		{2, "[Interface]\nPublicKey = " KEY_A, "expected PrivateKey, ListenPort"},
		{3, "[Interface]\n\nListenPort = 65536", "from 0 to 65535"},
		{2, "[Interface]\nListenPort = -1", "from 0 to 65535"},
		{2, "[Interface]\nFwMark = 0x100000000", "expected a mark"},
		{2, "[Interface]\nFwMark = no", "expected a mark"},
		{2, "[Interface]\nAddress = 10.0.0.1/33", "'10.0.0.1/33'"},
		{2, "[Interface]\nAddress = 10.0.0.1/24 10.0.0/8", "'10.0.0/8'"},
		{2, "[Interface]\nDNS = 1.1.1.1;rm", "expected an address or a domain"},
		{2, "[Interface]\nMTU = 67", "from 68"},
		{2, "[Interface]\nMTU = big", "from 68"},
		{2, "[Interface]\nTable =", "expected auto, off"},
		{2, "[Interface]\nTable = a b", "expected auto, off"},
		{2, "[Interface]\nSaveConfig = yes", "true or false"},
		{2, "[Interface]\nName = wg0", "expected PrivateKey"},
		{2, "[Interface]\n#wgxdp Nonsense = 1", "'Nonsense': expected Bind, ClampMSS"},
		{2, "[Interface]\nBind = 192.0.2.1", "'Bind': expected PrivateKey"},
		{2, "[Interface]\n#wgxdp Bind = 192.0.2.1, eth0", "'eth0': expected at most 8"},
		{2,
		 "[Interface]\n#wgxdp Bind = 1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 "
		 "1.0.0.8 1.0.0.9",
		 "'1.0.0.9': expected at most 8"},
		{2, "[Interface]\n#wgxdp ClampMSS = yes", "'yes': expected on, off"},
		{3, PEER_B "#wgxdp ClampMSS = on", "'ClampMSS': expected Name"},
		{1, "[Peer]", "no PublicKey"},
		{1, "[Peer]\nAllowedIPs = 10.0.0.0/8\n" PEER_B, "no PublicKey"},
		{3, PEER_B "Name = x\n[Peer]\n", "'Name'"},
		{3, PEER_B "ListenPort = 1", "expected PublicKey"},
		{3, PEER_B "PresharedKey = " KEY_A "=", "44 characters"},
		{3, PEER_B "AllowedIPs = 10.0.0.0/33", "at most 32"},
		{3, PEER_B "AllowedIPs = any", "'any'"},
		{3, PEER_B "Endpoint = 192.0.2.1", "HOST:PORT"},
		{3, PEER_B "Endpoint = 192.0.2.1:0", "HOST:PORT"},
		{3, PEER_B "Endpoint = 2001:db8::1:51820", "HOST:PORT"},
		{3, PEER_B "Endpoint = exa mple.org:1", "HOST:PORT"},
		{3, PEER_B "PersistentKeepalive = 65536", "65535"},
		{2, "[Peer]\nPublicKey = " KEY_B "x", "not a public key"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_error error = {0};
		struct conf conf;

		cr_expect_not(conf_parse(rows[i].text, strlen(rows[i].text), &conf, &error), "%s",
			      rows[i].text);
		cr_expect_eq(error.line, rows[i].line, "line %u of:\n%s", error.line, rows[i].text);
		cr_expect(strstr(error.text, rows[i].said), "'%s' of:\n%s", error.text,
			  rows[i].text);
		cr_expect_not(strstr(error.text, KEY_A), "a secret is repeated: %s", error.text);
	}
}

Test(conf, a_byte_of_zero_is_refused)
{
	struct conf_error error = {0};
	struct conf conf;

	cr_expect_not(conf_parse("[Interface]\nMTU = 1\0", 20, &conf, &error));
	cr_expect_eq(error.line, 2);
}

static char *print(const struct conf *conf, void (*how)(FILE *to, const struct conf *conf))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	how(to, conf);
	fclose(to);
	return text;
}

Test(conf, printed_and_read_again_is_the_same)
{
	struct conf first = good(
		"[Interface]\nPrivateKey = " KEY_B "\nListenPort = 7\nFwMark = 9\n"
		"Address = 10.0.0.1/24\nDNS = 1.1.1.1, example.org\nMTU = 1400\n"
		"Table = off\nPostUp = a\nPostDown = b\nSaveConfig = true\n"
		"#wgxdp Bind = 192.0.2.1, 2001:db8::1\n#wgxdp ClampMSS = 1300\n"
		"# one\n" PEER_B "Endpoint = a.example:5\nAllowedIPs = 10.0.0.0/8, ::/0\n" PEER_C
		"PresharedKey = " KEY_B "\nEndpoint = 192.0.2.1:5\nPersistentKeepalive = 3\n");
	char *once = print(&first, conf_print), *twice, *stripped = print(&first, conf_print_strip);
	struct conf second = good(once), strip = good(stripped);

	twice = print(&second, conf_print);
	cr_expect_str_eq(once, twice);
	cr_expect(strstr(once, "# name = one\n"));
	cr_expect(strstr(once, "#wgxdp Bind = 192.0.2.1\n#wgxdp Bind = 2001:db8::1\n"
			       "#wgxdp ClampMSS = 1300\n"));
	cr_expect_eq(second.device.bound_count, 2);
	cr_expect_eq(second.device.mss_limit, 1300);
	cr_expect(strstr(once, "Endpoint = a.example:5\n"));
	cr_expect_not(strstr(stripped, "Address"));
	cr_expect_not(strstr(stripped, "#"));
	cr_expect_eq(strip.device.peer_count, 2);
	conf_free(&first);
	conf_free(&second);
	conf_free(&strip);
	free(once);
	free(twice);
	free(stripped);
}

/* ---- what has to change -------------------------------------------------------------------------- */

static struct device_config difference(const char *before, const char *after, uint32_t mark)
{
	struct conf present = good(before), wanted = good(after);
	struct device_config change;

	cr_assert_eq(conf_difference(&present.device, &wanted.device, mark, &change), 0);
	conf_free(&present);
	conf_free(&wanted);
	return change;
}

Test(conf, the_same_changes_nothing)
{
	const char *text = "[Interface]\nPrivateKey = " KEY_B "\nListenPort = 7\n"
			   "#wgxdp Bind = 192.0.2.1\n#wgxdp ClampMSS = on\n# x\n" PEER_B
			   "AllowedIPs = 10.0.0.0/8, fd00::/8\nPersistentKeepalive = 5\n" PEER_C
			   "Endpoint = 192.0.2.1:1\n";
	struct device_config change = difference(text, text, 0);

	cr_expect_not(change.has_private_key);
	cr_expect_not(change.has_listen_port);
	cr_expect_not(change.has_fwmark);
	cr_expect_not(change.has_mss_limit);
	cr_expect_not(change.has_bound_addresses);
	cr_expect_not(change.replace_peers);
	cr_expect_eq(change.peer_count, 0);
	config_free(&change);
}

Test(conf, only_what_differs_changes)
{
	struct device_config change = difference(
		"[Interface]\nFwMark = 51820\n" PEER_B "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n"
		"PersistentKeepalive = 5\nPresharedKey = " KEY_C "\n",
		"[Interface]\nListenPort = 8\n" PEER_B "AllowedIPs = 10.2.0.0/16, 10.3.0.0/16\n",
		51820);
	const struct peer_config *peers = change.peers;

	cr_expect(change.has_listen_port);
	cr_expect_not(change.has_fwmark, "the mark was chosen by up");
	cr_assert_eq(change.peer_count, 2);
	cr_expect(peers[0].has_preshared_key);
	cr_expect_eq(peers[0].preshared_key[0], 0);
	cr_expect(peers[0].has_keepalive);
	cr_expect_eq(peers[0].keepalive, 0);
	cr_expect_not(peers[0].replace_allowed_ips);
	cr_assert_eq(peers[0].allowed_ip_count, 1);
	cr_expect_eq(peers[0].allowed_ips[0].address[1], 3);
	cr_expect_not(peers[0].allowed_ips[0].remove);
	cr_assert_eq(peers[1].allowed_ip_count, 1, "what is removed comes last");
	cr_expect_eq(peers[1].allowed_ips[0].address[1], 1);
	cr_expect(peers[1].allowed_ips[0].remove);
	config_free(&change);
}

Test(conf, what_the_file_does_not_say_is_as_by_default)
{
	struct device_config change = difference(
		"[Interface]\n#wgxdp Bind = 192.0.2.1\n#wgxdp ClampMSS = on\n", "[Interface]\n", 0);

	cr_expect(change.has_mss_limit && !change.mss_limit);
	cr_expect(change.has_bound_addresses && !change.bound_count);
	config_free(&change);
	change = difference("[Interface]\n#wgxdp Bind = 192.0.2.1\n",
			    "[Interface]\n#wgxdp Bind = 192.0.2.2\n#wgxdp ClampMSS = 700\n", 0);
	cr_expect(change.has_mss_limit && change.mss_limit == 700);
	cr_assert(change.has_bound_addresses && change.bound_count == 1);
	cr_expect_eq(change.bound_addresses[0].address[3], 2);
	config_free(&change);
}

Test(conf, a_prefix_moves_before_its_owner_goes)
{
	struct device_config change = difference(PEER_B "AllowedIPs = 10.0.0.0/8\n",
						 PEER_C "AllowedIPs = 10.0.0.0/8\n", 0);

	cr_assert_eq(change.peer_count, 2);
	cr_expect_not(change.peers[0].remove);
	cr_expect_eq(change.peers[0].allowed_ip_count, 1);
	cr_expect(change.peers[1].remove);
	config_free(&change);
}

Test(conf, of_a_peer_that_is_there_twice_the_last_counts)
{
	struct device_config change = difference(
		"", PEER_B "AllowedIPs = 10.0.0.0/8\n" PEER_B "AllowedIPs = 10.9.0.0/16\n", 0);

	cr_assert_eq(change.peer_count, 1);
	cr_assert_eq(change.peers[0].allowed_ip_count, 1);
	cr_expect_eq(change.peers[0].allowed_ips[0].address[1], 9);
	config_free(&change);
}
