// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * log.c - lines to stderr, which is the terminal or, in the background, a file. A line is written in one
 * piece, so that lines of several agents in one file do not mix. Contract: log.h.
 */
#include <agent/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *tunnel;
	enum log_level level;
} log_state = {.tunnel = "wgxdp", .level = LOG_ERROR};

void log_start(const char *tunnel)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{"silent", LOG_SILENT},
		{"error", LOG_ERROR},
		{"verbose", LOG_VERBOSE},
		{"debug", LOG_VERBOSE},
	};
	const char *wanted = getenv("WG_LOG_LEVEL") ?: getenv("LOG_LEVEL");

	log_state.tunnel = tunnel;
	for (size_t i = 0; wanted && i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!strcmp(wanted, levels[i].name))
			log_state.level = levels[i].level;
	}
}

int log_to_file(const char *path)
{
	int fd = open(getenv("WG_LOG_FILE") ?: path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		      0600);
	int error;

	if (fd < 0)
		return -errno;
	error = dup2(fd, STDERR_FILENO) < 0 ? -errno : 0;
	close(fd);
	return error;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[512];
	va_list arguments;
	int length;

	if (level > log_state.level)
		return;
	length = snprintf(line, sizeof(line), "%s: ", log_state.tunnel);
	va_start(arguments, format);
	vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	strcat(line, "\n");
	/* a log that cannot be written is no reason to stop */
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}
