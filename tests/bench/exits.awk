# SPDX-License-Identifier: BSD-2-Clause
#
# The table of bench-exits: awk -f exits.awk d_limits.txt OURS KVM SERIAL,
# where SERIAL, by serial.so, has a line for each line of OURS and KVM, and one
# ahead of each for the empty round.

BEGIN { FS = "\t" }

FILENAME == ARGV[1] {
	if (!/^#/) {
		limit[$1] = $4 == "" ? $2 : $2 " times host"
		aim[$1] = $3
	}
}

FILENAME == ARGV[2] || FILENAME == ARGV[3] {
	who = FILENAME == ARGV[2] ? "ours" : "kvm"
	if (!(who in lines))
		line++
	lines[who]++
	if (who == "ours")
		order[++n] = $1
	of_line[++line] = who SUBSEP $1
	ops[who, $1] = $2
	cpu[who, $1] = $3
	wall[who, $1] = $4
}

FILENAME == ARGV[4] && FNR in of_line { serial[of_line[FNR]] = $0 }

function pair(who, f) {
	if (!((who, f) in cpu))
		return "-"
	return cpu[who, f] " / " wall[who, f]
}

# The operations per exit, by name, the instructions left out.
function operations(who, f,    i, n, words, part, text) {
	n = split(serial[who, f], words, " ")
	for (i = 1; i <= n; i++) {
		split(words[i], part, "=")
		if (part[1] ~ /^(guest|user|kernel)$/)
			continue
		each = part[2] / ops[who, f]
		if (each >= 0.05)
			text = text sprintf(" %s %.3g", part[1], each)
	}
	return text == "" ? " none" : text
}

# What of an operation is spent where.
function places(who, f,    i, n, words, part, text) {
	n = split(serial[who, f], words, " ")
	for (i = 1; i <= n; i++) {
		split(words[i], part, "=")
		if (part[1] ~ /^(guest|user|kernel)$/)
			text = text sprintf(" %s %.0f", part[1],
			    part[2] / ops[who, f])
	}
	return text
}

END {
	row = "%-24s %17s %20s %7s %13s %6s\n"
	printf row, "instructions", "nvmm CPU / wall", "kvm_amd CPU / wall",
	    "ratio", "limit", "aim"
	for (i = 1; i <= n; i++) {
		f = order[i]
		ratio = "-"
		if (("kvm", f) in cpu && cpu["ours", f] > 0)
			ratio = sprintf("%.2f",
			    cpu["kvm", f] / cpu["ours", f])
		printf row, f, pair("ours", f), pair("kvm", f), ratio,
		    f in limit ? limit[f] : "-", f in aim ? aim[f] : "-"
	}
	print "\nserialising operations of each, and where its instructions are"
	for (i = 1; i <= n; i++) {
		f = order[i]
		printf "%-24s nvmm:   %s;%s\n", f, operations("ours", f),
		    places("ours", f)
		if (("kvm", f) in cpu)
			printf "%-24s kvm_amd:%s;%s\n", "",
			    operations("kvm", f), places("kvm", f)
	}
}
