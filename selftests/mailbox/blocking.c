// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping and waking: deadlines, signals, whose turn it is.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "mailbox_test.h"

enum door { READ, READV, RECEIVE, WRITE, WRITEV, SEND };

static const long syscall_of[] = {
	[READ] = SYS_read, [READV] = SYS_readv, [RECEIVE] = SYS_ioctl,
	[WRITE] = SYS_write, [WRITEV] = SYS_writev, [SEND] = SYS_ioctl,
};

/*
 * Sends or receives one byte; the deadline is for the ioctls. Returns the byte
 * received, 0 for a byte sent, or -errno.
 */
static long pass(int fd, enum door door, char byte, __u64 deadline)
{
	struct iovec iov = { &byte, 1 };
	struct mailbox_message m = message(.data = address(&byte), .length = 1,
					   .deadline = deadline);
	long ret = 0;

	switch (door) {
	case READ:
		ret = get(fd, &byte, 1);
		break;
	case READV:
		ret = result(readv(fd, &iov, 1));
		break;
	case RECEIVE:
		ret = receive_message(fd, &m);
		break;
	case WRITE:
		ret = put(fd, &byte, 1);
		break;
	case WRITEV:
		ret = result(writev(fd, &iov, 1));
		break;
	case SEND:
		ret = send_message(fd, &m);
		break;
	}
	if (ret < 0)
		return ret;
	return door >= WRITE ? 0 : byte;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * Nothing else runs on this CPU until rest(): tasks pinned to it that are woken
 * meanwhile find all that was done in between as one step.
 */
static bool hold_the_cpu(int cpu)
{
	struct sched_param param = { .sched_priority = 50 };

	pin(cpu);
	return !sched_setscheduler(0, SCHED_FIFO, &param);
}

static void rest(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_OTHER, &param);
}

/* How often this thread gave the CPU away. */
static long own_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* What children did, seen by the parent. */
struct seen {
	volatile int signals;
	volatile __u64 ended_at;
	volatile int turns;
};

static struct seen *seen;

static void count_signal(int sig)
{
	__atomic_fetch_add(&seen->signals, 1, __ATOMIC_SEQ_CST);
}

static void count_signals(int sig, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

/*
 * Asleep, not only counted: who is counted looks once more before it sleeps, and
 * may find, or be outrun at, what was meant for somebody else.
 */
static bool sleeps_in(pid_t pid, long nr)
{
	return wait_until(state_of(pid) == 'S' && asleep_in(pid, nr));
}

/* A port with two slots, and one way to be asleep on it. */
FIXTURE(call)
{
	int fd;
	int peer;
	bool sends;
	long nr;
};

FIXTURE_VARIANT(call)
{
	enum door door;
};

FIXTURE_VARIANT_ADD(call, read) { .door = READ };
FIXTURE_VARIANT_ADD(call, readv) { .door = READV };
FIXTURE_VARIANT_ADD(call, receive) { .door = RECEIVE };
FIXTURE_VARIANT_ADD(call, write) { .door = WRITE };
FIXTURE_VARIANT_ADD(call, writev) { .door = WRITEV };
FIXTURE_VARIANT_ADD(call, send) { .door = SEND };

FIXTURE_SETUP(call)
{
	const char *name = port_name("call");

	seen = shared_pages(1);
	self->sends = variant->door >= WRITE;
	self->nr = syscall_of[variant->door];
	self->fd = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = 64, .capacity = 2);
	ASSERT_LE(0, self->fd);
	self->peer = open_port(name, O_RDWR);
	ASSERT_LE(0, self->peer);
	if (self->sends)
		ASSERT_EQ(2, fill_lane(self->peer, 0));
}

FIXTURE_TEARDOWN(call)
{
	close(self->fd);
	close(self->peer);
}

static __u32 sleepers_of(int fd, bool sends)
{
	struct mailbox_info info = info_of(fd);

	return sends ? info.waiting_senders : info.waiting_receivers;
}

static bool wait_sleepers(int fd, bool sends, __u32 n)
{
	return wait_until(sleepers_of(fd, sends) == n);
}

/* What a sleeper waits for: a message 'm', or a slot. */
static long make_event(int peer, bool sends)
{
	char in[64];

	if (sends)
		return receive_until(peer, in, sizeof(in), MAILBOX_NO_WAIT) < 0;
	return send_until(peer, "m", MAILBOX_NO_WAIT);
}

/* A child asleep in the call. */
#define sleeper(deadline, ...) ({					\
	pid_t __child = spawn();					\
									\
	if (!__child) {							\
		long __ret;						\
									\
		__VA_ARGS__						\
		__ret = pass(self->fd, variant->door, 's', deadline);	\
		seen->ended_at = clock_ns(CLOCK_MONOTONIC);		\
		leave(__ret);						\
	}								\
	__child;							\
})

#define DONE (self->sends ? 0 : 'm')

TEST_F(call, sleeps_until_there_is_something_to_do)
{
	pid_t child = sleeper(MAILBOX_FOREVER);

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(0, sleepers_of(self->peer, !self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
}

TEST_F(call, nonblocking_is_eagain_without_sleeping)
{
	long switches;

	set_nonblock(self->fd, true);
	switches = own_switches();
	EXPECT_EQ(-EAGAIN, pass(self->fd, variant->door, 's', MAILBOX_FOREVER));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, pass(self->fd, variant->door, 's', MAILBOX_FOREVER));
}

TEST_F(call, opened_nonblocking_is_eagain)
{
	int flags = (self->sends ? O_WRONLY : O_RDONLY) | O_NONBLOCK;
	struct mailbox_info info = info_of(self->peer);

	EXPECT_EQ(-EAGAIN, pass(open_port(info.name, flags), variant->door, 's', MAILBOX_FOREVER));
	EXPECT_EQ(-EAGAIN, pass(open_node(info.name, flags), variant->door, 's', MAILBOX_FOREVER));
	EXPECT_EQ(-EAGAIN, pass(create(info.name, .open_flags = flags), variant->door, 's',
				MAILBOX_FOREVER));
}

TEST_F(call, nonblocking_may_be_switched_off_again)
{
	pid_t child;

	set_nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, pass(self->fd, variant->door, 's', MAILBOX_FOREVER));
	set_nonblock(self->fd, false);
	child = sleeper(MAILBOX_FOREVER);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

TEST_F(call, signal_without_restart_is_eintr_and_nothing_happens)
{
	struct mailbox_info before = info_of(self->peer), after;
	pid_t child = sleeper(MAILBOX_FOREVER, count_signals(SIGUSR1, 0););

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	kill(child, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(child));
	EXPECT_EQ(1, seen->signals);
	after = info_of(self->peer);
	EXPECT_EQ(0, after.waiting_senders + after.waiting_receivers);
	EXPECT_EQ(before.depth, after.depth);
	EXPECT_EQ(before.messages_sent, after.messages_sent);
	EXPECT_EQ(before.messages_received, after.messages_received);
}

TEST_F(call, signal_with_restart_goes_on_sleeping)
{
	pid_t child = sleeper(MAILBOX_FOREVER, count_signals(SIGUSR1, SA_RESTART););
	int i;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	for (i = 1; i <= 3; i++) {
		EXPECT_TRUE(sleeps_in(child, self->nr));
		kill(child, SIGUSR1);
		EXPECT_TRUE(wait_until(seen->signals == i));
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	}
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
}

TEST_F(call, stop_and_continue_do_not_end_a_sleep)
{
	pid_t child = sleeper(MAILBOX_FOREVER);

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	kill(child, SIGSTOP);
	EXPECT_TRUE(wait_until(state_of(child) == 'T'));
	/* A stopped process does not stand in line. */
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
	kill(child, SIGCONT);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

/* Stopped, it does not hold what it was to get. */
TEST_F(call, stopped_sleeper_leaves_its_event_to_the_next)
{
	pid_t first = sleeper(MAILBOX_FOREVER), second;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	kill(first, SIGSTOP);
	EXPECT_TRUE(wait_until(state_of(first) == 'T'));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(second));
	kill(first, SIGCONT);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(first));
}

TEST_F(call, ignored_signal_does_not_end_a_sleep)
{
	pid_t child = sleeper(MAILBOX_FOREVER, signal(SIGUSR1, SIG_IGN););

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	kill(child, SIGUSR1);
	EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

TEST_F(call, kill_ends_a_sleep_and_leaves_no_trace)
{
	pid_t child = sleeper(MAILBOX_FOREVER);
	__u32 depth = info_of(self->peer).depth;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(depth, info_of(self->peer).depth);
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, pass(self->fd, variant->door, 's', MAILBOX_NO_WAIT));
}

/* The event, then the signal, then both are seen at once. */
TEST_F(call, signal_after_the_event_is_success)
{
	pid_t child = sleeper(MAILBOX_FOREVER, pin(0); count_signals(SIGUSR1, 0););

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	make_event(self->peer, self->sends);
	kill(child, SIGUSR1);
	rest();
	EXPECT_EQ(DONE, reap(child));
	EXPECT_EQ(1, seen->signals);
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).depth);
}

/* The other way round either may win, and the outcome tells which. */
TEST_F(call, signal_before_the_event_is_eintr_or_success_and_never_half_of_each)
{
	pid_t child = sleeper(MAILBOX_FOREVER, pin(0); count_signals(SIGUSR1, 0););
	bool done;
	long ret;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	kill(child, SIGUSR1);
	make_event(self->peer, self->sends);
	rest();
	ret = reap(child);
	done = ret == DONE;
	EXPECT_TRUE(done || ret == -EINTR);
	EXPECT_EQ(self->sends ? 1 + done : !done, info_of(self->peer).depth);
}

TEST_F(call, delete_ends_a_sleep_with_a_deadline_by_eidrm)
{
	pid_t child = sleeper(in_ms(3600000));

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(0, delete_port(info_of(self->peer).name, 0));
	EXPECT_EQ(-EIDRM, reap(child));
}

TEST_F(call, delete_ends_a_restarted_sleep_by_eidrm)
{
	pid_t child = sleeper(MAILBOX_FOREVER, count_signals(SIGUSR1, SA_RESTART););

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	kill(child, SIGUSR1);
	EXPECT_EQ(0, delete_port(info_of(self->peer).name, 0));
	EXPECT_EQ(-EIDRM, reap(child));
}

TEST_F(call, purge_ends_a_sleep_by_eidrm)
{
	pid_t child = sleeper(MAILBOX_FOREVER);

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(0, delete_port(info_of(self->peer).name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EIDRM, reap(child));
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).messages_dropped);
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).messages_sent);
}

/* Whose turn. */

TEST_F(call, one_event_wakes_exactly_one)
{
	long switches[6];
	pid_t child[6];
	int i;

	for (i = 0; i < 6; i++) {
		child[i] = sleeper(MAILBOX_FOREVER);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, i + 1));
		EXPECT_TRUE(sleeps_in(child[i], self->nr));
	}
	for (i = 0; i < 6; i++)
		switches[i] = switches_of(child[i]);
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child[0]));
	EXPECT_EQ(5, sleepers_of(self->peer, self->sends));
	for (i = 1; i < 6; i++) {
		EXPECT_TRUE(asleep_in(child[i], self->nr));
		EXPECT_EQ(switches[i], switches_of(child[i]));
		kill(child[i], SIGKILL);
		reap(child[i]);
	}
}

TEST_F(call, sleepers_are_served_in_the_order_of_going_to_sleep)
{
	pid_t child[6];
	int i;

	for (i = 0; i < 6; i++) {
		child[i] = sleeper(MAILBOX_FOREVER);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, i + 1));
		EXPECT_TRUE(sleeps_in(child[i], self->nr));
	}
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(0, make_event(self->peer, self->sends));
		EXPECT_EQ(DONE, reap(child[i]));
		EXPECT_EQ(5 - i, sleepers_of(self->peer, self->sends));
	}
}

/* Which two is open: whoever is awake may be faster than one still waking. */
TEST_F(call, two_events_at_once_wake_two)
{
	pid_t child[4];
	int i, done = 0;

	for (i = 0; i < 4; i++) {
		child[i] = sleeper(MAILBOX_FOREVER);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, i + 1));
		EXPECT_TRUE(sleeps_in(child[i], self->nr));
	}
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_TRUE(wait_until(state_of(child[0]) + state_of(child[1]) + state_of(child[2]) +
			       state_of(child[3]) == 2 * 'Z' + 2 * 'S'));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).depth);
	for (i = 0; i < 4; i++) {
		kill(child[i], SIGKILL);
		done += reap(child[i]) == DONE;
	}
	EXPECT_EQ(2, done);
}

TEST_F(call, interrupted_sleeper_is_out_of_the_line)
{
	pid_t first = sleeper(MAILBOX_FOREVER, count_signals(SIGUSR1, 0);), second;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	kill(first, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(first));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(second));
}

/* Woken, but a signal is there too: if it goes, the next must know. */
TEST_F(call, interrupted_sleeper_hands_its_wakeup_on)
{
	pid_t first = sleeper(MAILBOX_FOREVER, pin(0); count_signals(SIGUSR1, 0););
	pid_t second;
	long ret;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER, pin(0););
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(second, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	kill(first, SIGUSR1);
	make_event(self->peer, self->sends);
	rest();
	ret = reap(first);
	if (ret == DONE) {
		EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
		EXPECT_EQ(0, make_event(self->peer, self->sends));
	} else {
		EXPECT_EQ(-EINTR, ret);
	}
	EXPECT_EQ(DONE, reap(second));
}

/* Neither a message nor a slot is for the dead. */
TEST_F(call, killed_sleeper_hands_its_wakeup_on)
{
	pid_t first = sleeper(MAILBOX_FOREVER, pin(0);), second;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER, pin(0););
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(second, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	kill(first, SIGKILL);
	make_event(self->peer, self->sends);
	rest();
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(first));
	EXPECT_EQ(DONE, reap(second));
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).depth);
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
}

TEST_F(call, sleeper_killed_after_its_wakeup_hands_it_on)
{
	pid_t first = sleeper(MAILBOX_FOREVER, pin(0);), second;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER, pin(0););
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(second, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	make_event(self->peer, self->sends);
	kill(first, SIGKILL);
	rest();
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(first));
	EXPECT_EQ(DONE, reap(second));
	EXPECT_EQ(self->sends ? 2 : 0, info_of(self->peer).depth);
}

/* Somebody awake was faster: back to sleep, but not to the end of the line. */
TEST_F(call, sleeper_that_was_outrun_keeps_its_place)
{
	pid_t first = sleeper(MAILBOX_FOREVER, pin(0);), second;
	long switches;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	second = sleeper(MAILBOX_FOREVER);
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(second, self->nr));	/* and has had its last look */
	switches = switches_of(first);
	ASSERT_TRUE(hold_the_cpu(0));
	make_event(self->peer, self->sends);
	make_event(self->peer, !self->sends);	/* and taken back */
	rest();
	EXPECT_TRUE(wait_until(switches_of(first) > switches));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(first, self->nr));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(first));
	EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(second));
}

TEST_F(call, no_sleeper_is_forgotten_when_those_in_front_are_killed)
{
	pid_t child[8];
	int round, i;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 4; i++)
			child[i] = sleeper(MAILBOX_FOREVER);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 4));
		child[4] = sleeper(MAILBOX_FOREVER);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 5));
		for (i = 0; i < 4; i++)
			kill(child[i], SIGKILL);
		EXPECT_EQ(0, make_event(self->peer, self->sends));
		for (i = 0; i < 4; i++)
			reap(child[i]);
		/* One of the dead may just have done it; then the last waits for another. */
		if (info_of(self->peer).depth == (self->sends ? 2 : 0) &&
		    sleepers_of(self->peer, self->sends))
			EXPECT_EQ(0, make_event(self->peer, self->sends));
		ASSERT_EQ(DONE, reap(child[4]));
	}
}

/* Threads. */

struct thread {
	pthread_t thread;
	int fd;
	enum door door;
	volatile long ret;
	volatile int ended;
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	t->ret = pass(t->fd, t->door, 's', MAILBOX_FOREVER);
	__atomic_store_n(&t->ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int ended_threads(struct thread *t, int n)
{
	int ended = 0;

	while (n--)
		ended += __atomic_load_n(&t++->ended, __ATOMIC_ACQUIRE);
	return ended;
}

TEST_F(call, threads_sharing_an_endpoint_are_woken_one_by_one)
{
	struct thread t[4] = { 0 };
	int i;

	for (i = 0; i < 4; i++) {
		t[i].fd = self->fd;
		t[i].door = variant->door;
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, thread_main, &t[i]));
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, i + 1));
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, make_event(self->peer, self->sends));
		EXPECT_TRUE(wait_until(ended_threads(t, 4) == i + 1));
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 3 - i));
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(DONE, t[i].ret);
}

TEST_F(call, closed_descriptor_does_not_disturb_a_thread_asleep_on_it)
{
	struct thread t = { .fd = self->fd, .door = variant->door };

	ASSERT_EQ(0, pthread_create(&t.thread, NULL, thread_main, &t));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	close(self->fd);
	EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_TRUE(wait_until(ended_threads(&t, 1)));
	EXPECT_EQ(DONE, t.ret);
	self->fd = -1;
}

/* Deadlines: the ioctls'. */

FIXTURE(timed)
{
	int fd;
	int peer;
	bool sends;
	long nr;
};

FIXTURE_VARIANT(timed)
{
	enum door door;
};

FIXTURE_VARIANT_ADD(timed, receive) { .door = RECEIVE };
FIXTURE_VARIANT_ADD(timed, send) { .door = SEND };

FIXTURE_SETUP(timed)
{
	const char *name = port_name("timed");

	seen = shared_pages(1);
	self->sends = variant->door >= WRITE;
	self->nr = SYS_ioctl;
	self->fd = create(name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = 64, .capacity = 2);
	ASSERT_LE(0, self->fd);
	self->peer = open_port(name, O_RDWR);
	ASSERT_LE(0, self->peer);
	if (self->sends)
		ASSERT_EQ(2, fill_lane(self->peer, 0));
}

FIXTURE_TEARDOWN(timed)
{
	close(self->fd);
	close(self->peer);
}

static long pass_realtime(int fd, enum door door, __u64 deadline)
{
	char byte = 's';
	struct mailbox_message m = message(.data = address(&byte), .length = 1,
					   .deadline = deadline,
					   .flags = door == SEND ? MAILBOX_SEND_REALTIME :
								   MAILBOX_RECV_REALTIME);
	long ret = door == SEND ? send_message(fd, &m) : receive_message(fd, &m);

	if (ret)
		return ret;
	return door == SEND ? 0 : byte;
}

TEST_F(timed, no_wait_is_eagain_without_sleeping)
{
	long switches = own_switches();

	EXPECT_EQ(-EAGAIN, pass(self->fd, variant->door, 's', MAILBOX_NO_WAIT));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(-EAGAIN, pass_realtime(self->fd, variant->door, MAILBOX_NO_WAIT));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, pass(self->fd, variant->door, 's', MAILBOX_NO_WAIT));
}

TEST_F(timed, deadline_in_the_past_is_etimedout_without_sleeping)
{
	__u64 now = clock_ns(CLOCK_MONOTONIC);
	long switches = own_switches();

	EXPECT_EQ(-ETIMEDOUT, pass(self->fd, variant->door, 's', 1));
	EXPECT_EQ(-ETIMEDOUT, pass(self->fd, variant->door, 's', now));
	EXPECT_EQ(-ETIMEDOUT, pass(self->fd, variant->door, 's', now - 1000000));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
}

TEST_F(timed, deadline_in_the_past_is_success_if_there_is_something_to_do)
{
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, pass(self->fd, variant->door, 's', 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, pass_realtime(self->fd, variant->door, 1));
}

TEST_F(timed, deadline_ends_a_sleep_and_not_before)
{
	static const int delays[] = { 1, 20, 100 };
	__u64 deadline, ended;
	unsigned int i;
	long switches;

	for (i = 0; i < 3; i++) {
		switches = own_switches();
		deadline = in_ms(delays[i]);
		EXPECT_EQ(-ETIMEDOUT, pass(self->fd, variant->door, 's', deadline));
		ended = clock_ns(CLOCK_MONOTONIC);
		EXPECT_LE(deadline, ended);
		EXPECT_GT(deadline + 2000000000, ended);
		EXPECT_LE(switches + (i == 2), own_switches());
		EXPECT_EQ(0, sleepers_of(self->peer, self->sends));
	}
}

TEST_F(timed, event_before_the_deadline_is_success)
{
	pid_t child = sleeper(in_ms(20000));

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

TEST_F(timed, deadline_leaves_nothing_behind)
{
	__u32 depth = info_of(self->peer).depth;

	EXPECT_EQ(-ETIMEDOUT, pass(self->fd, variant->door, 's', in_ms(5)));
	EXPECT_EQ(depth, info_of(self->peer).depth);
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(self->sends ? 1 : 1, info_of(self->peer).depth);
	EXPECT_EQ(DONE, pass(self->fd, variant->door, 's', in_ms(5)));
}

TEST_F(timed, timed_out_sleeper_is_out_of_the_line)
{
	pid_t first = sleeper(in_ms(150)), second;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	second = sleeper(MAILBOX_FOREVER);
	EXPECT_EQ(-ETIMEDOUT, reap(first));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(second));
}

/* A wake-up and the end of patience at the same moment. */
TEST_F(timed, late_sleeper_takes_its_event_or_hands_it_on)
{
	pid_t first, second;
	__u64 deadline;
	long ret;

	deadline = in_ms(300);
	first = sleeper(deadline, pin(0););
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	second = sleeper(MAILBOX_FOREVER, pin(0););
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 2));
	EXPECT_TRUE(sleeps_in(second, self->nr));
	ASSERT_TRUE(hold_the_cpu(0));
	while (clock_ns(CLOCK_MONOTONIC) < deadline + 1000000)
		;
	make_event(self->peer, self->sends);
	rest();
	ret = reap(first);
	if (ret == DONE) {
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
		EXPECT_EQ(0, make_event(self->peer, self->sends));
	} else {
		EXPECT_EQ(-ETIMEDOUT, ret);
	}
	EXPECT_EQ(DONE, reap(second));
}

TEST_F(timed, signal_without_restart_is_eintr_before_the_deadline)
{
	pid_t child = sleeper(in_ms(20000), count_signals(SIGUSR1, 0););

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	kill(child, SIGUSR1);
	EXPECT_EQ(-EINTR, reap(child));
}

TEST_F(timed, restarts_do_not_stretch_the_deadline)
{
	__u64 deadline = in_ms(400), end = deadline + PATIENCE_NS;
	pid_t child = sleeper(deadline, count_signals(SIGUSR1, SA_RESTART););
	int status;

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	/* Signals as long as it lasts: a deadline that starts again never comes. */
	while (!seen->ended_at && clock_ns(CLOCK_MONOTONIC) < end) {
		kill(child, SIGUSR1);
		breathe();
	}
	EXPECT_LT(0, seen->signals);
	status = reap(child);
	EXPECT_EQ(-ETIMEDOUT, status);
	EXPECT_LE(deadline, seen->ended_at);
	EXPECT_GT(deadline + 2000000000, seen->ended_at);
}

TEST_F(timed, forever_is_no_deadline)
{
	pid_t child = sleeper(MAILBOX_FOREVER);

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

/* Far beyond every clock; not to be taken for negative, and so for the past. */
TEST_F(timed, deadlines_beyond_all_time_do_not_pass)
{
	static const __u64 far[] = { ~0ULL - 1, 1ULL << 63, (1ULL << 63) - 1, (1ULL << 63) - 2 };
	unsigned int i;
	pid_t child;

	for (i = 0; i < 4; i++) {
		child = sleeper(far[i]);
		EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
		EXPECT_TRUE(sleeps_in(child, self->nr));
		EXPECT_EQ(0, make_event(self->peer, self->sends));
		EXPECT_EQ(DONE, reap(child));
	}
}

TEST_F(timed, nonblocking_beats_a_deadline)
{
	__u64 start = clock_ns(CLOCK_MONOTONIC);

	set_nonblock(self->fd, true);
	EXPECT_EQ(-EAGAIN, pass(self->fd, variant->door, 's', in_ms(20000)));
	EXPECT_EQ(-EAGAIN, pass(self->fd, variant->door, 's', 1));
	EXPECT_GT(start + 5000000000, clock_ns(CLOCK_MONOTONIC));
}

TEST_F(timed, realtime_deadline_is_measured_by_that_clock)
{
	__u64 deadline = clock_ns(CLOCK_REALTIME) + 100000000;

	EXPECT_EQ(-ETIMEDOUT, pass_realtime(self->fd, variant->door, deadline));
	EXPECT_LE(deadline, clock_ns(CLOCK_REALTIME));
	EXPECT_GT(deadline + 2000000000, clock_ns(CLOCK_REALTIME));
}

TEST_F(timed, realtime_deadline_in_the_past_is_etimedout_without_sleeping)
{
	__u64 now = clock_ns(CLOCK_REALTIME);
	long switches = own_switches();

	EXPECT_EQ(-ETIMEDOUT, pass_realtime(self->fd, variant->door, now));
	/* Since the machine started is long ago by that clock. */
	EXPECT_EQ(-ETIMEDOUT, pass_realtime(self->fd, variant->door, in_ms(60000)));
	EXPECT_EQ(switches, own_switches());
}

TEST_F(timed, without_the_flag_it_is_the_monotonic_clock)
{
	pid_t child = sleeper(clock_ns(CLOCK_REALTIME));

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

TEST_F(timed, realtime_forever_is_no_deadline)
{
	pid_t child = spawn();

	if (!child)
		leave(pass_realtime(self->fd, variant->door, MAILBOX_FOREVER));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

static bool shift_the_clock(int seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	return !clock_settime(CLOCK_REALTIME, &t);
}

TEST_F(timed, realtime_deadline_comes_when_the_clock_is_set_beyond_it)
{
	pid_t child = spawn();

	if (!child)
		leave(pass_realtime(self->fd, variant->door,
				    clock_ns(CLOCK_REALTIME) + 3600 * 1000000000ULL));
	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(sleeps_in(child, self->nr));
	EXPECT_TRUE(shift_the_clock(7200));
	EXPECT_EQ(-ETIMEDOUT, reap(child));
	EXPECT_TRUE(shift_the_clock(-7200));
}

TEST_F(timed, monotonic_deadline_does_not_mind_a_set_clock)
{
	pid_t child = sleeper(in_ms(3600 * 1000));

	EXPECT_TRUE(wait_sleepers(self->peer, self->sends, 1));
	EXPECT_TRUE(shift_the_clock(7200));
	EXPECT_EQ(1, sleepers_of(self->peer, self->sends));
	EXPECT_TRUE(asleep_in(child, self->nr));
	EXPECT_TRUE(shift_the_clock(-7200));
	EXPECT_EQ(0, make_event(self->peer, self->sends));
	EXPECT_EQ(DONE, reap(child));
}

/* Which messages and slots concern a sleeper. */

static pid_t receiver(int fd, int size)
{
	pid_t child = spawn();
	char in[64];

	if (!child) {
		long ret = get(fd, in, size);

		leave(ret > 0 ? in[0] : ret);
	}
	return child;
}

TEST_F(port, receivers_sleep_again_for_each_message)
{
	pid_t child = spawn();
	char in[8], want;

	if (!child) {
		for (want = 'a'; want <= 'e'; want++)
			if (get(self->rx, in, sizeof(in)) != 1 || in[0] != want)
				leave(1);
		leave(0);
	}
	for (want = 'a'; want <= 'e'; want++) {
		EXPECT_TRUE(wait_receivers(self->tx, 1));
		EXPECT_EQ(1, put(self->tx, &want, 1));
	}
	EXPECT_EQ(0, reap(child));
}

TEST_F(port, messages_of_sleeping_senders_come_in_their_order)
{
	char text[2] = "a";
	pid_t child[3];
	int i;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	for (i = 0; i < 3; i++, text[0]++) {
		child[i] = spawn();
		if (!child[i])
			leave(put_text(self->both, text));
		EXPECT_TRUE(wait_senders(self->rx, i + 1));
		EXPECT_TRUE(sleeps_in(child[i], SYS_write));
	}
	for (i = 0; i < FIXTURE_SLOTS; i++)
		EXPECT_MESSAGE("fill", self->rx);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, reap(child[i]));
	EXPECT_EQ(3, info_of(self->rx).depth);
}

TEST_F(port, each_slot_released_wakes_one_sender_and_its_message_is_next)
{
	char text[2] = "a";
	pid_t child[3];
	int i;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	for (i = 0; i < 3; i++, text[0]++) {
		child[i] = spawn();
		if (!child[i])
			leave(put_text(self->both, text));
		EXPECT_TRUE(wait_senders(self->rx, i + 1));
		EXPECT_TRUE(sleeps_in(child[i], SYS_write));
	}
	for (i = 0; i < 3; i++) {
		EXPECT_MESSAGE("fill", self->rx);
		EXPECT_EQ(1, reap(child[i]));
		EXPECT_EQ(2 - i, info_of(self->rx).waiting_senders);
		EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
	}
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_MESSAGE("a", self->rx);
	EXPECT_MESSAGE("b", self->rx);
	EXPECT_MESSAGE("c", self->rx);
}

TEST_F(port, receiver_of_other_lanes_goes_on_sleeping)
{
	long switches;
	pid_t child;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	child = receiver(self->rx, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(sleeps_in(child, SYS_read));
	switches = switches_of(child);
	EXPECT_EQ(0, send_on(self->tx, 0, "0"));
	EXPECT_EQ(0, send_on(self->tx, 1, "1"));
	EXPECT_EQ(0, send_on(self->tx, 3, "3"));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_TRUE(asleep_in(child, SYS_read));
	EXPECT_EQ(switches, switches_of(child));
	EXPECT_EQ(0, send_on(self->tx, 2, "2"));
	EXPECT_EQ('2', reap(child));
	EXPECT_EQ(3, info_of(self->tx).depth);
}

TEST_F(port, set_lanes_makes_a_sleeping_receiver_look_again)
{
	pid_t child;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(0, send_on(self->tx, 3, "3"));
	child = receiver(self->rx, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(sleeps_in(child, SYS_read));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1 | 1 << 3, 0));
	EXPECT_EQ('3', reap(child));
}

TEST_F(port, set_lanes_to_empty_ones_lets_a_receiver_sleep_for_those)
{
	pid_t child;

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	child = receiver(self->rx, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(sleeps_in(child, SYS_read));
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(sleeps_in(child, SYS_read));
	EXPECT_EQ(0, send_on(self->tx, 1, "1"));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(0, send_on(self->tx, 2, "2"));
	EXPECT_EQ('2', reap(child));
}

struct reader {
	pthread_t thread;
	int fd;
	char data[64];
	volatile long ret;
	volatile int ended;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	r->ret = get(r->fd, r->data, sizeof(r->data));
	__atomic_store_n(&r->ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

TEST_F(port, set_lanes_by_another_thread_makes_a_sleeping_receiver_look_again)
{
	struct reader r = { .fd = self->rx };

	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, reader_main, &r));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, send_on(self->tx, 2, "two"));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 2, 0));
	EXPECT_TRUE(wait_until(r.ended));
	EXPECT_EQ(3, r.ret);
	EXPECT_STREQ("two", r.data);
}

TEST_F(port, set_lanes_does_not_cost_others_their_place_in_line)
{
	int other = open_port(self->name, O_RDONLY);
	pid_t first, second;

	first = receiver(self->rx, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_TRUE(sleeps_in(first, SYS_read));
	second = receiver(other, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_EQ(0, set_lanes(other, 1 << 2, 0));
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_TRUE(sleeps_in(first, SYS_read));
	EXPECT_TRUE(sleeps_in(second, SYS_read));
	EXPECT_EQ(0, send_on(self->tx, 2, "x"));
	EXPECT_EQ('x', reap(first));
	EXPECT_EQ(1, info_of(self->tx).waiting_receivers);
	EXPECT_EQ(0, send_on(self->tx, 2, "y"));
	EXPECT_EQ('y', reap(second));
}

TEST_F(port, set_lanes_does_not_move_a_sleeping_sender_to_another_lane)
{
	char data[8] = { 0 };
	struct mailbox_message m = message(.data = address(data), .length = sizeof(data));
	pid_t child;

	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	child = spawn();
	if (!child)
		leave(put_text(self->both, "x"));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(0, set_lanes(self->both, ~0U, 1));
	EXPECT_TRUE(wait_senders(self->rx, 1));
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
	EXPECT_MESSAGE("fill", self->rx);
	EXPECT_EQ(1, reap(child));
	EXPECT_EQ(0, set_lanes(self->rx, 1, 0));
	EXPECT_EQ(FIXTURE_SLOTS, info_of(self->rx).depth);
	while (!receive_message(self->rx, &m))
		m = message(.data = m.data, .length = 8);
	EXPECT_EQ(0, info_of(self->rx).depth);
}

TEST_F(port, senders_on_different_lanes_are_woken_by_their_own)
{
	pid_t child[FIXTURE_LANES];
	int i;

	for (i = 0; i < FIXTURE_LANES; i++)
		EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, i));
	for (i = 0; i < FIXTURE_LANES; i++) {
		child[i] = spawn();
		if (!child[i]) {
			struct mailbox_message m = message(.data = address("x"), .length = 1,
							   .lane = i,
							   .deadline = MAILBOX_FOREVER);

			leave(send_message(self->tx, &m));
		}
		EXPECT_TRUE(wait_senders(self->rx, i + 1));
	}
	/* Last come, first served: each lane has its own line. */
	for (i = FIXTURE_LANES - 1; i >= 0; i--) {
		EXPECT_EQ(0, set_lanes(self->rx, 1 << i, 0));
		EXPECT_MESSAGE("fill", self->rx);
		EXPECT_EQ(0, reap(child[i]));
		EXPECT_TRUE(wait_senders(self->rx, i));
	}
}

TEST_F(port, message_too_long_for_the_woken_receiver_wakes_the_next)
{
	pid_t first = receiver(self->rx, 2), second;

	EXPECT_TRUE(wait_receivers(self->tx, 1));
	second = receiver(self->both, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_EQ(4, put_text(self->tx, "long"));
	EXPECT_EQ(-EMSGSIZE, reap(first));
	EXPECT_EQ('l', reap(second));
}

TEST_F(port, message_the_woken_receiver_cannot_store_wakes_the_next)
{
	pid_t first = spawn(), second;

	if (!first)
		leave(get(self->rx, nowhere(), 64));
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	second = receiver(self->both, 8);
	EXPECT_TRUE(wait_receivers(self->tx, 2));
	EXPECT_EQ(4, put_text(self->tx, "good"));
	EXPECT_EQ(-EFAULT, reap(first));
	EXPECT_EQ('g', reap(second));
	EXPECT_EQ(0, info_of(self->tx).depth);
}

TEST_F(port, sleeping_receivers_get_messages_of_a_sleeping_sender)
{
	pid_t sender, child;
	int i;

	/* Nobody receives lane 0, where the sender sleeps, until the mask changes. */
	EXPECT_EQ(0, set_lanes(self->rx, 1 << 1, 0));
	EXPECT_EQ(FIXTURE_SLOTS, fill_lane(self->tx, 0));
	sender = spawn();
	if (!sender)
		leave(put_text(self->both, "x"));
	EXPECT_TRUE(wait_senders(self->tx, 1));
	child = spawn();
	if (!child) {
		char in[8];

		for (i = 0; i < FIXTURE_SLOTS + 1; i++)
			if (get(self->rx, in, sizeof(in)) < 1)
				leave(1);
		leave(in[0]);
	}
	EXPECT_TRUE(wait_receivers(self->tx, 1));
	EXPECT_EQ(0, set_lanes(self->rx, 1, 0));
	EXPECT_EQ(1, reap(sender));
	EXPECT_EQ('x', reap(child));
}

/* Two processes, two ports, a thousand rounds: a lost wake-up stops it. */
TEST(ping_pong_loses_no_wakeup)
{
	int there = create(NULL, .message_size = 8, .capacity = 2);
	int back = create(NULL, .message_size = 8, .capacity = 2);
	__u64 i, value;
	pid_t child;

	ASSERT_LE(0, there);
	ASSERT_LE(0, back);
	child = spawn();
	if (!child) {
		for (i = 0; i < 2000; i++)
			if (get(there, &value, 8) != 8 || put(back, &value, 8) != 8)
				leave(1);
		leave(0);
	}
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(8, put(there, &i, 8));
		ASSERT_EQ(8, receive_until(back, &value, 8, in_ms(10000)));
		ASSERT_EQ(i, value);
	}
	EXPECT_EQ(0, reap(child));
}

TEST_HARNESS_MAIN
