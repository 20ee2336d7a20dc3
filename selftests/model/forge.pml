/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quarantine: somebody who maps the port puts a word into a slot that no rule could
 * have made. Participants are in the kernel.
 *
 *   spin -a forge.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * Once, at any time, in any slot: a sequence that does not belong to the slot, or the
 * right one with a phase that there is not, a FREE with an owner, or a range
 * that goes beyond the end of the array. In slots that nobody has in his hands.
 * What comes of it otherwise:
 *   HELD    the word was somebody's: his next step stands behind those who have
 *           passed the void slot, or in front of those who wait for it
 * That fails: the lane is lost. It was in the hands of whoever may write there.
 *   ANY     any word at all, everywhere: what is checked then is only that nobody
 *           takes a good word for a broken one, and that walks end
 *
 * Rules; next to each the switch that breaks it:
 *   a walk that meets such a word puts VOID(p) there by compare and swap
 *     (AS_NONE: takes it for the end of the lane; AS_FREE: FREE(p)), its call fails,
 *     and who made that call may never come back: so a sender and a receiver are
 *     woken (NO_WAKE, with WHERE_MET NP=2)
 *   p is not where it was met, for that one may be a lap behind, but the last number
 *     that the slot may have had, by what the others say (WHERE_MET: the slot's own
 *     number then is nobody's. NP=2 NC=2 without it is too large)
 *   what is no whole number of laps away is broken (ANY_DISTANCE)
 * Checked: only what was forged is ever replaced; no walk is longer than its bound;
 * a message is received once, in order; at rest nobody sleeps beside a message or a
 * free slot, and all is received but what was overwritten.
 */
#define CAP 2
#ifndef K
#define K 2
#endif
#ifndef NP
#define NP 1
#endif
#ifndef NC
#define NC 1
#endif
#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
#define VOID 4
#define SPLIT 5
#define LIMIT (2 * CAP + 1)

byte seq[CAP], ph[CAP], own[CAP], cnt[CAP], msg[CAP];
bit tainted[CAP];			/* the forged word, or what came of it */
byte rwait = 0, swait = 0;
chan rq = [NC] of {byte};
chan sq = [NP] of {byte};
bit wokenC[NC], wokenP[NP], sleepC[NC], sleepP[NP], goneC[NC], goneP[NP];
byte posC[NC], posP[NP];
bit sent[NP * K], got[NP * K], lost[NP * K];
bit forged = 0;

#define IDX(p) ((p) % CAP)
#define PLAIN(p) (own[IDX(p)] == 0 && cnt[IDX(p)] == 1)
inline put(p, f, o) { seq[IDX(p)] = p; ph[IDX(p)] = f; own[IDX(p)] = o; cnt[IDX(p)] = 1; tainted[IDX(p)] = 0 }
inline wake_receiver() { if :: rq?[_] -> rq?w; wokenC[w] = 1; w = 0 :: else fi }
inline wake_sender() { if :: sq?[_] -> sq?w; wokenP[w] = 1; w = 0 :: else fi }
#ifdef ANY_DISTANCE
#define ASTRAY(p) 0
#else
#define ASTRAY(p) (IDX(seq[IDX(p)]) != IDX(p))
#endif
/* Judgements of one word: 0 step on, 1 the one, 2 nothing, 3 broken; span: how far. */
inline judge_free(p) {
	if
	:: seq[IDX(p)] == p && ph[IDX(p)] == FREE && PLAIN(p) -> v = 1
	:: else ->
		if
		:: ASTRAY(p) || ph[IDX(p)] > SPLIT -> v = 3
		:: else ->
			if
			:: seq[IDX(p)] < p -> if :: seq[IDX(p)] + CAP == p && ph[IDX(p)] == VOID && PLAIN(p) -> v = 1 :: else -> v = 2 fi
			:: seq[IDX(p)] > p -> v = 0; span = seq[IDX(p)] - p - CAP + 1
			:: else -> judge_span(p)
			fi
		fi
	fi
}
inline judge_span(p) {
	v = 0; span = cnt[IDX(p)];
	if
	:: ph[IDX(p)] == SPLIT -> span++
	:: ph[IDX(p)] == VOID -> if :: span > 1 -> v = 3 :: else fi
	:: ph[IDX(p)] == FREE || ph[IDX(p)] > SPLIT -> v = 3
	:: else
	fi;
	if :: span > CAP - IDX(p) -> v = 3 :: else fi
}
inline judge_ready(p) {
	if
	:: seq[IDX(p)] == p ->
		if
		:: ph[IDX(p)] == FREE && PLAIN(p) -> v = 2
		:: else ->
			judge_span(p);
			if
			:: v == 0 && ph[IDX(p)] == READY -> v = 1
			:: v == 0 && ph[IDX(p)] == WRITING -> v = 2
			:: v == 0 && ph[IDX(p)] == SPLIT -> span = 1
			:: else
			fi
		fi
	:: else ->
		if
		:: ASTRAY(p) -> v = 3
		:: else -> if :: seq[IDX(p)] < p -> v = 2 :: else -> v = 0; span = seq[IDX(p)] - p - CAP + 1 fi
		fi
	fi
}
inline walk_free(p) {
	t = p; steps = 0;
	do
	:: steps < LIMIT -> judge_free(t); steps++; if :: v -> break :: else -> t = t + span fi
	:: else -> assert(tainted[0] || tainted[1]); v = 2; break
	od;
	steps = 0; span = 0
}
inline walk_ready(p) {
	t = p; steps = 0;
	do
	:: steps < LIMIT -> judge_ready(t); steps++; if :: v -> break :: else -> t = t + span fi
	:: else -> assert(tainted[0] || tainted[1]); v = 2; break
	od;
	steps = 0; span = 0
}
inline quarantine(p) {
	assert(tainted[IDX(p)]);
#ifdef AS_FREE
	put(p, FREE, 0);
#else
#ifndef WHERE_MET
	/* Behind the highest position that is claimed elsewhere, or next to it. */
	t = 0; m = p;
	do
	:: t < CAP ->
		if
		:: t != IDX(p) && ph[t] != FREE && seq[t] + 1 > m -> m = seq[t] + 1
		:: t != IDX(p) && ph[t] == FREE && seq[t] + 1 > m + CAP -> m = seq[t] + 1 - CAP
		:: else
		fi;
		t++
	:: else -> break
	od;
	t = 0;
	do :: IDX(m) != IDX(p) -> m-- :: else -> break od;
	put(m, VOID, 0); m = 0;
#else
	put(p, VOID, 0);
#endif
#endif
	msg[IDX(p)] = 0;
#ifndef NO_WAKE
	wake_receiver(); wake_sender()
#endif
}

#define pos posP[me]
proctype Sender(byte me) {
	byte n = 0, t = 0, w = 0, v = 0, span = 0, steps = 0, m = 0;
again:
	if :: n == K -> goto out :: else fi;
	atomic {					/* a walk is read only; only its last word counts */
		walk_free(pos);
		pos = t; t = 0;
		if
		:: v == 1 ->
			/* (A) what was FREE or VOID: nothing is lost */
			v = 0; put(pos, WRITING, me + 1); msg[IDX(pos)] = 0
		:: v == 3 ->
			v = 0;
#ifdef AS_NONE
			goto full_up
#else
			quarantine(pos);
			if :: goto again :: n = K; goto again fi	/* its call failed: again, or never */
#endif
		:: else -> v = 0; goto full_up
		fi
	}
	atomic {					/* (B) */
		m = me * K + n; sent[m] = 1; msg[IDX(pos)] = m + 1;
		put(pos, READY, me + 1); m = 0
	}
	atomic { if :: rwait > 0 -> wake_receiver() :: else fi; pos++; n++; goto again };
full_up:
	atomic { swait++; sq!me };
	atomic {
		walk_free(pos);
		t = 0;
#ifdef AS_NONE
		if :: v == 3 -> v = 2 :: else fi;
#endif
		if
		:: v != 2 -> v = 0; swait--; if :: wokenP[me] -> wokenP[me] = 0 :: else -> sq??eval(me) fi; goto again
		:: else -> v = 0; sleepP[me] = 1
		fi
	}
end_full:
	atomic { wokenP[me] -> wokenP[me] = 0; sleepP[me] = 0; swait--; goto again };
out:
	/* Woken, and no use made of it: the next in line may. */
	atomic {
		walk_free(pos);
		t = 0;
		if :: v != 2 && swait > 0 -> wake_sender() :: else fi;
		v = 0; goneP[me] = 1
	}
}
#undef pos

#define pos posC[me]
proctype Receiver(byte me) {
	byte t = 0, w = 0, v = 0, span = 0, steps = 0, m = 0;
again:
	atomic {
		walk_ready(pos);
		pos = t; t = 0;
		if
		:: v == 1 ->
			v = 0; m = msg[IDX(pos)];
			if
			:: cnt[IDX(pos)] > 1 ->		/* only a forged one; the second step of a split at once */
				assert(tainted[IDX(pos)]);
				if :: seq[IDX(pos + 1)] == pos + 1 && ph[IDX(pos + 1)] == FREE && PLAIN(pos + 1) -> ph[IDX(pos + 1)] = READY; cnt[IDX(pos + 1)] = cnt[IDX(pos)] - 1; tainted[IDX(pos + 1)] = 1 :: else fi;
				put(pos, READING, NP + me + 1)
			:: else -> put(pos, READING, NP + me + 1)
			fi
		:: v == 3 ->
			v = 0;
#ifdef AS_NONE
			goto nothing
#else
			quarantine(pos);
			if :: goto again :: goto out fi
#endif
		:: else -> v = 0; goto nothing
		fi
	}
	atomic {					/* the chain */
		if
		:: rwait > 0 ->
			walk_ready(pos + 1); t = 0;
			if :: v == 1 || v == 3 -> wake_receiver() :: else fi;
			v = 0
		:: else
		fi
	}
	atomic {					/* (D) */
#ifndef ANY
		assert(m > 0 && sent[m - 1] && !got[m - 1]);
		if :: (m - 1) % K > 0 && sent[m - 2] -> assert(got[m - 2] || lost[m - 2] || NC > 1) :: else fi;
#endif
		if :: m > 0 -> got[m - 1] = 1 :: else fi;
		msg[IDX(pos)] = 0; m = 0;
		put(pos + CAP, FREE, 0)
	}
	atomic { if :: swait > 0 -> wake_sender() :: else fi; pos++; goto again };
nothing:
	atomic { rwait++; rq!me };
	atomic {
		walk_ready(pos);
		t = 0;
#ifdef AS_NONE
		if :: v == 3 -> v = 2 :: else fi;
#endif
		if
		:: v != 2 -> v = 0; rwait--; if :: wokenC[me] -> wokenC[me] = 0 :: else -> rq??eval(me) fi; goto again
		:: else -> v = 0; sleepC[me] = 1
		fi
	}
end_asleep:
	atomic { wokenC[me] -> wokenC[me] = 0; sleepC[me] = 0; rwait--; goto again };
out:
	atomic {
		walk_ready(pos);
		t = 0;
		if :: (v == 1 || v == 3) && rwait > 0 -> wake_receiver() :: else fi;
		v = 0; goneC[me] = 1
	}
}
#undef pos

proctype Hostile() {
	byte i = 0, s = 0, f = 0, o = 0, c = 1, w = 0;
	if :: i = 0 :: i = 1 fi;
#ifdef ANY
	if :: s = 0 :: s = 1 :: s = 2 :: s = 3 :: s = 4 :: s = 5 :: s = 7 fi;
	if :: f = 0 :: f = 1 :: f = 2 :: f = 3 :: f = 4 :: f = 5 :: f = 6 fi;
	if :: o = 0 :: o = 1 :: o = 3 fi;
	if :: c = 1 :: c = 2 :: c = 3 fi;
#else
	if
	:: s = 255; if :: f = FREE :: f = READY :: f = VOID fi		/* astray; the sequence is chosen below */
	:: f = 6
	:: f = FREE; o = 1
	:: f = READY; c = 3
	:: f = VOID; c = 2
	fi;
#endif
	atomic {
#ifndef ANY
#ifndef HELD
		(ph[i] == FREE || ph[i] == READY || ph[i] == VOID);
#endif
		if
		:: s == 255 -> if :: s = seq[i] + 1 :: s = seq[i] + CAP + 1 :: s = 1 - IDX(seq[i]) fi
		:: else -> s = seq[i]
		fi;
#endif
		if :: msg[i] > 0 && ph[i] == READY -> lost[msg[i] - 1] = 1; msg[i] = 0 :: else fi;
		seq[i] = s; ph[i] = f; own[i] = o; cnt[i] = c; tainted[i] = 1; forged = 1;
		s = 0; f = 0; o = 0; c = 1; i = 0;
		/* An honest event somewhere: a sleeper looks only when told to. */
		if :: rwait > 0 -> wake_receiver() :: else fi;
		if :: swait > 0 -> wake_sender() :: else fi
	}
}

init {
	byte i = 0, here = 0, t = 0, v = 0, span = 0, steps = 0;
	atomic {
		do :: i < CAP -> seq[i] = i; cnt[i] = 1; i++ :: else -> break od;
		i = 0;
		do :: i < NP -> run Sender(i); i++ :: else -> break od;
		i = 0;
		do :: i < NC -> run Receiver(i); i++ :: else -> break od;
		i = 0;
		run Hostile()
	}
	timeout ->
#ifndef ANY
	atomic {
		do
		:: i < NC ->
			if
			:: goneC[i]
			:: else -> here++; walk_ready(posC[i]); assert(v != 1); v = 0
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NP ->
			if
			:: goneP[i]
			:: else -> assert(here == 0); walk_free(posP[i]); assert(v != 1); v = 0
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < NP * K -> assert(here == 0 || !sent[i] || got[i] || lost[i]); i++
		:: else -> break
		od
	}
#else
	skip
#endif
}
