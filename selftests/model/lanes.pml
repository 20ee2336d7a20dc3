/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lanes and masks: whom an event on one lane wakes, and who wakes the next.
 *
 *   spin -a lanes.pml && cc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * A lane is only a number of messages to take (slot.pml has the words), and of
 * those that nobody sees yet because one before them is still being written:
 * each lane gets two messages, in order, or the second first, which then shows
 * with the first at a single event. Receivers take from the highest lane of
 * their mask. The queue is first come first served, but an event passes over
 * those who do not wait for its lane.
 *
 *   MASK0 MASK1 MASK2  receivers' masks   STOPS=n    never return from a message
 *   SET=m   the mask of receiver 1 becomes m at any time, by another thread; everybody is woken
 *   SIGNALS=n  a sleeper leaves for good
 *   broken on purpose, each must fail: NO_CHAIN, CHAIN_LANE (only at the lane taken from) and CHAIN_MASK (only at the
 *           taker's lanes), all with STOPS; WAKE_ANY (the first in the queue, whatever it waits for); NO_PASS (SIGNALS);
 *           with SET: SET_NO_WAKE, NO_MASK_CHECK (the last look does not ask whether the mask it queued with still
 *           holds), NO_MASK_PASS (who was woken for a lane it no longer wants does not hand that on)
 * Checked at rest: nobody sleeps while a lane of its mask has a message.
 */
#ifndef MASK0
#define MASK0 3
#endif
#ifndef MASK1
#define MASK1 1
#endif
#ifndef MASK2
#define MASK2 2
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#define LANES 2
#define NR 3
#define BIT(n) (1 << (n))

byte ready[LANES], behind[LANES];
byte mask[NR], queued[NR];			/* what it waits for; what it queued with */
bit inqueue[NR], asleep[NR], gone[NR];
byte woken[NR];					/* the lanes of the event */
chan queue = [NR] of { byte };			/* order only; inqueue says who is still in */
byte sleepers = 0, stops = STOPS, signals = SIGNALS;

/* The first that waits for one of the lanes. */
inline wake(lanes) {
	d_step {
		i = len(queue); f = 0;
		do
		:: i > 0 ->
			queue?x;
			if
#ifdef WAKE_ANY
			:: !f ->
#else
			:: !f && (queued[x] & (lanes)) ->
#endif
				f = 1; inqueue[x] = 0; sleepers--; woken[x] = lanes
			:: else -> queue!x
			fi;
			i--
		:: else -> break
		od;
		i = 0; f = 0; x = 0
	}
}
inline remove(who) { if :: inqueue[who] -> queue??eval(who); inqueue[who] = 0; sleepers-- :: else fi }

proctype Sender(byte lane) {
	byte i = 0, x = 0;
	bit f = 0;
	if
	:: ready[lane]++; if :: sleepers > 0 -> wake(BIT(lane)) :: else fi;
	   ready[lane]++; if :: sleepers > 0 -> wake(BIT(lane)) :: else fi
	:: behind[lane]++; if :: sleepers > 0 -> wake(BIT(lane)) :: else fi;
	   d_step { ready[lane] = ready[lane] + 1 + behind[lane]; behind[lane] = 0 };
	   if :: sleepers > 0 -> wake(BIT(lane)) :: else fi
	fi
}

proctype Receiver(byte me) {
	byte i = 0, x = 0, lanes = 0, at = 0;
#ifdef SET
	byte m = 0;
#endif
	bit f = 0;
again:
#ifdef SET
	m = mask[me];
#else
#define m mask[me]
#endif
	/* The higher lane, then the lower. */
	atomic { if :: (m & 2) && ready[1] > 0 -> ready[1]--; at = 1; goto have :: else fi };
	atomic { if :: (m & 1) && ready[0] > 0 -> ready[0]--; at = 0; goto have :: else fi };
	/* Queue with the mask as it is now; then (F), look, sleep. */
#ifdef SET
	m = mask[me];
#endif
	atomic { queued[me] = m; woken[me] = 0; inqueue[me] = 1; queue!me; sleepers++ };
	atomic {
		f = 0;
		if
		:: ((mask[me] & 1) && ready[0] > 0) || ((mask[me] & 2) && ready[1] > 0) -> f = 1
		:: else
		fi;
#ifndef NO_MASK_CHECK
		if :: mask[me] != queued[me] -> f = 1 :: else fi;
#endif
		if
		:: f -> f = 0; remove(me); goto awake
		:: else -> asleep[me] = 1
		fi
	}
end_asleep:
	if
	:: atomic { !inqueue[me] -> asleep[me] = 0; goto awake }
#if SIGNALS > 0
	:: atomic { signals > 0 -> signals--; asleep[me] = 0; gone[me] = 1; remove(me); lanes = woken[me]; woken[me] = 0 };
#ifndef NO_PASS
	   if :: lanes -> wake(lanes) :: else fi;
#endif
	   goto out
#endif
	fi;
awake:
	atomic {
		lanes = woken[me]; woken[me] = 0;
#ifdef SET
#ifndef NO_MASK_PASS
		if :: (lanes & ~mask[me]) && sleepers > 0 -> skip :: else -> lanes = 0 fi
#else
		lanes = 0
#endif
#else
		lanes = 0
#endif
	}
	if :: lanes -> wake(lanes); lanes = 0 :: else fi;
	goto again;
have:
#ifndef NO_CHAIN
	if
	:: sleepers > 0 ->
		d_step {
			lanes = (ready[0] > 0) | ((ready[1] > 0) << 1);
#ifdef CHAIN_MASK
			lanes = lanes & mask[me];
#endif
#ifdef CHAIN_LANE
			lanes = lanes & BIT(at);
#endif
		}
		if :: lanes -> wake(lanes) :: else fi;
		lanes = 0
	:: else
	fi;
#endif
	at = 0;
#if STOPS > 0
	if :: atomic { stops > 0 -> stops--; gone[me] = 1; goto out } :: true fi;
#endif
	goto again;
out:	skip
}

#ifdef SET
proctype Setter() {
	byte i = 0, x = 0;
	bit f = 0;
	mask[1] = SET;
#ifndef SET_NO_WAKE
	d_step {
		do
		:: queue?[_] -> queue?x; inqueue[x] = 0; sleepers--; woken[x] = 3
		:: else -> break
		od;
		x = 0
	}
#endif
}
#endif

init {
	byte i = 0;
	atomic {
		mask[0] = MASK0; mask[1] = MASK1; mask[2] = MASK2;
		do :: i < LANES -> run Sender(i); i++ :: else -> break od;
		i = 0;
		do :: i < NR -> if :: mask[i] -> run Receiver(i) :: else -> gone[i] = 1 fi; i++ :: else -> break od;
		i = 0;
#ifdef SET
		run Setter()
#endif
	}
	timeout ->
	atomic {
		do
		:: i < NR ->
			assert(gone[i] || !(mask[i] & 1) || ready[0] == 0);
			assert(gone[i] || !(mask[i] & 2) || ready[1] == 0);
			i++
		:: else -> break
		od
	}
}
