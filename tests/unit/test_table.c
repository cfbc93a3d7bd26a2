/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * test_table.c - the agent's hash table against a plain array, by seeded random insertions and removals, with
 * many entries of one key.
 */
#include <agent/table.h>
#include <criterion/criterion.h>
#include <stdlib.h>

enum { ENTRIES = 400, KEYS = 90, STEPS = 20000 };

static struct table_entry entries[ENTRIES];
static bool is_in[ENTRIES];

static int naive_count(uint64_t key)
{
	int count = 0;

	for (int i = 0; i < ENTRIES; i++)
		count += is_in[i] && entries[i].key == key;
	return count;
}

static int count_of(const struct table *table, uint64_t key)
{
	int count = 0;

	for (struct table_entry *entry = table_find(table, key); entry;
	     entry = table_find_next(entry)) {
		cr_assert_eq(entry->key, key);
		cr_assert(is_in[entry - entries]);
		count++;
	}
	return count;
}

Test(table, an_empty_one_has_nothing)
{
	struct table table = {0};

	cr_assert_null(table_find(&table, 0));
	table_free(&table);
}

Test(table, finds_what_is_in_it_and_nothing_else)
{
	struct table table = {0};
	size_t inside = 0;

	srand(3);
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % ENTRIES;
		/* of the same bucket too: these differ in high bits only */
		uint64_t key = (uint64_t)(rand() % KEYS) << (rand() % 2 ? 0 : 48);

		if (is_in[i]) {
			table_remove(&table, &entries[i]);
			inside--;
		} else {
			cr_assert_eq(table_insert(&table, &entries[i], key), 0);
			inside++;
		}
		is_in[i] = !is_in[i];
		cr_assert_eq(table.count, inside);
		cr_assert_eq(count_of(&table, key), naive_count(key), "step %d", step);
	}
	table_free(&table);
}

Test(table, a_key_depends_on_every_byte)
{
	uint8_t bytes[18] = {0};
	uint64_t key = table_key(bytes, sizeof(bytes));

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		cr_assert_neq(table_key(bytes, sizeof(bytes)), key, "byte %zu", i);
		bytes[i] ^= 1;
	}
	cr_assert_eq(table_key(bytes, sizeof(bytes)), key);
}
