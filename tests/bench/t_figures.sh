# SPDX-License-Identifier: BSD-2-Clause
#
# The driver's exits, machines and nested faults stay within d_limits.txt,
# counted in instructions in the testhost, so that no machine is too slow for
# it; serial.so counts what a port exit is known to contain; and the judge of
# limits notices what is over them.

here=$(cd "$(atf_get_srcdir)" && pwd)
top=$(cd "$here/../.." && pwd)

atf_test_case within_limits
within_limits_head() {
	atf_set descr "exits, machines and nested faults take what they may"
	atf_set timeout 300
}
within_limits_body() {
	for tool in qemu-system-x86_64 busybox cpio socat apt-get; do
		command -v $tool >/dev/null || atf_skip "$tool is missing"
	done
	kdir=$(ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V |
	    tail -n 1)
	[ -n "$kdir" ] || atf_skip "no linux-headers-*-amd64 in /usr/src"
	atf_check -s exit:0 -o ignore -e ignore \
	    make -s -f Makefile.linux -C "$top/sys/modules/nvmm" linux \
	    KDIR="$kdir" BUILD="$(pwd)/linux"
	"$top/tests/testhost/run" -n -i -t 250 -k linux/nvmm.ko \
	    -Q "$here/serial.so,out=$(pwd)/serial" "$here/h_exits" \
	    >figures || atf_fail "status $?"
	cat figures
	# A hundred port exits, of two of the guest's instructions each.
	sed -n 3p serial >port
	atf_check -o match:'^guest=200 user=.* vmrun=100 .* stgi=100 ' cat port
	atf_check awk -f "$here/limits.awk" "$here/d_limits.txt" figures
}

atf_test_case limits_are_judged
limits_are_judged_head() {
	atf_set descr "a figure over its limit, by either clock, or missing, fails"
}
limits_are_judged_body() {
	printf 'a\t10\n# c\t1\nb\t2\t-\tpeer\n' >limits
	judge() {
		tr ' ' '\t' >figures
		atf_check "$@" awk -f "$here/limits.awk" limits figures
	}
	judge -s exit:0 <<-END
	a 1 10 10
	b 1 18 18
	peer 1 9 9
	END
	judge -s exit:1 -o match:'^a: 9 CPU, 11 wall, at most 10$' <<-END
	a 1 9 11
	b 1 1 1
	peer 1 9 9
	END
	judge -s exit:1 -o match:'^b: 19 CPU, 19 wall, at most 18$' <<-END
	a 1 1 1
	b 1 19 19
	peer 1 9 9
	END
	judge -s exit:1 -o match:'^a: *CPU' <<-END
	b 1 1 1
	peer 1 9 9
	END
}

atf_init_test_cases() {
	atf_add_test_case within_limits
	atf_add_test_case limits_are_judged
}
