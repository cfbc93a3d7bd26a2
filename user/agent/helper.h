/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * helper.h - what the agent may do once it runs, and who does the one thing for it that it may not.
 *
 *     agent: CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BROADCAST, CAP_NET_BIND_SERVICE, CAP_BPF; reads what
 *       |  the network sends
 *       |  "sockets in the namespace of number N, please"
 *       v
 *     helper: CAP_SYS_ADMIN and CAP_SYS_PTRACE, to enter namespaces; CAP_NET_RAW. It reads that one number, and ends
 *     with the agent, however that ends.
 */
#ifndef WGXDP_AGENT_HELPER_H
#define WGXDP_AGENT_HELPER_H

#include <sys/types.h>

/* `fd` -1: there is none. */
struct helper {
	int fd;
	pid_t process;
	unsigned int asked;
};

/* Raw sockets that only send ICMP messages, -1: none. */
struct icmp_sockets {
	int ipv4, ipv6;
};

/* Before anything is opened that a helper need not have. 0 or -errno. */
int helper_start(struct helper *helper);
/* Waits until it is gone. */
void helper_stop(struct helper *helper);
/* In the network namespace that has this number here; both -1 when there is none, or no helper. */
struct icmp_sockets helper_open_icmp(struct helper *helper, int namespace);

/* In the namespace of the thread that calls. */
struct icmp_sockets icmp_open_here(void);

/* Gives up for good what this process, as agent or as helper, does not need: for threads that are made from here on,
 * and for all that it would ever execute. 0 or -errno. */
int privilege_of_agent(void);
int privilege_of_helper(void);

#endif
