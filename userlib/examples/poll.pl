#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Messages of several ports as they come, until all of them are deleted.
#
#	poll.pl PORT...
#
# Nothing but files: a port is opened, polled and read as any other, and a read is a message.
use strict;
use warnings;
use Errno qw(EAGAIN EIDRM);
use Fcntl;
use IO::Select;

$| = 1;
my (%name, $ports);
$ports = IO::Select->new;
for my $name (@ARGV) {
	sysopen my $port, "/dev/mailbox/$name", O_RDONLY | O_NONBLOCK or die "$name: $!\n";
	$name{$port} = $name;
	$ports->add($port);
}

while ($ports->count) {
	for my $port ($ports->can_read) {
		if (defined sysread $port, my $message, 8192) {
			print "$name{$port}: $message\n";
		} elsif ($! == EIDRM) {		# deleted, and nothing is left
			$ports->remove($port);
			close $port;
		} elsif ($! != EAGAIN) {	# which is: somebody else was faster
			die "$name{$port}: $!\n";
		}
	}
}
