# SPDX-License-Identifier: BSD-2-Clause
#
# toyvirt from the outside: what it prints, and the status it exits with.

top=$(cd "$(atf_get_srcdir)/../.." && pwd)
toyvirt=$top/toyvirt/toyvirt
kernel=$top/smallkern/smallkern

# need_driver: skip where no machine can be made at all.
need_driver() {
	[ -r /dev/nvmm ] || { [ -r /dev/kvm ] && [ -w /dev/kvm ]; } ||
	    atf_skip "neither /dev/nvmm nor /dev/kvm is there for us"
}

# trouble ARG ... TEXT: toyvirt refuses with one line on standard error.
trouble() {
	text=
	for last; do text=$last; done
	args=
	while [ $# -gt 1 ]; do
		args="$args '$1'"
		shift
	done
	eval "atf_check -s exit:125 -o empty -e save:err '$toyvirt' $args"
	atf_check_equal 1 "$(wc -l <err | tr -d ' ')"
	grep -F -e "$text" err >/dev/null ||
	    atf_fail "want '$text': $(cat err)"
}

# wait_for FILE TEXT: until the file holds the text.
wait_for() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep "$2" "$1" >/dev/null 2>&1 && return
		sleep 0.1
	done
	atf_fail "'$2' did not come: $(cat "$1")"
}

# reap PID STATUS: the process ends soon, with that status.
reap() {
	status=0
	wait "$1" || status=$?
	atf_check_equal "$2" "$status"
}

# Every case has a head with a description and a time limit.
define() {
	atf_test_case "$1"
	eval "${1}_head() {
		atf_set descr \"$2\"
		atf_set timeout 60
	}"
}

define smallkern_passes "smallkern prints its checks, all pass, status 0"
smallkern_passes_body() {
	need_driver
	for args in "" "--boot elf" "--boot pvh" "-m 5G -c 4"; do
		atf_check -s exit:0 -o save:tap -e empty \
		    "$toyvirt" "$kernel" $args </dev/null
		planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*$/\1/p' tap)
		[ -n "$planned" ] || atf_fail "no plan: $(cat tap)"
		atf_check_equal "$planned" "$(grep -c '^ok ' tap)"
		atf_check -s exit:1 grep '^not ok' tap
	done
}

define memory_size "the guest finds the memory that -m says"
memory_size_body() {
	need_driver
	atf_check -o save:out "$toyvirt" -m 512M "$kernel" </dev/null
	grep 'memory: 0x0 to 0x1f.*RAM' out || atf_fail "$(cat out)"
	grep 'memory: .* to 0x20000000 reserved' out || atf_fail "$(cat out)"
	atf_check -o save:out "$toyvirt" -m 4G "$kernel" </dev/null
	grep 'memory: 0x100000000 to 0x140000000 RAM' out ||
	    atf_fail "$(cat out)"
}

define exit_status "the guest's exit status is ours, options on either side"
exit_status_body() {
	need_driver
	atf_check -s exit:3 -o ignore "$toyvirt" "$kernel" -a exit=3 </dev/null
	atf_check -s exit:3 -o ignore "$toyvirt" -a exit=3 "$kernel" </dev/null
	atf_check -s exit:255 -o ignore "$toyvirt" -a exit=255 "$kernel" \
	    </dev/null
	atf_check -s exit:0 -o ignore "$toyvirt" -a exit=256 "$kernel" \
	    </dev/null
	# Without standard files, too.
	atf_check -s exit:4 sh -c "'$toyvirt' -a exit=4 '$kernel' 0<&- 1>&-"
}

define triple_fault "a triple fault is told with the registers, status 126"
triple_fault_body() {
	need_driver
	atf_check -s exit:126 -o ignore -e save:err "$toyvirt" -a triple \
	    "$kernel" </dev/null
	head -1 err | grep '^toyvirt: VCPU 0: triple fault at rip 0x' ||
	    atf_fail "$(cat err)"
	grep '^rip 0' err || atf_fail "$(cat err)"
	grep '^cr0 ' err || atf_fail "$(cat err)"
}

define piped_input "all of a pipe's bytes arrive, its end ends nothing"
piped_input_body() {
	need_driver
	i=0
	while [ $i -lt 30 ]; do
		echo "line $i of thirty, longer than the FIFO"
		i=$((i + 1))
	done >lines
	{ cat lines; echo exit; } >input
	atf_check -s exit:0 -o save:out sh -c \
	    "cat input | '$toyvirt' -a echo '$kernel'"
	tr -d '\r' <out | sed 1d >lines.out
	atf_check cmp lines lines.out
	# From a file, too.
	atf_check -s exit:0 -o save:out "$toyvirt" -a echo "$kernel" <input
	tr -d '\r' <out | sed 1d >lines.out
	atf_check cmp lines lines.out
}

define signals "a signal ends a guest that spins or sleeps, status 128 + n"
signals_body() {
	need_driver
	for word in spin halt flood; do
		"$toyvirt" -a $word "$kernel" </dev/null >out 2>err &
		pid=$!
		wait_for out 'example guest'
		kill -TERM $pid
		reap $pid 143
		atf_check cat err
	done
}

define reader_gone "output that nobody reads ends it, status 141"
reader_gone_body() {
	need_driver
	atf_check -o inline:"141\n" sh -c "{ '$toyvirt' -a flood '$kernel' \
	    </dev/null; echo \$? >status; } | head -c 100 >out; cat status"
}

define reader_stuck "a reader that does not read does not hold a signal up"
reader_stuck_body() {
	need_driver
	mkfifo pipe
	sleep 20 <pipe &
	sleeper=$!
	"$toyvirt" -a flood "$kernel" </dev/null >pipe 2>err &
	pid=$!
	sleep 4
	kill -TERM $pid
	reap $pid 143
	kill $sleeper
}

define terminal "on a terminal keys arrive raw, Ctrl-] leaves, tty restored"
terminal_body() {
	need_driver
	command -v script >/dev/null || atf_skip "script(1) is missing"
	cat >session <<-EOF
	stty -a >before
	$toyvirt -a echo $kernel
	echo "left with \$?"
	stty -a >after
	EOF
	# What is typed waits until the guest is there.
	{ sleep 1; printf 'typed\003x\r'; sleep 1; printf '\035'; sleep 1; } |
	    script -q -c "sh session" /dev/null >out 2>&1
	tr -d '\r' <out >plain
	grep 'left with 0' plain || atf_fail "$(cat plain)"
	grep 'typed' plain || atf_fail "$(cat plain)"
	atf_check cmp before after
	# A signal that kills it leaves the terminal as it was, too.
	for signal in TERM USR1; do
		cat >session <<-EOF
		stty -a >before
		sh -c 'sleep 1; kill -$signal \$(cat pid)' &
		sh -c 'echo \$\$ >pid; exec $toyvirt -a spin $kernel'
		echo "left with \$? by \$(kill -l \$?)"
		stty -a >after
		EOF
		sleep 3 | script -q -c "sh session" /dev/null >out 2>&1
		grep "left with 1.. by $signal" out || atf_fail "$(cat out)"
		atf_check cmp before after
	done
}

define escape_from_deaf_guest "Ctrl-] leaves a guest that takes no input"
escape_from_deaf_guest_body() {
	need_driver
	command -v script >/dev/null || atf_skip "script(1) is missing"
	cat >session <<-EOF
	timeout --foreground 10 $toyvirt -a spin $kernel
	echo "left with \$?"
	EOF
	{ sleep 1; printf 'typed'; sleep 1; printf '%0600d' 0; sleep 1
	  printf '\035'; sleep 1; } |
	    script -q -c "sh session" /dev/null >out 2>&1
	grep 'left with 0' out || atf_fail "$(cat out)"
}

define ignored_signal "a signal ignored at the start stays so, as for nohup"
ignored_signal_body() {
	need_driver
	sh -c "trap '' HUP; exec '$toyvirt' -a spin '$kernel'" \
	    </dev/null >out 2>err &
	pid=$!
	wait_for out 'example guest'
	kill -HUP $pid
	sleep 1
	kill -TERM $pid
	reap $pid 143
	atf_check cat err
}

define bad_options "each bad option is one line that names it"
bad_options_body() {
	trouble -m 0 "$kernel" "-m 0: less than"
	trouble -m 3K "$kernel" "-m 3K: less than"
	trouble -m 5T "$kernel" "-m 5T: more than"
	trouble -m 1.5G "$kernel" "-m 1.5G: not a size"
	trouble -m "" "$kernel" "not a size"
	trouble -c 0 "$kernel" "-c 0: not a number from 1 to 256"
	trouble -c 257 "$kernel" "-c 257: not a number"
	trouble -c -1 "$kernel" "-c -1: not a number"
	trouble --boot bios "$kernel" "--boot bios: neither elf nor pvh"
	trouble -x "$kernel" "'x'"
	trouble --bogus "$kernel" "--bogus"
	trouble "$kernel" -m "'m'"
	trouble "usage: toyvirt"
	trouble a b "usage: toyvirt"
	atf_check -o match:"usage: toyvirt" "$toyvirt" --help
}

define bad_files "each file that cannot be loaded is one line that says why"
bad_files_body() {
	trouble nowhere "nowhere: No such file"
	need_driver
	: >empty
	trouble empty "empty: is empty"
	echo "no ELF" >text
	trouble text "text: not an ELF file"
	trouble . ".: is a directory"
	mkfifo fifo
	trouble fifo "fifo: not a regular file"
	head -c 100 "$kernel" >short
	trouble short "short: ELF file cut short"
	head -c 5000 "$kernel" >short
	trouble short "short: ELF file cut short"
	# e_machine at 18, EI_CLASS at 4, EI_DATA at 5.
	cp "$kernel" bad && chmod u+w bad
	printf '\267' | dd of=bad bs=1 seek=18 conv=notrunc 2>/dev/null
	trouble bad "bad: ELF file for machine 183, not for x86-64"
	cp "$kernel" bad && chmod u+w bad
	printf '\001' | dd of=bad bs=1 seek=4 conv=notrunc 2>/dev/null
	trouble bad "bad: 32-bit ELF file"
	cp "$kernel" bad && chmod u+w bad
	printf '\002' | dd of=bad bs=1 seek=5 conv=notrunc 2>/dev/null
	trouble bad "bad: big-endian ELF file"
	trouble "$top/toyvirt/main.o" "not linked"
}

atf_init_test_cases() {
	atf_add_test_case smallkern_passes
	atf_add_test_case memory_size
	atf_add_test_case exit_status
	atf_add_test_case triple_fault
	atf_add_test_case piped_input
	atf_add_test_case signals
	atf_add_test_case reader_gone
	atf_add_test_case reader_stuck
	atf_add_test_case terminal
	atf_add_test_case escape_from_deaf_guest
	atf_add_test_case ignored_signal
	atf_add_test_case bad_options
	atf_add_test_case bad_files
}
