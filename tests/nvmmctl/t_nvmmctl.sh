# SPDX-License-Identifier: BSD-2-Clause
#
# Copyright (c) 2026 The NVMM authors
#
# nvmmctl against a daemon that plays canned answers (the cases named fake_*)
# and against the real nvmmd on this machine's /dev/kvm (real_*).

ctl=$(atf_get_srcdir)/../../nvmmctl/nvmmctl
nvmmd=$(atf_get_srcdir)/../../nvmmd/nvmmd
smallkern=$(atf_get_srcdir)/../../smallkern/smallkern
sock=./s

# Starts the fake daemon on the script that comes on standard input.
fake() {
	cat >script
	"$(atf_get_srcdir)/h_fakedaemon" $sock script log >pid || atf_fail fake
}

unfake() {
	[ ! -f pid ] || kill "$(cat pid)" 2>/dev/null || true
}

# Runs nvmmctl on the socket at hand: status, output, error, arguments.
ctl() {
	status=$1 out=$2 error=$3
	shift 3
	atf_check -s "exit:$status" -o "$out" -e "$error" "$ctl" -s $sock "$@"
}

# Declares a case with a daemon to end afterwards: name, description.
daemon_case() {
	atf_test_case "$1" cleanup
	eval "$1_descr=\$2"
	eval "$1_head() { atf_set descr \"\$$1_descr\"; }"
	eval "$1_cleanup() { unfake; }"
}

created='{"result":{"name":"vm0","state":"created"}}'
running='{"result":{"name":"vm0","state":"running"}}'
exited3='{"result":{"name":"vm0","state":"stopped","reason":{"kind":"exited",'
exited3="$exited3"'"text":"the guest exited with status 3","status":3}}}'
stopped='{"result":{"name":"vm0","state":"stopped","reason":{"kind":"stopped",'
stopped="$stopped"'"text":"stopped on request"}}}'
failed='{"result":{"name":"vm0","state":"failed","reason":{"kind":"shutdown",'
failed="$failed"'"text":"triple fault","vcpu":0}}}'

# An error answer: symbolic name, message.
error() {
	printf '{"error":{"code":1,"message":"%s","data":{"name":"%s"}}}' \
	    "$2" "$1"
}

atf_test_case usage
usage_head() {
	atf_set descr "wrong command lines end with 2 and one line"
}
usage_body() {
	one() { ctl 2 empty "match:^nvmmctl: $1" $2; }
	one "unknown verb: frobnicate" frobnicate
	one "a verb is missing" ""
	one "unknown option: --frob" "list --frob"
	one "unknown option: -x" "-x list"
	one "option --mem goes after the verb" "--mem 4G list"
	one "list takes no option --mem" "list --mem 4G"
	one "option --mem needs a value" "create --mem"
	one "option --json takes no value" "list --json=1"
	one "create needs --mem SIZE and --elf FILE" "create --mem 4G"
	one "usage: nvmmctl start NAME" start
	one "usage: nvmmctl show NAME" show
	one "either names or --all" "start --all a"
	one "either --grace or --force" "stop a --grace 1 --force"
	one "--grace soon: not a number" "stop a --grace soon"
	one "--cpu x: not a number" "nmi a --cpu x"
	one "--interval 0: at least a second" "top --interval 0"
	one "--restart often: not never, on-failure" \
	    "create --mem 4G --elf k --restart often"
	one "there is no column \"size\", but name, state," "list -o name,size"
	one "usage: nvmmctl list" "list a"
	one "--timeout soon: not a number" "wait a --timeout soon"
	one "--timeout 99999999: too long" "wait a --timeout 99999999"
	one "--boot floppy: not auto, elf or pvh" \
	    "create --mem 4G --elf k --boot floppy"
	one "--vcpus -1: not a number" "create --mem 4G --elf k --vcpus -1"
	one "--vcpus two: not a number" "create --mem 4G --elf k --vcpus=two"
	one "--elf: the file's name is empty" "create --mem 4G --elf="
	one "parameters: column" "raw vm.list {"
	one "parameters are not a JSON object: \[\]" "raw vm.list []"
}

atf_test_case sizes
sizes_head() {
	atf_set descr "sizes that are none are named, with 2"
}
sizes_body() {
	for verb in create run; do
		ctl 2 empty "inline:nvmmctl: --mem 0: a machine needs memory\n" \
		    $verb --mem 0 --elf k
		ctl 2 empty "match:^nvmmctl: --mem 3K: not a multiple of" \
		    $verb --mem 3K --elf k
		ctl 2 empty "match:^nvmmctl: --mem lots: not a size" \
		    $verb --mem=lots --elf k
		ctl 2 empty "match:^nvmmctl: --mem -1: not a size" \
		    $verb --mem -1 --elf k
		ctl 2 empty "match:^nvmmctl: --mem 999999999T: too large" \
		    $verb --mem 999999999T --elf k
	done
}

atf_test_case help
help_head() {
	atf_set descr "--help lists every verb of the man page, with 0"
}
help_body() {
	atf_check -o save:out "$ctl" --help
	for verb in create start stop destroy run list show stats log console \
	    wait identify info describe raw; do
		atf_check -o ignore grep "^  $verb " out
		atf_check -o "match:^usage: nvmmctl .* $verb" "$ctl" $verb -h
		atf_check -o ignore grep "^\.It Cm $verb" \
		    "$(atf_get_srcdir)/../../nvmmctl/nvmmctl.8"
	done
}

daemon_case nodaemon "a socket without a daemon is told from one without rights"
nodaemon_body() {
	ctl 6 empty "match:^nvmmctl: no daemon listens on ./s \(no such" list
	touch s
	ctl 6 empty "match:^nvmmctl: no daemon listens on ./s$" list
	rm s
	fake </dev/null
	unfake
	sleep 0.1
	ctl 6 empty "match:^nvmmctl: no daemon listens on ./s$" list
	long=$(printf '%0200d' 0)
	atf_check -s exit:6 -e "match:socket name too long" "$ctl" -s "$long" list
	atf_check -s exit:6 -e "match:no daemon listens on ./s$" \
	    env NVMMD_SOCKET=./s "$ctl" list
	atf_check -s exit:6 -e "match:/var/run/nvmmd/none" \
	    env NVMMD_SOCKET=./s "$ctl" -s /var/run/nvmmd/none list
}

daemon_case norights "a socket that denies access is named as such, with 6"
norights_head() {
	atf_set descr "a socket that denies access is named as such, with 6"
	atf_set require.user root
}
norights_body() {
	fake </dev/null
	chmod 0600 s
	chmod 0755 .
	setpriv --reuid 65534 --clear-groups "$ctl" -s "$PWD/s" list 2>err
	[ $? -eq 6 ] || atf_fail "status"
	if grep -q "no such socket" err; then
		atf_skip "the work folder is closed to other users"
	fi
	atf_check -o ignore grep "^nvmmctl: no permission to use the socket" err
}

daemon_case fake_gone "a daemon that goes away or talks nonsense is told"
fake_gone_body() {
	fake <<-EOT
	vm.list !close
	daemon.info !line hello
	daemon.identify !line {"id":1}
	daemon.describe !line {"id":null,"error":{"message":"line too long","data":{"name":"TOO_LONG"}}}
	EOT
	ctl 6 empty "match:^nvmmctl: the daemon closed the connection" list
	ctl 1 empty "match:does not speak nvmmd's protocol" info
	ctl 1 empty "match:answer is no result" identify
	ctl 1 empty "inline:nvmmctl: line too long\n" describe
}

daemon_case fake_errors "each error name has its exit status, its text is shown"
fake_errors_body() {
	fake <<-EOT
	limit $(error LIMIT "machine limit reached: 128 of 128")
	denied $(error DENIED no)
	image $(error BAD_IMAGE "k: not an ELF file")
	params $(error INVALID_PARAMS "vcpus must be 1 to 256, not 257")
	memory $(error NO_MEMORY no)
	missing $(error NOT_FOUND "no machine vm9")
	exists $(error EXISTS no)
	state $(error STATE_CONFLICT no)
	other $(error DRIVER no)
	timeout $(error TIMEOUT no)
	lines $(error LIMIT 'two\nlines\u001b[31m')
	EOT
	ctl 3 empty "inline:nvmmctl: machine limit reached: 128 of 128\n" raw limit
	ctl 3 empty not-empty raw denied
	ctl 3 empty "inline:nvmmctl: k: not an ELF file\n" raw image
	ctl 3 empty "inline:nvmmctl: vcpus must be 1 to 256, not 257\n" raw params
	ctl 3 empty not-empty raw memory
	ctl 4 empty "inline:nvmmctl: no machine vm9\n" raw missing
	ctl 5 empty not-empty raw exists
	ctl 5 empty not-empty raw state
	ctl 1 empty not-empty raw other
	ctl 1 empty not-empty raw timeout
	ctl 3 empty "inline:nvmmctl: two?lines?[31m\n" raw lines
}

daemon_case fake_create "create sends what was asked for, and the file along"
fake_create_body() {
	fake <<-EOT
	vm.create $created
	EOT
	printf 12345 >kernel
	mkdir folder
	ctl 0 "inline:vm0\n" empty create --mem 512M --elf kernel
	ctl 0 "inline:vm0\n" empty create --mem=4G --elf=./kernel --name=web \
	    --vcpus=2 --cmdline='a "b"' --boot=pvh
	ctl 0 "inline:vm0\n" empty create --mem 4K --elf folder
	ctl 0 'inline:{"name":"vm0","state":"created"}\n' empty \
	    -j create --mem 4K --elf smallkern --vcpus 257
	cat >want <<-'EOT'
	fd 5
	{"method":"vm.create","params":{"memory":536870912,"elf":{"fd":0,"name":"kernel"}},"id":1}
	fd 5
	{"method":"vm.create","params":{"name":"web","cmdline":"a \"b\"","memory":4294967296,"vcpus":2,"boot":"pvh","elf":{"fd":0,"name":"kernel"}},"id":1}
	{"method":"vm.create","params":{"memory":4096,"elf":{"image":"folder"}},"id":1}
	{"method":"vm.create","params":{"memory":4096,"vcpus":257,"elf":{"image":"smallkern"}},"id":1}
	EOT
	atf_check -o file:want cat log
}

daemon_case fake_elf "a binary that cannot be opened is named, nothing is sent"
fake_elf_body() {
	fake </dev/null
	touch kernel
	ctl 4 empty "inline:nvmmctl: ./none: No such file or directory\n" \
	    create --mem 4G --elf ./none
	ctl 3 empty "inline:nvmmctl: kernel/x: Not a directory\n" \
	    run --mem 4G --elf kernel/x
	atf_check cat log
}

daemon_case fake_changes "start, stop and destroy go through all their names"
fake_changes_body() {
	fake <<-EOT
	vm.start $running
	vm.start $(error NOT_FOUND "no machine b")
	vm.start $running
	vm.stop $stopped
	vm.destroy {"result":{"name":"vm0"}}
	EOT
	ctl 4 "inline:vm0: running\nvm0: running\n" \
	    "inline:nvmmctl: no machine b\n" start a b c
	ctl 0 "inline:vm0: stopped\n" empty stop vm0
	ctl 0 "inline:vm0: destroyed\n" empty destroy vm0
	ctl 0 'inline:{"name":"vm0"}\n' empty --json destroy vm0
	atf_check -o "match:\"params\":\{\"vm\":\"c\"\},\"id\":3" cat log
}

daemon_case fake_list "list is a table, or the daemon's own JSON"
fake_list_body() {
	TZ=UTC
	export TZ
	json='{"machines":[{"name":"vm0","state":"running","vcpus":1,'
	json="$json"'"memory":536870912,"created":1000000000,"owner":'
	json="$json"'{"uid":1000,"gid":100},"x":1.10},{"name":"a\u001bb",'
	json="$json"'"state":"failed","vcpus":256,"memory":5000000000}]}'
	fake <<-EOT
	vm.list {"result":$json}
	vm.empty {"result": { "machines" : [ ] } , "more":"} ]"}
	EOT
	cat >want <<-'EOT'
	NAME  STATE    VCPUS  MEMORY  OWNER  CREATED
	vm0   running      1    512M   1000  2001-09-09 01:46:40
	a?b   failed     256    4.7G      -  -
	EOT
	ctl 0 file:want empty list
	printf '%s\n' "$json" >want
	ctl 0 file:want empty -j list
	ctl 0 file:want empty list --json
	ctl 0 'inline:{ "machines" : [ ] }\n' empty raw vm.empty
}

daemon_case fake_show "show and stats print what the record has"
fake_show_body() {
	fake <<-EOT
	vm.show $failed
	vm.stats {"result":{"name":"vm0","state":"running","uptime_ms":1500,"backend":"x86-SVM","device":"/dev/nvmm","memory":{"configured":536870912,"mapped":536870912,"resident":3355443},"console":{"bytes":4096,"lost":0},"vcpus":[{"cpu":0,"run_ns":1200000000,"injected":12,"halted":true,"exits":{"user":{"io":30,"memory":4},"driver":{"cpuid":6}},"rate":{"user":22.6,"driver":4}}],"totals":{"run_ns":1200000000,"injected":12,"exits_user":34,"exits_driver":6,"rate_user":22.6,"rate_driver":4}}}
	EOT
	ctl 0 save:out empty show vm0
	atf_check -o ignore grep "^reason  *triple fault$" out
	atf_check -o ignore grep "^by VCPU  *0$" out
	cat >want <<-'EOT'
	name              vm0
	state             running
	uptime            1.500s
	backend           x86-SVM
	device            /dev/nvmm
	memory            512M configured, 512M mapped, 3.2M resident
	console           4096 bytes, 0 no longer kept
	guest run time    1.200s
	interrupts        12
	exits to the user 34 (23/s)
	within the driver 6 (4/s)

	vcpu 0: ran 1.200s, 12 interrupts injected, halted
	  EXITS              COUNT  PER SECOND
	  to the user           34          23
	    io                  30
	    memory               4
	  within the driver      6           4
	    cpuid                6
	EOT
	ctl 0 save:out empty stats vm0
	atf_check -o file:want sed 's/ *$//' out
}

daemon_case fake_log "log prints the console's very bytes"
fake_log_body() {
	fake <<-'EOT'
	console.read {"result":{"data_base64":"aGVsbG8K/w==","offset":107,"lost":100,"end":false}}
	console.read {"result":{"data_base64":"Ynll","offset":110,"lost":0,"end":false}}
	console.read {"result":{"data_base64":"","offset":110,"lost":0,"end":false}}
	EOT
	printf 'hello\n\377bye' >want
	ctl 0 file:want "match:first 100 bytes are no longer kept" log vm0
	atf_check -o ignore grep '"offset":110,"encoding":"base64"' log
}

daemon_case fake_wait "wait ends with the guest's status"
fake_wait_body() {
	fake <<-EOT
	vm.wait $exited3
	EOT
	ctl 3 "inline:vm0: stopped (the guest exited with status 3)\n" empty \
	    wait vm0 --timeout 5
	atf_check -o "match:\"timeout_ms\":5000" cat log
	unfake
	rm s
	fake <<-EOT
	vm.wait $failed
	EOT
	ctl 7 "inline:vm0: failed (triple fault)\n" empty wait vm0
	unfake
	rm s
	fake <<-EOT
	vm.wait $(error TIMEOUT "vm0 still runs")
	EOT
	ctl 1 empty "inline:nvmmctl: vm0 still runs\n" wait vm0
}

daemon_case fake_console "console carries a pipe both ways, bytes as they are"
fake_console_body() {
	fake <<-'EOT'
	console.attach !echo
	EOT
	printf 'one\n~.\nt\377woQ' >input
	printf 'one\n~.\nt\377wo' >want
	atf_check -o file:want -x "$ctl -s s console vm0 <input"
	atf_check -o "match:\{\"vm\":\"vm0\"\}" cat log
}

daemon_case fake_tty "on a terminal ~. leaves and gives the terminal back"
fake_tty_head() {
	atf_set descr "on a terminal ~. leaves and gives the terminal back"
	atf_set require.progs script
}
fake_tty_body() {
	fake <<-'EOT'
	console.attach !echo
	EOT
	cat >session <<-EOT
	stty -a >before
	$ctl -s s console vm0 2>err
	echo status \$? >status
	stty -a >after
	EOT
	{ sleep 0.5; printf 'ab~.c\r~~d\r'; sleep 0.3; printf '~.'; sleep 0.5; } |
	    script -qec "sh session" typescript >shown
	atf_check -o "inline:status 0\n" cat status
	atf_check diff before after
	atf_check -o ignore grep "attached to vm0; ~. leaves" err
	atf_check -o ignore grep "detached from vm0" err
	tr -d '\r' <shown >bytes
	atf_check -o "inline:ab~.c~d" cat bytes
}

daemon_case fake_run "run follows the console and ends with the guest's status"
fake_run_body() {
	fake <<-EOT
	vm.create $created
	vm.start $running
	vm.wait $exited3
	vm.destroy {"result":{"name":"vm0"}}
	console.attach !stream hello\n\377world\n
	EOT
	printf 'hello\n\377world\n' >want
	ctl 3 file:want empty run --mem 512M --elf smallkern </dev/null
	atf_check -o "inline:1\n" grep -c vm.destroy log
	ctl 3 file:want empty run --mem 512M --elf smallkern --keep </dev/null
	atf_check -o "inline:1\n" grep -c vm.destroy log
	ctl 3 save:json file:want -j run --mem 4K --elf smallkern </dev/null
	atf_check -o "match:^\{\"name\":\"vm0\",\"state\":\"stopped\"" cat json
	atf_check -o "match:\"vm\":\"vm0\",\"replay\":true" cat log
}

daemon_case fake_run_failed "run tells why a machine failed, with 7"
fake_run_failed_body() {
	fake <<-EOT
	vm.create $created
	vm.start $running
	vm.wait $failed
	vm.destroy {"result":{"name":"vm0"}}
	console.attach !stream hello\n
	EOT
	ctl 7 "inline:hello\n" "inline:nvmmctl: vm0: triple fault\n" \
	    run --mem 512M --elf smallkern
}

daemon_case fake_run_refused "run destroys what could not be started"
fake_run_refused_body() {
	fake <<-EOT
	vm.create $created
	vm.start $(error LIMIT "out of threads")
	vm.destroy {"result":{"name":"vm0"}}
	console.attach !echo
	EOT
	ctl 3 empty "inline:nvmmctl: out of threads\n" \
	    run --mem 512M --elf smallkern
	atf_check -o "inline:1\n" grep -c vm.destroy log
}

daemon_case fake_run_interrupt "SIGINT stops and destroys the machine, with 130"
fake_run_interrupt_body() {
	fake <<-EOT
	vm.create $created
	vm.start $running
	vm.wait !held $stopped
	vm.stop $stopped
	vm.destroy {"result":{"name":"vm0"}}
	console.attach !echo
	EOT
	atf_check -s exit:130 -x "timeout --preserve-status -s INT 0.5 \
	    $ctl -s s run --mem 512M --elf smallkern </dev/null"
	atf_check -o "inline:1\n" grep -c vm.stop log
	atf_check -o "inline:1\n" grep -c vm.destroy log
}

daemon_case fake_run_pipe "run into a pipe that closes stops the machine"
fake_run_pipe_body() {
	fake <<-EOT
	vm.create $created
	vm.start $running
	vm.wait !held $stopped
	vm.stop $stopped
	vm.destroy {"result":{"name":"vm0"}}
	console.attach !echo
	EOT
	# Input, and so output, only once the reader has closed.
	{ until [ -e closed ]; do sleep 0.05; done; echo hello; } |
	    { "$ctl" -s s run --mem 4K --elf smallkern 2>err
	    echo $? >status; } | { exec <&-; : >closed; }
	atf_check -o "inline:1\n" cat status
	atf_check -o ignore grep "standard output: Broken pipe" err
	atf_check -o "inline:1\n" grep -c vm.destroy log
}

# The statistics of three machines at once, as the daemon gives them.
top_script() {
	vm() {
		printf '{"result":{"name":"%s","state":"%s","uptime_ms":2000,' \
		    "$1" "$2"
		printf '"backend":"x86-SVM","device":"/dev/nvmm",'
		printf '"memory":{"configured":67108864,"mapped":67108864,'
		printf '"resident":%s},"console":{"bytes":5,"lost":0},' "$3"
		printf '"totals":{"run_ns":%s},"vcpus":[{"cpu":0,' "$4"
		printf '"run_ns":%s,"injected":7,"exits":{"user":{"io":%s},' \
		    "$4" "$5"
		printf '"driver":{"cpuid":%s,"host-interrupt":%s}}}]}}' \
		    "$6" "$7"
	}
	cat <<-EOT
	vm.list {"result":{"machines":[{"name":"web"},{"name":"db"},{"name":"a-name-too-long-for-it"}]}}
	vm.stats $(vm web running 4194304 1000000000 200 4000 20)
	vm.stats $(vm db paused 12582912 500000000 30000 0 0)
	vm.stats $(vm a-name-too-long-for-it running 8192 1800000000 0 0 2468000)
	EOT
}

daemon_case fake_top "top's screen of 80 columns and 24 lines, and its keys"
fake_top_body() {
	command -v tmux >/dev/null || atf_skip "tmux is missing"
	top_script | fake
	screen() { tmux -S ./tmux -f /dev/null "$@"; }
	shown() {
		for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
			screen capture-pane -p >got
			! cmp -s got "$1" || return 0
			sleep 0.1
		done
		diff -u "$1" got
		atf_fail "top does not show $1"
	}
	frame() {
		cat <<-EOT
		3 machines, 2 running; 165.0% CPU, 1.3M exits/s, 16.0M resident

		NAME         STATE     %CPU EXITS/S    IO   MEM   HLT   MSR CPUID OTHER  MEMORY
		EOT
		cat
		for line in 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23; do
			echo
		done
		printf '%s   sort: c CPU  e exits  m memory  n name' "by $1"
		echo '   up, down   q quit'
	}
	long='a-name-too-l running   90.0    1.2M     0     0     0     0     0  1.2M      8K'
	web='web          running   50.0    2110   100     0     0     0  2000    10      4M'
	db='db           paused    25.0     15k   15k     0     0     0     0     0     12M'
	printf '%s\n' "$long" "$web" "$db" | frame CPU >by-cpu
	printf '%s\n' "$long" "$db" "$web" | frame name >by-name
	printf '%s\n' "$db" "$web" "$long" | frame memory >by-memory
	TERM=xterm screen new-session -d -x 80 -y 24 \
	    "$ctl -s s top --interval 60; echo \$? >status"
	shown by-cpu
	screen send-keys n
	shown by-name
	screen send-keys m
	shown by-memory
	screen send-keys q
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s status ] || break
		sleep 0.2
	done
	atf_check -o inline:"0\n" cat status
}
fake_top_cleanup() {
	unfake
	tmux -S ./tmux kill-server 2>/dev/null || true
}

daemon_case fake_metrics "stats --openmetrics is what Prometheus reads"
fake_metrics_body() {
	top_script | sed 's/"web"/"w\\"e\\\\b"/g' | fake
	ctl 0 save:metrics empty stats --all --openmetrics
	atf_check -o inline:"# EOF\n" tail -1 metrics
	/usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null ||
	    atf_skip "python3-prometheus-client is missing"
	cat >read.py <<-'EOT'
	import sys
	from prometheus_client.openmetrics.parser import \
	    text_string_to_metric_families as families
	got = {f.name: f for f in families(open(sys.argv[1]).read())}
	assert len(got) == 8, got.keys()
	assert all(f.samples for f in got.values())
	exits = {(s.labels["vm"], s.labels["side"], s.labels["reason"]): s.value
	    for s in got["nvmm_vcpu_exits"].samples}
	assert exits['w"e\\b', "driver", "cpuid"] == 4000, exits
	run = {s.labels["vm"]: s.value
	    for s in got["nvmm_vcpu_run_seconds"].samples}
	assert run["db"] == 0.5, run
	assert got["nvmm_vcpu_exits"].type == "counter"
	EOT
	atf_check /usr/bin/python3 read.py metrics
}

# Starts the real daemon, or skips the case with the reason.
real() {
	[ -x "$nvmmd" ] || atf_skip "nvmmd is not built"
	[ -x "$smallkern" ] || atf_skip "smallkern is not built"
	[ -w /dev/kvm ] || [ -w /dev/nvmm ] ||
	    atf_skip "neither /dev/kvm nor /dev/nvmm here"
	printf '{"images":"%s"}\n' "$(dirname "$(realpath "$smallkern")")" \
	    >nvmmd.conf
	"$nvmmd" -f -c nvmmd.conf -s $sock >nvmmd.log 2>&1 &
	echo $! >pid
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$ctl" -s $sock info >info 2>&1 && return 0
		sleep 0.3
	done
	cat info nvmmd.log
	atf_fail "nvmmd does not answer"
}

# Creates a machine from smallkern: its command line.
real_create() {
	atf_check -o save:name "$ctl" -s $sock create --mem 64M \
	    --elf "$smallkern" --cmdline "$1"
	vm=$(cat name)
}

daemon_case real_run "run passes all of smallkern's checks, and statuses through"
real_run_body() {
	real
	ctl 0 save:out empty run --mem 512M --elf "$smallkern" </dev/null
	atf_check -o ignore grep "^smallkern: " out
	atf_check -s exit:1 grep "^not ok" out
	ctl 3 ignore empty run --mem 64M --elf smallkern \
	    --cmdline exit=3 </dev/null
	ctl 7 ignore not-empty run --mem 64M --elf "$smallkern" \
	    --cmdline triple </dev/null
	printf 'hello\nexit\n' >input
	atf_check -o match:hello -x "$ctl -s s run --mem 64M \
	    --elf $smallkern --cmdline echo <input"
	ctl 0 "match:^NAME" empty list
	atf_check -o inline:'{"machines":[]}\n' "$ctl" -s s -j list
}

daemon_case real_steps "create, start, wait, log, stats, show and destroy agree"
real_steps_body() {
	real
	real_create exit=3
	atf_check_equal vm0 "$vm"
	ctl 0 "match:vm0  *created  *1  *64M" empty list
	ctl 0 "match:^vm0: " empty start vm0
	ctl 3 match:^vm0: empty wait vm0 --timeout 20
	ctl 0 "match:^smallkern: " empty log vm0
	ctl 0 "match:to the user  *[1-9]" empty stats vm0
	ctl 0 "match:^exit status  *3" empty show vm0
	"$ctl" -s s -j info >json || atf_fail info
	for verb in show stats; do
		ctl 0 "match:^backend  *$(jq -r .backend json)$" empty \
		    $verb vm0
		ctl 0 "match:^device  *$(jq -r .device json)$" empty $verb vm0
	done
	"$ctl" -s s -j stats vm0 >json || atf_fail stats
	atf_check -o inline:"true\n" jq '.totals.exits_user > 0' json
	ctl 0 "inline:vm0: destroyed\n" empty destroy vm0
	ctl 4 empty not-empty show vm0
	ctl 4 empty not-empty start vm0
	ctl 4 empty not-empty console vm0
	ctl 4 empty not-empty log vm0
}

daemon_case real_stop "stop and destroy end a guest that spins, CLI and all"
real_stop_body() {
	real
	for words in spin halt flood; do
		real_create $words
		ctl 0 match:"^$vm: " empty start "$vm"
		sleep 0.3
		ctl 1 empty not-empty wait "$vm" --timeout 0
		ctl 0 "inline:$vm: stopped\n" empty stop "$vm"
		ctl 1 match:"^$vm: stopped" empty wait "$vm"
		ctl 0 "inline:$vm: destroyed\n" empty destroy "$vm"
		real_create $words
		ctl 0 match:"^$vm: " empty start "$vm"
		sleep 0.3
		ctl 0 "inline:$vm: destroyed\n" empty destroy "$vm"
	done
	atf_check -s exit:130 -o match:smallkern -x "timeout \
	    --preserve-status -s INT 1 $ctl -s s run --mem 64M \
	    --elf $smallkern --cmdline spin </dev/null"
	atf_check -o inline:'{"machines":[]}\n' "$ctl" -s s -j list
}

daemon_case real_life "pause, resume, reset, nmi, regs, events, --all and --wait"
real_life_body() {
	real
	"$ctl" -s s events >events &
	events=$!
	real_create serve=2
	real_create halt
	ctl 0 "inline:vm0: running\nvm1: running\n" empty start --all
	until "$ctl" -s s log vm0 | grep -q serving; do
		sleep 0.1
	done
	ctl 5 empty "match:vm0 is running" regs vm0
	ctl 0 "inline:vm0: paused\nvm1: paused\n" empty pause vm0 vm1
	ctl 0 "match:^r15 .* rip  *0x1[0-9a-f]* " empty regs vm0
	ctl 0 "inline:vm0: running\nvm1: running\n" empty resume --all
	ctl 0 "inline:vm0: running\n" empty reset vm0
	until [ "$("$ctl" -s s log vm0 | grep -c serving)" -eq 2 ]; do
		sleep 0.1
	done
	ctl 0 "inline:vm0: stopped\n" empty stop vm0 --grace 20
	ctl 0 "match:^exit status  *2$" empty show vm0
	ctl 0 "inline:vm1: running\n" empty nmi vm1 --cpu 0
	ctl 2 "match:^vm1: stopped" empty wait vm1 --timeout 20
	ctl 2 "match:^vm0: running" empty start vm0 --wait &
	until "$ctl" -s s list -o name,state | grep -q "vm0 .*running"; do
		sleep 0.1
	done
	ctl 0 "match:^smallkern:" empty log vm0 -f &
	follower=$!
	sleep 0.5
	ctl 0 "inline:vm0: stopped\n" empty stop vm0
	wait $follower
	ctl 0 "match:^NAME  REASON" empty list -o name,reason
	ctl 0 "inline:vm0: destroyed\nvm1: destroyed\n" empty destroy --all
	kill $events
	for what in created started paused resumed reset stopped destroyed; do
		atf_check -o ignore grep " vm.$what  *vm0" events
	done
}

# A host is reached by this in the place of ssh.
remote() {
	cat >ssh <<-EOT
	#! /bin/sh
	[ "\$1 \$2 \$4 \$5" = "-T -- nvmmctl proxy" ] || exit 99
	echo "\$3" >host
	NVMMD_SOCKET=./s exec "$ctl" proxy
	EOT
	chmod +x ssh
	NVMMCTL_SSH=./ssh
	export NVMMCTL_SSH
}

daemon_case real_remote "another host by ssh: files are uploaded"
real_remote_body() {
	real
	remote
	there() { "$ctl" -H alice@there "$@"; }
	atf_check -o inline:"vm0\n" "$ctl" -H alice@there create --mem 64M \
	    --elf "$smallkern" --cmdline echo
	atf_check -o inline:"alice@there\n" cat host
	atf_check -o inline:"vm0: running\n" "$ctl" -H alice@there start vm0
	printf 'over there\nexit\n' |
	    atf_check -o match:"over there" "$ctl" -H alice@there console vm0
	atf_check -o match:"image  *smallkern" "$ctl" --host=there show vm0
	atf_check -s exit:3 -o match:"^smallkern:" "$ctl" -H there run \
	    --mem 64M --elf "$smallkern" --cmdline exit=3 </dev/null
	# What cannot be uploaded, and what the daemon does not take.
	ctl 3 empty "match:only a regular file" -H there create --mem 64M \
	    --elf ./
	truncate -s 65M huge
	ctl 3 empty "match:size must be 1 to" -H there create --mem 64M \
	    --elf ./huge
	ctl 2 empty "match:-H -oProxy: not a host" -H -oProxy list
	echo 'exit 255' >ssh
	ctl 6 empty "match:closed the connection" -H there list
	NVMMCTL_SSH=./none
	ctl 6 empty "match:none: No such file" -H there list
}

atf_test_case completion
completion_head() {
	atf_set descr "bash completes verbs, options and machines"
}
completion_body() {
	command -v bash >/dev/null || atf_skip "bash is missing"
	cat >complete.bash <<-'EOT'
	. "$1"
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_nvmmctl
	echo "${COMPREPLY[@]}"
	EOT
	mkdir bin
	cat >bin/nvmmctl <<-EOT
	#! /bin/sh
	case "\$*" in
	*list*)	printf 'NAME\nweb\ndb\n' ;;
	*)	exec "$ctl" "\$@" ;;
	esac
	EOT
	chmod +x bin/nvmmctl
	PATH=$PWD/bin:$PATH
	completes() {
		want=$1
		shift
		atf_check -o inline:"$want\n" bash complete.bash \
		    "$(dirname "$ctl")/nvmmctl.bash" nvmmctl "$@"
	}
	completes "start stop stats" st
	completes "web db" start ""
	completes "web" -H there start w
	completes "--all --grace --force" stop web --
	completes "never on-failure always" create --restart ""
	completes "" list x
}

daemon_case real_bad "bad input is one line and its status; others do not notice"
real_bad_body() {
	real
	real_create spin
	ctl 0 match:"^$vm: " empty start "$vm"
	head -c 100 "$smallkern" >short
	{ head -c 18 "$smallkern"; printf '\050'; tail -c +20 "$smallkern"; } \
	    >arm
	echo hello >text
	bad() {
		status=$1 words=$2
		shift 2
		ctl "$status" empty save:err create "$@"
		atf_check -o inline:"1\n" sh -c 'wc -l <err'
		atf_check -o ignore grep -E "^nvmmctl: .*$words" err
	}
	bad 3 ELF --mem 64M --elf text
	bad 3 "" --mem 64M --elf short
	bad 3 "" --mem 64M --elf arm
	bad 3 "" --mem 64M --elf /
	bad 3 "" --mem 64M --elf /dev/null
	bad 4 nosuchimage --mem 64M --elf nosuchimage
	bad 3 5T --mem 5T --elf "$smallkern"
	bad 3 "vcpus.* 0" --mem 64M --vcpus 0 --elf "$smallkern"
	bad 3 "vcpus.*257" --mem 64M --vcpus 257 --elf "$smallkern"
	bad 3 "" --mem 64M --name "a b" --elf "$smallkern"
	bad 5 "$vm" --mem 64M --name "$vm" --elf "$smallkern"
	ctl 1 empty not-empty raw no.such.method
	ctl 3 empty not-empty raw vm.show '{"wm":"vm0"}'
	atf_check -o inline:"$vm running\n" jq -r \
	    '.machines[] | .name + " " + .state' <<-EOT
	$("$ctl" -s s -j list)
	EOT
}

daemon_case real_console "console and log show the same bytes; input arrives"
real_console_body() {
	real
	real_create echo
	(sleep 0.5; printf 'one\nexit\n') |
	    "$ctl" -s s console "$vm" >shown &
	sleep 0.2
	ctl 0 match:"^$vm: " empty start "$vm"
	wait $!
	atf_check -o match:one cat shown
	ctl 0 file:shown empty log "$vm"
	ctl 0 match:'"data":' empty -j log "$vm"
}

daemon_case real_daemon "identify, info and describe print what they promise"
real_daemon_body() {
	real
	ctl 0 "match:^max machines  *128" empty identify
	ctl 0 "match:^protocol  *1" empty info
	ctl 0 "match:^vm.create " empty describe
	ctl 0 match:'"major":1' empty raw daemon.info
}

atf_init_test_cases() {
	for tc in usage sizes help nodaemon norights fake_gone fake_errors \
	    fake_create fake_elf fake_changes fake_list fake_show fake_log \
	    fake_wait fake_console fake_tty fake_run fake_run_failed \
	    fake_run_refused fake_run_interrupt fake_run_pipe fake_top \
	    fake_metrics completion real_run real_steps real_life real_remote \
	    real_stop real_bad real_console real_daemon; do
		atf_add_test_case $tc
	done
}
