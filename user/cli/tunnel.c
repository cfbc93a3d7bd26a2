// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tunnel.c - a tunnel as the commands find it (tunnel.h): by the name of its hidden end, by its agent's
 * socket, by its files. What a command does with it stands in the command's file.
 */
#include <cli/tunnel.h>

#include <util/encoding.h>

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* For an agent that hears of its interface. */
enum { UP_PATIENCE_MILLISECONDS = 2000 };

bool tunnel_name_is_good(const struct arguments *arguments, const char *name)
{
	char hidden[IFNAMSIZ];

	if (netlink_hidden_name(hidden, name)) {
		complain(arguments,
			 "'%s' cannot be a tunnel's name: expected an interface name of at most "
			 "15 characters",
			 name);
		return false;
	}
	return true;
}

const char *tunnel_option(const struct arguments *arguments)
{
	const char *name = option_value(arguments, "tunnel", 0);

	if (!name)
		name = TUNNEL_DEFAULT;
	return tunnel_name_is_good(arguments, name) ? name : NULL;
}

bool tunnel_exists(const char *name)
{
	char hidden[IFNAMSIZ];

	return netlink_hidden_name(hidden, name) == 0 && if_nametoindex(hidden) > 0;
}

int tunnel_for_each(void (*each)(void *context, const char *name), void *context)
{
	struct netlink *netlink;
	int error = netlink_open(&netlink);

	if (error)
		return error;
	error = netlink_for_each_tunnel(netlink, each, context);
	netlink_close(netlink);
	return error;
}

void tunnel_complain_missing(const struct arguments *arguments, const char *name)
{
	complain(arguments, "there is no tunnel %s in this network namespace", name);
}

/*
 * /var/run/wireguard is one directory for all network namespaces, so a socket of our tunnel's name may be
 * another's. Who is behind it cannot be told (it ended, or lives in another PID namespace): ours.
 */
static bool is_of_our_namespace(int fd)
{
	struct ucred listener;
	socklen_t size = sizeof(listener);
	struct stat ours, its;
	char path[64];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) || listener.pid <= 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)listener.pid);
	if (stat(path, &its) || stat("/proc/self/ns/net", &ours))
		return true;
	return its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

int tunnel_connect(const char *name)
{
	int fd = uapi_connect(name);

	if (fd >= 0 && !is_of_our_namespace(fd)) {
		close(fd);
		return -EXDEV;
	}
	return fd;
}

bool tunnel_has_no_agent(int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
	/* it ended while it was asked */
	case -ECONNRESET:
	case -EPIPE:
		return true;
	default:
		return false;
	}
}

void tunnel_complain(const struct arguments *arguments, const char *name, int error)
{
	if (tunnel_has_no_agent(error)) {
		complain(arguments,
			 "tunnel %s has no agent: expected one that 'wgxdp attach' started", name);
		return;
	}
	switch (error) {
	case -EXDEV:
		complain(arguments,
			 "the name %s is taken by a tunnel of another network namespace: expected "
			 "another --tunnel",
			 name);
		break;
	case -ENOSPC:
		complain(
			arguments,
			"tunnel %s is full: expected no more peers and allowed IPs than there is room "
			"for (--max-peers, --max-allowed-ips)",
			name);
		break;
	case -EACCES:
		complain(arguments, "no right to ask the agent of %s: expected root", name);
		break;
	default:
		complain(arguments, "the agent of %s: %s", name, strerror(-error));
	}
}

int tunnel_connect_or_complain(const struct arguments *arguments, const char *name)
{
	int fd = tunnel_connect(name);

	if (fd < 0)
		tunnel_complain(arguments, name, fd);
	return fd;
}

struct address_search {
	struct local_address_key wanted;
	bool found;
};

static void compare_address(void *context, int ifindex, enum address_family family,
			    const uint8_t *address)
{
	struct address_search *search = context;
	size_t length = family == FAMILY_IPV4 ? 4 : 16;

	(void)ifindex;
	search->found |= search->wanted.family == (uint32_t)family &&
			 !memcmp(search->wanted.address, address, length);
}

bool tunnel_can_be_bound(const struct arguments *arguments, const struct device_config *config)
{
	struct netlink *netlink;
	bool good = true;

	/* what cannot be asked here the agent will find out */
	if (!config->bound_count || netlink_open(&netlink))
		return true;
	for (unsigned int i = 0; i < config->bound_count && good; i++) {
		struct address_search search = {.wanted = config->bound_addresses[i]};
		char text[ADDRESS_TEXT_LENGTH];

		good = netlink_for_each_address(netlink, compare_address, &search) || search.found;
		address_to_text(text, search.wanted.family, search.wanted.address);
		if (!good)
			complain(arguments,
				 "cannot be bound to %s: expected an address of this host", text);
	}
	netlink_close(netlink);
	return good;
}

/* ---- without the agent ---------------------------------------------------------------------------- */

/* The namespace's directory in /run; the end of a file's path there, cut off. */
static int run_directory(char path[static PATH_MAX])
{
	int error = agent_path(path, TUNNEL_DEFAULT, "lock");

	if (!error)
		*strrchr(path, '/') = '\0';
	return error;
}

static int take_lock(const struct arguments *arguments)
{
	char path[PATH_MAX] = RUN_DIRECTORY;
	int fd = agent_lock(path, true);

	if (fd < 0)
		complain(arguments, "cannot lock %s: %s", path, strerror(-fd));
	return fd;
}

struct name_list {
	char text[256];
	size_t length;
};

static void list_one(void *context, const char *name)
{
	struct name_list *list = context;

	if (list->length < sizeof(list->text))
		list->length += (size_t)snprintf(list->text + list->length,
						 sizeof(list->text) - list->length, "%s%s",
						 list->length ? " and " : "", name);
}

/* Of another version, and nobody's any more: it makes place. */
static int open_datapath(struct host *host, enum host_purpose purpose,
			 const struct datapath_limits *limits, const char **why)
{
	int error = purpose == HOST_MAKES ? datapath_open(&host->datapath, limits, why)
					  : datapath_open_existing(&host->datapath, why);

	if (error == -EPROTO && purpose == HOST_MAKES && !datapath_remove_other())
		error = datapath_open(&host->datapath, limits, why);
	host->is_of_another_version = error == -EPROTO;
	return error == -ENOENT && purpose != HOST_MAKES ? 0 : error;
}

static void complain_datapath(const struct arguments *arguments, int error, const char *why)
{
	struct name_list tunnels = {.length = 0};

	if (error == -ERANGE) {
		complain(arguments, "%s", why);
		return;
	}
	if (error != -EPROTO) {
		complain(arguments, "%s: %s", why ? why : "the data path cannot be opened",
			 strerror(-error));
		return;
	}
	tunnel_for_each(list_one, &tunnels);
	complain(arguments,
		 "%s: expected 'wgxdp down' of %s first, which ends sessions and removes it", why,
		 tunnels.length ? tunnels.text : "its tunnels");
}

static bool open_host(const struct arguments *arguments, struct host *host,
		      enum host_purpose purpose, const struct datapath_limits *limits)
{
	const char *why = NULL;
	int error;

	*host = (struct host){.lock = take_lock(arguments)};
	if (host->lock < 0)
		return false;
	error = netlink_open(&host->netlink);
	if (error) {
		complain(arguments, "cannot open netlink: %s", strerror(-error));
		goto fail;
	}
	error = open_datapath(host, purpose, limits, &why);
	if (!error || (host->is_of_another_version && purpose == HOST_REMOVES))
		return true;
	complain_datapath(arguments, error, why);
fail:
	host_close(host);
	return false;
}

bool host_open(const struct arguments *arguments, struct host *host, enum host_purpose purpose)
{
	return open_host(arguments, host, purpose, NULL);
}

bool host_make(const struct arguments *arguments, struct host *host,
	       const struct datapath_limits *limits)
{
	return open_host(arguments, host, HOST_MAKES, limits);
}

void host_close(struct host *host)
{
	if (host->datapath)
		datapath_close(host->datapath);
	if (host->netlink)
		netlink_close(host->netlink);
	if (host->lock >= 0)
		close(host->lock);
	*host = (struct host){.lock = -1};
}

bool tunnel_start_agent(const struct arguments *arguments, struct host *host, const char *name,
			const struct agent_options *options)
{
	int status = -1;
	pid_t child;

	/* one that is about to end, or no longer listens, holds its place until it is gone */
	agent_stop(name);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* nothing of ours lives on in the agent, the lock least of all */
		host_close(host);
		_exit(agent_run(name, options) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	/* what else went wrong the agent itself has said */
	if (child < 0 || !WIFEXITED(status))
		complain(arguments, "the agent of %s cannot be started", name);
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct search {
	int wanted;
	bool found;
	enum attach_mode mode;
};

static void compare(void *context, int ifindex, enum attach_mode mode)
{
	struct search *search = context;

	if (search->wanted == ifindex) {
		search->found = true;
		search->mode = mode;
	}
}

static bool lets_through(const struct host *host, uint32_t tunnel)
{
	struct tunnel_value value;

	return !host->datapath || datapath_get_tunnel(host->datapath, tunnel, &value) ||
	       value.is_up;
}

int host_set_up(const struct host *host, const char *name, int ifindex)
{
	char hidden[IFNAMSIZ];
	struct link_info link;
	int error = netlink_set_up(host->netlink, ifindex, true);

	if (error || netlink_hidden_name(hidden, name) ||
	    netlink_get_link(host->netlink, hidden, &link))
		return error;
	for (int waited = 0; waited < UP_PATIENCE_MILLISECONDS; waited++) {
		if (lets_through(host, (uint32_t)link.ifindex))
			break;
		usleep(1000);
	}
	return 0;
}

bool host_is_attached(const struct host *host, int ifindex, enum attach_mode *mode)
{
	struct search search = {.wanted = ifindex};

	if (host->datapath)
		datapath_for_each_interface(host->datapath, compare, &search);
	if (search.found)
		*mode = search.mode;
	return search.found;
}

static bool has_file(const char *tunnel, const char *suffix)
{
	char path[PATH_MAX];

	return agent_path(path, tunnel, suffix) == 0 && access(path, F_OK) == 0;
}

bool host_remove_tunnel(const struct host *host, const char *name)
{
	bool found = has_file(name, "pid") || has_file(name, "state") || has_file(name, "up");
	char hidden[IFNAMSIZ];
	struct link_info link;

	if (found)
		agent_stop(name);
	if (netlink_hidden_name(hidden, name) == 0 &&
	    netlink_get_link(host->netlink, hidden, &link) == 0) {
		found = true;
		if (host->datapath)
			datapath_remove_tunnel(host->datapath, (uint32_t)link.ifindex);
		netlink_remove_tunnel(host->netlink, name);
	}
	if (found)
		agent_remove_files(name);
	return found;
}

void host_remove_unused(const struct host *host)
{
	char path[PATH_MAX];

	/* the first refuses while there is a tunnel, the second while there is a file */
	if (host->datapath)
		datapath_remove(host->datapath);
	else if (host->is_of_another_version)
		datapath_remove_other();
	else
		datapath_remove_remains();
	if (!run_directory(path))
		rmdir(path);
}
