/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath.h - the BPF side as the agent and the commands see it: programs and maps pinned below one
 * directory per network namespace, so that they outlive every process. The only file of user/ that knows
 * libbpf (with selftest.h). All functions return 0 or -errno unless they say otherwise.
 */
#ifndef WGXDP_DATAPATH_DATAPATH_H
#define WGXDP_DATAPATH_DATAPATH_H

#include <limits.h>
#include <wgxdp/abi.h>
#include <wgxdp/keystream.h>

/* What there is of tunnels beside the kernel's part, and the file that is locked while pins are made or removed. */
#define RUN_DIRECTORY "/run/wgxdp"
#define PINS_LOCK RUN_DIRECTORY "/pins.lock"

struct link_info;

struct datapath;

/* How many there may be, in all tunnels of the network namespace together. Maps cannot grow beyond what they were made
 * for, so this is chosen when the first tunnel is made. */
struct datapath_limits {
	uint32_t peers;
	uint32_t sessions;
	/* of each family */
	uint32_t allowed_ips;
};

enum datapath_limit {
	PEERS_MAX_USUAL = 1 << 17,
	PEERS_MAX_MOST = 1 << 24,
	/* previous, current and next of a peer, and a handshake */
	SESSIONS_MAX_PER_PEER = 4,
	SESSIONS_MAX_MOST = SESSIONS_MAX_PER_PEER * PEERS_MAX_MOST,
	ALLOWED_IPS_MAX_USUAL = 1 << 21,
	ALLOWED_IPS_MAX_MOST = 1 << 26,
};

/*
 * Opens the namespace's data path: takes the pinned maps and programs when they are there and of our ABI,
 * else loads and pins them. The directory is <bpffs>/wgxdp/<inode of the network namespace>, the bpffs
 * the system's, also under `ip netns exec`: /sys/fs/bpf, or /run/wgxdp/bpf, which is mounted when neither is one.
 * What belongs to interfaces that are gone is removed.
 * -EPROTO: pinned state of another ABI version; -ERANGE: what is pinned has other limits than those asked for, where 0
 * asks for none and NULL for nothing. `*why` is set to a static text on error.
 */
int datapath_open(struct datapath **datapath, const struct datapath_limits *limits,
		  const char **why);
/* As above, but -ENOENT when nothing is pinned. */
int datapath_open_existing(struct datapath **datapath, const char **why);
void datapath_close(struct datapath *datapath);
/* The directory that this namespace's maps and programs are pinned in. */
int datapath_place(char path[static PATH_MAX]);
int datapath_get_limits(struct datapath *datapath, struct datapath_limits *limits);
/* Detaches every interface and removes every pin; programs and maps go with their last user. -EBUSY when a
 * tunnel is left. */
int datapath_remove(struct datapath *datapath);

/* The same for the data path of another version of this program, which datapath_open() refuses. */
int datapath_remove_other(void);

/* Removes what a process left that was killed while it made or removed pins; for when nothing else is pinned. */
int datapath_remove_remains(void);
/* What tells this network namespace from all others there ever were, also from one of the same inode. */
int datapath_namespace_cookie(uint64_t *cookie);

/* ---- interfaces that receive ---- */

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC };

/* Attaches the receive program. ATTACH_AUTO falls back from native to generic and tells by `*used` and
 * `*why` (the kernel's words, good until the next call, or NULL). -EEXIST when a foreign program is there (its
 * id in `*foreign_id`). Already attached: 0, the mode as it is. */
int datapath_attach(struct datapath *datapath, const struct link_info *link, enum attach_mode mode,
		    enum attach_mode *used, const char **why, uint32_t *foreign_id);
int datapath_detach(struct datapath *datapath, int ifindex);
/* An interface has a new MAC address; or it went, perhaps to another namespace, and is none of ours any more. */
void datapath_interface_changed(struct datapath *datapath, int ifindex, const uint8_t mac[static 6],
				bool gone);
/* Whether it is attached, and in native mode. */
bool datapath_receives_natively(struct datapath *datapath, int ifindex);
/* Calls back for each attached interface. */
int datapath_for_each_interface(struct datapath *datapath,
				void (*each)(void *context, int ifindex, enum attach_mode mode),
				void *context);

/* ---- tunnels ---- */

/* Sets the tunnel's value, makes its event ring at the first time, and attaches the send programs to the
 * hidden interface (ingress and egress) when they are not there. */
int datapath_set_tunnel(struct datapath *datapath, uint32_t tunnel,
			const struct tunnel_value *value);
int datapath_get_tunnel(struct datapath *datapath, uint32_t tunnel, struct tunnel_value *value);
/* Moves the listening port; 0 for `old_port` or `new_port` is none. Ports in host order. */
int datapath_move_port(struct datapath *datapath, uint32_t tunnel, uint16_t old_port,
		       uint16_t new_port);
/* Everything of the tunnel: peers, sessions (keys overwritten), allowed IPs, port, ring, its value. */
int datapath_remove_tunnel(struct datapath *datapath, uint32_t tunnel);
unsigned int datapath_count_tunnels(struct datapath *datapath);

/* Under load until this boot time, if it is not already for longer; BPF goes on with it while a flood lasts. */
int datapath_set_under_load(struct datapath *datapath, uint32_t tunnel, uint64_t until);
int datapath_get_under_load(struct datapath *datapath, uint32_t tunnel, uint64_t *until);

int datapath_add_local_address(struct datapath *datapath, const struct local_address_key *address,
			       uint32_t ifindex);
int datapath_remove_local_address(struct datapath *datapath,
				  const struct local_address_key *address);
bool datapath_has_local_address(struct datapath *datapath, const struct local_address_key *address);
/* Removes those that are not wanted; how many, or -errno. */
int datapath_prune_local_addresses(struct datapath *datapath,
				   bool (*is_wanted)(void *context,
						     const struct local_address_key *address),
				   void *context);

/* ---- peers ---- */

/* A new peer id, unique over all tunnels, with an empty value of that tunnel. */
int datapath_add_peer(struct datapath *datapath, uint32_t tunnel, uint32_t *peer);
/* The peer alone: its sessions and allowed IPs are the caller's to remove. */
int datapath_remove_peer(struct datapath *datapath, uint32_t peer);
/* Removes the tunnel's peers that are not known, with their sessions and allowed IPs. */
void datapath_prune_peers(struct datapath *datapath, uint32_t tunnel,
			  bool (*is_known)(void *context, uint32_t peer), void *context);
/* A copy of what BPF and agent wrote. */
int datapath_get_peer(struct datapath *datapath, uint32_t peer, struct peer_value *value);
/* These change one part each, under the peer's lock, by the program "control" (BPF_PROG_RUN): a whole-value
 * update would lose what BPF counts meanwhile. */
int datapath_set_endpoint(struct datapath *datapath, uint32_t peer,
			  const struct endpoint *endpoint);
/* `rules` of enum peer_rules; `limit` in bytes a second, 0 is none. */
int datapath_set_rules(struct datapath *datapath, uint32_t peer, uint32_t rules, uint64_t limit);
int datapath_set_current(struct datapath *datapath, uint32_t peer, bool has, uint32_t local_index);
int datapath_clear_told(struct datapath *datapath, uint32_t peer, uint32_t bits);
int datapath_count_bytes(struct datapath *datapath, uint32_t peer, uint64_t received,
			 uint64_t sent);

/* `prefix_length` without the tunnel's bits. Inserting moves the prefix from another peer atomically. */
int datapath_set_allowed_ip(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			    enum address_family family, const uint8_t *address,
			    uint8_t prefix_length);
/* The peer that has the longest prefix of an address; -ENOENT. */
int datapath_find_owner(struct datapath *datapath, uint32_t tunnel, enum address_family family,
			const uint8_t *address, uint32_t *peer);
int datapath_remove_allowed_ip(struct datapath *datapath, uint32_t tunnel,
			       enum address_family family, const uint8_t *address,
			       uint8_t prefix_length);

/* ---- sessions ---- */

/* Inserts an empty RESERVED session under a random index. -ENOSPC when the map is full. */
int datapath_reserve_index(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			   uint32_t *local_index);
/* RESERVED -> LIVE or NEXT with keys; `value` is complete but for counter and window, which are zero. */
int datapath_begin_session(struct datapath *datapath, uint32_t local_index,
			   const struct transport_session *value);
int datapath_stop_sending(struct datapath *datapath, uint32_t local_index);
/* Overwrites the keys, then removes the entry; also for RESERVED ones. */
int datapath_end_session(struct datapath *datapath, uint32_t local_index);
int datapath_get_session(struct datapath *datapath, uint32_t local_index,
			 struct transport_session *value);

/* ---- keystream computed ahead (wgxdp/keystream.h) ---- */

/* Makes the tunnel's, KEYSTREAMS_MAX of them, in memory that BPF sees too. -EEXIST when there are some. */
int datapath_make_keystreams(struct datapath *datapath, uint32_t tunnel,
			     struct keystream **keystreams);
/* Overwrites one that nobody fills any more. */
void datapath_wipe_keystream(struct keystream *keystream);
/* BPF goes on without; whatever is left of them is overwritten and, when they are given, unmapped. NULL: those of an
 * agent before, found by an id, which takes CAP_SYS_ADMIN. */
void datapath_remove_keystreams(struct datapath *datapath, uint32_t tunnel,
				struct keystream *keystreams);
/* Which of them is the session's, from 1 on; 0: none. */
int datapath_set_stream(struct datapath *datapath, uint32_t local_index,
			enum keystream_direction direction, uint32_t stream);

/* ---- events and packets ---- */

/* Opens the tunnel's ring for reading; one reader at a time. `each` gets every record once. */
int datapath_open_events(struct datapath *datapath, uint32_t tunnel,
			 void (*each)(void *context, const struct event *event), void *context);
/* To poll for reading. */
int datapath_events_fd(const struct datapath *datapath);
int datapath_consume_events(struct datapath *datapath);

/* Runs the receive program on an outer Ethernet frame as if it had arrived, with live frames: what it
 * decrypts is delivered. For transport packets that came to the UDP socket instead. 0 or -errno: -EMSGSIZE for one
 * that this kernel has no way for. */
int datapath_inject(struct datapath *datapath, const void *frame, size_t length);

/* What became of the tunnel's packets: sums of all CPUs. */
int datapath_get_counters(struct datapath *datapath, uint32_t tunnel,
			  uint64_t counters[static VERDICT_COUNT]);
/* Adds packets that never came to the programs, or went by them; to the peer's too, 0: nobody knows whose. */
int datapath_count_verdict(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			   enum verdict verdict, uint32_t packets);

#endif
