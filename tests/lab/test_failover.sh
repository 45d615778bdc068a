#!/bin/bash
# What breaks is noticed, named and left; what no migration can cure moves nothing; a TCP connection survives all of it, and
# not one packet leaves outside of the tunnels.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin failover

last() { # FILTER over the last migration
	status ".migrations.last | max_by(.time) | $1"
}

other_than() { # PATH: active within the deadline, and settled
	wait_status "$DEADLINE" ".active != null and .active != \"$1\"" && wait_status "$DEADLINE" '.migrations.last | max_by(.time).outcome == "settled"'
}

down_with() { # PATH FAULT
	wait_status "$DEADLINE" ".paths[] | select(.name == \"$1\") | .state == \"down\" and .segment_fault == \"$2\""
}

all_up() { wait_status "$DEADLINE" 'all(.paths[]; .state == "up" and .eligible and .segment_fault == "none") and .fault == "none"'; }
exit_answers() { wait_for "$DEADLINE" lab ping_exit; }

events() { comps events -j | gojq -sc .; }

begin_at() { all_up && go_to "$1"; } # PATH

# What no migration can cure: it is named, and nothing moves, neither while it is broken nor when it is whole again.
cureless() { # FAULT WHAT BREAK-COMMAND... -- REPAIR-COMMAND...
	local fault=$1 what=$2 before broken=()
	shift 2
	while [[ $1 != -- ]]; do
		broken+=("$1")
		shift
	done
	shift
	before=$(comps status -j | gojq -c '[.active, .migrations.total]')
	check "$what: broken" "${broken[@]}"
	check "$what: it is named" wait_status "$DEADLINE" ".fault == \"$fault\" and all(.paths[]; .state == \"down\" and .segment_fault == \"$fault\")"
	check "$what: nothing moves" stays 3 '[.active, .migrations.total]'
	check "$what: repaired" "$@"
	check "$what: all comes back" all_up
	check "$what: and carries" exit_answers
	check "$what: without having moved at all" same "$before" "$(comps status -j | gojq -c '[.active, .migrations.total]')"
}

check "lab" e2e_lab
lab link p1 delay_us=1000
lab link p2 delay_us=2000
lab link p3 delay_us=3000
lab serve
config "name: hold"
check "compsd starts, all paths are up" start_ready
lab reset_counters
check "a connection that shall survive everything" flow_start ssh tcp-idle --interval 100 --drain 30 inet

# ---- a proxy ----

check "under load: p1 is active" begin_at p1
check "under load: traffic both ways" flow_start load udp-both --pps 300 inet
lab kill_proxy 1
check "under load: a dead proxy is left" other_than p1
check "under load: for the reason of failover" last '.reason == "failover" and .from == "p1"'
check "under load: the broken part is the proxy" down_with p1 proxy
check "under load: up goes on" carries "$(active)" up 100
check "under load: and down" carries "$(active)" down 100
lab revive_proxy 1
check "under load: the proxy comes back" all_up
check "under load: some was lost" flow_stop load '.complete and .lost_up > 0 and .lost_down > 0'

check "idle: p2 is active" begin_at p2
lab kill_proxy 2
check "idle: a dead proxy is left" other_than p2
check "idle: the broken part is the proxy" down_with p2 proxy
lab revive_proxy 2
check "idle: the proxy comes back" all_up

check "download: p3 is active" begin_at p3
check "download: the client only receives" flow_start load udp-down --pps 300 inet
lab kill_proxy 3
check "download: a dead proxy is left" other_than p3
check "download: it goes on" carries "$(active)" down 100
lab revive_proxy 3
check "download: what the client got is whole" flow_stop load '.complete and .received_down > 100 and .dup_down == 0'

check "leg: p1 is active" begin_at p1
lab leg 1 0
check "leg: a proxy that does not reach the exit is left" other_than p1
check "leg: the broken part is between proxy and exit" down_with p1 proxy-exit
check "leg: the exit is reached" exit_answers
lab leg 1 1
check "leg: the path comes back" all_up
check "no packet outside of the tunnels so far" no_leak

# ---- what no migration can cure ----

cureless exit "dead exit" lab link exit hole=1 -- lab link exit hole=0
cureless uplink "dead uplink" lab link uplink hole=1 -- lab link uplink hole=0
cureless uplink "uplink set down" lab uplink 0 -- lab uplink 1
lab x client ip route replace default via 192.0.2.1 dev eth0 onlink # or all that follows fails with it
check "no packet outside of the tunnels, whatever was dead" no_leak

# ---- an interface ----

check "link down: p2 is active" begin_at p2
check "link down: traffic" flow_start load udp-both --pps 300 inet
x client ip link set wgnet2 down
check "link down: it is left" other_than p2
check "link down: the broken part is the interface" down_with p2 interface
x client ip link set wgnet2 up
check "link down: it comes back" all_up
check "link down: it carries again" comps migrate p2 --wait
check "link down: the traffic goes on" carries p2 down 100
check "link down: the flow is measured" flow_stop load .complete

check "deleted: p3 is active" begin_at p3
check "deleted: traffic" flow_start load udp-both --pps 300 inet
x client ip link del wgnet3
check "deleted: it is left" other_than p3
check "deleted: the broken part was the interface" prints 'any(.event == "path-state" and .path == "p3" and .state == "down" and .segment_fault == "interface")' events
check "deleted: it is made again" all_up
check "deleted: it carries again" comps migrate p3 --wait
check "deleted: the traffic goes on" carries p3 down 100
check "deleted: the flow is measured" flow_stop load .complete

# ---- a lossy path ----

# Each probe that is lost still raises a suspicion, before the next one leaves; one that the machine was late with does not.
config "name: hold" "probe: {timeout_min: 300ms}"
check "loss: with more patience" comps reload
check "loss: p1 is active" begin_at p1
lab link p1 loss_ppm=20000
check "loss: an idle path that loses 8 % does not flap" stays 5 '[.migrations.total, [.paths[].transitions]]'
check "loss: traffic" flow_start load udp-both --pps 300 inet
check "loss: nor does a loaded one" stays 5 '[.migrations.total, [.paths[].transitions]]'
check "loss: which loses" flow_stop load '.complete and .lost_up > 0'
check "loss: it is seen, on that path alone" wait_status "$DEADLINE" '[.paths[].loss] | .[0] > 0 and .[1:] == [0, 0]'
lab link p1 loss_ppm=0

check "the connection has survived everything" flow_stop ssh .ok
check "each route moved for a reason that is told" status '.migrations | (.by_reason | keys - ["start", "failover", "manual"]) == [] and .failed == 0'
check "no packet outside of the tunnels, ever" no_leak
e2e_end
