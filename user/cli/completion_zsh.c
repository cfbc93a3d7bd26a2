// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * completion_zsh.c - the table of commands as a completion for zsh: a case for each command, in the words of zsh's
 * _arguments.
 */
#include <cli/cli.h>
#include <cli/completion.h>

#include <string.h>

static const char head[] = "#compdef wgxdp\n"
			   "# zsh completion for wgxdp(8), made from its table of commands\n\n"
			   "_wgxdp_kind() {\n"
			   "\tlocal -a found\n"
			   "\tcase $1 in\n"
			   "\tIFACE) found=(/sys/class/net/*(N:t)) ;;\n"
			   "\tTUNNEL|NAME) found=(/var/run/wireguard/*.sock(N:t:r)) ;;\n"
			   "\t'NAME|FILE') found=(/etc/wireguard/*.conf(N:t:r)); _files ;;\n"
			   "\tFILE) _files ;;\n"
			   "\tMODE) found=(auto native generic) ;;\n"
			   "\tCOMMAND) found=(${${_wgxdp_commands%%:*}%% *}) ;;\n"
			   "\tSHELL) found=(bash zsh fish) ;;\n"
			   "\t'N|off') found=(off) ;;\n"
			   "\t'on|off') found=(on off) ;;\n"
			   "\tesac\n"
			   "\tcompadd -a found\n"
			   "}\n\n";

static const char tail[] = "\n_wgxdp() {\n"
			   "\tlocal command=$words[2]\n"
			   "\tlocal -a verbs\n"
			   "\tif (( CURRENT == 2 )); then\n"
			   "\t\t_describe -V command _wgxdp_commands\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\tverbs=(${${(M)_wgxdp_verbs:#$command *}#* })\n"
			   "\tif (( $#verbs )); then\n"
			   "\t\tif (( CURRENT == 3 )); then\n"
			   "\t\t\t_describe -V verb verbs\n"
			   "\t\t\treturn\n"
			   "\t\tfi\n"
			   "\t\tcommand+=\" $words[3]\"\n"
			   "\t\tshift words\n"
			   "\t\t(( CURRENT-- ))\n"
			   "\tfi\n"
			   "\tshift words\n"
			   "\t(( CURRENT-- ))\n"
			   "\t_wgxdp_command \"$command\"\n"
			   "}\n\n"
			   "_wgxdp \"$@\"\n";

/* Within single quotes; a "]" would end an option's explanation. */
static void print_quoted(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else
			printf(*text == ']' || *text == '\\' ? "\\%c" : "%c", *text);
	}
}

static void print_option(const struct option_spec *option)
{
	const char *repeats = option->repeats ? "*" : "";

	if (option->letter)
		printf(" \\\n\t\t'(-%c --%s)'{-%c,--%s}'[", option->letter, option->name,
		       option->letter, option->name);
	else
		printf(" \\\n\t\t'%s--%s%s[", repeats, option->name, option->value ? "=" : "");
	print_quoted(option->help);
	printf("]");
	if (option->value) {
		/* the ":" of HOST:PORT would end the word that names it */
		const char *colon = strchr(option->value, ':');
		int before = (int)strcspn(option->value, ":");

		printf(":%.*s%s%s: _wgxdp_kind \"%s\"", before, option->value, colon ? "\\" : "",
		       colon ? colon : "", option->value);
	}
	printf("'");
}

static void print_command(const struct command *command)
{
	const struct option_spec *option = command->options;
	const char *operand = command->operands + strspn(command->operands, "[");
	int length = (int)strcspn(operand, "]");

	printf("\t'%s') _arguments '(- *)'{-h,--help}'[print this]'", command->name);
	for (; option && option->name; option++)
		print_option(option);
	if (*operand)
		printf(" \\\n\t\t':%.*s: _wgxdp_kind \"%.*s\"'", length, operand, length, operand);
	printf(" ;;\n");
}

/* "name:what it does", or "noun verb:what it does". */
static void print_words(bool with_verbs)
{
	printf("_wgxdp_%s=(\n", with_verbs ? "verbs" : "commands");
	for (const struct command *command = commands; command->name; command++) {
		const char *space = strchr(command->name, ' ');

		if (with_verbs != (space != NULL))
			continue;
		printf("\t'%s:", command->name);
		print_quoted(command->summary);
		printf("'\n");
	}
	/* a noun is said once */
	for (const struct command *command = commands; !with_verbs && command->name; command++) {
		int length = (int)strcspn(command->name, " ");

		if (command->name[length] &&
		    (command == commands ||
		     strncmp(command[-1].name, command->name, (size_t)length + 1) != 0))
			printf("\t'%.*s:'\n", length, command->name);
	}
	printf(")\n");
}

void completion_print_zsh(void)
{
	fputs(head, stdout);
	printf("typeset -ga _wgxdp_commands _wgxdp_verbs\n");
	print_words(false);
	print_words(true);
	printf("\n_wgxdp_command() {\n\tcase $1 in\n");
	for (const struct command *command = commands; command->name; command++)
		print_command(command);
	printf("\tesac\n}\n");
	fputs(tail, stdout);
}
