#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# within.sh RESULTS SLOW [FILTER ...]: inside a host, run the cases of
# tests/Kyuafile.testhost that make machines, or those of the filters, on the
# driver in the kernel. SLOW is NVMM_TEST_SLOW for them. Left out are those that
# meet no machine: they have run already where that is quicker.
set -e

results=$1
export NVMM_DEVICE=/dev/nvmm NVMM_TEST_SLOW="$2"
shift 2
cd "$(dirname "$0")/../.."

# A device that does not work would have most cases skipped: seen first.
toyvirt/toyvirt -m 64M -a exit=0 smallkern/smallkern >/dev/null

cd tests
if [ $# -eq 0 ]; then
	kyua list -k Kyuafile.testhost | grep -e ^nvmm/ -e /t_boot: \
	    -e /t_guest: -e /t_toyvirt: -e /t_nvmmd: -e /t_life: \
	    -e /t_rights: -e :real_ >/tmp/list
	# shellcheck disable=SC2046 -- a list of names
	set -- $(grep -v -e :bad_files -e :bad_lines -e :bad_options \
	    -e :command_line -e :configtest -e :default_folder -e :describes \
	    -e :half_closed -e :manual -e :pipelined -e :second_daemon \
	    -e :socket_ -e :stale_socket /tmp/list)
fi
# One at a time: they share the driver and its limits.
status=0
kyua test -k Kyuafile.testhost -r /tmp/results "$@" || status=$?
cp /tmp/results "$results"
exit $status
