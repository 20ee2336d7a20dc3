// SPDX-License-Identifier: GPL-2.0
/*
 * Eviction of mapped participants that are alive: stopped with something in their
 * hands, at full speed, inside system calls, on their way out; and what is told of
 * them before.
 *
 *	EVICT_ROUNDS=n	of what is left to chance
 *	EVICT_SEED=n	instead of a random one
 */
#include <pthread.h>
#include <setjmp.h>

#include "ring.h"
#include "storm.h"

#define SLOTS	8U
#define LANES	2U
#define BYTES	64U

/* What a program of ours does that was executed anew. */
static __attribute__((constructor)) void after_exec(void)
{
	if (getenv("EVICT_AFTER_EXEC"))
		_exit(0);
}

static long evict(const char *name, __u32 endpoint)
{
	struct mailbox_evict arg = { .size = sizeof(arg), .endpoint = endpoint };

	copy_name(arg.name, name);
	return control_call(MAILBOX_IOC_EVICT, &arg);
}

static long holder_from(const char *name, __u32 endpoint, struct mailbox_holder *h)
{
	memset(h, POISON, sizeof(*h));
	h->size = sizeof(*h);
	h->endpoint = endpoint;
	h->pad = 0;
	memset(h->name, 0, sizeof(h->name));
	copy_name(h->name, name);
	return control_call(MAILBOX_IOC_HOLDER, h);
}

/* What is told of one mapped endpoint; all zero if it is not. */
static struct mailbox_holder holder_of(const char *name, __u32 endpoint)
{
	struct mailbox_holder h;

	if (holder_from(name, endpoint, &h) || h.endpoint != endpoint)
		memset(&h, 0, sizeof(h));
	return h;
}

static struct mailbox_info info_by_name(const char *name)
{
	int fd = open_port(name, O_RDONLY);
	struct mailbox_info info = info_of(fd);

	close(fd);
	return info;
}

/* SIGBUS */

static sigjmp_buf bus_jump;
static volatile int bus_code;
static void *volatile bus_address;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	bus_code = info->si_code;
	bus_address = info->si_addr;
	siglongjmp(bus_jump, 1);
}

static void catch_bus(void)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &action, NULL);
}

/* Whether it ends in a SIGBUS of an address without memory, there. */
#define is_bus_error(there, ...) ({					\
	bool __bus = true;						\
									\
	bus_code = 0;							\
	if (!sigsetjmp(bus_jump, 1)) {					\
		__VA_ARGS__;						\
		__bus = false;						\
	}								\
	__bus && bus_code == BUS_ADRERR && bus_address == (void *)(there); \
})

/*
 * A mapped process that does something and stops. Continued it touches all that it
 * had: it leaves with 0 if each touch is a SIGBUS.
 */
struct victim {
	__u32 endpoint;
	__u32 owner;
	__u32 lane;
	__u64 position;
	__u64 count;
	pid_t pid;
};

static long touch_everything(struct ring *r, struct victim *v)
{
	struct mailbox_slot *slot = mailbox_lane_slot(&r->lane[v->lane], v->position);
	char *payload = (char *)(slot + 1);

	catch_bus();
	if (!is_bus_error(payload, memset(payload, 'X', 8)))
		return 1;
	if (!is_bus_error(&slot->header, MAILBOX_STORE(&slot->header, 8)))
		return 2;
	if (!is_bus_error(&slot->word, mailbox_slot_publish(&r->lane[v->lane], v->position,
							   r->owner)))
		return 3;
	if (!is_bus_error(&slot->word, mailbox_slot_release(&r->lane[v->lane], v->position)))
		return 4;
	if (!is_bus_error(r->shared, MAILBOX_LOAD(&r->shared->version)))
		return 5;
	return 0;
}

static struct victim *victim(const char *name, long (*act)(struct ring *r, struct victim *v))
{
	struct victim *v = shared_pages(1);
	pid_t pid = spawn();
	int status;

	if (!pid) {
		struct ring r;
		int fd = open_port(name, O_RDWR);

		if (fd < 0 || ring_map(&r, fd))
			leave(80);
		v->endpoint = r.sender;
		v->owner = r.owner;
		if (act(&r, v))
			leave(81);
		raise(SIGSTOP);
		leave(touch_everything(&r, v));
	}
	waitpid(pid, &status, WUNTRACED);
	if (WIFSTOPPED(status))
		v->pid = pid;
	return v;
}

static long resumed(struct victim *v)
{
	kill(v->pid, SIGCONT);
	return reap(v->pid);
}

/* A message in the making, the greater part of it there. */
static long claim_one(struct ring *r, struct victim *v)
{
	long ret = ring_claim(r, v->lane, &v->position);

	if (!ret)
		ring_fill(r, v->lane, v->position, "unfinished", 10, 0);
	return ret;
}

static long take_one(struct ring *r, struct victim *v)
{
	struct ring_taken t;
	long ret = ring_take(r, 0, BYTES, &t);

	if (ret)
		return ret;
	v->lane = t.lane;
	v->position = t.position;
	return 0;
}

static long nothing(struct ring *r, struct victim *v)
{
	return MAILBOX_LOAD(&r->shared->version) - MAILBOX_SHARED_VERSION;
}

/* Three of a range on lane 1, and two taken by one on lane 0. */
static long claim_and_take_ranges(struct ring *r, struct victim *v)
{
	__u64 word;

	v->lane = 1;
	if (mailbox_find_free(&r->lane[1], &r->send[1], &word) != MAILBOX_FIND_SLOT ||
	    mailbox_range_claim(&r->lane[1], r->send[1], word, r->owner, 3) != 3)
		return 1;
	v->position = r->send[1];
	if (mailbox_find_free(&r->lane[0], &r->send[0], &word) != MAILBOX_FIND_SLOT ||
	    mailbox_range_claim(&r->lane[0], r->send[0], word, r->owner, 2) != 2)
		return 2;
	ring_fill(r, 0, r->send[0], "one", 3, 0);
	ring_fill(r, 0, r->send[0] + 1, "two", 3, 0);
	mailbox_range_publish(&r->lane[0], r->send[0], r->owner, 2);
	if (mailbox_find_ready(&r->lane[0], &r->receive[0], &word) != MAILBOX_FIND_SLOT ||
	    !mailbox_range_take(&r->lane[0], r->receive[0], word, r->owner))
		return 3;
	return 0;
}

/* A child in read(), which leaves with the first byte or -errno. */
static pid_t reader(int fd)
{
	pid_t pid = spawn();
	char text[BYTES] = "";
	long ret;

	if (!pid) {
		ret = get(fd, text, sizeof(text));
		leave(ret < 0 ? ret : *text);
	}
	return pid;
}

static bool sleeps_in(pid_t pid, long nr)
{
	return wait_until(state_of(pid) == 'S' && asleep_in(pid, nr));
}

FIXTURE(evict)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(evict)
{
	umask(0);
	strcpy(self->name, port_name("evict"));
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = BYTES, .capacity = SLOTS, .lanes = LANES, .mode = 0600);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(evict)
{
	close(self->fd);
}

/* Nothing is left of anybody: every slot takes a message, and gives it again. */
static bool all_slots_usable(int fd)
{
	char text[BYTES];
	__u32 lane, n;

	for (lane = 0; lane < LANES; lane++) {
		if (fill_lane(fd, lane) != SLOTS)
			return false;
		for (n = 0; n < SLOTS; n++)
			if (receive_until(fd, text, sizeof(text), MAILBOX_NO_WAIT) != 4 ||
			    memcmp(text, "fill", 4))
				return false;
	}
	return receive_until(fd, text, sizeof(text), MAILBOX_NO_WAIT) == -EAGAIN &&
	       !info_of(fd).quarantined;
}

/* Stopped */

TEST_F(evict, stopped_claimant_no_longer_holds_up_its_lane)
{
	struct victim *v = victim(self->name, claim_one);
	pid_t pid;
	int n;

	ASSERT_TRUE(!!v->pid);
	EXPECT_EQ(6, put_text(self->fd, "behind"));
	pid = reader(self->fd);
	EXPECT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_EQ(0, evict(self->name, v->endpoint));
	EXPECT_EQ('b', reap(pid));
	EXPECT_EQ(0, info_of(self->fd).mappings);

	/* Others' messages in all slots: what the victim does now reaches none of them. */
	EXPECT_EQ(SLOTS, fill_lane(self->fd, 0));
	EXPECT_EQ(0, resumed(v));
	for (n = 0; n < SLOTS; n++)
		EXPECT_MESSAGE("fill", self->fd);
	EXPECT_TRUE(all_slots_usable(self->fd));
}

TEST_F(evict, message_of_a_stopped_taker_comes_again)
{
	char text[BYTES + 1] = "";
	struct mailbox_message m = message(.data = address(text), .length = BYTES);
	struct victim *v;

	EXPECT_EQ(4, put_text(self->fd, "work"));
	v = victim(self->name, take_one);
	ASSERT_TRUE(!!v->pid);
	EXPECT_NO_MESSAGE(self->fd);
	EXPECT_EQ(0, evict(self->name, v->endpoint));
	EXPECT_EQ(0, receive_message(self->fd, &m));
	EXPECT_STREQ("work", text);
	EXPECT_TRUE(m.flags & MAILBOX_MSG_REDELIVERED);
	EXPECT_EQ(1, m.flags >> MAILBOX_MSG_DEPARTED_SHIFT);
	EXPECT_EQ(1, info_of(self->fd).redelivered);
	EXPECT_EQ(0, resumed(v));
	EXPECT_TRUE(all_slots_usable(self->fd));
	/* Its exit is no second departure. */
	EXPECT_EQ(1, info_of(self->fd).redelivered);
}

TEST_F(evict, ranges_are_undone)
{
	struct victim *v = victim(self->name, claim_and_take_ranges);

	ASSERT_TRUE(!!v->pid);
	EXPECT_EQ(0, evict(self->name, v->endpoint));
	EXPECT_MESSAGE("one", self->fd);
	EXPECT_MESSAGE("two", self->fd);
	EXPECT_EQ(0, resumed(v));
	EXPECT_TRUE(all_slots_usable(self->fd));
}

TEST_F(evict, idle_mapping_and_closed_descriptor_make_no_difference)
{
	struct ring r;
	int fd = open_port(self->name, O_RDWR);

	ASSERT_EQ(0, ring_map(&r, fd));
	close(fd);
	catch_bus();
	EXPECT_EQ(0, ring_send_text(&r, 0, "x"));
	EXPECT_MESSAGE("x", self->fd);
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_TRUE(is_bus_error(r.shared, MAILBOX_LOAD(&r.shared->version)));
	EXPECT_EQ(2, info_of(self->fd).endpoints);
	EXPECT_EQ(0, ring_unmap(&r));
	EXPECT_TRUE(wait_until(info_of(self->fd).endpoints == 1));
	EXPECT_TRUE(all_slots_usable(self->fd));
}

TEST_F(evict, leaves_other_mappings_and_watchers_alone)
{
	int fd = open_port(self->name, O_RDWR);
	struct ring r, other;
	long watcher;

	ASSERT_EQ(0, ring_map(&r, self->fd));
	ASSERT_EQ(0, ring_map(&other, fd));
	watcher = map_port(self->fd, PROT_READ);
	ASSERT_LT(4096, (unsigned long)watcher);
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_EQ(0, ring_send_text(&other, 0, "alive"));
	EXPECT_MESSAGE("alive", self->fd);
	EXPECT_EQ(MAILBOX_SHARED_VERSION, ((struct mailbox_shared *)watcher)->version);
	EXPECT_EQ(1, info_of(self->fd).mappings);
}

/* System calls */

TEST_F(evict, calls_on_the_endpoint_go_on)
{
	int fd = open_port(self->name, O_RDWR);
	struct ring r;
	pid_t pid;

	ASSERT_EQ(0, ring_map(&r, fd));
	pid = reader(fd);
	EXPECT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_EQ(1, put_text(self->fd, "y"));
	EXPECT_EQ('y', reap(pid));
	EXPECT_EQ(4, put_text(fd, "sent"));
	EXPECT_MESSAGE("sent", fd);
	EXPECT_EQ(0, info_of(fd).owner);
	EXPECT_EQ(0, kick(fd, 1, 1));
}

TEST_F(evict, calls_for_the_mapping_are_eshutdown)
{
	struct mailbox_message m;
	int fd = open_port(self->name, O_RDWR);
	struct ring r;
	pid_t pid;

	ASSERT_EQ(0, ring_map(&r, fd));
	pid = spawn();
	if (!pid) {
		m = message(.flags = MAILBOX_RECV_IN_PLACE, .deadline = MAILBOX_FOREVER);
		leave(receive_message(fd, &m));
	}
	EXPECT_TRUE(sleeps_in(pid, SYS_ioctl));
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_EQ(-ESHUTDOWN, reap(pid));
	m = message(.flags = MAILBOX_RECV_IN_PLACE);
	EXPECT_EQ(-ESHUTDOWN, receive_message(fd, &m));
	m = message(.flags = MAILBOX_SEND_IN_PLACE);
	EXPECT_EQ(-ESHUTDOWN, send_message(fd, &m));
	EXPECT_EQ(-ESHUTDOWN, map_port(fd, PROT_READ | PROT_WRITE));
	ring_unmap(&r);
	EXPECT_EQ(-ESHUTDOWN, map_port(fd, PROT_READ | PROT_WRITE));
	EXPECT_EQ(-ESHUTDOWN, send_message(fd, &m));
	/* To watch, or as another endpoint: as before. */
	EXPECT_LT(0, map_port(fd, PROT_READ));
	EXPECT_EQ(0, ring_map(&r, self->fd));
	EXPECT_EQ(0, ring_send_text(&r, 0, "again"));
	EXPECT_MESSAGE("again", self->fd);
}

TEST_F(evict, buffer_in_an_evicted_mapping_is_efault)
{
	int other = create(NULL, .message_size = BYTES);
	char *inside;
	struct ring r;

	ASSERT_EQ(0, ring_map(&r, self->fd));
	inside = (char *)r.shared + getpagesize() + sizeof(struct mailbox_slot);
	EXPECT_EQ(4, put_text(other, "kept"));
	EXPECT_EQ(4, put_text(self->fd, "here"));
	/* The page is there, so that it must go. */
	EXPECT_EQ(4, get(other, inside, BYTES));
	EXPECT_EQ(4, put_text(other, "kept"));
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_EQ(-EFAULT, get(other, inside, BYTES));
	EXPECT_EQ(-EFAULT, get(self->fd, inside, BYTES));
	EXPECT_EQ(-EFAULT, put(other, inside, 8));
	EXPECT_EQ(-EFAULT, put(self->fd, inside, 8));
	EXPECT_MESSAGE("kept", other);
	EXPECT_MESSAGE("kept", self->fd);
	EXPECT_TRUE(all_slots_usable(self->fd));
}

/* Who may, and what is not there */

TEST_F(evict, what_is_not_there)
{
	struct mailbox_holder h;
	struct ring r;

	EXPECT_EQ(-ENOENT, evict("no-such-port", 1));
	EXPECT_EQ(-ENOENT, holder_from("no-such-port", 1, &h));
	EXPECT_EQ(-EINVAL, evict("", 1));
	EXPECT_EQ(-EINVAL, holder_from("control", 1, &h));
	EXPECT_EQ(-ESRCH, evict(self->name, info_of(self->fd).endpoint));
	EXPECT_EQ(-ESRCH, holder_from(self->name, 0, &h));
	ASSERT_EQ(0, ring_map(&r, self->fd));
	EXPECT_EQ(-ESRCH, evict(self->name, 0));
	EXPECT_EQ(-ESRCH, evict(self->name, r.owner));
	EXPECT_EQ(-ESRCH, evict(self->name, ~0U));
	EXPECT_EQ(-ESRCH, holder_from(self->name, r.sender + 1, &h));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	EXPECT_EQ(0, evict(self->name, r.sender));
	EXPECT_EQ(-ESRCH, evict(self->name, r.sender));
	EXPECT_EQ(-ESRCH, holder_from(self->name, 0, &h));
}

TEST_F(evict, is_the_owner_s)
{
	struct mailbox_holder h;
	struct ring r;
	long ret;

	ASSERT_EQ(0, ring_map(&r, self->fd));
	EXPECT_EQ(-EPERM, ended({ become(NOBODY, NOBODY); leave(evict(self->name, r.sender)); }));
	EXPECT_EQ(-EACCES, ended({
		become(NOBODY, NOBODY);
		leave(holder_from(self->name, 0, &h));
	}));
	EXPECT_EQ(1, info_of(self->fd).mappings);
	/* Owner without a capability; capability without being the owner; neither. */
	ret = ended({
		struct ring own;
		int fd;

		become(SOMEBODY, SOMEBODY);
		fd = create(port_name("own"), .flags = MAILBOX_AUTODELETE);
		leave(ring_map(&own, fd) ?: evict(info_of(fd).name, own.sender));
	});
	EXPECT_EQ(0, ret);
	ret = ended({
		drop_capability(CAP_IPC_OWNER);
		leave(evict(self->name, r.sender));
	});
	EXPECT_EQ(0, ret);
	ret = ended({
		const char *name = port_name("theirs");
		struct ring theirs;
		int fd;

		if (setresuid(SOMEBODY, SOMEBODY, 0))
			leave(90);
		fd = create(name, .flags = MAILBOX_AUTODELETE);
		if (setresuid(0, 0, 0) || ring_map(&theirs, fd))
			leave(91);
		drop_capability(CAP_IPC_OWNER);
		if (evict(name, theirs.sender) != -EPERM)
			leave(92);
		leave(info_of(fd).mappings - 1);
	});
	EXPECT_EQ(0, ret);
}

/* What is told */

TEST_F(evict, holder_tells_who_and_what)
{
	struct victim *a = victim(self->name, claim_and_take_ranges);
	struct victim *b = victim(self->name, nothing);
	struct mailbox_holder h;

	ASSERT_TRUE(a->pid && b->pid);
	ASSERT_EQ(0, holder_from(self->name, 0, &h));
	EXPECT_EQ(a->endpoint, h.endpoint);
	EXPECT_EQ(a->pid, h.pid);
	EXPECT_EQ(0, h.uid);
	EXPECT_EQ(3, h.writing);
	EXPECT_EQ(2, h.reading);
	EXPECT_EQ(1, h.lane);
	EXPECT_EQ(a->position, h.ticket);
	EXPECT_EQ(0, h.blocks_ns);
	EXPECT_STREQ(self->name, h.name);
	ASSERT_EQ(0, holder_from(self->name, h.endpoint + 1, &h));
	EXPECT_EQ(b->endpoint, h.endpoint);
	EXPECT_EQ(b->pid, h.pid);
	EXPECT_EQ(0, h.writing);
	EXPECT_EQ(0, h.reading);
	EXPECT_EQ(0, h.lane);
	EXPECT_EQ(0, h.ticket);
	EXPECT_EQ(-ESRCH, holder_from(self->name, h.endpoint + 1, &h));
	EXPECT_EQ(0, evict(self->name, a->endpoint));
	ASSERT_EQ(0, holder_from(self->name, 0, &h));
	EXPECT_EQ(b->endpoint, h.endpoint);
	kill(a->pid, SIGKILL);
	kill(b->pid, SIGKILL);
	reap(a->pid);
	reap(b->pid);
	EXPECT_EQ(-ESRCH, holder_from(self->name, 0, &h));
}

TEST_F(evict, receivers_behind_a_claim_are_told_of)
{
	struct victim *v = victim(self->name, claim_one);
	struct mailbox_holder first, second;
	pid_t pid;

	ASSERT_TRUE(!!v->pid);
	EXPECT_EQ(0, holder_of(self->name, v->endpoint).blocks_ns);
	EXPECT_EQ(6, put_text(self->fd, "behind"));
	EXPECT_EQ(0, holder_of(self->name, v->endpoint).blocks_ns);
	pid = reader(self->fd);
	EXPECT_TRUE(sleeps_in(pid, SYS_read));
	first = holder_of(self->name, v->endpoint);
	EXPECT_LT(0, first.blocks_ns);
	EXPECT_GT(PATIENCE_NS, first.blocks_ns);
	EXPECT_EQ(v->lane, first.lane);
	EXPECT_EQ(v->position, first.ticket);
	usleep(20000);
	second = holder_of(self->name, v->endpoint);
	EXPECT_LE(first.blocks_ns + 20000000, second.blocks_ns);
	kill(pid, SIGKILL);
	reap(pid);
	EXPECT_EQ(0, holder_of(self->name, v->endpoint).blocks_ns);
	EXPECT_EQ(1, holder_of(self->name, v->endpoint).writing);
	kill(v->pid, SIGKILL);
	reap(v->pid);
	EXPECT_MESSAGE("behind", self->fd);
}

TEST_F(evict, senders_before_a_taken_slot_are_told_of)
{
	__u64 before, now;
	struct victim *v;
	pid_t pid;

	EXPECT_EQ(SLOTS, fill_lane(self->fd, 0));
	pid = spawn();
	if (!pid)
		leave(send_until(self->fd, "more", MAILBOX_FOREVER));
	/* Asleep before anything was taken: it met nobody in its way. */
	EXPECT_TRUE(sleeps_in(pid, SYS_ioctl));
	v = victim(self->name, take_one);
	ASSERT_TRUE(!!v->pid);
	before = holder_of(self->name, v->endpoint).blocks_ns;
	EXPECT_LT(0, before);
	usleep(20000);
	now = holder_of(self->name, v->endpoint).blocks_ns;
	EXPECT_LE(before + 20000000, now);
	EXPECT_EQ(0, evict(self->name, v->endpoint));
	/* Parked: the slot is free when somebody has received it. */
	EXPECT_MESSAGE("fill", self->fd);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, resumed(v));
}

TEST_F(evict, who_waits_on_another_lane_is_not_in_anybody_s_way)
{
	struct victim *v = victim(self->name, claim_one);	/* lane 0 */
	int fd = open_port(self->name, O_RDONLY);
	pid_t pid;

	ASSERT_TRUE(!!v->pid);
	EXPECT_EQ(0, set_lanes(fd, 1 << 1, 0));
	pid = reader(fd);
	EXPECT_TRUE(sleeps_in(pid, SYS_read));
	EXPECT_EQ(0, holder_of(self->name, v->endpoint).blocks_ns);
	kill(pid, SIGKILL);
	reap(pid);
	kill(v->pid, SIGKILL);
	reap(v->pid);
}

/* At full speed */

static __u64 rounds_of(__u64 otherwise)
{
	seed_from("EVICT_SEED");
	return number_from("EVICT_ROUNDS", much(otherwise));
}

struct numbered {
	__u64 number;
	__u64 again[5];		/* a torn message does not agree */
};

static bool whole(const struct numbered *m)
{
	int i;

	for (i = 0; i < 5; i++)
		if (m->again[i] != m->number)
			return false;
	return true;
}

static struct numbered number(__u64 n)
{
	return (struct numbered) { n, { n, n, n, n, n } };
}

/* Sends as fast as it can; v->count were published for certain. */
static void send_without_end(struct ring *r, struct victim *v)
{
	for (;;) {
		struct numbered m = number(v->count);
		long ret = ring_send(r, 0, &m, sizeof(m));

		if (!ret)
			MAILBOX_STORE(&v->count, v->count + 1);
		else if (ret != -EAGAIN)
			leave(70);
	}
}

/*
 * Receives as fast as it can read a message some thousand times, so that it mostly has
 * one in its hands. v->count were read, the last of them maybe not released.
 */
static void receive_without_end(struct ring *r, struct victim *v)
{
	int times;

	for (;;) {
		struct ring_taken t;
		long ret = ring_take(r, 0, BYTES, &t);

		if (ret == -EAGAIN)
			continue;
		if (ret)
			leave(71);
		for (times = 0; times < 3000 && whole(t.payload); times++)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (!whole(t.payload) || ((struct numbered *)t.payload)->number != v->count)
			leave(72);
		MAILBOX_STORE(&v->count, v->count + 1);
		ring_release(r, &t);
	}
}

static void run_victim(const char *name, struct victim *v,
		       void (*act)(struct ring *r, struct victim *v))
{
	pid_t pid;

	memset(v, 0, sizeof(*v));
	pid = spawn();
	if (!pid) {
		int fd = open_port(name, O_RDWR);
		struct ring r;

		if (fd < 0 || ring_map(&r, fd))
			leave(80);
		catch_bus();
		if (!sigsetjmp(bus_jump, 1)) {
			MAILBOX_STORE_RELEASE(&v->endpoint, r.sender);
			act(&r, v);
		}
		leave(bus_code == BUS_ADRERR ? 0 : 73);
	}
	v->pid = pid;
}

/* The next message, if there is one: its number, or -1. */
static long next_number(int fd, __u32 *flags)
{
	struct numbered n;
	struct mailbox_message m = message(.data = address(&n), .length = sizeof(n));

	if (receive_message(fd, &m))
		return -1;
	*flags = m.flags;
	return m.length == sizeof(n) && whole(&n) ? (long)n.number : -2;
}

TEST_F(evict, sender_at_full_speed)
{
	struct victim *v = shared_pages(1);
	__u64 rounds = rounds_of(200), total = 0;
	long n, came, wanted;
	__u32 flags;

	while (rounds--) {
		run_victim(self->name, v, send_without_end);
		ASSERT_TRUE(wait_until(MAILBOX_LOAD_ACQUIRE(&v->endpoint)));
		for (came = 0, wanted = below(300); came < wanted;) {
			n = next_number(self->fd, &flags);
			if (n == -1)
				continue;
			ASSERT_EQ(came, n);
			came++;
		}
		ASSERT_EQ(0, evict(self->name, v->endpoint));
		/* All that was published, and one at most that its sender does not know of. */
		while ((n = next_number(self->fd, &flags)) != -1)
			ASSERT_EQ(came++, n);
		EXPECT_LE(v->count, came);
		EXPECT_GE(v->count + 1, came);
		/* Every slot is somebody else's now, while the victim may still be running. */
		ASSERT_TRUE(all_slots_usable(self->fd));
		ASSERT_EQ(0, reap(v->pid));
		ASSERT_EQ(-1, next_number(self->fd, &flags));
		total += came;
	}
	report("%llu messages of evicted senders", (unsigned long long)total);
	EXPECT_EQ(0, info_of(self->fd).quarantined);
	EXPECT_EQ(0, info_of(self->fd).mappings);
}

TEST_F(evict, receiver_at_full_speed)
{
	struct victim *v = shared_pages(1);
	__u64 rounds = rounds_of(200), total = 0, again = 0;
	long n, sent, wanted, next;
	__u32 flags;

	while (rounds--) {
		run_victim(self->name, v, receive_without_end);
		ASSERT_TRUE(wait_until(MAILBOX_LOAD_ACQUIRE(&v->endpoint)));
		for (sent = 0, wanted = below(300); sent < wanted;) {
			struct numbered body = number(sent);
			struct mailbox_message m = message(.data = address(&body),
							   .length = sizeof(body));

			if (!send_message(self->fd, &m))
				sent++;
		}
		ASSERT_EQ(0, evict(self->name, v->endpoint));
		next = -1;
		while ((n = next_number(self->fd, &flags)) != -1) {
			if (next < 0) {
				/* Read, but not released: it comes again, and says so. */
				EXPECT_TRUE(n == v->count || n + 1 == v->count);
				if (n + 1 == v->count)
					EXPECT_TRUE(flags & MAILBOX_MSG_REDELIVERED);
				again += !!(flags & MAILBOX_MSG_REDELIVERED);
			} else {
				ASSERT_EQ(next, n);
			}
			next = n + 1;
		}
		EXPECT_EQ(sent, next < 0 ? (long)v->count : next);
		ASSERT_TRUE(all_slots_usable(self->fd));
		ASSERT_EQ(0, reap(v->pid));
		total += sent;
	}
	report("%llu messages to evicted receivers, %llu came again", (unsigned long long)total,
	       (unsigned long long)again);
	EXPECT_EQ(again, info_of(self->fd).redelivered);
}

/* On its way out */

enum way { MUNMAP, CLOSE_AND_MUNMAP, EXIT, EXEC, KILL, DELETE, EVICT };

FIXTURE(race)
{
	char name[MAILBOX_NAME_SIZE];
};

FIXTURE_VARIANT(race)
{
	enum way way;
};

#define RACE(name_, way_)	FIXTURE_VARIANT_ADD(race, name_) { .way = way_ }

RACE(munmap, MUNMAP);
RACE(close_and_munmap, CLOSE_AND_MUNMAP);
RACE(exit, EXIT);
RACE(exec, EXEC);
RACE(kill, KILL);
RACE(delete, DELETE);
RACE(second_eviction, EVICT);

FIXTURE_SETUP(race)
{
	strcpy(self->name, port_name("race"));
}

FIXTURE_TEARDOWN(race)
{
	delete_port(self->name, MAILBOX_DELETE_PURGE);
}

static void __attribute__((noreturn)) go_away(struct ring *r, const char *name, enum way way)
{
	switch (way) {
	case MUNMAP:
		leave(ring_unmap(r));
	case CLOSE_AND_MUNMAP:
		close(r->fd);
		leave(ring_unmap(r));
	case EXIT:
		_exit(0);
	case EXEC:
		setenv("EVICT_AFTER_EXEC", "1", 1);
		execl("/proc/self/exe", "evict", NULL);
		leave(90);
	case KILL:
		kill(getpid(), SIGKILL);
		leave(91);
	case DELETE:
		leave(delete_port(name, 0));
	case EVICT:
		leave(evict(name, r->sender));
	}
	leave(92);
}

TEST_F(race, leaves_nothing_behind)
{
	struct victim *v = shared_pages(1);
	__u64 rounds = rounds_of(40), met = 0;
	char text[BYTES + 1];
	long ret, theirs;
	int fd, spin;
	pid_t pid;

	while (rounds--) {
		struct mailbox_message m = message(.data = address(text), .length = BYTES);

		fd = create(self->name, .flags = MAILBOX_EXCLUSIVE, .message_size = BYTES,
			    .capacity = SLOTS, .lanes = LANES);
		ASSERT_LE(0, fd);
		ASSERT_EQ(4, put_text(fd, "work"));
		memset(v, 0, sizeof(*v));
		pid = spawn();
		if (!pid) {
			int own = open_port(self->name, O_RDWR);
			struct ring r;

			if (own < 0 || ring_map(&r, own) || take_one(&r, v) || claim_one(&r, v))
				leave(80);
			close(fd);
			MAILBOX_STORE_RELEASE(&v->endpoint, r.sender);
			while (!MAILBOX_LOAD_ACQUIRE(&v->count))
				;
			go_away(&r, self->name, variant->way);
		}
		ASSERT_TRUE(wait_until(MAILBOX_LOAD_ACQUIRE(&v->endpoint)));
		MAILBOX_STORE_RELEASE(&v->count, 1);
		for (spin = below(1U << below(22)); spin; spin--)
			MAILBOX_LOAD(&v->endpoint);
		ret = evict(self->name, v->endpoint);
		EXPECT_TRUE(!ret || ret == -ESRCH || (ret == -ENOENT && variant->way == DELETE)) {
			TH_LOG("eviction: %ld", ret);
		}
		met += !ret;
		theirs = reap(pid);
		if (variant->way == KILL) {
			EXPECT_EQ(KILLED_BY(SIGKILL), theirs);
		} else if (variant->way == EVICT) {
			EXPECT_TRUE((!ret || !theirs) && (!theirs || theirs == -ESRCH));
		} else {
			EXPECT_EQ(0, theirs);
		}
		EXPECT_EQ(0, info_of(fd).mappings);
		ASSERT_EQ(0, receive_message(fd, &m));
		EXPECT_EQ(1, m.flags >> MAILBOX_MSG_DEPARTED_SHIFT);
		EXPECT_EQ(1, info_of(fd).redelivered);
		if (variant->way == DELETE) {
			EXPECT_EQ(-EIDRM, get(fd, text, BYTES));
		} else {
			EXPECT_TRUE(all_slots_usable(fd));
			EXPECT_EQ(0, delete_port(self->name, 0));
		}
		close(fd);
	}
	report("%llu evictions met the mapping", (unsigned long long)met);
}

/* Faults, forks and moves of the address space, while it is taken out of it. */

static void *fault_without_end(void *arg)
{
	struct ring *r = arg;
	size_t at;

	for (;;)
		for (at = 0; at < r->bytes; at += getpagesize())
			MAILBOX_LOAD((__u32 *)((char *)r->shared + at));
	return NULL;
}

TEST_F(evict, process_that_moves_and_faults_meanwhile)
{
	struct victim *v = shared_pages(1);
	__u64 rounds = rounds_of(40);
	pid_t pid;

	while (rounds--) {
		memset(v, 0, sizeof(*v));
		pid = spawn();
		if (!pid) {
			int fd = open_port(self->name, O_RDWR);
			pthread_t thread;
			struct ring r;
			void *to;

			signal(SIGBUS, SIG_DFL);
			if (fd < 0 || ring_map(&r, fd))
				leave(80);
			to = mmap(NULL, r.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			pthread_create(&thread, NULL, fault_without_end, &r);
			MAILBOX_STORE_RELEASE(&v->endpoint, r.sender);
			for (;;)
				mremap(r.shared, r.bytes, r.bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				       to);
		}
		ASSERT_TRUE(wait_until(MAILBOX_LOAD_ACQUIRE(&v->endpoint)));
		usleep(below(3000));
		ASSERT_EQ(0, evict(self->name, v->endpoint));
		ASSERT_EQ(KILLED_BY(SIGBUS), reap(pid));
		ASSERT_EQ(0, info_by_name(self->name).mappings);
	}
	EXPECT_TRUE(all_slots_usable(self->fd));
}

TEST_HARNESS_MAIN
