/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
bool same_peer(const struct peer *peer, const struct peer *other)
{
	return !memcmp(peer->handshake.static_static, other->handshake.preshared_key,
		       NOISE_SYMMETRIC_KEY_LENGTH);
}
