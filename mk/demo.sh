#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The main job, shown: an nvmmd of its own in a temporary folder, a machine
# that boots smallkern, its console to the last check, its statistics.
set -eu

top=$(pwd)
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	echo "demo: skipped: /dev/kvm is missing or not ours to open," \
	    "and the hosted driver needs it"
	exit 0
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-demo.XXXXXX")
NVMMD_SOCKET=$dir/nvmmd.sock
PATH=$top/nvmmctl:$top/nvmmd:$top/toyvirt:$PATH
export NVMMD_SOCKET PATH

cleanup() {
	if [ -n "${daemon-}" ]; then
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	rm -rf "$dir"
}
trap cleanup EXIT

show() {
	echo
	echo "\$ $*"
	"$@"
}

# The sample configuration, with the guests of this tree as its image folder.
jq --arg images "$top/smallkern" '.images = $images' etc/nvmmd.conf \
    >"$dir/nvmmd.conf"
echo "\$ nvmmd -f -c nvmmd.conf &"
nvmmd -f -c "$dir/nvmmd.conf" -s "$NVMMD_SOCKET" 2>"$dir/log" &
daemon=$!
tries=0
until nvmmctl list >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
		echo "demo: nvmmd did not come up:" >&2
		cat "$dir/log" >&2
		exit 1
	fi
	sleep 0.05
done

show nvmmctl identify
show nvmmctl create --mem 512M --elf smallkern
show nvmmctl list
show nvmmctl start vm0
nvmmctl wait vm0 >/dev/null
show nvmmctl log vm0
show nvmmctl stats vm0
show nvmmctl show vm0
show nvmmctl destroy vm0
show nvmmctl list
echo
echo "demo: done"
