#!/bin/bash
# Builds every fuzzer and runs it for FUZZ_SECONDS (60), FUZZ_JOBS (2) at a time. What it finds on the way is kept in
# build/fuzz/work, so that the next run begins there; the corpus in the tree does not grow. An input that breaks something
# lies in build/fuzz/broken; to see it break again:
#
#   build/fuzz/NAME build/fuzz/broken/NAME-...

set -u
cd "$(dirname "$0")/../.." || exit 1
export build=${BUILD:-build} seconds=${FUZZ_SECONDS:-60}
jobs=${FUZZ_JOBS:-2}
clang=${FUZZ_CC:-clang}

skip() { # REASON
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$clang" >/dev/null || skip "no $clang"
echo 'int LLVMFuzzerTestOneInput(void *d, long n) { return !d && n; }' |
	"$clang" -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null ||
	skip "$clang has no libFuzzer (Debian: libclang-rt-dev)"

mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c | sed 's/^fuzz_//')
echo "1..${#targets[@]}"

# The jobserver of a make that has started us is not ours to use.
if ! env -u MAKEFLAGS -u MAKELEVEL nice -n 19 make -s -j "$jobs" "BUILD=$build" "FUZZ_CC=$clang" \
	fuzz-targets >&2; then
	echo "Bail out! the fuzzers do not build"
	exit 1
fi

fuzz() { # NAME
	local work=$build/fuzz/work/$1 log=$build/fuzz/$1.log
	local options=(-max_len=4096 -timeout=10 -rss_limit_mb=1024 -max_total_time="$seconds"
		-artifact_prefix="$build/fuzz/broken/$1-" -print_final_stats=1)
	[[ -f tests/fuzz/dict/$1 ]] && options+=(-dict="tests/fuzz/dict/$1")
	mkdir -p "$work" "$build/fuzz/broken"
	# The first folder is the one that grows.
	nice -n 19 "$build/fuzz/$1" "${options[@]}" "$work" "tests/fuzz/corpus/$1" >"$log" 2>&1 && return
	grep -E 'ERROR: |runtime error:|broken:|SUMMARY:|Test unit written to' "$log" | sed 's/^/# /'
	return 1
}
export -f fuzz

report() { # NAME: one whole line, though others write at the same time
	local text
	if text=$(fuzz "$1"); then
		echo "ok - $1: $(awk '/number_of_executed_units/ { print $2 }' "$build/fuzz/$1.log") inputs"
	else
		printf 'not ok - %s\n%s\n' "$1" "$text"
		false
	fi
}
export -f report

printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'report {}'
