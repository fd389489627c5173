#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh TREE: QEMU's own NVMM accelerator on libnvmm and nvmm.ko, and beside it
# the same guests under KVM and TCG, each in a testhost of its own. Prints the
# seconds of each case in three columns; ends with 0 if all of NVMM's passed.
# What the consoles said stays below TREE/build/qemu/out.
set -eu

tree=$(cd "$1" && pwd)
here=$tree/tests/qemu
cache=$tree/build/qemu
accels='nvmm kvm tcg'

driver() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s \
	    -C "$tree/sys/modules/nvmm" -f Makefile.linux linux \
	    >"$cache/log" 2>&1 || {
		cat "$cache/log" >&2
		exit 125
	}
}

# guests ACCELERATOR: all of them; none may take the others along.
guests() {
	out=$cache/out/$1
	mkdir -p "$out"
	module=$tree/build/linux/nvmm.ko
	[ "$1" = nvmm ] || module=
	echo "check-qemu: -accel $1" >&2
	"$tree/tests/testhost/run" -n -t 5400 -l "$out/host" -k "$module" \
	    -o "$out" env NVMM_DEVICE=/dev/nvmm sh "$here/guests.sh" \
	    "$qemu" "$1" "$kernel" "$cache/initrd" "$out" >&2 ||
	    echo "host - ended with $?" >>"$out/results"
}

# table: a row for each case, a column for each accelerator.
table() {
	printf '%-28s' 'seconds in the testhost'
	printf '%12s' $accels
	echo
	for row in 'menu SeaBIOS to its boot menu' 'linux1 Linux, 1 VCPU' \
	    'linux2 Linux, 2 VCPUs' 'reset Linux, rebooted'; do
		printf '%-28s' "${row#* }"
		for accel in $accels; do
			awk -v name="${row%% *}" '$1 == name {
				t = $3 == "ok" ? $2 : "failed"
			} END { printf "%12s", t == "" ? "-" : t }' \
			    "$cache/out/$accel/results"
		done
		echo
	done
}

mkdir -p "$cache"
qemu=$(sh "$here/build.sh" "$tree")/qemu-system-x86_64
driver
kernel=$(sh "$tree/tests/testhost/kernel.sh" "$tree/build/testhost" \
    "$tree/build/linux/nvmm.ko")
kernel=$(echo "$kernel"/boot/vmlinuz-*)
sh "$here/initrd.sh" "$cache/initrd"
rm -rf "$cache/out"
for accel in $accels; do
	guests "$accel"
done
table
grep -v ' ok$' "$cache/out/nvmm/results" >&2 && exit 1
[ "$(wc -l <"$cache/out/nvmm/results")" -eq 4 ]
