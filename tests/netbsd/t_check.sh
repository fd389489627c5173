# SPDX-License-Identifier: BSD-2-Clause
#
# The driver stays fit for NetBSD: with NETBSDSRC naming a source tree it
# compiles against that; with KERNEL naming a kernel built from it, machines run
# there. See mk/check-netbsd.sh.

top=$(cd "$(atf_get_srcdir)/../.." && pwd)

atf_test_case module_compiles
module_compiles_head() {
	atf_set descr "the NetBSD module, libnvmm and the tests compile"
	atf_set timeout 600
}
module_compiles_body() {
	[ -n "${NETBSDSRC:-}" ] || atf_skip "NETBSDSRC is not set"
	OUT=$(pwd)/out atf_check -o match:'ok: the test program links' \
	    sh "$top/mk/check-netbsd.sh" "$top" "$NETBSDSRC"
}

atf_test_case machines_run
machines_run_head() {
	atf_set descr "a NetBSD kernel loads the module and runs machines"
	atf_set require.progs "makefs qemu-system-x86_64"
	atf_set timeout 900
}
machines_run_body() {
	[ -n "${NETBSDSRC:-}" ] || atf_skip "NETBSDSRC is not set"
	[ -n "${KERNEL:-}" ] || atf_skip "KERNEL is not set"
	OUT=$(pwd)/out atf_check -o match:'^NetBSD .* 0 failed' \
	    sh "$top/mk/check-netbsd.sh" "$top" "$NETBSDSRC" "$KERNEL"
}

atf_init_test_cases() {
	atf_add_test_case module_compiles
	atf_add_test_case machines_run
}
