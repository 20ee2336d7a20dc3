// SPDX-License-Identifier: GPL-2.0-only
/* The interface: layouts and numbers, once and for all, and structures of other sizes. */

#include <linux/mailbox.h>
#include <linux/mailbox_ring.h>

#include "../abi.h"
#include "test.h"

#define EXPECT_MEMBER(test, type, member, offset, bytes)			\
do {										\
	KUNIT_EXPECT_EQ(test, offsetof(struct type, member), (size_t)(offset));	\
	KUNIT_EXPECT_EQ(test, sizeof_field(struct type, member), (size_t)(bytes)); \
} while (0)

static void layout_of_create(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_create), 176);
	EXPECT_MEMBER(test, mailbox_create, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_create, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_create, message_size, 8, 4);
	EXPECT_MEMBER(test, mailbox_create, capacity, 12, 4);
	EXPECT_MEMBER(test, mailbox_create, lanes, 16, 4);
	EXPECT_MEMBER(test, mailbox_create, mode, 20, 4);
	EXPECT_MEMBER(test, mailbox_create, open_flags, 24, 4);
	EXPECT_MEMBER(test, mailbox_create, fd, 28, 4);
	EXPECT_MEMBER(test, mailbox_create, peer_pid, 32, 4);
	EXPECT_MEMBER(test, mailbox_create, max_deliveries, 36, 4);
	EXPECT_MEMBER(test, mailbox_create, name, 40, 64);
	EXPECT_MEMBER(test, mailbox_create, limit, 104, 4);
	EXPECT_MEMBER(test, mailbox_create, pad2, 108, 4);
	EXPECT_MEMBER(test, mailbox_create, dead_letter, 112, 64);
}

static void layout_of_open(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_open), 80);
	EXPECT_MEMBER(test, mailbox_open, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_open, open_flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_open, fd, 8, 4);
	EXPECT_MEMBER(test, mailbox_open, pad, 12, 4);
	EXPECT_MEMBER(test, mailbox_open, name, 16, 64);
}

static void layout_of_delete(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_delete), 72);
	EXPECT_MEMBER(test, mailbox_delete, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_delete, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_delete, name, 8, 64);
}

static void layout_of_evict_and_holder(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_evict), 72);
	EXPECT_MEMBER(test, mailbox_evict, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_evict, endpoint, 4, 4);
	EXPECT_MEMBER(test, mailbox_evict, name, 8, 64);
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_holder), 112);
	EXPECT_MEMBER(test, mailbox_holder, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_holder, endpoint, 4, 4);
	EXPECT_MEMBER(test, mailbox_holder, pid, 8, 4);
	EXPECT_MEMBER(test, mailbox_holder, uid, 12, 4);
	EXPECT_MEMBER(test, mailbox_holder, writing, 16, 4);
	EXPECT_MEMBER(test, mailbox_holder, reading, 20, 4);
	EXPECT_MEMBER(test, mailbox_holder, lane, 24, 4);
	EXPECT_MEMBER(test, mailbox_holder, pad, 28, 4);
	EXPECT_MEMBER(test, mailbox_holder, ticket, 32, 8);
	EXPECT_MEMBER(test, mailbox_holder, blocks_ns, 40, 8);
	EXPECT_MEMBER(test, mailbox_holder, name, 48, 64);
}

static void layout_of_message(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_message), 88);
	EXPECT_MEMBER(test, mailbox_message, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_message, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_message, data, 8, 8);
	EXPECT_MEMBER(test, mailbox_message, length, 16, 4);
	EXPECT_MEMBER(test, mailbox_message, lane, 20, 4);
	EXPECT_MEMBER(test, mailbox_message, tag, 24, 8);
	EXPECT_MEMBER(test, mailbox_message, deadline, 32, 8);
	EXPECT_MEMBER(test, mailbox_message, ticket, 40, 8);
	EXPECT_MEMBER(test, mailbox_message, sender, 48, 4);
	EXPECT_MEMBER(test, mailbox_message, pid, 52, 4);
	EXPECT_MEMBER(test, mailbox_message, uid, 56, 4);
	EXPECT_MEMBER(test, mailbox_message, gid, 60, 4);
	EXPECT_MEMBER(test, mailbox_message, lost, 64, 4);
	EXPECT_MEMBER(test, mailbox_message, index, 68, 4);
	EXPECT_MEMBER(test, mailbox_message, receipt, 72, 8);
	EXPECT_MEMBER(test, mailbox_message, lease, 80, 8);
}

static void layout_of_receipt(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_receipt), 80);
	EXPECT_MEMBER(test, mailbox_receipt, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_receipt, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_receipt, data, 8, 8);
	EXPECT_MEMBER(test, mailbox_receipt, length, 16, 4);
	EXPECT_MEMBER(test, mailbox_receipt, lane, 20, 4);
	EXPECT_MEMBER(test, mailbox_receipt, ticket, 24, 8);
	EXPECT_MEMBER(test, mailbox_receipt, deadline, 32, 8);
	EXPECT_MEMBER(test, mailbox_receipt, tag, 40, 8);
	EXPECT_MEMBER(test, mailbox_receipt, time, 48, 8);
	EXPECT_MEMBER(test, mailbox_receipt, outcome, 56, 4);
	EXPECT_MEMBER(test, mailbox_receipt, reason, 60, 4);
	EXPECT_MEMBER(test, mailbox_receipt, receiver, 64, 4);
	EXPECT_MEMBER(test, mailbox_receipt, pid, 68, 4);
	EXPECT_MEMBER(test, mailbox_receipt, uid, 72, 4);
	EXPECT_MEMBER(test, mailbox_receipt, gid, 76, 4);
}

static void layout_of_batches(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_batch), 40);
	EXPECT_MEMBER(test, mailbox_batch, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_batch, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_batch, vectors, 8, 8);
	EXPECT_MEMBER(test, mailbox_batch, details, 16, 8);
	EXPECT_MEMBER(test, mailbox_batch, deadline, 24, 8);
	EXPECT_MEMBER(test, mailbox_batch, count, 32, 4);
	EXPECT_MEMBER(test, mailbox_batch, pad, 36, 4);
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_vector), 16);
	EXPECT_MEMBER(test, mailbox_vector, data, 0, 8);
	EXPECT_MEMBER(test, mailbox_vector, length, 8, 4);
	EXPECT_MEMBER(test, mailbox_vector, lane, 12, 4);
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_detail), 40);
	EXPECT_MEMBER(test, mailbox_detail, tag, 0, 8);
	EXPECT_MEMBER(test, mailbox_detail, ticket, 8, 8);
	EXPECT_MEMBER(test, mailbox_detail, flags, 16, 4);
	EXPECT_MEMBER(test, mailbox_detail, sender, 20, 4);
	EXPECT_MEMBER(test, mailbox_detail, pid, 24, 4);
	EXPECT_MEMBER(test, mailbox_detail, uid, 28, 4);
	EXPECT_MEMBER(test, mailbox_detail, gid, 32, 4);
	EXPECT_MEMBER(test, mailbox_detail, lost, 36, 4);
}

static void layout_of_finish(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_finish), 40);
	EXPECT_MEMBER(test, mailbox_finish, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_finish, how, 4, 4);
	EXPECT_MEMBER(test, mailbox_finish, data, 8, 8);
	EXPECT_MEMBER(test, mailbox_finish, length, 16, 4);
	EXPECT_MEMBER(test, mailbox_finish, lane, 20, 4);
	EXPECT_MEMBER(test, mailbox_finish, ticket, 24, 8);
	EXPECT_MEMBER(test, mailbox_finish, deadline, 32, 8);
}

static void layout_of_kick_and_end(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_end), 8);
	EXPECT_MEMBER(test, mailbox_end, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_end, end, 4, 4);
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_kick), 16);
	EXPECT_MEMBER(test, mailbox_kick, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_kick, receivers, 4, 4);
	EXPECT_MEMBER(test, mailbox_kick, senders, 8, 4);
	EXPECT_MEMBER(test, mailbox_kick, pad, 12, 4);
}

static void layout_of_the_shared_page(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_shared), 128 + 2 * 64 + 32 * 64);
	EXPECT_MEMBER(test, mailbox_shared, version, 0, 4);
	EXPECT_MEMBER(test, mailbox_shared, lanes, 4, 4);
	EXPECT_MEMBER(test, mailbox_shared, capacity, 8, 4);
	EXPECT_MEMBER(test, mailbox_shared, stride, 12, 4);
	EXPECT_MEMBER(test, mailbox_shared, message_size, 16, 4);
	EXPECT_MEMBER(test, mailbox_shared, slots, 20, 4);
	EXPECT_MEMBER(test, mailbox_shared, bytes, 24, 8);
	EXPECT_MEMBER(test, mailbox_shared, receivers, 128, 64);
	EXPECT_MEMBER(test, mailbox_shared, senders, 192, 64);
	EXPECT_MEMBER(test, mailbox_shared, lane, 256, 32 * 64);
}

static void layout_of_exchange(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_exchange), 32);
	EXPECT_MEMBER(test, mailbox_exchange, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_exchange, fd, 4, 4);
	EXPECT_MEMBER(test, mailbox_exchange, sent, 8, 4);
	EXPECT_MEMBER(test, mailbox_exchange, pad, 12, 4);
	EXPECT_MEMBER(test, mailbox_exchange, send, 16, 8);
	EXPECT_MEMBER(test, mailbox_exchange, receive, 24, 8);
}

static void layout_of_notify(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_notify), 24);
	EXPECT_MEMBER(test, mailbox_notify, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_notify, how, 4, 4);
	EXPECT_MEMBER(test, mailbox_notify, id, 8, 8);
	EXPECT_MEMBER(test, mailbox_notify, pid, 16, 4);
	EXPECT_MEMBER(test, mailbox_notify, uid, 20, 4);
}

static void layout_of_set_lanes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_set_lanes), 16);
	EXPECT_MEMBER(test, mailbox_set_lanes, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_set_lanes, receive_mask, 4, 4);
	EXPECT_MEMBER(test, mailbox_set_lanes, default_lane, 8, 4);
	EXPECT_MEMBER(test, mailbox_set_lanes, pad, 12, 4);
}

static void layout_of_the_attributes_in_info(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_info), 288);
	EXPECT_MEMBER(test, mailbox_info, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_info, flags, 4, 4);
	EXPECT_MEMBER(test, mailbox_info, message_size, 8, 4);
	EXPECT_MEMBER(test, mailbox_info, capacity, 12, 4);
	EXPECT_MEMBER(test, mailbox_info, lanes, 16, 4);
	EXPECT_MEMBER(test, mailbox_info, mode, 20, 4);
	EXPECT_MEMBER(test, mailbox_info, uid, 24, 4);
	EXPECT_MEMBER(test, mailbox_info, gid, 28, 4);
	EXPECT_MEMBER(test, mailbox_info, state, 32, 4);
	EXPECT_MEMBER(test, mailbox_info, endpoint, 36, 4);
	EXPECT_MEMBER(test, mailbox_info, receive_mask, 40, 4);
	EXPECT_MEMBER(test, mailbox_info, default_lane, 44, 4);
	EXPECT_MEMBER(test, mailbox_info, map_bytes, 112, 8);
	EXPECT_MEMBER(test, mailbox_info, mappings, 120, 4);
	EXPECT_MEMBER(test, mailbox_info, owner, 124, 4);
	EXPECT_MEMBER(test, mailbox_info, sender, 128, 4);
	EXPECT_MEMBER(test, mailbox_info, receiver, 132, 4);
	EXPECT_MEMBER(test, mailbox_info, leased, 136, 4);
	EXPECT_MEMBER(test, mailbox_info, limit, 140, 4);
	EXPECT_MEMBER(test, mailbox_info, max_deliveries, 152, 4);
	EXPECT_MEMBER(test, mailbox_info, dead_endpoint, 156, 4);
	EXPECT_MEMBER(test, mailbox_info, name, 160, 64);
	EXPECT_MEMBER(test, mailbox_info, dead_letter, 224, 64);
}

static void layout_of_the_statistics_in_info(struct kunit *test)
{
	EXPECT_MEMBER(test, mailbox_info, endpoints, 48, 4);
	EXPECT_MEMBER(test, mailbox_info, waiting_senders, 52, 4);
	EXPECT_MEMBER(test, mailbox_info, waiting_receivers, 56, 4);
	EXPECT_MEMBER(test, mailbox_info, depth, 60, 4);
	EXPECT_MEMBER(test, mailbox_info, bytes, 64, 8);
	EXPECT_MEMBER(test, mailbox_info, messages_sent, 72, 8);
	EXPECT_MEMBER(test, mailbox_info, messages_received, 80, 8);
	EXPECT_MEMBER(test, mailbox_info, messages_dropped, 88, 8);
	EXPECT_MEMBER(test, mailbox_info, redelivered, 96, 8);
	EXPECT_MEMBER(test, mailbox_info, quarantined, 104, 8);
	EXPECT_MEMBER(test, mailbox_info, messages_moved, 144, 8);
}

static void layout_of_query(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_query), 56);
	EXPECT_MEMBER(test, mailbox_query, size, 0, 4);
	EXPECT_MEMBER(test, mailbox_query, max_ports, 4, 4);
	EXPECT_MEMBER(test, mailbox_query, features, 8, 8);
	EXPECT_MEMBER(test, mailbox_query, max_port_bytes, 16, 8);
	EXPECT_MEMBER(test, mailbox_query, max_user_bytes, 24, 8);
	EXPECT_MEMBER(test, mailbox_query, user_bytes, 32, 8);
	EXPECT_MEMBER(test, mailbox_query, ports, 40, 4);
	EXPECT_MEMBER(test, mailbox_query, message_max, 44, 4);
	EXPECT_MEMBER(test, mailbox_query, capacity_max, 48, 4);
	EXPECT_MEMBER(test, mailbox_query, lanes_max, 52, 4);
}

static void layout_of_a_slot(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mailbox_slot), 16);
	EXPECT_MEMBER(test, mailbox_slot, word, 0, 8);
	EXPECT_MEMBER(test, mailbox_slot, header, 8, 8);
	KUNIT_EXPECT_EQ(test, MAILBOX_SLOT_TAG, 1ULL << 32);
	KUNIT_EXPECT_EQ(test, MAILBOX_SLOT_SENDER_SHIFT, 48);
	KUNIT_EXPECT_EQ(test, mailbox_word(1, 0, 0), 1ULL << 28);
	KUNIT_EXPECT_EQ(test, mailbox_word(0, 1, 0), 1ULL << 12);
}

static void numbers_of_the_ioctls(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_QUERY, 0xc038bb00);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_CREATE, 0xc0b0bb01);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_OPEN, 0xc050bb02);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_DELETE, 0x4048bb03);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_EVICT, 0x4048bb04);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_HOLDER, 0xc070bb05);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_SEND, 0xc058bb10);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_RECEIVE, 0xc058bb11);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_INFO, 0xc120bb12);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_SET_LANES, 0x4010bb13);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_KICK, 0x4010bb14);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_END, 0x4008bb15);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_SEND_BATCH, 0xc028bb16);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_RECEIVE_BATCH, 0xc028bb17);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_RECEIPT, 0xc050bb18);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_FINISH, 0x4028bb19);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_PEEK, 0xc058bb1a);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_NOTIFY, 0xc018bb1b);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_EVENTFD, 0x4008bb1c);
	KUNIT_EXPECT_EQ(test, MAILBOX_IOC_EXCHANGE, 0xc020bb1d);
}

static void values_of_the_flags(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MAILBOX_SEALED, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_AUTODELETE, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_DIRECT, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_DROP_NEWEST, 8);
	KUNIT_EXPECT_EQ(test, MAILBOX_DROP_OLDEST, 16);
	KUNIT_EXPECT_EQ(test, MAILBOX_EXCLUSIVE, 0x80000000);
	KUNIT_EXPECT_EQ(test, MAILBOX_DELETE_PURGE, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_DELETE_UNLINK, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_SEND_REALTIME, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_SEND_IN_PLACE, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_SEND_RECEIPT, 8);
	KUNIT_EXPECT_EQ(test, MAILBOX_SEND_SYNC, 16);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_REALTIME, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_TRUNCATE, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_IN_PLACE, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_LEASE, 8);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_FINISH, 16);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECV_LARGEST, 256);
	KUNIT_EXPECT_EQ(test, MAILBOX_MSG_TRUSTED, 0x10000);
	KUNIT_EXPECT_EQ(test, MAILBOX_MSG_TRUNCATED, 0x20000);
	KUNIT_EXPECT_EQ(test, MAILBOX_MSG_REDELIVERED, 0x40000);
	KUNIT_EXPECT_EQ(test, MAILBOX_MSG_RECEIPT, 0x80000);
	KUNIT_EXPECT_EQ(test, MAILBOX_MSG_DEPARTED_SHIFT, 24);
	KUNIT_EXPECT_EQ(test, MAILBOX_LANE_DEFAULT, 0xffffffff);
	KUNIT_EXPECT_EQ(test, MAILBOX_NO_WAIT, 0);
	KUNIT_EXPECT_EQ(test, MAILBOX_FOREVER, U64_MAX);
}

static void values_of_receipts_and_leases(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MAILBOX_QUEUED, 0);
	KUNIT_EXPECT_EQ(test, MAILBOX_TAKEN, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECEIVED, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_ACKED, 3);
	KUNIT_EXPECT_EQ(test, MAILBOX_REPLIED, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_DISCARDED, 5);
	KUNIT_EXPECT_EQ(test, MAILBOX_REASON_PURGED, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_REASON_LOST, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_REASON_DROPPED, 3);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECEIPT_REALTIME, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECEIPT_TICKET, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECEIPT_STATUS, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_ACK, 1);
	KUNIT_EXPECT_EQ(test, MAILBOX_REPLY, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_NACK, 3);
	KUNIT_EXPECT_EQ(test, MAILBOX_NACK_BACK, 4);
	KUNIT_EXPECT_EQ(test, MAILBOX_EXTEND, 5);
	KUNIT_EXPECT_EQ(test, MAILBOX_RECEIPTS_MAX, 4096);
}

static void values_of_the_limits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, MAILBOX_NAME_MAX, 63);
	KUNIT_EXPECT_EQ(test, MAILBOX_NAME_SIZE, 64);
	KUNIT_EXPECT_EQ(test, MAILBOX_MESSAGE_MAX, 16 << 20);
	KUNIT_EXPECT_EQ(test, MAILBOX_CAPACITY_MIN, 2);
	KUNIT_EXPECT_EQ(test, MAILBOX_CAPACITY_MAX, 65536);
	KUNIT_EXPECT_EQ(test, MAILBOX_LANES_MAX, 32);
	KUNIT_EXPECT_EQ(test, MAILBOX_ENDPOINTS_MAX, 65534);
	KUNIT_EXPECT_LT(test, MAILBOX_ENDPOINTS_MAX, MAILBOX_OWNER_PARKED);
	KUNIT_EXPECT_LE(test, MAILBOX_OWNER_PARKED, MAILBOX_OWNER_MASK);
}

static void a_command_is_known_whatever_size_it_says(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mailbox_abi_command(MAILBOX_IOC_INFO),
			mailbox_abi_command(_IOWR(MAILBOX_IOC_TYPE, 0x12, struct mailbox_open)));
	KUNIT_EXPECT_NE(test, mailbox_abi_command(MAILBOX_IOC_INFO),
			mailbox_abi_command(MAILBOX_IOC_SEND));
	KUNIT_EXPECT_NE(test, mailbox_abi_command(MAILBOX_IOC_INFO),
			mailbox_abi_command(_IOW(MAILBOX_IOC_TYPE, 0x12, struct mailbox_info)));
	KUNIT_EXPECT_NE(test, mailbox_abi_command(MAILBOX_IOC_INFO),
			mailbox_abi_command(_IOWR(0xBC, 0x12, struct mailbox_info)));
}

static struct kunit_case layout_cases[] = {
	KUNIT_CASE(layout_of_create),
	KUNIT_CASE(layout_of_open),
	KUNIT_CASE(layout_of_delete),
	KUNIT_CASE(layout_of_evict_and_holder),
	KUNIT_CASE(layout_of_message),
	KUNIT_CASE(layout_of_exchange),
	KUNIT_CASE(layout_of_notify),
	KUNIT_CASE(layout_of_set_lanes),
	KUNIT_CASE(layout_of_kick_and_end),
	KUNIT_CASE(layout_of_the_attributes_in_info),
	KUNIT_CASE(layout_of_the_statistics_in_info),
	KUNIT_CASE(layout_of_query),
	KUNIT_CASE(layout_of_a_slot),
	KUNIT_CASE(numbers_of_the_ioctls),
	KUNIT_CASE(values_of_the_flags),
	KUNIT_CASE(values_of_the_limits),
	KUNIT_CASE(a_command_is_known_whatever_size_it_says),
	{}
};

static struct kunit_suite layout_suite = {
	.name = "mailbox_abi",
	.test_cases = layout_cases,
};

/* Structures of other sizes than ours, in a user's memory */

#define KNOWN	24U

/* The user's bytes, as many as its size says: 1, 2, 3 and so on behind the size. */
static int store(size_t offset, u32 size, u32 bytes, u32 nonzero)
{
	char __user *user = mailbox_test_user_memory() + offset;
	u32 i;
	int err;

	mailbox_test_user_enter();
	err = clear_user(user, bytes) || put_user(size, (u32 __user *)user);
	for (i = sizeof(size); !err && i < bytes && i < nonzero; i++)
		err = put_user((char)i, user + i);
	mailbox_test_user_leave();
	return err;
}

static int get(void *to, size_t offset, u32 *size)
{
	int err;

	memset(to, 0xff, KNOWN);
	mailbox_test_user_enter();
	err = mailbox_abi_get(to, KNOWN, mailbox_test_user_memory() + offset, size);
	mailbox_test_user_leave();
	return err;
}

static void a_structure_of_our_size_is_copied(struct kunit *test)
{
	u8 to[KNOWN];
	u32 size = 0, i;

	KUNIT_ASSERT_EQ(test, store(0, KNOWN, KNOWN, KNOWN), 0);
	KUNIT_EXPECT_EQ(test, get(to, 0, &size), 0);
	KUNIT_EXPECT_EQ(test, size, KNOWN);
	for (i = sizeof(u32); i < KNOWN; i++)
		KUNIT_EXPECT_EQ(test, to[i], i);
}

static void a_smaller_structure_is_refused(struct kunit *test)
{
	u8 to[KNOWN];
	u32 size, given;

	for (given = 0; given < KNOWN; given++) {
		KUNIT_ASSERT_EQ(test, store(0, given, KNOWN, KNOWN), 0);
		KUNIT_EXPECT_EQ(test, get(to, 0, &size), -EINVAL);
	}
}

static void a_larger_structure_with_a_tail_of_zeros_is_accepted(struct kunit *test)
{
	static const u32 sizes[] = { KNOWN + 1, KNOWN + 8, 100, PAGE_SIZE };
	u8 to[KNOWN + 1] = { [KNOWN] = 0xee };
	u32 size, i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, store(0, sizes[i], sizes[i], KNOWN), 0);
		KUNIT_EXPECT_EQ(test, get(to, 0, &size), 0);
		KUNIT_EXPECT_EQ(test, size, sizes[i]);
		KUNIT_EXPECT_EQ(test, to[KNOWN - 1], KNOWN - 1);
		KUNIT_EXPECT_EQ(test, to[KNOWN], 0xee);
	}
}

static void a_larger_structure_with_anything_in_its_tail_is_refused(struct kunit *test)
{
	u8 to[KNOWN];
	u32 size, i;

	for (i = KNOWN; i < KNOWN + 20; i++) {
		char __user *user = mailbox_test_user_memory();
		int err;

		KUNIT_ASSERT_EQ(test, store(0, KNOWN + 20, KNOWN + 20, KNOWN), 0);
		mailbox_test_user_enter();
		err = put_user(1, user + i);
		mailbox_test_user_leave();
		KUNIT_ASSERT_EQ(test, err, 0);
		KUNIT_EXPECT_EQ(test, get(to, 0, &size), -E2BIG);
	}
}

static void a_structure_of_more_than_a_page_is_refused(struct kunit *test)
{
	u8 to[KNOWN];
	u32 size;

	KUNIT_ASSERT_EQ(test, store(0, PAGE_SIZE + 1, PAGE_SIZE + 1, KNOWN), 0);
	KUNIT_EXPECT_EQ(test, get(to, 0, &size), -E2BIG);
	KUNIT_ASSERT_EQ(test, store(0, U32_MAX, KNOWN, KNOWN), 0);
	KUNIT_EXPECT_EQ(test, get(to, 0, &size), -E2BIG);
}

static void a_structure_that_is_not_all_there_is_a_fault(struct kunit *test)
{
	u8 to[KNOWN];
	u32 size;

	/* Its size is readable, the rest of it is not, or its tail is not. */
	KUNIT_ASSERT_EQ(test, store(MAILBOX_TEST_USER_SIZE - 4, KNOWN, 4, 0), 0);
	KUNIT_EXPECT_EQ(test, get(to, MAILBOX_TEST_USER_SIZE - 4, &size), -EFAULT);
	KUNIT_ASSERT_EQ(test, store(MAILBOX_TEST_USER_SIZE - KNOWN, KNOWN + 8, KNOWN, KNOWN), 0);
	KUNIT_EXPECT_EQ(test, get(to, MAILBOX_TEST_USER_SIZE - KNOWN, &size), -EFAULT);
	KUNIT_EXPECT_EQ(test, get(to, MAILBOX_TEST_USER_SIZE, &size), -EFAULT);
}

/* Copy out to a structure of the given size; returns the number of bytes changed, or an error. */
static int put_and_count(u32 size)
{
	u8 __user *user = mailbox_test_user_memory();
	u8 from[KNOWN], byte;
	int err, i;

	memset(from, 0xaa, KNOWN);
	err = store(0, 0, 2 * KNOWN, 0);
	if (err)
		return err;
	mailbox_test_user_enter();
	err = mailbox_abi_put(user, size, from, KNOWN);
	for (i = 0; !err && i < 2 * KNOWN; i++) {
		err = get_user(byte, user + i);
		if (byte != 0xaa)
			break;
	}
	mailbox_test_user_leave();
	return err ? err : i;
}

static void what_goes_out_ends_with_the_smaller_size(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, put_and_count(KNOWN), KNOWN);
	KUNIT_EXPECT_EQ(test, put_and_count(KNOWN + 8), KNOWN);
	KUNIT_EXPECT_EQ(test, put_and_count(KNOWN - 8), KNOWN - 8);
}

static void what_cannot_go_out_is_a_fault(struct kunit *test)
{
	char __user *user = mailbox_test_user_memory();
	u8 from[KNOWN] = {};
	int err;

	mailbox_test_user_enter();
	err = mailbox_abi_put(user + MAILBOX_TEST_USER_SIZE - 8, KNOWN, from, KNOWN);
	mailbox_test_user_leave();
	KUNIT_EXPECT_EQ(test, err, -EFAULT);
}

static int size_init(struct kunit *test)
{
	if (!mailbox_test_user_memory())
		kunit_skip(test, "no user memory here");
	return 0;
}

static struct kunit_case size_cases[] = {
	KUNIT_CASE(layout_of_the_shared_page),
	KUNIT_CASE(layout_of_receipt),
	KUNIT_CASE(layout_of_finish),
	KUNIT_CASE(layout_of_batches),
	KUNIT_CASE(values_of_receipts_and_leases),
	KUNIT_CASE(a_structure_of_our_size_is_copied),
	KUNIT_CASE(a_smaller_structure_is_refused),
	KUNIT_CASE(a_larger_structure_with_a_tail_of_zeros_is_accepted),
	KUNIT_CASE(a_larger_structure_with_anything_in_its_tail_is_refused),
	KUNIT_CASE(a_structure_of_more_than_a_page_is_refused),
	KUNIT_CASE(a_structure_that_is_not_all_there_is_a_fault),
	KUNIT_CASE(what_goes_out_ends_with_the_smaller_size),
	KUNIT_CASE(what_cannot_go_out_is_a_fault),
	{}
};

static struct kunit_suite size_suite = {
	.name = "mailbox_abi_size",
	.suite_init = mailbox_test_user_init,
	.suite_exit = mailbox_test_user_exit,
	.init = size_init,
	.test_cases = size_cases,
};

kunit_test_suites(&layout_suite, &size_suite);
