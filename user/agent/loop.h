/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * loop.h - what the agent waits for: file descriptors and one timer on boot time. It knows nothing of tunnels.
 */
#ifndef WGXDP_AGENT_LOOP_H
#define WGXDP_AGENT_LOOP_H

#include <sys/epoll.h>
#include <wgxdp/types.h>

/* Lives in the struct of whoever waits; `fd` is the waiter's and -1 when there is none. */
struct loop_waiter {
	int fd;
	void (*ready)(void *context, uint32_t events);
	void *context;
};

struct loop {
	int epoll_fd;
	int timer_fd;
	/* what the timer is set to, so that it is not set to the same again */
	uint64_t timer_set_to;
};

#define LOOP_NEVER UINT64_MAX

/* 0 or -errno. */
int loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* `events` are EPOLLIN and EPOLLOUT. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_waiter *waiter, uint32_t events);
int loop_change(struct loop *loop, struct loop_waiter *waiter, uint32_t events);
/* The descriptor is still the waiter's to close. What was ready already may not be delivered any more. */
void loop_remove(struct loop *loop, struct loop_waiter *waiter);

/* Waits until `deadline` (boot time; in the past: not at all) or until something is ready, and calls who
 * waits for that. 0 or -errno. */
int loop_once(struct loop *loop, uint64_t deadline);

/* The machine's boot time in nanoseconds, as BPF reads it: CLOCK_BOOTTIME without what a time namespace adds. */
uint64_t boot_time(void);

#endif
