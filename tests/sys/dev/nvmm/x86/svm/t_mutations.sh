# SPDX-License-Identifier: BSD-2-Clause
#
# The tests of the policies are tested: each case takes one rule out of a copy
# of the source, and some test has to fail for it. What a mutation replaces has
# to be there exactly once, so that none goes stale unnoticed.

src=$(cd "$(atf_get_srcdir)" && pwd)
sys=$(cd "$src/../../../../../../sys" && pwd)

# Write PROGRAM's source here, with the text OLD replaced by NEW.
mutate() {
	OLD=$2 NEW=$3 perl -0777 -e '
		$_ = <STDIN>;
		$n = () = /\Q$ENV{OLD}\E/g;
		$n == 1 or die "the text is there $n times: $ENV{OLD}\n";
		s/\Q$ENV{OLD}\E/$ENV{NEW}/;
		print' <"$sys/dev/nvmm/x86/svm/svm_$1.c" >"svm_$1.c" ||
	    atf_fail "the mutation does not apply"
}

# Build the tests of the source that is here.
build() {
	${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -w -I"$src" -I"$sys" \
	    -I"$sys/dev/nvmm" -I"$sys/dev/nvmm/os/hosted" -o "t_policy_$1" \
	    "$src/t_policy_$1.c" "$src/h_policy.c" "svm_$1.c" -latf-c ||
	    atf_fail "the mutation does not compile"
}

# How many test cases of the program fail; their names on standard error.
failures() {
	n=0
	for case in $("./t_policy_$1" -l | sed -n 's/^ident: //p'); do
		timeout 60 "./t_policy_$1" -s . "$case" >out 2>&1 && continue
		echo "$case: $(tail -1 out)" >&2
		n=$((n + 1))
	done
	echo "$n"
}

# mutation NAME PROGRAM OLD NEW: a test case of that name.
cases=
mutation() {
	cases="$cases $1"
	atf_test_case "$1"
	eval "$1_head() {
		atf_set descr 'a test notices: $1'
		atf_set require.progs perl
		atf_set timeout 300
	}"
	eval "$1_program=\$2 $1_old=\$3 $1_new=\$4"
	eval "$1_body() {
		mutate \"\$$1_program\" \"\$$1_old\" \"\$$1_new\"
		build \"\$$1_program\"
		[ \"\$(failures \"\$$1_program\")\" -gt 0 ] ||
		    atf_fail 'no test fails'
	}"
}

# Nothing replaced: all that follows would mean nothing if a test failed here.
atf_test_case none
none_head() {
	atf_set descr "the sources as they are pass"
	atf_set require.progs perl
	atf_set timeout 300
}
none_body() {
	for program in tlb tsc; do
		cp "$sys/dev/nvmm/x86/svm/svm_$program.c" .
		build $program
		[ "$(failures $program)" -eq 0 ] || atf_fail "$program"
	done
}

# Flushes: each cause, and what is remembered of each run.
mutation first_run_unflushed tlb 'if (!vcpu->ran)' 'if (0)'
mutation move_unflushed tlb 'if (vcpu->cpu != cpu)' 'if (0)'
mutation absence_unflushed tlb 'if (vcpu->epoch != tlb->epoch)' 'if (0)'
mutation unmap_unflushed tlb 'if (vcpu->generation != generation)' 'if (0)'
mutation new_state_unflushed tlb 'if (vcpu->stale)' 'if (0)'
mutation shared_unflushed tlb \
    'return vcpu->shared && tlb->shared_serial != vcpu->serial;' \
    'return false;'
mutation refused_unflushed tlb 'vcpu->stale = true;' ';'
mutation never_flushed tlb 'if (!needed)' 'if (1)'
mutation always_flushed tlb 'if (!needed)' 'if (0)'
mutation private_flushed_as_shared tlb \
    'return vcpu->shared && tlb->shared_serial' \
    'return tlb->shared_serial'
mutation run_forgotten tlb 'vcpu->ran = true;' ';'
mutation cpu_forgotten tlb 'vcpu->cpu = cpu;' ';'
mutation epoch_forgotten tlb 'vcpu->epoch = tlb->epoch;' ';'
mutation generation_forgotten tlb 'vcpu->generation = generation;' ';'
mutation state_stays_stale tlb 'vcpu->stale = false;' ';'
mutation shared_user_forgotten tlb 'tlb->shared_serial = vcpu->serial;' ';'
mutation flush_by_asid_assumed tlb \
    'by_asid ? SVM_TLB_FLUSH_GUEST : SVM_TLB_FLUSH_ALL' 'SVM_TLB_FLUSH_GUEST'
mutation flush_by_asid_unused tlb \
    'by_asid ? SVM_TLB_FLUSH_GUEST : SVM_TLB_FLUSH_ALL' 'SVM_TLB_FLUSH_ALL'

# ASIDs: whose they are, and how many.
mutation asid_one_too_many tlb \
    'asids->nused >= last - SVM_ASID_FIRST' 'asids->nused > last - SVM_ASID_FIRST'
mutation asid_one_too_few tlb \
    'asids->nused >= last - SVM_ASID_FIRST' \
    'asids->nused + 1 >= last - SVM_ASID_FIRST'
mutation asid_of_the_host tlb 'for (i = SVM_ASID_FIRST;' 'for (i = 0;'
mutation asid_given_twice tlb \
    'asids->used[i / 64] |= (uint64_t)1 << (i % 64);' ';'
mutation asid_uncounted tlb 'asids->nused++;' ';'
mutation asid_never_back tlb 'asids->nused--;' ';'
mutation asid_still_marked tlb '&= ~((uint64_t)1 << (vcpu->asid % 64))' '|= 0'
mutation asid_shared_unsaid tlb 'vcpu->shared = true;' 'vcpu->shared = false;'
mutation asid_private_unsaid tlb 'vcpu->shared = false;' ';'
mutation asid_shared_given_back tlb \
    'if (vcpu->shared)
		return;' ''
mutation asids_beyond_table tlb \
    'asids->n = n <= SVM_ASID_MAX ? n : SVM_ASID_MAX;' 'asids->n = n;'
mutation asids_not_cleared tlb 'memset(asids, 0, sizeof(*asids));' ';'

# The TSC.
mutation tsc_set_ignores_host tsc 'tsc->offset = value - now;' \
    'tsc->offset = value;'
mutation tsc_set_keeps_last tsc 'tsc->last = value;' ';'
mutation tsc_read_without_offset tsc 'return now + tsc->offset;' 'return now;'
mutation tsc_stop_forgotten tsc 'tsc->last = svm_tsc_get(tsc, now);' ';'
mutation tsc_goes_backwards tsc \
    'if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)' 'if (0)'
mutation tsc_stands_still tsc \
    'if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)' 'if (1)'
mutation tsc_moved_the_wrong_way tsc \
    '- tsc->last) < 0)' '- tsc->last) > 0)'
mutation tsc_distance_unsigned tsc \
    'if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)' \
    'if ((svm_tsc_get(tsc, now) - tsc->last) < 0)'
mutation tsc_values_compared tsc \
    'if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)' \
    'if (svm_tsc_get(tsc, now) < tsc->last)'
mutation tsc_signed_values_compared tsc \
    'if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)' \
    'if ((int64_t)svm_tsc_get(tsc, now) < (int64_t)tsc->last)'
mutation tsc_offset_from_nothing tsc 'tsc->offset = tsc->last - now;' \
    'tsc->offset = tsc->last;'

atf_init_test_cases() {
	atf_add_test_case none
	for case in $cases; do
		atf_add_test_case "$case"
	done
}
