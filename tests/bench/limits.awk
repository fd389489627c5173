# SPDX-License-Identifier: BSD-2-Clause
#
# Judges figures by limits: awk -f limits.awk d_limits.txt FIGURES. Prints a
# line for each figure that is over, or missing, and ends with 1 if there is any.

BEGIN { FS = "\t" }

NR == FNR {
	if (!/^#/) {
		limit[$1] = $2
		of[$1] = $4
	}
	next
}

{
	cpu[$1] = $3
	wall[$1] = $4
}

END {
	for (f in limit) {
		most = limit[f]
		if (of[f] != "")
			most *= cpu[of[f]]
		if (f in cpu && most > 0 && cpu[f] <= most && wall[f] <= most)
			continue
		printf "%s: %s CPU, %s wall, at most %d\n", f, cpu[f],
		    wall[f], most
		bad = 1
	}
	exit bad
}
