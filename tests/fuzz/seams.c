/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * seams.c - functions that refuse (seams.h). They are listed by what they return, without their parameters, which
 * nobody here looks at; so no header that declares them can be included.
 */
#include "seams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one file that is open; descriptors of the fuzzer's own are below. */
enum { FILE_FD = 1000 };

static bool are_closed;
static unsigned int asked;
static char file_text[4096];
static size_t file_length, file_read;

void seams_begin(void)
{
	are_closed = true;
	asked = 0;
}

void seams_end(void)
{
	are_closed = false;
}

unsigned int seams_asked(void)
{
	return asked;
}

static int refuse(void)
{
	asked++;
	errno = EPERM;
	return -EPERM;
}

/* ---- the layers below: 0 or -errno ------------------------------------------------------------------ */

#define REFUSED(X)                                                                                 \
	X(agent_lock)                                                                              \
	X(agent_pid)                                                                               \
	X(agent_run)                                                                               \
	X(agent_stop)                                                                              \
	X(datapath_get_tunnel)                                                                     \
	X(datapath_attach)                                                                         \
	X(datapath_count_tunnels)                                                                  \
	X(datapath_detach)                                                                         \
	X(datapath_for_each_interface)                                                             \
	X(datapath_open)                                                                           \
	X(datapath_open_existing)                                                                  \
	X(datapath_remove)                                                                         \
	X(datapath_remove_other)                                                                   \
	X(datapath_remove_remains)                                                                 \
	X(datapath_remove_tunnel)                                                                  \
	X(hardware_read)                                                                           \
	X(netlink_add_address)                                                                     \
	X(netlink_add_main_rule)                                                                   \
	X(netlink_add_mark_rule)                                                                   \
	X(netlink_add_route)                                                                       \
	X(netlink_add_tunnel)                                                                      \
	X(netlink_for_each_address)                                                                \
	X(netlink_for_each_address_of)                                                             \
	X(netlink_for_each_default_route)                                                          \
	X(netlink_get_link)                                                                        \
	X(netlink_get_link_by_index)                                                               \
	X(netlink_get_route)                                                                       \
	X(netlink_open)                                                                            \
	X(netlink_request)                                                                         \
	X(netlink_remove_address)                                                                  \
	X(netlink_remove_main_rule)                                                                \
	X(netlink_remove_mark_rule)                                                                \
	X(netlink_remove_tunnel)                                                                   \
	X(netlink_set_mtu)                                                                         \
	X(netlink_set_up)                                                                          \
	X(selftest_open)                                                                           \
	X(selftest_run)                                                                            \
	X(uapi_connect)                                                                            \
	X(uapi_get)                                                                                \
	X(uapi_set)

#define DEFINE(name)                                                                               \
	int name(void);                                                                            \
	int name(void)                                                                             \
	{                                                                                          \
		return refuse();                                                                   \
	}
REFUSED(DEFINE)

/* Called where something was opened, or to clean up what never was. */
#define NOTHING(X)                                                                                 \
	X(agent_remove_files)                                                                      \
	X(datapath_close)                                                                          \
	X(netlink_close)                                                                           \
	X(selftest_close)

#define DEFINE_NOTHING(name)                                                                       \
	void name(void);                                                                           \
	void name(void)                                                                            \
	{                                                                                          \
		asked++;                                                                           \
	}
NOTHING(DEFINE_NOTHING)

/* Never reached: what they would be asked of was refused. */
#define UNREACHED(X)                                                                               \
	X(hardware_why_not_native)                                                                 \
	X(netlink_message)                                                                         \
	X(selftest_program_name)                                                                   \
	X(selftest_session)                                                                        \
	X(selftest_task)                                                                           \
	X(selftest_verified_instructions)

#define DEFINE_UNREACHED(name)                                                                     \
	void *name(void);                                                                          \
	void *name(void)                                                                           \
	{                                                                                          \
		abort();                                                                           \
	}
UNREACHED(DEFINE_UNREACHED)

bool netlink_is_table_empty(void);
int hardware_has_jit(void);
int agent_path(char *path, const char *tunnel, const char *suffix);
bool resolve_endpoint(const char *text, void *endpoint, const char **why);

bool netlink_is_table_empty(void)
{
	return refuse() == 0;
}

/* "cannot tell" */
int hardware_has_jit(void)
{
	asked++;
	return 0;
}

int agent_path(char *path, const char *tunnel, const char *suffix)
{
	snprintf(path, 4096, "/nowhere/%s%s", tunnel, suffix);
	return 0;
}

bool resolve_endpoint(const char *text, void *endpoint, const char **why)
{
	(void)text, (void)endpoint;
	*why = "nobody is asked here";
	return false;
}

/* ---- the system, by the linker's --wrap -------------------------------------------------------------- */

/*
 * `failure` is what the function returns when it failed. The fuzzer's own runtime, between two inputs, calls some of
 * them too; none of those has more than two arguments.
 */
#define SYSTEM(X)                                                                                  \
	X(int, access, -1)                                                                         \
	X(int, execvp, -1)                                                                         \
	X(void *, fopen, NULL)                                                                     \
	X(int, fork, -1)                                                                           \
	X(void *, if_nameindex, NULL)                                                              \
	X(unsigned int, if_nametoindex, 0)                                                         \
	X(int, mkdir, -1)                                                                          \
	X(void *, newterm, NULL)                                                                   \
	X(int, pipe2, -1)                                                                          \
	X(void *, popen, NULL)                                                                     \
	X(int, prctl, -1)                                                                          \
	X(int, rename, -1)                                                                         \
	X(int, rmdir, -1)                                                                          \
	X(void *, setlocale, NULL)                                                                 \
	X(int, socket, -1)                                                                         \
	X(int, stat, -1)                                                                           \
	X(int, statfs, -1)                                                                         \
	X(long, syscall, -1)                                                                       \
	X(int, unlink, -1)                                                                         \
	X(int, waitpid, -1)                                                                        \
	X(void *, MHD_start_daemon, NULL)

#define DEFINE_SYSTEM(type, name, failure)                                                         \
	type __wrap_##name(uintptr_t first, uintptr_t second);                                     \
	type __real_##name(uintptr_t first, uintptr_t second);                                     \
	type __wrap_##name(uintptr_t first, uintptr_t second)                                      \
	{                                                                                          \
		if (!are_closed)                                                                   \
			return __real_##name(first, second);                                       \
		refuse();                                                                          \
		return failure;                                                                    \
	}
SYSTEM(DEFINE_SYSTEM)

int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *bytes, size_t length);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_close(int fd);
int __real_close(int fd);

/* To read alone: then it contains its own name. */
int __wrap_open(const char *path, int flags, ...)
{
	asked++;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT) {
		errno = EPERM;
		return -1;
	}
	file_length = strnlen(path, sizeof(file_text));
	file_read = 0;
	memcpy(file_text, path, file_length);
	return FILE_FD;
}

/* Anything else is stdin, which is at its end. */
ssize_t __wrap_read(int fd, void *bytes, size_t length)
{
	size_t left = file_length - file_read;

	if (fd != FILE_FD)
		return 0;
	length = length < left ? length : left;
	memcpy(bytes, file_text + file_read, length);
	file_read += length;
	return (ssize_t)length;
}

int __wrap_fstat(int fd, struct stat *status)
{
	*status = fd == FILE_FD
			  ? (struct stat){.st_mode = S_IFREG | 0600, .st_size = (off_t)file_length}
			  : (struct stat){.st_mode = S_IFIFO | 0600};
	return 0;
}

/* Nobody is waited for: all of them are gone. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)timeout;
	asked++;
	for (nfds_t i = 0; i < count; i++)
		fds[i].revents = POLLERR;
	return (int)count;
}

int __wrap_close(int fd)
{
	if (!are_closed)
		return __real_close(fd);
	if (fd != FILE_FD)
		abort();
	return 0;
}
