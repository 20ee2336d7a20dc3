/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges: one word claims, publishes or takes several slots. Extends slot.pml;
 * here every walk goes word by word, and every store is a step of its own.
 *
 *   spin -a -DCRASHES=1 ranges.pml
 *   cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c && ./pan -m1000000
 *
 * Sizes: P0B P0N P1B P1N: longest range and number of messages of each sender
 *   (P1N=0: none); C0B C1B: most that each receiver takes; NC receivers
 *   (0: none); CAP; START: the first position (puts the end of the array
 *   inside); LAG: receiver 1 and sender 1 begin a whole lap behind
 *
 * What may happen, each at any step and at most so many times:
 *   CRASHES=n  a participant departs: repaired store by store, racing
 *              everybody, then everybody is woken, whether or not anything was
 *              left undone
 *   STOPS=n    a receiver stops for ever, in the midst of a split, with a taken
 *              range, or half way through its release
 *   FAULTS=n   a sender gives up what it has claimed
 *   PARKS=n    a receiver parks what it has taken alone
 *   MAPPED     receivers take in the mapping: they look at the count that it shows
 *              and, if there is any, go to the kernel, as they do for sleep; in
 *              the chain they look at the words alone
 *   DELETE     the port is deleted, as in slot.pml; a sender looks after its
 *              claim whether it is closed, and gives up
 *
 * Rules, as in mailbox_ring.h and mailbox_ring_undo(); next to each the switch
 * that breaks it:
 *   claim     see which words behind the head are FREE (NO_PROBE), none past the
 *             end of the array (NO_ROOM), then compare and swap the head
 *   walk      senders pass n (STEP_ONE), 1 + n at SPLIT (SPLIT_STEP_ONE);
 *             receivers pass n (RECEIVER_STEP_ONE), help at SPLIT (NO_HELP) and
 *             pass 1 (SPLIT_STEP_N)
 *   split     SPLIT, then the rest READY without owner, by the taker before all
 *             else (SPLIT_LATE) or a helper
 *   release   from the tail down (ASCENDING), the head last (HEAD_FIRST)
 *   discard   likewise (DISCARD_HEAD_FIRST)
 *   repair    all n (REPAIR_ONE), from the tail down (REPAIR_ASCENDING), the
 *             head last (REPAIR_HEAD_FIRST), skipping what is released; SPLIT:
 *             help (REPAIR_NO_HELP), park the head. Parked in place, one by one,
 *             counted before (REPAIR_NO_COUNT). Wake all, always
 *             (NO_DEPARTURE_WAKE: only if there was something to undo)
 *   sleep     queue and count, then look once more (NO_LOOK, NO_SENDER_LOOK)
 *   parked    with the count not zero, a scan of all slots for the lowest, before
 *             anything else (LOOK_NO_PARKED: the last look before sleep does not)
 *   chain     right after claim and take (NO_CHAIN, NO_SENDER_CHAIN; CHAIN_LATE:
 *             after the release)
 *   EIDRM     with the flag set, once more nothing found, and every slot FREE or
 *             VOID, from the first to the last (DRAIN_DESCENDING: from the last
 *             to the first, DRAIN_WALK: nothing where the walk ends);
 *             CLOSED_BEFORE_CLAIM: a sender looks too early
 *
 * Checked: every owner finds its words as it left them, and nobody else's bytes
 * in its slots; every message is received once (again only after a departure),
 * in order per sender and receiver (parked ones apart); after the first EIDRM
 * nothing is published, and then everything published has been received; at
 * rest nobody sleeps beside something to do, nothing is left, parked, or leaked.
 *
 * No store buffers: whatever a participant stores to the words is followed by its exchange
 * of the head before it loads anything that others write, so x86-TSO adds no behaviour.
 */
#ifndef CAP
#define CAP 4
#endif
#ifndef P0B
#define P0B 3
#endif
#ifndef P0N
#define P0N 3
#endif
#ifndef P1B
#define P1B 1
#endif
#ifndef P1N
#define P1N 1
#endif
#ifndef C0B
#define C0B 3
#endif
#ifndef C1B
#define C1B 1
#endif
#ifndef NC
#define NC 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef FAULTS
#define FAULTS 0
#endif
#ifndef PARKS
#define PARKS 0
#endif
#ifndef START
#define START 0
#endif
#ifdef LAG
#define FIRST(me) (START - (me) * CAP)
#else
#define FIRST(me) START
#endif
#define NP 2
#define NR 2
#define TOTAL (P0N + P1N)
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define SPLIT 5				/* cnt: how many follow that are READY, or will be */
#define PARKED (NP + NR + 1)

byte seq[CAP], ph[CAP], own[CAP], cnt[CAP], msg[CAP];
byte attention = 0, shown = 0, rwait = 0, swait = 0;
bit closed = 0, deleted = 0, eidrm = 0;
chan rq = [NR] of {byte};
chan sq = [NP] of {byte};
bit wokenC[NR], wokenP[NP], sleepC[NR], sleepP[NP], goneC[NR], goneP[NP];
byte posC[NR], posP[NP];
byte got[TOTAL + 1];
bit published[TOTAL + 1], redelivered[TOTAL + 1];
byte crashes = CRASHES, stops = STOPS, faults = FAULTS, parks = PARKS;

#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && ph[IDX(p)] == (f))
#define CLAIMABLE(p) (IS(p, FREE) || (seq[IDX(p)] + CAP == (p) && ph[IDX(p)] == VOID))
#ifdef NO_ROOM
#define ROOM(p, k) ((k) < CAP)
#else
#define ROOM(p, k) (IDX(p) + (k) < CAP)
#endif
#ifdef NO_PROBE
#define PROBE(p) 1
#else
#define PROBE(p) IS(p, FREE)
#endif
#if CRASHES > 0
#define MAYDIE if :: crashes > 0 -> crashes--; goto die :: true fi
#else
#define MAYDIE skip
#endif
#if STOPS > 0
#define MAYSTOP(label, when) if :: atomic { stops > 0 && (when) -> stops--; goneC[me] = 1 }; label: false :: true fi
#else
#define MAYSTOP(label, when) skip
#endif

inline put(p, f, o, c) { seq[IDX(p)] = p; ph[IDX(p)] = f; own[IDX(p)] = o; cnt[IDX(p)] = c }
inline release(p) { put((p) + CAP, FREE, 0, 1); msg[IDX(p)] = 0 }
inline void(p) { put(p, VOID, 0, 1); msg[IDX(p)] = 0 }
inline help(p, c) { if :: IS((p) + 1, FREE) -> put((p) + 1, READY, 0, c) :: else fi }
inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0 :: else fi }
inline wake_sender() { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0 :: else fi }
inline wake_all() {
	do :: rq?[_] -> rq?w; wokenC[w] = 1 :: else -> break od;
	do :: sq?[_] -> sq?w; wokenP[w] = 1 :: else -> break od;
	w = 0
}
/* In an atomic step. Closed: every event counts; deleted: it wakes everybody. */
inline kick(receivers, senders) {
	if
	:: (receivers && (closed || rwait > 0)) || (senders && (closed || swait > 0)) ->
		if
		:: deleted -> wake_all()
		:: else ->
			if :: receivers -> wake_receiver() :: else fi;
			if :: senders -> wake_sender() :: else fi
		fi
	:: else
	fi
}
inline deliver(m, again) {
	assert(m > 0); got[m]++; assert(redelivered[m] || got[m] == 1);
	if
	:: again || redelivered[m]
	:: else -> if :: m <= P0N -> assert(m > l0); l0 = m :: else -> assert(m > l1); l1 = m fi
	fi
}

#ifdef MAPPED
#define ONLY_WORDS words
bit words = 0;				/* for the length of one step */
#else
#define ONLY_WORDS 0
#endif
/* The last look before sleep: the words before its end only move forward, so one step. */
inline can_take(p) {
	t = 0; r = 0;
#ifndef LOOK_NO_PARKED
	do
	:: attention > 0 && !ONLY_WORDS && t < CAP -> if :: ph[t] == READING && own[t] == PARKED -> r = 1 :: else fi; t++
	:: else -> break
	od;
#endif
	t = p;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
#ifdef RECEIVER_STEP_ONE
	:: IS(t, READING) || IS(t, VOID) -> t++
#else
	:: IS(t, READING) || IS(t, VOID) -> t = t + cnt[IDX(t)]
#endif
	:: IS(t, SPLIT) ->
#ifndef NO_HELP
		if :: IS(t + 1, FREE) -> r = 1; break :: else fi;
#endif
		t++
	:: IS(t, READY) -> r = 1; break
	:: else -> break
	od;
	t = 0
}
inline can_fill(p) {
	t = p; r = 0;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: IS(t, WRITING) || IS(t, READY) || IS(t, READING) || IS(t, VOID) -> t = t + cnt[IDX(t)]
	:: IS(t, SPLIT) -> t = t + 1 + cnt[IDX(t)]
	:: CLAIMABLE(t) -> r = 1; break
	:: else -> break
	od;
	t = 0
}
inline drained() {
	t = 0; r = 0;
	do :: t < CAP && (ph[t] == FREE || ph[t] == VOID) -> t++ :: else -> break od;
	if :: t == CAP -> r = 1 :: else fi;
	t = 0
}

inline park(p) {
#ifndef REPAIR_NO_COUNT
	attention++;
#ifdef MAPPED
	shown++;
#endif
#endif
	atomic {
		assert(msg[IDX(p)] > 0); redelivered[msg[IDX(p)]] = 1;
		put(p, READING, PARKED, 1)
	}
}
inline undo(p, writing) {
	if
	:: writing -> atomic { void(p) }
	:: else -> park(p)
	fi
}
inline undo_tail(p, writing) {
	if
	:: IS(p, FREE) -> undo(p, writing)
	:: else						/* released already */
	fi
}
/* The kernel, after a departure. The owner does nothing any more. */
inline repair(o) {
	i = 0;
	do
	:: i < CAP ->
		if
		:: own[i] == o && (ph[i] == WRITING || ph[i] == READING || ph[i] == SPLIT) ->
			k = seq[i]; j = cnt[i]; f = (ph[i] == WRITING); c = 1;
			if
			:: ph[i] == SPLIT ->
				j = 1;
#ifndef REPAIR_NO_HELP
				atomic { help(k, cnt[i]) }
#endif
			:: else
			fi;
#ifdef REPAIR_ONE
			j = 1;
#endif
#ifdef REPAIR_HEAD_FIRST
			undo(k, f);
#endif
#ifdef REPAIR_ASCENDING
			n = 1;
			do :: n < j -> undo_tail(k + n, f); n++ :: else -> break od;
			n = 0;
#else
			do :: j > 1 -> j--; undo_tail(k + j, f) :: else -> break od;
#endif
#ifndef REPAIR_HEAD_FIRST
			undo(k, f)
#endif
		:: else
		fi;
		i++
	:: else -> break
	od;
	atomic {
#ifdef NO_DEPARTURE_WAKE
		if :: c -> wake_all() :: else fi;
#else
		wake_all();
#endif
		i = 0; j = 0; k = 0; f = 0; c = 0
	}
}

#define P posP[me]
#define ME (me + 1)
#define M(i) (base + n + (i) + 1)
proctype Sender(byte me, B, base, N) {
	byte n = 0, k = 0, i = 0, j = 0, w = 0, t = 0, c = 0;
	bit r = 0, f = 0;
again:
	if :: n == N -> goto done :: else fi;
#ifdef CLOSED_BEFORE_CLAIM
	if :: closed -> goto done :: else fi;
#endif
	atomic {				/* one load of the word, and what is seen to be free behind it */
		if
		:: CLAIMABLE(P) ->
			k = 1;
			do :: k < B && k < N - n && ROOM(P, k) && PROBE(P + k) -> k++ :: else -> break od
		:: seq[IDX(P)] > P -> P = seq[IDX(P)] - CAP + 1; goto again
#ifdef STEP_ONE
		:: IS(P, WRITING) || IS(P, READY) || IS(P, READING) || IS(P, VOID) -> P++; goto again
#else
		:: IS(P, WRITING) || IS(P, READY) || IS(P, READING) || IS(P, VOID) -> P = P + cnt[IDX(P)]; goto again
#endif
#ifdef SPLIT_STEP_ONE
		:: IS(P, SPLIT) -> P++; goto again
#else
		:: IS(P, SPLIT) -> P = P + 1 + cnt[IDX(P)]; goto again
#endif
		:: else -> goto sfull
		fi
	}
	atomic {				/* (A) claim */
		if
		:: CLAIMABLE(P) -> put(P, WRITING, ME, k); assert(msg[IDX(P)] == 0)
		:: else -> k = 0; goto again
		fi
	}
#ifdef DELETE
#ifndef CLOSED_BEFORE_CLAIM
	if :: closed -> goto discard :: else fi;
#endif
#endif
#ifndef NO_SENDER_CHAIN
	atomic { MAYDIE; if :: swait > 0 -> can_fill(P + k); if :: r -> r = 0; kick(0, 1) :: else fi :: else fi };
#endif
#if FAULTS > 0
	if :: atomic { faults > 0 -> faults--; goto discard } :: true fi;
#endif
	atomic {				/* fill */
		MAYDIE;
		do
		:: i < k -> assert(msg[IDX(P + i)] == 0); assert(i == 0 || IS(P + i, FREE)); msg[IDX(P + i)] = M(i); i++
		:: else -> break
		od;
		i = 0
	}
	atomic {				/* (B) publish */
		MAYDIE;
		assert(IS(P, WRITING) && own[IDX(P)] == ME && cnt[IDX(P)] == k); assert(!eidrm);
		put(P, READY, ME, k);
		do :: i < k -> assert(msg[IDX(P + i)] == M(i)); published[M(i)] = 1; i++ :: else -> break od;
		i = 0
	}
	atomic { MAYDIE; kick(1, 0) };		/* (E) */
	atomic { P = P + k; n = n + k; k = 0; goto again };
discard:
#ifdef DISCARD_HEAD_FIRST
	atomic { MAYDIE; void(P) };
	j = k;
	do :: j > 1 -> atomic { MAYDIE; j--; assert(IS(P + j, FREE)); void(P + j) } :: else -> break od;
#else
	j = k;
	do :: j > 1 -> atomic { MAYDIE; j--; assert(IS(P + j, FREE)); void(P + j) } :: else -> break od;
	atomic { MAYDIE; assert(IS(P, WRITING) && own[IDX(P)] == ME); void(P) };
#endif
	atomic { j = 0; MAYDIE; kick(1, 1) };
	atomic { P = P + k; n = n + k; k = 0; if :: closed -> goto done :: else -> goto again fi };
sfull:
	atomic { if :: deleted -> goto done :: else fi; swait++; sq!me };	/* (F) */
	atomic {
		can_fill(P);
#ifdef NO_SENDER_LOOK
		r = 0;
#endif
		if
		:: r || deleted -> r = 0; swait--; if :: wokenP[me] -> wokenP[me] = 0 :: else -> sq??eval(me) fi; goto again
		:: else -> sleepP[me] = 1
		fi
	}
end_full:
	atomic { wokenP[me] -> wokenP[me] = 0; sleepP[me] = 0; swait--; goto again };
die:
	repair(ME);
done:	goneP[me] = 1
}
#undef P
#undef ME
#undef M

#define C posC[me]
#define ME (NP + me + 1)
proctype Receiver(byte me, B) {
	byte p = 0, k = 0, c = 0, i = 0, j = 0, w = 0, t = 0, l0 = 0, l1 = 0, n = 0;
	bit r = 0, d = 0, again_m = 0, f = 0;
#ifdef MAPPED
	bit sys = 0;				/* in a system call */
#endif
again:
#if CRASHES > 0 || PARKS > 0
#ifdef MAPPED
	if :: !sys && shown > 0 -> sys = 1 :: else fi;
	if
	:: sys && attention > 0 ->
#else
	if
	:: attention > 0 ->			/* a scan, word by word, for the lowest */
#endif
		t = 0; r = 0;
		do
		:: t < CAP ->
			atomic {
				if
				:: ph[t] == READING && own[t] == PARKED && (!r || seq[t] < p) -> r = 1; p = seq[t]
				:: else
				fi;
				t++
			}
		:: else -> break
		od;
		t = 0;
		if
		:: r ->
			atomic {
				r = 0;
				if
				:: IS(p, READING) && own[IDX(p)] == PARKED -> put(p, READING, ME, 1); k = 1; again_m = 1
				:: else -> p = 0; goto again
				fi
			}
			attention--;
#ifdef MAPPED
			shown--;
#endif
			goto have
		:: else
		fi
	:: else
	fi;
#endif
walk:
	atomic {
		if
		:: seq[IDX(C)] > C -> C = seq[IDX(C)] - CAP + 1; goto walk
#ifdef RECEIVER_STEP_ONE
		:: IS(C, READING) || IS(C, VOID) -> C++; goto walk
#else
		:: IS(C, READING) || IS(C, VOID) -> C = C + cnt[IDX(C)]; goto walk
#endif
		:: IS(C, SPLIT) -> c = cnt[IDX(C)]; goto split
		:: IS(C, READY) -> c = cnt[IDX(C)]; p = C
		:: else -> goto none
		fi
	}
	atomic {				/* (C) take */
		if
		:: IS(p, READY) && cnt[IDX(p)] == c ->
			assert(msg[IDX(p)] > 0);
			if
			:: c <= B -> k = c; put(p, READING, ME, k)
			:: else -> k = 1; put(p, SPLIT, ME, c - 1)
			fi;
			C = p + k
		:: else -> c = 0; p = 0; goto again
		fi
	}
#ifndef SPLIT_LATE
	if
	:: c > k && IS(p, SPLIT) ->		/* the second step */
		MAYSTOP(end_stop1, rwait == 0);		/* before the chain: nobody slept, and who comes must not need us */
		atomic { MAYDIE; help(p, c - 1) }
	:: else
	fi;
#endif
have:
#ifndef NO_CHAIN
#ifndef CHAIN_LATE
#ifdef MAPPED
	atomic { MAYDIE; if :: rwait > 0 -> words = !sys; can_take(C); words = 0; if :: r -> r = 0; kick(1, 0) :: else fi :: else fi; sys = 0 };
#else
	atomic { MAYDIE; if :: rwait > 0 -> can_take(C); if :: r -> r = 0; kick(1, 0) :: else fi :: else fi };
#endif
#endif
#endif
	MAYSTOP(end_stop2, 1);
#if PARKS > 0
	if :: k == 1 && parks > 0 -> parks--; goto keep :: true fi;
#endif
	atomic {				/* read */
		MAYDIE;
		do :: j < k -> assert(j == 0 || IS(p + j, FREE)); deliver(msg[IDX(p + j)], again_m); j++ :: else -> break od;
		j = 0; again_m = 0
	}
#ifdef HEAD_FIRST
	do :: j < k -> atomic { MAYDIE; assert(seq[IDX(p + j)] == p + j); release(p + j); j++ } :: else -> break od;
#else
#ifdef ASCENDING
	j = 1;
	do
	:: j < k -> atomic { MAYDIE; assert(IS(p + j, FREE)); release(p + j); j++ }; MAYSTOP(end_stop3, 1)
	:: else -> break
	od;
#else
	j = k;
	do
	:: j > 1 -> atomic { MAYDIE; j--; assert(IS(p + j, FREE)); release(p + j) }; MAYSTOP(end_stop3, 1)
	:: else -> break
	od;
#endif
	atomic { MAYDIE; assert((IS(p, READING) || IS(p, SPLIT)) && own[IDX(p)] == ME); release(p) };	/* (D) */
#endif
#ifdef SPLIT_LATE
	if :: c > k -> atomic { MAYDIE; help(p, c - 1) } :: else fi;
#endif
	atomic { j = 0; MAYDIE; kick(0, 1) };	/* (E) */
#ifdef CHAIN_LATE
	atomic { MAYDIE; if :: rwait > 0 -> can_take(C); if :: r -> r = 0; kick(1, 0) :: else fi :: else fi };
#endif
	atomic { p = 0; k = 0; c = 0; goto again };
#if PARKS > 0
keep:
	attention++;				/* a system call: nobody departs in the midst of it */
#ifdef MAPPED
	shown++;
#endif
	atomic { assert((IS(p, READING) || IS(p, SPLIT)) && own[IDX(p)] == ME); put(p, READING, PARKED, 1) };
	atomic { MAYDIE; kick(1, 0) };
	atomic { p = 0; k = 0; c = 0; again_m = 0; goto again };
#endif
split:
#ifndef NO_HELP
	atomic { help(C, c) };
#endif
#ifdef SPLIT_STEP_N
	atomic { C = C + 1 + c; c = 0; goto walk };
#else
	atomic { C++; c = 0; goto walk };
#endif
none:
#ifdef DELETE
	if
	:: !d -> d = deleted; if :: d -> goto again :: else fi
	:: else ->
#ifdef DRAIN_WALK
		if :: !IS(C, WRITING) && !IS(C, READY) -> goto leave :: else fi
#else
		t = 0; r = 1;
		do
#ifdef DRAIN_DESCENDING
#define AT (CAP - 1 - t)
#else
#define AT t
#endif
		:: t < CAP -> atomic { if :: ph[AT] == FREE || ph[AT] == VOID -> t++ :: else -> r = 0; t = CAP fi }
		:: else -> break
		od;
		t = 0;
		if :: r -> r = 0; goto leave :: else fi
#endif
	fi;
#endif
#ifdef MAPPED
	if :: !sys -> sys = 1; goto again :: else fi;
#endif
	atomic { rwait++; rq!me };		/* (F) */
	atomic {
		can_take(C);
#ifdef NO_LOOK
		r = 0;
#endif
#ifdef DELETE
		if :: deleted && !r -> drained(); if :: !d -> r = 1 :: else fi :: else fi;
#endif
		if
		:: r -> r = 0; rwait--; if :: wokenC[me] -> wokenC[me] = 0 :: else -> rq??eval(me) fi; goto again
		:: else -> sleepC[me] = 1
		fi
	}
end_asleep:
	atomic { wokenC[me] -> wokenC[me] = 0; sleepC[me] = 0; rwait--; goto again };
#ifdef DELETE
leave:
	atomic {
		eidrm = 1; i = 1;
		do :: i <= TOTAL -> assert(!published[i] || got[i]); i++ :: else -> break od;
		i = 0;
		do :: i < CAP -> assert(ph[i] == FREE || ph[i] == VOID || ph[i] == WRITING); i++ :: else -> break od;
		i = 0;
		goto out
	}
#endif
die:
	atomic { c = 0; l0 = 0; l1 = 0; p = 0; k = 0; r = 0; again_m = 0; d = 0; j = 0; t = 0 };
#ifdef MAPPED
	sys = 0;
#endif
	repair(ME);
out:	goneC[me] = 1
}
#undef C
#undef ME

#ifdef DELETE
proctype Deleter() {
	byte w = 0;
	closed = 1;
	deleted = 1;
	atomic { wake_all() }
}
#endif

init {
	byte i = 0, here = 0, t = 0;
	bit r = 0;
	atomic {
		do :: i < CAP -> t = START + i; seq[IDX(t)] = t; cnt[IDX(t)] = 1; i++ :: else -> break od;
		t = 0; i = 0;
		posP[0] = START; posP[1] = FIRST(1); posC[0] = START; posC[1] = FIRST(1);
		run Sender(0, P0B, 0, P0N);
		if :: P1N > 0 -> run Sender(1, P1B, P0N, P1N) :: else -> goneP[1] = 1 fi;
		if :: NC > 0 -> run Receiver(0, C0B) :: else -> goneC[0] = 1 fi;
		if :: NC > 1 -> run Receiver(1, C1B) :: else -> goneC[1] = 1 fi;
#ifdef DELETE
		run Deleter()
#endif
	}
	timeout ->
	atomic {
		do
		:: i < NR ->
			if
			:: goneC[i]
			:: else -> here++; assert(sleepC[i] && !deleted); can_take(posC[i]); assert(!r)
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NP ->
			if
			:: goneP[i]
			:: else -> assert(sleepP[i] && !deleted); can_fill(posP[i]); assert(!r)
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		if
		:: stops == STOPS && (here > 0 || eidrm) ->
			assert(goneP[0] && goneP[1] && attention == 0);
			do :: i < CAP -> assert(ph[i] == FREE || ph[i] == VOID); i++ :: else -> break od;
			i = 1;
			do :: i <= TOTAL -> assert(!published[i] || got[i] >= 1); i++ :: else -> break od
		:: stops < STOPS && here > 0 ->	/* only what the stopped one holds is left */
			do
			:: i < CAP ->
				assert(ph[i] != READY && own[i] != PARKED);
				assert(ph[i] != SPLIT || !IS(seq[i] + 1, FREE));
				i++
			:: else -> break
			od
		:: else
		fi
	}
}
