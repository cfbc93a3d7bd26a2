// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * datapath_keystream.c - the memory that agent and BPF share for keystream computed ahead: made for a tunnel when
 * the first of its sessions becomes busy, wiped and removed by whoever takes it away. Who fills it is
 * agent/keystream.c; the slots' protocol is in wgxdp/keystream.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <crypto/crypto.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wgxdp/keystream.h>

/* A program that has a slot in use is done within microseconds, unless the machine itself was stopped. */
#define IN_USE_YIELDS_MAX 10000

static size_t mapping_length(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (KEYSTREAMS_MAX * sizeof(struct keystream) + page - 1) / page * page;
}

static int map_memory(int map, struct keystream **keystreams)
{
	void *memory = mmap(NULL, mapping_length(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*keystreams = memory;
	return 0;
}

int datapath_make_keystreams(struct datapath *datapath, uint32_t tunnel,
			     struct keystream **keystreams)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "keystream_array", sizeof(uint32_t),
				 sizeof(struct keystream), KEYSTREAMS_MAX, &options);
	struct keystream *made;
	int error;

	if (map < 0)
		return map;
	error = map_memory(map, &made);
	if (!error) {
		error = bpf_map_update_elem(datapath->maps[MAP_keystreams], &tunnel, &map,
					    BPF_NOEXIST);
		if (error)
			munmap(made, mapping_length());
		else
			*keystreams = made;
	}
	close(map);
	return error;
}

/* What BPF is just mixing with a text must not become zeros under its hands: it would send the text. */
static void wipe_slot(struct keystream_slot *slot)
{
	for (int i = 0; i < IN_USE_YIELDS_MAX; i++) {
		uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);

		if (state != KEYSTREAM_IN_USE &&
		    __atomic_compare_exchange_n(&slot->state, &state, KEYSTREAM_FILLING, false,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			crypto_wipe(&slot->first_block, sizeof(slot->first_block));
			crypto_wipe(slot->text, sizeof(slot->text));
			__atomic_store_n(&slot->state, KEYSTREAM_EMPTY, __ATOMIC_RELEASE);
			return;
		}
		sched_yield();
	}
}

void datapath_wipe_keystream(struct keystream *keystream)
{
	for (int i = 0; i < KEYSTREAM_SLOTS; i++)
		wipe_slot(&keystream->slots[i]);
	keystream->wanted = 0;
	keystream->length_wanted = 0;
	keystream->taken = 0;
	keystream->missed = 0;
}

static void wipe_keystreams(struct keystream *keystreams)
{
	for (int i = 0; i < KEYSTREAMS_MAX; i++)
		datapath_wipe_keystream(&keystreams[i]);
	munmap(keystreams, mapping_length());
}

void datapath_remove_keystreams(struct datapath *datapath, uint32_t tunnel,
				struct keystream *keystreams)
{
	int map = -1;
	uint32_t id;

	if (!bpf_map_lookup_elem(datapath->maps[MAP_keystreams], &tunnel, &id)) {
		map = keystreams ? -1 : bpf_map_get_fd_by_id(id);
		bpf_map_delete_elem(datapath->maps[MAP_keystreams], &tunnel);
	}
	if (map >= 0) {
		if (map_memory(map, &keystreams))
			keystreams = NULL;
		close(map);
	}
	if (keystreams)
		wipe_keystreams(keystreams);
}

int datapath_set_stream(struct datapath *datapath, uint32_t local_index,
			enum keystream_direction direction, uint32_t stream)
{
	const struct control_request request = {
		.operation = CONTROL_SET_STREAM,
		.session = local_index,
		.bits = direction,
		.stream = stream,
	};

	return control_run(datapath, &request);
}
