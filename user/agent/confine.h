/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * confine.h - which files a process may have to do with, for good (Landlock): root's user owns all that root made, and
 * capabilities have no say in that.
 */
#ifndef WGXDP_AGENT_CONFINE_H
#define WGXDP_AGENT_CONFINE_H

#include <stddef.h>

enum confine_rights {
	/* files and directories */
	CONFINE_READ = 1,
	/* files that are there, devices too */
	CONFINE_WRITE = 2,
	/* files in a directory: made, renamed, removed */
	CONFINE_CHANGE = 4,
	/* directories in a directory: the same */
	CONFINE_CHANGE_DIRECTORIES = 8,
};

/* With all that is below it, as it is found now; what is not there gives no rights. */
struct confine_path {
	const char *path;
	unsigned int rights;
};

/* Of this thread and those that it makes: nothing but these can be opened, changed or executed from here on; what is
 * open stays so. Needs PR_SET_NO_NEW_PRIVS. -EOPNOTSUPP when the kernel cannot, otherwise 0 or -errno. */
int confine_to(const struct confine_path *paths, size_t count);

/* To what an agent, or its helper, has to do with once it runs. 0 or -errno; a kernel that cannot is logged. */
int confine_agent(const char *tunnel);
int confine_helper(void);

#endif
