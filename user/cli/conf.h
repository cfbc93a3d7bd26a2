/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * conf.h - a tunnel's file, as wg-quick(8) and wg(8) read it, as one value: `wgxdp up`, `down`, `save`, `strip` and
 * `syncconf`. Text becomes a value and a value text, and that is all: no file, no name that is resolved, nothing
 * that is applied.
 */
#ifndef WGXDP_CLI_CONF_H
#define WGXDP_CLI_CONF_H

#include <agent/config.h>
#include <datapath/datapath.h>
#include <stdio.h>

enum conf_hook { HOOK_PRE_UP, HOOK_POST_UP, HOOK_PRE_DOWN, HOOK_POST_DOWN, HOOK_COUNT };

enum conf_table {
	/* the main one, and one of its own for default routes */
	TABLE_AUTO,
	TABLE_OFF,
	/* `table_name`: a number, or a name of /etc/iproute2/rt_tables */
	TABLE_NAMED,
};

enum conf_size { TABLE_NAME_MAX = 31 };

struct conf_list {
	char **items;
	size_t count;
};

struct conf {
	/* keys, port, mark and peers, as a set request replaces all there is. An endpoint that is a name stands in
	 * the peer's `endpoint_name` alone. */
	struct device_config device;
	/* 0: not said */
	struct datapath_limits limits;
	struct allowed_ip *addresses;
	size_t address_count;
	struct conf_list dns_servers, dns_domains;
	/* 0: chosen by the routes */
	uint32_t mtu;
	enum conf_table table;
	char table_name[TABLE_NAME_MAX + 1];
	bool saves_itself;
	struct conf_list hooks[HOOK_COUNT];
};

struct conf_error {
	/* from 1 on */
	unsigned int line;
	/* what is wrong and what was expected */
	char text[192];
};

/* Reads a whole file. False: `error` says why, and there is nothing to free. */
bool conf_parse(const char *text, size_t length, struct conf *conf, struct conf_error *error);
void conf_free(struct conf *conf);

/* The file without what wg(8) does not know: its setconf takes it. */
void conf_print_strip(FILE *to, const struct conf *conf);
/* All of it. What is read from that is the same again. */
void conf_print(FILE *to, const struct conf *conf);

const char *conf_hook_name(enum conf_hook hook);

#endif
