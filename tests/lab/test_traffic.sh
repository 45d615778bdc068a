#!/bin/bash
# Proof that traffic moves: 104 migrations round-robin over three paths of different delays, each kind of flow on its own, and
# packets counted where the paths meet the exit. A route table that names the new path would prove nothing.
# BRIEF=1  one migration for each kind of flow instead of 16: for an emulated machine
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin traffic

# One migration, and then: from two round trips (of the slowest path) after it settled on, every packet, up and down, is on
# the path that the daemon names, until at least MORE went by in the flow's DIRECTION.
moves() { # DIRECTION MORE
	local to two_rtt before i
	comps migrate next --wait -j | holds 'if .outcome == "settled" then . else false end' || return
	read -r to two_rtt < <(comps status -j | gojq -r '"\(.active) \([.paths[].rtt_p99_s] | max * 2)"')
	sleep "$two_rtt" # not to be right: this is what is claimed
	before=$(carried) i=$((${to#p} - 1))
	wait_for "$DEADLINE" went_by "$before" "$i" "$1" "$2" || return
	gojq -ce --argjson i "$i" '{to: "p\($i + 1)", new: ., elsewhere: ([.up, .down] | map(del(.[$i])) | flatten | add)}
		| ., .elsewhere == 0' <<<"$NEW"
}

# NEW: what every path carried since the snapshot
went_by() { # SNAPSHOT INDEX DIRECTION MORE
	NEW=$(since "$1")
	gojq -e --argjson i "$2" --arg dir "$3" --argjson more "$4" '. as $new | $dir / "+" | all($new[.][$i] >= $more)' <<<"$NEW"
}

since() { # SNAPSHOT
	# shellcheck disable=SC2016
	carried | gojq -c --argjson before "$1" 'with_entries(.value = ([.value, $before[.key]] | transpose | map(.[0] - .[1])))'
}

follows() { # ROUNDS DIRECTION MORE: after each of so many migrations
	local round
	for ((round = 0; round < $1; round++)); do
		moves "$2" "$3" || return
	done
}

even() {
	gojq -ce '[.up, .down] | map(add as $all | map(. / $all)) | ., (flatten | all(. > 0.26 and . < 0.41))'
}

# Every kind of flow follows every migration.
flows() { # ROUNDS-EACH FAMILY
	# So few a second that the userspace WireGuard's receive buffers do not overflow while a busy machine keeps it waiting.
	local kind
	kinds=(
		# name mode direction-and-count whole options
		"udp-both   up+down 20 --pps=100 --size=400"
		"udp-down   down    20 --pps=100 --size=400"
		"tcp-up     up+down 20 --rate=4000"
		"tcp-down   up+down 20 --rate=4000"
		"tcp-idle   up+down 3  --interval=50"
	)
	for kind in "${kinds[@]}"; do
		read -r mode dir more options <<<"$kind"
		# shellcheck disable=SC2086
		check "$title: $mode begins" flow_start flow "$mode" -"$2" ${options//=/ } inet
		check "$title: every packet of $mode follows each of $1 migrations within 2 RTT" follows "$1" "$dir" "$more"
		case $mode in
		udp-both) check "$title: nothing of $mode is lost" flow_stop flow "$UDP_WHOLE" ;;
		udp-down) check "$title: nothing of $mode is lost" flow_stop flow '.complete and .lost_down == 0' ;;
		*) check "$title: $mode is whole" flow_stop flow .ok ;;
		esac
	done
}

rotates() { # COUNT: the policy, not the operator
	wait_status 60 ".migrations.by_reason[\"round-robin\"] >= $1"
}

proof() { # TITLE ROUNDS-EACH FAMILY LAB-VARIABLE...
	local title=$1 rounds=$2 family=$3
	shift 3
	check "$title: lab" e2e_lab "$@"
	lab link p1 delay_us=2500
	lab link p2 delay_us=5000
	lab link p3 delay_us=7500
	# On a machine that is busy with other things no path is to be called dead: that is another suite's matter.
	config "name: hold" "probe: {timeout_min: 1s}
guards: {min_dwell: 50ms, max_migrations_per_min: 6000, hold_down: 200ms, hold_down_half_life: 1s, settle_timeout: 5s}"
	check "$title: compsd starts, all paths are up" start_ready
	check "$title: it is the first path that is active" test "$(active)" = p1
	lab serve
	lab reset_counters
	flows "$rounds" "$family"
	check "$title: each migration settled" status ".migrations | .total == $((rounds * ${#kinds[@]} + 1)) and .failed == 0 and .rolled_back == 0"

	flow_start flow udp-both -"$family" --pps 100 --size 400 inet
	check "$title: the policy is set" comps policy set round-robin interval=300ms
	check "$title: it rotates" rotates 1
	before=$(carried)
	check "$title: 24 times more" rotates 25
	check "$title: with even shares" even <<<"$(since "$before")"
	check "$title: and nothing lost" flow_stop flow "$UDP_WHOLE"
	check "$title: nothing failed" status '.migrations | .failed == 0 and .rolled_back == 0'
	check "$title: no packet outside of the tunnels" no_leak
}

rounds=${BRIEF:+1}
proof "exit by IPv4" "${rounds:-16}" 4 OUTER=4
proof "exit by IPv6" "${rounds:-16}" 6 OUTER=6
proof "overlays by IPv6" "${rounds:-3}" 4 UNDERLAY=6
e2e_end
