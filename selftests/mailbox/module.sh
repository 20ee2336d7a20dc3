#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The module's load, parameters and unload. Prints TAP; wants mailbox_dev.ko and
# portctl in the current directory, and root. Leaves the module as it found it.

plan=58
n=0
bad=0
module=${MAILBOX_MODULE:-mailbox_dev.ko}
dir=/dev/mailbox
params=/sys/module/mailbox_dev/parameters

# ok WHAT COMMAND...: the command succeeds
ok()
{
	what=$1
	shift
	n=$((n + 1))
	if "$@" >/tmp/module.out 2>&1; then
		echo "ok $n $what"
	else
		bad=$((bad + 1))
		sed 's/^/# /' /tmp/module.out
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

loaded()
{
	[ -d /sys/module/mailbox_dev ]
}

unload()
{
	rmmod mailbox_dev 2>/dev/null
}

# load [PARAMETER...]: afresh
load()
{
	loaded && ! unload && return 1
	insmod "$module" "$@" 2>/dev/null
}

entries()
{
	for entry in "${1:-$dir}"/*; do
		[ -e "$entry" ] && printf '%s ' "${entry##*/}"
	done
}

status()
{
	stat -c "$1" "$dir/$2" 2>/dev/null
}

# Everything that an insmod makes is gone.
nothing_left()
{
	not loaded && [ -z "$(entries)" ] && [ ! -e /sys/class/mailbox ] &&
		not grep -q ' mailbox$' /proc/devices
}

# refused PARAMETER...: insmod fails and leaves nothing
refused()
{
	not load "$@" && nothing_left
}

# Waits for a line that a process in the background prints.
await()
{
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -gt 1000 ] && return 1
		usleep 10000
	done
}

# hold FILE: something has it open until release
hold()
{
	rm -f /tmp/hold.in /tmp/hold.out
	mkfifo /tmp/hold.in
	./portctl hold "$1" </tmp/hold.in >/tmp/hold.out &
	holder=$!
	exec 9>/tmp/hold.in
	await held /tmp/hold.out
}

release()
{
	exec 9>&-
	wait $holder
}

echo "TAP version 13"
echo "1..$plan"

had=false
loaded && had=true

# Defaults

ok "insmod without parameters" load
is "default ports" "control default " "$(entries)"
is "control is a character device" "character special file" "$(status %F control)"
is "control is for everybody" 666 "$(status %a control)"
is "control belongs to root" 0:0 "$(status %u:%g control)"
is "the default port is a character device" "character special file" "$(status %F default)"
is "mode of the default port" 660 "$(status %a default)"
is "the default port belongs to root" 0:0 "$(status %u:%g default)"
ok "the class is there" [ -d /sys/class/mailbox ]
is "the class holds both" "control default " "$(entries /sys/class/mailbox)"
is "message_size of the default port" 8192 "$(cat /sys/class/mailbox/default/message_size)"
is "capacity of the default port" 16 "$(cat /sys/class/mailbox/default/capacity)"
is "lanes of the default port" 1 "$(cat /sys/class/mailbox/default/lanes)"
is "parameter ports" default "$(cat $params/ports)"
is "parameter port_mode" $((0660)) "$(cat $params/port_mode)"
is "parameter max_ports" 1024 "$(cat $params/max_ports)"
is "parameter max_port_bytes" $((64 << 20)) "$(cat $params/max_port_bytes)"
is "parameter max_user_bytes" $((256 << 20)) "$(cat $params/max_user_bytes)"
ok "a second insmod is refused" not insmod "$module"
is "and changes nothing" "control default " "$(entries)"

# Parameters that may change

echo $((1 << 20)) >$params/max_port_bytes
is "max_port_bytes is writable" $((1 << 20)) "$(cat $params/max_port_bytes)"
echo $((2 << 20)) >$params/max_user_bytes
is "max_user_bytes is writable" $((2 << 20)) "$(cat $params/max_user_bytes)"
echo 4096 >$params/max_port_bytes
is "a new max_port_bytes counts at once" EINVAL "$(./portctl create big)"
is "and makes nothing" "control default " "$(entries)"
is "max_ports is not writable" 444 "$(stat -c %a $params/max_ports)"
is "ports is not writable" 444 "$(stat -c %a $params/ports)"
is "max_port_bytes is root's to write" 644 "$(stat -c %a $params/max_port_bytes)"

# Unload

echo x >$dir/default
ok "rmmod with an idle port that holds a message" unload
ok "leaves nothing" nothing_left
ok "insmod again" load
is "the message is not there again" 0 "$(cat /sys/class/mailbox/default/depth)"

hold $dir/default
ok "rmmod is refused while a port is open" not unload
is "and takes nothing away" "control default " "$(entries)"
./portctl delete default
ok "rmmod is refused while a deleted port is open" not unload
release
ok "rmmod after the last close" unload
ok "insmod after that" load

hold $dir/control
ok "rmmod is refused while control is open" not unload
release
ok "rmmod after control is closed" unload
ok "leaves nothing again" nothing_left

# ports=

ok "insmod ports=a,b,c" load ports=a,b,c
is "makes just these" "a b c control " "$(entries)"
is "with the default mode" "660 660 660" "$(status %a a) $(status %a b) $(status %a c)"
is "and counts them" 3 "$(./portctl query)"
ok "insmod ports= makes none" load ports=
is "but control" "control " "$(entries)"
ok "insmod with port_mode" load ports=a,b port_mode=0606
is "gives it to all ports" "606 606" "$(status %a a) $(status %a b)"

for name in .hidden control a/b 'a,,b' a,b,a ,a 'a,' \
	x123456789012345678901234567890123456789012345678901234567890123; do
	refused "ports=$name" && echo "# refused: '$name'" || missed="$missed '$name'"
done
is "bad names and duplicates are refused and leave nothing" "" "$missed"
ok "port_mode beyond 0777 is refused" refused port_mode=01000
ok "max_ports=0 is refused" refused max_ports=0
ok "an unknown value of max_ports is refused" refused max_ports=many

# max_ports=

ok "insmod max_ports=2" load ports=a max_ports=2
ok "the second port" ./portctl create two
is "the third is one too many" ENOSPC "$(./portctl create three)"
ok "more ports= than max_ports are refused" refused ports=a,b,c max_ports=2
ok "as many are not" load ports=a,b max_ports=2

# Once more, to see that nothing was left behind.
again=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	load ports=a,b,c && unload && again=$((again + 1))
done
is "ten times in and out" 10 $again
is "no warning in the kernel's log" "" "$(dmesg | grep -E 'WARNING|BUG:|Oops|refcount')"

$had && load
rm -f /tmp/module.out /tmp/hold.in /tmp/hold.out
[ $n -ne $plan ] && echo "# planned $plan tests, ran $n" && bad=$((bad + 1))
[ $bad -eq 0 ]
