# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every suite prints TAP; scripts/suite counts it and scripts/test-all adds the suites up.

.PHONY: test $(SUITES:%=check-%)
test: all $(SUITES:%=$(O)/tests/%) fuzzers ## every test this machine can run
	@O=$(O) scripts/test-all

check-unit: $(O)/tests/unit ## modules one by one (no root)
check-sim: $(O)/tests/sim ## two endpoints on a virtual clock (no root)
check-bpf: $(O)/tests/bpf ## the same C under BPF_PROG_TEST_RUN (root)
$(SUITES:%=check-%): check-%:
	@O=$(O) scripts/suite $* $(O)/tests/$*

define suite
$(O)/tests/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard tests/$(1)/*.c tests/harness/*.c)) $(LIB_OBJ)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcriterion
$(O)/tests/$(1)/%.o: CPPFLAGS += -Itests
endef
$(foreach suite,$(SUITES),$(eval $(call suite,$(suite))))
$(O)/tests/harness/%.o: CPPFLAGS += -Itests

# Fuzzers are built from source with their own instrumentation.
FUZZ_FLAGS = $(CPPFLAGS) -Itests -O1 -g -std=gnu11 -fno-strict-aliasing $(WARNINGS) \
	     -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SRC   = $(wildcard user/crypto/*.c user/proto/*.c)
.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS:%=$(O)/fuzz/%)
$(O)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC) $(wildcard include/wgxdp/*.h user/*/*.h) $(O)/.deps
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -o $@ $< $(FUZZ_SRC) $(shell pkg-config --libs libsodium 2>/dev/null)
fuzz: fuzzers ## each fuzzer for T seconds (T=60)
	@O=$(O) scripts/suite fuzz scripts/fuzz $(T) $(FUZZERS)
