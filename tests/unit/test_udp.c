/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_udp.c - the agent's sockets over loopback, where every address of 127.0.0.0/8 is ours: local addresses
 * both ways, DS bytes, ports that are taken.
 */
#include <agent/udp.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

static struct udp here, there;
static struct udp_datagram received;
static uint8_t received_bytes[64];
static int received_count;

static void note(void *context, const struct udp_datagram *datagram)
{
	(void)context;
	received = *datagram;
	cr_assert_leq(datagram->length, sizeof(received_bytes));
	memcpy(received_bytes, datagram->bytes, datagram->length);
	received_count++;
}

static int open_any(struct udp *udp, uint16_t port)
{
	return udp_open(udp, &(struct udp_place){.port = port});
}

static void open_sockets(void)
{
	received_count = 0;
	cr_assert_eq(open_any(&here, 0), 0);
	cr_assert_eq(open_any(&there, 0), 0);
}

static void close_sockets(void)
{
	udp_close(&here);
	udp_close(&there);
}

static void receive_one(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&ready, 1, 5000), 1);
	cr_assert_eq(udp_receive(fd, note, NULL), 1);
	cr_assert_eq(received_count, 1);
}

static struct endpoint to_there(enum address_family family)
{
	return (struct endpoint){
		.family = (uint8_t)family,
		.port = {there.port >> 8, there.port & 0xff},
	};
}

static const uint8_t loopback_2[16] = {127, 0, 0, 2}, loopback_3[16] = {127, 0, 0, 3};

Test(udp, tells_sender_local_address_and_ds, .init = open_sockets, .fini = close_sockets)
{
	struct endpoint to = to_there(FAMILY_IPV4);

	memcpy(to.address, loopback_2, 16);
	memcpy(to.local_address, loopback_3, 16);
	cr_assert_eq(udp_send(&here, &to, UDP_DS_HANDSHAKE, "hello", 5), 0);
	receive_one(there.sockets[0].waiter.fd);
	cr_assert_eq(received.from.family, FAMILY_IPV4);
	cr_assert_arr_eq(received.from.address, loopback_3, 16);
	cr_assert_arr_eq(received.from.local_address, loopback_2, 16);
	cr_assert_eq(received.from.port[0] << 8 | received.from.port[1], here.port);
	cr_assert_eq(received.from.ifindex, 1);
	cr_assert_eq(received.ds, UDP_DS_HANDSHAKE);
	cr_assert_eq(received.length, 5);
	cr_assert_arr_eq(received_bytes, "hello", 5);
}

Test(udp, the_same_over_ipv6, .init = open_sockets, .fini = close_sockets)
{
	static const uint8_t loopback[16] = {[15] = 1};
	struct endpoint to = to_there(FAMILY_IPV6);

	memcpy(to.address, loopback, 16);
	memcpy(to.local_address, loopback, 16);
	cr_assert_eq(udp_send(&here, &to, UDP_DS_HANDSHAKE, "hello", 5), 0);
	receive_one(there.sockets[1].waiter.fd);
	cr_assert_eq(received.from.family, FAMILY_IPV6);
	cr_assert_arr_eq(received.from.address, loopback, 16);
	cr_assert_arr_eq(received.from.local_address, loopback, 16);
	cr_assert_eq(received.from.port[0] << 8 | received.from.port[1], here.port);
	cr_assert_eq(received.ds, UDP_DS_HANDSHAKE);
}

Test(udp, an_answer_leaves_from_the_address_that_was_asked, .init = open_sockets,
     .fini = close_sockets)
{
	struct endpoint to = to_there(FAMILY_IPV4), asked;

	memcpy(to.address, loopback_2, 16);
	cr_assert_eq(udp_send(&here, &to, UDP_DS_NONE, "hello", 5), 0);
	receive_one(there.sockets[0].waiter.fd);
	cr_assert_eq(received.ds, UDP_DS_NONE);
	asked = received.from;
	received_count = 0;
	cr_assert_eq(udp_send(&there, &asked, UDP_DS_NONE, "there", 5), 0);
	receive_one(here.sockets[0].waiter.fd);
	cr_assert_arr_eq(received.from.address, loopback_2, 16);
}

Test(udp, a_source_that_is_not_ours_is_told_apart, .init = open_sockets, .fini = close_sockets)
{
	static const uint8_t not_ours[16] = {192, 0, 2, 1};
	struct endpoint to = to_there(FAMILY_IPV4);

	memcpy(to.address, loopback_2, 16);
	memcpy(to.local_address, not_ours, 16);
	cr_assert_eq(udp_send(&here, &to, UDP_DS_NONE, "hello", 5), -EADDRNOTAVAIL);
}

Test(udp, a_port_taken_in_one_family_is_taken, .init = open_sockets, .fini = close_sockets)
{
	struct udp third = {0};

	close(there.sockets[0].waiter.fd);
	there.sockets[0] = there.sockets[1];
	there.count = 1;
	cr_assert_eq(open_any(&third, there.port), -EADDRINUSE);
	cr_assert_eq(third.count, 0);
	cr_assert_eq(third.port, 0);
}

Test(udp, both_families_have_one_port, .init = open_sockets, .fini = close_sockets)
{
	struct udp third = {0};

	cr_assert_neq(here.port, 0);
	cr_assert_neq(here.port, there.port);
	cr_assert_eq(open_any(&third, here.port), -EADDRINUSE);
	cr_assert_eq(third.port, 0);
	close_sockets();
	cr_assert_eq(open_any(&third, 0), 0);
	udp_close(&third);
	cr_assert_eq(third.port, 0);
}

static const struct local_address_key two_and_three[] = {{FAMILY_IPV4, {127, 0, 0, 2}},
							 {FAMILY_IPV4, {127, 0, 0, 3}}};

static int open_bound(struct udp *udp, uint16_t port, unsigned int count)
{
	return udp_open(
		udp, &(struct udp_place){.port = port, .addresses = two_and_three, .count = count});
}

Test(udp, bound_to_two_addresses_it_sends_from_them_alone, .init = open_sockets,
     .fini = close_sockets)
{
	struct endpoint to = to_there(FAMILY_IPV4);
	struct udp bound = {0};

	cr_assert_eq(open_bound(&bound, 0, 2), 0);
	cr_assert_eq(bound.count, 2);
	memcpy(to.address, loopback_2, 16);
	memcpy(to.local_address, loopback_3, 16);
	cr_assert_eq(udp_send(&bound, &to, UDP_DS_NONE, "hello", 5), 0);
	receive_one(there.sockets[0].waiter.fd);
	cr_assert_arr_eq(received.from.address, loopback_3, 16);
	cr_assert_eq(received.from.port[0] << 8 | received.from.port[1], bound.port);
	to.local_address[3] = 4;
	cr_assert_eq(udp_send(&bound, &to, UDP_DS_NONE, "hello", 5), -EADDRNOTAVAIL);
	/* the routing table would choose 127.0.0.1 */
	memset(to.local_address, 0, 16);
	received_count = 0;
	cr_assert_eq(udp_send(&bound, &to, UDP_DS_NONE, "hello", 5), 0);
	receive_one(there.sockets[0].waiter.fd);
	cr_assert_arr_eq(received.from.address, loopback_2, 16);
	to.family = FAMILY_IPV6;
	cr_assert_eq(udp_send(&bound, &to, UDP_DS_NONE, "hello", 5), -EAFNOSUPPORT);
	udp_close(&bound);
}

Test(udp, the_port_is_free_on_other_addresses)
{
	struct udp bound = {0}, other = {0};

	cr_assert_eq(open_bound(&bound, 0, 1), 0);
	cr_assert_eq(open_any(&other, bound.port), -EADDRINUSE);
	cr_assert_eq(open_bound(&other, bound.port, 2), -EADDRINUSE);
	cr_assert_eq(other.count, 0);
	cr_assert_eq(udp_open(&other, &(struct udp_place){.port = bound.port,
							  .addresses = two_and_three + 1,
							  .count = 1}),
		     0);
	udp_close(&other);
	/* ours may stand beside it, to take its place */
	udp_share_port(&bound, true);
	cr_assert_eq(open_any(&other, bound.port), 0);
	udp_close(&bound);
	udp_share_port(&other, false);
	cr_assert_eq(open_bound(&bound, other.port, 1), -EADDRINUSE);
	udp_close(&other);
}
