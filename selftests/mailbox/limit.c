// SPDX-License-Identifier: GPL-2.0
/*
 * Ports with a limit: so many messages, whatever their lanes. Who is told that one has
 * come to the empty port. And names that end before their port does.
 */
#include "mailbox_test.h"

#include <pthread.h>
#include <sys/epoll.h>

#define LIMIT	3U
#define TEN_MS	10

FIXTURE(limit)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(limit)
{
	umask(0);
	strcpy(self->name, port_name("limit"));
	self->fd = create(self->name,
			  .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE | MAILBOX_SEALED,
			  .message_size = FIXTURE_MESSAGE, .capacity = 4, .lanes = FIXTURE_LANES,
			  .mode = 0666, .limit = LIMIT);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(limit)
{
	close(self->fd);
}

static long notify_how(int fd, __u32 how, __u64 *id)
{
	struct mailbox_notify n = {
		.size = sizeof(n), .how = how,
		.id = how == MAILBOX_NOTIFY_WAIT || how == MAILBOX_NOTIFY_DONE ? *id : 0,
	};
	long ret = result(ioctl(fd, MAILBOX_IOC_NOTIFY, &n));

	if (!ret && (how == MAILBOX_NOTIFY_REGISTER || how == MAILBOX_NOTIFY_HOLD))
		*id = n.id;
	if (!ret && how == MAILBOX_NOTIFY_WAIT && n.pid != getpid())
		return n.pid;
	return ret;
}

static long registered(int fd)
{
	__u64 id;

	return notify_how(fd, MAILBOX_NOTIFY_REGISTER, &id);
}

static int create_with_letters(const char *dead)
{
	struct mailbox_create arg = {
		.size = sizeof(arg), .open_flags = O_RDWR, .max_deliveries = 1,
	};

	copy_name(arg.dead_letter, dead);
	return create_port(NULL, &arg);
}

static void fill(struct __test_metadata *_metadata, int fd)
{
	EXPECT_EQ(0, send_on(fd, 0, "low"));
	EXPECT_EQ(0, send_on(fd, 3, "high"));
	EXPECT_EQ(0, send_on(fd, 1, "middle"));
}

TEST_F(limit, full_is_so_many_messages_whatever_their_lanes)
{
	__u32 lane;

	fill(_metadata, self->fd);
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
	for (lane = 0; lane < FIXTURE_LANES; lane++)
		EXPECT_EQ(-EAGAIN, send_on(self->fd, lane, "more"));
	EXPECT_MESSAGE("high", self->fd);
	EXPECT_EQ(0, send_on(self->fd, 0, "last"));
	EXPECT_EQ(-EAGAIN, send_on(self->fd, 3, "more"));
	EXPECT_MESSAGE("middle", self->fd);
	EXPECT_MESSAGE("low", self->fd);
	EXPECT_MESSAGE("last", self->fd);
	EXPECT_NO_MESSAGE(self->fd);
}

TEST_F(limit, one_lane_holds_as_many)
{
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 2));
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
}

TEST_F(limit, is_told_by_info_and_sysfs)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/limit", self->name);
	EXPECT_EQ(LIMIT, info_of(self->fd).limit);
	EXPECT_EQ(LIMIT, atoi(slurp(path)));
	EXPECT_NE(0, query().features & MAILBOX_FEATURE_LIMIT);
}

TEST_F(limit, write_and_writev_count)
{
	struct iovec v = { .iov_base = "vector", .iov_len = 6 };
	char data[16];

	set_nonblock(self->fd, true);
	EXPECT_EQ(1, put_text(self->fd, "1"));
	EXPECT_EQ(6, result(writev(self->fd, &v, 1)));
	EXPECT_EQ(1, put_text(self->fd, "3"));
	EXPECT_EQ(-EAGAIN, put_text(self->fd, "4"));
	EXPECT_EQ(-EAGAIN, result(writev(self->fd, &v, 1)));
	EXPECT_EQ(1, get(self->fd, data, sizeof(data)));
	v.iov_base = data;
	EXPECT_EQ(6, result(readv(self->fd, &v, 1)));
	EXPECT_EQ(1, put_text(self->fd, "4"));
	EXPECT_EQ(1, put_text(self->fd, "5"));
	EXPECT_EQ(-EAGAIN, put_text(self->fd, "6"));
}

TEST_F(limit, failing_calls_leave_the_room_as_it_was)
{
	struct mailbox_message bad = message(.data = address(nowhere()), .length = 8);
	struct mailbox_message lane = message(.data = address("x"), .length = 1, .lane = 9);
	struct mailbox_message flag = message(.data = address("x"), .length = 1, .flags = 1U << 12);
	char data[FIXTURE_MESSAGE + 1] = { };
	int i;

	set_nonblock(self->fd, true);
	for (i = 0; i < 2 * LIMIT; i++) {
		EXPECT_EQ(-EFAULT, send_message(self->fd, &bad));
		EXPECT_EQ(-EINVAL, send_message(self->fd, &lane));
		EXPECT_EQ(-EINVAL, send_message(self->fd, &flag));
		EXPECT_EQ(-EFAULT, put(self->fd, nowhere(), 8));
		EXPECT_EQ(-EMSGSIZE, put(self->fd, data, sizeof(data)));
		EXPECT_EQ(-EINVAL, put(self->fd, data, 0));
		EXPECT_EQ(-EAGAIN, get(self->fd, data, sizeof(data)));
	}
	fill(_metadata, self->fd);
	for (i = 0; i < 2 * LIMIT; i++) {
		EXPECT_EQ(-EFAULT, get(self->fd, nowhere(), 8));
		EXPECT_EQ(-EMSGSIZE, get(self->fd, data, 1));
	}
	EXPECT_EQ(-EAGAIN, send_on(self->fd, 0, "more"));
	EXPECT_MESSAGE("high", self->fd);
	EXPECT_EQ(0, send_on(self->fd, 0, "more"));
	EXPECT_EQ(-EAGAIN, send_on(self->fd, 0, "more"));
}

TEST_F(limit, too_long_a_message_is_refused_without_waiting)
{
	char data[FIXTURE_MESSAGE + 1] = { };
	struct mailbox_message m = message(.data = address(data), .length = sizeof(data),
					   .deadline = MAILBOX_FOREVER);

	fill(_metadata, self->fd);
	EXPECT_EQ(-EMSGSIZE, send_message(self->fd, &m));
	EXPECT_EQ(-EMSGSIZE, put(self->fd, data, sizeof(data)));
}

TEST_F(limit, sender_sleeps_until_there_is_room_on_any_lane)
{
	pid_t pid;

	fill(_metadata, self->fd);
	pid = spawn();
	if (!pid)
		leave(send_until(self->fd, "late", MAILBOX_FOREVER));
	EXPECT_TRUE(wait_senders(self->fd, 1));
	EXPECT_MESSAGE("high", self->fd);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
}

TEST_F(limit, deadline_passes_while_it_is_full)
{
	fill(_metadata, self->fd);
	EXPECT_EQ(-ETIMEDOUT, send_until(self->fd, "late", in_ms(TEN_MS)));
	EXPECT_EQ(-ETIMEDOUT, send_until(self->fd, "late", 1));
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
}

TEST_F(limit, signal_ends_the_wait_for_room)
{
	pid_t pid;

	fill(_metadata, self->fd);
	pid = spawn();
	if (!pid) {
		catch_signal(SIGUSR1, 0);
		leave(put_text(self->fd, "late"));
	}
	EXPECT_TRUE(wait_senders(self->fd, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(pid));
	EXPECT_EQ(0, info_of(self->fd).waiting_senders);
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
}

TEST_F(limit, delete_wakes_who_waits_for_room)
{
	pid_t pid;

	fill(_metadata, self->fd);
	pid = spawn();
	if (!pid)
		leave(put_text(self->fd, "late"));
	EXPECT_TRUE(wait_senders(self->fd, 1));
	EXPECT_EQ(0, delete_port(self->name, 0));
	EXPECT_EQ(-EIDRM, reap(pid));
	EXPECT_EQ(-EIDRM, put_text(self->fd, "late"));
	EXPECT_MESSAGE("high", self->fd);
	EXPECT_EQ(-EIDRM, put_text(self->fd, "late"));
}

TEST_F(limit, sleepers_get_what_room_there_is_one_by_one)
{
	enum { N = 5 };
	pid_t pid[N];
	int i;

	fill(_metadata, self->fd);
	for (i = 0; i < N; i++) {
		pid[i] = spawn();
		if (!pid[i]) {
			set_lanes(self->fd, ~0U, i % FIXTURE_LANES);
			leave(send_until(self->fd, "late", MAILBOX_FOREVER));
		}
		EXPECT_TRUE(wait_senders(self->fd, i + 1));
	}
	for (i = 0; i < N; i++) {
		char data[FIXTURE_MESSAGE];

		EXPECT_LT(0, get(self->fd, data, sizeof(data)));
		EXPECT_TRUE(wait_senders(self->fd, N - 1 - i));
	}
	for (i = 0; i < N; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_EQ(LIMIT, info_of(self->fd).depth);
}

TEST_F(limit, pollout_is_room_and_not_a_slot)
{
	struct pollfd p = { .fd = self->fd, .events = POLLOUT };

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLOUT, p.revents);
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 3));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_MESSAGE("fill", self->fd);
	EXPECT_EQ(1, poll(&p, 1, 0));
}

TEST_F(limit, poller_is_woken_by_room)
{
	pid_t pid;

	EXPECT_EQ(LIMIT, fill_lane(self->fd, 3));
	pid = spawn();
	if (!pid) {
		struct pollfd p = { .fd = self->fd, .events = POLLOUT };

		poll(&p, 1, -1);
		leave(p.revents);
	}
	EXPECT_TRUE(wait_until(asleep_in(pid, SYS_poll)));
	EXPECT_MESSAGE("fill", self->fd);
	EXPECT_EQ(POLLOUT, reap(pid));
}

TEST_F(limit, edge_of_epoll_is_each_return_of_room)
{
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(0), i;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &e));
	EXPECT_EQ(1, epoll_wait(ep, &e, 1, 0));
	EXPECT_EQ(0, epoll_wait(ep, &e, 1, 0));
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 3));
	for (i = 0; i < 2; i++) {
		EXPECT_MESSAGE("fill", self->fd);
		EXPECT_EQ(1, epoll_wait(ep, &e, 1, 0));
		EXPECT_EQ(0, send_on(self->fd, 3, "fill"));
		EXPECT_EQ(0, epoll_wait(ep, &e, 1, 0));
	}
}

struct crowd {
	int fd;
	unsigned int rounds;
	unsigned int seen;
	int most;
};

/* Sends that have come back; receives that have been begun. */
static unsigned int crowd_sent, crowd_asked;

static void *crowd_send(void *arg)
{
	struct crowd *c = arg;
	unsigned int i;

	for (i = 0; i < c->rounds; i++) {
		struct mailbox_message m = message(.data = address(&i), .length = sizeof(i),
						   .lane = i % FIXTURE_LANES,
						   .deadline = MAILBOX_FOREVER);

		if (send_message(c->fd, &m))
			break;
		c->seen++;
		__atomic_add_fetch(&crowd_sent, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *crowd_receive(void *arg)
{
	struct crowd *c = arg;
	unsigned int i, data, sent;
	int depth;

	for (i = 0; i < c->rounds; i++) {
		__atomic_add_fetch(&crowd_asked, 1, __ATOMIC_SEQ_CST);
		if (get(c->fd, &data, sizeof(data)) != sizeof(data))
			break;
		c->seen++;
		/*
		 * In this order at most what is there. MAILBOX_IOC_INFO would not do: it looks
		 * at lane after lane.
		 */
		sent = __atomic_load_n(&crowd_sent, __ATOMIC_SEQ_CST);
		depth = sent - __atomic_load_n(&crowd_asked, __ATOMIC_SEQ_CST);
		if (depth > c->most)
			c->most = depth;
	}
	return NULL;
}

/* Not a wake-up is lost, and never are there more. */
TEST_F(limit, crowd_of_senders_and_receivers_comes_to_its_end)
{
	struct crowd crowd[6];
	pthread_t thread[6];
	int i;

	for (i = 0; i < 6; i++) {
		crowd[i] = (struct crowd){ .fd = self->fd, .rounds = much(4000) };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, i % 2 ? crowd_receive : crowd_send,
					    &crowd[i]));
	}
	for (i = 0; i < 6; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(crowd[i].rounds, crowd[i].seen);
		EXPECT_GE(LIMIT, crowd[i].most);
	}
	EXPECT_EQ(0, info_of(self->fd).depth);
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 0));
}

TEST_F(limit, what_would_hold_a_message_elsewhere_is_eopnotsupp)
{
	struct mailbox_message m = message(.data = address("x"), .length = 1);
	char data[FIXTURE_MESSAGE];

	m.flags = MAILBOX_SEND_RECEIPT;
	EXPECT_EQ(-EOPNOTSUPP, send_message(self->fd, &m));
	m.flags = MAILBOX_SEND_SYNC;
	EXPECT_EQ(-EOPNOTSUPP, send_message(self->fd, &m));
	m = message(.flags = MAILBOX_SEND_IN_PLACE);
	EXPECT_EQ(-EOPNOTSUPP, send_message(self->fd, &m));
	m = message(.data = address(data), .length = sizeof(data), .flags = MAILBOX_RECV_LEASE);
	EXPECT_EQ(-EOPNOTSUPP, receive_message(self->fd, &m));
	m = message(.flags = MAILBOX_RECV_IN_PLACE);
	EXPECT_EQ(-EOPNOTSUPP, receive_message(self->fd, &m));
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 0));
}

TEST(attributes_that_a_limit_does_not_go_with_are_einval)
{
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 1));
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 1, .flags = MAILBOX_SEALED | MAILBOX_DIRECT));
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 1, .flags = MAILBOX_SEALED | MAILBOX_DROP_NEWEST));
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 1, .flags = MAILBOX_SEALED | MAILBOX_DROP_OLDEST));
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 5, .capacity = 4, .flags = MAILBOX_SEALED));
	EXPECT_EQ(-EINVAL, create(NULL, .limit = 1, .max_deliveries = 1, .flags = MAILBOX_SEALED));
}

TEST_F(limit, more_than_one_by_a_call_is_eopnotsupp)
{
	struct mailbox_vector v = { .data = address("x"), .length = 1 };
	struct mailbox_batch b = { .size = sizeof(b), .vectors = address(&v), .count = 1 };

	EXPECT_EQ(-EOPNOTSUPP, result(ioctl(self->fd, MAILBOX_IOC_SEND_BATCH, &b)));
	EXPECT_EQ(-EOPNOTSUPP, result(ioctl(self->fd, MAILBOX_IOC_RECEIVE_BATCH, &b)));
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 0));
}

TEST_F(limit, no_dead_letter_comes_here)
{
	int fd;

	EXPECT_EQ(-EOPNOTSUPP, create_with_letters(self->name));
	fd = create(NULL, .limit = 1, .flags = MAILBOX_SEALED | MAILBOX_AUTODELETE);
	EXPECT_LE(0, fd);
	close(fd);
}

/* Lanes that nothing was sent on are not looked at: whatever is sent is found. */

TEST_F(limit, message_on_any_lane_is_found_after_any_other)
{
	__u32 first, second;

	for (first = 0; first < FIXTURE_LANES; first++) {
		for (second = 0; second < FIXTURE_LANES; second++) {
			EXPECT_EQ(0, send_on(self->fd, first, "one"));
			EXPECT_MESSAGE("one", self->fd);
			EXPECT_NO_MESSAGE(self->fd);
			EXPECT_EQ(0, send_on(self->fd, first, "one"));
			EXPECT_EQ(0, send_on(self->fd, second, "two"));
			EXPECT_EQ(2, info_of(self->fd).depth);
			EXPECT_MESSAGE(second > first ? "two" : "one", self->fd);
			EXPECT_MESSAGE(second > first ? "one" : "two", self->fd);
			EXPECT_NO_MESSAGE(self->fd);
			EXPECT_EQ(0, info_of(self->fd).depth);
		}
	}
	EXPECT_EQ(3 * FIXTURE_LANES * FIXTURE_LANES, info_of(self->fd).messages_sent);
	EXPECT_EQ(3 * FIXTURE_LANES * FIXTURE_LANES, info_of(self->fd).messages_received);
}

TEST_F(limit, sleeper_is_woken_by_a_message_on_any_lane)
{
	__u32 lane;
	pid_t pid;

	for (lane = 0; lane < FIXTURE_LANES; lane++) {
		pid = spawn();
		if (!pid) {
			char data[FIXTURE_MESSAGE];

			leave(get(self->fd, data, sizeof(data)));
		}
		EXPECT_TRUE(wait_receivers(self->fd, 1));
		EXPECT_EQ(0, send_on(self->fd, lane, "news"));
		EXPECT_EQ(4, reap(pid));
	}
}

TEST_F(limit, poller_is_told_of_a_message_on_any_lane)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	__u32 lane;

	for (lane = 0; lane < FIXTURE_LANES; lane++) {
		EXPECT_EQ(0, poll(&p, 1, 0));
		EXPECT_EQ(0, send_on(self->fd, lane, "news"));
		EXPECT_EQ(1, poll(&p, 1, 0));
		EXPECT_MESSAGE("news", self->fd);
	}
}

static struct mailbox_message changing;
static int changing_stop;

static void *change_lane(void *arg)
{
	__u32 lane = 0;

	while (!__atomic_load_n(&changing_stop, __ATOMIC_RELAXED)) {
		lane = (lane + 1) % FIXTURE_LANES;
		__atomic_store_n(&changing.lane, lane, __ATOMIC_RELAXED);
		set_lanes(*(int *)arg, ~0U, lane);
	}
	return NULL;
}

/* Which lane it was to be is read more than once: it is found on the one that it is in. */
TEST_F(limit, message_whose_lane_changes_while_it_is_sent_is_found)
{
	unsigned int i, n = much(20000), lost = 0;
	char data[FIXTURE_MESSAGE];
	pthread_t thread;

	set_nonblock(self->fd, true);
	ASSERT_EQ(0, pthread_create(&thread, NULL, change_lane, &self->fd));
	for (i = 0; i < n; i++) {
		long ret;

		if (i % 2) {
			ret = put(self->fd, "x", 1) - 1;
		} else {
			changing = message(.data = address("x"), .length = 1, .lane = i % 3);
			ret = send_message(self->fd, &changing);
		}
		lost += ret != 0 || get(self->fd, data, sizeof(data)) != 1;
	}
	__atomic_store_n(&changing_stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, info_of(self->fd).depth);
	EXPECT_EQ(LIMIT, fill_lane(self->fd, 0));
}

/* MAILBOX_RECV_LARGEST */

TEST_F(port, buffer_that_might_be_too_short_is_emsgsize)
{
	char data[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(data), .length = sizeof(data) - 1,
					   .flags = MAILBOX_RECV_LARGEST);

	EXPECT_EQ(-EMSGSIZE, receive_message(self->both, &m));
	EXPECT_EQ(FIXTURE_MESSAGE, m.length);
	EXPECT_EQ(0, send_on(self->both, 1, "short"));
	m = message(.data = address(data), .length = sizeof(data) - 1,
		    .flags = MAILBOX_RECV_LARGEST);
	EXPECT_EQ(-EMSGSIZE, receive_message(self->both, &m));
	m = message(.data = address(data), .length = sizeof(data), .flags = MAILBOX_RECV_LARGEST);
	EXPECT_EQ(0, receive_message(self->both, &m));
	EXPECT_EQ(5, m.length);
	EXPECT_EQ(1, m.lane);
	m = message(.data = address(data), .length = sizeof(data), .flags = MAILBOX_RECV_LARGEST);
	EXPECT_EQ(-EAGAIN, receive_message(self->both, &m));
	m.flags |= MAILBOX_RECV_TRUNCATE;
	EXPECT_EQ(-EINVAL, receive_message(self->both, &m));
}

TEST_F(port, receive_for_the_largest_waits_as_any)
{
	pid_t receiver = spawn();

	if (!receiver) {
		char data[FIXTURE_MESSAGE];
		struct mailbox_message m = message(.data = address(data), .length = sizeof(data),
						   .deadline = MAILBOX_FOREVER,
						   .flags = MAILBOX_RECV_LARGEST);

		leave(receive_message(self->rx, &m) ? 1 : data[0]);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(1, put_text(self->tx, "y"));
	EXPECT_EQ('y', reap(receiver));
}

/* Notices */

struct watcher {
	int fd;
	__u64 id;
	long told;
};

static void *watch(void *arg)
{
	struct watcher *w = arg;

	w->told = notify_how(w->fd, MAILBOX_NOTIFY_WAIT, &w->id);
	return NULL;
}

TEST_F(limit, process_is_told_once_that_a_message_has_come)
{
	__u64 id, other;
	pid_t pid;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	pid = spawn();
	if (!pid)
		leave(send_on(self->fd, 2, "news"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(pid, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	EXPECT_MESSAGE("news", self->fd);
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &other));
	EXPECT_NE(id, other);
}

TEST_F(limit, only_one_may_be_registered)
{
	__u64 id;

	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(-EBUSY, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(-EBUSY, ended({ leave(registered(self->fd)); }));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_CANCEL, &id));
	EXPECT_EQ(0, ended({ leave(registered(self->fd)); }));
	/* It ended with that process. */
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
}

TEST_F(limit, others_cannot_take_it_back_or_wait_for_it)
{
	__u64 id;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(0, ended({ leave(notify_how(self->fd, MAILBOX_NOTIFY_CANCEL, &id)); }));
	EXPECT_EQ(-ECANCELED, ended({ leave(notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id)); }));
	EXPECT_EQ(-EBUSY, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(0, put_text(self->fd, "news") - 4);
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
}

TEST_F(limit, close_of_any_descriptor_of_the_port_takes_it_back)
{
	int other = open_port(self->name, O_WRONLY);
	struct watcher w = { .fd = self->fd };
	pthread_t thread;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &w.id));
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch, &w));
	close(other);
	pthread_join(thread, NULL);
	EXPECT_EQ(-ECANCELED, w.told);
	EXPECT_EQ(0, registered(self->fd));
}

TEST_F(limit, who_waits_is_told_or_hears_that_it_is_taken_back)
{
	struct watcher w = { .fd = self->fd };
	pthread_t thread;
	__u64 next;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &w.id));
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch, &w));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_CANCEL, &w.id));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &next));
	pthread_join(thread, NULL);
	EXPECT_EQ(-ECANCELED, w.told);

	w.id = next;
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch, &w));
	EXPECT_EQ(0, send_on(self->fd, 0, "news"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, w.told);
}

TEST_F(limit, message_to_a_port_that_is_not_empty_is_not_told_of)
{
	__u64 id;

	EXPECT_EQ(0, send_on(self->fd, 1, "old"));
	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(0, send_on(self->fd, 2, "new"));
	EXPECT_EQ(-EBUSY, registered(self->fd));
	EXPECT_MESSAGE("new", self->fd);
	EXPECT_MESSAGE("old", self->fd);
	EXPECT_EQ(0, send_on(self->fd, 2, "first"));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
}

TEST_F(limit, message_that_somebody_sleeps_for_is_not_told_of)
{
	__u64 id;
	pid_t pid;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	pid = spawn();
	if (!pid) {
		char data[FIXTURE_MESSAGE];

		leave(get(self->fd, data, sizeof(data)));
	}
	EXPECT_TRUE(wait_receivers(self->fd, 1));
	EXPECT_EQ(0, send_on(self->fd, 0, "news"));
	EXPECT_EQ(4, reap(pid));
	EXPECT_EQ(-EBUSY, registered(self->fd));
}

TEST_F(limit, send_that_fails_is_not_told_of)
{
	__u64 id;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id));
	EXPECT_EQ(-EFAULT, put(self->fd, nowhere(), 8));
	EXPECT_EQ(-EBUSY, registered(self->fd));
}

TEST_F(limit, signal_ends_the_wait_for_word_and_not_the_registration)
{
	__u64 id;
	pid_t pid;

	pid = spawn();
	if (!pid) {
		catch_signal(SIGALRM, 0);
		if (notify_how(self->fd, MAILBOX_NOTIFY_REGISTER, &id))
			leave(1);
		ualarm(20000, 20000);
		if (notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id) != -EINTR)
			leave(2);
		ualarm(0, 0);
		if (registered(self->fd) != -EBUSY || send_on(self->fd, 0, "news"))
			leave(3);
		leave(notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	}
	EXPECT_EQ(0, reap(pid));
}

/* Registers, takes what there is, and waits until more has come. */
static void receive_by_word(int fd, int n)
{
	char data[FIXTURE_MESSAGE];
	struct mailbox_message m;
	__u64 id;

	while (n > 0) {
		if (notify_how(fd, MAILBOX_NOTIFY_REGISTER, &id))
			leave(1);
		do {
			m = message(.data = address(data), .length = sizeof(data));
		} while (!receive_message(fd, &m) && n--);
		if (n > 0 ? notify_how(fd, MAILBOX_NOTIFY_WAIT, &id) < 0 :
			    notify_how(fd, MAILBOX_NOTIFY_CANCEL, &id))
			leave(2);
	}
	leave(n ? 3 : 0);
}

static pid_t send_many(int fd, int n)
{
	pid_t pid = spawn();
	char text[2];

	if (pid)
		return pid;
	for (; n; n--) {
		text[0] = 'a' + n % 26;
		text[1] = 0;
		/* Some cannot be sent. */
		if (n % 3 == 0 && put(fd, nowhere(), 1) == 1)
			leave(1);
		if (put_text(fd, text) != 1)
			leave(2);
	}
	leave(0);
}

TEST_F(limit, who_waits_for_word_misses_nothing)
{
	pid_t sender[2], receiver;
	int n = 3000;

	receiver = spawn();
	if (!receiver)
		receive_by_word(self->fd, 2 * n);
	sender[0] = send_many(self->fd, n);
	sender[1] = send_many(self->fd, n);
	EXPECT_EQ(0, reap(receiver));
	EXPECT_EQ(0, reap(sender[0]));
	EXPECT_EQ(0, reap(sender[1]));
}

/* Held by notices */

static long news_from_another(int fd)
{
	return ended({ leave(send_on(fd, 0, "news")); });
}

/* By ioctl, as nobody else is held. */
static long next_length(int fd)
{
	char data[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(data), .length = sizeof(data),
					   .deadline = MAILBOX_FOREVER);

	return receive_message(fd, &m) ?: (long)m.length;
}

struct held_call {
	int fd;
	bool sends;
	volatile bool returned;
	long ret;
	pthread_t thread;
};

static void *held_call(void *arg)
{
	struct held_call *call = arg;

	call->ret = call->sends ? send_on(call->fd, 1, "more") : next_length(call->fd);
	call->returned = true;
	return NULL;
}

TEST_F(limit, process_that_is_held_is_told_as_any_other)
{
	__u64 id;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id));
	EXPECT_EQ(-EBUSY, registered(self->fd));
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	EXPECT_EQ(0, news_from_another(self->fd));
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	EXPECT_LT(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	EXPECT_EQ(-ECANCELED, ended({ leave(notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id)); }));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	EXPECT_EQ(4, next_length(self->fd));
}

TEST_F(limit, no_call_of_a_held_process_begins_before_it_is_done)
{
	struct held_call call[] = { { .fd = self->fd }, { .fd = self->fd, .sends = true } };
	unsigned int i;
	__u64 id;

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id));
	ASSERT_EQ(0, news_from_another(self->fd));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&call[i].thread, NULL, held_call, &call[i]));
	usleep(20000);
	EXPECT_LT(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	usleep(20000);
	EXPECT_FALSE(call[0].returned || call[1].returned);
	/* Others are not held. */
	EXPECT_EQ(4, ended({ leave(next_length(self->fd)); }));
	EXPECT_EQ(0, ended({ leave(send_on(self->fd, 2, "again")); }));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	for (i = 0; i < 2; i++)
		pthread_join(call[i].thread, NULL);
	EXPECT_EQ(5, call[0].ret);
	EXPECT_EQ(0, call[1].ret);
	EXPECT_EQ(4, next_length(self->fd));
}

TEST_F(limit, process_is_held_by_its_own_notices_that_hold_and_are_told)
{
	int ready[2];
	pid_t pid;
	__u64 id;

	/* One that is told, and does not hold. */
	ASSERT_EQ(0, registered(self->fd));
	ASSERT_EQ(0, news_from_another(self->fd));
	ASSERT_EQ(4, next_length(self->fd));
	/* One of another process, which is held. */
	ASSERT_EQ(0, pipe(ready));
	pid = spawn();
	if (!pid) {
		if (notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id) || write(ready[1], "", 1) != 1)
			leave(1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &id, 1));
	EXPECT_EQ(0, send_on(self->fd, 0, "news"));
	/* And one that holds, and is not told. */
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id));
	EXPECT_EQ(0, send_on(self->fd, 0, "more"));
	EXPECT_EQ(4, next_length(self->fd));
	EXPECT_EQ(4, next_length(self->fd));
	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
	close(ready[0]);
	close(ready[1]);
}

TEST_F(limit, send_to_oneself_does_not_return_before_that_is_done)
{
	struct held_call call = { .fd = self->fd, .sends = true };
	__u64 id;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id));
	ASSERT_EQ(0, pthread_create(&call.thread, NULL, held_call, &call));
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	usleep(20000);
	EXPECT_FALSE(call.returned);
	EXPECT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
	pthread_join(call.thread, NULL);
	EXPECT_EQ(0, call.ret);
	EXPECT_EQ(4, next_length(self->fd));
}

TEST_F(limit, close_of_any_descriptor_of_the_port_ends_the_hold)
{
	struct held_call call = { .fd = self->fd };
	__u64 id;

	ASSERT_EQ(0, notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id));
	ASSERT_EQ(0, news_from_another(self->fd));
	ASSERT_EQ(0, pthread_create(&call.thread, NULL, held_call, &call));
	EXPECT_LT(0, notify_how(self->fd, MAILBOX_NOTIFY_WAIT, &id));
	usleep(20000);
	EXPECT_FALSE(call.returned);
	close(dup(self->fd));
	pthread_join(call.thread, NULL);
	EXPECT_EQ(4, call.ret);
	EXPECT_EQ(-ECANCELED, notify_how(self->fd, MAILBOX_NOTIFY_DONE, &id));
}

/* Sends a signal for a notice, not at once. */
static void *late_signal(void *arg)
{
	struct watcher *w = arg;

	watch(w);
	usleep(20000);
	kill(getpid(), SIGUSR1);
	usleep(20000);
	notify_how(w->fd, MAILBOX_NOTIFY_DONE, &w->id);
	return NULL;
}

/* A process that is told by a signal, and the thread that sends it. */
static int told_by_signal(struct watcher *w)
{
	pthread_t thread;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	catch_signal(SIGUSR1, 0);
	if (notify_how(w->fd, MAILBOX_NOTIFY_HOLD, &w->id))
		return 1;
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	if (pthread_create(&thread, NULL, late_signal, w))
		return 2;
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	return 0;
}

TEST_F(limit, signal_for_a_notice_interrupts_no_later_call)
{
	pid_t pid = spawn();

	if (!pid) {
		struct watcher w = { .fd = self->fd };
		char data[FIXTURE_MESSAGE];
		struct mailbox_message m = message(.data = address(data), .length = sizeof(data),
						   .deadline = in_ms(100));

		if (told_by_signal(&w) || news_from_another(self->fd))
			leave(1);
		if (next_length(self->fd) != 4)
			leave(2);
		if (signals_seen != 1)
			leave(3);
		leave(receive_message(self->fd, &m) == -ETIMEDOUT ? 0 : 4);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limit, signal_for_a_notice_has_come_when_a_send_to_oneself_returns)
{
	pid_t pid = spawn();

	if (!pid) {
		struct watcher w = { .fd = self->fd };

		if (told_by_signal(&w) || send_on(self->fd, 0, "news"))
			leave(1);
		leave(signals_seen == 1 ? 0 : 2);
	}
	EXPECT_EQ(0, reap(pid));
}

TEST_F(limit, held_process_may_be_killed)
{
	pid_t pid = spawn();

	if (!pid) {
		__u64 id;

		if (notify_how(self->fd, MAILBOX_NOTIFY_HOLD, &id) || news_from_another(self->fd))
			leave(1);
		alarm(1);
		leave(next_length(self->fd));
	}
	EXPECT_EQ(KILLED_BY(SIGALRM), reap(pid));
	EXPECT_EQ(4, next_length(self->fd));
	EXPECT_EQ(0, registered(self->fd));
}

TEST_F(limit, notices_that_nobody_fetches_are_bounded)
{
	char data[FIXTURE_MESSAGE];
	long ret;
	int n = 0;

	while (!(ret = registered(self->fd)) && n++ < 1000) {
		EXPECT_EQ(0, send_on(self->fd, 0, "news"));
		EXPECT_EQ(4, get(self->fd, data, sizeof(data)));
	}
	EXPECT_EQ(-EBUSY, ret);
	close(dup(self->fd));
	EXPECT_EQ(0, registered(self->fd));
}

TEST_F(limit, notify_judges_its_argument)
{
	struct mailbox_notify n = { .size = sizeof(n) };

	EXPECT_EQ(-EINVAL, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.how = MAILBOX_NOTIFY_DONE + 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.how = MAILBOX_NOTIFY_REGISTER;
	n.id = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.how = MAILBOX_NOTIFY_HOLD;
	EXPECT_EQ(-EINVAL, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.how = MAILBOX_NOTIFY_CANCEL;
	EXPECT_EQ(-EINVAL, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.how = MAILBOX_NOTIFY_WAIT;
	EXPECT_EQ(-ECANCELED, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	n.id = 0;
	EXPECT_EQ(-ECANCELED, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, &n)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, nowhere())));
}

TEST_F(limit, registration_that_could_not_be_told_is_none)
{
	struct mailbox_notify *n = pages(1, PROT_READ | PROT_WRITE);

	*n = (struct mailbox_notify){ .size = sizeof(*n), .how = MAILBOX_NOTIFY_REGISTER };
	mprotect(n, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, n)));
	mprotect(n, getpagesize(), PROT_READ | PROT_WRITE);
	n->how = MAILBOX_NOTIFY_HOLD;
	mprotect(n, getpagesize(), PROT_READ);
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, MAILBOX_IOC_NOTIFY, n)));
	EXPECT_EQ(0, registered(self->fd));
}

TEST_F(port, notify_is_eopnotsupp_without_a_limit)
{
	EXPECT_EQ(-EOPNOTSUPP, registered(self->both));
}

/* MAILBOX_DELETE_UNLINK */

TEST_F(port, unlinked_port_lives_on_for_those_who_have_it_open)
{
	struct mailbox_open again = { .size = sizeof(again), .open_flags = O_RDWR };

	EXPECT_EQ(4, put_text(self->tx, "kept"));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_UNLINK));
	EXPECT_EQ(-ENOENT, open_port(self->name, O_RDONLY));
	EXPECT_EQ(-ENOENT, open_node(self->name, O_RDONLY));
	EXPECT_EQ(-ENOENT, delete_port(self->name, 0));
	EXPECT_EQ(-ENOENT, delete_port(self->name, MAILBOX_DELETE_UNLINK));
	EXPECT_EQ(MAILBOX_STATE_LIVE, info_of(self->rx).state);
	EXPECT_MESSAGE("kept", self->rx);
	EXPECT_EQ(4, put_text(self->tx, "more"));
	EXPECT_MESSAGE("more", self->rx);
	EXPECT_EQ(0, result(ioctl(self->rx, MAILBOX_IOC_OPEN, &again)));
	close(again.fd);
}

TEST_F(port, name_of_an_unlinked_port_is_free)
{
	int fd;

	EXPECT_EQ(4, put_text(self->tx, "old!"));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_UNLINK));
	fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, put_text(fd, "new!"));
	EXPECT_MESSAGE("old!", self->rx);
	EXPECT_MESSAGE("new!", fd);
	close(fd);
}

TEST_F(port, sleepers_of_an_unlinked_port_sleep_on)
{
	pid_t pid = spawn();

	if (!pid) {
		char data[FIXTURE_MESSAGE];

		leave(get(self->rx, data, sizeof(data)));
	}
	EXPECT_TRUE(wait_receivers(self->both, 1));
	EXPECT_EQ(0, delete_port(self->name, MAILBOX_DELETE_UNLINK));
	EXPECT_EQ(1, info_of(self->both).waiting_receivers);
	EXPECT_EQ(4, put_text(self->tx, "late"));
	EXPECT_EQ(4, reap(pid));
}

TEST_F(port, unlink_wants_the_owner_and_no_purge)
{
	EXPECT_EQ(-EINVAL, delete_port(self->name, MAILBOX_DELETE_UNLINK | MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EPERM, ended({
		become(NOBODY, NOBODY);
		leave(delete_port(self->name, MAILBOX_DELETE_UNLINK));
	}));
	EXPECT_EQ(1, put_text(self->tx, "x"));
}

TEST(unlinked_port_ends_with_its_last_close)
{
	__u32 ports = query().ports;
	int fd = create(port_name("gone"));

	ASSERT_LE(0, fd);
	EXPECT_EQ(ports + 1, query().ports);
	EXPECT_EQ(0, delete_port(port_name("gone"), MAILBOX_DELETE_UNLINK));
	EXPECT_EQ(ports + 1, query().ports);
	close(fd);
	EXPECT_EQ(ports, query().ports);
}

TEST_HARNESS_MAIN
