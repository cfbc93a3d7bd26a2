/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * table.h - a hash table of entries that live in the caller's structs. Several entries may have one key: the
 * caller looks through them and compares what the key was made from.
 */
#ifndef WGXDP_AGENT_TABLE_H
#define WGXDP_AGENT_TABLE_H

#include <wgxdp/types.h>

struct table_entry {
	struct table_entry *next;
	uint64_t key;
};

/* All zero is an empty table. */
struct table {
	struct table_entry **buckets;
	/* a power of two, or 0 */
	size_t bucket_count;
	size_t count;
};

/* 0, or -ENOMEM with nothing changed. */
int table_insert(struct table *table, struct table_entry *entry, uint64_t key);
void table_remove(struct table *table, struct table_entry *entry);
/* The first entry of the key, or NULL; the next one of the same key. */
struct table_entry *table_find(const struct table *table, uint64_t key);
struct table_entry *table_find_next(const struct table_entry *entry);
/* Forgets all entries, which are the caller's. */
void table_free(struct table *table);

/* A key from any bytes. */
uint64_t table_key(const void *bytes, size_t length);

#define TABLE_OWNER(entry, type, member) ((type *)((char *)(entry) - offsetof(type, member)))

#endif
