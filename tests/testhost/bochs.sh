#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bochs.sh DIR: the testhost in Debian's Bochs, which has SVM with NRIPS and
# flush-by-ASID. Boots DIR/vmlinuz and DIR/initrd off an ISO that GRUB starts;
# streams go through serial ports, each a file in DIR: the kernel's console
# (LOG), the command's output (out), its status, and a tar of its files. The
# parameters are in the environment: LOG, CPUS, MEM,
# LIMIT, APPEND.
set -eu

dir=$1

for tool in bochs grub-mkrescue xorriso script; do
	command -v $tool >/dev/null || {
		echo "testhost: $tool is missing; sh mk/deps.sh bochs" >&2
		exit 125
	}
done

mkdir -p "$dir/iso/boot/grub"
mv "$dir/initrd" "$dir/iso/initrd"
cp "$dir/vmlinuz" "$dir/iso/vmlinuz"
cat >"$dir/iso/boot/grub/grub.cfg" <<END
linux /vmlinuz $APPEND
initrd /initrd
boot
END
grub-mkrescue -o "$dir/boot.iso" "$dir/iso" >"$dir/mkrescue" 2>&1 || {
	cat "$dir/mkrescue" >&2
	exit 125
}

cat >"$dir/bochsrc" <<END
plugin_ctrl: speaker=0
display_library: term
cpu: model=ryzen, count=$CPUS, ips=100000000, reset_on_triple_fault=0
clock: sync=none, time0=$(date +%s)
memory: guest=$MEM, host=$MEM
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$dir/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$LOG
com2: enabled=1, mode=file, dev=$dir/out
com3: enabled=1, mode=file, dev=$dir/status
com4: enabled=1, mode=file, dev=$dir/tar
log: $dir/bochs
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
echo c >"$dir/debugger"

# drain: read the terminal that Bochs makes for its screen, on which it would
# wait for ever once nobody has read 4 KiB. => Ends with it.
drain() {
	tries=0 pts=
	while [ -z "$pts" ] && [ $tries -lt 120 ]; do
		sleep 0.5
		tries=$((tries + 1))
		pts=$(sed -n 's/.*connected to screen "\(.*\)".*/\1/p' \
		    "$dir/screen")
	done
	[ -n "$pts" ] || return 0
	stty -F "$pts" raw -echo
	exec cat "$pts"
}
: >"$dir/screen"
drain >/dev/null 2>&1 </dev/null &

# Its debugger wants a terminal, too; a power-off ends it with 1.
exec timeout --foreground -k 5 "$LIMIT" \
    script -qfec "bochs -q -f $dir/bochsrc -rc $dir/debugger" "$dir/screen" \
    >/dev/null 2>&1 </dev/null
