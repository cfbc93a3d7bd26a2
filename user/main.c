// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * main.c - what every command needs before it runs. The commands are in cli/commands.c.
 */
#include <cli/cli.h>
#include <crypto/crypto.h>

#include <signal.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	/* An agent that goes away is an error to report, not to die of. */
	signal(SIGPIPE, SIG_IGN);
	if (crypto_start()) {
		fprintf(stderr, "wgxdp: libsodium cannot be used on this machine\n");
		return EXIT_FAILURE;
	}
	return commands_run(argc, argv);
}
