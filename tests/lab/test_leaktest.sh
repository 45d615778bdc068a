#!/bin/bash
# comps leaktest: says that nothing leaks where that is so, sees each kind of leak where it is not, and puts back what it
# broke. The core, which counts what really left, must agree.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin leaktest

leaktest() { comps leaktest -c "$conf" "$@"; }
leaktest_to_report() { leaktest "$@" >"$RUN/report"; }
nothing_left() { lab counters --json && [[ $(lab uplink_leaks) = 0 ]]; }
left() { lab counters --json | holds "$1"; }
serves() { wait_status "$DEADLINE" '.active != null and all(.paths[]; .state == "up")'; }
overlays_up() { [[ $(x client ip -o link show up type "$(overlay_type)" | grep -c wgnet) = "$N" ]]; }
overlay_type() { if [[ -e /sys/module/wireguard ]]; then echo wireguard; else echo tun; fi; }

# What leaktest prints is in $RUN/report, as it comes.
start_leaktest() {
	: >"$RUN/report"
	xbg client "$e2e_build/comps" leaktest -c "$conf" "$@" </dev/null >"$RUN/report" 2>&1
	LEAKTEST=$XPID
}
past() { wait_for "$DEADLINE" grep -q "^$1 " "$RUN/report"; } # a step has been printed
leaktest_ends() { # STATUS
	wait "$LEAKTEST"
	local rc=$?
	cat "$RUN/report"
	((rc == $1))
}
row() { # STEP CONDITION: the row of a step is so; its columns are $2 (result) and $3 (leaked)
	cat "$RUN/report"
	awk -v step="$1" "\$1 == step { seen = 1; good = $2 } END { exit !(seen && good) }" "$RUN/report"
}

# Somebody sends everything of FAMILY past the tunnels, and removes the guard as often as it comes back.
sabotage() { # -4|-6...
	local family
	for family; do x client ip "$family" rule add pref 9000 lookup main; done
	xbg client sh -c 'while :; do nft delete table inet comps 2>/dev/null; sleep 0.02; done' </dev/null
	SABOTEUR=$XPID
}
no_sabotage() {
	kill "$SABOTEUR"
	wait "$SABOTEUR"
	x client ip -4 rule del pref 9000
	x client ip -6 rule del pref 9000
} 2>/dev/null

# ---- it will not start ----

check "lab" e2e_lab
# No path is to be given up because a machine is busy with what this suite sends.
config "name: hold" "probe: {timeout_min: 1s}"
check "no daemon: status 3" says 3 'no daemon' leaktest
check "no root: says so" says 1 'needs root' x client setpriv --reuid=65534 --clear-groups --inh-caps=-all "$e2e_build/comps" leaktest
for bad in 0 -1 x 1x 99999999999999999999; do
	check "--count $bad: refused" says 2 'no number from 1' leaktest --count "$bad"
done
check "compsd starts, all paths are up" start_ready
first=$COMPSD
check "another configuration than the daemon's: refused" says 1 'is not what the daemon goes by' \
	x client sh -c "sed 's/name: p2/name: other/' '$conf' >'$conf.other'; '$e2e_build/comps' leaktest -c '$conf.other'"
check "no such uplink: says so" says 1 'no interface "eth9"' leaktest --uplink eth0,eth9
check "an uplink that is a tunnel: says so" says 1 "wg0 is one of CoMPS' own" leaktest --uplink wg0
check "none of these killed the daemon" kill -0 "$first"

# ---- nothing leaks ----

lab serve
check "healthy: other traffic" flow_start load udp-both --pps 100 inet
check "healthy: nothing leaks, every step is carried out" leaktest_to_report -j
check "healthy: its report" gojq -es 'length == 1 and (.[0] | .ok and .leaked == {ipv4: 0, ipv6: 0, dns: 0} and .missed == 0 and .sent > 4000 and .first == []
	and [.steps[].name] == ["baseline", "migrate", "kill", "link-down", "link-delete", "stop", "flush-rules", "restore"]
	and all(.steps[]; .ok and (.skipped | not) and .leaked == 0 and .note != ""))' "$RUN/report"
check "healthy: the core agrees" nothing_left
check "healthy: the daemon was killed" not kill -0 "$first"
wait "$first" 2>/dev/null
check "healthy: it serves, as it did at first" status '.active == "p1"'
check "healthy: every path is up again" serves
check "healthy: and its interface" overlays_up
flow_stop load true >/dev/null

# ---- it is interrupted ----

start_leaktest
check "interrupted while a link is down: it gets there" past kill
check "interrupted while a link is down: it is down" wait_for "$DEADLINE" not overlays_up
kill -TERM "$LEAKTEST"
check "interrupted while a link is down: it ends with 1" leaktest_ends 1
check "interrupted while a link is down: that step failed, nothing leaked" row link-down '$2 == "failed" && $3 == 0'
check "interrupted while a link is down: it is put back" row restore '$2 == "ok"'
check "interrupted while a link is down: it is up" overlays_up
check "interrupted while a link is down: all paths are up" serves
start_leaktest
check "interrupted while the daemon is dead: it gets there" past migrate
check "interrupted while the daemon is dead: it is dead" wait_for "$DEADLINE" not comps status
kill -HUP "$LEAKTEST"
check "interrupted while the daemon is dead: it ends with 1" leaktest_ends 1
check "interrupted while the daemon is dead: the daemon serves" serves
x client ip link add d0 type veth peer name d1
start_leaktest --uplink d0
past baseline
kill -TERM "$LEAKTEST"
check "the wrong uplink: it ends with 1" leaktest_ends 1
check "the wrong uplink: it says so" grep -q '^baseline *failed .*is this the right uplink' "$RUN/report"
x client ip link del d0
check "nothing has leaked by any of this" nothing_left

# ---- it leaks ----

start_leaktest
check "leak: healthy up to the migrations" past migrate
sabotage -4 -6
check "leak: a daemon is killed" past kill
no_sabotage
check "leak: it ends with 1" leaktest_ends 1
check "leak: nothing before" row baseline '$2 == "ok" && $3 == 0'
check "leak: nor while migrating" row migrate '$2 == "ok" && $3 == 0'
check "leak: the step is named" row kill '$3 > 100'
check "leak: not after" row stop '$3 == 0'
check "leak: the first packets are shown" grep -Eq '^leaked  .* during kill  by eth0: udp to (203.0.113.9|2001:db8:ffff::9) port (9|53)$' "$RUN/report"
check "leak: all three kinds" grep -Eq 'by eth0: [1-9][0-9]* IPv4, [1-9][0-9]* IPv6, [1-9][0-9]* DNS$' "$RUN/report"
check "leak: the core agrees" left '.leaks | .other4 > 100 and .other6 > 100'

check "all is well again" serves
for family in 4 6; do
	lab reset_counters
	start_leaktest -j
	sabotage -$family
	wait_for "$DEADLINE" left ".leaks.other$family > 100" # before it could be the daemon's end
	no_sabotage
	check "leak of IPv$family alone: it ends with 1" leaktest_ends 1
	check "leak of IPv$family alone: is seen, and none of the other" \
		gojq -es ".[0] | (.ok | not) and .leaked.ipv$family > 10 and .leaked.ipv$((10 - family)) == 0 and .leaked.dns > 10
			and all(.first[]; .interface == \"eth0\" and .protocol == 17 and (.to | contains(\":\")) == ($family == 6))" "$RUN/report"
done
check "all is well in the end" serves
e2e_end
