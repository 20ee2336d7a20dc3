#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# cover.pl BUILD-DIR    line coverage of each file of the module, and the lines that nothing reached
#
# BUILD-DIR holds a module built with GCOV_PROFILE=y and, in kselftest/out.log,
# the counters that run-tests printed. A line of a header counts as reached when
# one of the files that include it got there.
use strict;
use warnings;
use JSON::PP;

my $build = shift // die "usage: cover.pl BUILD-DIR\n";

open my $log, '<', "$build/kselftest/out.log" or die "$build/kselftest/out.log: $!\n";
unlink glob "$build/gcov/*";
open my $tar, '|-', "base64 -d | tar -xz -C $build" or die "base64: $!\n";
my $inside = 0;
while (<$log>) {
	s/\r//;
	last if /^\@\@ end/;
	print $tar $_ if $inside;
	$inside = 1 if /^\@\@ gcov/;
}
close $tar and glob "$build/gcov/*.gcda" or die "the guest sent no counters\n";
# gcov looks for the compiler's notes beside the counters
system "cp $build/module/*.gcno $build/gcov" and exit 1;

my %hits;
for my $report (split /\n/, `cd $build/gcov && gcov --json-format --stdout *.gcda`) {
	for my $file (@{ decode_json($report)->{files} }) {
		my ($name) = $file->{file} =~ m{/((?:module|uapi)/[^/].*)} or next;
		$hits{$name}{ $_->{line_number} } += $_->{count} for @{ $file->{lines} };
	}
}

my ($reached, $all) = (0, 0);
print "\nlines reached:\n";
for my $name (sort keys %hits) {
	my $of = keys %{ $hits{$name} };
	my $got = grep { $_ } values %{ $hits{$name} };
	printf "  %5.1f %%  %4d of %4d  %s\n", 100 * $got / $of, $got, $of, $name;
	$reached += $got;
	$all += $of;
}
printf "  %5.1f %%  %4d of %4d  all\n", 100 * $reached / $all, $reached, $all;

print "\nlines not reached:\n";
for my $name (sort keys %hits) {
	open my $source, '<', $name or die "$name: $!\n";
	my @lines = <$source>;
	for my $line (sort { $a <=> $b } grep { !$hits{$name}{$_} } keys %{ $hits{$name} }) {
		printf "  %s:%d:%s", $name, $line, $lines[$line - 1];
	}
}
