// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: everything at once, for a few seconds each, and then a look at what
 * must hold all the same.
 *
 *	STORM_SECONDS=n	how long each lasts (4, times MAILBOX_EFFORT)
 *	STORM_SEED=n	instead of a random one; timing still differs
 *	STORM_OPENER=1	no test: opens, uses and closes ports until killed (for storm.sh)
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "storm.h"

#define SECONDS_DEFAULT	4

static __u64 storm_end(void)
{
	return clock_ns(CLOCK_MONOTONIC) +
	       number_from("STORM_SECONDS", SECONDS_DEFAULT * effort()) * 1000000000ULL;
}

/* Whether it is not yet so late. */
static bool before(__u64 end)
{
	return clock_ns(CLOCK_MONOTONIC) < end;
}

static void await(__u32 *word, __u32 old)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == old)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}

static void announce(__u32 *word, __u32 value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/*
 * One each: so many sleep, so many messages come at a time, of sizes that
 * differ by far, and each sleeper takes one and no more. Whoever publishes or
 * releases first may not be the one whose event counts, so each must wake the
 * next. Among the sleepers are some that fail: those must pass the turn on.
 */
#define ONE_EACH	4
#define LARGE		(96U << 10)

#define FAILING		2	/* of the sleepers */

enum job {
	IDLE,
	RECEIVE,
	RECEIVE_BADLY,	/* fails when it has taken its message */
	SEND,
	SEND_BADLY,	/* fails when it has claimed its slot */
	SEND_NOTHING,	/* fails when it is woken: the data are gone by then */
	QUIT,
};

struct one {		/* a thread with an endpoint of its own */
	pthread_t thread;
	int fd;
	__u64 seed;
	__u32 job;	/* IDLE when done with the last */
	long ret;
	char *data;
	char *vanishing;
};

static void *spoilt_message;	/* a struct mailbox_message that cannot be written */

static long receive_one(struct one *one, bool badly)
{
	void *data = badly ? NULL : one->data;

	if (one_in(2))
		return get(one->fd, data, LARGE);
	return receive_until(one->fd, data, LARGE, MAILBOX_FOREVER);
}

static long send_one(struct one *one, enum job job)
{
	struct mailbox_message m = message(.data = address(one->data), .deadline = MAILBOX_FOREVER,
					   .length = one_in(2) ? LARGE : 1 + below(64));

	if (job == SEND_NOTHING)
		m.data = address(one->vanishing);
	return send_message(one->fd, job == SEND_BADLY ? spoilt_message : &m);
}

static void *one_thread(void *arg)
{
	struct one *one = arg;

	dice = one->seed;
	for (;;) {
		await(&one->job, IDLE);
		switch (one->job) {
		case RECEIVE:
		case RECEIVE_BADLY:
			one->ret = receive_one(one, one->job == RECEIVE_BADLY);
			break;
		case SEND:
		case SEND_BADLY:
		case SEND_NOTHING:
			one->ret = send_one(one, one->job);
			break;
		default:
			return NULL;
		}
		announce(&one->job, IDLE);
	}
}

FIXTURE(one_each)
{
	const char *name;
	int fd;
	/* Those that fail come behind the others. */
	struct one sleeper[ONE_EACH + FAILING];
	struct one waker[ONE_EACH + 1];
	struct one *all[2 * ONE_EACH + FAILING + 1];
};

FIXTURE_SETUP(one_each)
{
	struct mailbox_message m = message(.deadline = MAILBOX_FOREVER, .length = LARGE);
	int i;

	seed_from("STORM_SEED");
	memset(self, 0, sizeof(*self));
	self->name = port_name("one");
	self->fd = create(self->name, .message_size = LARGE, .capacity = ONE_EACH,
			  .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 2 * ONE_EACH + FAILING + 1; i++) {
		struct one *one = i < ONE_EACH + FAILING ? &self->sleeper[i] :
				  &self->waker[i - ONE_EACH - FAILING];

		self->all[i] = one;
		one->fd = open_port(self->name, O_RDWR);
		ASSERT_LE(0, one->fd);
		one->seed = roll() | 1;
		one->data = malloc(LARGE);
		memset(one->data, i, LARGE);
		one->vanishing = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_EQ(0, pthread_create(&one->thread, NULL, one_thread, one));
	}
	spoilt_message = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	m.data = address(self->all[0]->data);
	memcpy(spoilt_message, &m, sizeof(m));
	mprotect(spoilt_message, 4096, PROT_READ);
}

FIXTURE_TEARDOWN(one_each)
{
}

#define ONE FIXTURE_DATA(one_each)

static int idle(struct one *ones, int n)
{
	int i, count = 0;

	for (i = 0; i < n; i++)
		count += __atomic_load_n(&ones[i].job, __ATOMIC_SEQ_CST) == IDLE;
	return count;
}

/* Gives the job to all that have none. */
static void employ(struct one *ones, int n, enum job job)
{
	int i;

	for (i = 0; i < n; i++)
		if (ones[i].job == IDLE)
			announce(&ones[i].job, job);
}

static void show_port(int fd)
{
	struct mailbox_info info = info_of(fd);

	say("depth %u of %u, %u senders and %u receivers asleep, sent %llu, received %llu",
	    info.depth, info.capacity * info.lanes, info.waiting_senders, info.waiting_receivers,
	    info.messages_sent, info.messages_received);
}

static bool all_asleep(ONE *self)
{
	struct mailbox_info info = info_of(self->fd);

	return info.waiting_receivers + info.waiting_senders ==
	       ONE_EACH + FAILING - idle(self->sleeper, ONE_EACH + FAILING);
}

/* All sleep; then there is as much as the good ones want. */
static void one_round(ONE *self, struct __test_metadata *_metadata, enum job sleep,
		      enum job sleep_badly, enum job wake)
{
	int i, prot = sleep_badly == SEND_NOTHING ? PROT_NONE : PROT_READ;

	for (i = ONE_EACH; i < ONE_EACH + FAILING; i++)
		mprotect(self->sleeper[i].vanishing, LARGE, PROT_READ);
	employ(self->sleeper, ONE_EACH, sleep);
	employ(self->sleeper + ONE_EACH, FAILING, sleep_badly);
	ASSERT_TRUE(wait_until(all_asleep(self)));
	for (i = ONE_EACH; i < ONE_EACH + FAILING; i++)
		mprotect(self->sleeper[i].vanishing, LARGE, prot);
	employ(self->waker, ONE_EACH, wake);
	if (wake == SEND)
		employ(self->waker + ONE_EACH, 1, SEND_BADLY);
	ASSERT_TRUE(wait_until(idle(self->sleeper, ONE_EACH) == ONE_EACH &&
			       idle(self->waker, ONE_EACH + 1) == ONE_EACH + 1)) {
		say("of %u sleepers %u were woken, of %u wakers %u are done", ONE_EACH,
		    idle(self->sleeper, ONE_EACH), ONE_EACH + 1,
		    idle(self->waker, ONE_EACH + 1));
		show_port(self->fd);
	}
	for (i = 0; i < ONE_EACH; i++) {
		ASSERT_LE(0, self->sleeper[i].ret);
		ASSERT_LE(0, self->waker[i].ret);
	}
}

static void send_everybody_home(ONE *self, struct __test_metadata *_metadata)
{
	int i;

	ASSERT_EQ(0, delete_port(self->name, 0));
	for (i = 0; i < 2 * ONE_EACH + FAILING + 1; i++) {
		ASSERT_TRUE(wait_until(idle(self->all[i], 1)));
		announce(&self->all[i]->job, QUIT);
		pthread_join(self->all[i]->thread, NULL);
		close(self->all[i]->fd);
	}
}

TEST_F_TIMEOUT(one_each, receivers, 3600)
{
	__u64 end = storm_end(), rounds;

	for (rounds = 0; before(end); rounds++)
		one_round(self, _metadata, RECEIVE, RECEIVE_BADLY, SEND);
	EXPECT_EQ(0, info_of(self->fd).depth);
	EXPECT_EQ(ONE_EACH * rounds, info_of(self->fd).messages_sent);
	EXPECT_EQ(ONE_EACH * rounds, info_of(self->fd).messages_received);
	send_everybody_home(self, _metadata);
	report("%llu rounds", rounds);
}

TEST_F_TIMEOUT(one_each, senders, 3600)
{
	__u64 end = storm_end(), rounds;

	employ(self->waker, ONE_EACH, SEND);	/* full from the start, and after each round */
	ASSERT_TRUE(wait_until(idle(self->waker, ONE_EACH) == ONE_EACH));
	for (rounds = 0; before(end); rounds++)
		one_round(self, _metadata, SEND, SEND_NOTHING, RECEIVE);
	EXPECT_EQ(ONE_EACH, info_of(self->fd).depth);
	EXPECT_EQ(ONE_EACH * (rounds + 1), info_of(self->fd).messages_sent);
	EXPECT_EQ(ONE_EACH * rounds, info_of(self->fd).messages_received);
	send_everybody_home(self, _metadata);
	report("%llu rounds", rounds);
}

/* Processes for the storms below: they stop when told to. */

#define CREW	4

struct stage {
	struct complaints complaints;
	__u32 stop;
	__u64 done;
};

static struct stage *stage;

static void set_stage(void)
{
	seed_from("STORM_SEED");
	stage = shared_memory(sizeof(*stage));
	complaints = &stage->complaints;
}

static bool stopped(void)
{
	return __atomic_load_n(&stage->stop, __ATOMIC_SEQ_CST);
}

static void count_done(void)
{
	__atomic_add_fetch(&stage->done, 1, __ATOMIC_RELAXED);
}

static pid_t hire(void (*worker)(__u32 number), __u32 number)
{
	__u64 seed = roll() | 1;
	pid_t pid = spawn();

	if (!pid) {
		dice = seed;
		worker(number);
		_exit(0);
	}
	return pid;
}

/* Waits for the end of the storm, and of everybody in it. */
#define WEATHER(pids, n) do {						\
	__u64 __end = storm_end();					\
	int __i;							\
									\
	while (before(__end) && !complaints->number)			\
		breathe();						\
	stage->stop = 1;						\
	for (__i = 0; __i < (n); __i++) {				\
		ASSERT_EQ(0, reap((pids)[__i]));			\
	}								\
	ASSERT_NO_COMPLAINT();						\
} while (0)

/*
 * Lanes are changed while another thread sleeps or is about to: whatever the
 * mask was when it fell asleep, a message on one of its lanes now is received.
 */
#define LANES		8U

struct lane_change {
	int fd;		/* of the receiver */
	__u64 received;
	__u64 seed;
};

static void *lane_receiver(void *arg)
{
	struct lane_change *c = arg;
	struct pollfd p = { c->fd, POLLIN };
	char data[64];
	long ret;

	dice = c->seed;
	for (;;) {
		if (one_in(3)) {
			poll(&p, 1, -1);
			ret = receive_until(c->fd, data, sizeof(data), MAILBOX_NO_WAIT);
		} else {
			ret = get(c->fd, data, sizeof(data));
		}
		if (ret == -EIDRM)
			return NULL;
		if (ret >= 0)
			__atomic_add_fetch(&c->received, 1, __ATOMIC_SEQ_CST);
		else if (ret != -EAGAIN)
			complain("a receive returned %ld", ret);
	}
}

FIXTURE(storm)
{
};

FIXTURE_SETUP(storm)
{
	set_stage();
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, set_lanes_of_a_sleeper, 3600)
{
	struct lane_change change = {};
	pthread_t thread;
	__u64 end, rounds, i;
	const char *name;
	int sender;

	name = port_name("lanes");
	change.fd = create(name, .lanes = LANES, .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, change.fd);
	sender = open_port(name, O_WRONLY);
	ASSERT_LE(0, sender);
	change.seed = roll() | 1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, lane_receiver, &change));
	end = storm_end();
	for (rounds = 0; before(end); rounds++) {
		__u32 lane = below(LANES), mask = 1U << lane | below(1U << LANES);

		for (i = below(400); i; i--)
			__asm__ volatile("" ::: "memory");
		/* Sometimes the message is there before it may be received. */
		if (one_in(2)) {
			ASSERT_EQ(0, set_lanes(change.fd, mask, 0));
			ASSERT_EQ(0, send_on(sender, lane, "x"));
		} else {
			ASSERT_EQ(0, send_on(sender, lane, "x"));
			ASSERT_EQ(0, set_lanes(change.fd, mask, 0));
		}
		for (i = 0; i < 2000; i++)	/* to be there when it falls asleep again */
			if (__atomic_load_n(&change.received, __ATOMIC_SEQ_CST) > rounds)
				break;
		ASSERT_TRUE(wait_until(__atomic_load_n(&change.received, __ATOMIC_SEQ_CST) ==
				       rounds + 1)) {
			say("round %llu: lane %u by mask %#x", rounds, lane, mask);
			show_port(sender);
		}
	}
	ASSERT_EQ(0, delete_port(name, 0));
	pthread_join(thread, NULL);
	ASSERT_NO_COMPLAINT();
	report("%llu rounds", rounds);
}

/* Ports that go with their last close, made again by whoever comes next. */

static const char *shared_name(__u32 i)
{
	static char name[MAILBOX_NAME_SIZE];

	snprintf(name, sizeof(name), "storm-%u", i);
	return name;
}

static void autodelete_worker(__u32 me)
{
	struct mailbox_info info;
	const char *name;
	int fd;

	while (!stopped()) {
		name = shared_name(below(2));
		if (one_in(3)) {
			fd = one_in(2) ? open_port(name, O_RDWR) : open_node(name, O_RDWR);
			if (fd < 0 && fd != -ENOENT && fd != -ENXIO)
				complain("an open returned %d", fd);
		} else {
			fd = create(name, .flags = MAILBOX_AUTODELETE, .capacity = 2);
			if (fd < 0)
				complain("a create that may open returned %d", fd);
		}
		if (fd < 0)
			continue;
		/* It cannot be gone while it is open here. */
		info = info_of(fd);
		if (info.state != MAILBOX_STATE_LIVE || strcmp(info.name, name))
			complain("port \"%s\" has state %u and name \"%s\"", name, info.state,
				 info.name);
		send_on(fd, 0, "x");
		close(fd);
		count_done();
	}
}

TEST_F_TIMEOUT(storm, autodelete_against_create, 3600)
{
	struct mailbox_query was = query(), is;
	pid_t pids[CREW];
	__u32 i;

	for (i = 0; i < CREW; i++)
		pids[i] = hire(autodelete_worker, i);
	WEATHER(pids, CREW);
	is = query();
	EXPECT_EQ(was.ports, is.ports);
	EXPECT_EQ(was.user_bytes, is.user_bytes);
	EXPECT_EQ(-ENOENT, open_port(shared_name(0), O_RDWR));
	EXPECT_EQ(-ENOENT, open_node(shared_name(1), O_RDWR));
	report("%llu times", stage->done);
}

/* Whole lives of ports, by many at once. */

#define NAMES	5
#define HELD	4	/* descriptors in each process */

static void expect_one_of(const char *what, long ret, ...)
{
	va_list args;
	int allowed;

	if (ret >= 0)
		return;
	va_start(args, ret);
	while ((allowed = va_arg(args, int)))
		if (ret == -allowed)
			break;
	va_end(args);
	if (!allowed)
		complain("%s returned %ld", what, ret);
}

static int open_somehow(const char *name)
{
	static const int access[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int flags = access[below(3)] | (one_in(2) ? O_NONBLOCK : 0);
	int fd;

	switch (below(5)) {
	case 0:
		fd = create(one_in(4) ? NULL : name, .open_flags = flags, .lanes = 1 + below(4),
			    .capacity = 2 << below(4), .message_size = 1 + below(20000),
			    .flags = one_in(3) ? MAILBOX_AUTODELETE : 0);
		expect_one_of("create", fd, 0);
		break;
	case 1:
		fd = create(name, .open_flags = flags, .flags = MAILBOX_EXCLUSIVE);
		expect_one_of("exclusive create", fd, EEXIST, 0);
		break;
	case 2:
		fd = open_port(name, flags);
		expect_one_of("open by name", fd, ENOENT, 0);
		break;
	default:
		fd = open_node(name, flags);
		expect_one_of("open", fd, ENOENT, ENXIO, 0);
		break;
	}
	return fd;
}

static void look_around(const char *name)
{
	static const char *const files[] = { "depth", "messages_sent", "endpoints", "uevent" };
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/%s", name, files[below(4)]);
	slurp(path);
	slurp("/proc/self/fdinfo/3");
	query();
}

/* A node that stays when its port goes, as one made for a container. */
static void visit_stale_node(int minor)
{
	struct stat st;
	char path[64];
	int fd;

	if (stat(CONTROL_NODE, &st))
		return;
	snprintf(path, sizeof(path), "/tmp/stale-%d", getpid());
	if (mknod(path, S_IFCHR | 0600, makedev(major(st.st_rdev), minor)))
		return;
	fd = result(open(path, O_RDWR | O_NONBLOCK));
	expect_one_of("open of a stale node", fd, ENXIO, 0);
	if (fd >= 0)
		close(fd);
	unlink(path);
}

static void use(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT };
	char data[256];

	switch (below(8)) {
	case 0:
	case 1:
		expect_one_of("send", send_on(fd, 0, "storm"), EAGAIN, EIDRM, EBADF, EMSGSIZE, 0);
		break;
	case 2:
	case 3:
		expect_one_of("receive", receive_until(fd, data, sizeof(data), MAILBOX_NO_WAIT),
			      EAGAIN, EIDRM, EBADF, 0);
		break;
	case 4:
		poll(&p, 1, below(2));
		break;
	case 5:
		expect_one_of("set_lanes", set_lanes(fd, ~0U, 0), 0);
		break;
	case 6:
		fcntl(fd, F_SETFL, (one_in(2) ? O_ASYNC : 0) | O_NONBLOCK);
		break;
	default:
		expect_one_of("receive", receive_until(fd, data, sizeof(data), in_ms(1)), EAGAIN,
			      EIDRM, EBADF, ETIMEDOUT, 0);
	}
}

static void life_worker(__u32 me)
{
	int held[HELD] = { -1, -1, -1, -1 }, *fd;
	const char *name;

	signal(SIGIO, SIG_IGN);
	while (!stopped()) {
		name = shared_name(below(NAMES));
		fd = &held[below(HELD)];
		switch (below(10)) {
		case 0:
			expect_one_of("delete",
				      delete_port(name, one_in(2) ? MAILBOX_DELETE_PURGE : 0),
				      ENOENT, 0);
			break;
		case 1:
			look_around(name);
			break;
		case 2:
			visit_stale_node(1 + below(NAMES + 3));
			break;
		case 3:
		case 4:
		case 5:
			if (*fd >= 0)
				close(*fd);
			*fd = open_somehow(name);
			break;
		default:
			if (*fd >= 0)
				use(*fd);
		}
		count_done();
	}
}

/* The module is in use: the test itself holds it open. */
static void unload_worker(__u32 me)
{
	while (!stopped()) {
		long ret = result(syscall(SYS_delete_module, "mailbox_dev", O_NONBLOCK));

		if (ret != -EAGAIN && ret != -EBUSY)
			complain("rmmod of a module in use returned %ld", ret);
		breathe();
	}
}

TEST_F_TIMEOUT(storm, lives_of_ports, 3600)
{
	struct mailbox_query was = query(), is;
	int control = control_open();
	pid_t pids[CREW + 1];
	__u32 i;

	ASSERT_LE(0, control);
	for (i = 0; i < CREW; i++)
		pids[i] = hire(life_worker, i);
	pids[CREW] = hire(unload_worker, 0);
	WEATHER(pids, CREW + 1);
	for (i = 0; i < NAMES; i++)
		delete_port(shared_name(i), 0);
	is = query();
	EXPECT_EQ(was.ports, is.ports);
	EXPECT_EQ(was.user_bytes, is.user_bytes);
	for (i = 0; i < NAMES; i++) {
		EXPECT_EQ(-ENOENT, open_node(shared_name(i), O_RDWR));
	}
	close(control);
	report("%llu operations", stage->done);
}

/*
 * Signals from all sides at senders and receivers that mostly sleep: every
 * message is received once, each sender's in their order, and whoever wants
 * interrupted calls restarted never sees EINTR.
 */

#define SENDERS		3
#define RECEIVERS	3
#define PER_SENDER	(1U << 18)

struct number {		/* what is sent */
	__u32 sender;
	__u32 serial;
};

struct signals {
	__u8 received[SENDERS][PER_SENDER];
	__u32 sent[SENDERS];
	__u64 interrupted;
	bool may_interrupt;
	int fd;
};

static struct signals *signals;

static void ignore(int signal)
{
}

static void handle(int signal, int flags)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = flags };

	sigaction(signal, &action, NULL);
}

/* SIGUSR1 from outside, and in the storm without SA_RESTART an alarm of one's own. */
static void brace(void)
{
	struct itimerval often = {
		.it_interval.tv_usec = 1000 + below(3000), .it_value.tv_usec = 1000,
	};

	handle(SIGALRM, signals->may_interrupt ? 0 : SA_RESTART);
	setitimer(ITIMER_REAL, &often, NULL);
}

static bool interrupted(long ret)
{
	if (ret != -EINTR)
		return false;
	if (!signals->may_interrupt)
		complain("EINTR in spite of SA_RESTART");
	__atomic_add_fetch(&signals->interrupted, 1, __ATOMIC_RELAXED);
	return true;
}

static long send_number(struct number *number)
{
	struct mailbox_message m = message(.data = address(number), .length = sizeof(*number),
					   .deadline = one_in(2) ? MAILBOX_FOREVER :
								   in_ms(1000000));
	long ret;

	if (one_in(2))
		return send_message(signals->fd, &m);
	ret = put(signals->fd, number, sizeof(*number));
	return ret == sizeof(*number) ? 0 : ret;
}

static void signal_sender(__u32 me)
{
	struct number number = { .sender = me };
	long ret;

	brace();
	while (!stopped() && number.serial < PER_SENDER) {
		ret = send_number(&number);
		if (interrupted(ret))
			continue;
		if (ret)
			complain("a send returned %ld", ret);
		number.serial++;
		count_done();
	}
	signals->sent[number.sender] = number.serial;
}

static void enter_number(struct number *number, __u32 *next)
{
	if (number->sender >= SENDERS || number->serial >= PER_SENDER) {
		complain("sender %u and serial %u make no sense", number->sender, number->serial);
		return;
	}
	if (number->serial < next[number->sender])
		complain("message %u came after %u", number->serial, next[number->sender] - 1);
	next[number->sender] = number->serial + 1;
	if (__atomic_exchange_n(&signals->received[number->sender][number->serial], 1,
				__ATOMIC_SEQ_CST))
		complain("message %u came twice", number->serial);
}

static void signal_receiver(__u32 me)
{
	__u32 next[SENDERS] = {};
	struct number number;
	long ret;

	brace();
	for (;;) {
		ret = one_in(2) ? get(signals->fd, &number, sizeof(number)) :
		      receive_until(signals->fd, &number, sizeof(number),
				    one_in(2) ? MAILBOX_FOREVER : in_ms(1000000));
		if (interrupted(ret))
			continue;
		if (ret == -EIDRM)
			return;
		if (ret != sizeof(number))
			complain("a receive returned %ld", ret);
		else
			enter_number(&number, next);
	}
}

FIXTURE(signals)
{
};

FIXTURE_VARIANT(signals)
{
	bool may_interrupt;
};

FIXTURE_VARIANT_ADD(signals, restarted) { .may_interrupt = false };
FIXTURE_VARIANT_ADD(signals, interrupted) { .may_interrupt = true };

FIXTURE_SETUP(signals)
{
	set_stage();
	signals = shared_memory(sizeof(*signals));
	signals->may_interrupt = variant->may_interrupt;
}

FIXTURE_TEARDOWN(signals)
{
}

TEST_F_TIMEOUT(signals, storm, 3600)
{
	const char *name = port_name("signals");
	pid_t pids[SENDERS + RECEIVERS];
	__u64 end = storm_end(), sent = 0, i, k;
	struct timespec t = {};
	struct mailbox_info info;

	handle(SIGUSR1, SA_RESTART);	/* from the start */
	signals->fd = create(name, .capacity = 2, .message_size = 64, .flags = MAILBOX_AUTODELETE);
	ASSERT_LE(0, signals->fd);
	for (i = 0; i < SENDERS + RECEIVERS; i++)
		pids[i] = hire(i < SENDERS ? signal_sender : signal_receiver, i);
	while (before(end) && !complaints->number) {
		kill(pids[below(SENDERS + RECEIVERS)], SIGUSR1);
		t.tv_nsec = below(100000);
		nanosleep(&t, NULL);
	}
	stage->stop = 1;
	for (i = 0; i < SENDERS; i++) {
		ASSERT_EQ(0, reap(pids[i]));
		sent += signals->sent[i];
	}
	ASSERT_EQ(0, delete_port(name, 0));
	for (i = SENDERS; i < SENDERS + RECEIVERS; i++) {
		ASSERT_EQ(0, reap(pids[i]));
	}
	ASSERT_NO_COMPLAINT();
	for (i = 0; i < SENDERS; i++) {
		for (k = 0; k < PER_SENDER; k++) {
			ASSERT_EQ(k < signals->sent[i], signals->received[i][k]);
		}
	}
	info = info_of(signals->fd);
	EXPECT_EQ(sent, info.messages_sent);
	EXPECT_EQ(sent, info.messages_received);
	EXPECT_EQ(0, info.depth);
	EXPECT_EQ(variant->may_interrupt, signals->interrupted > 0);
	report("%llu messages, %llu calls interrupted", sent, signals->interrupted);
}

static __attribute__((constructor)) void open_for_ever(void)
{
	char data[64];
	int fd;

	if (!getenv("STORM_OPENER"))
		return;
	dice = getpid() * 0x9e3779b97f4a7c15ULL | 1;
	for (;;) {
		switch (below(4)) {
		case 0:
			fd = create(shared_name(below(NAMES)));
			break;
		case 1:
			fd = control_open();
			break;
		default:
			fd = open_node(one_in(2) ? "default" : shared_name(below(NAMES)), O_RDWR);
		}
		if (fd < 0)
			continue;
		send_on(fd, 0, "x");
		receive_until(fd, data, sizeof(data), MAILBOX_NO_WAIT);
		close(fd);
		breathe();
	}
}

TEST_HARNESS_MAIN
