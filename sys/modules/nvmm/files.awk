#	The sources of files.nvmm whose attribute is among the words of `want'.

BEGIN {
	n = split(want, words)
	for (i = 1; i <= n; i++)
		wanted[words[i]] = 1
}

$1 == "file" && ($3 in wanted) { print $2 }
