// SPDX-License-Identifier: GPL-2.0
/*
 * Many producers and consumers over small ports: each message exactly once, and
 * in order where there is one.
 *
 *	stress			a seed from the clock
 *	MAILBOX_SEED=n stress	the same choices again
 *
 * Each test is done MAILBOX_EFFORT times, with other choices.
 */
#include "stuck.h"

#define SENDERS		4
#define RECEIVERS	4
#define MESSAGES	250		/* of each sender */
#define LENGTH_MAX	200

/* What a message says; the rest is a pattern. */
struct note {
	__u32 sender;
	__u32 number;
	__u32 lane;
	__u32 length;
};

struct record {
	unsigned char taken[SENDERS][MESSAGES];
	int faults;
	int polls;
	volatile int ready;
};

static __u64 seed_given;
static __u64 turn;	/* of a test */
static void *volatile bad = (void *)8;

static __u64 first_seed(void)
{
	const char *text = getenv("MAILBOX_SEED");

	if (!seed_given)
		seed_given = text ? strtoull(text, NULL, 0) : clock_ns(CLOCK_REALTIME);
	return seed_given;
}

/* xorshift: each process its own. */
static __u32 draw(__u64 *state, __u32 below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 20) % below;
}

static __u64 seed_of(int who)
{
	__u64 seed = first_seed() + turn;
	__u64 state = seed * 0x9e3779b97f4a7c15ULL + who * 0xbf58476d1ce4e5b9ULL + 1;
	int i;

	for (i = 0; i < 8; i++)
		draw(&state, 2);
	return state;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	/* Longer than any wait here may last: a lost wake-up shows as an error. */
	if (poll(&p, 1, PATIENCE_NS / 1000000) != 1)
		leave(-ETIME);
}

enum habit { BLOCKING, POLLING, IOCTL, DEADLINES };

/* Sends one message, whatever it takes. */
static long send_one(int fd, enum habit habit, const void *data, size_t n, __u32 lane,
		     __u64 *state, struct record *record)
{
	struct mailbox_message m = message(.data = address(data), .length = n, .lane = lane,
					   .tag = lane + 1);
	long ret;

	if (!draw(state, 16)) {
		__atomic_fetch_add(&record->faults, 1, __ATOMIC_RELAXED);
		ret = put(fd, bad, n);
		if (ret != -EFAULT)
			return ret < 0 ? ret : -EPROTO;
	}
	for (;;) {
		ret = 0;
		switch (habit) {
		case BLOCKING:
		case POLLING:
			set_lanes(fd, ~0U, lane);
			ret = put(fd, data, n);
			break;
		case IOCTL:
			m.deadline = MAILBOX_FOREVER;
			ret = send_message(fd, &m) ?: n;
			break;
		case DEADLINES:
			m.deadline = clock_ns(CLOCK_MONOTONIC) + draw(state, 3000) * 1000;
			ret = send_message(fd, &m) ?: n;
			if (ret == -ETIMEDOUT)
				continue;
			break;
		}
		if (ret != -EAGAIN || habit != POLLING)
			return ret;
		__atomic_fetch_add(&record->polls, 1, __ATOMIC_RELAXED);
		wait_for(fd, POLLOUT);
	}
}

static void sender(int fd, int who, enum habit habit, int lanes, struct record *record)
{
	__u64 state = seed_of(who);
	char data[LENGTH_MAX];
	__u32 number;
	long ret;

	for (number = 0; number < MESSAGES; number++) {
		struct note note = {
			.sender = who, .number = number, .lane = draw(&state, lanes),
			.length = sizeof(note) + draw(&state, LENGTH_MAX - sizeof(note) + 1),
		};

		memcpy(data, &note, sizeof(note));
		write_pattern(data + sizeof(note), note.length - sizeof(note), number + who);
		ret = send_one(fd, habit, data, note.length, note.lane, &state, record);
		if (ret != note.length)
			leave(ret < 0 ? ret : 1);
	}
	leave(0);
}

/* Receives one message, or says -EIDRM. */
static long receive_one(int fd, enum habit habit, void *data, __u64 *state,
			struct record *record, __u32 *lane)
{
	long ret;

	*lane = ~0U;
	if (!draw(state, 16)) {
		struct mailbox_message m = message(.data = address(bad), .length = LENGTH_MAX);

		__atomic_fetch_add(&record->faults, 1, __ATOMIC_RELAXED);
		ret = receive_message(fd, &m);
		if (ret != -EFAULT && ret != -EAGAIN && ret != -EIDRM)
			return ret < 0 ? ret : -EPROTO;
	}
	if (!draw(state, 16)) {
		struct mailbox_message m = message(.data = address(data), .length = 3);

		ret = receive_message(fd, &m);
		if (ret != -EMSGSIZE && ret != -EAGAIN && ret != -EIDRM)
			return ret < 0 ? ret : -EPROTO;
	}
	for (;;) {
		struct mailbox_message m = message(.data = address(data), .length = LENGTH_MAX,
						   .deadline = MAILBOX_FOREVER);

		ret = 0;
		switch (habit) {
		case BLOCKING:
		case POLLING:
			ret = get(fd, data, LENGTH_MAX);
			break;
		case DEADLINES:
			m.deadline = clock_ns(CLOCK_MONOTONIC) + draw(state, 3000) * 1000;
			__attribute__((fallthrough));
		case IOCTL:
			ret = receive_message(fd, &m);
			if (ret == -ETIMEDOUT)
				continue;
			if (!ret) {
				ret = m.length;
				*lane = m.lane;
				if (m.tag && m.tag != m.lane + 1)
					ret = -EBADMSG;
			}
			break;
		}
		if (ret != -EAGAIN || habit != POLLING)
			return ret;
		__atomic_fetch_add(&record->polls, 1, __ATOMIC_RELAXED);
		wait_for(fd, POLLIN);
	}
}

/* What is wrong with a message, or 0. @last: of each sender and lane, to judge the order. */
static long judge(const char *data, long length, __u32 lane, struct record *record,
		  __s64 (*last)[MAILBOX_LANES_MAX])
{
	struct note note;

	if (length < (long)sizeof(note))
		return 2;
	memcpy(&note, data, sizeof(note));
	if (note.sender >= SENDERS || note.number >= MESSAGES ||
	    note.lane >= MAILBOX_LANES_MAX || (lane != ~0U && lane != note.lane))
		return 3;
	if (note.length != length || !has_pattern(data + sizeof(note), length - sizeof(note),
						  note.number + note.sender))
		return 4;
	if (__atomic_fetch_add(&record->taken[note.sender][note.number], 1, __ATOMIC_RELAXED))
		return 5;
	if (last) {
		if (note.number <= last[note.sender][note.lane])
			return 6;
		last[note.sender][note.lane] = note.number;
	}
	return 0;
}

static void __attribute__((noreturn)) receiver(int fd, int who, enum habit habit, bool alone,
					       struct record *record)
{
	__s64 last[SENDERS][MAILBOX_LANES_MAX];
	__u64 state = seed_of(100 + who);
	char data[LENGTH_MAX];
	__u32 lane;
	long ret;

	memset(last, -1, sizeof(last));
	for (;;) {
		ret = receive_one(fd, habit, data, &state, record, &lane);
		if (ret == -EIDRM)
			leave(0);
		if (ret < 0)
			leave(ret);
		ret = judge(data, ret, lane, record, alone ? last : NULL);
		if (ret)
			leave(ret);
	}
}

FIXTURE(crowd)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
	struct record *record;
};

FIXTURE_VARIANT(crowd)
{
	__u32 capacity;
	__u32 lanes;
};

FIXTURE_VARIANT_ADD(crowd, slots_2_lane_1) { .capacity = 2, .lanes = 1 };
FIXTURE_VARIANT_ADD(crowd, slots_2_lanes_3) { .capacity = 2, .lanes = 3 };
FIXTURE_VARIANT_ADD(crowd, slots_16_lane_1) { .capacity = 16, .lanes = 1 };
FIXTURE_VARIANT_ADD(crowd, slots_16_lanes_3) { .capacity = 16, .lanes = 3 };

FIXTURE_SETUP(crowd)
{
	TH_LOG("MAILBOX_SEED=%llu", (unsigned long long)first_seed());
	strcpy(self->name, port_name("crowd"));
	self->fd = -1;
	self->record = shared_pages(sizeof(*self->record) / 4096 + 1);
	ASSERT_NE(NULL, self->record);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->fd);
}

/* A new port, and nothing on record. Or that it has been often enough. */
static bool begin(struct __test_metadata *_metadata, FIXTURE_DATA(crowd) *self,
		  const FIXTURE_VARIANT(crowd) *variant)
{
	if (turn == effort())
		return false;
	if (self->fd >= 0)
		close(self->fd);
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = LENGTH_MAX, .capacity = variant->capacity,
			  .lanes = variant->lanes);
	ASSERT_LE(0, self->fd);
	memset(self->record, 0, sizeof(*self->record));
	return true;
}

static void run(struct __test_metadata *_metadata, const char *name, int fd, int lanes,
		int receivers, struct record *record)
{
	pid_t from[SENDERS], to[RECEIVERS];
	struct mailbox_info info;
	int i, n;

	for (i = 0; i < receivers; i++) {
		to[i] = spawn();
		if (!to[i])
			receiver(open_port(name, O_RDONLY | (i == POLLING ? O_NONBLOCK : 0)), i,
				 i, receivers == 1, record);
	}
	for (i = 0; i < SENDERS; i++) {
		from[i] = spawn();
		if (!from[i])
			sender(open_port(name, O_WRONLY | (i == POLLING ? O_NONBLOCK : 0)), i, i,
			       lanes, record);
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, reap(from[i])) {
			TH_LOG("sender %d", i);
		}
	EXPECT_EQ(0, delete_port(name, 0));
	for (i = 0; i < receivers; i++)
		EXPECT_EQ(0, reap(to[i])) {
			TH_LOG("receiver %d", i);
		}
	for (i = 0; i < SENDERS; i++)
		for (n = 0; n < MESSAGES; n++)
			ASSERT_EQ(1, record->taken[i][n]) {
				TH_LOG("sender %d message %d", i, n);
			}
	info = info_of(fd);
	EXPECT_EQ(SENDERS * MESSAGES, info.messages_sent);
	EXPECT_EQ(SENDERS * MESSAGES, info.messages_received);
	EXPECT_EQ(0, info.messages_dropped);
	EXPECT_EQ(0, info.depth);
	EXPECT_EQ(0, info.waiting_senders + info.waiting_receivers);
	EXPECT_LT(0, record->faults);
}

TEST_F_TIMEOUT(crowd, each_message_comes_exactly_once, 3600)
{
	for (turn = 0; begin(_metadata, self, variant); turn++)
		run(_metadata, self->name, self->fd, variant->lanes, RECEIVERS, self->record);
}

TEST_F_TIMEOUT(crowd, a_single_receiver_gets_each_sender_in_order_on_each_lane, 3600)
{
	for (turn = 0; begin(_metadata, self, variant); turn++)
		run(_metadata, self->name, self->fd, variant->lanes, 1, self->record);
}

/* Each receiver its own lane; the senders use all of them. */
static void run_by_lane(struct __test_metadata *_metadata, FIXTURE_DATA(crowd) *self,
			const FIXTURE_VARIANT(crowd) *variant)
{
	struct record *record = self->record;
	pid_t from[SENDERS], to[RECEIVERS];
	unsigned int i, n;

	for (i = 0; i < variant->lanes; i++) {
		to[i] = spawn();
		if (!to[i]) {
			int fd = open_port(self->name, O_RDONLY | (i == POLLING ? O_NONBLOCK : 0));

			set_lanes(fd, 1 << i, 0);
			receiver(fd, i, i, true, record);
		}
	}
	for (i = 0; i < SENDERS; i++) {
		from[i] = spawn();
		if (!from[i])
			sender(open_port(self->name,
					 O_WRONLY | (i == POLLING ? O_NONBLOCK : 0)),
			       i, i, variant->lanes, record);
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, reap(from[i]));
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < variant->lanes; i++)
		EXPECT_EQ(0, reap(to[i]));
	for (i = 0; i < SENDERS; i++)
		for (n = 0; n < MESSAGES; n++)
			ASSERT_EQ(1, record->taken[i][n]);
	EXPECT_EQ(0, info_of(self->fd).depth);
}

TEST_F_TIMEOUT(crowd, receivers_of_one_lane_each_get_its_messages_in_order, 3600)
{
	for (turn = 0; begin(_metadata, self, variant); turn++)
		run_by_lane(_metadata, self, variant);
}

/* All of them threads on one descriptor: one endpoint, one position for all. */
struct member {
	pthread_t thread;
	int fd;
	int who;
	struct record *record;
	volatile long ret;
};

static void *member_main(void *arg)
{
	struct member *m = arg;
	__u64 state = seed_of(200 + m->who);
	char data[LENGTH_MAX];
	__u32 number, lane;
	long ret;

	if (m->who < SENDERS) {
		for (number = 0; number < MESSAGES; number++) {
			struct note note = {
				.sender = m->who, .number = number, .length = sizeof(note),
			};

			ret = send_one(m->fd, IOCTL, &note, sizeof(note), 0, &state, m->record);
			if (ret != sizeof(note))
				goto out;
		}
		ret = 0;
		goto out;
	}
	do {
		ret = receive_one(m->fd, IOCTL, data, &state, m->record, &lane);
		if (ret >= 0)
			ret = judge(data, ret, lane, m->record, NULL);
	} while (!ret);
	if (ret == -EIDRM)
		ret = 0;
out:
	m->ret = ret;
	return NULL;
}

static void run_threads(struct __test_metadata *_metadata, FIXTURE_DATA(crowd) *self)
{
	struct member m[SENDERS + RECEIVERS];
	int i, n;

	for (i = 0; i < SENDERS + RECEIVERS; i++) {
		m[i] = (struct member) { .fd = self->fd, .who = i, .record = self->record };
		ASSERT_EQ(0, pthread_create(&m[i].thread, NULL, member_main, &m[i]));
	}
	for (i = 0; i < SENDERS; i++) {
		pthread_join(m[i].thread, NULL);
		EXPECT_EQ(0, m[i].ret);
	}
	EXPECT_EQ(0, delete_port(self->name, 0));
	for (; i < SENDERS + RECEIVERS; i++) {
		pthread_join(m[i].thread, NULL);
		EXPECT_EQ(0, m[i].ret);
	}
	for (i = 0; i < SENDERS; i++)
		for (n = 0; n < MESSAGES; n++)
			ASSERT_EQ(1, self->record->taken[i][n]);
}

TEST_F_TIMEOUT(crowd, threads_of_one_endpoint, 3600)
{
	for (turn = 0; begin(_metadata, self, variant); turn++)
		run_threads(_metadata, self);
}

TEST_HARNESS_MAIN
