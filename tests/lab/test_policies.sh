#!/bin/bash
# Each policy live, with quick parameters: it moves when and where it says.
# shellcheck disable=SC2016,SC2317  # gojq and sh have their own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin policies
QUICK="probe: {interval: 100ms, timeout_min: 100ms}"

moves() { # SECONDS COUNT REASON: at least so many for that reason
	wait_status "$1" "(.migrations.by_reason[\"$3\"] // 0) >= $2"
}

# The migrations for REASON, oldest first, as [[FROM, TO]...]
migrations() { # REASON
	comps events -j | gojq -sc --arg reason "$1" '[.[] | select(.event == "migration" and .reason == $reason and .outcome != "refused") | [.from, .to]]'
}
migrated() { # REASON FILTER
	migrations "$1"
	migrations "$1" | holds "$2"
}

check "lab" e2e_lab
lab link p1 delay_us=1000
lab link p2 delay_us=4000
lab link p3 delay_us=10000
lab serve
config "name: hold" "$QUICK"
check "compsd starts, all paths are up" start_ready

# ---- hold ----

check "hold: begins with the first path" status '.active == "p1"'
check "hold: stays" stays 2 '[.active, .migrations.total]'

# ---- round-robin ----

check "round-robin" comps policy set round-robin interval=150ms
check "round-robin: moves" moves "$DEADLINE" 12 round-robin
check "round-robin: in the order of the configuration" migrated round-robin 'length >= 12 and all(.[]; . == ["p1", "p2"] or . == ["p2", "p3"] or . == ["p3", "p1"])'
comps drain p2 >/dev/null
check "round-robin: p2 is drained" wait_status "$DEADLINE" '.active != "p2"'
was=$(migrations round-robin | gojq length)
check "round-robin: goes on" moves "$DEADLINE" $((was + 6)) round-robin
check "round-robin: without it" migrated round-robin ".[$was:] | all(.[]; . == [\"p1\", \"p3\"] or . == [\"p3\", \"p1\"])"
comps enable p2 >/dev/null

# ---- random-interval ----

for dist in fixed uniform exponential shifted-exponential; do
	was=$(comps status -j | gojq '.migrations.by_reason.random // 0')
	check "random-interval $dist" comps policy set random-interval interval=120ms min=60ms dist=$dist
	check "random-interval $dist: moves" moves "$DEADLINE" $((was + 8)) random
done
check "random-interval: never to where it is" migrated random 'length >= 32 and all(.[]; .[0] != .[1])'
check "random-interval: each from where the last one went" migrated random '. as $m | all(range(1; length); $m[.][0] == $m[. - 1][1])'
check "random-interval: to every path" migrated random '[.[][1]] | unique == ["p1", "p2", "p3"]'
check "random-interval: nothing failed" status '.migrations | .failed == 0 and .rolled_back == 0'

# ---- shadows ----

lab config "name: hold" "$QUICK
guards: {min_dwell: 50ms, max_migrations_per_min: 6000}
shadows: [{name: hold}, {name: round-robin, interval: 150ms}, {name: latency-best, every: 100ms, hold: 100ms, absolute: 2ms}]"
check "shadows" comps reload
was=$(comps status -j | gojq .migrations.total)
check "shadows: what each would do" wait_status "$DEADLINE" '.shadows | length == 3 and .[0].migrations == 0 and .[1].migrations > 12 and .[2].active == "p1" and all(.errors == 0)'
check "shadows: what it would cost" status '.shadows | .[1].rtt_mean_s > .[2].rtt_mean_s and .[2].rtt_mean_s > 0.0015'
check "shadows: for people" says 0 '^shadow +round-robin \(interval 150ms.*: on p[123], [0-9]+ migrations, .*ms, outage' comps status
check "shadows: nothing moved" status ".migrations.total == $was and .policy.name == \"hold\""
config "name: hold" "$QUICK"
check "shadows: no more of them" comps reload
check "shadows: none" status '.shadows == []'

# ---- pinned-random ----

comps policy set hold >/dev/null
check "at rest" go_to p1
was=$(comps status -j | gojq .migrations.total)
check "pinned-random: for ever" comps policy set pinned-random epoch=0s pause=false
check "pinned-random: chooses, or has what it chose" wait_status "$DEADLINE" ".migrations.total > $was or .uptime_s > $(comps status -j | gojq '.uptime_s + 1')"
check "pinned-random: stays" stays 2 '[.active, .migrations.total]'
was=$(comps status -j | gojq '.migrations.by_reason.random // 0')
check "pinned-random: for a session" comps policy set pinned-random epoch=300ms
check "pinned-random: the next sessions are elsewhere, sooner or later" moves "$DEADLINE" $((was + 3)) random

# ---- latency-best ----

comps policy set hold >/dev/null
check "latency-best" comps policy set latency-best every=100ms evaluations=2 hold=300ms absolute=2ms
check "latency-best: finds the fastest" is_active p1
check "latency-best: stays there" stays 2 '[.active, .migrations.total]'
lab link p1 delay_us=25000
check "latency-best: leaves it for the next fastest when it becomes slow" is_active p2
check "latency-best: for that reason" status '.migrations.last | max_by(.time) | .reason == "latency" and .from == "p1" and .to == "p2"'
lab link p1 delay_us=3700
check "latency-best: a little faster is not enough" stays 2 '[.active, .migrations.total]'
lab link p1 delay_us=0
check "latency-best: a lot is" is_active p1

# ---- failover ----

check "failover" comps policy set failover delay=1s
check "failover: p1" is_active p1
lab kill_proxy 1
check "failover: the next in order" is_active p2
lab kill_proxy 2
check "failover: and the next" is_active p3
lab revive_proxy 2
lab revive_proxy 1
check "failover: back to the first after its delay" is_active p1
check "failover: for that reason" status '.migrations.by_reason.failback >= 1'
check "failover: never" comps policy set failover failback=never
lab kill_proxy 1
check "failover: away again" wait_status "$DEADLINE" '.active != "p1"'
lab revive_proxy 1
check "failover: p1 is back" wait_status "$DEADLINE" '.paths[0] | .state == "up" and .eligible'
check "failover: never goes back" stays 2 '[.active, .migrations.total]'
check "no packet outside of the tunnels" no_leak
e2e_end
