#!/bin/bash
# The page of `comps report`, in a real browser: of a recorded run, of replayed policies, of a million probes.
# shellcheck disable=SC2016,SC2317  # the page's script has its own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
# shellcheck source=tests/pages/browser.sh
. "${0%/*}/browser.sh"
command -v chromedriver >/dev/null || {
	echo "1..0 # SKIP no chromedriver"
	exit 0
}
e2e_begin report
trap 'browser_stop; e2e_cleanup' EXIT

trace=$RUN/trace.db page=$RUN/report.html shots=$e2e_build/report
mkdir -p "$shots"
local_comps() { x client "$e2e_build/comps" "$@"; }
open_page() { # WIDTH HEIGHT [light|dark]
	browser_stop
	browser_start "$@" && browser_open "file://$page"
}
page_holds() { # SCRIPT: the page says true
	browser_js "$1" | tee /dev/stderr | grep -qx true
}
no_error() { [[ -z $(browser_log browser | tee /dev/stderr) ]]; }
no_request() { [[ -z $(browser_requests | tee /dev/stderr) ]]; }
fits() { page_holds 'return document.documentElement.scrollWidth <= window.innerWidth'; }
looks_right() { # NAME: no errors, nothing from the network, as wide as the window; and a picture for people
	no_error && no_request && fits && browser_screenshot "$shots/$1.png"
}
# The pointer in the middle of the first plot.
hover() {
	local at
	browser_js 'document.querySelector(".plot").scrollIntoView({block: "center"})' >/dev/null
	at=$(browser_js 'const r = document.querySelector(".plot").getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2].map(Math.round)' | gojq -c .)
	browser_hover_at "$(gojq '.[0]' <<<"$at")" "$(gojq '.[1]' <<<"$at")"
}
said() { browser_js 'return document.querySelector(".said").textContent'; }

# ---- a recorded run ----

check "lab" e2e_lab
lab serve
config $'name: random-interval\ninterval: 300ms\nmin: 50ms' "probe: {interval: 100ms}
trace: {file: $trace}"
check "compsd starts, all paths are up" start_ready
check "traffic" flow_start load udp-both --pps 200 inet
check "it migrates" wait_status "$DEADLINE" '.migrations.total >= 12'
lab kill_proxy 1
check "a path dies" wait_status "$DEADLINE" '.paths[0].state == "down"'
check "it goes on" wait_status "$DEADLINE" '.migrations.total >= 24'
check "traffic ends" flow_stop load .
stop_compsd
check "a page of it" local_comps report "$trace" -o "$page"
check "for its owner only" test "$(x client stat -c %a "$page")" = 600
check "the browser opens it" open_page 1400 2000
check "it has its plots" page_holds 'return document.querySelectorAll(".plot canvas").length >= 4'
check "its histogram and its matrix" page_holds 'return document.querySelectorAll("svg rect.bar").length > 1 && document.querySelectorAll(".matrix tbody tr").length == 3'
check "its tiles" page_holds 'return [...document.querySelectorAll(".tile")].some(t => /probes/.test(t.textContent)) && !/NaN|undefined|Infinity/.test(main.innerText)'
check "the plots are not empty" page_holds 'const c = document.querySelectorAll(".plot canvas")[1]; return [...document.querySelectorAll(".plot canvas")].some(c => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(x => x))'
hover
check "pointed at, it says which path was in use and why" wait_for 10 eval 'said | grep -Eq "in use: p[123] \((random|failover|start)"'
check "no errors, no network, not too wide" looks_right wide
check "on a small dark screen" open_page 400 800 dark
check "... as well" looks_right small-dark
check "... which is dark" page_holds 'return getComputedStyle(document.body).backgroundColor == "rgb(20, 24, 31)"'

# ---- policies side by side ----

local_comps replay --json --exposure --seeds 2 -p latency-best -p hold -p random-interval,interval=250ms..2s*2,min=50ms -p round-robin,interval=1s \
	"$trace" >"$RUN/replay.jsonl"
check "a page of policies and the run" local_comps report "$RUN/replay.jsonl" "$trace" -o "$page"
check "the browser opens it" open_page 1400 2600
check "a row for each policy" page_holds 'return [...document.querySelectorAll("h2")].some(h => h.textContent == "Policies side by side") && document.querySelectorAll("section:last-of-type table tbody tr").length == 7'
check "the best ones are marked" page_holds 'return document.querySelectorAll("tr.front").length >= 1 && document.querySelectorAll("polyline.front").length == 1'
check "a dot says what it is" page_holds 'return /latency-best: .* (ms|s), /.test([...document.querySelectorAll("circle title")].map(t => t.textContent).join("\n"))'
check "other axes can be chosen" page_holds 'const s = document.querySelectorAll("select")[1]; s.value = "dwell_mean_s"; s.onchange(); return [...document.querySelectorAll("svg text")].some(t => t.textContent == "mean stay")'
check "no errors, no network, not too wide" looks_right policies

# ---- a million probes, and names that would break out ----

check "a million probes" local_comps trace import <(awk 'BEGIN { print "time,path,rtt"
	for (i = 0; i < 250000; i++) for (p = 0; p < 4; p++)
		printf "%d.%d,</script><img src=x onerror=alert(%d)>,%s\n", i, p, p, i % 50 == p ? "" : 0.01 * (p + 1) + 0.00001 * (i % 700) }') "$RUN/million.db"
check "a page of them" local_comps report "$RUN/million.db" -o "$page"
check "is no larger for it" test "$(x client stat -c %s "$page")" -lt 1500000
check "the browser opens it" open_page 1000 900
check "it has its plots" page_holds 'return document.querySelectorAll(".plot canvas").length >= 4'
check "names are text" page_holds 'return document.querySelectorAll("img").length == 0 && document.body.textContent.includes("<img src=x")'
check "no errors, no network, not too wide" looks_right million

# ---- what is refused ----

echo '{"policy": "x"' >"$RUN/cut.jsonl"
echo '{"some": "thing"}' >"$RUN/other.jsonl"
: >"$RUN/empty"
cp "$page" "$RUN/before"
check "a line that is cut" says 1 'cut.jsonl:1: ' local_comps report "$RUN/cut.jsonl" -o "$page"
check "something else" says 1 'other.jsonl:1: is no line of comps replay --json' local_comps report "$RUN/other.jsonl" -o "$page"
check "nothing" says 1 'empty: is empty' local_comps report "$RUN/empty" -o "$page"
check "no file" says 1 'nowhere: No such file' local_comps report "$RUN/nowhere" -o "$page"
check "no place to write to" says 1 'nowhere/x.html: No such file' local_comps report "$trace" -o "$RUN/nowhere/x.html"
check "no -o" says 2 'say where to' local_comps report "$trace"
check "the page from before is untouched" cmp "$page" "$RUN/before"
e2e_end
