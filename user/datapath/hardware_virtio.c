// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hardware_virtio.c - when virtio_net is no place for a program that redirects. Contract: hardware.h.
 *
 * With mergeable receive buffers (virtio specification 1.2, 5.1.6.3.1) all is well. Without them, and with packets that
 * may be larger than a frame of Ethernet's, the driver receives into chains of pages, and takes the program and never
 * runs it. With smaller ones it does run it, but tells a size of the frame's memory that is too large by the padding and
 * the virtio header in front (receive_small_xdp() in drivers/net/virtio_net.c: 76 bytes). Whoever makes a packet of a frame
 * that was redirected has its last fragments in what follows: seen in 7.2 as a write to another page, by GRO of wg0.
 *
 * Its features are in sysfs, a digit a bit, the lowest first.
 */
#include <datapath/hardware.h>
#include <glob.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>

bool virtio_can_redirect(const char *features)
{
	return strlen(features) <= VIRTIO_NET_F_MRG_RXBUF ||
	       features[VIRTIO_NET_F_MRG_RXBUF] == '1';
}

/* By its place on the bus: /sys/class/net shows the interfaces of one network namespace, perhaps of another. */
void virtio_read_features(const char *place, char features[static 65])
{
	char pattern[128];
	glob_t found;
	FILE *file;

	features[0] = '\0';
	snprintf(pattern, sizeof(pattern), "/sys/bus/*/devices/%.32s/virtio*/features", place);
	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	file = fopen(found.gl_pathv[0], "re");
	if (file && !fgets(features, 65, file))
		features[0] = '\0';
	if (file)
		fclose(file);
	globfree(&found);
}
