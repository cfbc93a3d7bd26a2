// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * options.c - a command line against its table (options.h). Not getopt(): its messages do not say what was
 * expected, and its table knows nothing of help.
 *
 * The line is walked twice, to check it and to look a value up, by the same step; nothing is stored.
 */
#include <cli/options.h>

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a step over the command line found. */
struct word {
	/* NULL: an operand */
	const struct option_spec *option;
	/* the operand, or the option's value */
	const char *text;
};

enum step { STEP_END, STEP_WORD, STEP_UNKNOWN, STEP_NO_VALUE, STEP_VALUE_UNWANTED };

struct walk {
	int next;
	bool options_ended;
};

static const struct option_spec help_option = {"help", 'h', false, NULL, "print this"};

static bool is_called(const struct option_spec *option, const char *word)
{
	size_t length = strlen(option->name);

	if (word[1] != '-')
		return option->letter && word[1] == option->letter && word[2] == '\0';
	return strncmp(word + 2, option->name, length) == 0 &&
	       (word[2 + length] == '\0' || word[2 + length] == '=');
}

static const struct option_spec *find_option(const struct command *command, const char *word)
{
	const struct option_spec *option = command->options;

	for (; option && option->name; option++) {
		if (is_called(option, word))
			return option;
	}
	return is_called(&help_option, word) ? &help_option : NULL;
}

static enum step walk_on(const struct arguments *arguments, struct walk *walk, struct word *found)
{
	const char *word, *equals;

	if (walk->next < arguments->argc && !walk->options_ended &&
	    strcmp(arguments->argv[walk->next], "--") == 0) {
		walk->options_ended = true;
		walk->next++;
	}
	if (walk->next >= arguments->argc)
		return STEP_END;
	word = arguments->argv[walk->next++];
	*found = (struct word){.text = word};
	if (walk->options_ended || word[0] != '-' || word[1] == '\0')
		return STEP_WORD;

	found->option = find_option(arguments->command, word);
	if (!found->option)
		return STEP_UNKNOWN;
	equals = word[1] == '-' ? strchr(word, '=') : NULL;
	if (!found->option->value) {
		found->text = "";
		return equals ? STEP_VALUE_UNWANTED : STEP_WORD;
	}
	if (!equals && walk->next >= arguments->argc)
		return STEP_NO_VALUE;
	found->text = equals ? equals + 1 : arguments->argv[walk->next++];
	return STEP_WORD;
}

const char *option_value(const struct arguments *arguments, const char *name, unsigned int nth)
{
	const struct option_spec *option = arguments->command->options;
	struct walk walk = {0};
	struct word word;

	while (option && option->name && strcmp(option->name, name) != 0)
		option++;
	assert(option && option->name);
	while (walk_on(arguments, &walk, &word) == STEP_WORD) {
		if (word.option == option && nth-- == 0)
			return word.text;
	}
	return NULL;
}

/* A command that is a program of its own is not said to be one of wgxdp's. */
static const char *program_of(const struct command *command, const char *separator)
{
	return strncmp(command->name, "wgxdp-", strlen("wgxdp-")) == 0 ? "" : separator;
}

/* One line whatever is in it: what people gave may hold line ends, and what a terminal obeys. */
static void say(const char *format, va_list values)
{
	char *line = NULL;

	if (vasprintf(&line, format, values) < 0)
		return;
	for (const char *byte = line; *byte; byte++)
		fputc(iscntrl((unsigned char)*byte) ? '?' : *byte, stderr);
	free(line);
}

void complain(const struct arguments *arguments, const char *format, ...)
{
	va_list values;

	fprintf(stderr, "%s%s: ", program_of(arguments->command, "wgxdp: "),
		arguments->command->name);
	va_start(values, format);
	say(format, values);
	va_end(values);
	fputc('\n', stderr);
}

void complain_early(const char *format, ...)
{
	va_list values;

	fprintf(stderr, "wgxdp: ");
	va_start(values, format);
	say(format, values);
	va_end(values);
	fputc('\n', stderr);
}

/* Names and places of the options that may be given, for the one who gave another. */
static void complain_unknown(const struct arguments *arguments, const char *word)
{
	const struct option_spec *option = arguments->command->options;
	char expected[512] = "";
	size_t length = 0;

	for (; option && option->name; option++)
		length += (size_t)snprintf(expected + length, sizeof(expected) - length, "--%s, ",
					   option->name);
	assert(length < sizeof(expected));
	complain(arguments, "'%s' is not an option: expected %s--help", word, expected);
}

/* How many words the operands of a command are, and how many of them must be there. */
static void count_operands(const char *operands, int *required, int *most)
{
	*required = *most = 0;
	while (*operands) {
		*required += *operands != '[';
		++*most;
		operands += strcspn(operands, " ");
		operands += strspn(operands, " ");
	}
}

static bool check_operands(const struct arguments *arguments, const char *extra)
{
	const char *operands = arguments->command->operands;
	int required, most;

	count_operands(operands, &required, &most);
	if (arguments->operand_count < required)
		complain(arguments, "something is missing: expected %s", operands);
	else if (extra)
		complain(arguments, "'%s' is too much: expected %s", extra,
			 most ? operands : "nothing");
	return arguments->operand_count >= required && !extra;
}

static bool given_before(const struct arguments *arguments, const struct walk *until,
			 const struct option_spec *option)
{
	struct walk walk = {0};
	struct word word;
	unsigned int times = 0;

	while (walk.next < until->next && walk_on(arguments, &walk, &word) == STEP_WORD)
		times += word.option == option;
	return times > 1;
}

static bool check_step(const struct arguments *arguments, const struct walk *walk, enum step step,
		       const struct word *word)
{
	const char *name = word->option ? word->option->name : word->text;

	switch (step) {
	case STEP_UNKNOWN:
		complain_unknown(arguments, name);
		return false;
	case STEP_NO_VALUE:
		complain(arguments, "nothing follows --%s: expected %s", name, word->option->value);
		return false;
	case STEP_VALUE_UNWANTED:
		complain(arguments, "--%s takes no value", name);
		return false;
	case STEP_WORD:
	case STEP_END:
		break;
	}
	if (word->option && !word->option->repeats && given_before(arguments, walk, word->option)) {
		complain(arguments, "--%s is given twice: expected it once", name);
		return false;
	}
	return true;
}

enum options_result options_parse(struct arguments *arguments, const struct command *command,
				  int argc, char **argv)
{
	const char *extra = NULL;
	struct walk walk = {0};
	struct word word;
	int required, most;
	enum step step;

	*arguments = (struct arguments){.command = command, .argc = argc, .argv = argv};
	count_operands(command->operands, &required, &most);
	while ((step = walk_on(arguments, &walk, &word)) != STEP_END) {
		if (word.option == &help_option)
			return OPTIONS_HELP;
		if (!check_step(arguments, &walk, step, &word))
			return OPTIONS_BAD;
		if (word.option)
			continue;
		if (arguments->operand_count < most)
			arguments->operands[arguments->operand_count++] = word.text;
		else if (!extra)
			extra = word.text;
	}
	return check_operands(arguments, extra) ? OPTIONS_GOOD : OPTIONS_BAD;
}

static void print_option(FILE *to, const struct option_spec *option)
{
	char left[48];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
		 option->value ? " " : "", option->value ? option->value : "");
	fprintf(to, "  %-32s %s%s\n", left, option->help,
		option->repeats ? " (may be repeated)" : "");
}

void options_print_help(FILE *to, const struct command *command)
{
	const struct option_spec *option = command->options;

	fprintf(to, "Usage: %s%s%s%s%s\n  %s\n", program_of(command, "wgxdp "), command->name,
		*command->operands ? " " : "", command->operands, option ? " [OPTION]..." : "",
		command->summary);
	for (; option && option->name; option++)
		print_option(to, option);
}
