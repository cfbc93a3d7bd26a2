#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One handshake, and a thousand flooded pings each way without a loss.
. "$(dirname "$0")/topology.sh"
make_topology
make_tunnel 4
equal "handshake before there is anything to say" 0 "$(seen initiation)"

flood a b 4 1000
flood b a 4 1000
equal "initiations" 1 "$(seen initiation)"
equal "responses" 1 "$(seen response)"
at_least "data messages on the wire" $((4000 / SLOW)) "$(seen data)"
