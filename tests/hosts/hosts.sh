# Hosts that boot: what the suites share that set real ones up over ssh. To be sourced behind tests/lab/e2e.sh and e2e_begin.
# shellcheck shell=bash disable=SC2154,SC2317  # of e2e.sh; called through check

tree=$(cd "$e2e_dir/../.." && pwd)
declare -A BOOT=() LEADER=() IP=()
trap off EXIT

ns() { # NAME CMD...
	local name=$1
	shift
	nsenter --net="/run/netns/$P-$name" "$@"
}
at_bridge() { # NAME ADDRESS
	ip netns add "$P-$1" && ip -n "$P-net" link add "v$1" type veth peer name eth0 netns "$P-$1" &&
		ip -n "$P-net" link set "v$1" master lan0 up && ip -n "$P-$1" addr add "$2/24" dev eth0 && ip -n "$P-$1" link set lo up &&
		ip -n "$P-$1" link set eth0 up && ip -n "$P-$1" route add default via 203.0.4.254
}
# The hosts' addresses at one bridge, an internet behind it, and a client.
network() {
	# Of its own address: else it has the lowest of its ports, another one when a host comes, and for neighbours it is gone.
	ip netns add "$P-net" && ns net ip link add name lan0 address 02:00:00:00:00:fe type bridge && ns net ip addr add 203.0.4.254/24 dev lan0 || return
	ns net ip link set lo up && ns net ip link set lan0 up && ns net sysctl -q net.ipv4.ip_forward=1
	ns net ip addr add 198.51.100.1/32 dev lo
	at_bridge client 203.0.4.253
}
off() {
	local name
	for name in "${!BOOT[@]}"; do kill "${BOOT[$name]}"; done 2>/dev/null
	wait
	for name in net client "${!IP[@]}"; do
		ip netns pids "$P-$name" | xargs -r kill -9
		ip netns del "$P-$name"
	done 2>/dev/null
	rm -rf "$RUN" "$LOG"
}

prepare() { # ROOT: a host as it comes, with its own ssh host key of $FIRST_BOOT where that is set, and with ours let in
	local root=$1 unit
	rm -rf "$root"/etc/systemd/system/*.wants "$root/etc/wireguard" "$root/etc/comps" "$root"/etc/ssh/ssh_host_* "$root/root/.ssh"
	for unit in systemd-logind.service systemd-networkd-wait-online.service getty.target systemd-tmpfiles-clean.timer; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	install -D -m 600 "$FIRST_BOOT/key" "$root/etc/ssh/ssh_host_ed25519_key"
	install -D -m 644 "$FIRST_BOOT/key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
	install -D -m 600 "$RUN/key.pub" "$root/root/.ssh/authorized_keys"
	chown -R root:root "$root/root/.ssh"
	printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\n' >"$root/etc/ssh/sshd_config.d/test.conf"
	touch "$root/var/lib/comps-first-boot"
	systemctl --root="$root" -q enable nftables.service ssh.service
}
export -f prepare
boot_at() { # NAME ADDRESS: with the host key in $RUN/NAME.first
	local name=$1
	IP[$name]=$2
	export RUN FIRST_BOOT=$RUN/$name.first
	mkdir -p "$RUN/$name"
	at_bridge "$name" "$2" || return
	"$tree/tests/hosts/boot.sh" "$RUN/$name" "$P-$name" "/run/netns/$P-$name" prepare </dev/null >"$RUN/$name.log" 2>&1 &
	BOOT[$name]=$!
}
runs() { LEADER[$1]=$(pgrep -P "$(pgrep -P "${BOOT[$1]}" -x systemd-nspawn)"); }
h() { # NAME CMD...: on that host
	local name=$1
	shift
	timeout -k 1 60 nsenter -t "${LEADER[$name]}" --mount --uts --ipc --net --pid -- env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
