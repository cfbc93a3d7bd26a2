/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_wire.c - offsets and lengths of every field of the four messages, written down from the
 * paper's figures (5.4.2 to 5.4.7), the byte order they are read in, and the numbers of limits.h.
 */
#include <criterion/criterion.h>
#include <wgxdp/limits.h>
#include <wgxdp/wire.h>

struct field {
	const char *name;
	size_t offset, length;
	size_t paper_offset, paper_length;
};

#define FIELD(message, field, paper_offset, paper_length)                                          \
	{#message "." #field, offsetof(struct message, field),                                     \
	 sizeof(((struct message *)0)->field), paper_offset, paper_length}

Test(wire, every_field_lies_where_the_paper_has_it)
{
	static const struct field fields[] = {
		FIELD(message_handshake_initiation, type, 0, 4),
		FIELD(message_handshake_initiation, sender_index, 4, 4),
		FIELD(message_handshake_initiation, unencrypted_ephemeral, 8, 32),
		FIELD(message_handshake_initiation, encrypted_static, 40, 48),
		FIELD(message_handshake_initiation, encrypted_timestamp, 88, 28),
		FIELD(message_handshake_initiation, macs.mac1, 116, 16),
		FIELD(message_handshake_initiation, macs.mac2, 132, 16),
		FIELD(message_handshake_response, type, 0, 4),
		FIELD(message_handshake_response, sender_index, 4, 4),
		FIELD(message_handshake_response, receiver_index, 8, 4),
		FIELD(message_handshake_response, unencrypted_ephemeral, 12, 32),
		FIELD(message_handshake_response, encrypted_nothing, 44, 16),
		FIELD(message_handshake_response, macs.mac1, 60, 16),
		FIELD(message_handshake_response, macs.mac2, 76, 16),
		FIELD(message_handshake_cookie, type, 0, 4),
		FIELD(message_handshake_cookie, receiver_index, 4, 4),
		FIELD(message_handshake_cookie, nonce, 8, 24),
		FIELD(message_handshake_cookie, encrypted_cookie, 32, 32),
		FIELD(message_data, type, 0, 4),
		FIELD(message_data, receiver_index, 4, 4),
		FIELD(message_data, counter, 8, 8),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		cr_expect_eq(fields[i].offset, fields[i].paper_offset, "%s at %zu", fields[i].name,
			     fields[i].offset);
		cr_expect_eq(fields[i].length, fields[i].paper_length, "%s has %zu bytes",
			     fields[i].name, fields[i].length);
	}
	cr_expect_eq(offsetof(struct message_data, encrypted_data), 16);
}

Test(wire, messages_have_the_papers_lengths)
{
	cr_expect_eq(sizeof(struct message_handshake_initiation), 148);
	cr_expect_eq(sizeof(struct message_handshake_response), 92);
	cr_expect_eq(sizeof(struct message_handshake_cookie), 64);
	cr_expect_eq(sizeof(struct message_data), 16);
	cr_expect_eq(MESSAGE_DATA_MINIMUM_LENGTH, 32);
}

Test(wire, messages_have_the_papers_types)
{
	cr_expect_eq(MESSAGE_HANDSHAKE_INITIATION, 1);
	cr_expect_eq(MESSAGE_HANDSHAKE_RESPONSE, 2);
	cr_expect_eq(MESSAGE_HANDSHAKE_COOKIE, 3);
	cr_expect_eq(MESSAGE_DATA, 4);
}

Test(wire, messages_may_lie_anywhere)
{
	cr_expect_eq(_Alignof(struct message_handshake_initiation), 1);
	cr_expect_eq(_Alignof(struct message_handshake_response), 1);
	cr_expect_eq(_Alignof(struct message_handshake_cookie), 1);
	cr_expect_eq(_Alignof(struct message_data), 1);
}

/* A keepalive as it was seen on the wire, at an odd address. */
Test(wire, fields_are_little_endian)
{
	static const uint8_t packet[] = {
		0xff, /* makes the address odd */
		0x04, 0x00, 0x00, 0x00, /* type, reserved */
		0x78, 0x56, 0x34, 0x12, /* receiver index */
		0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, /* counter */
	};
	const struct message_data *message = (const void *)(packet + 1);
	uint8_t stored[1 + sizeof(*message)] = {0xff};
	struct message_data *copy = (void *)(stored + 1);

	cr_expect_eq(load_le32(message->type), MESSAGE_DATA);
	cr_expect_eq(load_le32(message->receiver_index), 0x12345678);
	cr_expect_eq(load_le64(message->counter), UINT64_C(0x0123456789abcdef));

	store_le32(copy->type, MESSAGE_DATA);
	store_le32(copy->receiver_index, 0x12345678);
	store_le64(copy->counter, UINT64_C(0x0123456789abcdef));
	cr_expect_arr_eq(stored, packet, sizeof(packet));
}

Test(wire, big_endian_is_the_other_way_round)
{
	uint8_t bytes[9] = {0};

	store_be32(bytes + 1, 0x12345678);
	cr_expect_arr_eq(bytes, ((uint8_t[]){0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0}), 9);
	cr_expect_eq(load_be32(bytes + 1), 0x12345678);
	store_be64(bytes + 1, UINT64_C(0x0123456789abcdef));
	cr_expect_arr_eq(bytes, ((uint8_t[]){0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}),
			 9);
}

struct limit {
	const char *name;
	uint64_t value, expected;
};

#define LIMIT(name, expected) {#name, name, expected}

Test(limits, are_the_papers_and_the_kernels)
{
	static const struct limit limits[] = {
		LIMIT(REKEY_AFTER_MESSAGES, UINT64_C(1152921504606846976)),
		/* 2^64 - 2^13 - 1 */
		LIMIT(REJECT_AFTER_MESSAGES, UINT64_C(18446744073709543423)),
		LIMIT(REKEY_AFTER_TIME, UINT64_C(120000000000)),
		LIMIT(REJECT_AFTER_TIME, UINT64_C(180000000000)),
		LIMIT(REKEY_ATTEMPT_TIME, UINT64_C(90000000000)),
		LIMIT(REKEY_TIMEOUT, UINT64_C(5000000000)),
		LIMIT(REKEY_TIMEOUT_JITTER_MAX, UINT64_C(333000000)),
		LIMIT(MAX_INITIATIONS, 20),
		LIMIT(KEEPALIVE_TIMEOUT, UINT64_C(10000000000)),
		LIMIT(NEW_HANDSHAKE_TIMEOUT, UINT64_C(15000000000)),
		LIMIT(REKEY_ON_RECEIVE_TIME, UINT64_C(165000000000)),
		LIMIT(WIPE_AFTER_TIME, UINT64_C(540000000000)),
		LIMIT(INITIATION_INTERVAL_MIN, UINT64_C(20000000)),
		LIMIT(COOKIE_SECRET_MAX_AGE, UINT64_C(120000000000)),
		LIMIT(COOKIE_SECRET_MAX_AGE - COOKIE_SECRET_LATENCY, UINT64_C(115000000000)),
		LIMIT(UNDER_LOAD_QUEUE_LENGTH, 512),
		LIMIT(UNDER_LOAD_AFTER_TIME, UINT64_C(1000000000)),
		LIMIT(RATELIMIT_PACKETS_PER_SECOND, 20),
		LIMIT(RATELIMIT_PACKETS_BURST, 5),
		LIMIT(STAGED_PACKETS_MAX, 128),
		LIMIT(MESSAGE_PADDING_MULTIPLE, 16),
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		cr_expect_eq(limits[i].value, limits[i].expected, "%s is %llu", limits[i].name,
			     (unsigned long long)limits[i].value);
}
