// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor_host.c - kernel, BTF, JIT, rights, bpffs, clock. Contract: doctor.h. */
#include <cli/doctor.h>
#include <cli/environment.h>

#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The first line of a file, "" when it cannot be read. */
static void read_line(const char *path, char *line, size_t room)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (fgets(line, (int)room, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

static void check_kernel(struct findings *findings)
{
	struct finding *kernel = finding_add(findings, "kernel", ""), *btf;
	struct utsname system;

	if (uname(&system))
		return;
	snprintf(kernel->found, sizeof(kernel->found), "%.100s", system.release);
	if (!environment_kernel_suffices(system.release))
		finding_advise(kernel, FINDING_BAD, "boot a kernel of 6.1 or newer");

	btf = finding_add(findings, "btf", "");
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0) {
		snprintf(btf->found, sizeof(btf->found), "/sys/kernel/btf/vmlinux");
		return;
	}
	snprintf(btf->found, sizeof(btf->found), "there is no /sys/kernel/btf/vmlinux");
	finding_advise(btf, FINDING_BAD,
		       "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y");
}

static void check_jit(struct findings *findings)
{
	struct finding *jit = finding_add(findings, "jit", "");
	enum hardware_answer has_jit = hardware_has_jit();
	char line[16];

	read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));
	snprintf(jit->found, sizeof(jit->found), "%s",
		 has_jit == HARDWARE_UNKNOWN ? "not told"
		 : has_jit == HARDWARE_YES   ? "on"
					     : "off: BPF programs are interpreted");
	if (has_jit == HARDWARE_UNKNOWN)
		jit->state = FINDING_UNKNOWN;
	else if (has_jit == HARDWARE_NO)
		finding_advise(jit, FINDING_BAD, "sysctl -w net.core.bpf_jit_enable=1");
	else if (line[0] == '2')
		finding_advise(jit, FINDING_ADVICE,
			       "sysctl -w net.core.bpf_jit_enable=1: with 2 every program is "
			       "written to the kernel's log");
}

static void check_rights(struct findings *findings)
{
	static const struct {
		unsigned int number;
		const char *name;
	} wanted[] = {
		{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{CAP_BPF, "CAP_BPF"},
		{CAP_NET_RAW, "CAP_NET_RAW"},
	};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	struct finding *rights = finding_add(findings, "rights", "");
	char lacking[80] = "";

	syscall(SYS_capget, &header, sets);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		unsigned int number = wanted[i].number;

		if (sets[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number))
			continue;
		strcat(lacking, lacking[0] ? ", " : "");
		strcat(lacking, wanted[i].name);
	}
	snprintf(rights->found, sizeof(rights->found),
		 lacking[0] ? "without %s" : "all that is needed", lacking);
	if (lacking[0])
		finding_advise(rights, FINDING_BAD, "run this as root");
}

static void check_bpffs(struct findings *findings)
{
	struct finding *bpffs = finding_add(findings, "bpffs", "");
	struct statfs system;

	if (statfs("/sys/fs/bpf", &system) == 0 && (unsigned long)system.f_type == BPF_FS_MAGIC) {
		snprintf(bpffs->found, sizeof(bpffs->found), "/sys/fs/bpf");
		return;
	}
	snprintf(bpffs->found, sizeof(bpffs->found),
		 "none at /sys/fs/bpf: attach mounts one at /run/wgxdp/bpf");
	finding_advise(bpffs, FINDING_ADVICE, "mount -t bpf bpf /sys/fs/bpf");
}

bool doctor_clock_is_fast(const char *clock)
{
	static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};

	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		if (strcmp(clock, slow[i]) == 0)
			return false;
	}
	return true;
}

static void check_clock(struct findings *findings)
{
	struct finding *clock = finding_add(findings, "clock", "");
	char name[64];

	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", name,
		  sizeof(name));
	snprintf(clock->found, sizeof(clock->found), "%s", name[0] ? name : "not told");
	if (!name[0])
		clock->state = FINDING_UNKNOWN;
	else if (!doctor_clock_is_fast(name))
		finding_advise(
			clock, FINDING_ADVICE,
			"choose a faster one of those in "
			"/sys/devices/system/clocksource/clocksource0/available_clocksource: "
			"the clock is read with every packet");
}

void doctor_host(struct findings *findings)
{
	check_kernel(findings);
	check_jit(findings);
	check_rights(findings);
	check_bpffs(findings);
	check_clock(findings);
}
