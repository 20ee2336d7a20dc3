#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Ports in Perl and Python on the real module, by files alone and by the Python module: as
# root in a guest, with what it takes in this folder. TAP. Nothing sleeps in hope.
#
# shellcheck disable=SC2317 # functions are called through ok()
PATH=$PWD:$PATH
export LIBMAILBOX="$PWD/libmailbox.so.0" PYTHONPATH="$PWD" PYTHONDONTWRITEBYTECODE=1
sys=/sys/class/mailbox
# shellcheck source=userlib/tests/ok.sh
. ./ok.sh
[ -d $sys ] || insmod ./mailbox_dev.ko

until_value() { until [ "$(cat "$sys/$1/$2")" = "$3" ]; do usleep 10000; done; }

# --- files alone

for program in poll.py poll.pl; do
	mailbox create red
	mailbox create blue
	$program red blue >"$tmp/out" 2>&1 &
	pid=$!
	until_value red endpoints 1
	until_value blue endpoints 1
	mailbox send --sync red one
	printf two >/dev/mailbox/blue
	until_value blue depth 0
	mailbox delete red
	mailbox send --sync blue three
	mailbox delete blue
	wait $pid
	ok "$program ends with the last port" is $? 0
	printf 'red: one\nblue: two\nblue: three\n' >"$tmp/wanted"
	ok "$program hears of all ports" cmp "$tmp/wanted" "$tmp/out"
	ok "$program without a port says so" sh -c "$program nowhere 2>&1 | grep -q 'No such file'"
done

# --- the module

mailbox create jobs
worker.py jobs 600 >"$tmp/one" 2>&1 &
one=$!
until_value jobs waiting_receivers 1
boss.py jobs 50 >"$tmp/sum" 2>&1 &
boss=$!
until_value jobs leased 1
worker.py jobs >"$tmp/two" 2>&1 &
two=$!
until_value jobs messages_received 49
kill -9 $one
wait $one 2>/dev/null
wait $boss
ok 'a boss and workers in Python, of whom one dies' is "$(cat "$tmp/sum")" '50 jobs done, the sum is 42925'
ok 'his job went to another one' is "$(cat $sys/jobs/redelivered)" 1
mailbox delete jobs
wait $two
ok 'a worker in Python ends with the port' is "$? $(cat "$tmp/two")" '0 '
python3 python_live.py >"$tmp/live" 2>&1
ok 'the module on the real thing' is "$? $(cat "$tmp/live")" '0 '

echo "1..$count"
rm -rf "$tmp"
exit $failed
