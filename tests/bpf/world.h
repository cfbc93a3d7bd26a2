/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * world.h - a small world for the data path's programs: two tunnels, three peers, five sessions. A `struct
 * state` is what stands in the maps; world_load() puts it there, world_read() fetches it back, and
 * model.h says what a frame should have made of it. Nothing is attached: frames go in by BPF_PROG_TEST_RUN,
 * in a network namespace of the test's own, where the only interface is `lo`, index 1.
 */
#ifndef WGXDP_TESTS_WORLD_H
#define WGXDP_TESTS_WORLD_H

#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <harness/packet_builder.h>
#include <unistd.h>
#include <wgxdp.skel.h>
#include <wgxdp/keystream.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	/* ids of tunnels are interfaces; a test run's is `lo`, and rx sees its frames there */
	TUNNEL = 1,
	OTHER_TUNNEL = 9,
	PORT = 51820,
	OTHER_PORT = 51821,
	MTU = 1420,
	FWMARK = 0x1234,
	COUNTERS = 3,
	OTHER_COUNTERS = TUNNELS_MAX,

	/* places in struct state */
	PEER = 0, /* 10.0.0.0/24 and fd00::/64 */
	OTHER_PEER, /* 10.0.0.128/25 and fd00::1:0/112 */
	STRANGER, /* of the other tunnel */
	PEERS,

	LIVE = 0,
	NEXT,
	RESERVED,
	RECEIVES_ONLY,
	STRANGERS, /* of the other tunnel */
	SESSIONS,

	ALLOWED = 6,
	EVENTS_MAX = 6,
	ACCEPTED_MAX = 512,
};

/* What a note says when it was written during the run. */
#define NOW UINT64_MAX

struct allowed {
	uint32_t tunnel;
	uint32_t bits;
	struct address address;
	uint32_t peer;
};

/* One slot of keystream that lies ready, all others being empty; the bytes are those of its session when this is the
 * right key, and otherwise of no use to anybody. 0: none, and BPF sees no memory for it either. */
struct prepared {
	uint32_t stream;
	/* without its bytes */
	struct keystream_slot slot;
	uint64_t wanted, taken, missed;
	uint32_t length_wanted;
};

struct state {
	bool has_interface, has_tunnel, has_ring;
	bool has_peer[PEERS];
	/* of `lo` */
	uint32_t egress_mtu;
	/* of the frame, when the stack did not take it apart */
	uint32_t segment_size;
	struct tunnel_value tunnel, other_tunnel;
	struct interface_value interface;
	/* of TUNNEL; and until when the peer's address has spent its rate, with a cookie and without: 0 is unheard of */
	struct load_value load;
	uint64_t spent_with_cookie, spent_without;
	/* which interface our outer addresses are on; rx sees frames of 1 */
	uint32_t addresses_on;
	struct peer_value peers[PEERS];
	struct transport_session sessions[SESSIONS];
	/* the counters each session has accepted, for the model: a list, no window */
	uint64_t accepted[SESSIONS][ACCEPTED_MAX];
	uint32_t accepted_count[SESSIONS];
	struct prepared prepared;
};

/* A record of the ring. */
struct told {
	uint32_t kind, peer, session, length, ds;
	uint64_t counter;
	struct endpoint endpoint;
	uint8_t packet[FRAME_MAX];
};

/* What came of a frame. */
struct outcome {
	int action;
	/* the counter that went up, VERDICT_COUNT when none did */
	enum verdict verdict;
	/* counters that went up, and by how much in all */
	uint32_t counted;
	uint32_t length;
	uint32_t mark;
	uint32_t told_count;
	/* boot time before and after */
	uint64_t before, after;
	uint8_t frame[FRAME_MAX];
	struct told told[EVENTS_MAX];
};

struct world {
	struct wgxdp_bpf *skeleton;
	struct ring_buffer *ring;
	int ring_fd;
	bool has_ring;
	uint64_t verdicts[VERDICT_COUNT];
	struct outcome *running;
	/* KEYSTREAMS_MAX of them when the test asked for some, and the slot that was prepared last */
	struct keystream *keystreams;
	struct keystream_slot *prepared;
	uint32_t segment_size;
};

extern const struct address our_ipv4, our_ipv6, peer_ipv4, peer_ipv6;
extern const struct address inner_ipv4, inner_ipv6, our_inner_ipv4, our_inner_ipv6;
extern const struct address other_inner_ipv4, other_inner_ipv6, nobodys_ipv4, nobodys_ipv6;
extern const uint8_t our_mac[6], their_mac[6];
/* of TUNNEL and of OTHER_TUNNEL */
extern const uint8_t our_private_key[32], other_private_key[32];
extern const uint8_t cookie_secret[32];
extern const uint32_t peer_ids[PEERS], session_indices[SESSIONS];
extern const struct allowed allowed_list[ALLOWED];

/* A macro, as cr_skip_test() ends the test that calls it. */
#define WORLD_OPEN(world)                                                                          \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			cr_skip_test("not root: BPF programs cannot be loaded");                   \
		world_open(world);                                                                 \
	} while (0)

void world_open(struct world *world);
void world_close(struct world *world);
/* A ring of this many bytes, a power of two from 4096 on, takes the place of the tunnel's. */
void world_make_ring(struct world *world, uint32_t size);
/* Memory for keystream, all of it empty, that BPF sees as the tunnel's. */
void world_make_keystreams(struct world *world);

/* What the agent writes down of the tunnel's private key. */
void state_set_identity(struct tunnel_value *tunnel, const uint8_t *private_key);
/* The secret behind the cookies of TUNNEL was made then; boot time, 0: there is none. */
void state_set_cookies(struct state *state, uint64_t birth);
/* Sessions 10 s old, peers whose endpoints are known and leave by `lo`, nothing sent or received yet. */
void state_init(struct state *state, uint8_t endpoint_family);
uint64_t world_time(void);
struct endpoint endpoint_of(const struct address *address, uint16_t port,
			    const struct address *local_address, uint32_t ifindex);
/* The session has seen this counter, in the map's window and in the model's list. */
void state_accept(struct state *state, int session, uint64_t counter);

void world_load(struct world *world, const struct state *state);
/* Load and sources alone, which change with every handshake message. */
void world_load_defence(struct world *world, const struct state *state);
/* Only what `prepared` says. */
void world_prepare(struct world *world, const struct state *state);
void world_read(struct world *world, const struct state *like, struct state *state);

void world_rx(struct world *world, const uint8_t *frame, uint32_t length, struct outcome *outcome);
/* `program`: tx or tx_agent */
void world_tx(struct world *world, struct bpf_program *program, uint32_t mark, const uint8_t *frame,
	      uint32_t length, struct outcome *outcome);
int world_control(struct world *world, const struct control_request *request);
/* How often a verdict was counted in one place of `verdict_counters`. */
uint64_t world_count(struct world *world, uint32_t counters, enum verdict verdict);

const char *verdict_or_none(enum verdict verdict);

/* Is there a row with this verdict? Each table answers for itself. */
bool rx_has_row(enum verdict verdict);
bool tx_has_row(enum verdict verdict);
bool filter_has_row(enum verdict verdict);

#endif
