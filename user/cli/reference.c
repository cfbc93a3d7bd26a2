// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * reference.c - the table of commands as the manual page wants it (`wgxdp help --man`), and the choice among shells
 * that want it otherwise (`wgxdp help --completion SHELL`). What a command takes stands in commands.c alone.
 */
#include <cli/cli.h>
#include <cli/completion.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* roff takes a "-" for a hyphen, a "." or "'" at the beginning of a line for a request, and "\" for its own. */
static void print_roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			putchar('\\');
		if (*text == '\\')
			putchar('e');
		else if (*text == '\'')
			printf("\\(aq");
		else
			putchar(*text);
	}
}

static void print_option_roff(const struct option_spec *option)
{
	printf(".TP\n\\fB");
	if (option->letter)
		printf("\\-%c\\fR, \\fB", option->letter);
	print_roff("--");
	print_roff(option->name);
	printf("\\fR");
	if (option->value) {
		printf(" \\fI");
		print_roff(option->value);
		printf("\\fR");
	}
	putchar('\n');
	print_roff(option->help);
	printf("%s\n", option->repeats ? " (may be repeated)" : "");
}

static void print_command_roff(const struct command *command)
{
	const struct option_spec *option = command->options;

	printf(".SS \"\\fBwgxdp ");
	print_roff(command->name);
	printf("\\fR");
	if (*command->operands) {
		printf(" \\fI");
		print_roff(command->operands);
		printf("\\fR");
	}
	printf("\"\n%c", toupper((unsigned char)command->summary[0]));
	print_roff(command->summary + 1);
	printf(".\n");
	for (; option && option->name; option++)
		print_option_roff(option);
}

void reference_print_man(void)
{
	for (const struct command *command = commands; command->name; command++)
		print_command_roff(command);
}

bool reference_print_completion(const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(void);
	} rows[] = {
		{"bash", completion_print_bash},
		{"zsh", completion_print_zsh},
		{"fish", completion_print_fish},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(shell, rows[i].shell) == 0) {
			rows[i].print();
			return true;
		}
	}
	return false;
}
