/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath_run.c - talking to the programs: requests to `control`, events from the others. Frames for `rx` are
 * in datapath_inject.c, the counters of all in datapath_count.c.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/pinned.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* what a limit lets through at once, at least */
#define BURST_LEAST_BYTES (16 * 1500)

int control_run(struct datapath *datapath, const struct control_request *request)
{
	struct {
		uint8_t ethernet_header[14];
		struct control_request request;
	} __attribute__((packed)) packet = {.request = *request};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &packet, .data_size_in = sizeof(packet));
	int error = bpf_prog_test_run_opts(datapath->programs[PROGRAM_control], &options);

	if (error)
		return error;
	switch (options.retval) {
	case CONTROL_DONE:
		return 0;
	case CONTROL_NOT_FOUND:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}

int datapath_set_endpoint(struct datapath *datapath, uint32_t peer, const struct endpoint *endpoint)
{
	const struct control_request request = {
		.operation = CONTROL_SET_ENDPOINT,
		.peer = peer,
		.endpoint = *endpoint,
	};

	return control_run(datapath, &request);
}

/* At once may come what passes in a 50th of a second, or a few large packets where that is less. */
int datapath_set_rules(struct datapath *datapath, uint32_t peer, uint32_t rules, uint64_t limit)
{
	struct control_request request = {
		.operation = CONTROL_SET_RULES,
		.peer = peer,
		.bits = rules,
	};

	if (limit) {
		request.cost = (NANOSECONDS_PER_SECOND << RATE_COST_SHIFT) / limit ?: 1;
		request.burst = (request.cost * BURST_LEAST_BYTES) >> RATE_COST_SHIFT;
		if (request.burst < MILLISECONDS(20))
			request.burst = MILLISECONDS(20);
	}
	return control_run(datapath, &request);
}

int datapath_set_current(struct datapath *datapath, uint32_t peer, bool has, uint32_t local_index)
{
	const struct control_request request = {
		.operation = CONTROL_SET_CURRENT,
		.peer = peer,
		.has_session = has,
		.session = local_index,
	};

	return control_run(datapath, &request);
}

int datapath_clear_told(struct datapath *datapath, uint32_t peer, uint32_t bits)
{
	const struct control_request request = {
		.operation = CONTROL_CLEAR_TOLD,
		.peer = peer,
		.bits = bits,
	};

	return control_run(datapath, &request);
}

int datapath_count_bytes(struct datapath *datapath, uint32_t peer, uint64_t received, uint64_t sent)
{
	const struct control_request request = {
		.operation = CONTROL_COUNT_BYTES,
		.peer = peer,
		.received = received,
		.sent = sent,
	};

	return control_run(datapath, &request);
}

/* ---- events -------------------------------------------------------------------------------------- */

/* A flood of packets must not keep the agent here for ever: what is left wakes it again. */
#define EVENTS_AT_ONCE 1024

static int on_record(void *context, void *data, size_t size)
{
	struct datapath *datapath = context;
	const struct event *event = data;

	if (size >= sizeof(*event) && event->length <= size - sizeof(*event))
		datapath->each_event(datapath->context, event);
	return ++datapath->consumed < EVENTS_AT_ONCE ? 0 : -EAGAIN;
}

int datapath_open_events(struct datapath *datapath, uint32_t tunnel,
			 void (*each)(void *context, const struct event *event), void *context)
{
	uint32_t id;
	int error, map;

	if (datapath->ring)
		return -EBUSY;
	error = bpf_map_lookup_elem(datapath->maps[MAP_events], &tunnel, &id);
	if (error)
		return error;
	map = bpf_map_get_fd_by_id(id);
	if (map < 0)
		return map;
	datapath->each_event = each;
	datapath->context = context;
	datapath->ring = ring_buffer__new(map, on_record, datapath, NULL);
	if (!datapath->ring) {
		error = -errno;
		close(map);
		return error;
	}
	datapath->ring_map = map;
	return 0;
}

int datapath_events_fd(const struct datapath *datapath)
{
	return ring_buffer__epoll_fd(datapath->ring);
}

int datapath_consume_events(struct datapath *datapath)
{
	int count;

	datapath->consumed = 0;
	count = ring_buffer__consume(datapath->ring);
	return count < 0 && count != -EAGAIN ? count : 0;
}
