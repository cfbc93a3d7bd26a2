/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * verdicts.h - the list of wgxdp/verdict.h as people and programs read it. What it is counted in is elsewhere.
 */
#ifndef WGXDP_UTIL_VERDICTS_H
#define WGXDP_UTIL_VERDICTS_H

#include <wgxdp/types.h>
#include <wgxdp/verdict.h>

/* "bad-tag" */
const char *verdict_name(enum verdict verdict);
/* "transport packet that fails authentication" */
const char *verdict_meaning(enum verdict verdict);
/* Whether packets that end so were lost or refused. */
bool verdict_is_drop(enum verdict verdict);
/* By the first `length` bytes of `name`; VERDICT_COUNT when there is none. */
enum verdict verdict_from_name(const char *name, size_t length);

#endif
