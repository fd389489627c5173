# SPDX-License-Identifier: BSD-2-Clause
#
# The Linux module in the testhost: the programs of Kyuafile.testhost, with the
# null backend, which shows them the nested tables, and with the real one.

here=$(cd "$(atf_get_srcdir)" && pwd)
top=$(cd "$here/../../../../../.." && pwd)

. "$top/tests/testhost/testhost.subr"

# suite [CASE ...]: what to run there.
suite() {
	echo "kyua test -k Kyuafile.testhost -r /tmp/res $* || {
	    kyua report -r /tmp/res --verbose --results-filter=broken,failed
	    exit 1; }"
}

atf_test_case null_backend
null_backend_head() {
	atf_set descr "owners, memory, tables and CPUs, with the null backend"
	atf_set timeout 1200
}
null_backend_body() {
	module linux-null
	inside linux-null -c 4 -t 1000 -- sh -c "$(suite)"
	# One case needs a parameter of its own, and is run below.
	[ "$(grep -c 'skipped:' log)" -eq 1 ] ||
	    atf_fail "more was skipped than the ceiling"
}

atf_test_case ceiling
ceiling_head() {
	atf_set descr "the parameter max_ram is the ceiling of guest memory"
	atf_set timeout 200
}
ceiling_body() {
	module linux-null
	inside linux-null -p max_ram=32 -t 150 -- \
	    sh -c "$(suite t_linux_memory:ceiling)"
	if grep 'skipped:' log; then
		atf_fail "the ceiling was not looked at"
	fi
}

atf_test_case svm_backend
svm_backend_head() {
	atf_set descr "owners, memory and CPUs, with guests on the hardware"
	atf_set timeout 600
}
svm_backend_body() {
	module linux
	inside linux -t 400 -- sh -c "$(suite)"
}

# The testhost's root, by 9p, does not come back from a suspend, hence a host
# that has nothing but the test.
atf_test_case suspend
suspend_head() {
	atf_set descr "machines live on through the host's suspend"
	atf_set timeout 300
}
suspend_body() {
	module linux
	kernel=$(sh "$top/tests/testhost/kernel.sh" \
	    "${TESTHOST_CACHE:-$top/build/testhost}" linux/nvmm.ko) ||
	    atf_fail "no kernel"
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin
	cp "$here/h_suspend" linux/nvmm.ko tree
	cat >tree/init <<-'END'
		#!/bin/busybox sh
		/bin/busybox mkdir -p /proc /sys /dev
		/bin/busybox mount -t proc proc /proc
		/bin/busybox mount -t sysfs sys /sys
		/bin/busybox mount -t devtmpfs dev /dev
		/bin/busybox insmod /nvmm.ko && /h_suspend &&
		    /bin/busybox rmmod nvmm && echo unloaded
		/bin/busybox poweroff -f
	END
	chmod 755 tree/init
	(cd tree && find . | cpio --quiet -o -H newc -R 0:0) >initrd
	status=0
	timeout -k 5 200 qemu-system-x86_64 -nodefaults -no-user-config \
	    -display none -no-reboot -accel tcg -cpu max,+svm,+npt -smp 2 \
	    -m 512 -kernel "$kernel"/boot/vmlinuz-* -initrd initrd -append \
	    "console=ttyS0 loglevel=7 no_console_suspend panic=-1 oops=panic tsc=reliable" \
	    -serial file:log </dev/null || status=$?
	tr -d '\r' <log >said
	cat said
	grep -q '^survived$' said || atf_fail "status $status; not survived"
	grep -q '^unloaded$' said || atf_fail "the module does not unload"
	if grep -E 'WARNING:|BUG|Oops' said; then
		atf_fail "the kernel complained"
	fi
}

atf_test_case stress
stress_head() {
	atf_set descr "1,000 machines' lives, half of them cut off: nothing stays"
	atf_set timeout 900
}
stress_body() {
	module linux
	inside linux -t 800 -- ./stress 1000
}

atf_init_test_cases() {
	atf_add_test_case null_backend
	atf_add_test_case ceiling
	atf_add_test_case svm_backend
	atf_add_test_case suspend
	atf_add_test_case stress
}
