/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * device.h - the tunnel as the agent holds it: the protocol's tunnel and peers, and the world they act on. The
 * parts, each in a file of its name:
 *
 *     UDP sockets --> udp ----------> proto (tunnel, peers) --> operations --> udp, staged, data path
 *     BPF's ring ---> events, notes -----^      ^
 *     deadlines ----> device -------------------+
 *     wg(8)'s socket -> server -> configure ----+----> state (file)
 *     netlink ------> network (up, addresses, routes) --> follow (where to receive)
 */
#ifndef WGXDP_AGENT_DEVICE_H
#define WGXDP_AGENT_DEVICE_H

#include <agent/config.h>
#include <agent/deadlines.h>
#include <agent/helper.h>
#include <agent/loop.h>
#include <agent/monitor.h>
#include <agent/table.h>
#include <agent/udp.h>
#include <datapath/datapath.h>
#include <datapath/netlink.h>
#include <limits.h>
#include <proto/peer.h>
#include <proto/stage.h>
#include <sys/queue.h>

enum device_size {
	/* previous, current, next, a handshake, and one that is being exchanged for another */
	PEER_INDICES_MAX = 5,
	RATELIMIT_BUCKETS = 8192,
};

struct device;

/* A receiver index that is held in the data path for a peer. */
struct peer_index {
	struct table_entry by_index;
	struct device_peer *peer;
	LIST_ENTRY(peer_index) of_peer;
};

/* A prefix and its one owner. */
struct allowed_prefix {
	struct table_entry by_prefix;
	struct device_peer *peer;
	LIST_ENTRY(allowed_prefix) of_peer;
	enum address_family family;
	uint8_t address[16];
	uint8_t prefix_length;
};

struct device_peer {
	struct peer peer;
	struct device *device;
	TAILQ_ENTRY(device_peer) of_device;
	/* the data path's name for it */
	uint32_t id;
	/* the `change` of its device that added it */
	uint32_t added_by;
	/* people's names for it and for its endpoint, or NULL */
	char *name;
	char *endpoint_name;
	/* when the latter was asked for, and is to be whatever happens; whether the answer is still to come */
	uint64_t name_asked, name_next;
	/* its endpoint does not follow it; bits a second each way, 0: any */
	bool stays;
	uint64_t limit;
	bool name_is_asked_for;
	uint16_t keepalive;
	struct table_entry by_id;
	struct table_entry by_public_key;
	/* at most PEER_INDICES_MAX; an idle peer has none */
	LIST_HEAD(, peer_index) indices;
	struct deadline deadline;
	/* of the data path's notes, what the protocol was told already */
	struct peer_notes told;
	/* the notes are to be read as soon as nothing else is under way */
	bool notes_are_due;
	/* and again at this time: until then BPF keeps quiet about what passes */
	uint64_t notes_next;
	/* packets that wait for a session; NULL when there are none */
	struct stage *stage;
	LIST_HEAD(, allowed_prefix) allowed_prefixes;
	/* the endpoint's local address is one the peer wrote to, not one we chose */
	bool source_is_learned;
	/* the interface its endpoint's route leaves by; 0: none */
	int way;
	/* its packets would go into the tunnel itself */
	bool loops;
	uint64_t routed_at;
	/* of its record in the state file; 0: it has none yet */
	uint64_t state_offset;
	bool state_is_dirty;
	TAILQ_ENTRY(device_peer) dirty;
	/* monitor.c's: where it is, of which drops was told (NULL: nobody follows), which expired session */
	struct endpoint told_endpoint;
	uint32_t *told_verdicts;
	uint64_t told_expired;
};

TAILQ_HEAD(device_peers, device_peer);

struct handshake_queue;
struct resolver;
struct monitor;
struct keystream;
struct keystream_producer;

enum { FOLLOWED_MAX = 64 };

/* Where the tunnel receives because routes lead there; follow.c's. */
struct follow {
	bool is_wanted;
	/* something changed, to be looked at when the loop comes round */
	bool is_due;
	struct followed_interface {
		int ifindex;
		/* by us, so that it is ours to take away */
		bool was_attached;
	} interfaces[FOLLOWED_MAX];
	size_t count;
};

struct device {
	char name[IFNAMSIZ];
	/* the hidden end's ifindex is the tunnel's id */
	struct link_info hidden;
	struct tunnel_value value;
	struct tunnel tunnel;
	struct ratelimit_bucket *buckets;
	uint32_t fwmark;
	/* visible.c: where the end people see was last, and what is to be read again */
	int visible_ifindex, visible_namespace;
	bool route_mtus_are_stale;
	/* nesting.c: an interface that is no tunnel of ours, the last one asked for */
	int plain_ifindex;
	/* whose MTU is known to be too large for its mode, or 0 */
	int too_large_ifindex;

	struct datapath *datapath;
	struct datapath_limits limits;
	/* when it was said last that there is no room for a session */
	uint64_t told_full;
	struct netlink *netlink;
	struct loop loop;
	struct loop_waiter events_waiter, netlink_waiter;
	struct udp udp;
	int packet_socket;
	struct handshake_queue *handshakes;
	/* NULL while the agent begins */
	struct monitor *monitor;
	/* of one received datagram, while it is handled: what a cookie_source does not hold */
	const struct udp_datagram *receiving;

	struct device_peers peers;
	size_t peer_count;
	/* counts changes of the configuration; one is under way */
	uint32_t change;
	bool is_changing;
	struct table by_id, by_public_key, by_index, by_prefix;
	struct deadlines deadlines;
	/* peers whose routes are still to be asked again, from here on; NULL: none */
	struct device_peer *reroute;
	struct follow follow;
	/* NULL until a name is to be resolved */
	struct resolver *resolver;
	/* what became of messages that the agent looked at itself, until receive_count_verdicts() */
	uint32_t verdicts[VERDICT_COUNT];
	/* busy.c's; NULL until the first session is busy */
	struct keystream *keystreams;
	struct keystream_producer *producer;
	struct loop_waiter idle_waiter;
	bool cannot_compute_ahead;
	/* icmp.c's budget; icmp_socket.c's, -1: none */
	uint64_t icmp_tokens, icmp_refilled;
	int icmp_ipv4, icmp_ipv6;
	struct helper helper;

	char state_path[PATH_MAX];
	int state_fd;
	struct device_peers dirty_peers;
	bool state_is_dirty;
	uint64_t state_written, state_cost;

	bool is_ending;
	/* its interface is gone, so the rest goes too */
	bool is_gone;
};

/* ---- device.c: peers, from made to removed ---- */

struct device_peer *device_find_peer(const struct device *device, const uint8_t *public_key);
struct device_peer *device_find_peer_by_id(const struct device *device, uint32_t id);
/* `id` 0: a new one. The peer is not started. 0, -ENOMEM, -ENOSPC. */
int device_add_peer(struct device *device, const uint8_t public_key[static 32],
		    const uint8_t *preshared_key, uint32_t id, struct device_peer **peer);
void device_remove_peer(struct device_peer *peer);
/* Forgets all in memory; the data path stays as it is. */
void device_free(struct device *device);

/* `text` may be NULL or "": none. 0, or -ENOMEM with nothing changed. */
int device_set_name(struct device_peer *peer, const char *text);
int device_set_endpoint_name(struct device_peer *peer, const char *text);

/* Moves the prefix to this peer. 0, -ENOMEM, -ENOSPC. */
int device_allow(struct device_peer *peer, const struct allowed_ip *allowed);
void device_disallow(struct device_peer *peer, const struct allowed_ip *allowed);
void device_disallow_all(struct device_peer *peer);
/* As above, for a prefix the data path has already. */
int device_restore_allowed(struct device_peer *peer, const struct allowed_ip *allowed);

/* Our private key, or with NULL none; the data path has it with the next datapath_set_tunnel(). */
void device_set_identity(struct device *device, const uint8_t *private_key);
/* Starts or stops all peers. */
void device_set_up(struct device *device, bool up);
/* Does what is due; when the next is, or DEADLINE_NEVER. */
uint64_t device_run_deadlines(struct device *device);
/* The protocol's deadline or, when its notes are due, now. */
void device_schedule(struct device_peer *peer);

/* ---- operations.c ---- */

extern const struct tunnel_ops device_operations;
struct device_peer *device_peer_of(struct peer *peer);
struct device_peer *device_find_by_index(const struct device *device, uint32_t index);
/* Enters an index that the data path holds already. False when there is no place for it. */
bool device_hold_index(struct device_peer *peer, uint32_t index);
/* It is the data path's alone again. */
void device_forget_index(struct device *device, struct peer_index *held);

/* ---- notes.c ---- */

/* Tells the protocol what the data path noted since the last time, in the order it happened, and lets BPF
 * tell again what no timer waits for. */
void notes_sync(struct device_peer *peer, uint64_t now);
/* After our own keepalive, which the protocol knows of: what was sent so far is no news any more. */
void notes_forget_sent(struct device_peer *peer);
/* After a restart: timers from the notes, nothing sent. */
void notes_restore(struct device_peer *peer, const struct peer_value *value);
/* A record of the ring buffer. */
void events_handle(void *context, const struct event *event);

/* ---- receive.c: what comes to the UDP sockets ---- */

int receive_open(struct device *device);
void receive_close(struct device *device);
/* Takes what waits at a socket: handshakes wait in a queue, transport packets go to the data path at once. */
void receive_datagrams(struct device *device, int fd);
/* Handles a few that wait; true when there are more. */
bool receive_handshakes(struct device *device);
/* Adds our verdicts to those of the data path: counters that are read never go back, whoever restarts. */
void receive_count_verdicts(struct device *device);
/* What became of all the tunnel's packets, whoever counted them. 0 or -errno. */
int receive_get_counters(struct device *device, uint64_t counters[static VERDICT_COUNT]);

/* ---- network.c: interfaces, addresses, routes ---- */

extern const struct netlink_watch network_watch;
/* Reads the links anew: MTU and addresses of the frames; whether it is up. 0 or -errno. */
int network_read_links(struct device *device);
int network_read_addresses(struct device *device);
/* Whether this host has the address now. */
bool network_has_address(struct device *device, const struct local_address_key *address);
/* Sets where a peer is; the way there is looked up. */
int network_set_endpoint(struct device_peer *peer, const struct endpoint *endpoint, bool learned);
/* Asks for the way to a peer's endpoint again. `forget_source`: with a local address chosen anew. */
void network_route(struct device_peer *peer, bool forget_source);
/* Asks for a few more of the ways that are to be asked for again; true when there are more. */
bool network_reroute_some(struct device *device);
void network_reroute_all(struct device *device);

/* ---- nesting.c ---- */

/* Whether packets to that endpoint, which leave by that interface, would be sent to the peer again. */
bool nesting_has_no_end(struct device_peer *peer, const struct endpoint *endpoint, int ifindex);

/* ---- visible.c: the end people see ---- */

/* Reads it anew into the tunnel's value, wherever it is; what cannot be read stays as it was. */
void visible_read(struct device *device);
/* Whether a link that changed is that end, or has become it. */
bool visible_is(const struct device *device, const struct link_info *link);
/* A route by an interface of this namespace; when all of them were told of; one in the other namespace. */
void visible_route_changed(struct device *device, int ifindex, uint32_t mtu);
void visible_routes_changed(struct device *device);
void visible_far_route_changed(struct device *device, int ifindex, uint32_t mtu);
/* The end in the other namespace did, and may be up again. */
void visible_far_went_down(struct device *device);

/* ---- names.c: endpoints that are host names ---- */

/* The peer does not answer where it is, or has no endpoint: its name is resolved, if it has one and was not just now. */
void names_ask(struct device_peer *peer);
/* To be called when endpoint or name have changed. */
void names_schedule(struct device_peer *peer);
void names_run(struct device_peer *peer, uint64_t now);

/* ---- follow.c ---- */

/* Attaches the receive program where routes lead now, if that is wanted and something changed. */
void follow_routes(struct device *device);

/* ---- staged.c: the packet socket on the hidden end ---- */

/* A raw socket that sends only; or -errno. */
int staged_open(const struct device *device);
/* Copies an inner packet to the peer's staged ones. */
void staged_push(struct device_peer *peer, const uint8_t *packet, size_t length);
/* Puts all into the tunnel again; how many that were. */
unsigned int staged_send(struct device_peer *peer);
void staged_drop(struct device_peer *peer);
/* Has the data path send an empty packet. */
void staged_keepalive(struct device_peer *peer, enum address_family outer);
/* To the stack behind the visible end. */
void staged_pass(struct device *device, const uint8_t *packet, size_t length);

/* ---- busy.c: keystream computed ahead (wgxdp/keystream.h) ---- */

/* EVENT_BUSY_SENDING, EVENT_BUSY_RECEIVING. */
void busy_session(struct device_peer *peer, const struct event *event);
/* Its key is wiped already: nothing of its keystream is left when this returns. */
void busy_session_ended(struct device *device, uint32_t local_index);
/* What an agent before this one computed for it is gone. */
void busy_session_restored(struct device *device, uint32_t local_index);
/* The data path computes all itself again. Also removes what an agent before this one left. */
void busy_end(struct device *device);

/* ---- icmp.c ---- */

/* Answers an inner packet that could not be sent, as its event says. */
void icmp_answer(struct device *device, const struct event *event);

/* ---- icmp_socket.c ---- */

/* The end people see is where it was not before. */
void icmp_follow(struct device *device);
void icmp_close(struct device *device);
/* A message from its ICMP header on, from the address that the routes there choose. False: there is no socket. */
bool icmp_send(struct device *device, enum address_family family, const void *destination,
	       const void *message, size_t length);

/* ---- configure.c: wg(8)'s set and get ---- */

/* What a change asks room for. */
struct device_demand {
	size_t peers, new_peers, removed_peers;
	/* of IPv4 and of IPv6 */
	size_t allowed_ips[2];
};

/*
 * A change in pieces, so that the loop goes round while 100 000 peers are added: what it asks for is counted, piece by
 * piece; then come the device's own values, removals while they are told to go on, and peers, piece by piece. When one
 * fails, the peers that the change has added go again.
 */
void device_count_demand(const struct device *device, const struct device_config *piece,
			 struct device_demand *demand);
/* 0, or -ENOSPC: it would fail in the middle. */
int device_has_room(const struct device *device, bool replace_peers,
		    const struct device_demand *demand);
/* Only `config`'s own values; 0 or -errno, nothing is changed when the port is in use. */
int device_begin_change(struct device *device, const struct device_config *config);
/* Removes a few of the peers that were there; true when there are more. */
bool device_remove_some(struct device *device);
int device_change_peers(struct device *device, const struct device_config *piece);
/* Of whatever came of it. */
void device_end_change(struct device *device);
/* All of it at once. */
int device_configure(struct device *device, const struct device_config *config);

/* All but its peers. 0 or -ENOMEM; the caller frees it. */
int device_describe(struct device *device, struct device_config *config);
/* Adds one of them. */
int device_describe_peer(const struct device_peer *peer, struct device_config *config);
int device_listen(struct device *device, uint16_t port);

/* ---- state.c ---- */

/* -ENOENT: there is none; -ESTALE: it is broken, or another tunnel's. */
int state_load(struct device *device);
/* What changed reaches the file when the loop comes round, or at once. */
void state_changed(struct device *device);
/* Peers come and go from here until device_end_change(): an agent that is killed meanwhile leaves more, or fewer, in the maps
 * than there are on file, and the next one makes them the same. */
void state_begin_change(struct device *device);
void state_peer_changed(struct device_peer *peer);
void state_flush_peer(struct device_peer *peer);
/* Writes what is due; when the next is, or DEADLINE_NEVER. */
uint64_t state_flush(struct device *device);
void state_flush_all(struct device *device);

/* ---- monitor.c: telling those who follow what happens ---- */

int monitor_open(struct device *device);
void monitor_close(struct device *device);
/* The descriptor is the monitor's from now on, unless this fails. 0 or -errno. */
int monitor_follow(struct device *device, int fd);
/* Looks, when it is time to, for what nobody told; when that is next, or LOOP_NEVER. */
uint64_t monitor_look(struct device *device);

void monitor_device(enum monitor_kind kind, struct device *device);
void monitor_peer(enum monitor_kind kind, const struct device_peer *peer);
void monitor_handshake(const struct device_peer *peer, bool i_am_the_initiator);
/* The peer is there now; `has_roamed`: by itself. */
void monitor_endpoint(struct device_peer *peer, const struct endpoint *endpoint, bool has_roamed);
/* `named`: the peer whose key or index it has, or NULL. */
void monitor_refused(struct device *device, struct device_peer *named, enum verdict verdict,
		     const struct endpoint *from);

/* ---- server.c: wg(8)'s socket ---- */

struct server;
/* `listening` -1: binds a new socket; else that one is used, which is bound already. */
int server_open(struct server **server, struct device *device, int listening);
void server_close(struct server *server);
/* Goes on with a change that is applied in pieces; true when there is more to do. */
bool server_go_on(struct server *server);

#endif
