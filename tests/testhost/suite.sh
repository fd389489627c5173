#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# suite.sh HOST RESULTS: build nvmm.ko, run the tests that
# tests/Kyuafile.testhost names on it in a host, and leave kyua's results in the file. Ends with kyua's
# status, or the host's if it complained or died.
#
#	testhost	tests/testhost/run as it is
#	bochs		in Bochs, which has NRIPS and flush-by-ASID: the API's tests,
#			nvmm.ko with its assertions
#	debugkernel	a kernel with KASAN, lockdep and kmemleak, and nvmm.ko with
#			its assertions
set -eu

host=$1
results=$2
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

# build [VARIABLE=VALUE ...]: nvmm.ko. The kernel's build system takes GNU make,
# whatever brought us here.
build() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s \
	    -C "$top/sys/modules/nvmm" -f Makefile.linux linux "$@" \
	    >"$top/build/$host.build" 2>&1 || {
		cat "$top/build/$host.build" >&2
		exit 125
	}
}

# on SLOW OPTION ... [-- FILTER ...]: the cases inside.
on() {
	slow=$1
	shift
	options=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	[ $# -eq 0 ] || shift
	# shellcheck disable=SC2086 -- a list of options
	"$here/run" -n -l "$top/build/$host.log" -o "$out" $options \
	    "$here/within.sh" "$out/results" "$slow" "$@" || status=$?
}

mkdir -p "$top/build"
out=$(mktemp -d "$top/build/suite.XXXXXX")
trap 'rm -rf "$out"' EXIT
status=0
echo "suite: on nvmm.ko in the $host"
case $host in
testhost)
	build
	on 4 -m 8192 ;;
bochs)
	build BUILD="$top/build/linux-debug" NVMM_CFLAGS=-DNVMM_DEBUG
	# Cases that Bochs gets wrong are skipped: tests/nvmm/d_bochs_faults.txt.
	on 20 -b -D -t 10000 -- nvmm ;;
debugkernel)
	kernel=$(sh "$here/debugkernel.sh" "$top/build/testhost")
	build KDIR="$kernel/source" BUILD="$top/build/linux-debugkernel" \
	    NVMM_CFLAGS=-DNVMM_DEBUG
	# ACPI's routing of interrupts is slow here, and nobody needs it.
	on 10 -a acpi=noirq -m 8192 -t 5400 -K "$kernel" \
	    -k "$top/build/linux-debugkernel/nvmm.ko" ;;
*)
	echo "suite: no host $host" >&2
	exit 125 ;;
esac
[ ! -f "$out/results" ] || cp "$out/results" "$results"
exit "$status"
