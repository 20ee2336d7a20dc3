/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A port with a limit: which lanes its receivers look at, and when that is forgotten.
 *
 *   spin -a room.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * The room counts down from LIMIT with each sender, before it claims, and up with each receiver,
 * after it has released, or by a sender that has sent nothing after all. A sender sets its
 * lane's bit before it publishes, unless it sees it set. Who brings the room back to LIMIT clears
 * all bits, by the same compare-and-swap. A receiver looks only at lanes whose bits are set; it
 * sleeps after it has shown itself and looked once more. Each lane is a number of messages: the words
 * are in slot.pml, stores that are seen late in room-lanes*.litmus.
 *
 *   SENDERS RECEIVERS LIMIT   each sender sends twice, on its own lane and then on the other
 *   FAILS=n  so many sends fail after the bit was set
 *   broken on purpose, each must fail: CLEAR_APART (the bits are cleared by an access of their own, after
 *           the count), CLEAR_EARLY (by who finds its lane empty), MARK_LATE (the bit is set when the message can
 *           be seen and sleepers have been looked for), MARK_EARLY (before there is room; with LIMIT=1)
 * Checked at rest: all was received, nobody sleeps for what is there, no bit and no count is left over.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef FAILS
#define FAILS 0
#endif
#define BIT(n) (1 << (n))
#define WANTED (2 * SENDERS)

byte room = LIMIT, bits = 0;		/* one word */
byte lane[2];				/* messages that can be taken */
byte sleepers = 0, woken = 0, taken = 0, fails = FAILS, lost = 0;

#ifdef CLEAR_APART
inline give() { room++; if :: room == LIMIT -> skip; bits = 0 :: else fi }
#else
inline give() { d_step { room++; if :: room == LIMIT -> bits = 0 :: else fi } }
#endif

inline mark(n) {
	if
	:: d_step { (bits & BIT(n)) -> skip }		/* one look */
	:: d_step { !(bits & BIT(n)) -> skip }; bits = bits | BIT(n)
	fi
}

/* One sleeper for one event. */
inline wake() { d_step { if :: sleepers > 0 -> sleepers--; woken++ :: else fi } }

proctype Sender(byte me) {
	byte n = me & 1, i = 0;
	do
	:: i == 2 -> break
	:: else ->
#ifdef MARK_EARLY
		mark(n);
#endif
		d_step { room > 0 -> room-- };
#ifndef MARK_LATE
#ifndef MARK_EARLY
		mark(n);
#endif
#endif
		if
		:: d_step { fails > 0 -> fails--; lost++ }; give()
		:: lane[n]++;
			wake();
#ifdef MARK_LATE
			mark(n)
#endif
		fi;
		n = 1 - n; i++
	od
}

proctype Receiver() {
	byte seen;
	do
	:: seen = bits;
again:		if
		:: (seen & 2) && lane[1] > 0 -> atomic { if :: lane[1] > 0 -> lane[1]--; taken++ :: else -> goto once fi } ; give()
		:: (seen & 1) && !((seen & 2) && lane[1] > 0) && lane[0] > 0 ->
			atomic { if :: lane[0] > 0 -> lane[0]--; taken++ :: else -> goto once fi }; give()
		:: else ->
#ifdef CLEAR_EARLY
			bits = bits & ~seen;
#endif
			sleepers++;				/* (F) */
			seen = bits;
			if
			:: ((seen & 2) && lane[1] > 0) || ((seen & 1) && lane[0] > 0) ->
				d_step { if :: sleepers > 0 -> sleepers-- :: woken > 0 -> woken-- fi };
				goto again
			:: else ->
end:				d_step { woken > 0 -> woken-- }
			fi
		fi;
once:		skip
	od
}

/* When nothing moves any more, all receivers are asleep, and: */
active proctype Rest() {
	timeout ->
	assert(taken + lost == WANTED && lane[0] + lane[1] == 0);
	assert(room == LIMIT && bits == 0)
}

init {
	byte i;
	atomic {
		for (i : 0 .. SENDERS - 1) { run Sender(i) }
		for (i : 0 .. RECEIVERS - 1) { run Receiver() }
	}
}
