/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config.h - a tunnel's configuration and state as one value: what wg(8)'s socket says, what the agent
 * applies, what `wgxdp show` prints. Owned by whoever made it; config_free() wipes its keys.
 */
#ifndef WGXDP_AGENT_CONFIG_H
#define WGXDP_AGENT_CONFIG_H

#include <wgxdp/abi.h>

struct allowed_ip {
	enum address_family family;
	uint8_t address[16];
	/* host bits of the address are zero */
	uint8_t prefix_length;
	/* set: take this prefix away from the peer */
	bool remove;
};

enum config_size {
	PEER_NAME_MAX = 63,
	/* a host name, ':', a port */
	ENDPOINT_NAME_MAX = 253 + 1 + 5,
};

struct peer_config {
	uint8_t public_key[32];
	/* for people; "" is none */
	bool has_name;
	char name[PEER_NAME_MAX + 1];
	/* HOST:PORT that `endpoint` was or is to be resolved from; "" when it was given as an address */
	char endpoint_name[ENDPOINT_NAME_MAX + 1];
	/* set: */
	bool remove;
	bool update_only;
	bool replace_allowed_ips;
	bool has_preshared_key;
	uint8_t preshared_key[32];
	bool has_endpoint;
	struct endpoint endpoint;
	bool has_keepalive;
	/* seconds, 0 is off */
	uint16_t keepalive;
	struct allowed_ip *allowed_ips;
	size_t allowed_ip_count;
	bool has_roaming;
	/* its endpoint does not follow it */
	bool stays;
	bool has_limit;
	/* bits a second each way, 0: none */
	uint64_t limit;
	/* get: wall clock, 0 is never */
	uint64_t last_handshake_seconds;
	uint32_t last_handshake_nanoseconds;
	uint64_t received_bytes;
	uint64_t sent_bytes;
	uint64_t received_packets;
	uint64_t sent_packets;
	uint32_t verdicts[VERDICT_COUNT];
};

struct interface_config {
	char name[16];
	bool is_generic;
};

struct device_config {
	/* set: */
	bool replace_peers;
	bool has_private_key;
	/* all zero: none */
	uint8_t private_key[32];
	bool has_listen_port;
	/* 0 (set): choose one */
	uint16_t listen_port;
	bool has_fwmark;
	uint32_t fwmark;
	/* struct tunnel_value; no addresses: any */
	bool has_mss_limit;
	uint16_t mss_limit;
	bool has_bound_addresses;
	uint16_t bound_count;
	struct local_address_key bound_addresses[BOUND_ADDRESSES_MAX];
	struct peer_config *peers;
	size_t peer_count;
	/* get: */
	bool is_up;
	uint64_t verdicts[VERDICT_COUNT];
	struct interface_config *interfaces;
	size_t interface_count;
};

void config_free(struct device_config *config);
/* Append a zeroed element and return it, or NULL without memory. The pointer is good until the next. */
struct peer_config *config_add_peer(struct device_config *config);
struct allowed_ip *config_add_allowed_ip(struct peer_config *peer);
struct interface_config *config_add_interface(struct device_config *config);

/* Adds one of the addresses that the tunnel is to be bound to; "any" removes those so far. False when it is none, or
 * one too many. */
bool config_bind(struct device_config *config, const char *text);

#endif
