#!/bin/bash
# Direct mode, where there is no inner tunnel: one address on every overlay, and the proxy's NAT is what the exit sees change.
# shellcheck disable=SC2016,SC2317  # gojq has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin direct

check "lab" e2e_lab MODE=direct
lab link p1 delay_us=1000
lab link p2 delay_us=2000
lab serve exit
config "name: hold" "probe: {interval: 100ms, timeout_min: 100ms}"
clean=$(kernel_state)
check "compsd starts, all paths are up" start_ready
check "says so" status '.mode == "direct" and .active == "p1"'
lab reset_counters
source_of() { x client ip route get "$(lab addr exit 4)" | grep -o 'src [^ ]*'; }
source=$(source_of)
x exit nft 'add table inet e2e; add counter inet e2e p1; add counter inet e2e p2; add counter inet e2e p3; add chain inet e2e c { type filter hook input priority 0; }'
for i in 1 2 3; do x exit nft add rule inet e2e c ip saddr "198.18.$i.2" udp dport 9000 counter name p$i; done
seen() { x exit nft -j list counters table inet e2e | gojq -c '[.nftables[].counter | select(.) | {(.name): .packets}] | add'; }
sees() { # PATH MORE: so many more of the flow's packets come by the proxy of PATH
	local before
	before=$(seen | gojq ".$1") && wait_for "$DEADLINE" sees_more "$1" $((before + $2))
}
sees_more() { seen | holds ".$1 >= $2"; }
only() { # PATH: from here on
	local before
	before=$(seen) || return
	sees "$1" 50 && seen | gojq -ce --argjson before "$before" --arg path "$1" '[keys[] as $k | select($k != $path) | .[$k] - $before[$k]] | ., add == 0'
}

check "UDP echo to the exit host" flow_start load echo -4 --pps 100 exit
check "straight through the active overlay" only p1
check "a migration" comps migrate p2 --wait
check "moves it" sees p2 20
check "all of it" only p2
check "and the next" comps migrate p3 --wait
check "moves it as well" sees p3 20
check "all of it" only p3
check "the source is one and the same" same "$source" "$(source_of)"
check "which is the client's shared address" test "$source" = "src 10.11.0.2"
check "failover: the proxy dies" lab kill_proxy 3
check "failover: another path" wait_status "$DEADLINE" '.active != "p3"'
check "failover: carries" sees "$(active)" 50
check "the echo answered on every path" flow_stop load '.complete and .lost_up < .sent / 2 and .received_down > 100'
check "no packet outside of the tunnels" no_leak
check "down" comps down
wait "$COMPSD"
check "the client is as it was" same "$clean" "$(kernel_state)"
e2e_end
