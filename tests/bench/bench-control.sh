#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The control plane: `nvmmctl list' as a command and the same question on a
# connection that is kept, beside virsh with a libvirtd of the bench's own on
# sockets in a temporary folder (as root it keeps its state in /run/libvirt).
# Neither has any machines. Without libvirt only our own columns are printed.
set -eu

. ./daemon.sh
runs=${RUNS:-50}
kept=$((runs * 40))

# Starts libvirt's daemon on sockets and folders of this bench's own.
start_libvirt() {
	mkdir -p "$tmp/run" "$tmp/state" "$tmp/conf/libvirt/qemu" "$tmp/home"
	XDG_RUNTIME_DIR=$tmp/run XDG_CONFIG_HOME=$tmp/conf HOME=$tmp/home
	XDG_CACHE_HOME=$tmp/state XDG_DATA_HOME=$tmp/state
	export XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME HOME
	cat >"$tmp/libvirtd.conf" <<-EOT
	unix_sock_dir = "$tmp/run"
	auth_unix_ro = "none"
	auth_unix_rw = "none"
	EOT
	libvirtd -f "$tmp/libvirtd.conf" -p "$tmp/libvirtd.pid" \
	    >"$tmp/libvirtd.log" 2>&1 &
	pids="$pids $!"
	await "$tmp/run/libvirt-sock" $! libvirtd
	uri="qemu:///system?socket=$tmp/run/libvirt-sock"
}

start_nvmmd
echo "bench-control: a list of no machines, milliseconds"
if command -v libvirtd >/dev/null && command -v virsh >/dev/null; then
	start_libvirt
	./h_firstbyte -e -n "$runs" -l nvmmctl-list "$nvmmctl" list \
	    -- -l virsh-list virsh -c "$uri" list
	peer=yes
else
	echo "libvirt is missing, no column beside ours: sh mk/deps.sh bench"
	./h_firstbyte -e -n "$runs" -l nvmmctl-list "$nvmmctl" list
	peer=
fi
./h_kept -n "$kept" -s "$NVMMD_SOCKET" -r '{"method":"vm.list","id":1}' \
    -l nvmmd-kept | tee "$tmp/ours"
[ -n "$peer" ] || exit 0
./h_kept -n "$kept" -r list -t 'virsh # ' -l virsh-kept \
    virsh -c "$uri" | tee "$tmp/theirs"
awk 'NR == FNR { ours = $3; next }
    { printf "%-28s %41.1f\n", "virsh-kept to nvmmd-kept", $3 / ours }' \
    "$tmp/ours" "$tmp/theirs"
