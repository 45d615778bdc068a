#!/bin/bash
# One run of compsd under valgrind, through all that allocates: not one error, and nothing lost.
# shellcheck disable=SC2317  # called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/e2e.sh"
e2e_begin valgrind
[[ ! ${BRIEF:-} ]] || skip_all "an emulator in an emulated machine takes four minutes; for: make check-vm BRIEF="
command -v valgrind >/dev/null || skip_all "no valgrind"

report=$RUN/valgrind.log
under_valgrind() {
	xbg client valgrind --quiet --leak-check=full --show-leak-kinds=definite,possible --errors-for-leak-kinds=definite,possible \
		--suppressions="$e2e_dir/valgrind.supp" --error-exitcode=99 --log-file="$report" \
		"$compsd" -c "$conf" </dev/null >>"$RUN/compsd.log" 2>&1
	COMPSD=$XPID
	wait_status "$DEADLINE" 'all(.paths[]; .state == "up") and .active != null'
}
found_nothing() { # EXIT-STATUS
	cat "$report"
	(($1 == 0))
}
is_gone() { ! x client test -e "/sys/class/net/$1"; }
all_up() { wait_status "$DEADLINE" 'all(.paths[]; .state == "up")'; }

check "lab" e2e_lab
lab serve
config "name: hold"
check "compsd starts under valgrind, all paths are up" under_valgrind
check "it migrates" comps migrate next --wait
check "and again" comps migrate next --wait
dead=$(active)
lab kill_proxy "$dead"
check "a dead proxy is left" wait_status "$DEADLINE" ".active != \"$dead\""
lab revive_proxy "$dead"
check "and comes back" all_up
x client ip link del wgnet1
check "a deleted interface is made again" wait_for "$DEADLINE" x client test -e /sys/class/net/wgnet1
x client ip link del wg0
check "and the inner one" wait_for "$DEADLINE" x client test -e /sys/class/net/wg0
check "all paths are up" all_up
x client nft delete table inet comps
check "the guard is put right" wait_for "$DEADLINE" x client nft list chain inet comps post
printf 'rule del pref %s\n' 10010 10020 | x client ip -batch -
check "and the rules" wait_for "$DEADLINE" eval 'x client ip rule | grep -q ^10020'
check "commands: pin, unpin, drain, enable" eval 'comps pin p1 && comps unpin && comps drain p2 && comps enable p2'
check "commands: policy" comps policy set random-interval interval=300ms min=50ms
check "commands: events, metrics of every path" eval 'comps events && comps status -j'
check "bad clients" x client "$e2e_build/tests/lab/crowd" /run/comps/comps.sock 50 1
check "reload: another policy, without a path" eval 'config "name: round-robin" && sed -i "/^  - name: p1\$/,+3d" "$conf" && comps reload'
check "reload: its interface goes" wait_for "$DEADLINE" is_gone wgnet1
echo "nonsense: [" >>"$conf"
check "reload: a broken file is refused" not comps reload
config "name: hold"
check "reload: the path is back" eval 'comps reload && all_up'
check "no leak" no_leak
stop_compsd TERM
check "SIGTERM: valgrind found nothing" found_nothing "$COMPSD_RC"
check "started again: it adopts what is there" under_valgrind
check "down" comps down
wait "$COMPSD"
check "down: valgrind found nothing" found_nothing $?
e2e_end
