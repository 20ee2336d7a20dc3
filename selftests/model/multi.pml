/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beyond ranges.pml: several ranges taken at once, messages taken back by their sender, ranges published word by word,
 * marks behind the head. None of it is in the code. Parked messages are a plain queue here.
 *
 *   spin -a -DR2 multi.pml && cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c && ./pan -m1000000
 *
 *   -DR1       slot by slot: claimed and taken by one CAS on the first word (the head), published word by word
 *   -DR2       by one word: READY{n} in the head, stored last, taken whole by one CAS, or split by a receiver of fewer
 *   -DMULTI    with R2: one CAS on the first head takes several consecutive READY ranges whole
 *   -DNO_MARK  with R2: the words behind the head are not even marked PART
 *   sizes      P0B P0N P1B P1N: largest range and number of messages of each producer; C0B C1B: most that each
 *              receiver takes; NC; START: first position (puts the end of the array inside); LAG: consumer 1 and
 *              producer 1 begin a whole lap behind
 *   events     CRASHES: participants killed at any step and repaired step by step; STOPS: receivers stopped for ever
 *              with a taken message; WITHDRAW: producer 0 takes its newest message or range back
 *   broken on purpose (each must fail): HEAD_FIRST (release; with CRASHES or NO_MARK), ASCENDING (release; with LAG START=4 STOPS),
 *              REPAIR_HEAD_FIRST, REPAIR_NO_COUNT (with CRASHES), STEP_ONE (producers step 1 over a range), SPLIT_LATE (split after the
 *              release), NO_HELP (with STOPS),
 *              CHAIN_LATE (chain after the release, with STOPS), PLAIN_MARK (R1 + WITHDRAW), MULTI_WITHDRAWABLE (MULTI + WITHDRAW),
 *              WITHDRAW_FREES (LAG, STOPS), WITHDRAW_HEAD, WITHDRAW_NO_SWAKE (NO_RECEIVERS), NO_CHAIN, SPLIT_STEP_N (both with STOPS);
 *              R1 + WITHDRAW + CRASHES fails too: a VOID that every receiver has passed
 * Checked: every published message delivered exactly once (again only after a crash), never if withdrawn, FIFO per
 * producer and receiver, every plain store finds the word its owner left, and at rest no receiver sleeps while a word is
 * READY and no sender sleeps while it could claim.
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
#ifndef START
#define START 0
#endif
#ifdef LAG
#define FIRST(me) (START - (me) * CAP)
#else
#define FIRST(me) START
#endif
#ifdef WITHDRAW
#define MAYWD 1
#else
#define MAYWD 0
#endif
#define NP 2
#define TOTAL (P0N+P1N)
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define PART 5
#define SPLIT 6                            /* READING one message; cnt = how many follow, to be published at p + 1 */
#ifdef NO_MARK
#define REST FREE
#else
#define REST PART
#endif

byte seq[CAP]; byte ph[CAP]; byte own[CAP]; byte cnt[CAP]; byte msg[CAP];
chan parked = [TOTAL] of {byte};
byte rwait = 0, swait = 0;
chan rq = [NC] of {byte}; chan sq = [NP] of {byte};
bit wokenC[NC]; bit wokenP[NP];
byte got[TOTAL+1]; bit published[TOTAL+1]; bit redelivered[TOTAL+1]; bit withdrawn[TOTAL+1];
byte ppos[NP]; byte cpos[NC]; bit goneC[NC]; bit doneP[NP];
byte crashes = CRASHES; byte stops = STOPS;

#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && ph[IDX(p)] == (f))
#define CLAIMABLE(p) (IS(p, FREE) || (seq[IDX(p)] + CAP == (p) && ph[IDX(p)] == VOID))
#define MAYDIE if :: crashes > 0 -> crashes--; goto die :: true fi

inline put(p, f, o, c) { seq[IDX(p)] = p; ph[IDX(p)] = f; own[IDX(p)] = o; cnt[IDX(p)] = c }
inline freeslot(i) { seq[i] = seq[i] + CAP; ph[i] = FREE; own[i] = 0; cnt[i] = 0; msg[i] = 0 }
inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0 :: else fi }
inline wake_sender()   { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0 :: else fi }
inline deliver(m) {
  assert(m > 0); got[m]++; assert(redelivered[m] || got[m] == 1); assert(!withdrawn[m]);
  if :: redelivered[m] :: else ->
     if :: m <= P0N -> assert(m > l0); l0 = m :: else -> assert(m > l1); l1 = m fi fi }

/* a walk from p; ends at the first word that is takeable (r = 1) or not yet published (r = 0) */
inline can_take(p, r) { t = p; r = 0;
  if :: nempty(parked) -> r = 1 :: else ->
  do :: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
     :: IS(t, READING) -> t = t + cnt[IDX(t)]
#ifdef NO_HELP
     :: IS(t, SPLIT) -> t++
#else
     :: IS(t, SPLIT) -> t++; if :: IS(t, REST) -> r = 1; break :: else fi
#endif
     :: IS(t, READY) || IS(t, VOID) -> r = 1; break
#ifndef NO_MARK
     :: IS(t, PART) -> 
#ifdef NO_HELP
        break
#else
        t++
#endif
#endif
     :: else -> break od fi; t = 0 }
inline can_fill(p, r) { t = p; r = 0;
  do :: seq[IDX(t)] > t -> t = seq[IDX(t)] - CAP + 1
     :: IS(t, WRITING) || IS(t, READY) || IS(t, READING) -> t = t + cnt[IDX(t)]
     :: IS(t, SPLIT) -> t = t + 1 + cnt[IDX(t)]
     :: IS(t, VOID) || IS(t, PART) -> t++
     :: CLAIMABLE(t) -> r = 1; break
     :: else -> break od; t = 0 }

/* the kernel, after a death: one store at a time, racing everybody else. The head goes last. */
inline repair(o) {
  i = 0;
  do
  :: i < CAP ->
     if
     :: own[i] == o && ph[i] == WRITING ->
        j = cnt[i];
#ifdef REPAIR_HEAD_FIRST
        k = seq[i];
        atomic { ph[i] = VOID; own[i] = 0; cnt[i] = 1; msg[i] = 0 };
        do :: j > 1 -> j--; atomic { put(k + j, VOID, 0, 1); msg[i + j] = 0 } :: else -> break od;
#else
#ifdef REPAIR_NO_COUNT
        j = 1;
#endif
        do :: j > 1 -> j--; atomic { assert(seq[i + j] == seq[i] + j); put(seq[i] + j, VOID, 0, 1); msg[i + j] = 0 } :: else -> break od;
        atomic { ph[i] = VOID; own[i] = 0; cnt[i] = 1; msg[i] = 0 };
#endif
     :: own[i] == o && ph[i] == READING ->
        j = cnt[i];
#ifdef REPAIR_NO_COUNT
        j = 1;
#endif
#ifdef REPAIR_HEAD_FIRST
        k = seq[i];
        atomic { parked!msg[i]; redelivered[msg[i]] = 1; freeslot(i) };
#else
        k = seq[i];
#endif
        do :: j > 1 -> j--;
           atomic { if :: seq[i + j] == k + j && ph[i + j] == VOID -> freeslot(i + j)
                       :: seq[i + j] == k + j && ph[i + j] != VOID -> assert(msg[i + j] > 0);
                          parked!msg[i + j]; redelivered[msg[i + j]] = 1; freeslot(i + j)
                       :: else fi }
           :: else -> break od;
#ifndef REPAIR_HEAD_FIRST
        atomic { parked!msg[i]; redelivered[msg[i]] = 1; freeslot(i) };
#endif
     :: own[i] == o && ph[i] == SPLIT ->
        atomic { if :: IS(seq[i] + 1, REST) -> put(seq[i] + 1, READY, 0, cnt[i]) :: else fi };
        atomic { parked!msg[i]; redelivered[msg[i]] = 1; freeslot(i) };
     :: else fi;
     i++
  :: else -> break od;
  i = 0; j = 0; k = 0;
  atomic { do :: rq?[_] -> rq?w; wokenC[w] = 1 :: else -> break od; w = 0 }
  atomic { do :: sq?[_] -> sq?w; wokenP[w] = 1 :: else -> break od; w = 0 }
}

proctype Producer(byte me, B, base, N) {
  byte n = 0, k = 0, i = 0, j = 0, w = 0, t = 0; bit r = 0;
#define P ppos[me]
#define ME (me + 1)
again:
  if :: n == N -> goto out :: else fi;
  atomic {                                                   /* one load of the word at P, and what is known to be free behind it */
    if
    :: CLAIMABLE(P) ->
       k = 1; do :: k < B && k < N - n && IDX(P) + k < CAP && IS(P + k, FREE) -> k++ :: else -> break od
    :: seq[IDX(P)] > P -> P = seq[IDX(P)] - CAP + 1; goto again
#ifdef STEP_ONE
    :: IS(P, WRITING) || IS(P, READY) || IS(P, READING) || IS(P, SPLIT) -> P++; goto again
#else
    :: IS(P, WRITING) || IS(P, READY) || IS(P, READING) -> P = P + cnt[IDX(P)]; goto again
    :: IS(P, SPLIT) -> P = P + 1 + cnt[IDX(P)]; goto again
#endif
    :: IS(P, VOID) || IS(P, PART) -> P++; goto again
    :: else -> k = 0                                         /* full */
    fi };
  if
  :: k == 0 ->
     atomic { swait++; sq!me };
     atomic { can_fill(P, r);
       if :: r -> r = 0; swait--; if :: wokenP[me] -> wokenP[me] = 0 :: else -> sq??eval(me) fi; goto again :: else fi };
end_full:
     atomic { wokenP[me] -> wokenP[me] = 0; swait--; goto again }
  :: else fi;
  atomic { if :: CLAIMABLE(P) -> put(P, WRITING, ME, k); msg[IDX(P)] = 0 :: else -> k = 0; goto again fi };  /* claim: CAS */
#ifndef NO_CHAIN
  atomic { if :: swait > 0 -> can_fill(P + k, r); if :: r -> r = 0; wake_sender() :: else fi :: else fi };
#endif
#ifndef NO_MARK
  i = 1;
  do :: i < k -> atomic { MAYDIE; assert(IS(P + i, FREE));                                       /* marks: plain stores */
#ifdef R1
                   put(P + i, WRITING, ME, 1);
#else
                   put(P + i, PART, 0, 0);
#endif
                   i++ }
     :: else -> break od;
#endif
  atomic { i = 0; MAYDIE; do :: i < k -> assert(msg[IDX(P) + i] == 0); msg[IDX(P) + i] = base + n + i + 1; i++ :: else -> break od; i = 0 };
#ifdef R1
  do :: i < k -> atomic { MAYDIE; assert(IS(P + i, WRITING) && own[IDX(P + i)] == ME); put(P + i, READY, ME, 1);
                          published[base + n + i + 1] = 1; i++ }
     :: else -> break od;
  i = 0;
#else
  atomic { MAYDIE; assert(IS(P, WRITING) && own[IDX(P)] == ME && cnt[IDX(P)] == k); put(P, READY, ME, k);   /* publish: one store */
           do :: i < k -> published[base + n + i + 1] = 1; i++ :: else -> break od; i = 0 };
#endif
  atomic { MAYDIE; if :: rwait > 0 -> wake_receiver() :: else fi };                              /* kick */
#ifdef WITHDRAW
  if
  :: me == 0 ->
#ifdef R1
     atomic { if :: IS(P + k - 1, READY) -> put(P + k - 1, VOID, 0, 1); msg[IDX(P + k - 1)] = 0; withdrawn[base + n + k] = 1 :: else -> goto kept fi };
#else
     if
     :: k == 1 ->
#ifdef WITHDRAW_FREES
        atomic { if :: IS(P, READY) -> freeslot(IDX(P)); withdrawn[base + n + 1] = 1 :: else -> goto kept fi };
#else
        atomic { if :: IS(P, READY) -> put(P, VOID, 0, 1); msg[IDX(P)] = 0; withdrawn[base + n + 1] = 1 :: else -> goto kept fi };
#endif
     :: else ->
        atomic { if :: IS(P, READY) && cnt[IDX(P)] == k ->
                       put(P, WRITING, ME, k);               /* back into the claim: CAS; from here on as a discard */
                       do :: i < k -> withdrawn[base + n + i + 1] = 1; i++ :: else -> break od; i = 0
                    :: else -> goto kept fi };
#ifdef WITHDRAW_HEAD
        j = 0;
#else
        j = k;
#endif
        do :: j > 1 -> j--; atomic { MAYDIE; assert(IS(P + j, REST)); put(P + j, VOID, 0, 1); msg[IDX(P) + j] = 0 } :: else -> break od;
        j = 0;
        atomic { MAYDIE; assert(IS(P, WRITING) && own[IDX(P)] == ME); put(P, VOID, 0, 1); msg[IDX(P)] = 0 }
     fi;
#endif
     atomic { MAYDIE; if :: rwait > 0 -> wake_receiver() :: else fi };
#ifndef WITHDRAW_NO_SWAKE
     atomic { MAYDIE; if :: swait > 0 -> wake_sender() :: else fi };
#endif
  :: true fi;
kept:
#endif
  atomic { P = P + k; n = n + k; k = 0 };
  goto again;
die:
  repair(ME);
out: doneP[me] = 1
#undef ME
}

proctype Consumer(byte me, B) {
  byte k = 0, c = 0, i = 0, j = 0, w = 0, t = 0, m = 0, l0 = 0, l1 = 0; bit r = 0; byte vo = 0;
#define C cpos[me]
#define ME (NP + me + 1)
again:
  atomic {
    if :: nempty(parked) -> parked?m; deliver(m); m = 0; goto chain :: else fi;
    if
    :: seq[IDX(C)] > C -> C = seq[IDX(C)] - CAP + 1; goto again
    :: IS(C, READING) -> C = C + cnt[IDX(C)]; goto again
#ifdef SPLIT_STEP_N
    :: IS(C, SPLIT) -> C = C + 1 + cnt[IDX(C)]; goto again
#else
    :: IS(C, SPLIT) -> c = cnt[IDX(C)]; goto help
#endif
    :: IS(C, VOID) -> goto void
    :: IS(C, READY) -> c = cnt[IDX(C)]
#ifndef NO_MARK
#ifdef NO_HELP
    :: IS(C, PART) -> goto sleep
#else
#ifdef HEAD_FIRST
    :: IS(C, PART) -> C++; goto again
#else
    :: IS(C, PART) -> assert(false)                          /* never met, except behind a SPLIT, where help comes first */
#endif
#endif
#endif
    :: else -> goto sleep
    fi;
    k = c;
#ifdef R1
    do :: k < B && IDX(C) + k < CAP && IS(C + k, READY) -> k++ :: else -> break od
#endif
#ifdef MULTI
#ifdef MULTI_WITHDRAWABLE
#define STOPBEFORE(p) 0
#else
#define STOPBEFORE(p) (MAYWD && own[IDX(p)] == 1)             /* the word says that its sender may withdraw it */
#endif
    if :: !STOPBEFORE(C) -> do :: k < B && IDX(C) + k < CAP && IS(C + k, READY) && k + cnt[IDX(C + k)] <= B && !STOPBEFORE(C + k) -> k = k + cnt[IDX(C + k)] :: else -> break od :: else fi
#endif
  };
  atomic {                                                   /* take: CAS on the head */
    if :: IS(C, READY) && cnt[IDX(C)] == c ->
#ifdef R1
       put(C, READING, ME, k)
#else
       if :: c <= B -> put(C, READING, ME, k) :: else -> put(C, SPLIT, ME, c - 1); k = 1 fi
#endif
    :: else -> k = 0; c = 0; goto again fi };
#ifdef R1
  j = 1;
  do :: j < k -> atomic { MAYDIE;
#ifdef PLAIN_MARK
                   put(C + j, READING, ME, 1);
#else
                   if :: IS(C + j, READY) -> put(C + j, READING, ME, 1) :: else -> assert(IS(C + j, VOID)); vo = vo | (1 << j) fi;
#endif
                   j++ }
     :: else -> break od;
  j = 0;
#else
#ifndef SPLIT_LATE
  if :: c > k && IS(C, SPLIT) ->
     if :: stops > 0 && rwait == 0 -> stops--; end_stop1: false :: true fi;   /* nobody slept yet: later comers must not depend on us */
     atomic { MAYDIE; if :: IS(C + 1, REST) -> put(C + 1, READY, 0, c - 1) :: else fi }         /* split: CAS, helpers race */
     :: else fi;
#endif
#endif
#ifndef NO_CHAIN
#ifndef CHAIN_LATE
  atomic { MAYDIE; if :: rwait > 0 -> can_take(C + k, r); if :: r -> r = 0; wake_receiver() :: else fi :: else fi };
#endif
#endif
  if :: stops > 0 -> stops--; end_stop2: false :: true fi;
  atomic { MAYDIE; j = 0; do :: j < k -> if :: vo & (1 << j) :: else -> deliver(msg[IDX(C) + j]) fi; j++ :: else -> break od; j = 0 };
#ifdef R1
  do :: j < k -> atomic { MAYDIE;
                   if :: vo & (1 << j) -> if :: IS(C + j, VOID) -> freeslot(IDX(C + j)) :: else fi
                      :: else -> assert(IS(C + j, READING) && own[IDX(C + j)] == ME); freeslot(IDX(C + j)) fi; j++ }
     :: else -> break od;
  j = 0; vo = 0;
#else
#ifdef HEAD_FIRST
  do :: j < k -> atomic { MAYDIE; assert(seq[IDX(C + j)] == C + j); freeslot(IDX(C + j)); j++ } :: else -> break od;
#else
#ifdef ASCENDING
  j = 1;
  do :: j < k -> atomic { MAYDIE; assert(seq[IDX(C + j)] == C + j); freeslot(IDX(C + j)); j++ };
                 if :: stops > 0 -> stops--; end_stop4: false :: true fi
     :: else -> break od;
  j = 1;
#else
  j = k;
  do :: j > 1 -> atomic { MAYDIE; j--; assert(seq[IDX(C + j)] == C + j && (ph[IDX(C + j)] == REST || ph[IDX(C + j)] == READY)); freeslot(IDX(C + j)) };
                 if :: stops > 0 -> stops--; end_stop3: false :: true fi
     :: else -> break od;
#endif
  atomic { MAYDIE; assert((IS(C, READING) || IS(C, SPLIT)) && own[IDX(C)] == ME); freeslot(IDX(C)) };         /* the head last */
#endif
  j = 0;
#ifdef SPLIT_LATE
  if :: c > k -> atomic { MAYDIE; if :: IS(C + 1, REST) -> put(C + 1, READY, 0, c - 1) :: else fi } :: else fi;
#endif
#endif
  atomic { MAYDIE; C = C + k; k = 0; c = 0; if :: swait > 0 -> wake_sender() :: else fi };
#ifndef CHAIN_LATE
  goto again;
#endif
chain:
#ifndef NO_CHAIN
  atomic { if :: rwait > 0 -> can_take(C, r); if :: r -> r = 0; wake_receiver() :: else fi :: else fi };
#endif
  goto again;
help:
#ifndef NO_HELP
  atomic { if :: IS(C + 1, REST) -> put(C + 1, READY, 0, c) :: else fi; C++; c = 0; goto again };
#else
  atomic { C++; c = 0; goto again };
#endif
void:
  atomic { if :: IS(C, VOID) -> freeslot(IDX(C)) :: else -> goto again fi };
  atomic { C++; if :: swait > 0 -> wake_sender() :: else fi; goto again };
sleep:
  atomic { rwait++; rq!me };
  atomic { can_take(C, r);
    if :: r -> r = 0; rwait--; if :: wokenC[me] -> wokenC[me] = 0 :: else -> rq??eval(me) fi; goto again :: else fi };
end_asleep:
  atomic { wokenC[me] -> wokenC[me] = 0; rwait--; goto again };
die:
  vo = 0; c = 0; l0 = 0; l1 = 0;
  repair(ME);
  goneC[me] = 1
}

init {
  byte i = 0, here = 0, t = 0; bit r;
  atomic { do :: i < CAP -> t = START + i; seq[IDX(t)] = t; i++ :: else -> break od;
           t = 0; i = 0;
           ppos[0] = START; ppos[1] = FIRST(1); cpos[0] = START;
           run Producer(0, P0B, 0, P0N); if :: P1N > 0 -> run Producer(1, P1B, P0N, P1N) :: else -> doneP[1] = 1 fi;
#ifdef NO_RECEIVERS
           goneC[0] = 1; goneC[NC-1] = 1
#else
           run Consumer(0, C0B);
           if :: NC > 1 -> cpos[NC-1] = FIRST(1); run Consumer(1, C1B) :: else fi;
           if :: NC > 2 -> cpos[1] = START; run Consumer(2, C1B) :: else fi
#endif
         }
  timeout ->
  atomic { i = 0; do :: i < NC -> if :: !goneC[i] -> here++ :: else fi; i++ :: else -> break od; i = 0;
    here = here - (STOPS - stops);
    if :: here > 0 ->
       i = 1; do :: i <= TOTAL -> if :: published[i] && !withdrawn[i] && stops == STOPS -> assert(got[i] >= 1) :: else fi; i++ :: else -> break od;
       i = 0; do :: i < CAP ->
                 if :: stops == STOPS -> assert(ph[i] == FREE)                         /* nothing left, nothing leaked */
                    :: else ->
#ifndef R1
                       if :: ph[i] == READING -> i = i + cnt[i]; goto next :: else fi; /* what a stopped receiver holds */
#endif
                       assert(ph[i] != READY && ph[i] != VOID);
                       if :: ph[i] == SPLIT -> assert(!IS(seq[i] + 1, REST)) :: else fi
                 fi;
                 i++;
next:            skip
              :: else -> break od;
       assert(empty(parked))
    :: else fi;
    i = 0; do :: i < NP -> if :: !doneP[i] -> can_fill(ppos[i], r); assert(!r) :: else fi; i++ :: else -> break od;
    if :: here > 0 && stops == STOPS -> assert(doneP[0] && doneP[1]) :: else fi }
}
