// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * busy.c - which sessions have keystream computed ahead: BPF tells when one becomes busy, the producer when it is
 * idle again, and a session that ends takes its streams along.
 */
#include <agent/device.h>
#include <agent/keystream.h>
#include <agent/log.h>
#include <crypto/crypto.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const char *const direction_names[] = {"sending", "receiving"};

static uint32_t tunnel_of(const struct device *device)
{
	return (uint32_t)device->hidden.ifindex;
}

/* BPF is told first; what it has in its hands it finishes with. */
static void close_stream(struct device *device, uint32_t local_index,
			 enum keystream_direction direction, uint32_t stream)
{
	struct keystream *keystream = &device->keystreams[stream - 1];

	datapath_set_stream(device->datapath, local_index, direction, 0);
	if (!keystream_close(device->producer, stream))
		return;
	log_verbose("session %08x: no keystream ahead any more for %s: %" PRIu64
		    " packets used it, %" PRIu64 " did without",
		    local_index, direction_names[direction], keystream->taken, keystream->missed);
	datapath_wipe_keystream(keystream);
}

static void idle_ready(void *context, uint32_t events)
{
	struct device *device = context;
	struct keystream_source source;
	uint64_t count;
	uint32_t stream;

	(void)events;
	if (read(device->idle_waiter.fd, &count, sizeof(count)) < 0)
		return;
	while ((stream = keystream_find_idle(device->producer, &source)))
		close_stream(device, source.local_index, source.direction, stream);
}

/* Undone by busy_end(), whatever of it was done. */
static int begin(struct device *device)
{
	int error =
		datapath_make_keystreams(device->datapath, tunnel_of(device), &device->keystreams);

	if (error)
		return error;
	device->idle_waiter =
		(struct loop_waiter){eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), idle_ready, device};
	if (device->idle_waiter.fd < 0)
		return -errno;
	error = loop_add(&device->loop, &device->idle_waiter, EPOLLIN);
	if (error)
		return error;
	device->producer = keystream_start(device->keystreams, device->idle_waiter.fd);
	return device->producer ? 0 : -ENOMEM;
}

static bool is_ready(struct device *device)
{
	int error;

	if (device->producer)
		return true;
	/* once is enough: what cannot be had now costs speed alone */
	if (device->cannot_compute_ahead)
		return false;
	error = begin(device);
	if (!error)
		return true;
	log_error("keystream cannot be computed ahead: %s", strerror(-error));
	busy_end(device);
	device->cannot_compute_ahead = true;
	return false;
}

void busy_session(struct device_peer *peer, const struct event *event)
{
	struct device *device = peer->device;
	struct keystream_source source = {
		.local_index = event->session,
		.direction =
			event->kind == EVENT_BUSY_SENDING ? KEYSTREAM_SENDING : KEYSTREAM_RECEIVING,
		/* meanwhile more have passed */
		.counter = event->counter + 1,
	};
	struct transport_session session;
	const struct aead_key *key;
	uint32_t stream, streams[2];

	if (device_find_by_index(device, event->session) != peer || !is_ready(device))
		return;
	/* told twice: once to an agent before this one */
	keystream_find(device->producer, event->session, streams);
	if (streams[source.direction] ||
	    datapath_get_session(device->datapath, event->session, &session))
		return;
	key = source.direction == KEYSTREAM_SENDING ? &session.sending_key : &session.receiving_key;
	for (int i = 0; i < 8; i++)
		store_le32(source.key + 4 * i, key->words[i]);
	source.birth = session.birth;
	crypto_wipe(&session, sizeof(session));
	stream = keystream_open(device->producer, &source);
	crypto_wipe(source.key, sizeof(source.key));
	/* none is free: BPF is to tell again, when one may be */
	if (!stream) {
		datapath_set_stream(device->datapath, event->session, source.direction, 0);
		return;
	}
	if (datapath_set_stream(device->datapath, event->session, source.direction, stream)) {
		close_stream(device, event->session, source.direction, stream);
		return;
	}
	log_verbose("peer %u: session %08x is busy: keystream ahead for %s", peer->id,
		    event->session, direction_names[source.direction]);
}

void busy_session_ended(struct device *device, uint32_t local_index)
{
	uint32_t streams[2];

	if (!device->producer)
		return;
	keystream_find(device->producer, local_index, streams);
	for (enum keystream_direction i = KEYSTREAM_SENDING; i <= KEYSTREAM_RECEIVING; i++) {
		if (streams[i])
			close_stream(device, local_index, i, streams[i]);
	}
}

void busy_session_restored(struct device *device, uint32_t local_index)
{
	datapath_set_stream(device->datapath, local_index, KEYSTREAM_SENDING, 0);
	datapath_set_stream(device->datapath, local_index, KEYSTREAM_RECEIVING, 0);
}

void busy_end(struct device *device)
{
	if (device->producer)
		keystream_finish(device->producer);
	device->producer = NULL;
	if (device->idle_waiter.fd >= 0) {
		loop_remove(&device->loop, &device->idle_waiter);
		close(device->idle_waiter.fd);
	}
	device->idle_waiter.fd = -1;
	datapath_remove_keystreams(device->datapath, tunnel_of(device), device->keystreams);
	device->keystreams = NULL;
}
