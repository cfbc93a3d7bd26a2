// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * privilege.c - capabilities given up (capabilities(7)): in the effective, permitted and bounding sets all but a list,
 * in the inheritable and ambient ones all; and nothing that is executed may have more (PR_SET_NO_NEW_PRIVS). Contract:
 * helper.h.
 */
#include <agent/helper.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ONE(capability) (1ull << (capability))

/*
 * NET_ADMIN: links, XDP and TC, marks (SO_MARK), large buffers. NET_RAW: packet and ICMP sockets. NET_BROADCAST: what
 * changes where the tunnel was moved to (NETLINK_LISTEN_ALL_NSID). NET_BIND_SERVICE: a port below 1024. BPF: maps, and
 * programs that are run.
 */
#define KEPT_BY_AGENT                                                                              \
	(ONE(CAP_NET_ADMIN) | ONE(CAP_NET_RAW) | ONE(CAP_NET_BROADCAST) |                          \
	 ONE(CAP_NET_BIND_SERVICE) | ONE(CAP_BPF))

/* SYS_ADMIN: to enter a namespace. SYS_PTRACE: to find it by a process of another's. NET_RAW: an ICMP socket. */
#define KEPT_BY_HELPER (ONE(CAP_SYS_ADMIN) | ONE(CAP_SYS_PTRACE) | ONE(CAP_NET_RAW))

/* What is not in the bounding set any more cannot be dropped again without CAP_SETPCAP, and need not be. */
static int bound(uint64_t kept)
{
	for (unsigned int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
		if (kept & ONE(i) || !prctl(PR_CAPBSET_READ, i, 0, 0, 0))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno != EPERM)
			return -errno;
	}
	return 0;
}

/* Of what there is; who was given less goes on with less. */
static int keep(uint64_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return -errno;
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= (uint32_t)(kept >> 32 * i);
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

static int give_up_all_but(uint64_t kept)
{
	int error;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* root is a user like others, should it come to that; the first needs CAP_SETPCAP, as bound() does */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) &&
	    errno != EPERM)
		return -errno;
	error = bound(kept);
	if (!error && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		error = -errno;
	return error ? error : keep(kept);
}

int privilege_of_agent(void)
{
	return give_up_all_but(KEPT_BY_AGENT);
}

int privilege_of_helper(void)
{
	return give_up_all_but(KEPT_BY_HELPER);
}
