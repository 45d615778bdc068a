#!/bin/bash
# From nothing to a network that carries, and back to nothing: `comps provision` asks a cloud for servers; real hosts boot with
# the host keys that their first-boot data holds; it pins them, sets them up over ssh, and a client's tunnels work through them.
# shellcheck disable=SC2016,SC2317  # the hosts' shell has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
for tool in systemd-nspawn wireguard-go sshd ssh python3; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[[ -x /lib/systemd/systemd ]] || skip_all "no systemd"
e2e_begin provision
# shellcheck source=tests/hosts/hosts.sh
. "${0%/*}/hosts.sh"
token=dop_v1_5ecre70000000000000000000000000000000000000000000000000000000000

# ---- the cloud, and what it makes ----

cloud_on() {
	mkdir -p "$RUN"
	ns client python3 "$tree/tests/provision/do_server.py" "$RUN/port" $token &
	BOOT[cloud]=$!
	wait_for 20 test -s "$RUN/port"
}
cloud() { ns client curl -s "http://127.0.0.1:$(<"$RUN/port")/_test/state" | gojq -r "$1"; }
made() { (($(cloud '[.droplets[] | select(.networks.v4[]? | .type == "public")] | length') == $1)); }

boot() { # NAME [NODE]: with the host key of its user data; NODE's latest server
	local name=$1 server first=$RUN/$1.first data
	mkdir -p "$first"
	server="[.droplets[] | select(.name == \"comps-lab-${2:-$1}\")] | max_by(.id)"
	data=$(cloud "$server | .user_data")
	sed -n '/ed25519_private/,/END OPENSSH/p' <<<"$data" | sed -n 's/^    //p' >"$first/key"
	sed -n 's/^  ed25519_public: //p' <<<"$data" >"$first/key.pub"
	boot_at "$name" "$(cloud "$server | .networks.v4[] | select(.type == \"public\") | .ip_address")"
}

# ---- comps provision ----

provision() { # ARGUMENTS...
	in_client env -C "$RUN" -i PATH="$PATH" HOME="$RUN" XDG_STATE_HOME="$RUN/state" DIGITALOCEAN_API_URL="http://127.0.0.1:$(<"$RUN/port")" DO_TOKEN=$token \
		"$e2e_build/comps" provision "$@" </dev/null
}
configure() {
	ssh-keygen -q -t ed25519 -N '' -f "$RUN/key"
	cat >"$RUN/net.yaml" <<-END
		network: lab
		token: \$DO_TOKEN
		admin_cidrs: [203.0.4.253/32]
		ssh: {key: $RUN/key}
		vpns: [{name: ams, region: ams3}, {name: fra, region: fra1}]
		comps: [{name: exit, region: nyc1}]
	END
	chmod 600 "$RUN/net.yaml"
}
apply() {
	provision apply "$RUN/net.yaml" --yes >"$RUN/out" 2>"$RUN/err"
	local rc=$?
	cat "$RUN/out" "$RUN/err"
	return $rc
}
applied() {
	wait "$apply_pid"
	local rc=$?
	cat "$RUN/out" "$RUN/err" "$RUN"/*.log
	return $rc
}
ready() { gojq -e 'all(.nodes[]; .status == "ready" and (.wg_public | length) == 44)' "$RUN/state/comps/lab.json"; }
# No secret in what it printed, nor in the arguments of what it runs (the token is in those of this test's own programs).
discreet() {
	local secret
	! grep -qF -- $token "$RUN/out" "$RUN/err" "$RUN/state/comps/lab.json" || return
	for secret in "$(<"$RUN/state/comps/lab.ams.key")" "$(<"$RUN/state/comps/lab.ams.psk")"; do
		! grep -qF -- "$secret" "$RUN/out" "$RUN/err" "$RUN/arguments" "$RUN/state/comps/lab.json" || return
	done
	[[ $(stat -c %a "$RUN/state/comps/lab.ams.key" "$RUN/state/comps" | tr '\n' ' ') = "600 700 " ]] && grep -q "ssh -F none" "$RUN/arguments"
}
# Somebody else's machine answers in place of ams, which is to be set up once more.
impostor() {
	local state=$RUN/state/comps/lab.json
	runs ams2 && h ams2 sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh'
	gojq '(.nodes[] | select(.name == "ams")).status = "active"' "$state" >"$RUN/edited" && cat "$RUN/edited" >"$state"
	! apply && grep -q "shows another host key" "$RUN/err"
}
watch_arguments() {
	while :; do
		ps -ww -eo args
		sleep 0.05
	done >"$RUN/arguments" 2>/dev/null
}

# ---- the client ----

# With sockets of its own: those of wireguard-go and compsd go by names that others may use as well.
client_on() {
	mkdir -p /run/comps /run/wireguard
	nsenter --net="/run/netns/$P-client" unshare --mount sh -c '
		mount -t tmpfs comps /run/comps && mount -t tmpfs wireguard /run/wireguard && exec sleep infinity' &
	BOOT[client]=$!
	wait_for 10 in_client findmnt /run/wireguard
}
in_client() { nsenter -t "${BOOT[client]}" --mount --net "$@"; }
comps() { in_client "$e2e_build/comps" "$@"; }
daemon_on() {
	in_client "$compsd" -c "$RUN/wg_client_generated/comps.yaml" >"$RUN/compsd.log" 2>&1 &
	BOOT[compsd]=$!
	wait_for 30 status '.paths | all(.state == "up")'
}
answers() { wait_for 30 in_client ping -q -n -c 1 -W 1 198.51.100.1; }
rotated() { status ".migrations.total > $1"; }
ping_on() {
	nsenter -t "${BOOT[client]}" --mount --net ping -n -D -i 0.1 198.51.100.1 >"$RUN/ping" & # a function would be a shell, deaf to SIGINT
	BOOT[ping]=$!
	wait_for 10 grep -q 'icmp_seq=5 ' "$RUN/ping"
}
unbroken() { # every request has been answered but those that were under way at the end
	kill -INT "${BOOT[ping]}"
	wait "${BOOT[ping]}"
	tail -n 3 "$RUN/ping"
	awk -F '[][ =]' '/icmp_seq/ { for (i = 1; i < NF; i++) if ($i == "icmp_seq") { if ($(i + 1) > last + 1) print "nothing from " then " to " $2; last = $(i + 1) }; then = $2 }' "$RUN/ping"
	awk -F '[ ,]+' '/packets transmitted/ { found = $1 > 20 && $1 - $4 <= 1 } END { exit !found }' "$RUN/ping"
}
tcp_on() {
	ns net "$flow" serve -d -p 9000 || return
	nsenter -t "${BOOT[client]}" --mount --net "$flow" run tcp-idle -p 9000 -t 0 --interval 100 --drain 30 --ready "$RUN/ready" 198.51.100.1 >"$RUN/tcp" 2>"$RUN/tcp.err" &
	BOOT[tcp]=$!
	wait_for 10 test -e "$RUN/ready"
}
tcp_lives() {
	kill -INT "${BOOT[tcp]}"
	wait "${BOOT[tcp]}"
	cat "$RUN/tcp" "$RUN/tcp.err"
	holds .ok "$RUN/tcp"
}
replace() {
	provision replace ams "$RUN/net.yaml" --yes >"$RUN/out" 2>"$RUN/err" &
	apply_pid=$!
	wait_for 20 made 4 && boot ams2 ams && applied
}

check "network" network
check "a client" client_on
check "a cloud" cloud_on
configure
apply >/dev/null 2>&1 &
apply_pid=$!
watch_arguments &
BOOT[watch]=$!
check "three servers are made" wait_for 30 made 3
for name in ams fra exit; do check "$name boots" boot $name; done
check "apply sets them up" applied
check "all are ready" ready
check "the first host keys are gone" eval 'runs ams && ! h ams cat /etc/ssh/ssh_host_ed25519_key | cmp -s - "$RUN/ams.first/key"'
check "the new ones are known" eval '[[ $(gojq -r ".nodes[] | select(.name == \"ams\") | .host_key" "$RUN/state/comps/lab.json") = "$(h ams cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" ]]'
kill "${BOOT[watch]}" 2>/dev/null
check "no secret was printed, kept in the state, or in any arguments" discreet
check "the client's files are there" test -s "$RUN/wg_client_generated/wg/ams.conf"
check "a daemon uses them" daemon_on
check "traffic goes through a proxy and the exit" answers
check "it migrates by itself" wait_for 120 rotated 1
check "apply again: all is as it should be" apply
check "... and nothing was made" made 3
check "pings" ping_on
check "another server for ams" replace
check "... which is what the daemon uses" status '[.paths[].name] | sort == ["ams-2", "fra"]'
check "... and all is well" status '.paths | all(.state == "up")'
check "the old one is gone" made 3
check "all is as it should be" provision status "$RUN/net.yaml"
check "new keys for both proxies" eval 'provision rekey --node ams "$RUN/net.yaml" --yes && provision rekey --node fra "$RUN/net.yaml" --yes'
check "all is as it should be" provision status "$RUN/net.yaml"
check "no ping was lost" unbroken
check "a connection" tcp_on
check "new keys for all, the exit too, through its own tunnel" provision rekey "$RUN/net.yaml" --yes
check "the daemon goes on with them" eval "status '.paths | all(.state == \"up\")' && answers"
check "the connection lives" tcp_lives
check "all is as it should be" provision status "$RUN/net.yaml"
check "destroy: not while a daemon uses it" eval '! provision destroy "$RUN/net.yaml" --yes 2>"$RUN/err" && grep -q "comps down. first" "$RUN/err"'
check "down" comps down
check "a host that shows another key is not touched" impostor
check "destroy" provision destroy "$RUN/net.yaml" --yes
check "nothing is left" test "$(cloud '[.droplets, .firewalls, .keys] | map(length) | add')" = 0
e2e_end
