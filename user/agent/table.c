// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * table.c - chained buckets, doubled when there are as many entries. Contract: table.h.
 */
#include <agent/table.h>

#include <errno.h>
#include <stdlib.h>

static struct table_entry **bucket_of(const struct table *table, uint64_t key)
{
	/* multiplication by 2^64 / golden ratio spreads keys that are counted up */
	uint64_t spread = key * UINT64_C(0x9e3779b97f4a7c15);

	return &table->buckets[(spread >> 32) & (table->bucket_count - 1)];
}

static void put(struct table *table, struct table_entry *entry)
{
	struct table_entry **bucket = bucket_of(table, entry->key);

	entry->next = *bucket;
	*bucket = entry;
}

static int grow(struct table *table)
{
	struct table larger = {.bucket_count = table->bucket_count ? 2 * table->bucket_count : 16,
			       .count = table->count};

	larger.buckets = calloc(larger.bucket_count, sizeof(larger.buckets[0]));
	if (!larger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < table->bucket_count; i++) {
		struct table_entry *entry = table->buckets[i];

		while (entry) {
			struct table_entry *next = entry->next;

			put(&larger, entry);
			entry = next;
		}
	}
	free(table->buckets);
	*table = larger;
	return 0;
}

int table_insert(struct table *table, struct table_entry *entry, uint64_t key)
{
	/* a table that cannot grow any more gets slower, not wrong */
	if (table->count >= table->bucket_count && grow(table) && !table->bucket_count)
		return -ENOMEM;
	entry->key = key;
	put(table, entry);
	table->count++;
	return 0;
}

void table_remove(struct table *table, struct table_entry *entry)
{
	struct table_entry **at = bucket_of(table, entry->key);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	table->count--;
}

static struct table_entry *first_of(struct table_entry *entry, uint64_t key)
{
	while (entry && entry->key != key)
		entry = entry->next;
	return entry;
}

struct table_entry *table_find(const struct table *table, uint64_t key)
{
	return table->bucket_count ? first_of(*bucket_of(table, key), key) : NULL;
}

struct table_entry *table_find_next(const struct table_entry *entry)
{
	return first_of(entry->next, entry->key);
}

void table_free(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}

uint64_t table_key(const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	/* FNV-1a: nobody but the administrator chooses what is in these tables */
	for (size_t i = 0; i < length; i++)
		key = (key ^ byte[i]) * UINT64_C(0x100000001b3);
	return key;
}
