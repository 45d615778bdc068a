#!/bin/bash
# Hosts that are there already, as the original's `hosts` file lists them: `comps provision --inventory` sets them up over ssh,
# sees what somebody changes, puts it right, says what is wrong with a host, and clears them again.
# shellcheck disable=SC2016,SC2317  # the hosts' shell has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
for tool in systemd-nspawn wireguard-go sshd ssh; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[[ -x /lib/systemd/systemd ]] || skip_all "no systemd"
e2e_begin inventory
# shellcheck source=tests/hosts/hosts.sh
. "${0%/*}/hosts.sh"

declare -A AT=([ams]=203.0.4.11 [fra]=203.0.4.12 [exit]=203.0.4.20 [spare]=203.0.4.13)
hosts=$RUN/hosts

first_keys() {
	local name
	mkdir -p "$RUN/.ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$RUN/key" || return
	for name in "${!AT[@]}"; do
		mkdir -p "$RUN/$name.first" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$RUN/$name.first/key" || return
	done
}
host_key() { cut -d ' ' -f 1,2 "$RUN/$1.first/key.pub"; }
# One is pinned in the inventory, one is known to the user's ssh; the others are strangers.
write_hosts() { # PROXY...
	local name
	{
		echo '[vpn]'
		for name; do
			if [[ $name = ams ]]; then
				echo "$name ansible_host=${AT[$name]} host_key=\"$(host_key $name)\""
			else
				echo "$name ansible_host=${AT[$name]}"
			fi
		done
		printf '[comp]\nexit ansible_host=%s\n[all:vars]\nansible_user = root\nansible_ssh_private_key_file = %s\n' "${AT[exit]}" "$RUN/key"
	} >"$hosts"
}
provision() { # ARGUMENTS...; what it prints is kept
	# ssh(1) asks the password database for the user's home, not $HOME: known_hosts is put in its place.
	ns client unshare --mount bash -c '
		mount -t tmpfs home /root && mkdir -m 700 /root/.ssh && cp "$0/known_hosts" /root/.ssh/ && shift 0 &&
		exec env -i -C "$0" PATH="$1" HOME=/root XDG_STATE_HOME="$0/state" "${@:2}"' "$RUN" "$PATH" "$e2e_build/comps" provision "$@" \
		--inventory "$hosts" </dev/null >"$RUN/out" 2>"$RUN/err"
	local rc=$?
	cat "$RUN/out" "$RUN/err"
	return $rc
}
ends() { # STATUS PATTERN ARGUMENTS...: with that status, and what it prints matches
	local want=$1 pattern=$2 rc
	shift 2
	provision "$@"
	rc=$?
	((rc == want)) && grep -qE -- "$pattern" "$RUN/out" "$RUN/err"
}
state() { gojq -e "$1" "$RUN/state/comps/comps.json" || { cat "$RUN/state/comps/comps.json" && false; }; }
cleared() { # NAME
	h "$1" sh -c '! ls -d /etc/comps /etc/wireguard/wg0.conf /etc/sysctl.d/60-comps.conf /etc/systemd/system/comps-fw@.service 2>/dev/null &&
		! ip link show wg0 2>/dev/null && ! nft list ruleset | grep comps'
}
up() { # NAME
	runs "$1" && h "$1" systemctl is-active ssh
}

check "network" network
check "keys" first_keys
write_hosts ams fra
echo "${AT[fra]} $(host_key fra)" >"$RUN/known_hosts"
for name in ams fra exit spare; do check "$name boots" boot_at $name "${AT[$name]}"; done
for name in ams fra exit spare; do check "$name runs" wait_for 60 up $name; done

check "plan: all are to be set up" ends 2 '^Plan: 0 to create, 3 to change' plan --detailed-exitcode
check "... and nothing was changed" not h ams test -e /etc/comps
check "apply: a host that nobody knows is not touched" ends 3 'exit: .*host key is not known.*--accept-new-host-keys' apply --yes
check "... and the others are set up" state '[.nodes[] | select(.status == "ready") | .name] == ["ams", "fra"]'
check "apply: goes on, and trusts whom it is told to" ends 0 '0 failed' apply --yes --accept-new-host-keys
check "the paths were tried, and work" grep -q '^2 of 2 paths work' "$RUN/err"
check "all are ready" state 'all(.nodes[]; .status == "ready" and (.wg_public | length) == 44)'
check "their keys are those of the hosts" state ".nodes[] | select(.name == \"exit\") | .host_key == \"$(host_key exit)\""
check "apply again: no changes" ends 0 'Plan: no changes' apply --yes
check "status" ends 0 'Plan: no changes' status
check "inventory" ends 0 '^ams ansible_host=203.0.4.11 ' inventory

check "somebody stops a tunnel" h ams systemctl stop wg-quick@wg0
check "status: it is seen" ends 4 '~ ams .*no longer as it was set up: .*wg0 up' status
check "apply: that one is put right" ends 0 '1 set up' apply --yes
check "... and is as it should be" ends 0 'Plan: no changes' status
drops='add table inet other; add chain inet other in { type filter hook input priority 10; policy drop; }; add rule inet other in tcp dport 22 accept'
check "somebody's firewall shuts the client out, and more" h ams sh -c "nft '$drops' && systemctl stop wg-quick@wg0"
check "apply: the path does not work, and why" ends 3 'ams: does not work: .*proxy.*; ams says: no handshake of the client yet.*inet other drops' apply --yes
check "... and how to go on" grep -q 'to go on from here: *comps provision apply --inventory' "$RUN/err"
check "status: it is not done" ends 4 '~ ams .*not been seen to work' status
h ams nft delete table inet other
check "apply: when that is gone it works" ends 0 '1 of 1 paths work' apply --yes
keys() { h "$1" wg show wg0 dump | cut -f 1-2 | tr '\t' '\n'; }
before=$(keys ams; keys exit)
check "rekey of one" ends 0 '1 server has new keys' rekey --node ams --yes
check "... which has other keys, all of them" eval '! grep -qFf <(keys ams) <<<"$before"'
check "... and the others have not" eval '[[ $before = *"$(keys exit)" ]]'
check "rekey of all" ends 0 '3 servers have new keys' rekey --yes
check "... also of the exit" eval '[[ $before != *"$(keys exit)" ]]'
check "the rest is as it should be" ends 0 'Plan: no changes' status
ip -n "$P-fra" link set eth0 down
check "a host that is down: status says so" ends 4 '! fra .*cannot be looked at: ssh: .*(timed out|No route)' status
check "... and apply" ends 3 '1 of the servers could not be looked at' apply --yes
ip -n "$P-fra" link set eth0 up && ip -n "$P-fra" route add default via 203.0.4.254
check "another host key is not trusted" h exit sh -c 'cd /etc/ssh && mv ssh_host_ed25519_key mine && ssh-keygen -q -t ed25519 -N "" -f ssh_host_ed25519_key && systemctl reload ssh'
check "... and status says so" ends 4 '! exit .*shows another host key' status
check "... until it is the right one again" h exit sh -c 'cd /etc/ssh && mv mine ssh_host_ed25519_key && systemctl reload ssh'
write_hosts ams
check "a host that is not wanted any more" ends 4 '- fra .*no longer in the inventory' status
check "apply: is cleared" ends 0 '1 destroyed' apply --yes
check "... and nothing of it is on the host" cleared fra
check "... nor in the rules of the exit" eval '! h exit nft list ruleset | grep -q 203.0.4.12'
check "the rest is as it should be" ends 0 'Plan: no changes' status
check "replace: the inventory has to name another host" ends 1 'still has 203.0.4.11 for ams' replace ams --yes
AT[ams]=${AT[spare]}
cp "$RUN/spare.first/key.pub" "$RUN/ams.first/key.pub"
write_hosts ams
check "replace: the new host is set up, the old one cleared" ends 0 '^1 of 1 paths work' replace ams --yes
check "... and nothing is left of it" cleared ams
check "the client's files name the new one" grep -q '^Endpoint = 203.0.4.13:' "$RUN/wg_client_generated/wg/ams-2.conf"
check "the rest is as it should be" ends 0 'Plan: no changes' status
check "destroy" ends 0 'nothing of network comps is left' destroy --yes
for name in spare exit; do check "nothing of it is on $name" cleared $name; done
e2e_end
