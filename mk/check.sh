#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh TREE [HOST ...]: run the tests of a built tree under kyua, on this
# machine ("hosted") and on the driver in the hosts of tests/testhost/suite.sh
# ("testhost" and others), or in these two; name those that were skipped and
# why, tell each count, and end with the line "N passed, N failed, N skipped"
# of the sums.
set -eu

tree=$(cd "$1" && pwd)
shift
if [ $# -eq 0 ]; then
	set -- hosted
	[ "$(uname)" != Linux ] || set -- hosted testhost
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
all_passed=0 all_failed=0 all_skipped=0 counts=

count() {
	sed -n "s/^Test cases:.*[ ,]\([0-9][0-9]*\) $1.*/\1/p" "$work/report"
}

# tally HOST STATUS: count the results of a host and show what went wrong. A
# host that ended badly though no test did is a failure of its own.
tally() {
	: >"$work/report"
	[ ! -f "$work/results" ] ||
	    kyua report -r "$work/results" --results-filter=skipped \
	    >"$work/report"
	cat "$work/report"
	total=$(count total)
	if [ "${total:-0}" -eq 0 ]; then
		echo "check: $1: no test ran" >&2
		counts="$counts$1: no test ran
"
		all_failed=$((all_failed + 1))
		return
	fi
	failed=$(($(count broken) + $(count failed)))
	skipped=$(count skipped)
	passed=$((total - failed - skipped))
	[ "$failed" -eq 0 ] || kyua report -r "$work/results" --verbose \
	    --results-filter=broken,failed
	[ "$failed" -ne 0 ] || [ "$2" -eq 0 ] || failed=1
	counts="$counts$1: $passed passed, $failed failed, $skipped skipped
"
	all_passed=$((all_passed + passed))
	all_failed=$((all_failed + failed))
	all_skipped=$((all_skipped + skipped))
}

for host; do
	status=0
	rm -f "$work/results"
	case $host in
	hosted)	(cd "$tree/tests" &&
		    kyua test -k Kyuafile -r "$work/results") || status=$? ;;
	*)	sh "$tree/tests/testhost/suite.sh" "$host" "$work/results" ||
		    status=$? ;;
	esac
	tally "$host" "$status"
done
printf %s "$counts"
echo "$all_passed passed, $all_failed failed, $all_skipped skipped"
[ "$all_failed" -eq 0 ]
