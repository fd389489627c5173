# SPDX-License-Identifier: BSD-2-Clause
#
# nvmmd as its clients meet it: the protocol, limits, and the daemon's own life.

. "$(atf_get_srcdir)/nvmmd.subr"

test_case half_closed_client 30
half_closed_client_body() {
	start
	ask '{"method":"daemon.info","id":1}' >out
	atf_check_equal 1 "$(wc -l <out | tr -d ' ')"
	atf_check -o inline:"1 1 128 256 $backend $device 1048576\n" jq -r '
	    "\(.id) \(.result.protocol.major) \(.result.limits.machines) " +
	    "\(.result.limits.vcpus) \(.result.backend) \(.result.device) " +
	    "\(.result.limits.line)"' out
	printf '{"method":"vm.list","id":"a","jsonrpc":"2.0"}\r\n' |
	    socat -t5 - UNIX:s >out
	atf_check_equal '{"jsonrpc":"2.0","result":{"machines":[]},"id":"a"}' \
	    "$(cat out)"
	stop
}

test_case pipelined 30
pipelined_body() {
	start
	for i in $(seq 2000); do
		echo "{\"method\":\"daemon.info\",\"id\":$i}"
	done | socat -t30 - UNIX:s | jq .id >out
	seq 2000 >expected
	atf_check cmp out expected
	stop
}

test_case bad_lines 60
bad_lines_body() {
	start
	vm=$(create spin) || return 1
	call vm.start "{\"vm\":\"$vm\"}"
	atf_check_equal '-32700 null' "$(ask hello |
	    jq -r '"\(.error.code) \(.id)"')"
	atf_check_equal '-32600 null' "$(ask '[]' |
	    jq -r '"\(.error.code) \(.id)"')"
	atf_check_equal '-32700 null' "$(printf '{"id":1' |
	    socat -t5 - UNIX:s | jq -r '"\(.error.code) \(.id)"')"
	refused METHOD_NOT_FOUND vm.fly vm.fly
	refused INVALID_PARAMS 'unknown parameter x' vm.list '{"x":1}'
	refused INVALID_PARAMS 'vm is missing' vm.show
	refused INVALID_PARAMS 'vm must be a string' vm.show '{"vm":1}'
	refused NOT_FOUND 'no machine nope' vm.show '{"vm":"nope"}'
	# A wrong line does not end its connection.
	atf_check_equal '2' "$(ask x '{"method":"vm.list","id":2}' |
	    jq -s '.[1].id')"
	# A line that is too long does.
	{ head -c 1048577 /dev/zero | tr '\0' x; echo; } >long
	atf_check_equal 'TOO_LONG' "$(socat -t5 - UNIX:s <long 2>/dev/null |
	    jq -r .error.data.name)"
	atf_check_equal "running started" "$(state "$vm")"
	stop
}

test_case bad_machines 60
bad_machines_body() {
	start
	image='"elf":{"image":"smallkern"}'
	refused INVALID_PARAMS 'memory 0 is less than the least, 2M' \
	    vm.create "{\"memory\":0,$image}"
	refused INVALID_PARAMS 'memory 3K is less than the least, 2M' \
	    vm.create "{\"memory\":3072,$image}"
	refused LIMIT 'memory limit of a machine of each user is 4G: 5T asked for' \
	    vm.create "{\"memory\":5497558138880,$image}"
	refused INVALID_PARAMS 'vcpus must be 1 to 256, not 0' \
	    vm.create "{\"memory\":16777216,\"vcpus\":0,$image}"
	refused INVALID_PARAMS 'vcpus must be 1 to 256, not 257' \
	    vm.create "{\"memory\":16777216,\"vcpus\":257,$image}"
	refused INVALID_PARAMS 'is no name' \
	    vm.create "{\"memory\":16777216,\"name\":\"a/b\",$image}"
	refused INVALID_PARAMS 'boot must be' \
	    vm.create "{\"memory\":16777216,\"boot\":\"x\",$image}"
	refused NOT_FOUND 'nosuch' \
	    vm.create '{"memory":16777216,"elf":{"image":"nosuch"}}'
	refused BAD_IMAGE '../smallkern/smallkern' vm.create \
	    '{"memory":16777216,"elf":{"image":"../smallkern/smallkern"}}'
	refused BAD_IMAGE 'Makefile' \
	    vm.create '{"memory":16777216,"elf":{"image":"Makefile"}}'
	atf_check_equal vm0 "$(create halt | sed 's/vm[0-9]*/vm0/')"
	create halt '"name":"twin"' >name
	refused EXISTS 'twin exists already' \
	    vm.create "{\"memory\":16777216,\"name\":\"twin\",$image}"
	atf_check_equal 2 "$(call vm.list | jq '.machines | length')"
	stop
}

# upload SIZE: a request, then smallkern's bytes, then a machine of them.
upload() {
	echo "{\"method\":\"elf.upload\",\"params\":{\"size\":$1},\"id\":1}"
	cat "$top/smallkern/smallkern"
	echo '{"method":"vm.create","params":{"memory":16777216,
	    "elf":{"upload":0},"cmdline":"exit=3"},"id":2}' | tr '\n' ' '
	echo
	[ $# -lt 2 ] || echo "$2"
}

test_case uploads 60
uploads_body() {
	start
	before=$(held)
	size=$(wc -c <"$top/smallkern/smallkern" | tr -d ' ')
	upload "$size" '{"method":"vm.start","params":{"vm":"vm0"},"id":3}' |
	    socat -t60 - UNIX:s >out
	atf_check_equal "{\"upload\":0,\"size\":$size}" \
	    "$(jq -c 'select(.id == 1).result' out)"
	atf_check_equal vm0 "$(jq -r 'select(.id == 2).result.name' out)"
	call vm.start '{"vm":"vm0"}' >started
	atf_check_equal 3 "$(call vm.wait '{"vm":"vm0"}' |
	    jq .reason.status)"
	call vm.destroy '{"vm":"vm0"}'
	# An upload is of its connection, and taken once.
	refused INVALID_PARAMS 'no such upload' vm.create \
	    '{"memory":16777216,"elf":{"upload":0}}'
	# What is refused ends the connection, as bytes follow.
	for bad in 0 -1 67108865 '"x"'; do
		upload "$bad" | socat -t60 - UNIX:s >out 2>/dev/null
		atf_check_equal 1 "$(wc -l <out | tr -d ' ')"
		atf_check -o ignore jq -e .error out
	done
	# Shorter than it said; the client gone in the middle.
	upload 1000000 | socat -t60 - UNIX:s >out
	atf_check_equal PARSE_ERROR "$(jq -r .error.data.name out)"
	for n in 1 2 3 4; do
		atf_check_equal $((n - 1)) "$(for i in $(seq $n); do
			echo '{"method":"elf.upload","params":{"size":1},"id":1}'
			printf x
		done | socat -t60 - UNIX:s | jq -s '.[-1].result.upload')"
	done
	for i in 1 2 3 4 5; do
		echo '{"method":"elf.upload","params":{"size":1},"id":1}'
		printf x
	done | socat -t60 - UNIX:s >out
	atf_check_equal LIMIT "$(jq -rs '.[-1].error.data.name' out)"
	for try in $(seq 40); do
		[ "$(held)" != "$before" ] || break
		sleep 0.05
	done
	atf_check_equal "$before" "$(held)"
	stop
}

test_case descriptors 60
descriptors_body() {
	start
	elf=$top/smallkern/smallkern
	head='{"method":"vm.create","params":{"memory":16777216,'
	with="$head"'"elf":{"fd":0,"name":"smallkern"}},"id":1}\n'
	info='{"method":"daemon.info","id":2}\n'
	before=$(held)
	names='map(.error.data.name // "ok") | join(" ")'

	atf_check_equal ok "$("$send" s +"$elf" "$with" | jq -rs "$names")"
	atf_check_equal smallkern "$(call vm.list | jq -r '.machines[0].name' |
	    xargs -I{} echo '{"vm":"{}"}' | { read -r p; call vm.show "$p"; } |
	    jq -r .image)"
	# It belongs to the line that it came with, however texts are cut.
	atf_check_equal "ok ok" "$("$send" s "$info${with%%memory*}" +"$elf" \
	    "memory${with#*memory}" | jq -rs "$names")"
	atf_check_equal "ok ok" "$("$send" s "$info" +"$elf" "$with$info" |
	    jq -rs 'map(select(.id == 1 or .id == 2)) | .[0:2] |'"$names")"
	# One that a line does not claim is closed with it.
	atf_check_equal "INVALID_PARAMS ok" "$("$send" s +"$elf" "$info$with" |
	    jq -rs "sort_by(.id) | $names")"
	atf_check_equal INVALID_PARAMS "$("$send" s "$with" | jq -rs "$names")"
	atf_check_equal BAD_IMAGE "$("$send" s +/ "$with" | jq -rs "$names")"
	atf_check_equal BAD_IMAGE "$("$send" s +/dev/zero "$with" |
	    jq -rs "$names")"
	mkfifo fifo
	atf_check_equal BAD_IMAGE "$("$send" s +fifo "$with" | jq -rs "$names")"
	: >empty
	atf_check_equal BAD_IMAGE "$("$send" s +empty "$with" |
	    jq -rs "$names")"
	cp "$elf" file
	atf_check_equal BAD_IMAGE "$("$send" s -file "$with" | jq -rs "$names")"
	atf_check_equal ok "$("$send" s +/ +/ +/ +"$elf" \
	    "$head"'"elf":{"fd":3}},"id":1}\n' | jq -rs "$names")"
	atf_check_equal INVALID_REQUEST "$("$send" s +/ +/ +/ +/ +"$elf" \
	    "$info" | jq -rs "$names")"
	for vm in $(call vm.list | jq -r '.machines[].name'); do
		call vm.destroy "{\"vm\":\"$vm\"}"
	done
	settled "$before" "$(resident)"
	stop
}

test_case states 60
states_body() {
	start
	vm=$(create exit=3) || return 1
	p="{\"vm\":\"$vm\"}"
	atf_check_equal "created created" "$(state "$vm")"
	atf_check_equal running "$(call vm.start "$p" | jq -r .state)"
	atf_check_equal 3 "$(call vm.wait "$p" | jq -r .reason.status)"
	atf_check_equal "stopped exited" "$(state "$vm")"
	atf_check_equal stopped "$(call vm.stop "$p" | jq -r .state)"
	call console.read "$p" >out
	atf_check -o inline:'true 0\n' jq -r '"\(.end) \(.lost)"' out
	atf_check_equal "$(jq -r .offset out)" "$(jq -j .data out | wc -c |
	    tr -d ' ')"
	call vm.stats "$p" >out
	atf_check -o ignore jq -e '.totals.exits_user > 0 and
	    .vcpus[0].exits.user.io > 0 and .vcpus[0].run_ns > 0 and
	    .memory.mapped == 16777216 and .memory.resident > 0 and
	    .memory.resident <= 16777216 and .console.bytes > 0 and
	    .backend == "'$backend'" and .device == "'$device'"' out
	atf_check_equal "$vm" "$(call vm.destroy "$p" | jq -r .name)"
	refused NOT_FOUND "$vm" vm.show "$p"
	vm=$(create triple) || return 1
	p="{\"vm\":\"$vm\"}"
	call vm.start "$p"
	atf_check_equal failed "$(call vm.wait "$p" | jq -r .state)"
	atf_check_equal "failed shutdown" "$(state "$vm")"
	vm=$(create halt) || return 1
	p="{\"vm\":\"$vm\"}"
	atf_check_equal stopped "$(call vm.stop "$p" | jq -r .state)"
	stop
}

test_case spinning 60
spinning_body() {
	start
	before=$(held) memory=$(resident)
	for how in stop destroy; do
		vm=$(create spin) || return 1
		p="{\"vm\":\"$vm\"}"
		call vm.start "$p"
		refused TIMEOUT 'not ended in 200 ms' vm.wait \
		    "{\"vm\":\"$vm\",\"timeout_ms\":200}"
		refused STATE_CONFLICT running vm.start "$p"
		if [ $how = stop ]; then
			atf_check_equal stopped "$(call vm.stop "$p" |
			    jq -r .state)"
			atf_check_equal "stopped stopped" "$(state "$vm")"
		fi
		# Whoever waits for it hears of its end.
		[ $how = stop ] || call vm.wait "$p" >waited &
		waiter=$!
		sleep 0.3
		atf_check_equal "$vm" "$(call vm.destroy "$p" | jq -r .name)"
		wait $waiter
	done
	atf_check_equal NOT_FOUND "$(jq -r .data.name waited)"
	settled "$before" "$memory"
	stop
}

test_case end_with_machines 30
end_with_machines_body() {
	start
	for cmdline in spin halt flood; do
		vm=$(create $cmdline) || return 1
		call vm.start "{\"vm\":\"$vm\"}"
	done
	create halt
	stop
}

test_case create_and_destroy_at_once 60
create_and_destroy_at_once_body() {
	start
	before=$(held) memory=$(resident)
	for i in 1 2 3 4 5; do
		ask '{"method":"vm.create","params":{"name":"a","memory":67108864,
		    "elf":{"image":"smallkern"}},"id":1}' >/dev/null &
		other=$!
		while call vm.list | jq -e '.machines == []' >/dev/null; do
			kill -0 $other 2>/dev/null || break
		done
		call vm.destroy '{"vm":"a"}'
		wait $other
	done 2>/dev/null
	settled "$before" "$memory"
	stop
}

test_case machine_limit 300
machine_limit_body() {
	start
	vm=$(create halt) || return 1
	call vm.start "{\"vm\":\"$vm\"}"
	call vm.destroy "{\"vm\":\"$vm\"}"
	before=$(held) memory=$(resident)
	for i in $(seq 128); do
		echo '{"method":"vm.create","params":{"memory":16777216,
		    "elf":{"image":"smallkern"},"cmdline":"halt",
		    "name":"m'"$i"'"},"id":1}' | tr -d '\n'
		echo
	done | socat -t60 - UNIX:s | jq -r '.error.message // empty' >errors
	atf_check cat errors
	for i in $(seq 128); do
		echo '{"method":"vm.start","params":{"vm":"m'"$i"'"},"id":1}'
	done | socat -t60 - UNIX:s | jq -r '.error.message // empty' >errors
	atf_check cat errors
	atf_check_equal "128 running" "$(call vm.list |
	    jq -r '.machines | map(.state) | "\(length) \(unique | join(" "))"')"
	refused LIMIT 'machine limit of all users together reached: 128 of 128 in use' \
	    vm.create \
	    '{"memory":16777216,"elf":{"image":"smallkern"}}'
	for i in $(seq 128); do
		echo '{"method":"vm.destroy","params":{"vm":"m'"$i"'"},"id":1}'
	done | socat -t120 - UNIX:s | jq -r '.error.message // empty' >errors
	atf_check cat errors
	atf_check_equal 0 "$(call vm.list | jq '.machines | length')"
	settled "$before" "$memory"
	stop
}

test_case vcpu_limit 120
vcpu_limit_body() {
	start
	vm=$(create halt) || return 1
	call vm.destroy "{\"vm\":\"$vm\"}"
	before=$(held) memory=$(resident)
	vm=$(create exit=0 '"vcpus":256') || return 1
	p="{\"vm\":\"$vm\"}"
	atf_check_equal 256 "$(call vm.show "$p" | jq '.cpus | length')"
	call vm.start "$p"
	atf_check_equal 0 "$(call vm.wait "$p" | jq .reason.status)"
	atf_check_equal 256 "$(call vm.stats "$p" | jq '.vcpus | length')"
	call vm.destroy "$p"
	settled "$before" "$memory"
	stop
}

test_case configured_limits 60
configured_limits_body() {
	start '{"limits":{"machines":2,"vcpus_per_machine":2,
	    "memory_per_machine":"32M","memory_total":"40M","clients":3,
	    "requests":2}}'
	elf='"elf":{"image":"smallkern"}'
	refused LIMIT 'vcpu limit of a machine of each user is 2: 3 asked' \
	    vm.create "{\"memory\":16777216,\"vcpus\":3,$elf}"
	refused LIMIT 'memory limit of a machine of each user is 32M: 64M' \
	    vm.create "{\"memory\":67108864,$elf}"
	create halt >/dev/null
	refused LIMIT 'reached: 16M of 40M in use, 32M asked for' \
	    vm.create "{\"memory\":33554432,$elf}"
	vm=$(create halt) || return 1
	refused LIMIT 'machine limit of all users together reached: 2 of 2 in' \
	    vm.create "{\"memory\":4194304,$elf}"
	# What is destroyed is no longer in use.
	gone=$(call vm.list | jq -r '.machines[0].name')
	call vm.destroy "{\"vm\":\"$gone\"}"
	gone=$(create halt) || return 1
	call vm.destroy "{\"vm\":\"$gone\"}"
	# One request too many ends that connection, and no other.
	wait='{"method":"vm.wait","params":{"vm":"'$vm'"},"id":1}'
	atf_check_equal TOO_MANY_REQUESTS "$(ask "$wait" "$wait" "$wait" |
	    jq -r .error.data.name)"
	# A client too many is told so, as long as those before him stay.
	for i in 1 2 3; do
		hold client$i '{"method":"daemon.info","id":1}'
	done
	for try in 1 2 3 4 5; do
		atf_check_equal 'client limit reached: 3 of 3' \
		    "$(timeout 20 socat -u UNIX:s STDOUT |
		    jq -r .error.message)"
	done
	release
	stop
	wait
}

test_case attach 60
attach_body() {
	start
	vm=$(create echo) || return 1
	p="{\"vm\":\"$vm\"}"
	call vm.start "$p"
	# The connection ends with the machine, though its client stays.
	{
		echo '{"method":"console.attach","params":{"vm":"'"$vm"'","replay":true},"id":1}'
		echo marco polo
		echo exit
		sleep 3
	} | timeout 20 socat -t5 - UNIX:s >out || true
	atf_check_equal "$vm" "$(head -1 out | jq -r .result.name)"
	atf_check_equal 0 "$(call vm.wait "$p" | jq .reason.status)"
	call console.read "$p" | jq -j .data >console
	sed 1d out >attached
	atf_check cmp console attached
	atf_check -o ignore grep 'marco polo' attached
	# After the end there is only the replay.
	echo '{"method":"console.attach","params":{"vm":"'"$vm"'","replay":true},"id":1}' |
	    socat -t5 - UNIX:s | sed 1d >attached
	atf_check cmp console attached
	stop
}

test_case flooded_console 60
flooded_console_body() {
	start
	vm=$(create flood) || return 1
	p="{\"vm\":\"$vm\"}"
	call vm.start "$p"
	# A reader that reads nothing holds nobody up.
	{ echo '{"method":"console.attach","params":{"vm":"'"$vm"'"},"id":1}'
	    sleep 3; } | socat -t5 - UNIX:s | sleep 3 &
	for try in $(seq 100); do
		[ "$(call vm.stats "$p" | jq .console.lost)" -gt 0 ] && break
		sleep 0.1
	done
	call console.read "{\"vm\":\"$vm\",\"max\":100}" >out
	atf_check -o ignore jq -e '.lost > 0 and .end == false and
	    (.data | length) > 0' out
	atf_check_equal "running started" "$(state "$vm")"
	stop
}

test_case events 60
events_body() {
	start
	hold out '{"method":"events.subscribe","id":1}'
	vm=$(create exit=0 '"name":"e"') || return 1
	call vm.start '{"vm":"e"}'
	call vm.wait '{"vm":"e"}'
	call vm.destroy '{"vm":"e"}'
	until grep -q vm.destroyed out; do
		sleep 0.05
	done
	release
	atf_check_equal \
	    "vm.created vm.started vm.stopped vm.destroyed" \
	    "$(jq -rs '.[1:] | map(.params.type) | join(" ")' out)"
	atf_check_equal "e" "$(jq -rs '.[1].params.vm' out)"
	stop
}

test_case describes_itself 30
describes_itself_body() {
	start
	call daemon.describe >out
	atf_check -o ignore jq -e '(.methods | length) > 10 and
	    (.errors | map(.name) | index("LIMIT")) != null and
	    (.events | index("vm.failed")) != null' out
	# Every method that needs nothing answers.
	for method in $(jq -r '.methods[] | select(.params == []) | .name' \
	    out); do
		echo "{\"method\":\"$method\",\"id\":1}" |
		    socat -t0.5 - UNIX:s | jq -e .result >/dev/null || atf_fail "$method"
	done
	call daemon.identify >out
	atf_check -o ignore jq -e '.api_version == 2 and
	    .state_size == 1008 and .max_machines == 128' out
	stop
}

test_case second_daemon 30
second_daemon_body() {
	start
	atf_check -s exit:4 -e match:'another nvmmd answers on s' \
	    "$top/nvmmd/nvmmd" -f -c conf -s s
	atf_check_equal "$proper" "$(call daemon.info | jq .pid)"
	stop
}

test_case stale_socket 30
stale_socket_body() {
	needs
	socat UNIX-LISTEN:s,unlink-close=0 /dev/null &
	listener=$!
	while [ ! -S s ]; do sleep 0.05; done
	kill -9 $listener
	wait $listener
	[ -S s ] || atf_fail "no stale socket"
	start
	grep -q 'left over, replaced' log || died "not said"
	stop
	echo precious >s
	atf_check -s exit:4 -e match:'s exists and is not a socket' \
	    "$top/nvmmd/nvmmd" -f -c conf -s s
	atf_check_equal precious "$(cat s)"
}

test_case socket_mode 30
socket_mode_body() {
	start '{"sockets":[{"path":"'"$PWD"'/s","mode":"0606"}]}'
	atf_check_equal 606 "$(stat -c %a s)"
	stop
	start
	atf_check_equal 660 "$(stat -c %a s)"
	stop
}

test_case background 30
background_body() {
	needs
	echo '{}' >conf
	"$top/nvmmd/nvmmd" -c conf -s "$PWD/s" || atf_fail "nvmmd failed"
	proper=$(call daemon.info | jq .pid)
	awk '/^PPid:/ { print $2 }' "/proc/$proper/status" >pid
	kill "$(cat pid)"
	for try in $(seq 100); do
		[ -e s ] || break
		sleep 0.05
	done
	[ ! -e s ] || atf_fail "the socket was left behind"
	rm pid
}

test_case orphaned 30
orphaned_body() {
	start
	vm=$(create spin) || return 1
	call vm.start "{\"vm\":\"$vm\"}"
	kill -9 "$(cat pid)"
	rm pid
	for try in $(seq 100); do
		kill -0 "$proper" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -9 "$proper"
	atf_fail "nvmmd proper outlived its parent"
}

test_case drops_privileges 30
drops_privileges_body() {
	[ "$(id -u)" -eq 0 ] || atf_skip "only root has privileges to drop"
	start "{\"user\":\"nobody\",\"chroot\":\"$PWD/run/empty\"}"
	atf_check_equal 555 "$(stat -c %a run/empty)"
	uid=$(id -u nobody)
	atf_check_equal "$uid $uid $uid $uid" "$(awk '/^Uid:/ {
	    print $2, $3, $4, $5 }' "/proc/$proper/status")"
	for what in Inh Prm Eff Bnd Amb; do
		atf_check_equal "$what 0000000000000000" "$what $(awk \
		    "/^Cap$what:/ { print \$2 }" "/proc/$proper/status")"
	done
	seccomp=2
	[ "${NVMM_TEST_SANITIZED-no}" = no ] || seccomp=0
	atf_check_equal "1 $seccomp" "$(awk '/^NoNewPrivs:/ { new = $2 }
	    /^Seccomp:/ { print new, $2 }' "/proc/$proper/status")"
	atf_check_equal "$PWD/run/empty" "$(readlink "/proc/$proper/root")"
	atf_check_equal "$PWD/run/empty" "$(readlink "/proc/$proper/cwd")"
	atf_check -o match:'Max core file size  *0  *0' \
	    cat "/proc/$proper/limits"
	# It still makes machines, of files that it could not open itself.
	vm=$(create exit=5) || return 1
	call vm.start "{\"vm\":\"$vm\"}"
	atf_check_equal 5 "$(call vm.wait "{\"vm\":\"$vm\"}" |
	    jq .reason.status)"
	stop
	echo '{"user":"no such user"}' >conf
	atf_check -s exit:3 -e match:'there is no user no such user' \
	    "$top/nvmmd/nvmmd" -f -c conf -s s
	[ ! -e s ] || atf_fail "the socket was left behind"
}

# nobody COMMAND ...: run it as a user without rights, in a folder of his that
# holds nvmmd and an empty configuration.
nobody() {
	[ "$(id -u)" -eq 0 ] || atf_skip "only root can lose rights"
	command -v setpriv >/dev/null || atf_skip "setpriv is missing"
	folder=$(mktemp -d /tmp/t_nvmmd.XXXXXX)
	echo "$folder" >folder
	cp "$top/nvmmd/nvmmd" "$folder"
	echo '{}' >"$folder/conf"
	chown -R 65534:65534 "$folder"
	cd "$folder" || atf_fail "no folder"
	set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	"$@"
}

# one_line STATUS TEXT: the last command's status and its one line on err.
one_line() {
	atf_check_equal "$1" "$status"
	atf_check_equal 1 "$(wc -l <err | tr -d ' ')"
	grep -q -e "$2" err || atf_fail "not \"$2\": $(cat err)"
}

test_case without_rights 30
without_rights_cleanup() {
	[ ! -f folder ] || rm -rf "$(cat folder)"
}
without_rights_body() {
	[ -e $node ] || atf_skip "$node is missing"
	nobody test ! -w $node || atf_skip "anybody may open $node"
	for how in -f ''; do
		status=0
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		    ./nvmmd $how -c conf -s s 2>err || status=$?
		one_line 5 "permission denied: $node"
		[ ! -e s ] || atf_fail "the socket was left behind"
	done
}

# Of the kernel's driver only: the device's group is ours to arrange there.
test_case right_by_group 30
right_by_group_cleanup() {
	bail
	[ ! -f folder ] || rm -rf "$(cat folder)"
}
right_by_group_body() {
	needs
	atf_check_equal 660 "$(stat -c %a $node)"
	here=$PWD
	nobody true
	cp "$top/smallkern/smallkern" .
	echo "{\"images\":\"$folder\"}" >conf
	setpriv --reuid=65534 --regid="$(stat -c %g $node)" --clear-groups \
	    ./nvmmd -f -c conf -s s 2>log &
	echo $! >"$here/pid"
	for try in $(seq 100); do
		[ ! -S s ] || break
		sleep 0.05
	done
	atf_check_equal $device "$(call daemon.info | jq -r .device)"
	vm=$(create exit=5) || return 1
	call vm.start "{\"vm\":\"$vm\"}"
	atf_check_equal 5 "$(call vm.wait "{\"vm\":\"$vm\"}" |
	    jq .reason.status)"
	kill "$(cat "$here/pid")"
	wait "$(cat "$here/pid")" || died "nvmmd exited with $?"
	rm "$here/pid"
}

test_case default_folder_without_rights 30
default_folder_without_rights_cleanup() {
	[ ! -f folder ] || rm -rf "$(cat folder)"
}
default_folder_without_rights_body() {
	[ ! -e /var/run/nvmmd ] || atf_skip "/var/run/nvmmd is here"
	nobody test ! -w /var/run || atf_skip "anybody may write /var/run"
	status=0
	setpriv --reuid=65534 --regid=65534 --clear-groups \
	    ./nvmmd -f -c conf 2>err || status=$?
	one_line 4 '/var/run/nvmmd: Permission denied.*-s'
}

test_case failed_create_burns_no_name 60
failed_create_burns_no_name_body() {
	start
	for i in 1 2 3; do
		echo junk >bad
		atf_check_equal BAD_IMAGE "$("$send" s +bad \
		    '{"method":"vm.create","params":{"memory":16777216,'\
'"elf":{"fd":0}},"id":1}\n' | jq -r .error.data.name)"
	done
	# A sanitized run has made one machine already.
	first=0
	[ "${NVMM_TEST_SANITIZED-no}" = no ] || first=1
	atf_check_equal vm$first "$(create halt)"
	atf_check_equal vm$((first + 1)) "$(create halt)"
	# The name of a machine that was is not given again.
	call vm.destroy "{\"vm\":\"vm$((first + 1))\"}"
	atf_check_equal vm$((first + 2)) "$(create halt)"
	stop
}

test_case socket_from_environment 30
socket_from_environment_body() {
	needs
	echo "{\"sockets\":[{\"path\":\"$PWD/file\"}]}" >conf
	for s in environment option; do
		option=
		[ $s = environment ] || option='-s option'
		NVMMD_SOCKET=environment "$top/nvmmd/nvmmd" -f -c conf $option 2>log &
		echo $! >pid
		for try in $(seq 100); do
			[ ! -S $s ] || break
			[ ! -S file ] || died "the file won"
			sleep 0.05
		done
		[ -S $s ] || died "no socket $s"
		kill "$(cat pid)"
		wait "$(cat pid)" || true
		rm pid
	done
	# Empty is as good as not set.
	status=0
	: >file
	NVMMD_SOCKET= "$top/nvmmd/nvmmd" -f -c conf 2>err || status=$?
	one_line 4 'file exists and is not a socket'
}

atf_test_case command_line
command_line_body() {
	nvmmd=$top/nvmmd/nvmmd
	for bad in '-x:option -x' '-c:option -c' '-fs:option -s' \
	    'extra:extra'; do
		status=0
		"$nvmmd" ${bad%%:*} 2>err || status=$?
		one_line 2 "${bad#*:}.*usage: nvmmd "
	done
	atf_check -s exit:3 -e match:'no.conf: No such file' \
	    "$nvmmd" -n -c no.conf
	printf '{\n "user": 3 }' >bad.conf
	atf_check -s exit:3 -e match:'bad.conf:2:2: user must be a string' \
	    "$nvmmd" -n -c bad.conf
	atf_check -s exit:0 -e match:good \
	    "$nvmmd" -n -c "$top/etc/nvmmd.conf"
	atf_check -s exit:4 -e match:'/nowhere/at/all: ' \
	    "$nvmmd" -f -c "$top/etc/nvmmd.conf" -s /nowhere/at/all
	atf_check -s exit:3 -e match:'path is longer' \
	    "$nvmmd" -n -c "$top/etc/nvmmd.conf" -s "/$(seq -s0 100)"
}

atf_test_case configtest_names
configtest_names_body() {
	echo '{"user":"no such user"}' >conf
	atf_check -s exit:3 -e match:'there is no user no such user' \
	    "$top/nvmmd/nvmmd" -n -c conf
	echo '{"sockets":[{"path":"/s","group":"no such group"}]}' >conf
	atf_check -s exit:3 -e match:'there is no group no such group' \
	    "$top/nvmmd/nvmmd" -n -c conf
	echo '{"user":"root"}' >conf
	atf_check -s exit:0 -e match:good "$top/nvmmd/nvmmd" -n -c conf
}

atf_test_case manual
manual_body() {
	command -v mandoc >/dev/null || atf_skip "mandoc is missing"
	atf_check mandoc -T lint -W warning "$top/nvmmd/nvmmd.8" \
	    "$top/nvmmd/nvmmd.conf.5"
}

atf_init_test_cases() {
	for case in $cases command_line configtest_names manual; do
		[ $case != right_by_group ] || [ $device != hosted ] || continue
		atf_add_test_case "$case"
	done
}
