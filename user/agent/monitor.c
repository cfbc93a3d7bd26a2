// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * monitor.c - those who follow this agent (monitor.h). An event costs nothing while there is nobody, and a reader
 * who does not read costs a bounded queue: the agent never waits for one.
 *
 * What the data path drops is only counted there, so once a second, while somebody follows, the counters are
 * compared with what was told: the tunnel's, and when those moved those of each peer. A tunnel of more peers than
 * PEERS_LOOKED_AT is told without the peers.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <agent/monitor.h>
#include <util/verdicts.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PEERS_LOOKED_AT = 1024,
	/* handshake messages told one by one between two looks at the counters, which tell of the rest */
	REFUSALS_AT_ONCE = 16,
	INTERFACES_MAX = 64,
};

#define LOOK_INTERVAL SECONDS(1)

struct follower {
	struct loop_waiter waiter;
	struct monitor *monitor;
	LIST_ENTRY(follower) of_monitor;
	struct monitor_queue queue;
};

struct attached {
	int ifindex;
	enum attach_mode mode;
	char name[IFNAMSIZ];
	bool is_there;
};

struct monitor {
	struct device *device;
	LIST_HEAD(, follower) followers;
	uint64_t next_look;
	/* what was told of the tunnel's counters */
	uint64_t told[VERDICT_COUNT];
	unsigned int refusals;
	/* their told_verdicts are there */
	bool knows_peers;
	struct attached attached[INTERFACES_MAX];
	size_t attached_count;
};

int monitor_open(struct device *device)
{
	device->monitor = calloc(1, sizeof(*device->monitor));
	if (!device->monitor)
		return -ENOMEM;
	device->monitor->device = device;
	return 0;
}

static bool is_followed(const struct device *device)
{
	return device->monitor && !LIST_EMPTY(&device->monitor->followers);
}

/* ---- followers ----------------------------------------------------------------------------------- */

static void forget_told_of_peers(struct device *device)
{
	struct device_peer *peer;

	device->monitor->knows_peers = false;
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		free(peer->told_verdicts);
		peer->told_verdicts = NULL;
	}
}

static void close_follower(struct follower *follower)
{
	loop_remove(&follower->monitor->device->loop, &follower->waiter);
	close(follower->waiter.fd);
	LIST_REMOVE(follower, of_monitor);
	free(follower);
}

void monitor_close(struct device *device)
{
	struct monitor *monitor = device->monitor;

	if (!monitor)
		return;
	while (!LIST_EMPTY(&monitor->followers))
		close_follower(LIST_FIRST(&monitor->followers));
	free(monitor);
	device->monitor = NULL;
}

/* False when the reader is gone. */
static bool write_queue(struct follower *follower)
{
	const char *text;
	size_t length;

	while ((text = monitor_queue_next(&follower->queue, &length))) {
		ssize_t count =
			send(follower->waiter.fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count < 0)
			return errno == EAGAIN || errno == EINTR;
		monitor_queue_written(&follower->queue, (size_t)count);
	}
	return true;
}

static bool wait_on(struct follower *follower)
{
	uint32_t events = follower->queue.length ? EPOLLIN | EPOLLOUT : EPOLLIN;

	return !loop_change(&follower->monitor->device->loop, &follower->waiter, events);
}

/* What a follower still says means nothing; that it closes does. */
static void follower_ready(void *context, uint32_t events)
{
	struct follower *follower = context;
	char ignored[256];
	bool is_there = true;
	ssize_t count;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		count = recv(follower->waiter.fd, ignored, sizeof(ignored), MSG_DONTWAIT);
		is_there = count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
	}
	if (!is_there || !write_queue(follower) || !wait_on(follower))
		close_follower(follower);
}

static void tell(struct device *device, const struct monitor_event *event)
{
	struct follower *follower, *next;

	for (follower = LIST_FIRST(&device->monitor->followers); follower; follower = next) {
		bool was_waiting = follower->queue.length > 0;

		next = LIST_NEXT(follower, of_monitor);
		monitor_queue_put(&follower->queue, event);
		/* one that is late is written to when its socket says so, or there would be no room any more */
		if ((!was_waiting || follower->queue.length > MONITOR_QUEUE_ROOM / 2) &&
		    (!write_queue(follower) || !wait_on(follower)))
			close_follower(follower);
	}
}

/* ---- what happened ------------------------------------------------------------------------------- */

static struct monitor_event event_of(enum monitor_kind kind, const struct device_peer *peer)
{
	struct monitor_event event = monitor_event(kind);

	event.has_public_key = true;
	memcpy(event.public_key, peer->peer.handshake.remote_static, sizeof(event.public_key));
	if (peer->name)
		snprintf(event.name, sizeof(event.name), "%s", peer->name);
	event.endpoint = peer->told_endpoint;
	return event;
}

void monitor_peer(enum monitor_kind kind, const struct device_peer *peer)
{
	struct monitor_event event;

	if (!is_followed(peer->device))
		return;
	event = event_of(kind, peer);
	tell(peer->device, &event);
}

void monitor_handshake(const struct device_peer *peer, bool i_am_the_initiator)
{
	struct monitor_event event;

	if (!is_followed(peer->device))
		return;
	event = event_of(MONITOR_HANDSHAKE, peer);
	event.i_am_the_initiator = i_am_the_initiator;
	tell(peer->device, &event);
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !memcmp(a->port, b->port, sizeof(a->port)) &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

void monitor_endpoint(struct device_peer *peer, const struct endpoint *endpoint, bool has_roamed)
{
	struct endpoint from = peer->told_endpoint;
	struct monitor_event event;

	if (same_place(&from, endpoint))
		return;
	peer->told_endpoint = *endpoint;
	if (!has_roamed || from.family == FAMILY_NONE || !is_followed(peer->device))
		return;
	event = event_of(MONITOR_ROAMED, peer);
	event.from = from;
	tell(peer->device, &event);
}

void monitor_device(enum monitor_kind kind, struct device *device)
{
	struct monitor_event event;

	if (!is_followed(device))
		return;
	event = monitor_event(kind);
	tell(device, &event);
}

void monitor_refused(struct device *device, struct device_peer *named, enum verdict verdict,
		     const struct endpoint *from)
{
	struct monitor_event event;

	if (!is_followed(device) || device->monitor->refusals >= REFUSALS_AT_ONCE)
		return;
	device->monitor->refusals++;
	device->monitor->told[verdict]++;
	if (named && named->told_verdicts)
		named->told_verdicts[verdict]++;
	event = named ? event_of(MONITOR_REFUSED, named) : monitor_event(MONITOR_REFUSED);
	event.endpoint = *from;
	event.verdict = verdict;
	tell(device, &event);
}

/* ---- once a second ------------------------------------------------------------------------------- */

static void tell_dropped(struct device *device, const struct device_peer *peer,
			 enum verdict verdict, uint64_t packets)
{
	struct monitor_event event =
		peer ? event_of(MONITOR_DROPPED, peer) : monitor_event(MONITOR_DROPPED);

	event.verdict = verdict;
	event.packets = packets;
	tell(device, &event);
}

/* What the peer lost since the last look; taken off what the tunnel lost. */
static void look_at_peer(struct device_peer *peer, uint64_t lost[VERDICT_COUNT], bool say)
{
	struct peer_value value;

	if (datapath_get_peer(peer->device->datapath, peer->id, &value))
		return;
	if (!peer->told_verdicts)
		peer->told_verdicts = calloc(VERDICT_COUNT, sizeof(*peer->told_verdicts));
	if (!peer->told_verdicts)
		return;
	for (int i = 0; i < VERDICT_COUNT; i++) {
		uint32_t more = value.verdicts[i] - peer->told_verdicts[i];

		peer->told_verdicts[i] = value.verdicts[i];
		if (!more || !say || !verdict_is_drop(i))
			continue;
		tell_dropped(peer->device, peer, i, more);
		/* it may have lost some between the look at the tunnel and this one: those are told now */
		if (more > lost[i])
			peer->device->monitor->told[i] += more - lost[i];
		lost[i] -= more < lost[i] ? more : lost[i];
	}
}

static void look_at_peers(struct device *device, uint64_t lost[VERDICT_COUNT], bool say)
{
	struct device_peer *peer;

	if (device->peer_count > PEERS_LOOKED_AT)
		return;
	device->monitor->knows_peers = true;
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		look_at_peer(peer, lost, say);
	}
}

static void look_at_counters(struct monitor *monitor, bool say)
{
	struct device *device = monitor->device;
	uint64_t now[VERDICT_COUNT], lost[VERDICT_COUNT] = {0};
	bool any = false;

	if (receive_get_counters(device, now))
		return;
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (verdict_is_drop(i) && now[i] > monitor->told[i])
			lost[i] = now[i] - monitor->told[i];
		any |= lost[i] > 0;
		if (now[i] > monitor->told[i])
			monitor->told[i] = now[i];
	}
	if (any || !say)
		look_at_peers(device, lost, say);
	for (int i = 0; i < VERDICT_COUNT && say; i++) {
		if (lost[i])
			tell_dropped(device, NULL, i, lost[i]);
	}
}

/* Memory alone: the data path expires a session by itself and tells nobody. */
static void look_at_sessions(struct device *device, bool say)
{
	uint64_t now = boot_time();
	struct device_peer *peer;

	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		const struct session *current = &peer->peer.sessions.current;

		if (!current->exists || now < current->birth + REJECT_AFTER_TIME ||
		    peer->told_expired == current->birth)
			continue;
		peer->told_expired = current->birth;
		if (say)
			monitor_peer(MONITOR_EXPIRED, peer);
	}
}

static void tell_interface(struct monitor *monitor, enum monitor_kind kind,
			   const struct attached *attached)
{
	struct monitor_event event = monitor_event(kind);

	memcpy(event.interface, attached->name, sizeof(event.interface));
	event.is_generic = attached->mode == ATTACH_GENERIC;
	tell(monitor->device, &event);
}

struct look_at_interfaces {
	struct monitor *monitor;
	bool say;
};

static void look_at_interface(void *context, int ifindex, enum attach_mode mode)
{
	struct look_at_interfaces *look = context;
	struct monitor *monitor = look->monitor;
	struct attached *attached;

	for (size_t i = 0; i < monitor->attached_count; i++) {
		attached = &monitor->attached[i];
		if (attached->ifindex == ifindex && attached->mode == mode) {
			attached->is_there = true;
			return;
		}
	}
	if (monitor->attached_count == INTERFACES_MAX)
		return;
	attached = &monitor->attached[monitor->attached_count];
	*attached = (struct attached){.ifindex = ifindex, .mode = mode, .is_there = true};
	if (!if_indextoname((unsigned int)ifindex, attached->name))
		return;
	monitor->attached_count++;
	if (look->say)
		tell_interface(monitor, MONITOR_ATTACHED, attached);
}

static void look_at_all_interfaces(struct monitor *monitor, bool say)
{
	struct look_at_interfaces look = {monitor, say};
	size_t kept = 0;

	for (size_t i = 0; i < monitor->attached_count; i++)
		monitor->attached[i].is_there = false;
	datapath_for_each_interface(monitor->device->datapath, look_at_interface, &look);
	for (size_t i = 0; i < monitor->attached_count; i++) {
		if (monitor->attached[i].is_there)
			monitor->attached[kept++] = monitor->attached[i];
		else if (say)
			tell_interface(monitor, MONITOR_DETACHED, &monitor->attached[i]);
	}
	monitor->attached_count = kept;
}

/* `say` is false for the first look, which only learns how things are. */
static void look(struct monitor *monitor, bool say)
{
	monitor->next_look = boot_time() + LOOK_INTERVAL;
	look_at_counters(monitor, say);
	look_at_sessions(monitor->device, say);
	look_at_all_interfaces(monitor, say);
	monitor->refusals = 0;
}

uint64_t monitor_look(struct device *device)
{
	if (!is_followed(device)) {
		if (device->monitor && device->monitor->knows_peers)
			forget_told_of_peers(device);
		return LOOP_NEVER;
	}
	if (boot_time() >= device->monitor->next_look)
		look(device->monitor, true);
	return device->monitor->next_look;
}

int monitor_follow(struct device *device, int fd)
{
	static const char welcome[] = "errno=0\n\n";
	struct follower *follower = calloc(1, sizeof(*follower));
	int error;

	if (!follower)
		return -ENOMEM;
	follower->monitor = device->monitor;
	follower->waiter = (struct loop_waiter){fd, follower_ready, follower};
	error = loop_add(&device->loop, &follower->waiter, EPOLLIN | EPOLLOUT);
	if (error) {
		free(follower);
		return error;
	}
	if (!is_followed(device))
		look(device->monitor, false);
	monitor_queue_put_text(&follower->queue, welcome, strlen(welcome));
	LIST_INSERT_HEAD(&device->monitor->followers, follower, of_monitor);
	return 0;
}
