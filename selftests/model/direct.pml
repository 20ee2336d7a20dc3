/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A direct link: one sender, one receiver, who claim, publish, take and release
 * in the mapping by plain stores, and in system calls by compare and swap and
 * exchange on the same words. x86-TSO: the stores of each wait in a buffer of
 * DEPTH, in order; a system call drains one's own, the barrier everybody's.
 *
 *   spin -a -DCRASHS=1 -DCRASHR=1 direct.pml
 *   cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c && ./pan -m1000000
 *
 * Sizes: CAP; K messages; BATCH: so many published, or released, before one look
 *   at the other's waiter word; DEPTH; START: where every end begins to walk
 *
 * What may happen, each at any step and at most so many times:
 *   CRASHS=n CRASHR=n  the sender, the receiver dies: its buffer drains, the kernel
 *              repairs word by word and wakes everybody; then a new end begins,
 *              or none
 *   PARKS=n    a receiver in the kernel cannot store a message, and parks it
 *   MIX        any message by a system call, not only those that must wait
 *   POLL       the receiver waits in epoll, edge-triggered, and does not sleep
 *   DELETE     the port is deleted; with PURGE the kernel takes away what is queued,
 *              as a second receiver: a message that the first has seen READY may be
 *              received, and counted as thrown away
 *
 * Rules; next to each the switch that breaks it:
 *   sender    word FREE(p), or VOID(p - capacity); store WRITING(p) (NO_MARK); is it
 *             closed? Then store VOID(p), else fill, store READY(p) (EARLY_READY:
 *             before it fills); look at the receivers' word, kick if it is not zero
 *   receiver  parked messages are the kernel's (NO_PARKED); word READY(p); store
 *             READING(p) (NO_TAKE_MARK); read; store FREE(p + capacity)
 *             (EARLY_RELEASE: before it reads); look at the senders' word, kick
 *   batch     the look comes before the system call that may sleep (LATE_LOOK)
 *   sleep     count, barrier on all CPUs that run a mapping (NO_IPI; IPI_EARLY:
 *             before the count), look, sleep; the kernel's own publish and release
 *             are an exchange
 *   poll      arm, the same barrier (NO_IPI), look; a kick disarms, then tells
 *   delete    close; the same barrier (NO_CLOSE_IPI); set the flag (IPI_LATE: before
 *             the barrier); wake everybody (NO_DELETE_WAKE)
 *   departure WRITING becomes VOID (NO_REPAIR), READING is parked; wake everybody
 *             (NO_DEPARTURE_WAKE)
 *   new end   walks from a position that is past (AHEAD), and comes after the
 *             departure of the old one (TWO_ENDS)
 *
 * Checked: what is read was filled for this position; every published message is
 * received once, in order; read twice only if a receiver departed in between, and
 * then marked; after EIDRM nothing is published, and before it everything was
 * received; at rest nobody sleeps beside something to do.
 */
#ifndef CAP
#define CAP 2
#endif
#ifndef K
#define K 3
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef CRASHS
#define CRASHS 0
#endif
#ifndef CRASHR
#define CRASHR 0
#endif
#ifndef PARKS
#define PARKS 0
#endif
#ifndef START
#define START 0
#endif
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define PAYLOAD 5			/* in a store buffer: not a word but what is behind it */
/* owners */
#define SM 1				/* the sender's mapping */
#define SK 2				/* its system calls */
#define RM 3
#define RK 4
#define PARKED 5
#define DELETER 6

byte seq[CAP], ph[CAP], own[CAP], msg[CAP];
byte bn[2], bslot[2 * DEPTH], bseq[2 * DEPTH], bph[2 * DEPTH], bown[2 * DEPTH];
byte parked = 0, shown = 0;		/* the kernel's count, and the mapping's */
bit rwait = 0, swait = 0, armed = 0;
bit wokenR = 0, wokenS = 0, told = 0, sleepR = 0, sleepS = 0, goneR = 0, goneS = 0;
bit closed = 0, deleted = 0, eidrm = 0;
byte sent = 0, last = 0;		/* published; received, in order */
bit seen[K + 1], again_ok[K + 1], purged[K + 1];
byte crashs = CRASHS, crashr = CRASHR, parks = PARKS;

#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && ph[IDX(p)] == (f))
#define CLAIMABLE(p) (IS(p, FREE) || (seq[IDX(p)] + CAP == (p) && ph[IDX(p)] == VOID))

inline put(p, f, o) {
	seq[IDX(p)] = p; ph[IDX(p)] = f; own[IDX(p)] = o;
	if :: f == FREE -> msg[IDX(p)] = 0 :: else fi
}
inline store(x, slot, s, f, o) {
	bslot[x * DEPTH + bn[x]] = slot; bseq[x * DEPTH + bn[x]] = s;
	bph[x * DEPTH + bn[x]] = f; bown[x * DEPTH + bn[x]] = o; bn[x]++
}
inline commit(x) {
	d_step {
		if
		:: bph[x * DEPTH] == PAYLOAD -> msg[bslot[x * DEPTH]] = bseq[x * DEPTH]
		:: else ->
			seq[bslot[x * DEPTH]] = bseq[x * DEPTH]; ph[bslot[x * DEPTH]] = bph[x * DEPTH];
			own[bslot[x * DEPTH]] = bown[x * DEPTH];
			if
			:: bph[x * DEPTH] == FREE -> msg[bslot[x * DEPTH]] = 0
			:: else
			fi
		fi;
		bn[x]--;
		i_ = 0;
		do
		:: i_ < bn[x] ->
			bslot[x * DEPTH + i_] = bslot[x * DEPTH + i_ + 1]; bseq[x * DEPTH + i_] = bseq[x * DEPTH + i_ + 1];
			bph[x * DEPTH + i_] = bph[x * DEPTH + i_ + 1]; bown[x * DEPTH + i_] = bown[x * DEPTH + i_ + 1];
			i_++
		:: else -> break
		od;
		bslot[x * DEPTH + i_] = 0; bseq[x * DEPTH + i_] = 0; bph[x * DEPTH + i_] = 0; bown[x * DEPTH + i_] = 0;
		i_ = 0
	}
}
inline drain(x) { do :: bn[x] > 0 -> commit(x) :: else -> break od }
/* The word of p as this CPU sees it: its own stores first. */
inline load(x, p) {
	q = seq[IDX(p)]; f = ph[IDX(p)];
	i_ = 0;
	do
	:: i_ < bn[x] ->
		if
		:: bslot[x * DEPTH + i_] == IDX(p) && bph[x * DEPTH + i_] != PAYLOAD -> q = bseq[x * DEPTH + i_]; f = bph[x * DEPTH + i_]
		:: else
		fi;
		i_++
	:: else -> break
	od;
	i_ = 0
}

inline wake_receiver() {
	if :: rwait && !wokenR -> wokenR = 1 :: else fi;
	if :: armed -> armed = 0; told = 1 :: else fi
}
inline wake_sender() { if :: swait && !wokenS -> wokenS = 1 :: else fi }
inline wake_all() { wake_receiver(); wake_sender() }
/* Every event is told once the port is closed, and to everybody once it is deleted. */
inline kick(receivers, senders) {
	if
	:: deleted -> wake_all(); if :: rwait :: else told = 1 fi
	:: else ->
		if :: receivers -> wake_receiver() :: else fi;
		if :: senders -> wake_sender() :: else fi
	fi
}
#ifdef NO_IPI
#define BARRIER(x) skip
#else
#define BARRIER(x) atomic { drain(x) }
#endif

inline can_take(p) {
	t = 0; r = 0;
	do
	:: parked > 0 && t < CAP -> if :: ph[t] == READING && own[t] == PARKED -> r = 1 :: else fi; t++
	:: else -> break
	od;
	t = p;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: IS(t, READING) || IS(t, VOID) -> t++
	:: IS(t, READY) -> r = 1; break
	:: else -> break
	od;
	t = 0
}
inline can_fill(p) {
	t = p; r = 0;
	do
	:: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
	:: CLAIMABLE(t) -> r = 1; break
	:: seq[IDX(t)] == t && ph[IDX(t)] != FREE -> t++
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
/* What a poll or a last look says: a message, or the end. */
inline receivable(p) {
	can_take(p);
	if :: !r && deleted -> drained() :: else fi
}

#if CRASHS > 0
#define MAYDIE_S if :: crashs > 0 -> crashs--; goto die :: true fi
#else
#define MAYDIE_S skip
#endif
#if CRASHR > 0
#define MAYDIE_R if :: crashr > 0 -> crashr--; goto die :: true fi
#else
#define MAYDIE_R skip
#endif

proctype Flush() {
	byte i_ = 0;
end:	do
	:: atomic { bn[0] > 0 -> commit(0) }
	:: atomic { bn[1] > 0 -> commit(1) }
	od
}

/* Whoever looks at a waiter word of the mapping. */
#ifdef DELETE
#define RWORD (rwait || armed || closed)
#define SWORD (swait || closed)
#else
#define RWORD (rwait || armed)
#define SWORD (swait)
#endif

byte posS, posR;
#define P posS
proctype Sender() {
	byte q = 0, f = 0, t = 0, i_ = 0, k = 0;
	bit r = 0, c = 0;
open:
	P = START;
#ifdef AHEAD
	if :: crashs < CRASHS -> P = START + sent + 1 :: else fi;
#endif
again:
	if :: sent == K && k == 0 -> goto out :: sent == K && k > 0 -> goto look :: else fi;
#ifdef MIX
	if :: true -> k = 0; goto system :: true fi;
#endif
	atomic {
		load(0, P);
		if
		:: (q == P && f == FREE) || (q + CAP == P && f == VOID) -> q = 0; f = 0
		:: q > P -> P = q - CAP + 1; q = 0; f = 0; goto again
		:: q == P && f != FREE -> P++; q = 0; f = 0; goto again
		:: else -> q = 0; f = 0; goto nofree
		fi
	}
#ifndef NO_MARK
	atomic { bn[0] < DEPTH -> MAYDIE_S; store(0, IDX(P), P, WRITING, SM) };
#endif
#ifdef DELETE
	atomic { MAYDIE_S; if :: closed -> goto discard :: else fi };
#endif
fill:
#ifdef EARLY_READY
	atomic { bn[0] < DEPTH -> MAYDIE_S; store(0, IDX(P), P, READY, SM) };
	atomic { bn[0] < DEPTH -> MAYDIE_S; store(0, IDX(P), sent + 1, PAYLOAD, 0); sent++; k++; P++ };
#else
	atomic { bn[0] < DEPTH -> MAYDIE_S; store(0, IDX(P), sent + 1, PAYLOAD, 0) };
	atomic { bn[0] < DEPTH -> MAYDIE_S; assert(!eidrm); store(0, IDX(P), P, READY, SM); sent++; k++; P++ };
#endif
#if BATCH > 1
	if :: k < BATCH && sent < K -> goto again :: true fi;
#endif
look:
	atomic { MAYDIE_S; c = RWORD; k = 0 };
	if :: c -> atomic { MAYDIE_S; c = 0; drain(0); kick(1, 0) } :: else fi;
	goto again;
nofree:
#ifndef LATE_LOOK
	if :: k > 0 -> goto look :: else fi;
#endif
system:
	/* A system call: it does not end half way, but while it sleeps. */
	atomic { drain(0) };
	atomic {
		do
		:: CLAIMABLE(P) ->
			if
			:: true -> put(P, WRITING, SK)
			:: true -> put(P, WRITING, SM); f = 1		/* in place, for the mapping to fill */
			fi;
			break
		:: seq[IDX(P)] > P -> P = seq[IDX(P)] - CAP + 1
		:: seq[IDX(P)] == P && ph[IDX(P)] != FREE -> P++
		:: else -> goto sfull
		od
	}
#ifdef DELETE
	if :: closed -> f = 0; atomic { put(P, VOID, 0); kick(1, 1); goto out } :: else fi;
#endif
	if :: f -> f = 0; goto fill :: else fi;
	atomic { assert(IS(P, WRITING) && own[IDX(P)] == SK && !eidrm); msg[IDX(P)] = sent + 1; put(P, READY, SK); sent++; P++ };
	atomic { if :: RWORD -> kick(1, 0) :: else fi };
#ifdef LATE_LOOK
	if :: k > 0 -> goto look :: else fi;
#endif
	goto again;
sfull:
	if :: deleted -> goto out :: else fi;
#ifdef IPI_EARLY
	BARRIER(1);
#endif
	atomic { swait = 1 };
#ifndef IPI_EARLY
	BARRIER(1);
#endif
	atomic {
		can_fill(P);
		if
		:: r || deleted -> r = 0; swait = 0; wokenS = 0; goto system
		:: else -> sleepS = 1
		fi
	}
end_full:
	if
	:: atomic { wokenS -> wokenS = 0; swait = 0; sleepS = 0; goto system }
#if CRASHS > 0
	:: atomic { crashs > 0 -> crashs--; wokenS = 0; swait = 0; sleepS = 0; goto die }
#endif
	fi;
#ifdef DELETE
discard:
	atomic { bn[0] < DEPTH -> MAYDIE_S; store(0, IDX(P), P, VOID, 0) };
	atomic { MAYDIE_S; c = RWORD || SWORD };
	if :: c -> atomic { MAYDIE_S; c = 0; drain(0); kick(1, 1) } :: else fi;
	goto out;
#endif
die:
#ifdef TWO_ENDS
	run Sender();
	goto again;
#endif
	atomic { drain(0); f = 0; c = 0; k = 0; q = 0; r = 0; t = 0 };
#ifndef NO_REPAIR
	do
	:: t < CAP -> atomic { if :: ph[t] == WRITING && own[t] == SM -> put(seq[t], VOID, 0) :: else fi; t++ }
	:: else -> t = 0; break
	od;
#endif
#ifndef NO_DEPARTURE_WAKE
	atomic { wake_all(); if :: deleted && !rwait -> told = 1 :: else fi };
#endif
	if :: !deleted -> goto open :: true fi;
out:	goneS = 1
}
#undef P

#define C posR
proctype Receiver() {
	byte q = 0, f = 0, t = 0, i_ = 0, k = 0, p = 0, m = 0;
	bit r = 0, c = 0, d = 0;
open:
	C = START;
#ifdef POLL
	/* EPOLL_CTL_ADD */
	armed = 1;
	BARRIER(0);
	atomic { receivable(C); if :: r -> r = 0; told = 1 :: else fi };
#endif
again:
#ifndef NO_PARKED
	if :: shown > 0 -> goto nothing :: else fi;
#endif
#ifdef MIX
	if :: k == 0 -> goto system :: true fi;
#endif
	atomic {
		load(1, C);
		if
		:: q == C && f == READY -> q = 0; f = 0; p = C
		:: q == C && (f == READING || f == VOID) -> C++; q = 0; f = 0; goto again
		:: q > C -> C = q - CAP + 1; q = 0; f = 0; goto again
		:: else -> q = 0; f = 0; goto nothing
		fi
	}
#ifndef NO_TAKE_MARK
	atomic { bn[1] < DEPTH -> MAYDIE_R; store(1, IDX(p), p, READING, RM) };
#endif
	C = p + 1;
read:
#ifndef EARLY_RELEASE
	atomic {
		MAYDIE_R; m = msg[IDX(p)];
		assert(m > 0 && (!seen[m] || again_ok[m])); seen[m] = 1
	}
#endif
	atomic { bn[1] < DEPTH -> MAYDIE_R; store(1, IDX(p), p + CAP, FREE, 0); k++;
#ifndef EARLY_RELEASE
		last++; assert(m == last || purged[m] || purged[last]); last = m; m = 0; p = 0
#endif
	};
#ifdef EARLY_RELEASE
	atomic { MAYDIE_R; m = msg[IDX(p)]; last++; assert(m == last); m = 0; p = 0 };
#endif
#if BATCH > 1
	if :: k < BATCH -> goto again :: true fi;
#endif
look:
	atomic { MAYDIE_R; c = SWORD; k = 0 };
	if :: c -> atomic { MAYDIE_R; c = 0; drain(1); kick(0, 1) } :: else fi;
	goto again;
nothing:
	if :: k > 0 -> goto look :: else fi;
#ifdef POLL
	if :: shown > 0 || closed -> goto system :: else fi;
waitpoll:
	sleepR = 1;
end_poll:
	if
	:: atomic { told -> told = 0; sleepR = 0; armed = 1 }
#if CRASHR > 0
	:: atomic { crashr > 0 -> crashr--; sleepR = 0; goto die }
#endif
	fi;
	BARRIER(0);
	atomic { receivable(C); if :: r -> r = 0; goto again :: else -> goto waitpoll fi };
#endif
system:
	atomic { drain(1) };
	if
	:: parked > 0 ->
		atomic {
			do
			:: t < CAP -> if :: ph[t] == READING && own[t] == PARKED && (!r || seq[t] < p) -> r = 1; p = seq[t] :: else fi; t++
			:: else -> t = 0; break
			od;
			if :: r -> r = 0; own[IDX(p)] = RK :: else -> goto walk fi
		}
		parked--; shown--;
		goto have
	:: else
	fi;
walk:
	atomic {
		do
		:: IS(C, READY) ->
			p = C; C++;
			if :: true -> put(p, READING, RK); goto have :: true -> put(p, READING, RM); d = 0; goto read fi
		:: IS(C, READING) || IS(C, VOID) -> C++
		:: seq[IDX(C)] > C -> C = seq[IDX(C)] - CAP + 1
		:: else -> goto none
		od
	}
have:
#if PARKS > 0
	if
	:: parks > 0 -> parks--; parked++; shown++; atomic { again_ok[msg[IDX(p)]] = 1; own[IDX(p)] = PARKED; p = 0; d = 0; goto again }
	:: true
	fi;
#endif
	atomic {
		m = msg[IDX(p)]; last++; assert(m == last || purged[m] || purged[last]); last = m; assert(!seen[m] || again_ok[m]); seen[m] = 1;
		assert((IS(p, READING) && own[IDX(p)] == RK) || purged[m]); put(p + CAP, FREE, 0); p = 0; m = 0; d = 0
	}
	atomic { if :: SWORD -> kick(0, 1) :: else fi };
	goto again;
none:
#ifdef DELETE
	if
	:: !d -> d = deleted; if :: d -> goto system :: else fi
	:: else ->
		t = 0; r = 1;
		do
		:: t < CAP -> atomic { if :: ph[t] == FREE || ph[t] == VOID -> t++ :: else -> r = 0; t = CAP fi }
		:: else -> break
		od;
		t = 0;
		if :: r -> goto leave :: else fi
	fi;
#endif
#ifdef POLL
	goto waitpoll;
#endif
#ifdef IPI_EARLY
	BARRIER(0);
#endif
	atomic { rwait = 1 };
#ifndef IPI_EARLY
	BARRIER(0);
#endif
	atomic {
		receivable(C);
		if
		:: r -> r = 0; rwait = 0; wokenR = 0; goto system
		:: else -> sleepR = 1
		fi
	}
end_empty:
	if
	:: atomic { wokenR -> wokenR = 0; rwait = 0; sleepR = 0; goto system }
#if CRASHR > 0
	:: atomic { crashr > 0 -> crashr--; wokenR = 0; rwait = 0; sleepR = 0; goto die }
#endif
	fi;
#ifdef DELETE
leave:
	atomic { eidrm = 1; assert(last == sent || purged[sent]); goto out };
#endif
die:
	atomic { drain(1); q = 0; f = 0; c = 0; k = 0; p = 0; m = 0; r = 0; d = 0; t = 0; armed = 0; told = 0 };
	do
	:: t < CAP ->
		if
		:: ph[t] == READING && own[t] == RM ->
			parked++; shown++; q = seq[t];
			atomic {			/* by compare and swap: only with PURGE it is another word */
				if
				:: seq[t] == q && ph[t] == READING && own[t] == RM -> again_ok[msg[t]] = 1; own[t] = PARKED
				:: else -> parked--; shown--
				fi;
				q = 0
			}
		:: else
		fi;
		t++
	:: else -> t = 0; break
	od;
#ifndef NO_DEPARTURE_WAKE
	atomic { wake_all() };
#endif
	if :: goto open :: true fi;
out:	goneR = 1
}
#undef C

#ifdef DELETE
proctype Deleter() {
	byte t = 0, i_ = 0, p = 0;
	closed = 1;
#ifndef NO_CLOSE_IPI
#ifndef IPI_LATE
	atomic { drain(0) };
	atomic { drain(1) };
#endif
#endif
	deleted = 1;
#ifdef IPI_LATE
	atomic { drain(0) };
	atomic { drain(1) };
#endif
#ifdef PURGE
	do
	:: t < CAP ->
		atomic {
			if
			:: ph[t] == READY -> purged[msg[t]] = 1; ph[t] = READING; own[t] = DELETER; p = seq[t]
			:: else -> goto next
			fi
		}
		/* Nobody fills it any more: a receiver that has seen READY may read it yet. */
		atomic { seq[t] = p + CAP; ph[t] = FREE; own[t] = 0; p = 0 };
next:		t++
	:: else -> break
	od;
#endif
#ifndef NO_DELETE_WAKE
	atomic { wake_all(); if :: !rwait -> told = 1 :: else fi }
#endif
}
#endif

init {
	byte i = 0, t = 0;
	bit r = 0;
	atomic {
		do :: i < CAP -> t = START + i; seq[IDX(t)] = t; i++ :: else -> break od;
		i = 0; t = 0;
		run Flush(); run Sender(); run Receiver();
#ifdef DELETE
		run Deleter()
#endif
	}
	timeout ->
	atomic {
		assert(goneR || sleepR);
		assert(goneS || sleepS);
		if
		:: !goneR -> receivable(posR); assert(!r); assert(goneS && last == sent && parked == 0)
		:: else
		fi;
		if :: !goneS -> assert(!deleted); can_fill(posS); assert(!r) :: else fi;
		assert(shown == parked)
	}
}
