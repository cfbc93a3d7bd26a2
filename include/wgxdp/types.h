/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * types.h - what differs between the two compilers this tree is built with.
 *
 * Everything in include/wgxdp compiles for the host and for BPF. This is the only file that asks
 * which of the two it is: fixed-width types, unaligned little- and big-endian access, assertions and
 * the few words that steer the optimiser. It holds no logic.
 */
#ifndef WGXDP_TYPES_H
#define WGXDP_TYPES_H

/* Both compilers take these from their own freestanding headers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one place that asks; elsewhere, where a line must differ, `#if WGXDP_ON_BPF`. */
#ifdef __bpf__
#define WGXDP_ON_BPF 1
#else
#define WGXDP_ON_BPF 0
#endif

#if WGXDP_ON_BPF
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#else
#include <linux/bpf.h>
#include <string.h>
#endif

#define WGXDP_INLINE static inline __attribute__((always_inline, unused))
#define WGXDP_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define WGXDP_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/*
 * A function that is called, not inlined. In BPF it is global: the verifier looks at it once, by its
 * prototype, instead of at every call; its pointers may be NULL there and must be checked.
 */
#if WGXDP_ON_BPF
#define WGXDP_CALLED __attribute__((noinline))
#else
#define WGXDP_CALLED static __attribute__((noinline, unused))
#endif

/* Makes the compiler forget what it knows of a number in BPF, so that it keeps the masks and comparisons
 * from which the verifier must learn the same. */
#if WGXDP_ON_BPF
#define WGXDP_FORGET(number) asm volatile("" : "+r"(number))
#else
#define WGXDP_FORGET(number) ((void)(number))
#endif

#ifdef __clang__
#define WGXDP_NO_UNROLL _Pragma("clang loop unroll(disable)")
#define WGXDP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define WGXDP_NO_UNROLL _Pragma("GCC unroll 1")
#define WGXDP_UNROLL _Pragma("GCC unroll 64")
#endif

/*
 * BPF has no byte-order question of its own: the object is built for the machine it runs on, and so
 * is the host's. A wide load from packet memory must be one instruction in BPF, where clang would
 * otherwise split it into bytes; the verifier allows it on every machine with efficient unaligned
 * access. On the host memcpy says the same without undefined behaviour.
 */
#if WGXDP_ON_BPF
#define WGXDP_NATIVE_LOAD(type, from) (*(const volatile type *)(from))
#define WGXDP_NATIVE_STORE(type, to, value) (*(volatile type *)(to) = (value))
#else
#define WGXDP_NATIVE_LOAD(type, from)                                                              \
	({                                                                                         \
		type wgxdp_loaded_;                                                                \
		memcpy(&wgxdp_loaded_, (from), sizeof(wgxdp_loaded_));                             \
		wgxdp_loaded_;                                                                     \
	})
#define WGXDP_NATIVE_STORE(type, to, value)                                                        \
	do {                                                                                       \
		type wgxdp_stored_ = (value);                                                      \
		memcpy((to), &wgxdp_stored_, sizeof(wgxdp_stored_));                               \
	} while (0)
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WGXDP_LE32(value) ((uint32_t)(value))
#define WGXDP_LE64(value) ((uint64_t)(value))
#define WGXDP_BE16(value) ((uint16_t)__builtin_bswap16(value))
#define WGXDP_BE32(value) ((uint32_t)__builtin_bswap32(value))
#define WGXDP_BE64(value) ((uint64_t)__builtin_bswap64(value))
#else
#define WGXDP_LE32(value) ((uint32_t)__builtin_bswap32(value))
#define WGXDP_LE64(value) ((uint64_t)__builtin_bswap64(value))
#define WGXDP_BE16(value) ((uint16_t)(value))
#define WGXDP_BE32(value) ((uint32_t)(value))
#define WGXDP_BE64(value) ((uint64_t)(value))
#endif

WGXDP_INLINE uint32_t load_le32(const void *from)
{
	return WGXDP_LE32(WGXDP_NATIVE_LOAD(uint32_t, from));
}

WGXDP_INLINE uint64_t load_le64(const void *from)
{
	return WGXDP_LE64(WGXDP_NATIVE_LOAD(uint64_t, from));
}

WGXDP_INLINE void store_le32(void *to, uint32_t value)
{
	WGXDP_NATIVE_STORE(uint32_t, to, WGXDP_LE32(value));
}

WGXDP_INLINE void store_le64(void *to, uint64_t value)
{
	WGXDP_NATIVE_STORE(uint64_t, to, WGXDP_LE64(value));
}

WGXDP_INLINE uint32_t load_be32(const void *from)
{
	return WGXDP_BE32(WGXDP_NATIVE_LOAD(uint32_t, from));
}

WGXDP_INLINE void store_be32(void *to, uint32_t value)
{
	WGXDP_NATIVE_STORE(uint32_t, to, WGXDP_BE32(value));
}

WGXDP_INLINE void store_be64(void *to, uint64_t value)
{
	WGXDP_NATIVE_STORE(uint64_t, to, WGXDP_BE64(value));
}

#endif
