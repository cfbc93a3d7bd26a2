// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * agent.c - the agent's life: start, ready, loop, end. When it ends by a signal the data path stays as it is, and
 * the next agent goes on with it; when its interface is removed, all of the tunnel goes. Contract: agent.h.
 */
#include <agent/agent.h>
#include <agent/confine.h>
#include <agent/device.h>
#include <agent/log.h>
#include <agent/resolve.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { LARGE_ALLOCATION = 128 << 10 };

struct agent {
	struct device device;
	const struct agent_options *options;
	struct server *server;
	struct loop_waiter signals;
	/* locked as long as the agent runs */
	int pid_fd;
	/* of a drop-in, until it is ready: nobody removes the data path it is about to use */
	int lock;
	bool made_pair;
	/* what failed, for the one line that is said of it */
	const char *failed;
};

/* ---- what is ready ------------------------------------------------------------------------------- */

static void signal_ready(void *context, uint32_t events)
{
	struct agent *agent = context;

	(void)events;
	agent->device.is_ending = true;
}

static void udp_ready(void *context, uint32_t events)
{
	struct udp_socket *socket = context;

	(void)events;
	receive_datagrams(socket->owner, socket->waiter.fd);
}

static void events_ready(void *context, uint32_t events)
{
	struct device *device = context;

	(void)events;
	datapath_consume_events(device->datapath);
}

static void netlink_ready(void *context, uint32_t events)
{
	struct device *device = context;

	(void)events;
	if (netlink_watch_consume(device->netlink))
		log_error("cannot read what changed in the network");
}

/* ---- starting ------------------------------------------------------------------------------------ */

static int find_interface(struct agent *agent)
{
	struct device *device = &agent->device;
	char hidden[IFNAMSIZ];
	int error = netlink_hidden_name(hidden, device->name);

	if (error)
		return error;
	error = netlink_get_link(device->netlink, hidden, &device->hidden);
	if (error != -ENODEV)
		return error;
	error = netlink_add_tunnel(device->netlink, device->name);
	agent->made_pair = !error;
	return error ? error : netlink_get_link(device->netlink, hidden, &device->hidden);
}

static int make_protocol(struct device *device)
{
	uint64_t hash_key[2];

	device->buckets = calloc(RATELIMIT_BUCKETS, sizeof(device->buckets[0]));
	if (!device->buckets)
		return -ENOMEM;
	if (getrandom(hash_key, sizeof(hash_key), 0) != sizeof(hash_key))
		return -EIO;
	ratelimit_init(&device->tunnel.ratelimit, device->buckets, RATELIMIT_BUCKETS, hash_key);
	tunnel_init(&device->tunnel, &device_operations, device);
	return 0;
}

/* Without our memory of it nobody can go on with what is in the maps. */
static int start_anew(struct device *device)
{
	uint32_t id = (uint32_t)device->hidden.ifindex;
	struct tunnel_value leftover;
	int error;

	device_free(device);
	memset(&device->value, 0, sizeof(device->value));
	if (!datapath_get_tunnel(device->datapath, id, &leftover))
		datapath_remove_tunnel(device->datapath, id);
	error = make_protocol(device);
	if (!error)
		error = network_read_links(device);
	return error ? error : device_listen(device, 0);
}

static int read_state(struct device *device)
{
	int error = agent_path(device->state_path, device->name, "state");

	if (error)
		return error;
	error = state_load(device);
	if (!error || error == -EADDRINUSE)
		return error;
	if (error != -ENOENT)
		log_error("%s: not of this tunnel, not used", device->state_path);
	return start_anew(device);
}

static int listen_to_network(struct device *device)
{
	int error = netlink_watch_open(device->netlink, &network_watch, device);

	if (error)
		return error;
	device->netlink_waiter =
		(struct loop_waiter){netlink_watch_fd(device->netlink), netlink_ready, device};
	error = loop_add(&device->loop, &device->netlink_waiter, EPOLLIN);
	return error ? error : network_read_addresses(device);
}

static int listen_to_events(struct device *device)
{
	int error = datapath_open_events(device->datapath, (uint32_t)device->hidden.ifindex,
					 events_handle, device);

	if (error)
		return error;
	device->events_waiter =
		(struct loop_waiter){datapath_events_fd(device->datapath), events_ready, device};
	return loop_add(&device->loop, &device->events_waiter, EPOLLIN);
}

static int listen_to_signals(struct agent *agent)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent->signals.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (agent->signals.fd < 0)
		return -errno;
	agent->signals.ready = signal_ready;
	agent->signals.context = agent;
	return loop_add(&agent->device.loop, &agent->signals, EPOLLIN);
}

/* The lock tells a living agent from a file that one left behind. */
static int take_pid_file(struct agent *agent)
{
	char path[PATH_MAX];
	int error = agent_path(path, agent->device.name, "pid");

	if (error)
		return error;
	agent->pid_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (agent->pid_fd < 0)
		return -errno;
	if (flock(agent->pid_fd, LOCK_EX | LOCK_NB)) {
		error = errno == EWOULDBLOCK ? -EALREADY : -errno;
		/* not ours to clear up after */
		close(agent->pid_fd);
		agent->pid_fd = -1;
		return error;
	}
	if (ftruncate(agent->pid_fd, 0) || dprintf(agent->pid_fd, "%d\n", getpid()) < 0)
		return -errno;
	return 0;
}

static int take_lock(struct agent *agent)
{
	char path[PATH_MAX];

	if (!agent->options->is_drop_in)
		return 0;
	agent->lock = agent_lock(path, true);
	return agent->lock < 0 ? agent->lock : 0;
}

static void release_lock(struct agent *agent)
{
	if (agent->lock >= 0)
		close(agent->lock);
	agent->lock = -1;
}

static int open_datapath(struct agent *agent)
{
	const char *why = NULL;
	int error = datapath_open(&agent->device.datapath, agent->options->limits, &why);

	if (error && why)
		log_error("%s", why);
	return error ? error : datapath_get_limits(agent->device.datapath, &agent->device.limits);
}

static int open_network(struct agent *agent)
{
	int error = netlink_open(&agent->device.netlink);

	return error ? error : find_interface(agent);
}

static int open_loop(struct agent *agent)
{
	int error = loop_open(&agent->device.loop);

	return error ? error : listen_to_signals(agent);
}

static int open_tunnel(struct agent *agent)
{
	struct device *device = &agent->device;
	int error = make_protocol(device);

	if (!error)
		error = receive_open(device);
	if (error)
		return error;
	device->packet_socket = staged_open(device);
	if (device->packet_socket < 0)
		return device->packet_socket;
	/* of an agent that was killed */
	busy_end(device);
	return read_state(device);
}

static int open_events(struct agent *agent)
{
	int error = listen_to_events(&agent->device);

	return error ? error : listen_to_network(&agent->device);
}

static int open_server(struct agent *agent)
{
	int error = monitor_open(&agent->device);

	return error ? error
		     : server_open(&agent->server, &agent->device,
				   agent->options->has_socket ? agent->options->socket : -1);
}

/* What happened to the interface while nobody looked. */
static int look_at_interface(struct agent *agent)
{
	struct device *device = &agent->device;
	int error = network_read_links(device);
	bool up = device->hidden.is_up && device->hidden.has_carrier;

	if (!error && up != device->value.is_up)
		device_set_up(device, up);
	network_reroute_all(device);
	state_flush_all(device);
	return error;
}

static int start_helper(struct agent *agent)
{
	return helper_start(&agent->device.helper);
}

static int apply_rules(struct agent *agent)
{
	return agent->options->rules ? device_configure(&agent->device, agent->options->rules) : 0;
}

static int start(struct agent *agent)
{
	static const struct {
		int (*step)(struct agent *agent);
		const char *name;
	} steps[] = {
		{start_helper, "helper"},
		{take_lock, "lock"},
		{take_pid_file, "one agent a tunnel"},
		{open_loop, "event loop"},
		{open_network, "interface"},
		{open_datapath, "data path"},
		{open_tunnel, "tunnel"},
		{open_events, "events"},
		{look_at_interface, "interface"},
		{apply_rules, "its options"},
		{open_server, "wg(8)'s socket"},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !error; i++) {
		error = steps[i].step(agent);
		agent->failed = steps[i].name;
	}
	return error;
}

/* ---- running and ending -------------------------------------------------------------------------- */

static int run(struct agent *agent)
{
	struct device *device = &agent->device;
	int error = 0;

	while (!device->is_ending && !error) {
		bool more = receive_handshakes(device);
		uint64_t due, write_due, look_due;

		if (server_go_on(agent->server))
			more = true;
		if (network_reroute_some(device))
			more = true;
		else
			follow_routes(device);
		due = device_run_deadlines(device);
		write_due = state_flush(device);
		if (write_due < due)
			due = write_due;
		look_due = monitor_look(device);
		if (look_due < due)
			due = look_due;
		error = loop_once(&device->loop, more ? 0 : due);
	}
	return error;
}

static void remove_traces(struct agent *agent)
{
	struct device *device = &agent->device;
	char path[PATH_MAX];

	log_verbose("the tunnel is removed");
	if (device->datapath)
		datapath_remove_tunnel(device->datapath, (uint32_t)device->hidden.ifindex);
	agent_remove_files(device->name);
	/* Attaching and detaching takes this lock; whoever has it sees to what is left. It is kept until this
	 * process ends. */
	if (agent->lock < 0)
		agent->lock = agent_lock(path, false);
	if (agent->lock < 0)
		return;
	if (device->datapath)
		datapath_remove(device->datapath);
	/* as long as there are files of others it stays */
	if (!agent_path(path, "", "")) {
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
}

static void finish(struct agent *agent)
{
	struct device *device = &agent->device;
	bool was_ready = agent->server;
	/* when it could not be started: as it was before */
	bool takes_all_along = agent->options->is_drop_in && agent->pid_fd >= 0 &&
			       (was_ready || agent->made_pair || !device->hidden.ifindex);

	if (was_ready)
		server_close(agent->server);
	monitor_close(device);
	if (device->datapath && device->hidden.ifindex)
		busy_end(device);
	resolver_close(device->resolver);
	if (takes_all_along && device->hidden.ifindex && !device->is_gone)
		netlink_remove_tunnel(device->netlink, device->name);
	if (device->is_gone || takes_all_along)
		remove_traces(agent);
	else if (was_ready)
		state_flush_all(device);
	if (was_ready)
		receive_count_verdicts(device);
	device_free(device);
	receive_close(device);
	udp_close(&device->udp);
	if (device->packet_socket >= 0)
		close(device->packet_socket);
	icmp_close(device);
	helper_stop(&device->helper);
	if (device->state_fd >= 0)
		close(device->state_fd);
	if (device->datapath)
		datapath_close(device->datapath);
	if (device->netlink)
		netlink_close(device->netlink);
	if (agent->signals.fd >= 0)
		close(agent->signals.fd);
	loop_close(&device->loop);
	if (agent->pid_fd >= 0)
		close(agent->pid_fd);
	release_lock(agent);
}

static void prepare(struct agent *agent, const char *tunnel, const struct agent_options *options)
{
	struct device *device = &agent->device;

	*agent = (struct agent){.options = options, .pid_fd = -1, .lock = -1, .signals.fd = -1};
	device->follow.is_wanted = options->follows_routes;
	device->follow.is_due = true;
	snprintf(device->name, sizeof(device->name), "%s", tunnel);
	device->packet_socket = -1;
	device->icmp_ipv4 = -1;
	device->icmp_ipv6 = -1;
	device->helper.fd = -1;
	device->state_fd = -1;
	device->idle_waiter.fd = -1;
	device->loop = (struct loop){.epoll_fd = -1, .timer_fd = -1};
	for (int i = 0; i < BOUND_ADDRESSES_MAX; i++) {
		struct udp_socket *socket = &device->udp.sockets[i];

		socket->waiter = (struct loop_waiter){-1, udp_ready, socket};
		socket->owner = device;
	}
	TAILQ_INIT(&device->peers);
	TAILQ_INIT(&device->dirty_peers);
}

static void go_to_background(const char *tunnel)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[PATH_MAX];

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	if (agent_path(path, tunnel, "log") || log_to_file(path))
		log_error("there is no log file");
	if (chdir("/"))
		log_error("cannot leave this directory");
}

static void release_parent(int ready_fd)
{
	if (ready_fd < 0)
		return;
	prctl(PR_SET_PDEATHSIG, 0);
	if (write(ready_fd, "", 1) != 1)
		log_error("nobody waits for this agent");
	close(ready_fd);
}

/* `ready_fd`: -1 in the foreground, else where a byte says that the parent need not wait any longer. */
static int start_and_run(const char *tunnel, const struct agent_options *options, int ready_fd)
{
	static struct agent agent;
	int error;

	log_start(tunnel);
	/* fixed: large requests and answers go back to the system, and do not lie among peers */
	mallopt(M_MMAP_THRESHOLD, LARGE_ALLOCATION);
	prepare(&agent, tunnel, options);
	error = start(&agent);
	if (!error && ready_fd >= 0)
		go_to_background(tunnel);
	else if (!error && getenv("WG_LOG_FILE") && log_to_file(NULL))
		log_error("cannot write to WG_LOG_FILE");
	/* all that takes more is done, and no other thread is there yet */
	if (!error) {
		error = privilege_of_agent();
		agent.failed = "capabilities";
	}
	if (!error) {
		error = confine_agent(tunnel);
		agent.failed = "files";
	}
	if (error) {
		log_line(LOG_ERROR, "agent: %s: %s", agent.failed,
			 error == -EALREADY ? "one runs already" : strerror(-error));
	} else {
		release_parent(ready_fd);
		release_lock(&agent);
		log_verbose("agent %d is ready", getpid());
		error = run(&agent);
		log_verbose("agent %d ends", getpid());
	}
	finish(&agent);
	return error;
}

int agent_run(const char *tunnel, const struct agent_options *options)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (options->foreground)
		return start_and_run(tunnel, options, -1);
	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		close(ready[0]);
		close(ready[1]);
		return -errno;
	}
	if (pid == 0) {
		close(ready[0]);
		setsid();
		/* who is killed while waiting for us is cleaned up after, and we must not come later */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(start_and_run(tunnel, options, ready[1]) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	close(ready[1]);
	/* the end of the pipe without a byte is the end of the child, which said why */
	pid = read(ready[0], &byte, 1) == 1 ? 0 : -ECHILD;
	close(ready[0]);
	return (int)pid;
}
