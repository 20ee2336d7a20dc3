// SPDX-License-Identifier: GPL-2.0-only
/* Ports with a limit: the count of their messages, the lanes that are looked at, and notices. */

#include <linux/uio.h>

#include "../notify.c"
#include "../limit.c"
#include "test.h"

#define LIMIT		3
#define CAPACITY	4
#define LANES		4
#define MESSAGE_SIZE	8

struct counter {
	struct mailbox_port *port;
	struct mailbox_endpoint *ep;
	struct file *file;
};

/* write(2) and read(2) of a byte; the lane, or an error. */
static ssize_t move_byte(struct counter *c, bool send, size_t size)
{
	u8 data[MESSAGE_SIZE + 1] = { };
	struct kvec vec = { .iov_base = data, .iov_len = size };
	struct kiocb iocb = { .ki_filp = c->file };
	struct iov_iter iter;

	iov_iter_kvec(&iter, send ? WRITE : READ, &vec, 1, size);
	data[0] = c->ep->default_lane;
	if (send)
		return mailbox_limit_write_iter(&iocb, &iter);
	return mailbox_limit_read_iter(&iocb, &iter) == 1 ? data[0] : -EAGAIN;
}

static ssize_t send_on(struct counter *c, u32 lane)
{
	c->ep->default_lane = lane;
	return move_byte(c, true, 1);
}

static ssize_t receive(struct counter *c)
{
	return move_byte(c, false, MESSAGE_SIZE);
}

static void so_many_messages_and_no_more(struct kunit *test)
{
	struct counter *c = test->priv;

	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT);
	KUNIT_EXPECT_EQ(test, send_on(c, 0), 1);
	KUNIT_EXPECT_EQ(test, send_on(c, 3), 1);
	KUNIT_EXPECT_EQ(test, send_on(c, 0), 1);
	KUNIT_EXPECT_EQ(test, send_on(c, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), 0);
	KUNIT_EXPECT_EQ(test, mailbox_sendable(c->ep), -EAGAIN);
	KUNIT_EXPECT_EQ(test, receive(c), 3);
	KUNIT_EXPECT_EQ(test, mailbox_sendable(c->ep), 0);
	KUNIT_EXPECT_EQ(test, send_on(c, 1), 1);
	KUNIT_EXPECT_EQ(test, send_on(c, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, receive(c), 1);
	KUNIT_EXPECT_EQ(test, receive(c), 0);
	KUNIT_EXPECT_EQ(test, receive(c), 0);
	KUNIT_EXPECT_EQ(test, receive(c), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT);
}

static void what_is_not_sent_takes_no_room(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_limit_send send;

	KUNIT_EXPECT_EQ(test, move_byte(c, true, MESSAGE_SIZE + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT);
	KUNIT_EXPECT_EQ(test, mailbox_limit_begin(c->port, &send, NULL), 0);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT - 1);
	KUNIT_EXPECT_EQ(test, mailbox_limit_end(c->port, &send, -EFAULT), -EFAULT);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT);
}

static void each_is_told_how_many_there_are_with_it(struct kunit *test)
{
	struct counter *c = test->priv;

	KUNIT_EXPECT_EQ(test, mailbox_limit_try(c->port), 1);
	KUNIT_EXPECT_EQ(test, mailbox_limit_try(c->port), 2);
	KUNIT_EXPECT_EQ(test, mailbox_limit_try(c->port), 3);
	KUNIT_EXPECT_EQ(test, mailbox_limit_try(c->port), 0);
	mailbox_limit_give(c->port);
	KUNIT_EXPECT_EQ(test, mailbox_limit_try(c->port), 3);
}

/* The lanes that receivers look at */

static void lanes_are_looked_at_from_a_message_until_the_port_is_empty(struct kunit *test)
{
	struct counter *c = test->priv;

	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), 0);
	send_on(c, 1);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), BIT(1));
	send_on(c, 3);
	send_on(c, 1);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), BIT(1) | BIT(3));
	KUNIT_EXPECT_EQ(test, receive(c), 3);
	KUNIT_EXPECT_EQ(test, receive(c), 1);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), BIT(1) | BIT(3));
	KUNIT_EXPECT_EQ(test, receive(c), 1);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), 0);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(c->ep), -EAGAIN);
}

static void a_sender_under_way_keeps_its_lane_looked_at(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_limit_send send;

	KUNIT_EXPECT_EQ(test, mailbox_limit_begin(c->port, &send, NULL), 0);
	mailbox_port_use_lane(c->port, 2);
	send_on(c, 0);
	KUNIT_EXPECT_EQ(test, receive(c), 0);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), BIT(0) | BIT(2));
	mailbox_limit_end(c->port, &send, -EFAULT);
	KUNIT_EXPECT_EQ(test, mailbox_port_lanes(c->port), 0);
	KUNIT_EXPECT_EQ(test, mailbox_port_room(c->port), LIMIT);
}

static void only_lanes_of_the_mask_are_looked_at(struct kunit *test)
{
	struct counter *c = test->priv;

	send_on(c, 3);
	c->ep->receive_mask = BIT(0) | BIT(1);
	KUNIT_EXPECT_EQ(test, receive(c), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(c->ep), -EAGAIN);
	send_on(c, 1);
	KUNIT_EXPECT_EQ(test, mailbox_receivable(c->ep), 0);
	KUNIT_EXPECT_EQ(test, receive(c), 1);
	c->ep->receive_mask = MAILBOX_ALL_LANES >> (32 - LANES);
	KUNIT_EXPECT_EQ(test, receive(c), 3);
}

/* Lap after lap, by lanes that are not searched, and from where the endpoint is. */
static void info_is_right_whoever_asks(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_info own = { }, any = { };
	u32 i;

	for (i = 0; i < 50; i++) {
		send_on(c, i % LANES);
		if (i % 3)
			receive(c);
		if (i % 7 == 6)
			receive(c);
		mailbox_port_info(c->port, c->ep, &own);
		mailbox_port_info(c->port, NULL, &any);
		KUNIT_EXPECT_EQ(test, own.depth, LIMIT - mailbox_port_room(c->port));
		KUNIT_EXPECT_EQ(test, own.messages_sent - own.messages_received, (u64)own.depth);
		KUNIT_EXPECT_EQ(test, memcmp(&own, &any, sizeof(own)), 0);
	}
}

/* Notices */

static void one_process_is_told_once(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	struct mailbox_notify n = { };

	KUNIT_EXPECT_EQ(test, mailbox_notice_register(notices, false, &n.id), 0);
	KUNIT_EXPECT_EQ(test, mailbox_notice_register(notices, false, &n.id), -EBUSY);
	send_on(c, 1);
	KUNIT_EXPECT_NULL(test, notices->registered);
	KUNIT_EXPECT_EQ(test, mailbox_notice_wait(notices, &n), 0);
	KUNIT_EXPECT_EQ(test, n.pid, task_tgid_nr(current));
	KUNIT_EXPECT_EQ(test, mailbox_notice_wait(notices, &n), -ECANCELED);
	KUNIT_EXPECT_TRUE(test, list_empty(&notices->list));
}

static void only_the_first_message_is_told_of(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	u64 id;

	send_on(c, 0);
	mailbox_notice_register(notices, false, &id);
	send_on(c, 1);
	KUNIT_EXPECT_NOT_NULL(test, notices->registered);
	receive(c);
	receive(c);
	KUNIT_EXPECT_NOT_NULL(test, notices->registered);
	send_on(c, 1);
	KUNIT_EXPECT_NULL(test, notices->registered);
}

static void what_is_taken_back_is_not_told(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	struct mailbox_notify n = { };

	mailbox_notice_register(notices, false, &n.id);
	mailbox_notice_cancel(notices, 0);
	mailbox_notice_cancel(notices, 0);
	KUNIT_EXPECT_EQ(test, notices->count, 0);
	send_on(c, 1);
	KUNIT_EXPECT_EQ(test, mailbox_notice_wait(notices, &n), -ECANCELED);
}

static bool is_due(const void *arg)
{
	return true;
}

static bool is_not_due(const void *arg)
{
	return false;
}

static void that_somebody_slept_counts_until_a_receive_has_ended(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	u32 seq = notices->seq;
	u64 id;

	/* Registered later than the look. */
	mailbox_notice_register(notices, false, &id);
	mailbox_notices_sent(notices, true, true, seq, is_due, NULL);
	KUNIT_EXPECT_NULL(test, notices->registered);
	/* Received later. */
	mailbox_notice_register(notices, false, &id);
	seq = notices->seq;
	mailbox_notices_sent(notices, true, true, seq, is_due, NULL);
	KUNIT_EXPECT_NOT_NULL(test, notices->registered);
	mailbox_notices_received(notices, false, is_not_due, NULL);
	mailbox_notices_sent(notices, false, true, seq, is_due, NULL);
	KUNIT_EXPECT_NULL(test, notices->registered);
}

static void told_is_once_the_port_has_been_empty(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	u64 id;

	mailbox_notice_register(notices, false, &id);
	mailbox_notices_sent(notices, false, false, 0, is_due, NULL);
	mailbox_notices_received(notices, false, is_due, NULL);
	KUNIT_EXPECT_NOT_NULL(test, notices->registered);
	mailbox_notices_received(notices, true, is_not_due, NULL);
	KUNIT_EXPECT_NOT_NULL(test, notices->registered);
	/* By whoever comes next, a receiver too. */
	mailbox_notices_received(notices, false, is_due, NULL);
	KUNIT_EXPECT_NULL(test, notices->registered);
}

static void who_is_told_is_held_until_it_is_done(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	struct mailbox_notify n = { };

	mailbox_notice_register(notices, true, &n.id);
	mailbox_notices_sent(notices, true, false, 0, is_not_due, NULL);
	KUNIT_EXPECT_FALSE(test, mailbox_notices_hold(notices));
	KUNIT_EXPECT_TRUE(test, mailbox_notices_settled(notices));
	mailbox_notices_sent(notices, true, false, 0, is_due, NULL);
	KUNIT_EXPECT_TRUE(test, mailbox_notices_hold(notices));
	KUNIT_EXPECT_FALSE(test, mailbox_notices_settled(notices));
	KUNIT_EXPECT_EQ(test, mailbox_notice_done(notices, n.id), -ECANCELED);
	KUNIT_EXPECT_EQ(test, mailbox_notice_wait(notices, &n), 0);
	KUNIT_EXPECT_FALSE(test, mailbox_notices_settled(notices));
	KUNIT_EXPECT_EQ(test, mailbox_notice_done(notices, n.id), 0);
	KUNIT_EXPECT_FALSE(test, mailbox_notices_hold(notices));
	KUNIT_EXPECT_EQ(test, mailbox_notices_settle(notices), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&notices->list));

	/* One that could not be said to be registered, and was told already. */
	mailbox_notice_register(notices, true, &n.id);
	mailbox_notices_sent(notices, true, false, 0, is_due, NULL);
	mailbox_notice_cancel(notices, n.id);
	KUNIT_EXPECT_FALSE(test, mailbox_notices_hold(notices));
	KUNIT_EXPECT_EQ(test, notices->count, 0);
}

static void so_many_are_kept_for_who_does_not_fetch_them(struct kunit *test)
{
	struct counter *c = test->priv;
	struct mailbox_notices *notices = &c->port->notices;
	u32 i;
	u64 id;

	for (i = 0; i < MAILBOX_NOTICES_MAX; i++) {
		KUNIT_EXPECT_EQ(test, mailbox_notice_register(notices, false, &id), 0);
		KUNIT_EXPECT_EQ(test, id, i + 1);
		mailbox_notices_sent(notices, true, false, 0, is_due, NULL);
	}
	KUNIT_EXPECT_EQ(test, mailbox_notice_register(notices, false, &id), -EBUSY);
	mailbox_notices_flush(notices);
	KUNIT_EXPECT_EQ(test, notices->count, 0);
	KUNIT_EXPECT_EQ(test, mailbox_notice_register(notices, false, &id), 0);
}

static struct kunit_case limit_cases[] = {
	KUNIT_CASE(so_many_messages_and_no_more),
	KUNIT_CASE(what_is_not_sent_takes_no_room),
	KUNIT_CASE(each_is_told_how_many_there_are_with_it),
	KUNIT_CASE(lanes_are_looked_at_from_a_message_until_the_port_is_empty),
	KUNIT_CASE(a_sender_under_way_keeps_its_lane_looked_at),
	KUNIT_CASE(only_lanes_of_the_mask_are_looked_at),
	KUNIT_CASE(info_is_right_whoever_asks),
	KUNIT_CASE(one_process_is_told_once),
	KUNIT_CASE(only_the_first_message_is_told_of),
	KUNIT_CASE(what_is_taken_back_is_not_told),
	KUNIT_CASE(that_somebody_slept_counts_until_a_receive_has_ended),
	KUNIT_CASE(told_is_once_the_port_has_been_empty),
	KUNIT_CASE(who_is_told_is_held_until_it_is_done),
	KUNIT_CASE(so_many_are_kept_for_who_does_not_fetch_them),
	{}
};

static int limit_init(struct kunit *test)
{
	struct mailbox_create attr = {
		.flags = MAILBOX_SEALED, .message_size = MESSAGE_SIZE, .capacity = CAPACITY,
		.lanes = LANES, .limit = LIMIT,
	};
	struct counter *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	c->file = kunit_kzalloc(test, sizeof(*c->file), GFP_KERNEL);
	if (!c->file)
		return -ENOMEM;
	c->port = mailbox_port_alloc(&attr, GLOBAL_ROOT_UID, GLOBAL_ROOT_GID);
	if (IS_ERR(c->port))
		return PTR_ERR(c->port);
	c->ep = mailbox_port_join(c->port, O_RDWR);
	if (IS_ERR(c->ep)) {
		mailbox_port_put(c->port);
		return PTR_ERR(c->ep);
	}
	c->file->private_data = c->ep;
	c->file->f_flags = O_NONBLOCK;
	test->priv = c;
	return 0;
}

static void limit_exit(struct kunit *test)
{
	struct counter *c = test->priv;

	if (!c)
		return;
	mailbox_port_leave(c->ep);
	mailbox_port_put(c->port);
}

static void limit_suite_exit(struct kunit_suite *suite)
{
	rcu_barrier();
}

static struct kunit_suite limit_suite = {
	.name = "mailbox_limit",
	.suite_exit = limit_suite_exit,
	.init = limit_init,
	.exit = limit_exit,
	.test_cases = limit_cases,
};

kunit_test_suites(&limit_suite);
