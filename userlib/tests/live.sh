#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The mailbox command and the examples on the real module: as root in a guest,
# with the programs in this folder or on the PATH. TAP. Nothing sleeps in hope.
#
# shellcheck disable=SC2317 # functions are called through ok()
PATH=$PWD:$PATH
sys=/sys/class/mailbox
# shellcheck source=userlib/tests/ok.sh
. ./ok.sh
[ -d $sys ] || insmod ./mailbox_dev.ko

# says OUTPUT ARGUMENT...: succeeds, and prints exactly OUTPUT
says() {
	wanted=$1
	shift
	mailbox "$@" >"$tmp/out" </dev/null || return 1
	printf '%s' "$wanted" | cmp - "$tmp/out"
}

# fails STATUS WHY ARGUMENT...: ends with STATUS and the one line WHY
fails() {
	wanted=$1 why=$2
	shift 2
	mailbox "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	cat "$tmp/out" "$tmp/err"
	[ "$got" = "$wanted" ] && [ "$(cat "$tmp/err")" = "mailbox: $why" ] && [ ! -s "$tmp/out" ]
}

has() { grep -q -e "$1" "$tmp/out" || { cat "$tmp/out"; return 1; }; }
until_value() { until [ "$(cat "$sys/$1/$2")" = "$3" ]; do usleep 10000; done; }

# --- create and delete

umask 022
ok 'create makes a port' says '' create t
ok 'with the default mode' is "$(stat -c %a /dev/mailbox/t)" 600
ok 'create of a name that exists fails' fails 1 'create t: a port of that name exists' create t
ok 'unless --exist-ok' says '' create --exist-ok t
ok 'create with everything' says '' create -s 4K -c 32 -l 2 -m 0666 --sealed u
ok '--mode is not subject to the umask' is "$(stat -c %a /dev/mailbox/u)" 666
ok 'message size with a suffix' is "$(cat $sys/u/message_size)" 4096
name_rule='a name is 1 to 63 of A-Z a-z 0-9 . _ - without a dot in front, and not control'
ok 'a bad name' fails 1 "create ../x: $name_rule" create ../x
ok 'a name that is taken for good' fails 1 "create control: $name_rule" create control
ok 'a bad name for dead letters' fails 1 "create x: $name_rule" create --max-deliveries 1 --dead-letter .d x
ok 'too large a port' fails 1 'create x: larger than a port may be (see mailbox query)' create -s 16M -c 65536 x
echo lost >/dev/mailbox/v
ok 'a file in the way' fails 1 'create v: /dev/mailbox/v is an ordinary file, remove it first' create v
ok 'which is not taken for a port' fails 1 'send v: no port of that name' send v x
ok 'create --direct' says '' create --direct d
mailbox info d >"$tmp/out"
ok 'info shows that it is direct' has '^flags  *direct *$'
ok 'and that nobody holds an end' has '^sending end  *-$'
mailbox send d over
ok 'cat ends where the sender did' is "$(timeout 10 cat /dev/mailbox/d)" over
ok 'so does recv' fails 1 'recv d: the other end was closed' recv d
ok 'and send where the receiver did' fails 1 'send d: the other end was closed' send d x
ok 'create --drop' says '' create --drop oldest -c 2 o
mailbox send o one
mailbox send o two
mailbox send o three
ok 'a full lane makes nobody wait' is "$(mailbox recv o)$(mailbox recv o)" twothree
ok 'and what is dropped is counted' is "$(cat $sys/o/messages_dropped)" 1
mailbox info o >"$tmp/out"
ok 'info shows the policy' has '^flags  *drop-oldest *$'
mailbox delete o
ok 'a port for dead letters' says '' create dead
ok 'create with --max-deliveries and --dead-letter' says '' create --max-deliveries 2 --dead-letter dead poison
mailbox info poison >"$tmp/out"
ok 'info shows the limit' has '^max deliveries  *2$'
ok 'and where the letters go' has '^dead letters  *to dead, as endpoint [0-9]*$'
mailbox info --json poison >"$tmp/out"
ok 'so does the object' has '"dead_letter": "dead"'
mailbox send poison dose
mailbox recv --lease poison >/dev/full 2>/dev/null
mailbox recv --lease poison >/dev/full 2>/dev/null
ok 'what is given back too often moves there' says dose recv --nonblock dead
ok 'and is counted' is "$(cat $sys/poison/messages_moved) $(cat $sys/poison/depth)" '1 0'
mailbox delete dead
mailbox info poison >"$tmp/out"
ok 'info shows that there is no port for them any more' has '^dead letters  *dead was deleted: they come again$'
mailbox delete poison
mailbox create --max-deliveries 1 poison
mailbox info poison >"$tmp/out"
ok 'and where there never was one' has '^dead letters  *dropped$'
mailbox send --receipt poison dose >"$tmp/out" &
until_value poison depth 1
mailbox recv --lease poison >/dev/full 2>/dev/null
wait $!
ok 'given up is a failure' is $? 1
ok 'and said' has '^lane 0, ticket 0: given up after process [0-9]*$'
mailbox delete poison
ok '--dead-letter without --max-deliveries' fails 2 'create: --dead-letter takes --max-deliveries (see mailbox create --help)' create --dead-letter t x
ok '--dead-letter that there is not' fails 1 'create x: no port none for its dead letters' create --max-deliveries 1 --dead-letter none x
ok '--dead-letter for shorter messages' fails 1 'create x: t takes no messages as long as that' create --max-deliveries 1 --dead-letter t -s 16K x
ok '--dead-letter that is direct' fails 1 'create x: d is direct, has a limit or gives up messages itself, and cannot take others'"'" create --max-deliveries 1 --dead-letter d x
ok 'create with --limit' says '' create --limit 3 --lanes 2 --capacity 4 bounded
mailbox info bounded >"$tmp/out"
ok 'info shows it' has '^limit  *3 in all$'
ok 'and that it is sealed' has '^flags  *sealed *$'
mailbox info --json bounded >"$tmp/out"
ok '--json too' has '"limit": 3,'
for lane in 0 1 0; do mailbox send --lane $lane bounded "$lane"; done
mailbox send --timeout 0 --lane 1 bounded more 2>"$tmp/out"
ok 'so many messages, whatever their lanes' is "$?$(cat $sys/bounded/depth)" 33
mailbox list >"$tmp/out"
ok 'list shows it as full' has '^bounded .*3/3'
ok '--limit above the capacity' fails 2 'create: --limit takes a capacity that is not less (see mailbox create --help)' create --limit 17 x
ok '--limit with --max-deliveries' fails 2 'create: --limit is not for --direct, --drop or --max-deliveries (see mailbox create --help)' create --limit 2 --max-deliveries 1 x
ok '--dead-letter that has a limit' fails 1 'create x: bounded is direct, has a limit or gives up messages itself, and cannot take others'"'" create --max-deliveries 1 --dead-letter bounded x
mailbox delete bounded
ok '--drop of something else' fails 2 'create: what to drop must be newest or oldest, not all (see mailbox create --help)' create --drop all x
ok '--drop=oldest with --direct' fails 2 'create: --direct keeps what it has: --drop=newest (see mailbox create --help)' create --direct --drop oldest x
ok '--peer without --direct' fails 2 'create: --peer is for --direct (see mailbox create --help)' create --peer 1 x
ok '--peer that is nobody' fails 1 'create x: no such process, or no such mapped endpoint' create --direct --peer 4194303 x
mailbox delete d
rm /dev/mailbox/v
ok 'no such port to send to' fails 1 'send x: no port of that name' send x y
ok 'no such port to receive from' fails 1 'recv x: no port of that name' recv x
ok 'no such port to delete' fails 1 'delete x: no port of that name' delete x
ok 'no such port to tell of' fails 1 'info x: no port of that name' info x

# --- send and recv

ok 'send an argument' says '' send t 'hello world'
ok 'recv writes the bytes and nothing else' says 'hello world' recv t
ok 'send an empty argument' says '' send t ''
ok 'recv of an empty message' says '' recv t
head -c 5000 /dev/urandom >"$tmp/binary"
ok 'send standard input' sh -c "mailbox send t <$tmp/binary"
ok 'as one message' is "$(cat $sys/t/depth)" 1
ok 'bytes are bytes' sh -c "mailbox recv t | cmp - $tmp/binary"
printf 'a\n\nb b\nc' >"$tmp/lines"
ok 'send --lines' sh -c "mailbox send --lines t <$tmp/lines"
ok 'sends one message per line, empty ones too' is "$(cat $sys/t/depth)" 4
ok 'recv --count takes so many' says 'ab b' recv --count 3 t
ok 'recv --lines ends lines' says "c
" recv --lines t
echo 'plain shell' >/dev/mailbox/t
ok 'recv --lines does not end what is ended' says "plain shell
" recv --lines t
ok 'a message that begins with a dash' says '' send t -- --help
ok 'is a message' says '--help' recv t
ok 'options may stand behind the port' says '' send t hello --tag 7
ok 'there too' says 'hello' recv t --nonblock
head -c 8193 /dev/zero >"$tmp/long"
ok 'a message too long' sh -c "mailbox send t <$tmp/long 2>&1 | grep -qx 'mailbox: send t: message too long, the port takes 8192 bytes'"
printf 'ok\n%08193d\n' 0 >"$tmp/long"
ok 'a line too long' sh -c "mailbox send --lines t <$tmp/long 2>&1 | grep -qx 'mailbox: send t: line 2: message too long, the port takes 8192 bytes'"
mailbox recv t >"$tmp/out"

ok 'nothing to receive' fails 3 'recv t: would block' recv --nonblock t
ok 'nothing for a while' fails 3 'recv t: timed out' recv --timeout 0.05 t
seq 16 | mailbox send --lines t
ok 'no place' fails 3 'send t: would block' send --nonblock t x
ok 'no place for a while' fails 3 'send t: timed out' send -t 0.05 t x
ok 'recv of fewer than asked for' sh -c "mailbox recv -L -n 17 -t 0.05 t >$tmp/out; test \$? = 3"
ok 'keeps those that came' is "$(wc -l <"$tmp/out")" 16
ok 'recv to a full disk' sh -c 'mailbox send t x; mailbox recv t 2>&1 >/dev/full | grep -qx "mailbox: recv t: could not write a message it had received: No space left on device"'
mkfifo "$tmp/fifo"
mailbox send t x
# shellcheck disable=SC2094 # that is the point: a writer without a reader
exec 4<>"$tmp/fifo" 5>"$tmp/fifo" 4<&-
ok 'recv to a pipe without a reader' sh -c 'mailbox recv t 2>&1 >&5 | grep -q "could not write .*: Broken pipe"'
exec 5>&-
head -c 8000 /dev/zero >"$tmp/long"
mailbox send t <"$tmp/long"
ok 'recv of a long message to a full disk' sh -c 'mailbox recv t 2>&1 >/dev/full | grep -q "could not write .*: No space left"'

# --- leases

mailbox send t job
ok 'recv --lease to a full disk' sh -c 'mailbox recv --lease t 2>&1 >/dev/full | grep -qx "mailbox: recv t: could not write a message and gave it back: No space left on device"'
ok 'gives the message back' is "$(cat $sys/t/depth)" 1
ok 'for the next one' says job recv --lease t
ok 'who finishes it' is "$(cat $sys/t/depth)" 0
mailbox send t job
exec 5<>"$tmp/fifo"
head -c 65536 /dev/zero >&5
mailbox recv --lease t >"$tmp/fifo" &
pid=$!
until_value t depth 0
kill -9 $pid
wait $pid 2>/dev/null
exec 5>&-
ok 'recv --lease that is killed gives it back' says job recv --timeout 30 t

# --- synchronous, and receipts

ok 'send --sync that times out' fails 3 'send t: timed out' send --sync --timeout 0.05 t x
ok 'takes its message back' is "$(cat $sys/t/depth)" 0
mailbox send --sync t job >"$tmp/got" &
pid=$!
until_value t depth 1
ok 'send --sync waits for its receiver' says job recv t
wait $pid
ok 'and says nothing if he did not' is "$? $(cat "$tmp/got")" '0 '
seq 3 | mailbox send --receipt --lines --lane 0 t >"$tmp/got" &
pid=$!
until_value t depth 3
ok 'send --receipt sends all' says 123 recv --count 3 t
wait $pid
ok 'and hears of each' is "$? $(grep -c '^lane 0, ticket [0-9]*: received by process [0-9]*$' "$tmp/got")" '0 3'
mailbox create r
mailbox send --receipt r x >"$tmp/out" &
pid=$!
until_value r depth 1
mailbox delete --purge r
wait $pid
ok 'also of what nobody will have' is "$? $(cat "$tmp/out")" '1 lane 0, ticket 0: discarded'

# --- lanes

ok 'send on a lane' says '' send --lane 1 u urgent
ok 'send without' says '' send u normal
ok 'a lane that is not there' fails 1 'send u: no lane 2, the port has 2' send --lane 2 u x
ok 'the same for recv' fails 1 'recv u: no lane 2, the port has 2' recv --lane 0,2 u
ok 'recv from a lane' says normal recv --lane 0 u
mailbox send u normal
ok 'recv from the highest first' says urgentnormal recv --lane 0 -l 1 --count 2 u

# --- JSON

mailbox send -l 1 --tag 0x10 u '{"äöü"}'
mailbox recv --json u >"$tmp/out"
ok 'recv --json has the text' has '"text":"{\\"äöü\\"}","length":10,"lane":1,"tag":16,"ticket":1,'
ok 'and the sender' has '"uid":0,"gid":0,"trusted":true,"deliveries":0}$'
printf 'a\377\0b' | mailbox send --tag 18446744073709551615 u
mailbox recv --json u >"$tmp/out"
ok 'base64 for what is not UTF-8' has '{"base64":"Yf8AYg==","length":4,'
ok 'a tag beyond JSON is a string' has '"tag":"18446744073709551615"'
mailbox info --json u >"$tmp/out"
ok 'info --json' has '"mode": "0666"'
ok 'info --json tells the flags' has '"sealed"'
mailbox list --json >"$tmp/out"
ok 'list --json has every port' is "$(grep -c '"name": "[tu]"' "$tmp/out")" 2
mailbox query --json >"$tmp/out"
ok 'query --json' has '"message_max": 16777216'

# --- to look

mailbox list >"$tmp/out"
ok 'list shows the ports' has '^u  *0/64  *5  *5  -  *0  rw-rw-rw-  root:root$'
mailbox info u >"$tmp/out"
ok 'info shows one' has '^capacity  *32 per lane$'
mailbox query >"$tmp/out"
ok 'query shows the module' has '^ports  *[0-9]* of [0-9]*$'

# --- peek and drain

mailbox create -c 32 -l 2 q
ok 'peek into nothing' fails 3 'peek q: would block' peek q
ok 'peek at all of nothing' says '' peek --all q
ok 'drain of nothing' says '' drain q
mailbox send q one
mailbox send q two
mailbox send -l 1 q first
ok 'peek shows what is next' says first peek q
ok 'peek --count shows more' says 'firstone' peek --count 2 q
ok 'peek --index begins later' says 'one
two
' peek --lines --all --index 1 q
ok 'peek --index of one that is not there' fails 3 'peek q: would block' peek -i 3 q
ok 'peek --count of more than there are' says 'firstonetwo' peek -n 9 q
ok 'peek --lane' says one peek --lane 0 q
ok 'a lane that is not there to peek at' fails 1 'peek q: no lane 2, the port has 2' peek --lane 2 q
ok 'peek takes nothing' is "$(cat $sys/q/depth)" 3
mailbox peek --json q >"$tmp/out"
ok 'peek --json' has '^{"text":"first","length":5,"lane":1,.*,"deliveries":0}$'
ok 'peek to a full disk' sh -c 'mailbox peek q 2>&1 >/dev/full | grep -qx "mailbox: peek q: standard output: No space left on device"'
ok 'drain to a full disk' sh -c 'mailbox drain q 2>&1 >/dev/full | grep -qx "mailbox: drain q: could not write a message and gave it back: No space left on device"'
ok 'gives it back' is "$(cat $sys/q/depth)" 3
ok 'drain of a lane' says first drain --lane 1 q
ok 'drain --lines' says 'one
two
' drain -L q
ok 'drains' is "$(cat $sys/q/depth) $(cat $sys/q/messages_received)" '0 3'
seq 3 | mailbox send -L q
mkdir "$tmp/files"
ok 'drain --directory' says '' drain -d "$tmp/files" q
ok 'makes a file for each' is "$(cd "$tmp/files" && tail -n 3 -- * | tr '\n' ' ')" '==> 0-2 <== 1 ==> 0-3 <== 2 ==> 0-4 <== 3'
mailbox send q four
touch "$tmp/files/0-5"
ok 'overwrites none' fails 1 "drain q: could not write a message to $tmp/files and gave it back: File exists" drain -d "$tmp/files" q
ok 'a directory that is not there' fails 1 "drain q: $tmp/none: No such file or directory" drain -d "$tmp/none" q
ok 'keeps the message' says 'four
' drain --lines q
seq 20 | mailbox send -L q
ok 'drain --discard counts' says '20
' drain --discard q
seq 2 | mailbox send -L q
ok 'drain --json' sh -c "mailbox drain --json q | grep -c '^{\"text\":\"[12]\",.*}\$' | grep -qx 2"
ok 'no port to drain' fails 1 'drain x: no port of that name' drain x
ok 'no port to peek at' fails 1 'peek x: no port of that name' peek x

# --- watch and top

mailbox watch -i 0.02 -n 3 q >"$tmp/watched" &
pid=$!
until [ -s "$tmp/watched" ]; do usleep 10000; done
mailbox send q x
until [ "$(wc -l <"$tmp/watched")" -ge 2 ]; do usleep 10000; done
mailbox delete --purge q
wait $pid
ok 'watch --count ends' is $? 0
ok 'watch tells that a port is there' grep -q '^[0-9:.]*  q  there  0 queued' "$tmp/watched"
ok 'and what is sent' grep -q '^[0-9:.]*  q  changed  +1 sent  1 queued' "$tmp/watched"
mailbox create q
rm "$tmp/watched"
mailbox watch -i 0.02 --json q >"$tmp/watched" &
pid=$!
until [ -s "$tmp/watched" ]; do usleep 10000; done
mailbox delete q
wait $pid
ok 'watch ends when its port is deleted' is $? 0
ok 'and says so' sh -c "tail -n 1 $tmp/watched | grep -q '^{\"time\":[0-9.]*,\"event\":\"deleted\",\"sent\":0,.*\"port\":{\"name\":\"q\",.*}}\$'"
rm "$tmp/watched"
mailbox watch -i 0.02 >"$tmp/watched" &
pid=$!
until [ -s "$tmp/watched" ]; do usleep 10000; done
mailbox create q
until grep -q '  q  created' "$tmp/watched"; do usleep 10000; done
kill $pid
wait $pid 2>/dev/null
ok 'watch sees a port come' grep -q '  q  created  0 queued' "$tmp/watched"
mailbox watch -i 0.02 -t 0.1 q >"$tmp/out" 2>"$tmp/err"
ok 'watch --timeout' is "$? $(cat "$tmp/err")" '3 mailbox: watch: timed out'
ok 'watch of no port' fails 1 'watch x: no port of that name' watch q x
rm "$tmp/out"
mailbox watch -i 0.02 q | head -n 1 >"$tmp/out" &
pid=$!
until [ -s "$tmp/out" ]; do usleep 10000; done
mailbox send q x
wait $pid
ok 'watch ends with its reader' has '  q  there  '
ok 'watch to a full disk' sh -c 'mailbox watch q 2>&1 >/dev/full | grep -qx "mailbox: watch: standard output: No space left on device"'
ok 'top wants a terminal' fails 1 'top: not on a terminal: mailbox watch writes to pipes and files' top
mailbox delete --purge q

# --- bench

ports=$(mailbox list | wc -l)
mailbox bench --rounds 1 --size 8 >"$tmp/out"
ok 'bench measures' has '^round trip, port, mapped  *[0-9]*  [0-9.]*x$'
ok 'a port against a pipe' has '^pipe  *[0-9]*  1.00x$'
ok 'bench --json' sh -c 'mailbox bench --rounds 1 --json | grep -c against_pipe | grep -qx 8'
ok 'bench of long messages' sh -c 'mailbox bench --rounds 1 -s 64K >/dev/null'
ok 'bench leaves nothing' is "$(mailbox list | wc -l)" "$ports"

# --- who maps it

mailbox create m
mkfifo "$tmp/holder"
libmailbox-map hold m place >"$tmp/holder" &
holder=$!
read -r endpoint <"$tmp/holder"
mailbox send m behind
ok 'info shows who maps the port' sh -c "mailbox info m | grep -qx '$endpoint  *$holder  root  *1  *0  -'"
mailbox recv m >"$tmp/got" &
pid=$!
until_value m waiting_receivers 1
ok 'and who is in the way' sh -c "mailbox info m | grep -q '^$endpoint  *$holder  root  *1  *0  blocks lane 0 for [0-9.]* s\$'"
mailbox info --json m | tr -d '\n ' >"$tmp/out"
ok 'in JSON too' has "\"mapped\":\[{\"endpoint\":$endpoint,\"pid\":$holder,\"uid\":0,\"writing\":1,\"reading\":0,\"lane\":0,\"ticket\":[0-9]*,\"blocks_ns\":[1-9][0-9]*}\]"
ok 'evict somebody who has not mapped it' fails 1 "evict m: endpoint 65534 has no mapping of it" evict m 65534
ok 'evict from no port' fails 1 'evict x: no port of that name' evict x 1
ok 'evict' says '' evict m "$endpoint"
wait $pid
ok 'lets others go on' is "$(cat "$tmp/got")" behind
ok 'once' fails 1 "evict m: endpoint $endpoint has no mapping of it" evict m "$endpoint"
ok 'info shows nobody' sh -c '! mailbox info m | grep -q ENDPOINT'
kill $holder
wait $holder 2>/dev/null
mailbox delete m

# --- to wait, and the end

mailbox recv u >"$tmp/got" &
pid=$!
until_value u waiting_receivers 1
mailbox list >"$tmp/out"
ok 'list shows who waits' has '^u .* 1 recv  *1  rw'
mailbox send u here
wait $pid
ok 'a receiver that waited' is "$(cat "$tmp/got")" here
mailbox recv u 2>"$tmp/told" &
pid=$!
mailbox recv --follow --lines u >"$tmp/got" &
follower=$!
until_value u waiting_receivers 2
ok 'delete' says '' delete u
wait $pid
ok 'ends a receiver with an error' is $? 1
ok 'that says why' is "$(cat "$tmp/told")" 'mailbox: recv u: port deleted'
wait $follower
ok 'and a follower with none' is $? 0
mailbox create u
mailbox recv --follow --lines u >"$tmp/got" &
follower=$!
until_value u waiting_receivers 1
seq 100 | mailbox send --lines u
mailbox delete u
wait $follower
ok 'a follower gets everything' is "$(tail -n 1 "$tmp/got") $(wc -l <"$tmp/got")" '100 100'
ok 'delete several, with what is left' says '' delete --purge t default
ok 'list of nothing' is "$(mailbox list | wc -l)" 1
ok 'list of nothing in JSON' is "$(mailbox list --json)" '[]'

# --- the examples

printf 'lane 2: put out the fire\nlane 1: answer the door\nlane 0: sweep the floor\n' >"$tmp/wanted"
priority >"$tmp/out"
ok 'the example of lanes' cmp "$tmp/wanted" "$tmp/out"
mailbox create t
consumer t >"$tmp/one" &
one=$!
consumer t >"$tmp/two" &
two=$!
producer t 500 a &
producer t 500 b
wait $!
mailbox delete t
wait $one && wait $two
ok 'two producers and two consumers' is $? 0
ok 'all messages once' is "$(cat "$tmp/one" "$tmp/two" | sort -u | wc -l) $(cat "$tmp/one" "$tmp/two" | wc -l)" '1000 1000'
mailbox create shared
inplace sum shared >"$tmp/sum" &
inplace send shared 1000
mailbox send shared "no number"
mailbox delete shared
wait $!
ok 'numbers that are never copied' is "$(cat "$tmp/sum")" 500500
ok 'a link in both directions' is "$(pair 1000 2>"$tmp/err")" 2000
ok 'whose pace is told' grep -qx '[0-9]* ns to and fro' "$tmp/err"
holds() { until grep -q "mailbox-leases:.$2" /proc/"$1"/fdinfo/*; do usleep 10000; done; }
mailbox create jobs
worker jobs 600000 >"$tmp/one" &
one=$!
until_value jobs waiting_receivers 1
ok 'send --sync of a job that takes longer' fails 3 'send jobs: sent, and not finished yet' send --sync -t 2 jobs 1
async jobs 20 >"$tmp/async" &
async=$!
holds $one 1
worker jobs >"$tmp/two" &
two=$!
until_value jobs messages_received 20
kill -9 $one
wait $one 2>/dev/null
ok 'a worker that is killed had done nothing yet' is "$(head -n 1 "$tmp/one")" ''
wait $async
ok 'the sender hears of all, and works on' sh -c "tail -n 1 $tmp/async | grep -qx '20 sent, 20 finished, [1-9][0-9]* primes found meanwhile'"
ok 'of each once' is "$(grep '^job [0-9]*: [0-9]* squared is [0-9]*$' "$tmp/async" | sort -u | wc -l)" 20
until_value jobs messages_received 21
ok 'the job of the killed one was done by another' is "$(grep -c '^1: 1 squared is 1$' "$tmp/two") $(cat $sys/jobs/redelivered)" '2 1'
ok 'send --sync writes the reply' says '7 squared is 49' send --sync jobs 7
ok 'a job that nobody can do ends' says 'cannot be done' send --sync jobs seven
ok 'after three tries' is "$(cat $sys/jobs/redelivered)" 3
seq 3 | mailbox send --receipt --lines jobs >"$tmp/out"
ok 'send --receipt writes replies' is "$(sed "s/ticket [0-9]*/ticket T/; s/process $two/P/" "$tmp/out" | sort | tail -n 1)" 'lane 0, ticket T: replied to by P: 3 squared is 9'
seq 40 | mailbox send --sync --lines jobs >"$tmp/out"
ok 'send --sync --lines goes by turns' is "$(wc -l <"$tmp/out") $(tail -n 1 "$tmp/out")" '40 40 squared is 1600'
mailbox delete jobs
wait $two
ok 'workers end with the port' is $? 0
rpc serve calls &
one=$!
rpc serve calls &
two=$!
until [ -d $sys/calls ]; do usleep 10000; done
until_value calls waiting_receivers 2
ok 'a remote procedure call' is "$(rpc ask calls 'stressed')" desserts
kill -9 $one
wait $one 2>/dev/null
ok 'answered by the server that is left' is "$(rpc ask calls 'live')" evil
kill -STOP $two
mailbox send --receipt calls 'is gone before the answer' >"$tmp/out" &
gone=$!
until_value calls depth 1
kill -9 $gone
wait $gone 2>/dev/null
mailbox send calls 'wants no answer'
kill -CONT $two
ok 'who goes on when nobody waits for an answer, or no longer' is "$(rpc ask calls 'live')" evil
ok 'and has no question left' is "$(cat $sys/calls/leased) $(cat $sys/calls/depth)" '0 0'
mailbox delete calls
wait $two
ok 'servers end with the port' is $? 0
ok 'a consumer without a port' sh -c 'consumer t 2>&1 | grep -qx "consumer: t: no port of that name"'

# --- as somebody else

mailbox create -m 0620 w
as_alice() { su -s /bin/sh alice -c "PATH=$PATH $1" 2>&1; }
if grep -q '^alice:' /etc/passwd; then
	ok 'not for others' is "$(as_alice 'mailbox send w x')" 'mailbox: send w: permission denied'
	ok 'not theirs to delete' is "$(as_alice 'mailbox delete w')" 'mailbox: delete w: not the owner of the port'
	ok 'not theirs to evict from' is "$(as_alice 'mailbox evict w 1')" 'mailbox: evict w: not the owner of the port'
	ok 'nor to see who maps it, but the rest' is "$(as_alice 'mailbox info w | grep -c ^port')" 1
	ok 'but there to see' is "$(as_alice 'mailbox list | grep -c ^w')" 1
fi
mailbox delete w

echo "1..$count"
rm -rf "$tmp"
exit $failed
