/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_map.c - tunnels, addresses, peers, allowed IPs and sessions: what the agent writes into maps
 * directly. What BPF writes too is changed by the program `control` (datapath_run.c), one field at a time.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <crypto/crypto.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <net/if.h>
#include <sys/random.h>
#include <unistd.h>

/* For one tunnel; about 1 300 packets that wait for a session. */
#define EVENT_RING_SIZE (1 << 21)

/* A hash that is full says "argument list too long". */
static int insert(int map, const void *key, const void *value, uint64_t flags)
{
	int error = bpf_map_update_elem(map, key, value, flags);

	return error == -E2BIG ? -ENOSPC : error;
}

/* Inserts under a random key that is not in use; 0 is nobody's. */
static int insert_at_random(int map, uint32_t *key, const void *value)
{
	uint32_t chosen;
	int error;

	do {
		if (getrandom(&chosen, sizeof(chosen), 0) != sizeof(chosen))
			return -EIO;
		error = chosen ? insert(map, &chosen, value, BPF_NOEXIST) : -EEXIST;
	} while (error == -EEXIST);
	if (!error)
		*key = chosen;
	return error;
}

/* ---- going through a map ------------------------------------------------------------------------- */

#define KEY_SIZE_MAX sizeof(struct allowed_ipv6_key)

/* Calls for every key, which `each` may remove; counts how often it said true. */
static unsigned int for_each_key(struct datapath *datapath, enum datapath_map map,
				 bool (*each)(struct datapath *datapath, enum datapath_map map,
					      const void *key, uint32_t tunnel),
				 uint32_t tunnel)
{
	_Alignas(8) uint8_t key[KEY_SIZE_MAX], next[KEY_SIZE_MAX];
	int fd = datapath->maps[map];
	bool more = !bpf_map_get_next_key(fd, NULL, next);
	unsigned int count = 0;

	while (more) {
		memcpy(key, next, sizeof(key));
		more = !bpf_map_get_next_key(fd, key, next);
		count += each(datapath, map, key, tunnel);
	}
	return count;
}

/* ---- tunnels ------------------------------------------------------------------------------------- */

static int make_ring(struct datapath *datapath, uint32_t tunnel)
{
	int ring, error;

	ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "event_ring", 0, 0, EVENT_RING_SIZE, NULL);
	if (ring < 0)
		return ring;
	error = insert(datapath->maps[MAP_events], &tunnel, &ring, BPF_NOEXIST);
	close(ring);
	return error;
}

/* The value comes last: without it the programs drop all, and the next call begins anew. The programs are
 * attached every time: what somebody removed with tc comes back when the agent starts again. */
int datapath_set_tunnel(struct datapath *datapath, uint32_t tunnel,
			const struct tunnel_value *value)
{
	uint32_t ring;
	int error = bpf_map_lookup_elem(datapath->maps[MAP_events], &tunnel, &ring);

	if (error == -ENOENT)
		error = make_ring(datapath, tunnel);
	if (!error)
		error = attach_send_programs(datapath, tunnel);
	return error ? error : counters_set_tunnel(datapath, tunnel, value);
}

int datapath_get_tunnel(struct datapath *datapath, uint32_t tunnel, struct tunnel_value *value)
{
	return bpf_map_lookup_elem(datapath->maps[MAP_tunnels], &tunnel, value);
}

int datapath_move_port(struct datapath *datapath, uint32_t tunnel, uint16_t old_port,
		       uint16_t new_port)
{
	int ports = datapath->maps[MAP_listening_ports], error;
	uint16_t key = htons(new_port);
	uint32_t owner;

	if (new_port) {
		error = insert(ports, &key, &tunnel, BPF_NOEXIST);
		if (error == -EEXIST && !bpf_map_lookup_elem(ports, &key, &owner))
			error = owner == tunnel ? 0 : -EADDRINUSE;
		if (error)
			return error;
	}
	key = htons(old_port);
	if (old_port && old_port != new_port && !bpf_map_lookup_elem(ports, &key, &owner) &&
	    owner == tunnel)
		bpf_map_delete_elem(ports, &key);
	return 0;
}

static bool count_key(struct datapath *datapath, enum datapath_map map, const void *key,
		      uint32_t tunnel)
{
	(void)datapath, (void)map, (void)key, (void)tunnel;
	return true;
}

unsigned int datapath_count_tunnels(struct datapath *datapath)
{
	return for_each_key(datapath, MAP_tunnels, count_key, 0);
}

int datapath_add_local_address(struct datapath *datapath, const struct local_address_key *address,
			       uint32_t ifindex)
{
	return insert(datapath->maps[MAP_local_addresses], address, &ifindex, BPF_ANY);
}

int datapath_remove_local_address(struct datapath *datapath,
				  const struct local_address_key *address)
{
	return bpf_map_delete_elem(datapath->maps[MAP_local_addresses], address);
}

bool datapath_has_local_address(struct datapath *datapath, const struct local_address_key *address)
{
	uint32_t ifindex;

	return bpf_map_lookup_elem(datapath->maps[MAP_local_addresses], address, &ifindex) == 0;
}

int datapath_prune_local_addresses(struct datapath *datapath,
				   bool (*is_wanted)(void *context,
						     const struct local_address_key *address),
				   void *context)
{
	int addresses = datapath->maps[MAP_local_addresses], pruned = 0;
	struct local_address_key address, next;
	bool more = !bpf_map_get_next_key(addresses, NULL, &next);

	while (more) {
		address = next;
		more = !bpf_map_get_next_key(addresses, &address, &next);
		if (!is_wanted(context, &address))
			pruned += !bpf_map_delete_elem(addresses, &address);
	}
	return pruned;
}

/* ---- removing all of a tunnel -------------------------------------------------------------------- */

static bool remove_port_of(struct datapath *datapath, enum datapath_map map, const void *key,
			   uint32_t tunnel)
{
	uint32_t owner;

	return !bpf_map_lookup_elem(datapath->maps[map], key, &owner) && owner == tunnel &&
	       !bpf_map_delete_elem(datapath->maps[map], key);
}

static bool remove_prefix_of(struct datapath *datapath, enum datapath_map map, const void *key,
			     uint32_t tunnel)
{
	const struct allowed_ipv4_key *either_family = key;

	return either_family->tunnel == tunnel && !bpf_map_delete_elem(datapath->maps[map], key);
}

static bool remove_peer_of(struct datapath *datapath, enum datapath_map map, const void *key,
			   uint32_t tunnel)
{
	struct peer_value value;

	return !bpf_map_lookup_elem(datapath->maps[map], key, &value) && value.tunnel == tunnel &&
	       !bpf_map_delete_elem(datapath->maps[map], key);
}

static bool end_session_of(struct datapath *datapath, enum datapath_map map, const void *key,
			   uint32_t tunnel)
{
	uint32_t local_index = *(const uint32_t *)key;
	struct transport_session value;
	bool is_ours;

	is_ours = !bpf_map_lookup_elem(datapath->maps[map], key, &value) &&
		  (!tunnel || value.tunnel == tunnel);
	crypto_wipe(&value, sizeof(value));
	return is_ours && !datapath_end_session(datapath, local_index);
}

void sessions_wipe(struct datapath *datapath)
{
	for_each_key(datapath, MAP_sessions, end_session_of, 0);
}

/* The value goes last: what is left by a process that is killed here is found again by it. */
int datapath_remove_tunnel(struct datapath *datapath, uint32_t tunnel)
{
	struct tunnel_value value;
	int error = datapath_get_tunnel(datapath, tunnel, &value);

	if (error)
		return error;
	value.is_up = 0;
	error = insert(datapath->maps[MAP_tunnels], &tunnel, &value, BPF_EXIST);
	if (error)
		return error;
	for_each_key(datapath, MAP_listening_ports, remove_port_of, tunnel);
	for_each_key(datapath, MAP_sessions, end_session_of, tunnel);
	/* before Linux 6.13 going through a trie that changes skips keys */
	while (for_each_key(datapath, MAP_allowed_ipv4, remove_prefix_of, tunnel))
		;
	while (for_each_key(datapath, MAP_allowed_ipv6, remove_prefix_of, tunnel))
		;
	for_each_key(datapath, MAP_peers, remove_peer_of, tunnel);
	datapath_remove_keystreams(datapath, tunnel, NULL);
	bpf_map_delete_elem(datapath->maps[MAP_events], &tunnel);
	return bpf_map_delete_elem(datapath->maps[MAP_tunnels], &tunnel);
}

/* ---- removing what nobody knows ------------------------------------------------------------------ */

/* for_each_key() has room for one number only */
static struct {
	bool (*is_known)(void *context, uint32_t peer);
	void *context;
} pruning;

static bool prune_prefix(struct datapath *datapath, enum datapath_map map, const void *key,
			 uint32_t tunnel)
{
	const struct allowed_ipv4_key *either_family = key;
	uint32_t peer;

	return either_family->tunnel == tunnel &&
	       !bpf_map_lookup_elem(datapath->maps[map], key, &peer) &&
	       !pruning.is_known(pruning.context, peer) &&
	       !bpf_map_delete_elem(datapath->maps[map], key);
}

static bool prune_session(struct datapath *datapath, enum datapath_map map, const void *key,
			  uint32_t tunnel)
{
	struct transport_session value;
	bool is_nobodys;

	is_nobodys = !bpf_map_lookup_elem(datapath->maps[map], key, &value) &&
		     value.tunnel == tunnel && !pruning.is_known(pruning.context, value.peer);
	crypto_wipe(&value, sizeof(value));
	return is_nobodys && !datapath_end_session(datapath, *(const uint32_t *)key);
}

static bool prune_peer(struct datapath *datapath, enum datapath_map map, const void *key,
		       uint32_t tunnel)
{
	return !pruning.is_known(pruning.context, *(const uint32_t *)key) &&
	       remove_peer_of(datapath, map, key, tunnel);
}

void datapath_prune_peers(struct datapath *datapath, uint32_t tunnel,
			  bool (*is_known)(void *context, uint32_t peer), void *context)
{
	pruning.is_known = is_known;
	pruning.context = context;
	while (for_each_key(datapath, MAP_allowed_ipv4, prune_prefix, tunnel))
		;
	while (for_each_key(datapath, MAP_allowed_ipv6, prune_prefix, tunnel))
		;
	for_each_key(datapath, MAP_sessions, prune_session, tunnel);
	for_each_key(datapath, MAP_peers, prune_peer, tunnel);
}

static bool is_gone(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(ifindex, name) && errno == ENXIO;
}

static bool remove_tunnel_if_gone(struct datapath *datapath, enum datapath_map map, const void *key,
				  uint32_t unused)
{
	uint32_t ifindex = *(const uint32_t *)key;

	(void)map, (void)unused;
	return is_gone(ifindex) && !datapath_remove_tunnel(datapath, ifindex);
}

static bool remove_interface_if_gone(struct datapath *datapath, enum datapath_map map,
				     const void *key, uint32_t unused)
{
	(void)unused;
	return is_gone(*(const uint32_t *)key) && !bpf_map_delete_elem(datapath->maps[map], key);
}

void orphans_remove(struct datapath *datapath)
{
	for_each_key(datapath, MAP_tunnels, remove_tunnel_if_gone, 0);
	for_each_key(datapath, MAP_interfaces, remove_interface_if_gone, 0);
}

/* ---- peers --------------------------------------------------------------------------------------- */

int datapath_add_peer(struct datapath *datapath, uint32_t tunnel, uint32_t *peer)
{
	struct peer_value value = {.tunnel = tunnel};

	return insert_at_random(datapath->maps[MAP_peers], peer, &value);
}

int datapath_remove_peer(struct datapath *datapath, uint32_t peer)
{
	return bpf_map_delete_elem(datapath->maps[MAP_peers], &peer);
}

int datapath_get_peer(struct datapath *datapath, uint32_t peer, struct peer_value *value)
{
	return bpf_map_lookup_elem_flags(datapath->maps[MAP_peers], &peer, value, BPF_F_LOCK);
}

/* ---- allowed IPs --------------------------------------------------------------------------------- */

union allowed_key {
	struct allowed_ipv4_key ipv4;
	struct allowed_ipv6_key ipv6;
};

/* The map's file descriptor and the key, or -EINVAL. */
static int allowed_key(struct datapath *datapath, union allowed_key *key, uint32_t tunnel,
		       enum address_family family, const uint8_t *address, uint8_t prefix_length)
{
	memset(key, 0, sizeof(*key));
	key->ipv4.prefix_length = ALLOWED_TUNNEL_BITS + prefix_length;
	key->ipv4.tunnel = tunnel;
	if (family == FAMILY_IPV4 && prefix_length <= 32) {
		memcpy(key->ipv4.address, address, sizeof(key->ipv4.address));
		return datapath->maps[MAP_allowed_ipv4];
	}
	if (family == FAMILY_IPV6 && prefix_length <= 128) {
		memcpy(key->ipv6.address, address, sizeof(key->ipv6.address));
		return datapath->maps[MAP_allowed_ipv6];
	}
	return -EINVAL;
}

int datapath_set_allowed_ip(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			    enum address_family family, const uint8_t *address,
			    uint8_t prefix_length)
{
	union allowed_key key;
	int map = allowed_key(datapath, &key, tunnel, family, address, prefix_length);

	/* a trie replaces a node by one pointer: there is no moment without an owner */
	return map < 0 ? map : insert(map, &key, &peer, BPF_ANY);
}

int datapath_find_owner(struct datapath *datapath, uint32_t tunnel, enum address_family family,
			const uint8_t *address, uint32_t *peer)
{
	union allowed_key key;
	int map = allowed_key(datapath, &key, tunnel, family, address,
			      family == FAMILY_IPV4 ? 32 : 128);

	return map < 0 ? map : bpf_map_lookup_elem(map, &key, peer);
}

int datapath_remove_allowed_ip(struct datapath *datapath, uint32_t tunnel,
			       enum address_family family, const uint8_t *address,
			       uint8_t prefix_length)
{
	union allowed_key key;
	int map = allowed_key(datapath, &key, tunnel, family, address, prefix_length);

	return map < 0 ? map : bpf_map_delete_elem(map, &key);
}

/* ---- sessions ------------------------------------------------------------------------------------ */

int datapath_reserve_index(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			   uint32_t *local_index)
{
	struct transport_session value = {
		.state = SESSION_RESERVED, .tunnel = tunnel, .peer = peer};

	return insert_at_random(datapath->maps[MAP_sessions], local_index, &value);
}

/* An update of a hash swaps the whole element: a program sees the reserved one or the complete one. */
int datapath_begin_session(struct datapath *datapath, uint32_t local_index,
			   const struct transport_session *value)
{
	return insert(datapath->maps[MAP_sessions], &local_index, value, BPF_EXIST);
}

int datapath_stop_sending(struct datapath *datapath, uint32_t local_index)
{
	const struct control_request request = {
		.operation = CONTROL_STOP_SENDING,
		.session = local_index,
	};

	return control_run(datapath, &request);
}

/* Rule 9. Deleting an element leaves its memory as it was, and so would an update, which swaps: the keys
 * are overwritten where they are, by BPF. */
int datapath_end_session(struct datapath *datapath, uint32_t local_index)
{
	const struct control_request request = {
		.operation = CONTROL_WIPE_SESSION,
		.session = local_index,
	};
	int error = control_run(datapath, &request);

	return error ? error : bpf_map_delete_elem(datapath->maps[MAP_sessions], &local_index);
}

int datapath_get_session(struct datapath *datapath, uint32_t local_index,
			 struct transport_session *value)
{
	return bpf_map_lookup_elem_flags(datapath->maps[MAP_sessions], &local_index, value,
					 BPF_F_LOCK);
}
