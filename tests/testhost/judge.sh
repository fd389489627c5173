#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# judge.sh LOG CODE ENDED MESSAGES LIMIT: the exit status of a run in the
# testhost, from the kernel's log, the command's status (empty when it never
# came), how the emulator ended, what it said, and its limit in seconds.
set -eu

log=$1 code=$2 ended=$3 messages=$4 limit=$5

# What no run may make the kernel say. A user program's own fault is not it, nor
# is advice on a processor's faults.
complaint='WARNING:|BUG: |BUG at |Oops|general protection fault[:,]'
complaint="$complaint|Kernel panic|unable to handle|detected stall"
complaint="$complaint|INFO: task .* blocked|INFO: trying to register"
complaint="$complaint|INFO: possible|kmemleak: [1-9]|unreferenced object|UBSAN:|nvmm: unknown parameter"

bad=$(tr -d '\r' <"$log" | grep -E "$complaint" |
    grep -v 'WARNING: See https:' || true)
if [ -n "$bad" ]; then
	echo "testhost: the kernel complained:" >&2
	echo "$bad" >&2
fi
if [ -z "$code" ]; then
	cat "$messages" >&2
	if [ "$ended" -eq 124 ] || [ "$ended" -eq 137 ]; then
		echo "testhost: ended after $limit seconds" >&2
		code=124
	else
		echo "testhost: the host died; its last words:" >&2
		tail -n 60 "$log" | tr -d '\r' >&2
		code=125
	fi
elif [ -n "$bad" ] && [ "$code" -eq 0 ]; then
	code=70
fi
exit "$code"
