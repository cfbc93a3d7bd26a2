// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_doctor.c - what `wgxdp doctor` makes of machines we have not, and of packet filters (cli/doctor.h). The
 * rule sets are as `nft --json list ruleset` prints them.
 */
#include <stdlib.h>
#include <string.h>

#include <cli/doctor.h>
#include <criterion/criterion.h>

static struct findings findings;

/* A machine that has nothing to complain of. */
static struct hardware good(void)
{
	return (struct hardware){
		.name = "eth0",
		.driver = "ice",
		.mtu = 1500,
		.queues = 8,
		.hashes_udp4 = HARDWARE_YES,
		.hashes_udp6 = HARDWARE_YES,
		.lro = HARDWARE_NO,
		.gro_hw = HARDWARE_NO,
		.xdp = HARDWARE_YES,
		.xdp_redirect = HARDWARE_YES,
	};
}

static const struct finding *find(const char *check)
{
	for (size_t i = 0; i < findings.count; i++) {
		if (strcmp(findings.list[i].check, check) == 0)
			return &findings.list[i];
	}
	cr_assert_fail("%s was not looked at", check);
	return NULL;
}

static void expect(const struct hardware *hardware, const char *check, enum finding_state state,
		   const char *advice)
{
	const struct finding *finding;

	findings.count = 0;
	doctor_interface(&findings, hardware, 8, 1420);
	finding = find(check);
	cr_expect_eq(finding->state, state, "%s: %s", check, finding->found);
	cr_expect(strstr(finding->advice, advice), "%s: %s", check, finding->advice);
	cr_expect_eq(finding->advice[0] != '\0', state == FINDING_ADVICE || state == FINDING_BAD,
		     "%s: %s", check, finding->advice);
	cr_expect_neq(finding->found[0], '\0', "%s", check);
}

Test(doctor, nothing_to_do)
{
	const struct hardware hardware = good();

	findings.count = 0;
	doctor_interface(&findings, &hardware, 8, 1420);
	cr_expect_eq(findings.count, 8);
	for (size_t i = 0; i < findings.count; i++)
		cr_expect_eq(findings.list[i].state, FINDING_GOOD, "%s", findings.list[i].check);
}

#define EXPECT(change, check, state, advice)                                                       \
	do {                                                                                       \
		struct hardware hardware = good();                                                 \
                                                                                                   \
		change;                                                                            \
		expect(&hardware, check, state, advice);                                           \
	} while (0)

Test(doctor, interfaces)
{
	EXPECT(hardware.is_loopback = true, "driver", FINDING_BAD, "the interface that packets");
	EXPECT(hardware.driver[0] = '\0', "driver", FINDING_UNKNOWN, "");
	EXPECT(hardware.xdp = HARDWARE_NO, "xdp", FINDING_ADVICE, "whose driver has XDP");
	EXPECT(hardware.xdp = HARDWARE_UNKNOWN, "xdp", FINDING_UNKNOWN, "");
	EXPECT(hardware.program = 7, "xdp", FINDING_BAD, "ip link set dev eth0 xdp off");
	EXPECT(hardware.program = 7; hardware.program_is_ours = true, "xdp", FINDING_GOOD, "");
	EXPECT(hardware.program = 7; hardware.program_is_ours = hardware.program_is_generic = true,
				     "xdp", FINDING_ADVICE, "--mode native");
	EXPECT(hardware.program = 7; hardware.xdp_redirect = HARDWARE_NO;
	       hardware.program_is_ours = hardware.program_is_generic = true, "xdp", FINDING_GOOD,
	       "");
	EXPECT(hardware.xdp_redirect = HARDWARE_NO, "xdp", FINDING_ADVICE, "it works");
	EXPECT(hardware.mtu = 1499, "mtu", FINDING_ADVICE, "an MTU of 1419");
	EXPECT(hardware.mtu = 9000, "mtu", FINDING_ADVICE, "mtu 3498");
	EXPECT(hardware.mtu = 9000; hardware.program = 7;
	       hardware.program_is_ours = true, "mtu", FINDING_ADVICE, "wgxdp detach eth0");
	EXPECT(hardware.mtu = 9000; hardware.program = 7;
	       hardware.program_is_ours = hardware.program_is_generic = true, "mtu", FINDING_GOOD,
	       "");
	EXPECT(hardware.queues = 1, "queues", FINDING_ADVICE, "ethtool -L eth0 combined 8");
	EXPECT(hardware.queues = 0, "queues", FINDING_UNKNOWN, "");
	EXPECT(hardware.hashes_udp4 = HARDWARE_NO, "hash-udp4", FINDING_ADVICE,
	       "ethtool -N eth0 rx-flow-hash udp4 sdfn");
	EXPECT(hardware.hashes_udp6 = HARDWARE_NO, "hash-udp6", FINDING_ADVICE, "udp6 sdfn");
	/* with one queue there is nothing to choose */
	EXPECT(hardware.hashes_udp4 = HARDWARE_NO;
	       hardware.queues = 1, "hash-udp4", FINDING_GOOD, "");
	EXPECT(hardware.hashes_udp4 = HARDWARE_UNKNOWN, "hash-udp4", FINDING_UNKNOWN, "");
	EXPECT(hardware.lro = HARDWARE_YES, "lro", FINDING_ADVICE, "ethtool -K eth0 lro off");
	EXPECT(hardware.gro_hw = HARDWARE_YES, "gro-hw", FINDING_ADVICE, "rx-gro-hw off");
}

Test(doctor, clocks)
{
	cr_expect(doctor_clock_is_fast("tsc") && doctor_clock_is_fast("kvm-clock"));
	cr_expect(!doctor_clock_is_fast("hpet") && !doctor_clock_is_fast("acpi_pm"));
}

/* ---- packet filters ------------------------------------------------------------------------------- */

#define MATCH(op, left, right)                                                                     \
	"{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}}"
#define DPORT(protocol) "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"dport\"}}"
#define META(key) "{\"meta\":{\"key\":\"" key "\"}}"
#define STATE "{\"ct\":{\"key\":\"state\"}}"
#define SOURCE "{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}}"
#define UDP(right) MATCH("==", DPORT("udp"), right)
#define ACCEPT "{\"accept\":null}"
#define DROP "{\"drop\":null}"
#define REJECT "{\"reject\":{\"type\":\"icmpx\",\"expr\":\"port-unreachable\"}}"

static enum firewall_answer ask(const char *policy, const char *interface, const char *const *rules)
{
	enum firewall_answer answer;
	char text[6000], name[96];
	json_t *ruleset;
	size_t length;

	length = (size_t)snprintf(
		text, sizeof(text),
		"{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}},"
		"{\"set\":{\"family\":\"inet\",\"name\":\"ports\",\"table\":\"t\",\"elem\":[22,{\"range\":[51000,52000]}]}},"
		"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"more\"}},"
		"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"more\",\"expr\":[" UDP(
			"51820") "," ACCEPT
				 "]}},{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"in\",\"type\":\"filter\","
				 "\"hook\":\"input\",\"prio\":0,\"policy\":\"%s\"}}",
		policy);
	for (; *rules; rules++)
		length += (size_t)snprintf(
			text + length, sizeof(text) - length,
			",{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"in\",\"expr\":[%s]}}",
			*rules);
	snprintf(text + length, sizeof(text) - length, "]}");
	ruleset = json_loads(text, 0, NULL);
	cr_assert_not_null(ruleset, "%s", text);
	answer = firewall_ask(ruleset, 51820, interface, name);
	cr_expect_str_eq(name, answer == FIREWALL_PASSES ? "" : "inet t in");
	json_decref(ruleset);
	return answer;
}

#define ASK(policy, interface, expected, ...)                                                      \
	cr_expect_eq(ask(policy, interface,                                                        \
			 (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}),                  \
		     expected, "%s: %s", policy, #__VA_ARGS__)

Test(doctor, firewalls)
{
	ASK("accept", NULL, FIREWALL_PASSES);
	ASK("drop", NULL, FIREWALL_DROPS);
	ASK("drop", NULL, FIREWALL_PASSES, UDP("51820") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS, UDP("51821") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_PASSES,
	    UDP("{\"set\":[53,{\"range\":[51000,52000]}]}") ",{\"counter\":{}}," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS,
	    UDP("{\"set\":[53,{\"range\":[51000,51819]}]}") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_PASSES, UDP("\"@ports\"") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS, UDP("\"@others\"") "," ACCEPT);
	ASK("accept", NULL, FIREWALL_DROPS, UDP("51820") "," DROP);
	ASK("accept", NULL, FIREWALL_DROPS, MATCH("!=", DPORT("udp"), "51821") "," REJECT);
	ASK("accept", NULL, FIREWALL_PASSES, MATCH("==", DPORT("tcp"), "51820") "," DROP);
	ASK("drop", NULL, FIREWALL_PASSES,
	    MATCH("==", META("l4proto"), "{\"set\":[\"tcp\",\"udp\"]}") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS, MATCH("==", META("l4proto"), "\"icmp\"") "," ACCEPT);
	/* a first packet is new: what is established says nothing of it */
	ASK("drop", NULL, FIREWALL_DROPS,
	    MATCH("in", STATE, "[\"established\",\"related\"]") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_PASSES, MATCH("in", STATE, "[\"new\",\"related\"]") "," ACCEPT);
	ASK("accept", NULL, FIREWALL_PASSES, MATCH("in", STATE, "\"invalid\"") "," DROP);
	/* interfaces: loopback is never ours; another is, or is not, when ours is known */
	ASK("drop", NULL, FIREWALL_DROPS, MATCH("==", META("iif"), "\"lo\"") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_MAY_DROP, MATCH("==", META("iifname"), "\"eth0\"") "," ACCEPT);
	ASK("drop", "eth0", FIREWALL_PASSES, MATCH("==", META("iifname"), "\"eth*\"") "," ACCEPT);
	ASK("drop", "eth1", FIREWALL_DROPS, MATCH("==", META("iifname"), "\"eth0\"") "," ACCEPT);
	/* what may be so or not */
	ASK("drop", NULL, FIREWALL_MAY_DROP, MATCH("==", SOURCE, "\"192.0.2.1\"") "," ACCEPT);
	ASK("accept", NULL, FIREWALL_MAY_DROP, MATCH("==", SOURCE, "\"192.0.2.1\"") "," DROP);
	ASK("accept", NULL, FIREWALL_MAY_DROP, "{\"limit\":{\"rate\":5,\"per\":\"second\"}}," DROP);
	ASK("drop", NULL, FIREWALL_PASSES, "{\"log\":{\"prefix\":\"x\"}}," ACCEPT);
	/* other chains, and the order of rules */
	ASK("drop", NULL, FIREWALL_PASSES, "{\"jump\":{\"target\":\"more\"}}");
	ASK("drop", NULL, FIREWALL_MAY_DROP,
	    MATCH("==", SOURCE, "\"192.0.2.1\"") ",{\"jump\":{\"target\":\"more\"}}");
	ASK("drop", NULL, FIREWALL_DROPS, "{\"jump\":{\"target\":\"none\"}}");
	ASK("drop", NULL, FIREWALL_DROPS, UDP("51820") "," DROP, UDP("51820") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS, "{\"return\":null}", UDP("51820") "," ACCEPT);
	ASK("drop", NULL, FIREWALL_DROPS, "{\"goto\":{\"target\":\"none\"}}",
	    UDP("51820") "," ACCEPT);
}
