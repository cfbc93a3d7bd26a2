// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor_interface.c - an interface as an end of tunnels: judged by what hardware.h read. Contract: doctor.h. */
#include <cli/doctor.h>

#include <string.h>

enum {
	/* outer IPv6, UDP, the message's header and its tag */
	OUTER_LENGTH = 40 + 8 + 16 + 16,
};

static void judge_driver(struct findings *findings, const struct hardware *hardware)
{
	struct finding *driver = finding_add(findings, "driver", hardware->name);

	snprintf(driver->found, sizeof(driver->found), "%s",
		 hardware->driver[0] ? hardware->driver : "not told");
	if (!hardware->driver[0])
		driver->state = FINDING_UNKNOWN;
	if (!hardware->is_loopback)
		return;
	snprintf(driver->found, sizeof(driver->found), "the loopback interface");
	finding_advise(driver, FINDING_BAD, "name the interface that packets of peers come by");
}

static void judge_program(struct finding *xdp, const struct hardware *hardware)
{
	if (!hardware->program_is_ours) {
		snprintf(xdp->found, sizeof(xdp->found), "a foreign program, id %u, is attached",
			 hardware->program);
		finding_advise(
			xdp, FINDING_BAD,
			"bpftool prog show id %u says what it is; ip link set dev %s xdp off "
			"removes it",
			hardware->program, hardware->name);
	} else if (!hardware->program_is_generic) {
		snprintf(xdp->found, sizeof(xdp->found), "wgxdp is attached, native mode");
	} else {
		snprintf(xdp->found, sizeof(xdp->found), "wgxdp is attached, generic mode");
		if (hardware->xdp == HARDWARE_YES && !hardware_why_not_native(hardware))
			finding_advise(
				xdp, FINDING_ADVICE,
				"the driver can do native mode, which is faster: wgxdp detach "
				"%s, then wgxdp attach %s --mode native says what it minds",
				hardware->name, hardware->name);
	}
}

static void judge_xdp(struct findings *findings, const struct hardware *hardware)
{
	struct finding *xdp = finding_add(findings, "xdp", hardware->name);

	if (hardware->program) {
		judge_program(xdp, hardware);
	} else if (hardware_why_not_native(hardware)) {
		snprintf(xdp->found, sizeof(xdp->found), "generic mode only: %s",
			 hardware_why_not_native(hardware));
		finding_advise(xdp, FINDING_ADVICE, "it works; native mode is faster");
	} else if (hardware->xdp == HARDWARE_YES) {
		snprintf(xdp->found, sizeof(xdp->found), "the driver can do native mode");
	} else if (hardware->xdp == HARDWARE_NO) {
		snprintf(xdp->found, sizeof(xdp->found),
			 "generic mode only: the driver has no XDP");
		finding_advise(xdp, FINDING_ADVICE,
			       "it works; an interface whose driver has XDP is faster");
	} else {
		snprintf(xdp->found, sizeof(xdp->found),
			 "not told by this kernel: attach tries native mode first");
		xdp->state = FINDING_UNKNOWN;
	}
}

static void judge_mtu(struct findings *findings, const struct hardware *hardware,
		      uint32_t tunnel_mtu)
{
	struct finding *mtu = finding_add(findings, "mtu", hardware->name);

	snprintf(mtu->found, sizeof(mtu->found), "%u", hardware->mtu);
	if (tunnel_mtu + OUTER_LENGTH > hardware->mtu) {
		snprintf(mtu->found, sizeof(mtu->found), "%u, and a tunnel's is %u", hardware->mtu,
			 tunnel_mtu);
		finding_advise(mtu, FINDING_ADVICE,
			       "give the tunnel an MTU of %u, or its largest packets leave in "
			       "fragments, which take the slow way",
			       hardware->mtu > OUTER_LENGTH ? hardware->mtu - OUTER_LENGTH : 0);
	} else if (hardware->mtu > ONE_PAGE_MTU && hardware->program_is_ours) {
		/* in generic mode there is nothing to say against it */
		if (!hardware->program_is_generic)
			finding_advise(mtu, FINDING_ADVICE,
				       "wgxdp detach %s, then attach it again: the MTU was raised "
				       "since, and in native mode a driver may lose what is longer "
				       "than a page",
				       hardware->name);
	} else if (hardware->mtu > ONE_PAGE_MTU) {
		finding_advise(
			mtu, FINDING_ADVICE,
			"ip link set dev %s mtu %d: above that many drivers refuse native mode",
			hardware->name, ONE_PAGE_MTU);
	}
}

static void judge_queues(struct findings *findings, const struct hardware *hardware,
			 unsigned int cpus)
{
	struct finding *queues = finding_add(findings, "queues", hardware->name);

	if (!hardware->queues) {
		snprintf(queues->found, sizeof(queues->found), "not told");
		queues->state = FINDING_UNKNOWN;
		return;
	}
	snprintf(queues->found, sizeof(queues->found), "%u for %u CPUs", hardware->queues, cpus);
	if (hardware->queues == 1 && cpus > 1)
		finding_advise(
			queues, FINDING_ADVICE,
			"ethtool -L %s combined %u, if the hardware has them: one queue keeps "
			"all decryption on one CPU",
			hardware->name, cpus);
}

static void judge_hash(struct findings *findings, const struct hardware *hardware,
		       const char *check, enum hardware_answer hashes, const char *flow)
{
	struct finding *hash = finding_add(findings, check, hardware->name);

	if (hashes == HARDWARE_UNKNOWN) {
		snprintf(hash->found, sizeof(hash->found), "not told");
		hash->state = FINDING_UNKNOWN;
		return;
	}
	snprintf(hash->found, sizeof(hash->found), "by addresses%s",
		 hashes == HARDWARE_YES ? " and ports" : " alone");
	if (hashes == HARDWARE_NO && hardware->queues != 1)
		finding_advise(
			hash, FINDING_ADVICE,
			"ethtool -N %s rx-flow-hash %s sdfn: without the ports peers behind one "
			"address share one queue",
			hardware->name, flow);
}

static void judge_offload(struct findings *findings, const struct hardware *hardware,
			  const char *check, enum hardware_answer is_on, const char *feature)
{
	struct finding *offload = finding_add(findings, check, hardware->name);

	snprintf(offload->found, sizeof(offload->found), "%s",
		 is_on == HARDWARE_UNKNOWN ? "not told"
		 : is_on == HARDWARE_YES   ? "on"
					   : "off");
	if (is_on == HARDWARE_UNKNOWN)
		offload->state = FINDING_UNKNOWN;
	if (is_on == HARDWARE_YES)
		finding_advise(
			offload, FINDING_ADVICE,
			"ethtool -K %s %s off: it joins packets before XDP sees them, and many "
			"drivers refuse native mode with it",
			hardware->name, feature);
}

void doctor_interface(struct findings *findings, const struct hardware *hardware, unsigned int cpus,
		      uint32_t tunnel_mtu)
{
	judge_driver(findings, hardware);
	if (hardware->is_loopback)
		return;
	judge_xdp(findings, hardware);
	judge_mtu(findings, hardware, tunnel_mtu);
	judge_queues(findings, hardware, cpus);
	judge_hash(findings, hardware, "hash-udp4", hardware->hashes_udp4, "udp4");
	judge_hash(findings, hardware, "hash-udp6", hardware->hashes_udp6, "udp6");
	judge_offload(findings, hardware, "lro", hardware->lro, "lro");
	judge_offload(findings, hardware, "gro-hw", hardware->gro_hw, "rx-gro-hw");
}
