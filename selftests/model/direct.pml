/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A direct link: one producer, one receiver, plain stores only; each end may be killed at any step and opened again.
 * x86-TSO store buffer of one entry per end, drained by a death. No repair at all.
 *
 *   spin -a direct.pml && cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c && ./pan -m1000000
 *
 * A new end finds its position with the ordinary walk from any position known to be past (START here):
 *   producer at L: seq > L: L = seq - CAP + 1; READY(L): L + 1; FREE(L) or READY(L - CAP): here
 *   receiver at L: seq > L: L = seq - CAP + 1; READY(L) or FREE(L): here
 * CRASHP, CRASHC: deaths of the producer, of the receiver. BATCH: messages a receiver reads before it releases them, in order.
 *   broken on purpose (each must fail): START_ZERO_SCAN (new producer takes the smallest FREE number of a scan, other end running),
 *       AHEAD (a new producer walks from a position that is not past yet), RELEASE_OUT_OF_ORDER (BATCH=2, CAP=2), TWO_ENDS (a second
 *       producer is opened while the first still runs), EARLY_READY (READY before the fill)
 * Checked: every published message delivered, in order, at most BATCH of them twice for each death of the receiver; no message
 * delivered that was not wholly written; at rest the ring is empty.
 */
#ifndef CAP
#define CAP 2
#endif
#ifndef K
#define K 5
#endif
#ifndef CRASHP
#define CRASHP 1
#endif
#ifndef CRASHC
#define CRASHC 1
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef START
#define START 0
#endif
#define FREE 0
#define READY 1
#define IDX(p) ((p) % CAP)
#define IS(p, f) (seq[IDX(p)] == (p) && ph[IDX(p)] == (f))
byte seq[CAP]; bit ph[CAP]; byte msg[CAP];
bit bufv[3]; byte bs[3]; byte bq[3]; bit bp[3];
byte sent = 0;                     /* messages whose READY was stored, by whatever process; the next one to send */
byte lastgot = 0; byte dups = 0; byte crashp = CRASHP, crashc = CRASHC; byte producers = 0; bit donep = 0;

inline commit(x) { d_step { seq[bs[x]] = bq[x]; ph[bs[x]] = bp[x]; bufv[x] = 0; bs[x] = 0; bq[x] = 0; bp[x] = 0 } }
inline store(x, p, q1, f1) { bufv[x] = 1; bs[x] = IDX(p); bq[x] = q1; bp[x] = f1 }
inline load(x, p) { if :: bufv[x] && bs[x] == IDX(p) -> q = bq[x]; f = bp[x] :: else -> q = seq[IDX(p)]; f = ph[IDX(p)] fi }
proctype Flush() {
end: do :: atomic { bufv[0] -> commit(0) } :: atomic { bufv[1] -> commit(1) } :: atomic { bufv[2] -> commit(2) } od
}
proctype Producer(byte x) {
  byte L = START, q = 0, f = 0, i = 0;
open:
#ifdef START_ZERO_SCAN
  if :: sent > 0 || crashp < CRASHP ->
     L = 255; i = 0;
     do :: i < CAP -> atomic { load(x, i); if :: f == FREE && q < L -> L = q :: else fi; q = 0; f = 0; i++ } :: else -> break od;
     i = 0; if :: L == 255 -> goto open :: else fi
  :: else fi;
#endif
again:
  if :: sent == K -> goto out :: else fi;
  atomic { load(x, L);
    if :: q > L -> L = q - CAP + 1; q = 0; f = 0; goto again
       :: q == L && f == READY -> L++; q = 0; f = 0; goto again
       :: q == L && f == FREE -> q = 0; f = 0
       :: q < L -> q = 0; f = 0; goto end_sfull fi };
  atomic { if :: crashp > 0 -> crashp--; goto die :: true fi;
#ifdef EARLY_READY
           skip };
#else
           msg[IDX(L)] = 255 };                                            /* fill, half done */
  atomic { if :: crashp > 0 -> crashp--; goto die :: true fi; assert(IS(L, FREE)); msg[IDX(L)] = sent + 1 };
#endif
  atomic { !bufv[x] -> if :: crashp > 0 -> crashp--; goto die :: true fi; store(x, L, L, READY); sent++ };
#ifdef EARLY_READY
  atomic { if :: crashp > 0 -> crashp--; goto die :: true fi; msg[IDX(L)] = sent };
#endif
  L++;
  goto again;
end_sfull:
  if :: crashp > 0 -> crashp--; goto die
     :: atomic { bufv[x] -> commit(x) }; goto again
     :: (seq[IDX(L)] >= L) -> goto again fi;
die:
#ifdef TWO_ENDS
  run Producer(2); goto again;                                             /* the old one was not dead */
#endif
  atomic { if :: bufv[x] -> commit(x) :: else fi; q = 0; f = 0 };          /* exit: everything stored is visible */
#ifdef AHEAD
  L = START + sent + 1; goto open;
#endif
  L = START; goto open;
out: donep = 1
}
proctype Consumer() {
  byte L = START, q = 0, f = 0, n = 0, r = 0;
#define x 1
again:
  atomic { load(x, L);
    if :: q > L -> L = q - CAP + 1; q = 0; f = 0; goto again
       :: q == L && f == READY -> q = 0; f = 0
       :: else -> q = 0; f = 0; goto end_sempty fi };
take:
  atomic { if :: crashc > 0 -> crashc--; goto die :: true fi;
           assert(msg[IDX(L + n)] != 255 && msg[IDX(L + n)] != 0);
           if :: msg[IDX(L + n)] == lastgot + 1 -> lastgot++
              :: else -> assert(msg[IDX(L + n)] <= lastgot && msg[IDX(L + n)] + BATCH > lastgot); dups++;
                 assert(dups <= BATCH * (CRASHC - crashc)) fi;
           n++ };
#if BATCH > 1
  if :: n < BATCH && IS(L + n, READY) -> goto take :: else fi;
#endif
#ifdef RELEASE_OUT_OF_ORDER
  r = n;
  do :: r > 0 -> atomic { !bufv[x] -> if :: crashc > 0 -> crashc--; goto die :: true fi; r--; store(x, L + r, L + r + CAP, FREE) } :: else -> break od;
#else
  do :: r < n -> atomic { !bufv[x] -> if :: crashc > 0 -> crashc--; goto die :: true fi; store(x, L + r, L + r + CAP, FREE); r++ } :: else -> break od;
#endif
  atomic { L = L + n; n = 0; r = 0; goto again };
end_sempty:
  if :: crashc > 0 -> crashc--; goto die
     :: atomic { bufv[x] -> commit(x) }; goto again
     :: (seq[IDX(L)] > L || IS(L, READY)) -> goto again fi;
die:
  atomic { if :: bufv[x] -> commit(x) :: else fi; q = 0; f = 0; n = 0; r = 0 };
  L = START; goto again
}
init {
  byte i = 0, t = 0;
  atomic { do :: i < CAP -> t = START + i; seq[IDX(t)] = t; i++ :: else -> break od;
           run Flush(); run Producer(0); run Consumer() }
  timeout -> assert(lastgot == K)
}
