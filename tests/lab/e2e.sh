# shellcheck shell=bash
# What the end-to-end suites share: TAP, a lab of their own, compsd in it, traffic through it, and questions to all three.
#
#   . "${0%/*}/e2e.sh"
#   e2e_begin NAME         skips without what is needed; whatever happens then, the lab is gone at the end
#   e2e_lab [VAR=VALUE...] a new lab (lab.sh's variables), in place of the last one
#   check WHAT CMD...      one TAP result
#   e2e_end
#
# A suite never sleeps to be right: `wait_for` and `wait_status` have generous deadlines, for a busy machine.

# shellcheck source=tests/lab/lab.sh
e2e_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
e2e_build=$(cd "${BUILD:-$e2e_dir/../../build}" 2>/dev/null && pwd)
compsd=$e2e_build/compsd flow=$e2e_build/tests/lab/flow
DEADLINE=${DEADLINE:-30}
set -o pipefail # or gojq would judge what a command printed before it failed
n=0 failed=0
declare -A FLOW=()

e2e_begin() {
	local tool
	((EUID == 0)) || skip_all "needs root"
	[[ -x $compsd && -x $e2e_build/comps && -x $flow && -x ${flow%/*}/linkem ]] || skip_all "compsd, comps, flow or linkem is not built"
	[[ -c /dev/net/tun ]] || skip_all "no /dev/net/tun"
	for tool in wg nft gojq ip; do
		command -v $tool >/dev/null || skip_all "no $tool"
	done
	P=e2e-$1-$$ RUN=/run/comps-lab/$P BUILD=$e2e_build
	. "$e2e_dir/lab.sh"
	LOG=$(mktemp)
	conf=$RUN/client/comps.yaml
	trap e2e_cleanup EXIT
	trap 'exit 1' INT TERM HUP
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

e2e_cleanup() {
	lab down
	rm -f "$LOG"
} >/dev/null 2>&1

e2e_end() {
	echo "1..$n"
	exit $((failed > 0))
}

# ---- TAP ----

check() { # WHAT CMD...
	local what=$1
	shift
	n=$((n + 1))
	if "$@" >"$LOG" 2>&1; then
		echo "ok $n - $what"
		return
	fi
	echo "not ok $n - $what"
	tail -n 40 "$LOG" | cut -c-400 | sed 's/^/# /'
	echo "# compsd's last words:"
	tail -n 12 "$RUN/compsd.log" 2>/dev/null | sed 's/^/#   /'
	failed=$((failed + 1))
}

not() { ! "$@"; }

within() { # VALUE LOW HIGH
	echo "$1, want $2..$3"
	awk -v v="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(v != "" && v >= lo && v <= hi) }'
}

same() { # TEXT TEXT
	diff <(echo "$1") <(echo "$2")
}

exits() { # STATUS CMD...
	local want=$1 rc
	shift
	"$@"
	rc=$?
	echo "exit status $rc, want $want"
	((rc == want))
}

# FILTER [FILE]: whether the JSON is so; none at all is not
holds() { gojq -ce "$1" "${@:2}"; }

# FILTER CMD...: what it prints is JSON, and as the filter wants it, whatever its exit status
prints() {
	local filter=$1 text
	shift
	text=$("$@")
	gojq -c . <<<"$text" && gojq -se "length > 0 and all($filter)" <<<"$text"
}

# STATUS PATTERN CMD...: fails with that status and says what the pattern (extended) matches
says() {
	local want=$1 pattern=$2 text rc
	shift 2
	text=$("$@" 2>&1)
	rc=$?
	printf '%s\nexit status %s, want %s and %s\n' "$text" $rc "$want" "$pattern"
	((rc == want)) && grep -Eq -- "$pattern" <<<"$text"
}

# ---- the lab ----

e2e_lab() { # [VAR=VALUE...]
	lab down >/dev/null 2>&1
	FLOW=() COMPSD=
	N=3 OUTER=4 UNDERLAY=4 MODE=nested
	local "$@"
	# lab.sh keeps what it was built with; the next lab must not inherit it.
	lab up && count_carried
}

# Counts what each path carried: the inner tunnel's packets between the proxies and the exit, in the one place that all of
# them pass, with the overlay taken off. No probe is among them, so not one may be on a path that is not active.
count_carried() {
	local i
	{
		echo "table inet e2e {"
		for ((i = 1; i <= N; i++)); do printf ' counter down_p%s {\n }\n counter up_p%s {\n }\n' "$i" "$i"; done
		echo " chain c { type filter hook forward priority 0;"
		for ((i = 1; i <= N; i++)); do
			printf '  iifname px%s oifname ex0 udp dport 51820 counter name up_p%s\n' "$i" "$i"
			printf '  iifname ex0 oifname px%s udp sport 51820 counter name down_p%s\n' "$i" "$i"
		done
		printf ' }\n}\n'
	} | x core nft -f -
}

carried() { # {"up":[P1...],"down":[P1...]}
	# shellcheck disable=SC2016
	x core nft -j list counters table inet e2e | gojq -c --argjson n "$N" '
		[.nftables[].counter | select(.) | {(.name): .packets}] | add as $c |
		{up: [range(1; $n + 1) | $c["up_p\(.)"]], down: [range(1; $n + 1) | $c["down_p\(.)"]]}'
}

# Whether PATH carries: until MORE packets have gone by it in DIRECTION (up, down).
carries() { # PATH DIRECTION MORE
	local filter=".$2[$((${1#p} - 1))]" before
	before=$(carried | gojq "$filter") && wait_for "$DEADLINE" carried_more "$filter" $((before + $3))
}
carried_more() { carried | holds "$1 >= $2"; }

no_leak() {
	lab counters --json
	[[ $(lab uplink_leaks) = 0 ]] && status '.leaked_packets == 0'
}

# What CoMPS may touch on the client, in a form that can be compared.
kernel_state() {
	# shellcheck disable=SC2016
	x client sh -c '
		ip -o -4 rule; ip -o -6 rule
		ip -4 route show table all; ip -6 route show table all
		ip -o -d link; ip -o addr
		nft list ruleset
		ls /run/wireguard
		# The WireGuard of the kernel clears all/send_redirects when a link goes up (its wg_open()).
		cd /proc/sys/net && grep -r . ipv4/conf ipv6/conf 2>/dev/null | grep -v ^ipv4/conf/all/send_redirects: | sort'
}

programs() { ip netns pids "$P-client" | xargs -r ps -o comm= -p | sort; }

# ---- compsd ----

comps() { x client "$e2e_build/comps" "$@"; }

# Guards are quick, but for what a busy machine would be blamed for: unless EXTRA has its own.
config() { # POLICY-LINES [EXTRA-YAML]
	local extra=${2:-}
	[[ $extra = *guards:* ]] || extra+=$'\n'"guards: {min_dwell: 50ms, max_migrations_per_min: 6000, hold_down: 200ms, hold_down_half_life: 1s, settle_timeout: 5s}"
	lab config "${1:-name: hold}" "$extra"
}

start_compsd() { # [OPTION...]
	# Its output is no pipe, or whoever reads it waits for compsd too.
	xbg client "$compsd" -c "$conf" "$@" </dev/null >>"$RUN/compsd.log" 2>&1
	COMPSD=$XPID
	wait_for "$DEADLINE" compsd_decided && compsd_runs && comps status >/dev/null
}

compsd_runs() { [[ -n $COMPSD ]] && kill -0 "$COMPSD" 2>/dev/null; }
compsd_decided() { ! compsd_runs || comps status; }

run_compsd() { x client timeout "$DEADLINE" "$compsd" -c "$conf" "$@"; } # one that is to end by itself

stop_compsd() { # [SIGNAL]
	kill -"${1:-TERM}" "$COMPSD" || return
	wait "$COMPSD"
	# shellcheck disable=SC2034
	COMPSD_RC=$?
	COMPSD=
}

start_ready() { # [OPTION...]: and every path is known to be up, one of them active
	start_compsd "$@" && wait_status "$DEADLINE" 'all(.paths[]; .state == "up") and .active != null'
}

status() { comps status -j | holds "$1"; }

wait_status() { # SECONDS FILTER
	wait_for "$1" status "$2" && return
	echo "waited for: $2"
	comps status -j | gojq -c 'del(.policy, .migrations.last, .paths), (.paths[] | {name, state, segment_fault, active, drained, eligible, rtt_s, loss, transitions})'
	return 1
}

stays() { # SECONDS FILTER: what the filter tells stays the same for so long, by the daemon's clock
	local before until
	before=$(comps status -j | gojq -c "$2") until=$(comps status -j | gojq ".uptime_s + $1")
	wait_status "$DEADLINE" "($2) != $before or .uptime_s > $until" && same "$before" "$(comps status -j | gojq -c "$2")"
}

active() { comps status -j | gojq -r .active; }
is_active() { wait_status "$DEADLINE" ".active == \"$1\""; }
go_to() { wait_for "$DEADLINE" is_at "$1"; } # PATH, whatever is under way now
is_at() { [[ $(active) = "$1" ]] || comps migrate "$1" --wait; }

# ---- traffic ----

# flow_start NAME MODE OPTION... HOST: until flow_stop; `lab serve HOST` first
flow_start() {
	local name=$1 mode=$2
	shift 2
	rm -f "$RUN/$name.ready"
	xbg client "$flow" run "$mode" -t 0 --ready "$RUN/$name.ready" "$@" </dev/null >"$RUN/$name.json" 2>"$RUN/$name.err"
	FLOW[$name]=$XPID
	wait_for "$DEADLINE" test -e "$RUN/$name.ready"
}

# flow_stop NAME FILTER: whether its result is as the filter wants it
flow_stop() {
	kill -INT "${FLOW[$1]}"
	wait "${FLOW[$1]}"
	unset "FLOW[$1]"
	gojq -c 'del(.losses)' "$RUN/$1.json" || cat "$RUN/$1.err"
	holds "$2" "$RUN/$1.json"
}

# shellcheck disable=SC2034
UDP_WHOLE='.complete and .lost_up == 0 and .lost_down == 0 and .send_errors == 0'
