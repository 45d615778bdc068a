#!/bin/bash
# The client's bundle: `comps provision apply` writes it; its container is built and run as docker-compose.yml says, carries a second
# container's traffic through the tunnels of real hosts and migrates by itself; and so does compsd without a container.
# shellcheck disable=SC2016,SC2317  # python and awk have their own $; called through check

# shellcheck source=tests/lab/e2e.sh
. "${0%/*}/../lab/e2e.sh"
for tool in systemd-nspawn wireguard-go sshd ssh python3 docker-compose; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
[[ -x /lib/systemd/systemd ]] || skip_all "no systemd"
e2e_begin bundle
# shellcheck source=tests/hosts/hosts.sh
. "${0%/*}/hosts.sh"
# shellcheck source=tests/hosts/podman.sh
. "${0%/*}/podman.sh"

declare -A AT=([ams]=203.0.4.11 [fra]=203.0.4.12 [exit]=203.0.4.20)
box=203.0.4.31 bare=203.0.4.32
app=$RUN/app bundle=$RUN/app/wg_client_generated
finish() {
	pod rm -f -t 0 -a
	off
} >/dev/null 2>&1
trap finish EXIT

# ---- the servers ----

prepare_files() {
	local name
	mkdir -p "$app" "$RUN/state" && ssh-keygen -q -t ed25519 -N '' -f "$RUN/key" || return
	for name in "${!AT[@]}"; do
		mkdir -p "$RUN/$name.first" && ssh-keygen -q -t ed25519 -N '' -C '' -f "$RUN/$name.first/key" || return
	done
	printf '[vpn]\nams ansible_host=%s\nfra ansible_host=%s\n[comp]\nexit ansible_host=%s\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\n' \
		"${AT[ams]}" "${AT[fra]}" "${AT[exit]}" "$RUN/key" >"$RUN/hosts"
}
provision() { # ARGUMENTS...
	ns client unshare --mount bash -c 'mount -t tmpfs home /root && cd "$1/app" && exec env -i PATH="$2" HOME=/root XDG_STATE_HOME="$1/state" "${@:3}"' \
		sh "$RUN" "$PATH" "$e2e_build/comps" provision "$@" --inventory "$RUN/hosts" </dev/null
}
up() { runs "$1" && h "$1" systemctl is-active ssh; }
# What the client sends past its tunnels, and names that are looked up from anywhere else than the exit.
watch_leaks() {
	ns net ip addr add 9.9.9.9/32 dev lo && ns net nft -f - <<-END
		table inet watch {
			counter past { }
			counter names_past { }
			counter names { }
			chain c {
				type filter hook prerouting priority -300;
				ip saddr { $box, $bare } ip daddr { 198.51.100.1, 9.9.9.9 } counter name past
				ip saddr != ${AT[exit]} udp dport 53 counter name names_past
				ip saddr ${AT[exit]} udp dport 53 counter name names
			}
		}
	END
}
seen() { ns net nft -j list counter inet watch "$1" | gojq '.nftables[] | .counter.packets // empty'; }
# Tells whoever asks from where he comes.
mirror() {
	ns net python3 -c '
import socketserver
class Mirror(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.client_address[0].encode() + b"\n")
socketserver.TCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("198.51.100.1", 80), Mirror).serve_forever()' 9>&- &
	BOOT[mirror]=$!
	ns net "$flow" serve -d -p 9000 9>&-
}

# ---- the bundle ----

modes() { # what is not for its owner alone
	local open
	open=$(cd "$bundle" && find . ! -name compsd ! -name comps -perm /077 -printf '%p ' | xargs -n 1 | sort | xargs)
	same "$open" "./.comps-bundle ./.dockerignore ./.gitignore ./Dockerfile ./README.md ./docker-compose.yml ./run" && [[ $(stat -c %a "$bundle") = 700 ]]
}
compose() { (cd "$1" && HOME=$RUN docker-compose "${@:2}"); }
unchanged() { # a second one is the same, but for its place
	provision bundle -o again >/dev/null 2>&1 && diff -r "$bundle" "$app/again"
}
context() { # What the builder would be sent
	printf 'FROM %s\nCOPY . /context\nRUN find /context -type f | sort | xargs echo context:\n' $podman_base >"$RUN/Context"
	pod build --isolation=chroot -f "$RUN/Context" "$bundle" | grep '^context:' >"$RUN/context"
	cat "$RUN/context"
	same "$(<"$RUN/context")" "context: /context/comps /context/compsd"
}

# ---- the container ----

run_container() { # DIR
	local args
	compose "$1" config >"$RUN/compose.yml" && mapfile -t args < <("$tree/tests/hosts/compose_args.py" "$RUN/compose.yml" wgclient) &&
		((${#args[@]} > 10)) && pod run -d --network "ns:/run/netns/$P-box" "${args[@]}"
}
healthy() { pod healthcheck run wgclient; }
in_box() { pod exec wgclient "$@"; }
comps_says() { in_box comps status -j | holds "$1"; }
# Another container in its network, as `network_mode: "service:wgclient"` makes one: with what the image has.
application() { pod run --rm --network container:wgclient --cap-drop ALL --entrypoint "$1" localhost/comps-client "${@:2}"; }
comes_from_exit() { same "$(application bash -c 'cat </dev/tcp/198.51.100.1/80')" "${AT[exit]}"; }
asks_through() { # a name is looked up
	application timeout 3 getent hosts name.example
	in_box cat /etc/resolv.conf
	(($(seen names) > 0 && $(seen names_past) == 0))
}
capabilities() { # MASK: of compsd, and of whatever runs there
	local pid
	for pid in $(ip netns pids "$P-box"); do
		grep -H '^Cap[EPBI]' "/proc/$pid/status"
		[[ $(sed -n 's/^CapBnd:\t0*//p' "/proc/$pid/status") = "$1" && $(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status") = 1 ]] || return
	done
	in_box sh -c 'grep -l "^Name:.compsd$" /proc/[0-9]*/status | xargs sed -n "s/^CapEff:.0*//p"' | grep -qx 3000
}
no_zombies() { ! in_box sh -c 'grep -h "^State:.Z" /proc/[0-9]*/status'; }
# Whoever shares its network stays in it, without a way out.
closed() {
	pod kill -s KILL wgclient && wait_for 10 eval '! ip netns pids "$P-box" | grep -q .' || return
	! ns box timeout 3 bash -c 'cat </dev/tcp/198.51.100.1/80' && same "$(seen past)" 0
}
started_again() { pod start wgclient && wait_for 30 healthy && comes_from_exit; }
stopped() { # in good time, and by itself
	local start=$SECONDS
	pod stop wgclient && ((SECONDS - start < 8)) && same "$(pod inspect wgclient --format '{{.State.ExitCode}}')" 0
}
users_bundle() { # The same, written by somebody else than root: as with Docker's group
	mkdir "$RUN/user" && cp -r "$RUN/state" "$RUN/hosts" "$RUN/user" && chown -R 12345:12345 "$RUN/user" && chmod 711 "$RUN" || return
	setpriv --reuid=12345 --regid=12345 --clear-groups env -i -C "$RUN/user" PATH="$PATH" HOME="$RUN/user" XDG_STATE_HOME="$RUN/user/state" \
		"$e2e_build/comps" provision bundle --inventory hosts </dev/null && [[ $(stat -c %u "$RUN/user/wg_client_generated/comps.yaml") = 12345 ]]
}

# ---- without one ----

bare_on() {
	nsenter --net="/run/netns/$P-bare" unshare --mount --propagation slave sh -c 'cd "$0" && mkdir -p /run/comps /run/wireguard && mount -t tmpfs run /run/comps &&
		mount -t tmpfs run /run/wireguard && exec "$1" -c wg_client_generated/comps.yaml' "$app" "$compsd" </dev/null >"$RUN/compsd.log" 2>&1 9>&- &
	BOOT[bare]=$!
	wait_for 30 bare_says '.active != null and all(.paths[]; .state == "up")'
}
bare() { nsenter -t "${BOOT[bare]}" --mount --net -- "$@"; }
bare_says() { bare "$e2e_build/comps" status -j | holds "$1"; }

# ---- ----

check "network" network
for name in box bare; do
	IP[$name]=${!name}
	check "... with a $name" at_bridge $name "${!name}"
done
check "keys" prepare_files
for name in ams fra exit; do check "$name boots" boot_at $name "${AT[$name]}"; done
image=
if ! command -v podman >/dev/null; then
	no_image="no podman"
elif ! podman_on >"$RUN/podman.log" 2>&1; then
	no_image="podman does not work here: $(tail -n 1 "$RUN/podman.log")"
elif ! podman_debian >"$RUN/podman.log" 2>&1; then
	no_image="no base image: $(tail -n 1 "$RUN/podman.log")"
else
	image=yes
fi
for name in ams fra exit; do check "$name runs" wait_for 60 up $name; done
check "the internet" mirror
check "... is watched" watch_leaks
check "bundle: what to do first" says 1 'comps provision apply --inventory' provision bundle
check "apply sets the servers up, and writes the client" says 0 'the client is in wg_client_generated: the exit and 2 paths' provision apply --yes --accept-new-host-keys
check "its files are for their owner only" modes
check "apply again: the same" says 0 'the client is in wg_client_generated' provision apply --yes
check "bundle -o: the same elsewhere" unchanged
check "bundle --json" prints '.event == "bundle" and .directory == "again" and (.files | index("wg/ams.conf")) and .edited == {}' provision bundle -o again --json
check "a folder that is not ours is left alone" eval 'mkdir "$app/mine" && touch "$app/mine/file" && says 1 "was not made by comps provision" provision bundle -o mine && ls "$app/mine/file"'
check "comps check" says 0 '' env -C "$app" "$e2e_build/comps" check wg_client_generated/comps.yaml
check "docker-compose config" compose "$bundle" config -q

if [[ $image ]]; then
	check "the image is built" podman_build "$bundle"
	check "... of the programs alone" context
	check "the container runs" run_container "$bundle"
	check "it is healthy" wait_for 30 healthy
	check "every path is up" wait_for 30 comps_says 'all(.paths[]; .state == "up")'
	check "it may do what it must, and no more" capabilities 3000
	check "another container's traffic comes from the exit" comes_from_exit
	nsenter --net="/run/netns/$P-box" "$flow" run tcp-idle -4 -t 0 --interval 50 --ready "$RUN/flow.ready" 198.51.100.1 >"$RUN/flow.json" 2>&1 9>&- &
	BOOT[flow]=$!
	check "a connection" wait_for 20 test -e "$RUN/flow.ready"
	check "its names are looked up there, too" asks_through
	check "it migrates by itself" wait_for 90 comps_says '.migrations.total >= 3 and .leaked_packets == 0'
	check "from outside it is asked, and given new keys" says 0 'ams: works: the daemon here finds it up' provision rekey --node ams --yes
	check "... which it uses" comps_says 'all(.paths[]; .state == "up") and .leaked_packets == 0'
	kill "${BOOT[flow]}"
	wait "${BOOT[flow]}"
	check "... and the connection lives on" holds '.ok and .lines > 10' "$RUN/flow.json"
	check "nothing went past the tunnels" same "$(seen past)" 0
	check "nothing is left of what ended" no_zombies
	check "killed: nothing goes past the tunnels" closed
	check "... and started again it carries on" started_again
	check "it stops when it is told to" stopped
	pod rm -f wgclient >/dev/null 2>&1
	check "a bundle that is not root's" users_bundle
	check "... runs" run_container "$RUN/user/wg_client_generated"
	check "... and is healthy" wait_for 30 healthy
	check "... with one right more, which compsd gives up" capabilities 3002
	pod rm -f -t 0 wgclient >/dev/null 2>&1
else
	for what in "the image is built" "the container runs" "its traffic comes from the exit"; do
		n=$((n + 1))
		echo "ok $n - $what # SKIP $no_image"
	done
fi
check "without Docker: compsd" bare_on
check "... traffic comes from the exit" same "$(bare bash -c 'cat </dev/tcp/198.51.100.1/80')" "${AT[exit]}"
check "... it migrates by itself" wait_for 90 bare_says '.migrations.total >= 2 and .leaked_packets == 0'
check "... nothing went past the tunnels" same "$(seen past)" 0
check "... comps down" bare "$e2e_build/comps" down -c "$bundle/comps.yaml"
e2e_end
