/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * abi.h - what the BPF programs and userspace share in maps: one struct per value, writer and reader
 * per field. Pinned maps outlive both sides, so a change of layout changes WGXDP_ABI_VERSION; so does one of the
 * state file's (user/agent/state.c).
 */
#ifndef WGXDP_ABI_H
#define WGXDP_ABI_H

#include <wgxdp/aead.h>
#include <wgxdp/blake2s.h>
#include <wgxdp/replay.h>
#include <wgxdp/verdict.h>

#define WGXDP_ABI_VERSION 6

/* ---- who and where ------------------------------------------------------------------------------- */

enum address_family {
	FAMILY_NONE = 0,
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

/* Where a peer is reached. An IPv4 address stands in the first four bytes, the rest is zero. The agent
 * sets it; BPF overwrites it when the peer roams. Guarded by the peer's lock. */
struct endpoint {
	/* enum address_family; NONE: not known yet */
	uint8_t family;
	/* TTL or hop limit of what is sent there, by the route; 0: 64. The agent's alone, and no part of where a peer is */
	uint8_t hop_limit;
	/* as on the wire */
	uint8_t port[2];
	/* the interface its packets leave by; 0: not known, the slow way finds it */
	uint32_t ifindex;
	uint8_t address[16];
	/* the address of ours it was last heard on; all zero: the routing table chooses */
	uint8_t local_address[16];
};

/* Distinct MTUs of routes into one tunnel that are known of. */
#define ROUTE_MTUS_MAX 4

/* An address of this host; one of IPv4 stands in the first four bytes. */
struct local_address_key {
	uint32_t family;
	uint8_t address[16];
};

/* Local addresses that a tunnel may be bound to. */
#define BOUND_ADDRESSES_MAX 8

/* `mss_limit`: no other limit than what the MTU holds. */
#define MSS_LIMIT_BY_MTU UINT16_MAX

/* `tunnels`: key is the hidden interface's ifindex, which is the tunnel's id everywhere else too. Agent
 * -> BPF. */
struct tunnel_value {
	/* of the interface people see */
	uint32_t mtu;
	uint32_t fwmark;
	/* listening port, as on the wire */
	uint8_t port[2];
	/* addresses of a frame that goes from the hidden end to the one people see */
	uint8_t inner_destination[6];
	uint8_t inner_source[6];
	/* 0: the interface is down, nothing is sealed or opened */
	uint8_t is_up;
	/* 0: no private key, so no handshake message can be for us */
	uint8_t has_identity;
	/* its place in `verdict_counters`, chosen when the tunnel is made */
	uint32_t counters;
	/* of mac1 in what others send us (WireGuard paper, 5.4.4); all changes with the private key */
	struct blake2s_key mac1_key;
	/* of routes that have one of their own, in ascending order; 0: none */
	uint32_t route_mtus[ROUTE_MTUS_MAX];
	/* what a SYN may announce at most, and never more than the MTU holds; 0: it is left alone */
	uint16_t mss_limit;
	/* of `bound_addresses`; 0: the tunnel receives on every address of this host */
	uint16_t bound_count;
	/* boot time, 0: there is none yet. Of the secret behind cookies, and what a cookie's hash starts from */
	uint64_t cookie_birth;
	struct blake2s_key cookie_key;
	/* the only ones it receives on and sends from */
	struct local_address_key bound_addresses[BOUND_ADDRESSES_MAX];
};

/* `loads`: key is the tunnel's `counters`. Boot times; 0 at first. */
struct load_value {
	/* the agent begins it, by `control`, when too many handshakes wait; BPF goes on with it */
	uint64_t until;
	/* until when the answers to those without a cookie are spent in advance: to sources that ask for one now and
	 * then, and to the rest. BPF */
	uint64_t spent_on_rare;
	uint64_t spent_on_frequent;
};

/* `sources`: where handshakes come from while there is load, and until when each is spent in advance; what was
 * not asked for longest goes when it is full. BPF. */
enum { SOURCES_MAX = 16384 };

struct source_key {
	/* the IPv4 address, or half of the IPv6 address; as on the wire */
	uint64_t prefix;
	uint32_t tunnel;
	/* enum address_family */
	uint16_t family;
	/* the address is proved, and its rate is not used up by somebody who only writes it */
	uint16_t has_cookie;
};

enum tunnel_counters {
	TUNNELS_MAX = 1024,
	/* of packets that belong to no tunnel */
	COUNTERS_OF_NO_TUNNEL = 0,
};

/* `verdict_counters`: what became of the packets of one tunnel, on each CPU for itself. BPF; the agent adds, by
 * `control`, what it refused itself. */
struct verdict_counts {
	uint64_t of[VERDICT_COUNT];
};

/* `interfaces`: key is the ifindex of an interface the receive program is attached to. Agent -> BPF. */
struct interface_value {
	uint8_t mac[6];
	/* frames that the agent runs through the program itself: any MAC is ours */
	uint8_t is_injection;
	/* generic XDP, where a frame must not be shortened at its end: up to Linux 6.18 at least, the skb's tail is
	 * then 14 bytes too far, and TCP corrupts what it gathers behind it */
	uint8_t is_generic;
};

/* `local_addresses`: which outer destinations are this host; the value is an interface that has the address. Agent
 * -> BPF. Its key is struct local_address_key. */

/* `listening_ports`: key is the port as on the wire in a uint16_t, value the tunnel. Agent -> BPF. */

/* `allowed_ipv4`, `allowed_ipv6`: longest prefix wins; the value is the peer's id. The prefix counts the
 * tunnel's 32 bits. Agent -> BPF. */
struct allowed_ipv4_key {
	uint32_t prefix_length;
	uint32_t tunnel;
	uint8_t address[4];
};

struct allowed_ipv6_key {
	uint32_t prefix_length;
	uint32_t tunnel;
	uint8_t address[16];
};

#define ALLOWED_TUNNEL_BITS 32

/* ---- peers and sessions -------------------------------------------------------------------------- */

/* What BPF has told the agent and will not tell again until the agent clears the bit (atomically). */
enum peer_told {
	TOLD_DATA_SENT = 1 << 0,
	TOLD_DATA_RECEIVED = 1 << 1,
};

/* When things last happened, for the agent's timers; boot time, 0 is never. BPF -> agent. */
struct peer_notes {
	/* the first data packet sent since anything was last received */
	uint64_t first_data_sent;
	/* anything authenticated, keepalives included */
	uint64_t last_sent;
	uint64_t last_received;
	/* the first data packet received since anything was last sent, and the last one */
	uint64_t first_data_received;
	uint64_t last_data_received;
};

/* How much a peer may send and be sent, each. Agent -> BPF, but for the two clocks. */
struct rate_limit {
	/* nanoseconds a byte takes, in 1/2^16; 0: no limit */
	uint64_t cost;
	/* how far ahead of its time it may be: what may come at once */
	uint64_t burst;
	/* until when what was sent and received is paid for; boot time. BPF */
	uint64_t sent_until;
	uint64_t received_until;
};

#define RATE_COST_SHIFT 16

enum peer_rules {
	/* the endpoint is where the agent set it, whatever comes from elsewhere */
	PEER_STAYS = 1 << 0,
};

/* `peers`: key is the peer's id, unique over all tunnels. */
struct peer_value {
	/* guards `endpoint` and `current_session` */
	struct bpf_spin_lock lock;
	/* agent */
	uint32_t tunnel;
	/* local index of the session to send with; agent, and BPF when a new one is confirmed */
	uint32_t current_session;
	uint32_t has_current_session;
	struct endpoint endpoint;
	/* set by BPF, cleared by the agent */
	uint32_t told;
	/* enum peer_rules; agent */
	uint32_t rules;
	struct peer_notes notes;
	struct rate_limit limit;
	/* UDP payload, handshakes included (the agent adds those); atomically */
	uint64_t received_bytes;
	uint64_t sent_bytes;
	uint64_t received_packets;
	uint64_t sent_packets;
	/* packets that were not delivered, by verdict; BPF, atomically, and by `control` */
	uint32_t verdicts[VERDICT_COUNT];
};

enum session_state {
	/* the index is held for a handshake that is under way: no keys */
	SESSION_RESERVED = 0,
	/* the responder's, until the initiator's first packet: opens only */
	SESSION_NEXT,
	SESSION_LIVE,
	/* opens only: our private key changed, or the session that its handshake crossed is used instead */
	SESSION_RECEIVES_ONLY,
};

enum session_told {
	TOLD_REKEY_ON_SEND = 1 << 0,
	TOLD_REKEY_ON_RECEIVE = 1 << 1,
	/* until there is a keystream, and again when it was taken away */
	TOLD_BUSY_SENDING = 1 << 2,
	TOLD_BUSY_RECEIVING = 1 << 3,
};

/* `sessions`: key is the receiver index we gave the peer. The agent creates and ends; every field that
 * is not named as BPF's is written by the agent alone. Keys are overwritten before the entry goes. */
struct transport_session {
	/* guards `received` */
	struct bpf_spin_lock lock;
	/* enum session_state; NEXT becomes LIVE in BPF */
	uint32_t state;
	uint32_t peer;
	uint32_t tunnel;
	uint32_t remote_index;
	uint32_t i_am_the_initiator;
	/* BPF */
	uint32_t told;
	/* which keystream is computed ahead for it, from 1 on; 0: none. The agent, by CONTROL_SET_STREAM */
	uint16_t sending_stream;
	uint16_t receiving_stream;
	struct aead_key sending_key;
	struct aead_key receiving_key;
	/* boot time in nanoseconds */
	uint64_t birth;
	/* the next nonce: only BPF counts it, by an atomic addition */
	uint64_t sending_counter;
	/* BPF: when the number of packets was last a multiple of 256 */
	uint64_t sending_paced;
	uint64_t receiving_paced;
	struct replay_window received;
};

_Static_assert(offsetof(struct transport_session, sending_counter) % 8 == 0, "atomic addition");

/* ---- what BPF tells the agent -------------------------------------------------------------------- */

enum event_kind {
	/* an inner packet waits for a session; it follows, from its IP header on */
	EVENT_NEEDS_SESSION = 1,
	/* an inner packet without a peer, or whose peer has no endpoint; its beginning follows */
	EVENT_NO_PEER,
	EVENT_NO_ENDPOINT,
	/* an inner packet larger than the MTU; its beginning follows */
	EVENT_TOO_BIG,
	/* a sealed message that cannot leave by redirect: the agent sends it to `endpoint`; the UDP
	 * payload follows */
	EVENT_SEND_SEALED,
	EVENT_DATA_SENT,
	EVENT_DATA_RECEIVED,
	EVENT_REKEY_ON_SEND,
	EVENT_REKEY_ON_RECEIVE,
	/* the first packet of a NEXT session: it is the current one now */
	EVENT_CONFIRMED,
	/* the endpoint moved to `endpoint` */
	EVENT_ROAMED,
	/* many packets in a short time: keystream should be computed ahead. `counter` is the packet's */
	EVENT_BUSY_SENDING,
	EVENT_BUSY_RECEIVING,
};

enum event_size {
	/* an inner packet of the usual size with its seal, and the largest there is */
	EVENT_PACKET_USUAL = 1536,
	EVENT_PACKET_MAX = TRANSPORT_TEXT_MAX + 64,
};

/* A record of the tunnel's ring buffer (`events`: tunnel -> ring buffer). */
struct event {
	uint32_t kind;
	uint32_t peer;
	/* local index, where the kind has one */
	uint32_t session;
	/* bytes of `packet` that mean something */
	uint32_t length;
	uint64_t when;
	/* of the session: messages sent so far */
	uint64_t counter;
	/* of the outer header, where a sealed message is to be sent */
	uint32_t ds;
	uint32_t unused;
	struct endpoint endpoint;
	uint8_t packet[];
};

/*
 * What the agent puts into the hidden end of the tunnel, by a packet socket bound to it: Ethernet frames
 * whose ethertype is IPv4 or IPv6 and whose meaning is the socket's mark (SO_MARK):
 *   KEEPALIVE_MARK  behind the Ethernet header stands a peer's id (4 bytes, native order), then zeros up to 60
 *                   bytes in all; the ethertype is that of the peer's endpoint. BPF sends an empty data packet.
 *   PASS_MARK       an IP packet that goes on to the visible end (ICMP errors)
 *   any other       an IP packet that is sealed and sent as if it came from the visible end (staged packets)
 */
#define KEEPALIVE_MARK 0x77676b61
#define PASS_MARK 0x77677061

/* ---- what the agent asks of BPF ------------------------------------------------------------------ */

enum control_operation {
	CONTROL_SET_ENDPOINT,
	/* `has_session`, `session` */
	CONTROL_SET_CURRENT,
	/* `bits` of enum peer_told */
	CONTROL_CLEAR_TOLD,
	/* `received`, `sent` are added */
	CONTROL_COUNT_BYTES,
	/* `packets` of the tunnel whose counters are `counters`, and of `peer` when that is not 0, ended with `verdict` */
	CONTROL_COUNT_VERDICT,
	/* `session` becomes RECEIVES_ONLY */
	CONTROL_STOP_SENDING,
	/* `session`: overwrites the keys in place */
	CONTROL_WIPE_SESSION,
	/* under load until `until`, when it is not already for longer; place `counters` */
	CONTROL_UNDER_LOAD,
	/* `session`: its keystream of direction `bits` (enum keystream_direction) is number `stream`; 0: none, and
	 * BPF tells again when it is busy */
	CONTROL_SET_STREAM,
	/* `bits` of enum peer_rules; `cost`, `burst` */
	CONTROL_SET_RULES,
};

enum control_result {
	CONTROL_DONE = 0,
	CONTROL_NOT_FOUND = 1,
	CONTROL_BAD_REQUEST = 2,
};

/* Input of the program `control`, behind the 14 bytes of a packet's Ethernet header. It changes one thing
 * in a value that BPF writes too, where an update of the whole value would undo what BPF counted. */
struct control_request {
	uint32_t operation;
	uint32_t peer;
	uint32_t session;
	uint32_t has_session;
	uint32_t bits;
	uint32_t verdict;
	uint32_t counters;
	uint32_t packets;
	uint32_t stream;
	uint32_t unused;
	uint64_t received;
	uint64_t sent;
	uint64_t until;
	struct endpoint endpoint;
	uint64_t cost;
	uint64_t burst;
};

/* ---- the self-test's programs -------------------------------------------------------------------- */

enum selftest_size {
	SELFTEST_TEXT_OFFSET = 16,
	SELFTEST_FRAME_MAX = SELFTEST_TEXT_OFFSET + TRANSPORT_TEXT_MAX + AEAD_TAG_LENGTH,
	SELFTEST_COUNTERS = 64,
	SELFTEST_HASHED = 116,
};

/* What the next run of a program does (userspace -> BPF) and what came of it (BPF -> userspace). */
struct selftest_task {
	/* of the text between the 16 bytes of header and the tag */
	uint32_t length;
	/* open, but seal first: the way to run `open` many times on one packet */
	uint32_t seal_first;
	uint64_t counter;
	uint64_t counters[SELFTEST_COUNTERS];
	uint8_t accepted[SELFTEST_COUNTERS];
	uint8_t key[32];
	uint8_t message[SELFTEST_HASHED];
	/* which block of the keystream `block_of_keystream` is to be */
	uint32_t block_number;
	/* full 16-byte blocks of `message` that `poly1305_tag` is to be of */
	uint32_t poly1305_blocks;
	uint32_t block_of_keystream[CHACHA20_WORDS];
	uint64_t poly1305_tag[2];
	uint8_t hash_of_3[32];
	uint8_t mac_of_60[16];
	uint8_t mac_of_116[16];
};

/* A frame longer than BPF_PROG_TEST_RUN takes in one piece: the program grows its packet and copies
 * this into it. */
struct selftest_frame {
	uint8_t bytes[SELFTEST_FRAME_MAX];
};

#endif
