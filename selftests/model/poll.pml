/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mapped receiver in epoll, producers that publish by a plain store: the one-shot armed flag. x86-TSO store buffers as in wake.pml.
 *
 *   spin -a -DW3 -DET poll.pml && cc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=7000 -o pan pan.c && ./pan -m1000000
 *
 *   -DW2 / -DW3   publisher: store, full barrier, load the flag / store, load the flag (poll() then runs a barrier on all CPUs)
 *   -DET / -DLT   edge or level triggered; an edge-triggered receiver drains until empty, a level-triggered one takes 1 or drains
 *   NPROD producers of K messages, NPOLL receivers with an epoll instance each; STOPS receivers never return from one message
 * The scheme: poll() = on the wait queue; armed = 1; barrier; look; return the answer (armed whatever the answer).
 *   kick() = if armed: armed = 0, THEN wake every entry of the wait queue. Nobody else ever writes the flag.
 *   epoll itself, as in fs/eventpoll.c: an entry on its ready list is taken off and polled at each epoll_wait; put back if LT and ready.
 *   -DLOOK_FIRST   poll() looks before arming and does not arm when ready: right for LT (no kick at all during a drain),
 *                  must fail for ET; poll() can tell by EPOLLET in poll_requested_events()
 *   -DSKIP -DARM_LOCK  no barrier when already armed, arming and its barrier under one lock; SKIP alone must fail with NPROD=2 NPOLL=2 K=2 STOPS=1
 *   -DLIB_DISARM   the library clears the flag when it wakes and arms again (system call) before epoll_wait: fails with NPOLL=2 STOPS=1
 *   -DSHOWN        the flag twice, as in the module: the kernel's own, and one in the mapping, which is all that producers see.
 *                  Arming sets the own one, then the shown; a kick clears the shown one, then the own
 *   broken on purpose (each must fail): NO_IPI (W3), NO_FENCE (W2), CLEAR_AFTER (wake, then clear), LOOK_THEN_ARM,
 *                  EXCL (the kick wakes one sleeping receiver only; with STOPS=1 NPOLL=2), USER_ARM (W3: library arms without a system call)
 * Checked at rest: everything published was taken (with STOPS: nothing left while another receiver sleeps); kicks that did
 * anything never outnumber the calls of poll().
 */
#ifndef NPROD
#define NPROD 1
#endif
#ifndef NPOLL
#define NPOLL 1
#endif
#ifndef K
#define K 3
#endif
#ifndef STOPS
#define STOPS 0
#endif
byte pub = 0, taken = 0;                 /* messages visible in memory / taken */
bit bufv[NPROD];                         /* a publish still in that producer's store buffer */
bit ubuf[NPOLL];                         /* USER_ARM: the library's armed = 1 in its store buffer */
bit armed = 0, armlock = 0;
#ifdef SHOWN
bit shown = 0;
#define SEEN shown
#else
#define SEEN armed
#endif
bit rdl[NPOLL], asleep[NPOLL], gone[NPOLL];
byte arms = 0, kicks = 0, stops = STOPS;

inline drain(x) { if :: bufv[x] -> bufv[x] = 0; pub++ :: else fi }
proctype Flush() {
end: do
  :: atomic { bufv[0] -> drain(0) }
#if NPROD > 1
  :: atomic { bufv[1] -> drain(1) }
#endif
#ifdef USER_ARM
  :: atomic { ubuf[0] -> ubuf[0] = 0; armed = 1 }
#endif
  od
}
inline wakeall() {
  e = 0;
  do :: e < NPOLL -> atomic { rdl[e] = 1; 
#ifdef EXCL
        if :: asleep[e] -> e = NPOLL :: else -> e++ fi
#else
        e++
#endif
        }
     :: else -> break od; e = 0
}
inline barrier_all() {
#ifdef W3
#ifndef NO_IPI
  b = 0; do :: b < NPROD -> atomic { drain(b); b++ } :: else -> break od; b = 0
#else
  skip
#endif
#else
  skip
#endif
}
proctype Producer(byte x) {
  byte n = 0, e = 0; bit k;
  do
  :: n < K ->
     atomic { !bufv[x] -> bufv[x] = 1; n++ };                    /* publish: plain store */
#ifdef W2
#ifndef NO_FENCE
     atomic { drain(x) };
#endif
#endif
     k = SEEN;                                                   /* load the flag */
     if :: k -> k = 0; atomic { drain(x) };                      /* kick: a system call */
#ifdef CLEAR_AFTER
           wakeall(); armed = 0; SEEN = 0; kicks++
#else
#ifdef SHOWN
           shown = 0;
#endif
           atomic { k = armed; armed = 0; kicks = kicks + k };   /* exchange */
           if :: k -> k = 0; wakeall() :: else fi
#endif
        :: else fi
  :: else -> break
  od
}
inline do_poll(r) {                                              /* the kernel's poll() */
  r = 0;
#ifdef LOOK_FIRST
  r = (pub > taken);
#endif
  if :: r :: else ->
#ifdef LOOK_THEN_ARM
  r = (pub > taken);
#endif
#ifdef ARM_LOCK
  atomic { !armlock -> armlock = 1 };
#endif
#ifdef SKIP
  atomic { b = armed; armed = 1; arms = arms + 1 };
  if :: b -> b = 0 :: else -> barrier_all() fi;
#else
  atomic { armed = 1; arms = arms + 1 };
#ifdef SHOWN
  shown = 1;
#endif
  barrier_all();
#endif
#ifdef ARM_LOCK
  armlock = 0;
#endif
#ifndef LOOK_THEN_ARM
  r = (pub > taken)
#else
  skip
#endif
  fi
}
proctype Poller(byte me) {
  byte e = 0, b = 0; bit r = 0;
  do_poll(r); atomic { if :: r -> rdl[me] = 1; r = 0 :: else fi };   /* EPOLL_CTL_ADD */
wait:                                                            /* epoll_wait */
#ifdef LIB_DISARM
  atomic { armed = 1; arms++ }; barrier_all();                   /* an ioctl */
  if :: pub > taken -> goto got :: else fi;
#endif
#ifdef USER_ARM
  ubuf[me] = 1; atomic { if :: ubuf[me] -> ubuf[me] = 0; armed = 1 :: else fi }; arms++;   /* store, mfence: the caller's own buffer only */
  if :: pub > taken -> goto got :: else fi;
#endif
  asleep[me] = 1;
end_wait:
  atomic { rdl[me] -> rdl[me] = 0; asleep[me] = 0 };
#if defined(USER_ARM) || defined(LIB_DISARM)
  r = (pub > taken);                                             /* here only the library arms */
#else
  do_poll(r);
#endif
  if :: !r -> goto wait :: else -> r = 0 fi;
#ifdef LT
  rdl[me] = 1;
#endif
got:
#ifdef LIB_DISARM
  armed = 0;
#endif
  do
  :: atomic { pub > taken -> taken++ };
     if :: stops > 0 -> stops--; gone[me] = 1; goto out :: true fi;
#ifdef LT
     if :: true -> break :: true fi
#endif
  :: !(pub > taken) -> break
  od;
  goto wait;
out: skip
}
init {
  byte i = 0, here = 0;
  atomic { run Flush(); do :: i < NPROD -> run Producer(i); i++ :: else -> break od; i = 0;
           do :: i < NPOLL -> run Poller(i); i++ :: else -> break od; i = 0 }
  timeout ->
  atomic { do :: i < NPOLL -> if :: !gone[i] -> here++ :: else fi; i++ :: else -> break od;
           if :: here > 0 -> assert(pub == NPROD * K); assert(taken == pub) :: else fi;
           assert(kicks <= arms) }
}
