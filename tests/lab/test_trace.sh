#!/bin/bash
# What compsd records while it lives, when it is killed and while its disk is full; and that every verdict comes out the same
# again.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin trace

disk=$RUN/disk trace=$RUN/disk/trace.db

local_comps() { x client "$e2e_build/comps" "$@"; } # no daemon is asked
info() { # FILTER over the runs: what there is, and whether it is so
	local_comps trace info -j "$trace" && local_comps trace info -j "$trace" | holds ".runs | $1" >/dev/null
}
recorded() { wait_status "$DEADLINE" ".trace.records > $1"; }
repeats() { # RUN [FILTER]
	prints "${2:-.same and .complete and .verdicts > 10}" local_comps replay --verify -j --run "$1" "$trace"
}
migrated() { wait_status "$DEADLINE" ".migrations.total >= $1"; }

check "lab" e2e_lab
lab serve
mkdir -p "$disk"
x client mount -t tmpfs -o size=32m disk "$disk"
config $'name: random-interval\ninterval: 300ms\nmin: 50ms' "guards: {min_dwell: 50ms, max_migrations_per_min: 6000, hold_down: 200ms}
probe: {interval: 100ms}
trace: {file: $trace}"
check "compsd starts, all paths are up" start_ready
check "traffic" flow_start load udp-both --pps 200 inet
check "it migrates" migrated 20
lab kill_proxy 1
check "a proxy dies" wait_status "$DEADLINE" '.paths[0].state == "down"'
lab revive_proxy 1
check "and comes back" wait_status "$DEADLINE" '.paths[0].state == "up"'
check "another policy" comps policy set latency-best every=100ms hold=200ms
check "the operator moves" wait_for "$DEADLINE" comps migrate next --wait
check "audit: what links the paths of the lab" prints '(map(.severity) | index("high") == null) and any(.[]; .text | test("shake hands")) and any(.[]; .text | test("inner tunnel")) and any(.[]; .severity == "note" and (.text | test("all paths leave by eth0")))' local_comps audit -j "$conf"
linked() { # a copy of the configuration with one key of ours on two overlays
	local key
	cp -r "${conf%/*}" "$RUN/linked" && key=$(sed -n 's/^PrivateKey *= *//p' "$RUN/linked/wgnet1.conf") &&
		sed -i "s|^PrivateKey.*|PrivateKey = $key|" "$RUN/linked/wgnet2.conf"
}
check "audit: a key that is used twice" eval 'linked && says 1 "high +p1 and p2 have the same key of ours" local_comps audit "$RUN/linked/comps.yaml"'
check "and pins" comps pin p2
check "it is recorded" recorded 500
check "the shares of the last half minute" status '.exposure | .window_s == 30 and .busiest > 0.1 and .busiest < 1 and .effective_paths > 1 and ([.share[]] | add > 0.99)'
check "nobody else may read it" test "$(x client stat -c %a "$trace")" = 600
stop_compsd KILL
check "killed: the file is whole" info 'length == 1 and .[0].ended == false and .[0].lost == 0 and .[0].migrations > 20'
check "killed: every verdict comes out the same" repeats 1 '.same and .verdicts > 10'

check "again" start_ready
check "it goes on" migrated 30 # so that the random policy has been everywhere; a reload begins another run
check "reload" comps reload
check "and on" migrated 45
stop_compsd
check "stopped: two runs more, with a clean end" info 'length == 3 and (.[1:] | all(.ended))'
check "stopped: every verdict of the second" repeats 2
check "stopped: and of the third" repeats 3
check "what other policies would have done" prints '.policy == "round-robin" and .migrations.start == 1 and .rtt_mean_s > 0' \
	local_comps replay -j --run 2 --policy round-robin,interval=1s "$trace"

check "what the paths could learn" prints '.dwell.count > 10 and .share.time.p1 > 0 and .share.bytes.p2 > 0 and .handover.lag_s.p50 > 0 and (.windows | length) == 6 and .windows[0].max_share.count > 0' \
	local_comps exposure -j --run 2 "$trace"
check "... for people" says 0 'busiest path .*%' local_comps exposure --run 2 "$trace"
check "... with other policies" prints '.exposure.dwell.count > 1 and .exposure.by_bytes.max > 0.2' \
	local_comps replay -j --exposure --run 2 --policy random-interval,interval=500ms,min=100ms "$trace"

sweep() { # OPTION...
	x client "$e2e_build/comps" replay --json --run 2 --seeds 3 "$@" "$trace"
}
engine() { sweep -p random-interval,min=100ms,interval=1s..4s*2 --jobs 1; }
jobs() { sweep -p random-interval,min=100ms,interval=1s..4s*2 --jobs 3; }
gnu_parallel() {
	x client parallel -k --will-cite "$e2e_build/comps" replay --json --run 2 --seeds 3 -p random-interval,min=100ms,interval={} "$trace" ::: 1s 2s 4s
}
check "a sweep has a line for each policy and seed" test "$(engine | wc -l)" = 9
check "more processes: the same" same "$(engine)" "$(jobs)"
check "GNU parallel: the same" same "$(engine)" "$(gnu_parallel)"

# ---- a full disk ----

x client sh -c "dd if=/dev/zero of=$disk/full bs=64k 2>/dev/null; true"
check "full disk: starts" start_ready
check "full disk: migrates" migrated 20
check "full disk: says so" wait_status "$DEADLINE" '.trace.lost > 0 and .trace.error != null'
check "full disk: the log says so" grep -q 'trace: .* records lost: .*full' "$RUN/compsd.log"
x client rm "$disk/full"
check "room again: goes on" wait_status "$DEADLINE" '.trace.error == null'
check "room again: migrates" migrated 40
stop_compsd
check "room again: the gap is told" info 'any(.lost > 0)'
check "traffic all the time" flow_stop load .complete

# ---- what is no trace ----

x client sh -c "echo hello >$disk/hello"
config "name: hold" "trace: {file: $disk/hello}"
check "a file that is no trace: refused" says 1 'hello: is no trace' x client "$e2e_build/compsd" -c "$RUN/client/comps.yaml"
e2e_end
