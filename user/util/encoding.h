/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * encoding.h - keys as base64 (44 characters, constant time) and hex, prefixes and endpoints as text. Each
 * parser takes the whole string or returns false and leaves its result untouched.
 */
#ifndef WGXDP_UTIL_ENCODING_H
#define WGXDP_UTIL_ENCODING_H

#include <wgxdp/abi.h>

#define KEY_BASE64_LENGTH 44
#define KEY_HEX_LENGTH 64

void key_to_base64(char text[static KEY_BASE64_LENGTH + 1], const uint8_t key[static 32]);
bool key_from_base64(uint8_t key[static 32], const char *text);
void key_to_hex(char text[static KEY_HEX_LENGTH + 1], const uint8_t key[static 32]);
bool key_from_hex(uint8_t key[static 32], const char *text);

/* Decimal digits and nothing else, at most `max`. */
bool number_from_text(uint64_t *number, const char *text, uint64_t max);

/* Bits a second: "100mbit", "1gbit", "64kbit", "8000", or "off", which is 0. */
bool rate_from_text(uint64_t *bits, const char *text);
/* Whether a text can say it: 0, or from 8 kbit on. */
bool rate_is_good(uint64_t bits);
#define RATE_TEXT_LENGTH 32
void rate_to_text(char text[static RATE_TEXT_LENGTH], uint64_t bits);

/* "10.0.0.0/8", "fd00::1" (whole length); host bits are cleared when `mask_host_bits`. */
bool prefix_from_text(enum address_family *family, uint8_t address[static 16],
		      uint8_t *prefix_length, const char *text, bool mask_host_bits);
/* "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%eth0]:51820"; numeric, port not 0. */
bool endpoint_from_text(struct endpoint *endpoint, const char *text);

/* "192.0.2.1": one that a host can have and packets can be sent from, link-local ones left out. */
bool local_address_from_text(struct local_address_key *address, const char *text);
/* A segment size for struct tunnel_value: "off", "on" (as the MTU allows), or a number. */
bool mss_limit_from_text(uint16_t *limit, const char *text);
#define MSS_LIMIT_TEXT_LENGTH 8
void mss_limit_to_text(char text[static MSS_LIMIT_TEXT_LENGTH], uint16_t limit);

#define ADDRESS_TEXT_LENGTH 64
void address_to_text(char text[static ADDRESS_TEXT_LENGTH], enum address_family family,
		     const uint8_t *address);
void endpoint_to_text(char text[static ADDRESS_TEXT_LENGTH], const struct endpoint *endpoint);

#endif
