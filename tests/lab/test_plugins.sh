#!/bin/bash
# Policies from outside the tree: the example is built against the installed header alone, and lives in compsd and in replay;
# one that answers nonsense harms nobody.
# shellcheck disable=SC2016,SC2317  # gojq has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin plugins

installed=$RUN/installed example=$RUN/example low_loss=$RUN/example/low-loss.so trace=$RUN/trace.db
hostile=$RUN/plugins/hostile.so

install_and_build() {
	make -s install BUILD="$e2e_build" DESTDIR="$installed" PREFIX=/usr &&
		cp -r "$installed/usr/share/doc/comps/example" "$example" &&
		env -i PATH="$PATH" make -C "$example" CPPFLAGS="-I$installed/usr/include" CFLAGS="-O2 -Wall -Wextra -Werror"
}
local_comps() { x client "$e2e_build/comps" "$@"; }
# Migrations of the policy, by the limit of 6000 a minute and the dwell of 50 ms.
stays_slow() {
	local before since
	read -r before since < <(comps status -j | gojq -r '"\(.migrations.total) \(.uptime_s)"')
	wait_status "$DEADLINE" ".uptime_s > $since + 2" && status "(.migrations.total - $before) <= (.uptime_s - $since) / 0.05 + 2"
}
moved_for() { wait_status "$DEADLINE" ".migrations.by_reason[\"$1\"] > 0"; }

check "lab" e2e_lab
check "the example is built against the installed header alone" install_and_build
mkdir "${hostile%/*}" && cp "$e2e_build/tests/plugins/hostile.so" "$hostile"
lab serve

# ---- the example ----

# A burst that no such loss swallows whole: the path is to be left for its loss, and not as a dead one.
config $'name: low-loss\nmost: 0.1' "plugins: $low_loss
probe: {interval: 100ms, window: 16, burst: 16}
trace: {file: $trace}"
check "comps check knows it" local_comps check "$conf"
check "compsd runs it" start_ready
check "it is in the list" prints 'any(.[]; .name == "low-loss" and .params[0].default == 0.05)' comps policy list -j
check "traffic" flow_start load udp-both --pps 100 inet
check "what the first handshakes lost is past" wait_status "$DEADLINE" 'all(.paths[]; .loss == 0)'
check "it stays where nothing is lost" stays 1 '[.active, .migrations.total]'
lab link "$(active)" loss_ppm=300000
check "it leaves a path that loses" moved_for loss
check "another policy, and back" comps policy set hold
check "... by its name" comps policy set low-loss most=0.2
check "a parameter out of range is refused" says 1 'most: 7 is out of range' comps policy set low-loss most=7
stop_compsd
check "its verdicts are repeated" prints '.same and .verdicts > 0' local_comps replay -j --verify --plugin "$low_loss" "$trace"
check "... not without it" says 1 'there is no policy "low-loss"' local_comps replay --verify "$trace"
check "it can be asked about any trace" prints '.policy == "low-loss" and .migrations.loss > 0' \
	local_comps replay -j --plugin "$low_loss" --policy low-loss,most=0.1 "$trace"

# ---- nonsense ----

for i in 1 2 3; do lab link "p$i" loss_ppm=0; done
config $'name: hostile' "plugins: [$low_loss, $hostile]
probe: {interval: 100ms}"
check "hostile: compsd runs" start_ready
check "hostile: its answers are counted" wait_status "$DEADLINE" '.policy.errors > 20'
check "hostile: nothing moves" stays 1 '[.active, .migrations.total]'
check "hostile: it is in the log" wait_for "$DEADLINE" grep -q 'policy hostile: [0-9]* answers made no sense' "$RUN/compsd.log"
now=$(active)
lab kill_proxy "${now#p}"
check "hostile: a dead path is left" wait_status "$DEADLINE" ".active != \"$now\""
check "hostile: for a healthy one" wait_status "$DEADLINE" '.active as $a | any(.paths[]; .name == $a and .state == "up")'
lab revive_proxy "${now#p}"
check "hostile: a hurried one" comps policy set hostile crime=always
check "hostile: moves" moved_for hostile
check "hostile: not faster than the guards allow" stays_slow
check "traffic all the time" flow_stop load .complete
stop_compsd

# ---- what is refused ----

chmod 666 "$hostile"
check "a file that others may write" says 1 "comps.yaml:[0-9]+:[0-9]+: plugins\[1\]: .*hostile.so: others may write it" local_comps check "$conf"
check "... compsd does not start" says 1 "others may write it" run_compsd
e2e_end
