// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * test_count.c - packets are counted in their own tunnel's place and in no other, by the programs and by
 * `control` alike.
 */
#include <bpf/transport.h>
#include <bpf/world.h>

static struct world world;
static struct state state, after;
static struct outcome outcome;

/* Counts that were there before, so that only one packet's is looked at. */
static void expect_count(const char *name, uint32_t counters, enum verdict verdict)
{
	static const uint32_t places[] = {COUNTERS_OF_NO_TUNNEL, COUNTERS, OTHER_COUNTERS};

	for (uint32_t i = 0; i < COUNT(places); i++)
		cr_expect_eq(world_count(&world, places[i], verdict), places[i] == counters,
			     "%s: counted in %u", name, places[i]);
}

static void receive(uint16_t port)
{
	static uint8_t frame[FRAME_MAX];
	struct transport packet;
	uint32_t length;

	transport_init(&packet, &state, FAMILY_IPV4, FAMILY_IPV4);
	packet.outer.destination_port = port;
	length = transport_build(frame, &packet, NULL);
	world_load(&world, &state);
	world_rx(&world, frame, length, &outcome);
}

Test(count, each_tunnel_for_itself)
{
	uint8_t nothing[64] = {0};

	WORLD_OPEN(&world);
	state_init(&state, FAMILY_IPV4);
	receive(PORT);
	expect_count("ours", COUNTERS, VERDICT_DELIVERED);
	receive(OTHER_PORT);
	expect_count("a session of another tunnel", OTHER_COUNTERS, VERDICT_WRONG_TUNNEL);
	state.has_tunnel = false;
	world_load(&world, &state);
	world_tx(&world, world.skeleton->progs.tx, 0, nothing, sizeof(nothing), &outcome);
	expect_count("no tunnel", COUNTERS_OF_NO_TUNNEL, VERDICT_TUNNEL_DOWN);
	world_close(&world);
}

Test(count, control_adds)
{
	struct control_request request = {
		.operation = CONTROL_COUNT_VERDICT,
		.verdict = VERDICT_BAD_MAC1,
		.counters = OTHER_COUNTERS,
		.packets = 5,
	};

	WORLD_OPEN(&world);
	cr_expect_eq(world_control(&world, &request), CONTROL_DONE);
	cr_expect_eq(world_control(&world, &request), CONTROL_DONE);
	cr_expect_eq(world_count(&world, OTHER_COUNTERS, VERDICT_BAD_MAC1), 10);
	/* and for a peer, of whom the rest stays as it is */
	state_init(&state, FAMILY_IPV4);
	world_load(&world, &state);
	request.peer = peer_ids[OTHER_PEER];
	cr_expect_eq(world_control(&world, &request), CONTROL_DONE);
	cr_expect_eq(world_count(&world, OTHER_COUNTERS, VERDICT_BAD_MAC1), 15);
	world_read(&world, &state, &after);
	state.peers[OTHER_PEER].verdicts[VERDICT_BAD_MAC1] = 5;
	cr_expect_arr_eq(after.peers, state.peers, sizeof(state.peers));
	/* of one that is gone the tunnel's are left */
	request.peer = 12345;
	cr_expect_eq(world_control(&world, &request), CONTROL_DONE);
	cr_expect_eq(world_count(&world, OTHER_COUNTERS, VERDICT_BAD_MAC1), 20);
	request.verdict = VERDICT_COUNT;
	cr_expect_eq(world_control(&world, &request), CONTROL_BAD_REQUEST);
	request.verdict = VERDICT_BAD_MAC1;
	request.counters = TUNNELS_MAX + 1;
	cr_expect_eq(world_control(&world, &request), CONTROL_BAD_REQUEST);
	world_close(&world);
}
