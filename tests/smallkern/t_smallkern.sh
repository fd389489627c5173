# SPDX-License-Identifier: BSD-2-Clause
#
# smallkern under QEMU, a platform that nobody here wrote: the same file boots
# through its PVH entry and passes the same checks as it does on ours.

kernel=$(cd "$(atf_get_srcdir)/../../smallkern" && pwd)/smallkern

# qemu STATUS MACHINE [ARG ...]: boot the kernel, expect QEMU's exit status.
qemu() {
	status=$1 machine=$2
	shift 2
	command -v qemu-system-x86_64 >/dev/null ||
	    atf_skip "qemu-system-x86_64 is missing"
	atf_check -s exit:"$status" -o save:console -e ignore timeout 60 \
	    qemu-system-x86_64 -M "$machine" -accel tcg -cpu max -m 512 \
	    -nodefaults -no-user-config -display none -serial stdio \
	    -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04 \
	    -kernel "$kernel" "$@" </dev/null
	tr -d '\r' <console >tap
}

# checked: every check that the console announces has passed.
checked() {
	planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' tap)
	[ -n "$planned" ] || atf_fail "no plan on the console: $(cat tap)"
	atf_check_equal "$planned" "$(grep -c '^ok ' tap)"
	atf_check -s exit:1 grep '^not ok' tap
}

atf_test_case passes_on_pc
passes_on_pc_head() {
	atf_set descr "every check passes on QEMU's pc machine"
	atf_set timeout 90
}
passes_on_pc_body() {
	qemu 1 pc
	checked
}

atf_test_case passes_on_microvm
passes_on_microvm_head() {
	atf_set descr "every check passes on QEMU's microvm machine"
	atf_set timeout 90
}
passes_on_microvm_body() {
	qemu 1 microvm
	checked
}

atf_test_case exit_status_travels
exit_status_travels_head() {
	atf_set descr "the exit port's value is the status that was asked for"
	atf_set timeout 90
}
exit_status_travels_body() {
	qemu 7 pc -append exit=3
}

atf_init_test_cases() {
	atf_add_test_case passes_on_pc
	atf_add_test_case passes_on_microvm
	atf_add_test_case exit_status_travels
}
