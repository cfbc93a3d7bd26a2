#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As 30, with the newest wireguard-go that Debian has.
ENGINE_B=wireguard-go-newest exec "$(dirname "$0")/30-interop-changes.sh"
