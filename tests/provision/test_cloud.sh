#!/bin/bash
# The built `comps provision` against a cloud on loopback (do_server.py) that loses answers, refuses, lies and forgets; and against
# kill -9 at any moment. Waits are a fiftieth of what they are for users (COMPS_TEST_PACE).
# shellcheck disable=SC2317  # called through check

set -u
cd "$(dirname "$0")/../.." || exit 1
comps=$PWD/${BUILD:-build}/comps
server=$PWD/tests/provision/do_server.py
token=dop_v1_5ecre70000000000000000000000000000000000000000000000000000000000
number=0 failed=0
dir=$(mktemp -d)
mkdir "$dir/home" "$dir/logs"

plan() { echo "1..$number"; }
cleanup() {
	local pid
	for pid in ${server_pid:-} ${bait_pid:-}; do kill "$pid" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT

check() { # WHAT FUNCTION: a test; what it prints is shown where it fails
	number=$((number + 1))
	reset
	if "$2" >"$dir/said" 2>&1; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		sed 's/^/# /' "$dir/out" "$dir/err" "$dir/said" | tail -n 40
		failed=$((failed + 1))
	fi
	cat "$dir/said" "$dir/out" "$dir/err" >>"$dir/logs/all" 2>/dev/null
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.01
	done
}

command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
python3 "$server" "$dir/port" $token &
server_pid=$!
wait_for 20 test -s "$dir/port" || { echo "Bail out! the server does not start"; exit 1; }
base=http://127.0.0.1:$(<"$dir/port")
cloud_init=$(tests/provision/cloud_init.sh 2>"$dir/no_cloud_init") || cloud_init='' # HOME is another from here on
export HOME=$dir/home XDG_STATE_HOME=$dir/state DIGITALOCEAN_API_URL=$base DO_TOKEN=$token COMPS_TEST_PACE=0.02
unset DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN
ssh-keygen -q -t ed25519 -N '' -C me@here -f "$dir/key"

# --- tools ---

ask() { # METHOD PATH [JSON]
	local body=${3-}
	exec 3<>"/dev/tcp/127.0.0.1/${base##*:}"
	printf '%s /_test/%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#body}" "$body" >&3
	sed '1,/^\r$/d' <&3
	exec 3>&-
}
fault() { ask POST faults "$1"; }
cloud() { ask GET state | gojq -r "$1"; }
asked() { ask GET log | gojq -r "$1"; }
count() { # METHOD PATH-REGEX: requests so far
	asked "[.[] | select(.method == \"$1\" and (.path | test(\"$2\")))] | length"
}
is() { [[ $1 == "$2" ]] || { echo "is \"$1\", not \"$2\"${3:+ ($3)}"; return 1; }; }
says() { # FILE TEXT
	grep -qF -- "$2" "$dir/$1" || { echo "\"$2\" is not in $1"; return 1; }
}
run() { # STATUS ARGUMENTS...: runs comps provision
	local want=$1 got more=()
	shift
	# These servers are none that ssh could reach.
	case $1 in plan | apply | status) more=(--no-setup) ;; esac
	"$comps" provision "$@" "${more[@]}" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	cat "$dir/out" "$dir/err" >>"$dir/logs/all"
	is $got "$want" "exit status of provision $*"
}

reset() {
	ask DELETE reset >/dev/null
	rm -rf "$dir/state"
	: >"$dir/out"
	: >"$dir/err"
	cat >"$dir/net.yaml" <<-END
		network: lab
		token: \$DO_TOKEN
		admin_cidrs: [198.51.100.7/32]
		ssh: {key: $dir/key}
		vpns:
		  - {name: ams, region: ams3}
		  - {name: fra, region: fra1}
		comps:
		  - {name: exit, region: nyc1}
	END
}

f=$dir/net.yaml
one_each() { # exactly one server for each node
	is "$(cloud '[.droplets[].tags[] | select(startswith("comps:node:"))] | sort | join(" ")')" \
		"comps:node:lab:ams comps:node:lab:exit comps:node:lab:fra" "servers"
}
nothing_left() {
	is "$(cloud '[.droplets, .keys, .firewalls, .tags | length] | join(" ")')" "0 0 0 0" "droplets, keys, firewalls, tags" &&
		[[ ! -e $dir/state/comps/lab.json ]]
}
destroyed() { run 0 destroy "$f" --yes && nothing_left; }

# --- configuration ---

config_errors() {
	cat >"$f" <<-'END'
		netwrok: lab
		host_key-checking: false
		wireguard_subnet: 10.45.0.0/16
		vpns:
		  - {name: Ams_1, region: ams3}
		  - {name: fra}
		clients:
		  - {name: wgclient, region: nyc1}
	END
	run 1 validate "$f" && says err "$f:1:1: netwrok: unknown key; did you mean \"network\"?" &&
		says err "$f:2:20: host_key-checking: host keys are always checked" && says err "$f:3:19: wireguard_subnet:" &&
		says err "$f:5:12: vpns[0].name:" && says err "region is missing" && says err "clients is the old example's name"
}

original_config() {
	cat >"$f" <<-'END'
		host_key-checking: true
		token: $DO_TOKEN
		ssh_key_id: $SSH_KEY_ID
		wait_timeout: 500
		wireguard_subnet: 10.45.0
		wireguard_gateway_address: 10.45.0.2/32
		wireguard_port: 51820
		size: 1gb
		image: ubuntu-20-04-x64
		vpns:
		  - name: wgnet1
		    region: nyc3
		clients:
		  - name: wgclient
		    region: nyc1
	END
	ask POST key "{\"name\": \"mine\", \"public_key\": \"$(<"$dir/key.pub")\"}" >/dev/null
	run 0 validate "$f" && says err "1gb is an old name; s-1vcpu-1gb is taken" &&
		run 1 plan "$f" && says err 'environment variable $SSH_KEY_ID is not set' &&
		SSH_KEY_ID=$(cloud '.keys[0].id') run 0 apply "$f" --yes && is "$(cloud '.droplets | length')" 2 &&
		is "$(cloud '.droplets[0].size_slug')" s-1vcpu-1gb && is "$(count GET account/keys)" 0
}

secret_config() { # a token in the file makes the file a secret
	sed -i "s/^token:.*/token: $token/" "$f"
	chmod 644 "$f"
	run 1 validate "$f" && says err "run: chmod 600 $f" || return
	chmod 600 "$f"
	run 0 plan "$f"
}

bad_region() {
	sed -i 's/fra1/sfo1/' "$f"
	run 1 apply "$f" --yes && says err "$f:7:5: fra: region \"sfo1\" is not available; available: nyc1, nyc3" &&
		is "$(cloud .creations)" 0 && is "$(count POST .)" 0
}

insecure_url() {
	DIGITALOCEAN_API_URL=http://api.example.com run 1 plan "$f" && says err "would send the token unprotected"
}

example() {
	(cd "$dir" && run 0 init new.yaml && is "$(stat -c %a new.yaml)" 600 && run 1 init new.yaml && run 0 validate new.yaml)
}

manual() { # names every key
	local key
	for key in $(grep -ohE '\.name = "[^"]+"' provision/config*.c | cut -d'"' -f2); do
		grep -qF -- "$key" etc/man/comps-provision.1 || { echo "$key is not in the manual"; return 1; }
	done
}

options() { # the manual and the completion name every option of every command
	local verb option words
	# shellcheck source=etc/completion/comps.bash
	. etc/completion/comps.bash
	for verb in init validate plan apply status inventory destroy orphans; do
		words=(provision "$verb")
		for option in $("$comps" help provision $verb | sed -n 's/^  -., --\([a-z-]*\).*/\1/p' | grep -vxE 'help|version|socket'); do
			_comps_options | tr ' ' '\n' | grep -qFx -- "--$option" || { echo "$verb --$option is not completed"; return 1; }
			grep -qF -- "Fl Fl $option" etc/man/comps-provision.1 || { echo "$verb --$option is not in the manual"; return 1; }
		done
	done
}

# --- the whole way ---

whole_way() {
	run 2 plan "$f" --detailed-exitcode --output "$dir/plan" && is "$(gojq '.items | map(select(.action == "create")) | length' "$dir/plan")" 3 && is "$(count POST .)" 0 && says out "Plan: 3 to create" && says out '$0.027/h' &&
		run 0 apply "$f" --yes && one_each && run 0 status "$f" && run 0 plan "$f" -e && ask DELETE log && run 0 apply "$f" --yes &&
		says err "no changes" && is "$(asked '[.[] | select(.method != "GET")] | length')" 0 && destroyed
}

no_prompt() { # without a terminal nothing is asked, and nothing done
	run 1 apply "$f" && says err "give --yes" && is "$(count POST .)" 0 && run 0 apply "$f" --yes &&
		run 1 destroy "$f" && says err "give --yes" && one_each && run 0 destroy "$f" --dry-run && one_each
}

first_boot() { # each server has its own host key, and the state knows it
	local name key
	run 0 apply "$f" --yes || return
	for name in ams fra exit; do
		cloud ".droplets[] | select(.name == \"comps-lab-$name\") | .user_data" >"$dir/user_data"
		python3 - "$dir/user_data" >"$dir/host_key" <<-'END'
			import sys
			text = open(sys.argv[1]).read()
			text = text[text.index("    -----BEGIN"):text.index("  ed25519_public")]
			sys.stdout.write("".join(line[4:] + "\n" for line in text.splitlines()))
		END
		chmod 600 "$dir/host_key"
		key=$(ssh-keygen -y -f "$dir/host_key" | cut -d' ' -f1,2) || return
		is "$(gojq -r ".nodes[] | select(.name == \"$name\").host_key" "$dir/state/comps/lab.json")" "$key" || return
		grep -q "^  ed25519_public: $key" "$dir/user_data" || return
	done
	is "$(gojq -r '[.nodes[].host_key] | unique | length' "$dir/state/comps/lab.json")" 3 &&
		is "$(stat -c %a "$dir/state/comps/lab.json" "$dir/state/comps" | xargs)" "600 700" &&
		run 0 inventory "$f" && says out "host_key=\"$key\""
}

valid_for_cloud_init() { # FILE
	PYTHONPATH=$cloud_init/usr/lib/python3/dist-packages python3 "$cloud_init/usr/bin/cloud-init" schema --config-file "$1"
}
user_data() {
	run 0 apply "$f" --yes || return
	cloud '.droplets[0].user_data' >"$dir/user_data"
	valid_for_cloud_init "$dir/user_data" || return
	sed 's/^disable_root: false/disable_root: [maybe]/' "$dir/user_data" >"$dir/wrong"
	! valid_for_cloud_init "$dir/wrong"
}

firewalls() {
	local proxies exit
	run 0 apply "$f" --yes || return
	proxies=$(gojq -r '[.nodes[] | select(.role == "vpn") | .ip + "/32"] | sort | join(" ")' "$dir/state/comps/lab.json")
	exit=$(gojq -r '.nodes[] | select(.role == "comp") | .ip + "/32"' "$dir/state/comps/lab.json")
	rule() { cloud ".firewalls[] | select(.name == \"comps-lab-$1\") | .inbound_rules[] | select(.protocol == \"$2\") | .sources.addresses | sort | join(\" \")"; }
	is "$(rule comp udp)" "$proxies" && is "$(rule comp tcp)" "198.51.100.7/32" && is "$(rule vpn udp)" "0.0.0.0/0 ::/0" &&
		is "$(rule vpn tcp)" "$(printf '%s\n' 198.51.100.7/32 "$exit" | sort | xargs)" && is "$(cloud '.firewalls[0].outbound_rules | length')" 3
}

changed_config() { # one more, one less
	run 0 apply "$f" --yes || return
	sed -i 's/name: fra, region: fra1/name: sfo, region: sfo3/' "$f"
	run 4 status "$f" && says out "no longer in the configuration" && run 0 apply "$f" --yes && run 0 status "$f" &&
		is "$(cloud '[.droplets[].name] | sort | join(" ")')" "comps-lab-ams comps-lab-exit comps-lab-sfo"
}

only_one() {
	run 0 apply "$f" --yes --node fra && is "$(cloud '[.droplets[].name] | join(" ")')" comps-lab-fra && run 2 apply "$f" --yes --node x &&
		run 0 apply "$f" --yes && one_each && run 0 destroy "$f" --yes --node fra && is "$(cloud '.droplets | length')" 2 &&
		run 0 apply "$f" --yes && one_each
}

drift() {
	run 0 apply "$f" --yes || return
	sed -i 's/region: fra1/region: sfo3/' "$f"
	run 4 status "$f" && says out "! fra" && says out "to replace it: replace fra" && run 0 apply "$f" --yes && is "$(cloud .creations)" 3
}

lost_server() {
	run 0 apply "$f" --yes || return
	ask POST remove "{\"id\": $(cloud '.droplets[0].id')}" >/dev/null
	run 4 status "$f" && says out "is gone" && run 0 apply "$f" --yes && one_each && run 0 status "$f"
}

lost_state() { # everything is found again by its tags
	run 0 apply "$f" --yes || return
	rm -rf "$dir/state"
	run 0 orphans "$f" && is "$(grep -c "network lab" "$dir/out")" 3 && run 4 status "$f" && says out "adopt" &&
		run 0 apply "$f" --yes && one_each && is "$(cloud .creations)" 3 && run 0 status "$f" && run 0 orphans "$f" && is "$(<"$dir/out")" ""
}

foreign_key() { # a key of the user's own is used, and kept
	ask POST key "{\"name\": \"mine\", \"public_key\": \"$(<"$dir/key.pub")\"}" >/dev/null
	run 0 apply "$f" --yes && is "$(cloud '.keys | length')" 1 && run 0 destroy "$f" --yes && is "$(cloud '.keys[0].name')" mine
}

foreign_firewall() {
	ask POST firewall '{"name": "comps-lab-comp", "inbound_rules": [], "outbound_rules": [], "tags": []}' >/dev/null
	run 1 apply "$f" --yes && says err "is not of this network" && is "$(cloud .creations)" 0
}

firewall_pending() { # it is waited for until it holds, and said where it cannot
	ask POST set '{"pending_s": 0.5}' >/dev/null
	run 0 apply "$f" --yes && is "$(cloud '[.firewalls[].status] | unique | join(" ")')" succeeded || return
	ask POST set '{"pending_s": 0.2, "pending_end": "failed"}' >/dev/null
	sed -i 's/198.51.100.7/198.51.100.8/' "$f"
	run 1 apply "$f" --yes && says err "the provider could not apply it"
}

account_locked() {
	ask POST account '{"status": "locked", "status_message": "pay first"}'
	run 1 plan "$f" && says err "the account is locked: pay first"
}

# --- a cloud that fails ---

heals() { # FAULTS [POSTS]: apply ends well in spite of them, and nothing is made twice
	fault "$1"
	run 0 apply "$f" --yes && one_each && is "$(cloud .creations)" 3 creations && { [[ -z ${2-} ]] || is "$(count POST droplets)" "$2" POSTs; } &&
		run 0 status "$f" && destroyed
}
post='"method": "POST", "path": "/v2/droplets"'
list='"method": "GET", "path": "/v2/droplets"'

answer_dropped() { heals "[{$post, \"fault\": \"drop_after\", \"times\": 2}]" 3; }
request_dropped() { heals "[{$post, \"fault\": \"drop_before\"}]" 4; }
answer_truncated() { heals "[{$post, \"fault\": \"truncate\"}]" 3; }
answer_html() { heals "[{$post, \"fault\": \"html\", \"code\": 202}]" 3; }
answer_huge() { heals "[{$post, \"fault\": \"huge\"}]" 3; }
answer_deep() { heals "[{$post, \"fault\": \"deep\"}]" 3; }
server_error() { heals "[{$post, \"fault\": \"status\", \"code\": 502, \"times\": 2}]" 5; }
error_but_done() { heals "[{$post, \"fault\": \"html\", \"code\": 504}]" 3; }
all_lists_fail() {
	heals "[{$list, \"fault\": \"drop_before\"}, {$list, \"fault\": \"html\"}, {$list, \"fault\": \"truncate\"},
		{$list, \"fault\": \"huge\"}, {$list, \"fault\": \"deep\"}, {\"fault\": \"status\", \"code\": 503, \"skip\": 9}]"
}
not_listed_yet() {
	ask POST set '{"hide_s": 0.8}' >/dev/null
	heals "[{$post, \"fault\": \"hide\", \"times\": 3}]" 3
}
try_again() {
	heals "[{$post, \"fault\": \"status\", \"code\": 422, \"body\": {\"id\": \"x\", \"message\": \"Failed to resolve. Please try again.\"}}]" 4
}
rate_limited() {
	heals "[{$post, \"fault\": \"status\", \"code\": 429, \"headers\": {\"Retry-After\": \"7\"}, \"body\": {\"message\": \"Too many requests\"}},
		{\"method\": \"GET\", \"fault\": \"status\", \"code\": 429, \"times\": 2, \"body\": {\"message\": \"API Rate limit exceeded\"}}]" 4 || return
	grep -qF "Too many requests; once more in 7" "$dir/logs/all"
}
rate_limit_reset() {
	heals "[{\"fault\": \"status\", \"code\": 429, \"headers\": {\"ratelimit-reset\": \"$(($(date +%s) + 20))\"}}]" 3 || return
	grep -qE "once more in (19|20)\." "$dir/logs/all"
}
firewall_dropped() { heals '[{"method": "POST", "path": "firewalls", "fault": "drop_after", "times": 2}]' 3; }
key_dropped() { heals '[{"method": "POST", "path": "keys", "fault": "drop_after"}]' 3; }
tag_dropped() { heals '[{"method": "POST", "path": "tags", "fault": "drop_after", "times": 2}, {"method": "PUT", "path": "firewalls", "fault": "drop_after"}]' 3; }

making_failed() { # after it was accepted
	fault "[{$post, \"fault\": \"async_fail\", \"skip\": 1}]"
	run 3 apply "$f" --yes && says err "fra: failed: the provider accepted it, but could not make it" && says err "comps provision destroy" &&
		is "$(cloud '.droplets | length')" 2 && run 0 apply "$f" --yes && one_each && run 0 status "$f"
}

made_twice() { # by the cloud
	fault "[{$post, \"fault\": \"duplicate\"}]"
	run 0 apply "$f" --yes && is "$(cloud '.droplets | length')" 4 && run 4 status "$f" && says out "a second server for this node" &&
		run 0 apply "$f" --yes && one_each && run 0 status "$f" && is "$(cloud .creations)" 4
}

foreign_link() { # a list that points elsewhere: the token does not go there
	python3 "$server" "$dir/bait" other &
	bait_pid=$!
	wait_for 20 test -s "$dir/bait" || return
	fault "[{\"method\": \"GET\", \"fault\": \"foreign_next\", \"times\": 20, \"url\": \"http://127.0.0.1:$(<"$dir/bait")/v2/droplets?page=2\"}]"
	run 0 plan "$f" || return
	ask DELETE faults >/dev/null
	fault "[{$list, \"fault\": \"status\", \"code\": 302, \"headers\": {\"Location\": \"http://127.0.0.1:$(<"$dir/bait")/x\"}}]"
	run 1 plan "$f" && says err "302" && is "$(base=http://127.0.0.1:$(<"$dir/bait") asked length)" 0
}

token_refused() {
	DO_TOKEN=wrong run 1 apply "$f" --yes && says err "the token is not accepted" && is "$(asked length)" 1
}

scope_missing() {
	fault "[{$post, \"fault\": \"status\", \"code\": 403, \"body\": {\"id\": \"forbidden\", \"message\": \"missing the required permission droplet:create\"}}]"
	run 1 apply "$f" --yes && says err "missing the required permission droplet:create" && is "$(count POST droplets)" 1 && destroyed
}

request_refused() { # one node fails, the others are made
	fault "[{$post, \"fault\": \"status\", \"code\": 422, \"body\": {\"id\": \"x\", \"message\": \"no capacity\", \"request_id\": \"r-77\"}}]"
	run 3 apply "$f" --yes && says err "ams: failed: POST /v2/droplets: 422 no capacity (request r-77)" && is "$(cloud .creations)" 2 &&
		run 0 apply "$f" --yes && one_each
}

no_server() {
	DIGITALOCEAN_API_URL=http://127.0.0.1:1 run 1 plan "$f" && says err "the API cannot be reached"
}

deletion_lost() { # asked again after a minute, not before
	run 0 apply "$f" --yes || return
	fault '[{"method": "DELETE", "path": "/v2/droplets", "fault": "delete_lost"}]'
	destroyed && is "$(count DELETE /v2/droplets)" 4
}

deletion_dropped() {
	run 0 apply "$f" --yes || return
	fault '[{"method": "DELETE", "fault": "drop_after", "times": 3}, {"method": "GET", "fault": "html", "code": 500, "times": 2}]'
	destroyed && is "$(count DELETE /v2/droplets)" 3
}

still_booting() { # a deletion would be lost while a server is new
	ask POST set '{"boot_s": 0.6}' >/dev/null
	"$comps" provision apply "$f" --yes --no-setup >/dev/null 2>&1 </dev/null &
	wait_for 10 all_asked && kill -9 $! && wait $! 2>/dev/null
	destroyed && is "$(count DELETE /v2/droplets)" 3
}
all_asked() { [[ $(cloud .creations) == 3 ]]; }

# --- stopped and killed ---

begun() { [[ $(cloud .creations) -ge 1 ]]; }

interrupted() {
	ask POST set '{"boot_s": 2}' >/dev/null
	"$comps" provision apply "$f" --yes --no-setup >"$dir/out" 2>"$dir/err" </dev/null &
	local pid=$!
	wait_for 10 begun && kill -INT $pid
	wait $pid
	is $? 130 && says err "running now" && says err "to delete all of it" && run 0 apply "$f" --yes && one_each && is "$(cloud .creations)" 3
}

interrupted_twice() { # the second time no answer is waited for
	fault "[{$list, \"fault\": \"slow\", \"seconds\": 20}]"
	env --default-signal=INT "$comps" provision apply "$f" --yes --no-setup >"$dir/out" 2>"$dir/err" </dev/null &
	local pid=$! begun=$SECONDS
	wait_for 10 waits
	kill -INT $pid
	wait_for 10 listens $pid && kill -INT $pid
	wait $pid
	is $? 130 && ((SECONDS - begun < 10))
}
waits() { [[ $(cloud .slow) == 1 ]]; }
listens() { # the first one has been seen: SIGINT is not blocked any more
	(((0x$(awk '$1 == "SigBlk:" { print $2 }' "/proc/$1/status") & 2) == 0))
}

locked() {
	ask POST set '{"boot_s": 2}' >/dev/null
	"$comps" provision apply "$f" --yes --no-setup >/dev/null 2>&1 </dev/null &
	local pid=$!
	wait_for 10 begun && run 1 apply "$f" --yes && says err "is held by another comps (process $pid)" && run 4 status "$f"
	local rc=$?
	wait $pid && return $rc
}

kill_apply_after() { # SECONDS
	"$comps" provision apply "$f" --yes --no-setup >>"$dir/logs/all" 2>&1 </dev/null &
	sleep "$1"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	[[ ! -e $dir/state/comps/lab.json ]] || gojq -e ".version" "$dir/state/comps/lab.json" >/dev/null
}

killed() { # forty times, at moments spread over the whole run, with answers lost beside
	local i
	for ((i = 0; i < 40; i++)); do
		((i % 10)) || { "$comps" provision destroy "$f" --yes >/dev/null 2>&1 </dev/null && ask DELETE reset >/dev/null &&
			fault "[{$post, \"fault\": \"drop_after\", \"skip\": $((i / 10 % 3))}]" && ask POST set '{"boot_s": 0.3}' >/dev/null; }
		kill_apply_after 0.$((RANDOM % 5))$((RANDOM % 10)) || { echo "a damaged state"; return 1; }
		((i % 10 == 9)) || continue
		run 0 apply "$f" --yes && one_each && is "$(cloud .creations)" 3 "creations of round $i" && run 0 status "$f" || return
	done
	for ((i = 0; i < 6; i++)); do
		"$comps" provision destroy "$f" --yes >/dev/null 2>&1 </dev/null &
		sleep 0.$((RANDOM % 2))$((RANDOM % 10))
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
	done
	destroyed
}

# --- many, and secrets ---

many() { # the most proxies there can be, and the exit
	local i polls
	sed -i '/vpns:/,/comps:/{/- /d}' "$f"
	for ((i = 0; i < 95; i++)); do sed -i "/^comps:/i\\  - {name: n$i, region: ams3}" "$f"; done
	ask POST set '{"boot_s": 0.5}' >/dev/null
	run 0 apply "$f" --yes --json && is "$(cloud '.droplets | length')" 96 && polls=$(gojq -r 'select(.event == "summary").polls' "$dir/out") &&
		is "$(count GET '/v2/droplets[?]')" $((polls + 2)) "lists; $polls polls" && is "$(count GET /v2/droplets/)" 0 &&
		((polls >= 2)) && run 0 status "$f" && destroyed
}

events() { # one JSON object per line
	run 0 apply "$f" --yes --json && is "$(gojq -s 'length > 8 and all(.[]; has("event"))' "$dir/out")" true &&
		is "$(gojq -s '[.[] | select(.event == "node.create.done") | has("ts") and has("level") and has("id") and has("ip") and has("elapsed_ms")] | length == 3 and all' "$dir/out")" true &&
		is "$(gojq -r 'select(.event == "summary") | .ok' "$dir/out")" true && run 0 plan "$f" --json && gojq -e '.changes == false' "$dir/out" >/dev/null
}

token_file() {
	echo $token >"$dir/token"
	chmod 644 "$dir/token"
	DO_TOKEN='' run 1 plan "$f" --token-file "$dir/token" && says err "chmod 600" || return
	chmod 600 "$dir/token"
	DO_TOKEN='' run 0 plan "$f" --token-file "$dir/token"
}

installed() {
	make -s install BUILD="${comps%/comps}" DESTDIR="$dir/installed" >/dev/null || return
	local comps=$dir/installed/usr/local/bin/comps
	run 0 init "$dir/installed.yaml" && run 0 validate "$dir/installed.yaml" &&
		rm "$dir/installed/usr/local/libexec/comps/comps-provision" &&
		run 1 validate "$dir/installed.yaml" && says err 'cannot run comps-provision, which `make install` places'
}
secrets() { # neither the token nor a private key is in anything that was printed or kept
	run 0 apply "$f" --yes --json || return
	ask POST set '{"boot_s": 1}' >/dev/null
	run 0 destroy "$f" --yes
	"$comps" provision apply "$f" --yes --no-setup >/dev/null 2>&1 </dev/null &
	local pid=$!
	wait_for 10 begun
	! grep -aqF "$token" /proc/$pid/cmdline
	is $? 0 && wait $pid && ! grep -rqF "$token" "$dir/state" "$dir/logs" "$dir/out" "$dir/err" &&
		! grep -rqE 'PRIVATE KEY|b3BlbnNzaC1rZXk' "$dir/state" "$dir/logs" "$dir/out"
}

check 'a configuration is refused with all its errors at once' config_errors
check "the original's config.cfg is taken as it is" original_config
check 'a token in a file that others may read is refused' secret_config
check 'a region that is not available is named before anything is made' bad_region
check 'the token is never sent over an unprotected connection' insecure_url
check 'init writes an example that is valid, and never overwrites' example
check 'the manual names every key' manual
check 'the manual and the completion name every option' options
check 'plan, apply, status, apply again without a change, destroy' whole_way
check 'without a terminal and --yes nothing is asked or done' no_prompt
check 'every server boots with its own host key, which the state knows' first_boot
if [[ $cloud_init ]]; then
	check "first-boot data are as cloud-init's schema wants them" user_data
else
	number=$((number + 1))
	echo "ok $number - first-boot data are as cloud-init's schema wants them # SKIP $(tail -n 1 "$dir/no_cloud_init")"
fi
check 'firewalls let in what they must' firewalls
check 'a changed configuration makes and deletes servers' changed_config
check 'one server alone can be made and deleted' only_one
check 'a server that differs is shown and left alone' drift
check 'a server that was deleted behind our back is made again' lost_server
check 'with a lost state everything is adopted by its tags' lost_state
check "the user's own ssh key is adopted, and kept" foreign_key
check 'a firewall of the same name that is not ours stops it' foreign_firewall
check 'firewalls are waited for until they hold' firewall_pending
check 'a locked account is said to be locked' account_locked
check 'fault: the answer to a creation is lost' answer_dropped
check 'fault: a creation is lost' request_dropped
check 'fault: the answer is cut off' answer_truncated
check 'fault: HTML in place of JSON' answer_html
check 'fault: an answer of 9 MiB' answer_huge
check 'fault: JSON of 100000 levels' answer_deep
check 'fault: 502, and nothing was done' server_error
check 'fault: 504, and it was done' error_but_done
check 'fault: lists in every way' all_lists_fail
check 'fault: a server is not listed right after its creation' not_listed_yet
check 'fault: "please try again"' try_again
check 'fault: 429 with and without retry-after' rate_limited
check 'fault: 429 with the time of its end' rate_limit_reset
check 'fault: the answer to a firewall is lost' firewall_dropped
check 'fault: the answer to a key is lost' key_dropped
check 'fault: answers to tags and rules are lost' tag_dropped
check 'fault: a creation fails after it was accepted' making_failed
check 'fault: two servers are made for one node' made_twice
check 'fault: links and redirects to another host are not followed' foreign_link
check 'fault: the token is refused: one request, no more' token_refused
check 'fault: a permission is missing: it is named' scope_missing
check 'fault: one creation is refused: the others are made' request_refused
check 'fault: nobody listens' no_server
check 'fault: a deletion is lost: asked again after a minute' deletion_lost
check 'fault: answers to deletions are lost' deletion_dropped
check 'a server that is still booting is deleted once, when it can be' still_booting
check 'Ctrl-C stops it, and apply goes on' interrupted
check 'Ctrl-C twice ends it at once' interrupted_twice
check 'two at once: the second is refused, reading goes on' locked
check 'kill -9 at any moment: nothing is doubled, nothing lost' killed
check '96 servers are watched with one list request per poll' many
check 'events are JSON, one object per line' events
check 'the token comes from a file that others cannot read' token_file
check 'installed, comps finds the program that provisions, or says what is missing' installed
check 'no secret is in arguments, logs, plans or the state' secrets
plan
exit $((failed > 0))
