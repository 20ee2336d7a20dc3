/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hints: a participant that slept while more messages passed than a sequence can
 * tell apart.
 *
 *   spin -a resync.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * A sequence has RANGE values here (2^36 there), and a distance is right up to half
 * of that. One busy pair sends and receives message after message, ROUNDS of them. Two
 * laggards sleep for as long as they like, wake up, walk from where mailbox_lane_start()
 * tells them, take or claim what they find, and sleep again: so their position may
 * be behind by any number of ranges. The receiver who takes every PERIOD-th message moves the
 * hint, some time later. Positions are whole numbers; what a word holds in truth is known
 * beside it.
 *
 *   BY_MAPPING  the busy pair maps the port: it moves the shared hint alone, which the
 *           laggard believes when it is far ahead and its slot agrees
 *   broken on purpose, each must fail:
 *   NO_HINT    a laggard starts at its own position
 *   NEVER      the receiver who should move the hint never does
 *   RANGE=8    with BY_MAPPING: too small for what adds up, from a hint that is just not
 *              looked at (FAR) to the next one (PERIOD)
 *   FORGED     somebody writes any number there, once: one that is whole ranges ahead is
 *              believed. It costs messages of the port of whoever may write there
 * Checked: what a laggard takes or claims is the message, or the slot, of the number that
 * it has for it, whatever happened in between; and at rest, when it has walked once more,
 * it has found what is there.
 * Not here: whoever takes a PERIOD-th message and stops, before it moves the hint, for
 * half a range of others' messages and is the last to move it. Then the hint goes back until
 * the next period, and who sleeps for half a range just then is misled.
 */
#ifndef RANGE
#define RANGE 32
#endif
#ifndef ROUNDS
#define ROUNDS 76
#endif
#define CAP 2
#define PERIOD 4
#define HALF (RANGE / 2)
#define FAR (RANGE / 4)
#define IDX(p) ((p) % CAP)
#define FREE 0
#define BUSY 1
#define READY 2

byte seq[CAP], phase[CAP];
byte truth[CAP];		/* the whole number of what is there, or of the next */
byte khint = 0, hint = 0;
byte next = 0;			/* the busy pair's */
bit forged = 0, done = 0, waiting = 0;
byte misled = 0;

inline put(p, f) { seq[IDX(p)] = (p) % RANGE; phase[IDX(p)] = f; truth[IDX(p)] = p }

/* Signed distance of the word at position p from it: 0 .. HALF - 1, or RANGE - d for behind. */
#define DIST(p) ((seq[IDX(p)] + RANGE - (p) % RANGE) % RANGE)

/* mailbox_lane_start() */
inline start(own) {
	t = own;
#ifndef NO_HINT
	if :: khint > t -> t = khint :: else fi;
	if
	:: hint > t + FAR ->
		if
		:: DIST(hint) < 2 * PERIOD && DIST(hint) < HALF -> t = hint
		:: else
		fi
	:: else
	fi
#endif
}

/* v: 0 nothing there, 1 what was looked for, at t. */
inline walk(want) {
	steps = 0; v = 0;
	do
	:: steps > 2 * CAP -> break
	:: else ->
		steps++; d = DIST(t);
		if
		:: d % CAP -> break
		:: d == 0 && phase[IDX(t)] == want -> v = 1; break
		:: d == 0 && phase[IDX(t)] == FREE -> break
		:: d == 0 -> t++
		:: d >= HALF -> break		/* behind: full, or empty */
		:: else -> t = t + d - CAP + 1
		fi
	od;
	steps = 0; d = 0
}

/* After a take, by whoever it was. */
inline move_hint(p) {
#ifndef NEVER
#ifndef BY_MAPPING
	khint = p;
#endif
	if :: !forged -> hint = p :: else fi
#else
	skip
#endif
}

/* Send, receive, and now and then move the hint. */
proctype Busy() {
	byte t = 0, v = 0, steps = 0, d = 0, moved = 0;
	do
	:: next < ROUNDS ->
		atomic {				/* claim and publish; laggards may have been here */
			t = next; walk(FREE);
			if
			:: v -> put(t, READY); next = t
			:: else -> t = next
			fi
		}
		atomic {
			t = next; walk(READY);
			if
			:: v -> phase[IDX(t)] = BUSY; moved = t
			:: else -> moved = 255; next = t
			fi
		}
		if
		:: moved != 255 && moved % PERIOD == 0 ->
			atomic { move_hint(moved) }
		:: else
		fi;
		atomic {
			if
			:: moved != 255 -> put(moved + CAP, FREE); next = moved + 1
			:: else
			fi
		}
	:: else -> break
	od;
	/* At the end one message is left for whoever looks. */
	atomic { t = next; walk(FREE); if :: v -> put(t, READY) :: else fi; done = 1 }
}

proctype Receiver() {
	byte own = 0, t = 0, v = 0, steps = 0, d = 0, takes = 0;
	bit last;
	do
	:: atomic {
		last = done;
		start(own); walk(READY);
		if
		:: v ->
			assert(truth[IDX(t)] == t);
			if :: t % PERIOD == 0 -> move_hint(t) :: else fi;
			put(t + CAP, FREE); own = t + 1; takes++
		:: else -> if :: t > own -> own = t :: else fi
		fi;
		assert(!last || v || waiting == 0 || takes);
		if :: last || takes == 2 -> break :: else fi
	   }
	od
}

proctype Sender() {
	byte own = 0, t = 0, v = 0, steps = 0, d = 0;
	atomic {					/* once, whenever it wakes up */
		start(own); walk(FREE);
		if
		:: v -> assert(truth[IDX(t)] == t); put(t, READY)
		:: else
		fi
	}
}

#ifdef FORGED
proctype Hostile() {
	atomic { select(hint : 0 .. 120); forged = 1 }
}
#endif

init {
	atomic {
		put(0, FREE); put(1, FREE);
		run Busy(); run Receiver(); run Sender();
#ifdef FORGED
		run Hostile()
#endif
	}
}
