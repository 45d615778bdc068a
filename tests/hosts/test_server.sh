#!/bin/bash
# What provision/server.sh makes of a booted host: a proxy that leads to the exit and nowhere else, and an exit that leads to the
# internet but not to its own surroundings. Run again it changes nothing; whatever somebody changes, it puts right.
# shellcheck disable=SC2016,SC2317  # the hosts' shell has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
tree=$(cd "$e2e_dir/../.." && pwd)
for tool in systemd-nspawn wireguard-go; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[[ -x /lib/systemd/systemd ]] || skip_all "no systemd"
e2e_begin server
declare -A BOOT=() LEADER=()
trap off EXIT

# ---- the network: hosts at one bridge, an internet behind it, and places that no client may reach ----

PROXY=203.0.113.11 EXIT=203.0.113.20 CLIENT=203.0.113.3
ns() { # NAME CMD...
	local name=$1
	shift
	nsenter --net="/run/netns/$P-$name" "$@"
}
at_bridge() { # NAME ADDRESS
	ip netns add "$P-$1"
	ip -n "$P-net" link add "v$1" type veth peer name eth0 netns "$P-$1"
	ip -n "$P-net" link set "v$1" master lan0 up
	ip -n "$P-$1" addr add "$2/24" dev eth0
	ip -n "$P-$1" link set lo up
	ip -n "$P-$1" link set eth0 up
	ip -n "$P-$1" route add default via 203.0.113.1
}
network() {
	ip netns add "$P-net" && ns net ip link add name lan0 type bridge && ns net ip addr add 203.0.113.1/24 dev lan0 || return
	ns net ip link set lo up && ns net ip link set lan0 up && ns net ip link set br up && ns net sysctl -q net.ipv4.ip_forward=1
	for address in 198.51.100.1 169.254.169.254 192.168.7.7; do ns net ip addr add $address/32 dev lo; done
	at_bridge proxy $PROXY && at_bridge exit $EXIT && at_bridge client $CLIENT
	ns net ping -q -c 1 -W 2 $CLIENT
}
off() {
	local name
	for name in "${!BOOT[@]}"; do kill "${BOOT[$name]}"; done 2>/dev/null
	wait
	for name in net proxy exit client; do
		ip netns pids "$P-$name" | xargs -r kill -9
		ip netns del "$P-$name"
	done 2>/dev/null
	rm -rf "$RUN" "$LOG"
}

# ---- the hosts ----

prepare() { # ROOT
	local root=$1 unit
	rm -rf "$root"/etc/systemd/system/*.wants "$root/etc/wireguard" "$root/etc/comps"
	for unit in systemd-logind.service systemd-networkd-wait-online.service getty.target systemd-tmpfiles-clean.timer; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	systemctl --root="$root" -q enable nftables.service
}
export -f prepare
on() { # NAME
	mkdir -p "$RUN/$1"
	"$tree/tests/hosts/boot.sh" "$RUN/$1" "$P-$1" "/run/netns/$P-$1" prepare </dev/null >"$RUN/$1.log" 2>&1 &
	BOOT[$1]=$!
}
runs() {
	LEADER[$1]=$(pgrep -P "$(pgrep -P "${BOOT[$1]}" -x systemd-nspawn)") && [[ $(PATIENCE=5 h "$1" systemctl is-system-running) =~ running|degraded ]]
}
h() { # NAME CMD...: one that meets the host's end or its beginning may never come back by itself
	local name=$1
	shift
	timeout -k 1 "${PATIENCE:-60}" nsenter -t "${LEADER[$name]}" --mount --uts --ipc --net --pid -- env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
reboots() {
	local before=${LEADER[$1]}
	h "$1" systemctl reboot
	wait_for 60 rebooted "$1" "$before"
}
rebooted() { runs "$1" && [[ ${LEADER[$1]} != "$2" ]]; }

# An archive with the package alone, made of what is installed here; and a host that has neither it nor another archive.
archive() {
	local tree=$RUN/package
	mkdir -p "$tree/DEBIAN" "$RUN/archive"
	dpkg -L wireguard-tools | while read -r file; do
		[[ -d $file ]] || { mkdir -p "$tree${file%/*}" && cp -a "$file" "$tree$file"; } || return
	done
	dpkg -s wireguard-tools | grep -v -e ^Status: -e ^Conffiles: -e '^ /etc' >"$tree/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$tree" "$RUN/archive/wireguard-tools.deb" || return
	{
		dpkg-deb -f "$RUN/archive/wireguard-tools.deb"
		echo "Filename: ./wireguard-tools.deb"
		stat -c 'Size: %s' "$RUN/archive/wireguard-tools.deb"
		echo "SHA256: $(sha256sum <"$RUN/archive/wireguard-tools.deb" | cut -d ' ' -f 1)"
	} >"$RUN/archive/Packages"
}
without_package() { # NAME
	cp -a "$RUN/archive" "/proc/${LEADER[$1]}/root/var/local/" && h "$1" sh -c '
		rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/* && echo "deb [trusted=yes] file:/var/local/archive ./" >/etc/apt/sources.list &&
		dpkg -P --force-depends wireguard-tools && ! command -v wg'
}

# ---- setting up ----

client_key=$(wg genkey) psk=$(wg genpsk)
set_up() { # NAME [VAR=VALUE...]: the last line, as whoever calls the script sees it
	local name=$1 role=vpn ip=10.45.0.5
	[[ $name = proxy ]] || role=comp ip=10.45.0.100
	shift
	{
		printf "%s='%s'\n" NET demo ROLE $role ADDRESS 10.45.0.2/32 PORT 51820 MTU "$([[ $role = vpn ]] && echo 1420 || echo 1340)" \
			CLIENT_KEY "$(wg pubkey <<<"$client_key")" CLIENT_IP $ip PSK "$psk" EXIT_IP $EXIT EXIT_PORT 51820 PROXIES $PROXY ACCEPT proxies SSH_PORT 22 CHECK 0 REMOVE 0 REKEY 0 FRESH 0
		(($# == 0)) || printf '%s\n' "$@"
		cat "$tree/provision/server.sh"
	} | h "$name" sh -s | tail -n 1
}
ok_with() { prints ".ok and ($1)" set_up "${@:2}"; } # FILTER NAME [VAR=VALUE]
refuses() { prints ".ok == false and .step == \"$1\" and (.error | test(\"$2\"))" set_up "${@:3}"; }
repairs() { # WHAT NAME CMD...: somebody does CMD; it is seen, and put right
	local what=$1 name=$2
	shift 2
	h "$name" "$@"
	ok_with ".changed | any(test(\"$what\"))" "$name" CHECK=1 &&
		ok_with ".changed | any(test(\"$what\"))" "$name" && ok_with '.changed == []' "$name"
}

# ---- the client: a tunnel to the proxy, and one to the exit inside it ----

tunnel_up() {
	local key_of_proxy key_of_exit
	key_of_proxy=$(h proxy wg show wg0 public-key) key_of_exit=$(h exit wg show wg0 public-key)
	ns client wireguard-go wgnet1 && ns client wireguard-go wg0 || return
	ns client wg set wgnet1 private-key <(echo "$client_key") peer "$key_of_proxy" preshared-key <(echo "$psk") endpoint $PROXY:51820 allowed-ips 0.0.0.0/0
	ns client wg set wg0 private-key <(echo "$client_key") fwmark 51820 peer "$key_of_exit" preshared-key <(echo "$psk") endpoint $EXIT:51820 allowed-ips 0.0.0.0/0
	ns client ip addr add 10.45.0.5/32 dev wgnet1 && ns client ip addr add 10.45.0.100/32 dev wg0
	ns client ip link set wgnet1 mtu 1420 up && ns client ip link set wg0 mtu 1340 up
	ns client ip route add default dev wgnet1 table 51821 && ns client ip rule add fwmark 51820 lookup 51821
	ns client ip route add default dev wg0 table 51820
}
by() { # DEVICE CMD...: with that device's address as the source, and only by it
	local address=10.45.0.5 table=51821
	[[ $1 = wgnet1 ]] || address=10.45.0.100 table=51820
	shift
	ns client ip rule add pref 100 from $address lookup $table
	ns client "$@" -I $address
	local rc=$?
	ns client ip rule del pref 100
	return $rc
}
# After a reboot of the other side a new handshake takes WireGuard 15 s (its KEEPALIVE_TIMEOUT + REKEY_TIMEOUT).
answers() { wait_for 60 by "$1" ping -q -n -c 1 -W 1 "$2"; }
silent() { ! by "$1" ping -q -n -c 2 -i 0.3 -W 1 "$2"; }

check "network" network
on proxy
on exit
check "the proxy boots" wait_for 60 runs proxy
check "the exit boots" wait_for 60 runs exit
((failed == 0)) || { e2e_end; }

check "a host without WireGuard's tools" eval 'archive && without_package proxy'
check "check: what would be done" ok_with '(.changed | length) > 6 and .public_key == ""' proxy CHECK=1
check "check: nothing is" not h proxy test -e /etc/comps/demo.key
check "the proxy is set up, the package installed" ok_with '(.changed | length) > 6 and (.changed | any(. == "packages wireguard-tools")) and (.public_key | length) == 44 and .wan == "eth0"' proxy
check "again: nothing changes" ok_with '.changed == []' proxy
check "the exit is set up" ok_with '(.changed | length) > 6' exit
check "again: nothing changes" ok_with '.changed == []' exit
check "keys are for root only" test "$(h exit stat -c %a /etc/comps/demo.key /etc/wireguard/wg0.conf /etc/comps | tr '\n' ' ')" = "600 600 700 "

check "the client's tunnels" tunnel_up
check "the proxy answers inside its tunnel" answers wgnet1 10.45.0.2
check "the exit answers through it" answers wg0 10.45.0.2
check "and leads to the internet" answers wg0 198.51.100.1
check "the exit does not lead to the cloud's metadata" silent wg0 169.254.169.254
check "nor to private networks" silent wg0 192.168.7.7
check "the proxy leads nowhere else" silent wgnet1 198.51.100.1
check "nor to the exit itself" silent wgnet1 $EXIT

check "another key of the client" ok_with '.changed | any(test("wg0"))' proxy "CLIENT_KEY='$(wg genkey | wg pubkey)'"
check "... is what the interface has, and back" ok_with '.changed | length > 0' proxy
check "the tunnel lives" answers wgnet1 10.45.0.2

check "drift: forwarding" repairs ip_forward exit sysctl -q -w net.ipv4.ip_forward=0
check "drift: the table is deleted" repairs firewall exit nft delete table inet comps_demo
check "drift: the ruleset is flushed" repairs firewall proxy nft flush ruleset
check "drift: a rule more" repairs firewall proxy nft insert rule inet comps_demo forward accept
check "drift: a peer more" repairs wg0 exit wg set wg0 peer "$(wg genkey | wg pubkey)" allowed-ips 10.9.9.9/32
check "drift: another port" repairs wg0 exit wg set wg0 listen-port 5555
check "drift: the unit is disabled" repairs enabled exit systemctl -q disable wg-quick@wg0
check "drift: the interface is gone" repairs wg0 proxy ip link del wg0
check "drift: a file is changed" repairs sysctl.d proxy sh -c 'echo "net.ipv4.ip_forward = 0" >/etc/sysctl.d/60-comps.conf'
check "a reload of nftables leaves it" eval 'h exit systemctl restart nftables && ok_with ".changed == []" exit'

check "reboot of the exit" reboots exit
check "the tunnel comes back" answers wg0 198.51.100.1
check "and it is still closed" silent wg0 192.168.7.7
check "nothing changes" ok_with '.changed == []' exit

check "somebody else's firewall is told" eval 'h exit nft add table inet other && h exit nft "add chain inet other in { type filter hook input priority 10; policy drop; }" && ok_with ".warnings | any(test(\"inet other drops\"))" exit'
check "a wg0 of somebody else's is refused" eval 'h proxy sh -c "echo \"# mine\" >/etc/wireguard/wg0.conf" && refuses keys "not ours" proxy'
check "... and left as it is" test "$(h proxy head -n 1 /etc/wireguard/wg0.conf)" = '# mine'
check "another system is refused" eval 'h exit sh -c "echo ID=plan9 >/etc/os-release.new; mount --bind /etc/os-release.new /etc/os-release" && refuses system "Debian or Ubuntu" exit'
e2e_end
