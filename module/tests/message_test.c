// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between endpoints of one port: lanes, lengths, waiting, the end of
 * the port, and what becomes of a message that cannot be stored.
 */

#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uio.h>

#include "notrace.h"
#include "../message.c"
#include "../send.c"
#include "../receive.c"
#include "../finish.c"
#include "test.h"

#define CAPACITY	4
#define MESSAGE_SIZE	200
#define LANES		3
#define THREADS		3

/* A call in a thread of its own. */
struct caller {
	struct task_struct *task;
	struct mailbox_endpoint *ep;
	bool send;
	u64 value;
	bool done;
	ssize_t result;
};

struct desk {
	struct mailbox_port *port;
	struct mailbox_endpoint *sender;
	struct mailbox_endpoint *receiver;
	struct mailbox_endpoint *other;
	struct caller callers[THREADS];
};

/* read(2) and write(2), of kernel memory, by an endpoint whose file is nothing but this. */
static ssize_t call(struct mailbox_endpoint *ep, bool send, void *data, size_t size,
		    unsigned int flags)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	struct kvec vec = { .iov_base = data, .iov_len = size };
	struct kiocb iocb = { .ki_filp = file };
	struct iov_iter iter;
	ssize_t ret;

	if (!file)
		return -ENOMEM;
	file->private_data = ep;
	file->f_flags = flags;
	iov_iter_kvec(&iter, send ? WRITE : READ, &vec, 1, size);
	ret = send ? mailbox_send_write_iter(&iocb, &iter) :
		     mailbox_receive_read_iter(&iocb, &iter);
	kfree(file);
	return ret;
}

/* All messages here are one number, in as many bytes as there are to it. */
static ssize_t send_bytes(struct mailbox_endpoint *ep, u32 lane, u64 value, size_t size)
{
	u8 data[MESSAGE_SIZE + 1];

	memset(data, value, sizeof(data));
	ep->default_lane = lane;
	return call(ep, true, data, size, O_NONBLOCK);
}

static ssize_t send(struct mailbox_endpoint *ep, u32 lane, u8 value)
{
	return send_bytes(ep, lane, value, 1);
}

/* The number received, or an error. */
static ssize_t receive(struct mailbox_endpoint *ep)
{
	u8 value = 0;
	ssize_t ret = call(ep, false, &value, sizeof(value), O_NONBLOCK);

	return ret == sizeof(value) ? value : ret;
}

static struct mailbox_ring_stats stats(struct desk *desk)
{
	struct mailbox_ring_stats stats;

	mailbox_ring_stats(&desk->port->ring, ~0U, NULL, &stats);
	return stats;
}

/* What delete does to a port without a name. */
static void end(struct desk *desk, bool purge)
{
	struct mailbox_port *port = desk->port;

	mailbox_queue_close(&port->receivers);
	mailbox_queue_close(&port->senders);
	WRITE_ONCE(port->deleted, true);
	smp_mb();	/* as in mailbox_port_delete() */
	if (purge)
		mailbox_ring_purge(&port->ring, NULL, NULL);
	mailbox_port_wake_receivers(port, MAILBOX_ALL_LANES);
}

/* Lanes */

static void the_highest_lane_is_received_first(struct kunit *test)
{
	struct desk *desk = test->priv;

	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, 10), 1);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 2, 12), 1);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 1, 11), 1);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 2, 22), 1);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 12);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 22);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 11);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 10);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EAGAIN);
}

static void only_the_lanes_of_the_mask_are_received(struct kunit *test)
{
	struct desk *desk = test->priv;

	send(desk->sender, 0, 10);
	send(desk->sender, 1, 11);
	send(desk->sender, 2, 12);
	desk->receiver->receive_mask = BIT(1);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 11);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EAGAIN);
	desk->receiver->receive_mask = BIT(0);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 10);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EAGAIN);
	KUNIT_EXPECT_EQ(test, receive(desk->other), 12);
}

static void only_the_lanes_of_the_mask_are_looked_at(struct kunit *test)
{
	struct desk *desk = test->priv;

	desk->receiver->receive_mask = BIT(0) | BIT(2);
	send(desk->sender, 1, 11);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->other), 0);
	send(desk->sender, 2, 12);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), 0);
}

static void a_full_lane_leaves_the_others_free(struct kunit *test)
{
	struct desk *desk = test->priv;
	int i;

	for (i = 0; i < CAPACITY; i++)
		KUNIT_EXPECT_EQ(test, send(desk->sender, 1, i), 1);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 1, i), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_sendable(desk->sender), -EAGAIN);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, i), 1);
	KUNIT_EXPECT_EQ(test, mailbox_sendable(desk->sender), 0);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 0);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 1, i), 1);
}

static void a_lane_that_waits_for_a_writer_holds_up_no_other(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[2];
	u64 own = 0, position;

	KUNIT_EXPECT_EQ(test, mailbox_ring_claim(&desk->port->ring, lane, &own, desk->other->id,
						 &position), 0);
	send(desk->sender, 2, 12);
	send(desk->sender, 0, 10);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 10);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EAGAIN);
	mailbox_ring_discard(&desk->port->ring, lane, position);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 12);
}

/* Lengths */

static void a_message_that_is_too_long_stops_the_receive_and_stays(struct kunit *test)
{
	struct desk *desk = test->priv;
	u8 data[2];

	KUNIT_EXPECT_EQ(test, send_bytes(desk->sender, 2, 12, 2), 2);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, 10), 1);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, call(desk->receiver, false, data, 2, O_NONBLOCK), 2);
	KUNIT_EXPECT_EQ(test, data[1], 12);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 10);
}

static void a_write_has_1_byte_to_message_size(struct kunit *test)
{
	struct desk *desk = test->priv;

	KUNIT_EXPECT_EQ(test, send_bytes(desk->sender, 0, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, send_bytes(desk->sender, 0, 1, MESSAGE_SIZE + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, stats(desk).sent, 0);
	KUNIT_EXPECT_EQ(test, send_bytes(desk->sender, 0, 1, MESSAGE_SIZE), MESSAGE_SIZE);
	KUNIT_EXPECT_EQ(test, stats(desk).sent, 1);
}

/* Faults. No user memory is in reach of a case, so that every address of it is bad. */

static ssize_t call_with_bad_address(struct mailbox_endpoint *ep, bool send, size_t size)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	struct kiocb iocb = { .ki_filp = file };
	struct iov_iter iter;
	ssize_t ret;

	if (!file)
		return -ENOMEM;
	file->private_data = ep;
	iov_iter_ubuf(&iter, send ? WRITE : READ, (void __user *)PAGE_SIZE, size);
	ret = send ? mailbox_send_write_iter(&iocb, &iter) :
		     mailbox_receive_read_iter(&iocb, &iter);
	kfree(file);
	return ret;
}

/* Short ones go word by word, long ones by a copy. */
static const size_t fault_sizes[] = { 1, 8, 64, 65, MESSAGE_SIZE };

static void a_message_that_cannot_be_stored_stays_for_the_next(struct kunit *test)
{
	struct desk *desk = test->priv;
	u8 data[MESSAGE_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++) {
		size_t size = fault_sizes[i];

		KUNIT_EXPECT_EQ(test, send_bytes(desk->sender, 0, i, size), size);
		KUNIT_EXPECT_EQ(test, call_with_bad_address(desk->receiver, false, size), -EFAULT);
		KUNIT_EXPECT_EQ(test, stats(desk).depth, 1);
		KUNIT_EXPECT_EQ(test, stats(desk).redelivered, i + 1);
		KUNIT_EXPECT_EQ(test, stats(desk).received, i);
		KUNIT_EXPECT_EQ(test, call(desk->other, false, data, size, O_NONBLOCK), size);
		KUNIT_EXPECT_EQ(test, data[size - 1], i);
	}
}

static void a_message_that_cannot_be_stored_keeps_its_turn(struct kunit *test)
{
	struct desk *desk = test->priv;

	send(desk->sender, 0, 1);
	send(desk->sender, 0, 2);
	KUNIT_EXPECT_EQ(test, call_with_bad_address(desk->receiver, false, 1), -EFAULT);
	send(desk->sender, 0, 3);
	KUNIT_EXPECT_EQ(test, receive(desk->other), 1);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 2);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 3);
}

static void a_message_that_cannot_be_fetched_is_not_sent(struct kunit *test)
{
	struct desk *desk = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(fault_sizes); i++)
		KUNIT_EXPECT_EQ(test, call_with_bad_address(desk->sender, true, fault_sizes[i]),
				-EFAULT);
	KUNIT_EXPECT_EQ(test, stats(desk).sent, 0);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EAGAIN);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, 7), 1);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 7);
}

/* Waiting */

static int caller_thread(void *arg)
{
	struct caller *caller = arg;
	u8 value = caller->value;

	allow_signal(SIGTERM);
	caller->result = call(caller->ep, caller->send, &value, sizeof(value), 0);
	caller->value = value;
	smp_store_release(&caller->done, true);	/* after the result: see done() */
	return 0;
}

static bool done(struct caller *caller)
{
	return smp_load_acquire(&caller->done);	/* before the result */
}

/* Start a call, and see it asleep. */
static struct caller *start(struct kunit *test, int n, struct mailbox_endpoint *ep, bool send,
			    u8 value)
{
	struct mailbox_queue *q = send ? &ep->port->senders : &ep->port->receivers;
	struct desk *desk = test->priv;
	struct caller *caller = &desk->callers[n];
	u32 before = mailbox_queue_sleeping(q);
	struct task_struct *task;

	caller->ep = ep;
	caller->send = send;
	caller->value = value;
	task = kthread_create(caller_thread, caller, "mailbox_test/%d", n);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	caller->task = get_task_struct(task);
	wake_up_process(task);
	/* Counted, and past its last look. */
	KUNIT_ASSERT_TRUE(test, mailbox_test_until(mailbox_queue_sleeping(q) == before + 1 &&
						   !READ_ONCE(task->on_rq)));
	return caller;
}

static void expect_result(struct kunit *test, struct caller *caller, ssize_t expected)
{
	KUNIT_EXPECT_TRUE(test, mailbox_test_until(done(caller)));
	KUNIT_EXPECT_EQ(test, caller->result, expected);
}

static void a_receiver_sleeps_until_a_message_comes(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct caller *caller = start(test, 0, desk->receiver, false, 0);

	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, 7), 1);
	expect_result(test, caller, 1);
	KUNIT_EXPECT_EQ(test, caller->value, 7);
}

static void a_receiver_sleeps_through_messages_on_other_lanes(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct caller *caller;

	desk->receiver->receive_mask = BIT(1);
	caller = start(test, 0, desk->receiver, false, 0);
	send(desk->sender, 0, 10);
	send(desk->sender, 2, 12);
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&desk->port->receivers), 1);
	send(desk->sender, 1, 11);
	expect_result(test, caller, 1);
	KUNIT_EXPECT_EQ(test, caller->value, 11);
}

static void fill(struct kunit *test, u32 lane)
{
	struct desk *desk = test->priv;
	int i;

	for (i = 0; i < CAPACITY; i++)
		KUNIT_EXPECT_EQ(test, send(desk->sender, lane, i), 1);
}

static void a_sender_sleeps_until_a_slot_is_free(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct caller *caller;
	int i;

	fill(test, 0);
	caller = start(test, 0, desk->sender, true, CAPACITY);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 0);
	expect_result(test, caller, 1);
	for (i = 1; i <= CAPACITY; i++)
		KUNIT_EXPECT_EQ(test, receive(desk->receiver), i);
}

static void one_message_wakes_one_receiver(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct caller *first = start(test, 0, desk->receiver, false, 0);
	struct caller *second = start(test, 1, desk->other, false, 0);

	send(desk->sender, 0, 7);
	expect_result(test, first, 1);
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&desk->port->receivers), 1);
	send(desk->sender, 0, 8);
	expect_result(test, second, 1);
	KUNIT_EXPECT_EQ(test, second->value, 8);
}

static void a_receiver_wakes_the_next_if_there_is_more(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[1];
	struct caller *first = start(test, 0, desk->receiver, false, 0);
	struct caller *second = start(test, 1, desk->other, false, 0);
	u64 own = 0, position;
	int i;

	/* Two messages, and one event for both. */
	for (i = 0; i < 2; i++) {
		mailbox_ring_claim(&desk->port->ring, lane, &own, desk->sender->id, &position);
		mailbox_slot_write(&lane->view, position, 1, 0, desk->sender->id);
		mailbox_slot_publish(&lane->view, position, desk->sender->id);
	}
	mailbox_port_wake_receivers(desk->port, BIT(1));
	expect_result(test, first, 1);
	expect_result(test, second, 1);
}

static void a_sender_wakes_the_next_if_there_is_more_room(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring *ring = &desk->port->ring;
	struct caller *first, *second;
	struct mailbox_taken t;
	int i;

	fill(test, 0);
	first = start(test, 0, desk->sender, true, 0);
	second = start(test, 1, desk->other, true, 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, mailbox_ring_take(ring, &ring->lane[0],
							&desk->receiver->position[0].receive, 3,
							SIZE_MAX, &t), 0);
		mailbox_slot_release(&ring->lane[0].view, t.position);
	}
	mailbox_port_wake_senders(desk->port, BIT(0));
	expect_result(test, first, 1);
	expect_result(test, second, 1);
}

static void a_signal_ends_a_receive_and_takes_nothing(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct caller *caller = start(test, 0, desk->receiver, false, 0);

	send_sig(SIGTERM, caller->task, 1);
	expect_result(test, caller, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, mailbox_queue_sleeping(&desk->port->receivers), 0);
	send(desk->sender, 0, 7);
	KUNIT_EXPECT_EQ(test, receive(desk->other), 7);
}

static void a_slot_that_is_given_up_wakes_a_sender(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[0];
	u64 own = 0, position;
	struct caller *caller;
	int i;

	mailbox_ring_claim(&desk->port->ring, lane, &own, desk->other->id, &position);
	for (i = 1; i < CAPACITY; i++)
		send(desk->sender, 0, i);
	caller = start(test, 0, desk->sender, true, CAPACITY);
	mailbox_undo_claim(desk->other, 0, position, NULL);
	expect_result(test, caller, 1);
}

static void a_slot_that_is_given_up_wakes_a_receiver_for_what_is_behind(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[0];
	u64 own = 0, position;
	struct caller *caller;

	mailbox_ring_claim(&desk->port->ring, lane, &own, desk->other->id, &position);
	send(desk->sender, 0, 7);
	caller = start(test, 0, desk->receiver, false, 0);
	mailbox_undo_claim(desk->other, 0, position, NULL);
	expect_result(test, caller, 1);
	KUNIT_EXPECT_EQ(test, caller->value, 7);
}

/* The end of the port */

static void after_the_end_nothing_is_sent_and_what_is_left_is_received(struct kunit *test)
{
	struct desk *desk = test->priv;

	send(desk->sender, 0, 7);
	send(desk->sender, 1, 8);
	end(desk, false);
	KUNIT_EXPECT_EQ(test, send(desk->sender, 0, 9), -EIDRM);
	KUNIT_EXPECT_EQ(test, mailbox_sendable(desk->sender), -EIDRM);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), 0);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 8);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), 7);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EIDRM);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EIDRM);
	KUNIT_EXPECT_EQ(test, stats(desk).sent, 2);
}

static void after_a_purge_nothing_is_left(struct kunit *test)
{
	struct desk *desk = test->priv;

	send(desk->sender, 0, 7);
	send(desk->sender, 1, 8);
	end(desk, true);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EIDRM);
	KUNIT_EXPECT_EQ(test, stats(desk).dropped, 2);
}

static void the_end_is_told_by_the_lanes_of_the_mask(struct kunit *test)
{
	struct desk *desk = test->priv;

	send(desk->sender, 0, 7);
	end(desk, false);
	desk->receiver->receive_mask = BIT(1) | BIT(2);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EIDRM);
	KUNIT_EXPECT_EQ(test, receive(desk->other), 7);
}

static void the_end_wakes_who_sleeps_for_nothing(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[0];
	struct caller *one, *two, *sender;
	u64 own = 0, position;
	int i;

	one = start(test, 0, desk->receiver, false, 0);
	two = start(test, 1, desk->other, false, 0);
	/* Full for the sender, and nothing for the receivers. */
	for (i = 0; i < CAPACITY; i++)
		mailbox_ring_claim(&desk->port->ring, lane, &own, desk->other->id, &position);
	sender = start(test, 2, desk->sender, true, 0);
	for (i = 0; i < CAPACITY; i++)
		mailbox_ring_discard(&desk->port->ring, lane, i);
	end(desk, false);
	expect_result(test, one, -EIDRM);
	expect_result(test, two, -EIDRM);
	expect_result(test, sender, -EIDRM);
}

static void the_end_waits_for_a_message_in_others_hands(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring *ring = &desk->port->ring;
	struct mailbox_ring_lane *lane = &ring->lane[0];
	struct caller *caller;
	struct mailbox_taken t;
	u64 own = 0;

	send(desk->sender, 0, 7);
	mailbox_ring_take(ring, lane, &own, desk->other->id, SIZE_MAX, &t);
	caller = start(test, 0, desk->receiver, false, 0);
	end(desk, false);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, done(caller));
	/* It could not be stored: somebody else's, then. */
	mailbox_ring_park(lane, t.position);
	mailbox_port_wake_receivers(desk->port, BIT(0));
	expect_result(test, caller, 1);
	KUNIT_EXPECT_EQ(test, caller->value, 7);
	KUNIT_EXPECT_EQ(test, receive(desk->receiver), -EIDRM);
}

static void the_end_waits_for_a_message_being_written(struct kunit *test)
{
	struct desk *desk = test->priv;
	struct mailbox_ring_lane *lane = &desk->port->ring.lane[0];
	u64 own = 0, position;

	mailbox_ring_claim(&desk->port->ring, lane, &own, desk->other->id, &position);
	end(desk, false);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EAGAIN);
	mailbox_undo_claim(desk->other, 0, position, NULL);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(desk->receiver), -EIDRM);
}

/* Deadlines as the interface has them */

static void deadlines_are_read_as_the_interface_says(struct kunit *test)
{
	struct mailbox_message m = { .deadline = 12345 };
	const struct mailbox_deadline *got;
	struct mailbox_deadline deadline;
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	got = mailbox_message_deadline(file, &m, &deadline);
	KUNIT_ASSERT_PTR_EQ(test, got, &deadline);
	KUNIT_EXPECT_EQ(test, got->at, 12345);
	KUNIT_EXPECT_EQ(test, got->clock, CLOCK_MONOTONIC);
	m.flags = MAILBOX_SEND_REALTIME;
	mailbox_message_deadline(file, &m, &deadline);
	KUNIT_EXPECT_EQ(test, deadline.clock, CLOCK_REALTIME);
	m.deadline = MAILBOX_FOREVER;
	mailbox_message_deadline(file, &m, &deadline);
	KUNIT_EXPECT_EQ(test, deadline.at, KTIME_MAX);
	m.deadline = (u64)KTIME_MAX + 1;
	mailbox_message_deadline(file, &m, &deadline);
	KUNIT_EXPECT_EQ(test, deadline.at, KTIME_MAX);
	file->f_flags = O_NONBLOCK;
	KUNIT_EXPECT_NULL(test, mailbox_message_deadline(file, &m, &deadline));
	file->f_flags = 0;
	m.deadline = MAILBOX_NO_WAIT;
	KUNIT_EXPECT_NULL(test, mailbox_message_deadline(file, &m, &deadline));
}

static void nowait_of_the_call_is_as_good_as_nonblock_of_the_file(struct kunit *test)
{
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	struct kiocb iocb = { .ki_filp = file };

	KUNIT_ASSERT_NOT_NULL(test, file);
	KUNIT_EXPECT_NOT_NULL(test, mailbox_iocb_deadline(&iocb));
	iocb.ki_flags = IOCB_NOWAIT;
	KUNIT_EXPECT_NULL(test, mailbox_iocb_deadline(&iocb));
	iocb.ki_flags = 0;
	file->f_flags = O_NONBLOCK;
	KUNIT_EXPECT_NULL(test, mailbox_iocb_deadline(&iocb));
}

static struct kunit_case message_cases[] = {
	KUNIT_CASE(the_highest_lane_is_received_first),
	KUNIT_CASE(only_the_lanes_of_the_mask_are_received),
	KUNIT_CASE(only_the_lanes_of_the_mask_are_looked_at),
	KUNIT_CASE(a_full_lane_leaves_the_others_free),
	KUNIT_CASE(a_lane_that_waits_for_a_writer_holds_up_no_other),
	KUNIT_CASE(a_message_that_is_too_long_stops_the_receive_and_stays),
	KUNIT_CASE(a_write_has_1_byte_to_message_size),
	KUNIT_CASE(a_message_that_cannot_be_stored_stays_for_the_next),
	KUNIT_CASE(a_message_that_cannot_be_stored_keeps_its_turn),
	KUNIT_CASE(a_message_that_cannot_be_fetched_is_not_sent),
	KUNIT_CASE(a_receiver_sleeps_until_a_message_comes),
	KUNIT_CASE(a_receiver_sleeps_through_messages_on_other_lanes),
	KUNIT_CASE(a_sender_sleeps_until_a_slot_is_free),
	KUNIT_CASE(one_message_wakes_one_receiver),
	KUNIT_CASE(a_receiver_wakes_the_next_if_there_is_more),
	KUNIT_CASE(a_sender_wakes_the_next_if_there_is_more_room),
	KUNIT_CASE(a_signal_ends_a_receive_and_takes_nothing),
	KUNIT_CASE(a_slot_that_is_given_up_wakes_a_sender),
	KUNIT_CASE(a_slot_that_is_given_up_wakes_a_receiver_for_what_is_behind),
	KUNIT_CASE(after_the_end_nothing_is_sent_and_what_is_left_is_received),
	KUNIT_CASE(after_a_purge_nothing_is_left),
	KUNIT_CASE(the_end_is_told_by_the_lanes_of_the_mask),
	KUNIT_CASE(the_end_wakes_who_sleeps_for_nothing),
	KUNIT_CASE(the_end_waits_for_a_message_in_others_hands),
	KUNIT_CASE(the_end_waits_for_a_message_being_written),
	KUNIT_CASE(deadlines_are_read_as_the_interface_says),
	KUNIT_CASE(nowait_of_the_call_is_as_good_as_nonblock_of_the_file),
	{}
};

static int desk_init(struct kunit *test)
{
	struct mailbox_create attr = {
		.message_size = MESSAGE_SIZE, .capacity = CAPACITY, .lanes = LANES,
	};
	struct desk *desk = kunit_kzalloc(test, sizeof(*desk), GFP_KERNEL);

	if (!desk)
		return -ENOMEM;
	desk->port = mailbox_port_alloc(&attr, GLOBAL_ROOT_UID, GLOBAL_ROOT_GID);
	if (IS_ERR(desk->port))
		return PTR_ERR(desk->port);
	test->priv = desk;
	desk->sender = mailbox_port_join(desk->port, O_RDWR);
	desk->receiver = mailbox_port_join(desk->port, O_RDWR);
	desk->other = mailbox_port_join(desk->port, O_RDWR);
	if (IS_ERR(desk->sender) || IS_ERR(desk->receiver) || IS_ERR(desk->other))
		return -ENOMEM;
	return 0;
}

static void desk_leave(struct mailbox_endpoint *ep)
{
	if (!IS_ERR_OR_NULL(ep))
		mailbox_port_leave(ep);
}

/* A signal ends every call that a failed case has left asleep. */
static void desk_exit(struct kunit *test)
{
	struct desk *desk = test->priv;
	int i;

	if (!desk)
		return;
	for (i = 0; i < THREADS; i++) {
		if (!desk->callers[i].task)
			continue;
		send_sig(SIGTERM, desk->callers[i].task, 1);
		kthread_stop(desk->callers[i].task);
		put_task_struct(desk->callers[i].task);
	}
	desk_leave(desk->sender);
	desk_leave(desk->receiver);
	desk_leave(desk->other);
	mailbox_port_put(desk->port);
}

/* What the ports have left to RCU is done by this module. */
static void desk_suite_exit(struct kunit_suite *suite)
{
	rcu_barrier();
}

static struct kunit_suite message_suite = {
	.name = "mailbox_message",
	.suite_exit = desk_suite_exit,
	.init = desk_init,
	.exit = desk_exit,
	.test_cases = message_cases,
};

/* Words and copies, to and from user memory */

/* From odd user addresses and to them; bytes around the message must not change. */
static int round_trip(struct desk *desk, struct file *file, u32 size, u32 offset)
{
	u8 __user *from = (u8 __user *)mailbox_test_user_memory() + offset;
	u8 __user *to = from + 2 * MESSAGE_SIZE;
	u8 byte;
	u32 i;

	if (clear_user(mailbox_test_user_memory(), PAGE_SIZE))
		return -EFAULT;
	for (i = 0; i < size; i++)
		if (put_user((u8)(i + 1), from + i))
			return -EFAULT;
	file->private_data = desk->sender;
	if (mailbox_send_write(file, from, size, NULL) != size)
		return -EIO;
	file->private_data = desk->receiver;
	if (mailbox_receive_read(file, to, MESSAGE_SIZE, NULL) != size)
		return -EIO;
	for (i = 0; i <= size + 16; i++)
		if (get_user(byte, to - 8 + i) || byte != (i < 8 || i >= size + 8 ? 0 : i - 7))
			return -EBADMSG;
	return 0;
}

static void a_message_of_any_length_comes_as_it_was(struct kunit *test)
{
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	u32 size, offset;
	int err = 0;

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_flags = O_NONBLOCK;
	mailbox_test_user_enter();
	for (size = 1; size < 80 && !err; size++)
		for (offset = 0; offset < 8 && !err; offset++)
			err = round_trip(test->priv, file, size, offset);
	if (!err)
		err = round_trip(test->priv, file, MESSAGE_SIZE, 3);
	mailbox_test_user_leave();
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "at most %u bytes", size);
}

static void a_message_that_fits_to_the_byte_before_a_hole_is_moved(struct kunit *test)
{
	u8 __user *end = (u8 __user *)mailbox_test_user_memory() + MAILBOX_TEST_USER_SIZE;
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	struct desk *desk = test->priv;
	ssize_t sent[3], received[3];

	KUNIT_ASSERT_NOT_NULL(test, file);
	file->f_flags = O_NONBLOCK;
	mailbox_test_user_enter();
	file->private_data = desk->sender;
	sent[0] = mailbox_send_write(file, end - 13, 13, NULL);
	sent[1] = mailbox_send_write(file, end - 12, 13, NULL);
	sent[2] = mailbox_send_write(file, end - 100, 101, NULL);
	file->private_data = desk->receiver;
	received[0] = mailbox_receive_read(file, end - 12, 13, NULL);
	received[1] = mailbox_receive_read(file, end - 13, 13, NULL);
	received[2] = mailbox_receive_read(file, end - 13, 13, NULL);
	mailbox_test_user_leave();
	KUNIT_EXPECT_EQ(test, sent[0], 13);
	KUNIT_EXPECT_EQ(test, sent[1], -EFAULT);
	KUNIT_EXPECT_EQ(test, sent[2], -EFAULT);
	KUNIT_EXPECT_EQ(test, received[0], -EFAULT);
	KUNIT_EXPECT_EQ(test, received[1], 13);
	KUNIT_EXPECT_EQ(test, received[2], -EAGAIN);
}

static int copy_init(struct kunit *test)
{
	if (!mailbox_test_user_memory())
		kunit_skip(test, "no user memory here");
	return desk_init(test);
}

static void copy_suite_exit(struct kunit_suite *suite)
{
	mailbox_test_user_exit(suite);
	desk_suite_exit(suite);
}

static struct kunit_case copy_cases[] = {
	KUNIT_CASE(a_message_of_any_length_comes_as_it_was),
	KUNIT_CASE(a_message_that_fits_to_the_byte_before_a_hole_is_moved),
	{}
};

static struct kunit_suite copy_suite = {
	.name = "mailbox_copy",
	.suite_init = mailbox_test_user_init,
	.suite_exit = copy_suite_exit,
	.init = copy_init,
	.exit = desk_exit,
	.test_cases = copy_cases,
};

kunit_test_suites(&message_suite, &copy_suite);
