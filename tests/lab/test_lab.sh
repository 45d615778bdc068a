#!/bin/bash
# The lab itself: it builds fast, impairs truthfully, counts leaks, lets two run at once, and leaves nothing behind.
# shellcheck disable=SC2317  # called through check

here=$(cd "$(dirname "$0")" && pwd)
a=lab-a-$$ b=lab-b-$$ c=lab-c-$$
flow=${BUILD:-$here/../../build}/tests/lab/flow
[[ $flow = /* ]] || flow=$PWD/$flow
n=0 failed=0

la() { P=$a RUN=/run/comps-lab/$a "$here/lab.sh" "$@"; }
lb() { P=$b RUN=/run/comps-lab/$b "$here/lab.sh" "$@"; }
lc() { P=$c RUN=/run/comps-lab/$c "$here/lab.sh" "$@"; }

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}
((EUID == 0)) || skip_all "needs root"
[[ -x $flow && -x ${flow%/*}/linkem ]] || skip_all "flow and linkem are not built"
[[ -c /dev/net/tun ]] || skip_all "no /dev/net/tun"
for tool in wg nft gojq ip; do
	command -v $tool >/dev/null || skip_all "no $tool"
done

cleanup() {
	for l in la lb lc; do $l down; done
	rm -f "$log" "$log".*
} >/dev/null 2>&1
trap cleanup EXIT
log=$(mktemp)

check() { # DESCRIPTION CMD...
	local what=$1
	shift
	n=$((n + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		echo "# $*"
		sed 's/^/# /' "$log"
		failed=$((failed + 1))
	fi
}

not() { ! "$@"; }

within() { # VALUE LOW HIGH
	echo "$1, want $2..$3"
	awk -v v="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(v != "" && v >= lo && v <= hi) }'
}

# The shortest of many, until one was not held up: a busy machine makes them longer and never shorter.
rtt_within() { # LOW HIGH HOST FLOW-OPTION...
	local lo=$1 hi=$2 end=$((SECONDS + 30)) rtt
	shift 2
	until rtt=$(la x client "$flow" run echo -t 0.6 --pps 50 "$@" | gojq .rtt_ms.min) && within "$rtt" 0 "$hi"; do
		((SECONDS < end)) || return
	done
	within "$rtt" "$lo" "$hi"
}

rate_within() { # LOW HIGH, in Mbit/s: likewise, slower and never faster
	local end=$((SECONDS + 30)) rate
	until rate=$(la x client "$flow" run tcp-down -t 1 inet | gojq .mbit_s) && awk "BEGIN { exit !($rate >= $1) }"; do
		((SECONDS < end)) || return
	done
	within "$rate" "$1" "$2"
}

seconds() { # FILE CMD...: runs it and leaves its time in FILE
	local t0=${EPOCHREALTIME/[.,]/} file=$1 rc
	shift
	"$@"
	rc=$?
	echo $(((${EPOCHREALTIME/[.,]/} - t0) / 1000)) >"$file"
	return "$rc"
}

ping1() { "$1" x client ping -q -n -c 1 -W 1 "$2"; }
leaks() { "$1" counters --json | gojq -c .leaks; }
leaks_are() {
	leaks "$1"
	[[ $(leaks "$1") = "$2" ]]
}
only_path() { # I: all packets of the uplink are path I's
	la counters --json
	la counters --json | gojq -e --arg p "p$1" '.leaks.total == 0 and .paths[$p].up > 0 and .paths[$p].down > 0
		and ([.paths | to_entries[] | select(.key != $p) | .value.up] | add) == 0' >/dev/null
}
linkem_lost() { lb status | gojq -Rr 'fromjson? | select(.link == "exit" and .dir == "up") | .lost'; }

# ---- up ----

check "up" seconds "$log.up" la up
check "up took less than 10 s ($(<"$log.up") ms)" within "$(<"$log.up")" 0 9999
check "a second lab beside it, all IPv6" env N=2 OUTER=6 UNDERLAY=6 P=$b RUN=/run/comps-lab/$b "$here/lab.sh" up
check "up of a lab that is up is refused" not la up
check "the client's keys are for root alone" test "$(stat -c %a /run/comps-lab/$a/client/wg0.conf)" = 600
check "comps.yaml names every path" test "$(grep -c '^  - name: p' /run/comps-lab/$a/client/comps.yaml)" = 3
own_run() { la x proxy1 touch /run/wireguard/mark && not lb x proxy1 test -e /run/wireguard/mark; }
check "each lab has a /run of its own" own_run

# ---- leaks can happen, and are counted ----

check "a new lab has counted nothing" leaks_are la '{"exit4":0,"exit6":0,"other4":0,"other6":0,"total":0}'
check "the client reaches the exit outside of every tunnel, IPv4" ping1 la "$(la addr exit 4)"
check "and IPv6" ping1 la "$(la addr exit 6)"
check "and a proxy" ping1 la "$(la addr proxy2 6)"
check "inet is not reached around the exit" not ping1 la "$(la addr inet 4)"
check "each of these packets is counted, none other" leaks_are la '{"exit4":1,"exit6":1,"other4":1,"other6":1,"total":4}'
# shellcheck disable=SC2016
la x client bash -c 'echo hello there >/dev/udp/198.18.1.2/51820'
check "so is UDP to a proxy's WireGuard port that is no WireGuard" leaks_are la '{"exit4":1,"exit6":1,"other4":2,"other6":1,"total":5}'
check "reset" la reset_counters
check "the other lab saw nothing of it" leaks_are lb '{"exit4":0,"exit6":0,"other4":0,"other6":0,"total":0}'

# ---- flow agrees with what the cable did (lab b, outside of its tunnels) ----

lb serve exit
lossless() { lb x client "$flow" run udp-both -t 0.5 --pps 2000 exit | tee "$log" | gojq -e ".lost_up == 0 and .lost_down == 0 and .dup == 0 and .sent > 900" >/dev/null; }
check "flow loses nothing on a good cable" lossless
lb link exit up loss_ppm=200000
lost0=$(linkem_lost)
report=$(lb x client "$flow" run udp-up -t 0.5 --pps 2000 exit)
if [[ -n $lost0 ]]; then
	# The cable also loses some of the questions for the result.
	flow_lost=$(gojq .lost_up <<<"$report")
	check "flow counts what linkem dropped" within "$(($(linkem_lost) - lost0))" "$flow_lost" $((flow_lost + 60))
fi
check "20 % loss loses about 20 %" within "$(gojq '.lost_up / .sent' <<<"$report")" 0.15 0.25
lb link exit loss_ppm=0

# ---- the nested client by hand, through every proxy, both families, both outer families ----

la serve
for i in 1 2 3; do
	check "static client on proxy $i" la static_client $i
	check "inet answers through proxy $i, IPv4" la ping_inet 4
	check "inet answers through proxy $i, IPv6" la ping_inet 6
	la reset_counters
	la ping_exit 3 >/dev/null
	check "all packets take proxy $i, none leaks" only_path $i
done
check "static client with outer and underlay IPv6" lb static_client 2
check "inet answers over it" lb ping_inet 6
check "tcp arrives whole" la x client "$flow" run tcp-down -t 0.5 inet

# ---- impairments act ----

la static_client 1
check "no delay to speak of at first" rtt_within 0 6 inet
la link p1 delay_us=5000
check "5 ms on a proxy's cable, crossed four times" rtt_within 20 26 inet
la link p1 delay_us=0
la link uplink up delay_us=10000
check "10 ms on the uplink, one direction" rtt_within 10 16 -6 inet
la link uplink delay_us=0
la link p2 delay_us=50000
check "a delay of another path does not matter" rtt_within 0 6 inet
la link p2 delay_us=0
la link p1 rate_kbit=2000
check "a rate of 2 Mbit/s is kept" rate_within 1 2.1
la link p1 rate_kbit=0
wait_for_ping() { la wait_for 3 env P="$a" RUN="/run/comps-lab/$a" "$here/lab.sh" ping_exit; }
la link p1 hole=1
check "a hole swallows everything" not la x client ping -q -n -c 3 -i 0.05 -W 0.3 10.99.0.1
la link p1 hole=0
check "and is gone" wait_for_ping
la leg 1 0
check "a broken leg: the exit is away" not la x client ping -q -n -c 3 -i 0.05 -W 0.3 10.99.0.1
check "a broken leg: the proxy answers" la x client ping -q -n -c 1 -W 1 -I wgnet1 10.11.1.1
la leg 1 1
check "a repaired leg" la ping_exit
la uplink 0
check "an uplink that is down" not la x client ping -q -n -c 1 -W 0.3 10.99.0.1
la uplink 1
la reset_counters
check "and up again, IPv4" la x client ping -q -n -c 1 -W 1 -m 51821 "$(la addr exit 4)"
check "and IPv6" la x client ping -q -n -c 1 -W 1 -m 51821 "$(la addr exit 6)"
check "and for the tunnels" wait_for_ping
la kill_proxy 1
check "a killed proxy is silent" not la x client ping -q -n -c 3 -i 0.05 -W 0.3 -I wgnet1 10.11.1.1
check "but not for the other lab" lb ping_exit
la revive_proxy 1
check "a revived proxy" la ping_exit
check "an unknown setting is an error" not la link p1 speed=9
check "an unknown cable is an error" not la link p9 delay_us=1

# ---- down ----

gone() { # LAB-COMMAND PREFIX PID...
	local pid stat ns
	for ns in /run/netns/"$2"-*; do
		[[ ! -e $ns ]] || { echo "$ns is left" && return 1; }
	done
	[[ ! -e /run/comps-lab/$2 ]] || { echo "state is left" && return 1; }
	shift 2
	for pid; do
		read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
		[[ ${stat##*) } = [ZX]* ]] || { echo "process $pid is left: $stat" && return 1; }
	done
}

la x client sleep 1000 2>/dev/null &
disown
mapfile -t pids < <(for ns in /run/netns/"$a"-*; do ip netns pids "${ns##*/}"; done)
check "the lab has processes to leave behind" test ${#pids[@]} -ge 8
check "down" la down
check "nothing is left: no namespace, no process, no file" gone la "$a" "${pids[@]}"
check "down of nothing is fine" la down
check "the other lab lives on" lb ping_inet 4

# A builder that is killed at any moment leaves what `down` can find.
for ms in 0.03 0.1 0.15; do
	lc up >/dev/null 2>&1 &
	builder=$!
	disown
	sleep $ms
	pkill -KILL -P $builder
	kill -KILL $builder 2>/dev/null
	lc down
	check "builder killed after $ms s: down finds everything" gone lc "$c"
done
check "and up works again" lc up

echo "1..$n"
exit $((failed > 0))
