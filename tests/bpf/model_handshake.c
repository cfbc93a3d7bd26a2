/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * model_handshake.c - see model.h. The filter must say what the agent would: so the agent's own code is asked,
 * user/proto/tunnel.c, with a tunnel that knows the indices of the `struct state` and no peer. Where it asks
 * about the peer at last, the filter lets the message pass. Under load it adds its own rates, for the one source
 * that the state knows of.
 */
#include <bpf/model.h>
#include <proto/peer.h>
#include <string.h>
#include <wgxdp/wire.h>

/* `ops` of a tunnel without peers: what a message of nobody's leads to. */
static struct peer nobody = {.running = true};
static const struct state *asked;
static uint32_t asked_tunnel;

static struct peer *find_by_index(void *context, uint32_t index)
{
	int session = model_session(index);

	(void)context;
	if (session < 0 || asked->sessions[session].tunnel != asked_tunnel)
		return NULL;
	nobody.handshake.has_local_index = asked->sessions[session].state == SESSION_RESERVED;
	nobody.handshake.local_index = index;
	return &nobody;
}

static struct peer *find_by_public_key(void *context, const uint8_t *public_key)
{
	(void)context, (void)public_key;
	return NULL;
}

static void random_bytes(void *context, void *out, size_t length)
{
	(void)context;
	memset(out, 7, length);
}

static void send_reply(void *context, const struct cookie_source *to, const void *message,
		       size_t length)
{
	(void)context, (void)to, (void)message, (void)length;
}

static const struct tunnel_ops ops = {
	.random_bytes = random_bytes,
	.send_reply = send_reply,
	.find_by_index = find_by_index,
	.find_by_public_key = find_by_public_key,
};

static struct tunnel *tunnel_of(uint32_t id, bool has_identity)
{
	static struct tunnel tunnels[3];
	static bool are_made;

	if (!are_made) {
		for (uint32_t i = 0; i < COUNT(tunnels); i++)
			tunnel_init(&tunnels[i], &ops, NULL);
		tunnel_set_private_key(&tunnels[0], our_private_key);
		tunnel_set_private_key(&tunnels[1], other_private_key);
		are_made = true;
	}
	return &tunnels[!has_identity ? 2 : id == TUNNEL ? 0 : 1];
}

/* The index before mac1: see bpf/filter.h. */
static enum verdict ask_for_index(const struct state *state, uint32_t tunnel,
				  const uint8_t *message, uint32_t length)
{
	bool is_response = length == sizeof(struct message_handshake_response) &&
			   load_le32(message) == MESSAGE_HANDSHAKE_RESPONSE;
	int session;

	if (!is_response)
		return VERDICT_DELIVERED;
	session = model_session(load_le32(message + 8));
	if (session < 0 || state->sessions[session].tunnel != tunnel)
		return VERDICT_UNKNOWN_INDEX;
	return state->sessions[session].state == SESSION_RESERVED ? VERDICT_DELIVERED
								  : VERDICT_BAD_HANDSHAKE;
}

/* The agent's tunnel has the state's cookies, and a rate that nobody has used yet. */
static struct tunnel *tunnel_with(uint32_t id, const struct tunnel_value *value)
{
	static struct ratelimit_bucket buckets[64];
	static const uint64_t hash_key[2] = {1, 2};
	struct tunnel *tunnel = tunnel_of(id, value->has_identity);

	ratelimit_init(&tunnel->ratelimit, buckets, COUNT(buckets), hash_key);
	tunnel->cookie_checker.has_secret = value->cookie_birth != 0;
	tunnel->cookie_checker.secret_birth = value->cookie_birth;
	memcpy(tunnel->cookie_checker.secret, cookie_secret, sizeof(cookie_secret));
	return tunnel;
}

/* Whether one more is within a rate, as each of these buckets is either fresh or spent for long. */
static bool is_spent(uint64_t until, uint64_t now)
{
	return until > now + SECONDS(1);
}

/* What the agent would do, but only so often. */
static enum verdict limit(const struct state *state, enum verdict verdict, bool is_initiation,
			  uint64_t now)
{
	uint64_t share = is_spent(state->spent_without, now) ? state->load.spent_on_frequent
							     : state->load.spent_on_rare;

	if (!is_initiation)
		return VERDICT_DELIVERED;
	if (verdict == VERDICT_COOKIE_DEMANDED)
		return is_spent(share, now) ? VERDICT_FLOODED : VERDICT_DELIVERED;
	return is_spent(state->spent_with_cookie, now) ? VERDICT_RATE_LIMITED : VERDICT_DELIVERED;
}

enum verdict model_handshake(struct model *model, uint32_t tunnel, const struct endpoint *from,
			     const uint8_t *message, uint32_t length)
{
	const struct tunnel_value *value =
		tunnel == TUNNEL ? &model->state->tunnel : &model->state->other_tunnel;
	struct cookie_source source = {
		.address_length = from->family == FAMILY_IPV4 ? 4 : 16,
		.port = {from->port[0], from->port[1]},
	};
	bool under_load = tunnel == TUNNEL && model->state->load.until > model->now;
	enum verdict verdict;
	struct peer *peer;

	memcpy(source.address, from->address, source.address_length);
	if (!value->is_up)
		return VERDICT_TUNNEL_DOWN;
	/* data without a whole header, which the agent gives back to the data path */
	if (length >= 4 && load_le32(message) == MESSAGE_DATA)
		return VERDICT_TOO_SHORT;
	verdict = ask_for_index(model->state, tunnel, message, length);
	if (verdict != VERDICT_DELIVERED)
		return verdict;
	asked = model->state;
	asked_tunnel = tunnel;
	verdict = tunnel_receive_handshake(tunnel_with(tunnel, value), message, length, &source,
					   under_load, model->now, &peer, NULL);
	switch (verdict) {
	case VERDICT_TOO_SHORT:
	case VERDICT_TOO_LONG:
	case VERDICT_UNKNOWN_TYPE:
	case VERDICT_UNKNOWN_INDEX:
	case VERDICT_BAD_MAC1:
		return verdict;
	default:
		return under_load ? limit(model->state, verdict,
					  load_le32(message) == MESSAGE_HANDSHAKE_INITIATION,
					  model->now)
				  : VERDICT_DELIVERED;
	}
}
