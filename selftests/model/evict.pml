/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eviction of a live (stopped, slow) endpoint: zap or repair first, and does a publish by CAS suffice?
 *
 *   spin -a -DZAP_FIRST evict.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m1000000
 *
 *   -DZAP_FIRST      mark the endpoint dead (its faults and system calls fail), zap its mapping and drain its CPUs (the TLB flush), wait
 *                    for its system calls in flight, then repair, then wake.  Must fail: NO_KWAIT (with VIA_KERNEL), NO_DRAIN
 *   -DREPAIR_FIRST   repair, then zap: must fail
 *   -DREPAIR_FIRST -DCAS_PUBLISH   the victim publishes and releases by CAS: must fail too, for the payload is not in the word
 * One slot. The victim (owner 1) holds it from the start, as a producer, or as a receiver (-DVICTIM_C). Another producer (2) fills it
 * after it was repaired or released; a receiver (3) takes what is READY. VIA_KERNEL: the victim is inside write() or read().
 */
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
byte seq = 0, ph, own = 1, a, b, pa = 0, pb = 0;      /* a, b: the payload's halves, equal in a whole message */
bit dead = 0, zapped = 0, inkernel = 0, bufv = 0; byte bph, bseq, got = 0;
#ifdef VIA_KERNEL
#define TOUCH true                                     /* the kernel's own mapping: no zap reaches it */
#else
#define TOUCH !zapped
#endif
#define STEP if :: TOUCH -> skip :: else -> goto sigbus fi
inline drain() { if :: bufv -> ph = bph; seq = bseq; own = 0; bufv = 0 :: else fi }
inline finish(f0, q1, f1) {                            /* publish or release */
#ifdef CAS_PUBLISH
  if :: seq == 0 && ph == f0 && own == 1 -> seq = q1; ph = f1; own = 0 :: else fi
#else
  bufv = 1; bph = f1; bseq = q1
#endif
}
proctype Victim() {
  byte m = 0;
#ifdef VICTIM_C
  atomic { STEP; m = a };
  atomic { STEP; assert(b == m) };
  atomic { STEP; finish(READING, 1, FREE) };
#else
  atomic { STEP; a = 1 };
  atomic { STEP; b = 1 };
  atomic { STEP; finish(WRITING, 0, READY) };
#endif
sigbus:
  atomic { if :: inkernel -> drain() :: else fi; inkernel = 0 }   /* the way out of the kernel: a full barrier */
}
proctype Flush() { end: do :: atomic { bufv -> drain() } od }
inline zap() { atomic { zapped = 1;
#ifndef NO_DRAIN
  drain()
#endif
  } }
inline repair() {
  atomic { if :: own == 1 && seq == 0 && ph == WRITING -> ph = VOID; own = 0
              :: own == 1 && seq == 0 && ph == READING -> pa = a; pb = b; seq = 1; ph = FREE; own = 0
              :: else fi }
}
proctype Kernel() {
  dead = 1;
#ifdef ZAP_FIRST
  zap();
#ifndef NO_KWAIT
  !inkernel;
#endif
  repair()
#else
  repair();
  zap()
#endif
}
proctype Producer2() {                                 /* the next message of this slot, position 1 */
  atomic { (seq == 1 && ph == FREE) || (seq == 0 && ph == VOID); seq = 1; ph = WRITING; own = 2 };
  a = 2; b = 2;
  atomic { assert(seq == 1 && ph == WRITING && own == 2); ph = READY; own = 0 }
}
proctype Receiver3() {
  byte s, x;
  do
  :: atomic { ph == READY -> s = seq; ph = READING; own = 3 };
     x = a; assert(x == s + 1); assert(b == x);
     atomic { assert(seq == s && ph == READING && own == 3); seq = s + 1; ph = FREE; own = 0; got = got | x };
     if :: s == 1 -> break :: else fi
  od
}
init {
  atomic {
#ifdef VICTIM_C
    ph = READING; a = 1; b = 1;
#else
    ph = WRITING;
#endif
#ifdef VIA_KERNEL
    inkernel = 1;
#endif
    run Victim(); run Flush(); run Kernel(); run Producer2(); run Receiver3() };
  timeout -> assert((got & 2) && seq == 2 && ph == FREE && pa == pb)
}
