#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# cover.pl BUILD-DIR    line coverage of each file of the module, and what nothing reached. Prints TAP.
#
# BUILD-DIR holds a module built with GCOV_PROFILE=y and, in kselftest/out.log,
# the counters that run-tests printed. A line of a header counts as reached when
# one of the files that include it got there.
#
# A line that nothing reached must be in unreached.txt, which tells why. There it
# is found by its file and its text, whatever its number; a text that is in a file
# several times is listed as often as it is not reached.
use strict;
use warnings;
use File::Basename 'dirname';
use JSON::PP;

my $least = 90;	# percent
my $build = shift // die "usage: cover.pl BUILD-DIR\n";

# {file}{text} = how many such lines need not be reached
my %excused;
my $list = dirname($0) . '/unreached.txt';
open my $excuses, '<', $list or die "$list: $!\n";
while (<$excuses>) {
	$excused{$1}{$2}++ if /^\t(\S+?):\s*(.*?)\s*$/;
}

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

my ($reached, $all, $n, $bad) = (0, 0, 0, 0);
sub result {
	my ($good, $what) = @_;
	$n++;
	$bad++ unless $good;
	print $good ? '' : 'not ', "ok $n $what\n";
}

for my $name (sort keys %hits) {
	my $of = keys %{ $hits{$name} };
	my $got = grep { $_ } values %{ $hits{$name} };
	printf "## %5.1f %%  %4d of %4d  %s\n", 100 * $got / $of, $got, $of, $name;
	$reached += $got;
	$all += $of;

	open my $source, '<', $name or die "$name: $!\n";
	my @lines = <$source>;
	my $unexplained = 0;
	for my $line (sort { $a <=> $b } grep { !$hits{$name}{$_} } keys %{ $hits{$name} }) {
		my ($text) = $lines[$line - 1] =~ /^\s*(.*?)\s*$/;
		if ($excused{$name}{$text}) {
			$excused{$name}{$text}--;
		} else {
			printf "# %s:%d:%s", $name, $line, $lines[$line - 1];
			$unexplained++;
		}
	}
	result(!$unexplained, "$name: what is not reached is known");
}
my $percent = 100 * $reached / $all;
printf "## %5.1f %%  %4d of %4d  all\n", $percent, $reached, $all;
my @gone;
for my $name (sort keys %excused) {
	open my $source, '<', $name;
	my %there = map { s/^\s+|\s+$//gr => 1 } <$source>;
	push @gone, grep { !$there{$_} } sort keys %{ $excused{$name} };
}
print "# $_\n" for @gone;
result($percent >= $least, "at least $least % are reached");
result(!@gone, 'all lines that need not be reached exist');
print "1..$n\n";
exit($bad ? 1 : 0);
