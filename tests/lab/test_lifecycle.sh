#!/bin/bash
# What happens to compsd and around it: killed, started again, robbed of its rules, started on an odd machine or beside
# somebody who uses its numbers. It either works, or says why not and leaves the kernel as it was.
# shellcheck disable=SC2016,SC2317  # gojq and sh have their own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin lifecycle

# So few a second that the userspace WireGuard's receive buffers do not overflow while a busy machine keeps it waiting.
udp() { flow_start load udp-both --pps 100 inet; }
since_start() { wait_status "$DEADLINE" '.active != null and all(.paths[]; .state == "up")'; }

# Refuses to start, with status 1 and a sentence; the client stays as it was.
refuses() { # WHAT PATTERN [OPTION...]
	local what=$1 pattern=$2 state
	shift 2
	state=$(kernel_state)
	check "$what: says why" says 1 "$pattern" run_compsd "$@"
	check "$what: nothing changed in the kernel" same "$state" "$(kernel_state)"
	check "$what: nor is a program left" same "$idle_programs" "$(programs)"
}

# Somebody deletes something of ours: it is back, and nothing was lost or leaked for good.
repairs() { # WHAT PRESENT-COMMAND -- DELETE-COMMAND...
	local what=$1 present=$2
	shift 3
	check "$what: is there" "$present"
	check "$what: deleted" "$@"
	check "$what: is back" wait_for "$DEADLINE" "$present"
	check "$what: the traffic goes on" carries p1 down 10
	check "$what: nothing got out" test "$(lab uplink_leaks)" = 0 # what the guard had to stop is no leak
}

# ---- it will not start ----

check "lab" e2e_lab
lab serve
config "name: hold"
idle_programs=$(programs)
clean=$(kernel_state)

x client ip rule add pref 600 fwmark 51820 lookup 78
refuses "somebody's rule uses our mark" "somebody else's.*mark"
x client ip rule del pref 600
x client ip rule add pref 600 from 10.1.1.1 lookup 51821
refuses "somebody's rule uses our table" "somebody else's.*table"
x client ip rule del pref 600
x client ip -6 rule add pref 10010 from fd77::1 lookup 78
refuses "somebody's rule has our priority" "somebody else's.*priority"
x client ip -6 rule del pref 10010
x client ip route add 10.77.0.0/24 dev lo table 51820
refuses "somebody's route is in our table" "somebody else's route.*10.77.0.0/24.*51820"
x client ip route del 10.77.0.0/24 dev lo table 51820
x client ip tuntap add wgnet2 mode tap
refuses "somebody's interface has our name" 'path p2: interface wgnet2: .*manage: false'
x client ip link del wgnet2

without_capability() { x client timeout "$DEADLINE" setpriv --bounding-set=-"$1" --inh-caps=-"$1" "$compsd" -c "$conf"; }
state=$(kernel_state)
check "without CAP_NET_RAW: says so" says 1 'missing: CAP_NET_RAW .*probes' without_capability net_raw
check "without CAP_NET_ADMIN: says so" says 1 'missing: CAP_NET_ADMIN .*routes' without_capability net_admin
check "without both: says both" says 1 'missing: CAP_NET_ADMIN .*CAP_NET_RAW' without_capability net_raw,-net_admin
check "nothing changed in the kernel" same "$state" "$(kernel_state)"

cp -r "$e2e_dir/../golden/conf" "$RUN/golden"
chmod -R go= "$RUN/golden"
good=$conf
for name in err-unknown-keys err-types err-wgquick err-missing err-mtu-small err-network err-no-paths err-yaml-syntax err-leaky err-same; do
	conf=$RUN/golden/$name.yaml
	refuses "$name" "$name\\.yaml:[0-9]+:[0-9]+: |\\.conf:[0-9]+:[0-9]+: "
done
conf=$RUN/nowhere.yaml
refuses "no configuration" 'nowhere.yaml'
conf=$good
chmod 644 "$RUN/client/wgnet1.conf"
refuses "a private key that others can read" 'wgnet1.conf.*(readable|others|chmod|permission)'
chmod 600 "$RUN/client/wgnet1.conf"
config "name: hold" "wireguard: {backend: userspace, userspace: no-such-wireguard}"
refuses "no userspace WireGuard" 'path p1: .*no-such-wireguard'
config "name: hold" "wireguard: {backend: userspace, userspace: 'false'}"
refuses "a userspace WireGuard that fails" 'path p1: .*false'
# What follows is not about detection: on a busy machine no path must be given up meanwhile.
config "name: hold" "probe: {timeout_min: 200ms}"
check "after all this the client is as it was" same "$clean" "$(kernel_state)"

# ---- killed, and started again ----

# Strict on the uplink: as many distributions have it.
echo 1 | x client tee /proc/sys/net/ipv4/conf/{eth0,all}/rp_filter >/dev/null
strict=$(kernel_state)
check "strict rp_filter: compsd starts, all paths are up" start_ready
check "strict rp_filter: packets come through" lab ping_inet
lab reset_counters
check "traffic" udp
comps migrate p2 --wait >/dev/null
stop_compsd KILL 2>/dev/null
check "killed: the traffic stays on its path" carries p2 down 30
check "started again" start_compsd
check "started again: it takes over what is there" status '.active == "p2" and .migrations.total == 0'
check "started again: all is up" since_start
check "started again: it migrates" comps migrate p1 --wait
check "started again: the traffic follows" carries p1 down 20
stop_compsd TERM
check "SIGTERM: ends well" test "$COMPSD_RC" = 0
check "SIGTERM: the traffic stays on its path" carries p1 down 30
check "SIGTERM: and is guarded" not x client ping -c 1 -W 0.3 -I eth0 203.0.113.2
check "and started once more" start_ready
check "nothing was lost by any of this" flow_stop load "$UDP_WHOLE"
check "no packet outside of the tunnels" no_leak

# ---- robbed ----

our_rules() { [[ $(x client ip -4 rule | grep -c 'proto 201') = "$rules4" && $(x client ip -6 rule | grep -c 'proto 201') = "$rules6" ]]; }
rules4=$(x client ip -4 rule | grep -c 'proto 201') rules6=$(x client ip -6 rule | grep -c 'proto 201')
our_table() { shows 'chain post' nft list table inet comps; }
our_default() { shows '^default .*dev wgnet1' ip -4 route show table 51821 && shows '^default .*dev wgnet1' ip -6 route show table 51821; }
our_backstop() { shows '^unreachable default .*4294967295' ip route show table 51821 && shows '^unreachable default .*4294967295' ip route show table 51820; }
our_inner() { shows 'default dev wg0' ip route show table 51820; }
one_default() { [[ $(x client ip route show table 51821 | grep -c '^default') = 1 ]]; }
shows() { # PATTERN CMD...: no `grep -q`, which ends the command early
	local pattern=$1
	shift
	x client "$@" | grep -- "$pattern" >/dev/null
}

check "traffic" udp
repairs "a lookup" our_rules -- x client ip rule del pref 10010
repairs "a guard" our_rules -- x client ip rule del pref 10011
repairs "the rule of all that is not WireGuard" our_rules -- x client ip -6 rule del pref 10020
repairs "all our rules" our_rules -- x client sh -c 'for p in 10000 10001 10010 10011 10012 10013 10020 10021; do ip rule del pref $p; done'
repairs "the active path's route" our_default -- x client ip route del default table 51821
repairs "the backstops" our_backstop -- x client sh -c 'ip route del unreachable default metric 4294967295 table 51821; ip route del unreachable default metric 4294967295 table 51820'
repairs "the inner route" our_inner -- x client ip route del default dev wg0 table 51820
repairs "the nftables table" our_table -- x client nft delete table inet comps
repairs "a flushed ruleset" our_table -- x client nft flush ruleset
repairs "somebody's own default in our table" one_default -- x client ip route append default via 192.0.2.1 dev eth0 onlink table 51821
check "traffic: measured" flow_stop load .complete

# ---- a leak that is stopped is counted ----

was=$(comps status -j | gojq .leaked_packets)
check "guard: the exit, asked past the overlays by a socket bound to the uplink" not x client ping -c 3 -i 0.05 -W 0.3 -m 51822 -I eth0 "$(lab addr exit 4)"
check "guard: is counted" wait_status "$DEADLINE" ".leaked_packets == $((was + 3))"
x client ip rule add pref 9000 fwmark 51822 lookup main
check "guard: and with somebody's rule in front" not x client ping -c 3 -i 0.05 -W 0.3 -m 51822 "$(lab addr exit 4)"
x client ip rule del pref 9000
check "guard: is counted as well" wait_status "$DEADLINE" ".leaked_packets == $((was + 6))"
check "guard: an event tells" says 0 'guard.* tried to leave' comps events
check "guard: not one got out" test "$(lab uplink_leaks)" = 0

check "strict rp_filter: down" comps down
wait "$COMPSD"
check "strict rp_filter: is put back" same "$strict" "$(kernel_state)"
echo 0 | x client tee /proc/sys/net/ipv4/conf/{eth0,all}/rp_filter >/dev/null

# ---- odd machines ----

check "manage: false: interfaces made by hand" lab static_client 1
for table in 51820 51821; do
	for family in -4 -6; do x client ip $family route flush table $table; done
done
for pref in 100 101 110; do x client sh -c "ip -4 rule del pref $pref; ip -6 rule del pref $pref"; done
byhand=$(kernel_state) byhand_programs=$(programs)
sed -i -e 's/^  config: wg0.conf/&\n  manage: false/' -e 's/^    config: wgnet.*/&\n    manage: false/' "$conf"
check "manage: false: compsd starts, all paths are up" start_ready
check "manage: false: it migrates" comps migrate p3 --wait
check "manage: false: packets come through" lab ping_inet
check "manage: false: down" comps down
wait "$COMPSD"
check "manage: false: the interfaces stay, and all is as it was" same "$byhand" "$(kernel_state)"
check "manage: false: and so do their programs" same "$byhand_programs" "$(programs)"

# IPv6 may be away on any client.
check "without IPv6: lab" e2e_lab
lab serve
config "name: hold"
echo 1 | x client tee /proc/sys/net/ipv6/conf/{all,default,eth0,lo}/disable_ipv6 >/dev/null
v4only=$(kernel_state)
check "without IPv6: compsd starts, all paths are up" start_ready
check "without IPv6: it migrates" comps migrate next --wait
check "without IPv6: packets come through" lab ping_inet
check "without IPv6: down" comps down
wait "$COMPSD"
check "without IPv6: the client is as it was" same "$v4only" "$(kernel_state)"
e2e_end
