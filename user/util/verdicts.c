// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* verdicts.c - tables made from wgxdp/verdict.h. Contract: verdicts.h. */
#include <string.h>
#include <util/verdicts.h>

static const struct {
	const char *name;
	const char *meaning;
} verdicts[VERDICT_COUNT] = {
#define X(id, name, meaning) [VERDICT_##id] = {name, meaning},
	WGXDP_VERDICTS(X)
#undef X
};

const char *verdict_name(enum verdict verdict)
{
	return verdicts[verdict].name;
}

const char *verdict_meaning(enum verdict verdict)
{
	return verdicts[verdict].meaning;
}

bool verdict_is_drop(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_DELIVERED:
	case VERDICT_KEEPALIVE:
	case VERDICT_SEALED:
	case VERDICT_STAGED:
	case VERDICT_SLOW_WAY:
		return false;
	default:
		return true;
	}
}

enum verdict verdict_from_name(const char *name, size_t length)
{
	enum verdict verdict = 0;

	while (verdict < VERDICT_COUNT && (strlen(verdicts[verdict].name) != length ||
					   strncmp(verdicts[verdict].name, name, length) != 0))
		verdict++;
	return verdict;
}
