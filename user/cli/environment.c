// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * environment.c - capabilities, kernel version and BTF (environment.h). Each lack has its own words; without
 * them it would be an EPERM or EINVAL of some system call far below.
 */
#include <cli/environment.h>

#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

enum oldest_kernel { OLDEST_MAJOR = 6, OLDEST_MINOR = 1 };

static bool has_capability(const struct __user_cap_data_struct *sets, unsigned int capability)
{
	return sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

bool environment_has_rights(const struct arguments *arguments)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	bool has_bpf, has_net_admin;

	syscall(SYS_capget, &header, sets);
	has_net_admin = has_capability(sets, CAP_NET_ADMIN);
	has_bpf = has_capability(sets, CAP_BPF) || has_capability(sets, CAP_SYS_ADMIN);
	if (!has_net_admin || !has_bpf)
		complain(arguments, "no right to do this: expected root, or %s%s%s",
			 has_net_admin ? "" : "CAP_NET_ADMIN",
			 has_net_admin || has_bpf ? "" : " and ", has_bpf ? "" : "CAP_BPF");
	return has_net_admin && has_bpf;
}

bool environment_kernel_suffices(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR));
}

bool environment_can_load(const struct arguments *arguments)
{
	struct utsname kernel;

	if (!environment_has_rights(arguments))
		return false;
	if (uname(&kernel) == 0 && !environment_kernel_suffices(kernel.release)) {
		complain(arguments, "this kernel is %s: expected %d.%d or newer", kernel.release,
			 OLDEST_MAJOR, OLDEST_MINOR);
		return false;
	}
	if (access(KERNEL_BTF, R_OK)) {
		complain(arguments, "this kernel has no " KERNEL_BTF ": expected one built with "
				    "CONFIG_DEBUG_INFO_BTF");
		return false;
	}
	return true;
}
