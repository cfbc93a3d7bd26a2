// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sniffer.c - watches the outer link of a namespace test: counts WireGuard's messages, and knows what must
 * never be seen there. Not a decoder: a frame is a bag of bytes behind an IP header.
 *
 *	sniffer REPORT INTERFACE... -- PATTERN...
 *
 * Frames that come in by the interfaces are searched for the patterns (hexadecimal). One of eight bytes or
 * more is sought everywhere; a shorter one, an IPv4 address, only where headers are, because random
 * ciphertext would hit on four bytes once in 4 GB. What is neither a message of WireGuard nor a link's
 * own (ARP, ICMP, multicast listening) is foreign. REPORT is a line that is always current:
 * "initiation 1 response 1 cookie 0 data 24 link 6 foreign 0 clear 0 lost 0".
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	INTERFACES_MAX = 8,
	PATTERNS_MAX = 64,
	PATTERN_SIZE_MAX = 64,
	FRAME_MAX = 1 << 17,
	BATCH = 64,
	/* Ethernet, IPv4, UDP and the transport header: ciphertext starts here at the earliest */
	HEADERS = 14 + 20 + 8 + 16,
	SHORT_PATTERN = 8,
};

enum kind { INITIATION, RESPONSE, COOKIE, DATA, LINK, FOREIGN, CLEAR, LOST, KINDS };

static const char *const kind_names[KINDS] = {
	"initiation", "response", "cookie", "data", "link", "foreign", "clear", "lost",
};

struct pattern {
	uint8_t bytes[PATTERN_SIZE_MAX];
	size_t length;
};

struct sniffer {
	int report;
	uint64_t counts[KINDS];
	struct pattern patterns[PATTERNS_MAX];
	size_t pattern_count;
	struct pollfd sockets[INTERFACES_MAX];
	nfds_t socket_count;
};

static void add_pattern(struct sniffer *sniffer, const char *hex)
{
	struct pattern *pattern = &sniffer->patterns[sniffer->pattern_count++];
	size_t digits = strlen(hex);

	if (sniffer->pattern_count > PATTERNS_MAX)
		errx(2, "more than %d patterns", PATTERNS_MAX);
	if (digits == 0 || digits % 2 || digits / 2 > PATTERN_SIZE_MAX)
		errx(2, "'%s' is not a pattern", hex);
	for (size_t i = 0; i < digits; i += 2) {
		if (sscanf(hex + i, "%2hhx", &pattern->bytes[i / 2]) != 1)
			errx(2, "'%s' is not hexadecimal", hex);
	}
	pattern->length = digits / 2;
}

static void add_interface(struct sniffer *sniffer, const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int room = 64 << 20;
	int fd;

	if (sniffer->socket_count == INTERFACES_MAX)
		errx(2, "more than %d interfaces", INTERFACES_MAX);
	if (!address.sll_ifindex)
		err(2, "%s", name);
	/* Protocol 0: nothing arrives before the bind says from where. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(2, "packet socket on %s", name);
	sniffer->sockets[sniffer->socket_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* Where an IP packet's payload is and what it is; false: a later fragment, or not to be told. */
static bool skip_ip_header(const uint8_t **at, size_t *left, uint8_t *protocol)
{
	const struct ip *ipv4 = (const void *)*at;
	const struct ip6_hdr *ipv6 = (const void *)*at;
	size_t length;

	if (*left >= sizeof(*ipv6) && ipv4->ip_v == 6) {
		*protocol = ipv6->ip6_nxt;
		length = sizeof(*ipv6);
		if (*protocol == IPPROTO_FRAGMENT && *left >= length + sizeof(struct ip6_frag)) {
			const struct ip6_frag *fragment = (const void *)(*at + length);

			*protocol = fragment->ip6f_nxt;
			length += sizeof(*fragment);
			if (fragment->ip6f_offlg & IP6F_OFF_MASK)
				return false;
		}
	} else if (*left >= sizeof(*ipv4) && ipv4->ip_v == 4) {
		*protocol = ipv4->ip_p;
		length = ipv4->ip_hl * 4;
		if (ntohs(ipv4->ip_off) & IP_OFFMASK)
			return false;
	} else {
		return false;
	}
	if (*left < length)
		return false;
	*at += length;
	*left -= length;
	return true;
}

static enum kind kind_of_datagram(const uint8_t *payload, size_t length)
{
	if (length < 4 || payload[1] || payload[2] || payload[3])
		return FOREIGN;
	switch (payload[0]) {
	case 1:
		return INITIATION;
	case 2:
		return RESPONSE;
	case 3:
		return COOKIE;
	case 4:
		return DATA;
	default:
		return FOREIGN;
	}
}

static enum kind kind_of_frame(const uint8_t *frame, size_t length)
{
	const uint8_t *at = frame + ETH_HLEN;
	size_t left = length - ETH_HLEN;
	uint8_t protocol = IPPROTO_NONE;
	uint16_t ethertype;

	memcpy(&ethertype, frame + 12, sizeof(ethertype));
	switch (ntohs(ethertype)) {
	case ETH_P_ARP:
		return LINK;
	case ETH_P_IP:
	case ETH_P_IPV6:
		break;
	default:
		return FOREIGN;
	}
	if (!skip_ip_header(&at, &left, &protocol))
		return protocol == IPPROTO_UDP ? LINK : FOREIGN;
	switch (protocol) {
	case IPPROTO_UDP:
		return left < 8 ? FOREIGN : kind_of_datagram(at + 8, left - 8);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
	case IPPROTO_HOPOPTS:
		return LINK;
	default:
		return FOREIGN;
	}
}

static bool has_clear_text(const struct sniffer *sniffer, const uint8_t *frame, size_t length)
{
	size_t headers = length < HEADERS ? length : HEADERS;

	for (size_t i = 0; i < sniffer->pattern_count; i++) {
		const struct pattern *pattern = &sniffer->patterns[i];
		size_t within = pattern->length < SHORT_PATTERN ? headers : length;

		if (memmem(frame, within, pattern->bytes, pattern->length))
			return true;
	}
	return false;
}

static void show_frame(const char *why, const uint8_t *frame, size_t length)
{
	printf("%s, %zu bytes:", why, length);
	for (size_t i = 0; i < length && i < 128; i++)
		printf("%s%02x", i % 16 ? " " : "\n  ", frame[i]);
	printf("\n");
	fflush(stdout);
}

static void judge_frame(struct sniffer *sniffer, const uint8_t *frame, size_t length)
{
	enum kind kind;

	if (length < ETH_HLEN)
		return;
	kind = kind_of_frame(frame, length);
	/* The first few say it all. */
	if (kind == FOREIGN && sniffer->counts[FOREIGN] < 4)
		show_frame("foreign", frame, length);
	sniffer->counts[kind]++;
	if (has_clear_text(sniffer, frame, length) && sniffer->counts[CLEAR]++ < 4)
		show_frame("clear text", frame, length);
}

static void read_frames(struct sniffer *sniffer, int fd)
{
	static uint8_t frame[FRAME_MAX];
	struct tpacket_stats statistics;
	socklen_t size = sizeof(statistics);

	for (unsigned int i = 0; i < BATCH; i++) {
		struct sockaddr_ll from;
		socklen_t from_size = sizeof(from);
		ssize_t length =
			recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &from_size);

		if (length < 0 && (errno == EAGAIN || errno == ENETDOWN))
			break;
		if (length < 0)
			err(2, "reading frames");
		if (from.sll_pkttype != PACKET_OUTGOING)
			judge_frame(sniffer, frame, (size_t)length);
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0)
		sniffer->counts[LOST] += statistics.tp_drops;
}

static void report(const struct sniffer *sniffer)
{
	/* Of one width, so that a reader never sees the end of a longer one. */
	char line[512];
	int length = 0;

	for (unsigned int i = 0; i < KINDS; i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length,
				   "%s %-12" PRIu64 " ", kind_names[i], sniffer->counts[i]);
	line[length - 1] = '\n';
	if (pwrite(sniffer->report, line, (size_t)length, 0) != length)
		err(2, "report");
}

int main(int argc, char **argv)
{
	static struct sniffer sniffer;
	int i = 2;

	if (argc < 3)
		errx(2, "usage: sniffer REPORT INTERFACE... -- PATTERN...");
	sniffer.report = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (sniffer.report < 0)
		err(2, "%s", argv[1]);
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		add_interface(&sniffer, argv[i]);
	for (i++; i < argc; i++)
		add_pattern(&sniffer, argv[i]);

	for (;;) {
		report(&sniffer);
		if (poll(sniffer.sockets, sniffer.socket_count, -1) < 0 && errno != EINTR)
			err(2, "poll");
		for (nfds_t s = 0; s < sniffer.socket_count; s++)
			read_frames(&sniffer, sniffer.sockets[s].fd);
	}
}
