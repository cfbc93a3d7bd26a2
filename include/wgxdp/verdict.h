/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * verdict.h - what became of a packet. One list: the enum, the counters, the names people see and
 * the coverage test are all made from it. Numbers are part of the ABI: append, never renumber.
 *
 * X(id, name, meaning)
 */
#ifndef WGXDP_VERDICT_H
#define WGXDP_VERDICT_H

/* clang-format off */
#define WGXDP_VERDICTS(X)                                                                          \
	X(DELIVERED,            "delivered",            "accepted and handed on")                  \
	X(TOO_SHORT,            "too-short",            "shorter than the message it claims to be") \
	X(TOO_LONG,             "too-long",             "longer than the message it claims to be, or than the data path takes") \
	X(UNKNOWN_TYPE,         "unknown-type",         "not one of the four messages of WireGuard") \
	X(BAD_TAG,              "bad-tag",              "transport packet that fails authentication") \
	X(REPLAYED,             "replayed",             "transport counter seen before or too old") \
	X(EXPIRED,              "expired",              "session older than 180 s or out of messages") \
	X(UNKNOWN_INDEX,        "unknown-index",        "receiver index that belongs to no session or handshake") \
	X(BAD_MAC1,             "bad-mac1",             "handshake message whose first MAC is wrong") \
	X(COOKIE_DEMANDED,      "cookie-demanded",      "handshake message answered by a cookie because of load") \
	X(RATE_LIMITED,         "rate-limited",         "handshake message above its source's rate under load") \
	X(BAD_HANDSHAKE,        "bad-handshake",        "handshake message that fails authentication or is out of turn") \
	X(UNKNOWN_PEER,         "unknown-peer",         "initiation by a public key that is not a peer") \
	X(REPLAYED_INITIATION,  "replayed-initiation",  "initiation whose timestamp is not newer than the last") \
	X(INITIATION_FLOOD,     "initiation-flood",     "initiation within 20 ms of the peer's last") \
	X(BAD_COOKIE,           "bad-cookie",           "cookie reply that is not the answer to our last message") \
	X(NO_INDEX,             "no-index",             "no free receiver index could be had")     \
	X(KEEPALIVE,            "keepalive",            "empty data packet: nothing to hand on")   \
	X(WRONG_TUNNEL,         "wrong-tunnel",         "data for a session of a tunnel that listens on another port") \
	X(TUNNEL_DOWN,          "tunnel-down",          "the tunnel's interface is down")          \
	X(INNER_MALFORMED,      "inner-malformed",      "decrypted, but not a whole IPv4 or IPv6 packet") \
	X(SOURCE_REFUSED,       "source-refused",       "inner source is not among the peer's allowed IPs") \
	X(SEALED,               "sealed",               "encrypted and sent on")                   \
	X(NOT_IP,               "not-ip",               "frame on the tunnel that is neither IPv4 nor IPv6") \
	X(NO_PEER,              "no-peer",              "inner destination is in no peer's allowed IPs") \
	X(NO_ENDPOINT,          "no-endpoint",          "the peer's address is not known")         \
	X(STAGED,               "staged",               "given to the agent to wait for a session") \
	X(STAGE_FULL,           "stage-full",           "no session, and no room to wait for one") \
	X(PACKET_TOO_BIG,       "packet-too-big",       "inner packet larger than the tunnel's MTU") \
	X(SLOW_WAY,             "slow-way",             "sealed, and given to the agent to send")  \
	X(NO_ROOM,              "no-room",              "no memory to make the packet longer, or the stack did not segment it") \
	X(FLOODED,              "flooded",              "handshake message without a cookie, more than are answered under load") \
	X(OVER_LIMIT,           "over-limit",           "more than the peer's limit lets through")             \
	X(QUEUE_FULL,           "queue-full",           "delivered, and lost as the tunnel's interface had no place for it") \
	X(BAD_CHECKSUM,         "bad-checksum",         "from another address or port than before, and IP's or UDP's checksum is wrong")
/* clang-format on */

enum verdict {
#define X(id, name, meaning) VERDICT_##id,
	WGXDP_VERDICTS(X)
#undef X
		VERDICT_COUNT
};

#endif
