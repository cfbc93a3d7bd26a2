/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_mount.c - a bpffs that is still there when this command has ended.
 *
 * `ip netns exec` gives its command mounts of its own: another /sys, where the system's bpffs is out of
 * sight, and a mount made there is gone with the command, and every pin with it. So a bpffs is looked for,
 * or mounted, where the outermost process sees it that we may follow (the first of the system, for root),
 * and then shown to this process as well.
 */
#include <datapath/pinned.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const bpffs_places[BPFFS_PLACES] = {OWN_BPFFS, "/sys/fs/bpf"};

bool is_bpffs(const char *path)
{
	struct statfs statistics;

	return statfs(path, &statistics) == 0 && (uint32_t)statistics.f_type == BPF_FS_MAGIC;
}

static bool find_bpffs(const char **place)
{
	for (int i = 0; i < BPFFS_PLACES; i++) {
		if (is_bpffs(bpffs_places[i])) {
			*place = bpffs_places[i];
			return true;
		}
	}
	return false;
}

/* 0 for the first process, and when it cannot be told. */
static pid_t parent_of(pid_t process)
{
	char path[32], line[128], *after_name;
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* "pid (name) state parent": a name may hold anything, but not be long */
	after_name = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (after_name && sscanf(after_name, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(file);
	return parent;
}

/* The mount namespace of our oldest ancestor that lets us in. */
static int open_outermost_mounts(void)
{
	int found = -1;

	for (pid_t process = getpid(); process > 0; process = parent_of(process)) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", process);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (found >= 0)
			close(found);
		found = fd;
	}
	return found;
}

static int make_directories(void)
{
	if (mkdir(RUN_DIRECTORY, 0755) && errno != EEXIST)
		return -1;
	return mkdir(OWN_BPFFS, 0700) && errno != EEXIST ? -1 : 0;
}

/* In the namespace of `outer`: a copy of the mount that is, or is made, there. */
static int copy_of_outer(int outer, bool create, dev_t *device)
{
	const char *place = OWN_BPFFS;
	struct stat status;

	if (setns(outer, CLONE_NEWNS))
		return -1;
	if (!find_bpffs(&place)) {
		errno = ENOENT;
		if (!create || make_directories() ||
		    mount("bpf", OWN_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
			return -1;
	}
	if (stat(place, &status))
		return -1;
	*device = status.st_dev;
	return open_tree(AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* What the child does; it alone changes its namespace. 0 or errno. */
static int show_outer(bool create)
{
	int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int outer = open_outermost_mounts(), copy;
	struct stat status;
	dev_t device;

	copy = copy_of_outer(outer, create, &device);
	if (copy < 0 || setns(own, CLONE_NEWNS))
		return errno;
	for (int i = 0; i < BPFFS_PLACES; i++)
		if (stat(bpffs_places[i], &status) == 0 && status.st_dev == device)
			return 0;
	if (make_directories() ||
	    move_mount(copy, "", AT_FDCWD, OWN_BPFFS, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	return 0;
}

int bpffs_show(bool create)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(show_outer(create));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
