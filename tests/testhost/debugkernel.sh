#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# debugkernel.sh CACHE: print the folder of a kernel that finds faults (KASAN,
# lockdep, kmemleak and others, debug.config), built from Debian's source
# package of the version of the installed headers. Its tree for modules is
# the folder's "source". The first time this takes a processor half an hour.
set -eu

cache=$1
here=$(cd "$(dirname "$0")" && pwd)
config=$here/debug.config
mkdir -p "$cache"

die() {
	echo "debugkernel: $*" >&2
	exit 125
}

# fetch: Debian's source, taken apart in the folder.
fetch() {
	echo "debugkernel: fetching linux-source-$series $version" >&2
	rm -rf "$folder"
	mkdir "$folder"
	(cd "$folder" &&
	    apt-get download -q "linux-source-$series=$version" >log 2>&1) ||
	    die "the source is not to be had: $(cat "$folder/log")"
	dpkg -x "$folder"/*.deb "$folder"
	rm "$folder"/*.deb
	tar -xJf "$folder/usr/src/linux-source-$series.tar.xz" -C "$folder"
	rm -rf "$folder/usr" "$folder/log"
	mv "$folder/linux-source-$series" "$source"
}

# configure: tinyconfig and our own on top, every line of which must hold.
configure() {
	make -s -C "$source" tinyconfig >/dev/null 2>&1
	(cd "$source" && KCONFIG_CONFIG=.config \
	    scripts/kconfig/merge_config.sh -m .config "$config" >/dev/null 2>&1)
	make -s -C "$source" olddefconfig >/dev/null 2>&1
	grep '=[ym0-9]' "$config" | while read -r line; do
		grep -qx "$line" "$source/.config" || die "no $line"
	done
}

build() {
	echo "debugkernel: building; this takes its time" >&2
	nice -n 19 make -s -C "$source" -j"$(nproc)" bzImage modules \
	    >"$folder/log" 2>&1 || die "$(tail -n 30 "$folder/log")"
	release=$(make -s -C "$source" kernelrelease)
	make -s -C "$source" modules_install INSTALL_MOD_PATH="$folder" \
	    >>"$folder/log" 2>&1 || die "$(tail -n 30 "$folder/log")"
	mkdir -p "$folder/boot"
	cp "$source/arch/x86/boot/bzImage" "$folder/boot/vmlinuz-$release"
	rm -f "$folder/initramfs"
}

headers=$(dpkg-query -W -f '${Version} ${Package}\n' 'linux-headers-*-amd64' |
    sort -V | tail -n 1)
version=${headers%% *}
series=$(echo "$version" | cut -d . -f 1,2)
folder=$cache/debugkernel-$version
source=$folder/source

[ -d "$source" ] || fetch
if ! cmp -s "$config" "$folder/config"; then
	configure
	build
	cp "$config" "$folder/config"
fi
echo "$folder"
