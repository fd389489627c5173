#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh TREE: run the tests of a built tree under kyua, name those that
# were skipped and why, and end with the line "N passed, N failed, N skipped".
set -eu

tree=$(cd "$1" && pwd)
results=$(mktemp "${TMPDIR:-/tmp}/nvmm-check.XXXXXX")
report=$(mktemp "${TMPDIR:-/tmp}/nvmm-check.XXXXXX")
trap 'rm -f "$results" "$report"' EXIT
rm -f "$results"

count() {
	sed -n "s/^Test cases:.*[ ,]\([0-9][0-9]*\) $1.*/\1/p" "$report"
}

status=0
(cd "$tree/tests" && kyua test -k Kyuafile -r "$results") || status=$?
kyua report -r "$results" --results-filter=skipped >"$report"
cat "$report"
total=$(count total)
bad=$(($(count broken) + $(count failed)))
skipped=$(count skipped)
if [ "$bad" -ne 0 ]; then
	kyua report -r "$results" --verbose --results-filter=broken,failed
fi
if [ "${total:-0}" -eq 0 ]; then
	echo "check: no test ran" >&2
	exit 1
fi
echo "$((total - bad - skipped)) passed, $bad failed, $skipped skipped"
[ "$bad" -eq 0 ] || status=1
exit "$status"
