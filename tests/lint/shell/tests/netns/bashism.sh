#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
if [[ $1 == up ]]; then echo up; fi
