// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * conf.c - the end of a tunnel's file as a value. Contract: conf.h.
 */
#include <cli/conf.h>

#include <stdlib.h>

static void free_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void conf_free(struct conf *conf)
{
	config_free(&conf->device);
	free(conf->addresses);
	free_list(&conf->dns_servers);
	free_list(&conf->dns_domains);
	for (int i = 0; i < HOOK_COUNT; i++)
		free_list(&conf->hooks[i]);
	*conf = (struct conf){0};
}
