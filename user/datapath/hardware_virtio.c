// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hardware_virtio.c - when virtio_net takes a program and never runs it. Contract: hardware.h.
 *
 * Without mergeable receive buffers (virtio specification 1.2, 5.1.6.3.1) and with packets that may be larger than a
 * frame of Ethernet's, because the host joins them or because the MTU may be larger, the driver receives into chains
 * of pages; that path has no XDP. Its features are in sysfs, a digit a bit, the lowest first.
 */
#include <datapath/hardware.h>
#include <glob.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>

enum { ETHERNET_MTU = 1500 };

bool virtio_runs_programs(const char *features, uint32_t mtu_max)
{
	static const int joining[] = {VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6,
				      VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_GUEST_UFO};

	if (strlen(features) <= VIRTIO_NET_F_MRG_RXBUF || features[VIRTIO_NET_F_MRG_RXBUF] != '0')
		return true;
	for (size_t i = 0; i < sizeof(joining) / sizeof(joining[0]); i++) {
		if (features[joining[i]] == '1')
			return false;
	}
	return features[VIRTIO_NET_F_MTU] != '1' || mtu_max <= ETHERNET_MTU;
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
