# SPDX-License-Identifier: BSD-2-Clause
#
# The driver stays fit for a kernel: it compiles as a Linux module against the
# headers of this machine without a warning, as it is and for debugging, and
# sparse has nothing to say about address spaces and annotations.

top=$(cd "$(atf_get_srcdir)/../../../.." && pwd)

headers() {
	ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V | tail -n 1
}

# build DIR [VARIABLE=VALUE ...]: the module into DIR, without a warning.
build() {
	dir=$1
	shift
	kdir=$(headers)
	[ -n "$kdir" ] || atf_skip "no linux-headers-*-amd64 in /usr/src"
	atf_check -s exit:0 -o save:out -e save:err \
	    make -f Makefile.linux -C "$top/sys/modules/nvmm" linux \
	    KDIR="$kdir" BUILD="$(pwd)/$dir" "$@"
	cat out err >all
	if grep -E -i 'warning|error:' all; then
		atf_fail "the module compiles with warnings"
	fi
	[ -f "$dir/nvmm.ko" ] || atf_fail "no nvmm.ko came out"
}

atf_test_case compiles_without_warnings
compiles_without_warnings_head() {
	atf_set descr "the Linux module compiles, W=1"
	atf_set timeout 300
}
compiles_without_warnings_body() {
	build linux
}

atf_test_case debug_compiles_without_warnings
debug_compiles_without_warnings_head() {
	atf_set descr "the Linux module compiles with its assertions, W=1"
	atf_set timeout 300
}
debug_compiles_without_warnings_body() {
	build linux-debug NVMM_CFLAGS=-DNVMM_DEBUG
}

atf_test_case sparse_is_silent
sparse_is_silent_head() {
	atf_set descr "sparse finds nothing in the Linux module"
	atf_set require.progs sparse
	atf_set timeout 300
}
sparse_is_silent_body() {
	build sparse C=2
}

atf_init_test_cases() {
	atf_add_test_case compiles_without_warnings
	atf_add_test_case debug_compiles_without_warnings
	atf_add_test_case sparse_is_silent
}
