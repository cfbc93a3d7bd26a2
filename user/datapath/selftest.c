/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* selftest.c - loading and running bpf/selftest.bpf.c. Contract: selftest.h. */
#include <datapath/selftest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <selftest.skel.h>
#include <stdlib.h>

struct selftest {
	struct selftest_bpf *skeleton;
	struct bpf_program *programs[SELFTEST_PROGRAM_COUNT];
	struct selftest_task task;
	struct transport_session session;
};

/* BPF_PROG_TEST_RUN takes a packet of one page less headroom; longer ones the program fetches. */
#define ONE_PIECE_MAX 3400
#define FETCHED_FRAME 64

int selftest_open(struct selftest **selftest)
{
	struct selftest *opened = calloc(1, sizeof(*opened));
	int error;

	if (!opened)
		return -ENOMEM;
	/* the error code says enough; the verifier's log is for developers */
	libbpf_set_print(NULL);
	opened->skeleton = selftest_bpf__open_and_load();
	if (!opened->skeleton) {
		error = -errno;
		free(opened);
		return error;
	}
	opened->programs[SELFTEST_SEAL] = opened->skeleton->progs.seal;
	opened->programs[SELFTEST_OPEN] = opened->skeleton->progs.open;
	opened->programs[SELFTEST_OPEN_SKB] = opened->skeleton->progs.open_skb;
	opened->programs[SELFTEST_SEAL_AND_OPEN] = opened->skeleton->progs.seal_and_open;
	opened->programs[SELFTEST_PRIMITIVES] = opened->skeleton->progs.primitives;
	opened->programs[SELFTEST_REPLAY] = opened->skeleton->progs.replay;
	*selftest = opened;
	return 0;
}

void selftest_close(struct selftest *selftest)
{
	if (!selftest)
		return;
	selftest_bpf__destroy(selftest->skeleton);
	free(selftest);
}

struct selftest_task *selftest_task(struct selftest *selftest)
{
	return &selftest->task;
}

struct transport_session *selftest_session(struct selftest *selftest)
{
	return &selftest->session;
}

static int write_state(struct selftest *selftest, const uint8_t *frame, uint32_t length)
{
	struct selftest_bpf *skeleton = selftest->skeleton;
	uint32_t first = 0;
	int error;

	error = bpf_map_update_elem(bpf_map__fd(skeleton->maps.task_map), &first, &selftest->task,
				    BPF_ANY);
	if (!error)
		error = bpf_map_update_elem(bpf_map__fd(skeleton->maps.session_map), &first,
					    &selftest->session, BPF_ANY);
	if (!error && length > ONE_PIECE_MAX) {
		static struct selftest_frame fetched;

		memcpy(fetched.bytes, frame, length);
		error = bpf_map_update_elem(bpf_map__fd(skeleton->maps.frame_map), &first, &fetched,
					    BPF_ANY);
	}
	return error;
}

static int read_state(struct selftest *selftest)
{
	struct selftest_bpf *skeleton = selftest->skeleton;
	uint32_t first = 0;
	int error;

	error = bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.task_map), &first, &selftest->task);
	if (!error)
		error = bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.session_map), &first,
					    &selftest->session);
	return error;
}

int selftest_run(struct selftest *selftest, enum selftest_program program, uint8_t *frame,
		 unsigned int repeat, enum verdict *verdict, uint32_t *nanoseconds)
{
	uint32_t length = SELFTEST_TEXT_OFFSET + selftest->task.length + AEAD_TAG_LENGTH;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_out = frame,
		    .data_size_in = length > ONE_PIECE_MAX ? FETCHED_FRAME : length,
		    .data_size_out = length, .repeat = repeat);
	int error;

	if (length > SELFTEST_FRAME_MAX || (program == SELFTEST_OPEN && length > SELFTEST_XDP_MAX))
		return -EMSGSIZE;
	error = write_state(selftest, frame, length);
	if (!error)
		error = bpf_prog_test_run_opts(bpf_program__fd(selftest->programs[program]),
					       &options);
	if (!error && options.data_size_out != length)
		return -EMSGSIZE;
	if (!error)
		error = read_state(selftest);
	if (error)
		return error;
	*verdict = options.retval;
	if (nanoseconds)
		*nanoseconds = options.duration;
	return 0;
}

const char *selftest_program_name(enum selftest_program program)
{
	static const char *const names[SELFTEST_PROGRAM_COUNT] = {
		[SELFTEST_SEAL] = "seal",
		[SELFTEST_OPEN] = "open",
		[SELFTEST_OPEN_SKB] = "open_skb",
		[SELFTEST_SEAL_AND_OPEN] = "seal_and_open",
		[SELFTEST_PRIMITIVES] = "primitives",
		[SELFTEST_REPLAY] = "replay",
	};

	return names[program];
}

uint32_t selftest_verified_instructions(const struct selftest *selftest,
					enum selftest_program program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(selftest->programs[program]), &info, &size))
		return 0;
	return info.verified_insns;
}
