/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* model_tx.c - see model.h: one packet out, and how an outcome and a state are compared. */
#include <bpf/model.h>
#include <stdio.h>
#include <string.h>
#include <wgxdp/wire.h>

/* ---- one packet out ------------------------------------------------------------------------------ */

struct leaving {
	const uint8_t *inner;
	uint32_t length;
	uint8_t ecn;
	uint64_t counter;
	uint8_t message[FRAME_MAX];
	uint32_t message_length;
};

/* The agent gets the packet, or for an error the beginning that an ICMP message quotes of it. */
static enum verdict hand_over(struct model *model, const struct leaving *out, enum event_kind kind,
			      uint32_t peer, enum verdict verdict)
{
	struct told *told;

	if (!model->state->has_ring)
		return verdict == VERDICT_STAGED ? VERDICT_STAGE_FULL : verdict;
	told = model_tell(model, kind, peer, 0, 0);
	told->length = out->length;
	if (kind != EVENT_NEEDS_SESSION && told->length > 1280)
		told->length = 1280;
	memcpy(told->packet, out->inner, told->length);
	return verdict;
}

static enum verdict whose(struct model *model, struct leaving *out, const uint8_t *frame,
			  uint32_t length)
{
	uint32_t type = read_be16(frame + 12), owner;
	static uint8_t clamped[FRAME_MAX];
	bool is_ipv4 = type == 0x0800;

	out->inner = frame + ETHERNET_LENGTH;
	out->length = model_inner_length(out->inner, length - ETHERNET_LENGTH);
	/* kernel: wg_check_packet_protocol() */
	if (!out->length || (type != 0x0800 && type != 0x86dd) ||
	    out->inner[0] >> 4 != (is_ipv4 ? 4 : 6))
		return VERDICT_NOT_IP;
	out->ecn = (is_ipv4 ? out->inner[1] : out->inner[1] >> 4) & 3;
	if (out->length > model->state->tunnel.mtu || out->length > TRANSPORT_TEXT_MAX)
		return hand_over(model, out, EVENT_TOO_BIG, 0, VERDICT_PACKET_TOO_BIG);
	owner = model_owner(TUNNEL, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6,
			    out->inner + (is_ipv4 ? 16 : 24));
	if (!owner)
		return hand_over(model, out, EVENT_NO_PEER, 0, VERDICT_NO_PEER);
	model->peer = model_peer(model->state, owner);
	memcpy(clamped, out->inner, out->length);
	model_clamp(&model->state->tunnel, clamped, out->length);
	out->inner = clamped;
	return VERDICT_SEALED;
}

/* Rules 1 and 2: the limits hold, and each nonce is taken once. */
static bool take_nonce(struct model *model, struct leaving *out)
{
	const struct peer_value *peer = &model->state->peers[model->peer];
	int found = peer->has_current_session ? model_session(peer->current_session) : -1;
	struct transport_session *session;

	if (found < 0)
		return false;
	session = &model->state->sessions[found];
	if (session->state != SESSION_LIVE || session->peer != peer_ids[model->peer] ||
	    session->birth + SECONDS(180) <= model->now ||
	    session->sending_counter >= UINT64_MAX - 8192)
		return false;
	model->session = found;
	out->counter = session->sending_counter++;
	return true;
}

static void seal(struct model *model, struct leaving *out)
{
	const struct transport_session *session = &model->state->sessions[model->session];
	uint32_t padded = (out->length + 15) / 16 * 16, mtu = model->state->tunnel.mtu;
	uint8_t text[FRAME_MAX] = {0};

	if (padded > mtu)
		padded = mtu;
	if (padded > TRANSPORT_TEXT_MAX)
		padded = TRANSPORT_TEXT_MAX;
	/* any route may be the packet's */
	for (int i = 0; i < ROUTE_MTUS_MAX; i++)
		if (padded > model->state->tunnel.route_mtus[i] &&
		    out->length <= model->state->tunnel.route_mtus[i])
			padded = model->state->tunnel.route_mtus[i];
	/* a keepalive has no inner packet */
	if (out->length)
		memcpy(text, out->inner, out->length);
	model_want(model, session->sending_stream, out->counter, padded);
	if (model_take(model, session->sending_stream, KEYSTREAM_SENDING, out->counter, padded))
		model->state->prepared.slot.state = KEYSTREAM_EMPTY;
	out->message_length = build_message(out->message, session->remote_index, out->counter,
					    &session->sending_key, text, padded);
}

static enum verdict encapsulate(struct model *model, const struct leaving *out)
{
	const struct endpoint *to = &model->state->peers[model->peer].endpoint;
	static const uint8_t unknown[16];
	struct datagram outer = {
		.source.family = to->family,
		.destination.family = to->family,
		.source_port = PORT,
		.destination_port = (uint16_t)read_be16(to->port),
		.ds = out->ecn,
		.id = (uint16_t)out->counter,
		.hop_limit = to->hop_limit,
	};

	if (!to->ifindex || memcmp(to->local_address, unknown, 16) == 0 ||
	    ip_header_length(to->family) + UDP_LENGTH + out->message_length >
		    model->state->egress_mtu) {
		struct told *told;

		if (!model->state->has_ring)
			return VERDICT_NO_ROOM;
		told = model_tell(model, EVENT_SEND_SEALED, peer_ids[model->peer], 0, 0);
		told->endpoint = *to;
		told->length = out->message_length;
		told->ds = out->ecn;
		memcpy(told->packet, out->message, told->length);
		return VERDICT_SLOW_WAY;
	}
	memcpy(outer.source.bytes, to->local_address, 16);
	memcpy(outer.destination.bytes, to->address, 16);
	model->outcome->length =
		build_datagram(model->outcome->frame, &outer, out->message, out->message_length);
	model->outcome->mark = model->state->tunnel.fwmark;
	return VERDICT_SEALED;
}

static void note(struct model *model, const struct leaving *out)
{
	struct transport_session *session = &model->state->sessions[model->session];
	struct peer_value *peer = &model->state->peers[model->peer];
	uint32_t id = peer_ids[model->peer], index = session_indices[model->session];

	peer->sent_bytes += out->message_length;
	peer->sent_packets++;
	peer->notes.last_sent = NOW;
	if (((session->i_am_the_initiator && session->birth + SECONDS(120) <= model->now) ||
	     out->counter > UINT64_C(1) << 60) &&
	    !(session->told & TOLD_REKEY_ON_SEND)) {
		session->told |= TOLD_REKEY_ON_SEND;
		model_tell(model, EVENT_REKEY_ON_SEND, id, index, out->counter + 1);
	}
	model_pace(model, &session->sending_paced, TOLD_BUSY_SENDING, EVENT_BUSY_SENDING,
		   out->counter);
	if (!out->length)
		return;
	if (peer->notes.first_data_sent <= peer->notes.last_received)
		peer->notes.first_data_sent = NOW;
	if (!(peer->told & TOLD_DATA_SENT)) {
		peer->told |= TOLD_DATA_SENT;
		model_tell(model, EVENT_DATA_SENT, id, index, out->counter + 1);
	}
}

static enum verdict send(struct model *model, bool is_keepalive, const uint8_t *frame,
			 uint32_t length)
{
	static struct leaving out;
	enum verdict verdict = VERDICT_SEALED;
	uint32_t id;

	memset(&out, 0, offsetof(struct leaving, message));
	if (!model->state->has_tunnel || !model->state->tunnel.is_up)
		return VERDICT_TUNNEL_DOWN;
	if (model->state->segment_size)
		return VERDICT_NO_ROOM;
	if (is_keepalive) {
		memcpy(&id, frame + ETHERNET_LENGTH, sizeof(id));
		model->peer = model_peer(model->state, id);
	} else {
		verdict = whose(model, &out, frame, length);
	}
	if (verdict != VERDICT_SEALED)
		return verdict;
	if (model->peer < 0)
		return VERDICT_NO_PEER;
	id = peer_ids[model->peer];
	if (model->state->peers[model->peer].tunnel != TUNNEL)
		return VERDICT_NO_PEER;
	if (model->state->peers[model->peer].endpoint.family == FAMILY_NONE)
		return is_keepalive
			       ? VERDICT_NO_ENDPOINT
			       : hand_over(model, &out, EVENT_NO_ENDPOINT, id, VERDICT_NO_ENDPOINT);
	if (!is_keepalive &&
	    model_is_over_limit(model, &model->state->peers[model->peer].limit.sent_until,
				out.length))
		return VERDICT_OVER_LIMIT;
	if (!take_nonce(model, &out))
		return is_keepalive
			       ? VERDICT_EXPIRED
			       : hand_over(model, &out, EVENT_NEEDS_SESSION, id, VERDICT_STAGED);
	seal(model, &out);
	verdict = encapsulate(model, &out);
	if (verdict != VERDICT_NO_ROOM)
		note(model, &out);
	return verdict;
}

void model_tx(struct state *state, bool by_agent, uint32_t mark, const uint8_t *frame,
	      uint32_t length, struct outcome *outcome)
{
	struct model model = {state, outcome, world_time(), -1, -1};
	enum verdict verdict;

	outcome->told_count = outcome->counted = 0;
	outcome->verdict = VERDICT_COUNT;
	outcome->length = length;
	outcome->mark = mark;
	memcpy(outcome->frame, frame, length);
	outcome->action = ACTION_OK;
	if (by_agent && mark == PASS_MARK)
		return;
	verdict = send(&model, by_agent && mark == KEEPALIVE_MARK, frame, length);
	outcome->action = verdict == VERDICT_SEALED ? ACTION_REDIRECT : ACTION_SHOT;
	model_count(&model, verdict);
}

/* ---- comparing ----------------------------------------------------------------------------------- */

static const char *told_difference(const struct told *a, const struct told *b)
{
	if (a->kind != b->kind)
		return "kind of event";
	if (a->ds != b->ds)
		return "DS byte of an event";
	if (a->peer != b->peer || a->session != b->session || a->counter != b->counter)
		return "event";
	if (memcmp(&a->endpoint, &b->endpoint, sizeof(a->endpoint)) != 0)
		return "endpoint of an event";
	if (a->length != b->length || memcmp(a->packet, b->packet, a->length) != 0)
		return "packet of an event";
	return NULL;
}

const char *difference(const struct outcome *expected, const struct outcome *actual)
{
	/* at TC the addresses of the outgoing frame are the neighbour's business */
	uint32_t from = expected->action == ACTION_REDIRECT ? 12 : 0;
	/* what is not counted, delivered or sealed goes nowhere, whatever its bytes are */
	bool leaves = expected->counted == 0 || expected->verdict == VERDICT_DELIVERED ||
		      expected->verdict == VERDICT_SEALED;

	if (expected->action != actual->action)
		return "action";
	if (expected->verdict != actual->verdict)
		return "verdict";
	if (expected->counted != actual->counted)
		return "number of verdicts";
	if (leaves &&
	    (expected->length != actual->length ||
	     memcmp(expected->frame + from, actual->frame + from, expected->length - from) != 0))
		return "frame";
	if (leaves && expected->mark != actual->mark)
		return "mark";
	if (expected->told_count != actual->told_count)
		return "number of events";
	for (uint32_t i = 0; i < expected->told_count; i++) {
		const char *what = told_difference(&expected->told[i], &actual->told[i]);

		if (what)
			return what;
	}
	return NULL;
}

/* Takes the time out of notes that were written during the run and say so. */
static void settle(void *expected, const void *actual, size_t size, const struct outcome *outcome)
{
	uint64_t *note = expected;
	const uint64_t *is = actual;

	for (size_t i = 0; i < size / sizeof(*note); i++)
		if (note[i] == NOW && is[i] >= outcome->before && is[i] <= outcome->after)
			note[i] = is[i];
}

static const char *prepared_difference(const struct prepared *expected,
				       const struct prepared *actual)
{
	if (expected->slot.state != actual->slot.state)
		return "state of a slot";
	if (memcmp(&expected->slot, &actual->slot, offsetof(struct keystream_slot, first_block)) !=
	    0)
		return "slot";
	if (expected->wanted != actual->wanted || expected->length_wanted != actual->length_wanted)
		return "keystream wanted";
	if (expected->taken != actual->taken || expected->missed != actual->missed)
		return "keystream counted";
	return NULL;
}

static const char *session_difference(const struct transport_session *before,
				      const struct transport_session *expected,
				      const struct transport_session *actual, bool has_accepted,
				      const struct outcome *outcome)
{
	struct transport_session session = *expected;

	if (!has_accepted &&
	    memcmp(&before->received, &actual->received, sizeof(before->received)) != 0)
		return "replay window moved";
	settle(&session.sending_paced, &actual->sending_paced, 2 * sizeof(uint64_t), outcome);
	return memcmp(&session, actual, sizeof(session)) != 0 ? "session" : NULL;
}

_Static_assert(offsetof(struct transport_session, receiving_paced) ==
		       offsetof(struct transport_session, sending_paced) + sizeof(uint64_t),
	       "settled in one go");

const char *state_difference(const struct state *before, const struct state *expected,
			     const struct state *actual, const struct outcome *outcome)
{
	for (uint32_t i = 0; i < PEERS; i++) {
		struct peer_value peer = expected->peers[i];

		settle(&peer.notes, &actual->peers[i].notes, sizeof(peer.notes), outcome);
		if (memcmp(&peer.notes, &actual->peers[i].notes, sizeof(peer.notes)) != 0)
			return "notes";
		if (memcmp(&peer.endpoint, &actual->peers[i].endpoint, sizeof(peer.endpoint)) != 0)
			return "endpoint";
		if (memcmp(peer.verdicts, actual->peers[i].verdicts, sizeof(peer.verdicts)) != 0)
			return "verdicts of a peer";
		if (memcmp(&peer, &actual->peers[i], sizeof(peer)) != 0)
			return "peer";
	}
	for (uint32_t i = 0; i < SESSIONS; i++) {
		const char *what = session_difference(
			&before->sessions[i], &expected->sessions[i], &actual->sessions[i],
			expected->accepted_count[i] != before->accepted_count[i], outcome);

		if (what)
			return what;
	}
	return prepared_difference(&expected->prepared, &actual->prepared);
}

/* ---- both, and what differs ---------------------------------------------------------------------- */

static struct state expected, actual;
static struct outcome wanted;

static const char *compare(struct world *world, const struct state *before,
			   const struct outcome *got)
{
	const char *what = difference(&wanted, got);

	world_read(world, before, &actual);
	return what ? what : state_difference(before, &expected, &actual, got);
}

const char *rx_as_modelled(struct world *world, const struct state *before, const uint8_t *frame,
			   uint32_t length, struct outcome *got)
{
	expected = *before;
	model_rx(&expected, frame, length, &wanted);
	world_load(world, before);
	world_rx(world, frame, length, got);
	return compare(world, before, got);
}

const char *tx_as_modelled(struct world *world, const struct state *before, bool by_agent,
			   uint32_t mark, const uint8_t *frame, uint32_t length,
			   struct outcome *got)
{
	struct bpf_program *program =
		by_agent ? world->skeleton->progs.tx_agent : world->skeleton->progs.tx;

	expected = *before;
	model_tx(&expected, by_agent, mark, frame, length, &wanted);
	world_load(world, before);
	world_tx(world, program, mark, frame, length, got);
	return compare(world, before, got);
}
