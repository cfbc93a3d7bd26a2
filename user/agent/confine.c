// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * confine.c - files by Landlock (landlock(7)). Contract: confine.h.
 *
 * An agent keeps its state, removes its pins, its socket and its interface's settings, and resolves names; that last is
 * why it reads all of /etc. Paths are those of its namespace: another one's states and pins are out of its reach.
 */
#include <agent/agent.h>
#include <agent/confine.h>
#include <agent/log.h>
#include <agent/uapi.h>
#include <datapath/datapath.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later versions than Debian 12's headers. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#define OF_FILES                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |                               \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |                             \
	 LANDLOCK_ACCESS_FS_IOCTL_DEV)

/* All that this version of Landlock can refuse, that of each version being those below it and some more. */
static uint64_t refusable(int version)
{
	uint64_t last = LANDLOCK_ACCESS_FS_MAKE_SYM;

	if (version >= 2)
		last = LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		last = LANDLOCK_ACCESS_FS_TRUNCATE;
	if (version >= 5)
		last = LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return 2 * last - 1;
}

static uint64_t of_rights(unsigned int rights)
{
	uint64_t access = 0;

	if (rights & CONFINE_READ)
		access |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	if (rights & CONFINE_WRITE)
		access |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
			  LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (rights & CONFINE_CHANGE)
		access |= LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
	if (rights & CONFINE_CHANGE_DIRECTORIES)
		access |= LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR;
	return access;
}

static int allow(int rules, const struct confine_path *allowed, uint64_t refused)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = of_rights(allowed->rights) & refused,
		.parent_fd = open(allowed->path, O_PATH | O_CLOEXEC),
	};
	struct stat status;
	int error = 0;

	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	if (fstat(rule.parent_fd, &status))
		error = -errno;
	if (!error && !S_ISDIR(status.st_mode))
		rule.allowed_access &= OF_FILES;
	if (!error && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		error = -errno;
	close(rule.parent_fd);
	return error;
}

int confine_to(const struct confine_path *paths, size_t count)
{
	int version =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr all = {.handled_access_fs = refusable(version)};
	int rules, error = 0;

	if (version < 1)
		return -EOPNOTSUPP;
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return -errno;
	for (size_t i = 0; i < count && !error; i++)
		error = allow(rules, &paths[i], all.handled_access_fs);
	if (!error && syscall(SYS_landlock_restrict_self, rules, 0))
		error = -errno;
	close(rules);
	return error;
}

static int or_say_so(int error)
{
	if (error == -EOPNOTSUPP)
		log_verbose("this kernel has no Landlock: files are not kept from this process");
	return error == -EOPNOTSUPP ? 0 : error;
}

/* Of this tunnel's namespace, and what its pins are in. */
struct places {
	char states[PATH_MAX], pins[PATH_MAX], above_pins[PATH_MAX];
};

static void directory_of(char directory[static PATH_MAX], const char *path)
{
	snprintf(directory, PATH_MAX, "%s", path);
	*strrchr(directory, '/') = '\0';
}

static int find_places(struct places *places, const char *tunnel)
{
	char path[PATH_MAX];
	int error = agent_path(path, tunnel, "state");

	if (!error)
		error = datapath_place(places->pins);
	if (error)
		return error;
	directory_of(places->states, path);
	directory_of(places->above_pins, places->pins);
	return 0;
}

int confine_agent(const char *tunnel)
{
	struct places places;
	const struct confine_path paths[] = {
		/* names */
		{"/etc", CONFINE_READ},
		{"/usr", CONFINE_READ},
		{"/lib", CONFINE_READ},
		{"/lib64", CONFINE_READ},
		{"/run/systemd/resolve", CONFINE_READ},
		{"/run/resolvconf", CONFINE_READ},
		{"/run/NetworkManager", CONFINE_READ},
		/* devices and their drivers */
		{"/sys", CONFINE_READ},
		{"/proc", CONFINE_READ},
		{"/proc/sys/net", CONFINE_WRITE},
		{"/dev/null", CONFINE_READ | CONFINE_WRITE},
		{"/dev/net/tun", CONFINE_READ | CONFINE_WRITE},
		/* its own */
		{places.states, CONFINE_READ | CONFINE_WRITE | CONFINE_CHANGE},
		{RUN_DIRECTORY, CONFINE_CHANGE_DIRECTORIES},
		{PINS_LOCK, CONFINE_READ | CONFINE_WRITE},
		{places.pins, CONFINE_READ | CONFINE_CHANGE},
		{places.above_pins, CONFINE_CHANGE_DIRECTORIES},
		{UAPI_DIRECTORY, CONFINE_CHANGE},
	};
	int error = find_places(&places, tunnel);

	return error ? error : or_say_so(confine_to(paths, sizeof(paths) / sizeof(paths[0])));
}

/* Namespaces, by the processes in them or by their names. */
int confine_helper(void)
{
	static const struct confine_path paths[] = {
		{"/proc", CONFINE_READ},
		{"/run/netns", CONFINE_READ},
	};

	return or_say_so(confine_to(paths, sizeof(paths) / sizeof(paths[0])));
}
