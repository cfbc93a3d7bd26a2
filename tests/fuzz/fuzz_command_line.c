/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fuzz_command_line.c - any words after the program's name, a line of the input each, through the real table and the
 * real commands (cli/). The world below them is a seam: whatever a command asks of the system, of the data path, of
 * links or of an agent is refused (seams.c), but that a file it reads contains its own name.
 *
 * A line that cannot be read is refused with status 2 before anything was asked for; whatever is refused before that is
 * refused in one line of plain characters, with nothing printed; a command that fails says why; nothing is leaked.
 */
#include <cli/cli.h>
#include <crypto/crypto.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "seams.h"

enum { WORDS_MAX = 24, INPUT_MAX = 4096, SAID_MAX = 64 << 10 };

/* What a stream was told, as far as it fits. */
struct stream {
	char text[SAID_MAX];
	size_t length;
};

static struct stream out, err;

static ssize_t keep(void *cookie, const char *text, size_t length)
{
	struct stream *stream = cookie;
	size_t room = sizeof(stream->text) - stream->length;

	memcpy(stream->text + stream->length, text, length < room ? length : room);
	stream->length += length < room ? length : room;
	return (ssize_t)length;
}

static FILE *stream_to(struct stream *stream)
{
	FILE *file = fopencookie(stream, "w", (cookie_io_functions_t){.write = keep});

	REQUIRE(file);
	setvbuf(file, NULL, _IOLBF, BUFSIZ);
	return file;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	REQUIRE(crypto_start() == 0);
	REQUIRE(unsetenv("WG_UAPI_FD") == 0 && unsetenv("NOTIFY_SOCKET") == 0);
	return 0;
}

static void check_lines(const struct stream *said)
{
	REQUIRE(said->length == 0 || said->text[said->length - 1] == '\n');
	for (size_t i = 0; i < said->length; i++)
		REQUIRE(said->text[i] == '\n' || !iscntrl((unsigned char)said->text[i]));
}

static bool is_one_line(const struct stream *said)
{
	return said->length > 1 &&
	       memchr(said->text, '\n', said->length) == said->text + said->length - 1;
}

static void check(int status)
{
	REQUIRE(status == EXIT_SUCCESS || status == EXIT_FAILURE || status == EXIT_USAGE);
	check_lines(&err);
	REQUIRE(status == EXIT_SUCCESS || err.length > 0);
	REQUIRE(status != EXIT_USAGE || seams_asked() == 0);
	if (status != EXIT_SUCCESS && seams_asked() == 0)
		REQUIRE(is_one_line(&err) && out.length == 0);
}

/* The words, and NULL behind them as main() has it. They point into `text`. */
static int split(char *text, char *words[WORDS_MAX + 1])
{
	int count = 0;
	char *word;

	while (count < WORDS_MAX && (word = strsep(&text, "\n")))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *true_stdout = stdout, *true_stderr = stderr;
	char text[INPUT_MAX + 1], *words[WORDS_MAX + 1];
	int status, count;

	if (size > INPUT_MAX || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	count = split(text, words);

	out.length = err.length = 0;
	stdout = stream_to(&out);
	stderr = stream_to(&err);
	seams_begin();
	status = commands_run(count, words);
	seams_end();
	fclose(stdout);
	fclose(stderr);
	stdout = true_stdout;
	stderr = true_stderr;
	check(status);
	return 0;
}
