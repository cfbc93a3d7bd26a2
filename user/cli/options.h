/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options.h - what a command takes, as a table, and the words of a command line checked against it. The
 * table is all there is to know: the parser and the help are made from it. What a value means is the
 * command's business.
 */
#ifndef WGXDP_CLI_OPTIONS_H
#define WGXDP_CLI_OPTIONS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit status of a command line that cannot be read; 1 is for all that fails later. */
#define EXIT_USAGE 2

#define OPERANDS_MAX 2

struct option_spec {
	/* without its dashes */
	const char *name;
	/* "-f" for short, 0: none */
	char letter;
	/* may be given several times */
	bool repeats;
	/* what follows it, as the help writes it; NULL: nothing */
	const char *value;
	const char *help;
};

struct arguments;

struct command {
	/* one word, or a noun and a verb: "peer add" */
	const char *name;
	/* as the help writes them: "IFACE", "[TUNNEL]", or "" */
	const char *operands;
	const char *summary;
	/* ends with an option without name; NULL: none */
	const struct option_spec *options;
	/* returns the exit status; what is wrong it says in one line on stderr */
	int (*run)(const struct arguments *arguments);
};

/* A command line that fits its command. It points into argv. */
struct arguments {
	const struct command *command;
	const char *operands[OPERANDS_MAX];
	int operand_count;
	int argc;
	char **argv;
};

enum options_result {
	OPTIONS_GOOD,
	/* --help is among them */
	OPTIONS_HELP,
	/* said on stderr */
	OPTIONS_BAD,
};

/* Checks the words after the command's name. "--name value" and "--name=value" are the same, "--" ends the
 * options, and operands may stand between them. */
enum options_result options_parse(struct arguments *arguments, const struct command *command,
				  int argc, char **argv);

/* The option's nth value ("" when it takes none), or NULL when it was not given that often. The name must
 * be in the command's table. */
const char *option_value(const struct arguments *arguments, const char *name, unsigned int nth);

void options_print_help(FILE *to, const struct command *command);

/* "wgxdp: COMMAND: ..." in one line on stderr, and "wgxdp: ..." where no command is known yet. */
void complain(const struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void complain_early(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
