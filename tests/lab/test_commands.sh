#!/bin/bash
# Every command of comps against the real daemon: what it answers, what it refuses and with which exit status, who may ask, and
# that `down` leaves the client exactly as it was.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin commands
ADM=$(getent group adm | cut -d: -f3)

as() { # GID CMD...: as a user that is nobody, in that group
	local gid=$1
	shift
	x client setpriv --reuid=65534 --regid=65534 --groups="$gid" --inh-caps=-all "$@"
}
as_reader() { as "$ADM" "$e2e_build/comps" "$@"; }
as_stranger() { as 65534 "$e2e_build/comps" "$@"; }

readers_may_read() { sed -i 's/^control:$/&\n  group: adm/' "$conf"; }
without() { # PATH...: takes paths out of comps.yaml
	local path
	for path; do
		awk -v path="$path" '/^  - name: / { skip = $3 == path } /^[^ ]/ { skip = 0 } !skip' "$conf" >"$conf.new" && mv "$conf.new" "$conf" || return
	done
}

paths_are() { status "[.paths[].name] == $1"; }
last_reason() { wait_status "$DEADLINE" ".migrations.last | max_by(.time).reason == \"$1\""; }

# ---- without a daemon ----

check "lab" e2e_lab
config "name: hold"
readers_may_read
lab serve
# Something of somebody else's, which must stay.
x client ip rule add pref 500 from 10.77.0.0/24 lookup 77
x client ip -6 rule add pref 500 from fd77::/64 lookup 77
x client ip route add unreachable 10.77.0.0/24 table 77
x client nft 'add table inet other; add chain inet other c { type filter hook output priority 0; }'
before=$(kernel_state) before_programs=$(programs)

check "no daemon: status 3, and how to start it" says 3 'no daemon at .*start it with' comps status
check "no daemon: policy list answers" comps policy list
check "no daemon: version answers" says 0 '^comps [0-9]' comps version
check "no daemon: check finds the configuration good" comps check "$conf"
check "usage: no such command" says 2 'unknown command "statsu".*status' comps statsu
check "usage: no path" exits 2 comps migrate
check "usage: no such option" exits 2 comps status --frob
check "usage: no command" exits 2 comps
for command in "" status watch migrate pin unpin drain enable policy events reload check down version; do
	check "help: $command" says 0 'usage|Usage' comps help $command
done

# ---- reading ----

check "compsd starts, all paths are up" start_ready
check "status -j: its members" status '["version", "uptime_s", "mode", "active", "policy", "leaked_packets", "migrations", "paths"] - keys == []'
check "status -j: of the policy" status '.policy | ["name", "params"] - keys == []'
check "status -j: of the migrations" status '.migrations | ["total", "by_reason", "failed", "rolled_back"] - keys == []'
check "status -j: of every path" status 'all(.paths[]; ["name", "interface", "state", "active", "rtt_s", "rtt_min_s", "jitter_s", "loss", "handshake_age_s", "tx_bytes", "rx_bytes", "segment_fault"] - keys == [])'
check "status -j: of their types" wait_status "$DEADLINE" '.mode == "nested" and .leaked_packets == 0 and .policy.name == "hold" and .migrations.by_reason.start == 1
	and all(.paths[]; .rtt_s > 0 and .rtt_min_s > 0 and .jitter_s >= 0 and .loss >= 0 and .tx_bytes > 0 and .rx_bytes > 0 and .segment_fault == "none")'
check "status -j: a handshake each, once they have been asked" wait_status "$DEADLINE" 'all(.paths[]; .handshake_age_s != null)'
check "status: for people" says 0 'p1.*up' comps status
check "status: no colour where no terminal is" not grep -q $'\033' <(comps status)
check "watch: one table after the other" says 124 'p3' x client timeout 3 "$e2e_build/comps" watch -n 100ms
check "policy" says 0 '^hold$' comps policy
check "policy -j" prints '.name == "hold" and .params == {}' comps policy -j
check "status --check" says 0 '^p[123] is in use, and up$' comps status --check
check "metrics: OpenMetrics of every path" says 0 '^comps_path_up\{path="p2"\} 1$' comps metrics
check "metrics: end as they must" test "$(comps metrics | tail -1)" = '# EOF'
check "metrics: no name twice, no sample without a family" eval 'comps metrics | awk "/^# TYPE/ { if (seen[\$3]++) exit 1 } /^comps/ { n = \$1; sub(/[{].*/, \"\", n); sub(/_total\$/, \"\", n); if (!seen[n]) exit 1 }"'
check "policy list -j: every policy with its parameters" prints '[.[].name] | . - ["burst-aware", "byte-budget", "dirichlet", "epsilon-greedy", "exposure-balance", "failover", "hold", "latency-best", "latency-softmax", "markov", "packet-budget", "pinned-random", "random-interval", "round-robin", "weighted-random"] == [] and length == 15' comps policy list -j
check "policy list: ranges and defaults" says 0 'interval .*default 30s' comps policy list
check "events: what has happened" says 0 'migration.*start' comps events
check "version: of both" prints '.comps == .compsd' comps version -j

# ---- steering ----

xbg client "$e2e_build/comps" events --follow -j </dev/null >"$RUN/events" 2>/dev/null
follower=$XPID
followed() { wait_for "$DEADLINE" gojq -se "any(.[]; $1)" "$RUN/events"; }

check "migrate --wait: p2" says 0 'p1 -> p2' comps migrate p2 --wait
check "migrate: it is active now" status '.active == "p2" and (.paths[1].active) and .migrations.by_reason.manual == 1'
check "migrate -j: how it went" prints '.to == "p3" and .outcome == "settled" and .settle_s > 0 and .swap_s > 0' comps migrate next --wait -j
check "migrate: without waiting" says 0 'migrating to p1' comps migrate p1
check "migrate: it moves" is_active p1
check "migrate: refused, it is active" says 1 'p1 is active already' comps migrate p1
check "migrate: refused, there is none such" says 1 'no path "p9"; the paths are: p1, p2, p3' comps migrate p9
check "migrate -j: refused is JSON too" prints '.ok == false and .code == "refused"' comps migrate p9 -j
lab kill_proxy 3
check "migrate: p3 goes down" wait_status "$DEADLINE" '.paths[2].state == "down"'
check "migrate: refused, it is down" says 1 'cannot migrate to p3: down' comps migrate p3
lab revive_proxy 3
check "events --follow: migrations" followed '.event == "migration" and .from == "p1" and .to == "p2" and .reason == "manual" and .outcome == "settled"'
check "events --follow: states" followed '.event == "path-state" and .path == "p3" and .state == "down"'
kill "$follower"
wait "$follower"

check "pin: p2" comps pin p2
check "pin: moves there" is_active p2
check "pin: for that reason" last_reason pin
check "pin: is told" status '.pinned == "p2"'
comps policy set round-robin interval=100ms >/dev/null
check "pin: refused, there is none such" exits 1 comps pin p9
check "pin: the policy does not move it" stays 1 '[.active, .migrations.total]'
check "unpin" comps unpin
check "unpin: it does now" last_reason round-robin
check "pin --for: bad time" says 2 '--for' comps pin p1 --for 10
check "pin --for 1s" comps pin p1 --for 1s
check "pin --for: p1" is_active p1
check "pin --for: ends by itself" wait_status "$DEADLINE" '.pinned == null and .active != "p1"'
comps policy set hold >/dev/null

check "drain: p1 is active" go_to p1
check "drain: the active path" comps drain p1
check "drain: it is left" wait_status "$DEADLINE" '.active != "p1"'
check "drain: for that reason" last_reason drain
check "drain: refuses to migrate there" says 1 "cannot migrate to p1: it is drained" comps migrate p1
check "drain: is told, and still probed" status ".paths[] | select(.name == \"p1\") | .drained and (.eligible | not) and .state == \"up\""
check "enable" comps enable p1
check "enable: may be used again" comps migrate p1 --wait
check "drain: no such path" exits 1 comps drain p9

# ---- the policy ----

check "policy set" comps policy set random-interval interval=10s dist=uniform min=1s
check "policy set: is shown" status '.policy | .name == "random-interval" and .params.interval == 10 and .params.dist == "uniform"'
check "policy set: no such policy" says 1 'random-intervall.*random-interval' comps policy set random-intervall
check "policy set: no such parameter" says 1 'intervall?' comps policy set random-interval intervl=1s
check "policy set: a bad value" says 1 'interval' comps policy set random-interval interval=fast
check "policy set: out of range" says 1 'interval' comps policy set random-interval interval=0s
check "policy set: values that do not go together" says 1 'min' comps policy set random-interval interval=1s min=2s
check "policy set: no KEY=VALUE" says 2 'KEY=VALUE' comps policy set random-interval interval
check "policy set: none of these changed anything" status '.policy | .name == "random-interval" and .params.interval == 10'
comps policy set hold >/dev/null

# ---- another configuration ----

# So few a second that the userspace WireGuard's receive buffers do not overflow while a busy machine keeps it waiting.
udp() { flow_start load udp-both --pps 100 inet; }

check "reload: p2 is active" comps migrate p2 --wait
lab reset_counters
check "reload: traffic" udp
config "name: round-robin"$'\n'"interval: 1h"
readers_may_read
check "reload: another policy" comps reload
check "reload: it is in force" status '.policy.name == "round-robin" and .policy.params.interval == 3600'
check "reload: the path has stayed" is_active p2
without p3
check "reload: a path less" comps reload
check "reload: it is gone" wait_status "$DEADLINE" '[.paths[].name] == ["p1", "p2"] and .active == "p2"'
check "reload: and so is its interface" wait_for "$DEADLINE" not x client ip link show wgnet3
check "reload: and its rules" not grep -q wgnet3 <(x client ip rule; x client ip -6 rule)
check "reload: traffic stays where it is" carries p2 down 20
config "name: hold"
readers_may_read
check "reload: a path more" comps reload
check "reload: all are up" wait_status "$DEADLINE" '(.paths | length) == 3 and all(.paths[]; .state == "up") and .active == "p2"'
check "reload: the new path carries" comps migrate p3 --wait
check "reload: back to p2" comps migrate p2 --wait
without p1
check "reload: without the first path, so that the others move up" comps reload
check "reload: p2 goes on carrying" carries p2 down 20
check "reload: p2 stays active" is_active p2
check "reload: p3 can follow" comps migrate p3 --wait
without p3
check "reload: without the active path" comps reload
check "reload: another one takes over" is_active p2
check "reload: and carries" carries p2 down 20
config "name: hold"
readers_may_read
check "reload: all three again" comps reload
sed -i 's/interface: wgnet1/interface: wgnetX/; s/interface: wgnet3/interface: wgnet1/; s/wgnetX/wgnet3/' "$conf"
check "reload: two exchange their interfaces" comps reload
check "reload: keys, addresses and peers are those of the path" wait_status "$DEADLINE" 'all(.paths[]; .state == "up") and .active == "p2"'
sed -i '/^    interface: wgnet/d' "$conf"
check "reload: interfaces by position" comps reload
check "reload: each path has the one that it had" wait_status "$DEADLINE" '[.paths[].interface] == ["wgnet3", "wgnet2", "wgnet1"] and all(.paths[]; .state == "up")'
check "reload: nothing was lost by any of this" flow_stop load "$UDP_WHOLE"
check "reload: no packet outside of the tunnels" no_leak
check "reload: nobody is blamed for what it removed itself" not grep 'others deleted' "$RUN/compsd.log"

check "bad reload: p1 is active" comps migrate p1 --wait
old=$(comps status -j | gojq -c '[.active, .policy, [.paths[].name]]') state=$(kernel_state)
check "bad reload: traffic" udp
cp "$conf" "$RUN/good.yaml"
sed -i -e 's/^policy:/polcy:/' -e 's/name: p2/name: p1/' "$conf"
check "bad reload: the first error, with its place" says 1 'comps.yaml:[0-9]+:[0-9]+: .*polcy' comps reload
check "bad reload: and the second" says 1 'comps.yaml:[0-9]+:[0-9]+: .*p1' comps reload
check "bad reload: the old configuration stays" says 1 'the old configuration stays' comps reload
check "bad reload: check says the same" says 1 'comps.yaml:[0-9]+:[0-9]+: .*polcy' comps check "$conf"
check "bad reload: nothing has changed" same "$old" "$(comps status -j | gojq -c '[.active, .policy, [.paths[].name]]')"
check "bad reload: nor has the kernel" same "$state" "$(kernel_state)"
kill -HUP "$COMPSD"
check "bad reload: nor by SIGHUP" status '.policy.name == "hold"'
cp "$RUN/good.yaml" "$conf"
check "bad reload: nothing was lost" flow_stop load "$UDP_WHOLE"

# ---- others ----

check "a second daemon refuses" says 1 'another compsd serves /run/comps/comps.sock' run_compsd
check "and has done no harm" wait_status "$DEADLINE" 'all(.paths[]; .state == "up")'
check "a member of the control group may read" as_reader status
check "and events" as_reader events
check "but not migrate" says 1 'needs root' as_reader migrate p2
for command in "pin p1" unpin "drain p1" "enable p1" "policy set hold" reload down; do
	# shellcheck disable=SC2086
	check "nor $command" says 1 'needs root' as_reader $command
done
check "nobody else may even read" says 1 'ermission' as_stranger status
check "a stranger's flood finds no socket" not as_stranger events --follow

# ---- a flood ----

# 200 connections at once that say half a word and then nothing, and read nothing.
# shellcheck disable=SC2016
HALF_OPEN='use Socket; $SIG{PIPE} = "IGNORE"; for (1 .. 200) { socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; connect($s, pack_sockaddr_un("/run/comps/comps.sock")) or die "connect: $!";
	syswrite($s, q({"cmd":)); push @all, $s } print "open\n"; close STDOUT; sleep 1000'
# Follows events and asks for the status again and again, without ever reading an answer.
# shellcheck disable=SC2016
DEAF='use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; connect($s, pack_sockaddr_un("/run/comps/comps.sock")) or die "connect: $!"; $SIG{PIPE} = "IGNORE";
	syswrite($s, qq({"cmd":"events","follow":true}\n)); for (1 .. 20000) { syswrite($s, qq({"cmd":"status"}\n)) or last } print "full\n"; close STDOUT; sleep 1000'

if x client perl -MSocket -e 1 2>/dev/null; then
	check "flood: traffic" udp
	was=$(comps status -j | gojq -c '[.paths[] | .transitions]')
	xbg client perl -e "$HALF_OPEN" >"$RUN/half"
	half=$XPID
	check "flood: half-open clients take every place" wait_for "$DEADLINE" grep -q open "$RUN/half"
	check "flood: traffic goes on" carries p1 down 100
	kill "$half"
	wait "$half" 2>/dev/null
	check "flood: once they are gone, comps gets in" wait_for "$DEADLINE" comps status
	xbg client perl -e "$DEAF" >"$RUN/deaf"
	deaf=$XPID
	check "flood: one that does not read is cut off, or waits" wait_for "$DEADLINE" grep -q full "$RUN/deaf"
	check "flood: others are served meanwhile" comps status
	check "flood: and migrate" comps migrate p2 --wait
	kill "$deaf"
	wait "$deaf" 2>/dev/null
	crowd=()
	for _ in {1..50}; do
		xbg client "$e2e_build/comps" status >/dev/null
		crowd+=("$XPID")
	done
	check "flood: fifty at once are served" wait "${crowd[@]}"
	check "flood: no path was doubted, no probe was lost" status "[.paths[] | .transitions] == $was and all(.paths[]; .state == \"up\" and .loss == 0)"
	check "flood: nothing was lost" flow_stop load "$UDP_WHOLE"
fi

# ---- down ----

check "down" says 0 'down' comps down
wait "$COMPSD"
check "down: compsd ends well" test $? = 0
check "down: the client is as it was" same "$before" "$(kernel_state)"
check "down: no program is left" wait_for "$DEADLINE" same "$before_programs" "$(programs)"
check "down: the socket is gone" not x client test -e /run/comps/comps.sock

check "again: compsd starts, all paths are up" start_ready
stop_compsd KILL 2>/dev/null
check "killed: all is still there" not same "$before" "$(kernel_state)"
check "down without a daemon" comps down -c "$conf"
check "down without a daemon: the client is as it was" same "$before" "$(kernel_state)"
check "down without a daemon: no program is left" wait_for "$DEADLINE" same "$before_programs" "$(programs)"
check "down of nothing is fine" comps down -c "$conf"
check "down of nothing changes nothing" same "$before" "$(kernel_state)"
e2e_end
