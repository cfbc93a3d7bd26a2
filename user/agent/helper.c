// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * helper.c - the agent's helper: a process that opens ICMP sockets in other network namespaces. Contract: helper.h.
 *
 * What it is asked is one number, of a namespace that this one knows; what it gives are two sockets that can send ICMP
 * messages there and receive nothing. Whoever had the agent in his hands would get no more from it.
 */
#include <agent/confine.h>
#include <agent/helper.h>
#include <agent/log.h>
#include <datapath/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the agent waits for an answer; thousands of processes are looked through in less. */
#define PATIENCE_MILLISECONDS 3000

struct question {
	/* so that an answer that came too late is not taken for another's */
	unsigned int number;
	int namespace;
};

/* With the sockets there are, IPv4's first. */
struct answer {
	unsigned int number;
	int has_ipv4, has_ipv6;
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

/* ---- the helper ---------------------------------------------------------------------------------- */

struct opening {
	int namespace;
	struct icmp_sockets sockets;
};

static void *open_there(void *context)
{
	struct opening *opening = context;

	if (!setns(opening->namespace, CLONE_NEWNET))
		opening->sockets = icmp_open_here();
	return NULL;
}

/* In a thread that ends there, so that no error on the way back leaves us in a namespace that is not ours. */
static struct icmp_sockets open_in(int number)
{
	struct opening opening = {.sockets = {-1, -1}};
	struct netlink *netlink;
	pthread_t thread;

	if (netlink_open(&netlink))
		return opening.sockets;
	opening.namespace = netlink_open_namespace(netlink, number);
	netlink_close(netlink);
	if (opening.namespace < 0)
		return opening.sockets;
	if (!pthread_create(&thread, NULL, open_there, &opening))
		pthread_join(thread, NULL);
	close(opening.namespace);
	return opening.sockets;
}

static void give(int fd, struct answer *answer, const struct icmp_sockets *sockets)
{
	struct iovec vector = {answer, sizeof(*answer)};
	union control control = {0};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	int fds[2];
	size_t count = 0;

	answer->has_ipv4 = sockets->ipv4 >= 0;
	answer->has_ipv6 = sockets->ipv6 >= 0;
	if (answer->has_ipv4)
		fds[count++] = sockets->ipv4;
	if (answer->has_ipv6)
		fds[count++] = sockets->ipv6;
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	/* when nobody listens any more, nobody needs to know */
	sendmsg(fd, &message, MSG_NOSIGNAL);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* It holds nothing of the agent's: no lock, no terminal, no end of a pipe that somebody waits at. */
static int keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), kept = STDERR_FILENO + 1;

	if (null < 0)
		return -1;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (fd != kept && dup3(fd, kept, O_CLOEXEC) < 0)
		return -1;
	close_range((unsigned int)kept + 1, ~0U, 0);
	return kept;
}

static void serve(int fd)
{
	struct question question;

	while (recv(fd, &question, sizeof(question), 0) == sizeof(question)) {
		struct answer answer = {.number = question.number};
		struct icmp_sockets sockets = open_in(question.namespace);

		give(fd, &answer, &sockets);
	}
}

static void be_helper(int fd)
{
	fd = keep_only(fd);
	/* its end is the agent's, who may have something to ask while it ends */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "wgxdp-helper");
	if (fd >= 0 && !chdir("/") && !privilege_of_helper() && !confine_helper())
		serve(fd);
	_exit(0);
}

/* ---- the agent ----------------------------------------------------------------------------------- */

int helper_start(struct helper *helper)
{
	int ends[2];
	pid_t process;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	process = fork();
	if (process == 0) {
		close(ends[0]);
		be_helper(ends[1]);
	}
	close(ends[1]);
	if (process < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	*helper = (struct helper){.fd = ends[0], .process = process};
	return 0;
}

void helper_stop(struct helper *helper)
{
	if (helper->fd < 0)
		return;
	close(helper->fd);
	helper->fd = -1;
	while (waitpid(helper->process, NULL, 0) < 0 && errno == EINTR)
		;
}

/* False when there is none, or there will be none. */
static bool take(struct helper *helper, struct answer *answer, struct icmp_sockets *sockets)
{
	struct pollfd readable = {.fd = helper->fd, .events = POLLIN};
	struct iovec vector = {answer, sizeof(*answer)};
	union control control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fds[2] = {-1, -1}, next = 0;
	struct cmsghdr *header;

	if (poll(&readable, 1, PATIENCE_MILLISECONDS) != 1 ||
	    recvmsg(helper->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(*answer))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	sockets->ipv4 = answer->has_ipv4 ? fds[next++] : -1;
	sockets->ipv6 = answer->has_ipv6 ? fds[next] : -1;
	return true;
}

static void discard(const struct icmp_sockets *sockets)
{
	if (sockets->ipv4 >= 0)
		close(sockets->ipv4);
	if (sockets->ipv6 >= 0)
		close(sockets->ipv6);
}

struct icmp_sockets helper_open_icmp(struct helper *helper, int namespace)
{
	struct question question = {.number = ++helper->asked, .namespace = namespace};
	struct icmp_sockets sockets = {-1, -1};
	struct answer answer;

	if (helper->fd < 0 ||
	    send(helper->fd, &question, sizeof(question), MSG_NOSIGNAL) != sizeof(question))
		return sockets;
	while (take(helper, &answer, &sockets)) {
		if (answer.number == question.number)
			return sockets;
		discard(&sockets);
	}
	return (struct icmp_sockets){-1, -1};
}
