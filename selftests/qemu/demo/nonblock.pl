#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Receives one message if there is one. 04000 is O_RDONLY | O_NONBLOCK.
sysopen(my $port, "/dev/mailbox/$ARGV[0]", 04000) or die "perl: $ARGV[0]: $!\n";
defined(sysread($port, my $message, 8192)) or die "perl: $ARGV[0]: $!\n";
print "$message\n";
