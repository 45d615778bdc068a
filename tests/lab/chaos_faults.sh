# shellcheck shell=bash
# Part of chaos.sh: everything that it does to CoMPS, and the model of which paths are well.
#
# All choices are made here from RANDOM and the model alone, in the main shell: the same seed makes the same steps, however
# long each takes.
# shellcheck disable=SC2034,SC2154,SC2317  # variables of chaos.sh; called by name

POLICIES=(
	$'name: round-robin\ninterval: 2s'
	$'name: round-robin\ninterval: 300ms'
	$'name: random-interval\ninterval: 1s\nmin: 100ms'
	$'name: random-interval\ninterval: 2s\ndist: exponential\nmin: 50ms'
	$'name: pinned-random\nepoch: 3s'
	$'name: latency-best\nevery: 300ms\nhold: 500ms'
	$'name: failover\nfailback: immediate'
	'name: hold'
)

# What a step may be; more often what is written more often.
STEPS_TABLE=(
	away away away away away
	sicken sicken sicken sicken sicken sicken sicken sicken
	delete_overlay delete_overlay bounce_overlay bounce_overlay kill_tunnel delete_inner
	exit_dead uplink_dead uplink_down
	delete_rules delete_routes delete_nft flush_nft foreign_route
	policy policy reload_broken
	crowd migrate_storm disk clocks clocks
)
SICKNESSES=(proxy leg hole hole_up hole_down loss delay link_down absent)

# ---- chance ----

roll() { R=$((RANDOM % $1)); }
chance() { ((RANDOM % 100 < $1)); } # in percent
pick() {                            # one of its arguments
	roll $#
	shift $R
	PICKED=$1
}
nap() { # LOW HIGH, milliseconds
	roll $(($2 - $1))
	local ms=$(($1 + R))
	printf -v ms '%d.%03d' $((ms / 1000)) $((ms % 1000))
	sleep "$ms"
}

# ---- the model ----

declare -A sick=() healed_at=() # by the path's number
policy=${POLICIES[0]} disk_until=0 wall_s=0 slept_s=0

is_well() { [[ -z ${sick[$1]:-} ]]; }
is_absent() { [[ ${sick[$1]:-} = absent ]]; }
may_carry() { case ${sick[$1]:-} in '' | loss | delay) ;; *) return 1 ;; esac }

well_paths() { # in WELL
	local i
	WELL=()
	for ((i = 1; i <= N; i++)); do ! is_well "$i" || WELL+=("$i"); done
}

present_paths() { # in PRESENT
	local i
	PRESENT=()
	for ((i = 1; i <= N; i++)); do is_absent "$i" || PRESENT+=("$i"); done
}

write_config() {
	local i
	config "$policy" "trace: {file: $trace, max_size: 8MiB}"
	for ((i = 1; i <= N; i++)); do ! is_absent "$i" || sed -i "/^  - name: p$i\$/,+3d" "$conf"; done
}

all_links_up() { # which is what compsd does with its interfaces when it starts or reads its file again
	local i
	for ((i = 1; i <= N; i++)); do [[ ${sick[$i]:-} != link_down ]] || sick[$i]=; done
}

# The daemon may be away: then it finds the new file when it comes back.
reload() {
	write_config
	if compsd_runs && ! $stopped; then
		all_links_up
		comps reload
	fi
}

# ---- what lasts: one path is sick for a few steps ----

inflict() { # PATH SICKNESS
	case $2 in
	proxy) lab kill_proxy "$1" ;;
	leg) lab leg "$1" 0 ;;
	hole) lab link "p$1" hole=1 ;;
	hole_up) lab link "p$1" up hole=1 ;;
	hole_down) lab link "p$1" down hole=1 ;;
	loss) lab link "p$1" loss_ppm=300000 ;;
	delay) lab link "p$1" delay_us=120000 ;;
	link_down) x client ip link set "wgnet$1" down ;;
	absent)
		guard_may_count=true # the active path may be the one that is taken away
		reload
		;;
	esac
}

cure() { # PATH
	local was=${sick[$1]}
	did "cure p$1 of $was"
	sick[$1]=
	case $was in
	proxy) lab revive_proxy "$1" ;;
	leg) lab leg "$1" 1 ;;
	hole*) lab link "p$1" hole=0 ;;
	loss) lab link "p$1" loss_ppm=0 ;;
	delay) lab link "p$1" delay_us=$((1000 * $1)) ;;
	# It may have been deleted meanwhile, and made again as it should be.
	link_down) x client ip link set "wgnet$1" up ;;
	absent) reload ;;
	esac
}

cure_all() {
	local i
	for ((i = 1; i <= N; i++)); do is_well "$i" || cure "$i"; done
	empty_disk
	wall_s=0
	shift_clocks
}

cure_due() {
	local i
	for ((i = 1; i <= N; i++)); do
		is_well "$i" || ((healed_at[$i] > step)) || cure "$i"
	done
	((disk_until == 0 || disk_until > step)) || empty_disk
}

step_sicken() { # one path is left well
	local i
	well_paths
	pick "${SICKNESSES[@]}"
	local what=$PICKED
	roll 5
	local until=$((step + 1 + R))
	((${#WELL[@]} > 1)) || {
		did "(the last path that is well is spared)"
		return
	}
	pick "${WELL[@]}"
	i=$PICKED
	did "p$i $what until step $until"
	sick[$i]=$what healed_at[$i]=$until
	inflict "$i" "$what"
}

# ---- what is over within the step ----

step_delete_overlay() {
	present_paths
	pick "${PRESENT[@]}"
	did "delete wgnet$PICKED"
	# Made again, it is up.
	[[ ${sick[$PICKED]:-} != link_down ]] || sick[$PICKED]=
	x client ip link del "wgnet$PICKED"
}

step_bounce_overlay() {
	present_paths
	pick "${PRESENT[@]}"
	[[ ${sick[$PICKED]:-} != link_down ]] || sick[$PICKED]=
	did "wgnet$PICKED down and up"
	x client ip link set "wgnet$PICKED" down
	nap 1 1000
	x client ip link set "wgnet$PICKED" up
}

step_kill_tunnel() { # the userspace WireGuard of a path, or of the inner tunnel
	local pid names=(wg0)
	present_paths
	names+=("${PRESENT[@]/#/wgnet}")
	pick "${names[@]}"
	[[ ${sick[${PICKED#wgnet}]:-} != link_down ]] || sick[${PICKED#wgnet}]=
	did "kill -9 wireguard-go $PICKED"
	for pid in $(ip netns pids "$P-client"); do
		[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") != "wireguard-go $PICKED " ]] || kill -9 "$pid"
	done 2>/dev/null
	return 0
}

step_delete_inner() {
	did "delete wg0"
	x client ip link del wg0
}

step_exit_dead() {
	did "exit dead"
	lab link exit hole=1
	nap 200 3000
	lab link exit hole=0
}

step_uplink_dead() {
	did "uplink dead"
	lab link uplink hole=1
	nap 200 3000
	lab link uplink hole=0
}

step_uplink_down() {
	did "uplink down and up"
	lab uplink 0
	nap 100 2000
	lab uplink 1
}

step_delete_rules() {
	local prefs=(10000 10001 10010 10011 10012 10013 10015 10017 10020 10021) family
	pick -4 -6
	family=$PICKED
	guard_may_count=true # it is what remains meanwhile
	if chance 50; then
		pick "${prefs[@]}"
		prefs=("$PICKED")
	fi
	did "delete IPv${family#-} rules ${prefs[*]}"
	printf 'rule del pref %s\n' "${prefs[@]}" | x client ip "$family" -force -batch -
}

step_delete_routes() {
	pick "default table 51821" "unreachable default metric 4294967295 table 51821" "unreachable default metric 4294967295 table 51820" \
		"table 51821" "table 51820" "table 60000"
	did "delete routes: $PICKED"
	local what=$PICKED family
	for family in -4 -6; do
		# shellcheck disable=SC2086  # it is several words
		case $what in
		table*) x client ip $family route flush $what ;;
		*) x client ip $family route del $what ;;
		esac
	done
}

step_delete_nft() {
	did "delete the nftables table"
	x client nft delete table inet comps
}

step_flush_nft() {
	did "nft flush ruleset"
	x client nft flush ruleset
}

step_foreign_route() {
	did "somebody's default route in our table"
	x client ip route append default via 192.0.2.1 dev eth0 onlink table 51821
}

step_policy() {
	pick "${POLICIES[@]}"
	policy=$PICKED
	did "reload with ${policy//$'\n'/, }"
	reload
}

step_reload_broken() {
	did "reload with a broken file is refused"
	echo "nonsense: [" >>"$conf"
	! comps reload
	local refused=$?
	write_config
	return $refused
}

step_crowd() {
	roll 200
	local count=$((R + 1))
	roll 30000
	did "$count bad clients, seed $R"
	x client "$e2e_build/tests/lab/crowd" /run/comps/comps.sock $count $R
}

step_migrate_storm() {
	local i
	did "20 requests to migrate"
	for ((i = 0; i < 20; i++)); do comps migrate next; done
	return 0
}

step_disk() {
	pick /run/comps "$trace_disk"
	did "the disk of ${PICKED/"$trace_disk"/the trace} is full"
	roll 4
	disk_until=$((step + 1 + R))
	x client dd if=/dev/zero of="$PICKED/filler" bs=4k
	return 0
}

empty_disk() {
	disk_until=0
	x client rm -f /run/comps/filler "$trace_disk/filler"
}

shift_clocks() { echo "$wall_s $slept_s" >"$RUN/clockshift"; }

step_clocks() {
	pick 3600 -3600 7 -7 0 100000000
	wall_s=$PICKED
	if chance 50; then
		roll 10000
		slept_s=$((slept_s + R))
		did "the wall clock is ${wall_s}s off, and the machine slept ${R}s"
	else
		did "the wall clock is ${wall_s}s off"
	fi
	shift_clocks
}

# ---- the daemon is away, and something happens meanwhile ----

AWAY=(sicken delete_overlay bounce_overlay kill_tunnel delete_inner delete_rules delete_nft flush_nft delete_routes uplink_down policy)

step_away() {
	local how
	pick KILL KILL STOP TERM
	how=$PICKED
	did "SIG$how"
	if [[ $how != TERM ]] && chance 50; then # in the middle of a migration
		did "while it migrates"
		x client "$e2e_build/comps" migrate next </dev/null >/dev/null 2>&1 &
		nap 1 60
	fi
	if [[ $how = STOP ]]; then
		kill -STOP "$COMPSD"
		stopped=true
	else
		stop_compsd "$how"
	fi
	if chance 50; then
		pick "${AWAY[@]}"
		[[ " ${CHAOS_SKIP:-} " = *" $PICKED "* ]] || "step_$PICKED"
	else
		nap 1 2000
	fi
	if [[ $how = STOP ]]; then
		kill -CONT "$COMPSD"
		stopped=false
		reload
	else
		start_daemon
	fi
}
