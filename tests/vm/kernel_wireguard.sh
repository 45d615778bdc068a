#!/bin/bash
# The main job on the kernel's own WireGuard and netem, for the guest of test_vm.sh: rotating without a loss, and a dead proxy
# left, once for an exit by IPv4 and once by IPv6, whose sources the kernel treats differently.
set -u
. "${0%/*}/../lab/e2e.sh"
e2e_begin vm

job() { # TITLE LAB-VARIABLE...
	local title=$1 all='.migrations | .failed == 0 and .rolled_back == 0'
	shift
	check "$title: lab" e2e_lab "$@"
	lab link p1 delay_us=2500
	lab link p2 delay_us=5000
	lab link p3 delay_us=7500
	config $'name: round-robin\ninterval: 500ms' "guards: {min_dwell: 50ms, settle_timeout: 5s, hold_down: 200ms}"
	check "$title: compsd starts, all paths are up" start_ready
	check "$title: by the kernel's WireGuard" status '.wireguard == "kernel"'
	lab serve
	flow_start udp udp-both --pps 200 inet
	flow_start tcp tcp-idle --interval 200 inet
	check "$title: it migrates twelve times" wait_status 60 '.migrations.total >= 13'
	check "$title: every one settled" status "$all"
	check "$title: each path has its share" status '[.paths[].share] | min > 0.1'
	check "$title: nothing was lost, up or down" flow_stop udp '.lost_up == 0 and .lost_down == 0'
	comps policy set hold
	dead=$(active)
	lab kill_proxy "${dead#p}"
	check "$title: a dead proxy is left" wait_status 60 ".active != \"$dead\""
	check "$title: the TCP connection lives" flow_stop tcp '.ok and .lines == .echoed'
	check "$title: no packet outside of the tunnels" no_leak
	check "$title: down" comps down
	check "$title: no interface, rule or table is left" not left_over
}

left_over() {
	x client ip -o link | grep -q ': wg' || x client ip rule | grep -q 5182 || x client nft list tables | grep -q comps
}

job "exit by IPv4" OUTER=4
job "exit by IPv6" OUTER=6
e2e_end
