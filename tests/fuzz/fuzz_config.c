/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_config.c - a tunnel's file (cli/conf.h) of any bytes: it is refused with a line that it has and words, or what is
 * read, printed and read again is the same and differs in nothing.
 */
#include <cli/conf.h>
#include <cli/conf_sync.h>
#include <crypto/crypto.h>
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	return 0;
}

static char *print(const struct conf *conf, size_t *length)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, length);

	REQUIRE(to);
	conf_print(to, conf);
	REQUIRE(fclose(to) == 0);
	return text;
}

static unsigned int lines_of(const uint8_t *data, size_t size)
{
	unsigned int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_config change;
	struct conf first, second;
	struct conf_error error;
	size_t once_length, twice_length;
	char *once, *twice;

	if (!conf_parse((const char *)data, size, &first, &error)) {
		REQUIRE(error.line >= 1 && error.line <= lines_of(data, size));
		REQUIRE(*error.text);
		return 0;
	}
	once = print(&first, &once_length);
	REQUIRE(conf_parse(once, once_length, &second, &error));
	twice = print(&second, &twice_length);
	REQUIRE(once_length == twice_length && !memcmp(once, twice, once_length));

	REQUIRE(conf_difference(&second.device, &second.device, second.device.fwmark, &change) ==
		0);
	REQUIRE(!change.has_private_key && !change.has_fwmark && !change.has_listen_port);
	config_free(&change);
	REQUIRE(conf_difference(&first.device, &second.device, first.device.fwmark, &change) == 0);
	config_free(&change);
	conf_free(&first);
	conf_free(&second);
	free(once);
	free(twice);
	return 0;
}
