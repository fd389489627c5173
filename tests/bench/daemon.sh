# SPDX-License-Identifier: BSD-2-Clause
#
# What the benches share: a private nvmmd in a temporary folder, ended, as all
# that a bench starts, by its process id when the bench ends.

top=$(cd ../.. && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-bench.XXXXXX")
pids=
nvmmctl=$top/nvmmctl/nvmmctl
kernel=$top/smallkern/smallkern
NVMMD_SOCKET=$tmp/nvmmd.sock
export NVMMD_SOCKET

finish() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Waits for a file to appear, made by a process that lives: file, pid, name.
await() {
	tries=0
	until [ -e "$1" ]; do
		kill -0 "$2" 2>/dev/null || die "$3 has ended: $(tail -n 3 \
		    "$tmp/$3.log")"
		tries=$((tries + 1))
		[ $tries -lt 200 ] || die "$3 does not get ready"
		sleep 0.05
	done
}

start_nvmmd() {
	[ -w /dev/kvm ] || [ -e /dev/nvmm ] ||
	    die "skipped: neither /dev/kvm nor /dev/nvmm here"
	printf '{"images":"%s"}\n' "$top/smallkern" >"$tmp/nvmmd.conf"
	"$top/nvmmd/nvmmd" -f -c "$tmp/nvmmd.conf" -s "$NVMMD_SOCKET" \
	    >"$tmp/nvmmd.log" 2>&1 &
	pids="$pids $!"
	await "$NVMMD_SOCKET" $! nvmmd
	"$nvmmctl" info >/dev/null || die "nvmmd does not answer"
}
