/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A synchronous sender waits for its message to be finished, or takes it back:
 * against receivers, parking, dropping, purging and the end of the port.
 *
 * Words, walking and claiming as in slot.pml. NP senders make K calls each, NC
 * receivers receive. The ledger's lock is there as such: slots change without it.
 *
 *   spin -a withdraw.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * What may happen, each at any step and at most so many times:
 *   ENDS=n     a sender's deadline passes, or it has a signal
 *   CLOSES     ... and it closes then (was killed), if its message has been taken
 *   PARKS=n    a receiver cannot store a message: parks it in place
 *   DEATHS=n   a mapped receiver that took a READY one without asking dies: parked,
 *              and marked. (One that was parked looks the same after that as before:
 *              it could be taken back. Who breaks the rules so reads it anyway)
 *   RUDE=n     ... or releases it, and its sender has heard of nothing
 *   DROPS=n    somebody takes the oldest message away, to make room
 *   DELETE     the port is deleted; PURGE: and what is queued discarded
 *   NO_RECEIVERS there is none
 *
 * Rules as in receipt.h and slot.pml, and:
 *   open      before publish, lock: the ticket is known under the position
 *   finish    before release, lock: of the ticket at this position, if there is
 *             one; its sender is woken
 *   settle    lock: finished: done. Else if it is to end: compare and swap
 *             READY(p), or READING(p){PARKED} that nobody died of, to VOID; the
 *             ticket is no more, wake one receiver and one sender. Fails: it is
 *             in progress. A slot that has gone on: finished. (That it must be
 *             VOID and not FREE: multi.pml)
 *   sleep     queue, look again whether to settle, sleep. The end of the port
 *             wakes all
 *
 * Switches that take one out: #if in the text; `configs` lists them.
 *
 * Checked: what was taken back nobody has had, or will; whoever is not told so
 * hears once of each message what became of it and who did it, and each ticket
 * is freed once; nobody sleeps beside something to do.
 */
#ifndef CAP
#define CAP 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef K
#define K 1
#endif
#ifndef ENDS
#define ENDS 0
#endif
#ifndef PARKS
#define PARKS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef RUDE
#define RUDE 0
#endif
#ifndef DROPS
#define DROPS 0
#endif
#define TOTAL (NP * K)
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define PARKED 255
#define RECEIVED 1
#define DISCARDED 2
#define NOBODY 99

byte seq[CAP], phase[CAP], owner[CAP], msg[CAP];
bit died[CAP];				/* somebody did, with this message in hand */
byte attention = 0;
bit closed = 0, deleted = 0;
chan rq = [NC] of {byte};
chan sq = [NP] of {byte};
bit wokenC[NC], wokenP[NP];
byte posC[NC], posP[NP];
bit sleepC[NC], sleepP[NP], doneC[NC], doneP[NP];
byte ends = ENDS, parks = PARKS, deaths = DEATHS, rude = RUDE, drops = DROPS;

/* The ledger. */
bit lock = 0, ended = 0;
bit open[TOTAL], gone[TOTAL];		/* gone: its sender is closed */
byte at[TOTAL], outcome[TOTAL], by[TOTAL];
bit waits[NP], told[NP];		/* on its queue; woken there */

/* What is checked. */
bit published[TOTAL], back[TOTAL], was_rude[TOTAL];
byte finished[TOTAL], heard[TOTAL], freed[TOTAL];

#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && phase[IDX(p)] == (f))
#define CLAIMABLE(p) (IS(p, FREE) || (seq[IDX(p)] + CAP == (p) && phase[IDX(p)] == VOID))
#define TAKEN(p) (IS(p, READING) || IS(p, VOID))
#define IS_PARKED(i) (phase[i] == READING && owner[i] == PARKED)
#define LOCK atomic { !lock -> lock = 1 }
#define UNLOCK lock = 0

inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0 :: else fi }
inline wake_sender() { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0 :: else fi }
inline wake_all() {
	do :: rq?[_] -> rq?w; wokenC[w] = 1 :: else -> break od;
	do :: sq?[_] -> sq?w; wokenP[w] = 1 :: else -> break od;
	w = 0
}
inline kick(receivers, senders) {
	atomic {
		if
		:: deleted -> wake_all()
		:: else ->
			if :: receivers -> wake_receiver() :: else fi;
			if :: senders -> wake_sender() :: else fi
		fi
	}
}
inline can_take(p) {
	t = p; r = 0;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: TAKEN(t) -> t++
	:: IS(t, READY) -> r = 1; break
	:: else -> break
	od;
	if :: attention > 0 -> t = 0;
		do :: t < CAP -> if :: IS_PARKED(t) -> r = 1 :: else fi; t++ :: else -> break od
	   :: else
	fi;
	t = 0
}
inline can_fill(p) {
	t = p; r = 0;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: CLAIMABLE(t) -> r = 1; break
	:: seq[IDX(t)] == t && phase[IDX(t)] != FREE -> t++
	:: else -> break
	od;
	t = 0
}
inline drained() {
	t = 0;
	do :: t < CAP && (phase[t] == FREE || phase[t] == VOID) -> t++ :: else -> break od;
	r = (t == CAP);
	t = 0
}

/* Under the lock, in one step with it: the ticket at this position. */
inline finish(p, what, who) {
	atomic {
		!lock;
		t = 0;
		do
		:: t < TOTAL && !(open[t] && at[t] == p) -> t++
		:: else -> break
		od;
		if
		:: t < TOTAL -> done(t, what, who)
		:: else -> assert(rude < RUDE)	/* it was in our hands, and has one */
		fi;
		t = 0
	}
}
inline done(i, what, who) {
	open[i] = 0; outcome[i] = what; by[i] = who;
	finished[i]++; assert(finished[i] == 1 && !back[i]);
	if
	:: gone[i] -> free(i)
	:: else -> if :: waits[i / K] -> told[i / K] = 1 :: else fi
	fi
}
inline free(i) { freed[i]++; assert(freed[i] == 1) }

#define pos posP[me]
#define M (me * K + n)
proctype Sender(byte me) {
	byte n = 0, t = 0, w = 0;
	bit r = 0, err = 0, closes = 0;
again:
	atomic {
		if :: n == K || closed -> goto over :: else fi;
		do
		:: CLAIMABLE(pos) ->
			seq[IDX(pos)] = pos; phase[IDX(pos)] = WRITING; owner[IDX(pos)] = me; died[IDX(pos)] = 0;
			break
		:: seq[IDX(pos)] > pos -> pos = seq[IDX(pos)] - CAP + 1
		:: seq[IDX(pos)] == pos && phase[IDX(pos)] != FREE -> pos++
		:: else -> goto sfull
		od
	}
	d_step { can_fill(pos + 1) };
	if :: r -> atomic { r = 0; kick(0, 1) } :: else fi;
#ifdef DELETE
	if
	:: closed -> atomic { phase[IDX(pos)] = VOID; kick(1, 1); goto over }
	:: else
	fi;
#endif
#ifdef OPEN_LATE
	atomic { phase[IDX(pos)] = READY; msg[IDX(pos)] = M; published[M] = 1 };
	atomic { !lock; open[M] = 1; at[M] = pos };
#else
	atomic { !lock; open[M] = 1; at[M] = pos };
	atomic { phase[IDX(pos)] = READY; msg[IDX(pos)] = M; published[M] = 1 };
#endif
	kick(1, 0);
settle:
	LOCK;
	if
	:: outcome[M] -> UNLOCK; goto hear
	:: else
	fi;
	atomic {							/* one load of the word */
		if
		:: seq[IDX(pos)] > pos || IS(pos, VOID) ->
			assert(rude < RUDE);				/* nobody else lets go of it so */
			was_rude[M] = 1; done(M, RECEIVED, NOBODY); UNLOCK; goto hear
#ifdef WITHDRAW_DIED
		:: IS(pos, READY) || (seq[IDX(pos)] == pos && IS_PARKED(IDX(pos))) -> r = err || ended
#else
		:: IS(pos, READY) || (seq[IDX(pos)] == pos && IS_PARKED(IDX(pos)) && !died[IDX(pos)]) -> r = err || ended
#endif
		:: else
		fi;
		w = phase[IDX(pos)]
	};
	if
	:: r ->
		r = 0;
		atomic {						/* compare and swap */
			if
#ifndef PLAIN_WITHDRAW
			:: !(seq[IDX(pos)] == pos && phase[IDX(pos)] == w && (w == READY || owner[IDX(pos)] == PARKED)) ->
				w = 0; goto late
#endif
			:: else ->
				phase[IDX(pos)] = VOID;
				assert(!finished[M] && !died[IDX(pos)]);
				back[M] = 1;
				if :: w == READING -> attention-- :: else fi
			fi;
			w = 0; owner[IDX(pos)] = 0
		};
#ifndef WITHDRAW_KEEPS_TICKET
		atomic { open[M] = 0; free(M) };
#endif
		UNLOCK;
		kick(1, 0);
#ifndef WITHDRAW_NO_SENDER
		kick(0, 1);
#endif
		goto next
	:: else -> w = 0
	fi;
late:
	if
	:: err -> UNLOCK; goto progress
	:: else -> UNLOCK
	fi;
	waits[me] = 1;							/* (F) */
	atomic {							/* look again */
		!lock;
		if
#ifndef NO_LOOK
		:: outcome[M] || seq[IDX(pos)] > pos ||
		   (ended && (IS(pos, READY) || (seq[IDX(pos)] == pos && IS_PARKED(IDX(pos)) && !died[IDX(pos)]))) ->
			waits[me] = 0; told[me] = 0; goto settle
#endif
		:: else -> sleepP[me] = 1
		fi
	};
end_waits:
	if
	:: atomic { told[me] -> told[me] = 0; waits[me] = 0; sleepP[me] = 0; goto settle }
#if ENDS > 0
	:: atomic {
		ends > 0 -> ends--; told[me] = 0; waits[me] = 0; sleepP[me] = 0; err = 1;
#ifdef CLOSES
		closes = 1;
#endif
		goto settle
	   }
#endif
	fi;
progress:								/* EINPROGRESS */
#ifdef CLOSES
	if
	:: closes ->
		atomic {
			!lock;
#ifdef CLOSE_KEEPS_SENDER
			skip
#else
			if :: outcome[M] -> free(M) :: else -> gone[M] = 1 fi
#endif
		};
		goto over
	:: else
	fi;
#endif
	waits[me] = 1;
	atomic {
		!lock;
		if :: outcome[M] -> waits[me] = 0; told[me] = 0; goto hear :: else -> sleepP[me] = 1 fi
	};
end_receipt:
	atomic { told[me] -> told[me] = 0; waits[me] = 0; sleepP[me] = 0 };
	goto progress;
hear:
	atomic {
		assert(!back[M] && !gone[M] && finished[M]);
		assert(by[M] != NOBODY || was_rude[M]);
		heard[M]++; assert(heard[M] == 1);
		free(M)
	};
next:
	atomic { err = 0; pos++; n++; goto again };
sfull:
	atomic {
		if :: deleted -> goto over :: else fi;
		sq!me
	};
	atomic {
		can_fill(pos);
		if
		:: r || deleted -> r = 0; if :: wokenP[me] -> wokenP[me] = 0 :: else -> sq??eval(me) fi; goto again
		:: else -> sleepP[me] = 1
		fi
	};
end_full:
	atomic { wokenP[me] -> wokenP[me] = 0; sleepP[me] = 0; goto again };
over:	atomic { err = 0; doneP[me] = 1 }
}
#undef pos

/* What is in the slot p of whoever has taken it. */
#define MINE(p, o) (IS(p, READING) && owner[IDX(p)] == o && msg[IDX(p)] == m)
inline release(p) {
	seq[IDX(p)] = p + CAP; phase[IDX(p)] = FREE; owner[IDX(p)] = 0; msg[IDX(p)] = 0; died[IDX(p)] = 0
}
inline take(p, o) {
	owner[IDX(p)] = o; phase[IDX(p)] = READING; m = msg[IDX(p)];
	assert(!back[m] && !finished[m])
}
inline finish_and_release(what, o) {
#ifdef RELEASE_FIRST
	atomic { assert(MINE(p, o)); release(p) };
	finish(p, what, o);
#else
	finish(p, what, o);
	atomic { assert(MINE(p, o)); release(p) };
#endif
	kick(0, 1)
}

#define pos posC[me]
#define ME (NP + me)
proctype Receiver(byte me) {
	byte p = 0, t = 0, w = 0, m = 0;
	bit r = 0, a = 0;
	bit d = 0;		/* it has seen that the port is deleted; or, with a message: that was parked */
again:
	a = (attention > 0);
	atomic {
		if
		:: a ->
			a = 0;
			do :: t < CAP && !IS_PARKED(t) -> t++ :: else -> break od;
			if :: t < CAP -> p = seq[t]; take(p, ME); t = 0; d = 1; goto parked :: else -> t = 0 fi
		:: else
		fi;
		do
		:: IS(pos, READY) -> p = pos; take(p, ME); pos++; d = 0; goto have
		:: seq[IDX(pos)] > pos -> pos = seq[IDX(pos)] - CAP + 1
		:: TAKEN(pos) -> pos++
		:: else -> goto none
		od
	};
parked:
	attention--;
have:
	atomic { can_take(pos) };
	if :: r -> atomic { r = 0; kick(1, 0) } :: else fi;
#if DEATHS > 0
	if :: atomic { deaths > 0 && !d -> deaths--; died[IDX(p)] = 1; goto park } :: true fi;
#endif
#if PARKS > 0
	if :: atomic { parks > 0 -> parks--; goto park } :: true fi;
#endif
#if RUDE > 0
	if :: atomic { rude > 0 -> rude--; release(p); kick(0, 1); p = 0; m = 0; d = 0; goto again } :: true fi;
#endif
	finish_and_release(RECEIVED, ME);
	atomic { p = 0; m = 0; d = 0; goto again };
park:
	attention++;
	atomic { assert(MINE(p, ME)); owner[IDX(p)] = PARKED; p = 0; m = 0; d = 0 };
	kick(1, 0);
	goto again;
none:
#ifdef DELETE
	if
	:: d -> d_step { drained() }; if :: r -> r = 0; d = 0; goto leave :: else -> d = 0 fi
	:: else -> d = deleted; if :: d -> goto again :: else fi
	fi;
#endif
	rq!me;
	atomic {
		can_take(pos);
		if :: !r && deleted -> drained() :: else fi;
		if
		:: r -> r = 0; if :: wokenC[me] -> wokenC[me] = 0 :: else -> rq??eval(me) fi; goto again
		:: else -> sleepC[me] = 1
		fi
	};
end_asleep:
	atomic { wokenC[me] -> wokenC[me] = 0; sleepC[me] = 0; goto again };
leave:	doneC[me] = 1
}
#undef pos
#undef ME

/* Takes the oldest, as whoever makes room or purges. */
#define KERNEL 254
inline discard_oldest() {
	p = 0; m = 0;
	atomic {
		t = 0;
		do :: t < CAP && !IS_PARKED(t) -> t++ :: else -> break od;
		if
		:: t < CAP -> p = seq[t]; attention--; take(p, KERNEL); r = 1
		:: else ->
			p = 0;
			do
			:: IS(p, READY) -> take(p, KERNEL); r = 1; break
			:: seq[IDX(p)] > p -> p = seq[IDX(p)] - CAP + 1
			:: TAKEN(p) -> p++
			:: else -> r = 0; break
			od
		fi;
		t = 0
	};
	if
	:: r -> finish_and_release(DISCARDED, KERNEL)
	:: else
	fi;
	atomic { p = 0; m = 0 }
}

#if DROPS > 0
proctype Dropper() {
	byte p = 0, t = 0, w = 0, m = 0;
	bit r = 0;
	do
	:: drops > 0 -> drops--; discard_oldest()
	:: else -> break
	od
}
#endif

#ifdef DELETE
proctype Deleter() {
	byte p = 0, t = 0, w = 0, m = 0;
	bit r = 1;
	closed = 1; deleted = 1;
#ifdef PURGE
	do :: r -> discard_oldest() :: else -> break od;
#endif
	atomic { wake_all() };
	atomic {
		!lock; ended = 1;
#ifndef NO_CLOSE_WAKE
		do
		:: t < NP -> if :: waits[t] -> told[t] = 1 :: else fi; t++
		:: else -> break
		od;
		t = 0
#endif
	}
}
#endif

init {
	byte i = 0, t = 0, here = 0;
	bit r = 0;
	atomic {
		do :: i < CAP -> seq[i] = i; i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Sender(i); i++ :: else -> break od;
		i = 0;
#ifdef NO_RECEIVERS
		do :: i < NC -> doneC[i] = 1; i++ :: else -> break od;
#else
		do :: i < NC -> run Receiver(i); i++ :: else -> break od;
#endif
		i = 0;
#if DROPS > 0
		run Dropper();
#endif
#ifdef DELETE
		run Deleter();
#endif
	}
	timeout ->
	atomic {
		assert(!lock);
		do
		:: i < NC ->
			if
			:: sleepC[i] -> here++; assert(!deleted); can_take(posC[i]); assert(!r)
			:: else -> assert(doneC[i])
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NP ->
			if
			:: !doneP[i] ->
				assert(sleepP[i]);
				if
				:: waits[i] -> assert((!here && !deleted) || rude < RUDE)
				:: else -> can_fill(posP[i]); assert(!r && !deleted)
				fi
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < TOTAL ->
			assert(!published[i] || back[i] || finished[i] || !here || rude < RUDE);
			assert(!(back[i] && heard[i]));
			assert(finished[i] + back[i] <= freed[i] || !doneP[i / K]);
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < CAP && here -> assert(phase[i] == FREE || phase[i] == VOID); i++
		:: else -> break
		od;
		assert(attention == 0 || !here)
	}
}
