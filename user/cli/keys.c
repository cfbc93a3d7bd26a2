// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * keys.c - `wgxdp genkey`, `genpsk` and `pubkey`: keys as base64 from stdin and to stdout, as wg(8) has them.
 */
#include <cli/cli.h>
#include <cli/input.h>
#include <crypto/crypto.h>
#include <util/encoding.h>

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int print_key(const struct arguments *arguments, const uint8_t key[static 32])
{
	char line[KEY_BASE64_LENGTH + 1];
	ssize_t written;

	key_to_base64(line, key);
	line[KEY_BASE64_LENGTH] = '\n';
	/* not stdio, which would keep it in a buffer */
	written = write(STDOUT_FILENO, line, sizeof(line));
	crypto_wipe(line, sizeof(line));
	if (written != (ssize_t)sizeof(line)) {
		complain(arguments, "cannot write the key: %s",
			 written < 0 ? strerror(errno) : "it was cut short");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void warn_when_others_can_read(const struct arguments *arguments)
{
	struct stat status;

	if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_mode & S_IRWXO))
		complain(arguments, "warning: others can read the file this key goes to: consider "
				    "'umask 077'");
}

static int print_random_key(const struct arguments *arguments, bool clamp)
{
	uint8_t key[32];
	int status;

	warn_when_others_can_read(arguments);
	randombytes_buf(key, sizeof(key));
	if (clamp)
		curve25519_clamp(key);
	status = print_key(arguments, key);
	crypto_wipe(key, sizeof(key));
	return status;
}

int cli_genkey(const struct arguments *arguments)
{
	return print_random_key(arguments, true);
}

int cli_genpsk(const struct arguments *arguments)
{
	return print_random_key(arguments, false);
}

int cli_pubkey(const struct arguments *arguments)
{
	uint8_t private_key[32], public_key[32];
	bool good = input_key(arguments, STDIN_FILENO, "standard input", false, private_key);

	if (!good)
		return EXIT_FAILURE;
	good = curve25519_public(public_key, private_key);
	crypto_wipe(private_key, sizeof(private_key));
	if (!good) {
		complain(arguments, "the key on standard input has no public key");
		return EXIT_FAILURE;
	}
	return print_key(arguments, public_key);
}
