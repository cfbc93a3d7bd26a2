#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As 04, with the newest wireguard-go, when somebody has built it: WIREGUARD_GO_NEWEST names it, and
# `GOBIN=$PWD/build/go go install golang.zx2c4.com/wireguard@latest` makes it where it is looked for.
suite=$(dirname "$0")
newest=${WIREGUARD_GO_NEWEST:-${O:-$suite/../../build}/go/wireguard}
if [ ! -x "$newest" ]; then
	echo "SKIP there is no newest wireguard-go at $newest"
	exit 77
fi
WIREGUARD_GO=$(readlink -f "$newest") exec "$suite/04-interop.sh"
