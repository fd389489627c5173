#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# initrd.sh ARCHIVE: the initramfs of the guest: busybox, and a shell on the
# serial console.
set -eu

tree=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys"
cp /bin/busybox "$tree/bin/busybox"
cat >"$tree/init" <<-'END'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	echo "guest: up after $(cut -d ' ' -f 1 /proc/uptime) s"
	exec setsid cttyhack sh
END
chmod 755 "$tree/init"
(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$tree.cpio"
mv "$tree.cpio" "$1"
