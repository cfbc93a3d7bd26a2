// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* completion_bash.c - the table of commands as a completion for bash: `_wgxdp` in bash's own words. */
#include <cli/cli.h>
#include <cli/completion.h>

#include <string.h>

static void print_command_case(const struct command *command)
{
	const struct option_spec *option = command->options;

	printf("\t'%s')\n\t\toperands='%s' options='--help", command->name, command->operands);
	for (; option && option->name; option++)
		printf(" --%s", option->name);
	printf("' values='");
	for (option = command->options; option && option->name; option++) {
		if (option->value)
			printf(" --%s:%s ", option->name, option->value);
	}
	printf("' ;;\n");
}

/* The words that can come first, and those that follow a noun. */
static void print_words(void)
{
	printf("_wgxdp_words() {\n\techo '");
	for (const struct command *command = commands; command->name; command++)
		printf("%.*s ", (int)strcspn(command->name, " "), command->name);
	printf("'\n}\n\n_wgxdp_verbs() {\n");
	for (const struct command *command = commands; command->name; command++) {
		const char *space = strchr(command->name, ' ');

		if (space)
			printf("\t[ \"$1\" != '%.*s' ] || echo '%s'\n",
			       (int)(space - command->name), command->name, space + 1);
	}
	printf("}\n\n");
}

static const char completion_head[] =
	"# bash completion for wgxdp(8), made from its table of commands\n\n";

static const char completion_tail[] =
	"_wgxdp_kind() {\n"
	"\tcase $1 in\n"
	"\tIFACE) ls /sys/class/net ;;\n"
	"\tTUNNEL | NAME) for socket in /var/run/wireguard/*.sock; do\n"
	"\t\tsocket=${socket##*/}\n"
	"\t\t[ \"$socket\" = '*.sock' ] || echo \"${socket%.sock}\"\n"
	"\tdone ;;\n"
	"\t'NAME|FILE') for file in /etc/wireguard/*.conf; do\n"
	"\t\tfile=${file##*/}\n"
	"\t\t[ \"$file\" = '*.conf' ] || echo \"${file%.conf}\"\n"
	"\tdone ;;\n"
	"\tMODE) echo auto native generic ;;\n"
	"\tCOMMAND) _wgxdp_words ;;\n"
	"\tSHELL) echo bash zsh fish ;;\n"
	"\t'N|off' | 'on|off') echo off ;;\n"
	"\tesac 2>/dev/null\n"
	"}\n\n"
	"_wgxdp() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal command=${COMP_WORDS[1]} operands='' options='' values='' kind=''\n"
	"\tCOMPREPLY=()\n"
	"\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_wgxdp_words)\" -- \"$word\" | sort -u)\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [ -n \"$(_wgxdp_verbs \"$command\")\" ]; then\n"
	"\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_wgxdp_verbs \"$command\")\" -- \"$word\")\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tcommand=\"$command ${COMP_WORDS[2]}\"\n"
	"\tfi\n"
	"\t_wgxdp_command \"$command\"\n"
	"\tkind=${values#* \"$previous\":}\n"
	"\tif [ \"$kind\" != \"$values\" ]; then\n"
	"\t\tkind=${kind%% *}\n"
	"\telif [[ $word == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
	"\t\treturn\n"
	"\telse\n"
	"\t\tkind=${operands%% *}\n"
	"\t\tkind=${kind#[}\n"
	"\t\tkind=${kind%]}\n"
	"\tfi\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$(_wgxdp_kind \"$kind\")\" -- \"$word\")\n"
	"\tcase $kind in\n"
	"\t*FILE*) mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
	"\tesac\n"
	"}\n\n"
	"complete -F _wgxdp wgxdp\n";

void completion_print_bash(void)
{
	fputs(completion_head, stdout);
	print_words();
	printf("# sets operands, options and values for the caller\n_wgxdp_command() {\n\tcase $1 in\n");
	for (const struct command *command = commands; command->name; command++)
		print_command_case(command);
	printf("\tesac\n}\n\n");
	fputs(completion_tail, stdout);
}
