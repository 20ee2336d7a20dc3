/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A port with a limit: who is told that a message has come while it was empty.
 *
 *   spin -a notice.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * One process registers, takes what there is without sleeping, and waits for word, again and
 * again. Others send; others receive, sleep, and may leave, with a message or without. A sender
 * counts the room down before it publishes; whether it was the first then, and whether somebody
 * slept, may be long ago when it has published. So a registration remembers that the port has been
 * empty since: the first of a full room says so, and whoever finds nothing, or leaves nothing. From then on a
 * message is told of by its sender, unless somebody slept for it, which counts as long as no receive
 * has ended meanwhile; and whoever ends one looks whether there is a message that nobody sleeps for.
 *
 *   SENDERS SENDS RECEIVERS   the latter sleep
 *   FAILS=n  so many sends fail, LEAVES=n so many receivers leave, TRUSTS the process registers
 *           before all others and does not look then
 *   broken on purpose, each must fail: FIRST_ONLY (only the first of a full room tells), NO_LOOK (who ends a
 *           receive does not look), NO_LOOK_AFTER (nor who has received a message), AWAITED (that somebody
 *           slept counts whoever has left), AWAITED_FORGETS (the first does not say that the port was empty
 *           if somebody slept)
 * Checked at rest: all was received.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef SENDS
#define SENDS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#ifndef LIMIT
#define LIMIT 3
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif

byte room = LIMIT, there = 0;		/* there: can be received */
byte sleepers = 0, woken = 0;
#ifdef TRUSTS
bool registered = true;
#else
bool registered = false;
#endif
bool emptied = false;			/* it has been empty since */
byte seq = 0;				/* who registers and who leaves moves it on */
bool told = false, locked = false;
byte fails = FAILS, leaves = LEAVES;

inline lock() { d_step { !locked -> locked = true } }
inline unlock() { locked = false }
inline wake() { d_step { if :: sleepers > 0 -> sleepers--; woken++ :: else fi } }
inline tell() { d_step { registered = false; emptied = false; told = true } }

/* A receive has ended; was nothing there? */
inline received(nothing) {
	if
	:: registered ->
		seen = nothing || there == 0;
		lock();
		d_step { emptied = emptied || seen; seq++ };
#ifndef NO_LOOK
		if
		:: d_step { registered && emptied && there > 0 && sleepers == 0 -> skip }; tell()
		:: else
		fi;
#endif
		unlock()
	:: else
	fi
}

proctype Sender() {
	byte i = 0, nth, at;
	bool awaited;
	do
	:: i == SENDS -> break
	:: else ->
		i++;
		d_step { room > 0 -> nth = LIMIT - room + 1; room-- };
		at = seq;
		awaited = sleepers > 0;
		if
		:: d_step { fails > 0 -> fails--; room++ }
		:: there++; wake()
		fi;
		if
		:: registered ->
			lock();
#ifdef AWAITED_FORGETS
			if :: nth == 1 && !awaited -> emptied = true :: else fi;
#else
			if :: nth == 1 -> emptied = true :: else fi;
#endif
			if
#ifdef FIRST_ONLY
			:: d_step { registered && nth == 1 && !awaited && room < LIMIT -> skip }; tell()
#else
#ifdef AWAITED
			:: d_step { registered && emptied && !awaited && room < LIMIT && sleepers == 0 -> skip }; tell()
#else
			:: d_step { registered && emptied && !(awaited && seq == at) && room < LIMIT && sleepers == 0 -> skip };
				tell()
#endif
#endif
			:: else
			fi;
			unlock()
		:: else
		fi
	od
}

proctype Receiver() {
	bool seen;
	do
	:: d_step { there > 0 -> there-- }; room++;
#ifndef NO_LOOK_AFTER
		received(false);
#endif
		if
		:: d_step { leaves > 0 -> leaves-- }; goto gone
		:: skip
		fi
	:: else ->
		sleepers++;
		if
		:: there > 0 -> d_step { if :: sleepers > 0 -> sleepers-- :: else -> woken-- fi }
		:: there == 0 ->
end:			if
			:: d_step { woken > 0 -> woken-- }
			:: d_step { leaves > 0 -> leaves--; if :: sleepers > 0 -> sleepers-- :: else -> woken-- fi };
				/* It may have been woken: others shall make use of that. */
				if :: there > 0 -> wake() :: else fi;
				received(true);
				goto gone
			fi
		fi
	od;
gone:	skip
}

active proctype Watcher() {
	bool seen;
#ifdef TRUSTS
	goto end;
#endif
	do
	:: lock();
		d_step { registered = true; emptied = false; seq++ };
		unlock();
		do
		:: d_step { there > 0 -> there-- }; room++; received(false)
		:: else -> received(true); break
		od;
end:		told;
		told = false
	od
}

/* When nothing moves any more: */
active proctype Rest() {
	timeout ->
	assert(there == 0);
	assert(room == LIMIT)
}

init {
	byte i;
	atomic {
		for (i : 1 .. SENDERS) { run Sender() }
#if RECEIVERS
		for (i : 1 .. RECEIVERS) { run Receiver() }
#endif
	}
}
