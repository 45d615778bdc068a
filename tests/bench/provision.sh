#!/bin/bash
# How long `comps provision apply --inventory` takes on four booted hosts, from nothing to every path proved, and once more when
# there is nothing to do: {"apply_s": N, "again_s": N, "paths": N}.
# shellcheck disable=SC2154,SC2317  # of hosts.sh; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
e2e_begin bench-hosts
# shellcheck source=tests/hosts/hosts.sh
. "${0%/*}/../hosts/hosts.sh"

declare -A AT=([p1]=203.0.4.11 [p2]=203.0.4.12 [p3]=203.0.4.13 [exit]=203.0.4.20)
need() { "$@" >&2 || { echo "bench: $*: failed" >&2 && exit 1; }; }
up() { runs "$1" && h "$1" systemctl is-active ssh; }
apply() {
	ns client env -i PATH="$PATH" HOME="$RUN" XDG_STATE_HOME="$RUN/state" "$e2e_build/comps" provision apply --inventory "$RUN/hosts" --yes --json \
		</dev/null >"$RUN/out"
}
seconds() { # CMD...
	local from=${EPOCHREALTIME/[.,]/}
	need "$@"
	awk -v us=$((${EPOCHREALTIME/[.,]/} - from)) 'BEGIN { print us / 1e6 }'
}

need network
mkdir -p "$RUN"
need ssh-keygen -q -t ed25519 -N '' -f "$RUN/key"
{
	echo '[vpn]'
	for name in p1 p2 p3 exit; do
		mkdir -p "$RUN/$name.first"
		need ssh-keygen -q -t ed25519 -N '' -C '' -f "$RUN/$name.first/key"
		[[ $name != exit ]] || echo '[comp]'
		echo "$name ansible_host=${AT[$name]} host_key=\"$(cut -d ' ' -f 1,2 "$RUN/$name.first/key.pub")\""
	done
	printf '[all:vars]\nansible_user = root\nansible_ssh_private_key_file = %s\n' "$RUN/key"
} >"$RUN/hosts"
for name in "${!AT[@]}"; do need boot_at "$name" "${AT[$name]}"; done
for name in "${!AT[@]}"; do need wait_for 60 up "$name"; done
apply_s=$(seconds apply) || exit 1
paths=$(gojq 'select(.event == "summary") | .proved' "$RUN/out")
again_s=$(seconds apply) || exit 1
need test "$(gojq -s 'any(.event == "summary")' "$RUN/out")" = false # nothing was to be done
gojq -cn --argjson apply_s "$apply_s" --argjson again_s "$again_s" --argjson paths "$paths" '$ARGS.named'
