// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* test_confine.c - a child is confined to some of the files that its parent made, and says what it can do with them. */
#include <agent/confine.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static char root[] = "/tmp/wgxdp-confine-XXXXXX";

static const char *in_root(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_file(const char *name)
{
	int fd = open(in_root(name), O_WRONLY | O_CREAT, 0600);

	cr_assert(fd >= 0 && write(fd, "secret", 6) == 6 && close(fd) == 0);
}

static void make_tree(void)
{
	static const char *const directories[] = {"read", "write", "change", "change/deep",
						  "other"};
	static const char *const files[] = {"read/file", "write/file", "change/file",
					    "change/deep/file", "other/file"};

	cr_assert(mkdtemp(root));
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		cr_assert(mkdir(in_root(directories[i]), 0700) == 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		make_file(files[i]);
}

static void remove_tree(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	cr_assert(system(command) == 0);
}

/* 0 or the errno of the try. */
static int try_open(const char *name, int flags)
{
	int fd = open(in_root(name), flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int confine(void)
{
	char read_only[PATH_MAX], write_too[PATH_MAX], change[PATH_MAX], nowhere[PATH_MAX];
	const struct confine_path paths[] = {
		{read_only, CONFINE_READ},
		{write_too, CONFINE_READ | CONFINE_WRITE},
		{change, CONFINE_READ | CONFINE_WRITE | CONFINE_CHANGE},
		{nowhere, CONFINE_READ | CONFINE_WRITE},
	};

	snprintf(read_only, sizeof(read_only), "%s", in_root("read"));
	/* a file, which has no directory's rights */
	snprintf(write_too, sizeof(write_too), "%s", in_root("write/file"));
	snprintf(change, sizeof(change), "%s", in_root("change"));
	snprintf(nowhere, sizeof(nowhere), "%s", in_root("nowhere"));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return confine_to(paths, sizeof(paths) / sizeof(paths[0]));
}

static void *try_in_thread(void *result)
{
	*(int *)result = try_open("other/file", O_RDONLY);
	return NULL;
}

#define CHECK(expected, what)                                                                      \
	do {                                                                                       \
		int result = (what);                                                               \
		if (result != (expected)) {                                                        \
			fprintf(stderr, "%s: %d, not %d\n", #what, result, (expected));            \
			return EXIT_FAILURE;                                                       \
		}                                                                                  \
	} while (0)

static int try_all(int opened_before)
{
	char to[PATH_MAX];
	pthread_t thread;
	int in_thread = 0, error = confine();

	if (error == -EOPNOTSUPP)
		return SKIPPED;
	CHECK(0, -error);
	CHECK(0, try_open("read/file", O_RDONLY));
	CHECK(EACCES, try_open("read/file", O_WRONLY));
	CHECK(EACCES, try_open("read/new", O_WRONLY | O_CREAT));
	CHECK(0, try_open("write/file", O_WRONLY | O_TRUNC));
	CHECK(EACCES, try_open("write/new", O_WRONLY | O_CREAT));
	CHECK(0, try_open("change/new", O_RDWR | O_CREAT));
	CHECK(0, try_open("change/deep/file", O_RDWR));
	snprintf(to, sizeof(to), "%s", in_root("change/file"));
	CHECK(0, rename(in_root("change/new"), to));
	CHECK(0, unlink(in_root("change/file")));
	CHECK(-1, rmdir(in_root("change/deep")));
	CHECK(EACCES, mkdir(in_root("change/more"), 0700) ? errno : 0);
	CHECK(EACCES, try_open("other/file", O_RDONLY));
	CHECK(EACCES, unlink(in_root("other/file")) ? errno : 0);
	/* since Linux 6.2 */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 3)
		CHECK(EACCES, truncate(in_root("other/file"), 0) ? errno : 0);
	CHECK(EACCES, execl("/bin/true", "true", NULL) ? errno : 0);
	CHECK(0, pthread_create(&thread, NULL, try_in_thread, &in_thread) ||
			 pthread_join(thread, NULL));
	CHECK(EACCES, in_thread);
	CHECK(0, (int)lseek(opened_before, 0, SEEK_SET));
	CHECK(1, read(opened_before, to, 6) >= 0);
	return EXIT_SUCCESS;
}

Test(confine, a_process_has_these_files_and_no_others)
{
	int opened, status;
	pid_t child;

	make_tree();
	opened = open(in_root("other/file"), O_RDONLY);
	child = fork();
	if (child == 0)
		_exit(try_all(opened));
	cr_assert(waitpid(child, &status, 0) == child);
	close(opened);
	remove_tree();
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		cr_skip_test("this kernel has no Landlock");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}
