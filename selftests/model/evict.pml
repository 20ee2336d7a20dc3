/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eviction of a live (stopped, slow) endpoint, of a mapping and of its system calls: what
 * comes first, and who may touch a slot under whose name.
 *
 *   spin -a evict.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m1000000
 *
 * Rules, as of mailbox_map_evict():
 *   order      mark the endpoint (no mapping any more, no claim for one), zap its
 *              mapping and drain its CPUs (the TLB flush), then repair under the lock
 *   two names  the mapping's claims and takes bear a name of their own: the repair
 *              does not see those of read() and write(), and waits for none
 *   in place   a system call claims or takes for the mapping under the lock, unless it
 *              is marked; if it cannot tell its caller, it undoes that, under the lock
 * Taken out by:
 *   REPAIR_FIRST   repair, then zap
 *   REPAIR_FIRST -DCAS_PUBLISH  ... where the victim publishes and releases by compare
 *                  and swap: the payload is not in the word
 *   NO_DRAIN       its last store may still be in a buffer
 *   VIA_KERNEL -DONE_NAME   read() and write() under the mapping's name
 *   IN_PLACE -DNO_MARK      a claim for a mapping that has been repaired
 *   IN_PLACE -DUNDO_UNLOCKED  a repair and an undo of one slot at the same time
 *
 * One slot. The victim holds it from the start, as a sender, or as a receiver (-DVICTIM_C);
 * with IN_PLACE it comes by it. Another sender (2) fills it after it was repaired or released; a
 * receiver (3) takes what is READY or parked. VIA_KERNEL: the victim is inside write() or read().
 */
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define PARKED 9
#define CALL 4						/* the victim's other name */
#ifdef VIA_KERNEL
#ifdef ONE_NAME
#define NAME 1
#else
#define NAME CALL
#endif
#define TOUCH true					/* the kernel's own mapping: no zap reaches it */
#else
#define NAME 1
#define TOUCH !zapped
#endif
byte seq = 0, ph, own, a, b;				/* a, b: the payload's halves, equal in a whole message */
byte whose, departed;				/* the header: whose, and how many died with it */
bit dead = 0, zapped = 0, inkernel = 0, bufv = 0, lock = 0;
byte bph, bseq, got = 0, again = 0;

#define STEP if :: TOUCH -> skip :: else -> goto sigbus fi
inline drain() { if :: bufv -> ph = bph; seq = bseq; own = 0; bufv = 0 :: else fi }
inline finish(f0, q1, f1) {				/* publish or release */
#ifdef CAS_PUBLISH
	if :: seq == 0 && ph == f0 && own == NAME -> seq = q1; ph = f1; own = 0 :: else fi
#else
	assert(seq == 0 && ph == f0 && own == NAME); bufv = 1; bph = f1; bseq = q1
#endif
}
/* What its mapping has claimed is void, what that has taken is parked and counted. */
inline undo(header, n) {
	atomic { n = 0; if :: own == 1 && seq == 0 -> n = ph; header = whose; departed0 = departed :: else fi };
	if
	:: n == WRITING -> atomic { if :: own == 1 && seq == 0 && ph == WRITING -> ph = VOID; own = 0 :: else fi }
	:: n == READING ->
		atomic { whose = header; departed = departed0 + 1 };
		atomic { if :: own == 1 && seq == 0 && ph == READING -> own = PARKED; again++ :: else fi }
	:: else
	fi;
	atomic { n = 0; header = 0; departed0 = 0 }
}
proctype Victim() {
	byte m = 0, header = 0, n = 0, departed0 = 0;
#ifdef IN_PLACE
	atomic {
		!lock;
#ifndef NO_MARK
		if :: dead -> goto sigbus :: else fi;
#endif
#ifdef VICTIM_C
		if :: ph == READY && seq == 0 -> ph = READING; own = 1 :: else -> goto sigbus fi
#else
		if :: ph == FREE && seq == 0 -> ph = WRITING; own = 1; whose = 1 :: else -> goto sigbus fi
#endif
	};
	if
	:: 							/* EFAULT */
#ifndef UNDO_UNLOCKED
		atomic { !lock -> lock = 1 };
		undo(header, n);
		lock = 0;
#else
		undo(header, n);
#endif
		goto sigbus
	:: true
	fi;
#endif
#ifdef VICTIM_C
	atomic { STEP; m = a };
	atomic { STEP; assert(b == m) };
	atomic { STEP; got = got | m; finish(READING, 1, FREE) };
#else
	atomic { STEP; a = 1 };
	atomic { STEP; b = 1 };
	atomic { STEP; finish(WRITING, 0, READY) };
#endif
sigbus:
	atomic { if :: inkernel -> drain() :: else fi; inkernel = 0 }	/* the way out of the kernel: a full barrier */
}
proctype Flush() { end: do :: atomic { bufv -> drain() } od }
inline zap() {
	atomic {
		zapped = 1;
#ifndef NO_DRAIN
		drain()
#endif
	}
}
proctype Kernel() {
	byte header = 0, n = 0, departed0 = 0;
	atomic { !lock; dead = 1 };
#ifndef REPAIR_FIRST
	zap();
#endif
	atomic { !lock -> lock = 1 };
	undo(header, n);
	lock = 0;
#ifdef REPAIR_FIRST
	zap();
#endif
	skip
}
proctype Sender2() {					/* the next message of this slot, position 1 */
end_room:
	atomic { (seq == 1 && ph == FREE) || (seq == 0 && ph == VOID); seq = 1; ph = WRITING; own = 2 };
	atomic { whose = 2; departed = 0 };
	a = 2; b = 2;
	atomic { assert(seq == 1 && ph == WRITING && own == 2); ph = READY; own = 0 }
}
proctype Receiver3() {
	byte s, x;
end_empty:
	do
	:: atomic { ph == READY || (ph == READING && own == PARKED) -> s = seq; ph = READING; own = 3 };
		x = a; assert(x == s + 1); assert(b == x);
		assert(whose == x && departed == (again && x == 1));
		atomic { assert(seq == s && ph == READING && own == 3); seq = s + 1; ph = FREE; own = 0; got = got | x };
		if :: s == 1 -> break :: else fi
	:: atomic { seq == 2 && ph == FREE -> break }
	od
}
init {
	atomic {
		whose = 1;
#ifdef VICTIM_C
		a = 1; b = 1;
#ifdef IN_PLACE
		ph = READY;
#else
		ph = READING; own = NAME;
#endif
#else
#ifdef IN_PLACE
		ph = FREE;
#else
		ph = WRITING; own = NAME;
#endif
#endif
#ifdef VIA_KERNEL
		inkernel = 1;
#endif
		run Victim(); run Flush(); run Kernel(); run Sender2(); run Receiver3()
	};
	timeout ->
#ifdef IN_PLACE
	/* Nothing was claimed: nothing is to be repaired, and Sender2 waits for ever. */
	if :: seq == 0 && ph == FREE && own == 0 -> goto fine :: else fi;
#endif
	assert((got & 2) && seq == 2 && ph == FREE);
#ifdef VICTIM_C
	assert(got == 3);
#endif
fine:	skip
}
