#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# kernel.sh CACHE [MODULE]: print the folder that holds Debian's kernel package
# of the very version of the installed headers that the module was built with,
# or else of the latest, taken apart and never installed; get it with apt-get
# where it is not there yet.
set -eu

cache=$1
module=${2-}
mkdir -p "$cache"

die() {
	echo "testhost: $*" >&2
	exit 125
}

# release: of the kernel that fits.
release() {
	if [ -n "$module" ]; then
		modinfo -F vermagic "$module" | cut -d ' ' -f 1
	else
		ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V |
		    sed -n '$s/.*linux-headers-//p'
	fi
}

# fetch PACKAGE=VERSION: the package, in the current folder.
fetch() {
	apt-get download -q "$1" >log 2>&1
}

kernel=$(release)
[ -n "$kernel" ] || die "no linux-headers-*-amd64 in /usr/src; make deps"
version=$(dpkg-query -W -f '${Version}' "linux-headers-$kernel" 2>/dev/null) ||
    die "linux-headers-$kernel is not Debian's"
folder=$cache/linux-$kernel-$version

if [ ! -d "$folder" ]; then
	echo "testhost: fetching linux-image-$kernel $version" >&2
	new=$(mktemp -d "$cache/new.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	chmod 755 "$new"
	(cd "$new" &&
	    { fetch "linux-image-$kernel=$version" ||
	    fetch "linux-image-$kernel-unsigned=$version"; }) ||
	    die "the kernel is not to be had: $(cat "$new/log")"
	dpkg -x "$new"/*.deb "$new"
	rm -rf "$new"/*.deb "$new/usr" "$new/log"
	depmod -b "$new" "$kernel"
	# Someone else may have been faster; theirs is as good.
	mv -T "$new" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder"
