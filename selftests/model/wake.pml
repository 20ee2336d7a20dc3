/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sleeping and waking on x86-TSO: every participant has a store buffer of one entry, flushed at any moment; compare and
 * swap, exchange, mfence and every system call drain the caller's own. Extends slot.pml; no deaths here.
 *
 *   spin -a -DW3 wake.pml && cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c && ./pan -m1000000
 *
 *   -DW1   the sleeper sets a wait bit (one for each direction) in the word it waits for; publish and release are an exchange
 *   -DW2   waiter counter; publisher: plain store, full barrier, load the counter; sleeper: count, full barrier, look
 *   -DW3   waiter counter; publisher: plain store, load the counter; sleeper: count, barrier on all CPUs, look
 *   -DSPSC with W2 or W3: one producer, one receiver, no compare and swap at all
 *   sizes  NP producers send K each, publishing up to B by plain stores before one look at the counter (one kick for all);
 *          NC receivers; CAP slots; STOPS receivers keep a message for ever; SIGNALS sleepers leave for good on a signal or deadline; WAKERDEC: the kick takes
 *          the count down as it dequeues (otherwise the sleeper does, when it runs)
 *   broken on purpose (each must fail): NO_FENCE (W2 publisher), NO_IPI (W3), IPI_EARLY (W3: before the count), NO_PASS (SIGNALS=1),
 *          NO_CHAIN (STOPS=1), NO_REARM (W1, STOPS=1 NP=1 K=2), W1_ONEBIT_LOST (W1, NC=1 K=2 CAP=1: publish drops the senders' bit), NO_RECHECK,
 *          IPI_FIRST_ONLY (W3, SIGNALS=1: only who finds the counter 0 sends the barrier)
 * Checked at rest: no receiver asleep while the word its walk ends at is READY, no sender asleep while it could claim.
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
#ifndef B
#define B 1
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#define NX (NP+NC)
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && ph[IDX(p)] == (f))

byte seq[CAP]; byte ph[CAP]; byte wb[CAP];            /* wb: 1 a receiver, 2 a sender waits on this word */
bit bufv[NX]; byte bs[NX]; byte bq[NX]; byte bp[NX];  /* store buffers */
byte rw = 0, sw = 0;
chan rq = [NC] of {byte}; chan sq = [NP] of {byte};
bit wokenC[NC]; bit wokenP[NP];
byte ppos[NP]; byte cpos[NC]; bit goneC[NC]; bit doneP[NP];
byte taken = 0, signals = SIGNALS, stops = STOPS;

inline commit(x) { d_step { seq[bs[x]] = bq[x]; ph[bs[x]] = bp[x]; bufv[x] = 0; bs[x] = 0; bq[x] = 0; bp[x] = 0 } }
inline drain(x) { if :: bufv[x] -> commit(x) :: else fi }
inline store(x, p, q1, f1) { bufv[x] = 1; bs[x] = IDX(p); bq[x] = q1; bp[x] = f1 }
inline load(x, p) { if :: bufv[x] && bs[x] == IDX(p) -> q = bq[x]; f = bp[x] :: else -> q = seq[IDX(p)]; f = ph[IDX(p)] fi }
inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0;
#ifdef WAKERDEC
  rw--
#endif
  :: else fi }
inline wake_sender() { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0;
#ifdef WAKERDEC
  sw--
#endif
  :: else fi }
inline can_take(p, r) { t = p; r = 0;
  do :: seq[IDX(t)] > t || IS(t, READING) -> t++
     :: IS(t, READY) -> r = 1; break
     :: else -> break od }
inline can_fill(p, r) { t = p; r = 0;
  do :: seq[IDX(t)] > t || (seq[IDX(t)] == t && ph[IDX(t)] != FREE) -> t++
     :: IS(t, FREE) -> r = 1; break
     :: else -> break od }
inline leaveC() {                                       /* under the queue's lock */
  if :: wokenC[me] -> wokenC[me] = 0;
#ifndef WAKERDEC
        rw--
#endif
     :: else -> rq??eval(me); rw-- fi }
inline leaveP() {
  if :: wokenP[me] -> wokenP[me] = 0;
#ifndef WAKERDEC
        sw--
#endif
     :: else -> sq??eval(me); sw-- fi }

proctype Flush() {
end: do
  :: atomic { bufv[0] -> commit(0) }
  :: atomic { bufv[1] -> commit(1) }
#if NX > 2
  :: atomic { bufv[2] -> commit(2) }
#endif
#if NX > 3
  :: atomic { bufv[3] -> commit(3) }
#endif
#if NX > 4
  :: atomic { bufv[4] -> commit(4) }
#endif
  od
}

#ifdef W3
#ifdef NO_IPI
#define BARRIER(cnt1) skip
#else
#define BARRIER(cnt1) b = 0; do :: b < NX -> atomic { drain(b); b++ } :: else -> break od; b = 0
#endif
#else
#define BARRIER(cnt1) skip                              /* the locked increment of the counter was one */
#endif

proctype Producer(byte me) {
  byte n = 0, q = 0, f = 0, w = 0, t = 0, b = 0, k = 0, old = 0; bit r = 0, kr = 0, ks = 0, first = 0;
#define P ppos[me]
#define X (me)
again:
  if :: n == K -> goto out :: else fi;
  atomic { load(X, P);
    if :: q == P && f == FREE -> q = 0; f = 0
       :: q > P || (q == P && f != FREE) -> q = 0; f = 0; P++; goto again
       :: else -> q = 0; f = 0; goto sfull fi };
#ifndef SPSC
  atomic { drain(X); if :: IS(P, FREE) -> ph[IDX(P)] = WRITING :: else -> goto again fi };            /* claim */
#ifndef NO_CHAIN
  atomic { if :: sw > 0 -> can_fill(P + 1, r);
                 if :: r -> r = 0; ks = 1
                    :: else ->
#ifdef W1
#ifndef NO_REARM
                       wb[IDX(t)] = wb[IDX(t)] | 2
#else
                       skip
#endif
#else
                       skip
#endif
                 fi; t = 0 :: else fi };
  if :: ks -> atomic { drain(X); wake_sender(); ks = 0 } :: else fi;
#endif
#endif
#ifdef W1
  atomic { drain(X); old = wb[IDX(P)]; ph[IDX(P)] = READY;                                             /* publish: exchange */
#ifdef W1_ONEBIT_LOST
           wb[IDX(P)] = 0; kr = (old & 1);
#else
           wb[IDX(P)] = 0; kr = (old & 1); ks = (old >> 1);
#endif
           old = 0 };
#else
  atomic { !bufv[X] -> store(X, P, P, READY) };                                                        /* publish: plain store */
  k++;
#if B > 1
  if :: k < B && n + 1 < K && seq[IDX(P+1)] == P + 1 && ph[IDX(P+1)] == FREE -> P++; n++; goto again :: else fi;
#endif
  k = 0;
#ifdef W2
#ifndef NO_FENCE
  atomic { drain(X) };                                                                                 /* full barrier */
#endif
#endif
  kr = (rw > 0);                                                                                       /* load the counter */
#endif
  if :: kr -> atomic { drain(X); wake_receiver(); kr = 0 } :: else fi;                                 /* kick: a system call */
  if :: ks -> atomic { drain(X); wake_sender(); ks = 0 } :: else fi;
  atomic { P++; n++ };
  goto again;
sfull:
#ifdef IPI_EARLY
  BARRIER(sw);
#endif
  atomic { drain(X); first = (sw == 0); sw++; sq!me };
#ifndef IPI_EARLY
#ifdef IPI_FIRST_ONLY
  if :: first -> BARRIER(sw) :: else fi;
#else
  BARRIER(sw);
#endif
#endif
  first = 0;
  atomic { can_fill(P, r);
#ifdef NO_RECHECK
    r = 0;
#endif
    if :: r -> r = 0; t = 0; leaveP(); goto again
       :: else ->
#ifdef W1
          wb[IDX(t)] = wb[IDX(t)] | 2;
#endif
          t = 0 fi };
end_full:
  atomic { wokenP[me] -> leaveP(); goto again };
out: doneP[me] = 1
#undef P
#undef X
}

proctype Consumer(byte me) {
  byte q = 0, f = 0, w = 0, t = 0, b = 0, old = 0; bit r = 0, kr = 0, ks = 0, first = 0;
#define C cpos[me]
#define X (NP + me)
again:
  atomic { load(X, C);
    if :: q == C && f == READY -> q = 0; f = 0
       :: q > C || (q == C && f == READING) -> q = 0; f = 0; C++; goto again
       :: else -> q = 0; f = 0; goto sempty fi };
#ifndef SPSC
  atomic { drain(X); if :: IS(C, READY) -> ph[IDX(C)] = READING; taken++ :: else -> goto again fi };   /* take */
#ifndef NO_CHAIN
  atomic { if :: rw > 0 -> can_take(C + 1, r);
                 if :: r -> r = 0; kr = 1
                    :: else ->
#ifdef W1
#ifndef NO_REARM
                       wb[IDX(t)] = wb[IDX(t)] | 1
#else
                       skip
#endif
#else
                       skip
#endif
                 fi; t = 0 :: else fi };
  if :: kr -> atomic { drain(X); wake_receiver(); kr = 0 } :: else fi;
#endif
  if :: stops > 0 -> stops--; goneC[me] = 1; goto gone :: true fi;   /* busy with the message for ever */
#else
  taken++;
#endif
#ifdef W1
  atomic { drain(X); old = wb[IDX(C)]; seq[IDX(C)] = C + CAP; ph[IDX(C)] = FREE; wb[IDX(C)] = 0;       /* release: exchange */
           kr = (old & 1); ks = (old >> 1); old = 0 };
#else
  atomic { !bufv[X] -> store(X, C, C + CAP, FREE) };                                                   /* release: plain store */
#ifdef W2
#ifndef NO_FENCE
  atomic { drain(X) };
#endif
#endif
  ks = (sw > 0);
#endif
  if :: ks -> atomic { drain(X); wake_sender(); ks = 0 } :: else fi;
  if :: kr -> atomic { drain(X); wake_receiver(); kr = 0 } :: else fi;
  C++;
  goto again;
sempty:
#ifdef IPI_EARLY
  BARRIER(rw);
#endif
  atomic { drain(X); first = (rw == 0); rw++; rq!me };
#ifndef IPI_EARLY
#ifdef IPI_FIRST_ONLY
  if :: first -> BARRIER(rw) :: else fi;
#else
  BARRIER(rw);
#endif
#endif
  first = 0;
  atomic { can_take(C, r);
#ifdef NO_RECHECK
    r = 0;
#endif
    if :: r -> r = 0; t = 0; w = wokenC[me]; leaveC();
             if :: signals > 0 -> signals--; goneC[me] = 1;                                            /* told to look, leaves without taking */
#ifndef NO_PASS
                   if :: w -> w = 0; wake_receiver() :: else fi;
#endif
                   goto gone
                :: true -> w = 0; goto again fi
       :: else ->
#ifdef W1
          wb[IDX(t)] = wb[IDX(t)] | 1;                                                                 /* CAS on the very word looked at */
#endif
          t = 0 fi };
end_asleep:
  if
  :: atomic { wokenC[me] -> leaveC(); goto again }
  :: atomic { signals > 0 -> signals--; w = wokenC[me]; leaveC(); goneC[me] = 1;      /* signal, deadline: gone for good */
#ifndef NO_PASS
       if :: w -> w = 0; wake_receiver() :: else fi;
#endif
       goto gone }
  fi;
gone: skip
}

init {
  byte i = 0, t = 0, here = 0; bit r = 0;
  atomic { do :: i < CAP -> seq[i] = i; i++ :: else -> break od; i = 0;
           run Flush();
           do :: i < NP -> run Producer(i); i++ :: else -> break od; i = 0;
           do :: i < NC -> run Consumer(i); i++ :: else -> break od }
  timeout ->
  atomic { i = 0; do :: i < NC -> if :: !goneC[i] -> here++; can_take(cpos[i], r); assert(!r) :: else fi; i++ :: else -> break od;
           i = 0; do :: i < NP -> if :: !doneP[i] -> can_fill(ppos[i], r); assert(!r) :: else fi; i++ :: else -> break od;
           if :: here > 0 && stops == STOPS -> assert(taken == NP * K) :: else fi }
}
