#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# man.pl library | device FILE... | command MAILBOX | examples FOLDER
#
# Compares the man pages in userlib/man with what they describe; says what differs, and
# nothing if nothing does.
#
#	library		each function of libmailbox.map is in the NAME of a page, its prototype
#			in the SYNOPSIS as in the header, its errors in ERRORS as in the header
#	device		each ioctl, constant, structure and error of the interface is in
#			mailbox(4), and what FILEs (main.c, sysfs.c, trace.h) say of the module
#	command		each command and option that `mailbox --help` tells is in mailbox(1)
#	examples	the programs in the pages, as files in FOLDER, to be compiled
use strict;
use warnings;
use Errno;

my $man = 'userlib/man';
my ($what, @args) = @ARGV;

sub complain { print "@_\n" }

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$f>;
}

# The page as a reader sees it, without the hyphens and line ends of a narrow terminal.
sub rendered {
	my ($page) = @_;
	my $text = `mandoc -T ascii -O width=300 $man/$page | col -bx`;
	die "mandoc $page: nothing\n" if $text !~ /^NAME/m;
	return $text;
}

# What lies between a heading and the next one.
sub section {
	my ($source, $name) = @_;
	return $source =~ /^\.Sh \Q$name\E\n(.*?)(?=^\.Sh |\z)/ms ? $1 : '';
}

# Two sets: what only one of them has.
sub differences {
	my ($where, $left, $right, $left_says, $right_says) = @_;
	complain("$where: $_ $left_says") for grep { !$right->{$_} } sort keys %$left;
	complain("$where: $_ $right_says") for grep { !$left->{$_} } sort keys %$right;
}

sub squeeze {
	my ($text) = @_;
	$text =~ s/\s+/ /g;
	$text =~ s/ ?\* ?/*/g;
	$text =~ s/^ | $//g;
	return $text;
}

sub pages { return map { s|.*/||r } sort glob "$man/*.$_[0]" }

# --- library

# Function => prototype, and function => its kernel-doc from "Return:" on.
sub header {
	my $text = slurp('userlib/include/mailbox.h');
	my (%prototype, %returns);
	while ($text =~ m{/\*\*\n \* (mailbox_\w+)\(\) - (.*?)\*/\n([^;]*;)}gs) {
		my ($name, $doc, $code) = ($1, $2, $3);
		$prototype{$name} = squeeze($code);
		$returns{$name} = $doc =~ /Return:(.*)/s ? $1 : '';
		$returns{$name} =~ s/\n \*\s*/ /g;
	}
	return (\%prototype, \%returns);
}

# The errors of a function; "as mailbox_x()" stands for those of that one.
sub errors_of {
	my ($name, $returns, $seen) = @_;
	my $text = $returns->{$name} // '';
	my %errors = map { $_ => 1 } grep { exists $!{$_} } $text =~ /\b(E[A-Z0-9]+)\b/g;
	return %errors if $seen->{$name}++;
	while ($text =~ /\bas (?:of )?(mailbox_\w+)\(\)/g) {
		%errors = (%errors, errors_of($1, $returns, $seen));
	}
	return %errors;
}

# Function => errors, as a page tells: each list is for the functions named before it.
sub errors_told {
	my ($source) = @_;
	my (%told, @functions);
	my $depth = 0;
	for (split /\n/, section($source, 'ERRORS')) {
		if (/^\.Bl/) {
			$depth++;
		} elsif (/^\.El/) {
			@functions = () if !--$depth;
		} elsif (!$depth && /^\.Fn (mailbox_\w+)/) {
			push @functions, $1;
		} elsif ($depth == 1 && /^\.It Bq Er (E[A-Z0-9]+)$/) {
			$told{$_}{$1} = 1 for @functions;
		}
	}
	return %told;
}

sub library {
	my ($prototype, $returns) = header();
	my %page_of;
	for my $page (pages(3)) {
		my $source = slurp("$man/$page");
		my @names = section($source, 'NAME') =~ /^\.Nm (\w+)/mg;
		my $synopsis = squeeze(rendered($page) =~ /^SYNOPSIS\n(.*?)^\S/ms ? $1 : '');
		my %told = errors_told($source);
		complain("$page: its first name is another one") if "$names[0].3" ne $page;
		for my $name (grep { /^mailbox_/ } @names) {
			$page_of{$name} = $page;
			my $wanted = $prototype->{$name} or next;
			complain("$page: the synopsis lacks $wanted") if index($synopsis, $wanted) < 0;
			my %errors = errors_of($name, $returns, {});
			differences($page, \%errors, $told{$name} // {},
				    "is an error of $name() in the header, and not here",
				    "is an error of $name() here, and not in the header");
		}
	}
	my %map = map { $_ => 1 } slurp('userlib/src/libmailbox.map') =~ /\b(mailbox_\w+);/g;
	differences('userlib/man', \%map, \%page_of, 'has no page', 'has a page, and is not in the library');
	my $overview = slurp("$man/libmailbox.3");
	for (sort keys %map) {
		complain("libmailbox.3: $_ is missing") if $overview !~ /^\.It Xr $_ 3$/m;
	}
	structures('userlib/include/mailbox.h', map { slurp("$man/$_") } pages(3));
	queues();
	references();
}

# The calls that libmailbox-mq has, and no others.
sub queues {
	my %map = map { $_ => 1 } slurp('userlib/mq/libmailbox-mq.map') =~ /^\s+(mq_\w+);/mg;
	my %page = map { $_ => 1 } slurp("$man/libmailbox-mq.7") =~ /^\.Xr (mq_(?!overview)\w+) 3/mg;
	differences('libmailbox-mq.7', \%map, \%page, 'is missing', 'is not in the library');
}

# Every page of ours that a page refers to exists.
sub references {
	my %there;
	for my $section (1, 3, 4, 7) {
		for my $page (pages($section)) {
			$there{"$_ $section"} = 1 for section(slurp("$man/$page"), 'NAME') =~ /^\.Nm (\S+)/mg;
		}
	}
	for my $page (map { pages($_) } 1, 3, 4, 7) {
		for (slurp("$man/$page") =~ /\bXr ((?:lib)?mailbox\S* \d)/g) {
			complain("$page: there is no page $_") if !$there{$_};
		}
	}
}

# Every structure of a header is shown with the same members, in the same order.
sub structures {
	my ($header, @sources) = @_;
	my $all = join "\n", @sources;
	my $text = slurp($header) =~ s{/\*.*?\*/}{}gsr;
	while ($text =~ /^(struct (\w+) \{\n.*?^\});/msg) {
		my ($code, $name) = (squeeze($1), $2);
		my @shown = map { squeeze(s{/\*.*?\*/}{}gsr) } $all =~ /^(struct $name \{\n.*?^\});/msg;
		complain("$header: struct $name is shown in no page") if !@shown;
		complain("$header: struct $name is shown otherwise:\n$_\n$code") for grep { $_ ne $code } @shown;
		for my $member ($code =~ /(\w+)(?:\[\w+\])?;/g) {
			next if $member =~ /^(size|pad2?)$/ || $all =~ /^\.It Fa .*\b$member\b/m || $all =~ /^\.Fa $member\b/m;
			complain("$header: struct $name: $member is explained in no page");
		}
	}
}

# --- device

sub device {
	my $source = slurp("$man/mailbox.4");
	my $pages = join '', map { slurp("$man/$_") } (pages(4), pages(7));
	my $header = slurp('uapi/linux/mailbox.h');
	for my $name ($header =~ /^#define\s+(MAILBOX_\w+)/mg) {
		complain("mailbox.4: $name is missing") if $pages !~ /\b$name\b/;
	}
	structures('uapi/linux/mailbox.h', $source);

	my %here = map { $_ => 1 } $header =~ /^ \*\s+(E[A-Z0-9]+)\s+\S/mg;
	my %told = map { $_ => 1 } section($source, 'ERRORS') =~ /^\.It Bq Er (E[A-Z0-9]+)$/mg;
	differences('mailbox.4', \%here, \%told, 'is an error of the interface, and not here',
		    'is an error here, and not of the interface');

	my $code = join '', map { slurp($_) } @args;
	my @parameters = $code =~ /^module_param(?:_named)?\((\w+)/mg;
	my @attributes = $code =~ /^MAILBOX_ATTR\((\w+)/mg;
	my @events = $code =~ /^(?:DEFINE|TRACE)_EVENT\((?:mailbox_\w+,\s*)?(mailbox_\w+)/mg;
	my %module = map { $_ => 1 } @parameters, @attributes, @events;
	my %man = map { $_ => 1 } map { section($source, $_) =~ /^\.It (?:Va|Pa|Li) (\w+)/mg }
		('MODULE PARAMETERS', 'SYSFS', 'TRACEPOINTS');
	differences('mailbox.4', \%module, \%man, 'is in the module, and not here',
		    'is here, and not in the module');
}

# --- command

# Command => the options in its help: "-s, --message-size=N".
sub helped {
	my ($tool) = @_;
	my %options;
	for my $name (`$tool --help` =~ /^  ([a-z]+) +\S/mg) {
		next if $name eq 'mailbox';
		$options{$name} = { map { $_ => 1 } `$tool $name --help` =~ /^ {2,8}((?:-\w, )?--[a-z][-\w]*\S*)/mg };
		delete $options{$name}{'-h, --help'};
	}
	return %options;
}

# The same in the page: a subsection for each command.
sub described {
	my $source = slurp("$man/mailbox.1");
	my %options;
	for (split /^(?=\.S[sh] )/m, section($source, 'COMMANDS')) {
		my ($name) = /^\.Ss mailbox (\w+)/ or next;
		$options{$name} = {};
		for my $item (/^\.It ((?:Fl \w , )?Fl -.*)$/mg) {
			my $text = $item;
			$text =~ s/Fl (?=\S)/-/g;
			$text =~ s/\b(?:Ns|Ar)\b//g;
			$text =~ s/\bOo\b/[/g;
			$text =~ s/\bOc\b/]/g;
			$text =~ s/ //g;
			$text =~ s/,--/, --/;
			$options{$name}{$text} = 1;
		}
	}
	return %options;
}

sub command {
	my %help = helped($args[0]);
	my %page = described();
	complain("$args[0] --help tells of no command") if !%help;
	differences('mailbox.1', \%help, \%page, 'is a command, and not here', 'is here, and no command');
	for my $name (grep { $page{$_} } sort keys %help) {
		differences("mailbox.1: $name", $help{$name}, $page{$name},
			    'is an option, and not here', 'is here, and no option');
	}
}

# --- examples

sub examples {
	my ($folder) = @args;
	for my $page (pages(3), pages(4), pages(7)) {
		my $n = 0;
		for (slurp("$man/$page") =~ /^\.Bd -literal -offset indent\n(#include.*?)^\.Ed$/msg) {
			my $code = s/\\e/\\/gr =~ s/^\\&//gmr;
			my $file = "$folder/" . ($page =~ s/\./-/r) . '-' . ++$n . '.c';
			open my $f, '>', $file or die "$file: $!\n";
			print $f $code;
			close $f;
			print "$file\n";
		}
	}
}

my %do = (library => \&library, device => \&device, command => \&command, examples => \&examples);
($do{$what // ''} // die "usage: man.pl library | device FILE... | command MAILBOX | examples FOLDER\n")->();
