#!/bin/sh
# Makes the host that runs it a proxy or the exit of a CoMPS network, or finds that nothing is to be done. The caller writes
# assignments in front of it and pipes both to `sh -s` as root:
#
#   NET ROLE IF ADDRESS PORT MTU  the network; vpn or comp; the interface (wg0); this server's tunnel address with its length; WireGuard's
#   CLIENT_KEY CLIENT_IP PSK      the client's public key, its tunnel address, the pre-shared key ("": none)
#   EXIT_IP EXIT_PORT             for a proxy: the exit and its WireGuard's port
#   PROXIES ACCEPT                for the exit: the proxies, blanks between; "proxies" or "any"
#   SSH_PORT                      of this host
#   CHECK                         1: change nothing, say what would be changed
#   REMOVE                        1: take away everything of this network but the packages
#   REKEY                         1: make a new key in place of the one that is there; the exit uses it a moment later
#   FRESH                         1: just made in a cloud: the ssh host key was in its metadata, make another
#
# What a person may want to read goes to stderr. The last line of stdout is JSON: {"ok":true,"public_key":...,"changed":[...]} or
# {"ok":false,"step":...,"error":...} with exit status 10. No such line: the connection broke, run it again.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
IF=${IF:-wg0} STEP=start CHANGED='' WARNINGS='' HOST_KEY=''
MARK="# comps network=$NET role=$ROLE"

quote() { printf '%s' "$1" | tr '\n\t' '  ' | sed 's/[\\"]/\\&/g' | tr -d '\000-\037' | cut -c1-400; }
list() { printf '%s' "$1" | awk 'NF { printf "%s\"%s\"", n++ ? "," : "", $0 }'; }

die() {
	printf '{"ok":false,"step":"%s","error":"%s"}\n' "$STEP" "$(quote "$1")"
	exit 10
}
step() {
	STEP=$1
	echo "$1" >&2
}
changed() { # WHAT: true when it is to be done
	echo "  $1" >&2
	CHANGED="$CHANGED$(quote "$1")
"
	[ "$CHECK" != 1 ]
}
warn() {
	echo "  $1" >&2
	WARNINGS="$WARNINGS$(quote "$1")
"
}
run() { # CMD...: its last words are the error
	if ! out=$("$@" 2>&1); then die "$1: $(printf '%s' "$out" | tail -n 3)"; fi
}
put() { # FILE MODE TEXT: true when it was, or is to be, written
	if [ -f "$1" ] && [ "$(cat "$1")" = "$3" ] && [ "$(stat -c %a "$1")" = "$2" ]; then return 1; fi
	if changed "$1"; then
		rm -f "$1.comps-new"
		printf '%s\n' "$3" >"$1.comps-new" && chmod "$2" "$1.comps-new" && mv "$1.comps-new" "$1" || die "cannot write $1"
	fi
	return 0
}
directory() { [ -d "$1" ] && [ "$(stat -c %a "$1")" = 700 ] || { changed "$1" && { mkdir -p "$1" && chmod 700 "$1" || die "cannot make $1"; }; }; }
has() { command -v "$1" >/dev/null 2>&1; }

# ---- what it needs ----

step system
[ "$(id -u)" = 0 ] || die "root is needed, this is $(id -un)"
# shellcheck source=/dev/null
. /etc/os-release 2>/dev/null || die "there is no /etc/os-release: Debian or Ubuntu is wanted"
case " ${ID:-} ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) ;; *) die "this is ${PRETTY_NAME:-no Debian}; Debian or Ubuntu is wanted" ;; esac
has systemctl || die "there is no systemd"

# ---- taking it away ----

conf=/etc/wireguard/$IF.conf key=/etc/comps/$NET.key rules=/etc/comps/$NET.nft table=comps_$(printf '%s' "$NET" | tr - _)
peer() { # whether the client has come through
	wg show "$IF" dump 2>/dev/null | awk -v now="$(date +%s)" 'NR == 2 {
		if ($5) printf "last handshake of the client %d s ago, from %s", now - $5, $3
		else printf "no handshake of the client yet, %d bytes came in", $6 }'
}
answer() {
	printf '{"ok":true,"role":"%s","public_key":"%s","wan":"%s","host_key":"%s","peer":"%s","changed":[%s],"warnings":[%s]}\n' \
		"$ROLE" "$public_key" "$WAN" "$HOST_KEY" "$(peer)" "$(list "$CHANGED")" "$(list "$WARNINGS")"
	exit 0
}
public_key='' WAN=''
take_away() { # FILE...
	for file; do
		[ ! -e "$file" ] || { changed "$file removed" && { rm -f "$file" || die "cannot remove $file"; }; }
	done
}
if [ "$REMOVE" = 1 ]; then
	step removal
	if [ -f "$conf" ] && [ "$(head -n 1 "$conf")" = "$MARK" ]; then
		systemctl -q disable --now "wg-quick@$IF.service" 2>/dev/null
		take_away "$conf"
	fi
	systemctl -q disable --now "comps-fw@$NET.service" 2>/dev/null
	nft delete table inet "$table" 2>/dev/null
	take_away "$rules" "$key" "/etc/comps/$NET.host-key" "/run/comps-$NET.nft"
	rmdir /etc/comps 2>/dev/null
	# What other networks of this host need as well stays until the last of them goes.
	if [ ! -d /etc/comps ]; then
		take_away /etc/systemd/system/comps-fw@.service /etc/sysctl.d/60-comps.conf
		systemctl daemon-reload
	fi
	answer
fi

step packages
missing=''
has wg && has wg-quick || missing="$missing wireguard-tools"
has nft || missing="$missing nftables"
has ip || missing="$missing iproute2"
if [ -n "$missing" ] && changed "packages$missing"; then
	# shellcheck disable=SC2086
	run apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update
	# shellcheck disable=SC2086
	run apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install $missing
fi
if [ ! -d /sys/module/wireguard ] && ! modprobe wireguard 2>/dev/null && ! has wireguard-go && changed "package wireguard-go"; then
	run apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install wireguard-go
fi
WAN=$(ip -4 route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
[ -n "$WAN" ] || die "there is no default route for IPv4: no way out"

# ---- keys ----

step keys
if [ -f "$conf" ] && [ "$(head -n 1 "$conf")" != "$MARK" ]; then
	die "$conf is there and not ours (its first line is not \"$MARK\"): move it away, or use another host"
fi
if ip link show "$IF" >/dev/null 2>&1 && [ ! -f "$conf" ]; then die "the interface $IF is there and not ours"; fi
directory /etc/wireguard
directory /etc/comps
if { [ ! -s "$key" ] || [ "$REKEY" = 1 ]; } && changed "$key"; then
	wg genkey >"$key.comps-new" && mv "$key.comps-new" "$key" || die "cannot make a key"
fi
[ ! -s "$key" ] || public_key=$(wg pubkey <"$key") || die "$key is no key"

# ---- forwarding ----

step forwarding
put /etc/sysctl.d/60-comps.conf 644 "# Written by comps.
net.ipv4.ip_forward = 1
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.send_redirects = 0"
for setting in net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0; do
	[ "$(sysctl -n "${setting%=*}")" = "${setting#*=}" ] || { changed "$setting" && run sysctl -q -w "$setting"; }
done

# ---- firewall ----

step firewall
if [ "$ROLE" = vpn ]; then
	[ -n "$EXIT_IP" ] || die "a proxy needs the exit's address"
	# A proxy forwards to the exit and nowhere else.
	chains="	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname \"$IF\" ip daddr $EXIT_IP udp dport $EXIT_PORT accept
		iifname \"$IF\" counter drop
		oifname \"$IF\" ct state established,related accept
		oifname \"$IF\" counter drop
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		iifname \"$IF\" oifname \"$WAN\" ip daddr $EXIT_IP masquerade
	}
	chain input {
		type filter hook input priority filter; policy accept;
		iifname \"$IF\" icmp type echo-request accept
		iifname \"$IF\" counter drop
	}"
else
	accept=''
	if [ "$ACCEPT" = proxies ] && [ -n "$PROXIES" ]; then
		accept="
		iifname \"$WAN\" udp dport $PORT ip saddr != { $(printf '%s' "$PROXIES" | tr ' ' ',') } counter drop"
	fi
	# Private and link-local destinations are the host's own surroundings, a cloud's metadata among them.
	chains="	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname \"$IF\" ip daddr { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/3 } counter drop
		iifname \"$IF\" oifname \"$WAN\" tcp flags syn tcp option maxseg size set rt mtu
		iifname \"$IF\" oifname \"$WAN\" accept
		iifname \"$IF\" counter drop
		oifname \"$IF\" ct state established,related accept
		oifname \"$IF\" counter drop
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		iifname \"$IF\" oifname \"$WAN\" masquerade
	}
	chain input {
		type filter hook input priority filter; policy accept;$accept
		iifname \"$IF\" icmp type echo-request accept
		iifname \"$IF\" tcp dport $SSH_PORT accept
		iifname \"$IF\" counter drop
	}"
fi
# shown without the counters' numbers, as nft itself writes it
rules() { nft -s list table inet "$table" 2>/dev/null; }
unit=comps-fw@$NET.service
reload=no
put "$rules" 600 "$MARK
table inet $table
delete table inet $table
table inet $table {
$chains
}" && reload=yes
put /etc/systemd/system/comps-fw@.service 644 "# Written by comps.
[Unit]
Description=CoMPS: the firewall of network %i
After=nftables.service
PartOf=nftables.service
Before=wg-quick@$IF.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/comps/%i.nft
ExecStart=/bin/sh -c 'umask 077; nft -s list table inet $table >/run/comps-%i.nft'
[Install]
WantedBy=multi-user.target nftables.service" && reload=yes
if [ "$reload" = yes ] && [ "$CHECK" != 1 ]; then
	run systemctl daemon-reload
	run systemctl restart "$unit"
elif [ "$CHECK" != 1 ] || [ "$reload" = no ]; then
	if [ "$(rules)" != "$(cat "/run/comps-$NET.nft" 2>/dev/null)" ] || [ -z "$(rules)" ]; then
		changed "the firewall was changed by somebody" && run systemctl restart "$unit"
	fi
fi
[ "$(systemctl is-enabled "$unit" 2>/dev/null)" = enabled ] || { changed "$unit enabled" && run systemctl -q enable "$unit"; }
# A chain of somebody else's that drops by default has its say as well.
nft list ruleset 2>/dev/null | awk -v own="table inet $table" '
	/^table/ { t = $1 " " $2 " " $3 } / hook (forward|input) .*policy drop/ && t != own { print t }' | sort -u >/run/comps-others
while read -r other; do warn "$other drops by default: it must let udp port $PORT in and the tunnel through"; done </run/comps-others
rm -f /run/comps-others

# ---- tunnel ----

step tunnel
psk=''
[ -z "$PSK" ] || psk="
PresharedKey = $PSK"
private_key='(not made yet)'
[ ! -s "$key" ] || private_key=$(cat "$key")
put "$conf" 600 "$MARK
[Interface]
PrivateKey = $private_key
Address = $ADDRESS
ListenPort = $PORT
MTU = $MTU
[Peer]
PublicKey = $CLIENT_KEY$psk
AllowedIPs = $CLIENT_IP/32" || true
unit=wg-quick@$IF.service later=no
live() { # what the interface has, in a form that the file can be compared with
	wg show "$IF" dump 2>/dev/null | awk 'NR == 1 { print $1, $3 } NR > 1 { print $1, $2, $4 }'
	ip -o -4 addr show dev "$IF" 2>/dev/null | sed -n 's/.* inet \([^ ]*\) .*/\1/p'
	ip -o link show dev "$IF" 2>/dev/null | sed -n 's/.* mtu \([0-9]*\) .*/\1/p'
}
wanted="$private_key $PORT
$CLIENT_KEY ${PSK:-(none)} $CLIENT_IP/32
$ADDRESS
$MTU"
[ "$(systemctl is-enabled "$unit" 2>/dev/null)" = enabled ] || { changed "$unit enabled" && run systemctl -q enable "$unit"; }
if [ -z "$(live)" ] || [ "$(systemctl is-active "$unit")" != active ]; then
	changed "$IF up" && run systemctl restart "$unit"
elif [ "$(live)" != "$wanted" ]; then
	if changed "$IF set as it should be"; then
		# Sessions live on through syncconf; what it cannot change needs a restart.
		sync="wg-quick strip $IF >/run/comps-strip && wg syncconf $IF /run/comps-strip; rm -f /run/comps-strip"
		if [ "$REKEY$ROLE" = 1comp ]; then
			# Our answer may go to the client through this very tunnel.
			run systemd-run -q --no-block sh -c "sleep 0.3; $sync"
			later=yes
		else
			sh -c "$sync"
			[ "$(live)" = "$wanted" ] || run systemctl restart "$unit"
		fi
	fi
fi
[ "$CHECK" = 1 ] || [ $later = yes ] || [ "$(live)" = "$wanted" ] || die "$IF is not as it should be after all"

# ---- ssh ----

step ssh
if [ "$FRESH" = 1 ] && [ ! -e "/etc/comps/$NET.host-key" ] && changed "a new ssh host key"; then
	rm -f /etc/ssh/comps-new /etc/ssh/comps-new.pub
	run ssh-keygen -q -t ed25519 -N '' -C "comps $NET" -f /etc/ssh/comps-new
	mv /etc/ssh/comps-new.pub /etc/ssh/ssh_host_ed25519_key.pub && mv /etc/ssh/comps-new /etc/ssh/ssh_host_ed25519_key || die "cannot replace the host key"
	chmod 644 /etc/ssh/ssh_host_ed25519_key.pub
	: >"/etc/comps/$NET.host-key"
	systemctl reload ssh 2>/dev/null || run systemctl reload sshd
fi
[ "$FRESH" != 1 ] || [ ! -r /etc/ssh/ssh_host_ed25519_key.pub ] || HOST_KEY=$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)

answer
