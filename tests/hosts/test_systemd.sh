#!/bin/bash
# compsd as a service of a booted host: systemd starts, restarts, reloads and stops it, under its own user and all the filters
# of the units that `make install` installs. The host is the lab's client; its tunnels are userspace WireGuards.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
tree=$(cd "$e2e_dir/../.." && pwd)

tools() {
	local tool
	for tool in systemd-nspawn systemd-sysusers wireguard-go setpriv; do
		command -v $tool >/dev/null || skip_all "no $tool"
	done
	[[ -x /lib/systemd/systemd ]] || skip_all "no systemd"
}

tools
e2e_begin systemd
trap 'host_off; e2e_cleanup' EXIT

# ---- the host ----

BOOT='' LEADER=''

install_host() { # ROOT: what README says, from outside
	local root=$1 unit
	nice make -s -C "$tree" BUILD="$e2e_build" DESTDIR="$root" install
	systemd-sysusers --root="$root"
	systemd-tmpfiles --root="$root" --create --prefix=/etc/comps
	cp "$RUN"/client/*.conf "$RUN/client/comps.yaml" "$root/etc/comps"
	chroot "$root" sh -c 'chgrp comps /etc/comps/* && chmod 640 /etc/comps/*'
	# Of this machine's services only what every host has.
	rm -rf "$root"/etc/systemd/system/*.wants
	for unit in systemd-logind.service systemd-networkd-wait-online.service getty.target systemd-tmpfiles-clean.timer; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	systemctl --root="$root" enable comps-guard.service
}
export -f install_host
export tree e2e_build RUN

host_on() {
	mkdir "$RUN/disk"
	"$tree/tests/hosts/boot.sh" "$RUN/disk" "$P" "/run/netns/$P-client" install_host </dev/null >"$RUN/boot.log" 2>&1 &
	BOOT=$!
	wait_for 60 host_decided && host_runs && return
	cat "$RUN/boot.log"
	return 1
}

host_decided() { ! kill -0 "$BOOT" || host_runs; }

host_runs() { # its PID 1 changes with every boot
	LEADER=$(pgrep -P "$(pgrep -P "$BOOT" -x systemd-nspawn)") && [[ $(PATIENCE=5 h systemctl is-system-running) =~ running|degraded ]]
}

host_off() {
	[[ -z $BOOT ]] || kill "$BOOT" 2>/dev/null && wait "$BOOT"
	BOOT=
}

# A command that meets the host's end or its beginning may never come back by itself.
h() {
	timeout -k 1 "${PATIENCE:-60}" nsenter -t "$LEADER" --mount --uts --ipc --net --pid -- \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

comps() { h comps "$@"; }
as_member() { h setpriv --reuid nobody --regid comps --clear-groups "$@"; }
property() { h systemctl show -P "$2" "$1"; }
main_pid() { property compsd.service MainPID; }

all_up() { wait_status $DEADLINE 'all(.paths[]; .state == "up") and .active != null'; }
exit_answers() { lab ping_exit; }

journal() {
	h journalctl -q -o cat -u compsd -u comps-guard >"$RUN/compsd.log"
	cat "$RUN/compsd.log"
}

logs() { # PATTERN
	wait_for $DEADLINE logged "$1" || { journal && return 1; }
}

logged() { journal | grep -Eq -- "$1"; }

# ---- before the daemon ----

our_rules() { x client sh -c 'ip -4 rule; ip -6 rule' | grep -v -e ' lookup local' -e ' lookup main$' -e ' lookup default'; }

ping_out() { # everything that a leak could be
	local target
	for target in "$(lab addr exit 4)" "$(lab addr exit 6)" "$(lab addr inet 4)" "$(lab addr proxy1 6)"; do
		x client ping -q -n -c 2 -i 0.2 -W 1 "$target"
	done
	true
}

no_packet_out() {
	lab reset_counters
	ping_out
	lab counters --json
	[[ $(lab uplink_leaks) = 0 ]]
}

packets_out() {
	lab reset_counters
	ping_out
	lab counters --json
	(($(lab uplink_leaks) > 0))
}

guard_was_first() {
	local guard target
	guard=$(property comps-guard.service ExecMainExitTimestampMonotonic)
	target=$(property network-pre.target ActiveEnterTimestampMonotonic)
	echo "the guard was done at $guard us, network-pre.target came at $target us"
	h journalctl -b -u comps-guard -o cat --no-pager
	is "$(property comps-guard.service ActiveState)" active && ((guard > 0 && guard < target))
}

is() { # TEXT WANTED
	echo "it is $1, want $2"
	[[ $1 = "$2" ]]
}

unchanged() { # CMD...: leaves our rules as they are
	local before
	before=$(our_rules)
	"$@" && [[ -n $before ]] && same "$before" "$(our_rules)"
}

# It deletes the rules of others when it configures a link anew: here to have a rule of its own.
networkd_configures() {
	local rc
	x client ip tuntap add dev nd0 mode tap
	nd0_config
	h systemctl start systemd-networkd && wait_for $DEADLINE nd0_is configured &&
		nd0_config '[RoutingPolicyRule]' From=10.77.0.1 Table=77 Priority=31000 &&
		h networkctl reload && wait_for $DEADLINE x client sh -c 'ip -4 rule | grep ^31000:'
	rc=$?
	h systemctl stop systemd-networkd.socket systemd-networkd.service
	x client ip link del nd0
	x client ip -4 rule del priority 31000
	return $rc
}

nd0_config() { # LINE...
	printf '%s\n' '[Match]' Name=nd0 '[Network]' LinkLocalAddressing=no ConfigureWithoutCarrier=yes "$@" |
		h sh -c 'cat >/etc/systemd/network/nd0.network'
}

nd0_is() { h networkctl list nd0 --no-legend | grep -q " $1"; }

networkd_without() { # the drop-in
	local dropin=/usr/local/lib/systemd/networkd.conf.d/comps.conf rc
	h mv $dropin /root
	not unchanged networkd_configures
	rc=$?
	h mv /root/comps.conf $dropin
	return $rc
}

# ---- what the process may do ----

limited() { # PID UID CAPABILITIES FILTER
	local status
	status=$(h sed -n 's/^\(Uid\|Cap...\|NoNewPrivs\|Seccomp\):[[:space:]]*/\1=/p' "/proc/$1/status")
	echo "$status"
	for want in "Uid=$2[[:space:]].*" "CapPrm=0*$3" "CapEff=0*$3" CapBnd=0*3000 NoNewPrivs=1 "Seccomp=$4"; do
		grep -qx "$want" <<<"$status" || return
	done
}

children_limited() {
	local pids pid
	pids=$(h pgrep -x wireguard-go) && [[ $(wc -l <<<"$pids") = 4 ]] || return
	for pid in $pids; do
		limited "$pid" "$(h id -u comps)" 1000 2 || return
	done
}

guards_its_memory() { # PID: all of it, or the keys where not even root may raise the limit
	local least=0
	h grep -E '^(VmLck|VmSize|VmRSS)' "/proc/$1/status"
	h grep -E '^Max locked memory +unlimited' "/proc/$1/limits" && least=1000
	h grep -E '^Max core file size +0 +0 ' "/proc/$1/limits" && (($(h awk '/^VmLck/ { print $2 }' "/proc/$1/status") > least))
}

modes() {
	is "$(h stat -c '%a %U:%G %n' /run/comps /run/comps/comps.sock /run/comps/sysctl.saved)" \
		"$(printf '%s\n' "750 comps:comps /run/comps" "660 comps:comps /run/comps/comps.sock" "600 comps:comps /run/comps/sysctl.saved")"
}

sysctls() {
	h grep . /proc/sys/net/ipv4/conf/{eth0,wgnet1,wgnet2,wgnet3,wg0}/rp_filter
	is "$(h cat /proc/sys/net/ipv4/conf/{eth0,wgnet1,wgnet2,wgnet3,wg0}/rp_filter | tr -d '\n')" 22222
}

# ---- life ----

traffic_survives() { # CMD...
	flow_start flow udp-both --pps 200 inet || return
	"$@"
	local rc=$?
	exit_answers
	flow_stop flow "$UDP_WHOLE" && return $rc
}

# CMD... puts another compsd in the place of this one, and what is active stays
hands_over() {
	local before
	before=$(active)
	"$@" && wait_for $DEADLINE another_than "$PID" && all_up && is "$(active)" "$before"
}

another_than() {
	local pid
	pid=$(main_pid)
	[[ $pid != 0 && $pid != "$1" ]] && comps status && PID=$pid
}

start_by_hand() {
	h rm -r /run/comps
	PATIENCE=600 h compsd </dev/null >"$RUN/by_hand.log" 2>&1 &
	wait_for $DEADLINE comps status && all_up && PID=$(h pgrep -x compsd)
}

stop_by_hand() {
	h kill "$PID" && wait_for $DEADLINE not h pgrep -x compsd && h compsd --down && h rm -r /run/comps
}

closed_but_working() {
	h systemctl stop compsd
	lab reset_counters
	exit_answers && lab ping_inet 4 && lab ping_inet 6 && no_packet_out
}

is_down() { is "$(property compsd.service ActiveState)/$(property compsd.service Result)" inactive/success; }

reboots() {
	local before=$LEADER
	h systemctl reboot
	wait_for 60 booted_after "$before"
}

booted_after() { host_runs && [[ $LEADER != "$1" ]]; }

# ---- checks ----

check "lab" e2e_lab
lab serve
config "name: hold"
sed -i 's/^  socket: .*/&\n  group: comps/' "$conf"
x client sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
check "packets can leave" packets_out

check "the host boots" host_on
((failed == 0)) || e2e_end
check "the guard is there before the network" guard_was_first
check "guard: no packet leaves" no_packet_out
check "guard: again, it changes nothing" unchanged h compsd --guard
check "systemd-networkd would delete our rules" networkd_without
check "guard: it puts them back" h compsd --guard
check "with our drop-in it does not" unchanged networkd_configures

check "compsd starts" h systemctl start compsd
check "all paths are up" all_up
PID=$(main_pid)
check "compsd: its own user, two capabilities, no new privileges, a filter of system calls" limited "$PID" "$(h id -u comps)" 3000 2
check "wireguard-go: CAP_NET_ADMIN only" children_limited
check "memory is locked, core dumps are off" guards_its_memory "$PID"
check "sysctls are written" sysctls
check "run directory, socket and saved sysctls have their modes" modes
check "members of the control group may read" as_member comps status
check "... but change nothing" says 1 "needs root" as_member comps migrate p2
check "others may not even ask" not h setpriv --reuid nobody --regid nogroup --clear-groups comps status
check "systemd-analyze security: 2.0 or less" h systemd-analyze security --no-pager --threshold=20 compsd.service
check "it migrates" comps migrate p2 --wait
check "no packet leaves outside" no_packet_out

check "systemctl restart loses no packet" traffic_survives hands_over h systemctl restart compsd
check "killed, it comes back and loses no packet" traffic_survives hands_over h systemctl kill --kill-who=main -s KILL compsd
check "root by hand disturbs nothing" traffic_survives says 1 "/run/comps belongs to uid" h compsd
h systemctl kill -s KILL compsd
check "killed with its wireguard-go, it comes back" wait_for $DEADLINE another_than "$PID"
check "... with all paths" all_up
check "... and no packet has left outside" no_leak

h sed -i 's/name: hold/name: round-robin\n  interval: 1h/' /etc/comps/comps.yaml
check "systemctl reload" h systemctl reload compsd
check "the new policy is in force" wait_status $DEADLINE '.policy.name == "round-robin"'
h sed -i 's/^policy:/polizei:/' /etc/comps/comps.yaml
h systemctl reload compsd
check "a faulty file is refused" logs "the old configuration stays"
h sed -i 's/^polizei:/policy:/' /etc/comps/comps.yaml
check "stopped: closed, and the tunnels work" closed_but_working

check "without CAP_NET_RAW it says so" says 1 "missing: CAP_NET_RAW" h setpriv --bounding-set -all,+net_admin compsd
check "without both it says so" says 1 "missing: CAP_NET_ADMIN .* CAP_NET_RAW" h setpriv --bounding-set -all compsd
check "--guard needs CAP_NET_ADMIN only" unchanged h setpriv --bounding-set -all,+net_admin compsd --guard

check "enabled, it starts" h systemctl enable --now compsd
check "... and is up" all_up
check "comps down" comps down
check "... is the end of the service" wait_for $DEADLINE is_down
check "... and opens the host" packets_out

check "by hand as root it starts" start_by_hand
check "by hand: two capabilities" limited "$PID" 0 3000 0
check "by hand: memory is locked, core dumps are off" guards_its_memory "$PID"
check "by hand: migrates" comps migrate p2 --wait
check "by hand: reloads" comps reload
check "by hand: down" stop_by_hand

check "reboot" reboots
check "closed before the network again" guard_was_first
check "up by itself" all_up
check "no packet leaves outside, after all" no_packet_out
e2e_end
