#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Install what is missing: for the build and the tests, or as well, by an
# argument, for the peers of the benchmarks ("bench"), for tests in Bochs
# ("bochs"), for those in a kernel of our own ("debugkernel"), for fuzzing
# ("fuzz"), for a QEMU of our own ("qemu"). Debian by apt-get, NetBSD by pkgin.
# Quick where nothing is missing.
set -eu

debian_build='gcc make bmake libc6-dev libevent-dev libjansson-dev libelf-dev libncurses-dev
	libseccomp-dev'
debian_check='kyua atf-sh libatf-dev socat jq mandoc binutils kmod perl sparse pkg-config g++
	linux-headers-amd64 qemu-system-x86 busybox-static cpio libasan8 libubsan1
	tmux python3-prometheus-client libzydis-dev'
debian_bench='libvirt-daemon-system libvirt-clients'
debian_bochs='bochs bochs-term bochsbios grub-pc-bin grub-common xorriso mtools'
debian_debugkernel='flex bison bc xz-utils'
debian_fuzz='clang libclang-rt-dev'
debian_qemu='dpkg-dev xz-utils meson ninja-build python3 flex bison libglib2.0-dev
	libpixman-1-dev zlib1g-dev libfdt-dev'
netbsd_build='jansson libevent libelf ncurses'
netbsd_check='socat jq qemu'

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

deps_debian() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
		    grep -q 'ok installed$' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "deps: installing$missing"
	as_root apt-get update -q
	# shellcheck disable=SC2086 -- a list of names
	as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -q -y --no-install-recommends $missing
}

case ${1-} in
bench)		more=$debian_bench ;;
bochs)		more=$debian_bochs ;;
debugkernel)	more=$debian_debugkernel ;;
fuzz)		more=$debian_fuzz ;;
qemu)		more=$debian_qemu ;;
*)		more= ;;
esac

# shellcheck disable=SC2086 -- lists of names
if command -v apt-get >/dev/null 2>&1; then
	deps_debian $debian_build $debian_check $more
elif command -v pkgin >/dev/null 2>&1; then
	as_root pkgin -y install $netbsd_build $netbsd_check
else
	echo "deps: neither apt-get nor pkgin here; README.md lists what is" \
	    "needed" >&2
	exit 1
fi
