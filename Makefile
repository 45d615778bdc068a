# CoMPS. `make demo` shows the main job, `make check` runs every test; both install what is missing.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= gcc
PREFIX  ?= /usr/local

PKGS      := libmnl libsodium jansson yaml-0.1 libnftables libcares sqlite3
WARNINGS  := -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS    ?= -O2 -g
# Recursive on purpose: pkg-config is asked only once the packages are there (see `deps`).
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DCOMPS_VERSION='"$(VERSION)"' $(WARNINGS) $(HARDENING) -I. \
	     $(PKG_CFLAGS) $(CFLAGS) -MMD -MP
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

# Each folder is one static library; the link order is the dependency rule (arrows point right).
LAYERS     := cells exposure replay trace provision netlink probes conf core policies lib
LAYER_LIBS := $(LAYERS:%=$(BUILD)/lib%.a)
objects     = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

CLI_LIBS   := $(filter-out %/libnetlink.a %/libprobes.a %/libprovision.a,$(LAYER_LIBS))

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/sim/test_*.c))
LAB_TOOLS  := $(patsubst %,$(BUILD)/tests/lab/%,linkem flow crowd clockshift.so)
PLUGINS    := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/plugins/*.c))
BENCHES    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
LINT_TESTS := $(wildcard tests/lint/test_*.sh)
LAB_TESTS  := $(wildcard tests/lab/test_*.sh)
VM_TESTS   := $(wildcard tests/vm/test_*.sh)
FUZZ_TESTS := $(wildcard tests/fuzz/test_*.sh)
HOST_TESTS := $(wildcard tests/hosts/test_*.sh)
PAGE_TESTS := $(wildcard tests/pages/test_*.sh)
CLOUD_TESTS := $(wildcard tests/provision/test_*.sh)
ASAN_TESTS := $(wildcard tests/asan/test_*.sh)

# What `deps` installs: to build, to run, to test in the lab, on booted hosts, and in the virtual
# machine.
PACKAGES := gcc make pkg-config libc6-dev libev-dev libmnl-dev libnftables-dev libsodium-dev \
	    libyaml-dev libjansson-dev libc-ares-dev libsqlite3-dev libjs-dygraphs libcap-dev libcmocka-dev \
	    libcurl4-openssl-dev libssl-dev python3 \
	    wireguard-go wireguard-tools iproute2 iputils-ping nftables gojq procps util-linux \
	    clang clang-format clang-tidy libclang-rt-dev cppcheck shellcheck valgrind \
	    dnsmasq-base systemd-container dbus parallel curl chromium chromium-driver openssh-client openssh-server \
	    qemu-system-x86 busybox-static kmod xz-utils \
	    podman crun catatonit docker-compose debootstrap

.PHONY: all
all: $(BUILD)/compsd $(BUILD)/comps $(BUILD)/comps-provision

$(BUILD)/compsd: $(call objects,daemon) $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lev -lcap -lpthread -lm

# What is put into the programs as it is: the report's page, and the script that sets servers up.
PAGES := $(wildcard pages/*) $(addprefix /usr/share/javascript/dygraphs/dygraph.min.,css js)
$(BUILD)/pages/pages.o: $(PAGES)
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@for page in $(PAGES); do \
		{ sed /sourceMappingURL/d $$page && printf '\0'; } >$(@D)/$${page##*/}; done
	@cd $(@D) && ld -r -z noexecstack -b binary -o pages.o $(notdir $(PAGES))

$(BUILD)/provision/server_sh.o: provision/server.sh
	@echo "  LD    $@"
	@mkdir -p $(@D)/embedded
	@{ cat $< && printf '\0'; } >$(@D)/embedded/server.sh
	@cd $(@D)/embedded && ld -r -z noexecstack -b binary -o ../server_sh.o server.sh
$(BUILD)/libprovision.a: $(BUILD)/provision/server_sh.o $(BUILD)/provision/bundle_files.o

# What a client bundle holds as it is.
BUNDLE := $(wildcard provision/bundle/*)
$(BUILD)/provision/bundle_files.o: $(BUNDLE)
	@echo "  LD    $@"
	@mkdir -p $(@D)/bundle
	@for file in $(BUNDLE); do { cat $$file && printf '\0'; } >$(@D)/bundle/$${file##*/}; done
	@cd $(@D)/bundle && ld -r -z noexecstack -b binary -o ../bundle_files.o $(notdir $(BUNDLE))

$(BUILD)/comps: $(call objects,cli) $(BUILD)/pages/pages.o $(CLI_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lm

$(BUILD)/comps-provision: $(call objects,provisioner) $(BUILD)/libcli.a $(BUILD)/libprovision.a $(CLI_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lcurl -lcrypto -lm

define layer_library
$$(BUILD)/lib$(1).a: $$(call objects,$(1))
	@echo "  AR    $$@"
	@rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_library,$(layer))))

$(BUILD)/%.o: %.c
	@echo "  CC    $<"
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The programs' own modules are tested too; their main functions are not part of these libraries.
$(BUILD)/libdaemon.a $(BUILD)/libcli.a: $(BUILD)/lib%.a:
	@rm -f $@ && ar rcs $@ $^
$(BUILD)/libdaemon.a: $(filter-out $(BUILD)/daemon/main.o,$(call objects,daemon))
$(BUILD)/libcli.a: $(filter-out $(BUILD)/cli/main.o,$(call objects,cli)) $(BUILD)/pages/pages.o

# The simulated network of tests/sim is shared by its tests.
$(filter $(BUILD)/tests/sim/%,$(UNIT_TESTS)): $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c)))

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(BUILD)/libcli.a $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka \
		$(PKG_LIBS) -lcurl -lcrypto -lev -lcap -lpthread -lm

$(BUILD)/tests/unit/test_plugins: | $(PLUGINS)

# These two drive the real program.
$(BUILD)/tests/unit/test_cli_commands $(BUILD)/tests/unit/test_cli_watch: | $(BUILD)/comps

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lev -lcap -lpthread -lm

.SECONDEXPANSION:
$(filter-out %.so,$(LAB_TOOLS)): $(BUILD)/%: $$(addprefix $(BUILD)/,$$(addsuffix .o,$$(basename $$(wildcard $$*.c $$*_*.c))))
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ -lm -lpthread

$(BUILD)/%.so: %.c
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -I. $(CFLAGS) -shared -fPIC -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- what people run ------------------------------------------------------------------------------

# Each goal below first installs what is missing, then runs make again: only then can pkg-config
# answer.
BUILD_AGAIN = $(MAKE) --no-print-directory -j$(shell nproc)
.PHONY: deps demo bench
deps:
	@etc/install-packages $(PACKAGES)

demo: deps
	@$(BUILD_AGAIN) all $(LAB_TOOLS)
	@tests/lab/demo.sh

CHECKS := check check-lint check-unit check-lab check-hosts check-pages check-cloud check-asan \
	  check-fuzz check-vm
check-lint:  SUITES = $(LINT_TESTS)
check-unit:  SUITES = $(UNIT_TESTS)
check-lab:   SUITES = $(LAB_TESTS)
check-hosts: SUITES = $(HOST_TESTS)
check-pages: SUITES = $(PAGE_TESTS)
check-cloud: SUITES = $(CLOUD_TESTS)
check-asan:  SUITES = $(ASAN_TESTS)
check-fuzz:  SUITES = $(FUZZ_TESTS)
check-vm:    SUITES = $(VM_TESTS)
check:       SUITES = $(LINT_TESTS) $(UNIT_TESTS) $(LAB_TESTS) $(HOST_TESTS) $(PAGE_TESTS) $(CLOUD_TESTS) \
		      $(ASAN_TESTS)
check:       BESIDE = $(FUZZ_TESTS) $(VM_TESTS)
.PHONY: $(CHECKS)
$(CHECKS): deps
	@$(BUILD_AGAIN) check-now SUITES='$(SUITES)' BESIDE='$(BESIDE)'

.PHONY: check-now
check-now: all $(UNIT_TESTS) $(LAB_TOOLS) $(PLUGINS)
	@BUILD=$(BUILD) BESIDE='$(BESIDE)' tests/run.sh $(SUITES)

bench: deps
	@$(BUILD_AGAIN) all $(LAB_TOOLS) $(BENCHES)
	@tests/bench/run.sh $(BENCH)

STEPS ?= 500
SEED  ?= 1
.PHONY: chaos
chaos: deps
	@$(BUILD_AGAIN) all $(LAB_TOOLS)
	@BUILD=$(BUILD) tests/lab/chaos.sh $(STEPS) $(SEED)

.PHONY: install
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(BUILD)/compsd
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/comps
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/comps $(BUILD)/comps-provision
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/comps policies/policy.h
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 etc/man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 etc/man/*.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 etc/man/*.7
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 etc/man/*.8
	install -D -m 644 etc/completion/comps.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/comps
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/comps etc/comps.yaml etc/*.conf.example
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/comps/example policies/example/*
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system etc/systemd/*.service
	sed -i 's|/usr/local/|$(PREFIX)/|g' $(DESTDIR)$(PREFIX)/lib/systemd/system/comps*.service
	install -D -m 644 etc/systemd/comps.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/comps.conf
	install -D -m 644 etc/systemd/comps.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/comps.conf
	install -D -m 644 etc/systemd/comps.networkd \
		$(DESTDIR)$(PREFIX)/lib/systemd/networkd.conf.d/comps.conf

.PHONY: clean
clean:
	rm -rf $(BUILD)

include tests/fuzz/fuzz.mk
