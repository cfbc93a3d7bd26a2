// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * down.c - `wgxdp down`: the way back from up and attach. It undoes what the record of `up` says, whatever the file
 * says by now, and works without an agent, with whatever a crash has left.
 */
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/quick.h>
#include <cli/tunnel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool remove_all(const struct arguments *arguments, const char *name,
		       const struct quick_record *record)
{
	struct host host;
	bool good = true, found;

	if (!host_open(arguments, &host, HOST_REMOVES))
		return false;
	found = host_remove_tunnel(&host, name);
	if (record)
		good = quick_undo(arguments, &host, name, record);
	host_remove_unused(&host);
	host_close(&host);
	if (!found)
		tunnel_complain_missing(arguments, name);
	return found && good;
}

/* As wg-quick(8): hooks, the file, all that is there, hooks. */
static bool take_down(const struct arguments *arguments, const char *name)
{
	struct quick_record record;
	int error = quick_record_read(name, &record);
	bool good;

	if (error)
		return remove_all(arguments, name, NULL);
	good = quick_run_hooks(arguments, HOOK_PRE_DOWN, &record.pre_down, name) &&
	       (!record.saves_itself || quick_save(arguments, record.path, name)) &&
	       remove_all(arguments, name, &record) &&
	       quick_run_hooks(arguments, HOOK_POST_DOWN, &record.post_down, name);
	quick_record_free(&record);
	return good;
}

int cli_down(const struct arguments *arguments)
{
	struct quick_file file;
	bool good = quick_find(arguments, arguments->operands[0], &file) &&
		    environment_has_rights(arguments);

	if (!good)
		return EXIT_FAILURE;
	if (!take_down(arguments, file.name))
		return EXIT_FAILURE;
	printf("%s: removed\n", file.name);
	return EXIT_SUCCESS;
}
