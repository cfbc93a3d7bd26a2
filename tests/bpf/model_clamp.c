/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* model_clamp.c - the segment size of a SYN (model.h), its checksum computed anew from RFC 9293, 3.1. */
#include <bpf/model.h>
#include <string.h>

enum { TCP = 6, TCP_LENGTH = 20, FLAG_SYN = 2, FLAG_RST = 4, OPTIONS_LOOKED_AT = 16 };

/* Where the value of the option is, or NULL. */
static uint8_t *find_segment_size(uint8_t *tcp, uint32_t length)
{
	uint32_t end = (uint32_t)(tcp[12] >> 4) * 4, at = TCP_LENGTH;

	if (end > length)
		end = length;
	for (int i = 0; i < OPTIONS_LOOKED_AT && at + 4 <= end; i++) {
		if (tcp[at] == 2 && tcp[at + 1] == 4)
			return tcp + at + 2;
		if (tcp[at] == 0 || (tcp[at] != 1 && tcp[at + 1] < 2))
			return NULL;
		at += tcp[at] == 1 ? 1 : tcp[at + 1];
	}
	return NULL;
}

void model_clamp(const struct tunnel_value *tunnel, uint8_t *packet, uint32_t length)
{
	bool is_ipv4 = packet[0] >> 4 == 4;
	uint32_t header = is_ipv4 ? (packet[0] & 15U) * 4 : IPV6_LENGTH, size, sum, most;
	uint8_t *tcp = packet + header, *value;

	if (!tunnel->mss_limit || header < IPV4_LENGTH || header + TCP_LENGTH > length ||
	    packet[is_ipv4 ? 9 : 6] != TCP || (is_ipv4 && (read_be16(packet + 6) & 0x3fff)))
		return;
	if (!(tcp[13] & FLAG_SYN) || tcp[13] & FLAG_RST)
		return;
	value = find_segment_size(tcp, length - header);
	most = tunnel->mtu - (is_ipv4 ? IPV4_LENGTH : IPV6_LENGTH) - TCP_LENGTH;
	if (most > tunnel->mss_limit)
		most = tunnel->mss_limit;
	if (!value || read_be16(value) <= most)
		return;
	write_be16(value, most);
	size = is_ipv4 ? 4 : 16;
	write_be16(tcp + 16, 0);
	sum = TCP + length - header;
	sum = checksum_add(sum, packet + (is_ipv4 ? 12 : 8), 2 * size);
	write_be16(tcp + 16, checksum_fold(checksum_add(sum, tcp, length - header)));
}
