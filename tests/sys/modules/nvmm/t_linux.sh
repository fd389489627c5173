# SPDX-License-Identifier: BSD-2-Clause
#
# The driver's frontend stays fit for a kernel: it compiles as a Linux module,
# with a stub for a backend, against the headers of this machine.

top=$(cd "$(atf_get_srcdir)/../../../.." && pwd)

headers() {
	ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V | tail -n 1
}

atf_test_case stub_compiles_without_warnings
stub_compiles_without_warnings_head() {
	atf_set descr "the frontend compiles as a Linux module, W=1"
	atf_set timeout 300
}
stub_compiles_without_warnings_body() {
	kdir=$(headers)
	[ -n "$kdir" ] || atf_skip "no linux-headers-*-amd64 in /usr/src"
	atf_check -s exit:0 -o save:out -e save:err \
	    make -f Makefile.linux -C "$top/sys/modules/nvmm" linux-stub \
	    KDIR="$kdir" BUILD="$(pwd)/stub"
	if grep -i 'warning' out err; then
		atf_fail "the module compiles with warnings"
	fi
	[ -f stub/nvmm.ko ] || atf_fail "no nvmm.ko came out"
}

atf_init_test_cases() {
	atf_add_test_case stub_compiles_without_warnings
}
