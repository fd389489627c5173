#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# kmod-netbsd.sh TREE NETBSDSRC OUT: compile nvmm(4) as a NetBSD module, amd64,
# with the compiler at hand against a NetBSD source tree, into OUT/nvmm.kmod.
# The flags are those of bsd.kmodule.mk, and every warning is an error; for the
# installed module use sys/modules/nvmm/Makefile. NVMM_CFLAGS adds flags.
set -eu

tree=$(cd "$1" && pwd)
src=$(cd "$2" && pwd)
mkdir -p "$3"
out=$(cd "$3" && pwd)
sys=$tree/sys

if ! [ -f "$src/sys/uvm/uvm_extern.h" ] ||
    ! [ -f "$src/common/include/prop/proplib.h" ]; then
	echo "kmod-netbsd: $src is no NetBSD source: it lacks sys or common" >&2
	exit 1
fi
grep -q 'define[[:space:]]__NetBSD_Version__' "$src/sys/sys/param.h"

# What config(1) lays out: the machine's headers under their names.
inc=$out/include
rm -rf "$out"
mkdir -p "$inc"
ln -s "$src/sys/arch/amd64/include" "$inc/machine"
for arch in amd64 i386 x86 xen; do
	ln -s "$src/sys/arch/$arch/include" "$inc/$arch"
done

cppflags="-nostdinc -I$inc -I$sys -I$sys/dev/nvmm -I$sys/dev/nvmm/os/netbsd
    -isystem $src/sys -isystem $src/sys/arch -isystem $src/common/include
    -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -D__NetBSD__
    -D_KERNEL -D_LKM -D_MODULE -DSYSCTL_INCLUDE_DESCR -DDIAGNOSTIC
    ${NVMM_CFLAGS:-}"
cflags="-std=gnu99 -O2 -ffreestanding -fno-strict-aliasing -fno-common
    -fno-omit-frame-pointer -fno-pic -fno-pie -fcf-protection=none
    -fno-stack-protector -fno-asynchronous-unwind-tables
    -mcmodel=kernel -mno-red-zone -mno-mmx -mno-sse -mno-avx -msoft-float
    -Wall -Wextra -Wformat=2 -Werror -Wno-unused-parameter
    -Wno-pointer-sign -Wpointer-arith -Wmissing-prototypes
    -Wstrict-prototypes -Wold-style-definition -Wswitch -Wshadow -Wcast-qual
    -Wwrite-strings -Wno-main"

files=$(awk -v want='nvmm nvmm_svm nvmm_netbsd' \
    -f "$sys/modules/nvmm/files.awk" "$sys/dev/nvmm/files.nvmm")
objs=
for file in $files; do
	obj=$out/$(echo "${file%.*}" | tr / _).o
	case $file in
	*.S)	opts=-D_LOCORE ;;
	*)	opts=$cflags ;;
	esac
	${CC:-cc} $opts $cppflags -c "$sys/$file" -o "$obj"
	objs="$objs $obj"
done
${LD:-ld} -r -d -z noexecstack -z noexecstack -T "$src/sys/modules/xldscripts/kmodule" -o "$out/nvmm.kmod" \
    $objs
echo "$out/nvmm.kmod"
