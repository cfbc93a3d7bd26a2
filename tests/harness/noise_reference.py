#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""noise_reference.py - WireGuard's handshake a second time, to check the first one with.

It follows section 5.4 of the WireGuard paper line by line, in the paper's names, from primitives
written here out of RFC 7748 (the curve), RFC 8439 (the AEAD) and draft-irtf-cfrg-xchacha-03 (the
cookie's AEAD); BLAKE2s is Python's own. It shares no line with the C code, it is slow, and it is
not constant time: it knows only keys that are printed below.

    noise_reference.py                 print tests/harness/vectors.h
    noise_reference.py --check FILE    TAP: is FILE what would be printed?
    noise_reference.py --self-test     TAP: the primitives against the vectors of their RFCs
"""
import hashlib
import hmac
import struct
import sys

# ---- X25519, RFC 7748 section 5 ------------------------------------------------------------------

P = 2**255 - 19
A24 = 121665


def clamp(secret):
    out = bytearray(secret)
    out[0] &= 248
    out[31] = out[31] & 127 | 64
    return bytes(out)


def x25519(secret, point):
    k = int.from_bytes(clamp(secret), "little")
    u = int.from_bytes(point, "little") % 2**255
    x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swapped ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + A24 * e) % P
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(secret):
    return x25519(secret, bytes([9]) + bytes(31))


# ---- ChaCha20, Poly1305 and their AEAD, RFC 8439 section 2 ---------------------------------------

CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
COLUMNS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
DIAGONALS = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]


def rotate(word, bits):
    return (word << bits | word >> 32 - bits) & 0xFFFFFFFF


def quarter_round(x, a, b, c, d):
    for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[first] = (x[first] + x[second]) & 0xFFFFFFFF
        x[third] = rotate(x[third] ^ x[first], bits)


def twenty_rounds(state):
    x = list(state)
    for _ in range(10):
        for indices in COLUMNS + DIAGONALS:
            quarter_round(x, *indices)
    return x


def chacha20_block(key, counter, nonce):
    state = CONSTANTS + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    sums = [(s + x) & 0xFFFFFFFF for s, x in zip(state, twenty_rounds(state))]
    return struct.pack("<16I", *sums)


def chacha20(key, counter, nonce, text):
    stream = b"".join(
        chacha20_block(key, counter + i, nonce) for i in range((len(text) + 63) // 64)
    )
    return bytes(a ^ b for a, b in zip(text, stream))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(key[16:], "little")
    a = 0
    for i in range(0, len(message), 16):
        a = (a + int.from_bytes(message[i : i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((a + s) % 2**128).to_bytes(16, "little")


def pad16(text):
    return text + bytes(-len(text) % 16)


def chacha20_poly1305(key, nonce, text, additional):
    sealed = chacha20(key, 1, nonce, text)
    lengths = struct.pack("<QQ", len(additional), len(sealed))
    one_time_key = chacha20_block(key, 0, nonce)[:32]
    return sealed + poly1305(one_time_key, pad16(additional) + pad16(sealed) + lengths)


# ---- XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03 section 2 ------------------------------------


def hchacha20(key, nonce):
    state = CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce)
    x = twenty_rounds(state)
    return struct.pack("<8I", *x[:4], *x[12:])


def xchacha20_poly1305(key, nonce, text, additional):
    return chacha20_poly1305(hchacha20(key, nonce[:16]), bytes(4) + nonce[16:], text, additional)


# ---- The paper's functions, section 5.4 ----------------------------------------------------------

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
LABEL_MAC1 = b"mac1----"
LABEL_COOKIE = b"cookie--"


def HASH(data):
    return hashlib.blake2s(data).digest()


def MAC(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def HMAC(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def KDF(n, key, data):
    t0 = HMAC(key, data)
    outputs = [HMAC(t0, b"\x01")]
    for i in range(2, n + 1):
        outputs.append(HMAC(t0, outputs[-1] + bytes([i])))
    return outputs


def AEAD(key, counter, text, additional):
    return chacha20_poly1305(key, bytes(4) + struct.pack("<Q", counter), text, additional)


def TAI64N(seconds, nanoseconds):
    """The label, nanoseconds rounded down to a multiple of 2^24 as the kernel does."""
    return struct.pack(">QI", 2**62 + 10 + seconds, nanoseconds >> 24 << 24)


# ---- Messages, sections 5.4.2 to 5.4.5 and 5.4.7 -------------------------------------------------
# The results of the DH steps are arguments, so that a message can also be made which its receiver
# would have to accept if it did not refuse a result of zero.


def add_mac1(message, receiver_public):
    return message + MAC(HASH(LABEL_MAC1 + receiver_public), message)


def initiation(sender, static_i, ephemeral_i, static_r, es, ss, timestamp):
    """(message with mac1 and an empty mac2, C, H)"""
    C = HASH(CONSTRUCTION)
    H = HASH(HASH(C + IDENTIFIER) + static_r)
    (C,) = KDF(1, C, ephemeral_i)
    H = HASH(H + ephemeral_i)
    C, k = KDF(2, C, es)
    encrypted_static = AEAD(k, 0, static_i, H)
    H = HASH(H + encrypted_static)
    C, k = KDF(2, C, ss)
    encrypted_timestamp = AEAD(k, 0, timestamp, H)
    H = HASH(H + encrypted_timestamp)
    message = struct.pack("<II", 1, sender) + ephemeral_i + encrypted_static + encrypted_timestamp
    return add_mac1(message, static_r) + bytes(16), C, H


def response(C, H, sender, receiver, static_i, ephemeral_r, ee, se, preshared_key):
    """(message with mac1 and an empty mac2, C, H)"""
    (C,) = KDF(1, C, ephemeral_r)
    H = HASH(H + ephemeral_r)
    (C,) = KDF(1, C, ee)
    (C,) = KDF(1, C, se)
    C, tau, k = KDF(3, C, preshared_key)
    H = HASH(H + tau)
    encrypted_nothing = AEAD(k, 0, b"", H)
    H = HASH(H + encrypted_nothing)
    message = struct.pack("<III", 2, sender, receiver) + ephemeral_r + encrypted_nothing
    return add_mac1(message, static_i) + bytes(16), C, H


def make_cookie(secret, address, port):
    return MAC(secret, address + struct.pack(">H", port))


def cookie_reply(receiver, checker_public, nonce, cookie, mac1):
    sealed = xchacha20_poly1305(HASH(LABEL_COOKIE + checker_public), nonce, cookie, mac1)
    return struct.pack("<II", 3, receiver) + nonce + sealed


# ---- The vectors of the RFCs ---------------------------------------------------------------------

unhex = bytes.fromhex

LADIES = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
    b"future, sunscreen would be it."
)
INTERNET_DRAFTS = (
    b"Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
    b"replaced, or obsoleted by other documents at any time. It is inappropriate to use "
    b"Internet-Drafts as reference material or to cite them other than as /\xe2\x80\x9cwork in "
    b"progress./\xe2\x80\x9d"
)
# scalar, u-coordinate, result: 5.2 twice, 6.1 thrice
RFC7748 = """
    a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4
    e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c
    c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552
    4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d
    e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493
    95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957
    77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a
    0900000000000000000000000000000000000000000000000000000000000000
    8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a
    5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb
    0900000000000000000000000000000000000000000000000000000000000000
    de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f
    77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a
    de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f
    4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742
""".split()
RFC7748 = [tuple(unhex(value) for value in RFC7748[i : i + 3]) for i in range(0, 15, 3)]
RFC7748_ITERATED = [  # 5.2, after 1 and after 1 000 rounds
    (1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"),
    (1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"),
]
RFC8439_A_5 = {  # its nonce has the form of ours: four zero bytes and a counter
    "key": unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
    "nonce": unhex("000000000102030405060708"),
    "text": INTERNET_DRAFTS,
    "additional": unhex("f33388860000000000004e91"),
    "sealed": unhex(
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e"
        "382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd"
        "60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c76"
        "7b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a"
        "0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276"
        "27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b0270"
        "9beead9d67890cbb22392336fea1851f38"
    ),
}
XCHACHA_A_3_1 = {
    "key": bytes(range(0x80, 0xA0)),
    "nonce": bytes(range(0x40, 0x58)),
    "text": LADIES,
    "additional": unhex("50515253c0c1c2c3c4c5c6c7"),
    "sealed": unhex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f"
        "4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f"
        "76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    ),
}
# Each is an encoding of a point whose order divides 8, from which every secret makes zero.
LOW_ORDER = [
    (0).to_bytes(32, "little"),
    (1).to_bytes(32, "little"),
    unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (P - 1).to_bytes(32, "little"),
    P.to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
]


def rfc7693_sequence(length, seed):
    a, b = 0xDEAD4BAD * seed & 0xFFFFFFFF, 1
    out = bytearray()
    for _ in range(length):
        a, b = b, (a + b) & 0xFFFFFFFF
        out.append(b >> 24)
    return bytes(out)


def rfc7693_self_test():
    """Appendix E: the hash over all hashes of the seeded sequences."""
    grand = hashlib.blake2s()
    for size in (16, 20, 28, 32):
        for length in (0, 3, 64, 65, 255, 1024):
            text = rfc7693_sequence(length, length)
            grand.update(hashlib.blake2s(text, digest_size=size).digest())
            key = rfc7693_sequence(size, size)
            grand.update(hashlib.blake2s(text, key=key, digest_size=size).digest())
    return grand.digest()


RFC7693_B = unhex("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")
RFC7693_E = unhex("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe")


def iterated(rounds):
    k = u = bytes([9]) + bytes(31)
    for _ in range(rounds):
        k, u = x25519(k, u), k
    return k


def aead_agrees(function, vector):
    sealed = function(vector["key"], vector["nonce"], vector["text"], vector["additional"])
    return sealed == vector["sealed"]


def self_test():
    yield "RFC 7748 5.2, 6.1: scalar multiplication", all(
        x25519(k, u) == out for k, u, out in RFC7748
    )
    for rounds, out in RFC7748_ITERATED:
        yield f"RFC 7748 5.2: {rounds} rounds", iterated(rounds) == unhex(out)
    yield "low-order points yield zero", all(
        x25519(key("any"), point[:31] + bytes([point[31] | top])) == bytes(32)
        for point in LOW_ORDER
        for top in (0, 0x80)
    )
    yield "RFC 8439 2.3.2: ChaCha20 block", chacha20_block(
        bytes(range(32)), 1, unhex("000000090000004a00000000")
    )[:16] == unhex("10f1e7e4d13b5915500fdd1fa32071c4")
    yield "RFC 8439 2.5.2: Poly1305", poly1305(
        unhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"),
        b"Cryptographic Forum Research Group",
    ) == unhex("a8061dc1305136c6c22b8baf0c0127a9")
    yield "RFC 8439 A.5: AEAD", aead_agrees(chacha20_poly1305, RFC8439_A_5)
    yield "xchacha-03 2.2.1: HChaCha20", hchacha20(
        bytes(range(32)), unhex("000000090000004a0000000031415927")
    ) == unhex("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    yield "xchacha-03 A.3.1: AEAD", aead_agrees(xchacha20_poly1305, XCHACHA_A_3_1)
    yield "RFC 7693 B: BLAKE2s of abc", HASH(b"abc") == RFC7693_B
    yield "RFC 7693 E: BLAKE2s self-test", rfc7693_self_test() == RFC7693_E
    # Both are constants in most implementations of WireGuard.
    yield "Hash(construction)", HASH(CONSTRUCTION) == unhex(
        "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36"
    )
    yield "Hash(Hash(construction) || identifier)", HASH(HASH(CONSTRUCTION) + IDENTIFIER) == unhex(
        "2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3"
    )


# ---- Our fixed inputs, and what follows from them ------------------------------------------------


def key(name):
    """A key that nobody chose."""
    return HASH(b"wgxdp test key: " + name.encode())


SECONDS, NANOSECONDS = 1_700_000_000, 987_654_321
INITIATOR_INDEX, RESPONDER_INDEX = 0x12345678, 0x9ABCDEF0
TAI64N_CASES = [
    (0, 0),
    (0, 2**24 - 1),
    (0, 2**24),
    (SECONDS, NANOSECONDS),
    (SECONDS, 999_999_999),
    (2**32, 1),
]
KDF_LENGTHS = [0, 1, 32, 63, 64, 65, 128]
COOKIE_CASES = [  # name, address, port
    ("ipv4", bytes([192, 0, 2, 7]), 51820),
    ("ipv6", unhex("20010db8000000000000000000000007"), 51820),
]


def handshake(with_preshared_key):
    """The fields of struct known_handshake, in order."""
    initiator, responder = key("initiator static"), key("responder static")
    ephemeral_i, ephemeral_r = key("initiator ephemeral"), key("responder ephemeral")
    preshared_key = key("preshared") if with_preshared_key else bytes(32)
    es = x25519(ephemeral_i, public(responder))
    ss = x25519(initiator, public(responder))
    ee = x25519(ephemeral_i, public(ephemeral_r))
    se = x25519(initiator, public(ephemeral_r))
    assert es == x25519(responder, public(ephemeral_i)) and se == x25519(
        ephemeral_r, public(initiator)
    )
    timestamp = TAI64N(SECONDS, NANOSECONDS)
    message1, C1, H1 = initiation(
        INITIATOR_INDEX, public(initiator), public(ephemeral_i), public(responder), es, ss,
        timestamp,
    )  # fmt: skip
    message2, C2, H2 = response(
        C1, H1, RESPONDER_INDEX, INITIATOR_INDEX,
        public(initiator), public(ephemeral_r), ee, se, preshared_key,
    )  # fmt: skip
    sending_key, receiving_key = KDF(2, C2, b"")
    return [
        initiator, public(initiator), responder, public(responder), ephemeral_i, ephemeral_r,
        preshared_key, timestamp, message1, C1, H1, message2, C2, H2, sending_key, receiving_key,
    ]  # fmt: skip


HANDSHAKE_FIELDS = """
    initiator_private[32] initiator_public[32] responder_private[32] responder_public[32]
    initiator_ephemeral[32] responder_ephemeral[32] preshared_key[32] timestamp[12]
    initiation[148] initiation_chaining_key[32] initiation_hash[32]
    response[92] response_chaining_key[32] response_hash[32]
    initiator_sending_key[32] initiator_receiving_key[32]
""".split()


def low_order_messages():
    """Well-formed but for a DH step that yields zero: (name, message), each with its mac1."""
    low, zero = LOW_ORDER[2], bytes(32)
    initiator, responder = key("initiator static"), key("responder static")
    ephemeral_i = key("initiator ephemeral")
    es = x25519(ephemeral_i, public(responder))
    ss = x25519(initiator, public(responder))
    common = public(responder), es, ss, TAI64N(SECONDS, NANOSECONDS)
    by_ephemeral, _, _ = initiation(
        INITIATOR_INDEX, public(initiator), low, public(responder), zero, ss, common[3]
    )
    by_static, _, _ = initiation(
        INITIATOR_INDEX, low, public(ephemeral_i), public(responder), es, zero, common[3]
    )
    _, C, H = initiation(INITIATOR_INDEX, public(initiator), public(ephemeral_i), *common)
    answer, _, _ = response(
        C, H, RESPONDER_INDEX, INITIATOR_INDEX, public(initiator), low, zero, zero, bytes(32)
    )
    yield "initiation_with_low_order_ephemeral", by_ephemeral
    yield "initiation_with_low_order_static", by_static
    yield "response_with_low_order_ephemeral", answer


def cookie_case(address, port):
    """The responder, under load, answers the initiation; the initiator sends it again."""
    secret, nonce = key("cookie secret"), key("cookie nonce")[:24]
    message, checker_public = handshake(False)[8], public(key("responder static"))
    mac1 = message[116:132]
    cookie = make_cookie(secret, address, port)
    reply = cookie_reply(INITIATOR_INDEX, checker_public, nonce, cookie, mac1)
    return secret, nonce, cookie, reply, MAC(cookie, message[:132])


# ---- Output --------------------------------------------------------------------------------------

TAB = "\t"
PREAMBLE = """\
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vectors.h - known answers for the cryptography and the handshake (WireGuard paper 5.4, RFC 7693,
 * RFC 7748, RFC 8439, draft-irtf-cfrg-xchacha-03).
 *
 * Written by tests/harness/noise_reference.py, which knows nothing of the C code; not edited by
 * hand: `noise_reference.py --check tests/harness/vectors.h` says whether the two agree.
 */
#ifndef WGXDP_TESTS_VECTORS_H
#define WGXDP_TESTS_VECTORS_H

#include <wgxdp/types.h>

/* clang-format off */
"""


def initialiser(data, tabs):
    rows = [data[i : i + 16] for i in range(0, len(data), 16)]
    return "{" + ",".join("\n" + tabs + ",".join(f"0x{b:02x}" for b in row) for row in rows) + "}"


def array(name, data):
    return f"static const uint8_t {name}[{len(data)}] = {initialiser(data, TAB)};\n"


def table(comment, struct_name, members, name, rows):
    """An array of structs; a member is its declaration, a value bytes or C text."""
    out = f"/* {comment} */\nstruct {struct_name} {{\n"
    out += "".join(f"\t{member};\n" for member in members) + "};\n\n"
    out += f"static const struct {struct_name} {name}[{len(rows)}] = {{\n"
    for row in rows:
        values = (initialiser(v, TAB * 2) if isinstance(v, bytes) else str(v) for v in row)
        names = (member.split("[")[0].split()[-1].lstrip("*") for member in members)
        out += "\t{" + TAB.join(f".{n} = {v},\n" for n, v in zip(names, values)) + "\t},\n"
    return out + "};\n"


def header_parts():
    yield array("blake2s_of_abc", RFC7693_B)
    yield array("blake2s_self_test_hash", RFC7693_E)
    yield table(
        "RFC 7748, 5.2 and 6.1", "known_curve25519",
        ["uint8_t secret[32]", "uint8_t point[32]", "uint8_t result[32]"],
        "known_curve25519s", RFC7748,
    )  # fmt: skip
    yield array("curve25519_after_1_round", unhex(RFC7748_ITERATED[0][1]))
    yield array("curve25519_after_1000_rounds", unhex(RFC7748_ITERATED[1][1]))
    yield table(
        "Every secret makes zero of these, with or without the top bit that X25519 ignores.",
        "low_order_point", ["uint8_t bytes[32]"], "low_order_points", [[p] for p in LOW_ORDER],
    )  # fmt: skip
    for name, vector in (("rfc8439_a_5", RFC8439_A_5), ("xchacha_a_3_1", XCHACHA_A_3_1)):
        for part, data in vector.items():
            yield array(f"{name}_{part}", data)
    yield table(
        "Kdf_n; `input` is the first input_length bytes of 0, 1, 2, ...", "known_kdf",
        ["size_t input_length", "uint8_t outputs[3 * 32]"], "known_kdfs",
        [[n, b"".join(KDF(3, key("chaining"), bytes(range(n))))] for n in KDF_LENGTHS],
    )  # fmt: skip
    yield array("known_kdf_chaining_key", key("chaining"))
    yield table(
        "TAI64N labels, nanoseconds whitened to 2^24", "known_tai64n",
        ["uint64_t seconds", "uint32_t nanoseconds", "uint8_t label[12]"], "known_tai64ns",
        [[f"UINT64_C({s})", n, TAI64N(s, n)] for s, n in TAI64N_CASES],
    )  # fmt: skip
    yield (
        f"#define KNOWN_SECONDS UINT64_C({SECONDS})\n#define KNOWN_NANOSECONDS {NANOSECONDS}\n"
        f"#define KNOWN_INITIATOR_INDEX {INITIATOR_INDEX:#x}\n"
        f"#define KNOWN_RESPONDER_INDEX {RESPONDER_INDEX:#x}\n"
    )
    yield table(
        "A handshake between the indices above: without and with a preshared key. Ephemerals are "
        "the\n * random bytes before clamping; mac2 is zero.",
        "known_handshake", ["uint8_t " + field for field in HANDSHAKE_FIELDS], "known_handshakes",
        [handshake(False), handshake(True)],
    )  # fmt: skip
    yield "/* In the first of these handshakes, well-formed but for a DH step of zero. */\n"
    for name, message in low_order_messages():
        yield array(name, message)
    yield table(
        "The answer under load to the first handshake's initiation, and that initiation's mac2 "
        "then.", "known_cookie",
        ["const char *name", "uint8_t address[16]", "uint8_t address_length", "uint8_t port[2]",
         "uint8_t secret[32]", "uint8_t nonce[24]", "uint8_t cookie[16]", "uint8_t reply[64]",
         "uint8_t mac2[16]"],
        "known_cookies",
        [[f'"{name}"', address.ljust(16, b"\0"), len(address), struct.pack(">H", port)]
         + list(cookie_case(address, port)) for name, address, port in COOKIE_CASES],
    )  # fmt: skip


def header():
    return PREAMBLE + "".join("\n" + part for part in header_parts()) + "\n#endif\n"


def tap(results):
    results = list(results)
    print(f"1..{len(results)}")
    for number, (name, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
    return 0 if all(good for _, good in results) else 1


def main(arguments):
    if not arguments:
        sys.stdout.write(header())
        return 0
    if arguments == ["--self-test"]:
        return tap(self_test())
    if len(arguments) == 2 and arguments[0] == "--check":
        with open(arguments[1], encoding="ascii") as committed:
            agrees = committed.read() == header()
        return tap([(f"{arguments[1]} is what the reference prints", agrees)])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
