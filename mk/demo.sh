#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh: the main job, shown in the testhost, a disposable Linux host with
# emulated AMD-V: the kernel driver, nvmmd on it, a machine that boots
# smallkern, its console to the last check, its statistics.
#
# demo.sh here: the same on this very machine, on /dev/nvmm or else on the
# hosted driver, with an nvmmd of its own in a temporary folder.
set -eu

top=$(pwd)

fail() {
	echo "demo: $*" >&2
	exit 1
}

show() {
	echo
	echo "\$ $*"
	"$@"
}

# What runs in the testhost: the driver is loaded, the service gets its user,
# and the device that user's group, as an installation does it.
in_testhost() {
	useradd --system --no-create-home --shell /usr/sbin/nologin _nvmmd
	chown root:_nvmmd /dev/nvmm
	show grep '^nvmm ' /proc/modules
	show ls -l /dev/nvmm
	here
}

testhost() {
	echo "\$ make -C sys/modules/nvmm -f Makefile.linux"
	log=$(make -s -C sys/modules/nvmm -f Makefile.linux 2>&1) ||
	    fail "nvmm.ko is not built: $log"
	echo "\$ tests/testhost/run"
	exec tests/testhost/run -n -t 170 sh mk/demo.sh in_testhost
}

cleanup() {
	if [ -n "${daemon-}" ]; then
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	rm -rf "$dir"
}

# The sample configuration, with the guests of this tree as its image folder.
serve() {
	jq --arg images "$top/smallkern" '.images = $images' etc/nvmmd.conf \
	    >"$dir/nvmmd.conf"
	echo
	echo "\$ nvmmd -f -c nvmmd.conf &"
	nvmmd -f -c "$dir/nvmmd.conf" -s "$NVMMD_SOCKET" 2>"$dir/log" &
	daemon=$!
	tries=0
	until nvmmctl list >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
			fail "nvmmd did not come up: $(cat "$dir/log")"
		fi
		sleep 0.1
	done
}

# The sum that smallkern drew under its checks, and who served, as whom.
verdict() {
	sum=$(nvmmctl log vm0 | sed -n 's/^# \(.* passed, .*\)/\1/p' |
	    tr -d '\r')
	backend=$(nvmmctl -j stats vm0 | jq -r '"\(.backend) (\(.device))"')
	user=$(stat -c %U "/proc/$(nvmmctl -j info | jq .pid)")
	echo
	case $sum in
	*" 0 failed"*)
		echo "demo: smallkern: $sum; served by $backend, nvmmd as $user" ;;
	*)	fail "smallkern: ${sum:-no result}; served by $backend" ;;
	esac
}

here() {
	if [ -e /dev/nvmm ]; then
		NVMM_DEVICE=/dev/nvmm
	elif [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
		NVMM_DEVICE=hosted
	else
		fail "there is no /dev/nvmm, and /dev/kvm is missing or not" \
		    "ours to open; make demo needs neither"
	fi
	dir=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-demo.XXXXXX")
	chmod 755 "$dir"
	NVMMD_SOCKET=$dir/nvmmd.sock
	PATH=$top/nvmmctl:$top/nvmmd:$top/toyvirt:$PATH
	export NVMM_DEVICE NVMMD_SOCKET PATH
	trap cleanup EXIT

	serve
	cat "$dir/log"
	show nvmmctl identify
	show nvmmctl create --mem 512M --elf smallkern
	show nvmmctl list
	show nvmmctl start vm0
	nvmmctl wait --timeout 120 vm0 >/dev/null || true
	show nvmmctl show vm0
	show nvmmctl log vm0
	show nvmmctl stats vm0
	verdict
	nvmmctl destroy vm0 >/dev/null
}

case ${1-testhost} in
testhost|in_testhost|here)
	"${1-testhost}" ;;
*)	fail "demo.sh [here]" ;;
esac
