/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The barrier that a sleeper makes on other CPUs, and a program that is switched
 * in and out meanwhile. x86-TSO: each CPU has a store buffer; a locked instruction
 * drains it, and so does the interrupt.
 *
 *   spin -a fence.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * A program stores a word and then loads the count, on one of two CPUs, and is moved
 * at any time. A sleeper counts itself, reads which CPUs run the program's address
 * space, one bit after the other, interrupts those, and looks at the word.
 *
 *   LAZY   who leaves keeps its bit, and takes it out when an interrupt comes that would
 *          flush an address space which it no longer runs (newer kernels); else it
 *          takes it out as it leaves (6.1)
 *   ALL    no bits: the sleeper interrupts every CPU
 *   broken on purpose, each must fail:
 *          LATE_SET    the bit is set after the program runs
 *          PLAIN_SET   by a plain store
 *          PLAIN_CLEAR a CPU takes its bit out with the program's store in its buffer
 *          PLAIN_COUNT the count is a plain store, without a barrier before the bits
 *                      are read
 *          COUNT_LATE  the bits are read before the count
 *          NO_IPI      the bits are read, and nobody is interrupted
 * Checked: if the program sees nobody, the sleeper sees the word.
 */
byte at = 0;				/* the CPU that the program runs on; 2: none */
bit runs[2], word = 0, count = 0;
bit bword[2], bset[2], bcount = 0;	/* still in a store buffer */
bit stored = 0, loaded = 0, saw = 0, slept = 0, found = 0, inside[2];

inline drain(c) {
	if :: bword[c] -> word = 1; bword[c] = 0 :: else fi;
	if :: bset[c] -> runs[c] = 1; bset[c] = 0 :: else fi
}
proctype Flush() {
end:	do
	:: atomic { bword[0] || bset[0] -> drain(0) }
	:: atomic { bword[1] || bset[1] -> drain(1) }
	:: atomic { bcount -> count = 1; bcount = 0 }
#ifdef LAZY
	:: atomic { runs[0] && at != 0 -> drain(0); runs[0] = 0 }
	:: atomic { runs[1] && at != 1 -> drain(1); runs[1] = 0 }
#endif
	od
}

proctype Program() {
	byte c = 0, moves = 0;
	do
	:: at < 2 && !stored -> atomic { at < 2 -> bword[at] = 1; stored = 1 }
	:: at < 2 && stored && !loaded -> saw = count; loaded = 1; break
	:: at < 2 && moves < 3 ->	/* switched out */
		c = at;
		atomic { at = 2; moves++ };
#if defined(ALL) || defined(LAZY)
		skip
#else
#ifdef PLAIN_CLEAR
		runs[c] = 0
#else
		atomic { drain(c); runs[c] = 0 }
#endif
#endif
	:: at == 2 ->			/* switched in, anywhere */
		if :: c = 0 :: c = 1 fi;
#ifdef ALL
		at = c
#else
#ifdef LATE_SET
		at = c;
		if
		:: !stored -> bword[c] = 1; stored = 1; saw = count; loaded = 1; break
		:: stored && !loaded -> saw = count; loaded = 1; break
		:: true
		fi;
		atomic { drain(c); runs[c] = 1 }
#else
		atomic {			/* interrupts are off */
			if
			:: runs[c]		/* LAZY: not even an atomic */
			:: else ->
#ifdef PLAIN_SET
				bset[c] = 1
#else
				drain(c); runs[c] = 1
#endif
			fi;
			at = c
		}
#endif
#endif
	od
}

proctype Sleeper() {
	bit m[2];
#ifdef ALL
	m[0] = 1; m[1] = 1;
#endif
#ifdef COUNT_LATE
	m[0] = runs[0]; m[1] = runs[1];
#endif
#ifdef PLAIN_COUNT
	bcount = 1;
#else
	count = 1;			/* a locked instruction */
#endif
#ifndef ALL
#ifndef COUNT_LATE
	m[0] = runs[0];
	m[1] = runs[1];
#endif
#endif
#ifndef NO_IPI
	if
	:: m[0] -> atomic { drain(0) }
	:: else
	fi;
	if
	:: m[1] -> atomic { drain(1) }
	:: else
	fi;
#endif
	atomic { if :: bcount -> count = 1; bcount = 0 :: else fi };
	found = word; slept = 1
}

init {
	atomic {
		runs[0] = 1;
		run Flush(); run Program(); run Sleeper()
	}
	timeout -> assert(slept); assert(!loaded || saw || found)
}
