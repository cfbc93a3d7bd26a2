// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * buffer.c - room that doubles when it is full, wiped before it is given back. Contract: buffer.h.
 */
#include <agent/buffer.h>
#include <crypto/crypto.h>

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 << 10 };

void buffer_free(struct buffer *buffer)
{
	if (buffer->bytes)
		crypto_wipe(buffer->bytes, buffer->room);
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
	struct buffer larger = {.length = buffer->length, .room = buffer->room ?: ROOM_FIRST};

	while (larger.room - larger.length < more)
		larger.room *= 2;
	if (larger.room == buffer->room)
		return true;
	larger.bytes = malloc(larger.room);
	if (!larger.bytes)
		return false;
	if (buffer->length)
		memcpy(larger.bytes, buffer->bytes, buffer->length);
	buffer_free(buffer);
	*buffer = larger;
	return true;
}

void buffer_take(struct buffer *buffer, size_t length)
{
	memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
	crypto_wipe(buffer->bytes + buffer->length - length, length);
	buffer->length -= length;
}

bool buffer_put(struct buffer *buffer, const char *bytes, size_t length)
{
	if (!buffer_reserve(buffer, length))
		return false;
	if (length)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	return true;
}

bool text_begin(struct text *text)
{
	*text = (struct text){0};
	text->to = open_memstream(&text->bytes, &text->length);
	return text->to;
}

bool text_end(struct text *text, struct buffer *buffer)
{
	bool good = fclose(text->to) == 0 && buffer_put(buffer, text->bytes, text->length);

	if (text->bytes)
		crypto_wipe(text->bytes, text->length);
	free(text->bytes);
	return good;
}
