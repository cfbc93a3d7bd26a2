// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* datapath_load.c - whether a tunnel is under load, as agent and BPF tell each other. */
#include <bpf/bpf.h>
#include <datapath/pinned.h>

int datapath_set_under_load(struct datapath *datapath, uint32_t tunnel, uint64_t until)
{
	struct control_request request = {.operation = CONTROL_UNDER_LOAD, .until = until};
	struct tunnel_value value;
	int error = datapath_get_tunnel(datapath, tunnel, &value);

	request.counters = value.counters;
	return error ? error : control_run(datapath, &request);
}

int datapath_get_under_load(struct datapath *datapath, uint32_t tunnel, uint64_t *until)
{
	struct tunnel_value value;
	struct load_value load;
	int error = datapath_get_tunnel(datapath, tunnel, &value);

	if (!error)
		error = bpf_map_lookup_elem(datapath->maps[MAP_loads], &value.counters, &load);
	if (!error)
		*until = load.until;
	return error;
}
