#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# build.sh TREE: print the folder, below TREE/build/qemu, of a qemu-system-x86_64
# with QEMU's own NVMM accelerator, KVM and TCG. It is made of Debian's source package of
# the version of the installed QEMU, whose build looks for libnvmm on NetBSD only: that line
# is widened, and nothing else changed. The first time this takes a processor
# ten minutes.
set -eu

tree=$(cd "$1" && pwd)
cache=$tree/build/qemu
mkdir -p "$cache"

die() {
	echo "check-qemu: $*" >&2
	exit 125
}

# logged COMMAND ...: run it; what it said is shown if it fails.
logged() {
	"$@" >"$cache/log" 2>&1 || die "$1: $(tail -n 30 "$cache/log")"
}

# apt ARG ...: apt-get with lists of Debian's sources, which the system itself
# needs none of; they come from where its packages come from.
apt() {
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	apt-get indextargets --format "deb-src [signed-by=$keys] \$(REPO_URI) \
\$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' 'Origin: Debian' |
	    sort -u >"$cache/apt/sources"
	apt-get -q -o Dir::Etc::sourcelist="$cache/apt/sources" \
	    -o Dir::Etc::sourceparts=- -o Dir::State::lists="$cache/apt/lists" \
	    -o Dir::Cache="$cache/apt/cache" -o APT::Sandbox::User=root "$@"
}

# fetch: the source, taken apart and with Debian's patches.
fetch() {
	echo "check-qemu: fetching QEMU $version" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	cd "$folder"
	logged apt update
	logged apt --download-only source "qemu=$version"
	logged dpkg-source -x ./*.dsc source
	rm -rf "$cache/apt" ./*.dsc ./*.tar.*
	cd "$tree"
}

# widen: the one change.
widen() {
	sed -i "/^if targetos == 'netbsd'\$/ {
		N
		/\n  nvmm = /s/== 'netbsd'/in ['netbsd', 'linux']/
	}" "$folder/source/meson.build"
	grep -q "^if targetos in \['netbsd', 'linux'\]\$" \
	    "$folder/source/meson.build" || die "meson.build is not as expected"
}

# sipi: QEMU 7.2.22 moved the end of a start-up request from the APIC to TCG and
# forgot the other accelerators: with NVMM (WHPX, HVF, HAX) the first HLT of a second CPU spins
# for ever, under QEMU's global lock. That hunk of Debian's patch is taken back.
sipi() {
	patch=$folder/source/debian/patches/v7.2.22.diff
	! grep -q -s 'cpu_reset_interrupt(.*CPU_INTERRUPT_SIPI)' \
	    "$folder/source/hw/intc/apic.c" && [ -f "$patch" ] || return 0
	awk '/^diff / { apic = / a\/hw\/intc\/apic\.c / } apic' "$patch" \
	    >"$folder/sipi.diff"
	logged patch -R -p1 -d "$folder/source" -i "$folder/sipi.diff"
}

# library: libnvmm as it installs, in the folder.
library() {
	logged env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s \
	    -C "$tree/libnvmm" install PREFIX="$folder/root"
}

configure() {
	mkdir -p "$folder/objects"
	cd "$folder/objects"
	logged ../source/configure --without-default-features \
	    --target-list=x86_64-softmmu --enable-system \
	    --enable-nvmm --enable-kvm --enable-tcg \
	    --meson=meson --with-git-submodules=ignore \
	    --disable-install-blobs --disable-debug-info --disable-werror \
	    --extra-cflags="-I$folder/root/include" \
	    --extra-ldflags="-L$folder/root/lib -Wl,-rpath,$folder/root/lib"
	cd "$tree"
}

version=$(dpkg-query -W -f '${source:Version}' qemu-system-x86) ||
    die "no qemu-system-x86 of Debian's; make deps"
folder=$cache/${version#*:}	# a colon would part a path of libraries
[ -f "$folder/source/meson.build" ] || fetch
library
[ -f "$folder/objects/build.ninja" ] || {
	widen
	sipi
	configure
}
[ -x "$folder/objects/qemu-system-x86_64" ] ||
    echo "check-qemu: building QEMU; this takes its time" >&2
logged nice -n 15 ninja -C "$folder/objects" -j"$(nproc)" qemu-system-x86_64
echo "$folder/objects"
