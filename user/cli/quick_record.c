// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * quick_record.c - what `wgxdp up` did (quick.h), so that `down` undoes that, whatever the file says by then. Lines
 * "key=value" in the agent's directory, gone with the machine's power like all they tell of.
 */
#include <agent/agent.h>
#include <cli/quick.h>
#include <util/encoding.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_SUFFIX "up"

static void print(FILE *to, const struct quick_record *record)
{
	fprintf(to, "path=%s\n", record->path);
	if (record->saves_itself)
		fprintf(to, "saves\n");
	if (record->has_dns)
		fprintf(to, "dns\n");
	if (record->has_firewall)
		fprintf(to, "firewall\n");
	if (record->mark)
		fprintf(to, "mark=%u\n", record->mark);
	if (record->has_ipv4_rules)
		fprintf(to, "ipv4-rules\n");
	if (record->has_ipv6_rules)
		fprintf(to, "ipv6-rules\n");
	for (size_t i = 0; i < record->pre_down.count; i++)
		fprintf(to, "pre-down=%s\n", record->pre_down.items[i]);
	for (size_t i = 0; i < record->post_down.count; i++)
		fprintf(to, "post-down=%s\n", record->post_down.items[i]);
}

int quick_record_write(const char *name, const struct quick_record *record)
{
	char path[PATH_MAX], fresh[PATH_MAX + 8];
	int error = agent_path(path, name, RECORD_SUFFIX), fd;
	FILE *to;

	if (error)
		return error;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	/* hooks may hold what is nobody's business */
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to)
		return -errno;
	print(to, record);
	if (fclose(to) || rename(fresh, path)) {
		error = -errno;
		unlink(fresh);
	}
	return error;
}

static bool add(struct conf_list *list, const char *text)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(items[0]));

	if (!items)
		return false;
	list->items = items;
	items[list->count] = strdup(text);
	return items[list->count++] != NULL;
}

static bool read_line(struct quick_record *record, char *line)
{
	char *value = strchr(line, '=');
	uint64_t mark = 0;

	if (value)
		*value++ = '\0';
	if (!value) {
		record->saves_itself |= !strcmp(line, "saves");
		record->has_dns |= !strcmp(line, "dns");
		record->has_firewall |= !strcmp(line, "firewall");
		record->has_ipv4_rules |= !strcmp(line, "ipv4-rules");
		record->has_ipv6_rules |= !strcmp(line, "ipv6-rules");
		return true;
	}
	if (!strcmp(line, "path"))
		snprintf(record->path, sizeof(record->path), "%s", value);
	else if (!strcmp(line, "mark") && number_from_text(&mark, value, UINT32_MAX))
		record->mark = (uint32_t)mark;
	else if (!strcmp(line, "pre-down"))
		return add(&record->pre_down, value);
	else if (!strcmp(line, "post-down"))
		return add(&record->post_down, value);
	return true;
}

int quick_record_read(const char *name, struct quick_record *record)
{
	char path[PATH_MAX], *line = NULL;
	int error = agent_path(path, name, RECORD_SUFFIX);
	FILE *from = error ? NULL : fopen(path, "re");
	size_t size = 0;
	ssize_t length;

	*record = (struct quick_record){0};
	if (!from)
		return error ? error : -errno;
	while (!error && (length = getline(&line, &size, from)) > 0) {
		line[length - 1] = '\0';
		if (!read_line(record, line))
			error = -ENOMEM;
	}
	free(line);
	fclose(from);
	if (error)
		quick_record_free(record);
	return error;
}

static void free_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void quick_record_free(struct quick_record *record)
{
	free_list(&record->pre_down);
	free_list(&record->post_down);
	*record = (struct quick_record){0};
}
