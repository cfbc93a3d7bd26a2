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
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long an agent may take to end. */
#define PATIENCE_MILLISECONDS 3000

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

/* On a directory that may be removed by who held the lock before: then the new one is tried. */
int agent_lock(char path[static PATH_MAX], bool wait)
{
	for (;;) {
		struct stat locked;
		int fd, error = agent_path(path, "", "");

		if (error)
			return error;
		*strrchr(path, '/') = '\0';
		errno = 0;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 &&
		    fstat(fd, &locked) == 0 && locked.st_nlink > 0)
			return fd;
		error = fd < 0 || errno == EWOULDBLOCK ? -errno : 0;
		if (fd >= 0)
			close(fd);
		if (error && error != -ENOENT)
			return error;
	}
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

pid_t agent_pid(const char *tunnel)
{
	char path[PATH_MAX];

	return agent_path(path, tunnel, "pid") ? 0 : running_agent(path);
}

/* Asks it to end, and kills one that is stopped or stuck. */
static int end_process(int process)
{
	struct pollfd ended = {.fd = process, .events = POLLIN};

	if (syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0) && errno != ESRCH)
		return -errno;
	if (poll(&ended, 1, PATIENCE_MILLISECONDS) > 0)
		return 0;
	if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) && errno != ESRCH)
		return -errno;
	return poll(&ended, 1, -1) < 0 ? -errno : 0;
}

int agent_stop(const char *tunnel)
{
	pid_t pid = agent_pid(tunnel);
	int process, error;

	if (pid <= 0)
		return 0;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return errno == ESRCH ? 0 : -errno;
	error = end_process(process);
	close(process);
	return error;
}

void agent_remove_files(const char *tunnel)
{
	static const char *const suffixes[] = {"pid", "state", "state.new", "log", "up"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!agent_path(path, tunnel, suffixes[i]))
			unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s.sock", UAPI_DIRECTORY, tunnel);
	unlink(path);
}
