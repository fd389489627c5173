#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# From exec to smallkern's first console byte: `nvmmctl run' on a running nvmmd
# beside QEMU's microvm machine, by TCG and by KVM, on the same file, the runs
# taking turns. smallkern is told to end right after its first line.
set -eu

. ./daemon.sh
runs=${RUNS:-20}
qemu="qemu-system-x86_64 -M microvm,x-option-roms=off,isa-serial=on -m 512
    -kernel $kernel -append exit=0 -nodefaults -no-user-config
    -serial stdio -display none -device isa-debug-exit,iobase=0xf4,iosize=0x04"
ours="$nvmmctl run --mem 512M --elf $kernel --cmdline exit=0"

command -v qemu-system-x86_64 >/dev/null || die "QEMU is missing: make deps"
start_nvmmd
# The first byte must be the guest's own in every column.
want=$($ours </dev/null | head -n 1)
[ -n "$want" ] || die "smallkern prints nothing under nvmmd"
got=$($qemu -accel tcg </dev/null 2>/dev/null | head -n 1)
[ "$got" = "$want" ] || die "QEMU's first line differs: $got"

kvm=
[ ! -w /dev/kvm ] || kvm="-- -l qemu-microvm-kvm $qemu -accel kvm"
echo "bench-boot: exec to smallkern's first console byte, 512 MB, $runs runs"
./h_firstbyte -n "$runs" -l nvmmctl-run $ours \
    -- -l qemu-microvm-tcg $qemu -accel tcg $kvm 2>"$tmp/err" || {
	grep -v 'warning: host' "$tmp/err" >&2
	exit 1
}
