// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * state.c - what a restarted agent must know and the maps do not hold: keys, allowed IPs, the greatest timestamps
 * (paper 5.1: an initiation is not accepted twice), which indices are whose. A file of mode 0600 in /run, gone
 * with the machine's power like the maps, so it is written as the structs are in memory:
 *
 *     header | peers | allowed IPs | names
 *
 * A change of the configuration writes it anew, beside the old one, and renames. What a handshake changes is
 * written into the peer's record in place: a record lies in one page, and a write within one page is whole or
 * not at all, also when the agent is killed.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STATE_MAGIC = 0x77677865,
	/* of the time at most this part is spent on writing all */
	STATE_COST_DIVISOR = 10,
};

struct state_header {
	uint32_t magic;
	uint32_t abi_version;
	uint32_t tunnel;
	uint32_t fwmark;
	uint64_t peer_count;
	uint64_t allowed_count;
	uint8_t private_key[32];
	uint64_t namespace_cookie;
	uint64_t name_count;
	uint8_t unused[168];
	uint16_t listen_port;
	uint8_t has_private_key;
	/* the maps may have other peers and allowed IPs than this file: it was begun, and not ended, to change them */
	uint8_t is_changing;
	uint8_t unused_too[4];
};

struct state_peer {
	uint8_t public_key[32];
	uint8_t preshared_key[32];
	uint8_t latest_timestamp[NOISE_TIMESTAMP_LENGTH];
	uint8_t last_sent_timestamp[NOISE_TIMESTAMP_LENGTH];
	uint64_t last_handshake_completed;
	uint32_t id;
	uint32_t index_count;
	uint32_t indices[PEER_INDICES_MAX];
	uint16_t keepalive;
	uint8_t source_is_learned;
	uint8_t stays;
	uint8_t unused[4];
	uint64_t limit;
	uint8_t unused_too[112];
};

struct state_allowed {
	uint32_t peer_id;
	uint8_t family;
	uint8_t prefix_length;
	uint8_t address[16];
	uint8_t unused[2];
};

/* Of a peer that people call by a name, or whose endpoint is one. */
struct state_name {
	uint32_t peer_id;
	char name[PEER_NAME_MAX + 1];
	char endpoint_name[ENDPOINT_NAME_MAX + 1];
};

_Static_assert(sizeof(struct state_header) == 256, "records do not cross pages");
_Static_assert(sizeof(struct state_peer) == 256, "records do not cross pages");

/* ---- writing ------------------------------------------------------------------------------------- */

static bool has_name(const struct device_peer *peer)
{
	return peer->name || peer->endpoint_name;
}

static void fill_header(const struct device *device, struct state_header *header)
{
	const struct noise_identity *identity = &device->tunnel.identity;
	const struct device_peer *peer;

	*header = (struct state_header){
		.magic = STATE_MAGIC,
		.abi_version = WGXDP_ABI_VERSION,
		.tunnel = (uint32_t)device->hidden.ifindex,
		.fwmark = device->fwmark,
		.peer_count = device->peer_count,
		.allowed_count = device->by_prefix.count,
		.listen_port = device->udp.port,
		.has_private_key = identity->has_identity,
		.is_changing = device->is_changing,
	};
	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		header->name_count += has_name(peer);
	}
	datapath_namespace_cookie(&header->namespace_cookie);
	if (identity->has_identity)
		memcpy(header->private_key, identity->static_private, sizeof(header->private_key));
}

static void fill_peer(const struct device_peer *peer, struct state_peer *record)
{
	const struct noise_handshake *handshake = &peer->peer.handshake;
	const struct peer_index *held;

	*record = (struct state_peer){
		.last_handshake_completed = peer->peer.last_handshake_completed,
		.id = peer->id,
		.keepalive = peer->keepalive,
		.source_is_learned = peer->source_is_learned,
		.stays = peer->stays,
		.limit = peer->limit,
	};
	memcpy(record->public_key, handshake->remote_static, sizeof(record->public_key));
	memcpy(record->preshared_key, handshake->preshared_key, sizeof(record->preshared_key));
	memcpy(record->latest_timestamp, handshake->latest_timestamp, NOISE_TIMESTAMP_LENGTH);
	memcpy(record->last_sent_timestamp, handshake->last_sent_timestamp, NOISE_TIMESTAMP_LENGTH);
	LIST_FOREACH(held, &peer->indices, of_peer)
	{
		record->indices[record->index_count++] = (uint32_t)held->by_index.key;
	}
}

static void write_peers(struct device *device, FILE *file)
{
	uint64_t offset = sizeof(struct state_header);
	struct state_peer record;
	struct device_peer *peer;

	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		fill_peer(peer, &record);
		fwrite(&record, sizeof(record), 1, file);
		peer->state_offset = offset;
		offset += sizeof(record);
	}
	crypto_wipe(&record, sizeof(record));
}

static void write_allowed(const struct device *device, FILE *file)
{
	const struct device_peer *peer;
	const struct allowed_prefix *prefix;

	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		LIST_FOREACH(prefix, &peer->allowed_prefixes, of_peer)
		{
			struct state_allowed record = {
				.peer_id = peer->id,
				.family = (uint8_t)prefix->family,
				.prefix_length = prefix->prefix_length,
			};

			memcpy(record.address, prefix->address, sizeof(record.address));
			fwrite(&record, sizeof(record), 1, file);
		}
	}
}

static void write_names(const struct device *device, FILE *file)
{
	const struct device_peer *peer;

	TAILQ_FOREACH(peer, &device->peers, of_device)
	{
		struct state_name record = {.peer_id = peer->id};

		if (!has_name(peer))
			continue;
		snprintf(record.name, sizeof(record.name), "%s", peer->name ?: "");
		snprintf(record.endpoint_name, sizeof(record.endpoint_name), "%s",
			 peer->endpoint_name ?: "");
		fwrite(&record, sizeof(record), 1, file);
	}
}

/* Writes all to a new file and leaves its descriptor open for changes in place. */
static int write_all(struct device *device)
{
	char path[PATH_MAX + 8];
	struct state_header header;
	FILE *file;
	int fd, error;

	snprintf(path, sizeof(path), "%s.new", device->state_path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(dup(fd), "w");
	if (!file) {
		error = -errno;
		close(fd);
		return error;
	}
	fill_header(device, &header);
	fwrite(&header, sizeof(header), 1, file);
	crypto_wipe(&header, sizeof(header));
	write_peers(device, file);
	write_allowed(device, file);
	write_names(device, file);
	error = ferror(file) ? -EIO : 0;
	if (fclose(file) || (!error && rename(path, device->state_path)))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	if (device->state_fd >= 0)
		close(device->state_fd);
	device->state_fd = fd;
	return 0;
}

static void write_one(struct device_peer *peer)
{
	struct state_peer record;

	if (!peer->state_offset || peer->device->state_fd < 0)
		return;
	fill_peer(peer, &record);
	if (pwrite(peer->device->state_fd, &record, sizeof(record), (off_t)peer->state_offset) !=
	    sizeof(record))
		log_error("cannot write %s: %s", peer->device->state_path, strerror(errno));
	crypto_wipe(&record, sizeof(record));
}

/* ---- when ---------------------------------------------------------------------------------------- */

void state_changed(struct device *device)
{
	device->state_is_dirty = true;
}

void state_begin_change(struct device *device)
{
	const uint8_t yes = 1;

	device->is_changing = true;
	if (device->state_fd >= 0 && pwrite(device->state_fd, &yes, sizeof(yes),
					    offsetof(struct state_header, is_changing)) < 0)
		log_error("cannot write %s: %s", device->state_path, strerror(errno));
}

void state_peer_changed(struct device_peer *peer)
{
	if (peer->state_is_dirty)
		return;
	peer->state_is_dirty = true;
	TAILQ_INSERT_TAIL(&peer->device->dirty_peers, peer, dirty);
}

void state_flush_peer(struct device_peer *peer)
{
	if (peer->state_is_dirty)
		TAILQ_REMOVE(&peer->device->dirty_peers, peer, dirty);
	peer->state_is_dirty = false;
	write_one(peer);
}

void state_flush_all(struct device *device)
{
	uint64_t start = boot_time();
	int error;

	if (!device->state_is_dirty)
		return;
	error = write_all(device);
	if (error)
		log_error("cannot write %s: %s", device->state_path, strerror(-error));
	device->state_is_dirty = false;
	device->state_written = boot_time();
	device->state_cost = device->state_written - start;
}

/* With few peers every change is on file before its answer; with very many, added one by one, only so often
 * that it does not slow them down. */
uint64_t state_flush(struct device *device)
{
	uint64_t due = device->state_written + STATE_COST_DIVISOR * device->state_cost;

	while (!TAILQ_EMPTY(&device->dirty_peers))
		state_flush_peer(TAILQ_FIRST(&device->dirty_peers));
	if (!device->state_is_dirty)
		return DEADLINE_NEVER;
	if (due > boot_time())
		return due;
	state_flush_all(device);
	return DEADLINE_NEVER;
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* The maps do not say which slot a session was in. One that only receives and is not the current one was held back,
 * in next's, when handshakes crossed (proto/peer.c), or else it is as well there as in previous. */
static struct session *slot_of(struct sessions *sessions, const struct transport_session *from,
			       bool is_current)
{
	if (from->state == SESSION_NEXT)
		return &sessions->next;
	if (is_current)
		return &sessions->current;
	return from->state == SESSION_RECEIVES_ONLY && !sessions->next.exists ? &sessions->next
									      : &sessions->previous;
}

/* Where there is another one already, as BPF was ahead of the agent that ended, the older of the two makes room: it
 * becomes the previous one, or ends. Each index that is held has a slot. */
static void put_session(struct device_peer *peer, struct session *slot,
			const struct session *session)
{
	struct noise_index_allocator *indices = &peer->device->tunnel.indices;
	struct sessions *sessions = &peer->peer.sessions;
	struct session older = *session;

	if (!slot->exists || slot->birth <= session->birth) {
		older = *slot;
		*slot = *session;
	}
	if (!older.exists)
		return;
	if (slot != &sessions->previous)
		put_session(peer, &sessions->previous, &older);
	else
		indices->release(indices->context, older.local_index);
}

static void restore_session(struct device_peer *peer, const struct transport_session *from,
			    uint32_t local_index, bool is_current)
{
	struct session session = {
		.exists = true,
		.i_am_the_initiator = from->i_am_the_initiator,
		.may_send = from->state != SESSION_RECEIVES_ONLY,
		.local_index = local_index,
		.remote_index = from->remote_index,
		.birth = from->birth,
	};

	put_session(peer, slot_of(&peer->peer.sessions, from, is_current), &session);
	if (from->birth + WIPE_AFTER_TIME > peer->peer.timers.deadline[TIMER_WIPE_KEYS] ||
	    peer->peer.timers.deadline[TIMER_WIPE_KEYS] == TIMERS_NEVER)
		timers_session_derived(&peer->peer.timers, from->birth);
}

/* The maps say what became of an index. A handshake that was under way is void: nobody knows its secrets. */
static void restore_index(struct device_peer *peer, const struct peer_value *value, uint32_t index)
{
	struct datapath *datapath = peer->device->datapath;
	struct transport_session session;

	if (device_find_by_index(peer->device, index) ||
	    datapath_get_session(datapath, index, &session) || session.peer != peer->id)
		return;
	if (session.state == SESSION_RESERVED || !device_hold_index(peer, index)) {
		datapath_end_session(datapath, index);
	} else {
		busy_session_restored(peer->device, index);
		restore_session(peer, &session, index,
				value->has_current_session && value->current_session == index);
	}
	crypto_wipe(&session, sizeof(session));
}

static int restore_peer(struct device *device, const struct state_peer *record)
{
	struct device_peer *peer;
	struct peer_value value;
	int error;

	if (datapath_get_peer(device->datapath, record->id, &value) ||
	    value.tunnel != (uint32_t)device->hidden.ifindex)
		return -ESTALE;
	error = device_add_peer(device, record->public_key, record->preshared_key, record->id,
				&peer);
	if (error)
		return error;
	memcpy(peer->peer.handshake.latest_timestamp, record->latest_timestamp,
	       NOISE_TIMESTAMP_LENGTH);
	memcpy(peer->peer.handshake.last_sent_timestamp, record->last_sent_timestamp,
	       NOISE_TIMESTAMP_LENGTH);
	peer->peer.last_handshake_completed = record->last_handshake_completed;
	peer->source_is_learned = record->source_is_learned;
	peer->keepalive = record->keepalive;
	peer->stays = record->stays;
	peer->limit = record->limit;
	peer_set_persistent_keepalive(&peer->peer, record->keepalive, boot_time());
	for (uint32_t i = 0; i < record->index_count && i < PEER_INDICES_MAX; i++)
		restore_index(peer, &value, record->indices[i]);
	/* one that began in the moment before the agent ended */
	if (value.has_current_session)
		restore_index(peer, &value, value.current_session);
	/* not peer_start(): nothing starts, it goes on */
	peer->peer.running = device->value.is_up;
	if (peer->peer.running)
		notes_restore(peer, &value);
	return 0;
}

static int restore_allowed(struct device *device, const struct state_allowed *record)
{
	struct device_peer *peer = device_find_peer_by_id(device, record->peer_id);
	bool is_ipv4 = record->family == FAMILY_IPV4;
	struct allowed_ip allowed = {
		.family = record->family,
		.prefix_length = record->prefix_length,
	};

	if (!peer || (!is_ipv4 && record->family != FAMILY_IPV6) ||
	    record->prefix_length > (is_ipv4 ? 32 : 128))
		return -ESTALE;
	memcpy(allowed.address, record->address, sizeof(allowed.address));
	return device_restore_allowed(peer, &allowed);
}

/* They are on file as in the list, and each came before the others. */
static void reverse_allowed(struct device_peer *peer)
{
	struct allowed_prefix *prefix, *rest = LIST_FIRST(&peer->allowed_prefixes);

	LIST_INIT(&peer->allowed_prefixes);
	while ((prefix = rest)) {
		rest = LIST_NEXT(prefix, of_peer);
		LIST_INSERT_HEAD(&peer->allowed_prefixes, prefix, of_peer);
	}
}

static int restore_name(struct device *device, struct state_name *record, bool may_be_gone)
{
	struct device_peer *peer = device_find_peer_by_id(device, record->peer_id);
	int error;

	if (!peer)
		return may_be_gone ? 0 : -ESTALE;
	record->name[PEER_NAME_MAX] = '\0';
	record->endpoint_name[ENDPOINT_NAME_MAX] = '\0';
	error = device_set_name(peer, record->name);
	if (!error)
		error = device_set_endpoint_name(peer, record->endpoint_name);
	names_schedule(peer);
	return error;
}

/* What was on its way to be changed when the agent was killed: peers that the maps have no more are not there, prefixes
 * of the others are, and nothing else is. */
static bool is_known(void *context, uint32_t peer)
{
	return device_find_peer_by_id(context, peer);
}

static int restore_what_is_left(struct device *device, const struct state_peer *record)
{
	struct peer_value value;

	return datapath_get_peer(device->datapath, record->id, &value)
		       ? 0
		       : restore_peer(device, record);
}

static int restore_allowed_again(struct device *device, const struct state_allowed *record)
{
	int error;

	if (!device_find_peer_by_id(device, record->peer_id))
		return 0;
	error = datapath_set_allowed_ip(device->datapath, device->hidden.ifindex, record->peer_id,
					record->family, record->address, record->prefix_length);
	return error ? error : restore_allowed(device, record);
}

static int restore(struct device *device, FILE *file, const struct state_header *header)
{
	int (*const peer_is_back)(struct device *device, const struct state_peer *record) =
		header->is_changing ? restore_what_is_left : restore_peer;
	int (*const allowed_is_back)(struct device *device, const struct state_allowed *record) =
		header->is_changing ? restore_allowed_again : restore_allowed;
	struct state_allowed allowed;
	struct device_peer *restored;
	struct state_peer peer;
	struct state_name name;
	int error = 0;

	for (uint64_t i = 0; i < header->peer_count && !error; i++)
		error = fread(&peer, sizeof(peer), 1, file) == 1 ? peer_is_back(device, &peer)
								 : -ESTALE;
	crypto_wipe(&peer, sizeof(peer));
	for (uint64_t i = 0; i < header->allowed_count && !error; i++)
		error = fread(&allowed, sizeof(allowed), 1, file) == 1
				? allowed_is_back(device, &allowed)
				: -ESTALE;
	TAILQ_FOREACH(restored, &device->peers, of_device)
	{
		reverse_allowed(restored);
	}
	for (uint64_t i = 0; i < header->name_count && !error; i++)
		error = fread(&name, sizeof(name), 1, file) == 1
				? restore_name(device, &name, header->is_changing)
				: -ESTALE;
	if (!error && header->is_changing)
		datapath_prune_peers(device->datapath, header->tunnel, is_known, device);
	return error;
}

int state_load(struct device *device)
{
	uint32_t id = (uint32_t)device->hidden.ifindex;
	FILE *file = fopen(device->state_path, "re");
	struct state_header header;
	uint64_t cookie = 0;
	int error = -ESTALE;

	if (!file)
		return -errno;
	datapath_namespace_cookie(&cookie);
	if (fread(&header, sizeof(header), 1, file) == 1 && header.magic == STATE_MAGIC &&
	    header.abi_version == WGXDP_ABI_VERSION && header.tunnel == id &&
	    header.namespace_cookie == cookie &&
	    !datapath_get_tunnel(device->datapath, id, &device->value)) {
		device->fwmark = header.fwmark;
		device_set_identity(device, header.has_private_key ? header.private_key : NULL);
		error = restore(device, file, &header);
	}
	if (!error)
		error = device_listen(device, header.listen_port);
	crypto_wipe(&header, sizeof(header));
	fclose(file);
	state_changed(device);
	return error;
}
