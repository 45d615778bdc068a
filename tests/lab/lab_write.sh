# shellcheck shell=bash
# Part of lab.sh: writes into $RUN/host what each host is built from (addresses, tunnels, packet filters) and into
# $RUN/client what the client is given.

LAB_EXIT4=198.51.100.2 LAB_EXIT6=2001:db8:e::2

lab_addr() { # HOST 4|6: its underlay address
	local i=${1#proxy}
	case $1/$2 in
	client/4) echo 192.0.2.2 ;;
	client/6) echo 2001:db8::2 ;;
	exit/4) echo $LAB_EXIT4 ;;
	exit/6) echo $LAB_EXIT6 ;;
	inet/4) echo 203.0.113.2 ;;
	inet/6) echo 2001:db8:f::2 ;;
	proxy*/4) echo "198.18.$i.2" ;;
	proxy*/6) echo "2001:db8:$i::2" ;;
	*) lab_die "no address for $1/$2" ;;
	esac
}

lab_endpoint() { # ADDRESS
	case $1 in *:*) echo "[$1]:51820" ;; *) echo "$1:51820" ;; esac
}

# Fixed link addresses and permanent neighbours: a hole is silent, as on the internet, and a revived path works at once.
lab_mac() { printf '02:00:00:%02x:%02x:%02x' "$1" "$2" "$3"; }

lab_ip_end() { # DEV V4 V6 MAC PEER4 PEER6 PEERMAC
	cat <<-END
		link set $1 address $4
		link set $1 up
		addr add $2/24 dev $1
		addr add $3/64 dev $1 nodad
		neigh replace $5 lladdr $7 dev $1 nud permanent
		neigh replace $6 lladdr $7 dev $1 nud permanent
	END
}

lab_ip_cable() { # HOST-FILE CORE-DEV V4-PREFIX V6-PREFIX ID SUB: both ends of a cable to the core, and the default route
	local host core
	host=$(lab_mac "$5" "$6" 2) core=$(lab_mac "$5" "$6" 1)
	{
		lab_ip_end eth0 "$3.2" "$4::2" "$host" "$3.1" "$4::1" "$core"
		echo "route add default via $3.1 dev eth0"
		echo "route add default via $4::1 dev eth0"
	} >>"$RUN/host/$1.ip"
	lab_ip_end "$2" "$3.1" "$4::1" "$core" "$3.2" "$4::2" "$host" >>"$RUN/host/core.ip"
}

lab_write_addresses() {
	local i h
	for h in $(lab_hosts); do echo "link set lo up" >"$RUN/host/$h.ip"; done
	lab_ip_cable client up0 192.0.2 2001:db8:0 1 0
	lab_ip_cable exit ex0 198.51.100 2001:db8:e 3 0
	for ((i = 1; i <= N; i++)); do lab_ip_cable "proxy$i" "px$i" "198.18.$i" "2001:db8:$i" 2 "$i"; done
	lab_ip_end eth1 203.0.113.1 2001:db8:f::1 "$(lab_mac 4 0 1)" 203.0.113.2 2001:db8:f::2 "$(lab_mac 4 0 2)" >>"$RUN/host/exit.ip"
	lab_ip_end eth0 203.0.113.2 2001:db8:f::2 "$(lab_mac 4 0 2)" 203.0.113.1 2001:db8:f::1 "$(lab_mac 4 0 1)" >>"$RUN/host/inet.ip"
	{
		printf '127.0.0.1 localhost\n::1 localhost\n'
		for h in $(lab_hosts); do
			[[ $h = core ]] || printf '%s %s\n%s %s\n' "$(lab_addr "$h" 4)" "$h" "$(lab_addr "$h" 6)" "$h"
		done
	} >"$RUN/hosts"
}

# HOST ADDRESSES MTU ROUTES...: what follows once the WireGuard interface exists
lab_ip_tunnel() {
	local f=$RUN/host/$1.wgip a
	echo "link set wgs mtu $3 up" >"$f"
	for a in $2; do echo "addr add $a dev wgs$([[ $a = *:* ]] && echo ' nodad')" >>"$f"; done
	shift 3
	for a; do echo "route add $a dev wgs" >>"$f"; done
}

lab_keys() { # sets priv, pub and psk of one tunnel: server and client
	spriv=$(wg genkey) cpriv=$(wg genkey) psk=$(wg genpsk)
	spub=$(wg pubkey <<<"$spriv") cpub=$(wg pubkey <<<"$cpriv")
}

# HOST IFACE CLIENT-ADDRESSES SERVER-ALLOWED MTU ENDPOINT: both ends' configuration of one tunnel
lab_write_tunnel() {
	local spriv cpriv spub cpub psk
	lab_keys
	cat >"$RUN/host/$1.wg" <<-END
		[Interface]
		PrivateKey = $spriv
		ListenPort = 51820
		[Peer]
		PublicKey = $cpub
		PresharedKey = $psk
		AllowedIPs = $4
	END
	cat >"$RUN/client/$2.conf" <<-END
		[Interface]
		PrivateKey = $cpriv
		Address = $3
		MTU = $5

		[Peer]
		PublicKey = $spub
		PresharedKey = $psk
		AllowedIPs = 0.0.0.0/0, ::/0
		Endpoint = $(lab_endpoint "$6")
	END
}

lab_write_tunnels() {
	local i own shared="10.11.0.2/32, fd11::2/128" client
	for ((i = 1; i <= N; i++)); do
		own="10.11.$i.2/32, fd11:$i::2/128"
		client=$own
		[[ $MODE = nested ]] || client=$shared
		lab_write_tunnel "proxy$i" "wgnet$i" "$client" "$own, $shared" 1420 "$(lab_addr "proxy$i" "$UNDERLAY")"
		lab_ip_tunnel "proxy$i" "10.11.$i.1/24 fd11:$i::1/64" 1420 10.11.0.2/32 fd11::2/128
	done
	lab_write_tunnel exit wg0 "10.99.0.2/32, fd99::2/128" "10.99.0.2/32, fd99::2/128" 1340 "$(lab_addr exit "$OUTER")"
	lab_ip_tunnel exit "10.99.0.1/24 fd99::1/64" 1340
}

# A proxy lets its tunnel reach the exit and nothing else. `leg` and `kill` are empty until somebody breaks something.
lab_write_proxy_nft() {
	cat >"$RUN/host/$1.nft" <<-END
		table inet lab {
		 chain leg { }
		 chain kill { }
		 chain pre { type filter hook prerouting priority -450; iifname eth0 jump kill; }
		 chain post { type filter hook postrouting priority 300; oifname eth0 jump kill; }
		 chain forward { type filter hook forward priority 0; policy drop;
		  jump leg
		  ct state established,related accept
		  iifname wgs ip daddr $LAB_EXIT4 accept
		  iifname wgs ip6 daddr $LAB_EXIT6 accept
		 }
		 chain nat { type nat hook postrouting priority 100; oifname eth0 masquerade; }
		}
	END
}

# What the client really sent and got, counted where it cannot reach. A packet is a path's only if it goes to the proxy's
# port and is a WireGuard message (type 1..4, three zero bytes).
lab_write_core_nft() {
	local i nd="nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert"
	{
		echo "table inet lab {"
		for i in exit4 exit6 other4 other6; do printf ' counter leak_%s {\n }\n' "$i"; done
		for ((i = 1; i <= N; i++)); do printf ' counter up_p%s {\n }\n counter down_p%s {\n }\n' "$i" "$i"; done
		echo " chain up_wg {"
		for ((i = 1; i <= N; i++)); do
			printf '  ip daddr 198.18.%s.2 counter name up_p%s accept\n' "$i" "$i"
			printf '  ip6 daddr 2001:db8:%s::2 counter name up_p%s accept\n' "$i" "$i"
		done
		cat <<-END
			 }
			 chain up { type filter hook prerouting priority -450;
			  iifname != up0 return
			  icmpv6 type { $nd, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } return
			  udp dport 51820 @th,64,32 { 0x01000000, 0x02000000, 0x03000000, 0x04000000 } jump up_wg
			  ip daddr $LAB_EXIT4 counter name leak_exit4 return
			  ip6 daddr $LAB_EXIT6 counter name leak_exit6 return
			  meta nfproto ipv4 counter name leak_other4 return
			  counter name leak_other6
			 }
			 chain down { type filter hook postrouting priority 300;
			  oifname != up0 return
		END
		for ((i = 1; i <= N; i++)); do
			printf '  udp sport 51820 ip saddr 198.18.%s.2 counter name down_p%s return\n' "$i" "$i"
			printf '  udp sport 51820 ip6 saddr 2001:db8:%s::2 counter name down_p%s return\n' "$i" "$i"
		done
		printf ' }\n}\n'
	} >"$RUN/host/core.nft"
}

lab_write_nft() {
	local i
	lab_write_core_nft
	for ((i = 1; i <= N; i++)); do lab_write_proxy_nft "proxy$i"; done
	cat >"$RUN/host/exit.nft" <<-END
		table inet lab {
		 chain nat { type nat hook postrouting priority 100; oifname eth1 masquerade; }
		}
	END
}

lab_write_config() { # POLICY-LINES EXTRA-TOP-LEVEL-YAML
	local i
	{
		printf 'mode: %s\ncontrol:\n  socket: /run/comps/comps.sock\n' "$MODE"
		[[ $MODE = direct ]] || printf 'inner:\n  interface: wg0\n  config: wg0.conf\n  ping: 10.99.0.1\n'
		echo "paths:"
		for ((i = 1; i <= N; i++)); do
			printf '  - name: p%s\n    interface: wgnet%s\n    config: wgnet%s.conf\n    proxy: [10.11.%s.1, "fd11:%s::1"]\n' $i $i $i $i $i
		done
		echo "policy:"
		printf '  %s\n' "${1//$'\n'/$'\n  '}"
		[[ -z $2 ]] || printf '%s\n' "$2"
	} >"$RUN/client/comps.yaml"
}
