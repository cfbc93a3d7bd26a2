# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every suite prints TAP; scripts/suite counts it and scripts/test-all runs them all and adds up.

SUITES  := unit sim bpf
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
RUNNERS := $(SUITES:%=$(O)/tests/run-%)
# the VMs take ten minutes under emulation, and are not green every time yet: VM=1 runs them too
VM      ?= 0

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
FUZZ_SRC   = $(wildcard user/crypto/*.c user/proto/*.c user/cli/conf_*.c) user/agent/config.c user/util/encoding.c
fuzzers: $(FUZZERS:%=$(O)/fuzz/%)
$(O)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC) $(wildcard include/wgxdp/*.h user/*/*.h tests/fuzz/*.h) | $(O)/.deps
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -o $@ $< $(FUZZ_SRC) $(shell pkg-config --libs libsodium)
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
