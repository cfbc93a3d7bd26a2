// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * quick_file.c - finds, reads and replaces a tunnel's file (quick.h). What stands in it is conf.h's.
 */
#include <cli/quick.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".conf"

/* More than any file of a tunnel: 130 560 allowed IPs are 5 MB. */
#define FILE_MAX_SIZE (64 << 20)

static bool ends_with_suffix(const char *text)
{
	size_t length = strlen(text);

	return length > strlen(SUFFIX) && !strcmp(text + length - strlen(SUFFIX), SUFFIX);
}

/* Who names one by its name wants to read neither "no such file" nor a path he did not write. */
bool quick_find(const struct arguments *arguments, const char *operand, struct quick_file *file)
{
	const char *slash = strrchr(operand, '/'), *base = slash ? slash + 1 : operand;
	size_t length = strlen(base);
	bool is_path = slash || ends_with_suffix(operand);

	*file = (struct quick_file){0};
	if (is_path && !ends_with_suffix(operand)) {
		complain(arguments,
			 "'%s': expected a tunnel's name, or a file that is called "
			 "NAME.conf",
			 operand);
		return false;
	}
	if (is_path)
		length -= strlen(SUFFIX);
	snprintf(file->name, sizeof(file->name), "%.*s", (int)length, base);
	if (length >= sizeof(file->name) || !tunnel_name_is_good(arguments, file->name)) {
		if (length >= sizeof(file->name))
			tunnel_name_is_good(arguments, base);
		return false;
	}
	if (!is_path)
		snprintf(file->path, sizeof(file->path), QUICK_DIRECTORY "/%s" SUFFIX, file->name);
	else if (!realpath(operand, file->path))
		snprintf(file->path, sizeof(file->path), "%s", operand);
	return true;
}

/* Not by stdio, whose buffer nobody wipes. */
static char *read_all(int fd, size_t size, size_t *length)
{
	char *text = malloc(size + 1);
	ssize_t got = 1;

	*length = 0;
	while (text && *length < size && (got = read(fd, text + *length, size - *length)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			*length += (size_t)got;
	}
	if (got < 0 && text) {
		crypto_wipe(text, size);
		free(text);
		text = NULL;
	}
	return text;
}

static bool parse(const struct arguments *arguments, struct quick_file *file, const char *text,
		  size_t length)
{
	struct conf_error error;

	if (conf_parse(text, length, &file->conf, &error))
		return true;
	complain(arguments, "%s: line %u: %s", file->path, error.line, error.text);
	return false;
}

static bool read_open_file(const struct arguments *arguments, struct quick_file *file, int fd)
{
	struct stat status;
	size_t length;
	char *text;
	bool good;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		complain(arguments, "%s: expected a file", file->path);
		return false;
	}
	if (status.st_size > FILE_MAX_SIZE) {
		complain(arguments, "%s: too large: expected a tunnel's file", file->path);
		return false;
	}
	if (status.st_mode & S_IRWXO)
		complain(arguments, "warning: others can use %s: consider 'chmod 600'", file->path);
	text = read_all(fd, (size_t)status.st_size, &length);
	if (!text) {
		complain(arguments, "cannot read %s: %s", file->path, strerror(errno));
		return false;
	}
	good = parse(arguments, file, text, length);
	crypto_wipe(text, length);
	free(text);
	return good;
}

bool quick_read(const struct arguments *arguments, const char *operand, struct quick_file *file)
{
	bool good;
	int fd;

	if (!quick_find(arguments, operand, file))
		return false;
	fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain(arguments, "cannot read %s: %s", file->path, strerror(errno));
		return false;
	}
	good = read_open_file(arguments, file, fd);
	close(fd);
	return good;
}

bool quick_write(const struct arguments *arguments, const char *path, const struct conf *conf)
{
	char fresh[PATH_MAX + 8], buffer[4096];
	FILE *to = NULL;
	bool good;
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.tmp", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		to = fdopen(fd, "w");
	if (!to) {
		complain(arguments, "cannot write %s: %s", fresh, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	setvbuf(to, buffer, _IOFBF, sizeof(buffer));
	conf_print(to, conf);
	good = !fflush(to) && !ferror(to) && !fsync(fd);
	good = !fclose(to) && good && !rename(fresh, path);
	crypto_wipe(buffer, sizeof(buffer));
	if (!good) {
		complain(arguments, "cannot write %s: %s", path, strerror(errno));
		unlink(fresh);
	}
	return good;
}
