/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps.h - every map of the data path; what is in them, who writes and who reads stands in abi.h. All are
 * pinned by the agent. Sizes are limits: hashes and tries allocate an entry when it is made, and a hash 16 bytes for
 * each there may be. Those of peers, sessions and allowed IPs are chosen anew when all is loaded (struct
 * datapath_limits).
 */
#ifndef WGXDP_BPF_MAPS_H
#define WGXDP_BPF_MAPS_H

#include <wgxdp/abi.h>
#include <wgxdp/keystream.h>
#include <wgxdp/wire.h>

#define HASH_MAP(name, key_type, value_type, entries)                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

#define PREFIX_MAP(name, key_type, entries)                                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                                               \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_type);                                                             \
		__type(value, uint32_t);                                                           \
	} name SEC(".maps")

HASH_MAP(tunnels, uint32_t, struct tunnel_value, TUNNELS_MAX);
HASH_MAP(interfaces, uint32_t, struct interface_value, 4096);
HASH_MAP(local_addresses, struct local_address_key, uint32_t, 65536);
HASH_MAP(listening_ports, uint16_t, uint32_t, 65536);
PREFIX_MAP(allowed_ipv4, struct allowed_ipv4_key, 1 << 17);
PREFIX_MAP(allowed_ipv6, struct allowed_ipv6_key, 1 << 17);
HASH_MAP(peers, uint32_t, struct peer_value, 1 << 17);
/* previous, current and next of each peer, and a handshake */
HASH_MAP(sessions, uint32_t, struct transport_session, 1 << 19);

struct event_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 1024);
	__type(key, uint32_t);
	__array(values, struct event_ring);
} events SEC(".maps");

/* keystream that was computed ahead, by tunnel; made when a session becomes busy */
struct keystream_array {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYSTREAMS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(uint32_t));
	/* a type here would be incomplete in BTF */
	__uint(value_size, sizeof(struct keystream));
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 1024);
	__type(key, uint32_t);
	__array(values, struct keystream_array);
} keystreams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TUNNELS_MAX + 1);
	__type(key, uint32_t);
	__type(value, struct verdict_counts);
} verdict_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TUNNELS_MAX + 1);
	__type(key, uint32_t);
	__type(value, struct load_value);
} loads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct source_key);
	__type(value, uint64_t);
} sources SEC(".maps");

/* The AEAD's state does not fit the stack beside its callees. Programs on one CPU do not interrupt each
 * other here: XDP and TC run with bottom halves off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct aead);
} aead_map SEC(".maps");

WGXDP_INLINE struct aead *aead_of_this_cpu(void)
{
	uint32_t first = 0;

	return bpf_map_lookup_elem(&aead_map, &first);
}

#endif
