/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
bool mac_is_valid(const uint8_t *mac1, const uint8_t *computed)
{
	return memcmp(mac1, computed, 16) == 0;
}
