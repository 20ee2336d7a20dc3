// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that are delivered in vain too often: they are given up, or move to a
 * dead-letter port.
 */
#include "receipts.h"

#include <pthread.h>

#include "ring.h"

#define LETTERS_SLOTS	8U

/* A port that gives up after @max deliveries; its letters go to @letters, or nowhere. */
static int create_limited(const char *name, __u32 max, const char *letters)
{
	struct mailbox_create arg = {
		.size = sizeof(arg), .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
		.message_size = FIXTURE_MESSAGE, .capacity = FIXTURE_SLOTS,
		.lanes = FIXTURE_LANES, .mode = 0666, .open_flags = O_RDWR,
		.max_deliveries = max,
	};

	copy_name(arg.dead_letter, letters);
	return create_port(name, &arg);
}

/* A port whose messages are given up after two deliveries, and where they go. */
FIXTURE(letters)
{
	char name[MAILBOX_NAME_SIZE];
	char to[MAILBOX_NAME_SIZE];
	int fd;
	int rx;
	int letters;
};

FIXTURE_SETUP(letters)
{
	umask(0);
	strcpy(self->name, port_name("jobs"));
	strcpy(self->to, port_name("letters"));
	self->letters = create(self->to, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			       .message_size = FIXTURE_MESSAGE, .capacity = LETTERS_SLOTS,
			       .lanes = 2, .mode = 0666);
	ASSERT_LE(0, self->letters);
	self->fd = create_limited(self->name, 2, self->to);
	ASSERT_LE(0, self->fd);
	self->rx = open_port(self->name, O_RDONLY);
	ASSERT_LE(0, self->rx);
}

FIXTURE_TEARDOWN(letters)
{
	close(self->fd);
	close(self->rx);
	close(self->letters);
}

/* Delivers the next message in vain. */
static long fail(int fd)
{
	long ticket = lease(fd);

	return ticket < 0 ? ticket : finish(fd, MAILBOX_NACK, ticket);
}

/* What a receive tells of the next message, whose bytes must be @text. */
static struct mailbox_message next_letter(struct __test_metadata *_metadata, int fd,
					  const char *text)
{
	char buf[FIXTURE_MESSAGE + 1] = { 0 };
	struct mailbox_message m = message(.data = address(buf), .length = FIXTURE_MESSAGE);

	EXPECT_EQ(0, receive_message(fd, &m));
	EXPECT_EQ(strlen(text), m.length);
	EXPECT_STREQ(text, buf);
	return m;
}

static __u32 deliveries(const struct mailbox_message *m)
{
	return m->flags >> MAILBOX_MSG_DEPARTED_SHIFT;
}

/* Creation. */

TEST_F(letters, limit_and_port_are_shown)
{
	struct mailbox_info info = info_of(self->fd);
	char path[128];

	EXPECT_EQ(2, info.max_deliveries);
	EXPECT_STREQ(self->to, info.dead_letter);
	EXPECT_NE(0, info.dead_endpoint);
	EXPECT_EQ(0, info.messages_moved);
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/dead_letter", self->name);
	EXPECT_EQ(0, strncmp(self->to, slurp(path), strlen(self->to)));
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/max_deliveries", self->name);
	EXPECT_STREQ("2\n", slurp(path));
	info = info_of(self->letters);
	EXPECT_EQ(0, info.max_deliveries);
	EXPECT_STREQ("", info.dead_letter);
	EXPECT_EQ(0, info.dead_endpoint);
	/* Nobody has it open by that. */
	EXPECT_EQ(1, info.endpoints);
}

TEST(limit_beyond_what_is_counted_is_einval)
{
	EXPECT_EQ(-EINVAL, create(NULL, .max_deliveries = MAILBOX_DELIVERIES_MAX + 1));
	EXPECT_EQ(-EINVAL, create(NULL, .max_deliveries = ~0U));
	EXPECT_LE(0, create(NULL, .max_deliveries = MAILBOX_DELIVERIES_MAX));
}

TEST_F(letters, dead_letter_port_without_a_limit_is_einval)
{
	EXPECT_EQ(-EINVAL, create_limited(NULL, 0, self->to));
}

TEST(bad_name_of_a_dead_letter_port_is_einval)
{
	struct mailbox_create arg = { .size = sizeof(arg), .max_deliveries = 1 };

	EXPECT_EQ(-EINVAL, create_limited(NULL, 1, "control"));
	EXPECT_EQ(-EINVAL, create_limited(NULL, 1, ".x"));
	EXPECT_EQ(-EINVAL, create_limited(NULL, 1, "x/y"));
	memset(arg.dead_letter, 'x', sizeof(arg.dead_letter));
	EXPECT_EQ(-EINVAL, create_port(NULL, &arg));
	memset(arg.dead_letter, 0, sizeof(arg.dead_letter));
	arg.dead_letter[1] = 'x';
	EXPECT_EQ(-EINVAL, create_port(NULL, &arg));
}

TEST(dead_letter_port_that_is_not_there_is_enoent)
{
	const char *name = port_name("self");
	__u32 ports = query().ports;

	EXPECT_EQ(-ENOENT, create_limited(NULL, 1, port_name("none")));
	EXPECT_EQ(-ENOENT, create_limited(name, 1, name));
	EXPECT_EQ(ports, query().ports);
}

TEST_F(letters, dead_letter_port_that_one_may_not_send_to_is_eacces)
{
	const char *name = port_name("secret");
	int fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = FIXTURE_MESSAGE,
			.mode = 0644);

	EXPECT_LE(0, fd);
	EXPECT_EQ(-EACCES, ended(become(NOBODY, NOBODY); leave(create_limited(NULL, 1, name));));
	EXPECT_EQ(0, ended(become(NOBODY, NOBODY);
			   leave(create_limited(NULL, 1, self->to) < 0);));
	EXPECT_EQ(0, delete_port(name, 0));
	close(fd);
}

TEST(dead_letter_port_for_shorter_messages_is_emsgsize)
{
	const char *name = port_name("short");
	int fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = FIXTURE_MESSAGE - 1);

	EXPECT_LE(0, fd);
	EXPECT_EQ(-EMSGSIZE, create_limited(NULL, 1, name));
	EXPECT_EQ(0, delete_port(name, 0));
	close(fd);
}

TEST_F(letters, dead_letter_port_that_gives_up_itself_or_is_direct_or_counts_is_eopnotsupp)
{
	const char *name = port_name("direct");
	int fd = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_DIRECT);

	EXPECT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, create_limited(NULL, 1, name));
	EXPECT_EQ(-EOPNOTSUPP, create_limited(NULL, 1, self->name));
	EXPECT_EQ(0, delete_port(name, 0));
	close(fd);
	fd = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_SEALED, .limit = 2);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, create_limited(NULL, 1, name));
	EXPECT_EQ(0, delete_port(name, 0));
	close(fd);
}

TEST(port_that_counts_its_messages_gives_none_up)
{
	EXPECT_EQ(-EINVAL, create(NULL, .flags = MAILBOX_SEALED, .limit = 2,
				  .max_deliveries = 1));
}

TEST_F(letters, existing_port_is_opened_whatever_dead_letter_port_is_named)
{
	int fd = create(self->name, .max_deliveries = 9, .dead_letter = "no-such-port");

	EXPECT_LE(0, fd);
	EXPECT_EQ(2, info_of(fd).max_deliveries);
	close(fd);
}

/* What counts. */

TEST_F(letters, message_given_back_too_often_moves_and_keeps_what_it_carries)
{
	struct mailbox_message out = message(.data = address("poison"), .length = 6, .lane = 1,
					     .tag = 77), m;

	EXPECT_EQ(0, send_message(self->fd, &out));
	EXPECT_EQ(0, send_on(self->fd, 0, "sound"));
	m = message(.flags = MAILBOX_RECV_LEASE, .length = 6, .data = address((char [6]) { 0 }));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, deliveries(&m));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, m.ticket, .lane = 1));
	EXPECT_EQ(0, info_of(self->letters).depth);
	m = message(.flags = MAILBOX_RECV_LEASE, .length = 6, .data = address((char [6]) { 0 }));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(1, deliveries(&m));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK_BACK, m.ticket, .lane = 1));
	EXPECT_EQ(-ESTALE, finish(self->rx, MAILBOX_ACK, m.ticket, .lane = 1));
	m = next_letter(_metadata, self->letters, "poison");
	EXPECT_EQ(77, m.tag);
	EXPECT_EQ(1, m.lane);
	EXPECT_EQ(2, deliveries(&m));
	EXPECT_TRUE(m.flags & MAILBOX_MSG_REDELIVERED);
	EXPECT_FALSE(m.flags & MAILBOX_MSG_RECEIPT);
	EXPECT_MESSAGE("sound", self->rx);
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(letters, each_way_of_failing_counts)
{
	int fd, i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, send_on(self->fd, 0, "x"));
		EXPECT_EQ(0, fail(self->rx));
		switch (i) {
		case 0:		/* closed */
			fd = open_port(self->name, O_RDONLY);
			EXPECT_LE(0, lease(fd));
			close(fd);
			break;
		case 1:		/* killed */
			EXPECT_EQ(KILLED_BY(SIGKILL), ended({
				int fd = open_port(self->name, O_RDONLY);

				if (lease(fd) >= 0)
					raise(SIGKILL);
			}));
			break;
		case 2:		/* late */
			EXPECT_LE(0, lease_until(self->rx, 1));
			break;
		case 3:
			EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK_BACK, lease(self->rx)));
			break;
		}
		EXPECT_TRUE(wait_until(info_of(self->letters).depth == i + 1));
		EXPECT_EQ(0, info_of(self->fd).depth);
		EXPECT_NO_MESSAGE(self->fd);
	}
	EXPECT_EQ(4, info_of(self->fd).messages_moved);
	EXPECT_EQ(0, info_of(self->fd).messages_dropped);
	EXPECT_EQ(0, info_of(self->fd).messages_received);
}

TEST_F(letters, what_fails_without_a_delivery_does_not_count)
{
	struct mailbox_message m = message(.flags = MAILBOX_RECV_LEASE,
					   .data = address(nowhere()), .length = 64);
	int i;

	EXPECT_EQ(0, send_on(self->fd, 0, "text"));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(-EFAULT, receive_message(self->rx, &m));
		EXPECT_EQ(-EFAULT, get(self->rx, nowhere(), 64));
		EXPECT_EQ(-EMSGSIZE, get(self->rx, &(char) { 0 }, 1));
	}
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(-EFAULT, receive_message(self->rx, &m));
	EXPECT_LE(0, lease(self->rx));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_EXTEND, 0, .deadline = in_ms(1000000)));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_ACK, 0));
	EXPECT_EQ(0, info_of(self->letters).depth);
	EXPECT_EQ(1, info_of(self->fd).messages_received);
}

TEST(limit_of_one_means_that_nothing_comes_again)
{
	int fd = create_limited(NULL, 1, "");

	EXPECT_EQ(0, send_on(fd, 0, "x"));
	EXPECT_EQ(0, fail(fd));
	EXPECT_NO_MESSAGE(fd);
	EXPECT_EQ(1, info_of(fd).messages_dropped);
	EXPECT_EQ(0, info_of(fd).redelivered);
	close(fd);
}

TEST(without_a_limit_messages_come_again_for_ever)
{
	int fd = create_limited(NULL, 0, ""), i;

	EXPECT_EQ(0, send_on(fd, 0, "x"));
	for (i = 0; i < 300; i++)
		EXPECT_EQ(0, fail(fd));
	EXPECT_MESSAGE("x", fd);
	close(fd);
}

/* What its sender is told. */

TEST_F(letters, receipt_says_where_it_went_and_who_had_it_last)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->fd, 0, "x"));
	EXPECT_EQ(0, fail(self->fd));
	EXPECT_EQ(-EAGAIN, outcome_of(self->fd));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, read_receipt(self->fd, &r));
	EXPECT_EQ(MAILBOX_RECEIVER_DIED, r.outcome);
	EXPECT_EQ(MAILBOX_REASON_MOVED, r.reason);
	EXPECT_EQ(info_of(self->rx).endpoint, r.receiver);
	EXPECT_EQ(getpid(), r.pid);
	EXPECT_NE(0, r.time);
	EXPECT_EQ(-EAGAIN, outcome_of(self->fd));
	/* Told once: who takes it there tells nobody. */
	EXPECT_MESSAGE("x", self->letters);
	EXPECT_EQ(-EAGAIN, outcome_of(self->fd));
}

TEST(receipt_of_one_that_nobody_will_have)
{
	int fd = create_limited(NULL, 2, "");
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(fd, 0, "x"));
	EXPECT_EQ(0, fail(fd));
	EXPECT_LE(0, lease_until(fd, 1));
	EXPECT_TRUE(wait_until(!read_receipt(fd, &r)));
	EXPECT_EQ(MAILBOX_RECEIVER_DIED, r.outcome);
	EXPECT_EQ(0, r.reason);
	EXPECT_EQ(info_of(fd).endpoint, r.receiver);
	EXPECT_EQ(1, info_of(fd).messages_dropped);
	EXPECT_EQ(0, info_of(fd).messages_moved);
	close(fd);
}

TEST_F(letters, caller_is_told_that_his_message_was_given_up)
{
	struct mailbox_receipt *r = shared_pages(1);
	pid_t caller;

	*r = wish();
	caller = spawn();
	if (!caller)
		leave(send_sync(self->fd, "x", MAILBOX_FOREVER, r));
	EXPECT_TRUE(wait_until(info_of(self->rx).depth));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, reap(caller));
	EXPECT_EQ(MAILBOX_RECEIVER_DIED, r->outcome);
	EXPECT_EQ(MAILBOX_REASON_MOVED, r->reason);
}

/* At the dead-letter port. */

TEST_F(letters, letter_is_from_the_creator_of_the_port_it_came_from)
{
	struct mailbox_message m;

	EXPECT_EQ(0, ended(become(NOBODY, NOBODY);
			   leave(send_on(open_port(self->name, O_WRONLY), 0, "x"));));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, fail(self->rx));
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(info_of(self->fd).dead_endpoint, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(0, m.gid);
	EXPECT_TRUE(m.flags & MAILBOX_MSG_TRUSTED);
}

TEST_F(letters, letter_in_a_port_that_was_mapped_is_not_trusted)
{
	struct mailbox_message m;
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->letters));
	EXPECT_EQ(0, send_on(self->fd, 0, "x"));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, fail(self->rx));
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_FALSE(m.flags & MAILBOX_MSG_TRUSTED);
	ring_unmap(&r);
}

TEST_F(letters, lane_that_there_is_not_becomes_the_highest_there_is)
{
	struct mailbox_message m;
	int i;

	EXPECT_EQ(0, send_on(self->fd, 3, "x"));
	for (i = 0; i < 2; i++) {
		m = message(.flags = MAILBOX_RECV_LEASE, .length = 1,
			    .data = address((char [1]) { 0 }));
		EXPECT_EQ(0, receive_message(self->rx, &m));
		EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0, .lane = 3));
	}
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(1, m.lane);
}

TEST_F(letters, letter_wakes_who_waits_for_it)
{
	struct pollfd p = { .fd = self->letters, .events = POLLIN };
	pid_t pid = spawn();

	if (!pid)
		leave(receive_until(self->letters, (char [8]) { 0 }, 8, MAILBOX_FOREVER));
	EXPECT_TRUE(wait_receivers(self->letters, 1));
	EXPECT_EQ(0, send_on(self->fd, 0, "one"));
	EXPECT_EQ(0, send_on(self->fd, 0, "two"));
	EXPECT_EQ(0, fail(self->rx) ?: fail(self->rx));
	EXPECT_EQ(3, reap(pid));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, fail(self->rx) ?: fail(self->rx));
	EXPECT_EQ(1, poll(&p, 1, 0));
}

/* When it cannot move. */

TEST_F(letters, message_comes_again_while_the_dead_letter_port_is_full)
{
	struct mailbox_message m;
	int i;

	EXPECT_EQ(LETTERS_SLOTS, fill_lane(self->letters, 0));
	EXPECT_EQ(0, send_receipt(self->fd, 0, "x"));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(1, info_of(self->fd).depth);
	EXPECT_EQ(5, info_of(self->fd).redelivered);
	EXPECT_EQ(-EAGAIN, outcome_of(self->fd));
	for (i = 0; i < LETTERS_SLOTS; i++)
		EXPECT_MESSAGE("fill", self->letters);
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, info_of(self->fd).depth);
	EXPECT_EQ(MAILBOX_RECEIVER_DIED, outcome_of(self->fd));
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(6, deliveries(&m));
}

TEST_F(letters, message_comes_again_when_the_dead_letter_port_is_deleted)
{
	int fd, i;

	EXPECT_EQ(0, send_receipt(self->fd, 0, "x"));
	EXPECT_EQ(0, delete_port(self->to, 0));
	EXPECT_EQ(0, info_of(self->fd).dead_endpoint);
	EXPECT_STREQ(self->to, info_of(self->fd).dead_letter);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, fail(self->rx));
	/* Another one of that name is another port. */
	fd = create(self->to, .flags = MAILBOX_EXCLUSIVE, .message_size = FIXTURE_MESSAGE);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, info_of(fd).depth);
	EXPECT_EQ(0, info_of(self->fd).messages_dropped);
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_EQ(MAILBOX_RECEIVED, outcome_of(self->fd));
	EXPECT_EQ(0, delete_port(self->to, 0));
	close(fd);
}

TEST_F(letters, message_comes_again_when_the_dead_letter_port_has_lost_its_name)
{
	EXPECT_EQ(0, send_on(self->fd, 0, "x"));
	EXPECT_EQ(0, delete_port(self->to, MAILBOX_DELETE_UNLINK));
	EXPECT_EQ(0, info_of(self->fd).dead_endpoint);
	EXPECT_EQ(0, fail(self->rx) ?: fail(self->rx));
	EXPECT_MESSAGE("x", self->rx);
	EXPECT_NO_MESSAGE(self->letters);
}

TEST_F(letters, dead_letter_port_that_drops_the_oldest_takes_the_newest)
{
	const char *name = port_name("drops");
	int to = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE |
			MAILBOX_DROP_OLDEST, .message_size = FIXTURE_MESSAGE, .capacity = 2);
	int fd = create_limited(NULL, 1, name), i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, send_on(fd, 0, (char []) { 'a' + i, 0 }));
		EXPECT_EQ(0, fail(fd));
	}
	EXPECT_EQ(4, info_of(fd).messages_moved);
	EXPECT_EQ(2, info_of(to).messages_dropped);
	EXPECT_MESSAGE("c", to);
	EXPECT_MESSAGE("d", to);
	close(fd);
	close(to);
}

TEST_F(letters, dead_letter_port_that_drops_the_newest_drops_no_letter)
{
	const char *name = port_name("drops");
	int to = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE |
			MAILBOX_DROP_NEWEST, .message_size = FIXTURE_MESSAGE, .capacity = 2);
	int fd = create_limited(NULL, 1, name);

	EXPECT_EQ(0, send_on(to, 0, "a"));
	EXPECT_EQ(0, send_on(to, 0, "b"));
	EXPECT_EQ(0, send_on(fd, 0, "letter"));
	EXPECT_EQ(0, fail(fd));
	EXPECT_EQ(0, info_of(to).messages_dropped);
	EXPECT_MESSAGE("letter", fd);
	close(fd);
	close(to);
}

/* Delete. */

TEST_F(letters, deleted_dead_letter_port_holds_no_memory)
{
	__u64 bytes = query().user_bytes, its = info_of(self->letters).bytes;

	EXPECT_EQ(0, delete_port(self->to, 0));
	close(self->letters);
	EXPECT_TRUE(wait_until(query().user_bytes == bytes - its));
	self->letters = open("/dev/null", O_RDWR);
}

TEST_F(letters, letters_of_a_port_that_is_gone_are_still_from_its_creator)
{
	struct mailbox_message m;

	EXPECT_EQ(0, send_on(self->fd, 0, "x"));
	EXPECT_EQ(0, fail(self->rx) ?: fail(self->rx));
	close(self->rx);
	close(self->fd);
	self->fd = -1;
	self->rx = -1;
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(getpid(), m.pid);
}

TEST_F(letters, purged_message_does_not_move)
{
	struct mailbox_receipt r = wish();

	EXPECT_EQ(0, send_receipt(self->fd, 0, "x"));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(0, read_receipt(self->fd, &r));
	EXPECT_EQ(MAILBOX_DISCARDED, r.outcome);
	EXPECT_EQ(MAILBOX_REASON_PURGED, r.reason);
	EXPECT_EQ(0, info_of(self->letters).depth);
}

TEST_F(letters, message_of_a_deleted_port_moves_and_then_it_is_empty)
{
	pid_t pid;

	EXPECT_EQ(0, send_receipt(self->fd, 0, "x"));
	EXPECT_EQ(0, fail(self->rx));
	EXPECT_EQ(0, lease(self->rx));
	EXPECT_EQ(0, delete_port(self->name, 0));
	pid = spawn();
	if (!pid)
		leave(get(self->fd, (char [8]) { 0 }, 8));
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, finish(self->rx, MAILBOX_NACK, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
	EXPECT_MESSAGE("x", self->letters);
	EXPECT_EQ(MAILBOX_RECEIVER_DIED, outcome_of(self->fd));
}

/* Mapped receivers. */

TEST_F(letters, mapping_that_departs_counts)
{
	struct mailbox_message m;
	struct ring_taken t;
	struct ring r;
	int i;

	EXPECT_EQ(0, send_on(self->fd, 1, "x"));
	EXPECT_EQ(0, send_on(self->fd, 1, "y"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_map(&r, self->fd));
		if (!i) {
			ASSERT_EQ(0, ring_take(&r, 1, FIXTURE_MESSAGE, &t));
		} else {	/* which is parked */
			m = message(.flags = MAILBOX_RECV_IN_PLACE);
			ASSERT_EQ(0, receive_message(self->fd, &m));
			EXPECT_EQ(1, deliveries(&m));
		}
		ring_unmap(&r);
	}
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(2, deliveries(&m));
	EXPECT_EQ(1, m.lane);
	EXPECT_EQ(1, info_of(self->fd).messages_moved);
	EXPECT_EQ(1, info_of(self->fd).depth);
	EXPECT_MESSAGE("y", self->rx);
	EXPECT_EQ(1, info_of(self->fd).messages_received);
}

TEST_F(letters, leases_and_mappings_count_together)
{
	struct mailbox_message m;
	struct ring_taken t;
	struct ring r;

	EXPECT_EQ(0, send_on(self->fd, 0, "x"));
	ASSERT_EQ(0, ring_map(&r, self->fd));
	ASSERT_EQ(0, ring_take(&r, 0, FIXTURE_MESSAGE, &t));
	ring_unmap(&r);
	EXPECT_EQ(0, fail(self->rx));
	m = next_letter(_metadata, self->letters, "x");
	EXPECT_EQ(2, deliveries(&m));
}

TEST_F(letters, message_in_a_mapping_comes_again_while_it_cannot_move)
{
	struct mailbox_message m;
	struct ring_taken t;
	struct ring r;

	EXPECT_EQ(LETTERS_SLOTS, fill_lane(self->letters, 0));
	EXPECT_EQ(0, send_on(self->fd, 0, "x"));
	ASSERT_EQ(0, ring_map(&r, self->fd));
	ASSERT_EQ(0, ring_take(&r, 0, FIXTURE_MESSAGE, &t));
	ring_unmap(&r);
	m = message(.flags = MAILBOX_RECV_IN_PLACE);
	ASSERT_EQ(0, ring_map(&r, self->fd));
	ASSERT_EQ(0, receive_message(self->fd, &m));
	ring_unmap(&r);
	EXPECT_EQ(1, info_of(self->fd).depth);
	EXPECT_EQ(2, info_of(self->fd).redelivered);
	m = next_letter(_metadata, self->rx, "x");
	EXPECT_EQ(2, deliveries(&m));
}

TEST_F(letters, range_in_a_mapping_moves_message_by_message)
{
	static const char *const text[] = { "a", "b", "c" };
	int fd = create_limited(NULL, 1, self->to), i;
	struct ring r;
	__u64 p;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_map(&r, fd));
	ASSERT_EQ(3, ring_claim_range(&r, 0, 3, &p));
	for (i = 0; i < 3; i++)
		ring_fill(&r, 0, p + i, text[i], 1, 0);
	ring_publish_range(&r, 0, p, 3);
	ASSERT_EQ(3, ring_take_slots(&r, 0, &p));
	/* The last one is done. */
	mailbox_lane_slot(&r.lane[0], p + 2)->word =
		mailbox_word(p + 2 + FIXTURE_SLOTS, 0, MAILBOX_PHASE_FREE);
	ring_unmap(&r);
	EXPECT_EQ(2, info_of(fd).messages_moved);
	EXPECT_EQ(1, info_of(fd).messages_received);
	EXPECT_EQ(0, info_of(fd).depth);
	/* From the tail down, as all that is undone. */
	EXPECT_MESSAGE("b", self->letters);
	EXPECT_MESSAGE("a", self->letters);
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_EQ(0, send_on(fd, 0, "more"));
	EXPECT_EQ(-EAGAIN, send_on(fd, 0, "more"));
	close(fd);
}

TEST_F(letters, slot_of_a_message_that_moved_is_free_for_a_sleeping_sender)
{
	int fd = create_limited(NULL, 1, self->to), i;
	struct ring_taken t;
	struct ring r;
	pid_t pid;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(fd, 0));
	ASSERT_EQ(0, ring_map(&r, fd));
	ASSERT_EQ(0, ring_take(&r, 0, FIXTURE_MESSAGE, &t));
	pid = spawn();
	if (!pid)
		leave(send_until(fd, "late", MAILBOX_FOREVER));
	EXPECT_TRUE(wait_senders(fd, 1));
	ring_unmap(&r);
	EXPECT_EQ(0, reap(pid));
	for (i = 1; i < FIXTURE_SLOTS; i++)
		EXPECT_MESSAGE("fill", fd);
	EXPECT_MESSAGE("late", fd);
	close(fd);
}

/* Many at once: each job is done, or is a dead letter, and none both or twice. */

#define WORKERS		4
#define JOBS_MAX	4096U

struct pool {
	unsigned int done[JOBS_MAX];
	unsigned int letters[JOBS_MAX];
};

/* Every seventh job kills its worker whenever it is begun. */
static bool is_poison(unsigned int job)
{
	return job % 7 == 3;
}

static void work(const char *name, struct pool *pool, unsigned int seed)
{
	int fd = open_port(name, O_RDONLY);
	struct mailbox_message m;
	unsigned int job;

	for (;;) {
		m = message(.flags = MAILBOX_RECV_LEASE, .data = address(&job),
			    .length = sizeof(job), .deadline = MAILBOX_FOREVER);
		if (receive_message(fd, &m))
			leave(0);
		if (is_poison(job)) {
			if (rand_r(&seed) % 2)
				raise(SIGKILL);
			finish(fd, rand_r(&seed) % 2 ? MAILBOX_NACK : MAILBOX_NACK_BACK, m.ticket);
		} else if (!finish(fd, MAILBOX_ACK, m.ticket)) {
			__atomic_fetch_add(&pool->done[job], 1, __ATOMIC_RELAXED);
		}
	}
}

static pid_t hire(const char *name, struct pool *pool, unsigned int seed)
{
	pid_t pid = spawn();

	if (!pid)
		work(name, pool, seed);
	return pid;
}

static void take_letters(int fd, struct pool *pool)
{
	unsigned int job;

	while (receive_until(fd, &job, sizeof(job), MAILBOX_NO_WAIT) == sizeof(job))
		pool->letters[job]++;
}

TEST_F(letters, each_job_is_done_or_is_a_dead_letter)
{
	unsigned int jobs = much(2000), job = 0, died = 0, wrong = 0, poison = 0, i;
	struct pool *pool = shared_pages(sizeof(struct pool) / getpagesize() + 1);
	struct mailbox_info info;
	pid_t worker[WORKERS];

	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	set_nonblock(self->fd, true);
	for (i = 0; i < WORKERS; i++)
		worker[i] = hire(self->name, pool, i);
	do {
		if (job < jobs && put(self->fd, &job, sizeof(job)) == sizeof(job))
			poison += is_poison(job++);
		take_letters(self->letters, pool);
		for (i = 0; i < WORKERS; i++) {
			if (waitpid(worker[i], NULL, WNOHANG) != worker[i])
				continue;
			died++;
			worker[i] = hire(self->name, pool, died);
		}
		info = info_of(self->fd);
	} while (job < jobs || info.messages_received + info.messages_moved < jobs);
	take_letters(self->letters, pool);
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < WORKERS; i++)
		EXPECT_NE(NOT_ENDED, reap(worker[i]));
	for (i = 0; i < jobs; i++)
		wrong += pool->done[i] != !is_poison(i) || pool->letters[i] != is_poison(i);
	EXPECT_EQ(0, wrong);
	info = info_of(self->fd);
	EXPECT_EQ(jobs, info.messages_sent);
	EXPECT_EQ(poison, info.messages_moved);
	EXPECT_EQ(jobs - poison, info.messages_received);
	EXPECT_EQ(0, info.messages_dropped);
	report("%u jobs, %u of them poison, %u workers died", jobs, poison, died);
}

/* Ports come, name a dead-letter port, fail and go, while that one comes and goes. */

struct feeder {
	pthread_t thread;
	const char *to;
	unsigned int rounds;
	unsigned int moved;
	unsigned int wrong;
};

static void *feeder_main(void *arg)
{
	struct feeder *f = arg;
	struct mailbox_info info;
	unsigned int i;
	int fd;

	for (i = 0; i < f->rounds; i++) {
		fd = create_limited(NULL, 1, f->to);
		if (fd == -ENOENT)
			continue;
		if (fd < 0 || send_on(fd, 0, "x") || fail(fd)) {
			f->wrong++;
			close(fd);
			continue;
		}
		info = info_of(fd);
		f->moved += info.messages_moved;
		/* It moved, or it came again. */
		if (info.messages_moved + info.depth != 1 || info.messages_dropped)
			f->wrong++;
		close(fd);
	}
	return NULL;
}

TEST(dead_letter_port_comes_and_goes)
{
	struct feeder f[3] = { 0 };
	unsigned int moved = 0, received = 0, sent = 0, rounds = much(300), i;
	const char *name = port_name("transient");
	__u64 bytes = query().user_bytes;
	int fd;

	for (i = 0; i < 3; i++) {
		f[i].to = name;
		f[i].rounds = 2 * rounds;
		ASSERT_EQ(0, pthread_create(&f[i].thread, NULL, feeder_main, &f[i]));
	}
	for (i = 0; i < rounds; i++) {
		fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = FIXTURE_MESSAGE,
			    .capacity = 4);
		if (fd < 0)
			break;
		if (i % 2)
			sched_yield();
		delete_port(name, 0);
		while (get(fd, (char [8]) { 0 }, 8) == 1)
			received++;
		sent += info_of(fd).messages_sent;
		close(fd);
	}
	EXPECT_EQ(rounds, i);
	for (i = 0; i < 3; i++) {
		pthread_join(f[i].thread, NULL);
		moved += f[i].moved;
		EXPECT_EQ(0, f[i].wrong);
	}
	EXPECT_EQ(moved, received);
	EXPECT_EQ(moved, sent);
	EXPECT_TRUE(wait_until(query().user_bytes == bytes));
	report("%u letters moved, to %u ports", moved, rounds);
}

TEST_HARNESS_MAIN
