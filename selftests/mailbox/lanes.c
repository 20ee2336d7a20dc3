// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes: priority, and selective receive by an endpoint's mask.
 */
#include "mailbox_test.h"

TEST_F(port, the_highest_lane_is_received_first)
{
	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 3, "high"));
	EXPECT_EQ(0, send_on(self->tx, 1, "middle"));
	EXPECT_EQ(0, send_on(self->tx, 3, "high again"));
	EXPECT_MESSAGE("high", self->rx);
	EXPECT_MESSAGE("high again", self->rx);
	EXPECT_MESSAGE("middle", self->rx);
	EXPECT_MESSAGE("low", self->rx);
}

TEST_F(port, a_later_message_of_a_higher_lane_overtakes)
{
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(0, send_on(self->tx, 1, "two"));
	EXPECT_MESSAGE("one", self->rx);
	EXPECT_EQ(0, send_on(self->tx, 2, "urgent"));
	EXPECT_MESSAGE("urgent", self->rx);
	EXPECT_MESSAGE("two", self->rx);
}

TEST_F(port, read_too_takes_the_highest_lane_first)
{
	char in[8] = { 0 };

	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 2, "high"));
	EXPECT_EQ(4, get(self->rx, in, sizeof(in)));
	EXPECT_STREQ("high", in);
}

TEST_F(port, a_message_that_is_too_long_is_not_passed_by)
{
	char in[8] = { 0 };
	struct mailbox_message m = message(.data = address(in), .length = 3);

	EXPECT_EQ(0, send_on(self->tx, 0, "low"));
	EXPECT_EQ(0, send_on(self->tx, 2, "high"));
	EXPECT_EQ(-EMSGSIZE, get(self->rx, in, 3));
	EXPECT_EQ(-EMSGSIZE, receive_message(self->rx, &m));
	EXPECT_EQ(4, m.length);
	EXPECT_MESSAGE("high", self->rx);
	EXPECT_MESSAGE("low", self->rx);
}

TEST_F(port, all_32_lanes_in_order)
{
	int fd = create(NULL, .lanes = MAILBOX_LANES_MAX, .capacity = 2, .message_size = 8);
	char text[8];
	int i, lane;

	ASSERT_LE(0, fd);
	/* 7 is prime to 32: every lane comes, in no order. */
	for (i = 0; i < 32; i++) {
		snprintf(text, sizeof(text), "%d", i * 7 % 32);
		EXPECT_EQ(0, send_on(fd, i * 7 % 32, text));
	}
	for (lane = 31; lane >= 0; lane--) {
		struct mailbox_message m = message(.data = address(text), .length = 8);

		EXPECT_EQ(0, receive_message(fd, &m));
		EXPECT_EQ(lane, m.lane);
		text[m.length] = 0;
		EXPECT_EQ(lane, atoi(text));
	}
	EXPECT_NO_MESSAGE(fd);
}

TEST_F(port, receive_tells_the_lane)
{
	struct mailbox_message m = message();

	EXPECT_EQ(0, send_on(self->tx, 2, ""));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(2, m.lane);
}

TEST_F(port, lanes_are_full_one_by_one)
{
	set_nonblock(self->tx, true);
	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	EXPECT_EQ(-EAGAIN, put_text(self->tx, "x"));
	EXPECT_EQ(0, send_on(self->tx, 1, "x"));
	EXPECT_EQ(0, send_on(self->tx, 3, "x"));
	EXPECT_EQ(-EAGAIN, send_on(self->tx, 0, "x"));
}

TEST_F(port, lane_beyond_the_ports_lanes_is_einval)
{
	EXPECT_EQ(-EINVAL, send_on(self->tx, FIXTURE_LANES, "x"));
	EXPECT_EQ(-EINVAL, send_on(self->tx, 31, "x"));
	EXPECT_EQ(-EINVAL, send_on(self->tx, 32, "x"));
	EXPECT_EQ(-EINVAL, send_on(self->tx, MAILBOX_LANE_DEFAULT - 1, "x"));
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, lane_given_to_a_receive_is_einval)
{
	struct mailbox_message m = message(.lane = 1);

	EXPECT_EQ(0, send_on(self->tx, 1, ""));
	EXPECT_EQ(-EINVAL, receive_message(self->rx, &m));
	m = message(.lane = MAILBOX_LANE_DEFAULT);
	EXPECT_EQ(-EINVAL, receive_message(self->rx, &m));
	EXPECT_EQ(1, info_of(self->rx).depth);
}

TEST_F(port, write_goes_to_lane_0_at_first)
{
	struct mailbox_message m = message(.data = address(&(char) { 0 }), .length = 1);

	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.lane);
}

TEST_F(port, default_lane_is_where_write_sends)
{
	struct mailbox_message m = message(.data = address(&(char) { 0 }), .length = 1);

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 3));
	EXPECT_EQ(3, info_of(self->tx).default_lane);
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(3, m.lane);
}

TEST_F(port, default_lane_is_where_lane_default_sends)
{
	struct mailbox_message m = message(.lane = MAILBOX_LANE_DEFAULT);

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 2));
	EXPECT_EQ(0, send_message(self->tx, &m));
	m = message();
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(2, m.lane);
}

TEST_F(port, a_given_lane_is_not_the_default_lane)
{
	struct mailbox_message m = message();

	EXPECT_EQ(0, set_lanes(self->tx, ~0U, 2));
	EXPECT_EQ(0, send_on(self->tx, 0, ""));
	EXPECT_EQ(0, receive_message(self->rx, &m));
	EXPECT_EQ(0, m.lane);
}

TEST_F(port, default_lane_beyond_the_ports_lanes_is_einval)
{
	EXPECT_EQ(-EINVAL, set_lanes(self->tx, ~0U, FIXTURE_LANES));
	EXPECT_EQ(-EINVAL, set_lanes(self->tx, ~0U, MAILBOX_LANE_DEFAULT));
	EXPECT_EQ(0, info_of(self->tx).default_lane);
}

TEST_F(port, mask_selects_what_is_received)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 0 | 1 << 2, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_EQ(0, send_on(self->tx, 0, "zero"));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_MESSAGE("two", self->rx);
	EXPECT_MESSAGE("zero", self->rx);
	EXPECT_NO_MESSAGE(self->rx);
	EXPECT_EQ(2, info_of(self->rx).depth);
	EXPECT_MESSAGE("three", self->both);
	EXPECT_MESSAGE("one", self->both);
}

TEST_F(port, mask_selects_what_is_read)
{
	char in[8] = { 0 };

	set_nonblock(self->rx, true);
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(3, get(self->rx, in, sizeof(in)));
	EXPECT_STREQ("one", in);
	EXPECT_EQ(-EAGAIN, get(self->rx, in, sizeof(in)));
}

TEST_F(port, mask_selects_what_is_polled)
{
	struct pollfd p = { .fd = self->rx, .events = POLLIN };

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(1, poll(&p, 1, 0));
}

TEST_F(port, mask_selects_what_wakes_a_receiver)
{
	pid_t child;
	long switches;
	char in[8];

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	child = spawn();
	if (!child)
		leave(get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(wait_until(asleep_in(child, SYS_read)));
	switches = switches_of(child);
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_EQ(0, send_on(self->tx, 0, "zero"));
	EXPECT_TRUE(asleep_in(child, SYS_read));
	EXPECT_EQ(switches, switches_of(child));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(3, reap(child));
	EXPECT_EQ(2, info_of(self->tx).depth);
}

/* The sleeper in front may not have it; the one behind him may. */
TEST_F(port, the_wakeup_finds_the_receiver_whose_mask_fits)
{
	int other = open_port(self->name, O_RDONLY);
	pid_t wrong, right;
	char in[8];

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, set_lanes(other, 1 << 2, 0));
	wrong = spawn();
	if (!wrong)
		leave(get(self->rx, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	right = spawn();
	if (!right)
		leave(get(other, in, sizeof(in)));
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_EQ(3, reap(right));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(0, send_on(self->tx, 1, "one"));
	EXPECT_EQ(3, reap(wrong));
}

TEST_F(port, each_sender_waits_for_its_own_lane)
{
	pid_t zero, one;
	char in[8];

	fill_lane(self->tx, 0);
	fill_lane(self->tx, 1);
	zero = spawn();
	if (!zero)
		leave(put_text(self->tx, "zero"));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	one = spawn();
	if (!one) {
		set_lanes(self->both, ~0U, 1);
		leave(put_text(self->both, "one"));
	}
	EXPECT_TRUE(wait_senders(self->rx, 2));
	/* Room on lane 1 is for the second. */
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(4, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(3, reap(one));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 0, 0));
	EXPECT_EQ(4, get(self->rx, in, sizeof(in)));
	EXPECT_EQ(4, reap(zero));
}

TEST_F(port, mask_is_the_endpoints_not_the_ports)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 2));
	EXPECT_EQ(1 << 1, info_of(self->rx).receive_mask);
	EXPECT_NE(1 << 1, info_of(self->both).receive_mask);
	EXPECT_EQ(0, info_of(self->both).default_lane);
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_MESSAGE("three", self->both);
}

TEST_F(port, mask_holds_for_every_copy_of_the_descriptor)
{
	int copy = dup(self->rx);

	EXPECT_EQ(0, set_lanes(copy, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_NO_MESSAGE(self->rx);
}

TEST_F(port, mask_of_all_ones_stands_for_all_lanes)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1, 0));
	EXPECT_EQ(0, set_lanes(self->rx, ~0U, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_MESSAGE("three", self->rx);
}

TEST_F(port, mask_of_nothing_is_einval)
{
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, 0, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "three"));
	EXPECT_MESSAGE("three", self->rx);
}

TEST_F(port, mask_with_lanes_that_are_not_is_einval)
{
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, 1 << FIXTURE_LANES, 0));
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, 1 << FIXTURE_LANES | 1, 0));
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, ~0U - 1, 0));
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, ~0U >> 1, 0));
	EXPECT_EQ(0, set_lanes(self->rx, (1 << FIXTURE_LANES) - 1, 0));
}

TEST_F(port, a_refused_set_lanes_changes_nothing)
{
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 1));
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, 1 << 3, FIXTURE_LANES));
	EXPECT_EQ(-EINVAL, set_lanes(self->rx, 0, 3));
	EXPECT_EQ(1 << 2, info_of(self->rx).receive_mask);
	EXPECT_EQ(1, info_of(self->rx).default_lane);
}

TEST(mask_on_a_port_with_32_lanes)
{
	int fd = create(NULL, .lanes = MAILBOX_LANES_MAX, .capacity = 2, .message_size = 8);

	EXPECT_EQ(0, set_lanes(fd, 1U << 31, 31));
	EXPECT_EQ(0, send_on(fd, 30, "30"));
	EXPECT_EQ(2, put_text(fd, "31"));
	EXPECT_MESSAGE("31", fd);
	EXPECT_NO_MESSAGE(fd);
	EXPECT_EQ(0, set_lanes(fd, ~0U, 0));
	EXPECT_MESSAGE("30", fd);
}

TEST_HARNESS_MAIN
