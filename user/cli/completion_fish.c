// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * completion_fish.c - the table of commands as a completion for fish: one `complete` for each command, option and
 * operand, with the words that must stand before it.
 */
#include <cli/cli.h>
#include <cli/completion.h>

#include <string.h>

static const char head[] = "# fish completion for wgxdp(8), made from its table of commands\n\n"
			   "function __wgxdp_kind\n"
			   "\tswitch $argv[1]\n"
			   "\tcase IFACE\n"
			   "\t\tcommand ls /sys/class/net\n"
			   "\tcase TUNNEL NAME\n"
			   "\t\tfor socket in /var/run/wireguard/*.sock\n"
			   "\t\t\tstring replace -r '.*/(.*)\\.sock$' '$1' $socket\n"
			   "\t\tend\n"
			   "\tcase 'NAME|FILE'\n"
			   "\t\tfor file in /etc/wireguard/*.conf\n"
			   "\t\t\tstring replace -r '.*/(.*)\\.conf$' '$1' $file\n"
			   "\t\tend\n"
			   "\tcase MODE\n"
			   "\t\tprintf '%s\\n' auto native generic\n"
			   "\tcase SHELL\n"
			   "\t\tprintf '%s\\n' bash zsh fish\n"
			   "\tcase 'N|off'\n"
			   "\t\techo off\n"
			   "\tcase 'on|off'\n"
			   "\t\tprintf '%s\\n' on off\n"
			   "\tend\n"
			   "end\n\n"
			   "# the words before the cursor are these and no more\n"
			   "function __wgxdp_after\n"
			   "\tset -l words (commandline -opc)\n"
			   "\ttest \"$words[2..]\" = \"$argv\"\n"
			   "end\n\n"
			   "# they begin with these\n"
			   "function __wgxdp_in\n"
			   "\tset -l words (commandline -opc)\n"
			   "\ttest (count $words) -gt (count $argv); or return\n"
			   "\ttest \"$words[2..$(math 1 + (count $argv))]\" = \"$argv\"\n"
			   "end\n\n"
			   "complete -c wgxdp -f\n";

/* Within single quotes. */
static void print_quoted(const char *text)
{
	for (; *text; text++)
		printf(*text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

static bool is_file(const char *kind, int length)
{
	return length >= 4 && strncmp(kind + length - 4, "FILE", 4) == 0;
}

/* What follows, by its name in the help, cut at `length`. */
static void print_kind(const char *kind, int length)
{
	if (length == 7 && strncmp(kind, "COMMAND", 7) == 0) {
		printf(" -a '");
		for (const struct command *command = commands; command->name; command++)
			printf("%.*s ", (int)strcspn(command->name, " "), command->name);
		printf("'");
		return;
	}
	printf(" -a '(__wgxdp_kind \"%.*s\")'", length, kind);
	if (is_file(kind, length))
		printf(" -F");
}

static void print_option(const struct command *command, const struct option_spec *option)
{
	printf("complete -c wgxdp -n '__wgxdp_in %s' -l %s", command->name, option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (option->value) {
		int length = (int)strlen(option->value);

		/* with an argument; and that is no file, when nothing more is said */
		printf(is_file(option->value, length) ? " -r" : " -x");
		print_kind(option->value, length);
	}
	printf(" -d '");
	print_quoted(option->help);
	printf("'\n");
}

static void print_command(const struct command *command)
{
	const struct option_spec *option = command->options;
	const char *operand = command->operands + strspn(command->operands, "[");
	const char *space = strchr(command->name, ' ');
	int noun = space ? (int)(space - command->name) : 0;

	if (space && (command == commands ||
		      strncmp(command[-1].name, command->name, (size_t)noun + 1) != 0))
		printf("complete -c wgxdp -n '__wgxdp_after' -a %.*s\n", noun, command->name);
	printf("complete -c wgxdp -n '__wgxdp_after%s%.*s' -a %s -d '", space ? " " : "", noun,
	       command->name, space ? space + 1 : command->name);
	print_quoted(command->summary);
	printf("'\n");
	printf("complete -c wgxdp -n '__wgxdp_in %s' -l help -s h -d 'print this'\n",
	       command->name);
	for (; option && option->name; option++)
		print_option(command, option);
	if (*operand) {
		printf("complete -c wgxdp -n '__wgxdp_in %s'", command->name);
		print_kind(operand, (int)strcspn(operand, "]"));
		printf("\n");
	}
}

void completion_print_fish(void)
{
	fputs(head, stdout);
	for (const struct command *command = commands; command->name; command++)
		print_command(command);
}
