// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * datapath_count.c - what became of packets, tunnel by tunnel. A tunnel's counters are a place in a per-CPU
 * array, which costs a packet less to find than an entry of a hash; who makes the tunnel chooses the place.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- places -------------------------------------------------------------------------------------- */

/* The first place that no tunnel has. */
static int find_free(struct datapath *datapath, uint32_t *counters)
{
	int tunnels = datapath->maps[MAP_tunnels];
	bool is_taken[TUNNELS_MAX + 1] = {[COUNTERS_OF_NO_TUNNEL] = true};
	uint32_t key, next;
	bool more = !bpf_map_get_next_key(tunnels, NULL, &next);

	while (more) {
		struct tunnel_value value;

		key = next;
		if (!bpf_map_lookup_elem(tunnels, &key, &value) && value.counters <= TUNNELS_MAX)
			is_taken[value.counters] = true;
		more = !bpf_map_get_next_key(tunnels, &key, &next);
	}
	for (uint32_t i = 0; i <= TUNNELS_MAX; i++) {
		if (!is_taken[i]) {
			*counters = i;
			return 0;
		}
	}
	return -ENOSPC;
}

/* One element for each CPU; the caller frees it. */
static struct verdict_counts *allocate(int *cpus)
{
	*cpus = libbpf_num_possible_cpus();
	return *cpus > 0 ? calloc(*cpus, sizeof(struct verdict_counts)) : NULL;
}

static int set_to_zero(struct datapath *datapath, uint32_t counters)
{
	int cpus, error;
	struct verdict_counts *zeros = allocate(&cpus);

	if (!zeros)
		return -ENOMEM;
	error = bpf_map_update_elem(datapath->maps[MAP_verdict_counters], &counters, zeros,
				    BPF_ANY);
	free(zeros);
	return error;
}

/* Under the lock: agents of two tunnels may begin at the same time. */
static int insert_new(struct datapath *datapath, uint32_t tunnel, struct tunnel_value *value)
{
	int lock = pins_lock(), error;

	if (lock < 0)
		return lock;
	error = find_free(datapath, &value->counters);
	if (!error)
		error = set_to_zero(datapath, value->counters);
	if (!error)
		error = bpf_map_update_elem(datapath->maps[MAP_tunnels], &tunnel, value, BPF_ANY);
	close(lock);
	return error == -E2BIG ? -ENOSPC : error;
}

int counters_set_tunnel(struct datapath *datapath, uint32_t tunnel,
			const struct tunnel_value *value)
{
	struct tunnel_value before, now = *value;
	int error = datapath_get_tunnel(datapath, tunnel, &before);

	if (error == -ENOENT)
		return insert_new(datapath, tunnel, &now);
	if (error)
		return error;
	now.counters = before.counters;
	return bpf_map_update_elem(datapath->maps[MAP_tunnels], &tunnel, &now, BPF_ANY);
}

/* ---- counting ------------------------------------------------------------------------------------ */

int datapath_get_counters(struct datapath *datapath, uint32_t tunnel,
			  uint64_t counters[static VERDICT_COUNT])
{
	struct verdict_counts *of_cpus;
	struct tunnel_value value;
	int error = datapath_get_tunnel(datapath, tunnel, &value), cpus;

	if (error)
		return error;
	of_cpus = allocate(&cpus);
	if (!of_cpus)
		return -ENOMEM;
	error = bpf_map_lookup_elem(datapath->maps[MAP_verdict_counters], &value.counters, of_cpus);
	for (int verdict = 0; !error && verdict < VERDICT_COUNT; verdict++) {
		counters[verdict] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			counters[verdict] += of_cpus[cpu].of[verdict];
	}
	free(of_cpus);
	return error;
}

int datapath_count_verdict(struct datapath *datapath, uint32_t tunnel, uint32_t peer,
			   enum verdict verdict, uint32_t packets)
{
	struct tunnel_value value;
	struct control_request request = {
		.operation = CONTROL_COUNT_VERDICT,
		.peer = peer,
		.verdict = verdict,
		.packets = packets,
	};
	int error = datapath_get_tunnel(datapath, tunnel, &value);

	request.counters = value.counters;
	return error ? error : control_run(datapath, &request);
}
