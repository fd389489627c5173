#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Where the instructions of the exit figures go, function by function: what
# bench-exits counts, by the kernel's and the program's symbols.
#
#	FIGURES='text ...'	those whose names hold one of these words
#	LEAST=N			leave out what takes fewer per operation
#	LINES=yes		by source line instead, driver and program only
set -eu

top=$(cd ../.. && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/nvmm-profile.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
program=${PROGRAM:-./h_exits}
base=93824992231424		# of programs where addresses are not random

# shellcheck disable=SC2016 -- for the shell inside
"$top/tests/testhost/run" -n -i -o "$tmp" ${LOAD:+-k ''} \
    -Q "$PWD/serial.so,out=$tmp/serial,profile=$tmp/profile" sh -c '
	[ -z "$3" ] || modprobe "$3"
	cat /proc/kallsyms >"$1/kallsyms"
	cat /sys/module/nvmm/sections/.text >"$1/text" 2>/dev/null
	setarch -R "$2"' sh "$tmp" "$program" "${LOAD-}" >"$tmp/figures"
nm "$program" | awk '$2 ~ /^[tTwW]$/' >"$tmp/symbols"

# The source lines of those addresses: "address file:line" for each.
lines() {
	perl -e '
		no warnings "portable";
		my ($dir, $base, $at) = @ARGV;
		while (<STDIN>) {
			my $addr = hex((split)[1]) - $at;
			printf "%x\n", $addr if $addr >= 0 && $addr < 1 << 24;
		}' "$tmp" "$base" "$2" <"$tmp/profile" | sort -u \
	    >"$tmp/addrs"
	addr2line -e "$1" ${3+-j "$3"} <"$tmp/addrs" |
	    sed 's/ (disc.*//; s/.*\/\([^/]*\)$/\1/' | paste "$tmp/addrs" -
}
: >"$tmp/lines"
if [ -n "${LINES-}" ]; then
	text=$(perl -ne 'no warnings "portable"; print hex' "$tmp/text")
	lines "$program" "$base" | sed 's/^/u/' >"$tmp/lines"
	lines "$top/build/linux/nvmm.ko" "$text" .text | sed 's/^/k/' \
	    >>"$tmp/lines"
	printf '%s\n' "$text" >"$tmp/text"
fi

perl - "$tmp" "$base" "${LEAST:-3}" "${FIGURES:-port CPUID}" <<'EOP'
use strict;
use warnings;
my ($dir, $base, $least, $wanted) = @ARGV;
my (@syms, @figures, %count);

sub slurp { open(my $fh, '<', "$dir/$_[0]") or die "$_[0]: $!"; <$fh> }

no warnings 'portable';
for (slurp('kallsyms')) {
	my ($addr, $type, $name, $module) = split;
	next unless $type =~ /[tTwW]/;
	push @syms, [hex $addr, $name . ($module // '')];
}
push @syms, [$base + hex((split)[0]), 'user:' . (split)[2]]
    for slurp('symbols');
push @syms, [0, 'the guest'], [0x100000, 'user:?'],
    [0x600000000000, 'user:libc and ld'], [0x7ffff7fc1000, 'user:vdso, ld'];
@syms = sort { $a->[0] <=> $b->[0] || $a->[1] cmp $b->[1] } @syms;

my %line = map { chomp; split /\t/ } slurp('lines');
my ($text) = %line ? slurp('text') : (0);

# The source line of an address, where those are asked for.
sub line_of {
	my $at = $_[0] - $text;
	return $line{sprintf 'k%x', $at} // '' if $at >= 0 && $at < 1 << 24;
	return $line{sprintf 'u%x', $_[0] - $base} // '';
}

sub name_of {
	my ($lo, $hi) = (0, scalar @syms);
	while ($hi - $lo > 1) {
		my $mid = int(($lo + $hi) / 2);
		if ($syms[$mid][0] <= $_[0]) { $lo = $mid } else { $hi = $mid }
	}
	return $syms[$lo][1];
}

@figures = ('', 'empty', map { [split /\t/] } slurp('figures'));
for (slurp('profile')) {
	my ($figure, $addr, $count) = split;
	my $line = %line ? line_of(hex $addr) : '';
	next if %line && $line eq '';
	$count{$figure}{name_of(hex $addr) . " $line"} += $count;
}
for my $f (2 .. $#figures) {
	my ($name, $ops, $cpu, $wall) = @{$figures[$f]};
	next unless grep { index($name, $_) >= 0 } split ' ', $wanted;
	printf "%s: %d CPU, %d wall\n", $name, $cpu, $wall;
	my $of = $count{$f};
	for (sort { $of->{$b} <=> $of->{$a} || $a cmp $b } keys %$of) {
		last if $of->{$_} / $ops < $least;
		printf "%9.1f  %s\n", $of->{$_} / $ops, $_;
	}
}
EOP
