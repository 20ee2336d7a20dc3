/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mapped participant, by the rules of <linux/mailbox_ring.h>, "The mapping".
 *
 * Messages are told in struct mailbox_message, as with the ioctls, so that a
 * test may compare the one with the other. Nothing here sleeps.
 */
#ifndef MAILBOX_RING_TEST_H
#define MAILBOX_RING_TEST_H

#include <linux/mailbox_ring.h>

#include "mailbox_test.h"

/* How often a claim or take tries when others are always faster. */
#define RING_RACES	100000

/* The oldest message of the lane is with the kernel: to be had by a system call. */
#define RING_PARKED	(-EREMOTE)

/**
 * struct ring - one participant's mapping of a port
 * @fd: the endpoint
 * @shared: the first page
 * @bytes: of the mapping
 * @lanes: number of lanes
 * @message_size: longest message
 * @owner: who claims and takes
 * @sender: the endpoint's id, which messages name
 * @lane: own view of each lane
 * @send: own positions as a sender
 * @receive: own positions as a receiver
 * @kicks: system calls made to wake others
 * @before: called, if it is set, between a walk and the compare-and-swap that follows,
 *	with the messages that the claim is for or the word stands for
 */
struct ring {
	int fd;
	struct mailbox_shared *shared;
	size_t bytes;
	__u32 lanes;
	__u32 message_size;
	__u32 owner;
	__u32 sender;
	struct mailbox_lane lane[MAILBOX_SHARED_LANES];
	__u64 send[MAILBOX_SHARED_LANES];
	__u64 receive[MAILBOX_SHARED_LANES];
	__u64 kicks;
	void (*before)(__u32 n);
};

/* A message in a participant's hands. */
struct ring_taken {
	__u32 lane;
	__u64 position;
	__u64 header;
	__u64 tag;
	void *payload;
	__u32 length;
};

/* The mapping alone; its address or -errno. */
static inline long map_bytes(int fd, size_t bytes, int prot)
{
	void *p = mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? -errno : (long)p;
}

static inline long map_port(int fd, int prot)
{
	return map_bytes(fd, info_of(fd).map_bytes, prot);
}

/* Geometry is taken from where nobody can scribble: the lanes begin at the second page. */
static inline void ring_view(struct ring *r, int fd, void *base)
{
	struct mailbox_info info = info_of(fd);
	__u32 n;

	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->shared = base;
	r->bytes = info.map_bytes;
	r->lanes = info.lanes;
	r->message_size = info.message_size;
	r->owner = info.owner;
	r->sender = info.endpoint;
	for (n = 0; n < r->lanes; n++) {
		r->lane[n].capacity = info.capacity;
		r->lane[n].stride = mailbox_slot_stride(info.message_size);
		r->lane[n].slots = (char *)base + getpagesize() +
				   (size_t)n * info.capacity * r->lane[n].stride;
		r->send[n] = MAILBOX_LOAD(&r->shared->lane[n].hint);
		r->receive[n] = r->send[n];
	}
}

/* Maps a port to take part. 0 or -errno. */
static inline long ring_map(struct ring *r, int fd)
{
	long base = map_port(fd, PROT_READ | PROT_WRITE);

	if (base < 0 && base > -4096)
		return base;
	ring_view(r, fd, (void *)base);
	return 0;
}

static inline long ring_unmap(struct ring *r)
{
	return result(munmap(r->shared, r->bytes));
}

static inline long kick(int fd, __u32 receivers, __u32 senders)
{
	struct mailbox_kick arg = {
		.size = sizeof(arg), .receivers = receivers, .senders = senders,
	};

	return result(ioctl(fd, MAILBOX_IOC_KICK, &arg));
}

static inline long ring_kick(struct ring *r, __u32 receivers, __u32 senders)
{
	r->kicks++;
	return kick(r->fd, receivers, senders);
}

/* Sleepers, or the end: what asks for the chain. */
static inline __u64 ring_pressed(const struct mailbox_waiters *w)
{
	return MAILBOX_LOAD(&w->word) & (MAILBOX_WAITERS_SLEEPERS | MAILBOX_WAITERS_CLOSED);
}

/* Send, step by step. */

/* Gives up @n claimed slots. */
static inline void ring_discard_range(struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	MAILBOX_ADD(&r->shared->lane[lane].discarded, n);
	mailbox_range_discard(&r->lane[lane], position, n);
	if (MAILBOX_LOAD(&r->shared->receivers.word) || MAILBOX_LOAD(&r->shared->senders.word))
		ring_kick(r, 1U << lane, 1U << lane);
}

/* Gives up a claimed slot. */
static inline void ring_discard(struct ring *r, __u32 lane, __u64 position)
{
	ring_discard_range(r, lane, position, 1);
}

/* The claim alone: 0, -EAGAIN (full) or -EPROTO. */
static inline long ring_claim_slot(struct ring *r, __u32 lane, __u64 *position)
{
	__u64 word;
	int races;

	for (races = 0; races < RING_RACES; races++) {
		enum mailbox_find found = mailbox_find_free(&r->lane[lane], &r->send[lane], &word);

		if (found == MAILBOX_FIND_BROKEN)
			return -EPROTO;
		if (found != MAILBOX_FIND_SLOT)
			break;
		if (r->before)
			r->before(1);
		if (mailbox_slot_claim(&r->lane[lane], r->send[lane], word, r->owner)) {
			*position = r->send[lane]++;
			return 0;
		}
	}
	return -EAGAIN;
}

/* The same for up to @n slots in a row: how many. */
static inline long ring_claim_slots(struct ring *r, __u32 lane, __u32 n, __u64 *position)
{
	__u32 got = 0;
	__u64 word;
	int races;

	for (races = 0; races < RING_RACES && !got; races++) {
		enum mailbox_find found = mailbox_find_free(&r->lane[lane], &r->send[lane], &word);

		if (found == MAILBOX_FIND_BROKEN)
			return -EPROTO;
		if (found != MAILBOX_FIND_SLOT)
			break;
		if (r->before)
			r->before(n);
		got = mailbox_range_claim(&r->lane[lane], r->send[lane], word, r->owner, n);
	}
	*position = r->send[lane];
	r->send[lane] += got;
	return got ? (long)got : -EAGAIN;
}

/* What follows a claim of @n: 0, or -EIDRM with the slots given up. */
static inline long ring_claimed(struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	__u64 pressed = ring_pressed(&r->shared->senders), next = r->send[lane], word;

	if (pressed & MAILBOX_WAITERS_CLOSED) {
		ring_discard_range(r, lane, position, n);
		return -EIDRM;
	}
	if (pressed && mailbox_find_free(&r->lane[lane], &next, &word) == MAILBOX_FIND_SLOT)
		ring_kick(r, 0, 1U << lane);
	return 0;
}

static inline long ring_claim(struct ring *r, __u32 lane, __u64 *position)
{
	long ret = ring_claim_slot(r, lane, position);

	return ret ? ret : ring_claimed(r, lane, *position, 1);
}

/* Up to @n slots in a row: how many, or -errno. */
static inline long ring_claim_range(struct ring *r, __u32 lane, __u32 n, __u64 *position)
{
	long got = ring_claim_slots(r, lane, n, position);

	return got < 0 ? got : ring_claimed(r, lane, *position, got) ?: got;
}

static inline void ring_fill(struct ring *r, __u32 lane, __u64 position, const void *data,
			     __u32 length, __u64 tag)
{
	memcpy(mailbox_slot_write(&r->lane[lane], position, length, tag, r->sender), data,
	       length);
}

static inline void ring_publish(struct ring *r, __u32 lane, __u64 position)
{
	mailbox_slot_publish(&r->lane[lane], position, r->owner);
	if (MAILBOX_LOAD(&r->shared->receivers.word))
		ring_kick(r, 1U << lane, 0);
}

static inline void ring_publish_range(struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	mailbox_range_publish(&r->lane[lane], position, r->owner, n);
	if (MAILBOX_LOAD(&r->shared->receivers.word))
		ring_kick(r, 1U << lane, 0);
}

/* Sends @m without waiting; its ticket is filled in. 0 or -errno. */
static inline long ring_send_message(struct ring *r, struct mailbox_message *m)
{
	__u64 position;
	long ret;

	if (m->length > r->message_size)
		return -EMSGSIZE;
	ret = ring_claim(r, m->lane, &position);
	if (ret)
		return ret;
	ring_fill(r, m->lane, position, (void *)(uintptr_t)m->data, m->length, m->tag);
	ring_publish(r, m->lane, position);
	m->ticket = position;
	return 0;
}

static inline long ring_send(struct ring *r, __u32 lane, const void *data, __u32 length)
{
	struct mailbox_message m = message(.data = address(data), .length = length,
					   .lane = lane);

	return ring_send_message(r, &m);
}

static inline long ring_send_text(struct ring *r, __u32 lane, const char *text)
{
	return ring_send(r, lane, text, strlen(text));
}

/* Receive, step by step. */

/* The take alone: 0, -EAGAIN (empty), -EMSGSIZE, -EPROTO or RING_PARKED. */
static inline long ring_take_slot(struct ring *r, __u32 lane, __u32 limit, struct ring_taken *t)
{
	const struct mailbox_lane *l = &r->lane[lane];
	__u64 word;
	int races;

	for (races = 0; races < RING_RACES; races++) {
		enum mailbox_find found;

		if (MAILBOX_LOAD(&r->shared->lane[lane].parked))
			return RING_PARKED;
		found = mailbox_find_ready(l, &r->receive[lane], &word);
		if (found == MAILBOX_FIND_BROKEN)
			return -EPROTO;
		if (found != MAILBOX_FIND_SLOT)
			break;
		t->lane = lane;
		t->position = r->receive[lane];
		t->header = mailbox_slot_read(l, t->position, &t->tag, &t->payload);
		t->length = (__u32)t->header;
		if (t->length > r->message_size)
			t->length = r->message_size;
		if (t->length > limit)
			return mailbox_lane_word(l, t->position) == word ? -EMSGSIZE : -EAGAIN;
		if (r->before)
			r->before(mailbox_word_count(word));
		if (mailbox_slot_take(l, t->position, word, r->owner)) {
			r->receive[lane]++;
			if (!(t->position & 0xffff))
				MAILBOX_STORE(&r->shared->lane[lane].hint, t->position);
			return 0;
		}
	}
	return -EAGAIN;
}

/* Whatever one word stands for, all of it: how many messages, or -errno as above. */
static inline long ring_take_slots(struct ring *r, __u32 lane, __u64 *position)
{
	const struct mailbox_lane *l = &r->lane[lane];
	__u64 word;
	int races;

	for (races = 0; races < RING_RACES; races++) {
		enum mailbox_find found;

		if (MAILBOX_LOAD(&r->shared->lane[lane].parked))
			return RING_PARKED;
		found = mailbox_find_ready(l, &r->receive[lane], &word);
		if (found == MAILBOX_FIND_BROKEN)
			return -EPROTO;
		if (found != MAILBOX_FIND_SLOT)
			break;
		*position = r->receive[lane];
		if (r->before)
			r->before(mailbox_word_count(word));
		if (mailbox_range_take(l, *position, word, r->owner)) {
			r->receive[lane] += mailbox_word_count(word);
			return mailbox_word_count(word);
		}
	}
	return -EAGAIN;
}

/* What follows a take: whoever else sleeps beside a message is woken. */
static inline void ring_taken(struct ring *r)
{
	__u32 lanes = 0, n;

	if (!ring_pressed(&r->shared->receivers))
		return;
	for (n = 0; n < r->lanes; n++) {
		__u64 next = r->receive[n], word;

		if (MAILBOX_LOAD(&r->shared->lane[n].parked) ||
		    mailbox_find_ready(&r->lane[n], &next, &word) == MAILBOX_FIND_SLOT)
			lanes |= 1U << n;
	}
	if (lanes)
		ring_kick(r, lanes, 0);
}

static inline long ring_take(struct ring *r, __u32 lane, __u32 limit, struct ring_taken *t)
{
	long ret = ring_take_slot(r, lane, limit, t);

	if (!ret)
		ring_taken(r);
	return ret;
}

static inline void ring_release(struct ring *r, const struct ring_taken *t)
{
	mailbox_slot_release(&r->lane[t->lane], t->position);
	if (MAILBOX_LOAD(&r->shared->senders.word))
		ring_kick(r, 0, 1U << t->lane);
}

static inline void ring_release_range(struct ring *r, __u32 lane, __u64 position, __u32 n)
{
	mailbox_range_release(&r->lane[lane], position, n);
	if (MAILBOX_LOAD(&r->shared->senders.word))
		ring_kick(r, 0, 1U << lane);
}

/* Receives from the highest lane that has something, without waiting. 0 or -errno. */
static inline long ring_receive_message(struct ring *r, struct mailbox_message *m)
{
	struct ring_taken t;
	__u32 departed, n;
	long ret = -EAGAIN;

	for (n = r->lanes; n-- && ret == -EAGAIN;)
		ret = ring_take(r, n, m->length, &t);
	if (ret == RING_PARKED) {
		m->deadline = MAILBOX_NO_WAIT;
		return receive_message(r->fd, m);
	}
	if (ret == -EMSGSIZE)
		m->length = t.length;
	if (ret)
		return ret;
	memcpy((void *)(uintptr_t)m->data, t.payload, t.length);
	departed = (t.header & MAILBOX_SLOT_DEPARTED_MASK) / MAILBOX_SLOT_DEPARTED;
	m->flags = departed ? MAILBOX_MSG_REDELIVERED | departed << MAILBOX_MSG_DEPARTED_SHIFT : 0;
	m->length = t.length;
	m->lane = t.lane;
	m->tag = t.tag;
	m->ticket = t.position;
	m->sender = t.header >> MAILBOX_SLOT_SENDER_SHIFT;
	ring_release(r, &t);
	return 0;
}

/* The length of what was received. */
static inline long ring_receive(struct ring *r, void *data, __u32 size)
{
	struct mailbox_message m = message(.data = address(data), .length = size);
	long ret = ring_receive_message(r, &m);

	return ret ? ret : m.length;
}

#endif /* MAILBOX_RING_TEST_H */
