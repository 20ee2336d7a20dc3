// SPDX-License-Identifier: MIT
/*
 * Direct links of <linux/mailbox_ring.h>: the plain stores of a mapped end, beside those
 * of the other end, mapped too or not.
 *
 *	direct_test [SEED]
 *
 * Nobody sleeps here; what a sleeper does is tested in a guest.
 */
#include <linux/mailbox_atomic.h>
#ifdef RELAXED_DIRECT		/* on purpose, to see that a data race would be seen */
#undef MAILBOX_STORE_RELEASE
#define MAILBOX_STORE_RELEASE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#endif
#include "common.h"

static enum mailbox_find free_at(const struct mailbox_lane *lane, __u64 *position)
{
	__u64 word;

	return mailbox_find_free(lane, position, &word);
}

static enum mailbox_find ready_at(const struct mailbox_lane *lane, __u64 *position)
{
	__u64 word;

	return mailbox_find_ready(lane, position, &word);
}

#define IS(lane, position, owner, phase) \
	(mailbox_lane_word(lane, position) == mailbox_word(position, owner, phase))

static void plain_steps_make_the_same_words(void)
{
	struct ring r = ring_make(4, 8, LAP - 2);
	__u64 p;

	for (p = LAP - 2; p < LAP + 10; p++) {
		__u64 at = p;

		CHECK(free_at(&r.lane, &at) == MAILBOX_FIND_SLOT && at == p);
		mailbox_direct_claim(&r.lane, p, SENDER);
		CHECK(IS(&r.other, p, SENDER, WRITING));
		CHECK(ready_at(&r.other, &at) == MAILBOX_FIND_PENDING);
		mailbox_direct_publish(&r.lane, p, SENDER);
		CHECK(IS(&r.other, p, SENDER, READY));
		CHECK(ready_at(&r.other, &at) == MAILBOX_FIND_SLOT && at == p);
		mailbox_direct_take(&r.other, p, RECEIVER);
		CHECK(IS(&r.lane, p, RECEIVER, READING));
		CHECK(ready_at(&r.other, &at) == MAILBOX_FIND_NONE && at == p + 1);
		mailbox_direct_release(&r.other, p);
		CHECK(IS(&r.lane, p + 4, 0, FREE));
	}
	ring_drop(&r);
}

static void one_claims_over_what_the_other_kind_gave_up(void)
{
	struct ring r = ring_make(2, 8, 0);
	__u64 at = 0;

	mailbox_direct_claim(&r.lane, 0, SENDER);
	mailbox_slot_discard(&r.lane, 0);
	CHECK(IS(&r.lane, 0, 0, VOID));
	mailbox_direct_claim(&r.lane, 1, SENDER);
	mailbox_direct_publish(&r.lane, 1, SENDER);
	at = 2;
	CHECK(free_at(&r.lane, &at) == MAILBOX_FIND_SLOT && at == 2);
	mailbox_direct_claim(&r.lane, 2, SENDER);
	mailbox_direct_publish(&r.lane, 2, SENDER);
	at = 0;
	CHECK(ready_at(&r.lane, &at) == MAILBOX_FIND_SLOT && at == 1);
	mailbox_direct_take(&r.lane, 1, RECEIVER);
	mailbox_direct_release(&r.lane, 1);
	CHECK(ready_at(&r.lane, &at) == MAILBOX_FIND_SLOT && at == 2);
	ring_drop(&r);
}

static void what_an_end_leaves_in_its_hands_is_told_apart(void)
{
	struct ring r = ring_make(4, 8, 0);
	__u64 at = 0;

	for (; at < 3; at++) {
		mailbox_direct_claim(&r.lane, at, SENDER);
		mailbox_direct_publish(&r.lane, at, SENDER);
	}
	mailbox_direct_take(&r.lane, 0, RECEIVER);
	mailbox_direct_take(&r.lane, 1, RECEIVER);
	mailbox_direct_release(&r.lane, 1);		/* out of order */
	CHECK(!mailbox_lane_drained(&r.lane));
	at = 4;
	CHECK(free_at(&r.lane, &at) == MAILBOX_FIND_NONE);
	/* As the kernel does for who departs. */
	CHECK(mailbox_slot_replace(&r.lane, 0, mailbox_word(0, RECEIVER, READING),
				   mailbox_word(0, PARKED, READING)));
	at = 0;
	CHECK(ready_at(&r.lane, &at) == MAILBOX_FIND_SLOT && at == 2);
	ring_drop(&r);
}

/* A new end finds its place by the ordinary walk, from any position that is past. */
static void a_new_end_finds_its_place(void)
{
	struct ring r = ring_make(8, 8, 0);
	__u64 random = seed, sent = 0, received = 0;
	int i;

	for (i = 0; i < 20000; i++) {
		__u64 p = below(&random, received + 1), q = p;

		if (sent - received < 8 && below(&random, 2)) {
			CHECK(free_at(&r.lane, &p) == MAILBOX_FIND_SLOT && p == sent);
			mailbox_direct_claim(&r.lane, p, SENDER);
			mailbox_direct_publish(&r.lane, p, SENDER);
			sent++;
		} else if (received < sent) {
			CHECK(ready_at(&r.lane, &q) == MAILBOX_FIND_SLOT && q == received);
			mailbox_direct_take(&r.lane, q, RECEIVER);
			mailbox_direct_release(&r.lane, q);
			received++;
		}
	}
	ring_drop(&r);
}

static void waiters_are_told_as_they_are(void)
{
	struct mailbox_waiters waiters;

	memset(&waiters, 0, sizeof(waiters));
	CHECK(!mailbox_direct_waiting(&waiters));
	waiters.word = MAILBOX_WAITERS_GONE | 1;
	CHECK(mailbox_direct_waiting(&waiters) == (MAILBOX_WAITERS_GONE | 1));
	CHECK(!(MAILBOX_WAITERS_GONE & (MAILBOX_WAITERS_SLEEPERS | MAILBOX_WAITERS_CLOSED)));
}

/* Streams */

struct stream {
	struct ring ring;
	__u64 messages;
	int plain_sender, plain_receiver;
};

static void idle(__u32 *tries)
{
	if (++*tries % 64 == 0)
		sched_yield();
}

/* The payload is written by plain accesses, for the thread sanitizer to watch. */
static void *stream_send(void *arg)
{
	const struct stream *s = (const struct stream *)arg;
	const struct mailbox_lane *lane = &s->ring.lane;
	__u64 p = 0, word, i, j;
	__u32 tries = 0;

	for (i = 0; i < s->messages; i++) {
		__u64 *payload;

		while (mailbox_find_free(lane, &p, &word) != MAILBOX_FIND_SLOT)
			idle(&tries);
		if (s->plain_sender)
			mailbox_direct_claim(lane, p, SENDER);
		else
			CHECK(mailbox_slot_claim(lane, p, word, SENDER));
		payload = (__u64 *)mailbox_slot_write(lane, p, 32, 0, SENDER);
		for (j = 0; j < 4; j++)
			payload[j] = i + j;
		if (s->plain_sender)
			mailbox_direct_publish(lane, p, SENDER);
		else
			mailbox_slot_publish(lane, p, SENDER);
		p++;
	}
	return NULL;
}

static void *stream_receive(void *arg)
{
	const struct stream *s = (const struct stream *)arg;
	const struct mailbox_lane *lane = &s->ring.other;
	__u64 p = 0, word, i, j, tag;
	__u32 tries = 0;
	void *where;

	for (i = 0; i < s->messages; i++) {
		__u64 *payload;

		while (mailbox_find_ready(lane, &p, &word) != MAILBOX_FIND_SLOT)
			idle(&tries);
		if (s->plain_receiver)
			mailbox_direct_take(lane, p, RECEIVER);
		else
			CHECK(mailbox_slot_take(lane, p, word, RECEIVER));
		CHECK((__u32)mailbox_slot_read(lane, p, &tag, &where) == 32);
		payload = (__u64 *)where;
		for (j = 0; j < 4; j++) {
			CHECK(payload[j] == i + j);
			payload[j] = 0;		/* ours until we release it */
		}
		if (s->plain_receiver)
			mailbox_direct_release(lane, p);
		else
			mailbox_slot_release(lane, p);
		p++;
	}
	return NULL;
}

static void run_stream(int plain_sender, int plain_receiver, __u32 capacity)
{
	struct stream s = { ring_make(capacity, 32, 0), MESSAGES, plain_sender, plain_receiver };
	pthread_t sender, receiver;

	s.ring.other = s.ring.lane;	/* where the thread sanitizer sees both */
	CHECK(!pthread_create(&sender, NULL, stream_send, &s));
	CHECK(!pthread_create(&receiver, NULL, stream_receive, &s));
	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	CHECK(mailbox_lane_drained(&s.ring.lane));
}

static void threads_both_mapped(void)
{
	run_stream(1, 1, 64);
}

static void threads_both_mapped_through_two_slots(void)
{
	run_stream(1, 1, 2);
}

static void threads_a_mapped_sender(void)
{
	run_stream(1, 0, 16);
}

static void threads_a_mapped_receiver(void)
{
	run_stream(0, 1, 16);
}

static void processes_both_mapped(void)
{
	struct stream s = { ring_make(16, 32, 0), MESSAGES, 1, 1 };
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		alarm(CASE_SECONDS);
		stream_send(&s);
		_exit(0);
	}
	stream_receive(&s);
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	ring_drop(&s.ring);
}

static const struct ring_case cases[] = {
	CASE(plain_steps_make_the_same_words),
	CASE(one_claims_over_what_the_other_kind_gave_up),
	CASE(what_an_end_leaves_in_its_hands_is_told_apart),
	CASE(a_new_end_finds_its_place),
	CASE(waiters_are_told_as_they_are),
	CASE(threads_both_mapped),
	CASE(threads_both_mapped_through_two_slots),
	CASE(threads_a_mapped_sender),
	CASE(threads_a_mapped_receiver),
	CASE(processes_both_mapped),
};

int main(int argc, char **argv)
{
	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
