# CoMPS. `make demo` shows the main job, `make check` runs every test; both install what is missing.

VERSION := 0.1.0
BUILD   ?= build
CC      ?= gcc
PREFIX  ?= /usr/local

PKGS      := libmnl libsodium jansson yaml-0.1 libnftables
WARNINGS  := -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS    ?= -O2 -g
# Recursive on purpose: pkg-config is asked only once the packages are there (see `deps`).
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DCOMPS_VERSION='"$(VERSION)"' $(WARNINGS) $(HARDENING) -I. \
	     $(PKG_CFLAGS) $(CFLAGS) -MMD -MP
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

# Each folder is one static library; the link order is the dependency rule (arrows point right).
LAYERS     := netlink probes conf core policies lib
LAYER_LIBS := $(LAYERS:%=$(BUILD)/lib%.a)
objects     = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)/*.c))

CLI_LIBS   := $(filter-out %/libnetlink.a %/libprobes.a,$(LAYER_LIBS))

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/sim/test_*.c))
LAB_TOOLS  := $(BUILD)/tests/lab/linkem $(BUILD)/tests/lab/flow
BENCHES    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
SUITES     := $(wildcard tests/lab/test_*.sh tests/lint/test_*.sh tests/golden/test_*.sh)

.PHONY: all
all: $(BUILD)/compsd $(BUILD)/comps

$(BUILD)/compsd: $(call objects,daemon) $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lev -lcap -lm

$(BUILD)/comps: $(call objects,cli) $(CLI_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lm

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
$(BUILD)/libcli.a: $(filter-out $(BUILD)/cli/main.o,$(call objects,cli))

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(BUILD)/libcli.a $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ -lcmocka $(PKG_LIBS) -lev -lcap -lm -lpthread

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdaemon.a $(LAYER_LIBS)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lev -lcap -lm -lpthread

.SECONDEXPANSION:
$(LAB_TOOLS): $(BUILD)/%: $$(addprefix $(BUILD)/,$$(addsuffix .o,$$(basename $$(wildcard $$*.c $$*_*.c))))
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ -lm -lpthread

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(BUILD)
