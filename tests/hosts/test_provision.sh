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
cloud() { ns client curl -s "http://127.0.0.1:$(<"$RUN/port")/_test/state" | jq -r "$1"; }
made() { (($(cloud '[.droplets[] | select(.networks.v4[]? | .type == "public")] | length') == $1)); }

boot() { # NAME: with the host key of its user data
	local name=$1 data first=$RUN/$1.first
	mkdir -p "$first"
	data=$(cloud ".droplets[] | select(.name == \"comps-lab-$name\") | .user_data")
	sed -n '/ed25519_private/,/END OPENSSH/p' <<<"$data" | sed -n 's/^    //p' >"$first/key"
	sed -n 's/^  ed25519_public: //p' <<<"$data" >"$first/key.pub"
	boot_at "$name" "$(cloud ".droplets[] | select(.name == \"comps-lab-$name\") | .networks.v4[] | select(.type == \"public\") | .ip_address")"
}

# ---- comps provision ----

provision() { # ARGUMENTS...
	ns client env -i PATH="$PATH" HOME="$RUN" XDG_STATE_HOME="$RUN/state" DIGITALOCEAN_API_URL="http://127.0.0.1:$(<"$RUN/port")" DO_TOKEN=$token \
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
ready() { jq -ne 'input | all(.nodes[]; .status == "ready" and (.wg_public | length) == 44)' "$RUN/state/comps/lab.json"; }
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
	h ams sh -c 'rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh'
	jq '(.nodes[] | select(.name == "ams")).status = "active"' "$state" >"$RUN/edited" && cat "$RUN/edited" >"$state"
	! apply && grep -q "shows another host key" "$RUN/err"
}
watch_arguments() {
	while :; do
		ps -ww -eo args
		sleep 0.05
	done >"$RUN/arguments" 2>/dev/null
}

# ---- the client ----

tunnel_up() {
	local keys=$RUN/state/comps server
	server=$(jq -r '.nodes[] | select(.name == "ams") | .wg_public' "$keys/lab.json")
	ns client wireguard-go wgnet1 && ns client wireguard-go wg0 || return
	ns client wg set wgnet1 private-key "$keys/lab.ams.key" peer "$server" preshared-key "$keys/lab.ams.psk" endpoint "${IP[ams]}:51820" allowed-ips 0.0.0.0/0
	server=$(jq -r '.nodes[] | select(.name == "exit") | .wg_public' "$keys/lab.json")
	ns client wg set wg0 private-key "$keys/lab.exit.key" fwmark 51820 peer "$server" preshared-key "$keys/lab.exit.psk" endpoint "${IP[exit]}:51820" allowed-ips 0.0.0.0/0
	ns client ip addr add 10.45.0.5/32 dev wgnet1 && ns client ip addr add 10.45.0.100/32 dev wg0
	ns client ip link set wgnet1 mtu 1420 up && ns client ip link set wg0 mtu 1340 up
	ns client ip route add default dev wgnet1 table 51821 && ns client ip rule add fwmark 51820 lookup 51821
	ns client ip route add 198.51.100.1 dev wg0
}
answers() { wait_for 30 ns client ping -q -n -c 1 -W 1 -I 10.45.0.100 198.51.100.1; }

check "network" network
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
check "the new ones are known" eval '[[ $(jq -r ".nodes[] | select(.name == \"ams\") | .host_key" "$RUN/state/comps/lab.json") = "$(h ams cut -d " " -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" ]]'
kill "${BOOT[watch]}" 2>/dev/null
check "no secret was printed, kept in the state, or in any arguments" discreet
check "the client's tunnels" tunnel_up
check "traffic goes through the proxy and the exit" answers
check "apply again: all is as it should be" apply
check "... and nothing was made" made 3
check "a host that shows another key is not touched" impostor
check "destroy" provision destroy "$RUN/net.yaml" --yes
check "nothing is left" test "$(cloud '[.droplets, .firewalls, .keys] | map(length) | add')" = 0
e2e_end
