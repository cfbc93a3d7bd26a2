// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * files.c - what an agent leaves in /run, and how another process ends it. Contract: agent.h.
 */
#include <agent/agent.h>
#include <agent/uapi.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run/wgxdp"

int agent_path(char path[static PATH_MAX], const char *tunnel, const char *suffix)
{
	char directory[64];
	struct stat namespace;

	if (stat("/proc/self/ns/net", &namespace))
		return -errno;
	snprintf(directory, sizeof(directory), RUN_DIRECTORY "/%lu",
		 (unsigned long)namespace.st_ino);
	if ((mkdir(RUN_DIRECTORY, 0755) && errno != EEXIST) ||
	    (mkdir(directory, 0755) && errno != EEXIST))
		return -errno;
	snprintf(path, PATH_MAX, "%s/%s.%s", directory, tunnel, suffix);
	return 0;
}

/* The agent's process, or 0: a file that nobody holds locked is a leftover. */
static pid_t running_agent(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	bool is_running;

	if (fd < 0)
		return 0;
	is_running = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	if (read(fd, text, sizeof(text) - 1) < 0)
		is_running = false;
	close(fd);
	return is_running ? (pid_t)atol(text) : 0;
}

int agent_stop(const char *tunnel)
{
	char path[PATH_MAX];
	struct pollfd process = {.fd = -1, .events = POLLIN};
	int error = agent_path(path, tunnel, "pid");
	pid_t pid;

	if (error)
		return error;
	pid = running_agent(path);
	if (pid <= 0)
		return 0;
	process.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	if (syscall(SYS_pidfd_send_signal, process.fd, SIGTERM, NULL, 0) && errno != ESRCH)
		error = -errno;
	if (!error && poll(&process, 1, -1) < 0)
		error = -errno;
	close(process.fd);
	return error;
}

void agent_remove_files(const char *tunnel)
{
	static const char *const suffixes[] = {"pid", "state", "state.new", "log"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!agent_path(path, tunnel, suffixes[i]))
			unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s.sock", UAPI_DIRECTORY, tunnel);
	unlink(path);
}
