/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_clamp.c - the segment size of TCP's SYNs, one row per case: the headers of a packet, what the tunnel lets it
 * announce, and what it announces on the other side; out by tx, in by rx, in both families. All bytes are held against
 * model.h, whose checksum is computed anew.
 */
#include <bpf/model.h>
#include <bpf/transport.h>
#include <string.h>

enum { TCP_LENGTH = 20, SYN = 2, RST = 4, ACK = 16, BY_MTU = MSS_LIMIT_BY_MTU };

struct row {
	const char *name;
	uint8_t flags;
	uint16_t limit;
	/* what it announces afterwards in IPv4; 0: as before */
	uint16_t announces;
	/* bytes of options; where the segment size stands among them */
	uint8_t options[40], option_count, at;
	/* of what precedes TCP */
	void (*edit)(uint8_t *packet);
	/* bytes of data behind */
	uint16_t data;
};

static void as_fragment(uint8_t *packet)
{
	packet[packet[0] >> 4 == 4 ? 6 : 5] |= packet[0] >> 4 == 4 ? 0x20 : 0;
	if (packet[0] >> 4 == 6)
		packet[6] = 44;
}

static void as_udp(uint8_t *packet)
{
	packet[packet[0] >> 4 == 4 ? 9 : 6] = 17;
}

/* Words of IPv4 options, or an IPv6 header that is not looked behind. */
static void with_more_headers(uint8_t *packet)
{
	uint32_t header = packet[0] >> 4 == 4 ? IPV4_LENGTH : IPV6_LENGTH;
	uint32_t length =
		packet[0] >> 4 == 4 ? read_be16(packet + 2) : IPV6_LENGTH + read_be16(packet + 4);

	memmove(packet + header + 8, packet + header, length - header);
	memset(packet + header, 1, 8);
	if (packet[0] >> 4 == 4) {
		packet[0] += 2;
		write_be16(packet + 2, length + 8);
		write_be16(packet + 10, 0);
		write_be16(packet + 10, checksum_fold(checksum_add(0, packet, IPV4_LENGTH + 8)));
	} else {
		write_be16(packet + 4, length + 8 - IPV6_LENGTH);
		packet[header] = packet[6];
		packet[header + 1] = 0;
		packet[6] = 0;
	}
}

#define MSS(value) 2, 4, (value) >> 8, (value) & 0xff
#define OPTIONS(count, where, ...) .options = {__VA_ARGS__}, .option_count = (count), .at = (where)
#define NOPS_15 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1

static const struct row rows[] = {
	{"no limit", SYN, 0, 0, OPTIONS(4, 2, MSS(1460))},
	{"by the MTU", SYN, BY_MTU, MTU - 40, OPTIONS(4, 2, MSS(1460))},
	{"the answer", SYN | ACK, BY_MTU, MTU - 40, OPTIONS(4, 2, MSS(1460))},
	{"with ECN", SYN | 0xc0, BY_MTU, MTU - 40, OPTIONS(4, 2, MSS(1460))},
	{"exactly what the MTU holds", SYN, BY_MTU, 0, OPTIONS(4, 2, MSS(MTU - 60))},
	{"smaller already", SYN, BY_MTU, 0, OPTIONS(4, 2, MSS(536))},
	{"a smaller limit", SYN, 1000, 1000, OPTIONS(4, 2, MSS(1460))},
	{"a limit above the MTU", SYN, 1459, MTU - 40, OPTIONS(4, 2, MSS(1460))},
	{"all ones", SYN, 1, 1, OPTIONS(4, 2, MSS(0xffff))},
	{"no SYN", ACK, BY_MTU, 0, OPTIONS(4, 2, MSS(1460))},
	{"SYN and RST", SYN | RST, BY_MTU, 0, OPTIONS(4, 2, MSS(1460))},
	{"no options", SYN, BY_MTU, 0, OPTIONS(0, 0)},
	{"all that Linux sends", SYN, BY_MTU, MTU - 40,
	 OPTIONS(20, 2, MSS(1460), 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7)},
	{"behind others", SYN, BY_MTU, MTU - 40,
	 OPTIONS(20, 18, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 7, 1, MSS(1460))},
	{"at an odd place", SYN, BY_MTU, MTU - 40, OPTIONS(8, 3, 1, MSS(1460), 4, 2, 0)},
	{"at another odd place", SYN, 777, 777, OPTIONS(8, 5, 3, 3, 9, MSS(0xfffe), 0)},
	{"the sixteenth option", SYN, BY_MTU, MTU - 40, OPTIONS(20, 17, NOPS_15, MSS(1460), 0)},
	{"the seventeenth", SYN, BY_MTU, 0, OPTIONS(20, 18, NOPS_15, 1, MSS(1460))},
	{"behind the end of options", SYN, BY_MTU, 0, OPTIONS(8, 6, 0, 0, 0, 0, MSS(1460))},
	{"behind one of no length", SYN, BY_MTU, 0, OPTIONS(8, 6, 8, 0, 1, 1, MSS(1460))},
	{"behind one of length 1", SYN, BY_MTU, 0, OPTIONS(8, 6, 8, 1, 1, 1, MSS(1460))},
	{"behind one longer than all", SYN, BY_MTU, 0, OPTIONS(8, 6, 8, 255, 1, 1, MSS(1460))},
	{"of a wrong length", SYN, BY_MTU, 0, OPTIONS(8, 2, 2, 5, 5, 180, 1, 1, 1, 1)},
	{"cut by the header's end", SYN, BY_MTU, 0, OPTIONS(4, 2, 1, 2, 4, 5)},
	{"forty bytes of options", SYN, BY_MTU, MTU - 40,
	 OPTIONS(40, 38, 8, 36, [36] = 2, [37] = 4, [38] = 5, [39] = 180)},
	{"a fragment", SYN, BY_MTU, 0, OPTIONS(4, 2, MSS(1460)), .edit = as_fragment},
	{"not TCP", SYN, BY_MTU, 0, OPTIONS(4, 2, MSS(1460)), .edit = as_udp},
	{"with data", SYN, BY_MTU, MTU - 40, OPTIONS(4, 2, MSS(1460)), .data = 701},
};

static const struct row more_headers = {
	"more headers", SYN, BY_MTU, MTU - 40, OPTIONS(4, 2, MSS(1460)), .edit = with_more_headers};

static struct world world;
static struct state before;
static struct outcome got;

/* A whole TCP packet with a good checksum; its length. */
static uint32_t build_syn(uint8_t *packet, const struct row *row, const struct address *source,
			  const struct address *destination)
{
	uint32_t header = ip_header_length(source->family), size = header == IPV4_LENGTH ? 4 : 16;
	uint32_t segment = TCP_LENGTH + row->option_count + row->data, sum;
	uint8_t *tcp = packet + header;

	build_inner(packet, source, destination, header + segment, 0, 5);
	packet[header == IPV4_LENGTH ? 9 : 6] = 6;
	if (header == IPV4_LENGTH) {
		write_be16(packet + 10, 0);
		write_be16(packet + 10, checksum_fold(checksum_add(0, packet, IPV4_LENGTH)));
	}
	tcp[12] = (uint8_t)((TCP_LENGTH + row->option_count) / 4 << 4);
	tcp[13] = row->flags;
	memcpy(tcp + TCP_LENGTH, row->options, row->option_count);
	write_be16(tcp + 16, 0);
	sum = checksum_add(6 + segment, packet + (header == IPV4_LENGTH ? 12 : 8), 2 * size);
	write_be16(tcp + 16, checksum_fold(checksum_add(sum, tcp, segment)));
	if (row->edit)
		row->edit(packet);
	return model_inner_length(packet, FRAME_MAX);
}

static void expect(const struct row *row, const char *way, const uint8_t *inner, uint32_t headers,
		   const char *what)
{
	const uint8_t *value = inner + headers + TCP_LENGTH + row->at;
	uint32_t announces = row->announces;

	/* by the MTU: twenty less in IPv6 */
	if (announces == MTU - 40 && inner[0] >> 4 == 6)
		announces -= 20;
	if (!announces && row->option_count)
		announces = read_be16(row->options + row->at);
	cr_expect_null(what, "%s, %s: %s is not the model's", row->name, way, what);
	if (row->option_count)
		cr_expect_eq(read_be16(value), announces, "%s, %s, IPv%u: announces %u, not %u",
			     row->name, way, inner[0] >> 4, read_be16(value), announces);
}

static void run_out(const struct row *row, uint8_t outer, uint8_t family, uint32_t headers)
{
	static uint8_t frame[FRAME_MAX], text[FRAME_MAX];
	bool is_ipv4 = family == FAMILY_IPV4;
	uint32_t length, offset = ETHERNET_LENGTH + ip_header_length(outer) + UDP_LENGTH;
	const char *what;

	state_init(&before, outer);
	before.tunnel.mss_limit = row->limit;
	length =
		build_syn(frame + ETHERNET_LENGTH, row, is_ipv4 ? &our_inner_ipv4 : &our_inner_ipv6,
			  is_ipv4 ? &inner_ipv4 : &inner_ipv6);
	memset(frame, 2, 12);
	write_be16(frame + 12, is_ipv4 ? 0x0800 : 0x86dd);
	what = tx_as_modelled(&world, &before, false, 0, frame, ETHERNET_LENGTH + length, &got);
	cr_assert_eq(got.verdict, VERDICT_SEALED, "%s: %s", row->name,
		     verdict_or_none(got.verdict));
	cr_assert(open_message(text, got.frame + offset, got.length - offset,
			       &before.sessions[LIVE].sending_key));
	expect(row, "out", text, headers, what);
}

static void run_in(const struct row *row, uint8_t outer, uint8_t family, uint32_t headers)
{
	static uint8_t frame[FRAME_MAX], message[FRAME_MAX], text[FRAME_MAX];
	struct transport packet;
	uint32_t length;
	const char *what;

	state_init(&before, outer);
	before.tunnel.mss_limit = row->limit;
	transport_init(&packet, &before, outer, family);
	length = build_syn(text, row, &packet.inner_source, &packet.inner_destination);
	length = build_message(message, packet.receiver_index, packet.counter, &packet.key, text,
			       length);
	length = build_datagram(frame, &packet.outer, message, length);
	what = rx_as_modelled(&world, &before, frame, length, &got);
	cr_assert_eq(got.verdict, VERDICT_DELIVERED, "%s: %s", row->name,
		     verdict_or_none(got.verdict));
	expect(row, "in", got.frame + ETHERNET_LENGTH, headers, what);
}

static void run_row(const struct row *row, uint8_t outer, uint8_t family, uint32_t headers)
{
	run_out(row, outer, family, headers);
	run_in(row, outer, family, headers);
}

Test(clamp, table)
{
	WORLD_OPEN(&world);
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		run_row(&rows[i], FAMILY_IPV4, FAMILY_IPV4, IPV4_LENGTH);
		run_row(&rows[i], FAMILY_IPV4, FAMILY_IPV6, IPV6_LENGTH);
		run_row(&rows[i], FAMILY_IPV6, FAMILY_IPV4, IPV4_LENGTH);
		run_row(&rows[i], FAMILY_IPV6, FAMILY_IPV6, IPV6_LENGTH);
	}
	world_close(&world);
}

/* IPv4's options are passed over, IPv6's extension headers are not. */
Test(clamp, more_headers)
{
	struct row left_alone = more_headers;

	WORLD_OPEN(&world);
	left_alone.announces = 0;
	run_row(&more_headers, FAMILY_IPV4, FAMILY_IPV4, IPV4_LENGTH + 8);
	run_row(&left_alone, FAMILY_IPV4, FAMILY_IPV6, IPV6_LENGTH + 8);
	world_close(&world);
}

/* Every value that can be announced, at an even and at an odd place, is no smaller than before or the limit, and the
 * checksum is the one computed anew. */
Test(clamp, every_value)
{
	struct row row = {"any", SYN, 1200, 0, OPTIONS(8, 2, MSS(0), 1, 1, 1, 1)};

	WORLD_OPEN(&world);
	for (uint32_t value = 1; value < 0x10000; value += value < 1190   ? 97
							   : value < 1210 ? 1
									  : 211) {
		bool is_odd = value % 2;

		memset(row.options, 1, 8);
		memcpy(row.options + is_odd, "\2\4", 2);
		write_be16(row.options + is_odd + 2, value);
		row.at = 2 + is_odd;
		row.announces = value > 1200 ? 1200 : 0;
		run_out(&row, FAMILY_IPV4, FAMILY_IPV4, IPV4_LENGTH);
		run_in(&row, FAMILY_IPV4, FAMILY_IPV6, IPV6_LENGTH);
	}
	world_close(&world);
}
