# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# wgxdp: `make help` lists the targets. O=DIR builds elsewhere, V=1 shows commands, SAN=1 adds ASan and UBSan.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
SAN     ?=
NODEPS  ?=
V       ?=
T       ?= 60
O       ?= $(if $(SAN),build-san,build)
# by one name, however it is called: what a file depends on is written down by it
override O := $(patsubst $(CURDIR)/%,%,$(O))

# BPF needs clang 16 or newer; the newest of those installed is taken. CLANG=clang-16 chooses.
CLANG   ?= $(firstword $(shell command -v clang-19 clang-18 clang-17 clang-16 2>/dev/null) clang-19)
ifeq ($(origin CC),default)
CC      := $(CLANG)
endif
BPFTOOL ?= $(firstword $(shell PATH=$$PATH:/usr/sbin:/sbin command -v bpftool) bpftool)
Q       := $(if $(V),,@)
say      = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(2))

PKGS     := libbpf libsodium libnl-3.0 libnl-route-3.0 jansson libmicrohttpd libqrencode ncursesw
CPPFLAGS += -D_GNU_SOURCE -DWGXDP_VERSION='"$(VERSION)"' -Iinclude -Iuser -I$(O) \
	    $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla -Wundef
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu11 -fno-strict-aliasing -fstack-protector-strong $(WARNINGS) \
	    $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
LDFLAGS  += $(if $(SAN),-fsanitize=address$(comma)undefined)
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -pthread
comma    := ,
BPFFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -ffreestanding -fno-strict-aliasing \
	    -Wall -Wextra -Werror -Wno-missing-declarations -Iinclude -Ibpf

# Layers of user/, lowest first; main.c is on top. Tests link all of them but main.c.
LAYERS   := util crypto proto datapath agent cli
LIB_SRC  := $(foreach layer,$(LAYERS),$(wildcard user/$(layer)/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(O)/%.o)
BPF_SRC  := $(wildcard bpf/*.bpf.c)
SKELS    := $(BPF_SRC:bpf/%.bpf.c=$(O)/%.skel.h)

COMPLETION := $(addprefix $(O)/wgxdp.,bash zsh fish)

.PHONY: all
all: $(O)/wgxdp $(O)/wgxdp.8 $(COMPLETION) ## build everything: one binary, BPF object inside

# ---- what the machine must have --------------------------------------------------------------------
# Building or testing on a machine that lacks something installs it (as root) or says how to.
.PHONY: deps
deps: ## install by apt what is missing
	@scripts/deps --install
$(O)/.deps: scripts/deps
	$(if $(NODEPS),,@scripts/deps --ensure)
	@mkdir -p $(O) && touch $@

# ---- building --------------------------------------------------------------------------------------
$(O)/wgxdp: $(O)/user/main.o $(LIB_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What the program says of itself, for man and shells.
$(O)/wgxdp.8: user/man/wgxdp.8 $(O)/wgxdp
	$(call say,MAN,$@)
	$(Q)$(O)/wgxdp help --man > $@.commands && sed -e '/^\.\\" COMMANDS/{r $@.commands' -e 'd}' $< > $@
$(COMPLETION): $(O)/wgxdp.%: $(O)/wgxdp
	$(call say,SHELL,$@)
	$(Q)$< help --completion $* > $@

$(O)/%.o: %.c | $(O)/.deps $(SKELS)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.bpf.o: bpf/%.bpf.c | $(O)/.deps
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf > $@

# ---- testing ---------------------------------------------------------------------------------------
include tests/tests.mk

# ---- the rest --------------------------------------------------------------------------------------
.PHONY: demo install uninstall clean lint format compdb help
demo: all ## two namespaces, a tunnel, half a minute (root); PEER=wireguard-go
	@O=$(O) scripts/demo

install: all ## copy program, manual, completion, service to $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(O)/wgxdp $(DESTDIR)$(PREFIX)/sbin/wgxdp
	ln -sf wgxdp $(DESTDIR)$(PREFIX)/sbin/wgxdp-agent
	install -D -m 0644 $(O)/wgxdp.8 $(DESTDIR)$(PREFIX)/share/man/man8/wgxdp.8
	ln -sf wgxdp.8 $(DESTDIR)$(PREFIX)/share/man/man8/wgxdp-agent.8
	install -D -m 0644 user/man/wgxdp.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/wgxdp.conf.5
	install -D -m 0644 $(O)/wgxdp.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wgxdp
	install -D -m 0644 $(O)/wgxdp.zsh $(DESTDIR)$(ZSHDIR)/_wgxdp
	install -D -m 0644 $(O)/wgxdp.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/wgxdp.fish
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@SBIN@|$(PREFIX)/sbin|' user/systemd/wgxdp@.service.in > \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/wgxdp@.service

uninstall: ## remove what install copied
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/wgxdp sbin/wgxdp-agent share/man/man8/wgxdp.8 \
		share/man/man8/wgxdp-agent.8 share/man/man5/wgxdp.conf.5 \
		share/bash-completion/completions/wgxdp share/fish/vendor_completions.d/wgxdp.fish \
		lib/systemd/system/wgxdp@.service) $(DESTDIR)$(ZSHDIR)/_wgxdp

clean: ## remove what was built
	rm -rf $(O)

lint: $(O)/.deps ## house rules, formatting, shell scripts
	@scripts/lint

format: $(O)/.deps ## rewrite C files as .clang-format says
	@scripts/lint --format

compdb: ## write compile_commands.json
	@scripts/compdb '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' '$(CLANG) $(BPFFLAGS)' > compile_commands.json

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(shell find $(O) -path '$(O)/deb' -prune -o -type f -name '*.d' -print 2>/dev/null)
