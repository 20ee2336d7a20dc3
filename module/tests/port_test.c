// SPDX-License-Identifier: GPL-2.0-only
/* Ports: names, attributes, permission, the name table, endpoints and identities. */

#include <linux/fs.h>
#include <linux/kdev_t.h>

#include "notrace.h"
#include "../port.c"
#include "test.h"

/* In place of sysfs.c: a class and numbers of our own, and no attributes. */
struct class *mailbox_class;
dev_t mailbox_devt;
const struct attribute_group *mailbox_port_groups[] = { NULL };

/* Names */

static bool name_is_good(const char *name)
{
	char padded[MAILBOX_NAME_SIZE] = {};

	memcpy(padded, name, strlen(name));
	return !mailbox_name_check(padded);
}

static bool character_is_good(unsigned char c)
{
	return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c);
}

static void names_are_of_letters_digits_dot_underscore_and_dash(struct kunit *test)
{
	char name[MAILBOX_NAME_SIZE] = "a?z";
	int c;

	for (c = 0; c < 256; c++) {
		name[1] = c;
		KUNIT_EXPECT_EQ_MSG(test, mailbox_name_check(name),
				    character_is_good(c) ? 0 : -EINVAL, "character %#x", c);
	}
}

static void a_name_may_begin_with_any_of_them_but_the_dot(struct kunit *test)
{
	char name[MAILBOX_NAME_SIZE] = "?z";
	int c;

	for (c = 0; c < 256; c++) {
		name[0] = c;
		KUNIT_EXPECT_EQ_MSG(test, mailbox_name_check(name),
				    character_is_good(c) && c != '.' ? 0 : -EINVAL,
				    "character %#x", c);
	}
}

static void a_name_may_end_with_any_of_them(struct kunit *test)
{
	char name[MAILBOX_NAME_SIZE] = "a?";
	int c;

	for (c = 1; c < 256; c++) {
		name[1] = c;
		KUNIT_EXPECT_EQ_MSG(test, mailbox_name_check(name),
				    character_is_good(c) ? 0 : -EINVAL, "character %#x", c);
	}
}

static void a_name_has_1_to_63_characters(struct kunit *test)
{
	char name[MAILBOX_NAME_SIZE] = {};
	int length;

	KUNIT_EXPECT_EQ(test, mailbox_name_check(name), -EINVAL);
	for (length = 1; length < MAILBOX_NAME_SIZE; length++) {
		name[length - 1] = 'n';
		KUNIT_EXPECT_EQ(test, mailbox_name_check(name), 0);
	}
	name[MAILBOX_NAME_SIZE - 1] = 'n';
	KUNIT_EXPECT_EQ(test, mailbox_name_check(name), -EINVAL);
}

static void no_name_goes_up_or_is_hidden(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, name_is_good("."));
	KUNIT_EXPECT_FALSE(test, name_is_good(".."));
	KUNIT_EXPECT_FALSE(test, name_is_good(".hidden"));
	KUNIT_EXPECT_TRUE(test, name_is_good("a."));
	KUNIT_EXPECT_TRUE(test, name_is_good("a..b"));
}

static void only_control_itself_is_reserved(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, name_is_good("control"));
	KUNIT_EXPECT_TRUE(test, name_is_good("Control"));
	KUNIT_EXPECT_TRUE(test, name_is_good("control1"));
	KUNIT_EXPECT_TRUE(test, name_is_good("contro"));
	KUNIT_EXPECT_TRUE(test, name_is_good("default"));
}

static void what_follows_the_name_must_be_zero(struct kunit *test)
{
	char name[MAILBOX_NAME_SIZE] = "name";
	int i;

	for (i = strlen("name") + 1; i < MAILBOX_NAME_SIZE; i++) {
		name[i] = 'x';
		KUNIT_EXPECT_EQ(test, mailbox_name_check(name), -EINVAL);
		name[i] = 0;
	}
	KUNIT_EXPECT_EQ(test, mailbox_name_check(name), 0);
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE(names_are_of_letters_digits_dot_underscore_and_dash),
	KUNIT_CASE(a_name_may_begin_with_any_of_them_but_the_dot),
	KUNIT_CASE(a_name_may_end_with_any_of_them),
	KUNIT_CASE(a_name_has_1_to_63_characters),
	KUNIT_CASE(no_name_goes_up_or_is_hidden),
	KUNIT_CASE(only_control_itself_is_reserved),
	KUNIT_CASE(what_follows_the_name_must_be_zero),
	{}
};

static struct kunit_suite name_suite = {
	.name = "mailbox_name",
	.test_cases = name_cases,
};

/* Attributes */

/* One small message, and something changed. */
#define CHECK(...)								\
({										\
	struct mailbox_create small = { .message_size = 1, ##__VA_ARGS__ };	\
										\
	mailbox_port_check(&small);						\
})

static void zeros_become_the_defaults(struct kunit *test)
{
	struct mailbox_create attr = {};

	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), 0);
	KUNIT_EXPECT_EQ(test, attr.message_size, 8192);
	KUNIT_EXPECT_EQ(test, attr.capacity, 16);
	KUNIT_EXPECT_EQ(test, attr.lanes, 1);
	KUNIT_EXPECT_EQ(test, attr.mode, 0600);
	KUNIT_EXPECT_EQ(test, attr.flags, 0);
}

static void what_is_asked_for_is_kept(struct kunit *test)
{
	struct mailbox_create attr = {
		.message_size = 100, .capacity = 4, .lanes = 3, .mode = 0640,
		.flags = MAILBOX_SEALED,
	};

	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), 0);
	KUNIT_EXPECT_EQ(test, attr.message_size, 100);
	KUNIT_EXPECT_EQ(test, attr.capacity, 4);
	KUNIT_EXPECT_EQ(test, attr.lanes, 3);
	KUNIT_EXPECT_EQ(test, attr.mode, 0640);
	KUNIT_EXPECT_EQ(test, attr.flags, MAILBOX_SEALED);
}

static void capacity_is_a_power_of_two_from_2_to_65536(struct kunit *test)
{
	u32 capacity;
	int bit;

	for (capacity = 1; capacity < 300; capacity++)
		KUNIT_EXPECT_EQ_MSG(test, CHECK(.capacity = capacity),
				    capacity > 1 && hweight32(capacity) == 1 ? 0 : -EINVAL,
				    "capacity %u", capacity);
	for (bit = 1; bit < 32; bit++)
		KUNIT_EXPECT_EQ(test, CHECK(.capacity = BIT(bit)), bit <= 16 ? 0 : -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.capacity = 65535), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.capacity = 65537), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.capacity = U32_MAX), -EINVAL);
}

static void message_size_is_at_most_16_mib(struct kunit *test)
{
	struct mailbox_create attr = { .message_size = 16U << 20, .capacity = 2 };

	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), 0);
	mailbox_max_port_bytes = ULONG_MAX;
	attr.message_size++;
	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), -EINVAL);
	attr.message_size = U32_MAX;
	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), -EINVAL);
}

static void there_are_1_to_32_lanes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 1), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 31), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 32), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 33), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = U32_MAX), -EINVAL);
}

static void unknown_flags_are_refused(struct kunit *test)
{
	u32 known = MAILBOX_SEALED | MAILBOX_AUTODELETE | MAILBOX_DIRECT | MAILBOX_DROP_NEWEST |
		    MAILBOX_EXCLUSIVE;
	u32 alone = MAILBOX_DROP_OLDEST;
	int bit;

	KUNIT_EXPECT_EQ(test, CHECK(.flags = known), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.flags = alone | MAILBOX_DROP_NEWEST), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.flags = alone | MAILBOX_DIRECT), -EINVAL);
	for (bit = 0; bit < 32; bit++)
		KUNIT_EXPECT_EQ_MSG(test, CHECK(.flags = BIT(bit)),
				    (known | alone) & BIT(bit) ? 0 : -EINVAL, "bit %d", bit);
}

static void deliveries_have_a_limit_and_dead_letters_take_one(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 1), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 255), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 256), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = ~0U), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 1, .dead_letter = "x"), 0);
	KUNIT_EXPECT_EQ(test, CHECK(.dead_letter = "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 1, .dead_letter = "control"), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.max_deliveries = 1, .dead_letter = "x\0y"), -EINVAL);
}

static void a_peer_is_for_direct_ports(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, CHECK(.peer_pid = 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, CHECK(.peer_pid = 1, .flags = MAILBOX_DIRECT), 0);
}

static void mode_is_permission_bits(struct kunit *test)
{
	int bit;

	KUNIT_EXPECT_EQ(test, CHECK(.mode = 0777), 0);
	for (bit = 0; bit < 32; bit++)
		KUNIT_EXPECT_EQ_MSG(test, CHECK(.mode = BIT(bit)), bit < 9 ? 0 : -EINVAL,
				    "bit %d", bit);
}

static void memory_of_a_port_is_limited_to_the_byte(struct kunit *test)
{
	mailbox_max_port_bytes = mailbox_ring_bytes(1, 16, 3);
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 3), 0);
	mailbox_max_port_bytes--;
	KUNIT_EXPECT_EQ(test, CHECK(.lanes = 3), -EINVAL);
}

static void the_largest_of_everything_is_too_much_memory(struct kunit *test)
{
	struct mailbox_create attr = {
		.message_size = MAILBOX_MESSAGE_MAX, .capacity = MAILBOX_CAPACITY_MAX,
		.lanes = MAILBOX_LANES_MAX,
	};

	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), -EINVAL);
	mailbox_max_port_bytes = ULONG_MAX;
	KUNIT_EXPECT_EQ(test, mailbox_port_check(&attr), 0);
}

static struct kunit_case attribute_cases[] = {
	KUNIT_CASE(zeros_become_the_defaults),
	KUNIT_CASE(what_is_asked_for_is_kept),
	KUNIT_CASE(capacity_is_a_power_of_two_from_2_to_65536),
	KUNIT_CASE(message_size_is_at_most_16_mib),
	KUNIT_CASE(there_are_1_to_32_lanes),
	KUNIT_CASE(unknown_flags_are_refused),
	KUNIT_CASE(deliveries_have_a_limit_and_dead_letters_take_one),
	KUNIT_CASE(a_peer_is_for_direct_ports),
	KUNIT_CASE(mode_is_permission_bits),
	KUNIT_CASE(memory_of_a_port_is_limited_to_the_byte),
	KUNIT_CASE(the_largest_of_everything_is_too_much_memory),
	{}
};

static unsigned int ports_before;
static unsigned long bytes_before;

static int limits_init(struct kunit *test)
{
	ports_before = mailbox_max_ports;
	bytes_before = mailbox_max_port_bytes;
	return 0;
}

static void limits_exit(struct kunit *test)
{
	mailbox_max_ports = ports_before;
	mailbox_max_port_bytes = bytes_before;
}

static struct kunit_suite attribute_suite = {
	.name = "mailbox_attributes",
	.init = limits_init,
	.exit = limits_exit,
	.test_cases = attribute_cases,
};

/* Permission */

#define OWNER	1000
#define MEMBER	2000
#define OTHER	3000

static int permission(struct kunit *test, unsigned int id, unsigned int open_flags)
{
	const struct cred *before = mailbox_test_become(id);
	int err = mailbox_port_permission(test->priv, open_flags);

	mailbox_test_return(before);
	return err;
}

static void expect_permission(struct kunit *test, unsigned int id, umode_t mode, bool may_read,
			      bool may_write)
{
	struct mailbox_port *port = test->priv;

	port->mode = mode;
	KUNIT_EXPECT_EQ(test, permission(test, id, O_RDONLY), may_read ? 0 : -EACCES);
	KUNIT_EXPECT_EQ(test, permission(test, id, O_WRONLY), may_write ? 0 : -EACCES);
	KUNIT_EXPECT_EQ(test, permission(test, id, O_RDWR),
			may_read && may_write ? 0 : -EACCES);
	KUNIT_EXPECT_EQ(test, permission(test, id, O_RDONLY | O_NONBLOCK),
			may_read ? 0 : -EACCES);
}

static void the_owners_bits_count_for_the_owner_alone(struct kunit *test)
{
	expect_permission(test, OWNER, 0600, true, true);
	expect_permission(test, OWNER, 0400, true, false);
	expect_permission(test, OWNER, 0200, false, true);
	expect_permission(test, OWNER, 0177, false, false);
	expect_permission(test, MEMBER, 0600, false, false);
	expect_permission(test, OTHER, 0600, false, false);
}

static void the_groups_bits_count_for_the_group_alone(struct kunit *test)
{
	expect_permission(test, MEMBER, 0060, true, true);
	expect_permission(test, MEMBER, 0040, true, false);
	expect_permission(test, MEMBER, 0020, false, true);
	expect_permission(test, MEMBER, 0717, false, false);
	expect_permission(test, OWNER, 0060, false, false);
	expect_permission(test, OTHER, 0060, false, false);
}

static void the_others_bits_count_for_others_alone(struct kunit *test)
{
	expect_permission(test, OTHER, 0006, true, true);
	expect_permission(test, OTHER, 0004, true, false);
	expect_permission(test, OTHER, 0002, false, true);
	expect_permission(test, OTHER, 0771, false, false);
	expect_permission(test, OWNER, 0006, false, false);
	expect_permission(test, MEMBER, 0006, false, false);
}

static void cap_dac_override_may_do_everything(struct kunit *test)
{
	/* A case is root, who is not the owner. */
	KUNIT_EXPECT_EQ(test, mailbox_port_permission(test->priv, O_RDWR), 0);
}

static int permission_init(struct kunit *test)
{
	struct mailbox_port *port = kunit_kzalloc(test, sizeof(*port), GFP_KERNEL);

	if (!port)
		return -ENOMEM;
	port->uid = KUIDT_INIT(OWNER);
	port->gid = KGIDT_INIT(MEMBER);
	test->priv = port;
	return 0;
}

static struct kunit_case permission_cases[] = {
	KUNIT_CASE(the_owners_bits_count_for_the_owner_alone),
	KUNIT_CASE(the_groups_bits_count_for_the_group_alone),
	KUNIT_CASE(the_others_bits_count_for_others_alone),
	KUNIT_CASE(cap_dac_override_may_do_everything),
	{}
};

static struct kunit_suite permission_suite = {
	.name = "mailbox_permission",
	.init = permission_init,
	.test_cases = permission_cases,
};

/* The name table and the life of a port */

#define PORTS	4

static const kuid_t alice = KUIDT_INIT(60001);

static struct mailbox_port *make(const char *name, u32 flags)
{
	struct mailbox_create attr = {
		.message_size = 16, .capacity = 4, .lanes = 2, .mode = 0600, .flags = flags,
	};

	strscpy(attr.name, name, sizeof(attr.name));
	return mailbox_port_alloc(&attr, alice, KGIDT_INIT(60001));
}

static int publish(struct mailbox_port *port)
{
	int err;

	mutex_lock(&mailbox_ports_lock);
	err = mailbox_port_publish(port);
	mutex_unlock(&mailbox_ports_lock);
	return err;
}

static void delete(struct mailbox_port *port, bool purge)
{
	mutex_lock(&mailbox_ports_lock);
	mailbox_port_delete(port, purge);
	mutex_unlock(&mailbox_ports_lock);
}

static struct mailbox_port *find(const char *name)
{
	struct mailbox_port *port;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find(name);
	mutex_unlock(&mailbox_ports_lock);
	return port;
}

static struct mailbox_port *find_minor(unsigned int minor)
{
	struct mailbox_port *port;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find_minor(minor);
	mutex_unlock(&mailbox_ports_lock);
	return port;
}

/* A published port, held by the table alone. */
static struct mailbox_port *make_named(struct kunit *test, const char *name, u32 flags)
{
	struct mailbox_port *port = make(name, flags);

	KUNIT_ASSERT_FALSE(test, IS_ERR(port));
	KUNIT_EXPECT_EQ(test, publish(port), 0);
	mailbox_port_put(port);
	return port;
}

static int send_from(struct mailbox_endpoint *ep, u32 lane, u64 *position)
{
	struct mailbox_ring_lane *at = &ep->port->ring.lane[lane];
	int err = mailbox_ring_claim(&ep->port->ring, at, &ep->position[lane].send, ep->id,
				     position);

	if (err)
		return err;
	mailbox_slot_write(&at->view, *position, 1, 0, ep->id);
	mailbox_slot_publish(&at->view, *position, ep->id);
	return 0;
}

static int receive_at(struct mailbox_endpoint *ep, u32 lane)
{
	struct mailbox_ring *ring = &ep->port->ring;
	struct mailbox_taken t;
	int err = mailbox_ring_take(ring, &ring->lane[lane], &ep->position[lane].receive, ep->id,
				    SIZE_MAX, &t);

	if (!err)
		mailbox_slot_release(&ring->lane[lane].view, t.position);
	return err;
}

static void a_port_is_found_by_its_name_and_number(struct kunit *test)
{
	struct mailbox_port *a = make_named(test, "kunit-a", 0);
	struct mailbox_port *b = make_named(test, "kunit-b", 0);

	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), a);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-b"), b);
	KUNIT_EXPECT_NULL(test, find("kunit-"));
	KUNIT_EXPECT_NULL(test, find("kunit-aa"));
	KUNIT_EXPECT_PTR_EQ(test, find_minor(MINOR(b->dev.devt)), b);
	KUNIT_EXPECT_NULL(test, find_minor(0));
}

static void a_name_is_given_once(struct kunit *test)
{
	struct mailbox_port *first = make_named(test, "kunit-a", 0);
	struct mailbox_port *second = make("kunit-a", 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(second));
	KUNIT_EXPECT_EQ(test, publish(second), -EEXIST);
	KUNIT_EXPECT_FALSE(test, second->named);
	mailbox_port_put(second);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), first);
}

static void a_deleted_port_leaves_its_name_at_once(struct kunit *test)
{
	struct mailbox_port *old = make_named(test, "kunit-a", 0), *new;

	mailbox_port_get(old);
	delete(old, false);
	KUNIT_EXPECT_NULL(test, find("kunit-a"));
	new = make_named(test, "kunit-a", 0);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), new);
	mailbox_port_put(old);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), new);
}

/* Who still has the old node must not get at another port by it. */
static void a_number_is_not_given_again_at_once(struct kunit *test)
{
	struct mailbox_port *port = make_named(test, "kunit-a", 0);
	unsigned int number = MINOR(port->dev.devt);

	delete(port, false);
	KUNIT_EXPECT_NULL(test, find_minor(number));
	port = make_named(test, "kunit-b", 0);
	KUNIT_EXPECT_NE(test, MINOR(port->dev.devt), number);
	KUNIT_EXPECT_NULL(test, find_minor(number));
}

static void there_are_no_more_ports_than_allowed(struct kunit *test)
{
	struct mailbox_port *one, *two, *three;

	mailbox_max_ports = 2;
	one = make("", 0);
	two = make("", 0);
	three = make("", 0);
	KUNIT_EXPECT_FALSE(test, IS_ERR(one));
	KUNIT_EXPECT_FALSE(test, IS_ERR(two));
	KUNIT_EXPECT_PTR_EQ(test, three, ERR_PTR(-ENOSPC));
	mailbox_port_put(one);
	one = make("", 0);
	KUNIT_EXPECT_FALSE(test, IS_ERR(one));
	mailbox_port_put(one);
	mailbox_port_put(two);
}

static void a_port_is_charged_to_its_owner_until_it_is_gone(struct kunit *test)
{
	struct mailbox_port *port = make("", 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(port));
	KUNIT_EXPECT_EQ(test, port->ring.bytes, mailbox_ring_bytes(16, 4, 2));
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), port->ring.bytes);
	mailbox_port_put(port);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
}

static void a_port_beyond_the_owners_quota_is_refused_and_leaves_nothing(struct kunit *test)
{
	unsigned long before = mailbox_max_user_bytes;
	int count = atomic_read(&mailbox_ports_count);
	const struct cred *cred;
	struct mailbox_port *port;

	mailbox_max_user_bytes = mailbox_ring_bytes(16, 4, 2) - 1;
	cred = mailbox_test_become(60001);
	port = make("", 0);
	mailbox_test_return(cred);
	mailbox_max_user_bytes = before;
	KUNIT_EXPECT_PTR_EQ(test, port, ERR_PTR(-EDQUOT));
	KUNIT_EXPECT_EQ(test, atomic_read(&mailbox_ports_count), count);
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
}

static void a_deleted_port_takes_no_endpoint_and_keeps_what_is_queued(struct kunit *test)
{
	struct mailbox_port *port = make_named(test, "kunit-a", 0);
	struct mailbox_endpoint *ep = mailbox_port_join(port, O_RDWR);
	struct mailbox_info info = {};
	u64 position;

	KUNIT_ASSERT_FALSE(test, IS_ERR(ep));
	KUNIT_EXPECT_EQ(test, send_from(ep, 1, &position), 0);
	delete(port, false);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_port_join(port, O_RDWR), ERR_PTR(-ENXIO));
	mailbox_port_info(port, NULL, &info);
	KUNIT_EXPECT_EQ(test, info.state, MAILBOX_STATE_DELETED);
	KUNIT_EXPECT_EQ(test, info.depth, 1);
	KUNIT_EXPECT_EQ(test, receive_at(ep, 1), 0);
	mailbox_port_leave(ep);
}

static void a_purged_port_counts_what_it_dropped(struct kunit *test)
{
	struct mailbox_port *port = make_named(test, "kunit-a", 0);
	struct mailbox_endpoint *ep = mailbox_port_join(port, O_RDWR);
	struct mailbox_info info = {};
	u64 position;

	KUNIT_ASSERT_FALSE(test, IS_ERR(ep));
	KUNIT_EXPECT_EQ(test, send_from(ep, 0, &position), 0);
	KUNIT_EXPECT_EQ(test, send_from(ep, 1, &position), 0);
	delete(port, true);
	mailbox_port_info(port, NULL, &info);
	KUNIT_EXPECT_EQ(test, info.depth, 0);
	KUNIT_EXPECT_EQ(test, info.messages_sent, 2);
	KUNIT_EXPECT_EQ(test, info.messages_dropped, 2);
	KUNIT_EXPECT_EQ(test, info.messages_received, 0);
	mailbox_port_leave(ep);
}

static void an_autodelete_port_goes_with_its_last_endpoint(struct kunit *test)
{
	struct mailbox_port *port = make_named(test, "kunit-a", MAILBOX_AUTODELETE);
	struct mailbox_endpoint *one = mailbox_port_join(port, O_RDWR);
	struct mailbox_endpoint *two = mailbox_port_join(port, O_RDWR);

	KUNIT_ASSERT_FALSE(test, IS_ERR(one));
	KUNIT_ASSERT_FALSE(test, IS_ERR(two));
	mailbox_port_leave(one);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), port);
	mailbox_port_leave(two);
	KUNIT_EXPECT_NULL(test, find("kunit-a"));
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
}

static void any_other_named_port_stays(struct kunit *test)
{
	struct mailbox_port *port = make_named(test, "kunit-a", 0);
	struct mailbox_endpoint *ep = mailbox_port_join(port, O_RDWR);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ep));
	mailbox_port_leave(ep);
	KUNIT_EXPECT_PTR_EQ(test, find("kunit-a"), port);
}

static void the_end_of_the_module_deletes_all_ports(struct kunit *test)
{
	make_named(test, "kunit-a", 0);
	make_named(test, "kunit-b", MAILBOX_AUTODELETE);
	mailbox_ports_exit();
	KUNIT_EXPECT_NULL(test, find("kunit-a"));
	KUNIT_EXPECT_NULL(test, find("kunit-b"));
	KUNIT_EXPECT_EQ(test, mailbox_quota_used(alice), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mailbox_ports_count), 0);
}

static struct kunit_case port_cases[] = {
	KUNIT_CASE(a_port_is_found_by_its_name_and_number),
	KUNIT_CASE(a_name_is_given_once),
	KUNIT_CASE(a_deleted_port_leaves_its_name_at_once),
	KUNIT_CASE(a_number_is_not_given_again_at_once),
	KUNIT_CASE(there_are_no_more_ports_than_allowed),
	KUNIT_CASE(a_port_is_charged_to_its_owner_until_it_is_gone),
	KUNIT_CASE(a_port_beyond_the_owners_quota_is_refused_and_leaves_nothing),
	KUNIT_CASE(a_deleted_port_takes_no_endpoint_and_keeps_what_is_queued),
	KUNIT_CASE(a_purged_port_counts_what_it_dropped),
	KUNIT_CASE(an_autodelete_port_goes_with_its_last_endpoint),
	KUNIT_CASE(any_other_named_port_stays),
	KUNIT_CASE(the_end_of_the_module_deletes_all_ports),
	{}
};

static int table_suite_init(struct kunit_suite *suite)
{
	int err = alloc_chrdev_region(&mailbox_devt, 0, MAILBOX_MINORS, "mailbox_test");

	if (err)
		return err;
	mailbox_class = mailbox_class_create("mailbox_test");
	if (IS_ERR(mailbox_class)) {
		unregister_chrdev_region(mailbox_devt, MAILBOX_MINORS);
		return PTR_ERR(mailbox_class);
	}
	return 0;
}

static void table_suite_exit(struct kunit_suite *suite)
{
	class_destroy(mailbox_class);
	unregister_chrdev_region(mailbox_devt, MAILBOX_MINORS);
}

static int table_init(struct kunit *test)
{
	limits_init(test);
	mailbox_max_ports = PORTS;
	return 0;
}

static void table_exit(struct kunit *test)
{
	mailbox_ports_exit();
	limits_exit(test);
}

static struct kunit_suite port_suite = {
	.name = "mailbox_port",
	.suite_init = table_suite_init,
	.suite_exit = table_suite_exit,
	.init = table_init,
	.exit = table_exit,
	.test_cases = port_cases,
};

/* Endpoints, and who is remembered when they are gone */

static struct mailbox_endpoint *join(struct kunit *test)
{
	struct mailbox_endpoint *ep = mailbox_port_join(test->priv, O_RDWR);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ep));
	return ep;
}

static bool remembered(struct kunit *test, u32 id)
{
	struct mailbox_port *port = test->priv;

	return xa_load(&port->identities, id);
}

/* So many come and go that the port looks who is still named. */
static void sweep(struct kunit *test)
{
	int i;

	for (i = 0; i < MAILBOX_DEPARTED_MAX; i++)
		mailbox_port_leave(join(test));
}

static void ids_count_up_from_one(struct kunit *test)
{
	struct mailbox_endpoint *one = join(test), *two = join(test), *three;

	KUNIT_EXPECT_EQ(test, one->id, 1);
	KUNIT_EXPECT_EQ(test, two->id, 2);
	mailbox_port_leave(one);
	three = join(test);
	KUNIT_EXPECT_EQ(test, three->id, 3);
	mailbox_port_leave(two);
	mailbox_port_leave(three);
}

static void a_new_endpoint_uses_all_lanes_and_sends_on_the_first(struct kunit *test)
{
	struct mailbox_endpoint *ep = join(test);

	KUNIT_EXPECT_EQ(test, ep->receive_mask, 3);
	KUNIT_EXPECT_EQ(test, ep->default_lane, 0);
	KUNIT_EXPECT_EQ(test, ep->default_lane_mask, 1);
	mailbox_port_leave(ep);
}

static void endpoints_are_counted(struct kunit *test)
{
	struct mailbox_port *port = test->priv;
	struct mailbox_endpoint *one = join(test), *two = join(test);

	KUNIT_EXPECT_EQ(test, port->endpoints, 2);
	mailbox_port_leave(one);
	KUNIT_EXPECT_EQ(test, port->endpoints, 1);
	mailbox_port_leave(two);
	KUNIT_EXPECT_EQ(test, port->endpoints, 0);
}

static void ids_begin_again_after_the_last(struct kunit *test)
{
	struct mailbox_port *port = test->priv;
	struct mailbox_endpoint *one = join(test), *last, *two;

	port->next_id = MAILBOX_ENDPOINTS_MAX;
	last = join(test);
	KUNIT_EXPECT_EQ(test, last->id, MAILBOX_ENDPOINTS_MAX);
	two = join(test);
	KUNIT_EXPECT_EQ(test, two->id, 2);
	mailbox_port_leave(one);
	mailbox_port_leave(two);
	mailbox_port_leave(last);
}

static void the_departed_are_forgotten_in_time(struct kunit *test)
{
	struct mailbox_port *port = test->priv;
	struct mailbox_endpoint *stays = join(test);
	unsigned long id, remembered_ids = 0;
	void *identity;

	sweep(test);
	KUNIT_EXPECT_EQ(test, port->departed, 0);
	xa_for_each(&port->identities, id, identity)
		remembered_ids++;
	KUNIT_EXPECT_EQ(test, remembered_ids, 1);
	KUNIT_EXPECT_TRUE(test, remembered(test, stays->id));
	mailbox_port_leave(stays);
}

static void who_departed_is_remembered_as_long_as_a_message_names_him(struct kunit *test)
{
	struct mailbox_endpoint *sender = join(test), *receiver = join(test);
	u32 id = sender->id;
	u64 position;

	KUNIT_EXPECT_EQ(test, send_from(sender, 1, &position), 0);
	mailbox_port_leave(sender);
	sweep(test);
	KUNIT_EXPECT_TRUE(test, remembered(test, id));
	KUNIT_EXPECT_EQ(test, receive_at(receiver, 1), 0);
	sweep(test);
	sweep(test);
	KUNIT_EXPECT_FALSE(test, remembered(test, id));
	mailbox_port_leave(receiver);
}

static void an_id_is_not_given_again_while_a_message_names_it(struct kunit *test)
{
	struct mailbox_port *port = test->priv;
	struct mailbox_endpoint *sender = join(test), *next;
	u64 position;

	KUNIT_EXPECT_EQ(test, send_from(sender, 0, &position), 0);
	mailbox_port_leave(sender);
	sweep(test);
	port->next_id = 1;
	next = join(test);
	KUNIT_EXPECT_EQ(test, next->id, 2);
	mailbox_port_leave(next);
}

static void a_message_tells_who_opened_the_sending_endpoint(struct kunit *test)
{
	const struct cred *before = mailbox_test_become(60001);
	struct mailbox_endpoint *sender = mailbox_port_join(test->priv, O_RDWR);
	struct mailbox_message m = {};

	mailbox_test_return(before);
	KUNIT_ASSERT_FALSE(test, IS_ERR(sender));
	mailbox_port_sender(test->priv, sender->id, &m);
	KUNIT_EXPECT_EQ(test, m.sender, sender->id);
	KUNIT_EXPECT_EQ(test, m.pid, task_tgid_vnr(current));
	KUNIT_EXPECT_EQ(test, m.uid, 60001);
	KUNIT_EXPECT_EQ(test, m.gid, 60001);
	KUNIT_EXPECT_EQ(test, m.flags, MAILBOX_MSG_TRUSTED);
	mailbox_port_leave(sender);
	m.pid = 0;
	mailbox_port_sender(test->priv, 1, &m);
	KUNIT_EXPECT_EQ(test, m.pid, task_tgid_vnr(current));
}

/* Every id but one is taken, by nobody in particular. */
static void reserve_all_but(struct kunit *test, u32 free)
{
	struct mailbox_port *port = test->priv;
	u32 id;

	for (id = 1; id <= MAILBOX_ENDPOINTS_MAX; id++)
		if (id != free)
			KUNIT_ASSERT_EQ(test, xa_reserve(&port->identities, id, GFP_KERNEL), 0);
}

static void without_a_free_id_nobody_joins(struct kunit *test)
{
	struct mailbox_endpoint *ep;

	reserve_all_but(test, 500);
	ep = join(test);
	KUNIT_EXPECT_EQ(test, ep->id, 500);
	KUNIT_EXPECT_PTR_EQ(test, mailbox_port_join(test->priv, O_RDWR), ERR_PTR(-ENOSPC));
	/* Now the departed must go, however few. */
	mailbox_port_leave(ep);
	ep = join(test);
	KUNIT_EXPECT_EQ(test, ep->id, 500);
	mailbox_port_leave(ep);
}

static struct kunit_case endpoint_cases[] = {
	KUNIT_CASE(ids_count_up_from_one),
	KUNIT_CASE(a_new_endpoint_uses_all_lanes_and_sends_on_the_first),
	KUNIT_CASE(endpoints_are_counted),
	KUNIT_CASE(ids_begin_again_after_the_last),
	KUNIT_CASE(the_departed_are_forgotten_in_time),
	KUNIT_CASE(who_departed_is_remembered_as_long_as_a_message_names_him),
	KUNIT_CASE(an_id_is_not_given_again_while_a_message_names_it),
	KUNIT_CASE(a_message_tells_who_opened_the_sending_endpoint),
	KUNIT_CASE(without_a_free_id_nobody_joins),
	{}
};

static int endpoint_init(struct kunit *test)
{
	struct mailbox_port *port = make("", 0);

	if (IS_ERR(port))
		return PTR_ERR(port);
	test->priv = port;
	return 0;
}

static void endpoint_exit(struct kunit *test)
{
	if (test->priv)
		mailbox_port_put(test->priv);
}

/* What the ports have left to RCU is done by this module. */
static void endpoint_suite_exit(struct kunit_suite *suite)
{
	rcu_barrier();
}

static struct kunit_suite endpoint_suite = {
	.name = "mailbox_endpoint",
	.suite_exit = endpoint_suite_exit,
	.init = endpoint_init,
	.exit = endpoint_exit,
	.test_cases = endpoint_cases,
};

kunit_test_suites(&name_suite, &attribute_suite, &permission_suite, &port_suite, &endpoint_suite);
