#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The UDP checksum of what is sealed, judged by the kernel: without the receive program at b all of it goes through
# b's UDP socket, which drops what is wrong. The wire counts what has none.
. "$(dirname "$0")/topology.sh"
both_wgxdp
make_topology
make_tunnel 4
wgxdp b detach eth0
in_ns wire nft -f - <<END
	table netdev look {
		counter none { }
		counter some { }
		chain from_a {
			type filter hook ingress device to-a priority 0
			udp dport $PORT @th,64,32 0x04000000 udp checksum 0 counter name none
			udp dport $PORT @th,64,32 0x04000000 udp checksum != 0 counter name some
		}
	}
END

# counted NAME
counted() {
	in_ns wire nft -j list counter netdev look "$1" | jq '.nftables[] | select(.counter).counter.packets'
}

# refused: datagrams whose checksum b's kernel found wrong, of both families.
refused() {
	in_ns b cat /proc/net/snmp /proc/net/snmp6 | awk '
		$1 == "Udp:" && !names { for (names = 1; names <= NF; names++) column[$names] = names; next }
		$1 == "Udp:" { sum += $column["InCsumErrors"] }
		$1 == "Udp6InCsumErrors" { sum += $2 }
		END { print sum + 0 }'
}

for family in 4 6; do
	set_endpoint a "$(outer b "$family")"
	# every length modulo four, and what a last byte alone does
	for size in 16 17 18 19 63 64 65 700 1391 1392; do
		in_ns a ping -q -c 2 -i 0.02 -W 2 -s "$size" -p "$MARKER" "${INNER4[b]}" >/dev/null || die "$size bytes are lost"
	done
	in_ns a ping -q -c 2 -i 0.02 -W 2 -s 1372 -p "$MARKER" "${INNER6[b]}" >/dev/null || die "1372 bytes are lost"
	equal "outer IPv$family: refused by b" 0 "$(refused)"
	equal "outer IPv$family: without a checksum" 0 "$(counted none)"
	step "outer IPv$family: $(counted some) so far with a checksum, all of them right"
done
at_least "seen with a checksum" 44 "$(counted some)"
