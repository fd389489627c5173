#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What exits, machines and nested faults take, counted in instructions in the
# testhost with one CPU: nvmm through libnvmm beside kvm_amd through its own
# requests, in the same boot, on the same guests. Fails if nvmm is over a limit.
# A flush of the TLB that VMRUN itself does is not seen by serial.so.
set -eu

top=$(cd ../.. && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make -s -C "$top/sys/modules/nvmm" -f Makefile.linux linux >"$tmp/log" 2>&1 || {
	cat "$tmp/log" >&2
	exit 1
}
"$top/tests/testhost/run" -n -i -t 600 -o "$tmp" \
    -Q "$PWD/serial.so,out=$tmp/serial" sh -c '
	set -e
	./h_exits >"$1/ours"
	modprobe kvm_amd
	./h_kvmexits >"$1/kvm"' sh "$tmp"
echo "bench-exits: one operation, thread CPU time and wall clock"
awk -f exits.awk d_limits.txt "$tmp/ours" "$tmp/kvm" "$tmp/serial"
echo
awk -f limits.awk d_limits.txt "$tmp/ours" || {
	echo "bench-exits: over the limit" >&2
	exit 1
}
