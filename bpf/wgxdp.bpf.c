/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wgxdp.bpf.c - the data path's programs. Start here: rx() is one packet in, send() is one packet out, and
 * the headers beside this file are their steps.
 *
 *     eth0 --XDP rx--> open, check, unwrap --redirect--> hidden end ==> wg0 (the stack)
 *     wg0 (the stack) ==> hidden end --TC tx--> find peer, seal, encapsulate --redirect--> eth0
 *     agent's packet socket --> hidden end --TC tx_agent--> the same as tx
 */
#include "clamp.h"
#include "control.h"
#include "encap.h"
#include "filter.h"
#include "receive.h"
#include "stats.h"

SEC("xdp")
int rx(struct xdp_md *xdp)
{
	uint8_t *data = (uint8_t *)(long)xdp->data, *end = (uint8_t *)(long)xdp->data_end;
	uint64_t now = bpf_ktime_get_boot_ns();
	const struct tunnel_value *tunnel;
	struct received in = {0};
	enum verdict verdict;
	uint8_t *message;

	/* 1. ours, or the stack's business; what may be a handshake is the agent's socket's */
	if (!parse_outer(&in.outer, data, end) || !is_ours(&in, data, xdp->ingress_ifindex))
		return leave_to_stack(xdp->ingress_ifindex);
	tunnel = bpf_map_lookup_elem(&tunnels, &in.tunnel);
	if (!tunnel || !receives_on(tunnel, &in.outer))
		return leave_to_stack(xdp->ingress_ifindex);
	message = outer_payload(&in.outer, data);
	if (message + sizeof(struct message_data) > end ||
	    in.outer.length < sizeof(struct message_data) || load_le32(message) != MESSAGE_DATA) {
		verdict = filter_handshake(xdp, &in.outer, tunnel, in.tunnel, now);
		if (verdict == VERDICT_DELIVERED)
			return leave_to_stack(xdp->ingress_ifindex);
		goto drop;
	}

	/* 2. whose, and may it still be used */
	in.local_index = load_le32(message + 4);
	in.counter = load_le64(message + 8);
	verdict = !tunnel->is_up                                  ? VERDICT_TUNNEL_DOWN
		  : in.outer.length < MESSAGE_DATA_MINIMUM_LENGTH ? VERDICT_TOO_SHORT
		  : in.outer.length > TRANSPORT_TEXT_MAX + MESSAGE_DATA_MINIMUM_LENGTH
			  ? VERDICT_TOO_LONG
			  : find_session(&in, now);

	/* 3. from where it says that it is, authentic, and not seen before */
	if (verdict == VERDICT_DELIVERED)
		verdict = check_source(xdp, &in);
	if (verdict == VERDICT_DELIVERED)
		verdict = open_transport(xdp, &in);
	if ((verdict == VERDICT_BAD_TAG || verdict == VERDICT_TOO_LONG) &&
	    is_bundle(&in, data, end))
		return XDP_PASS;
	if (verdict != VERDICT_DELIVERED)
		goto drop;

	/* 4. it speaks for its peer, whatever is inside */
	confirm(in.peer, in.peer_id, in.session, in.local_index);
	roam(in.peer, in.peer_id, &in.outer.from);
	note_received(in.peer, in.peer_id, in.session, in.local_index, in.outer.length,
		      in.outer.length > MESSAGE_DATA_MINIMUM_LENGTH, in.counter, now);

	/* 5. what is inside */
	if (in.outer.length == MESSAGE_DATA_MINIMUM_LENGTH) {
		verdict = VERDICT_KEEPALIVE;
		goto drop;
	}
	if (!is_within_limit(&in.peer->limit, &in.peer->limit.received_until,
			     in.outer.length - MESSAGE_DATA_MINIMUM_LENGTH, now)) {
		verdict = VERDICT_OVER_LIMIT;
		goto drop;
	}
	verdict = check_inner(&in, message + sizeof(struct message_data), end, tunnel->mtu);
	if (verdict == VERDICT_DELIVERED && tunnel->mss_limit)
		clamp_received(xdp, in.outer.offset + sizeof(struct message_data),
			       tunnel->mss_limit, tunnel->mtu);
	if (verdict == VERDICT_DELIVERED)
		verdict = unwrap(xdp, &in, tunnel);
	if (verdict != VERDICT_DELIVERED)
		goto drop;
	count_verdict(verdict, tunnel, NULL);
	return bpf_redirect(in.tunnel, 0);

drop:
	count_verdict(verdict, tunnel, in.peer);
	return XDP_DROP;
}

/* The headers must be linear before they are read. */
WGXDP_INLINE bool pull_headers(struct __sk_buff *skb, const struct tunnel_value *tunnel)
{
	uint32_t headers = sizeof(struct ethernet_header) +
			   (tunnel->mss_limit ? CLAMPED_HEADERS : sizeof(struct ipv6_header));

	return bpf_skb_pull_data(skb, skb->len < headers ? skb->len : headers) == 0;
}

/* An inner packet, or with `length` 0 a keepalive to `out->peer_id`. */
WGXDP_INLINE enum verdict send(struct __sk_buff *skb, struct sending *out,
			       const struct tunnel_value *tunnel, bool is_keepalive)
{
	uint64_t now = bpf_ktime_get_boot_ns();
	enum verdict verdict = VERDICT_SEALED;

	/* 1. whose packet it is */
	if (!tunnel || !tunnel->is_up)
		return VERDICT_TUNNEL_DOWN;
	/* many packets in one, with a checksum for none: wg0 does not offer to take them, but it can be told to */
	if (skb->gso_size || !pull_headers(skb, tunnel))
		return VERDICT_NO_ROOM;
	if (is_keepalive && bpf_skb_load_bytes(skb, sizeof(struct ethernet_header), &out->peer_id,
					       sizeof(out->peer_id)))
		return VERDICT_NOT_IP;
	if (!is_keepalive)
		verdict = find_peer(skb, out, tunnel->mtu);
	if (verdict == VERDICT_SEALED && !is_keepalive)
		clamp_sent(skb, tunnel->mss_limit, tunnel->mtu);

	/* 2. where to, with which session and nonce */
	if (verdict == VERDICT_SEALED)
		verdict = find_way(skb, out, now);
	out->text_length = padded_length(out->length, tunnel);

	/* 3. seal: from here on there is no clear text in the frame */
	if (verdict == VERDICT_SEALED)
		verdict = make_room(skb, out);
	if (verdict == VERDICT_SEALED)
		verdict = seal_transport(skb, out);

	/* 4. outer headers, notes for the timers */
	if (verdict == VERDICT_SEALED)
		verdict = encapsulate(skb, out, tunnel);
	if (verdict == VERDICT_SEALED || verdict == VERDICT_SLOW_WAY)
		note_sent(out->peer, out->peer_id, out->session, out->local_index,
			  MESSAGE_DATA_MINIMUM_LENGTH + out->text_length, out->length > 0,
			  out->counter, now);
	return verdict;
}

/* Whatever is not sealed and redirected ends here: rule 4, nothing leaves in clear. */
WGXDP_INLINE int leave(const struct sending *out, const struct tunnel_value *tunnel,
		       enum verdict verdict)
{
	count_verdict(verdict, tunnel, verdict == VERDICT_SEALED ? NULL : out->peer);
	if (verdict != VERDICT_SEALED)
		return TC_ACT_SHOT;
	return bpf_redirect_neigh(out->endpoint.ifindex, NULL, 0, 0);
}

SEC("tc")
int tx(struct __sk_buff *skb)
{
	struct sending out = {.tunnel = skb->ifindex};
	const struct tunnel_value *tunnel = bpf_map_lookup_elem(&tunnels, &out.tunnel);

	return leave(&out, tunnel, send(skb, &out, tunnel, false));
}

SEC("tc")
int tx_agent(struct __sk_buff *skb)
{
	struct sending out = {.tunnel = skb->ifindex};
	const struct tunnel_value *tunnel = bpf_map_lookup_elem(&tunnels, &out.tunnel);
	bool is_keepalive = skb->mark == KEEPALIVE_MARK;

	if (skb->mark == PASS_MARK)
		return TC_ACT_OK;
	return leave(&out, tunnel, send(skb, &out, tunnel, is_keepalive));
}

/* Run by the agent with BPF_PROG_RUN; attached nowhere. */
SEC("tc")
int control(struct __sk_buff *skb)
{
	struct control_request request;

	if (bpf_skb_load_bytes(skb, sizeof(struct ethernet_header), &request, sizeof(request)))
		return CONTROL_BAD_REQUEST;
	return do_control(&request);
}

char _license[] SEC("license") = "Dual BSD/GPL";
