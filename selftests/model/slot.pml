/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The slot protocol of a lane, at a small size, exhaustively: words, parking,
 * sleeping, waking, deletion.
 *
 * One atomic word per slot {seq, owner, phase}; no shared head or tail: every
 * participant keeps a private position and walks forward over the slots, whose
 * words alone decide. NP senders send K messages each, NC receivers receive.
 * Sleeping is exclusive and first come first served, as on a wait queue.
 *
 *   spin -a -DNP=2 -DNC=2 slot.pml
 *   cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * What may happen, each at any step and at most so many times:
 *   CRASHES=n  a participant dies; the kernel repairs: WRITING becomes VOID,
 *              READING is parked, everybody is woken
 *   FAULTS=n   a sender cannot read its message: discards the slot
 *   PARKS=n    a receiver cannot store a message: parks it in place
 *   SIGNALS=n  a sleeper leaves for good (signal, deadline)
 *   STOPS=n    a receiver never returns from reading one message
 *   DELETE     the port is deleted (receivers drain)
 *   LEAVES     with PARKS: who parked leaves for good, too (was killed)
 *   LATE=n     the lane has seen n messages before; senders 1.. and receivers
 *              1.. still begin at 0, and must jump
 *
 * Rules as in mailbox_ring.h, and:
 *   park      attention count + 1, then READING(p){PARKED}; wake one receiver.
 *             With the count non-zero a receiver first takes the lowest parked
 *             position by compare and swap, then count - 1
 *   discard   wake one receiver and one sender
 *   chain     right after the take (the claim): if others sleep and a look from
 *             the next position finds something, wake one of them
 *   sleep     queue and count, full barrier, look, sleep; a sleeper that leaves
 *             after it was woken wakes the next
 *   delete    close, full barrier, set the deleted flag, full barrier, wake
 *             everybody. Closed: every event counts as if somebody slept.
 *             Deleted: everything that wakes wakes everybody. A sender looks
 *             after its claim whether it is closed (discard and fail), and for
 *             the flag when full. A receiver that found nothing loads the flag;
 *             set: full barrier, look once more
 *   EIDRM     a receiver may say so when, after it saw the flag, every slot is
 *             FREE or VOID. A WRITING may yet be published, a READING parked.
 *             With WALK_EIDRM: when its walk ends at a slot that is not WRITING,
 *             which is enough unless who parks LEAVES
 *
 * Each rule can be taken out, and the model then fails: the switches are those
 * that stand under #if in the text; `configs` lists them.
 *
 * Checked: every owner finds its word as it left it; a message is received
 * once; whole; those of one sender in order (parked ones apart); after the
 * first EIDRM nothing is published; at rest nobody sleeps beside something to
 * do, every published message was received while a receiver was there, nothing
 * is parked, the attention count is 0, after a deletion nobody sleeps.
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
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef PARKS
#define PARKS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef LATE
#define LATE 0
#endif
#define TOTAL (NP * K)
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define PARKED (NP + NC + 1)
#define TORN 255

byte seq[CAP], phase[CAP], owner[CAP], msg[CAP];
byte attention = 0, rwait = 0, swait = 0;
bit closed = 0, deleted = 0, eidrm = 0;
chan rq = [NC] of {byte};
chan sq = [NP] of {byte};
bit wokenC[NC], wokenP[NP];
byte posC[NC], posP[NP];
bit goneC[NC], goneP[NP], sleepC[NC], sleepP[NP];
bit sent[TOTAL], taken[TOTAL], got[TOTAL];
byte crashes = CRASHES, faults = FAULTS, parks = PARKS, signals = SIGNALS, stops = STOPS;

#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && phase[IDX(p)] == (f))
#ifdef NO_CLAIM_OVER_VOID
#define CLAIMABLE(p) IS(p, FREE)
#else
#define CLAIMABLE(p) (IS(p, FREE) || (seq[IDX(p)] + CAP == (p) && phase[IDX(p)] == VOID))
#endif
#define TAKEN(p) (IS(p, READING) || IS(p, VOID))

inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0 :: else fi }
inline wake_sender() { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0 :: else fi }
inline wake_all() {
	do :: rq?[_] -> rq?w; wokenC[w] = 1 :: else -> break od;
	do :: sq?[_] -> sq?w; wokenP[w] = 1 :: else -> break od;
	w = 0
}
/* After a full barrier: look at the counts, wake. In one step, for a count seen earlier wakes nobody else. */
#ifdef DELETED_WAKE_ONE
#define DELETED 0
#else
#define DELETED deleted
#endif
#ifdef CLOSED_IS_NO_EVENT
#define CLOSED 0
#else
#define CLOSED closed
#endif
inline kick(receivers, senders) {
	atomic {
		if
		:: (receivers && (CLOSED || rwait > 0)) || (senders && (CLOSED || swait > 0)) ->
			if
			:: DELETED -> wake_all()
			:: else ->
				if :: receivers -> wake_receiver() :: else fi;
				if :: senders -> wake_sender() :: else fi
			fi
		:: else
		fi
	}
}

/* Read-only walks; the words before their end only move forward, so one step. */
inline can_take(p) {
	t = p; r = 0;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: TAKEN(t) -> t++
	:: IS(t, READY) -> r = 1; break
	:: else -> break
	od;
#ifndef LOOK_NO_PARKED
	if :: attention > 0 -> t = 0;
		do
		:: t < CAP -> if :: phase[t] == READING && owner[t] == PARKED -> r = 1 :: else fi; t++
		:: else -> break
		od
	   :: else
	fi;
#endif
	t = 0
}
inline may_eidrm(p) {		/* r, once more with the flag set */
#ifdef WALK_EIDRM
	t = p;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: TAKEN(t) -> t++
	:: else -> break
	od;
	if :: IS(t, READY) || IS(t, WRITING) -> skip :: else -> r = 1 fi;
	t = 0
#else
	t = 0;
	do
	:: t < CAP && (phase[t] == FREE || phase[t] == VOID) -> t++
	:: else -> break
	od;
	if :: t == CAP -> r = 1 :: else fi;
	t = 0
#endif
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

/* The kernel knows the moment of death; the owner is gone, nobody races it. */
inline repair(o) {
	d_step {
		t = 0;
		do
		:: t < CAP ->
			if
			:: owner[t] == o && phase[t] == WRITING -> phase[t] = VOID; owner[t] = 0; msg[t] = 0
			:: owner[t] == o && phase[t] == READING ->
#ifndef REPAIR_NO_COUNT
				attention++;
#endif
				owner[t] = PARKED
			:: else
			fi;
			t++
		:: else -> break
		od;
		t = 0
	}
}
#ifdef NO_REPAIR
#define REPAIR(o) skip
#else
#define REPAIR(o) repair(o)
#endif
#ifdef NO_REPAIR_WAKE
#define REPAIR_WAKE() skip
#else
#define REPAIR_WAKE() atomic { wake_all() }
#endif
#if CRASHES > 0
#define MAYDIE(o, flag) \
	if :: atomic { crashes > 0 -> crashes--; flag = 1 }; REPAIR(o); REPAIR_WAKE(); goto out \
	   :: true \
	fi
#else
#define MAYDIE(o, flag) skip
#endif

/* A load and the compare and swap that confirms it are one step: nothing else would have succeeded. */
#define pos posP[me]
#define ME (me + 1)
#define M (me * K + n)
proctype Sender(byte me) {
	byte n = 0, t = 0, w = 0;
	bit r = 0;
again:
	atomic {								/* (A) claim */
		if
		:: n == K -> goto done
		:: else
		fi;
#ifdef CLOSED_BEFORE_CLAIM
		if :: closed -> goto done :: else fi
	}
	atomic {
#endif
		do
		:: CLAIMABLE(pos) ->
			seq[IDX(pos)] = pos; phase[IDX(pos)] = WRITING; owner[IDX(pos)] = ME; msg[IDX(pos)] = TORN;
			break
		:: seq[IDX(pos)] > pos -> pos = seq[IDX(pos)] - CAP + 1
		:: seq[IDX(pos)] == pos && phase[IDX(pos)] != FREE -> pos++
		:: else -> goto sfull
		od
	}
	MAYDIE(ME, goneP[me]);
#ifndef NO_SENDER_CHAIN
	d_step { if :: swait > 0 -> can_fill(pos + 1) :: else fi };
	if :: r -> atomic { r = 0; if :: DELETED -> wake_all() :: else -> wake_sender() fi } :: else fi;
#endif
#ifdef DELETE
#ifndef CLOSED_BEFORE_CLAIM
	if :: closed -> goto discard :: else fi;
#endif
#endif
#if FAULTS > 0
	if :: atomic { faults > 0 -> faults--; goto discard } :: true fi;
#endif
	MAYDIE(ME, goneP[me]);
	atomic {								/* fill, (B) publish, (E) */
		assert(IS(pos, WRITING) && owner[IDX(pos)] == ME && msg[IDX(pos)] == TORN);
		assert(!eidrm);
		msg[IDX(pos)] = M; phase[IDX(pos)] = READY; sent[M] = 1
	}
	MAYDIE(ME, goneP[me]);
	kick(1, 0);
	atomic { pos++; n++; goto again };
discard:
	atomic {
		assert(IS(pos, WRITING) && owner[IDX(pos)] == ME);
		phase[IDX(pos)] = VOID; owner[IDX(pos)] = 0; msg[IDX(pos)] = 0
	}
	MAYDIE(ME, goneP[me]);
#ifdef DISCARD_WAKES_SENDERS_ONLY
	kick(0, 1);
#else
#ifdef DISCARD_WAKES_RECEIVERS_ONLY
	kick(1, 0);
#else
	kick(1, 1);
#endif
#endif
	atomic { if :: closed -> goto done :: else fi; pos++; n++; goto again };
sfull:
	atomic {
#ifndef NO_FLAG_WHEN_FULL
		if :: deleted -> goto done :: else fi;
#endif
		swait++; sq!me							/* (F) */
	}
	atomic {
		can_fill(pos);
#ifndef NO_FLAG_WHEN_FULL
		r = r || deleted;
#endif
#ifdef NO_SENDER_LOOK
		r = 0;
#endif
		if
		:: r -> r = 0; swait--; if :: wokenP[me] -> wokenP[me] = 0 :: else -> sq??eval(me) fi; goto again
		:: else -> sleepP[me] = 1
		fi
	}
end_full:
	if
	:: atomic { wokenP[me] -> wokenP[me] = 0; sleepP[me] = 0; swait--; goto again }
#if SIGNALS > 0
	:: atomic {
		signals > 0 -> signals--; swait--; sleepP[me] = 0; goneP[me] = 1;
		if
		:: wokenP[me] -> wokenP[me] = 0;
#ifndef NO_SENDER_PASS
			kick(0, 1)
#endif
		:: else -> sq??eval(me)
		fi;
		goto out
	   }
#endif
	fi;
done:	goneP[me] = 1;
out:	skip
}
#undef pos
#undef ME
#undef M

#define pos posC[me]
#define ME (NP + me + 1)
#ifdef HIGHEST_FIRST
#define BEFORE >
#else
#define BEFORE <
#endif
proctype Receiver(byte me) {
	byte p = 0, t = 0, w = 0, m = 0;
	bit r = 0, d = 0, a = 0;
again:
#if PARKS > 0 || CRASHES > 0
	a = (attention > 0);
#endif
	atomic {
		if
		:: a ->								/* take what is parked */
			a = 0;
			do
			:: t < CAP ->
				if
				:: phase[t] == READING && owner[t] == PARKED && (!r || seq[t] BEFORE p) -> p = seq[t]; r = 1
				:: else
				fi;
				t++
			:: else -> break
			od;
			t = 0;
			if :: r -> r = 0; owner[IDX(p)] = ME; m = msg[IDX(p)]; goto parked :: else fi
		:: else
		fi;
		do								/* (C) take */
		:: IS(pos, READY) ->
			owner[IDX(pos)] = ME; phase[IDX(pos)] = READING; p = pos;
			m = msg[IDX(p)];
			assert(m != TORN && !taken[m]);
			taken[m] = 1;
			if :: m % K > 0 && sent[m - 1] -> assert(taken[m - 1]) :: else fi;
			pos++;
			goto have
		:: seq[IDX(pos)] > pos -> pos = seq[IDX(pos)] - CAP + 1
		:: TAKEN(pos) -> pos++
		:: IS(pos, WRITING) -> goto pending
		:: else -> goto none
		od
	}
parked:
	MAYDIE(ME, goneC[me]);
#ifndef TAKE_NO_COUNT
	attention--;
#endif
have:
	MAYDIE(ME, goneC[me]);
#ifndef NO_CHAIN
	d_step { if :: rwait > 0 -> can_take(pos) :: else fi };
	if :: r -> atomic { r = 0; if :: DELETED -> wake_all() :: else -> wake_receiver() fi } :: else fi;
#endif
#if STOPS > 0
	if :: atomic { stops > 0 -> stops--; goneC[me] = 1; goto out } :: true fi;
#endif
#if PARKS > 0
	if :: atomic { parks > 0 -> parks--; goto park } :: true fi;
#endif
	MAYDIE(ME, goneC[me]);
	atomic {								/* read, (D) release, (E) */
		assert(IS(p, READING) && owner[IDX(p)] == ME && msg[IDX(p)] == m);
		assert(!got[m]);
		got[m] = 1;
		seq[IDX(p)] = p + CAP; phase[IDX(p)] = FREE; owner[IDX(p)] = 0; msg[IDX(p)] = 0;
		p = 0; m = 0
	}
	MAYDIE(ME, goneC[me]);
	kick(0, 1);
	goto again;
park:
#ifndef PARK_NO_COUNT
#ifndef PARK_COUNT_LATE
	attention++;
#endif
#endif
	MAYDIE(ME, goneC[me]);
	atomic {
		assert(IS(p, READING) && owner[IDX(p)] == ME && msg[IDX(p)] == m);
		owner[IDX(p)] = PARKED; p = 0; m = 0
	}
#ifdef PARK_COUNT_LATE
	attention++;
#endif
#ifndef PARK_NO_WAKE
	kick(1, 0);
#endif
#ifdef LEAVES
	atomic { goneC[me] = 1; goto out };
#endif
	goto again;
none:
#ifdef DELETE
	if
	:: d ->
#ifdef WALK_EIDRM
		goto leave
#else
		do
		:: t < CAP -> if :: phase[t] == FREE || phase[t] == VOID -> t++ :: else -> t = 0; goto sleep fi
		:: else -> t = 0; break
		od;
		goto leave
#endif
	:: else -> d = deleted;
#ifdef EIDRM_NO_SECOND_WALK
		if :: d -> goto leave :: else fi
#else
		if :: d -> goto again :: else fi
#endif
	fi;
	goto sleep;
#endif
pending:
#ifdef DELETE
	if
	:: d ->
#ifdef EIDRM_ON_PENDING
		goto leave
#else
		skip
#endif
	:: else -> d = deleted; if :: d -> goto again :: else fi
	fi;
sleep:
#endif
	atomic { rwait++; rq!me };						/* (F) */
	atomic {
		can_take(pos);
#ifdef DELETE
		if :: deleted -> may_eidrm(pos); if :: !d -> r = 1 :: else fi :: else fi;
#endif
#ifdef NO_LOOK
		r = 0;
#endif
		if
		:: r -> r = 0; rwait--; if :: wokenC[me] -> wokenC[me] = 0 :: else -> rq??eval(me) fi; goto again
		:: else -> sleepC[me] = 1
		fi
	}
end_asleep:
	if
	:: atomic { wokenC[me] -> wokenC[me] = 0; sleepC[me] = 0; rwait--; goto again }
#if SIGNALS > 0
	:: atomic {
		signals > 0 -> signals--; rwait--; sleepC[me] = 0; goneC[me] = 1;
		if
		:: wokenC[me] -> wokenC[me] = 0;
#ifndef NO_PASS
			kick(1, 0)
#endif
		:: else -> rq??eval(me)
		fi;
		goto out
	   }
#endif
	fi;
leave:	atomic { goneC[me] = 1; eidrm = 1 };
out:	skip
}
#undef pos

#ifdef DELETE
proctype Deleter() {
	byte w = 0;
#ifdef DELETED_BEFORE_CLOSED
	deleted = 1; closed = 1;
#else
	closed = 1; deleted = 1;
#endif
#ifndef DELETE_NO_WAKE
	atomic { wake_all() }
#endif
}
#endif

init {
	byte i = 0, t = 0, here = 0;
	bit r = 0;
	atomic {
		do :: i < CAP -> t = LATE + i; seq[IDX(t)] = t; i++ :: else -> break od;
		t = 0; i = 0;
		posP[0] = LATE; posC[0] = LATE;
		do :: i < NP -> run Sender(i); i++ :: else -> break od;
		i = 0;
		do :: i < NC -> run Receiver(i); i++ :: else -> break od;
		i = 0;
#ifdef DELETE
		run Deleter();
#endif
	}
	timeout ->
	atomic {
		do
		:: i < NC ->
			if
			:: sleepC[i] && !goneC[i] ->
				here++;
				assert(!deleted);
				can_take(posC[i]);
				assert(!r)
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NP ->
			if :: sleepP[i] && !goneP[i] -> assert(!deleted); can_fill(posP[i]); assert(!r) :: else fi;
			assert(here == 0 || STOPS > 0 || goneP[i]);
			i++
		:: else -> break
		od;
		i = 0;
		if
		:: here > 0 || eidrm ->
			do
			:: i < TOTAL -> assert(!sent[i] || got[i] || stops < STOPS); i++
			:: else -> break
			od;
			i = 0;
			do
			:: i < CAP -> assert(phase[i] == FREE || phase[i] == VOID || stops < STOPS); i++
			:: else -> break
			od;
			assert(attention == 0 || stops < STOPS || crashes < CRASHES)
		:: else
		fi
	}
}
