# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The NVMM authors
#
# The library and the hosted driver under TSan, with all the threads at once
# that libnvmm(3) allows; and a race, to see that it would be found.

here=$(cd "$(atf_get_srcdir)" && pwd)
top=$(cd "$here/../.." && pwd)

# build PROGRAM: h_threads.c with the sources, from $1 or the tree, under TSan.
build() {
	lib=$1
	drv=$(awk -v want='nvmm nvmm_hosted nvmm_kvm nvmm_fake' \
	    -f "$top/sys/modules/nvmm/files.awk" \
	    "$top/sys/dev/nvmm/files.nvmm" | sed "s|^|$top/sys/|")
	# shellcheck disable=SC2086 -- a list of files
	cc -std=c11 -D_GNU_SOURCE -O1 -g -w -fsanitize=thread -I"$lib" \
	    -I"$lib/x86" -I"$top/sys" -I"$top/sys/dev/nvmm" \
	    -I"$top/sys/dev/nvmm/os/hosted" -o threads "$here/h_threads.c" \
	    "$lib"/*.c "$lib"/x86/*.c $drv -lpthread || atf_fail "build"
}

head_() {
	atf_set descr "$1"
	atf_set timeout 600
	atf_set require.progs awk
}

# skip unless TSan works here, and there is a processor to run guests.
needs() {
	[ -w /dev/kvm ] || atf_skip "no /dev/kvm"
	[ -z "${NVMM_TEST_SANITIZED:-}" ] || atf_skip "under other sanitizers"
	echo 'int main(void) { return 0; }' >try.c
	if ! cc -fsanitize=thread -o try try.c || ! ./try; then
		atf_skip "no TSan"
	fi
	export NVMM_DEVICE=hosted TSAN_OPTIONS='halt_on_error=0 exitcode=66'
}

atf_test_case threads
threads_head() {
	head_ "No two threads race for what the library and the driver share"
}
threads_body() {
	needs
	build "$top/libnvmm"
	atf_check -o inline:'done\n' ./threads
}

atf_test_case race
race_head() {
	head_ "TSan would tell: a lock taken out is found"
}
race_body() {
	needs
	cp -R "$top/libnvmm" lib
	rm -f lib/*.o
	sed -i 's/pthread_rwlock_..lock(&maps->lock)/0/; s/pthread_rwlock_unlock(&maps->lock)/0/' \
	    lib/maps.c
	cmp -s lib/maps.c "$top/libnvmm/maps.c" && atf_fail "no lock is there"
	build "$(pwd)/lib"
	TSAN_OPTIONS='halt_on_error=1 exitcode=66' ./threads 2>err && \
	    atf_fail "no race is found"
	grep -q 'WARNING: ThreadSanitizer: data race' err || \
	    atf_fail "it fails otherwise: $(tail -n 1 err)"
}

atf_init_test_cases() {
	atf_add_test_case threads
	atf_add_test_case race
}
