/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* packet_builder.c - see packet_builder.h. Offsets are those of the RFCs' drawings. */
#include <harness/packet_builder.h>
#include <harness/packets.h>
#include <sodium.h>
#include <string.h>
#include <wgxdp/wire.h>

uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

uint16_t checksum_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

enum { HOP_LIMIT = 64 };

static void build_ipv4(uint8_t *header, const struct address *source,
		       const struct address *destination, uint32_t payload, uint8_t ds, uint16_t id)
{
	memset(header, 0, IPV4_LENGTH);
	header[0] = 0x45;
	header[1] = ds;
	write_be16(header + 2, IPV4_LENGTH + payload);
	write_be16(header + 4, id);
	header[8] = HOP_LIMIT;
	header[9] = 17;
	memcpy(header + 12, source->bytes, 4);
	memcpy(header + 16, destination->bytes, 4);
	write_be16(header + 10, checksum_fold(checksum_add(0, header, IPV4_LENGTH)));
}

static void build_ipv6(uint8_t *header, const struct address *source,
		       const struct address *destination, uint32_t payload, uint8_t ds)
{
	memset(header, 0, IPV6_LENGTH);
	header[0] = 0x60 | ds >> 4;
	header[1] = (uint8_t)(ds << 4);
	write_be16(header + 4, payload);
	header[6] = 17;
	header[7] = HOP_LIMIT;
	memcpy(header + 8, source->bytes, 16);
	memcpy(header + 24, destination->bytes, 16);
}

static void build_ip(uint8_t *header, const struct address *source,
		     const struct address *destination, uint32_t payload, uint8_t ds, uint16_t id)
{
	if (source->family == FAMILY_IPV4)
		build_ipv4(header, source, destination, payload, ds, id);
	else
		build_ipv6(header, source, destination, payload, ds);
}

void build_inner(uint8_t *packet, const struct address *source, const struct address *destination,
		 uint32_t length, uint8_t ds, uint64_t seed)
{
	uint32_t header = ip_header_length(source->family);

	build_ip(packet, source, destination, length - header, ds, 0);
	for (uint32_t i = header; i < length; i++)
		packet[i] = (uint8_t)packet_random(&seed);
}

uint32_t build_message(uint8_t *message, uint32_t receiver_index, uint64_t counter,
		       const struct aead_key *key, const uint8_t *text, uint32_t length)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};

	store_le32(message, MESSAGE_DATA);
	store_le32(message + 4, receiver_index);
	store_le64(message + 8, counter);
	store_le64(nonce + 4, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(message + sizeof(struct message_data), NULL, text,
						  length, NULL, 0, NULL, nonce,
						  (const uint8_t *)key);
	return length + MESSAGE_DATA_MINIMUM_LENGTH;
}

bool open_message(uint8_t *text, const uint8_t *message, uint32_t length,
		  const struct aead_key *key)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};

	memcpy(nonce + 4, message + 8, 8);
	return crypto_aead_chacha20poly1305_ietf_decrypt(text, NULL, NULL,
							 message + sizeof(struct message_data),
							 length - sizeof(struct message_data), NULL,
							 0, nonce, (const uint8_t *)key) == 0;
}

static void set_hop_limit(uint8_t *header, uint8_t family, uint8_t hop_limit)
{
	if (family == FAMILY_IPV6) {
		header[7] = hop_limit;
		return;
	}
	header[8] = hop_limit;
	write_be16(header + 10, 0);
	write_be16(header + 10, checksum_fold(checksum_add(0, header, IPV4_LENGTH)));
}

/* RFC 768 and RFC 8200, 8.1: addresses, protocol and length, then the datagram. */
static uint16_t udp_checksum(const struct datagram *outer, const uint8_t *udp, uint32_t length)
{
	uint32_t size = outer->source.family == FAMILY_IPV4 ? 4 : 16, sum = 17 + length;
	uint16_t checksum;

	sum = checksum_add(sum, outer->source.bytes, size);
	sum = checksum_add(sum, outer->destination.bytes, size);
	checksum = checksum_fold(checksum_add(sum, udp, length));
	return checksum ? checksum : 0xffff;
}

uint32_t build_datagram(uint8_t *frame, const struct datagram *outer, const uint8_t *payload,
			uint32_t length)
{
	uint8_t *ip = frame + ETHERNET_LENGTH, *udp = ip + ip_header_length(outer->source.family);

	memcpy(frame, outer->destination_mac, 6);
	memcpy(frame + 6, outer->source_mac, 6);
	write_be16(frame + 12, outer->source.family == FAMILY_IPV4 ? 0x0800 : 0x86dd);
	build_ip(ip, &outer->source, &outer->destination, UDP_LENGTH + length, outer->ds,
		 outer->id);
	if (outer->hop_limit)
		set_hop_limit(ip, outer->source.family, outer->hop_limit);
	write_be16(udp, outer->source_port);
	write_be16(udp + 2, outer->destination_port);
	write_be16(udp + 4, UDP_LENGTH + length);
	write_be16(udp + 6, 0);
	memmove(udp + UDP_LENGTH, payload, length);
	if (!outer->without_checksum)
		write_be16(udp + 6, udp_checksum(outer, udp, UDP_LENGTH + length));
	return (uint32_t)(udp - frame) + UDP_LENGTH + length;
}
