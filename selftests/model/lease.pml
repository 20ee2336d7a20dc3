/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leases and the tickets of what is leased: a deadline against an acknowledgement, a
 * reply against its caller's end, a holder's death, a purge and a drain meanwhile.
 *
 * Messages are sent before it begins. A slot is one word here (slot.pml has the rest);
 * each step under room->lock or ledger->lock is one step, what is between is not.
 *
 *   spin -a lease.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * K messages, each from a sender that wants a receipt; NC receivers, the first
 * PLAIN of which take without a lease. What may happen, at any step and at most so
 * many times:
 *   NACKS=n     a holder gives one back
 *   DEATHS=n    a receiver dies or closes, whatever it holds
 *   STOPS=n     ... or does nothing any more for ever
 *   TIMED       leases have a deadline, which passes when it likes; EXTENDS=n:
 *               it is set again
 *   REPLIES     a holder replies or acknowledges; else it only acknowledges
 *   CALLERS=n   a sender closes
 *   UNTOLD=n    a receiver cannot store what it took: gives it back, uncounted
 *   MAX=n       delivered in vain so often, a message is given up; LETTERS=n: it moves to
 *               a port of so many slots, whose messages are received at any time;
 *               NO_READER: are not; CUT: and that port is deleted at some time
 *   DELETE      the port is deleted; PURGE: and what is there discarded
 *
 * Rules as in lease.h and receipt.h:
 *   lease    take it from its slot, or from what waits; pending + 1; the ticket
 *            is kept and held; then release the slot; then it is on the holder's list
 *   claim    under the lock off the holder's list and the timed one: whoever has
 *            claimed it ends it: holder (ack, reply, nack, extend), its close, or the
 *            expiry. Not there: ESTALE
 *   finish   the ticket, then pending - 1; the last one wakes who drains
 *   reply    nobody is there to be told: hold it again, as it was
 *   return   the ticket is not held any more; then, under the lock, it waits, or, after
 *            a purge, is discarded; wake one receiver
 *   give up  before that, and not after a purge: the letter is sent, if there is a slot;
 *            then the ticket is finished, then pending - 1. No slot: it is returned
 *   purge    from now on nothing waits; discard what does
 *   EIDRM    deleted, then every slot free, then nothing pending
 *
 * Switches that take one out: #if in the text; `configs` lists them.
 *
 * Checked: a message is in one pair of hands, and finished once; a living sender is
 * told once, and never before; EIDRM means that all is finished; at rest nothing
 * waits beside a sleeping receiver, or is left when the port has gone; what was given up has
 * moved, once, if there is a port for it, and else was delivered MAX times; nothing
 * moves when the purge is over.
 */
#ifndef K
#define K 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef PLAIN
#define PLAIN 0
#endif
#ifndef NACKS
#define NACKS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef EXTENDS
#define EXTENDS 0
#endif
#ifndef CALLERS
#define CALLERS 0
#endif
#ifndef UNTOLD
#define UNTOLD 0
#endif
#ifndef MAX
#define MAX 0
#endif
#ifndef LETTERS
#define LETTERS 0
#endif
#define READY 0
#define READING 1
#define GONE 2

/* Where a message is, and whose: NOWHERE is in its slot, or finished. */
#define NOWHERE 0
#define HAND 1
#define HELD 2
#define WAITING 3

byte word[K], where[K], holder[K];
bit timed[K], purged = 0, deleted = 0;
byte pending = 0;

/* Given up. */
byte vain[K], letter[K], room = LETTERS;
bit died[K], cut = 0, over_and_done = 0;

/* Tickets. */
bit open[K], kept[K], held[K], gone[K];
byte heard[K], finished[K], freed[K];

chan rq = [NC] of {byte};
bit woken[NC], sleeps[NC], over[NC], stopped[NC];
byte nacks = NACKS, deaths = DEATHS, stops = STOPS, extends = EXTENDS, callers = CALLERS, untold = UNTOLD;

inline wake_all() { do :: rq?[_] -> rq?w; woken[w] = 1 :: else -> break od; w = 0 }
inline wake() {
	atomic { if :: deleted -> wake_all() :: else -> if :: rq?[_] -> rq?w; woken[w] = 1; w = 0 :: else fi fi }
}
inline something() {
	t = 0; r = 0;
	do
	:: t < K -> if :: where[t] == WAITING || word[t] == READY -> r = 1 :: else fi; t++
	:: else -> break
	od;
	t = 0
}

/* Tickets: each under the ledger's lock. */
inline finish(m) {
	atomic {
		finished[m]++; assert(finished[m] == 1);
		assert(open[m]);
		open[m] = 0;
		if :: gone[m] -> freed[m]++ :: else fi
	}
}
inline keep(m, is_held) { atomic { if :: open[m] -> kept[m] = 1; held[m] = is_held :: else fi } }

/* On a deleted port that is an event for everybody. */
inline release(m) { word[m] = GONE; if :: deleted -> wake() :: else fi }

/* Leases: in hand, and on no list. */
inline drop(m) {
	atomic {
		assert(where[m] == HAND && pending > 0);
		where[m] = NOWHERE; pending--; r = (pending == 0)
	};
#ifndef DROP_NO_WAKE
	if :: r && deleted -> wake() :: else fi;
#endif
	r = 0
}
/* One more delivery in vain. r: that was the last. */
inline give_up(m) {
	atomic {
		assert(where[m] == HAND);
		if :: vain[m] < MAX -> vain[m]++ :: else fi;
#ifdef GIVE_UP_PURGED
		r = (vain[m] == MAX);
#else
		r = (vain[m] == MAX && !purged);
#endif
		assert(!r || !over_and_done)
	};
#if LETTERS > 0
	if
	:: r -> atomic {
		if
		:: room > 0 && !cut -> room--; letter[m]++; assert(letter[m] == 1)
#ifndef GIVE_UP_FULL
		:: else -> r = 0
#else
		:: else
#endif
		fi
	   }
	:: else
	fi;
#endif
	if
	:: r -> died[m] = 1;
#ifndef GIVE_UP_UNTOLD
		finish(m)
#endif
	:: else
	fi
}
inline give_back(m, counts) {
#if MAX > 0
	if :: counts -> give_up(m) :: else fi;
#ifdef GIVE_UP_RETURNS
	r = 0;
#endif
	if
#ifdef GIVE_UP_NO_WAKE
	:: r -> r = 0; atomic { where[m] = NOWHERE; pending-- }
#else
	:: r -> r = 0; drop(m)
#endif
	:: else -> put_back(m)
	fi
#else
	put_back(m)
#endif
}
inline put_back(m) {
#ifndef GIVES_BACK_LATE
	keep(m, 0);
#endif
	atomic {
		assert(where[m] == HAND); timed[m] = 0;
		if :: !purged -> where[m] = WAITING :: else -> r = 1 fi
	};
#ifdef GIVES_BACK_LATE
	keep(m, 0);
#endif
	if
	:: r -> r = 0; finish(m); drop(m)
	:: else ->
#ifndef RETURN_NO_WAKE
		wake()
#else
		skip
#endif
	fi
}
inline hold(m, o, limit) {
	atomic { assert(where[m] == HAND); where[m] = HELD; holder[m] = o; timed[m] = limit }
}

/* The holder's: takes it off the lists. r: it was there. */
inline claim(m) {
#ifdef CLAIM_UNLOCKED
	r = (where[m] == HELD && holder[m] == me);
	if :: r -> where[m] = HAND; l = timed[m]; timed[m] = 0 :: else fi
#else
	atomic {
		r = (where[m] == HELD && holder[m] == me);
		if :: r -> where[m] = HAND; l = timed[m]; timed[m] = 0 :: else fi
	}
#endif
}
inline forget(m) { mine = mine & ~(1 << m); r = 0; l = 0 }

#ifdef TIMED
#define LIMIT 1
#else
#define LIMIT 0
#endif

/* Of two messages: those that it believes it holds are bits of mine. */
proctype Receiver(byte me) {
	byte m = 0, t = 0, w = 0, mine = 0;
	bit r = 0, l = 0, saw = 0, old = 0;
again:
	if
	:: mine & 1 -> m = 0; goto act
	:: mine & 2 -> m = 1; goto act
	:: true
	fi;
	atomic {							/* take: what waits first */
		t = 0;
		do :: t < K && where[t] != WAITING -> t++ :: else -> break od;
		if
		:: t < K -> m = t; t = 0; where[m] = HAND; assert(!finished[m]); old = 1;
#if MAX > 0 && LETTERS == 0
			assert(vain[m] < MAX);
#endif
			goto have
		:: else
		fi;
		t = 0;
		do :: t < K && word[t] != READY -> t++ :: else -> break od;
		if :: t < K -> m = t; t = 0; word[m] = READING; old = 0; goto have :: else -> t = 0; goto none fi
	};
have:
	atomic { saw = 0; something() };
	if :: r -> r = 0; wake() :: else fi;				/* chain */
#if PLAIN > 0
	if
	:: me < PLAIN ->
		if
		:: untold > 0 && old -> untold--; give_back(m, 0)
		:: true -> finish(m); if :: old -> drop(m) :: else -> release(m) fi
		fi;
		atomic { m = 0; old = 0; goto again }
	:: else
	fi;
#endif
	if
	:: old -> keep(m, 1)
	:: else ->
#ifdef PENDING_LATE
		keep(m, 1);
		release(m);
		atomic { pending++; where[m] = HAND };
#else
		atomic { pending++; where[m] = HAND };
#ifdef KEEP_LATE
		release(m);
		keep(m, 1);
#else
		keep(m, 1);
		release(m);
#endif
#endif
	fi;
	old = 0;
	if
	:: atomic { untold > 0 -> untold-- }; give_back(m, 0); goto again
	:: true
	fi;
	hold(m, me, LIMIT);
	mine = mine | (1 << m);
	m = 0;
	goto again;

act:
	if
	:: goto ack
#ifdef REPLIES
	:: goto reply
#endif
#if NACKS > 0
	:: atomic { nacks > 0 -> nacks-- };
		claim(m);
		if :: r -> r = 0; give_back(m, 1) :: else fi;
		forget(m); m = 0;
		goto again
#endif
#if EXTENDS > 0
	:: atomic { extends > 0 -> extends-- };
		claim(m);
#ifdef EXTEND_NO_TIME
		if :: r -> hold(m, me, 0) :: else -> forget(m) fi;
#else
		if :: r -> hold(m, me, 1) :: else -> forget(m) fi;
#endif
		r = 0; l = 0; m = 0;
		goto again
#endif
#if DEATHS > 0
	:: atomic { deaths > 0 -> deaths-- }; goto die
#endif
#if STOPS > 0
	:: atomic { stops > 0 -> stops--; stopped[me] = 1; goto out }
#endif
	fi;
ack:
	claim(m);
	if
	:: r -> r = 0; finish(m); drop(m)
	:: else							/* ESTALE */
	fi;
	forget(m); m = 0;
	goto again;
#ifdef REPLIES
reply:
	claim(m);
	if
	:: r -> r = 0;
		if							/* is it wanted? */
		:: gone[m] ->
#ifdef REPLY_DROPS
			drop(m); forget(m)
#else
#ifdef REPLY_NO_TIME
			hold(m, me, 0)
#else
			hold(m, me, l)
#endif
#endif
		:: else -> finish(m); drop(m); forget(m)		/* gone by now: it counts as told */
		fi;
		l = 0
	:: else -> forget(m)
	fi;
	m = 0;
	goto again;
#endif
none:
#ifdef DELETE
	if
	:: deleted && !saw -> saw = 1; goto again
	:: saw ->
#ifdef PENDING_FIRST
		r = (pending == 0);
		if :: !r -> goto sleep :: else -> r = 0 fi;
		atomic { do :: t < K && word[t] == GONE -> t++ :: else -> break od; r = (t == K); t = 0 };
#else
		atomic { do :: t < K && word[t] == GONE -> t++ :: else -> break od; r = (t == K); t = 0 };
		if :: !r -> goto sleep :: else -> r = 0 fi;
		r = (pending == 0);
#endif
		if :: r -> r = 0; goto eidrm :: else fi
	:: else
	fi;
sleep:
#endif
	if
	:: mine -> saw = 0; goto again					/* it ends what it holds */
	:: else
	fi;
	rq!me;
	atomic {
		something();
#ifdef DELETE
		if :: !r && deleted && pending == 0 ->
			do :: t < K && word[t] == GONE -> t++ :: else -> break od; r = (t == K); t = 0
		   :: else
		fi;
#endif
		if
		:: r -> r = 0; if :: woken[me] -> woken[me] = 0 :: else -> rq??eval(me) fi; saw = 0; goto again
		:: else -> sleeps[me] = 1; saw = 0
		fi
	};
end_asleep:
	atomic { woken[me] -> woken[me] = 0; sleeps[me] = 0; goto again };
die:									/* closed: one after the other */
	do
	:: atomic {
		t = 0;
		do :: t < K && !(where[t] == HELD && holder[t] == me) -> t++ :: else -> break od;
		m = t; t = 0;
		if :: m < K -> where[m] = HAND; timed[m] = 0 :: else -> m = 0; break fi
	   };
#ifdef DEATH_NO_RETURN
		drop(m)
#else
		give_back(m, 1)
#endif
	od;
	atomic { over[me] = 1; goto out };
eidrm:
	atomic {
		do :: t < K -> assert(finished[t]); t++ :: else -> break od;
		t = 0; over[me] = 1
	};
out:	mine = 0
}

#ifdef TIMED
/* Any deadline may have passed. */
proctype Expiry() {
	byte m = 0, w = 0;
	bit r = 0;
end:
	do
	:: atomic {
		if :: timed[0] -> m = 0 :: K > 1 && timed[K - 1] -> m = K - 1 fi;
		timed[m] = 0;
#ifdef EXPIRY_COPIES
		word[m] = word[m]
	   };
	   atomic {
#endif
		where[m] = HAND
	   };
	   give_back(m, 1)
	od
}
#endif

#if LETTERS > 0
#ifndef NO_READER
proctype Reader() {
end:	do :: atomic { room < LETTERS -> room++ } od
}
#endif
#ifdef CUT
proctype Cutter() { cut = 1 }
#endif
#endif

/* Told, or closes. What it sees of its slot it may believe: see mailbox_ticket_look(). */
proctype Sender(byte me) {
end:
	if
	:: atomic { !open[me] && finished[me] -> heard[me]++; freed[me]++ }
	:: atomic { open[me] && !kept[me] && word[me] == GONE -> assert(false) }	/* it would be told RECEIVED */
#if CALLERS > 0
	:: atomic {
		callers > 0 -> callers--;
		if :: open[me] -> gone[me] = 1 :: else -> freed[me]++ fi
	   }
#endif
	fi
}

#ifdef DELETE
proctype Deleter() {
	byte m = 0, w = 0, t = 0;
	bit r = 0;
	deleted = 1;
#ifdef PURGE
#ifndef PURGED_LATE
	purged = 1;
#endif
	do
	:: atomic {
		t = 0;
		do :: t < K && where[t] != WAITING -> t++ :: else -> break od;
		m = t; t = 0;
		if :: m < K -> where[m] = HAND :: else -> m = 0; break fi
	   };
	   finish(m); drop(m)
	od;
#ifdef PURGED_LATE
	purged = 1;
#endif
	do
	:: atomic {
		t = 0;
		do :: t < K && word[t] != READY -> t++ :: else -> break od;
		m = t; t = 0;
		if :: m < K -> word[m] = READING :: else -> m = 0; break fi
	   };
	   finish(m); release(m)
	od;
	do :: m < K -> assert(where[m] != WAITING); m++ :: else -> break od;
	m = 0;
	over_and_done = 1;
#endif
	wake()
}
#endif

init {
	byte i = 0, here = 0, out = 0;
	atomic {
		do :: i < K -> open[i] = 1; run Sender(i); i++ :: else -> break od;
		i = 0;
		do :: i < NC -> run Receiver(i); i++ :: else -> break od;
		i = 0;
#ifdef TIMED
		run Expiry();
#endif
#ifdef DELETE
		run Deleter();
#endif
#if LETTERS > 0
#ifndef NO_READER
		run Reader();
#endif
#ifdef CUT
		run Cutter();
#endif
#endif
	}
	timeout ->
	atomic {
		do
		:: i < NC ->
			if
			:: sleeps[i] -> here++
			:: else -> assert(over[i] || stopped[i])
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < K ->
			assert(where[i] != HAND && word[i] != READING);
			assert((where[i] == HELD) == (open[i] && held[i]));
			if
			:: where[i] == HELD ->
				assert(stopped[holder[i]] && !timed[i]);
#ifdef TIMED
				assert(false);
#endif
				out++
			:: where[i] == WAITING -> assert(!here); out++
			:: else -> assert(!here || word[i] == GONE); assert(finished[i] || word[i] == READY)
			fi;
			assert(!finished[i] || freed[i] == 1);
			assert(!died[i] || (finished[i] && where[i] == NOWHERE && vain[i] == MAX));
			assert(letter[i] == (died[i] && LETTERS > 0));
			i++
		:: else -> break
		od;
		assert(pending == out);
		assert(!(deleted && here) || out)
	}
}
