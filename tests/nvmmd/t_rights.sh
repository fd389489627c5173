# SPDX-License-Identifier: BSD-2-Clause
#
# Who may do what, with real users and groups: the daemon runs as root with an
# /etc/passwd and /etc/group of its own, bound over the host's in a mount
# namespace that nobody else sees; its clients are processes with those users'
# numbers and groups.

. "$(atf_get_srcdir)/nvmmd.subr"

# user:uid, and the gid of his own group:gids of the others
users='alice:61001:61100,61103
bob:61002:61100
carol:61003:
olga:61004:61101,61103
mona:61005:61102'
others='nvmm:61100:alice,bob
ops:61101:olga
watch:61102:mona
crew:61103:alice,olga'

# etc: passwd and group as the daemon sees them.
etc() {
	cp /etc/passwd passwd
	cp /etc/group group
	sed -i '/^nvmm:/d' group
	echo "$users" | while IFS=: read -r name uid more; do
		echo "$name:x:$uid:$uid::/nonexistent:/bin/false" >>passwd
		echo "$name:x:$uid:" >>group
	done
	echo "$others" | sed 's/^\([^:]*\):/\1:x:/' >>group
}

# conf [JQ]: the configuration of these tests, changed by a jq program.
conf() {
	jq -n --arg i "$top/smallkern" --arg d "$PWD" "{
	    images: \$i,
	    sockets: [
	        { path: \"\(\$d)/s\", group: \"nvmm\" },
	        { path: \"\(\$d)/ops\", group: \"ops\", role: \"operator\" },
	        { path: \"\(\$d)/watch\", group: \"watch\", role: \"monitor\" },
	        { path: \"\(\$d)/root\", mode: \"0600\", role: \"admin\" } ],
	    policy: [ { user: \"alice\", machines_per_user: 2,
	        vcpus_per_user: 8 } ] } | ${1-.}" >conf ||
	    atf_fail "no configuration"
}

# begin [JQ]: the daemon, in a folder that all may enter.
begin() {
	needs
	[ "$(id -u)" -eq 0 ] || atf_skip "only root has several users"
	for tool in setpriv unshare; do
		command -v $tool >/dev/null || atf_skip "$tool is missing"
	done
	unshare -m true 2>/dev/null || atf_skip "no mount namespaces here"
	folder=$(mktemp -d /tmp/t_rights.XXXXXX)
	echo "$folder" >folder
	pid=$PWD/pid
	chmod 755 "$folder"
	cd "$folder" || atf_fail "no folder"
	etc
	conf "${1-.}"
	unshare -m sh -c 'mount --bind passwd /etc/passwd &&
	    mount --bind group /etc/group && exec "$@"' sh \
	    "$top/nvmmd/nvmmd" -f -c conf 2>log &
	echo $! >"$pid"
	for try in $(seq 100); do
		proper=$(call daemon.info | jq -r .pid 2>/dev/null) &&
		    [ -n "$proper" ] && return
		kill -0 "$(cat "$pid")" 2>/dev/null || break
		sleep 0.05
	done
	died "nvmmd did not come up"
}

# end: it ends when it is told to, and leaves nothing.
end() {
	kill "$(cat "$pid")"
	wait "$(cat "$pid")" || died "nvmmd exited with $?"
	rm "$pid"
	for socket in s ops watch root; do
		[ ! -e $socket ] || atf_fail "socket $socket was left behind"
	done
	! grep -i -e sanitizer -e 'runtime error' log || died "a sanitizer spoke"
}

# as USER COMMAND ...: with his numbers and groups.
as() {
	ids=$(echo "$users" | grep "^$1:")
	shift
	uid=$(echo "$ids" | cut -d: -f2) more=$(echo "$ids" | cut -d: -f3)
	groups=--clear-groups
	[ -z "$more" ] || groups=--groups=$more
	setpriv --reuid="$uid" --regid="$uid" "$groups" "$@"
}

# by USER SOCKET METHOD [PARAMS]: the result, or the error.
by() {
	line="{\"method\":\"$3\",\"params\":${4-{\}},\"id\":1}"
	printf '%s\n' "$(printf %s "$line" | tr '\n\t' '  ')" |
	    as "$1" socat -t30 - "UNIX:$2" | jq -c '.result // .error'
}

# error USER SOCKET METHOD [PARAMS]: the error's name and its message.
error() {
	by "$@" | jq -r '"\(.data.name): \(.message)"'
}

# make USER SOCKET NAME [MEMBERS]: a machine of his.
make() {
	by "$1" "$2" vm.create "{\"name\":\"$3\",\"memory\":16777216,
	    \"cmdline\":\"spin\",\"elf\":{\"image\":\"smallkern\"}${4:+,$4}}" |
	    jq -r '.name // "\(.data.name): \(.message)"'
}

# names USER SOCKET: the machines that he sees.
names() {
	by "$1" "$2" vm.list | jq -r '.machines | map(.name) | join(" ")'
}

# test_case NAME TIMEOUT: declare a case with a cleanup.
test_case() {
	atf_test_case "$1" cleanup
	eval "$1_head() { atf_set timeout $(($2 * slow)); }"
	eval "$1_cleanup() { bail; [ ! -f folder ] || rm -rf \"\$(cat folder)\"; }"
	cases="$cases $1"
}
cases=

test_case own_machines_only 60
own_machines_only_body() {
	begin
	atf_check_equal a "$(make alice s a)"
	atf_check_equal b "$(make bob s b)"
	atf_check_equal a "$(names alice s)"
	atf_check_equal b "$(names bob s)"
	# What is another's is not there, whatever is done with it.
	for method in vm.show vm.stats vm.wait vm.start vm.stop vm.pause \
	    vm.resume vm.reset vm.destroy vm.regs vm.nmi vm.set console.read \
	    console.attach; do
		atf_check_equal "NOT_FOUND: there is no machine b" \
		    "$(error alice s $method '{"vm":"b"}')"
		atf_check_equal "NOT_FOUND: there is no machine nope" \
		    "$(error alice s $method '{"vm":"nope"}')"
	done
	# Names are everybody's.
	atf_check_equal "EXISTS: b exists already" "$(make alice s b)"
	atf_check_equal running "$(by alice s vm.start '{"vm":"a"}' |
	    jq -r .state)"
	atf_check_equal created "$(by bob s vm.show '{"vm":"b"}' |
	    jq -r .state)"
	atf_check_equal "a b" "$(call vm.list |
	    jq -r '.machines | map(.name) | join(" ")')"
	# With whose it is, by name.
	atf_check_equal "alice alice 61001 61001" "$(by alice s vm.show \
	    '{"vm":"a"}' | jq -r '.owner | "\(.user) \(.group) \(.uid) \(.gid)"')"
	atf_check_equal a "$(by alice s vm.destroy '{"vm":"a"}' | jq -r .name)"
	end
}

test_case every_method_on_a_machine_is_guarded 60
every_method_on_a_machine_is_guarded_body() {
	begin
	make bob s b
	# All that the table says to be about a machine, with what it needs.
	call daemon.describe | jq -c '.methods[] | select(.machine) |
	    .name' >methods
	atf_check_equal yes "$([ $(wc -l <methods) -gt 10 ] && echo yes)"
	for method in $(jq -r . methods); do
		atf_check_equal "NOT_FOUND: there is no machine b" \
		    "$(error alice s "$method" '{"vm":"b"}')"
	done
	# A monitor may do with it what the table says to be a monitor's.
	for method in $(call daemon.describe | jq -r '.methods[] |
	    select(.privilege != "monitor") | .name'); do
		case $method in
		vm.create)	params='{"memory":2097152,"elf":{"fd":0}}' ;;
		elf.upload)	params='{"size":1}' ;;
		daemon.*)	params='{}' ;;
		*)		params='{"vm":"b"}' ;;
		esac
		atf_check_equal DENIED \
		    "$(by mona watch "$method" "$params" | jq -r .data.name)"
	done
	atf_check_equal created "$(by mona watch vm.show '{"vm":"b"}' |
	    jq -r .state)"
	end
}

test_case a_monitor_sees_and_changes_nothing 60
a_monitor_sees_and_changes_nothing_body() {
	begin '.sockets[2].sees = "group"'
	make alice s a
	make bob s b
	by alice s vm.set '{"vm":"a","group":"crew"}'
	atf_check_equal "" "$(names mona watch)"
	call vm.set '{"vm":"a","group":"watch"}'
	atf_check_equal a "$(names mona watch)"
	atf_check_equal "DENIED: vm.destroy is for the role user; this is monitor" \
	    "$(error mona watch vm.destroy '{"vm":"a"}')"
	atf_check_equal "DENIED: vm.create is for the role user; this is monitor" \
	    "$(make mona watch m)"
	atf_check_equal "monitor group" "$(by mona watch daemon.info |
	    jq -r '"\(.you.role) \(.you.sees)"')"
	end
}

test_case an_operator_acts_on_his_groups_machines 60
an_operator_acts_on_his_groups_machines_body() {
	begin '.sockets[1].sees = "all"'
	make alice s a
	make bob s b
	# Of their own groups, not of one of hers: seen, and no more.
	atf_check_equal "a b" "$(names olga ops)"
	atf_check_equal "DENIED: vm.stop is for the owner of a, alice, an\
 operator in group alice and an admin" "$(error olga ops vm.stop '{"vm":"a"}')"
	# A group is changed by an owner who is in it, as with chgrp.
	atf_check_equal DENIED "$(by alice s vm.set \
	    '{"vm":"a","group":"ops"}' | jq -r .data.name)"
	atf_check_equal DENIED "$(by olga ops vm.set \
	    '{"vm":"a","group":"crew"}' | jq -r .data.name)"
	atf_check_equal crew "$(by alice s vm.set \
	    '{"vm":"a","group":"crew"}' | jq -r .owner.group)"
	atf_check_equal running "$(by olga ops vm.start '{"vm":"a"}' |
	    jq -r .state)"
	atf_check_equal stopped "$(by olga ops vm.stop \
	    '{"vm":"a","force":true}' | jq -r .state)"
	# But it stays alice's.
	atf_check_equal DENIED "$(by olga ops vm.set \
	    '{"vm":"a","group":"ops"}' | jq -r .data.name)"
	atf_check_equal DENIED "$(by olga ops vm.set \
	    '{"vm":"a","owner":"olga"}' | jq -r .data.name)"
	atf_check_equal DENIED "$(by olga ops vm.destroy '{"vm":"b"}' |
	    jq -r .data.name)"
	# Her own are no less hers than a user's.
	atf_check_equal o "$(make olga ops o)"
	atf_check_equal o "$(by olga ops vm.destroy '{"vm":"o"}' |
	    jq -r .name)"
	end
}

test_case nobody_else_connects 60
nobody_else_connects_body() {
	begin
	for way in carol:s carol:ops carol:watch carol:root alice:ops \
	    alice:root olga:s mona:ops bob:watch; do
		user=${way%%:*} socket=${way##*:}
		as "$user" socat -u OPEN:/dev/null "UNIX:$socket" 2>err &&
		    atf_fail "$user may use $socket"
		grep -q 'Permission denied' err || atf_fail "$(cat err)"
	done
	atf_check_equal "root:nvmm 660" "$(stat -c '%U:%g %a' s |
	    sed s/61100/nvmm/)"
	atf_check_equal "600" "$(stat -c %a root)"
	end
}

test_case a_quota_stops_one_and_not_the_other 60
a_quota_stops_one_and_not_the_other_body() {
	begin
	atf_check_equal a1 "$(make alice s a1 '"vcpus":6')"
	atf_check_equal "LIMIT: vcpu limit of user alice reached: 6 of 8 in\
 use, 4 asked for" "$(make alice s a2 '"vcpus":4')"
	atf_check_equal b1 "$(make bob s b1 '"vcpus":4')"
	atf_check_equal a2 "$(make alice s a2)"
	atf_check_equal "LIMIT: machine limit of user alice reached: 2 of 2 in\
 use, 1 asked for" "$(make alice s a3)"
	atf_check_equal "b2 b3" "$(make bob s b2) $(make bob s b3)"
	atf_check_equal "user own alice 2 7 2 8" "$(by alice s daemon.info |
	    jq -r '.you | "\(.role) \(.sees) \(.user) \(.use.machines) " +
	    "\(.use.vcpus) \(.limits.machines_per_user) " +
	    "\(.limits.vcpus_per_user)"')"
	atf_check_equal "[61100,61103]" "$(by alice s daemon.info |
	    jq -c '.you.groups | map(select(. != 61001)) | sort')"
	by alice s vm.destroy '{"vm":"a1"}'
	atf_check_equal a3 "$(make alice s a3)"
	end
}

test_case an_admin_gives_machines_away 60
an_admin_gives_machines_away_body() {
	begin
	make alice s a
	hold() { { echo "$3"; sleep $((20 * slow)); } | as "$1" socat -t1 - UNIX:s >"$2" & }
	by alice s vm.start '{"vm":"a"}'
	hold alice attached '{"method":"console.attach","params":{"vm":"a"},"id":1}'
	hold alice waited '{"method":"vm.wait","params":{"vm":"a"},"id":1}'
	hold bob events '{"method":"events.subscribe","id":1}'
	until [ -s attached ] && [ -s events ]; do sleep 0.05; done
	atf_check_equal DENIED "$(by alice s vm.set '{"vm":"a","owner":"bob"}' |
	    jq -r .data.name)"
	refused INVALID_PARAMS 'there is no user zoe' vm.set \
	    '{"vm":"a","owner":"zoe"}'
	refused INVALID_PARAMS 'there is no group zoo' vm.set \
	    '{"vm":"a","group":"zoo"}'
	atf_check_equal "alice" "$(call vm.show '{"vm":"a"}' |
	    jq -r .owner.user)"
	atf_check_equal "bob 61002 crew" "$(call vm.set \
	    '{"vm":"a","owner":"bob","group":"crew"}' |
	    jq -r '.owner | "\(.user) \(.uid) \(.group)"')"
	atf_check_equal "" "$(names alice s)"
	atf_check_equal a "$(names bob s)"
	atf_check_equal stopped "$(by bob s vm.stop '{"vm":"a","force":true}' |
	    jq -r .state)"
	# It counts for him now.
	atf_check_equal "0 1" "$(by alice s daemon.info |
	    jq .you.use.machines) $(by bob s daemon.info |
	    jq .you.use.machines)"
	# Whoever had waited for it, or followed it, does not hear of it.
	for try in $(seq $((40 * slow))); do
		[ ! -s waited ] || break
		sleep 0.1
	done
	atf_check_equal NOT_FOUND "$(jq -r .error.data.name waited)"
	atf_check_equal "vm.changed vm.stopped" "$(sed 1d events |
	    jq -rs 'map(.params.type) | join(" ")')"
	# By numbers, where there are no names.
	atf_check_equal "64001 64002 null" "$(call vm.set \
	    '{"vm":"a","owner":"64001","group":"64002"}' |
	    jq -r '.owner | "\(.uid) \(.gid) \(.user)"')"
	end
}

test_case events_of_ones_own 60
events_of_ones_own_body() {
	begin
	hold() { { echo '{"method":"events.subscribe","id":1}'; sleep $((20 * slow)); } |
	    as "$1" socat -t1 - "UNIX:$2" >"$1.events" & }
	hold alice s
	hold mona watch
	until [ -s alice.events ] && [ -s mona.events ]; do sleep 0.05; done
	make bob s b
	make alice s a
	by alice s vm.destroy '{"vm":"a"}'
	by bob s vm.destroy '{"vm":"b"}'
	until [ "$(wc -l <mona.events)" -ge 5 ]; do sleep 0.05; done
	atf_check_equal "a vm.created a vm.destroyed" "$(sed 1d alice.events |
	    jq -rs 'map("\(.params.vm) \(.params.type)") | join(" ")')"
	atf_check_equal "b a a b" "$(sed 1d mona.events |
	    jq -rs 'map(.params.vm) | join(" ")')"
	end
}

# reload [JQ]: another configuration, by the method; the error's name or ok.
reload() {
	conf "$1"
	call daemon.reload | jq -r '.data.name // "ok"'
}

test_case reload 60
reload_body() {
	begin
	make alice s a1
	make alice s a2
	by alice s vm.start '{"vm":"a1"}'
	atf_check_equal DENIED "$(by alice s daemon.reload |
	    jq -r .data.name)"
	# A socket less, one more, and another limit.
	as mona socat -u UNIX:watch STDOUT >watched &
	watcher=$!
	sleep 0.2
	atf_check_equal ok "$(reload 'del(.sockets[2]) |
	    .sockets += [{path: "\($d)/more", group: "crew"}] |
	    .policy[0].machines_per_user = 1')"
	[ ! -e watch ] || atf_fail "the socket is still there"
	wait $watcher || true
	atf_check_equal "LIMIT: machine limit of user alice reached: 2 of 1 in\
 use, 1 asked for" "$(make alice more a3)"
	# What exists stays, and runs.
	atf_check_equal "a1 a2" "$(names alice s)"
	atf_check_equal running "$(by alice more vm.show '{"vm":"a1"}' |
	    jq -r .state)"
	# A socket that is as it was keeps its clients, one that is not does not.
	as alice socat -u UNIX:s STDOUT >kept &
	kept=$!
	as alice socat -u UNIX:more STDOUT >lost &
	lost=$!
	sleep 0.2
	atf_check_equal ok "$(reload '.sockets += [{path: "\($d)/more",
	    group: "ops", role: "operator"}]')"
	wait $lost || true
	kill -0 $kept || atf_fail "a client had to go for nothing"
	kill $kept
	atf_check_equal "operator" "$(by olga more daemon.info |
	    jq -r .you.role)"
	as alice socat -u OPEN:/dev/null UNIX:more && atf_fail "alice may still"
	atf_check_equal "61101 660" "$(stat -c '%g %a' more)"
	# A socket's own client hears that it is gone.
	atf_check_equal ok "$(reload 'del(.sockets[0])')" 
	rm -f s
	end
}

test_case a_bad_file_changes_nothing 60
a_bad_file_changes_nothing_body() {
	begin
	make alice s a1
	for bad in '.sockets[1].role = "king"' '.limits.machines = 1 | .x = 1' \
	    '.sockets += [{path: "\($d)/nowhere/s"}]' \
	    '.sockets = [{path: "\($d)/new"}, {path: "\($d)/conf"}]' \
	    '.policy[0].user = "zoe"'; do
		sed -n '$=' log >before
		atf_check_equal BAD_CONFIG "$(reload "$bad")"
		[ ! -e new ] || atf_fail "a socket was left behind"
		[ -S watch ] || atf_fail "a socket is gone"
		sed "1,$(cat before)d" log | grep -q 'nothing was changed' ||
		    died "the log does not say"
	done
	printf '{\n  "user": 7 }\n' >conf
	refused BAD_CONFIG "conf:2:3: user must be a string" daemon.reload
	kill -HUP "$(cat "$pid")"
	for try in $(seq 100); do
		[ "$(grep -c 'conf:2:3: user' log)" -lt 2 ] || break
		sleep 0.05
	done
	atf_check_equal 2 \
	    "$(grep -c 'user must be a string; nothing was changed' log)"
	atf_check_equal "2" "$(by alice s daemon.info |
	    jq .you.limits.machines_per_user)"
	atf_check_equal a1 "$(names alice s)"
	# A good one by the signal.
	conf '.policy[0].machines_per_user = 7'
	kill -HUP "$(cat "$pid")"
	for try in $(seq 100); do
		[ "$(by alice s daemon.info |
		    jq .you.limits.machines_per_user)" = 2 ] || break
		sleep 0.05
	done
	atf_check_equal 7 "$(by alice s daemon.info |
	    jq .you.limits.machines_per_user)"
	end
}

# used NAME ...: hundredths of a second that VCPUs of these machines have had.
used() {
	for vm; do
		for task in "/proc/$proper/task/"*; do
			[ "$(cat "$task/comm")" != "$vm/0" ] ||
			    sed 's/.*) //' "$task/stat"
		done
	done | awk '{ sum += $12 + $13 } END { print sum + 0 }'
}

# share SECONDS LEAST MOST NAME ...: the machines together get that much of a
# processor, in percent. On a busy host less will do: a third of what the
# machine called free gets, which has no limit.
share() {
	seconds=$1 least=$2 most=$3
	[ "$slow" -eq 1 ] || seconds=$((seconds * 2))
	shift 3
	before=$(used "$@") free=$(used free) begun=$(date +%s%N)
	sleep "$seconds"
	got=$(($(used "$@") - before)) free=$(($(used free) - free))
	took=$(($(date +%s%N) - begun))
	got=$((got * 1000000000 / took)) free=$((free * 1000000000 / took))
	[ "$got" -le "$most" ] ||
	    atf_fail "$* got $got percent, not $least to $most"
	[ "$got" -ge "$least" ] || [ "$got" -ge $((free / 3)) ] ||
	    atf_fail "$* got $got percent, not $least; free got $free"
}

test_case shares_of_run_time 120
shares_of_run_time_body() {
	begin '.policy = [ { user: "alice", share_per_user: 40 },
	    { user: "bob", share_per_machine: 20 } ]'
	call vm.create '{"name":"free","memory":16777216,"cmdline":"spin",
	    "elf":{"image":"smallkern"}}'
	call vm.start '{"vm":"free"}'
	for vm in a1 a2; do
		make alice s $vm
		by alice s vm.start "{\"vm\":\"$vm\"}"
	done
	share 5 36 43 a1 a2
	# One of them alone gets what both had.
	by alice s vm.stop '{"vm":"a2","force":true}'
	share 4 34 43 a1
	make bob s b
	atf_check_equal 20 "$(by bob s vm.show '{"vm":"b"}' | jq .share)"
	by bob s vm.start '{"vm":"b"}'
	share 5 17 22 b
	# He may take less, not more; an admin gives what he likes.
	refused() { atf_check_equal "$1" "$(error bob s vm.set "$2")"; }
	refused "LIMIT: share limit of a machine of user bob is 20: 21 asked\
 for" '{"vm":"b","share":21}'
	atf_check_equal 5 "$(by bob s vm.set '{"vm":"b","share":5}' |
	    jq .share)"
	share 5 3 7 b
	atf_check_equal 30 "$(call vm.set '{"vm":"b","share":30}' |
	    jq .share)"
	share 5 25 33 b
	# A pause is no way around it, and it can be paused while it is held.
	atf_check_equal paused "$(by bob s vm.pause '{"vm":"b"}' |
	    jq -r .state)"
	share 1 0 1 b
	atf_check_equal running "$(by bob s vm.resume '{"vm":"b"}' |
	    jq -r .state)"
	share 3 20 35 b
	# It ends at once though it is held most of the time.
	call vm.set '{"vm":"b","share":1}'
	sleep 1
	begun=$(date +%s%N)
	by bob s vm.destroy '{"vm":"b"}'
	[ $(($(date +%s%N) - begun)) -lt 2000000000 ] ||
	    [ "$slow" -gt 1 ] || atf_fail "it took too long to end"
	# The policy changes, and with it what runs.
	conf '.policy = [ { user: "alice", share_per_user: 10 } ]'
	atf_check_equal '{}' "$(call daemon.reload)"
	sleep 1
	share 5 5 12 a1
	conf '.policy = []'
	atf_check_equal '{}' "$(call daemon.reload)"
	share 4 50 200 a1
	end
}

test_case by_nvmmctl 60
by_nvmmctl_body() {
	begin
	ctl() { "$top/nvmmctl/nvmmctl" -s s "$@"; }
	make alice s a
	atf_check -o match:'a  *created  *1  *16M  *alice  ' \
	    "$top/nvmmctl/nvmmctl" -s s list
	atf_check -o inline:'a: created\n' "$top/nvmmctl/nvmmctl" -s s set a \
	    --owner bob --group crew --share 50 --restart always
	ctl show a >shown
	for line in 'owner  *bob, uid 61002, crew, gid 61103' \
	    'run time  *50% of a processor'; do
		grep -q "^$line\$" shown || atf_fail "not $line: $(cat shown)"
	done
	atf_check_equal always "$(ctl -j show a | jq -r .restart)"
	atf_check -s exit:3 -e match:'there is no user zoe' \
	    "$top/nvmmctl/nvmmctl" -s s set a --owner zoe
	atf_check -s exit:2 -e match:'needs --owner' \
	    "$top/nvmmctl/nvmmctl" -s s set a
	atf_check "$top/nvmmctl/nvmmctl" -s s reload
	conf '.sockets[1].role = "king"'
	atf_check -s exit:3 -e match:'conf:[0-9]*:[0-9]*: sockets\[1\].role' \
	    "$top/nvmmctl/nvmmctl" -s s reload
	atf_check -o match:'^your role  *admin$' "$top/nvmmctl/nvmmctl" -s s info
	end
}

# Of the kernel's driver only: nobody may open another's /dev/kvm here.
test_case the_device_is_the_daemons 60
the_device_is_the_daemons_body() {
	begin
	chown root:61099 $node
	chmod 660 $node
	for user in alice bob carol olga mona; do
		as $user sh -c ": <>$node" 2>err &&
		    atf_fail "$user may open $node"
		grep -q 'Permission denied' err || atf_fail "$(cat err)"
	done
	atf_check_equal a "$(make alice s a)"
	end
}

atf_init_test_cases() {
	for case in $cases; do
		[ $case != the_device_is_the_daemons ] ||
		    [ $device != hosted ] || continue
		atf_add_test_case "$case"
	done
}
