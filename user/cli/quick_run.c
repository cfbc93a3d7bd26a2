// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * quick_run.c - runs the programs that a tunnel's file asks for (quick.h): its hooks, resolvconf, nft. Each is told of
 * on stderr, as wg-quick(8) does.
 */
#include <cli/quick.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL_PREFERRED "/bin/bash"
#define SHELL_USUAL "/bin/sh"
#define PATH_USUAL "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

bool quick_has_program(const char *name)
{
	char *list = strdup(getenv("PATH") ?: PATH_USUAL), *next = list, *directory;
	char path[PATH_MAX];
	bool found = false;

	while (!found && (directory = strsep(&next, ":"))) {
		snprintf(path, sizeof(path), "%s/%s", directory, name);
		found = access(path, X_OK) == 0;
	}
	free(list);
	return found;
}

/* The agent ignores SIGPIPE, and so do we; what we run need not. */
__attribute__((noreturn)) static void become(const char *const *argv, int input)
{
	if (input >= 0)
		dup2(input, STDIN_FILENO);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "wgxdp: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static bool wait_for(const struct arguments *arguments, pid_t child, const char *what)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			complain(arguments, "%s: %s", what, strerror(errno));
			return false;
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		complain(arguments, "%s: failed with status %d", what, WEXITSTATUS(status));
	else
		complain(arguments, "%s: ended by signal %d", what, WTERMSIG(status));
	return false;
}

/* A pipe's room is enough for all we ever say; what is longer waits for the reader. */
static void write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			text += written;
			length -= (size_t)written;
		}
	}
}

bool quick_run(const struct arguments *arguments, const char *const *argv, const char *input)
{
	int pipe_fds[2] = {-1, -1};
	pid_t child;

	fprintf(stderr, "[#]");
	for (const char *const *word = argv; *word; word++)
		fprintf(stderr, " %s", *word);
	fputc('\n', stderr);
	fflush(NULL);
	if (input && pipe2(pipe_fds, O_CLOEXEC)) {
		complain(arguments, "%s: %s", argv[0], strerror(errno));
		return false;
	}
	child = fork();
	if (child == 0)
		become(argv, pipe_fds[0]);
	if (input) {
		close(pipe_fds[0]);
		if (child > 0)
			write_all(pipe_fds[1], input);
		close(pipe_fds[1]);
	}
	if (child < 0) {
		complain(arguments, "%s: %s", argv[0], strerror(errno));
		return false;
	}
	return wait_for(arguments, child, argv[0]);
}

/* Each "%i" of the command is the tunnel's name. The caller frees it; NULL without memory. */
static char *expand(const char *command, const char *name)
{
	char *expanded = NULL;
	size_t size;
	FILE *to = open_memstream(&expanded, &size);

	if (!to)
		return NULL;
	for (; *command; command++) {
		if (command[0] == '%' && command[1] == 'i') {
			fputs(name, to);
			command++;
		} else {
			fputc(*command, to);
		}
	}
	if (fclose(to)) {
		free(expanded);
		return NULL;
	}
	return expanded;
}

static bool run_hook(const struct arguments *arguments, const char *what, char *command)
{
	const char *shell = access(SHELL_PREFERRED, X_OK) ? SHELL_USUAL : SHELL_PREFERRED;
	const char *const argv[] = {shell, "-c", command, NULL};
	pid_t child;

	fprintf(stderr, "[#] %s\n", command);
	fflush(NULL);
	child = fork();
	if (child == 0)
		become(argv, -1);
	if (child < 0) {
		complain(arguments, "%s: %s", what, strerror(errno));
		return false;
	}
	return wait_for(arguments, child, what);
}

bool quick_run_hooks(const struct arguments *arguments, enum conf_hook hook,
		     const struct conf_list *commands, const char *name)
{
	bool good = true;

	for (size_t i = 0; i < commands->count && good; i++) {
		char *command = expand(commands->items[i], name);

		good = command && run_hook(arguments, conf_hook_name(hook), command);
		if (!command)
			complain(arguments, "out of memory");
		free(command);
	}
	return good;
}
