# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every suite prints TAP; scripts/suite counts it and scripts/test-all runs them all and adds up.

SUITES  := unit sim bpf
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
RUNNERS := $(SUITES:%=$(O)/tests/run-%)
# the VMs take some ten minutes under emulation: VM=0 leaves them out
VM      ?= 1

.PHONY: test check-unit check-sim check-bpf check-netns check-vm check-deb deb other-clang check-pure check-vectors \
	fuzz fuzzers bench bench-tunnel
test: all $(RUNNERS) $(O)/tests/sniffer $(O)/tests/flood fuzzers other-clang ## every test this machine can run (root, for BPF)
	@O=$(O) VM=$(if $(SAN),0,$(VM)) scripts/test-all

check-unit: $(O)/tests/run-unit ## the modules one by one (no root)
	@O=$(O) scripts/suite unit $< --tap
check-sim: $(O)/tests/run-sim ## two endpoints on a virtual clock (no root)
	@O=$(O) scripts/suite sim $< --tap
check-bpf: $(O)/tests/run-bpf ## the shared code under BPF_PROG_TEST_RUN, verifier budget (root)
	@O=$(O) scripts/suite bpf $< --tap
check-netns: all $(O)/tests/sniffer $(O)/tests/flood ## the tunnel in network namespaces, with a sniffer outside (root)
	@# to fetch and build them takes longer than a test may; where it fails, the tests say so
	@for peer in wireguard-go boringtun; do O=$(O) scripts/fetch-$$peer >/dev/null 2>&1 || :; done
	@O=$(O) scripts/suite netns scripts/netns-suite
$(O)/tests/sniffer: tests/netns/sniffer.c | $(O)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -O2 -g -std=gnu11 $(WARNINGS) -o $@ $<
$(O)/tests/flood: $(O)/tests/netns/flood.o $(LIB_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
check-vm: all $(O)/tests/run-bpf $(O)/tests/sniffer $(O)/tests/flood other-clang ## other kernels, the kernel's WireGuard (root); KERNELS=6.1
	@O=$(O) scripts/suite vm vmtest/all $(KERNELS)
# The verifier's count differs from compiler to compiler: the oldest one's programs are looked at as well.
other-clang: | $(O)/.deps
	$(Q)$(MAKE) --no-print-directory O=$(O)/clang-16 CLANG=clang-16 $(O)/clang-16/tests/run-bpf
deb: $(O)/.deps ## the Debian package, by dpkg-buildpackage
	@O=$(O) scripts/check-deb --build
check-deb: $(O)/.deps ## the package by lintian; installed, run and purged in an overlay of this system (root)
	@O=$(O) scripts/suite deb scripts/check-deb
check-pure: $(LIB_OBJ) ## user/proto calls nothing of the world's
	@O=$(O) scripts/suite pure scripts/check-pure $(O)
check-vectors: ## the known answers are what the reference says
	@O=$(O) scripts/suite vectors tests/harness/noise_reference.py --check tests/harness/vectors.h

define runner
$(O)/tests/run-$(1): $(patsubst %.c,$(O)/%.o,$(wildcard tests/$(1)/*.c tests/harness/*.c)) $(LIB_OBJ)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcriterion
endef
$(foreach name,$(SUITES),$(eval $(call runner,$(name))))
$(O)/tests/%.o: CPPFLAGS += -Itests

# ---- fuzzing: built from source, with instrumentation of its own -------------------------------------
FUZZ_FLAGS = $(CPPFLAGS) -Itests -O1 -g -std=gnu11 -fno-strict-aliasing $(WARNINGS) \
	     -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
# what each is linked with; its seams stand in its own file, or are the system's functions that the linker wraps
FUZZ_SRC   = $(wildcard user/crypto/*.c user/proto/*.c user/cli/conf*.c) user/agent/config.c user/util/encoding.c
FUZZ_SRC_fuzz_socket   = $(addprefix user/agent/,server.c buffer.c uapi.c uapi_print.c config.c monitor_text.c) \
	$(wildcard user/crypto/*.c user/util/*.c)
FUZZ_WRAPS_fuzz_socket = accept4 recv send close mkdir inotify_init1 inotify_add_watch
FUZZ_SRC_fuzz_command_line   = tests/fuzz/seams.c $(wildcard user/cli/*.c user/crypto/*.c user/util/*.c) \
	$(addprefix user/agent/,uapi.c uapi_print.c config.c monitor_text.c) user/datapath/netlink_names.c
FUZZ_WRAPS_fuzz_command_line = access close execvp fopen fork fstat if_nameindex if_nametoindex mkdir newterm open pipe2 poll popen \
	prctl read rename rmdir setlocale socket stat statfs syscall unlink waitpid MHD_start_daemon
fuzz_sources = $(or $(FUZZ_SRC_$(1)),$(FUZZ_SRC))
fuzzers: $(FUZZERS:%=$(O)/fuzz/%)
define fuzzer
$(O)/fuzz/$(1): tests/fuzz/$(1).c $(call fuzz_sources,$(1)) $(wildcard include/wgxdp/*.h user/*/*.h tests/fuzz/*.h) \
		tests/tests.mk | $(O)/.deps
	$$(call say,FUZZ,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CLANG) $$(FUZZ_FLAGS) $$(FUZZ_WRAPS_$(1):%=-Wl,--wrap=%) -o $$@ $$(filter %.c,$$^) \
		$$(if $$(FUZZ_SRC_$(1)),$$(LDLIBS),$$(shell pkg-config --libs libsodium))
endef
$(foreach name,$(FUZZERS),$(eval $(call fuzzer,$(name))))
fuzz: fuzzers ## each fuzzer for T seconds (T=60)
	@O=$(O) scripts/suite fuzz scripts/fuzz $(T) $(FUZZERS)

# ---- measuring: the native yardsticks without vectors and without sanitizers -------------------------
BENCH_FLAGS = $(CPPFLAGS) -Itests -O2 -g -std=gnu11 -fno-strict-aliasing $(WARNINGS)
SCALAR      = $(if $(findstring clang,$(CC)),-fno-vectorize -fno-slp-vectorize,-fno-tree-vectorize)
.PHONY: bench-flood bench-peers
bench-peers: all ## what 1 000 to a million idle peers cost: bytes, seconds (root); PEERS="1000 5000"
	@O=$(O) scripts/bench-peers $(PEERS)
bench-flood: all $(O)/tests/bench-filter $(O)/tests/flood ## what a flood costs a message, and the tunnel beside wireguard-go (root)
	@$(O)/tests/bench-filter
	@O=$(O) scripts/bench-flood
bench: $(O)/tests/bench-aead ## ns a packet of the AEAD in BPF, beside native builds (root)
	@$<
bench-tunnel: all $(O)/tests/udp-flood ## the tunnel beside the newest wireguard-go: TCP, small packets, latency (root)
	@O=$(O) scripts/bench-tunnel --go "$$(O=$(O) scripts/fetch-wireguard-go)"
$(O)/tests/udp-flood: tests/bench/udp_flood.c | $(O)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -O2 -g -std=gnu11 $(WARNINGS) -o $@ $<
$(O)/tests/bench-filter: $(O)/tests/bench/bench_filter.o $(O)/tests/harness/packet_builder.o $(LIB_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(O)/tests/bench-aead: $(wildcard tests/bench/*.[ch] tests/harness/naive_aead.[ch] include/wgxdp/*.h) \
		user/datapath/selftest.c $(O)/selftest.skel.h | $(O)/.deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_FLAGS) $(SCALAR) -DBENCH_COMPILER='"$(CC) -O2 $(SCALAR)"' -o $@ $(filter %.c,$^) $(LDLIBS)
