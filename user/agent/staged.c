// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * staged.c - frames the agent puts into the tunnel: staged packets, keepalives, ICMP errors. They go out of the
 * hidden end, where the program tx_agent takes them and reads from the mark what they are (end of abi.h).
 */
#include <agent/device.h>

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	KEEPALIVE_FRAME_LENGTH = 60,
	NO_MARK = 0,
};

struct staged_packet {
	size_t length;
	uint8_t bytes[];
};

/* Bound to no protocol: it only sends. */
int staged_open(const struct device *device)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = device->hidden.ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* What BPF refuses it counts; nobody else wants to know. */
static void send_frame(const struct device *device, uint16_t type, uint32_t mark,
		       const void *payload, size_t length)
{
	struct ether_header ethernet = {.ether_type = WGXDP_BE16(type)};
	struct iovec parts[] = {
		{.iov_base = &ethernet, .iov_len = sizeof(ethernet)},
		{.iov_base = (void *)payload, .iov_len = length},
	};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(mark))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SO_MARK,
				.cmsg_len = CMSG_LEN(sizeof(mark))}};
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(ethernet.ether_dhost, device->value.inner_destination, ETH_ALEN);
	memcpy(ethernet.ether_shost, device->value.inner_source, ETH_ALEN);
	memcpy(CMSG_DATA(&control.header), &mark, sizeof(mark));
	if (sendmsg(device->packet_socket, &message, MSG_DONTWAIT) < 0)
		return;
}

static uint16_t ethertype_of(const uint8_t *packet)
{
	return packet[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
}

void staged_pass(struct device *device, const uint8_t *packet, size_t length)
{
	send_frame(device, ethertype_of(packet), PASS_MARK, packet, length);
}

/* BPF turns the frame into the outer packet, so it is of that family from the beginning. */
void staged_keepalive(struct device_peer *peer, enum address_family outer)
{
	uint8_t payload[KEEPALIVE_FRAME_LENGTH - sizeof(struct ether_header)] = {0};

	memcpy(payload, &peer->id, sizeof(peer->id));
	send_frame(peer->device, outer == FAMILY_IPV4 ? ETHERTYPE_IP : ETHERTYPE_IPV6,
		   KEEPALIVE_MARK, payload, sizeof(payload));
}

/* A packet for which there is no memory is lost like one for which there is no room. */
void staged_push(struct device_peer *peer, const uint8_t *packet, size_t length)
{
	struct staged_packet *staged = malloc(sizeof(*staged) + length);

	if (!peer->stage)
		peer->stage = calloc(1, sizeof(*peer->stage));
	if (!staged || !peer->stage) {
		free(staged);
		return;
	}
	staged->length = length;
	memcpy(staged->bytes, packet, length);
	free(stage_push(peer->stage, staged));
}

unsigned int staged_send(struct device_peer *peer)
{
	struct stage *stage = peer->stage;
	struct staged_packet *packet;
	unsigned int count = 0;

	if (!stage)
		return 0;
	for (; (packet = stage_pop(stage)); count++) {
		send_frame(peer->device, ethertype_of(packet->bytes), NO_MARK, packet->bytes,
			   packet->length);
		free(packet);
	}
	free(stage);
	peer->stage = NULL;
	return count;
}

void staged_drop(struct device_peer *peer)
{
	void *packet;

	while (peer->stage && (packet = stage_pop(peer->stage)))
		free(packet);
	free(peer->stage);
	peer->stage = NULL;
}
