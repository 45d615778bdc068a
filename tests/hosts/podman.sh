# Containers without an engine: podman(1) in a mount namespace of its own. To be sourced behind tests/hosts/hosts.sh. Images are
# kept in $BUNDLE_CACHE (~/.cache/comps-bundle): the first run makes Debian's by debootstrap(8), which takes about a minute.
# shellcheck shell=bash disable=SC2154  # of e2e.sh

podman_cache=${BUNDLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/comps-bundle}
podman_base=docker.io/library/debian:bookworm-slim

# The rest runs where these mounts are. Paths that podman notes in its database are the same at every run, and empty.
podman_on() {
	mkdir -p "$podman_cache" && exec 9>"$podman_cache/lock" && flock -w 300 9 || return
	cat >"$RUN/containers.conf" <<-END
		[containers]
		cgroups = "disabled"
		default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
		[engine]
		cgroup_manager = "cgroupfs"
		runtime = "crun"
		events_logger = "none"
	END
	unshare --mount --propagation slave sleep infinity 9>&- </dev/null &
	BOOT[podman]=$!
	wait_for 5 podman_moved && nsenter -t "${BOOT[podman]}" --mount sh -ec '
		[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || { umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; }
		for dir in /run/containers /run/libpod; do mkdir -p $dir; mount -t tmpfs podman $dir; done' && pod rm -f -a
}
podman_moved() { [[ $(readlink "/proc/${BOOT[podman]}/ns/mnt") != $(readlink /proc/self/ns/mnt) ]]; }

pod() { # ARGUMENTS...
	nsenter -t "${BOOT[podman]}" --mount -- env CONTAINERS_CONF="$RUN/containers.conf" timeout -k 1 "${POD_TIMEOUT:-60}" \
		podman --root "$podman_cache/storage" --runroot /run/containers/comps "$@" 9>&-
}

# Debian's image cannot be fetched from a registry everywhere: it is made of packages.
podman_debian() {
	local root=$podman_cache/root mirror
	pod image exists $podman_base && return
	# shellcheck disable=SC2016  # apt's own variable
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | grep -m 1 debian/)
	rm -rf "$root"
	timeout -k 1 400 debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} 9>&- &&
		tar -C "$root" --exclude='./var/cache/apt/archives/*.deb' --exclude='./dev/*' -c . | POD_TIMEOUT=120 pod import - $podman_base
	local rc=$?
	rm -rf "$root"
	return $rc
}

podman_build() { # DIR: the image of a bundle. What an earlier image alone was made of is deleted.
	POD_TIMEOUT=300 pod build --isolation=chroot -t localhost/comps-client "$1" && pod image prune -f
}
