# SPDX-License-Identifier: BSD-2-Clause
#
# The debug build of the driver, whose assertions see a VMCB group that is
# wrongly marked clean and a shared ASID that is not flushed, in the testhost
# with its parameters for tests: guests that check themselves must find nothing
# either. NVMM_TEST_SECONDS says how long they run.

here=$(cd "$(atf_get_srcdir)" && pwd)
top=$(cd "$here/../../../../../.." && pwd)
. "$top/tests/testhost/testhost.subr"

# guests CASE ...: of the API tests, each must pass.
guests() {
	echo "cd $top/tests/nvmm && export NVMM_DEVICE=/dev/nvmm" \
	    "NVMM_TEST_SECONDS=${NVMM_TEST_SECONDS-10} NVMM_TEST_SLOW=4 &&" \
	    "kyua test -r /tmp/res $* || { kyua report -r /tmp/res --verbose" \
	    "--results-filter=broken,failed; exit 1; }"
}

atf_test_case three_asids
three_asids_head() {
	atf_set descr "8 VCPUs on 2 CPUs share two ASIDs and see nothing of it"
	atf_set timeout 600
}
three_asids_body() {
	module linux
	inside linux -p nasid=3 -t 500 -- \
	    sh -c "$(guests t_smp:spaces t_smp:spaces_reborn)"
	if grep 'skipped:' log; then
		atf_fail "a case was skipped"
	fi
}

atf_test_case one_asid
one_asid_head() {
	atf_set descr "with one ASID for all, all are flushed at each switch"
	atf_set timeout 600
}
one_asid_body() {
	module linux
	inside linux -p nasid=2 -t 500 -- sh -c "$(guests t_smp:spaces)"
}

atf_test_case skewed_tscs
skewed_tscs_head() {
	atf_set descr "the guest's TSC never goes back on CPUs that disagree"
	atf_set timeout 600
}
skewed_tscs_body() {
	module linux
	for skew in 1000000000000 -1000000000000; do
		inside linux -p tsc_skew=$skew -t 250 -- \
		    sh -c "$(guests t_smp:tsc_moved t_smp:tsc_owner)"
	done
}

atf_init_test_cases() {
	atf_add_test_case three_asids
	atf_add_test_case one_asid
	atf_add_test_case skewed_tscs
}
