#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A persistent keepalive begins by itself when what it lacked comes: the interface goes up, or the private key
# arrives. Nothing else is sent through the tunnel.
. "$(dirname "$0")/topology.sh"
no_userspace
make_topology
start_end a
start_end b
add_peer b
ip -n "$(ns a)" link set "${TUNNEL[a]}" down

step "a is down when its peer comes, with a keepalive"
add_peer a --endpoint "$(outer b 4)" --keepalive 1
equal "initiations" 0 "$(seen initiation)"
ip -n "$(ns a)" link set "${TUNNEL[a]}" up
wait_for 5 "an initiation when a goes up" has_seen initiation 1
wait_for 5 "keepalives" has_seen data 2

step "a loses its private key, and gets it back"
wg set "${TUNNEL[a]}" private-key /dev/null
initiations=$(seen initiation)
wg set "${TUNNEL[a]}" private-key "$WORK/a.key"
wait_for 5 "an initiation when the key arrives" has_seen initiation $((initiations + 1))

step "the keepalive comes later than everything else"
remove_peer a
add_peer a --endpoint "$(outer b 4)"
initiations=$(seen initiation)
wg set "${TUNNEL[a]}" peer "$(public_key b)" persistent-keepalive 1
wait_for 5 "an initiation when the keepalive is set" has_seen initiation $((initiations + 1))
