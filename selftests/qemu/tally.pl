#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# tally.pl [-l LOGFILE] NAME COMMAND...    run COMMAND, read the TAP it prints, count
#
# One line for each program, what failed in detail, what it has to tell though it
# passed (lines that begin with ##), then every skip with its
# reason, and last 'N passed, N failed, N skipped'. Lines '@@ run' and '@@ log'
# (see run-tests) divide the stream into programs; without them it is all one
# program, called NAME. Beside its own cases a program fails when
#   - its plan 1..N does not agree with the cases it reported,
#   - it ends badly without having said so, is killed by the time limit, or
#     takes the kernel down (then the end of LOGFILE is shown),
#   - the kernel complained while it ran. Data races count when mailbox is in the
#     report: KCSAN finds some in the kernel itself. A program that makes the
#     kernel complain of something else says so before: '# provokes: REGEX'.
use strict;
use warnings;
use Time::HiRes 'time';

my $complaint = qr{
	WARNING | BUG | \bOops | Kernel\ panic | lockdep | KASAN | KCSAN | UBSAN | unreferenced\ object
	| suspicious\ RCU | INFO:\ task\ .*\ blocked | possible\ (?:circular|recursive)
	| rcu.*(?:stall|detected) | soft\ lockup | general\ protection | refcount_t
}x;

# A line of a stack trace: its functions may be called anything.
my $frame = qr{^(?:\[[^\]]*\])?\s+(?:\?\s)?[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+(?:\s\[\w+\])?$};

my $logfile = '';
if (@ARGV && $ARGV[0] eq '-l') { shift; $logfile = shift }
my $name = shift // die "usage: tally.pl [-l LOGFILE] NAME COMMAND...\n";
my %total = (passed => 0, failed => 0, skipped => 0);
my @skips;
$| = 1;

# The program that is running, undef between two.
my $program;

sub start {
	my ($label) = @_;
	$program = { name => $label, began => time, plan => undef, cases => 0,
		     notes => [], provokes => [], said => [], case => '', log => [] };
	$program->{count} = { passed => 0, failed => 0, skipped => 0 };
}

sub fail {
	my ($what, @detail) = @_;
	$program->{count}{failed}++;
	push @{ $program->{said} }, "    FAILED: $what\n", map { "        $_\n" } @detail;
}

sub skip {
	my ($case, $reason) = @_;
	$program->{count}{skipped}++;
	push @skips, "    $program->{name}: $case: " . ($reason || 'no reason given') . "\n";
}

# A line of the program's output.
sub output {
	my ($line) = @_;

	if ($line =~ /^1\.\.(\d+)\s*(?:#\s*SKIP\s*(.*))?/i) {
		$program->{plan} += $1;
		skip('all of it', $2) if $1 == 0;
	} elsif ($line =~ /^(not )?ok\b\s*\d*\s*-?\s*(.*?)\s*(?:#\s*(SKIP|XFAIL|TODO)\b\s*(.*))?$/i) {
		my ($bad, $case, $directive, $reason) = ($1, $2, uc($3 // ''), $4);

		$case = $program->{case} if $case eq '';
		$program->{cases}++;
		if ($directive eq 'SKIP') {
			skip($case, $reason);
		} elsif ($bad && $directive eq '') {
			fail($case, @{ $program->{notes} });
		} else {
			$program->{count}{passed}++;
		}
		$program->{notes} = [];
	} elsif ($line =~ /^Bail out!\s*(.*)/) {
		fail("gave up: $1");
	} elsif ($line =~ /^#\s+RUN\s+(\S+)/) {
		$program->{case} = $1;		# kselftest_harness.h does not name what it skips
		$program->{notes} = [];
	} elsif ($line =~ /^# provokes: (.*)/) {
		push @{ $program->{provokes} }, $1;
	} elsif ($line =~ /^## (.*)/) {
		push @{ $program->{said} }, '    ' . ($program->{case} ? "$program->{case}: " : '') . "$1\n";
	} elsif ($line !~ /^\s*$|^TAP version|^#\s+(?:OK|FAIL)\s|^# (?:Starting|PASSED:|FAILED:|Totals:)/) {
		push @{ $program->{notes} }, $line;
	}
}

# The program ended with this status.
sub ended {
	my ($status) = @_;

	if ($status eq 'timeout') {
		fail('killed by its time limit', @{ $program->{notes} });
	} elsif (!defined $program->{plan} && $program->{cases} == 0) {
		fail("no test result at all (exit status $status)", @{ $program->{notes} });
	} elsif (($program->{plan} // -1) != $program->{cases}) {
		fail('planned ' . ($program->{plan} // 'nothing') . " but reported $program->{cases} cases (exit status $status)",
		     @{ $program->{notes} });
	} elsif ($status ne '0' && $status ne '4' && $program->{count}{failed} == 0) {
		fail("exit status $status, though no case failed", @{ $program->{notes} });
	}
}

# Is mailbox in a stack, other than below an interrupt that came while it ran? What it
# calls may be epoll or a sleep with a timer: these look at their own without a lock.
my $others = qr{(?:__)?ep_\w+|do_epoll_\w+|hrtimer_\w+|schedule_hrtimeout_\w+};
sub ours {
	my $below = 0;
	for (@_) {
		return 0 if m{BUG: KCSAN: data-race in $others / $others$};
		$below = 0 if /\b(?:read|write)\b.* to 0x/;
		$below = 1 if /\basm_\w*(?:sysvec|interrupt)/;
		return 1 if !$below && /\[mailbox/;
	}
	return 0;
}

# KCSAN's reports stand between two lines of =====.
sub without_races_of_others {
	my (@log, @report);
	for my $line (@_) {
		if ($line =~ /={60}$/) {
			if (@report) {
				push @log, @report if ours(@report);
				@report = ();
				next;
			}
			@report = ($line);
		} elsif (@report == 1 && $line !~ /BUG: KCSAN/) {
			push @log, splice(@report), $line;	# KASAN and others draw that line too
		} elsif (@report) {
			push @report, $line;
		} else {
			push @log, $line;
		}
	}
	return (@log, @report);
}

# All is known about the program: one line for it.
sub finish {
	return unless $program;
	my @log = without_races_of_others(@{ $program->{log} });
	my @complaints = grep { $log[$_] =~ $complaint && $log[$_] !~ $frame } 0 .. $#log;
	for my $provoked (@{ $program->{provokes} }) {
		@complaints = grep { $log[$_] !~ /$provoked/ } @complaints;
	}
	for my $i (@complaints) {
		my $last = $i + 30 < $#log ? $i + 30 : $#log;
		fail('the kernel complained', @log[$i .. $last]);
		last;
	}
	my $count = $program->{count};
	printf "  %-4s %-18s %4d passed, %d failed, %d skipped  %6.1f s\n", $count->{failed} ? 'FAIL' : 'ok',
		$program->{name}, @$count{qw(passed failed skipped)}, time - $program->{began};
	print @{ $program->{said} };
	$total{$_} += $count->{$_} for keys %total;
	$program = undef;
}

my $pid = open(my $in, '-|') // die "fork: $!\n";
if (!$pid) {
	open STDERR, '>&', \*STDOUT;
	exec @ARGV or die "$ARGV[0]: $!\n";
}
start($name);
my ($marked, $in_log, $done) = (0, 0, 0);
while (my $line = <$in>) {
	$line =~ s/[\r\n]+$//;
	if ($line =~ /^\@\@ run (\S+)/) {
		finish() if $marked;
		start($1);
		($marked, $in_log) = (1, 0);
	} elsif ($line =~ /^\@\@ log \S+ (\S+)/) {
		ended($1);
		$in_log = 1;
	} elsif ($line =~ /^\@\@ done/) {
		finish();
		$done = 1;
	} elsif ($in_log) {
		push @{ $program->{log} }, $line if $program;
	} elsif ($program) {
		output($line);
	}
}
close $in;
my $status = $? >> 8 || $? & 127;
if (!$marked) {
	ended($status);
} elsif (!$done || $status) {
	start($name) unless $program;
	my $why = $status == 124 ? 'the whole run took too long' : "the guest ended early, status $status";
	my @tail;
	if ($logfile && open my $log, '<', $logfile) {
		@tail = <$log>;
		@tail = map { s/[\r\n]+$//r } @tail > 40 ? @tail[-40 .. -1] : @tail;
	}
	fail($why, @{ $program->{notes} }, @tail);
}
finish();
print "  skipped:\n", @skips if @skips;
print join(', ', map { "$total{$_} $_" } qw(passed failed skipped)), "\n";
exit($total{failed} ? 1 : 0);
