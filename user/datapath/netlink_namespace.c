// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * netlink_namespace.c - another network namespace, known here by a number, as a file descriptor. The kernel tells the
 * number of a namespace that is shown to it and not the other way round, so those that have a name or a process are
 * shown to it one by one. Contract: netlink.h.
 */
#include <datapath/netlink_request.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void keep_number(void *context, struct nlmsghdr *answer)
{
	struct nlattr *attributes[NETNSA_MAX + 1];
	int *number = context;

	if (answer->nlmsg_type == RTM_NEWNSID &&
	    !nlmsg_parse(answer, sizeof(struct rtgenmsg), attributes, NETNSA_MAX, NULL) &&
	    attributes[NETNSA_NSID])
		*number = nla_get_s32(attributes[NETNSA_NSID]);
}

static bool has_number(struct netlink *netlink, int fd, int wanted)
{
	struct rtgenmsg header = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *message = netlink_message(RTM_GETNSID, 0, &header, sizeof(header));
	int number = NETNSA_NSID_NOT_ASSIGNED;

	if (message && nla_put_u32(message, NETNSA_FD, (uint32_t)fd)) {
		nlmsg_free(message);
		return false;
	}
	return !netlink_request(netlink, message, keep_number, &number) && number == wanted;
}

/* Most processes are in the same one: `asked` is the inode of the last that was asked for. */
static int open_if_wanted(struct netlink *netlink, const char *path, int wanted, ino_t *asked)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &status) && status.st_ino != *asked) {
		*asked = status.st_ino;
		if (has_number(netlink, fd, wanted))
			return fd;
	}
	close(fd);
	return -1;
}

/* `suffix` follows an entry of the directory. */
static int search(struct netlink *netlink, const char *path, const char *suffix, int wanted)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	ino_t asked = 0;
	int found = -1;

	while (directory && found < 0 && (entry = readdir(directory))) {
		char file[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s%s", path, entry->d_name, suffix);
		found = open_if_wanted(netlink, file, wanted, &asked);
	}
	if (directory)
		closedir(directory);
	return found;
}

int netlink_open_namespace(struct netlink *netlink, int number)
{
	int fd = search(netlink, "/run/netns", "", number);

	if (fd < 0)
		fd = search(netlink, "/proc", "/ns/net", number);
	return fd < 0 ? -ENOENT : fd;
}
