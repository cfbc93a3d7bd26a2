#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As 30, with boringtun.
ENGINE_B=boringtun exec "$(dirname "$0")/30-interop-changes.sh"
