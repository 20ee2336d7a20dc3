// SPDX-License-Identifier: GPL-2.0
/*
 * The binary interface: layouts, sizes, flags, padding, pointers. Compiled for
 * 64 and for 32 bit; the 32-bit one exchanges messages with the other if that
 * lies beside it.
 */
#include "mailbox_test.h"

#include <libgen.h>

/* Layouts: the same for all programs. */

#define LAYOUT(type, bytes)						\
TEST(struct_##type##_is_##bytes##_bytes)				\
{									\
	EXPECT_EQ(bytes, sizeof(struct mailbox_##type));		\
	EXPECT_EQ(0, sizeof(struct mailbox_##type) % 8);		\
	EXPECT_EQ(0, offsetof(struct mailbox_##type, size));		\
}

LAYOUT(create, 176)
LAYOUT(open, 80)
LAYOUT(delete, 72)
LAYOUT(evict, 72)
LAYOUT(holder, 112)
LAYOUT(message, 88)
LAYOUT(batch, 40)
LAYOUT(receipt, 80)
LAYOUT(finish, 40)
LAYOUT(notify, 24)
LAYOUT(set_lanes, 16)
LAYOUT(kick, 16)
LAYOUT(end, 8)
LAYOUT(eventfd, 8)
LAYOUT(info, 288)
LAYOUT(query, 56)

/* What the compiler inserts unasked would not be covered by the members. */
#define AT(type, member, offset)					\
	EXPECT_EQ(offset, offsetof(struct mailbox_##type, member))

TEST(members_of_create_are_in_their_places)
{
	AT(create, flags, 4);
	AT(create, message_size, 8);
	AT(create, capacity, 12);
	AT(create, lanes, 16);
	AT(create, mode, 20);
	AT(create, open_flags, 24);
	AT(create, fd, 28);
	AT(create, peer_pid, 32);
	AT(create, max_deliveries, 36);
	AT(create, name, 40);
	AT(create, limit, 104);
	AT(create, pad2, 108);
	AT(create, dead_letter, 112);
}

TEST(members_of_batches_are_in_their_places)
{
	AT(batch, flags, 4);
	AT(batch, vectors, 8);
	AT(batch, details, 16);
	AT(batch, deadline, 24);
	AT(batch, count, 32);
	AT(batch, pad, 36);
	EXPECT_EQ(16, sizeof(struct mailbox_vector));
	AT(vector, data, 0);
	AT(vector, length, 8);
	AT(vector, lane, 12);
	EXPECT_EQ(40, sizeof(struct mailbox_detail));
	AT(detail, tag, 0);
	AT(detail, ticket, 8);
	AT(detail, flags, 16);
	AT(detail, sender, 20);
	AT(detail, pid, 24);
	AT(detail, uid, 28);
	AT(detail, gid, 32);
	AT(detail, lost, 36);
}

TEST(members_of_open_are_in_their_places)
{
	AT(open, open_flags, 4);
	AT(open, fd, 8);
	AT(open, pad, 12);
	AT(open, name, 16);
}

TEST(members_of_delete_are_in_their_places)
{
	AT(delete, flags, 4);
	AT(delete, name, 8);
}

TEST(members_of_evict_are_in_their_places)
{
	AT(evict, endpoint, 4);
	AT(evict, name, 8);
}

TEST(members_of_holder_are_in_their_places)
{
	AT(holder, endpoint, 4);
	AT(holder, pid, 8);
	AT(holder, uid, 12);
	AT(holder, writing, 16);
	AT(holder, reading, 20);
	AT(holder, lane, 24);
	AT(holder, pad, 28);
	AT(holder, ticket, 32);
	AT(holder, blocks_ns, 40);
	AT(holder, name, 48);
}

TEST(members_of_message_are_in_their_places)
{
	AT(message, flags, 4);
	AT(message, data, 8);
	AT(message, length, 16);
	AT(message, lane, 20);
	AT(message, tag, 24);
	AT(message, deadline, 32);
	AT(message, ticket, 40);
	AT(message, sender, 48);
	AT(message, pid, 52);
	AT(message, uid, 56);
	AT(message, gid, 60);
	AT(message, lost, 64);
	AT(message, index, 68);
	AT(message, receipt, 72);
	AT(message, lease, 80);
}

TEST(members_of_finish_are_in_their_places)
{
	AT(finish, how, 4);
	AT(finish, data, 8);
	AT(finish, length, 16);
	AT(finish, lane, 20);
	AT(finish, ticket, 24);
	AT(finish, deadline, 32);
}

TEST(members_of_receipt_are_in_their_places)
{
	AT(receipt, flags, 4);
	AT(receipt, data, 8);
	AT(receipt, length, 16);
	AT(receipt, lane, 20);
	AT(receipt, ticket, 24);
	AT(receipt, deadline, 32);
	AT(receipt, tag, 40);
	AT(receipt, time, 48);
	AT(receipt, outcome, 56);
	AT(receipt, reason, 60);
	AT(receipt, receiver, 64);
	AT(receipt, pid, 68);
	AT(receipt, uid, 72);
	AT(receipt, gid, 76);
}

TEST(members_of_notify_are_in_their_places)
{
	AT(notify, how, 4);
	AT(notify, id, 8);
	AT(notify, pid, 16);
	AT(notify, uid, 20);
}

TEST(members_of_kick_are_in_their_places)
{
	AT(kick, receivers, 4);
	AT(kick, senders, 8);
	AT(kick, pad, 12);
}

TEST(members_of_end_are_in_their_places)
{
	AT(end, end, 4);
}

TEST(members_of_set_lanes_are_in_their_places)
{
	AT(set_lanes, receive_mask, 4);
	AT(set_lanes, default_lane, 8);
	AT(set_lanes, pad, 12);
}

TEST(members_of_info_are_in_their_places)
{
	AT(info, flags, 4);
	AT(info, message_size, 8);
	AT(info, capacity, 12);
	AT(info, lanes, 16);
	AT(info, mode, 20);
	AT(info, uid, 24);
	AT(info, gid, 28);
	AT(info, state, 32);
	AT(info, endpoint, 36);
	AT(info, receive_mask, 40);
	AT(info, default_lane, 44);
	AT(info, endpoints, 48);
	AT(info, waiting_senders, 52);
	AT(info, waiting_receivers, 56);
	AT(info, depth, 60);
	AT(info, bytes, 64);
	AT(info, messages_sent, 72);
	AT(info, messages_received, 80);
	AT(info, messages_dropped, 88);
	AT(info, redelivered, 96);
	AT(info, quarantined, 104);
	AT(info, map_bytes, 112);
	AT(info, mappings, 120);
	AT(info, owner, 124);
	AT(info, sender, 128);
	AT(info, receiver, 132);
	AT(info, leased, 136);
	AT(info, limit, 140);
	AT(info, messages_moved, 144);
	AT(info, max_deliveries, 152);
	AT(info, dead_endpoint, 156);
	AT(info, name, 160);
	AT(info, dead_letter, 224);
}

TEST(members_of_query_are_in_their_places)
{
	AT(query, max_ports, 4);
	AT(query, features, 8);
	AT(query, max_port_bytes, 16);
	AT(query, max_user_bytes, 24);
	AT(query, user_bytes, 32);
	AT(query, ports, 40);
	AT(query, message_max, 44);
	AT(query, capacity_max, 48);
	AT(query, lanes_max, 52);
}

TEST(command_numbers)
{
	EXPECT_EQ(0xc038bb00U, MAILBOX_IOC_QUERY);
	EXPECT_EQ(0xc0b0bb01U, MAILBOX_IOC_CREATE);
	EXPECT_EQ(0xc050bb02U, MAILBOX_IOC_OPEN);
	EXPECT_EQ(0x4048bb03U, MAILBOX_IOC_DELETE);
	EXPECT_EQ(0x4048bb04U, MAILBOX_IOC_EVICT);
	EXPECT_EQ(0xc070bb05U, MAILBOX_IOC_HOLDER);
	EXPECT_EQ(0xc058bb10U, MAILBOX_IOC_SEND);
	EXPECT_EQ(0xc058bb11U, MAILBOX_IOC_RECEIVE);
	EXPECT_EQ(0xc120bb12U, MAILBOX_IOC_INFO);
	EXPECT_EQ(0x4010bb13U, MAILBOX_IOC_SET_LANES);
	EXPECT_EQ(0x4010bb14U, MAILBOX_IOC_KICK);
	EXPECT_EQ(0x4008bb15U, MAILBOX_IOC_END);
	EXPECT_EQ(0xc028bb16U, MAILBOX_IOC_SEND_BATCH);
	EXPECT_EQ(0xc028bb17U, MAILBOX_IOC_RECEIVE_BATCH);
	EXPECT_EQ(0xc050bb18U, MAILBOX_IOC_RECEIPT);
	EXPECT_EQ(0x4028bb19U, MAILBOX_IOC_FINISH);
	EXPECT_EQ(0xc058bb1aU, MAILBOX_IOC_PEEK);
	EXPECT_EQ(0xc018bb1bU, MAILBOX_IOC_NOTIFY);
	EXPECT_EQ(0x4008bb1cU, MAILBOX_IOC_EVENTFD);
	EXPECT_EQ(0xc020bb1dU, MAILBOX_IOC_EXCHANGE);
}

TEST(values_of_constants)
{
	EXPECT_EQ(63, MAILBOX_NAME_MAX);
	EXPECT_EQ(1, MAILBOX_SEALED);
	EXPECT_EQ(2, MAILBOX_AUTODELETE);
	EXPECT_EQ(4, MAILBOX_DIRECT);
	EXPECT_EQ(1U << 31, MAILBOX_EXCLUSIVE);
	EXPECT_EQ(1, MAILBOX_DELETE_PURGE);
	EXPECT_EQ(2, MAILBOX_DELETE_UNLINK);
	EXPECT_EQ(1, MAILBOX_SEND_REALTIME);
	EXPECT_EQ(1, MAILBOX_RECV_REALTIME);
	EXPECT_EQ(2, MAILBOX_RECV_TRUNCATE);
	EXPECT_EQ(256, MAILBOX_RECV_LARGEST);
	EXPECT_EQ(1U << 16, MAILBOX_MSG_TRUSTED);
	EXPECT_EQ(1U << 17, MAILBOX_MSG_TRUNCATED);
	EXPECT_EQ(1U << 18, MAILBOX_MSG_REDELIVERED);
	EXPECT_EQ(1U << 19, MAILBOX_MSG_RECEIPT);
	EXPECT_EQ(24, MAILBOX_MSG_DEPARTED_SHIFT);
	EXPECT_EQ(8, MAILBOX_SEND_RECEIPT);
	EXPECT_EQ(16, MAILBOX_SEND_SYNC);
	EXPECT_EQ(1, MAILBOX_RECEIPT_REALTIME);
	EXPECT_EQ(2, MAILBOX_RECEIPT_TICKET);
	EXPECT_EQ(4, MAILBOX_RECEIPT_STATUS);
	EXPECT_EQ(0, MAILBOX_QUEUED);
	EXPECT_EQ(1, MAILBOX_TAKEN);
	EXPECT_EQ(2, MAILBOX_RECEIVED);
	EXPECT_EQ(3, MAILBOX_ACKED);
	EXPECT_EQ(4, MAILBOX_REPLIED);
	EXPECT_EQ(5, MAILBOX_DISCARDED);
	EXPECT_EQ(6, MAILBOX_RECEIVER_DIED);
	EXPECT_EQ(8, MAILBOX_RECV_LEASE);
	EXPECT_EQ(16, MAILBOX_RECV_FINISH);
	EXPECT_EQ(1, MAILBOX_ACK);
	EXPECT_EQ(2, MAILBOX_REPLY);
	EXPECT_EQ(3, MAILBOX_NACK);
	EXPECT_EQ(4, MAILBOX_NACK_BACK);
	EXPECT_EQ(5, MAILBOX_EXTEND);
	EXPECT_EQ(1, MAILBOX_REASON_PURGED);
	EXPECT_EQ(2, MAILBOX_REASON_LOST);
	EXPECT_EQ(3, MAILBOX_REASON_DROPPED);
	EXPECT_EQ(4, MAILBOX_REASON_MOVED);
	EXPECT_EQ(8, MAILBOX_DROP_NEWEST);
	EXPECT_EQ(16, MAILBOX_DROP_OLDEST);
	EXPECT_EQ(~0U, MAILBOX_LANE_DEFAULT);
	EXPECT_EQ(0, MAILBOX_NO_WAIT);
	EXPECT_EQ(~0ULL, MAILBOX_FOREVER);
	EXPECT_EQ(0, MAILBOX_STATE_LIVE);
	EXPECT_EQ(1, MAILBOX_STATE_DELETED);
	EXPECT_EQ(1, MAILBOX_END_SEND);
	EXPECT_EQ(2, MAILBOX_END_RECEIVE);
	EXPECT_EQ(1, MAILBOX_FEATURE_BASE);
	EXPECT_EQ(2, MAILBOX_FEATURE_DIRECT);
	EXPECT_EQ(4, MAILBOX_FEATURE_LIMIT);
	EXPECT_EQ(1, MAILBOX_NOTIFY_REGISTER);
	EXPECT_EQ(2, MAILBOX_NOTIFY_WAIT);
	EXPECT_EQ(3, MAILBOX_NOTIFY_CANCEL);
	EXPECT_EQ(4, MAILBOX_NOTIFY_HOLD);
	EXPECT_EQ(5, MAILBOX_NOTIFY_DONE);
}

/*
 * The rules of every structure, one variant for each call. good() fills in a
 * structure that works; effect() says, in one number, what calls have done.
 */

FIXTURE(call)
{
	char name[MAILBOX_NAME_SIZE];		/* a port that is there */
	char fresh[MAILBOX_NAME_SIZE];		/* one that is not */
	int port;
	int control;
	int fd;					/* where the call goes */
	char data[64];
};

FIXTURE_VARIANT(call)
{
	unsigned int nr;
	size_t size;
	bool on_control;
	int first_output;			/* a member it writes, or 0 */
};

#define CALL(name_, nr_, type, control_, output)			\
FIXTURE_VARIANT_ADD(call, name_)					\
{									\
	.nr = nr_, .size = sizeof(struct type), .on_control = control_, .first_output = output, \
}

#define ANSWER(type, member)	offsetof(struct type, member)

CALL(query, MAILBOX_IOC_QUERY, mailbox_query, true, ANSWER(mailbox_query, features));
CALL(query_on_port, MAILBOX_IOC_QUERY, mailbox_query, false, ANSWER(mailbox_query, features));
CALL(create, MAILBOX_IOC_CREATE, mailbox_create, true, ANSWER(mailbox_create, fd));
CALL(open, MAILBOX_IOC_OPEN, mailbox_open, true, ANSWER(mailbox_open, fd));
CALL(reopen, MAILBOX_IOC_OPEN, mailbox_open, false, ANSWER(mailbox_open, fd));
CALL(delete, MAILBOX_IOC_DELETE, mailbox_delete, true, 0);
CALL(evict, MAILBOX_IOC_EVICT, mailbox_evict, true, 0);
CALL(holder, MAILBOX_IOC_HOLDER, mailbox_holder, true, ANSWER(mailbox_holder, pid));
CALL(send, MAILBOX_IOC_SEND, mailbox_message, false, ANSWER(mailbox_message, ticket));
CALL(receive, MAILBOX_IOC_RECEIVE, mailbox_message, false, ANSWER(mailbox_message, ticket));
CALL(send_batch, MAILBOX_IOC_SEND_BATCH, mailbox_batch, false, 0);
CALL(receive_batch, MAILBOX_IOC_RECEIVE_BATCH, mailbox_batch, false, 0);
CALL(peek, MAILBOX_IOC_PEEK, mailbox_message, false, ANSWER(mailbox_message, ticket));
CALL(info, MAILBOX_IOC_INFO, mailbox_info, false, ANSWER(mailbox_info, message_size));
CALL(set_lanes, MAILBOX_IOC_SET_LANES, mailbox_set_lanes, false, 0);
CALL(kick, MAILBOX_IOC_KICK, mailbox_kick, false, 0);
CALL(end, MAILBOX_IOC_END, mailbox_end, false, 0);
CALL(receipt, MAILBOX_IOC_RECEIPT, mailbox_receipt, false, ANSWER(mailbox_receipt, tag));
CALL(finish, MAILBOX_IOC_FINISH, mailbox_finish, false, 0);
CALL(eventfd, MAILBOX_IOC_EVENTFD, mailbox_eventfd, false, 0);
CALL(notify, MAILBOX_IOC_NOTIFY, mailbox_notify, false, 0);
CALL(exchange, MAILBOX_IOC_EXCHANGE, mailbox_exchange, false, ANSWER(mailbox_exchange, sent));

FIXTURE_SETUP(call)
{
	strcpy(self->name, port_name("abi"));
	strcpy(self->fresh, port_name("fresh"));
	self->port = create(self->name,
			    .flags = MAILBOX_EXCLUSIVE |
				     (variant->nr == MAILBOX_IOC_END ? MAILBOX_DIRECT : 0) |
				     (variant->nr == MAILBOX_IOC_NOTIFY ? MAILBOX_SEALED : 0),
			    .message_size = 64, .capacity = 4, .lanes = 4,
			    .limit = variant->nr == MAILBOX_IOC_NOTIFY ? 4 : 0);
	ASSERT_LE(0, self->port);
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->fd = variant->on_control ? self->control : self->port;
	/* Something to receive. */
	ASSERT_EQ(0, send_message(self->port,
				  &message(.data = address("hello"), .length = 5,
					   .flags = variant->nr == MAILBOX_IOC_RECEIPT ?
						    MAILBOX_SEND_RECEIPT : 0)));
	/* Something to finish. */
	if (variant->nr == MAILBOX_IOC_FINISH)
		ASSERT_EQ(0, receive_message(self->port,
					     &message(.data = address(self->data), .length = 64,
						      .flags = MAILBOX_RECV_LEASE)));
}

FIXTURE_TEARDOWN(call)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
	delete_port(self->fresh, MAILBOX_DELETE_PURGE);
	close(self->port);
	close(self->control);
}

/* A mapped endpoint of the port; another one when the last was evicted. */
static __u32 somebody_mapped(const char *name)
{
	static int fd = -1;
	struct mailbox_info info;

	if (fd < 0 || !info_of(fd).owner) {
		close(fd);	/* what was evicted is mapped still, to touch at one's peril */
		fd = open_port(name, O_RDWR);
		info = info_of(fd);
		if (mmap(NULL, info.map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
		    MAP_FAILED)
			fprintf(stderr, "# mmap: errno %d\n", errno);
	}
	return info_of(fd).endpoint;
}

/* @arg has room for a page. */
static void good(unsigned int nr, char *data, const char *name, const char *fresh, void *arg)
{
	switch (nr) {
	case MAILBOX_IOC_QUERY: {
		struct mailbox_query *q = arg;

		memset(q, POISON, sizeof(*q));
		q->size = sizeof(*q);
		break;
	}
	case MAILBOX_IOC_CREATE: {
		struct mailbox_create *c = arg;

		memset(c, 0, sizeof(*c));
		c->size = sizeof(*c);
		c->message_size = 64;
		c->open_flags = O_RDWR;
		c->fd = 0x5a5a5a5a;
		strcpy(c->name, fresh);
		break;
	}
	case MAILBOX_IOC_OPEN: {
		struct mailbox_open *o = arg;

		memset(o, 0, sizeof(*o));
		o->size = sizeof(*o);
		o->open_flags = O_RDWR;
		o->fd = 0x5a5a5a5a;
		strcpy(o->name, name);
		break;
	}
	case MAILBOX_IOC_DELETE: {
		struct mailbox_delete *d = arg;

		memset(d, 0, sizeof(*d));
		d->size = sizeof(*d);
		strcpy(d->name, name);
		break;
	}
	case MAILBOX_IOC_EVICT: {
		struct mailbox_evict *e = arg;

		memset(e, 0, sizeof(*e));
		e->size = sizeof(*e);
		e->endpoint = somebody_mapped(name);
		strcpy(e->name, name);
		break;
	}
	case MAILBOX_IOC_HOLDER: {
		struct mailbox_holder *h = arg;

		memset(h, POISON, sizeof(*h));
		h->size = sizeof(*h);
		h->endpoint = somebody_mapped(name);
		h->pad = 0;
		memset(h->name, 0, sizeof(h->name));
		strcpy(h->name, name);
		break;
	}
	case MAILBOX_IOC_SEND:
	case MAILBOX_IOC_RECEIVE:
	case MAILBOX_IOC_PEEK:
		*(struct mailbox_message *)arg = message(.data = address(data), .length = 64);
		break;
	case MAILBOX_IOC_SEND_BATCH:
	case MAILBOX_IOC_RECEIVE_BATCH:
		*(struct mailbox_batch *)arg = (struct mailbox_batch) {
			.size = sizeof(struct mailbox_batch),
			.vectors = address(data),	/* of no messages */
			.details = address(data),
		};
		break;
	case MAILBOX_IOC_INFO: {
		struct mailbox_info *i = arg;

		memset(i, POISON, sizeof(*i));
		i->size = sizeof(*i);
		break;
	}
	case MAILBOX_IOC_SET_LANES: {
		struct mailbox_set_lanes *l = arg;

		memset(l, 0, sizeof(*l));
		l->size = sizeof(*l);
		l->receive_mask = 2;
		l->default_lane = 1;
		break;
	}
	case MAILBOX_IOC_KICK: {
		struct mailbox_kick *k = arg;

		memset(k, 0, sizeof(*k));
		k->size = sizeof(*k);
		k->receivers = 1;
		k->senders = 1;
		break;
	}
	case MAILBOX_IOC_RECEIPT: {
		struct mailbox_receipt *r = arg;

		memset(r, POISON, sizeof(*r));
		r->size = sizeof(*r);
		r->flags = MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS;
		r->lane = 0;
		r->ticket = 0;
		r->deadline = 0;
		break;
	}
	case MAILBOX_IOC_FINISH: {
		struct mailbox_finish *f = arg;

		memset(f, 0, sizeof(*f));
		f->size = sizeof(*f);
		f->how = MAILBOX_EXTEND;
		break;
	}
	case MAILBOX_IOC_END: {
		struct mailbox_end *e = arg;

		e->size = sizeof(*e);
		e->end = MAILBOX_END_SEND;
		break;
	}
	case MAILBOX_IOC_EVENTFD: {
		struct mailbox_eventfd *e = arg;

		e->size = sizeof(*e);
		e->fd = -1;
		break;
	}
	case MAILBOX_IOC_EXCHANGE: {
		static struct mailbox_message pair[2];
		struct mailbox_exchange *x = arg;

		pair[0] = message(.data = address(data), .length = 64);
		pair[1] = pair[0];
		memset(x, 0, sizeof(*x));
		x->size = sizeof(*x);
		x->fd = -1;
		x->send = address(&pair[0]);
		x->receive = address(&pair[1]);
		break;
	}
	case MAILBOX_IOC_NOTIFY: {
		struct mailbox_notify *n = arg;

		memset(n, 0, sizeof(*n));
		n->size = sizeof(*n);
		n->how = MAILBOX_NOTIFY_CANCEL;
		break;
	}
	}
}

/* What may have changed in the world. */
static bool same_world(const struct mailbox_info *a, int port, __u32 ports)
{
	struct mailbox_info b = info_of(port);

	/* A bad tail may be found out only after a message was taken in hand. */
	b.redelivered = a->redelivered;
	return !memcmp(a, &b, sizeof(b)) && ports == query().ports;
}

/* The call fails so, and nothing has happened. */
#define EXPECT_REFUSED(error, arg) do {					\
	struct mailbox_info __before = info_of(self->port);		\
	__u32 __ports = query().ports;					\
									\
	EXPECT_EQ(error, result(ioctl(self->fd, variant->nr, (arg))));	\
	EXPECT_TRUE(same_world(&__before, self->port, __ports));	\
} while (0)

/* On a port itself no name is given. */
#define GOOD(arg)	good(variant->nr, self->data, variant->on_control ? self->name : "", \
			     self->fresh, (arg))

TEST_F(call, works)
{
	char arg[4096];

	GOOD(arg);
	EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, arg)));
	EXPECT_EQ(variant->size, *(__u32 *)arg);
}

TEST_F(call, size_too_small_is_einval)
{
	char *arg = calloc(1, 4096);
	__u32 size;

	for (size = 0; size < variant->size; size++) {
		GOOD(arg);
		*(__u32 *)arg = size;
		EXPECT_REFUSED(-EINVAL, arg);
	}
}

TEST_F(call, larger_with_zero_tail_works_and_leaves_the_tail)
{
	static const int tails[] = { 1, 4, 8, 64 };
	char *arg = calloc(1, 8192);
	unsigned int t, i;

	for (t = 0; t < 4; t++) {
		memset(arg, 0, 8192);
		GOOD(arg);
		*(__u32 *)arg = variant->size + tails[t];
		/* Behind the structure, however large: not looked at. */
		memset(arg + variant->size + tails[t], POISON, 64);
		/* But that of an exchange goes in as well. */
		if (variant->first_output && variant->nr != MAILBOX_IOC_EXCHANGE)
			memset(arg + variant->first_output, POISON, 4);
		EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, arg)));
		EXPECT_EQ(variant->size + tails[t], *(__u32 *)arg);
		for (i = 0; i < tails[t]; i++)
			EXPECT_EQ(0, arg[variant->size + i]);
		for (i = 0; i < 64; i++)
			EXPECT_EQ((char)POISON, arg[variant->size + tails[t] + i]);
		if (variant->first_output)
			EXPECT_NE(0xa5a5a5a5, *(__u32 *)(arg + variant->first_output));
		/* Again what was used up. */
		if (variant->nr == MAILBOX_IOC_RECEIVE)
			put_text(self->port, "hello");
		if (variant->nr == MAILBOX_IOC_SEND)
			get(self->port, self->data, sizeof(self->data));
		if (variant->nr == MAILBOX_IOC_DELETE)
			close(create(self->name));
	}
}

TEST_F(call, the_largest_size_is_a_page)
{
	char *arg = calloc(1, 8192);

	GOOD(arg);
	*(__u32 *)arg = 4096;
	EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, arg)));
}

TEST_F(call, larger_than_a_page_is_e2big)
{
	static const __u32 sizes[] = { 4097, 8192, 1U << 31, ~0U };
	char *arg = calloc(1, 8192);
	int i;

	for (i = 0; i < 4; i++) {
		GOOD(arg);
		*(__u32 *)arg = sizes[i];
		EXPECT_REFUSED(-E2BIG, arg);
	}
}

TEST_F(call, tail_that_is_not_zero_is_e2big)
{
	char *arg = calloc(1, 8192);
	unsigned int i;

	GOOD(arg);
	*(__u32 *)arg = variant->size + 32;
	for (i = 0; i < 32; i++) {
		arg[variant->size + i] = 1;
		EXPECT_REFUSED(-E2BIG, arg);
		arg[variant->size + i] = 0;
	}
	*(__u32 *)arg = 4096;
	arg[4095] = 1;
	EXPECT_REFUSED(-E2BIG, arg);
}

TEST_F(call, bad_pointer_is_efault)
{
	EXPECT_REFUSED(-EFAULT, NULL);
	EXPECT_REFUSED(-EFAULT, (void *)1);
	EXPECT_REFUSED(-EFAULT, nowhere());
	EXPECT_REFUSED(-EFAULT, (void *)-1L);
	EXPECT_REFUSED(-EFAULT, (void *)-4096L);
}

TEST_F(call, structure_that_ends_in_nowhere_is_efault)
{
	size_t n, end = variant->size;
	char arg[4096], *edge;

	/* A send touches none of the answers behind its ticket, a receive not what is for sends. */
	if (variant->nr == MAILBOX_IOC_SEND)
		end = offsetof(struct mailbox_message, sender);
	if (variant->nr == MAILBOX_IOC_RECEIVE)
		end = offsetof(struct mailbox_message, index);
	for (n = 4; n < end; n += 4) {
		edge = before_the_edge(n);
		ASSERT_TRUE(!!edge);
		GOOD(arg);
		memcpy(edge, arg, n);
		EXPECT_REFUSED(-EFAULT, edge);
		/* One that could not tell its ticket may cost slots until they are passed. */
		if (variant->nr == MAILBOX_IOC_SEND) {
			ASSERT_EQ(5, get(self->port, self->data, sizeof(self->data)));
			ASSERT_EQ(5, put_text(self->port, "hello"));
		}
	}
}

TEST_F(call, tail_that_ends_in_nowhere_is_efault)
{
	char arg[4096], *edge;

	memset(arg, 0, sizeof(arg));
	GOOD(arg);
	*(__u32 *)arg = variant->size + 16;
	edge = before_the_edge(variant->size + 8);
	ASSERT_TRUE(!!edge);
	memcpy(edge, arg, variant->size + 8);
	EXPECT_REFUSED(-EFAULT, edge);
}

TEST_F(call, structure_at_the_edge_works)
{
	char arg[4096], *edge = before_the_edge(variant->size);

	ASSERT_TRUE(!!edge);
	GOOD(arg);
	memcpy(edge, arg, variant->size);
	EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, edge)));
}

TEST_F(call, structure_in_read_only_memory_is_efault_if_it_has_answers)
{
	char *arg = pages(1, PROT_READ | PROT_WRITE);

	GOOD(arg);
	mprotect(arg, getpagesize(), PROT_READ);
	if (!variant->first_output) {
		EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, arg)));
		return;
	}
	EXPECT_REFUSED(-EFAULT, arg);
}

TEST_F(call, unaligned_structure_works)
{
	char arg[4096], *odd = calloc(1, 8192);

	GOOD(arg);
	memcpy(odd + 3, arg, variant->size);
	EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, odd + 3)));
}

TEST_F(call, another_size_in_the_number_works)
{
	unsigned int without = variant->nr & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	static const unsigned int sizes[] = { 0, 4, 8, 256, 4096, _IOC_SIZEMASK };
	char *arg = calloc(1, 8192);
	int i;

	for (i = 0; i < 6; i++) {
		memset(arg, 0, 8192);
		GOOD(arg);
		EXPECT_EQ(0, result(ioctl(self->fd, without | sizes[i] << _IOC_SIZESHIFT, arg))) {
			TH_LOG("size %u", sizes[i]);
		}
		if (variant->nr == MAILBOX_IOC_RECEIVE)
			put_text(self->port, "hello");
		if (variant->nr == MAILBOX_IOC_SEND)
			get(self->port, self->data, sizeof(self->data));
		if (variant->nr == MAILBOX_IOC_DELETE)
			close(create(self->name));
	}
}

TEST_F(call, another_direction_or_type_in_the_number_is_enotty)
{
	char *arg = calloc(1, 8192);
	unsigned int dir = variant->nr >> _IOC_DIRSHIFT, i;

	GOOD(arg);
	for (i = 0; i < 4; i++)
		if (i != dir)
			EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, (variant->nr & 0x3fffffff) |
							i << _IOC_DIRSHIFT, arg)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, variant->nr ^ 1 << _IOC_TYPESHIFT, arg)));
}

TEST_F(call, on_the_wrong_kind_of_descriptor_is_enotty)
{
	int other = variant->on_control ? self->port : self->control;
	char *arg = calloc(1, 8192);

	GOOD(arg);
	/* To open is known to both, but not with a name, or not without. */
	EXPECT_EQ(variant->nr == MAILBOX_IOC_QUERY ? 0 :
		  variant->nr == MAILBOX_IOC_OPEN ? -EINVAL : -ENOTTY,
		  result(ioctl(other, variant->nr, arg)));
}

/* Flags and padding, bit by bit. */

TEST_F(call, unknown_flags_are_einval)
{
	char *arg = calloc(1, 4096);
	unsigned int known, bit;

	switch (variant->nr) {
	case MAILBOX_IOC_CREATE:
		known = MAILBOX_SEALED | MAILBOX_AUTODELETE | MAILBOX_DIRECT | MAILBOX_DROP_NEWEST |
			MAILBOX_DROP_OLDEST | MAILBOX_EXCLUSIVE;
		break;
	case MAILBOX_IOC_DELETE:
		known = MAILBOX_DELETE_PURGE | MAILBOX_DELETE_UNLINK;
		break;
	case MAILBOX_IOC_SEND:
		known = MAILBOX_SEND_REALTIME | MAILBOX_SEND_RECEIPT | MAILBOX_SEND_SYNC;
		break;
	case MAILBOX_IOC_RECEIVE:
		/* MAILBOX_RECV_FINISH without a lease is EINVAL too. */
		known = MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE | MAILBOX_RECV_LEASE |
			MAILBOX_RECV_LARGEST;
		break;
	case MAILBOX_IOC_PEEK:
		known = MAILBOX_RECV_TRUNCATE;
		break;
	case MAILBOX_IOC_SEND_BATCH:
		known = MAILBOX_SEND_REALTIME;
		break;
	case MAILBOX_IOC_RECEIVE_BATCH:
		known = MAILBOX_RECV_REALTIME | MAILBOX_RECV_TRUNCATE;
		break;
	case MAILBOX_IOC_RECEIPT:
		known = MAILBOX_RECEIPT_REALTIME | MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS;
		break;
	case MAILBOX_IOC_OPEN:
		known = O_ACCMODE | O_NONBLOCK | O_CLOEXEC;
		break;
	default:
		return;		/* no flags in it */
	}
	for (bit = 0; bit < 32; bit++) {
		if (known >> bit & 1)
			continue;
		GOOD(arg);
		((__u32 *)arg)[1] |= 1U << bit;
		EXPECT_REFUSED(-EINVAL, arg);
	}
}

TEST_F(call, padding_that_is_not_zero_is_einval)
{
	char *arg = calloc(1, 4096);
	unsigned int at, bit;

	switch (variant->nr) {
	case MAILBOX_IOC_CREATE:
		at = offsetof(struct mailbox_create, pad2);
		break;
	case MAILBOX_IOC_OPEN:
		at = offsetof(struct mailbox_open, pad);
		break;
	case MAILBOX_IOC_SET_LANES:
		at = offsetof(struct mailbox_set_lanes, pad);
		break;
	case MAILBOX_IOC_KICK:
		at = offsetof(struct mailbox_kick, pad);
		break;
	case MAILBOX_IOC_EXCHANGE:
		at = offsetof(struct mailbox_exchange, pad);
		break;
	case MAILBOX_IOC_HOLDER:
		at = offsetof(struct mailbox_holder, pad);
		break;
	case MAILBOX_IOC_SEND_BATCH:
	case MAILBOX_IOC_RECEIVE_BATCH:
		at = offsetof(struct mailbox_batch, pad);
		break;
	default:
		return;		/* none in it */
	}
	for (bit = 0; bit < 32; bit++) {
		GOOD(arg);
		*(__u32 *)(arg + at) = 1U << bit;
		EXPECT_REFUSED(-EINVAL, arg);
	}
}

TEST_F(call, answers_are_not_looked_at_on_the_way_in)
{
	char *arg = calloc(1, 4096);

	GOOD(arg);
	switch (variant->nr) {
	case MAILBOX_IOC_QUERY:
		memset(arg + 4, 0xff, sizeof(struct mailbox_query) - 4);
		break;
	case MAILBOX_IOC_INFO:
		memset(arg + 4, 0xff, sizeof(struct mailbox_info) - 4);
		break;
	case MAILBOX_IOC_HOLDER:
		memset(arg + offsetof(struct mailbox_holder, pid), 0xff, 20);
		memset(arg + offsetof(struct mailbox_holder, ticket), 0xff, 16);
		break;
	case MAILBOX_IOC_CREATE:
	case MAILBOX_IOC_OPEN:
		memset(arg + variant->first_output, 0xff, 4);
		break;
	case MAILBOX_IOC_SEND:
	case MAILBOX_IOC_RECEIVE:
		memset(arg + offsetof(struct mailbox_message, ticket), 0xff,
		       sizeof(struct mailbox_message) - offsetof(struct mailbox_message, ticket));
		break;
	case MAILBOX_IOC_PEEK:
		memset(arg + offsetof(struct mailbox_message, ticket), 0xff,
		       offsetof(struct mailbox_message, index) -
		       offsetof(struct mailbox_message, ticket));
		break;
	}
	EXPECT_EQ(0, result(ioctl(self->fd, variant->nr, arg)));
}

/* Flags that only a receive answers are unknown to a send, and the reverse. */
TEST_F(port, receive_flags_are_unknown_to_a_send)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_TRUNCATE);

	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	m = message(.flags = MAILBOX_MSG_TRUSTED);
	EXPECT_EQ(-EINVAL, send_message(self->tx, &m));
	EXPECT_EQ(0, info_of(self->tx).depth);
}

/* Unknown calls. */

TEST_F(port, unknown_ioctl_is_enotty)
{
	int control = control_open(), fds[] = { self->both, self->rx, self->tx, control };
	char arg[4096] = { 0 };
	unsigned int nr, i;

	for (i = 0; i < 4; i++) {
		for (nr = 0x20; nr < 0x100; nr++)
			EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], _IOWR(0xBB, nr, char[64]), arg)));
		EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], _IOWR(0xBB, 0x06, char[64]), arg)));
		EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], _IOWR(0xBB, 0x0f, char[64]), arg)));
		EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], _IOWR(0xBB, 0x14, char[64]), arg)));
		EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], 0x5401 /* TCGETS */, arg)));
		EXPECT_EQ(-ENOTTY, result(ioctl(fds[i], 0, arg)));
	}
	close(control);
}

TEST_F(port, query_says_the_same_on_both)
{
	struct mailbox_query a = query(), b;

	memset(&b, POISON, sizeof(b));
	b.size = sizeof(b);
	EXPECT_EQ(0, result(ioctl(self->rx, MAILBOX_IOC_QUERY, &b)));
	EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
}

TEST(query_fills_every_member)
{
	struct mailbox_query q = query();

	EXPECT_EQ(sizeof(q), q.size);
	EXPECT_NE(0xa5a5a5a5U, q.max_ports);
	EXPECT_EQ(MAILBOX_FEATURE_BASE, q.features & MAILBOX_FEATURE_BASE);
	EXPECT_NE(0xa5a5a5a5a5a5a5a5ULL, q.max_port_bytes);
	EXPECT_NE(0xa5a5a5a5a5a5a5a5ULL, q.max_user_bytes);
	EXPECT_NE(0xa5a5a5a5a5a5a5a5ULL, q.user_bytes);
	EXPECT_NE(0xa5a5a5a5U, q.ports);
	EXPECT_EQ(MAILBOX_MESSAGE_MAX, q.message_max);
	EXPECT_EQ(MAILBOX_CAPACITY_MAX, q.capacity_max);
	EXPECT_EQ(MAILBOX_LANES_MAX, q.lanes_max);
}

TEST_F(port, name_in_info_is_zero_to_the_end)
{
	struct mailbox_info info = info_of(self->rx);
	unsigned int i;

	for (i = strlen(self->name); i < MAILBOX_NAME_SIZE; i++)
		EXPECT_EQ(0, info.name[i]);
}

/* Directions. */

TEST_F(port, send_on_a_read_only_descriptor_is_ebadf)
{
	struct mailbox_message m = message();

	EXPECT_EQ(-EBADF, send_message(self->rx, &m));
	EXPECT_EQ(-EBADF, put(self->rx, "x", 1));
}

TEST_F(port, receive_on_a_write_only_descriptor_is_ebadf)
{
	struct mailbox_message m = message();
	char byte;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(-EBADF, receive_message(self->tx, &m));
	EXPECT_EQ(-EBADF, get(self->tx, &byte, 1));
	EXPECT_EQ(1, info_of(self->tx).depth);
}

/* What is not there. */

TEST_F(port, positions_are_espipe_on_node_and_nameless_too)
{
	int fds[] = { self->both, open_node(self->name, O_RDWR), create(NULL) }, i;
	char byte;

	for (i = 0; i < 3; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(-ESPIPE, result(lseek(fds[i], 0, SEEK_SET)));
		EXPECT_EQ(-ESPIPE, result(lseek(fds[i], 1, SEEK_CUR)));
		EXPECT_EQ(-ESPIPE, result(pread(fds[i], &byte, 1, 0)));
		EXPECT_EQ(-ESPIPE, result(pwrite(fds[i], "x", 1, 0)));
		EXPECT_EQ(0, info_of(fds[i]).depth);
	}
}

TEST_F(port, lseek_of_the_control_node_is_espipe)
{
	int control = control_open();

	EXPECT_EQ(-ESPIPE, result(lseek(control, 0, SEEK_SET)));
	close(control);
}

/* open_flags */

TEST_F(port, cloexec_is_honoured)
{
	int with = open_port(self->name, O_RDWR | O_CLOEXEC);
	int without = open_port(self->name, O_RDWR);

	EXPECT_EQ(FD_CLOEXEC, fcntl(with, F_GETFD));
	EXPECT_EQ(0, fcntl(without, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(create(NULL, .open_flags = O_RDWR | O_CLOEXEC), F_GETFD));
	EXPECT_EQ(0, fcntl(create(NULL), F_GETFD));
}

TEST_F(port, nonblock_is_honoured)
{
	int fd = open_port(self->name, O_RDWR | O_NONBLOCK);
	struct mailbox_message m = message(.deadline = MAILBOX_FOREVER);
	char byte;

	EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, get(fd, &byte, 1));
	EXPECT_EQ(-EAGAIN, receive_message(fd, &m));
	fill_lane(fd, 0);
	EXPECT_EQ(-EAGAIN, put_text(fd, "x"));
	m = message(.deadline = MAILBOX_FOREVER);
	EXPECT_EQ(-EAGAIN, send_message(fd, &m));
	EXPECT_EQ(-EAGAIN, get(create(NULL, .open_flags = O_RDWR | O_NONBLOCK), &byte, 1));
}

/* Numbers that a 32-bit program must not cut off. */

TEST_F(port, wide_values_arrive_whole)
{
	struct mailbox_message m = message(.tag = 0xfedcba9876543210ULL,
					   .deadline = 0x7fffffffffffffffULL);

	EXPECT_EQ(0, send_message(self->tx, &m));
	m = message(.deadline = 0x8000000000000000ULL);
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0xfedcba9876543210ULL, m.tag);
}

TEST_F(port, data_above_4_gib_of_a_32_bit_program_is_efault)
{
	struct mailbox_message m = message(.data = 0xffff800000000000ULL, .length = 1);

	EXPECT_EQ(-EFAULT, send_message(self->tx, &m));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	m = message(.data = 0xffff800000000000ULL, .length = 8);
	EXPECT_EQ(-EFAULT, receive_message(self->rx, &m));
	EXPECT_MESSAGE("x", self->rx);
}

/*
 * 32 and 64 bit on one port. This program, called with "--echo NAME", answers a
 * message on lane 0 of the port by one on lane 1, with everything turned round.
 */

static void __attribute__((constructor)) as_echo(int argc, char **argv)
{
	struct mailbox_message m;
	char data[64];
	int fd, i;

	if (argc != 3 || strcmp(argv[1], "--echo"))
		return;
	fd = open_port(argv[2], O_RDWR);
	if (fd < 0)
		_exit(80);
	m = message(.data = address(data), .length = sizeof(data),
		    .deadline = MAILBOX_FOREVER);
	if (set_lanes(fd, 1, 1) || receive_message(fd, &m))
		_exit(81);
	for (i = 0; i < m.length / 2; i++) {
		char c = data[i];

		data[i] = data[m.length - 1 - i];
		data[m.length - 1 - i] = c;
	}
	m = message(.data = address(data), .length = m.length, .lane = MAILBOX_LANE_DEFAULT,
		    .tag = ~m.tag);
	if (send_message(fd, &m) || info_of(fd).messages_sent != 2)
		_exit(82);
	_exit(sizeof(long));
}

#if __SIZEOF_POINTER__ == 8
#define OTHER		"abi32"
#define OTHER_LONG	4
#else
#define OTHER		"abi"
#define OTHER_LONG	8
#endif

TEST_F(port, programs_of_32_and_64_bit_exchange_messages)
{
	char path[4096], in[64] = { 0 };
	struct mailbox_message m;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *other;
	pid_t child;

	ASSERT_LT(0, n);
	path[n] = 0;
	ASSERT_LE(0, asprintf(&other, "%s/%s", dirname(path), OTHER));
	if (access(other, X_OK))
		SKIP(return, "%s is not beside this program", OTHER);
	child = spawn();
	if (!child) {
		execl(other, other, "--echo", self->name, NULL);
		leave(errno == ENOEXEC ? 70 : 71);
	}
	m = message(.data = address("stressed"), .length = 8, .tag = 0x0123456789abcdefULL);
	EXPECT_EQ(0, send_message(self->tx, &m));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	m = message(.data = address(in), .length = sizeof(in), .deadline = in_ms(10000));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(8, m.length);
	EXPECT_STREQ("desserts", in);
	EXPECT_EQ(1, m.lane);
	EXPECT_EQ(0xfedcba9876543210ULL, m.tag);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(OTHER_LONG, reap(child));
}

TEST_HARNESS_MAIN
