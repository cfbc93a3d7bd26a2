/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * main.c - argv to a command. The table is the one list of commands: dispatch and help are made from it.
 */
#include <cli/cli.h>
#include <crypto/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_help(int argc, char **argv);
static int print_version(int argc, char **argv);

static const struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"selftest", "seal, open, hash and replay checks in BPF on this kernel (root)",
	 cli_selftest},
	{"version", "print the version", print_version},
	{"help", "print this list", print_help},
};

static const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static bool takes_no_arguments(const char *command, int argc, char **argv)
{
	if (argc > 0)
		fprintf(stderr, "wgxdp: '%s' after %s: expected nothing\n", argv[0], command);
	return argc == 0;
}

static int print_help(int argc, char **argv)
{
	if (!takes_no_arguments("help", argc, argv))
		return EXIT_FAILURE;
	printf("Usage: wgxdp COMMAND\n\n");
	for (size_t i = 0; i < command_count; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	return EXIT_SUCCESS;
}

static int print_version(int argc, char **argv)
{
	if (!takes_no_arguments("version", argc, argv))
		return EXIT_FAILURE;
	printf("wgxdp %s\n", WGXDP_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		fprintf(stderr, "wgxdp: no command: expected one that 'wgxdp help' lists\n");
		return EXIT_FAILURE;
	}
	if (crypto_start()) {
		fprintf(stderr, "wgxdp: libsodium cannot be used on this machine\n");
		return EXIT_FAILURE;
	}
	while (*name == '-')
		name++;
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	}
	fprintf(stderr, "wgxdp: '%s' is not a command: expected one that 'wgxdp help' lists\n",
		argv[1]);
	return EXIT_FAILURE;
}
