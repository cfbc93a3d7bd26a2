#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As 04, with the newest wireguard-go that Debian has, which scripts/fetch-wireguard-go gets.
suite=$(dirname "$0")
if ! WIREGUARD_GO=$("$suite/../../scripts/fetch-wireguard-go" 2>&1); then
	echo "SKIP $WIREGUARD_GO"
	exit 77
fi
WIREGUARD_GO=$(tail -n 1 <<<"$WIREGUARD_GO")
export WIREGUARD_GO
exec "$suite/04-interop.sh"
