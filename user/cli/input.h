/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * input.h - what people write, as values: each function takes one value of a command line or a file, and
 * when it is no good says so in one line that names it and what was expected, and returns false.
 */
#ifndef WGXDP_CLI_INPUT_H
#define WGXDP_CLI_INPUT_H

#include <agent/config.h>
#include <cli/options.h>
#include <datapath/datapath.h>

bool input_public_key(const struct arguments *arguments, const char *text, uint8_t key[static 32]);
/* One key in base64. `may_be_empty`: an empty file is the key of zeros. */
bool input_key_file(const struct arguments *arguments, const char *path, bool may_be_empty,
		    uint8_t key[static 32]);
bool input_key(const struct arguments *arguments, int fd, const char *name, bool may_be_empty,
	       uint8_t key[static 32]);
/* `what` is the option's name; decimal, or hexadecimal after 0x. */
bool input_number(const struct arguments *arguments, const char *what, const char *text,
		  uint64_t max, uint64_t *number);
/* "25" or "off". */
bool input_keepalive(const struct arguments *arguments, const char *text, uint16_t *seconds);
/* "10.0.0.1/24": host bits stay. */
bool input_address(const struct arguments *arguments, const char *text, struct allowed_ip *address);
/* "10.0.0.0/8,fd00::/8", or nothing, as allowed IPs of the peer; `what` is the option's name. */
bool input_prefixes(const struct arguments *arguments, const char *what, const char *text,
		    struct peer_config *peer);
/* "192.0.2.1:51820", "[2001:db8::1]:51820", "name:51820", for somebody else: nobody is asked what the name is worth. It
 * fits into a peer's endpoint_name. */
bool input_is_endpoint(const struct arguments *arguments, const char *text);
/* The same for us. Asks the resolver; the agent will ask again. */
bool input_endpoint(const struct arguments *arguments, const char *text, struct peer_config *peer);

/* --max-peers, --max-sessions and --max-allowed-ips; 0 where there is none. */
bool input_limits(const struct arguments *arguments, struct datapath_limits *limits);

/* --bind and --clamp-mss. */
bool input_rules(const struct arguments *arguments, struct device_config *config);

#endif
