/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * doctor.h - what `wgxdp doctor` found: one finding a check, with what to do about it. Reading the machine and
 * judging what was read are functions of their own, so that the judging can be tested with machines we have not.
 */
#ifndef WGXDP_CLI_DOCTOR_H
#define WGXDP_CLI_DOCTOR_H

#include <datapath/hardware.h>
#include <jansson.h>
#include <stdio.h>

enum finding_state {
	FINDING_GOOD,
	/* it works, but it could work better */
	FINDING_ADVICE,
	/* it does not work until something is done */
	FINDING_BAD,
	/* it cannot be told here */
	FINDING_UNKNOWN,
};

struct finding {
	enum finding_state state;
	const char *check;
	/* the interface or tunnel it is about, or "" */
	char subject[16];
	char found[160];
	/* what to do; "" when nothing is to be done */
	char advice[256];
};

enum { FINDINGS_MAX = 512 };

struct findings {
	size_t count;
	struct finding list[FINDINGS_MAX];
};

/* A new one, GOOD and without words; the last one again when there is no room. */
struct finding *finding_add(struct findings *findings, const char *check, const char *subject);
/* Sets state and advice. */
void finding_advise(struct finding *finding, enum finding_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- doctor_host.c ---- */

void doctor_host(struct findings *findings);
/* "tsc", "hpet": whether reading that clock with every packet costs next to nothing. */
bool doctor_clock_is_fast(const char *clock);

/* ---- doctor_interface.c ---- */

/* `tunnel_mtu`: of the largest tunnel that is to go over it. */
void doctor_interface(struct findings *findings, const struct hardware *hardware, unsigned int cpus,
		      uint32_t tunnel_mtu);

/* ---- doctor_firewall.c ---- */

enum firewall_answer { FIREWALL_PASSES, FIREWALL_MAY_DROP, FIREWALL_DROPS };

/* What becomes of a first UDP packet to this port by the input chains of `nft -j list ruleset`; `interface` it
 * comes by, or NULL. `chain` gets the name of the one that drops: "inet filter input". Best effort: a rule that is
 * not understood may match or not. */
enum firewall_answer firewall_ask(const json_t *ruleset, uint16_t port, const char *interface,
				  char chain[static 96]);
void doctor_firewall(struct findings *findings, const char *tunnel, uint16_t port,
		     const char *interface);

#endif
