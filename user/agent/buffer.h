/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * buffer.h - bytes that grow and may hold keys: no realloc(), which would leave them behind. All zero is an empty one.
 */
#ifndef WGXDP_AGENT_BUFFER_H
#define WGXDP_AGENT_BUFFER_H

#include <stdio.h>
#include <wgxdp/types.h>

struct buffer {
	char *bytes;
	size_t length;
	size_t room;
};

void buffer_free(struct buffer *buffer);
/* Room for that many more; false without memory, and nothing is changed. So with the next one. */
bool buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_put(struct buffer *buffer, const char *bytes, size_t length);
/* The first bytes go. */
void buffer_take(struct buffer *buffer, size_t length);

/* Text that is printed and then put into a buffer. */
struct text {
	FILE *to;
	char *bytes;
	size_t length;
};

bool text_begin(struct text *text);
bool text_end(struct text *text, struct buffer *buffer);

#endif
