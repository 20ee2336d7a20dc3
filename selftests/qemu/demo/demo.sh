#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Scenes with mailboxes. Runs as root in a guest, in a folder that holds the module,
# mailbox, the examples, stuck, four and what lies beside this file.
# DEMO_COLOR=1 for colours. Exits non-zero when anything was not as expected.
#
# Nothing here sleeps in the hope that something has happened: it waits until
# it can be seen (the counts in /sys/class/mailbox).
set -u
PATH=$PWD:$PATH
here=$PWD
sys=/sys/class/mailbox
tmp=$(mktemp -d)
wrong=0

if [ "${DEMO_COLOR:-0}" = 1 ]; then
	bold=$(printf '\033[1;36m') dim=$(printf '\033[2m') typed=$(printf '\033[1m')
	good=$(printf '\033[32m') bad=$(printf '\033[1;31m') plain=$(printf '\033[0m')
else
	bold='' dim='' typed='' good='' bad='' plain=''
fi

# --- how it looks

rule() { printf "%$1s" '' | sed 's/ /─/g'; }
scene() { printf '\n\n%s── %s %s%s\n\n' "$bold" "$1" "$(rule $((74 - ${#1})))" "$plain"; }
text() { sed "s/^/$dim/; s/\$/$plain/"; }
say_typed() { printf '%s$ %s%s\n' "$typed" "$1" "$plain"; }
code() { grep -v '^#' "$here/$1" | sed 's/^/    /'; }

# Type a command and run it. Its exit status is in $status.
run() {
	say_typed "$1"
	status=0
	eval "$1" || status=$?
}

# Type a command and run it in the background. Its process is $!.
start() {
	say_typed "$1 &"
	eval "$1 &"
}

# expect WHAT WANTED GOT
expect() {
	if [ "$2" = "$3" ]; then
		printf '%s  ✓ %s: %s%s\n' "$good" "$1" "$2" "$plain"
	else
		printf '%s  ✗ %s: expected %s, got %s%s\n' "$bad" "$1" "$2" "$3" "$plain"
		wrong=$((wrong + 1))
	fi
}

# --- waiting for what can be seen

# until_true COMMAND: at most some 60 seconds
until_true() {
	tries=1200
	until eval "$1"; do
		tries=$((tries - 1))
		if [ $tries = 0 ]; then
			expect "waited for $1" true false
			return 1
		fi
		sleep 0.05
	done
}

# PORT ATTRIBUTE [TEST] VALUE
value() { cat "$sys/$1/$2"; }
until_value() { until_true "[ \"\$(value $1 $2)\" $3 $4 ]"; }

# Wait for processes to end. Their exit statuses are in $status.
ended() {
	status=
	for process; do
		ended_status=0
		wait "$process" || ended_status=$?
		status="${status:+$status }$ended_status"
	done
}

# ============================================================================
scene 'A module, and a folder of ports'
text <<'X'
A port is a queue of messages that the kernel keeps. Its name is a file: who may
open the file may send to it, and receive from it.
X
run 'insmod mailbox_dev.ko'
expect 'exit status' 0 "$status"
cd "$tmp" || exit 1
run 'mailbox create --mode 0660 jobs'
run 'ls -l /dev/mailbox'
expect 'the port is a device' yes "$([ -c /dev/mailbox/jobs ] && echo yes)"

# ============================================================================
scene 'Two producers, three consumers, one name'
text <<'X'
Three programs receive from jobs: one in C with libmailbox, one in the shell,
one in Perl. The last two need no library: a read is a message.

X
echo '  consumer.sh'
code consumer.sh
echo '  consumer.pl'
code consumer.pl
text <<'X'

Two programs send to it: one in C, and one in the shell, which needs no library
either: a write is a message.

X
echo '  producer.sh'
code producer.sh
text <<'X'

No two of them know each other. When the producers are done, the port is
deleted: what is left is still received, then all consumers are told.
X
start 'consumer jobs >C'
consumers=$!
start 'consumer.sh jobs >shell'
consumers="$consumers $!"
start 'consumer.pl jobs >Perl 2>told'
consumers="$consumers $!"
until_value jobs waiting_receivers = 3
run 'mailbox list'
start 'producer jobs 200'
producers=$!
start 'producer.sh jobs'
producers="$producers $!"
# shellcheck disable=SC2086 # several processes
ended $producers
expect 'exit statuses of the producers' '0 0' "$status"
run 'mailbox delete jobs'
# shellcheck disable=SC2086
ended $consumers
run 'cat told'
expect 'Perl was told the reason' 1 "$(grep -c 'Identifier removed' told)"

awk '
	{ n[FILENAME, $1]++; row[FILENAME]++; column[$1]++; all++ }
	END {
		line = "  %-14s %12s %12s %12s\n"
		printf "\n" line, "received by", "from C", "from shell", "total"
		for (i = 1; i < ARGC; i++) {
			who = ARGV[i]
			printf line, who, n[who, "C"] + 0, n[who, "shell"] + 0, row[who] + 0
		}
		printf line "\n", "all", column["C"], column["shell"], all
	}' C shell Perl
text <<'X'
Each took as many as it could: the shell starts a new dd for every message.
X
expect 'messages received, of 400 sent' 400 "$(cat C shell Perl | wc -l)"
expect 'different ones among them' 400 "$(sort -u C shell Perl | wc -l)"

# ============================================================================
scene 'To wait, or not to wait'
text <<'X'
Nothing is in the port. Who does not want to wait, or only for a while, is told
so. The tool ends with status 3 for both, a program gets EAGAIN or ETIMEDOUT.
X
run 'mailbox create letters'
run 'mailbox recv --nonblock letters'
expect 'exit status' 3 "$status"
run 'nonblock.pl letters'
expect 'exit status, which for Perl is errno, EAGAIN' 11 "$status"
run 'mailbox recv --timeout 0.2 letters'
expect 'exit status' 3 "$status"

text <<'X'

Who does want to wait sleeps in the kernel, until a message comes.
X
start 'mailbox recv letters >letter'
process=$!
until_value letters waiting_receivers = 1
run "grep State /proc/$process/status"
run 'mailbox send letters "It has come."'
ended $process
run 'cat letter; echo'
expect 'what the sleeper received' 'It has come.' "$(cat letter)"

text <<'X'

The same when the port is full: it holds 16 messages here, the next must wait.
X
run 'seq 16 | mailbox send --lines letters'
run 'mailbox send --nonblock letters 17'
expect 'exit status' 3 "$status"
start 'mailbox send letters 17'
process=$!
until_value letters waiting_senders = 1
run 'mailbox list'
run 'mailbox recv --lines letters'
ended $process
expect 'exit status of the sender that waited' 0 "$status"
expect 'messages in the port: one received, one more sent' 16 "$(value letters depth)"

# ============================================================================
scene 'What is urgent comes first'
text <<'X'
A port may have lanes. The highest is received first; within a lane, first come
is first served. A receiver may choose its lanes, and leave the rest to others.
X
run 'mailbox create --lanes 3 alarms'
run 'mailbox send --lane 0 alarms "sweep the floor"'
run 'mailbox send --lane 0 alarms "feed the cat"'
run 'mailbox send --lane 1 alarms "answer the door"'
run 'mailbox send --lane 2 alarms "put out the fire"'
run 'mailbox send --lane 2 alarms "call for help"'
run 'mailbox recv --lane 0 --lines alarms | tee chosen'
expect 'the first of lane 0' 'sweep the floor' "$(cat chosen)"
run 'mailbox recv --count 4 --lines alarms | tee order'
expect 'the order' 'put out the fire, call for help, answer the door, feed the cat' \
	"$(awk '{ printf "%s%s", sep, $0; sep = ", " }' order)"

# ============================================================================
scene 'kill -9 in the middle of a receive'
text <<'X'
The program stuck receives into a page of memory that never comes, so it hangs
exactly while the kernel hands the message over to it.
X
run 'mailbox create work'
start 'stuck work >progress'
process=$!
until_value work waiting_receivers = 1
run 'mailbox send work "a precious message"'
until_true 'grep -q "in the middle" progress'
run 'cat progress'
until_true "grep -q handle_userfault /proc/$process/wchan"
run "cat /proc/$process/wchan; echo"
text <<'X'

The message is not lost with it, nor does it wait for its end: it has gone back
to its place in the port, for whoever comes next.
X
run 'mailbox recv --timeout 30 work | tee rescued; echo'
expect 'another receiver got' 'a precious message' "$(cat rescued)"
run "kill -9 $process"
ended $process 2>/dev/null
expect 'exit status of the one killed' 137 "$status"
run 'mailbox info work | grep -E "queued|sent|received|redelivered|endpoints"'
expect 'sent' 1 "$(value work messages_sent)"
expect 'received' 1 "$(value work messages_received)"
expect 'put back, as it could not be stored' yes "$([ "$(value work redelivered)" -ge 1 ] && echo yes)"
expect 'left in the port' 0 "$(value work depth)"

# ============================================================================
scene 'Four ways to send'
text <<'X'
A sender may ask for a receipt: what became of its message, and the answer if there
is one. It may want the result of its call, or be told later; and wait for that, or
not. The program four sends the same question in four ways, to itself as a worker
who takes it and then answers it. This is what the sender does and knows meanwhile:

X
run 'mailbox create sums'
run 'four sums | tee table'
expect 'senders who got the answer' 4 "$(grep -c ' 49$' table)"
text <<'X'

A synchronous send that nobody took in time is taken back: nobody had it.
X
run 'mailbox send --sync --timeout 0.3 sums "6 * 7"'
expect 'exit status' 3 "$status"
expect 'messages in the port' 0 "$(value sums depth)"

# ============================================================================
scene 'Workers die, work does not'
text <<'X'
These workers lease their jobs: a job is theirs until they answer it. When one is
killed its job goes to the next, at once, for it is the kernel that knows. The
program async sends the jobs, never waits, and hears of each one by its receipt. So
a job may be begun twice, but is answered once.
X
run 'mailbox create squares'
start 'async squares 200 >results'
sender=$!
pool=''
hire() {
	worker squares 40 >/dev/null &
	pool="$pool $!"
}
# Kill the nth of the pool.
kill_worker() {
	rest='' n=0
	for process in $pool; do
		n=$((n + 1))
		if [ $n = "$1" ]; then
			kill -9 "$process"
			wait "$process" 2>/dev/null
			printf ' %d' "$process"
		else
			rest="$rest $process"
		fi
	done
	pool=$rest
}
for _ in 1 2 3 4; do
	say_typed 'worker squares 40 >/dev/null &'
	hire
done
awk 'BEGIN { srand(); for (i = 0; i < 1000; i++) print int(4 * rand()) + 1 }' >picks
killed=0
printf '\nAgain and again one of the four is killed, and another one hired:\n\n'
while kill -0 $sender 2>/dev/null && read -r pick; do
	kill_worker "$pick"
	hire
	killed=$((killed + 1))
	[ $((killed % 12)) != 0 ] || echo
	sleep 0.1
done <picks
printf '\n\n'
ended $sender
run 'head -n 3 results; echo ...; tail -n 1 results'
redelivered=$(value squares redelivered)
run 'mailbox delete squares'
# shellcheck disable=SC2086
ended $pool
expect 'exit statuses of those who lived' '0 0 0 0' "$status"
echo
once=$(grep squared results | sort | uniq -c | awk '$1 == 1' | wc -l)
printf '  %-40s %4d\n' 'workers killed' $killed 'jobs that one of them had in his hands' "$redelivered" \
	'jobs sent' "$(awk '/ sent, / { print $1 }' results)" 'jobs answered exactly once' "$once"
echo
expect 'workers were killed' yes "$([ $killed -ge 1 ] && echo yes)"
expect 'jobs answered exactly once, of 200 sent' 200 "$once"

# ============================================================================
scene 'Delete wakes everyone'
text <<'X'
Three receivers sleep on an empty port, a sender sleeps on a full one. Both ports
are deleted: nobody sleeps on, and everybody hears why.
X
run 'mailbox create quiet'
run 'mailbox create --capacity 2 full'
run 'seq 2 | mailbox send --lines full'
start 'mailbox recv quiet 2>told1'
sleepers=$!
start 'mailbox recv --follow --timeout 600 --lane 0 quiet 2>told2'
sleepers="$sleepers $!"
start 'consumer.pl quiet 2>told3'
sleepers="$sleepers $!"
start 'mailbox send full 3 2>told4'
sleepers="$sleepers $!"
until_value quiet waiting_receivers = 3
until_value full waiting_senders = 1
run 'mailbox list'
run 'mailbox delete quiet full'
# shellcheck disable=SC2086
ended $sleepers
expect 'exit statuses: for the second, which follows, it is no error' '1 0 0 1' "$status"
run 'cat told1 told3 told4'
expect 'told that the port was deleted' 3 \
	"$(cat told1 told3 told4 | grep -c -e 'port deleted' -e 'Identifier removed')"

# ============================================================================
scene 'All ports in a table, with work going on'
run 'mailbox create --mode 0660 --capacity 64 jobs'
start 'mailbox recv --follow jobs >/dev/null'
processes=$!
start 'consumer jobs >/dev/null'
processes="$processes $!"
start 'producer jobs 1000000000 2>/dev/null'
processes="$processes $!"
run 'mailbox send --lane 2 alarms "the fire again"'
until_value jobs messages_received -ge 2000
run 'mailbox list'

mailbox delete --purge jobs
# shellcheck disable=SC2086
ended $processes
cd / && rm -rf "$tmp"
if [ $wrong = 0 ]; then
	printf '\n%sEverything was as expected.%s\n' "$good" "$plain"
else
	printf '\n%s%d things were not as expected.%s\n' "$bad" $wrong "$plain"
fi
[ $wrong = 0 ]
