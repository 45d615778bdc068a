#!/bin/bash
# What every other test in the guest takes for granted, in TAP: kernel WireGuard, netem, nftables
# steering, policy routing, packet sockets, TUN devices and named namespaces.
# To be run by vmrun: it does not clean up.
set -u

work=$(mktemp -d)
number=0

check()
{
	local title=$1
	shift
	number=$((number + 1))
	# Not as the condition of if: that would switch set -e off.
	(set -e; "$@") >"$work/log" 2>&1
	local status=$?
	if [ $status = 0 ]; then
		echo "ok $number - $title"
	else
		echo "not ok $number - $title"
		sed 's/^/# /' "$work/log"
	fi
}

host()
{
	ip netns exec "$@"
}

link_hosts()
{
	ip netns add a
	ip netns add b
	ip -n a link add veth0 type veth peer name veth0 netns b
	ip -n a address add 10.9.0.1/24 dev veth0
	ip -n b address add 10.9.0.2/24 dev veth0
	ip -n a link set veth0 up
	ip -n b link set veth0 up
	host a ping -c 3 -i 0.2 -W 5 10.9.0.2
}

# The round trip, in whole milliseconds.
rtt_ms()
{
	host a ping -c 3 -i 0.2 -W 5 "$1" | sed -n 's|^rtt .* = \([0-9]*\).*|\1|p'
}

netem_delays()
{
	tc -n a qdisc add dev veth0 root netem delay 40ms
	local rtt
	rtt=$(rtt_ms 10.9.0.2)
	echo "round trip $rtt ms"
	[ "$rtt" -ge 40 ]
}

# make_tunnel HOST OWN-NUMBER PEER-NUMBER; the keys are files of $work.
make_tunnel()
{
	ip -n "$1" link add wg0 type wireguard
	host "$1" wg set wg0 private-key "$work/key$2" listen-port 51820 fwmark 51820 \
		peer "$(wg pubkey <"$work/key$3")" allowed-ips 0.0.0.0/0 endpoint "10.9.0.$3:51820"
	ip -n "$1" address add "10.8.0.$2/24" dev wg0
	ip -n "$1" link set wg0 up
}

kernel_wireguard()
{
	(umask 077 && wg genkey >"$work/key1" && wg genkey >"$work/key2")
	make_tunnel a 1 2
	make_tunnel b 2 1
	host a ping -c 1 -W 10 10.8.0.2
	genl ctrl get name wireguard
	[ "$(host a wg show wg0 latest-handshakes | cut -f2)" -gt 0 ]
}

policy_routing()
{
	local family
	for family in -4 -6; do
		ip -n a $family rule add priority 100 not fwmark 51820 table 51820
		ip -n a $family route add unreachable default metric 4278198272 table 51820
		ip -n a $family route add default dev wg0 protocol 200 table 51820
	done
	ip -n a route get 192.0.2.1 | grep -w wg0
	ip -n a route get 192.0.2.1 mark 51820 2>&1 | grep unreachable
}

# The rule above sends the ping into wg0; the new mark routes it again, over veth0.
nft_steering()
{
	host a nft -f - <<-'RULES'
	table inet t {
		counter outside { }
		map source { type ipv4_addr : ipv4_addr; elements = { 10.9.0.2 : 10.9.0.1 } }
		map count { type ipv4_addr : counter; elements = { 10.9.0.2 : "outside" } }
		chain steer {
			type route hook output priority mangle
			ip daddr 10.9.0.2 meta mark set 51820
			ip saddr set rt ip nexthop map @source
			counter name ip daddr map @count
		}
		chain nat { type nat hook postrouting priority srcnat; oifname "none" masquerade; }
	}
	RULES
	host a ping -c 1 -W 5 10.9.0.2
	host a nft list counter inet t outside | grep 'packets [1-9]'
}

packet_socket()
{
	host a busybox arping -c 1 -I veth0 10.9.0.2
}

named_namespaces()
{
	mkdir /run/lab
	touch /run/lab/net /run/lab/mnt
	unshare --net=/run/lab/net --mount=/run/lab/mnt \
		sh -c 'mount -t tmpfs lab /mnt && touch /mnt/here && ip link set lo up'
	nsenter --net=/run/lab/net --mount=/run/lab/mnt \
		sh -c 'test -e /mnt/here && ping -c 1 127.0.0.1'
	[ ! -e /mnt/here ]
}

wireguard_go()
{
	wireguard-go wggo0
	[ -n "$(wg show wggo0 listen-port)" ]
	[ -S /run/wireguard/wggo0.sock ]
	ip -d link show wggo0 | grep -w tun
}

check 'veth joins two network namespaces' link_hosts
check 'netem delays a packet' netem_delays
check 'kernel WireGuard carries a packet' kernel_wireguard
check 'policy routing by mark, IPv4 and IPv6' policy_routing
check 'nftables: route chain, maps, counters, rt ip nexthop, NAT' nft_steering
check 'packet sockets' packet_socket
check 'namespaces kept by name' named_namespaces
check 'wireguard-go on a TUN device' wireguard_go
echo "1..$number"
