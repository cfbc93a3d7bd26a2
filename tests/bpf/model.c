/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* model.c - see model.h: one packet in, and what both ways share. One packet out is in model_tx.c. */
#include <bpf/model.h>
#include <stdio.h>
#include <string.h>
#include <wgxdp/wire.h>

/* ---- shared -------------------------------------------------------------------------------------- */

struct told *model_tell(struct model *model, enum event_kind kind, uint32_t peer, uint32_t session,
			uint64_t counter)
{
	static struct told nobody;
	struct told *told;

	/* nobody listens for the other tunnel */
	if (!model->state->has_ring || peer == peer_ids[STRANGER])
		return memset(&nobody, 0, sizeof(nobody));
	told = &model->outcome->told[model->outcome->told_count++];
	told->kind = kind;
	told->peer = peer;
	told->session = session;
	told->counter = counter;
	told->length = told->ds = 0;
	memset(&told->endpoint, 0, sizeof(told->endpoint));
	return told;
}

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, uint32_t bits)
{
	for (uint32_t bit = 0; bit < bits; bit++)
		if ((address[bit / 8] ^ prefix[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

uint32_t model_owner(uint32_t tunnel, uint8_t family, const uint8_t *address)
{
	uint32_t owner = 0;
	int longest = -1;

	for (uint32_t i = 0; i < ALLOWED; i++) {
		const struct allowed *allowed = &allowed_list[i];

		if (allowed->tunnel == tunnel && allowed->address.family == family &&
		    has_prefix(address, allowed->address.bytes, allowed->bits) &&
		    (int)allowed->bits > longest) {
			longest = (int)allowed->bits;
			owner = allowed->peer;
		}
	}
	return owner;
}

int model_peer(const struct state *state, uint32_t id)
{
	for (int i = 0; i < PEERS; i++)
		if (peer_ids[i] == id && state->has_peer[i])
			return i;
	return -1;
}

int model_session(uint32_t index)
{
	for (int i = 0; i < SESSIONS; i++)
		if (session_indices[i] == index)
			return i;
	return -1;
}

uint32_t model_inner_length(const uint8_t *packet, uint32_t available)
{
	uint32_t length = 0;

	if (available >= IPV4_LENGTH && packet[0] >> 4 == 4) {
		length = read_be16(packet + 2);
		if (length < IPV4_LENGTH)
			return 0;
	} else if (available >= IPV6_LENGTH && packet[0] >> 4 == 6) {
		length = IPV6_LENGTH + read_be16(packet + 4);
	}
	return length <= available ? length : 0;
}

void model_count(struct model *model, enum verdict verdict)
{
	model->outcome->verdict = verdict;
	model->outcome->counted = 1;
	if (model->peer >= 0 && verdict != VERDICT_DELIVERED && verdict != VERDICT_SEALED)
		model->state->peers[model->peer].verdicts[verdict]++;
}

void model_pace(struct model *model, uint64_t *paced, enum session_told bit, enum event_kind kind,
		uint64_t counter)
{
	struct transport_session *session = &model->state->sessions[model->session];
	uint64_t before = *paced;

	if (counter % 256 != 0)
		return;
	*paced = NOW;
	if (before + MILLISECONDS(50) <= model->now || session->told & bit)
		return;
	session->told |= bit;
	model_tell(model, kind, peer_ids[model->peer], session_indices[model->session], counter);
}

/* The other tunnel has no memory for keystream. */
static bool is_prepared(const struct model *model, uint32_t stream)
{
	return stream && stream == model->state->prepared.stream &&
	       model->state->sessions[model->session].tunnel == TUNNEL;
}

void model_want(struct model *model, uint32_t stream, uint64_t counter, uint32_t length)
{
	struct prepared *prepared = &model->state->prepared;

	if (!is_prepared(model, stream))
		return;
	if (counter + 1 > prepared->wanted)
		prepared->wanted = counter + 1;
	if (length > prepared->length_wanted)
		prepared->length_wanted = length;
}

bool model_take(struct model *model, uint32_t stream, enum keystream_direction direction,
		uint64_t counter, uint32_t length)
{
	const struct transport_session *session = &model->state->sessions[model->session];
	struct prepared *prepared = &model->state->prepared;
	const struct keystream_slot *slot = &prepared->slot;

	if (!is_prepared(model, stream))
		return false;
	if (slot->state != KEYSTREAM_READY || slot->counter != counter ||
	    slot->local_index != session_indices[model->session] || slot->birth != session->birth ||
	    slot->direction != (uint32_t)direction || slot->length < length) {
		prepared->missed++;
		return false;
	}
	prepared->taken++;
	return true;
}

/* ---- one packet in: whose is it ------------------------------------------------------------------- */

struct arrived {
	struct endpoint from;
	uint32_t tunnel;
	const uint8_t *message;
	uint32_t length;
	uint8_t ecn;
};

/* A whole, plain UDP packet: no tag, options, extension headers, fragments; all of it is in the frame. */
static bool understand(struct arrived *in, const uint8_t *frame, uint32_t length)
{
	const uint8_t *ip = frame + ETHERNET_LENGTH, *udp;
	uint32_t type, header, payload, available, udp_length;

	memset(in, 0, sizeof(*in));
	if (length < ETHERNET_LENGTH)
		return false;
	type = read_be16(frame + 12);
	available = length - ETHERNET_LENGTH;
	if (type == 0x0800 && available >= IPV4_LENGTH + UDP_LENGTH && ip[0] == 0x45) {
		header = IPV4_LENGTH;
		if (read_be16(ip + 2) < header || ip[9] != 17 || (read_be16(ip + 6) & 0x3fff))
			return false;
		payload = read_be16(ip + 2) - header;
		in->from.family = FAMILY_IPV4;
		memcpy(in->from.address, ip + 12, 4);
		memcpy(in->from.local_address, ip + 16, 4);
		in->ecn = ip[1] & 3;
	} else if (type == 0x86dd && available >= IPV6_LENGTH + UDP_LENGTH && ip[0] >> 4 == 6) {
		header = IPV6_LENGTH;
		if (ip[6] != 17)
			return false;
		payload = read_be16(ip + 4);
		in->from.family = FAMILY_IPV6;
		memcpy(in->from.address, ip + 8, 16);
		memcpy(in->from.local_address, ip + 24, 16);
		in->ecn = ip[1] >> 4 & 3;
	} else {
		return false;
	}
	udp = ip + header;
	udp_length = read_be16(udp + 4);
	if (header + payload > available || udp_length < UDP_LENGTH || udp_length > payload)
		return false;
	memcpy(in->from.port, udp, 2);
	in->message = udp + UDP_LENGTH;
	in->length = udp_length - UDP_LENGTH;
	return true;
}

/* One of those the tunnel is bound to, if it is bound at all. */
static bool is_listening_there(const struct tunnel_value *tunnel, const struct endpoint *from)
{
	for (uint32_t i = 0; i < tunnel->bound_count; i++) {
		if (tunnel->bound_addresses[i].family == from->family &&
		    memcmp(tunnel->bound_addresses[i].address, from->local_address, 16) == 0)
			return true;
	}
	return tunnel->bound_count == 0;
}

/* Rule 5: our address, our port, our MAC. */
static bool is_for_us(const struct state *state, struct arrived *in, const uint8_t *frame)
{
	const struct address *ours = in->from.family == FAMILY_IPV4 ? &our_ipv4 : &our_ipv6;
	uint32_t port = read_be16(in->message - UDP_LENGTH + 2);

	if (!state->has_interface ||
	    (!state->interface.is_injection && memcmp(frame, state->interface.mac, 6) != 0) ||
	    memcmp(in->from.local_address, ours->bytes, 16) != 0)
		return false;
	if (port != PORT && port != OTHER_PORT)
		return false;
	/* perhaps a VLAN's, whose tag cannot be seen */
	if (state->interface.is_generic && !state->interface.is_injection &&
	    state->addresses_on != 1)
		return false;
	in->tunnel = port == PORT ? TUNNEL : OTHER_TUNNEL;
	in->from.ifindex = state->interface.is_injection ? 0 : 1;
	return in->tunnel == OTHER_TUNNEL ||
	       (state->has_tunnel && is_listening_there(&state->tunnel, &in->from));
}

static bool is_transport(const struct arrived *in)
{
	return in->length >= sizeof(struct message_data) && load_le32(in->message) == 4;
}

/* ---- one packet in: may it ------------------------------------------------------------------------ */

static bool is_replay(const struct state *state, int session, uint64_t counter)
{
	uint64_t greatest = 0;

	for (uint32_t i = 0; i < state->accepted_count[session]; i++) {
		if (state->accepted[session][i] == counter)
			return true;
		if (state->accepted[session][i] > greatest)
			greatest = state->accepted[session][i];
	}
	return counter < greatest && greatest - counter > 8128;
}

/* Whether the peer is elsewhere than we know, and may be. */
static bool moves(const struct peer_value *peer, const struct arrived *in)
{
	struct endpoint known = peer->endpoint;

	known.ifindex = in->from.ifindex;
	known.hop_limit = 0;
	return memcmp(&known, &in->from, sizeof(known)) != 0 &&
	       (known.family == FAMILY_NONE || !(peer->rules & PEER_STAYS));
}

/* The pseudo header's sum, as RFC 768 and RFC 8200 have it; zeros behind an IPv4 address add nothing. */
static uint32_t sum_pseudo_header(const struct arrived *in)
{
	uint32_t sum = 17 + read_be16(in->message - UDP_LENGTH + 4);

	sum = checksum_add(sum, in->from.address, sizeof(in->from.address));
	return checksum_add(sum, in->from.local_address, sizeof(in->from.local_address));
}

/* What nobody has completed yet holds the pseudo header's sum alone. */
static bool is_left_to_a_device(const struct arrived *in)
{
	return read_be16(in->message - UDP_LENGTH + 6) ==
	       (0xffff & ~checksum_fold(sum_pseudo_header(in)));
}

/* Whether the stack would take it for undamaged; what the agent put in it has taken. */
static bool is_whole(const struct state *state, const struct arrived *in)
{
	const uint8_t *udp = in->message - UDP_LENGTH;
	bool is_ipv4 = in->from.family == FAMILY_IPV4;

	if (state->interface.is_injection)
		return true;
	if (is_ipv4 && checksum_fold(checksum_add(0, udp - IPV4_LENGTH, IPV4_LENGTH)) != 0)
		return false;
	if (read_be16(udp + 6) == 0)
		return is_ipv4;
	return is_left_to_a_device(in) || checksum_fold(checksum_add(sum_pseudo_header(in), udp,
								     UDP_LENGTH + in->length)) == 0;
}

static enum verdict admit(struct model *model, const struct arrived *in, uint8_t *text)
{
	const struct tunnel_value *tunnel =
		in->tunnel == TUNNEL ? &model->state->tunnel : &model->state->other_tunnel;
	uint64_t counter = load_le64(in->message + 8);
	struct transport_session *session;
	int found, peer;
	bool takes;

	if (!tunnel->is_up)
		return VERDICT_TUNNEL_DOWN;
	if (in->length < 32)
		return VERDICT_TOO_SHORT;
	if (in->length > 32 + TRANSPORT_TEXT_MAX)
		return VERDICT_TOO_LONG;
	found = model_session(load_le32(in->message + 4));
	if (found < 0 || model->state->sessions[found].state == SESSION_RESERVED)
		return VERDICT_UNKNOWN_INDEX;
	session = &model->state->sessions[found];
	if (session->tunnel != in->tunnel)
		return VERDICT_WRONG_TUNNEL;
	peer = model_peer(model->state, session->peer);
	if (peer < 0)
		return VERDICT_UNKNOWN_INDEX;
	model->peer = peer;
	model->session = found;
	if (session->birth + SECONDS(180) <= model->now || counter >= UINT64_MAX - 8192)
		return VERDICT_EXPIRED;
	if (moves(&model->state->peers[peer], in) && !is_whole(model->state, in))
		return VERDICT_BAD_CHECKSUM;
	takes = model_take(model, session->receiving_stream, KEYSTREAM_RECEIVING, counter,
			   in->length - 32);
	if (!open_message(text, in->message, in->length, &session->receiving_key))
		return VERDICT_BAD_TAG;
	if (takes)
		model->state->prepared.slot.state = KEYSTREAM_EMPTY;
	model_want(model, session->receiving_stream, counter, in->length - 32);
	if (is_replay(model->state, found, counter))
		return VERDICT_REPLAYED;
	state_accept(model->state, found, counter);
	return VERDICT_DELIVERED;
}

/* The clocks of the rows are ahead of the present, so that what a packet makes of one is known. */
bool model_is_over_limit(struct model *model, uint64_t *until, uint32_t bytes)
{
	const struct rate_limit *limit = &model->state->peers[model->peer].limit;
	uint64_t after = *until + limit->cost * bytes / 65536;

	if (!limit->cost)
		return false;
	if (after > world_time() + limit->burst)
		return true;
	*until = after;
	return false;
}

/* ---- one packet in: what it moves ------------------------------------------------------------------ */

static void confirm_and_roam(struct model *model, const struct arrived *in)
{
	struct transport_session *session = &model->state->sessions[model->session];
	struct peer_value *peer = &model->state->peers[model->peer];
	uint32_t id = peer_ids[model->peer], index = session_indices[model->session];

	if (session->state == SESSION_NEXT) {
		session->state = SESSION_LIVE;
		peer->current_session = index;
		peer->has_current_session = 1;
		model_tell(model, EVENT_CONFIRMED, id, index, 0);
	}
	if (moves(peer, in)) {
		uint8_t hop_limit = peer->endpoint.hop_limit;

		peer->endpoint = in->from;
		peer->endpoint.hop_limit = hop_limit;
		model_tell(model, EVENT_ROAMED, id, 0, 0)->endpoint = in->from;
	}
}

static void note(struct model *model, const struct arrived *in)
{
	struct transport_session *session = &model->state->sessions[model->session];
	struct peer_value *peer = &model->state->peers[model->peer];
	uint32_t id = peer_ids[model->peer], index = session_indices[model->session];

	peer->received_bytes += in->length;
	peer->received_packets++;
	peer->notes.last_received = NOW;
	if (session->i_am_the_initiator && session->state == SESSION_LIVE &&
	    session->birth + SECONDS(165) <= model->now &&
	    !(session->told & TOLD_REKEY_ON_RECEIVE)) {
		session->told |= TOLD_REKEY_ON_RECEIVE;
		model_tell(model, EVENT_REKEY_ON_RECEIVE, id, index, 0);
	}
	model_pace(model, &session->receiving_paced, TOLD_BUSY_RECEIVING, EVENT_BUSY_RECEIVING,
		   load_le64(in->message + 8));
	if (in->length == 32)
		return;
	peer->notes.last_data_received = NOW;
	if (peer->notes.first_data_received <= peer->notes.last_sent)
		peer->notes.first_data_received = NOW;
	if (!(peer->told & TOLD_DATA_RECEIVED)) {
		peer->told |= TOLD_DATA_RECEIVED;
		model_tell(model, EVENT_DATA_RECEIVED, id, index, 0);
	}
}

/* RFC 6040 as the kernel's INET_ECN_set_ce() does it: only a packet that knows ECN is marked. */
static void mark_ce(uint8_t *inner)
{
	if (inner[0] >> 4 == 6) {
		if (inner[1] >> 4 & 3)
			inner[1] |= 3 << 4;
	} else if (inner[1] & 3) {
		/* what the sum was wrong by before, it is wrong by after */
		uint32_t checksum = read_be16(inner + 10);

		checksum += (uint32_t)(inner[1] & 3);
		inner[1] |= 3;
		checksum += 0xffff - 3;
		checksum = (checksum & 0xffff) + (checksum >> 16);
		write_be16(inner + 10, checksum);
	}
}

static enum verdict deliver(struct model *model, const struct arrived *in, uint8_t *text)
{
	const struct tunnel_value *tunnel =
		in->tunnel == TUNNEL ? &model->state->tunnel : &model->state->other_tunnel;
	uint32_t length = model_inner_length(text, in->length - 32);
	bool is_ipv4 = text[0] >> 4 == 4;
	uint8_t *frame = model->outcome->frame;

	if (!length)
		return VERDICT_INNER_MALFORMED;
	if (model_owner(in->tunnel, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6,
			text + (is_ipv4 ? 12 : 8)) != peer_ids[model->peer])
		return VERDICT_SOURCE_REFUSED;
	/* a veth takes four bytes more than its MTU, for a VLAN tag */
	if (length > tunnel->mtu + 4)
		return VERDICT_PACKET_TOO_BIG;
	if (in->ecn == 3)
		mark_ce(text);
	model_clamp(tunnel, text, length);
	memcpy(frame, tunnel->inner_destination, 6);
	memcpy(frame + 6, tunnel->inner_source, 6);
	write_be16(frame + 12, is_ipv4 ? 0x0800 : 0x86dd);
	memcpy(frame + ETHERNET_LENGTH, text, length);
	model->outcome->length = ETHERNET_LENGTH + length;
	return VERDICT_DELIVERED;
}

/* Many messages in one datagram, as generic XDP gets to see them: the checksum is the pseudo header's alone. */
static bool is_bundle(const struct state *state, const struct arrived *in)
{
	return state->interface.is_generic && !state->interface.is_injection &&
	       is_left_to_a_device(in);
}

void model_rx(struct state *state, const uint8_t *frame, uint32_t length, struct outcome *outcome)
{
	struct model model = {state, outcome, world_time(), -1, -1};
	static uint8_t text[FRAME_MAX];
	enum verdict verdict;
	struct arrived in;

	outcome->told_count = outcome->mark = outcome->counted = 0;
	outcome->verdict = VERDICT_COUNT;
	outcome->length = length;
	memcpy(outcome->frame, frame, length);
	/* what the agent put in came from the stack and must not go back */
	outcome->action =
		state->has_interface && state->interface.is_injection ? XDP_DROP : XDP_PASS;
	if (!understand(&in, frame, length) || !is_for_us(state, &in, frame))
		return;
	if (!is_transport(&in)) {
		verdict = model_handshake(&model, in.tunnel, &in.from, in.message, in.length);
		if (verdict == VERDICT_DELIVERED)
			return;
		outcome->action = XDP_DROP;
		model_count(&model, verdict);
		return;
	}
	outcome->action = XDP_DROP;
	verdict = admit(&model, &in, text);
	if ((verdict == VERDICT_BAD_TAG || verdict == VERDICT_TOO_LONG) && is_bundle(state, &in)) {
		outcome->action = XDP_PASS;
		return;
	}
	if (verdict == VERDICT_DELIVERED) {
		confirm_and_roam(&model, &in);
		note(&model, &in);
		verdict =
			in.length == 32 ? VERDICT_KEEPALIVE
			: model_is_over_limit(&model,
					      &model.state->peers[model.peer].limit.received_until,
					      in.length - 32)
				? VERDICT_OVER_LIMIT
				: deliver(&model, &in, text);
	}
	if (verdict == VERDICT_DELIVERED)
		outcome->action = XDP_REDIRECT;
	model_count(&model, verdict);
}
