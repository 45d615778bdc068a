#!/bin/bash
# The unit tests, and the daemon's whole life in the lab, once more under AddressSanitizer and UndefinedBehaviorSanitizer. Each
# program is one test here; its own lines are in build/asan/test-logs.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}/asan
logs=$build/test-logs
lab=(tests/lab/test_lifecycle.sh)

mkdir -p "$logs"
# The jobserver of a make that has started us is not ours to use.
if ! programs=$(env -u MAKEFLAGS -u MAKELEVEL make -s -j "$(nproc)" "BUILD=${BUILD:-build}" asan-programs 2>"$logs/make.log" | grep -v '^  '); then
	cat "$logs/make.log"
	echo "Bail out! it does not build with the sanitizers"
	exit 1
fi
mapfile -t programs <<<"$programs"
programs+=("${lab[@]}")

echo "1..${#programs[@]}"
status=0
for program in "${programs[@]}"; do
	name=$(basename "$program")
	if BUILD=$build CMOCKA_MESSAGE_OUTPUT=TAP "$program" >"$logs/$name.log" 2>&1 </dev/null; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		grep -E '^not ok|ERROR: |runtime error:|SUMMARY:' "$logs/$name.log" | sed 's/^/# /'
		status=1
	fi
done
exit $status
