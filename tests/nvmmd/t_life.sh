# SPDX-License-Identifier: BSD-2-Clause
#
# How nvmmd's machines run: stopped by themselves or by force, paused, reset,
# started again by hand and by policy, and looked at while they stand still.

. "$(atf_get_srcdir)/nvmmd.subr"

# running CMDLINE [MEMBERS]: a machine of smallkern's that runs, as $vm and $p.
running() {
	vm=$(create "$@") || return 1
	p="{\"vm\":\"$vm\"}"
	atf_check_equal running "$(call vm.start "$p" | jq -r .state)"
}

# printed TEXT: wait until the console has the line.
printed() {
	for try in $(seq $((100 * slow))); do
		call console.read "$p" | jq -r .data | grep -q "$1" && return
		sleep 0.05
	done
	atf_fail "the console does not say $1"
}

# exits: how many the machine has had.
exits() {
	call vm.stats "$p" | jq '.totals.exits_user + .totals.exits_driver'
}

test_case grace 60
grace_body() {
	start
	running serve=3 || return 1
	printed 'serving until asked to end'
	atf_check_equal stopped "$(call vm.stop "$p" | jq -r .state)"
	atf_check_equal "stopped exited" "$(state "$vm")"
	atf_check_equal 3 "$(call vm.show "$p" | jq .reason.status)"
	printed 'asked to end'
	# One that does not listen is not waited for.
	running spin || return 1
	atf_check_equal stopped "$(call vm.stop \
	    "{\"vm\":\"$vm\",\"grace_ms\":3600000}" | jq -r .state)"
	atf_check_equal "stopped stopped" "$(state "$vm")"
	# Force does not ask.
	running serve || return 1
	printed 'serving until asked to end'
	call vm.stop "{\"vm\":\"$vm\",\"force\":true}"
	atf_check_equal "stopped stopped" "$(state "$vm")"
	refused INVALID_PARAMS grace_ms vm.stop \
	    "{\"vm\":\"$vm\",\"grace_ms\":-1}"
	stop
}

test_case grace_ends 60
grace_ends_body() {
	start
	# It listens, but paused it cannot hear: the grace is not waited for.
	running serve || return 1
	printed 'serving until asked to end'
	call vm.pause "$p"
	atf_check_equal stopped "$(call vm.stop "$p" | jq -r .state)"
	atf_check_equal "stopped stopped" "$(state "$vm")"
	# Asked to end, the daemon asks its guests.
	running serve || return 1
	printed 'serving until asked to end'
	stop
	atf_check -o ignore grep "$vm: stopped: .*exit port" log
}

test_case pause 60
pause_body() {
	start
	running flood || return 1
	printed 'flood 2'
	refused STATE_CONFLICT running vm.resume "$p"
	refused STATE_CONFLICT running vm.regs "$p"
	atf_check_equal paused "$(call vm.pause "$p" | jq -r .state)"
	atf_check_equal paused "$(call vm.pause "$p" | jq -r .state)"
	atf_check_equal "paused paused" "$(state "$vm")"
	before=$(exits)
	sleep 0.3
	atf_check_equal "$before" "$(exits)"
	refused STATE_CONFLICT paused vm.start "$p"
	refused STATE_CONFLICT paused vm.nmi "$p"
	call vm.regs "$p" >regs
	atf_check -o ignore jq -e '.vcpus[0] | (.rip | startswith("0x")) and
	    .cpu == 0 and .segments.cs.long and .cr0 != "0x0"' regs
	atf_check_equal running "$(call vm.resume "$p" | jq -r .state)"
	for try in $(seq 100); do
		[ "$(exits)" -eq "$before" ] || break
		sleep 0.05
	done
	[ "$(exits)" -gt "$before" ] || atf_fail "it does not go on"
	call vm.pause "$p"
	atf_check_equal "$vm" "$(call vm.destroy "$p" | jq -r .name)"
	stop
}

test_case again 60
again_body() {
	start
	running exit=3 || return 1
	call vm.wait "$p"
	call vm.regs "$p" >regs
	atf_check -o ignore jq -e '.vcpus | length == 1' regs
	# A second and a third run, from the beginning.
	for run in 2 3; do
		atf_check_equal running "$(call vm.start "$p" | jq -r .state)"
		atf_check_equal 3 "$(call vm.wait "$p" | jq .reason.status)"
		atf_check_equal $run "$(call console.read "$p" | jq -r .data |
		    grep -c '^smallkern:')"
	done
	# And from anywhere.
	vm=$(create serve) || return 1
	p="{\"vm\":\"$vm\"}"
	refused STATE_CONFLICT created vm.reset "$p"
	refused STATE_CONFLICT 'not run' vm.regs "$p"
	call vm.start "$p"
	printed 'serving until asked to end'
	atf_check_equal running "$(call vm.reset "$p" | jq -r .state)"
	atf_check_equal "running reset" "$(state "$vm")"
	call vm.pause "$p"
	atf_check_equal running "$(call vm.reset "$p" | jq -r .state)"
	call vm.stop "$p"
	atf_check_equal running "$(call vm.reset "$p" | jq -r .state)"
	call vm.stop "{\"vm\":\"$vm\",\"force\":true}"
	stop
}

test_case nmi 60
nmi_body() {
	start
	running halt || return 1
	refused INVALID_PARAMS 'cpu must be 0 to 0' vm.nmi \
	    "{\"vm\":\"$vm\",\"cpu\":1}"
	atf_check_equal running "$(call vm.nmi "$p" | jq -r .state)"
	# smallkern expects none: it says so and ends.
	atf_check_equal exited "$(call vm.wait "$p" | jq -r .reason.kind)"
	printed 'trap 2 '
	stop
}

test_case restarted 60
restarted_body() {
	start
	refused INVALID_PARAMS 'restart must be' vm.create \
	    '{"memory":16777216,"elf":{"image":"smallkern"},"restart":"no"}'
	hold events '{"method":"events.subscribe","id":1}'
	running exit=1 '"restart":"on-failure"' || return 1
	# Again and again, and then no more; whoever waits hears of that.
	atf_check_equal failed "$(call vm.wait "$p" | jq -r .state)"
	atf_check_equal "failed crash-loop" "$(state "$vm")"
	atf_check_equal 4 "$(call vm.show "$p" | jq .restarts)"
	atf_check_equal 5 "$(grep -c vm.started events)"
	atf_check_equal running "$(call vm.start "$p" | jq -r .state)"
	call vm.destroy "$p"
	# A good end is none to be mended.
	running exit=0 '"restart":"on-failure"' || return 1
	atf_check_equal stopped "$(call vm.wait "$p" | jq -r .state)"
	atf_check_equal 0 "$(call vm.show "$p" | jq .restarts)"
	# Who stops it means it.
	running spin '"restart":"always"' || return 1
	call vm.stop "$p"
	sleep 1
	atf_check_equal "stopped stopped" "$(state "$vm")"
	running exit=0 '"restart":"always"' || return 1
	for try in $(seq 100); do
		[ "$(call vm.show "$p" | jq .restarts)" -lt 2 ] || break
		sleep 0.05
	done
	call vm.stop "$p"
	before=$(call vm.show "$p" | jq .restarts)
	sleep 1
	atf_check_equal "$before" "$(call vm.show "$p" | jq .restarts)"
	release
	stop
}

atf_init_test_cases() {
	for case in $cases; do
		atf_add_test_case "$case"
	done
}
