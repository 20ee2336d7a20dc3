#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loads and unloads the module while others open, use and close ports.
module=${MAILBOX_MODULE:-mailbox_dev.ko}
seconds=${STORM_SECONDS:-$((8 * ${MAILBOX_EFFORT:-1}))}
n=0 failed=0

result() {	# result STATUS WHAT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
		failed=1
	fi
}

loaded() {
	grep -q '^mailbox_dev ' /proc/modules
}

# Not at the first try, as others use it most of the time.
unload() {
	tries=0
	until rmmod mailbox_dev 2>/dev/null; do
		loaded || return 1
		tries=$((tries + 1))
		[ $tries -lt 2000 ] || return 1
	done
}

nothing_left() {
	! loaded && [ ! -e /sys/class/mailbox ] && [ ! -e /dev/mailbox/control ] &&
		[ ! -e /dev/mailbox/default ] && ! grep -q mailbox /proc/devices
}

echo TAP version 13
echo 1..5

loaded || insmod "$module"

exec 3<>/dev/mailbox/default
! rmmod mailbox_dev 2>/dev/null && loaded
result $? "a module in use is not unloaded"
exec 3>&-

openers=
for i in 1 2; do
	STORM_OPENER=$i ./storm &
	openers="$openers $!"
done

status=0 turns=0 end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt $end ]; do
	if ! unload || ! insmod "$module"; then
		status=1
		break
	fi
	# Let them find it again.
	until grep -q '^mailbox_dev [0-9]* [1-9]' /proc/modules; do :; done
	turns=$((turns + 1))
done
echo "## unloaded and loaded $turns times"
result $status "unloaded and loaded while others open it"

# shellcheck disable=SC2086 # one word each
kill -9 $openers
# shellcheck disable=SC2086
wait $openers 2>/dev/null
rmmod mailbox_dev
result $? "unloaded when they are dead"

nothing_left
result $? "nothing is left"

insmod "$module" && [ -c /dev/mailbox/default ]
result $? "loads again"

exit $failed
