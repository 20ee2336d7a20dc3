#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Nodes, and ports as a shell sees them. Prints TAP; wants mailbox_dev.ko and
# portctl in the current directory, and root. Leaves the module as it found it.

plan=53
n=0
bad=0
module=${MAILBOX_MODULE:-mailbox_dev.ko}
dir=/dev/mailbox

# ok WHAT COMMAND...: the command succeeds
ok()
{
	what=$1
	shift
	n=$((n + 1))
	if "$@" >/tmp/nodes.out 2>&1; then
		echo "ok $n $what"
	else
		bad=$((bad + 1))
		sed 's/^/# /' /tmp/nodes.out
		echo "not ok $n $what"
	fi
}

# is WHAT EXPECTED SEEN
is()
{
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n $1"
	else
		bad=$((bad + 1))
		echo "# expected '$2', saw '$3'"
		echo "not ok $n $1"
	fi
}

not()
{
	! "$@"
}

status()
{
	stat -c "$1" "$dir/$2" 2>/dev/null
}

# One value of the port's sysfs directory.
value()
{
	cat "/sys/class/mailbox/$1/$2"
}

# until_is FILE VALUE
until_is()
{
	i=0
	until [ "$(cat "$1" 2>/dev/null)" = "$2" ]; do
		i=$((i + 1))
		[ $i -gt 1000 ] && return 1
		usleep 10000
	done
}

# take FILE: one message, which must be there
take()
{
	timeout 10 dd "if=$1" bs=8192 count=1 2>/dev/null
}

# as UID COMMAND: by a shell of that user
as()
{
	./portctl as "$1" sh -c "$2"
}

echo "TAP version 13"
echo "1..$plan"

had=true
[ -d /sys/module/mailbox_dev ] || had=false
$had || insmod "$module" ports=

# The node comes and goes with the port

ok "create" ./portctl create one
is "its node is a character device" "character special file" "$(status %F one)"
is "mode 0600 by default" 600 "$(status %a one)"
is "it is root's" 0:0 "$(status %u:%g one)"
is "a second exclusive create" EEXIST "$(./portctl create one)"
ok "delete" ./portctl delete one
ok "the node is gone" [ ! -e $dir/one ]
is "a second delete" ENOENT "$(./portctl delete one)"
umask 0
ok "create with a mode" ./portctl create two 0642
is "the node has it" 642 "$(status %a two)"
ok "delete by purge" ./portctl delete two purge
ok "its node is gone too" [ ! -e $dir/two ]
umask 022
ok "create under a umask" ./portctl create three 0666
is "the node has less" 644 "$(status %a three)"
./portctl delete three

# Ordinary files beside them

echo foreign >$dir/foreign
ok "create beside a foreign file" ./portctl create one
is "the foreign file is as it was" foreign "$(cat $dir/foreign)"
is "a port's name is not that of the file" ENOENT "$(./portctl delete foreign)"
is "the foreign file is still there" foreign "$(cat $dir/foreign)"
ok "delete beside a foreign file" ./portctl delete one
./portctl create foreign >/dev/null
./portctl delete foreign >/dev/null
is "a port of its name does not destroy it" foreign "$(cat $dir/foreign)"
rm -f $dir/foreign

# A node that somebody removed

./portctl create one
rm $dir/one
ok "a port whose node was removed is deleted all the same" ./portctl delete one
ok "and its name is free" ./portctl create one
ok "with a node" [ -c $dir/one ]

# Mode bits of the node

is "another user may not write" 1 "$(as 1000 "echo x >$dir/one" 2>/dev/null; echo $(($? != 0)))"
is "nor read" 1 "$(as 1000 "read x <$dir/one" 2>/dev/null; echo $(($? != 0)))"
chmod 0602 $dir/one
is "chmod lets him write" 0 "$(as 1000 "echo x >$dir/one"; echo $?)"
is "and not read" 1 "$(as 1000 "read x <$dir/one" 2>/dev/null; echo $(($? != 0)))"
is "the message is there" x "$(timeout 10 dd if=$dir/one bs=8192 count=1 2>/dev/null)"
chmod 0600 $dir/one
chown 1000 $dir/one
is "chown lets him write" 0 "$(as 1000 "echo x >$dir/one"; echo $?)"
is "and read" x "$(as 1000 "timeout 10 dd if=$dir/one bs=8192 count=1 2>/dev/null")"
is "but not delete" EPERM "$(as 1000 "./portctl delete one")"
ok "the owner of the port deletes it" ./portctl delete one

# Redirection

./portctl create pipe
echo hello >$dir/pipe
is "echo > node is one message" 1 "$(value pipe depth)"
is "dd takes it" hello "$(take $dir/pipe)"
is "and it is gone" 0 "$(value pipe depth)"
printf 'a\nb\n' >$dir/pipe
is "one write of two lines is one message" 1 "$(value pipe depth)"
is "head -n 1 takes it and gives the first line" a "$(timeout 10 head -n 1 $dir/pipe)"
for word in one two three; do
	echo $word >$dir/pipe
done
is "three echoes are three messages" 3 "$(value pipe depth)"
is "dd of two blocks takes two" "one two" \
	"$(timeout 10 dd if=$dir/pipe bs=8192 count=2 2>/dev/null | xargs)"
is "and leaves the third" 1 "$(value pipe depth)"
take $dir/pipe >/dev/null
printf 'aaaabbbbcc' | dd of=$dir/pipe bs=4 2>/dev/null
is "dd bs=4 writes a message for each block" 3 "$(value pipe depth)"
is "in order" "aaaa bbbb cc" "$(for i in 1 2 3; do
	take $dir/pipe; echo; done | xargs)"

# Errors come out as exit codes

dd if=/dev/zero of=$dir/pipe bs=8193 count=1 2>/tmp/nodes.err
is "a message too long fails" 1 $?
ok "and says why" grep -qi 'message too long' /tmp/nodes.err
echo hello >$dir/pipe
timeout 10 dd if=$dir/pipe bs=2 count=1 >/dev/null 2>&1
is "a buffer too short fails" 1 $?
is "and keeps the message" hello "$(take $dir/pipe)"

# Loops that live as long as the port

cat $dir/pipe >/tmp/nodes.cat 2>/tmp/nodes.err &
reader=$!
for i in 1 2 3; do
	echo "line $i" >$dir/pipe
done
until_is /sys/class/mailbox/pipe/messages_received "$(value pipe messages_sent)"
until_is /sys/class/mailbox/pipe/waiting_receivers 1
./portctl delete pipe
wait $reader
is "cat ends with an error when the port is deleted" 1 $?
is "and has all messages" "line 1 line 2 line 3" "$(xargs </tmp/nodes.cat)"
ok "and says why" grep -qi 'identifier removed' /tmp/nodes.err

./portctl create loop
# Its read takes one byte at a time, as a shell must of a pipe: a loop of dd does it.
while line=$(take $dir/loop) && [ "$line" != end ]; do
	echo "got $line"
done >/tmp/nodes.loop &
reader=$!
for word in a b c end; do
	echo $word >$dir/loop
done
wait $reader
is "a loop takes one message a turn" "got a got b got c" "$(xargs </tmp/nodes.loop)"

# A shell's own read wants single bytes; a message of one byte fits.
printf x >$dir/loop
printf '\n' >$dir/loop
read -r line <$dir/loop
is "read takes messages of one byte up to the newline" x "$line"
echo long >$dir/loop
read -r line <$dir/loop 2>/dev/null
is "read of a longer message fails" 1 $?
is "and keeps it" long "$(take $dir/loop)"
./portctl delete loop

$had || rmmod mailbox_dev
rm -f /tmp/nodes.*
[ $n -ne $plan ] && echo "# planned $plan tests, ran $n" && bad=$((bad + 1))
[ $bad -eq 0 ]
