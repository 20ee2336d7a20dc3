#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Receives until the port is deleted, a message per line. No library: a read is a message.
$| = 1;
open(my $port, '<', "/dev/mailbox/$ARGV[0]") or die "perl: $ARGV[0]: $!\n";
while (defined(sysread($port, my $message, 8192))) {
	print "$message\n";
}
print STDERR "perl: $ARGV[0]: $!\n";
