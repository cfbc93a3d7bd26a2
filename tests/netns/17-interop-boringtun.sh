#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As 04, with boringtun.
ENGINE_B=boringtun exec "$(dirname "$0")/04-interop.sh"
