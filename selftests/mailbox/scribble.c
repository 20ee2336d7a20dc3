// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile participant: it writes what it likes into the mapping, and costs
 * messages on its own port, and nothing else.
 *
 *	SCRIBBLE_SECONDS=n	of each kind of scribbling (2, or as much() allows)
 *	SCRIBBLE_IMAGES=n	dead images, one after another (300, likewise)
 *	SCRIBBLE_SEED=n		instead of a random one; timing still differs
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "ring.h"
#include "storm.h"

#define BYTES		200U
#define SLOTS		8U
#define LANES		2U
#define VICTIMS		5
#define HOSTILES	2
#define GUARD		64	/* bytes behind a buffer that must stay */
#define SOON_NS		30000000000ULL	/* for a death, under every checker */

enum kind { GARBAGE, WORDS, FLIPS, HEADERS, SHARED, MIXTURE };

static struct mailbox_slot *random_slot(struct ring *r)
{
	return mailbox_lane_slot(&r->lane[below(r->lanes)], below(SLOTS));
}

static __u64 random_bits(void)
{
	switch (below(6)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return below(16);
	case 3:
		return 1ULL << below(64);
	}
	return roll() << 32 ^ roll();
}

static __u32 random_owner(struct ring *r)
{
	static const __u32 likely[] = { 0, 1, 2, 3, MAILBOX_OWNER_PARKED };

	switch (below(6)) {
	case 0:
		return r->owner;
	case 1:
		return below(65536);
	case 2:		/* who has mapped shortly before or after */
		return r->owner + below(17) - 8;
	case 3:		/* who has something in hand */
		return mailbox_word_owner(MAILBOX_LOAD(&random_slot(r)->word));
	}
	return likely[below(5)];
}

/* Of messages: most often one, or such as fit, or nearly. */
static __u32 random_count(void)
{
	switch (below(4)) {
	case 0:
		return 1 + below(SLOTS + 1);
	case 1:
		return 1 + below(MAILBOX_RANGE_MAX);
	}
	return 1;
}

/* As another participant might have left it, or nearly so. */
static __u64 plausible_word(struct ring *r, __u64 word)
{
	__u64 position = word >> MAILBOX_SEQUENCE_SHIFT;

	switch (below(5)) {
	case 0:
		position += SLOTS;
		break;
	case 1:
		position -= SLOTS;
		break;
	case 2:
		position += below(3) - 1;
		break;
	}
	return mailbox_word_range(position, one_in(2) ? 0 : random_owner(r), random_count(),
				  below(one_in(4) ? 8 : 6));
}

static __u64 flipped(struct ring *r, __u64 word)
{
	switch (below(6)) {
	case 0:
		return word ^ (1 + below(7));
	case 1:
		return word ^ (__u64)(1 + below(65535)) << MAILBOX_OWNER_SHIFT;
	case 2:
		return word ^ 1ULL << (MAILBOX_SEQUENCE_SHIFT + below(36));
	case 3:
		return word ^ 1ULL << below(64);
	case 4:
		return word ^ (__u64)(1 + below(SLOTS)) << MAILBOX_COUNT_SHIFT;
	}
	return mailbox_word_range(word >> MAILBOX_SEQUENCE_SHIFT, random_owner(r), random_count(),
				  below(6));
}

static void scribble_shared(struct ring *r)
{
	struct mailbox_shared *s = r->shared;
	struct mailbox_shared_lane *lane = &s->lane[below(LANES)];
	__u64 there = mailbox_lane_word(&r->lane[0], 0) >> MAILBOX_SEQUENCE_SHIFT;

	switch (below(6)) {
	case 0:
		s->receivers.word = random_bits();
		break;
	case 1:
		s->senders.word = random_bits();
		break;
	case 2:
		lane->hint = one_in(2) ? random_bits() : (there + roll() % 4096) + (1ULL << 36);
		break;
	case 3:
		lane->parked = random_bits();
		break;
	case 4:
		lane->discarded = random_bits();
		break;
	default:	/* geometry, too */
		((__u64 *)s)[below(getpagesize() / 8)] = random_bits();
	}
}

static void scribble_header(struct ring *r)
{
	struct mailbox_slot *slot = random_slot(r);
	__u64 lengths[] = { 0, BYTES, BYTES + 1, 0x7fffffff, 0xffffffff, below(2 * BYTES) };

	slot->header = (random_bits() << 32) | lengths[below(6)];
}

static void scribble(struct ring *r, enum kind kind)
{
	struct mailbox_slot *slot = random_slot(r);

	switch (kind) {
	case GARBAGE:
		((__u64 *)r->shared)[roll() % (r->bytes / 8)] = random_bits();
		if (one_in(4))
			slot->word = random_bits();
		break;
	case WORDS:
		MAILBOX_STORE(&slot->word, plausible_word(r, MAILBOX_LOAD(&slot->word)));
		break;
	case FLIPS:
		MAILBOX_STORE(&slot->word, flipped(r, MAILBOX_LOAD(&slot->word)));
		break;
	case HEADERS:
		scribble_header(r);
		break;
	case SHARED:
		scribble_shared(r);
		break;
	case MIXTURE:
		scribble(r, below(MIXTURE));
	}
}

/* One wrong word. */

FIXTURE(wrong)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;
	int peer;
	struct ring r;
};

FIXTURE_SETUP(wrong)
{
	strcpy(self->name, port_name("wrong"));
	self->fd = create(self->name, .flags = MAILBOX_EXCLUSIVE | MAILBOX_AUTODELETE,
			  .message_size = BYTES, .capacity = SLOTS, .lanes = LANES);
	ASSERT_LE(0, self->fd);
	self->peer = open_port(self->name, O_RDWR);
	ASSERT_LE(0, self->peer);
	ASSERT_EQ(0, ring_map(&self->r, self->fd));
}

FIXTURE_TEARDOWN(wrong)
{
	close(self->fd);
	close(self->peer);
}

static void set_word(struct ring *r, __u64 position, __u64 word)
{
	MAILBOX_STORE(&mailbox_lane_slot(&r->lane[0], position)->word, word);
}

/* Nothing that a rule could have made of position 0. */
static const __u64 broken[] = {
	6, 7, 3ULL << 28, 1ULL << 28 | 2, 9ULL << 28 | 4, ~0ULL,
	1 << MAILBOX_OWNER_SHIFT,				/* free, and somebody's */
	1 << MAILBOX_COUNT_SHIFT | MAILBOX_PHASE_VOID,
	SLOTS << MAILBOX_COUNT_SHIFT | MAILBOX_PHASE_READY,	/* beyond the array's end */
	(SLOTS - 1) << MAILBOX_COUNT_SHIFT | MAILBOX_PHASE_SPLIT,
};

TEST_F(wrong, word_costs_a_sender_one_eproto_and_a_slot)
{
	__u32 i, n;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int fd = create(NULL, .message_size = BYTES, .capacity = SLOTS);
		struct ring r;

		ASSERT_EQ(0, ring_map(&r, fd));
		set_word(&r, 0, broken[i]);
		EXPECT_EQ(-EPROTO, put_text(fd, "x"));
		EXPECT_EQ(1, info_of(fd).quarantined);
		for (n = 0; n < SLOTS - 1; n++)
			EXPECT_EQ(1, put_text(fd, "x"));
		for (n = 0; n < SLOTS - 1; n++)
			EXPECT_MESSAGE("x", fd);
		EXPECT_NO_MESSAGE(fd);
		/* And it comes back when it is its turn. */
		EXPECT_EQ(SLOTS, fill_lane(fd, 0));
		EXPECT_EQ(1, info_of(fd).quarantined);
		ring_unmap(&r);
		close(fd);
	}
}

TEST_F(wrong, word_costs_a_receiver_one_eproto_and_a_slot)
{
	char text[BYTES];
	__u32 i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int fd = create(NULL, .message_size = BYTES, .capacity = SLOTS);
		struct ring r;

		ASSERT_EQ(0, ring_map(&r, fd));
		ASSERT_EQ(1, put_text(fd, "a"));
		ASSERT_EQ(1, put_text(fd, "b"));
		set_word(&r, 0, broken[i]);
		EXPECT_EQ(-EPROTO, receive_until(fd, text, BYTES, MAILBOX_NO_WAIT));
		EXPECT_EQ(1, info_of(fd).quarantined);
		EXPECT_MESSAGE("b", fd);
		EXPECT_NO_MESSAGE(fd);
		EXPECT_EQ(SLOTS, fill_lane(fd, 0));
		ring_unmap(&r);
		close(fd);
	}
}

TEST_F(wrong, word_wakes_who_sleeps_behind_it)
{
	__u64 position;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
	ASSERT_EQ(1, put_text(self->peer, "x"));
	pid = spawn();
	if (!pid)
		leave(get(self->peer, &byte, 1) == 1 ? byte : -errno);
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	set_word(&self->r, position, 7);
	EXPECT_EQ(-EPROTO, receive_until(self->fd, &byte, 1, MAILBOX_NO_WAIT));
	EXPECT_EQ('x', reap(pid));
}

TEST_F(wrong, length_is_cut_to_message_size)
{
	static const __u32 lengths[] = { BYTES + 1, 4096, 0x7fffffff, 0x80000000, 0xffffffff };
	char buffer[4 * BYTES];
	struct mailbox_message m;
	__u64 position, tag;
	__u32 i, j;

	for (i = 0; i < 10; i++) {
		tag = i < 5 ? 0 : MAILBOX_SLOT_TAG;
		ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
		ring_fill(&self->r, 0, position, "x", 1, 0);
		mailbox_lane_slot(&self->r.lane[0], position)->header = lengths[i % 5] | tag;
		ring_publish(&self->r, 0, position);
		memset(buffer, POISON, sizeof(buffer));
		EXPECT_EQ(-EMSGSIZE, get(self->peer, buffer, BYTES - 1));
		if (i & 1) {
			m = message(.data = address(buffer), .length = sizeof(buffer));
			EXPECT_EQ(0, receive_message(self->peer, &m));
			EXPECT_EQ(BYTES, m.length);
		} else {
			EXPECT_EQ(BYTES, get(self->peer, buffer, sizeof(buffer)));
		}
		for (j = BYTES; j < sizeof(buffer); j++)
			ASSERT_EQ((char)POISON, buffer[j]);
	}
}

TEST_F(wrong, a_sender_who_is_nobody_has_no_name)
{
	static const __u64 nobody[] = { 0, 60000, MAILBOX_ENDPOINTS_MAX, 0xffff };
	struct mailbox_message m;
	__u64 position;
	char text[BYTES];
	__u32 i;

	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, ring_claim(&self->r, 0, &position));
		ring_fill(&self->r, 0, position, "x", 1, 0);
		mailbox_lane_slot(&self->r.lane[0], position)->header =
			nobody[i / 2] << MAILBOX_SLOT_SENDER_SHIFT | 1;
		ring_publish(&self->r, 0, position);
		m = message(.data = address(text), .length = BYTES,
			    .flags = i & 1 ? MAILBOX_RECV_TRUNCATE : 0);
		ASSERT_EQ(0, receive_message(self->peer, &m));
		EXPECT_EQ(nobody[i / 2], m.sender);
		EXPECT_EQ(0, m.pid);
		EXPECT_EQ(0, m.uid);
		EXPECT_EQ(0, m.gid);
		EXPECT_EQ(0, m.flags);
	}
}

/* A hint that no slot bears out is not taken, whatever else is written there. */
TEST_F(wrong, counts_and_hints_are_not_believed)
{
	static const __u64 hints[] = {
		(1ULL << 34) + 1000000, 1ULL << 35, 3ULL << 34, (1ULL << 36) - 1000000,
	};
	char text[BYTES];
	__u32 i;

	seed_from("SCRIBBLE_SEED");
	for (i = 0; i < 20000; i++) {
		scribble_shared(&self->r);
		self->r.shared->lane[0].hint = hints[i % 4];
		ASSERT_EQ(1, put_text(self->peer, "x"));
		ASSERT_EQ(0, info_of(self->peer).waiting_receivers);
		ASSERT_EQ(1, get(self->peer, text, BYTES));
		ASSERT_EQ('x', *text);
	}
	EXPECT_EQ(BYTES, info_of(self->peer).message_size);
	EXPECT_EQ(self->r.bytes, info_of(self->peer).map_bytes);
	EXPECT_EQ(0, info_of(self->peer).quarantined);
	EXPECT_EQ(0, info_of(self->peer).redelivered);
}

/* As if somebody had taken it who does not exist. */
TEST_F(wrong, owner_holds_up_a_deleted_port_but_nobody_for_ever)
{
	char byte;
	pid_t pid;

	set_word(&self->r, 0, mailbox_word(0, 60000, MAILBOX_PHASE_READING));
	pid = spawn();
	if (!pid)
		leave(get(self->peer, &byte, 1));
	ASSERT_TRUE(wait_receivers(self->fd, 1));
	ASSERT_EQ(0, delete_port(self->name, MAILBOX_DELETE_PURGE));
	EXPECT_EQ(-EIDRM, put_text(self->peer, "x"));
	kill(pid, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(pid));
}

TEST_F(wrong, owner_is_not_repaired_by_the_departure_of_another)
{
	__u64 word = mailbox_word(0, self->r.owner + 1, MAILBOX_PHASE_READING);
	struct mailbox_shared *watch;

	set_word(&self->r, 0, word);
	ASSERT_EQ(0, ring_unmap(&self->r));
	watch = (void *)map_port(self->peer, PROT_READ);
	EXPECT_EQ(word, *(__u64 *)((char *)watch + watch->slots));
	EXPECT_EQ(0, info_of(self->fd).redelivered);
}

/* Dead images: whatever is there, every call comes back. */

static void call_everything(int fd, const char *name, bool last)
{
	char text[2 * BYTES];
	struct iovec v[] = { { text, 5 }, { text + 5, sizeof(text) - 5 } };
	struct pollfd p = { fd, POLLIN | POLLOUT };
	__u32 lane, i;

	for (i = 0; i < 2 * SLOTS; i++) {
		lane = below(LANES);
		set_lanes(fd, one_in(2) ? ~0U : 1U << lane, lane);
		poll(&p, 1, 0);
		switch (below(8)) {
		case 0:
			put(fd, text, 1 + below(BYTES));
			break;
		case 1:
			writev(fd, v, 1);
			break;
		case 2:
			get(fd, text, sizeof(text));
			break;
		case 3:
			readv(fd, v, 2);
			break;
		case 4:
			receive_until(fd, text, below(BYTES), MAILBOX_NO_WAIT);
			break;
		case 5:
			send_on(fd, lane, "x");
			break;
		case 6:
			kick(fd, roll(), roll());
			break;
		default:
			slurp("/proc/self/fdinfo/3");
			info_of(fd);
		}
	}
	if (last)
		delete_port(name, one_in(2) ? MAILBOX_DELETE_PURGE : 0);
}

TEST(whatever_is_there_every_call_comes_back)
{
	__u32 images = number_from("SCRIBBLE_IMAGES", much(300)), image, i;
	struct mailbox_query before = query(), after;

	seed_from("SCRIBBLE_SEED");
	for (image = 0; image < images; image++) {
		const char *name = port_name("image");
		int fd = create(name, .open_flags = O_RDWR | O_NONBLOCK, .message_size = BYTES,
				.capacity = SLOTS, .lanes = LANES);
		enum kind kind = image % (MIXTURE + 1);
		struct ring r;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ring_map(&r, fd));
		for (i = 0; i < 8; i++) {
			__u32 n = 1 + below(one_in(2) ? 4 : 2000);

			while (n--)
				scribble(&r, kind);
			call_everything(fd, name, i == 7);
		}
		call_everything(fd, name, false);
		if (one_in(2))
			ASSERT_EQ(0, ring_unmap(&r));
		call_everything(fd, name, false);
		close(fd);
		munmap(r.shared, r.bytes);
	}
	ASSERT_TRUE(wait_until(query().ports == before.ports));
	after = query();
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

/* Scribbling all the while. */

struct scene {
	char name[MAILBOX_NAME_SIZE];
	__u64 calls[VICTIMS];
	__u64 scribbles;
	volatile bool over;
	struct complaints complaints;
};

static struct scene *scene;

static __attribute__((noreturn)) void hostile(enum kind kind, __u64 seed)
{
	struct ring r;
	int fd;

	dice = seed;
	for (;;) {
		__u32 n = 1000 + below(20000);

		fd = open_port(scene->name, O_RDWR);
		if (fd < 0 || ring_map(&r, fd)) {	/* between two ports */
			close(fd);
			breathe();
			continue;
		}
		scene->scribbles += n;
		while (n--) {
			scribble(&r, kind);
			if (one_in(512))
				kick(fd, roll(), roll());
			if (one_in(4096))
				breathe();
		}
		/* Gone with what it claims to hold. */
		if (one_in(2))
			ring_unmap(&r);
		close(fd);
		munmap(r.shared, r.bytes);
	}
}

static bool may_return(long ret)
{
	switch (ret) {
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EPROTO:
	case -EMSGSIZE:
	case -EIDRM:
		return true;
	}
	return ret >= 0;
}

static void victim_sends(int fd)
{
	char data[BYTES];
	struct iovec v[] = { { data, 7 }, { data + 7, below(BYTES - 7) } };
	struct mailbox_message m;
	long ret;

	memset(data, 'v', sizeof(data));
	switch (below(3)) {
	case 0:
		m = message(.data = address(data), .length = below(BYTES + 1),
			    .lane = below(LANES), .tag = random_bits(),
			    .deadline = in_ms(below(20)));
		ret = send_message(fd, &m);
		break;
	case 1:
		ret = result(pwritev2(fd, v, 2, -1, RWF_NOWAIT));
		break;
	default:
		set_nonblock(fd, true);
		ret = put(fd, data, 1 + below(BYTES));
		set_nonblock(fd, false);
	}
	if (!may_return(ret))
		complain("a send returned %ld", ret);
}

static void victim_receives(int fd)
{
	char room[BYTES + GUARD + GUARD];
	__u32 size = one_in(2) ? BYTES + GUARD : below(BYTES + 1), i, length;
	struct iovec v[] = { { room, size / 2 }, { room + size / 2, size - size / 2 } };
	struct mailbox_message m;
	long ret;

	memset(room, POISON, sizeof(room));
	switch (below(4)) {
	case 0:
		ret = result(preadv2(fd, v, 2, -1, RWF_NOWAIT));
		break;
	case 1:
		set_nonblock(fd, true);
		ret = get(fd, room, size);
		set_nonblock(fd, false);
		break;
	default:
		m = message(.data = address(room), .length = size, .deadline = in_ms(below(20)),
			    .flags = one_in(2) ? MAILBOX_RECV_TRUNCATE : 0);
		ret = receive_message(fd, &m);
		if (!ret) {
			ret = m.length;
			if (m.lane >= LANES)
				complain("a message of lane %u", m.lane);
		}
	}
	if (!may_return(ret) || ret > (long)BYTES) {
		complain("a receive returned %ld", ret);
		return;
	}
	length = ret < 0 || ret > size ? size : ret;	/* a failing one may have begun */
	for (i = length; i < sizeof(room); i++)
		if (room[i] != (char)POISON)
			complain("a receive of %ld, room for %u, wrote at %u", ret, size, i);
}

static void victim_polls(int fd)
{
	struct pollfd p = { fd, one_in(2) ? POLLIN : POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN | (one_in(2) ? EPOLLET : 0) };
	int ep;

	if (one_in(2)) {
		poll(&p, 1, below(20));
		return;
	}
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	epoll_wait(ep, &event, 1, below(20));
	close(ep);
}

static void victim_maps(int fd)
{
	struct ring r;
	long p;

	if (one_in(2)) {
		p = map_port(fd, PROT_READ);
		if (p > 0 || p < -4095)
			munmap((void *)p, info_of(fd).map_bytes);
		return;
	}
	if (ring_map(&r, fd))
		return;
	set_word(&r, below(SLOTS), mailbox_word(below(64), r.owner, one_in(2) ?
		 MAILBOX_PHASE_READING : MAILBOX_PHASE_WRITING));
	ring_unmap(&r);
}

static void victim_asks(int fd)
{
	struct mailbox_info info = info_of(fd);
	char path[128];

	if (info.message_size != BYTES || info.capacity != SLOTS || info.lanes != LANES ||
	    info.waiting_receivers > VICTIMS || info.waiting_senders > VICTIMS ||
	    info.depth > SLOTS * LANES || info.map_bytes != info.bytes)
		complain("the port has changed");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	slurp(path);
	snprintf(path, sizeof(path), "/sys/class/mailbox/%s/depth", scene->name);
	slurp(path);
}

/* Calls that may last for ever if the port says so. */
static void victim_waits(int fd)
{
	char room[2 * BYTES];

	if (one_in(2))
		get(fd, room, sizeof(room));
	else
		put(fd, room, BYTES);
}

static __attribute__((noreturn)) void victim(__u32 number, __u64 seed)
{
	int fd = -1;

	dice = seed;
	for (;;) {
		if (fd < 0 || one_in(200) || info_of(fd).state == MAILBOX_STATE_DELETED) {
			close(fd);
			fd = open_port(scene->name, O_RDWR);
			if (fd < 0) {
				breathe();
				continue;
			}
		}
		switch (below(one_in(30) ? 16 : 12)) {
		case 0:
		case 1:
		case 2:
		case 3:
			victim_sends(fd);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
			victim_receives(fd);
			break;
		case 8:
			victim_polls(fd);
			break;
		case 9:
			victim_maps(fd);
			break;
		case 10:
			victim_asks(fd);
			break;
		case 11:
			set_lanes(fd, 1 + below(3), below(LANES));
			break;
		default:
			victim_waits(fd);
		}
		scene->calls[number]++;
	}
}

/* Another port, another pair. */
static __attribute__((noreturn)) void neighbours(int fd)
{
	__u64 n, m = 0;

	for (n = 1; !scene->over; n++) {
		if (put(fd, &n, sizeof(n)) != sizeof(n) || get(fd, &m, sizeof(m)) != sizeof(m) ||
		    m != n) {
			complain("the neighbour got %llu for %llu", m, n);
			break;
		}
	}
	leave(0);
}

/* Within seconds, whatever it does. */
static bool put_to_death(pid_t pid)
{
	__u64 end = clock_ns(CLOCK_MONOTONIC) + SOON_NS;
	int status;

	kill(pid, SIGKILL);
	setpriority(PRIO_PROCESS, pid, -20);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (clock_ns(CLOCK_MONOTONIC) > end) {
			char path[64];

			snprintf(path, sizeof(path), "/proc/%d/stack", pid);
			say("process %d cannot be killed, state %c\n%s", pid, state_of(pid),
			    slurp(path));
			return false;
		}
		breathe();
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		say("process %d died of signal %d", pid, WTERMSIG(status));
		return false;
	}
	return true;
}

static pid_t start_victim(__u32 number)
{
	__u64 seed = roll() | 1;
	pid_t pid = spawn();

	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		victim(number, seed);
	}
	return pid;
}

static pid_t start_hostile(enum kind kind)
{
	__u64 seed = roll() | 1;
	pid_t pid = spawn();

	if (!pid) {
		setpriority(PRIO_PROCESS, 0, 0);
		hostile(kind, seed);
	}
	return pid;
}

FIXTURE(scribbling)
{
	int unused;
};

FIXTURE_VARIANT(scribbling)
{
	enum kind kind;
};

FIXTURE_VARIANT_ADD(scribbling, garbage) { .kind = GARBAGE };
FIXTURE_VARIANT_ADD(scribbling, words) { .kind = WORDS };
FIXTURE_VARIANT_ADD(scribbling, flips) { .kind = FLIPS };
FIXTURE_VARIANT_ADD(scribbling, headers) { .kind = HEADERS };
FIXTURE_VARIANT_ADD(scribbling, shared) { .kind = SHARED };
FIXTURE_VARIANT_ADD(scribbling, of_everything) { .kind = MIXTURE };

FIXTURE_SETUP(scribbling)
{
	scene = shared_memory(sizeof(*scene));
	complaints = &scene->complaints;
}

FIXTURE_TEARDOWN(scribbling)
{
}

static int new_port(void)
{
	char name[MAILBOX_NAME_SIZE];
	int fd;

	snprintf(name, sizeof(name), "t%d-scribble%llu", getpid(), roll() % 1000000000);
	fd = create(name, .flags = MAILBOX_EXCLUSIVE, .message_size = BYTES, .capacity = SLOTS,
		    .lanes = LANES);
	strcpy(scene->name, name);
	return fd;
}

static bool each_has_called(void)
{
	int i;

	for (i = 0; i < VICTIMS; i++)
		if (!scene->calls[i])
			return false;
	return true;
}

TEST_F_TIMEOUT(scribbling, harms_nobody_else, 1 << 20)
{
	__u64 end, calls = 0, ports = 0, kills = 0, start = clock_ns(CLOCK_MONOTONIC);
	__u64 quarantined = 0;
	struct mailbox_query before = query(), after;
	int near = create(NULL, .message_size = 8), fd, i;
	pid_t victims[VICTIMS], hostiles[HOSTILES], pair;

	seed_from("SCRIBBLE_SEED");
	fd = new_port();
	ASSERT_LE(0, fd);
	pair = spawn();
	if (!pair)
		neighbours(near);
	setpriority(PRIO_PROCESS, 0, -10);
	for (i = 0; i < HOSTILES; i++)
		hostiles[i] = start_hostile(variant->kind);
	for (i = 0; i < VICTIMS; i++)
		victims[i] = start_victim(i);
	end = start + number_from("SCRIBBLE_SECONDS", much(2)) * 1000000000ULL;
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		struct timespec t = { .tv_nsec = below(20000000) };

		nanosleep(&t, NULL);
		i = below(VICTIMS);
		ASSERT_TRUE(put_to_death(victims[i]));
		victims[i] = start_victim(i);
		kills++;
		if (one_in(8)) {
			i = below(HOSTILES);
			ASSERT_TRUE(put_to_death(hostiles[i]));
			hostiles[i] = start_hostile(variant->kind);
		}
		if (one_in(8)) {
			quarantined += info_of(fd).quarantined;
			ASSERT_EQ(0, delete_port(scene->name,
						 one_in(2) ? MAILBOX_DELETE_PURGE : 0));
			close(fd);
			fd = new_port();
			ASSERT_LE(0, fd);
			ports++;
		}
		ASSERT_NO_COMPLAINT();
	}
	/* Who was killed time and again on a slow machine may not have got as far as that. */
	EXPECT_TRUE(wait_until(each_has_called()));
	quarantined += info_of(fd).quarantined;
	for (i = 0; i < HOSTILES; i++)
		ASSERT_TRUE(put_to_death(hostiles[i]));
	for (i = 0; i < VICTIMS; i++) {
		ASSERT_TRUE(put_to_death(victims[i]));
		calls += scene->calls[i];
	}
	EXPECT_EQ(0, info_of(fd).mappings);
	EXPECT_EQ(1, info_of(fd).endpoints);
	EXPECT_EQ(0, info_of(fd).waiting_receivers);
	EXPECT_EQ(0, info_of(fd).waiting_senders);
	ASSERT_EQ(0, delete_port(scene->name, 0));
	close(fd);
	scene->over = true;
	EXPECT_EQ(0, reap(pair));
	EXPECT_EQ(info_of(near).messages_sent, info_of(near).messages_received);
	ASSERT_NO_COMPLAINT();
	close(near);
	ASSERT_TRUE(wait_until(query().ports == before.ports));
	after = query();
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	say("%llu calls beside %llu scribbles on %llu ports, %llu kills, %llu slots put right",
	    calls, scene->scribbles, ports + 1, kills, quarantined);
}

TEST_HARNESS_MAIN
