#!/bin/bash
# Runs test programs that print TAP (testanything.org), one after the other, and adds their results up.
# The last line is `N passed, N failed, N skipped`; the exit status is 0 when nothing failed.
#
#   tests/run.sh PROGRAM...        TEST_TIMEOUT=SECONDS for each program (2500)
#                                  BESIDE=PROGRAMS that run while the others do, two at once, with what time those leave, and are
#                                  told of last; those that have not begun when the others are done run then
#
# What each printed is kept in build/test-logs/. A crash, a time-out, a missing plan or a short one counts as a failure.
# Every failure is told twice, when its program ends and before the last line: of long output a CI shows the end only.

logs=${BUILD:-build}/test-logs
passed=0 failed=0 skipped=0 failures=
export CMOCKA_MESSAGE_OUTPUT=TAP

# Prints the skips and failures of one log, these with the comments that follow, then its three counts on the last line.
summarize() { # LOG STATUS
	awk -v status="$2" '
		/^1\.\.[0-9]+/ { plan = substr($0, 4) + 0; planned = 1; if (/# *[Ss][Kk][Ii][Pp]/) { print "    " $0; skip++ } }
		/^(not )?ok[ \t]/ && /# *[Ss][Kk][Ii][Pp]/ {
			# cmocka writes the reason into the line before
			print "    " $0 (/^not/ && note ? " (" note ")" : "")
			skip++; seen++; next
		}
		/^ok[ \t]/ { ok++; seen++; why = 0 }
		/^not ok[ \t]/ { print "    " $0; bad++; seen++; why = 30; next }
		/^#/ && why-- > 0 { print "    " $0; next }
		!/^(not )?ok[ \t]|^1\.\./ { note = $0 }
		END {
			if (!planned) { print "    no plan: it ended early"; bad++ }
			else if (seen != plan) { print "    planned " plan ", ran " seen + 0; bad++ }
			else if (status != 0 && !bad) { print "    exit status " status; bad++ }
			print ok + 0, bad + 0, skip + 0
		}' "$1"
}

log_of() { echo "$logs/$(basename "$1").log"; }

run() { # PROGRAM: leaves its exit status and the seconds it took beside its log
	local log start=$SECONDS
	log=$(log_of "$1")
	timeout --foreground -k 10 "${TEST_TIMEOUT:-2500}" "$1" >"$log" 2>&1 </dev/null
	echo "$? $((SECONDS - start))" >"$log.end"
}

report() { # PROGRAM: that has run
	local log report status seconds ok bad skip
	log=$(log_of "$1")
	read -r status seconds <"$log.end"
	report=$(summarize "$log" "$status")
	read -r ok bad skip <<<"${report##*$'\n'}"
	printf '%-40s %4d passed %3d failed %3d skipped  %4ds\n' "$(basename "$1")" "$ok" "$bad" "$skip" "$seconds"
	((bad)) && ! grep -q '^not ok' "$log" && report=$(tail -n 25 "$log" | sed 's/^/    /')$'\n'$report
	[[ $report = *$'\n'* ]] && echo "${report%$'\n'*}"
	if ((bad)); then
		failures+=$(basename "$1"):$'\n'$(grep -v '# *SKIP' <<<"${report%$'\n'*}")$'\n'
	fi
	((passed += ok, failed += bad, skipped += skip))
}

# Those of BESIDE that nobody has begun yet.
run_beside() {
	local program
	for program in $BESIDE; do
		mkdir "$(log_of "$program").begun" 2>/dev/null && run "$program"
	done
}

mkdir -p "$logs"
if [[ ${BESIDE:-} ]]; then
	rm -rf "$logs"/*.begun
	set -m # a process group of its own, to be ended as a whole
	{
		set +m
		renice -n 19 -p $BASHPID >/dev/null
		run_beside &
		run_beside
		wait
	} &
	beside=$!
	set +m
	trap 'kill -- -$beside 2>/dev/null' EXIT
	trap 'exit 130' INT TERM HUP
fi
for program; do
	run "$program"
	report "$program"
done
if [[ ${BESIDE:-} ]]; then
	run_beside
	wait "$beside"
	for program in $BESIDE; do report "$program"; done
fi
printf '%s' "${failures:+$'\n'failed:$'\n'}$failures"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
