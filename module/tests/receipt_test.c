// SPDX-License-Identifier: GPL-2.0-only
/* Tickets and receipts, beside a small ring. */

#include <linux/kthread.h>
#include <linux/vmalloc.h>

#include "../receipt.c"
#include "test_ring.h"

/* The ring comes first: what works on a ring finds it in test->priv. */
struct office {
	struct mailbox_ring ring;
	struct mailbox_ledger ledger;
	struct mailbox_queue senders;
	atomic64_t shown;
	struct mailbox_receipts r;
};

static const struct mailbox_deadline past = { 1, CLOCK_MONOTONIC };

static int office_init(struct kunit *test)
{
	struct office *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);
	int err;

	if (!o)
		return -ENOMEM;
	err = mailbox_ring_init(&o->ring, MESSAGE_SIZE, CAPACITY, LANES);
	if (err)
		return err;
	mailbox_ledger_init(&o->ledger, &o->ring);
	mailbox_queue_init(&o->senders, &o->shown, NULL);
	mailbox_receipts_init(&o->ledger, &o->r, &o->senders);
	test->priv = o;
	return 0;
}

static void office_exit(struct kunit *test)
{
	struct office *o = test->priv;

	if (!o)
		return;
	mailbox_receipts_close(&o->ledger, &o->r);
	mailbox_ledger_destroy(&o->ledger);
	mailbox_ring_destroy(&o->ring);
}

static struct mailbox_ticket *send_with(struct kunit *test, u64 at, bool sync)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = &o->ring.lane[0];
	struct mailbox_ticket *t = mailbox_ticket_alloc(&o->ledger, &o->r, sync);

	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	claim(test, lane, at);
	mailbox_slot_write(&lane->view, at, 1, 0, SENDER);
	mailbox_ticket_open(&o->ledger, t, 0, at, at + 100);
	mailbox_slot_publish(&lane->view, at, SENDER);
	return t;
}

static int finish(struct office *o, u64 at, u32 outcome)
{
	const struct mailbox_party receiver = { .id = RECEIVER };

	return mailbox_ticket_finish(&o->ledger, 0, at, outcome, 0, &receiver);
}

static int reply(struct office *o, u64 at, void *bytes, u32 length)
{
	const struct mailbox_party receiver = { .id = RECEIVER };

	return mailbox_ticket_reply(&o->ledger, 0, at, &receiver, bytes, length);
}

static void take_one(struct kunit *test, u64 at)
{
	struct office *o = test->priv;
	u64 own = at;

	take_expected(test, &o->ring.lane[0], &own, at);
}

/* The position of the receipt that is read, or an error. */
static s64 read_receipt(struct office *o, const struct mailbox_receipt *wish)
{
	const struct mailbox_receipt_wish at = { &o->ledger, &o->r, wish };
	struct mailbox_ticket *t = mailbox_receipt_take(&at);
	s64 position;

	if (IS_ERR(t))
		return PTR_ERR(t);
	position = t->position;
	mailbox_ticket_free(&o->ledger, t);
	return position;
}

static s64 read_any(struct office *o)
{
	const struct mailbox_receipt any = {};

	return read_receipt(o, &any);
}

static s64 read_that(struct office *o, u64 at)
{
	const struct mailbox_receipt that = { .flags = MAILBOX_RECEIPT_TICKET, .ticket = at };

	return read_receipt(o, &that);
}

/* What its sender is told of a ticket, or an error. */
static int status(struct office *o, u64 at, u32 *reason)
{
	struct mailbox_receipt that = { .flags = MAILBOX_RECEIPT_TICKET, .ticket = at };
	const struct mailbox_receipt_wish wish = { &o->ledger, &o->r, &that };
	int err = mailbox_receipt_status(&wish, &that);

	*reason = that.reason;
	return err ?: (int)that.outcome;
}

static void expect_status(struct kunit *test, u64 at, int expected)
{
	u32 reason;

	KUNIT_EXPECT_EQ(test, status(test->priv, at, &reason), expected);
}

EVERYWHERE(a_ticket_is_open_until_its_message_is_finished)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = lane_at(test, base);

	send_with(test, base, false);
	expect_status(test, base, MAILBOX_QUEUED);
	take_one(test, base);
	expect_status(test, base, MAILBOX_TAKEN);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
	KUNIT_EXPECT_EQ(test, finish(o, base, MAILBOX_RECEIVED), 0);
	mailbox_slot_release(&lane->view, base);
	expect_status(test, base, MAILBOX_RECEIVED);
	KUNIT_EXPECT_EQ(test, read_any(o), base);
	KUNIT_EXPECT_EQ(test, read_that(o, base), -ESTALE);
	expect_status(test, base, -ESTALE);
	KUNIT_EXPECT_EQ(test, finish(o, base, MAILBOX_RECEIVED), -ENOENT);
	KUNIT_EXPECT_EQ(test, o->r.count, 0);
}

static void receipts_come_in_the_order_of_finishing(struct kunit *test)
{
	static const u64 order[] = { 2, 0, 3, 1 };
	struct office *o = test->priv;
	int i;

	for (i = 0; i < 4; i++)
		send_with(test, i, false);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, finish(o, order[i], MAILBOX_ACKED), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, read_any(o), order[i]);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
}

static void one_receipt_is_read_before_others(struct kunit *test)
{
	struct office *o = test->priv;
	int i;

	for (i = 0; i < 3; i++)
		send_with(test, i, false);
	KUNIT_EXPECT_EQ(test, read_that(o, 1), -EAGAIN);
	for (i = 0; i < 2; i++)
		finish(o, i, MAILBOX_RECEIVED);
	KUNIT_EXPECT_EQ(test, read_that(o, 1), 1);
	KUNIT_EXPECT_EQ(test, read_any(o), 0);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
}

static void a_receipt_that_was_not_told_is_in_its_place_again(struct kunit *test)
{
	const struct mailbox_receipt that = { .flags = MAILBOX_RECEIPT_TICKET, .ticket = 1 };
	struct office *o = test->priv;
	const struct mailbox_receipt_wish wish = { &o->ledger, &o->r, &that };
	struct mailbox_ticket *t;
	int i;

	for (i = 0; i < 3; i++) {
		send_with(test, i, false);
		finish(o, i, MAILBOX_RECEIVED);
	}
	t = mailbox_receipt_take(&wish);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t));
	KUNIT_EXPECT_EQ(test, mailbox_ticket_told(&o->ledger, t, -EMSGSIZE), -EMSGSIZE);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, read_any(o), i);
}

static void nobody_has_more_tickets_than_the_limit(struct kunit *test)
{
	struct office *o = test->priv;
	struct mailbox_ticket *t, *next;
	LIST_HEAD(all);
	int i;

	for (i = 0; i < MAILBOX_RECEIPTS_MAX; i++) {
		t = mailbox_ticket_alloc(&o->ledger, &o->r, false);
		if (IS_ERR(t))
			break;
		list_add(&t->node, &all);
	}
	KUNIT_EXPECT_EQ(test, i, MAILBOX_RECEIPTS_MAX);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_ticket_alloc(&o->ledger, &o->r, true),
			    (struct mailbox_ticket *)ERR_PTR(-EAGAIN));
	list_for_each_entry_safe(t, next, &all, node)
		mailbox_ticket_free(&o->ledger, t);
	KUNIT_EXPECT_EQ(test, o->r.count, 0);
}

/* Taking back */

EVERYWHERE(what_nobody_has_is_taken_back)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	struct mailbox_ticket *t = send_with(test, base, true);

	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &past), -ETIMEDOUT);
	EXPECT_WORD(test, lane, base, 0, MAILBOX_PHASE_VOID);
	mailbox_ticket_free(&o->ledger, t);
	KUNIT_EXPECT_EQ(test, finish(o, base, MAILBOX_RECEIVED), -ENOENT);
	KUNIT_EXPECT_EQ(test, o->r.count, 0);
}

static void what_somebody_has_is_not_taken_back(struct kunit *test)
{
	struct office *o = test->priv;
	struct mailbox_ticket *t = send_with(test, 0, true);

	take_one(test, 0);
	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &past), -EINPROGRESS);
	expect_status(test, 0, MAILBOX_TAKEN);
	finish(o, 0, MAILBOX_RECEIVED);
	KUNIT_EXPECT_EQ(test, read_any(o), 0);
}

static void what_left_its_slot_is_not_taken_back(struct kunit *test)
{
	struct office *o = test->priv;
	struct mailbox_ticket *t = send_with(test, 0, true);

	take_one(test, 0);
	mailbox_ticket_keep(&o->ledger, 0, 0, true);
	mailbox_slot_release(&o->ring.lane[0].view, 0);
	mailbox_ticket_keep(&o->ledger, 0, 0, false);
	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &past), -EINPROGRESS);
	expect_status(test, 0, MAILBOX_TAKEN);
}

static void a_synchronous_receipt_is_its_senders_alone(struct kunit *test)
{
	struct office *o = test->priv;
	struct mailbox_ticket *t = send_with(test, 0, true);

	expect_status(test, 0, -ESTALE);
	finish(o, 0, MAILBOX_ACKED);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &past), 0);
	KUNIT_EXPECT_EQ(test, t->outcome, MAILBOX_ACKED);
	mailbox_ticket_free(&o->ledger, t);
}

static int finisher(void *arg)
{
	struct office *o = arg;

	if (mailbox_test_until(mailbox_queue_sleeping(&o->r.queue)))
		finish(o, 0, MAILBOX_RECEIVED);
	while (!kthread_should_stop())
		usleep_range(50, 100);
	return 0;
}

static void who_waits_is_woken(struct kunit *test)
{
	const struct mailbox_deadline soon = {
		ktime_add_ms(ktime_get(), 20000), CLOCK_MONOTONIC,
	};
	struct office *o = test->priv;
	struct mailbox_ticket *t = send_with(test, 0, true);
	struct task_struct *task = kthread_run(finisher, o, "mailbox_test/finisher");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &soon), 0);
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, t->outcome, MAILBOX_RECEIVED);
	mailbox_ticket_free(&o->ledger, t);
}

/* Without the kernel */

EVERYWHERE(a_slot_that_went_on_alone_was_received)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u32 reason;

	send_with(test, base, false);
	put(lane, base, mailbox_word(base + CAPACITY, 0, MAILBOX_PHASE_FREE));
	KUNIT_EXPECT_EQ(test, status(o, base, &reason), MAILBOX_RECEIVED);
	KUNIT_EXPECT_EQ(test, reason, 0);
	KUNIT_EXPECT_EQ(test, finish(o, base, MAILBOX_RECEIVED), -ENOENT);
	KUNIT_EXPECT_EQ(test, read_any(o), base);
}

EVERYWHERE(a_slot_that_went_void_alone_was_lost)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	u32 reason;

	send_with(test, base, false);
	put(lane, base, mailbox_word(base, 0, MAILBOX_PHASE_VOID));
	KUNIT_EXPECT_EQ(test, status(o, base, &reason), MAILBOX_DISCARDED);
	KUNIT_EXPECT_EQ(test, reason, MAILBOX_REASON_LOST);
	KUNIT_EXPECT_EQ(test, read_any(o), base);
}

/* Whatever stands there, and however often it changes: told once, and then no more. */
EVERYWHERE(forged_words_make_one_receipt_at_most)
{
	struct office *o = test->priv;
	struct mailbox_ring_lane *lane = lane_at(test, base);
	int what, i, done = 0;
	u32 reason;

	send_with(test, base, false);
	for (i = 0; i < 64; i++) {
		put(lane, base, BIT_ULL(i) ^ mailbox_word(base, SENDER, MAILBOX_PHASE_READY));
		what = status(o, base, &reason);
		KUNIT_EXPECT_GE(test, what, done ?: (int)MAILBOX_QUEUED);
		KUNIT_EXPECT_LE(test, what, (int)MAILBOX_DISCARDED);
		if (done)
			KUNIT_EXPECT_EQ(test, what, done);
		if (what > (int)MAILBOX_TAKEN)
			done = what;
	}
	KUNIT_EXPECT_NE(test, done, 0);
	KUNIT_EXPECT_EQ(test, read_any(o), base);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
}

/* Ends */

static void a_ticket_outlives_its_sender(struct kunit *test)
{
	struct office *o = test->priv;

	send_with(test, 0, false);
	mailbox_receipts_close(&o->ledger, &o->r);
	KUNIT_EXPECT_EQ(test, reply(o, 0, NULL, 0), -EPIPE);
	KUNIT_EXPECT_EQ(test, finish(o, 0, MAILBOX_RECEIVED), -EPIPE);
	KUNIT_EXPECT_EQ(test, reply(o, 0, NULL, 0), -ENOENT);
}

static void a_reply_to_nobody_changes_nothing(struct kunit *test)
{
	struct office *o = test->priv;
	void *bytes = vmalloc(4 * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	send_with(test, 0, false);
	mailbox_receipts_close(&o->ledger, &o->r);
	KUNIT_EXPECT_EQ(test, reply(o, 0, bytes, 4 * PAGE_SIZE), -EPIPE);
	KUNIT_EXPECT_EQ(test, reply(o, 1, bytes, 4 * PAGE_SIZE), -ENOENT);
	vfree(bytes);
	KUNIT_EXPECT_EQ(test, finish(o, 0, MAILBOX_RECEIVED), -EPIPE);
}

/* The longest that needs no memory of its own, and the shortest that does. */
static void a_reply_is_told_however_long(struct kunit *test)
{
	static const u32 lengths[] = { 0, 1, MAILBOX_REPLY_SHORT, MAILBOX_REPLY_SHORT + 1 };
	struct office *o = test->priv;
	struct mailbox_ticket *t;
	u32 i, length;
	u8 *bytes;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		length = lengths[i];
		bytes = kvmalloc(MAILBOX_REPLY_SHORT + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, bytes);
		memset(bytes, 'a' + i, MAILBOX_REPLY_SHORT + 1);
		t = send_with(test, i, true);
		KUNIT_EXPECT_EQ(test, reply(o, i, bytes, length), 0);
		KUNIT_EXPECT_EQ(test, t->outcome, MAILBOX_REPLIED);
		KUNIT_EXPECT_EQ(test, t->length, length);
		if (length > MAILBOX_REPLY_SHORT) {
			KUNIT_EXPECT_PTR_EQ(test, t->reply, (void *)bytes);
		} else {
			KUNIT_EXPECT_NULL(test, t->reply);
			KUNIT_EXPECT_EQ(test, memcmp(t->brief, bytes, length), 0);
			kvfree(bytes);
		}
		mailbox_ticket_free(&o->ledger, t);
	}
}

static void the_next_ticket_has_the_memory_of_the_last(struct kunit *test)
{
	struct office *o = test->priv;
	struct mailbox_ticket *a = send_with(test, 0, true), *b = send_with(test, 1, true);

	finish(o, 0, MAILBOX_RECEIVED);
	finish(o, 1, MAILBOX_DISCARDED);
	KUNIT_EXPECT_NULL(test, o->r.spare);
	mailbox_ticket_free(&o->ledger, a);
	KUNIT_EXPECT_PTR_EQ(test, o->r.spare, a);
	mailbox_ticket_free(&o->ledger, b);		/* one is kept, no more */
	KUNIT_EXPECT_PTR_EQ(test, o->r.spare, b);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_ticket_alloc(&o->ledger, &o->r, false), b);
	KUNIT_EXPECT_EQ(test, b->outcome, MAILBOX_QUEUED);
	KUNIT_EXPECT_EQ(test, b->receiver.id, 0);
	KUNIT_EXPECT_FALSE(test, b->sync);
	KUNIT_EXPECT_NULL(test, o->r.spare);
	mailbox_ticket_free(&o->ledger, b);
	KUNIT_EXPECT_EQ(test, o->r.count, 0);
}

static void nobody_waits_for_what_cannot_come(struct kunit *test)
{
	struct office *o = test->priv;

	send_with(test, 0, false);
	mailbox_ledger_close(&o->ledger, false);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
	mailbox_ledger_close(&o->ledger, true);
	KUNIT_EXPECT_EQ(test, read_any(o), -EIDRM);
	KUNIT_EXPECT_EQ(test, read_that(o, 0), -EIDRM);
	expect_status(test, 0, MAILBOX_QUEUED);
	take_one(test, 0);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
	mailbox_ticket_keep(&o->ledger, 0, 0, true);
	KUNIT_EXPECT_EQ(test, read_any(o), -EAGAIN);
	mailbox_ticket_keep(&o->ledger, 0, 0, false);
	KUNIT_EXPECT_EQ(test, read_any(o), -EIDRM);
	finish(o, 0, MAILBOX_RECEIVED);
	KUNIT_EXPECT_EQ(test, read_any(o), 0);
	KUNIT_EXPECT_EQ(test, read_any(o), -EIDRM);
}

static void the_ports_end_takes_a_synchronous_send_back(struct kunit *test)
{
	static const struct mailbox_deadline forever = { KTIME_MAX, CLOCK_MONOTONIC };
	struct office *o = test->priv;
	struct mailbox_ticket *t = send_with(test, 0, true);

	mailbox_ledger_close(&o->ledger, false);
	KUNIT_EXPECT_EQ(test, mailbox_ticket_wait(&o->ledger, &o->r, t, &forever), -EIDRM);
	mailbox_ticket_free(&o->ledger, t);
}

static struct kunit_case ticket_cases[] = {
	KUNIT_CASE(a_ticket_is_open_until_its_message_is_finished),
	KUNIT_CASE(receipts_come_in_the_order_of_finishing),
	KUNIT_CASE(one_receipt_is_read_before_others),
	KUNIT_CASE(a_receipt_that_was_not_told_is_in_its_place_again),
	KUNIT_CASE(nobody_has_more_tickets_than_the_limit),
	KUNIT_CASE(what_nobody_has_is_taken_back),
	KUNIT_CASE(what_somebody_has_is_not_taken_back),
	KUNIT_CASE(what_left_its_slot_is_not_taken_back),
	KUNIT_CASE(a_synchronous_receipt_is_its_senders_alone),
	KUNIT_CASE(who_waits_is_woken),
	{}
};

static struct kunit_case ticket_end_cases[] = {
	KUNIT_CASE(a_slot_that_went_on_alone_was_received),
	KUNIT_CASE(a_slot_that_went_void_alone_was_lost),
	KUNIT_CASE(forged_words_make_one_receipt_at_most),
	KUNIT_CASE(a_ticket_outlives_its_sender),
	KUNIT_CASE(a_reply_to_nobody_changes_nothing),
	KUNIT_CASE(a_reply_is_told_however_long),
	KUNIT_CASE(the_next_ticket_has_the_memory_of_the_last),
	KUNIT_CASE(nobody_waits_for_what_cannot_come),
	KUNIT_CASE(the_ports_end_takes_a_synchronous_send_back),
	{}
};

static struct kunit_suite ticket_suite = {
	.name = "mailbox_ticket",
	.init = office_init,
	.exit = office_exit,
	.test_cases = ticket_cases,
};

static struct kunit_suite ticket_end_suite = {
	.name = "mailbox_ticket_end",
	.init = office_init,
	.exit = office_exit,
	.test_cases = ticket_end_cases,
};

kunit_test_suites(&ticket_suite, &ticket_end_suite);
