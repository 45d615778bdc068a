# shellcheck shell=bash
# A headless Chromium, driven over the WebDriver protocol (w3.org/TR/webdriver2). Source this file; then browser_start,
# browser_open, browser_js and so on. Everything ends with browser_stop.

browser_start() { # WIDTH HEIGHT [light|dark]
	local port caps
	browser_dir=$(mktemp -d)
	chromedriver --port=0 >"$browser_dir/driver.log" 2>&1 &
	browser_pid=$!
	wait_for 30 grep -q 'successfully on port [0-9]' "$browser_dir/driver.log" || return
	port=$(sed -n 's/.*successfully on port \([0-9]*\).*/\1/p' "$browser_dir/driver.log")
	browser_url=http://127.0.0.1:$port
	caps=$(gojq -n --arg size "--window-size=$1,$2" --arg dir "--user-data-dir=$browser_dir/profile" --arg scheme "${3:-light}" '
		{capabilities: {alwaysMatch: {
			"goog:loggingPrefs": {browser: "ALL", performance: "ALL"},
			"goog:chromeOptions": {args: (["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", $size, $dir]
				+ (if $scheme == "dark" then ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] else [] end))}}}}')
	browser_session=$(browser_send POST /session "$caps" | gojq -r .value.sessionId)
	[[ -n $browser_session && $browser_session != null ]] || return
	browser_session=/session/$browser_session
}

browser_send() { # METHOD PATH [BODY]
	curl -s --max-time 120 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$browser_url$2"
}

browser_open() { browser_send POST "$browser_session/url" "$(gojq -n --arg url "$1" '{url: $url}')" >/dev/null; }

browser_js() { # SCRIPT: prints what it returns, as JSON
	browser_send POST "$browser_session/execute/sync" "$(gojq -n --arg script "$1" '{script: $script, args: []}')" | gojq .value
}

browser_click_at() { browser_pointer "$1" "$2" '{type: "pointerDown", button: 0}, {type: "pointerUp", button: 0}'; }
browser_hover_at() { browser_pointer "$1" "$2" ''; }

browser_pointer() { # X Y ACTIONS: in the window's coordinates
	local more=$3
	browser_send POST "$browser_session/actions" "$(gojq -n --argjson x "$1" --argjson y "$2" \
		"{actions: [{type: \"pointer\", id: \"mouse\", actions: [{type: \"pointerMove\", x: \$x, y: \$y, duration: 0}${more:+, $more}]}]}")" >/dev/null
}

browser_log() { # browser|performance: what it logged since the last time, one JSON object per line
	browser_send POST "$browser_session/se/log" "$(gojq -n --arg type "$1" '{type: $type}')" | gojq -c '.value[]'
}

# Everything that was asked for over the network: files and data are not.
browser_requests() {
	browser_log performance | gojq -r '.message | fromjson | .message | select(.method == "Network.requestWillBeSent") | .params.request.url' |
		grep -v '^\(file\|data\|chrome\|about\):'
}

browser_screenshot() { browser_send GET "$browser_session/screenshot" | gojq -r .value | base64 -d >"$1"; }

browser_stop() {
	[[ -z ${browser_pid:-} ]] || {
		browser_send DELETE "$browser_session" >/dev/null
		kill "$browser_pid"
		wait "$browser_pid"
	} 2>/dev/null
	browser_pid=
	rm -rf "${browser_dir:-}"
}
