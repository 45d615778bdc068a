#!/bin/busybox sh
# PID 1 of the guest, in the initramfs: mounts the host's root file system, read-only over 9p, below
# a writable tmpfs, and runs there the command that vmrun left in /job. The guest ends with a reset,
# which stops QEMU.
# shellcheck shell=dash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
# The initramfs has no /dev/console, so the kernel started this script without any open file.
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys

modprobe -a virtio_pci virtio_console 9pnet_virtio 9p overlay
mkdir -p /lower /upper /root /job
# cache=loose: the host must not rebuild while a guest runs.
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose root /lower
mount -t tmpfs tmpfs /upper
mkdir /upper/top /upper/work
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none job /job
# Every open of a file below costs round trips to the host.
tar x -C /upper/top -f /job/resident.tar
mount -t overlay -o lowerdir=/lower,upperdir=/upper/top,workdir=/upper/work overlay /root
mkdir -p /root/lib/modules /root/job
cp -a /lib/modules/* /root/lib/modules

for fs in dev proc sys job; do
	mount --move /$fs /root/$fs
done
# There is no udev here.
mkdir -p /root/dev/pts /root/dev/shm /root/dev/net
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
mknod /root/dev/net/tun c 10 200
ln -s /proc/self/fd /root/dev/fd
ln -s fd/0 /root/dev/stdin
ln -s fd/1 /root/dev/stdout
ln -s fd/2 /root/dev/stderr

# The host's sockets, locks and namespaces mean nothing here. A tree that lies in /tmp stays.
mount -t tmpfs tmpfs /root/run
cwd=$(cat /root/job/cwd)
mkdir /tree
mount --bind "/root$cwd" /tree
mount -t tmpfs -o mode=1777 tmpfs /root/tmp
case $cwd in
/tmp/*)
	mkdir -p "/root$cwd"
	mount --move /tree "/root$cwd"
	;;
esac

hostname vm
ip link set lo up
export HOME=/root
exec 3>"$(echo /root/dev/vport*)"
# shellcheck disable=SC2016 # expanded by the shell that follows
exec switch_root /root /bin/bash -c '
	{ cd "$(cat /job/cwd)" && bash /job/cmd; } </dev/null >&3 2>&3 3>&-
	echo $? >/job/status
	echo b >/proc/sysrq-trigger'
