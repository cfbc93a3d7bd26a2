/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * limits.h - the protocol's numbers, each with its section of the WireGuard paper ("WireGuard: Next
 * Generation Kernel Network Tunnel", NDSS 2017). Where the paper is silent or differs, the number
 * is the Linux kernel's and the comment says so.
 *
 * Times are nanoseconds of a clock that goes on while the machine sleeps (CLOCK_BOOTTIME).
 */
#ifndef WGXDP_LIMITS_H
#define WGXDP_LIMITS_H

#include <wgxdp/types.h>

#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
#define SECONDS(n) ((uint64_t)(n) * NANOSECONDS_PER_SECOND)
#define MILLISECONDS(n) ((uint64_t)(n) * UINT64_C(1000000))

/* 6.1: when a session grows old. */
#define REKEY_AFTER_MESSAGES (UINT64_C(1) << 60)
#define REJECT_AFTER_MESSAGES (UINT64_MAX - (UINT64_C(1) << 13))
#define REKEY_AFTER_TIME SECONDS(120)
#define REJECT_AFTER_TIME SECONDS(180)

/* 6.4: a handshake that is not answered is tried again. The jitter is uniform in [0, MAX]. */
#define REKEY_TIMEOUT SECONDS(5)
#define REKEY_TIMEOUT_JITTER_MAX MILLISECONDS(333)
#define REKEY_ATTEMPT_TIME SECONDS(90)
/* Kernel: the first initiation and 90 / 5 + 1 retries. */
#define MAX_INITIATIONS 20

/* 6.5: passive keepalive, and a new handshake when nothing comes back. */
#define KEEPALIVE_TIMEOUT SECONDS(10)
#define NEW_HANDSHAKE_TIMEOUT (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT)

/* 6.2: the initiator rekeys on receive when the session would not outlive the next silence. */
#define REKEY_ON_RECEIVE_TIME (REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT)

/* 6.3: keys and handshake are wiped when no new session was made for three lifetimes. */
#define WIPE_AFTER_TIME (3 * REJECT_AFTER_TIME)

/* Kernel: initiations of one peer are accepted at most 50 times a second. */
#define INITIATION_INTERVAL_MIN (NANOSECONDS_PER_SECOND / 50)

/* 6.6: cookies. The responder's secret and the initiator's cookie live this long; the initiator
 * stops a little earlier (kernel: 5 s for the way there). */
#define COOKIE_SECRET_MAX_AGE SECONDS(120)
#define COOKIE_SECRET_LATENCY SECONDS(5)

/* Kernel: handshake messages waiting before the responder counts as under load, and for how long
 * it then stays so; the queue holds 4 096, an eighth of it is load. */
#define UNDER_LOAD_QUEUE_LENGTH 512
#define UNDER_LOAD_AFTER_TIME SECONDS(1)

/* Kernel: handshakes a second, and in one burst, of one IPv4 address or IPv6 /64 under load. */
#define RATELIMIT_PACKETS_PER_SECOND 20
#define RATELIMIT_PACKETS_BURST 5

/* Ours: initiations without a cookie that are answered by one each second, and in one burst: of sources that keep
 * to the rate above, and of all others together. The agent spends 4 us on each. */
#define UNDER_LOAD_RARE_PER_SECOND 10000
#define UNDER_LOAD_FREQUENT_PER_SECOND 1000
#define UNDER_LOAD_BURST 200

/* Kernel: packets kept for a peer while it has no session. */
#define STAGED_PACKETS_MAX 128

/* 5.4.6 and kernel: inner packets are padded to this, never beyond the MTU. */
#define MESSAGE_PADDING_MULTIPLE 16

/* The longest inner packet the transport crypto takes: a jumbo frame of 9 000 bytes. */
#define TRANSPORT_TEXT_MAX 9000

#endif
