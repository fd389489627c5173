#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# initramfs.sh KERNEL ARCHIVE: what the testhost boots from: busybox, the two
# scripts that are process 1, and the modules that lead to the root.
# MODULES names others; a kernel that has them built in has no such files.
set -eu

kernel=$1
archive=$2
here=$(cd "$(dirname "$0")" && pwd)
modules=${MODULES-virtio_pci virtio_console 9pnet_virtio 9p overlay}

# order: the files to load, each once and after what it needs.
order() {
	version=$(ls "$kernel/lib/modules")
	for module in $modules; do
		modprobe -d "$kernel" -S "$version" --show-depends "$module" |
		    sed -n 's/^insmod \([^ ]*\) *$/\1/p'
	done | awk '!seen[$0]++'
}

tree=$(mktemp -d "$archive.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/modules"
cp /bin/busybox "$tree/bin/busybox"
cp "$here/init" "$here/inside" "$tree"
chmod 755 "$tree/init" "$tree/inside"
order >"$tree/files"
while read -r file; do
	cp "$file" "$tree/modules"
	echo "${file##*/}"
done <"$tree/files" >"$tree/modules/order"
rm "$tree/files"
(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$tree.cpio"
mv "$tree.cpio" "$archive"
