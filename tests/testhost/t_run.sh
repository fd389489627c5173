# SPDX-License-Identifier: BSD-2-Clause
#
# The testhost keeps its word: status, streams, files, and no run passes in
# which the kernel complained.

testhost=$(atf_get_srcdir)/run

needs() {
	for tool in qemu-system-x86_64 busybox cpio socat apt-get; do
		command -v $tool >/dev/null || atf_skip "$tool is missing"
	done
}

# run ARG ...: without the driver, which is not what is tested here.
run() {
	"$testhost" -k '' -t 100 "$@"
}

atf_test_case streams_and_status
streams_and_status_head() {
	atf_set descr "streams are the command's, byte for byte; so is its status"
	atf_set timeout 120
}
streams_and_status_body() {
	needs
	head -c 300000 /dev/urandom >given
	status=0
	run sh -c 'cat; echo "$1" >&2; exit 3' sh "it's \"quoted\"" \
	    <given >got 2>said || status=$?
	[ $status -eq 3 ] || atf_fail "status $status, not 3: $(cat said)"
	cmp given got || atf_fail "the stream was not kept"
	atf_check -o inline:"it's \"quoted\"\n" cat said
}

atf_test_case files_come_out
files_come_out_head() {
	atf_set descr "what is written below the folder of -o comes out, no more"
	atf_set timeout 120
}
files_come_out_body() {
	needs
	mkdir out
	atf_check -o inline:"$(pwd)\n2\n" "$testhost" -k '' -t 100 -n -o out \
	    sh -c 'pwd; nproc; echo kept >out/a; echo lost >b; ls /dev/shm'
	atf_check -o inline:"kept\n" cat out/a
	[ ! -e b ] || atf_fail "the root is written to"
}

atf_test_case complaint_fails
complaint_fails_head() {
	atf_set descr "a WARNING of the kernel fails the run and is shown"
	atf_set timeout 120
}
complaint_fails_body() {
	needs
	atf_check -s exit:70 -e match:'WARNING: CPU: 0 by hand' \
	    "$testhost" -k '' -t 100 -n \
	    sh -c 'echo "<4>WARNING: CPU: 0 by hand" >/dev/kmsg'
}

atf_test_case panic_ends
panic_ends_head() {
	atf_set descr "a panic ends the host, with the kernel's last words"
	atf_set timeout 120
}
panic_ends_body() {
	needs
	atf_check -s exit:125 -o inline:'before\n' -e match:'Kernel panic' \
	    "$testhost" -k '' -t 100 -n \
	    sh -c 'echo before; sleep 1; echo c >/proc/sysrq-trigger'
}

atf_test_case hang_ends
hang_ends_head() {
	atf_set descr "a host that hangs is ended when its time is up"
	atf_set timeout 120
}
hang_ends_body() {
	needs
	atf_check -s exit:124 -e match:'ended after 15 seconds' \
	    "$testhost" -k '' -t 15 -n sleep 1000
}

atf_test_case instructions_are_counted
instructions_are_counted_head() {
	atf_set descr "with -i a nanosecond is an instruction: getppid(2) 340"
	atf_set timeout 120
}
instructions_are_counted_body() {
	needs
	count=$(cd "$(atf_get_srcdir)" && pwd)/h_count
	run -n -i sh -c '"$1"; "$1"; "$1"' sh "$count" >got || atf_fail "$?"
	read -r count <got
	[ "$count" -ge 300 ] && [ "$count" -le 400 ] ||
	    atf_fail "getppid(2) takes $count instructions"
	[ "$(sort -u got | wc -l)" -eq 1 ] ||
	    atf_fail "counts differ: $(cat got)"
}

atf_init_test_cases() {
	atf_add_test_case streams_and_status
	atf_add_test_case files_come_out
	atf_add_test_case complaint_fails
	atf_add_test_case panic_ends
	atf_add_test_case hang_ends
	atf_add_test_case instructions_are_counted
}
