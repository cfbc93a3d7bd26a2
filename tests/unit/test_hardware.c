// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* test_hardware.c - what is made of a driver that takes a program and does not run it (datapath/hardware.h). */
#include <criterion/criterion.h>
#include <datapath/hardware.h>

#include <string.h>

/* Features as sysfs shows them: those bits. */
static const char *with(const int *bits)
{
	static char features[65];

	memset(features, '0', 64);
	for (; *bits >= 0; bits++)
		features[*bits] = '1';
	return features;
}

#define WITH(...) with((const int[]){__VA_ARGS__, -1})

enum { MTU_TOLD = 3, TSO4 = 7, TSO6, MERGEABLE = 15, CONTROL = 17 };

Test(hardware, virtio_can_redirect)
{
	cr_expect(virtio_can_redirect(WITH(MERGEABLE, TSO4, TSO6, CONTROL)));
	cr_expect(virtio_can_redirect(WITH(MERGEABLE, MTU_TOLD)));
	cr_expect(virtio_can_redirect(""), "not told: the driver decides");
	cr_expect(virtio_can_redirect("101"), "cut short");
}

Test(hardware, virtio_cannot_redirect)
{
	cr_expect_not(virtio_can_redirect(WITH(CONTROL)), "a buffer a packet");
	cr_expect_not(virtio_can_redirect(WITH(CONTROL, TSO4)), "chains of pages");
	cr_expect_not(virtio_can_redirect(WITH(MTU_TOLD)));
}

Test(hardware, why_not_native)
{
	struct hardware hardware = {.xdp = HARDWARE_YES, .xdp_redirect = HARDWARE_YES};

	cr_expect_null(hardware_why_not_native(&hardware));
	strcpy(hardware.virtio_features, WITH(TSO4));
	cr_expect(strstr(hardware_why_not_native(&hardware), "mergeable"));
	strcpy(hardware.virtio_features, WITH(MERGEABLE));
	cr_expect_null(hardware_why_not_native(&hardware));
	hardware.xdp_redirect = HARDWARE_NO;
	cr_expect(strstr(hardware_why_not_native(&hardware), "redirects"));
	/* before 6.3 no driver tells */
	hardware.xdp = hardware.xdp_redirect = HARDWARE_UNKNOWN;
	cr_expect_null(hardware_why_not_native(&hardware));
	/* it refuses by itself, in its own words */
	hardware.xdp = hardware.xdp_redirect = HARDWARE_NO;
	cr_expect_null(hardware_why_not_native(&hardware));
}
