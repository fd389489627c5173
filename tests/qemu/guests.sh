#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# guests.sh QEMU ACCELERATOR KERNEL INITRD FOLDER [CASE ...]: inside a host, run
# guests under an accelerator of QEMU's, by what their consoles say and are
# told. FOLDER gets the consoles, why VCPUs left the guest ("exits"), and in
# "results" a line for each case: its seconds, and "ok" or what went wrong.
set -u

here=$(cd "$(dirname "$0")" && pwd)
qemu=$1 accel=$2 kernel=$3 initrd=$4 folder=$5
shift 5
limit=1500
esc=$(printf '\033')

# now: by the host's hardware clock, which is right even where a busy machine
# has had the kernel err about its TSC.
now() {
	cat /sys/class/rtc/rtc0/since_epoch
}

# begin OPTION ...: QEMU, its console and, behind C-a c, its monitor on the
# file and the FIFO.
begin() {
	out=$folder/$case.out
	rm -f in
	mkfifo in
	exec 3<>in
	: >"$out"
	began=$(now)
	"$qemu" -accel "$accel" -nodefaults \
	    -no-user-config -display none -L /usr/share/qemu \
	    -L /usr/share/seabios -serial mon:stdio "$@" \
	    <in >"$out" 2>"$folder/$case.err" &
	pid=$!
}

# waits: false, and the case has failed, where QEMU has ended or its time is up.
waits() {
	kill -0 $pid 2>/dev/null || wrong='QEMU ended early'
	[ $(($(now) - began)) -lt $limit ] || wrong='time was up'
	[ -z "$wrong" ] && sleep 0.2
}

# expect TEXT [COUNT]: on the console, so often.
expect() {
	[ -z "$wrong" ] || return 0
	until [ "$(grep -c -F "$1" "$out")" -ge "${2:-1}" ]; do
		waits || {
			wrong="no \"$1\": $wrong"
			return
		}
	done
}

# say TEXT: type it.
say() {
	[ -n "$wrong" ] || printf '%b' "$1" >&3
}

# finish: QEMU must end by itself, with 0; and write the case's line.
finish() {
	[ -z "$wrong" ] || exits
	[ -z "$wrong" ] || kill -KILL $pid 2>/dev/null
	status=0
	wait $pid || status=$?
	[ -n "$wrong" ] || [ $status -eq 0 ] || wrong="QEMU ended with $status"
	echo "$case $(($(now) - began)) ${wrong:-ok}" >>"$folder/results"
}

# exits: what the guest's VCPUs have left it for so far.
exits() {
	[ "$accel" = nvmm ] || return 0
	echo "$case"
	"$here/h_exits"
} >>"$folder/exits"

# SeaBIOS's console on the serial port, and the menu that ESC leads to.
menu() {
	begin -machine graphics=off -m 128 -device ide-cd \
	    -boot menu=on,splash-time=60000
	expect 'Press ESC for boot menu'
	say "$esc"
	expect 'Select boot device:'
	expect 'DVD/CD ['
	exits
	say '\001cquit\n'
	finish
}

# shell CPUS MARK: a shell that works; MARK is this boot's.
shell() {
	expect "$2"
	say "echo \$((6 * 7)) on \$(nproc) of \$(uname -s)\n"
	expect "42 on $1 of Linux"
}

# linux CPUS: Debian's kernel by its 16-bit entry, a shell that works, and off.
linux() {
	begin -m 512 -smp "$1" -kernel "$kernel" -initrd "$initrd" \
	    -append 'console=ttyS0 panic=-1 no_timer_check' -no-reboot
	shell "$1" 'guest: up'
	exits
	say 'poweroff -f\n'
	expect 'reboot: Power down'
	finish
}

# reset: as linux1, but that the guest reboots, and then the monitor resets it.
reset() {
	begin -m 512 -kernel "$kernel" -initrd "$initrd" \
	    -append 'console=ttyS0 panic=-1 no_timer_check quiet'
	shell 1 'guest: up'
	say 'reboot -f\n'
	expect 'reboot: Restarting system'
	expect 'guest: up' 2
	say '\001csystem_reset\n\001c'
	expect 'guest: up' 3
	exits
	say 'poweroff -f\n'
	expect 'reboot: Power down'
	finish
}

[ "$accel" != kvm ] || modprobe kvm_amd || exit 125
cd "$(mktemp -d)" || exit 125
: >"$folder/results"
for case in ${*:-menu linux1 linux2 reset}; do
	wrong=
	case $case in
	menu|reset)
		$case ;;
	linux*)	linux "${case#linux}" ;;
	esac
done
! grep -v ' ok$' "$folder/results"
