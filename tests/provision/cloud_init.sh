#!/bin/bash
# Fetches Debian's cloud-init with the Python that it imports, unpacks it into a cache, and prints that folder. Nothing is
# installed. Needs apt's package lists, but not root.
#
#   PYTHONPATH=DIR/usr/lib/python3/dist-packages python3 DIR/usr/bin/cloud-init schema --config-file FILE
#
# Exit status 77: it cannot be had, and none is there from an earlier time.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/comps-cloud-init
tree=$cache/tree

unavailable() { # REASON
	echo "$*" >&2
	[[ -d $tree ]] || exit 77
	echo "$tree"
	exit 0
}

command -v apt-get >/dev/null || unavailable "no apt-get"
version=$(apt-cache show --no-all-versions cloud-init 2>/dev/null | sed -n 's/^Version: //p')
[[ $version ]] || unavailable "apt knows no cloud-init: run 'apt-get update'"
if [[ $(cat "$tree/VERSION" 2>/dev/null) != "$version" ]]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/new.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mapfile -t packages < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances cloud-init | grep '^python3-')
	(cd "$work" && timeout 120 apt-get -qq -o APT::Sandbox::User="$(id -un)" download cloud-init libyaml-0-2 "${packages[@]}") >&2 ||
		unavailable "cannot download cloud-init"
	for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
	echo "$version" >"$work/tree/VERSION"
	rm -rf "$tree"
	mv -T "$work/tree" "$tree"
fi
echo "$tree"
