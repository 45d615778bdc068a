#!/bin/bash
# The lab: one network of namespaces with a client, N proxies, an exit and an internet server.
#
#                                            px1          eth0 +--------+ wgs 10.11.1.1 fd11:1::1
#                                       .------- p1 ----------| proxy1 |
#   +--------+ eth0      up0 +------+ /                        +--------+
#   | client |---- uplink ---| core |--------- pN ----------- proxyN   wgs 10.11.N.1 fd11:N::1
#   +--------+               +------+ \      ex0          eth0 +------+ eth1     eth0 +------+
#                                       `------- exit --------| exit |--------------| inet |
#                                                              +------+              +------+
#                                                       wgs 10.99.0.1 fd99::1
#   underlay, host end .2/::2 and core end .1/::1
#     uplink 192.0.2.0/24     2001:db8::/64        proxyI 198.18.I.0/24  2001:db8:I::/64
#     exit   198.51.100.0/24  2001:db8:e::/64      inet   203.0.113.0/24 2001:db8:f::/64 (exit end .1/::1)
#
# The client reaches the exit and the proxies directly over its one uplink, so a leak is possible, and the core counts it.
# Only the exit reaches inet. The cables uplink, p1..pN and exit can be impaired while the lab runs; `up` is away from the
# client. Each host is a net, mount and uts namespace with its own /run, named netns $P-HOST, held by one `sleep`.
#
# Run it (`lab.sh help`), or source it and call `lab COMMAND...`, `x HOST CMD...`, `xbg HOST CMD...`,
# `wait_for SECONDS CMD...`.
#
# Environment:  P         prefix of every namespace       (default comps; comps-PID when sourced)
#               N         number of proxies               (3)
#               WG        auto|kernel|go: WireGuard on proxies and exit; static_client uses the same
#               LINK      auto|veth|tap: veth + netem, or TAPs + linkem
#               OUTER     4|6: family of wg0's endpoint         UNDERLAY  4|6: family of the overlays' endpoints
#               MODE      nested|direct: what $RUN/client describes; direct shares one client address on all overlays
#               SEED      of linkem's losses              (1)
#               RUN       state                           (/run/comps-lab/$P)
#               BUILD     where linkem and flow are       (the tree's build/)

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_BIN=${BUILD:-$LAB_DIR/../../build}
[[ $LAB_BIN = /* ]] || LAB_BIN=$PWD/$LAB_BIN
LAB_BIN=$LAB_BIN/tests/lab

if [[ ${BASH_SOURCE[0]} = "$0" ]]; then
	P=${P:-comps}
else
	P=${P:-comps-$$}
fi
RUN=${RUN:-/run/comps-lab/$P}
LAB_VARS=(N WG LINK OUTER UNDERLAY MODE SEED)

# shellcheck source=tests/lab/lab_write.sh
. "$LAB_DIR/lab_write.sh"

lab_die() {
	echo "lab $P: $*" >&2
	return 1
}

# wait_for SECONDS CMD...: until CMD succeeds; fails at the deadline.
wait_for() {
	local end=$((${EPOCHREALTIME/[.,]/} + ${1%.*} * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < end)) || return 1
		sleep 0.02
	done
}

# ---- hosts ----

lab_hosts() {
	local i
	printf '%s\n' client core exit inet
	for ((i = 1; i <= N; i++)); do echo "proxy$i"; done
}

lab_is_up() { [[ -e $RUN/up ]] && lab_owns_run; }

lab_owns_run() { # a RUN inherited together with another P is not ours to use, let alone to remove
	local p
	read -r p 2>/dev/null <"$RUN/comps-lab" && [[ $p = "$P" ]]
}

# What the lab was built with wins over the caller's environment.
lab_load() {
	lab_is_up || lab_die "is not up" || return
	# shellcheck source=/dev/null
	. "$RUN/env"
}

lab_holder() {
	local pid
	read -r pid 2>/dev/null <"$RUN/host/$1.pid" || lab_die "$1: no such host" || return
	# A pid may have been given to somebody else by now.
	[[ /proc/$pid/ns/net -ef /run/netns/$P-$1 ]] || lab_die "$1: its holder is gone" || return
	LAB_PID=$pid
}

# x HOST CMD...: run a command in a host, in the same working directory.
x() {
	local h=$1
	shift
	lab_holder "$h" || return
	nsenter -t "$LAB_PID" --net --mount --uts --wdns="$PWD" -- "$@"
}

# xbg HOST CMD...: the same in the background; XPID is the command's own process, to be signalled and waited for.
xbg() {
	local h=$1
	shift
	lab_holder "$h" || return
	nsenter -t "$LAB_PID" --net --mount --uts --wdns="$PWD" -- "$@" &
	# shellcheck disable=SC2034
	XPID=$!
}

# ---- up ----

lab_choose() {
	N=${N:-3} WG=${WG:-auto} LINK=${LINK:-auto} OUTER=${OUTER:-4} UNDERLAY=${UNDERLAY:-4} MODE=${MODE:-nested} SEED=${SEED:-1}
	[[ $P =~ ^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$ ]] || lab_die "P: bad prefix" || return
	[[ $RUN = /* ]] || lab_die "RUN: not absolute" || return
	[[ $N =~ ^[1-9][0-9]{0,2}$ ]] && ((N <= 250)) || lab_die "N: 1..250" || return
	[[ $OUTER$UNDERLAY =~ ^[46][46]$ ]] || lab_die "OUTER and UNDERLAY are 4 or 6" || return
	case $MODE in nested | direct) ;; *) lab_die "MODE is nested or direct" || return ;; esac
	case $WG in auto | kernel | go) ;; *) lab_die "WG is auto, kernel or go" || return ;; esac
	case $LINK in auto | veth | tap) ;; *) lab_die "LINK is auto, veth or tap" || return ;; esac
}

# Tries in the lab's own core namespace what the kernel can do.
lab_probe_kernel() {
	local ns=$P-core
	if [[ $WG = auto ]]; then
		WG=go
		ip -n "$ns" link add wgprobe type wireguard 2>/dev/null && WG=kernel && ip -n "$ns" link del wgprobe
	fi
	if [[ $LINK = auto ]]; then
		LINK=tap
		tc -n "$ns" qdisc add dev lo root netem delay 1us 2>/dev/null && LINK=veth && tc -n "$ns" qdisc del dev lo root
	fi
	[[ $LINK = veth || -x $LAB_BIN/linkem ]] || lab_die "no $LAB_BIN/linkem (lab.sh build)"
}

# NAME CORE-INTERFACE HOST, the client's cable with the client as its near end
lab_cables() {
	local i
	echo uplink up0 client
	for ((i = 1; i <= N; i++)); do echo "p$i px$i proxy$i"; done
	echo exit ex0 exit
}

lab_make_cables() {
	local name core host specs=()
	echo "link add eth1 netns $P-exit type veth peer name eth0 netns $P-inet" >"$RUN/cables.ip"
	while read -r name core host; do
		echo "link add $core netns $P-core type veth peer name eth0 netns $P-$host" >>"$RUN/cables.ip"
		if [[ $name = uplink ]]; then
			specs+=("uplink:$P-client:eth0:$P-core:up0")
		else
			specs+=("$name:$P-core:$core:$P-$host:eth0")
		fi
	done < <(lab_cables)
	if [[ $LINK = veth ]]; then
		ip -batch "$RUN/cables.ip"
	else
		head -n 1 "$RUN/cables.ip" | ip -batch - &&
			# In the core's namespace, so that `down` finds it; ahead of the load that it must not be late for.
			nsenter --net="/run/netns/$P-core" nice -n -15 "$LAB_BIN/linkem" -d -s "$SEED" -S "$RUN/linkem.sock" "${specs[@]}"
	fi
}

# Runs inside a new host's namespaces, as `sh -c`, with RUN, h, WG set; leaves one process behind that keeps them.
# shellcheck disable=SC2016
LAB_HOST_INIT='
set -e
m=$RUN/mnt/$h
mkdir -p "$m"
mount -n -t tmpfs -o mode=755 lab "$m"
mkdir -p "$m/wireguard" "$m/comps" "$m/lock"
case $RUN in /run/*) mkdir -p "$m/${RUN#/run/}" && mount -n --bind "$RUN" "$m/${RUN#/run/}" ;; esac
mount -n --move "$m" /run
mount -n -t sysfs lab /sys
[ ! -e /etc/hosts ] || mount -n --bind "$RUN/hosts" /etc/hosts
hostname "$h"
for f in /proc/sys/net/ipv6/conf/*/; do echo 0 >"${f}accept_dad" && echo 0 >"${f}accept_ra"; done
if [ "$h" != client ]; then
	for f in /proc/sys/net/ipv4/conf/*/; do echo 2 >"${f}rp_filter"; done
fi
case $h in core | exit | proxy*)
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding ;;
esac
ip -batch "$RUN/host/$h.ip"
if [ -e "$RUN/host/$h.nft" ]; then nft -f "$RUN/host/$h.nft"; fi
if [ -e "$RUN/host/$h.wg" ]; then
	case $WG in
	kernel) ip link add wgs type wireguard ;;
	go) LOG_LEVEL=error wireguard-go wgs </dev/null >"$RUN/host/$h.wglog" 2>&1 ;;
	esac
	wg setconf wgs "$RUN/host/$h.wg"
	ip -batch "$RUN/host/$h.wgip"
fi
setsid sleep infinity </dev/null >/dev/null 2>&1 &
echo $! >"$RUN/host/$h.pid"
'

lab_start_hosts() {
	local h pids=() pid rc=0
	for h in $(lab_hosts); do
		nsenter --net="/run/netns/$P-$h" env RUN="$RUN" h="$h" WG="$WG" unshare --mount --uts sh -c "$LAB_HOST_INIT" </dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
	((rc == 0)) || lab_die "a host did not start"
}

lab_up() {
	lab_choose || return
	[[ ! -e $RUN && ! -e /run/netns/$P-client ]] || lab_die "is up, or was not taken down" || return
	mkdir -p "${RUN%/*}" && mkdir -m 700 "$RUN" && echo "$P" >"$RUN/comps-lab" || return
	{ flock 9 && lab_build_up; } 9>"$RUN/lock" || { lab_down && return 1; }
}

lab_build_up() {
	local h v
	mkdir -m 700 "$RUN/host" "$RUN/mnt" "$RUN/client" || return
	# First of all, so that whatever is started later can be found by its namespace.
	for h in $(lab_hosts); do echo "netns add $P-$h"; done | ip -batch - || return
	lab_probe_kernel && (
		umask 077
		lab_write_addresses && lab_write_tunnels && lab_write_nft && lab_write_config "name: hold" ""
	) && lab_make_cables && lab_start_hosts || return
	for v in "${LAB_VARS[@]}"; do echo "$v=${!v}"; done >"$RUN/env"
	: >"$RUN/up"
}

# ---- down ----

lab_namespaces() { # the named namespaces of this prefix and of no longer one
	local f
	for f in /run/netns/"$P"-*; do
		[[ ${f#"/run/netns/$P-"} =~ ^(client|core|exit|inet|proxy[0-9]+)$ ]] && echo "$f"
	done
	return 0
}

lab_pids() { # every process in one of the namespaces, or in the mount namespace of one of the hosts
	local all=() f
	mapfile -t all < <(lab_namespaces)
	((${#all[@]})) || return 0
	for f in "$RUN"/host/*.pid; do
		lab_owns_run || break
		f=${f##*/}
		lab_holder "${f%.pid}" 2>/dev/null && all+=("/proc/$LAB_PID/ns/mnt")
	done
	# /proc/PID/ns/X of a process that ends meanwhile is no error.
	{
		stat -L -c '%d:%i' "${all[@]}" 2>/dev/null
		echo --
		stat -L -c '%d:%i %n' /proc/[0-9]*/ns/net /proc/[0-9]*/ns/mnt 2>/dev/null
	} | awk -v self=$$ '
		$1 == "--" { listed = 1; next }
		!listed { want[$1]; next }
		$1 in want { split($2, p, "/"); if (p[3] != self && !(p[3] in seen)) { seen[p[3]]; print p[3] } }'
}

# True once nothing is left to kill. Whatever an `up` that was killed had started still holds its lock, even if it has not
# yet entered a namespace.
lab_kill_all() {
	local pids
	mapfile -t pids < <(lab_pids)
	if ((${#pids[@]} == 0)); then
		lab_owns_run || return 0
		[[ ! -e $RUN/lock ]] || flock -n "$RUN/lock" true
		return $? # said, because this may run in a trap, where a bare return is the trap's
	fi
	LAB_KILLED+=("${pids[@]}")
	kill -KILL "${pids[@]}" 2>/dev/null
	return 1
}

lab_all_dead() { # a killed process leaves its namespaces before its devices are gone
	local pid stat
	for pid in "${LAB_KILLED[@]}"; do
		read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
		[[ ${stat##*) } = [ZX]* ]] || return 1
	done
}

lab_down() {
	local f LAB_KILLED=() rc=0
	wait_for 10 lab_kill_all || {
		lab_die "processes do not die: $(lab_pids | tr "\n" " ")"
		rc=1
	}
	for f in $(lab_namespaces); do echo "netns del ${f##*/}"; done | ip -force -batch -
	wait_for 30 lab_all_dead || {
		lab_die "processes do not end: ${LAB_KILLED[*]}"
		rc=1
	}
	lab_owns_run || {
		# A builder that was killed at once leaves nothing in it, or no word of whose it is.
		[[ -s $RUN/comps-lab ]] || rm -f "$RUN/comps-lab"
		rmdir "$RUN" 2>/dev/null
		return $rc
	}
	rm -rf "$RUN"
	rmdir --ignore-fail-on-non-empty "${RUN%/*}"
	return $rc
}

# ---- while it runs ----

lab_status() {
	local h v
	lab_load || return
	for v in P RUN "${LAB_VARS[@]}"; do echo "$v=${!v}"; done
	for h in $(lab_hosts); do
		lab_holder "$h" && echo "$h: namespace $P-$h, pid $LAB_PID"
	done
	[[ $LINK = veth ]] || "$LAB_BIN/linkem" -c "$RUN/linkem.sock" show
}

# netem takes all of its settings at once: keep them in a file for each direction.
lab_link_veth() { # LINK up|down KEY=VALUE...
	local link=$1 dir=$2 ns=core dev=px${1#p} state=$RUN/$1.$2 loss kv
	local delay_us=0 jitter_us=0 loss_ppm=0 rate_kbit=0 limit_pkts=10000 hole=0 args
	shift 2
	case $link/$dir in
	uplink/up) ns=client dev=eth0 ;;
	uplink/down) dev=up0 ;;
	exit/up) dev=ex0 ;;
	exit/down) ns=exit dev=eth0 ;;
	*/down) ns=proxy${link#p} dev=eth0 ;;
	esac
	# shellcheck source=/dev/null
	[[ ! -e $state ]] || . "$state"
	for kv; do
		[[ $kv =~ ^(delay_us|jitter_us|loss_ppm|rate_kbit|limit_pkts|hole)=[0-9]+$ ]] || lab_die "link: bad setting $kv" || return
		local "$kv"
	done
	printf '%s\n' delay_us=$delay_us jitter_us=$jitter_us loss_ppm=$loss_ppm rate_kbit=$rate_kbit limit_pkts=$limit_pkts hole=$hole >"$state"
	((hole)) && loss_ppm=1000000
	printf -v loss '%d.%04d%%' $((loss_ppm / 10000)) $((loss_ppm % 10000))
	args=(limit "$limit_pkts" delay "${delay_us}us")
	((jitter_us == 0)) || args+=("${jitter_us}us")
	((loss_ppm == 0)) || args+=(loss "$loss")
	((rate_kbit == 0)) || args+=(rate "${rate_kbit}kbit")
	tc -n "$P-$ns" qdisc replace dev "$dev" root netem "${args[@]}"
}

# link LINK [up|down|both] KEY=VALUE...
lab_link() {
	local link=$1 dir=both d
	shift
	case ${1:-} in up | down | both) dir=$1 && shift ;; esac
	lab_load || return
	(($# > 0)) || lab_die "link: no settings" || return
	if [[ $LINK = tap ]]; then
		"$LAB_BIN/linkem" -c "$RUN/linkem.sock" "set $link $dir $*"
		return
	fi
	[[ $link =~ ^(uplink|exit|p[1-9][0-9]*)$ ]] || lab_die "link $link: no such link" || return
	for d in up down; do
		[[ $dir != both && $dir != "$d" ]] || lab_link_veth "$link" $d "$@" || return
	done
}

lab_proxy_chain() { # PROXY CHAIN 0|1: 0 drops what passes the chain
	case $3 in
	0) printf 'flush chain inet lab %s\nadd rule inet lab %s drop\n' "$2" "$2" ;;
	1) printf 'flush chain inet lab %s\n' "$2" ;;
	*) lab_die "$2: 0 is broken, 1 is working" ;;
	esac | x "proxy$1" nft -f -
}

lab_leg() { lab_proxy_chain "${1#p}" leg "$2"; }
lab_kill_proxy() { lab_proxy_chain "${1#p}" kill 0; }
lab_revive_proxy() { lab_proxy_chain "${1#p}" kill 1; }

# The uplink goes down with its routes and IPv6 addresses, as on any host, and comes back with them.
lab_uplink() { # 0|1
	case $1 in
	0) x client ip link set eth0 down ;;
	1) x client ip -force -batch "$RUN/host/client.ip" 2>/dev/null || x client ip route get 192.0.2.1 >/dev/null ;;
	*) lab_die "uplink: 0 is down, 1 is up" ;;
	esac
}

lab_counters() { # [--json]: on one line
	local json compact=${1:-}
	lab_load || return
	json=$(x core nft -j list counters table inet lab) || return
	# shellcheck disable=SC2016
	gojq ${compact:+-c} --argjson n "$N" '
		[.nftables[].counter | select(.) | {(.name): .packets}] | add as $c |
		{leaks: ({exit4: $c.leak_exit4, exit6: $c.leak_exit6, other4: $c.leak_other4, other6: $c.leak_other6}
			| . + {total: add}),
		 paths: ([range(1; $n + 1) | {("p\(.)"): {up: $c["up_p\(.)"], down: $c["down_p\(.)"]}}] | add)}' <<<"$json"
}

lab_uplink_leaks() { lab_counters --json | gojq .leaks.total; }
lab_path_packets() { lab_counters --json | gojq -r ".paths.p${1#p} | \"\(.up) \(.down)\""; }
lab_reset_counters() { x core nft reset counters table inet lab >/dev/null; }

lab_ping_exit() { x client ping -q -n -c "${1:-1}" -i 0.05 -W 2 10.99.0.1; }
lab_ping_inet() { x client ping -q -n -c 1 -W 2 "$(lab_addr inet "${1:-4}")"; }

# serve [HOST]: flow's server (port 9000) on inet, or on the exit, which is what direct mode reaches.
lab_serve() { x "${1:-inet}" "$LAB_BIN/flow" serve -d -p 9000; }

# ---- the client ----

# config [POLICY-LINES [EXTRA-TOP-LEVEL-YAML]]
lab_config() { lab_load && lab_write_config "${1:-name: hold}" "${2:-}"; }

lab_static_tunnel() { # IFACE FWMARK: a tunnel from its wg-quick file, without routes
	local addrs a mtu
	mtu=$(sed -n 's/^MTU = //p' "$RUN/client/$1.conf") addrs=$(sed -n 's/^Address = //p' "$RUN/client/$1.conf")
	if [[ $WG = kernel ]]; then
		x client ip link add "$1" type wireguard || return
	else
		x client env LOG_LEVEL=error wireguard-go "$1" </dev/null >"$RUN/client/$1.log" 2>&1 || return
	fi
	sed -e '/^MTU/d' -e '/^Address/d' "$RUN/client/$1.conf" | x client wg setconf "$1" /dev/stdin &&
		x client wg set "$1" fwmark "$2" || return
	{
		for a in ${addrs//,/ }; do echo "addr add $a dev $1$([[ $a = *:* ]] && echo ' nodad')"; done
		echo "link set $1 mtu $mtu up"
	} | x client ip -batch -
}

lab_static_default() { # IFACE TABLE
	printf "route replace %s dev $1 table $2\n" 0.0.0.0/0 ::/0 | x client ip -batch -
}

# static_client I: the nested tunnels by hand, inner tunnel over path I; again with another I to move. It is no CoMPS: it
# leaks while it moves, and serves only to test the lab without a daemon.
lab_static_client() {
	local i fam
	lab_load || return
	if ! x client test -e /sys/class/net/wg0; then
		for ((i = 1; i <= N; i++)); do lab_static_tunnel "wgnet$i" 51821 || return; done
		for fam in -4 -6; do
			x client ip $fam -batch - <<-END || return
				rule add pref 100 fwmark 51821 lookup main
				rule add pref 101 fwmark 51820 lookup 51821
				rule add pref 110 not fwmark 51820 lookup 51820
			END
		done
		lab_static_tunnel wg0 51820 && lab_static_default wg0 51820 || return
	fi
	lab_static_default "wgnet${1#p}" 51821 || return
	# wireguard-go keeps the interface of the last packet it got until its endpoint is set again.
	x client wg set wg0 peer "$(sed -n 's/^PublicKey = //p' "$RUN/client/wg0.conf")" \
		endpoint "$(lab_endpoint "$(lab_addr exit "$OUTER")")"
}

# ---- commands ----

lab_build() {
	local tool
	mkdir -p "$LAB_BIN" || return
	for tool in linkem flow; do
		${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wshadow -Werror -o "$LAB_BIN/$tool" "$LAB_DIR/$tool.c" "$LAB_DIR/$tool"_*.c || return
	done
}

lab_help() {
	cat <<-END
		usage: [P=PREFIX] [N=3] [WG=auto] [LINK=auto] [OUTER=4] [UNDERLAY=4] [MODE=nested] lab.sh COMMAND
		  up | down | status | build              down works on any remains, and again
		  x HOST CMD...                           client core exit inet proxy1..N
		  link LINK [up|down|both] KEY=VALUE...   LINK: p1..pN exit uplink; up is away from the client
		                                          delay_us jitter_us loss_ppm rate_kbit limit_pkts hole reorder
		  leg I 0|1                               break or repair what proxy I forwards (proxy <-> exit)
		  uplink 0|1                              take the client's only uplink down, and up again
		  kill_proxy I | revive_proxy I           everything at proxy I vanishes silently
		  config [POLICY-LINES [EXTRA]]           rewrite \$RUN/client/comps.yaml
		  counters [--json] | reset_counters      packets seen by the core on the uplink (--json: one line)
		  uplink_leaks | path_packets I           their total of leaks; "UP DOWN" of a path
		  static_client I                         tunnels by hand, through proxy I; again to move
		  ping_exit [COUNT] | ping_inet [4|6] | serve [HOST] | addr HOST 4|6 | wait_for SECONDS CMD...
	END
}

lab() {
	local cmd=${1:-help}
	(($# == 0)) || shift
	case $cmd in
	up | down | status | build | link | leg | uplink | kill_proxy | revive_proxy | config | counters | reset_counters | uplink_leaks | path_packets | static_client | ping_exit | ping_inet | serve | addr | help) "lab_$cmd" "$@" ;;
	x | wait_for) "$cmd" "$@" ;;
	*)
		lab_help >&2
		return 2
		;;
	esac
}

if [[ ${BASH_SOURCE[0]} = "$0" ]]; then
	set -u
	if [[ ${1:-} = x && $# -gt 2 ]]; then
		# This process becomes the command, so that a signal to it reaches the command.
		lab_holder "$2" || exit
		exec nsenter -t "$LAB_PID" --net --mount --uts --wdns="$PWD" -- "${@:3}"
	fi
	lab "$@"
fi
