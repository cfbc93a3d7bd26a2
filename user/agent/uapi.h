/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uapi.h - the text protocol of wg(8)'s userspace socket, /var/run/wireguard/NAME.sock, both ends of it.
 * The parser works on a whole request in memory; sockets are the callers'.
 */
#ifndef WGXDP_AGENT_UAPI_H
#define WGXDP_AGENT_UAPI_H

#include <agent/config.h>
#include <stdio.h>

#define UAPI_DIRECTORY "/var/run/wireguard"

/* ---- the agent's end ---- */

enum uapi_operation {
	UAPI_GET,
	UAPI_SET,
	/* monitor.h */
	UAPI_MONITOR,
};

/* Bytes of the first whole request in `text` (it ends with an empty line), or 0 when it is not whole. */
size_t uapi_request_length(const char *text, size_t length);
/* Parses one whole request. 0, -EINVAL (unknown key, bad value, bad order) or -ENOMEM; `config` is then
 * empty. For UAPI_GET and UAPI_MONITOR it stays empty. */
int uapi_parse_request(const char *text, size_t length, enum uapi_operation *operation,
		       struct device_config *config);
/*
 * A whole request, read a few peers at a time. What kind it is, and for UAPI_SET the cursor before its first line. 0,
 * or -EINVAL for what is none.
 */
struct uapi_cursor {
	const char *text;
	size_t length;
	bool has_begun;
};

int uapi_begin_request(const char *text, size_t length, enum uapi_operation *operation,
		       struct uapi_cursor *cursor);
/* The next peers, `most` of them at most, and with the first ones what the device itself is to be; the caller frees
 * `piece` in any case. 1: there are more; 0: these were the last; -EINVAL or -ENOMEM: `piece` is empty. */
int uapi_read_piece(struct uapi_cursor *cursor, size_t most, struct device_config *piece);
/* "errno=N" and an empty line after a set; error is 0 or -errno, printed as wg(8) reads it. */
void uapi_print_set_result(FILE *to, int error);
/* The whole answer to get=1 (with errno=0 and the empty line), or with error != 0 only that. */
void uapi_print_device(FILE *to, const struct device_config *config, int error);
/* The same in pieces: the device with those peers that are there, more peers, the end. */
void uapi_print_device_begin(FILE *to, const struct device_config *config);
void uapi_print_peers(FILE *to, const struct device_config *config);
void uapi_print_get_result(FILE *to, int error);

/* ---- a client's end (the commands) ---- */

/* Connects to the tunnel's agent; a file descriptor or -errno (-ENOENT, -ECONNREFUSED: no agent). */
int uapi_connect(const char *tunnel);
int uapi_get(int fd, struct device_config *config);
/* Sends the configuration as a set request; 0 or the agent's -errno. */
int uapi_set(int fd, const struct device_config *config);
/* The request text of a set, for uapi_set() and the tests. */
void uapi_print_set(FILE *to, const struct device_config *config);
/* Parses one whole answer to get=1, its errno and empty line included; keys it does not know are passed
 * over. 0, the agent's -errno, -EPROTO or -ENOMEM; `config` is then empty. */
int uapi_parse_answer(const char *text, size_t length, struct device_config *config);

#endif
