#!/bin/bash
# The main job, live, for about half a minute: compsd rotates over three paths of 10, 20 and 30 ms while a TCP transfer, an
# idle TCP connection and 100 pings a second go through wg0; then the proxy of the active path is killed, and comes back.
#
# On a terminal it is a screen, elsewhere lines. The verdict goes to build/demo.json and is the exit status: no ping lost
# outside of the failover, no packet outside the tunnels, no TCP connection broken, and the failover worked. It is taken from
# the time stamps of every single ping and from counters that the client cannot reach. Everything runs in a lab of its own
# (lab.sh), which is gone afterwards, however the demo ends. WG, LINK, OUTER and UNDERLAY are the lab's.
# shellcheck disable=SC2317  # called through until_then and wait_for

set -u -o pipefail
((EUID == 0)) || { echo "demo: network namespaces need root; run: sudo make demo" >&2 && exit 1; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
bin=$(cd "${BUILD:-build}" 2>/dev/null && pwd) || { echo "demo: there is no ${BUILD:-build}; run: make demo" >&2 && exit 1; }
for file in compsd comps tests/lab/flow tests/lab/linkem; do
	[[ -x $bin/$file ]] || { echo "demo: $bin/$file is not built; run: make demo" >&2 && exit 1; }
done

# The lab is the network: what else this machine has to do shall not make it lose packets.
renice -n -10 -p $$ >/dev/null 2>&1

export P=demo-$$ RUN=/run/comps-lab/demo-$$ N=3 MODE=nested
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

ROTATE_S=12 BROKEN_S=6 ALL_S=30 # when the proxy dies, for how long, and when the demo ends at the earliest
TCP_KBIT=10000                  # the demo is about loss, not speed

tmp=$(mktemp -d) || exit 1
result=$bin/demo.json
rm -f "$result"
declare -A job=()
screen=no phase='' shown_migrations=0 shown_at=0
active=- migrations=0 guard_leaks=0 wireguard=- last_us=0 last_text='' leaked=0 mbit=0 sent=0 lost=0 bytes=0 bytes_at=0
killed='' kill_us=0 failover_us=0 returned=no came_back=0

now_us() { now=${EPOCHREALTIME/[.,]/}; }

# ---- start and end ----

cleanup() {
	trap - EXIT INT TERM HUP
	[[ $screen = no ]] || printf '\033[?25h\033[?1049l'
	{ kill -KILL "${job[@]}"; wait; } 2>/dev/null
	lab down
	rm -rf "$tmp"
}

fail() {
	local log
	log=$(tail -n 5 "$tmp/compsd.log" 2>/dev/null)
	cleanup
	echo "demo: $*" >&2
	[[ -z $log ]] || printf 'compsd: %s\n' "$log" >&2
	exit 1
}

start() { # NAME HOST COMMAND...
	local name=$1 host=$2
	shift 2
	# In a session of its own: Ctrl-C is for the demo alone.
	xbg "$host" setsid "$@" >"$tmp/$name.out" 2>"$tmp/$name.log"
	job[$name]=$XPID
}

flow() { # NAME MODE OPTION...: one of the client's flows to the internet host
	start "$1" client "$bin/tests/lab/flow" run "${@:2}" --ready "$tmp/$1.ready" inet
	wait_for 5 test -e "$tmp/$1.ready" || fail "no traffic goes through wg0 ($1): $(<"$tmp/$1.log")"
}

has_path() { x client "$bin/comps" -j status | gojq -e ".active"; }

begin() {
	local i
	bash tests/lab/lab.sh up || fail "cannot build the lab"
	for i in 1 2 3; do lab link p$i delay_us=$((2500 * i)) || fail "cannot set a delay"; done # crossed four times
	lab config $'name: round-robin\ninterval: 2500ms'
	lab serve
	lab reset_counters
	start compsd client "$bin/compsd" -c "$RUN/client/comps.yaml"
	# Nothing is sent before the tunnels are closed around it: it would be counted.
	wait_for 10 has_path || fail "compsd has no path after 10 s"
	wait_for 10 lab ping_inet || fail "no way through wg0 within 10 s"
	flow ping echo --pps 100 --stamps "$tmp/stamps" --progress "$tmp/progress"
	flow tcp tcp-up --rate $TCP_KBIT
	flow idle tcp-idle --interval 500
	now_us
	began=$now
}

# ---- what is going on ----

look() {
	local status tx rx was=$bytes was_at=$bytes_at
	# shellcheck disable=SC2016
	{ read -r status && read -r tx && read -r rx; } < <(x client sh -c '"$1" -j status && cat /sys/class/net/wg0/statistics/[tr]x_bytes' - "$bin/comps") ||
		fail "compsd does not answer"
	IFS=$'\t' read -r active migrations guard_leaks wireguard last_us last_text < <(gojq -r '.migrations as $m | $m.last[0] as $l |
		[.active // "-", $m.total, .leaked_packets // 0, .wireguard, (($l.time // 0) * 1e6 | floor),
		 "\($l.from // "none") -> \($l.to) (\($l.reason)): \($l.outcome), \(($l.settle_s // 0) * 1000 | floor) ms"] | @tsv' <<<"$status")
	now_us
	bytes=$((tx + rx)) bytes_at=$now
	((was_at == 0)) || mbit=$(((bytes - was) * 8 * 10 / (now - was_at)))
	leaked=$(($(lab uplink_leaks) + guard_leaks))
	read -r sent _ lost <"$tmp/progress"
	[[ -z $killed || $failover_us -gt 0 ]] || find_failover "$status"
}

find_failover() { # STATUS: when the one after the kill had settled
	failover_us=$(gojq -r --argjson kill "$kill_us" '[.migrations.last[] | select(.reason == "failover" and .outcome == "settled"
		and .time * 1e6 >= $kill) | (.time + .decision_to_swap_s + .settle_s) * 1e6 | floor][-1] // 0' <<<"$1")
}

# ---- shown to people ----

traffic() {
	printf 'TCP %d.%d Mbit/s   pings %d sent, %d lost   leaked %d packets' \
		$((mbit / 10)) $((mbit % 10)) "$sent" "$lost" "$leaked"
}

draw() {
	local rows cols bold=$'\033[1m' plain=$'\033[0m' erase=$'\033[K'
	read -r rows cols < <(stty size <&1 2>/dev/null) || rows=24 cols=80
	{
		echo "CoMPS: client -> one of three proxies -> exit -> internet, a lab of its own"
		echo
		x client "$bin/comps" status | head -n $((rows - 7))
		echo
		printf 'traffic     %s\n' "$(traffic)"
		printf '%4d s      %s' $(((now - began) / 1000000)) "$phase"
	} | cut -c "1-$cols" | sed "s/^[*].*/$bold&$plain/; \$s/.*/$bold&$plain/; s/\$/$erase/" >"$tmp/frame"
	printf '\033[H' && cat "$tmp/frame" && printf '\033[J'
}

say() { printf '%3d s  %s\n' $(((now - began) / 1000000)) "$1"; }

lines() {
	[[ $migrations = "$shown_migrations" ]] || say "migrated $last_text"
	shown_migrations=$migrations
	((now - shown_at < 3000000)) || { say "$(traffic)" && shown_at=$now; }
}

show() { if [[ $screen = yes ]]; then draw; else lines; fi; }

phase() {
	phase=$1
	[[ $screen = yes ]] || { now_us && say "--- $phase"; }
}

open_screen() {
	[[ -t 1 && ${TERM:-dumb} != dumb ]] || return 0
	screen=yes
	printf '\033[?1049h\033[?25l'
}

# until_then SECONDS CONDITION...: shows, twice a second, until the condition holds; fails at the deadline.
until_then() {
	local end
	now_us
	end=$((now + $1 * 1000000))
	shift
	while look && show && ! "$@"; do
		((now < end)) || return 1
		sleep 0.4
	done
}

age() { ((now - began >= $1 * 1000000)); }

# ---- the three acts ----

# Right after a migration: the rotation shall not leave the dead path before the failover does.
time_to_kill() { age "$ROTATE_S" && ((now - last_us < 700000)); }
failed_over() { ((failover_us > 0)); }
revival_due() { age $((ROTATE_S + BROKEN_S)); }
is_back() { [[ $active = "$killed" ]]; }
is_over() { age "$ALL_S" && ((now - came_back >= 3000000)); }

act() {
	phase "rotating over three paths, every 2.5 s"
	until_then $((ROTATE_S + 10)) time_to_kill || fail "the rotation stopped"

	phase "killing the proxy of the active path, $active"
	killed=$active
	now_us
	kill_us=$now
	lab kill_proxy "$killed"
	until_then 5 failed_over || return
	phase "$killed is dead, failed over to $active in $(((failover_us - kill_us) / 1000)) ms; rotating over the other two"
	until_then $((ROTATE_S + BROKEN_S + 10)) revival_due

	phase "the proxy of $killed comes back; its path is held down for a while, then takes part again"
	lab revive_proxy "$killed"
	until_then 40 is_back || return
	returned=yes
	phase "$killed is back: rotating over three paths again"
	now_us
	came_back=$now
	until_then 30 is_over
}

# ---- the verdict ----

finish() { # NAME: the flow's own result; one that does not end has no result
	kill -INT "${job[$1]}" 2>/dev/null
	wait "${job[$1]}" 2>/dev/null
	unset "job[$1]"
}

# Prints PLANNED-LOST FAILOVER-LOST BLACKOUT-MS from the stamps of the pings. Lost in the failover is what was sent until it
# had settled, since the kill or in flight then: after the last answered ping before the kill, but within half a second of it.
judge_pings() { # KILL_NS SETTLED_NS, on the stamps' clock
	grep '^echo' "$tmp/stamps" | sort -s -n -k 4,4 | awk -v kill="$1" -v settled="$2" '
		BEGIN { since = kill - 5e8 }
		$4 == "lost" { gone[++n] = $3; next }
		$3 < kill && $3 > since { since = $3 }
		last && $4 > kill && last < settled + 1e9 && $4 - last > gap { gap = $4 - last }
		{ last = $4 }
		END {
			for (i = 1; i <= n; i++)
				if (gone[i] > since && gone[i] <= settled) failover++; else planned++
			printf "%d %d %.0f\n", planned, failover, gap / 1e6
		}'
}

verdict() {
	local offset name settled_us broken=0 planned failover blackout ok=false
	look
	for name in ping tcp idle; do finish $name; done
	for name in tcp idle; do
		[[ $(gojq .ok "$tmp/$name.out") = true ]] || broken=$((broken + 1))
	done
	[[ $(gojq .complete "$tmp/ping.out") = true ]] || fail "the pings have no result: $(<"$tmp/ping.log")"
	offset=$(gojq '.began_wall_ns - .began_ns' "$tmp/ping.out")
	settled_us=$failover_us
	((failover_us > 0)) || settled_us=${EPOCHREALTIME/[.,]/}
	read -r planned failover blackout < <(judge_pings $((kill_us * 1000 - offset)) $((settled_us * 1000 - offset)))
	leaked=$(($(lab uplink_leaks) + guard_leaks))
	if ((planned == 0 && leaked == 0 && broken == 0 && failover_us > 0)) && [[ $returned = yes ]]; then ok=true; fi
	printf '{"ok":%s,"wireguard":"%s","migrations":%d,"planned_lost":%d,"leaked":%d,"failover_blackout_ms":%d,"tcp_connections_broken":%d}\n' \
		$ok "$wireguard" "$migrations" "$planned" "$leaked" "$blackout" $broken >"$result"
	summary >"$tmp/summary"
	[[ $ok = true ]]
}

summary() {
	echo
	printf '  %-40s %s\n' \
		"migrations" "$migrations, over $wireguard WireGuard" \
		"pings lost by planned migrations" "$planned of $(gojq .sent "$tmp/ping.out")" \
		"packets outside the tunnels" "$leaked" \
		"TCP connections broken" "$broken of 2 ($(gojq '.bytes / 1e6 | floor' "$tmp/tcp.out") MB sent, every byte checked)" \
		"proxy $killed killed" "$(if ((failover_us > 0)); then
			echo "failed over in $(((failover_us - kill_us) / 1000)) ms; longest silence of the pings $blackout ms, $failover lost"
		else echo "NO failover within 5 s"; fi)" \
		"and revived" "$(if [[ $returned = yes ]]; then echo "in use again"; else echo "NOT in use again"; fi)"
	echo
	if [[ $ok = true ]]; then echo "  ok: nothing leaked, nothing broke"; else echo "  NOT ok"; fi
	echo "  $result"
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
echo "demo: building a lab of network namespaces: a client, 3 proxies, an exit, an internet host"
begin
open_screen
act
verdict
status=$?
summary=$(<"$tmp/summary")
cleanup
printf '%s\n' "$summary"
exit $status
