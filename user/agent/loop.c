// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * loop.c - epoll, a timerfd and the clock. Contract: loop.h.
 *
 * CLOCK_BOOTTIME differs from BPF's clock in a time namespace: by what time_namespaces(7) shows in timens_offsets.
 * The timerfd, like every system call, takes times of the namespace.
 */
#include <agent/loop.h>
#include <wgxdp/limits.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Added by this time namespace; negative numbers wrap around, and back again. 0 where there is no such thing. */
static uint64_t namespace_adds;

static void read_namespace(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds, nanoseconds;
	char clock[16];

	if (!file)
		return;
	while (fscanf(file, "%15s %lld %lld", clock, &seconds, &nanoseconds) == 3) {
		if (!strcmp(clock, "boottime"))
			namespace_adds = (uint64_t)(seconds * (long long)NANOSECONDS_PER_SECOND +
						    nanoseconds);
	}
	fclose(file);
}

/* A process stays in its time namespace. */
static uint64_t added_by_namespace(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_namespace);
	return namespace_adds;
}

uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return SECONDS(now.tv_sec) + (uint64_t)now.tv_nsec - added_by_namespace();
}

int loop_open(struct loop *loop)
{
	/* no waiter: only that it fires matters */
	struct epoll_event event = {.events = EPOLLIN};
	int error;

	*loop = (struct loop){.timer_set_to = LOOP_NEVER, .timer_fd = -1};
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer_fd >= 0 &&
	    !epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event))
		return 0;
	error = -errno;
	loop_close(loop);
	return error;
}

void loop_close(struct loop *loop)
{
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->timer_fd = -1;
	loop->epoll_fd = -1;
}

static int control(struct loop *loop, int operation, struct loop_waiter *waiter, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = waiter};

	return epoll_ctl(loop->epoll_fd, operation, waiter->fd, &event) ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_waiter *waiter, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, waiter, events);
}

int loop_change(struct loop *loop, struct loop_waiter *waiter, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, waiter, events);
}

void loop_remove(struct loop *loop, struct loop_waiter *waiter)
{
	control(loop, EPOLL_CTL_DEL, waiter, 0);
}

static int set_timer(struct loop *loop, uint64_t deadline)
{
	uint64_t here = deadline + added_by_namespace();
	struct itimerspec at = {0};

	if (deadline == loop->timer_set_to)
		return 0;
	if (deadline != LOOP_NEVER) {
		at.it_value.tv_sec = (time_t)(here / NANOSECONDS_PER_SECOND);
		at.it_value.tv_nsec = (long)(here % NANOSECONDS_PER_SECOND);
	}
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL))
		return -errno;
	loop->timer_set_to = deadline;
	return 0;
}

/* One at a time: whoever is called may remove others, or itself, and free them. */
int loop_once(struct loop *loop, uint64_t deadline)
{
	bool is_due = deadline <= boot_time();
	struct loop_waiter *waiter;
	struct epoll_event event;
	int count, error = 0;

	if (!is_due)
		error = set_timer(loop, deadline);
	if (error)
		return error;
	count = epoll_wait(loop->epoll_fd, &event, 1, is_due ? 0 : -1);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count == 0)
		return 0;
	waiter = event.data.ptr;
	if (waiter) {
		waiter->ready(waiter->context, event.events);
		return 0;
	}
	if (read(loop->timer_fd, &(uint64_t){0}, sizeof(uint64_t)) < 0 && errno != EAGAIN)
		return -errno;
	loop->timer_set_to = LOOP_NEVER;
	return 0;
}
