#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Byte counters to the byte, as the kernel's own script asks: ten pings of 84 bytes through a fresh tunnel
# are a handshake (148 out, 92 in), ten times 128 each way, and perhaps a keepalive of 32.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
in_ns b ping -q -f -c 10 -W 1 "${INNER4[a]}" >/dev/null

read -r rx tx < <(show b transfer)
step "b, which began: $rx received, $tx sent"
equal "received by b" 1372 "$rx"
[ "$tx" = 1428 ] || equal "sent by b" 1460 "$tx"
read -r rx_a tx_a < <(show a transfer)
step "a: $rx_a received, $tx_a sent"
equal "received by a, as b sent it" "$tx" "$rx_a"
equal "sent by a, as b received it" "$rx" "$tx_a"
