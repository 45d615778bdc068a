# Fuzzers and sanitizers; the Makefile includes this.
#
#   make fuzz FUZZ_SECONDS=60      every fuzzer for so long, two at a time
#   make build/fuzz/conf           one of them; build/fuzz/conf -help=1 says how to run it
#   make check-asan                the unit tests under AddressSanitizer and UBSan

FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 60
FUZZ         := $(BUILD)/fuzz
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,$(FUZZ)/%,$(wildcard tests/fuzz/fuzz_*.c))
# A stack frame that is used again must not keep the marks that tests/fuzz/kernel.c made in it.
FUZZ_CFLAGS  := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=all -fsanitize-address-use-after-return=always

fuzz_objects = $(patsubst %.c,$(FUZZ)/obj/%.o,$(1))

$(FUZZ)/obj/%.o: %.c
	@echo "  CC    $< (fuzz)"
	@mkdir -p $(@D)
	@$(FUZZ_CC) -std=c11 -D_GNU_SOURCE -DCOMPS_VERSION='"$(VERSION)"' $(WARNINGS) -I. $(PKG_CFLAGS) \
		$(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

# One library of everything: a function that a target defines itself takes the place of ours.
$(FUZZ)/libcomps.a: $(call fuzz_objects,$(filter-out %/main.c,$(wildcard $(LAYERS:%=%/*.c) daemon/*.c cli/*.c)))
	@rm -f $@ && ar rcs $@ $^

$(FUZZ_TARGETS): $(FUZZ)/%: $(FUZZ)/obj/tests/fuzz/fuzz_%.o $(FUZZ)/libcomps.a
	@echo "  LD    $@"
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(FUZZ_LDFLAGS) -o $@ $(filter %.o,$^) $(FUZZ)/libcomps.a \
		$(PKG_LIBS) -lcurl -lcrypto -lev -lcap -lm

$(FUZZ)/netlink $(FUZZ)/monitor: $(FUZZ)/obj/tests/fuzz/kernel.o
$(FUZZ)/conf $(FUZZ)/provision: FUZZ_LDFLAGS := -Wl,--wrap=conf_file_read

.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)

fuzz: deps
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh tests/fuzz/test_fuzz.sh

# Without _FORTIFY_SOURCE, whose checked functions AddressSanitizer does not know. The two warnings
# are false where gcc adds its own code (gcc(1), -fsanitize=).
ASAN_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	       -Wno-maybe-uninitialized -Wno-format-truncation

# Builds the programs that tests/asan runs, and names the unit tests.
.PHONY: asan-programs asan-programs-now
asan-programs:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan HARDENING=-fPIE CFLAGS='$(ASAN_CFLAGS)' asan-programs-now

asan-programs-now: all $(UNIT_TESTS) $(LAB_TOOLS)
	@printf '%s\n' $(UNIT_TESTS)
