/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_pin.c - finding, making and removing the pins. Knows bpffs, not what is in the maps.
 *
 *     <bpffs>/wgxdp/<inode of the network namespace>/identity      whose and of which version
 *                                                   /<map>, /<program>
 *
 * The directory appears whole, by a rename, and disappears whole.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <wgxdp.skel.h>

/* Longest: a place, "/wgxdp/", an inode, a suffix, "/", a map's name. */
typedef char pin_path[128];

/* Inodes of namespaces are used again, cookies never are. The layout is the same in all versions. */
struct identity {
	uint64_t namespace_cookie;
	uint32_t abi_version;
	uint32_t unused;
};

static const char *const map_names[MAP_COUNT] = {
#define X(name) #name,
	DATAPATH_MAPS(X)
#undef X
};

static const char *const program_names[PROGRAM_COUNT] = {
#define X(name) #name,
	DATAPATH_PROGRAMS(X)
#undef X
};

int pins_lock(void)
{
	int fd, error;

	if (mkdir(RUN_DIRECTORY, 0755) && errno != EEXIST)
		return -errno;
	/* Not the directory itself: the commands hold that one's lock while they come here. */
	fd = open(PINS_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* ---- where --------------------------------------------------------------------------------------- */

static int namespace_inode(unsigned long *inode)
{
	struct stat status;

	if (stat("/proc/self/ns/net", &status))
		return -errno;
	*inode = status.st_ino;
	return 0;
}

int datapath_namespace_cookie(uint64_t *cookie)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
	socklen_t length = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length))
		error = -errno;
	close(fd);
	return error;
}

/* The directory of this namespace's pins, where it is. */
static int find_pins(pin_path path)
{
	unsigned long inode = 0;
	int error = namespace_inode(&inode);

	/* once more when nothing is found where this process sees it */
	for (int i = 0; !error && i < 2 * BPFFS_PLACES; i++) {
		if (i == BPFFS_PLACES && bpffs_show(false))
			break;
		snprintf(path, sizeof(pin_path), "%s/wgxdp/%lu", bpffs_places[i % BPFFS_PLACES],
			 inode);
		if (access(path, F_OK) == 0)
			return 0;
	}
	return error ? error : -ENOENT;
}

int datapath_place(char path[static PATH_MAX])
{
	pin_path pins;
	int error = find_pins(pins);

	if (!error)
		snprintf(path, PATH_MAX, "%s", pins);
	return error;
}

/* And where it is to be. */
static int choose_place(pin_path path)
{
	unsigned long inode = 0;
	int error = namespace_inode(&inode);

	if (!error)
		error = bpffs_show(true);
	for (int i = 0; !error && i < BPFFS_PLACES; i++) {
		if (!is_bpffs(bpffs_places[i]))
			continue;
		snprintf(path, sizeof(pin_path), "%s/wgxdp", bpffs_places[i]);
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		snprintf(path, sizeof(pin_path), "%s/wgxdp/%lu", bpffs_places[i], inode);
		return 0;
	}
	return error ? error : -ENOENT;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static int open_pin(const pin_path directory, const char *name)
{
	pin_path path;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return bpf_obj_get(path);
}

int pins_open_one(const char *name)
{
	pin_path directory;
	int error = find_pins(directory);

	return error ? error : open_pin(directory, name);
}

static int read_identity(const pin_path directory, struct identity *identity)
{
	uint32_t first = 0;
	int fd = open_pin(directory, "identity"), error;

	if (fd < 0)
		return fd;
	error = bpf_map_lookup_elem(fd, &first, identity);
	close(fd);
	return error;
}

static int open_all(struct datapath *datapath, const pin_path directory)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		datapath->maps[i] = open_pin(directory, map_names[i]);
		if (datapath->maps[i] < 0)
			return datapath->maps[i];
	}
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		datapath->programs[i] = open_pin(directory, program_names[i]);
		if (datapath->programs[i] < 0)
			return datapath->programs[i];
	}
	return 0;
}

int pins_open(struct datapath *datapath, const char **why)
{
	struct identity identity;
	pin_path directory;
	uint64_t cookie;
	bool is_stale;
	int error = find_pins(directory);

	if (!error)
		error = datapath_namespace_cookie(&cookie);
	if (!error && read_identity(directory, &identity)) {
		*why = "what is pinned is not a data path of this program";
		return -EPROTO;
	}
	if (error)
		return error;
	is_stale = identity.namespace_cookie != cookie;
	if (identity.abi_version != WGXDP_ABI_VERSION) {
		*why = "the data path in the kernel is of another version of wgxdp";
		return is_stale ? -ESTALE : -EPROTO;
	}
	error = open_all(datapath, directory);
	return error ? error : is_stale ? -ESTALE : 0;
}

/* ---- making and removing ------------------------------------------------------------------------- */

static int remove_directory(const pin_path path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	return rmdir(path) ? -errno : 0;
}

static int pin(const pin_path directory, const char *name, int fd)
{
	pin_path path;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return bpf_obj_pin(fd, path);
}

static int pin_identity(const pin_path directory)
{
	struct identity identity = {.abi_version = WGXDP_ABI_VERSION};
	uint32_t first = 0;
	int error = datapath_namespace_cookie(&identity.namespace_cookie), fd;

	if (error)
		return error;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "identity", sizeof(first), sizeof(identity), 1,
			    NULL);
	if (fd < 0)
		return fd;
	error = bpf_map_update_elem(fd, &first, &identity, BPF_ANY);
	if (!error)
		error = pin(directory, "identity", fd);
	close(fd);
	return error;
}

static int pin_all(const struct wgxdp_bpf *skeleton, const pin_path directory)
{
	const int maps[MAP_COUNT] = {
#define X(name) bpf_map__fd(skeleton->maps.name),
		DATAPATH_MAPS(X)
#undef X
	};
	const int programs[PROGRAM_COUNT] = {
#define X(name) bpf_program__fd(skeleton->progs.name),
		DATAPATH_PROGRAMS(X)
#undef X
	};
	int error = mkdir(directory, 0700) ? -errno : pin_identity(directory);

	for (int i = 0; !error && i < MAP_COUNT; i++)
		error = pin(directory, map_names[i], maps[i]);
	for (int i = 0; !error && i < PROGRAM_COUNT; i++)
		error = pin(directory, program_names[i], programs[i]);
	return error;
}

static const char *why_not_loaded(int error)
{
	unsigned int major = 0, minor = 0;
	struct utsname system;

	if (error == -EPERM || error == -EACCES)
		return "loading BPF programs needs root (CAP_BPF and CAP_NET_ADMIN)";
	if (error == -ENOMEM)
		return "there is not enough memory for maps of that size (--max-peers)";
	if (uname(&system) == 0 && sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
	    major * 100 + minor < 601)
		return "the kernel is older than 6.1";
	if (access("/sys/kernel/btf/vmlinux", F_OK))
		return "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
	return "the kernel does not take the BPF programs";
}

static struct wgxdp_bpf *load(const struct datapath_limits *asked)
{
	const struct datapath_limits limits = asked ? *asked : (struct datapath_limits){0};
	uint32_t peers = limits.peers ?: PEERS_MAX_USUAL;
	uint32_t sessions = limits.sessions ?: peers * SESSIONS_MAX_PER_PEER;
	uint32_t allowed_ips = limits.allowed_ips ?: ALLOWED_IPS_MAX_USUAL;
	struct wgxdp_bpf *skeleton = wgxdp_bpf__open();
	int error;

	if (!skeleton)
		return NULL;
	bpf_map__set_max_entries(skeleton->maps.peers, peers);
	bpf_map__set_max_entries(skeleton->maps.sessions, sessions);
	bpf_map__set_max_entries(skeleton->maps.allowed_ipv4, allowed_ips);
	bpf_map__set_max_entries(skeleton->maps.allowed_ipv6, allowed_ips);
	error = wgxdp_bpf__load(skeleton);
	if (!error)
		return skeleton;
	wgxdp_bpf__destroy(skeleton);
	errno = -error;
	return NULL;
}

int pins_create(const struct datapath_limits *limits, const char **why)
{
	pin_path directory, unfinished;
	struct wgxdp_bpf *skeleton;
	int error = choose_place(directory);

	if (error) {
		*why = "there is no bpffs, and none could be mounted at " OWN_BPFFS;
		return error;
	}
	if (snprintf(unfinished, sizeof(unfinished), "%s_new", directory) >=
	    (int)sizeof(unfinished))
		return -ENAMETOOLONG;
	skeleton = load(limits);
	if (!skeleton) {
		error = -errno;
		*why = why_not_loaded(error);
		return error;
	}
	/* of a process that was killed here */
	error = remove_directory(unfinished);
	if (!error)
		error = pin_all(skeleton, unfinished);
	if (!error && rename(unfinished, directory))
		error = -errno;
	if (error) {
		remove_directory(unfinished);
		*why = "the BPF programs cannot be pinned";
	}
	wgxdp_bpf__destroy(skeleton);
	return error;
}

/* Of a process that was killed while it made or removed pins. */
static void remove_unfinished(void)
{
	static const char *const suffixes[] = {"_new", "_gone"};
	unsigned long inode = 0;
	pin_path path;

	if (namespace_inode(&inode))
		return;
	for (int i = 0; i < 2 * BPFFS_PLACES; i++) {
		snprintf(path, sizeof(path), "%s/wgxdp/%lu%s", bpffs_places[i / 2], inode,
			 suffixes[i % 2]);
		remove_directory(path);
	}
}

int pins_remove(void)
{
	pin_path directory, gone;
	int error = find_pins(directory);

	remove_unfinished();
	if (error)
		return error == -ENOENT ? 0 : error;
	if (snprintf(gone, sizeof(gone), "%s_gone", directory) >= (int)sizeof(gone))
		return -ENAMETOOLONG;
	return rename(directory, gone) ? -errno : remove_directory(gone);
}
