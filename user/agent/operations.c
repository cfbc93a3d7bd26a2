// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * operations.c - what the protocol asks of the world (struct tunnel_ops of proto/peer.h): indices and sessions
 * are the data path's, messages go by the UDP sockets, packets by the packet socket. None of these calls back
 * into the protocol.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct device_peer *device_peer_of(struct peer *peer)
{
	return TABLE_OWNER(peer, struct device_peer, peer);
}

static void random_bytes(void *context, void *out, size_t length)
{
	(void)context;
	/* up to 256 bytes come whole (random(7)); the generator was ready when the agent began */
	if (getrandom(out, length, 0) != (ssize_t)length)
		abort();
}

static void wall_clock(void *context, uint64_t *seconds, uint32_t *nanoseconds)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_REALTIME, &now);
	*seconds = (uint64_t)now.tv_sec;
	*nanoseconds = (uint32_t)now.tv_nsec;
}

/* ---- indices ------------------------------------------------------------------------------------- */

static struct peer_index *find_index(const struct device *device, uint32_t index)
{
	struct table_entry *entry = table_find(&device->by_index, index);

	return entry ? TABLE_OWNER(entry, struct peer_index, by_index) : NULL;
}

struct device_peer *device_find_by_index(const struct device *device, uint32_t index)
{
	struct peer_index *held = find_index(device, index);

	return held ? held->peer : NULL;
}

bool device_hold_index(struct device_peer *peer, uint32_t index)
{
	struct peer_index *held;
	int count = 0;

	LIST_FOREACH(held, &peer->indices, of_peer)
	{
		count++;
	}
	if (count == PEER_INDICES_MAX)
		return false;
	held = calloc(1, sizeof(*held));
	if (!held || table_insert(&peer->device->by_index, &held->by_index, index)) {
		free(held);
		return false;
	}
	held->peer = peer;
	LIST_INSERT_HEAD(&peer->indices, held, of_peer);
	return true;
}

void device_forget_index(struct device *device, struct peer_index *held)
{
	table_remove(&device->by_index, &held->by_index);
	LIST_REMOVE(held, of_peer);
	free(held);
}

/* A line a second: whoever wants a session asks again. */
static void say_full(struct device *device)
{
	uint64_t now = boot_time();

	if (device->told_full && now < device->told_full + SECONDS(1))
		return;
	device->told_full = now;
	log_error("no room for a handshake: there are %u sessions (--max-sessions)",
		  device->limits.sessions);
}

static bool reserve_index(void *context, struct peer *peer, uint32_t *index)
{
	struct device *device = context;
	struct device_peer *owner = device_peer_of(peer);
	uint32_t reserved;
	int error = datapath_reserve_index(device->datapath, device->hidden.ifindex, owner->id,
					   &reserved);

	if (error == -ENOSPC)
		say_full(device);
	if (error)
		return false;
	if (!device_hold_index(owner, reserved)) {
		datapath_end_session(device->datapath, reserved);
		return false;
	}
	*index = reserved;
	state_peer_changed(owner);
	return true;
}

static void release_index(void *context, uint32_t index)
{
	struct device *device = context;
	struct peer_index *held = find_index(device, index);

	datapath_end_session(device->datapath, index);
	busy_session_ended(device, index);
	if (!held)
		return;
	state_peer_changed(held->peer);
	device_forget_index(device, held);
}

static struct peer *find_by_index(void *context, uint32_t index)
{
	struct device_peer *peer = device_find_by_index(context, index);

	return peer ? &peer->peer : NULL;
}

static struct peer *find_by_public_key(void *context, const uint8_t *public_key)
{
	struct device_peer *peer = device_find_peer(context, public_key);

	return peer ? &peer->peer : NULL;
}

/* ---- messages ------------------------------------------------------------------------------------ */

static const char *name_of_message(const void *message)
{
	switch (load_le32(message)) {
	case MESSAGE_HANDSHAKE_INITIATION:
		return "handshake initiation";
	case MESSAGE_HANDSHAKE_RESPONSE:
		return "handshake response";
	default:
		return "cookie reply";
	}
}

static void log_sent(const struct device_peer *peer, const struct endpoint *to, const void *message,
		     int error)
{
	char address[ADDRESS_TEXT_LENGTH];

	endpoint_to_text(address, to);
	if (error)
		log_error("peer %u (%s): cannot send %s: %s", peer->id, address,
			  name_of_message(message), strerror(-error));
	else if (peer->peer.timers.handshake_attempts)
		log_verbose("peer %u (%s): no response, sending %s again (%u)", peer->id, address,
			    name_of_message(message), peer->peer.timers.handshake_attempts);
	else
		log_verbose("peer %u (%s): sending %s", peer->id, address,
			    name_of_message(message));
}

/* The map knows best where the peer is: BPF may have moved it a moment ago. */
static void send_handshake(void *context, struct peer *peer, const void *message, size_t length)
{
	struct device *device = context;
	struct device_peer *to = device_peer_of(peer);
	struct peer_value value;
	int error;

	/* timestamps and indices are safe before anybody sees them (rule 3) */
	state_flush_peer(to);
	if (peer->timers.handshake_attempts)
		names_ask(to);
	if (to->loops || datapath_get_peer(device->datapath, to->id, &value) ||
	    value.endpoint.family == FAMILY_NONE)
		return;
	error = udp_send(&device->udp, &value.endpoint, UDP_DS_HANDSHAKE, message, length);
	if (error == -EADDRNOTAVAIL) {
		network_route(to, true);
		if (!datapath_get_peer(device->datapath, to->id, &value))
			error = udp_send(&device->udp, &value.endpoint, UDP_DS_HANDSHAKE, message,
					 length);
	}
	log_sent(to, &value.endpoint, message, error);
	if (!error)
		datapath_count_bytes(device->datapath, to->id, 0, length);
}

static void send_reply(void *context, const struct cookie_source *to, const void *message,
		       size_t length)
{
	struct device *device = context;

	(void)to;
	if (device->receiving && !udp_is_busy(&device->udp, &device->receiving->from))
		udp_send(&device->udp, &device->receiving->from, UDP_DS_NONE, message, length);
}

/* As in BPF: one that is nowhere yet may come from anywhere. */
static bool stays_where_it_is(const struct device_peer *peer)
{
	struct peer_value value;

	return peer->stays && !datapath_get_peer(peer->device->datapath, peer->id, &value) &&
	       value.endpoint.family != FAMILY_NONE;
}

static void roamed(void *context, struct peer *peer, const struct cookie_source *from)
{
	struct device *device = context;

	(void)from;
	if (device->receiving && !stays_where_it_is(device_peer_of(peer)))
		network_set_endpoint(device_peer_of(peer), &device->receiving->from, true);
}

static void forget_local_source(void *context, struct peer *peer)
{
	(void)context;
	network_route(device_peer_of(peer), true);
}

/* ---- sessions ------------------------------------------------------------------------------------ */

static void begin_session(void *context, struct peer *peer, const struct noise_session_keys *keys,
			  uint64_t birth)
{
	struct device *device = context;
	struct device_peer *owner = device_peer_of(peer);
	struct transport_session session = {
		.state = keys->i_am_the_initiator ? SESSION_LIVE : SESSION_NEXT,
		.peer = owner->id,
		.tunnel = (uint32_t)device->hidden.ifindex,
		.remote_index = keys->remote_index,
		.i_am_the_initiator = keys->i_am_the_initiator,
		.birth = birth,
	};
	int error;

	for (int i = 0; i < 8; i++) {
		session.sending_key.words[i] = load_le32(keys->sending_key + 4 * i);
		session.receiving_key.words[i] = load_le32(keys->receiving_key + 4 * i);
	}
	error = datapath_begin_session(device->datapath, keys->local_index, &session);
	crypto_wipe(&session, sizeof(session));
	if (!error && keys->i_am_the_initiator)
		error = datapath_set_current(device->datapath, owner->id, true, keys->local_index);
	if (error)
		log_error("peer %u: cannot begin a session: %s", owner->id, strerror(-error));
	else
		log_verbose("peer %u: session %08x begins, as %s", owner->id, keys->local_index,
			    keys->i_am_the_initiator ? "initiator" : "responder");
	if (!error && keys->i_am_the_initiator)
		monitor_handshake(owner, true);
	state_peer_changed(owner);
}

/* BPF made it the current one already; but a session of ours may have begun at the same moment. */
static void session_confirmed(void *context, struct peer *peer, uint32_t local_index)
{
	struct device *device = context;
	struct device_peer *owner = device_peer_of(peer);

	datapath_set_current(device->datapath, owner->id, true, local_index);
	state_peer_changed(owner);
	monitor_handshake(owner, false);
}

static void end_session(void *context, struct peer *peer, uint32_t local_index)
{
	(void)peer;
	release_index(context, local_index);
}

static void stop_sending(void *context, struct peer *peer, uint32_t local_index)
{
	struct device *device = context;

	(void)peer;
	datapath_stop_sending(device->datapath, local_index);
}

/* ---- packets ------------------------------------------------------------------------------------- */

/* BPF tells of what passes now unless it told before: so the notes are read, but not from in here. */
static unsigned int send_staged(void *context, struct peer *peer)
{
	struct device_peer *owner = device_peer_of(peer);
	unsigned int count = staged_send(owner);

	(void)context;
	if (count) {
		owner->notes_are_due = true;
		device_schedule(owner);
	}
	return count;
}

/* Of a peer that runs they are dropped when it does not answer any more. */
static void drop_staged(void *context, struct peer *peer)
{
	(void)context;
	if (peer->running)
		monitor_peer(MONITOR_GAVE_UP, device_peer_of(peer));
	staged_drop(device_peer_of(peer));
}

static bool send_keepalive(void *context, struct peer *peer)
{
	struct device *device = context;
	struct device_peer *owner = device_peer_of(peer);
	struct peer_value value;

	if (!session_can_send(&peer->sessions.current, 0, boot_time()))
		return false;
	if (datapath_get_peer(device->datapath, owner->id, &value) ||
	    value.endpoint.family == FAMILY_NONE)
		return true;
	staged_keepalive(owner, value.endpoint.family);
	notes_forget_sent(owner);
	return true;
}

static void deadline_changed(void *context, struct peer *peer)
{
	(void)context;
	device_schedule(device_peer_of(peer));
}

const struct tunnel_ops device_operations = {
	.random_bytes = random_bytes,
	.wall_clock = wall_clock,
	.reserve_index = reserve_index,
	.release_index = release_index,
	.find_by_index = find_by_index,
	.find_by_public_key = find_by_public_key,
	.send_handshake = send_handshake,
	.send_reply = send_reply,
	.roamed = roamed,
	.forget_local_source = forget_local_source,
	.begin_session = begin_session,
	.session_confirmed = session_confirmed,
	.end_session = end_session,
	.stop_sending = stop_sending,
	.send_staged = send_staged,
	.drop_staged = drop_staged,
	.send_keepalive = send_keepalive,
	.deadline_changed = deadline_changed,
};
