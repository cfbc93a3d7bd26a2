// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * receive.c - what comes to the listening port. Handshakes wait in a queue whose length says whether we are
 * under load (paper 5.3; kernel: receive.c, wg_packet_receive and wg_receive_handshake_packet); transport
 * packets that XDP did not see are put into a frame again and go through its program.
 */
#include <agent/device.h>
#include <agent/log.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>

enum {
	/* kernel: MAX_QUEUED_INCOMING_HANDSHAKES */
	QUEUE_LENGTH = 4096,
	/* handled between two looks at everything else: some ten milliseconds */
	HANDSHAKES_AT_ONCE = 64,
	FRAME_MAX = sizeof(struct ether_header) + sizeof(struct ip6_hdr) + sizeof(struct udphdr) +
		    TRANSPORT_TEXT_MAX + 64,
	TTL = 64,
};

/* How much later load must end than the data path knows of, to tell it again. */
#define TELL_LOAD_INTERVAL MILLISECONDS(100)

struct handshake {
	struct udp_datagram datagram;
	uint8_t bytes[sizeof(struct message_handshake_initiation)];
};

struct handshake_queue {
	size_t first;
	size_t count;
	bool is_under_load;
	uint64_t under_load_until;
	/* what the data path was told of that */
	uint64_t until_told;
	struct handshake waiting[QUEUE_LENGTH];
};

int receive_open(struct device *device)
{
	device->handshakes = calloc(1, sizeof(*device->handshakes));
	return device->handshakes ? 0 : -ENOMEM;
}

void receive_close(struct device *device)
{
	free(device->handshakes);
	device->handshakes = NULL;
}

/* ---- transport packets that came the slow way ----------------------------------------------------- */

static uint16_t udp_length(const struct udp_datagram *datagram)
{
	return WGXDP_BE16(sizeof(struct udphdr) + datagram->length);
}

static size_t write_ipv4(uint8_t *to, const struct udp_datagram *datagram)
{
	struct iphdr *header = (void *)to;

	*header = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = datagram->ds,
		.tot_len = WGXDP_BE16(sizeof(*header) + sizeof(struct udphdr) + datagram->length),
		.ttl = TTL,
		.protocol = IPPROTO_UDP,
	};
	memcpy(&header->saddr, datagram->from.address, sizeof(header->saddr));
	memcpy(&header->daddr, datagram->from.local_address, sizeof(header->daddr));
	return sizeof(*header);
}

static size_t write_ipv6(uint8_t *to, const struct udp_datagram *datagram)
{
	struct ip6_hdr *header = (void *)to;

	*header = (struct ip6_hdr){
		.ip6_flow = WGXDP_BE32(6u << 28 | (uint32_t)datagram->ds << 20),
		.ip6_plen = udp_length(datagram),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = TTL,
	};
	memcpy(&header->ip6_src, datagram->from.address, sizeof(header->ip6_src));
	memcpy(&header->ip6_dst, datagram->from.local_address, sizeof(header->ip6_dst));
	return sizeof(*header);
}

/* The checksums were the stack's to check, and are left out. */
static void inject(struct device *device, const struct udp_datagram *datagram)
{
	_Alignas(8) uint8_t frame[2 + FRAME_MAX];
	uint8_t *at = frame + 2;
	struct ether_header *ethernet = (void *)at;
	struct udphdr *udp;
	bool is_ipv4 = datagram->from.family == FAMILY_IPV4;
	int error;

	at += sizeof(*ethernet);
	*ethernet = (struct ether_header){
		.ether_type = WGXDP_BE16(is_ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6),
	};
	at += is_ipv4 ? write_ipv4(at, datagram) : write_ipv6(at, datagram);
	udp = (void *)at;
	memcpy(&udp->uh_sport, datagram->from.port, sizeof(udp->uh_sport));
	udp->uh_dport = WGXDP_BE16(device->udp.port);
	udp->uh_ulen = udp_length(datagram);
	udp->uh_sum = 0;
	at += sizeof(*udp);
	memcpy(at, datagram->bytes, datagram->length);
	at += datagram->length;
	error = datapath_inject(device->datapath, ethernet, at - (uint8_t *)ethernet);
	if (error)
		device->verdicts[error == -EMSGSIZE ? VERDICT_TOO_LONG : VERDICT_NO_ROOM]++;
}

/* ---- handshakes ---------------------------------------------------------------------------------- */

static void queue_handshake(struct device *device, const struct udp_datagram *datagram)
{
	struct handshake_queue *queue = device->handshakes;
	struct handshake *handshake;
	size_t kept = datagram->length;

	if (queue->count == QUEUE_LENGTH) {
		device->verdicts[VERDICT_FLOODED]++;
		return;
	}
	/* one that is longer is refused for that, whatever it says */
	if (kept > sizeof(handshake->bytes))
		kept = sizeof(handshake->bytes);
	handshake = &queue->waiting[(queue->first + queue->count++) % QUEUE_LENGTH];
	handshake->datagram = *datagram;
	memcpy(handshake->bytes, datagram->bytes, kept);
	handshake->datagram.bytes = handshake->bytes;
}

static void receive_datagram(void *context, const struct udp_datagram *datagram)
{
	struct device *device = context;

	if (datagram->length < sizeof(uint32_t))
		device->verdicts[VERDICT_TOO_SHORT]++;
	else if (load_le32(datagram->bytes) == MESSAGE_DATA)
		inject(device, datagram);
	else if (!device->value.is_up)
		device->verdicts[VERDICT_TUNNEL_DOWN]++;
	else
		queue_handshake(device, datagram);
}

/* What waits in the socket is what tells load, so it is taken over while there is room. */
void receive_datagrams(struct device *device, int fd)
{
	const struct handshake_queue *queue = device->handshakes;

	for (int i = 0; i < QUEUE_LENGTH / UDP_BATCH; i++) {
		if (udp_receive(fd, receive_datagram, device) < UDP_BATCH ||
		    queue->count + UDP_BATCH > QUEUE_LENGTH)
			break;
	}
}

/* The data path keeps a flood from us, so it is the one to say how long that lasts. */
static bool is_under_load(struct device *device, uint64_t now)
{
	struct handshake_queue *queue = device->handshakes;
	uint32_t tunnel = (uint32_t)device->hidden.ifindex;

	if (queue->count >= UNDER_LOAD_QUEUE_LENGTH) {
		queue->is_under_load = true;
		queue->under_load_until = now + UNDER_LOAD_AFTER_TIME;
		if (queue->under_load_until - queue->until_told >= TELL_LOAD_INTERVAL &&
		    !datapath_set_under_load(device->datapath, tunnel, queue->under_load_until))
			queue->until_told = queue->under_load_until;
	} else if (queue->is_under_load && now >= queue->under_load_until) {
		datapath_get_under_load(device->datapath, tunnel, &queue->under_load_until);
		queue->is_under_load = now < queue->under_load_until;
	}
	return queue->is_under_load;
}

/* A secret is made with the first cookie and anew every two minutes: the data path must know it. */
static void publish_cookie_key(struct device *device)
{
	const struct cookie_checker *checker = &device->tunnel.cookie_checker;

	if (!checker->has_secret || checker->secret_birth == device->value.cookie_birth)
		return;
	device->value.cookie_birth = checker->secret_birth;
	cookie_prepare_cookie_key(&device->value.cookie_key, checker);
	if (datapath_set_tunnel(device->datapath, (uint32_t)device->hidden.ifindex, &device->value))
		device->value.cookie_birth = 0;
}

/* Nobody's can wait until they are asked for; a peer's are its own, which may go. */
static void count_refused(struct device *device, struct device_peer *named, enum verdict verdict,
			  const struct endpoint *from)
{
	if (!named || datapath_count_verdict(device->datapath, (uint32_t)device->hidden.ifindex,
					     named->id, verdict, 1))
		device->verdicts[verdict]++;
	monitor_refused(device, named, verdict, from);
}

static void handle(struct device *device, const struct udp_datagram *datagram)
{
	uint64_t now = boot_time();
	bool under_load = is_under_load(device, now);
	struct cookie_source source = {
		.address_length = datagram->from.family == FAMILY_IPV4 ? 4 : 16,
		.port = {datagram->from.port[0], datagram->from.port[1]},
	};
	char address[ADDRESS_TEXT_LENGTH];
	enum verdict verdict;
	struct peer *peer, *named;

	memcpy(source.address, datagram->from.address, source.address_length);
	device->receiving = datagram;
	verdict = tunnel_receive_handshake(&device->tunnel, datagram->bytes, datagram->length,
					   &source, under_load, now, &peer, &named);
	device->receiving = NULL;
	if (verdict == VERDICT_COOKIE_DEMANDED)
		publish_cookie_key(device);
	if (verdict != VERDICT_DELIVERED)
		count_refused(device, named ? device_peer_of(named) : NULL, verdict,
			      &datagram->from);
	endpoint_to_text(address, &datagram->from);
	log_verbose("handshake message of %s: %s", address, verdict_name(verdict));
	if (!peer)
		return;
	datapath_count_bytes(device->datapath, device_peer_of(peer)->id, datagram->length, 0);
	state_peer_changed(device_peer_of(peer));
}

void receive_count_verdicts(struct device *device)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (device->verdicts[i] &&
		    !datapath_count_verdict(device->datapath, (uint32_t)device->hidden.ifindex, 0,
					    i, device->verdicts[i]))
			device->verdicts[i] = 0;
	}
}

int receive_get_counters(struct device *device, uint64_t counters[static VERDICT_COUNT])
{
	struct link_info hidden;
	int error;

	receive_count_verdicts(device);
	error = datapath_get_counters(device->datapath, (uint32_t)device->hidden.ifindex, counters);
	/* after BPF has let go of them: the kernel counts what it does not get into the interface's queue */
	if (!error && !netlink_get_link_by_index(device->netlink, device->hidden.ifindex, &hidden))
		counters[VERDICT_QUEUE_FULL] = hidden.dropped_on_the_way;
	return error;
}

bool receive_handshakes(struct device *device)
{
	struct handshake_queue *queue = device->handshakes;

	for (int i = 0; i < HANDSHAKES_AT_ONCE && queue->count; i++) {
		handle(device, &queue->waiting[queue->first].datagram);
		queue->first = (queue->first + 1) % QUEUE_LENGTH;
		queue->count--;
	}
	return queue->count > 0;
}
