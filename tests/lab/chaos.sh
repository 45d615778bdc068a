#!/bin/bash
# Chaos: a seeded run of faults against CoMPS in the lab, under traffic. After every step everything that CoMPS promises must
# hold again within the bound, and what it promises at any time must have held.
#
#   tests/lab/chaos.sh STEPS SEED
#
# Environment:  CHAOS_BOUND=15            seconds that CoMPS has after each step
#               CHAOS_SKIP="NAME..."      steps that are left out, by the names of chaos_faults.sh; the others stay the same
#               CHAOS_RSS_SLACK_KB=8192   how much compsd may grow (more under AddressSanitizer)
#
# The seed decides what is done; how it falls together with the daemon's own timing is the machine's affair. The log of a
# run, with the steps between the daemon's words, is kept in build/chaos-SEED.log. Exit status: 0 everything held, 1 not.

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
# shellcheck source=tests/lab/chaos_faults.sh
. "${0%/*}/chaos_faults.sh"

STEPS=${1:-25} SEED=${2:-1} BOUND=${CHAOS_BOUND:-15}
[[ $STEPS$SEED =~ ^[0-9]+$ ]] || {
	echo "usage: chaos.sh STEPS SEED" >&2
	exit 2
}
# More than that above what it had at first is a leak. Bad clients make the heap grow by some MiB, of which glibc keeps a part.
RSS_SLACK_KB=${CHAOS_RSS_SLACK_KB:-8192} FDS_SLACK=8
RANDOM=$SEED
declare -A worst_ms=() times=()
step=0 stopped=false guard_may_count=false guard_leaked=0 WHY='' DONE=''

say() { echo "$*" | tee -a "$RUN/compsd.log"; }

did() { DONE+="${DONE:+; }$*"; }

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

die() {
	say "FAILED at step $step, seed $SEED: $*"
	say "the step: $DONE"
	{
		comps events | tail -n 30
		comps status
		observed
	} >"$RUN/last" 2>&1
	tail -n 60 "$RUN/compsd.log" | sed 's/^/    /'
	{
		echo "--- the last events, the status and the kernel's state"
		cat "$RUN/last"
	} | tee -a "$RUN/compsd.log"
	exit 1
}

keep_log() {
	cp "$RUN/compsd.log" "$e2e_build/chaos-$SEED.log"
	e2e_cleanup
} 2>/dev/null

# ---- the daemon ----

start_daemon() {
	fds_first='' rss_first=''
	all_links_up
	LD_PRELOAD=$clockshift CLOCKSHIFT=$RUN/clockshift start_compsd
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$COMPSD/status"; }
fds() {
	local all=("/proc/$COMPSD/fd/"*)
	echo ${#all[@]}
}

# ---- what must hold ----

# The rules, routes, guard and interfaces that are CoMPS's, in a few lines; expected() is what they should be.
observed() {
	# shellcheck disable=SC2016
	x client sh -c '
		for f in -4 -6; do
			echo "rules" $(ip $f rule | sed -n "s/^\([0-9]*\):.* proto 201$/\1/p")
			for t in 51820 51821; do
				ip $f route show table $t | awk -v t=$t "
					/^unreachable default/ { stop++ } /^default/ { go++ }
					END { print t, \"defaults\", go + 0, \"backstops\", stop + 0 }"
			done
			echo "pins" $(ip $f route show table 51821 | sed -n "s/^[1-9f].* dev \(wg[a-z0-9]*\) .*/\1/p" | sort -u)
			echo "probes" $(ip $f route show table all | sed -n "s/^default .*dev \(wg[a-z0-9]*\) table 600.*/\1/p" | sort -u)
		done
		nft list table inet comps | grep -c "chain post"
		echo $(ip -o link | sed -n "s/^[0-9]*: \(wg[a-z0-9]*\):.*/\1/p" | sort)' 2>/dev/null
}

expected() {
	local i rules="rules 10000 10001 10010 10011 10012 10013" links="wg0" up=""
	for ((i = 1; i <= N; i++)); do
		is_absent "$i" || rules+=" 10015" links+=" wgnet$i"
		case ${sick[$i]:-} in absent | link_down) ;; *) up+=" wgnet$i" ;; esac
	done
	for _ in 4 6; do
		printf '%s\n' "$rules 10017 10020 10021" "51820 defaults 1 backstops 1" "51821 defaults 1 backstops 1" "pins$up" "probes$up"
	done
	printf '%s\n' 1 "$links"
}

no_zombies() { [[ $(ps -o stat= --ppid "$COMPSD") != *Z* ]]; }

carried_by_a_good_path() {
	local now
	now=$(active)
	may_carry "${now#p}" && return
	WHY="$now is active, which is ${sick[${now#p}]:-nothing}"
	return 1
}

# What may take a moment after a step. WHY says what is missing.
recovered() {
	compsd_runs || die "compsd is gone"
	carried_by_a_good_path || return
	WHY="no ping gets through wg0"
	x client ping -q -n -c 1 -W 1 10.99.0.1 || return
	WHY=$(diff <(expected) <(observed)) || return
	WHY="zombies: $(ps -o args= --ppid "$COMPSD")"
	no_zombies || return
	WHY="no record gets into the trace: $(comps status -j | gojq -c .trace)"
	((disk_until > 0)) || status '.trace.error == null'
}

no_leak_yet() {
	local leaked
	[[ $(lab uplink_leaks) = 0 ]] || die "packets left outside of the tunnels: $(lab counters --json)"
	leaked=$(comps status -j | gojq '.leaked_packets // 0')
	((leaked <= guard_leaked)) || $guard_may_count || die "the guard stopped $((leaked - guard_leaked)) packets"
	guard_leaked=$leaked guard_may_count=false
}

connections_live() {
	local name
	for name in "${!FLOW[@]}"; do
		kill -0 "${FLOW[$name]}" 2>/dev/null || die "flow $name has ended: $(cat "$RUN/$name.json" "$RUN/$name.err")"
	done
}

resources_flat() {
	local rss fds_now
	rss=$(rss_kb) fds_now=$(fds)
	: "${rss_first:=$rss}" "${fds_first:=$fds_now}"
	((rss <= rss_first + RSS_SLACK_KB)) || die "compsd grew from $rss_first to $rss KiB"
	((fds_now <= fds_first + FDS_SLACK)) || die "compsd has $fds_now open files, at first $fds_first: $(readlink "/proc/$COMPSD/fd/"*)"
}

verify() { # NAME, of the step
	local began ms
	began=$(now_ms)
	wait_for "$BOUND" recovered || die "after ${BOUND}s: $WHY"
	ms=$(($(now_ms) - began))
	times[$1]=$((${times[$1]:-0} + 1))
	((ms <= ${worst_ms[$1]:-0})) || worst_ms[$1]=$ms
	connections_live
	no_leak_yet
	resources_flat
	say "        again well after ${ms}ms"
}

# ---- the run ----

begin() {
	local i
	e2e_lab || die "no lab"
	for ((i = 1; i <= N; i++)); do lab link "p$i" delay_us=$((1000 * i)); done
	x client mount -t tmpfs -o size=64k,mode=700 chaos /run/comps || die "no disk"
	mkdir "$trace_disk"
	x client mount -t tmpfs -o size=24m chaos "$trace_disk" || die "no disk for the trace"
	lab serve
	write_config
	shift_clocks
	{ start_daemon && wait_status "$DEADLINE" 'all(.paths[]; .state == "up") and .active != null'; } || die "does not start"
	lab reset_counters
	flow_start ssh tcp-idle --interval 100 --drain 30 inet || die "no idle connection"
	flow_start bulk tcp-down --rate 2000 inet || die "no download"
	flow_start calls udp-both --pps 50 inet || die "no UDP"
}

take_step() {
	DONE=
	cure_due
	pick "${STEPS_TABLE[@]}"
	local name=$PICKED
	[[ " ${CHAOS_SKIP:-} " != *" $name "* ]] || return 0
	"step_$name" >"$LOG" 2>&1 || die "$name failed: $(cat "$LOG")"
	say "$(printf 'step %4d: %s' "$step" "$DONE")"
	verify "$name"
}

# Every run whose records are all there: the same verdicts come out again.
trace_repeats() {
	local run
	for run in $(x client "$e2e_build/comps" trace info -j "$trace" | gojq '.runs[] | select(.lost == 0) | .run'); do
		x client "$e2e_build/comps" replay --verify --run "$run" "$trace" >>"$RUN/compsd.log" || die "run $run of the trace does not repeat"
	done
	[[ -n ${run:-} ]] || die "there is no whole run in the trace"
}

# Healed, it must be as if nothing had been.
finish() {
	local i
	DONE="the end"
	cure_all
	policy="name: hold"
	reload >/dev/null || die "does not reload"
	wait_status "$DEADLINE" 'all(.paths[]; .state == "up") and .fault == "none"' || die "not all paths come back"
	verify "end"
	# Before nothing may be lost: beside a download, a busy machine's receive buffers overflow.
	flow_stop bulk .ok >>"$RUN/compsd.log" || die "the download broke, or was damaged"
	flow_stop calls . >/dev/null || die "the UDP flow broke"
	for ((i = 1; i <= N; i++)); do
		[[ $(active) = "p$i" ]] || comps migrate "p$i" --wait >/dev/null || die "does not migrate to p$i"
		flow_start last udp-both --pps 100 -t 2 inet && wait "${FLOW[last]}"
		unset "FLOW[last]"
		holds "$UDP_WHOLE" "$RUN/last.json" >/dev/null || die "p$i loses: $(gojq -c 'del(.losses)' "$RUN/last.json")"
	done
	flow_stop ssh .ok >>"$RUN/compsd.log" || die "the idle connection broke"
	no_leak_yet
	stop_compsd
	trace_repeats
}

e2e_begin chaos
trap keep_log EXIT
trace_disk=$RUN/disk trace=$RUN/disk/trace.db
clockshift=$e2e_build/tests/lab/clockshift.so
[[ -e $clockshift ]] || {
	clockshift=
	echo "$e2e_build/tests/lab/clockshift.so is not built: no clock will be shifted"
}
begin
say "chaos: $STEPS steps, seed $SEED"
for ((step = 1; step <= STEPS; step++)); do take_step; done
finish
for name in "${!times[@]}"; do printf '%-16s %4d times, well after %6d ms at worst\n' "$name" "${times[$name]}" "${worst_ms[$name]:-0}"; done | sort
say "chaos: $STEPS steps, seed $SEED: everything held"
