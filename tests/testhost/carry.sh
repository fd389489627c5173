#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# carry.sh TREE FOLDER: fill TREE with the root of a host that shares none:
# what is built in FOLDER, at the same path; kyua, ATF and the tools of the
# tests, with the libraries that they name; busybox for everything else.
# CARRY names more files and folders.
set -eu

tree=$1
folder=$2
tools='sh kyua atf-sh jq socat setpriv timeout setsid useradd'

# Everything that is listed, with what its links lead to, at the same paths.
copy() {
	sort -u | cpio --quiet -pdmuL "$tree"
}

# libraries FILE ...: those that they are linked with.
libraries() {
	for file; do
		ldd "$file" 2>/dev/null | sed -n 's/.*[ 	]\(\/[^ ]*\) (.*/\1/p'
	done
}

built() {
	find "$folder" \( -path "$folder/build" -o -path "$folder/.git" \) \
	    -prune -o -type f \( -perm -100 -o -name 'Kyuafile*' -o \
	    -name 'd_*' -o -name '*.conf' -o -name '*.so*' \) \
	    ! -name '*.o' -print
}

chosen() {
	for tool in $tools; do
		command -v "$tool" || true
	done
	ls /usr/libexec/atf-check /usr/share/atf/* /usr/share/kyua/*/*
	find /usr/lib/locale/C.utf8 ${CARRY-} -type f
	ls /etc/passwd /etc/group /etc/nsswitch.conf
}

mkdir -p "$tree/bin" "$tree/tmp" "$tree/root" "$tree/etc" "$tree/var/run"
chmod 1777 "$tree/tmp"
{ built; chosen; } >"$tree/list"
# shellcheck disable=SC2046 -- a list of files
libraries $(cat "$tree/list") >>"$tree/list"
copy <"$tree/list"
rm "$tree/list"
find "$tree" -type f -perm -100 -exec strip --strip-debug {} + 2>/dev/null ||
    true
for file in "$tree"/usr/bin/* "$tree"/usr/sbin/*; do
	[ ! -e "$file" ] || ln -sf "${file#"$tree"}" "$tree/bin"
done
for name in $(busybox --list); do
	[ -L "$tree/bin/$name" ] || ln -s busybox "$tree/bin/$name"
done
rm -f "$tree/bin/busybox"	# it is in the initramfs already
