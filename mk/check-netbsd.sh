#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check-netbsd.sh TREE NETBSDSRC [KERNEL]: compile nvmm(4) as a NetBSD module
# against a NetBSD source tree, and the test program of tests/netbsd, which holds
# libnvmm and the API tests; then, given a kernel built from that source, boot
# it under QEMU's emulated AMD-V, have the program run as its init, and count.
#
# The kernel is an amd64 one with PVH entry, loadable modules, wd(4) at pciide(4),
# ffs and a serial console, and with its symbols inside (COPY_SYMTAB), as QEMU
# loads none. It fetches nothing. OUT says where to build, QEMU_SMP, QEMU_MEM
# (MiB) and QEMU_TIMEOUT (seconds) how to run.
set -eu

tree=$(cd "$1" && pwd)
src=$(cd "$2" && pwd)
kernel=${3:-}
out=${OUT:-$tree/build/netbsd}
tests=$tree/tests/netbsd

kmod=$(sh "$tree/mk/kmod-netbsd.sh" "$tree" "$src" "$out/module")
echo "ok: the module compiles: $kmod"

# The test program: the kernel source's headers, and h_libc.h for the rest.
user=$out/user
rm -rf "$user"
mkdir -p "$user/include"
for header in ctype errno fcntl inttypes limits pthread pthread_types signal \
    sched stdarg stdbool stddef stdint stdio stdlib string time unistd; do
	case $header in
	pthread_types)	: >"$user/include/$header.h" ;;
	*)	echo '#include "h_libc.h"' >"$user/include/$header.h" ;;
	esac
done
echo '#include "h_atf.h"' >"$user/include/atf-c.h"
ln -s "$(${CC:-cc} -print-file-name=include)/cpuid.h" "$user/include/cpuid.h"

version=$(sed -n \
    's/^#define[[:space:]]*__NetBSD_Version__[[:space:]]*\([0-9]*\).*/\1/p' \
    "$src/sys/sys/param.h")
cppflags="-nostdinc -I$tests -I$tree/tests/nvmm -I$tree/libnvmm
    -I$tree/libnvmm/x86 -I$tree/sys -I$user/include -I$out/module/include
    -isystem $src/sys -isystem $src/sys/arch -isystem $src/common/include
    -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -D__NetBSD__
    -DNETBSD_VERSION=$version"
cflags="-std=gnu99 -O1 -g -ffreestanding -fno-pic -fno-pie
    -fno-stack-protector -fno-builtin -fno-asynchronous-unwind-tables
    -fno-tree-loop-distribute-patterns -fcf-protection=none
    -Wall -Wextra -Werror -Wno-unused-parameter -Wno-pointer-sign"

objs=
compile() {
	obj=$user/$(echo "${1%.*}" | tr / _).o
	opts=$cflags
	case $1 in
	tests/nvmm/t_*)	opts="$opts -DATF_GROUP=group_t_$name" ;;
	*.S)		opts= ;;
	esac
	${CC:-cc} $opts $cppflags -c "$tree/$1" -o "$obj"
	objs="$objs $obj"
}
# All of the library but the hosted driver's door.
for file in "$tree"/libnvmm/*.c; do
	[ "${file##*/}" = dev_hosted.c ] || compile "libnvmm/${file##*/}"
done
for file in "$tree"/libnvmm/x86/*.c; do
	compile "libnvmm/x86/${file##*/}"
done
echo "ok: libnvmm compiles with this source's headers"
groups=
for file in "$tree"/tests/nvmm/t_*.c; do
	name=${file##*/t_}
	name=${name%.c}
	groups="$groups $name"
	compile "tests/nvmm/t_$name.c"
	compile "tests/nvmm/d_$name.S"
done
# What they share, but for what asks a bare KVM and what makes ATF cases.
for file in "$tree"/tests/nvmm/h_*.c; do
	case ${file##*/} in
	h_bare.c | h_case.c) ;;
	*)	compile "tests/nvmm/${file##*/}" ;;
	esac
done
{
	echo '#include "t_netbsd.h"'
	for name in $groups; do
		echo "atf_error_t group_t_$name(atf_tp_t *);"
	done
	echo 'const struct t_group t_groups[] = {'
	for name in $groups; do
		echo "	{ \"$name\", group_t_$name },"
	done
	echo '	{ 0, 0 }'
	echo '};'
} >"$user/groups.c"
${CC:-cc} $cflags $cppflags -c "$user/groups.c" -o "$user/groups.o"
objs="$objs $user/groups.o"
for file in init.c t_netbsd.c h_atf.c h_libc.c h_sys.c h_thread.c h_start.S; do
	compile tests/netbsd/$file
done
${LD:-ld} -static -no-pie -nostdlib -z noexecstack -o "$user/init" $objs \
    "$(${CC:-cc} -print-libgcc-file-name)"
echo "ok: the test program links"
[ -n "$kernel" ] || exit 0

for prog in makefs qemu-system-x86_64; do
	command -v $prog >/dev/null || {
		echo "check-netbsd: $prog is missing; Debian's package is" \
		    "makefs or qemu-system-x86" >&2
		exit 1
	}
done

# A file system of four files, made without root's help.
root=$out/root
rm -rf "$root" "$out/root.img"
mkdir -p "$root/sbin" "$root/dev"
cp "$user/init" "$root/sbin/init"
cp "$kmod" "$root/nvmm.kmod"
cat >"$out/root.mtree" <<-EOF
	/set uid=0 gid=0
	. type=dir mode=0755
	./sbin type=dir mode=0755
	./sbin/init type=file mode=0755
	./dev type=dir mode=0755
	./dev/console type=char device=netbsd,0,0 mode=0600
	./dev/nvmm type=char device=netbsd,345,0 mode=0660
	./nvmm.kmod type=file mode=0644
EOF
makefs -t ffs -s 16m -o version=1 -F "$out/root.mtree" "$out/root.img" \
    "$root" >"$out/makefs.log" 2>&1 || {
	cat "$out/makefs.log" >&2
	exit 1
}

# The machine resets at the end, upon which QEMU ends.
log=$out/console.log
timeout "${QEMU_TIMEOUT:-600}" qemu-system-x86_64 -accel tcg \
    -cpu max,+svm,+npt -m "${QEMU_MEM:-640}" \
    -smp "${QEMU_SMP:-2,sockets=2,cores=1,threads=1}" \
    -kernel "$kernel" -append 'console=com root=wd0a' \
    -drive "file=$out/root.img,format=raw,if=ide,index=0" -nic none \
    -display none -serial stdio -monitor none -no-reboot </dev/null |
    stdbuf -oL tr -d '\r' | tee "$log" | grep --line-buffered -E '^(not )?ok |^#|^1\.\.|panic|nvmm' || :

planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log")
passed=$(grep -c '^ok ' "$log" || :)
skipped=$(grep -c '^ok .*# SKIP$' "$log" || :)
failed=$(grep -c '^not ok ' "$log" || :)
if [ -z "$planned" ] || [ "$planned" -ne $((passed + failed)) ]; then
	tail -n 40 "$log"
	echo "check-netbsd: $((passed + failed)) cases ended," \
	    "${planned:-an unknown number} planned; see $log" >&2
	exit 1
fi
echo "NetBSD $version: $((passed - skipped)) passed, $failed failed," \
    "$skipped skipped"
[ "$failed" -eq 0 ]
