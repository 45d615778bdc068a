#!/bin/bash
# boot.sh DIR NAME NETNS CMD...: boots a host with systemd by systemd-nspawn(1), in an existing network namespace, and ends when the
# host is switched off; SIGTERM pulls the plug. Its disk is this machine's, as the lower layer of an overlay, with what
# `CMD... ROOT` changes in it before the first boot. It has no terminal: enter it by its PID 1, nspawn's only child.
#
# Every mount is in a namespace of its own, so nothing is left. DIR is an empty directory.
set -eu

[[ ${BOOT_NS:-} = own ]] || BOOT_NS=own exec unshare --mount "$0" "$@"
dir=$1 name=$2 netns=$3
shift 3

# systemd-nspawn wants the unified hierarchy; where the machine has the old ones, it is mounted here only.
enter_cgroup() {
	if [[ $(stat -f -c %T /sys/fs/cgroup) != cgroup2fs ]]; then
		umount -R /sys/fs/cgroup
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
	fi
	before=$(sed -n 's/^0:://p' /proc/self/cgroup)
	mkdir "/sys/fs/cgroup/$name"
	echo $$ >"/sys/fs/cgroup/$name/cgroup.procs"
}

leave_cgroup() { # once the last of the host's processes is gone
	local end=$((SECONDS + 10))
	echo $$ >"/sys/fs/cgroup$before/cgroup.procs" || echo $$ >/sys/fs/cgroup/cgroup.procs
	until find "/sys/fs/cgroup/$name" -depth -type d -exec rmdir {} + 2>/dev/null || ((SECONDS > end)); do
		sleep 0.05
	done
}

# Upper layer and lower layer must not be one filesystem.
make_disk() {
	mkdir -p /run/systemd/nspawn
	mount -t tmpfs nspawn /run/systemd/nspawn # systemd-nspawn leaves things there when it is killed
	mount -t tmpfs -o mode=755 host "$dir"
	mkdir "$dir/upper" "$dir/work" "$dir/root"
	mount -t overlay host -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
	mknod -m 666 "$dir/tun" c 10 200 # as udev(7) has it, whatever it is here
}

pull_the_plug() {
	trap '' TERM INT HUP
	# The host's PID 1 takes all of its processes along.
	[[ -z ${nspawn:-} ]] || pkill -KILL -P "$nspawn" || kill -KILL "$nspawn" || true
	wait
	leave_cgroup
}

enter_cgroup
trap pull_the_plug EXIT
trap 'exit 1' TERM INT HUP
make_disk
"$@" "$dir/root"
status=133
while ((status == 133)); do # a reboot
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn -q --boot --directory="$dir/root" --machine="$name" \
		--register=no --keep-unit --link-journal=no --console=pipe --network-namespace-path="$netns" \
		--bind="$dir/tun:/dev/net/tun" --capability=CAP_NET_ADMIN,CAP_IPC_LOCK,CAP_SYS_RESOURCE </dev/null &
	nspawn=$!
	status=0
	wait "$nspawn" || status=$?
	nspawn=
done
exit "$status"
