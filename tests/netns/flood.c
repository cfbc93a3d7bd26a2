/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * flood.c - messages to a WireGuard port, as many as a packet socket or a rate lets out, for a time. Only in a
 * network namespace that was made by `ip netns add`: elsewhere it refuses.
 *
 *     flood INTERFACE MAC FROM TO PORT KIND OPTION...
 *
 * FROM and TO are addresses of one family; MAC is TO's on that link. KIND is
 *     type        148 random bytes that are no message
 *     initiation  an initiation with a random mac1; response, cookie: likewise, with a random receiver index
 *     data        a data message with a random receiver index
 *     mac1        an initiation with a good mac1 for --key, from the sender's port or, with --sources, many
 *     forged      as mac1, and with a mac2 of nothing
 *     holder      mac1 and mac2 both good, from one UDP socket: asks until it gets a cookie, then sends with it
 *
 *     --key BASE64      the receiver's public key
 *     --sources N       N addresses from FROM on, and random ports
 *     --seconds N       how long (10); --rate N: messages a second (as many as go out); --count N: messages
 *
 * At the end, or interrupted, one line: "sent N refused N in N ms". Refused is what the interface did not take.
 */
#include <arpa/inet.h>
#include <crypto/crypto.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <proto/cookie.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <util/encoding.h>

enum {
	FRAMES = 1024,
	BATCH = 64,
	FRAME_MAX = 256,
	ETHERNET = 14,
	IPV4 = 20,
	IPV6 = 40,
	UDP = 8,
	SECONDS_MAX = 60,
	PERIOD = 1000000,
};

enum kind { TYPE, INITIATION, RESPONSE, COOKIE, DATA, MAC1, FORGED, HOLDER, KINDS };

static const char *const kind_names[KINDS] = {"type", "initiation", "response", "cookie",
					      "data", "mac1",       "forged",   "holder"};

struct flood {
	int ifindex;
	uint8_t mac[6], own_mac[6];
	int family;
	uint8_t from[16], to[16];
	uint16_t port;
	enum kind kind;
	uint8_t key[32];
	bool has_key;
	uint32_t sources;
	uint64_t seconds, rate, count;
	uint64_t sent, refused;
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(EXIT_FAILURE);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return SECONDS(time.tv_sec) + (uint64_t)time.tv_nsec;
}

static uint64_t random_word(void)
{
	static uint64_t state;
	uint64_t z;

	if (!state && getrandom(&state, sizeof(state), 0) != sizeof(state))
		die("no randomness");
	z = state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* ---- messages ------------------------------------------------------------------------------------ */

static size_t message_length(enum kind kind)
{
	switch (kind) {
	case RESPONSE:
		return sizeof(struct message_handshake_response);
	case COOKIE:
		return sizeof(struct message_handshake_cookie);
	case DATA:
		return MESSAGE_DATA_MINIMUM_LENGTH + 96;
	default:
		return sizeof(struct message_handshake_initiation);
	}
}

static size_t make_message(const struct flood *flood, uint8_t *message, struct cookie_maker *maker)
{
	static const enum message_type types[KINDS] = {
		[INITIATION] = MESSAGE_HANDSHAKE_INITIATION,
		[RESPONSE] = MESSAGE_HANDSHAKE_RESPONSE,
		[COOKIE] = MESSAGE_HANDSHAKE_COOKIE,
		[DATA] = MESSAGE_DATA,
		[MAC1] = MESSAGE_HANDSHAKE_INITIATION,
		[FORGED] = MESSAGE_HANDSHAKE_INITIATION,
		[HOLDER] = MESSAGE_HANDSHAKE_INITIATION,
	};
	size_t length = message_length(flood->kind);
	uint8_t random[FRAME_MAX];

	for (size_t i = 0; i < sizeof(random); i += 8)
		store_le64(random + i, random_word());
	memcpy(message, random, length);
	if (flood->kind == TYPE) {
		message[0] |= 0x80;
		return length;
	}
	store_le32(message, types[flood->kind]);
	if (flood->kind < MAC1)
		return length;
	cookie_add_macs(maker, message, length, SECONDS(1));
	if (flood->kind == FORGED)
		memcpy(message + length - COOKIE_LENGTH, random, COOKIE_LENGTH);
	return length;
}

/* ---- frames -------------------------------------------------------------------------------------- */

static uint64_t add(uint64_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return length % 2 ? sum + ((uint32_t)bytes[length - 1] << 8) : sum;
}

static void store_checksum(uint8_t *to, uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	to[0] = (uint8_t)(~sum >> 8);
	to[1] = (uint8_t)~sum;
}

static void store_be16(uint8_t *to, size_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void write_ipv4(const struct flood *flood, uint8_t *ip, size_t payload, uint32_t source)
{
	const uint8_t start[IPV4] = {0x45, [8] = 64, [9] = IPPROTO_UDP};

	memcpy(ip, start, sizeof(start));
	store_be16(ip + 2, IPV4 + payload);
	memcpy(ip + 12, flood->from, 4);
	store_be32(ip + 12, load_be32(ip + 12) + source);
	memcpy(ip + 16, flood->to, 4);
	store_checksum(ip + 10, add(0, ip, IPV4));
}

/* Sources of IPv6 are in networks of their own: it is those that are limited. */
static void write_ipv6(const struct flood *flood, uint8_t *ip, size_t payload, uint32_t source)
{
	memset(ip, 0, IPV6);
	ip[0] = 0x60;
	store_be16(ip + 4, payload);
	ip[6] = IPPROTO_UDP;
	ip[7] = 64;
	memcpy(ip + 8, flood->from, 16);
	store_be32(ip + 12, load_be32(ip + 12) + source);
	memcpy(ip + 24, flood->to, 16);
}

/* The checksum is left out for IPv4, where it may be. */
static void write_udp(const struct flood *flood, uint8_t *udp, size_t length, uint16_t from_port,
		      const uint8_t *ip)
{
	store_be16(udp, from_port);
	store_be16(udp + 2, flood->port);
	store_be16(udp + 4, UDP + length);
	store_be16(udp + 6, 0);
	if (flood->family == AF_INET6)
		store_checksum(udp + 6,
			       add(add(IPPROTO_UDP + UDP + length, ip + 8, 32), udp, UDP + length));
}

static size_t make_frame(const struct flood *flood, uint8_t *frame)
{
	uint8_t *ip = frame + ETHERNET;
	uint8_t *udp = ip + (flood->family == AF_INET ? IPV4 : IPV6);
	uint32_t source = flood->sources ? (uint32_t)(random_word() % flood->sources) : 0;
	struct cookie_maker maker;
	size_t length;

	cookie_maker_init(&maker, flood->key);
	length = make_message(flood, udp + UDP, &maker);
	memcpy(frame, flood->mac, 6);
	memcpy(frame + 6, flood->own_mac, 6);
	store_be16(frame + 12, flood->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (flood->family == AF_INET)
		write_ipv4(flood, ip, UDP + length, source);
	else
		write_ipv6(flood, ip, UDP + length, source);
	write_udp(flood, udp, length,
		  flood->sources ? 1024 + (uint16_t)(random_word() % 60000) : 40000, ip);
	return (size_t)(udp - frame) + UDP + length;
}

/* ---- sending ------------------------------------------------------------------------------------- */

static int open_packet_socket(const struct flood *flood)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = flood->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)))
		die("no packet socket: root?");
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	return fd;
}

/* SIGINT: enough. */
static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

static bool is_over(const struct flood *flood, uint64_t start)
{
	return is_interrupted || now() - start >= SECONDS(flood->seconds) ||
	       (flood->count && flood->sent + flood->refused >= flood->count);
}

/* As many as the rate allows until now, waiting for the first of them. */
static unsigned int allowed(const struct flood *flood, uint64_t start)
{
	uint64_t done = flood->sent + flood->refused, wanted = BATCH;

	if (flood->rate) {
		struct timespec pause = {.tv_nsec = PERIOD};

		while ((wanted = (now() - start) * flood->rate / NANOSECONDS_PER_SECOND) <= done)
			nanosleep(&pause, NULL);
		wanted -= done;
	}
	if (flood->count && wanted > flood->count - done)
		wanted = flood->count - done;
	return wanted < BATCH ? (unsigned int)wanted : BATCH;
}

static void send_frames(struct flood *flood, uint64_t start)
{
	static uint8_t frames[FRAMES][FRAME_MAX];
	static struct iovec vectors[FRAMES];
	static struct mmsghdr messages[FRAMES];
	int fd = open_packet_socket(flood), next = 0;

	for (int i = 0; i < FRAMES; i++) {
		vectors[i] = (struct iovec){frames[i], make_frame(flood, frames[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	while (!is_over(flood, start)) {
		int count = (int)allowed(flood, start), sent;

		if (count > FRAMES - next)
			count = FRAMES - next;
		sent = sendmmsg(fd, &messages[next], count, 0);
		if (sent > 0) {
			flood->sent += (uint64_t)sent;
			next = (next + sent) % FRAMES;
		} else if (errno == ENOBUFS) {
			/* the other end's ring is full: that one is lost, as on a wire */
			flood->refused++;
			next = (next + 1) % FRAMES;
		} else {
			die(strerror(errno));
		}
	}
	close(fd);
}

/* ---- who holds a cookie -------------------------------------------------------------------------- */

static int open_udp_socket(const struct flood *flood)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(flood->port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(flood->port)};
	/* what waits before us at the agent takes some 50 ms */
	struct timeval patience = {.tv_usec = 300000};
	int fd = socket(flood->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_ipv4 = flood->family == AF_INET;

	memcpy(&ipv4.sin_addr, flood->to, 4);
	memcpy(&ipv6.sin6_addr, flood->to, 16);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, is_ipv4 ? (void *)&ipv4 : (void *)&ipv6,
		    is_ipv4 ? sizeof(ipv4) : sizeof(ipv6)))
		die("no UDP socket");
	return fd;
}

/* Only under load is there a cookie to be had. */
static void ask_for_cookie(struct flood *flood, int fd, struct cookie_maker *maker, uint64_t start)
{
	struct message_handshake_cookie reply;
	uint8_t message[FRAME_MAX];

	while (!maker->has_cookie) {
		if (now() - start > SECONDS(flood->seconds))
			die("got no cookie");
		send(fd, message, make_message(flood, message, maker), 0);
		if (recv(fd, &reply, sizeof(reply), 0) == sizeof(reply))
			cookie_consume_reply(maker, &reply, SECONDS(1));
	}
	printf("cookie after %llu ms\n", (unsigned long long)(now() - start) / 1000000);
	fflush(stdout);
}

static void send_with_cookie(struct flood *flood, uint64_t start)
{
	int fd = open_udp_socket(flood);
	uint8_t message[FRAME_MAX];
	struct cookie_maker maker;

	cookie_maker_init(&maker, flood->key);
	ask_for_cookie(flood, fd, &maker, start);
	while (!is_over(flood, start)) {
		for (unsigned int i = allowed(flood, start); i; i--) {
			size_t length = make_message(flood, message, &maker);

			if (send(fd, message, length, 0) < 0)
				flood->refused++;
			else
				flood->sent++;
		}
	}
	close(fd);
}

/* ---- arguments ----------------------------------------------------------------------------------- */

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*end || end == text)
		die("a number was expected");
	return value;
}

static void read_options(struct flood *flood, int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"sources", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{"rate", required_argument, NULL, 'r'},
		{"count", required_argument, NULL, 'c'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'k')
			flood->has_key = key_from_base64(flood->key, optarg);
		else if (option == 'n')
			flood->sources = (uint32_t)number(optarg);
		else if (option == 's')
			flood->seconds = number(optarg);
		else if (option == 'r')
			flood->rate = number(optarg);
		else if (option == 'c')
			flood->count = number(optarg);
		else
			die("options: --key --sources --seconds --rate --count");
	}
	if (flood->seconds > SECONDS_MAX)
		die("60 seconds at most");
	if (flood->kind >= MAC1 && !flood->has_key)
		die("this kind needs --key");
}

static void read_own_mac(struct flood *flood, const char *interface)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die("the interface has no address");
	memcpy(flood->own_mac, request.ifr_hwaddr.sa_data, sizeof(flood->own_mac));
	close(fd);
}

static void read_words(struct flood *flood, char **words)
{
	unsigned int mac[6];

	flood->ifindex = (int)if_nametoindex(words[0]);
	if (!flood->ifindex)
		die("no such interface");
	read_own_mac(flood, words[0]);
	if (sscanf(words[1], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		   &mac[5]) != 6)
		die("MAC: six hexadecimal bytes were expected");
	for (int i = 0; i < 6; i++)
		flood->mac[i] = (uint8_t)mac[i];
	flood->family = strchr(words[2], ':') ? AF_INET6 : AF_INET;
	if (inet_pton(flood->family, words[2], flood->from) != 1 ||
	    inet_pton(flood->family, words[3], flood->to) != 1)
		die("FROM, TO: two addresses of one family were expected");
	flood->port = (uint16_t)number(words[4]);
	while (flood->kind < KINDS && strcmp(kind_names[flood->kind], words[5]) != 0)
		flood->kind++;
	if (flood->kind == KINDS)
		die("KIND: type, initiation, response, cookie, data, mac1, forged or holder");
}

/* One that somebody made by `ip netns add`: never the machine's own. */
static bool is_in_a_named_namespace(void)
{
	DIR *directory = opendir("/run/netns");
	struct stat ours, named;
	struct dirent *entry;
	bool found = false;

	if (!directory || stat("/proc/self/ns/net", &ours))
		return false;
	while (!found && (entry = readdir(directory)))
		found = !fstatat(dirfd(directory), entry->d_name, &named, 0) &&
			named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
	closedir(directory);
	return found;
}

int main(int argc, char **argv)
{
	struct flood flood = {.seconds = 10};
	uint64_t start;

	if (argc < 7)
		die("INTERFACE MAC FROM TO PORT KIND OPTION...");
	if (!is_in_a_named_namespace())
		die("only in a network namespace of `ip netns add`");
	if (crypto_start())
		die("no libsodium");
	read_words(&flood, argv + 1);
	read_options(&flood, argc - 6, argv + 6);
	signal(SIGINT, interrupt);
	start = now();
	if (flood.kind == HOLDER)
		send_with_cookie(&flood, start);
	else
		send_frames(&flood, start);
	printf("sent %llu refused %llu in %llu ms\n", (unsigned long long)flood.sent,
	       (unsigned long long)flood.refused, (unsigned long long)(now() - start) / 1000000);
	return 0;
}
