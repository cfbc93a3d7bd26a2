// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * doctor_firewall.c - would the host's own packet filter let a handshake in? Goes through the input chains of
 * `nft --json list ruleset` as a first UDP packet to the port would; what is not understood may match or not.
 * Rules of the old iptables are not in there, and transport packets never come to any. Contract: doctor.h.
 */
#include <cli/doctor.h>
#include <cli/quick.h>

#include <stdlib.h>
#include <string.h>

/* Deeper jumps are a loop, or not meant for us. */
enum { DEPTH_MAX = 16 };

enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

enum decision { UNDECIDED, ACCEPTED, DROPPED };

struct walk {
	const json_t *objects;
	uint16_t port;
	const char *interface;
	/* a rule that may match would have said so */
	bool may_accept, may_drop;
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool same_table(const json_t *a, const json_t *b)
{
	return strcmp(text_of(a, "family"), text_of(b, "family")) == 0 &&
	       strcmp(text_of(a, "table"), text_of(b, "table")) == 0;
}

/* ---- values -------------------------------------------------------------------------------------- */

static const json_t *find_set(const struct walk *walk, const json_t *rule, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach((json_t *)walk->objects, i, object)
	{
		const json_t *set = json_object_get(object, "set");

		if (set && same_table(set, rule) && strcmp(text_of(set, "name"), name) == 0)
			return json_object_get(set, "elem");
	}
	return NULL;
}

static bool has_port(const json_t *value, uint16_t port)
{
	const json_t *range = json_object_get(value, "range"), *one;
	const json_t *list = json_is_array(value) ? value : json_object_get(value, "set");
	size_t i;

	if (json_is_integer(value))
		return json_integer_value(value) == port;
	if (range)
		return json_integer_value(json_array_get(range, 0)) <= port &&
		       port <= json_integer_value(json_array_get(range, 1));
	json_array_foreach((json_t *)list, i, one)
	{
		const json_t *element = json_object_get(json_object_get(one, "elem"), "val");

		if (has_port(element ?: one, port))
			return true;
	}
	return false;
}

static enum match match_port(const struct walk *walk, const json_t *rule, const json_t *right)
{
	const char *name = json_string_value(right);

	if (!name)
		return has_port(right, walk->port) ? MATCH_YES : MATCH_NO;
	if (name[0] != '@')
		return MATCH_MAYBE;
	right = find_set(walk, rule, name + 1);
	/* an empty set has no elements at all */
	return right && has_port(right, walk->port) ? MATCH_YES : MATCH_NO;
}

static bool is_word(const char *word, const char *pattern)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '*')
		return strncmp(word, pattern, length - 1) == 0;
	return strcmp(word, pattern) == 0;
}

static enum match match_word(const json_t *right, const char *word)
{
	const json_t *list = json_is_array(right) ? right : json_object_get(right, "set"), *one;
	size_t i;

	if (json_is_string(right) && json_string_value(right)[0] != '@')
		return is_word(word, json_string_value(right)) ? MATCH_YES : MATCH_NO;
	if (!list)
		return MATCH_MAYBE;
	json_array_foreach((json_t *)list, i, one)
	{
		if (json_is_string(one) && is_word(word, json_string_value(one)))
			return MATCH_YES;
	}
	return MATCH_NO;
}

/* ---- rules --------------------------------------------------------------------------------------- */

static enum match match_payload(const struct walk *walk, const json_t *rule, const json_t *payload,
				const json_t *right)
{
	const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");

	if (strcmp(protocol, "udp") == 0 || strcmp(protocol, "th") == 0)
		return strcmp(field, "dport") == 0 ? match_port(walk, rule, right) : MATCH_MAYBE;
	if ((strcmp(protocol, "ip") == 0 && strcmp(field, "protocol") == 0) ||
	    (strcmp(protocol, "ip6") == 0 && strcmp(field, "nexthdr") == 0))
		return match_word(right, "udp");
	return MATCH_MAYBE;
}

/* Of another protocol than UDP, whatever is asked of it. */
static bool is_of_another_protocol(const json_t *payload)
{
	static const char *const others[] = {"tcp",  "icmp", "icmpv6", "sctp", "dccp",
					     "igmp", "esp",  "ah",     "comp"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(text_of(payload, "protocol"), others[i]) == 0)
			return true;
	}
	return false;
}

static enum match match_meta(const struct walk *walk, const char *key, const json_t *right)
{
	if (strcmp(key, "l4proto") == 0)
		return match_word(right, "udp");
	if (strcmp(key, "iif") != 0 && strcmp(key, "iifname") != 0)
		return MATCH_MAYBE;
	if (walk->interface)
		return match_word(right, walk->interface);
	/* whatever the interface is, it is not that one */
	return json_is_string(right) && strcmp(json_string_value(right), "lo") == 0 ? MATCH_NO
										    : MATCH_MAYBE;
}

static enum match match_expression(const struct walk *walk, const json_t *rule,
				   const json_t *expression)
{
	const json_t *left = json_object_get(expression, "left");
	const json_t *right = json_object_get(expression, "right");
	const json_t *payload = json_object_get(left, "payload");
	bool negated = strcmp(text_of(expression, "op"), "!=") == 0;
	enum match match = MATCH_MAYBE;

	if (payload && is_of_another_protocol(payload))
		return MATCH_NO;
	if (payload)
		match = match_payload(walk, rule, payload, right);
	else if (json_object_get(left, "meta"))
		match = match_meta(walk, text_of(json_object_get(left, "meta"), "key"), right);
	else if (strcmp(text_of(json_object_get(left, "ct"), "key"), "state") == 0)
		match = match_word(right, "new");
	return !negated || match == MATCH_MAYBE ? match : match == MATCH_YES ? MATCH_NO : MATCH_YES;
}

static enum decision walk_chain(struct walk *walk, const json_t *chain, bool for_sure, int depth);

static enum decision jump(struct walk *walk, const json_t *rule, const char *target, bool for_sure,
			  int depth)
{
	const json_t *object;
	size_t i;

	json_array_foreach((json_t *)walk->objects, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");

		if (chain && depth < DEPTH_MAX && same_table(chain, rule) &&
		    strcmp(text_of(chain, "name"), target) == 0)
			return walk_chain(walk, chain, for_sure, depth + 1);
	}
	return UNDECIDED;
}

/* What follows from a statement, if it is one that decides; `*returns`: the chain is left. */
static enum decision decide(struct walk *walk, const json_t *rule, const json_t *statement,
			    bool for_sure, int depth, bool *returns)
{
	const json_t *target = json_object_get(statement, "jump");
	bool accepts = json_object_get(statement, "accept");
	bool drops = json_object_get(statement, "drop") || json_object_get(statement, "reject");

	if (json_object_get(statement, "goto")) {
		*returns = for_sure;
		target = json_object_get(statement, "goto");
	}
	if (target)
		return jump(walk, rule, text_of(target, "target"), for_sure, depth);
	if (json_object_get(statement, "return"))
		*returns = for_sure;
	if (!for_sure) {
		walk->may_accept |= accepts;
		walk->may_drop |= drops;
		return UNDECIDED;
	}
	return accepts ? ACCEPTED : drops ? DROPPED : UNDECIDED;
}

static bool is_harmless(const json_t *statement)
{
	return json_object_get(statement, "counter") || json_object_get(statement, "log") ||
	       json_object_get(statement, "mangle");
}

static enum decision walk_rule(struct walk *walk, const json_t *rule, bool for_sure, int depth,
			       bool *returns)
{
	const json_t *statement;
	size_t i;

	json_array_foreach((json_t *)json_object_get(rule, "expr"), i, statement)
	{
		const json_t *expression = json_object_get(statement, "match");
		enum decision decision;

		if (expression) {
			enum match match = match_expression(walk, rule, expression);

			if (match == MATCH_NO)
				return UNDECIDED;
			for_sure &= match == MATCH_YES;
			continue;
		}
		decision = decide(walk, rule, statement, for_sure, depth, returns);
		if (decision != UNDECIDED || *returns)
			return decision;
		/* a limit, say */
		for_sure &= is_harmless(statement) || json_object_get(statement, "jump");
	}
	return UNDECIDED;
}

static enum decision walk_chain(struct walk *walk, const json_t *chain, bool for_sure, int depth)
{
	const json_t *object;
	size_t i;

	json_array_foreach((json_t *)walk->objects, i, object)
	{
		const json_t *rule = json_object_get(object, "rule");
		enum decision decision;
		bool returns = false;

		if (!rule || !same_table(rule, chain) ||
		    strcmp(text_of(rule, "chain"), text_of(chain, "name")) != 0)
			continue;
		decision = walk_rule(walk, rule, for_sure, depth, &returns);
		if (decision != UNDECIDED || returns)
			return decision;
	}
	return UNDECIDED;
}

/* ---- chains -------------------------------------------------------------------------------------- */

static enum firewall_answer ask_chain(const json_t *objects, const json_t *chain, uint16_t port,
				      const char *interface)
{
	struct walk walk = {.objects = objects, .port = port, .interface = interface};
	enum decision decision = walk_chain(&walk, chain, true, 0);

	if (decision == UNDECIDED)
		decision = strcmp(text_of(chain, "policy"), "drop") == 0 ? DROPPED : ACCEPTED;
	if (decision == ACCEPTED)
		return walk.may_drop ? FIREWALL_MAY_DROP : FIREWALL_PASSES;
	return walk.may_accept ? FIREWALL_MAY_DROP : FIREWALL_DROPS;
}

enum firewall_answer firewall_ask(const json_t *ruleset, uint16_t port, const char *interface,
				  char name[static 96])
{
	const json_t *objects = json_object_get(ruleset, "nftables"), *object;
	enum firewall_answer worst = FIREWALL_PASSES;
	size_t i;

	name[0] = '\0';
	json_array_foreach((json_t *)objects, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");
		enum firewall_answer answer;

		if (!chain || strcmp(text_of(chain, "hook"), "input") != 0 ||
		    strcmp(text_of(chain, "type"), "filter") != 0)
			continue;
		answer = ask_chain(objects, chain, port, interface);
		if (answer <= worst)
			continue;
		worst = answer;
		snprintf(name, 96, "%.7s %.40s %.40s", text_of(chain, "family"),
			 text_of(chain, "table"), text_of(chain, "name"));
	}
	return worst;
}

static json_t *read_ruleset(void)
{
	FILE *from = quick_has_program("nft") ? popen("nft --json list ruleset 2>/dev/null", "re")
					      : NULL;
	json_t *ruleset;

	if (!from)
		return NULL;
	ruleset = json_loadf(from, 0, NULL);
	if (pclose(from)) {
		json_decref(ruleset);
		return NULL;
	}
	return ruleset;
}

void doctor_firewall(struct findings *findings, const char *tunnel, uint16_t port,
		     const char *interface)
{
	struct finding *firewall = finding_add(findings, "firewall", tunnel);
	json_t *ruleset = read_ruleset();
	char chain[96];

	if (!ruleset) {
		snprintf(firewall->found, sizeof(firewall->found), "nft cannot be asked");
		firewall->state = FINDING_UNKNOWN;
		return;
	}
	switch (firewall_ask(ruleset, port, interface, chain)) {
	case FIREWALL_PASSES:
		snprintf(firewall->found, sizeof(firewall->found), "UDP port %u is open", port);
		break;
	case FIREWALL_MAY_DROP:
		snprintf(firewall->found, sizeof(firewall->found), "UDP port %u: not for everybody",
			 port);
		finding_advise(firewall, FINDING_ADVICE,
			       "see whether the chain %s lets in who is to come: nft list ruleset",
			       chain);
		break;
	case FIREWALL_DROPS:
		snprintf(firewall->found, sizeof(firewall->found), "UDP port %u is closed", port);
		finding_advise(firewall, FINDING_BAD, "nft insert rule %s udp dport %u accept",
			       chain, port);
		break;
	}
	json_decref(ruleset);
}
