#!/bin/bash
# Runs the tests that want real kernel WireGuard and netem, and the end-to-end suites of the lab on these, in one boot of a
# QEMU guest, as one TAP stream. The suites that are not named here are those of test_vm_more.sh, which boots another one.
#
# VM_TESTS    programs that print TAP, instead of the default list (patterns, from the tree's root)
# VM_ENV      variables for them, as of env
# VM_SHIFT    virtual time, as of vmrun -i (default 3); empty for real time
# BRIEF       empty: with all repetitions (default 1; the suites say what they leave out)
# VM_TIMEOUT  real seconds for all of it (default 2400)
set -u

cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
suites=$(echo tests/lab/test_{chaos,commands,failover,leaktest,lifecycle}.sh)
[ -z "${VM_MORE:-}" ] || VM_TESTS=$(printf '%s\n' tests/lab/test_*.sh | grep -vxFf <(tr ' ' '\n' <<<"$suites"))
patterns=${VM_TESTS-tests/vm/features.sh tests/vm/kernel_wireguard.sh $build/tests/unit/test_netlink_* $suites}
shift_bits=${VM_SHIFT-3}
read -ra variables <<<"${VM_ENV:-}"
# What the suites run again and again.
resident=(bash sh env nsenter unshare setpriv ip tc wg nft ping gojq awk sed grep cut tr sort head tail wc diff cat tee rm mkdir mktemp
	touch cp mv ls stat chmod readlink realpath dirname basename seq date sleep timeout ps xargs mount umount
	"$build"/{comps,compsd} "$build"/tests/lab/{flow,linkem,crowd})

number=0 failures=0 running=

result()
{
	number=$((number + 1))
	echo "ok $number - $1"
}

failure()
{
	number=$((number + 1)) failures=$((failures + 1)) failed=1
	echo "not ok $number - $1"
}

begin_program()
{
	running=$1 began=$SECONDS name=$(basename "$1" .sh)
	count=0 failed=0 plan='' note=''
}

end_program()
{
	running=
	echo "# $name took $((SECONDS - began)) s"
	if [ "$1" != 0 ] && [ "$failed" = 0 ]; then
		failure "$name: exit status $1"
	elif [ "${plan:-$count}" != "$count" ]; then
		failure "$name: $count results of $plan"
	elif [ -z "$plan" ] && [ "$count" = 0 ]; then
		failure "$name: no results"
	fi
}

# A skip is "ok 1 - title # SKIP reason", but cmocka's "not ok 1 # SKIP title", below its reason.
on_result()
{
	count=$((count + 1))
	[[ $1 =~ ^(not )?ok\ *[0-9]*\ *-?\ *(.*)$ ]]
	local bad=${BASH_REMATCH[1]} title=${BASH_REMATCH[2]}
	if [[ $title =~ ^(.*[^ ])?\ *#\ *[Ss][Kk][Ii][Pp]\ *(.*)$ ]]; then
		local before=${BASH_REMATCH[1]} after=${BASH_REMATCH[2]}
		result "$name: ${before:-$after # SKIP $note}${before:+ # SKIP $after}"
	elif [ -n "$bad" ]; then
		failure "$name: $title"
	else
		result "$name: $title"
	fi
	note=
}

on_plan()
{
	[[ $1 =~ ^1\.\.([0-9]+)\ *(#.*)?$ ]]
	plan=${BASH_REMATCH[1]}
	[ "$plan" != 0 ] || result "$name ${BASH_REMATCH[2]:-# SKIP}"
}

end_guest()
{
	[ -z "$running" ] || failure "$name: unfinished when the guest ended"
	[ "$1" = 0 ] || failure "guest: vmrun ended with status $1"
	echo "# the guest took $SECONDS s"
	echo "1..$number"
	[ $failures = 0 ]
}

# One stream out of many: results are counted anew and carry the program's name; all else becomes a
# comment.
merge()
{
	local line
	while IFS= read -r line; do
		case $line in
		'#vm begin '*) begin_program "${line#'#vm begin '}" ;;
		'#vm end '*) end_program "${line#'#vm end '}" ;;
		'#vm off '*) end_guest "${line#'#vm off '}" ;;
		'ok '* | 'not ok '*) on_result "$line" ;;
		1..[0-9]*) on_plan "$line" ;;
		'') ;;
		*) note=$line; echo "# ${line#'# '}" ;;
		esac
	done
}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v qemu-system-x86_64 >/dev/null || skip 'qemu-system-x86 is not installed'
reason=$(tests/vm/mkkernel 2>&1)
case $? in
0) ;;
77) skip "$reason" ;;
*) echo "not ok 1 - $reason"; echo 1..1; exit 1 ;;
esac

shopt -s nullglob
programs=()
for program in $patterns; do
	[[ $program == *.[od] ]] || programs+=("$program")
done

# shellcheck disable=SC2016 # expanded in the guest
run_each='for program; do
	printf "\n#vm begin %s\n" "$program"
	"$program"
	printf "\n#vm end %s\n" $?
done'
{
	tests/vm/vmrun ${shift_bits:+-i "$shift_bits"} -t "${VM_TIMEOUT:-2400}" "${resident[@]/#/-p}" -- \
		env DEADLINE=120 BRIEF="${BRIEF-1}" BUILD="$build" WG=kernel LINK=veth CMOCKA_MESSAGE_OUTPUT=TAP "${variables[@]}" \
		bash -c "$run_each" run_each "${programs[@]}" 2>&1
	echo "#vm off $?"
} | merge
