// SPDX-License-Identifier: MIT
/*
 * Receipts and leases: what the library tells the kernel, and what it makes of the
 * answers. ioctl is wrapped (see the Makefile): here is the kernel.
 */
#include <errno.h>
#include <mailbox.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tap.h"

static struct {
	/* what the library did since begin() */
	int calls;
	unsigned long request;
	union {
		struct mailbox_message message;
		struct mailbox_receipt receipt;
		struct mailbox_finish finish;
		struct mailbox_eventfd eventfd;
	} in;
	struct mailbox_receipt asked;	/* with a synchronous send */
	struct mailbox_finish ended;	/* with a receive */
	/* what it is to be told */
	int error;
	bool ends;
	uint32_t lane;
	uint64_t ticket;
	struct mailbox_receipt answer;
} kernel;

static void answer_receipt(struct mailbox_receipt *r)
{
	if (!kernel.error) {
		kernel.answer.size = r->size;
		kernel.answer.data = r->data;
		*r = kernel.answer;
	} else if (kernel.error == EMSGSIZE && kernel.answer.length) {
		r->length = kernel.answer.length;
	}
}

static void answer_message(struct mailbox_message *m)
{
	m->lane = kernel.lane;
	m->ticket = kernel.ticket;
	if (kernel.request == MAILBOX_IOC_RECEIVE && m->flags & MAILBOX_RECV_FINISH) {
		struct mailbox_finish *f = (void *)(uintptr_t)m->receipt;

		kernel.ended = *f;
		if (kernel.ends)
			f->how = MAILBOX_FINISHED;
		m->length = 5;
		return;
	}
	if (kernel.request != MAILBOX_IOC_SEND || !m->receipt)
		return;
	kernel.asked = *(struct mailbox_receipt *)(uintptr_t)m->receipt;
	answer_receipt((void *)(uintptr_t)m->receipt);
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	kernel.calls++;
	kernel.request = request;
	if (request == MAILBOX_IOC_INFO)
		return 0;
	memcpy(&kernel.in, arg, _IOC_SIZE(request));
	if (request == MAILBOX_IOC_SEND || request == MAILBOX_IOC_RECEIVE)
		answer_message(arg);
	if (request == MAILBOX_IOC_RECEIPT)
		answer_receipt(arg);
	errno = kernel.error;
	return errno ? -1 : 0;
}

/* Two handles are not needed: one lives for all tests. */
static struct mailbox *mb;

static void begin(int error)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.error = error;
	kernel.lane = 3;
	kernel.ticket = 41;
	kernel.answer = (struct mailbox_receipt){
		.length = 6, .lane = 3, .ticket = 41, .tag = 5, .time = 1ULL << 60,
		.outcome = MAILBOX_REPLIED, .reason = 7, .receiver = 8, .pid = 9, .uid = 10,
		.gid = 11,
	};
}

static bool all_told(const struct mailbox_result *r)
{
	return r->length == 6 && r->lane == 3 && r->ticket == 41 && r->tag == 5 &&
	       r->time == 1ULL << 60 && r->outcome == MAILBOX_REPLIED && r->reason == 7 &&
	       r->receiver == 8 && r->pid == 9 && r->uid == 10 && r->gid == 11;
}

static bool nothing_told(const struct mailbox_result *r)
{
	return !r->length && !r->lane && !r->ticket && !r->tag && !r->time && !r->outcome;
}

static void test_send_receipt(void)
{
	struct mailbox_msg msg = {
		.data = (void *)"x", .length = 1, .lane = MAILBOX_LANE_DEFAULT,
		.flags = MAILBOX_SEND_RECEIPT | MAILBOX_SEND_REALTIME,
	};
	struct mailbox_message *in = &kernel.in.message;

	begin(0);
	ok(!mailbox_send_msg(mb, &msg, 99) && in->flags == msg.flags && in->deadline == 99 &&
	   !in->receipt, "a send with a receipt tells its flag");
	ok(msg.lane == 3 && msg.ticket == 41, "and answers lane and ticket");
	msg.lane = 1;
	msg.flags = 0;
	ok(!mailbox_send_msg(mb, &msg, 99) && msg.lane == 1, "without one it leaves the lane");
	begin(EAGAIN);
	msg.flags = MAILBOX_SEND_RECEIPT;
	msg.ticket = 1;
	ok(mailbox_send_msg(mb, &msg, 99) == -EAGAIN && msg.lane == 1 && msg.ticket == 1,
	   "if it fails it answers nothing");
	begin(EINPROGRESS);
	msg.flags = MAILBOX_SEND_SYNC;
	ok(mailbox_send_msg(mb, &msg, 0) == -EINPROGRESS && msg.lane == 3 && msg.ticket == 41,
	   "a synchronous one under way answers lane and ticket");
}

static void test_call(void)
{
	char reply[8];
	struct mailbox_result result = { .data = reply, .size = sizeof(reply) };
	struct mailbox_msg msg = {
		.data = (void *)"what?", .length = 5, .lane = 1, .tag = 5,
		.flags = MAILBOX_SEND_REALTIME,
	};
	struct mailbox_message *in = &kernel.in.message;

	begin(0);
	ok(!mailbox_call(mb, &msg, &result, 77) && kernel.calls == 1 &&
	   kernel.request == MAILBOX_IOC_SEND && in->data == (uintptr_t)msg.data &&
	   in->length == 5 && in->lane == 1 && in->tag == 5 && in->deadline == 77 &&
	   in->flags == (MAILBOX_SEND_SYNC | MAILBOX_SEND_REALTIME),
	   "a call is one synchronous send");
	ok(kernel.asked.size == sizeof(kernel.asked) && kernel.asked.data == (uintptr_t)reply &&
	   kernel.asked.length == 8 && !kernel.asked.flags && !kernel.asked.deadline,
	   "it tells where the reply goes");
	ok(all_told(&result) && result.data == reply && result.size == 8, "the result is told");
	ok(msg.flags == MAILBOX_SEND_REALTIME && msg.lane == 3 && msg.ticket == 41,
	   "the message has its name, and the flags that it had");
	begin(0);
	ok(!mailbox_call(mb, &msg, NULL, 77) && !in->receipt, "without a result none is asked for");
}

static void test_call_errors(void)
{
	static const int errors[] = { ETIMEDOUT, EINTR, EIDRM, EAGAIN, EFAULT };
	struct mailbox_result result = { .size = 3 };
	struct mailbox_msg msg = { .length = 5, .lane = 1, .ticket = 1 };
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		begin(errors[i]);
		ok(mailbox_call(mb, &msg, &result, 0) == -errors[i] && nothing_told(&result) &&
		   msg.lane == 1 && msg.ticket == 1, "a call returns error %d, and no more", errors[i]);
	}
	begin(EINPROGRESS);
	ok(mailbox_call(mb, &msg, &result, 0) == -EINPROGRESS && nothing_told(&result) &&
	   msg.lane == 3 && msg.ticket == 41, "one under way answers the ticket");
	begin(EMSGSIZE);
	msg.ticket = 1;
	ok(mailbox_call(mb, &msg, &result, 0) == -EMSGSIZE && result.length == 6 &&
	   msg.ticket == 41, "a reply that does not fit tells its length, and the ticket");
	begin(EMSGSIZE);
	kernel.answer.length = 0;
	msg.ticket = 1;
	ok(mailbox_call(mb, &msg, &result, 0) == -EMSGSIZE && !result.length && msg.ticket == 1,
	   "a message that does not fit tells neither");
	begin(0);
	msg.length = (1ULL << 32) + 5;
	result.length = 9;
	ok(mailbox_call(mb, &msg, &result, 0) == -EMSGSIZE && !kernel.calls && !result.length,
	   "no length is cut to 32 bits");
	msg.length = 0;
	result.size = (1ULL << 32) + 5;
	ok(!mailbox_call(mb, &msg, &result, 0) && kernel.asked.length == MAILBOX_MESSAGE_MAX,
	   "nor is a buffer's");
}

static void test_wait(void)
{
	char reply[8];
	struct mailbox_result result = { .data = reply, .size = sizeof(reply) };
	struct mailbox_msg msg = { .lane = 3, .ticket = 41, .tag = 9, .length = 1 };
	struct mailbox_receipt *in = &kernel.in.receipt;

	begin(0);
	ok(!mailbox_wait_receipt(mb, &result, 77) && kernel.request == MAILBOX_IOC_RECEIPT &&
	   in->size == sizeof(*in) && in->data == (uintptr_t)reply && in->length == 8 &&
	   in->deadline == 77 && !in->flags && !in->lane && !in->ticket && all_told(&result),
	   "the next receipt");
	begin(0);
	memset(&result, 0, sizeof(result));
	ok(!mailbox_wait_ticket(mb, &msg, &result, 77) && in->flags == MAILBOX_RECEIPT_TICKET &&
	   in->lane == 3 && in->ticket == 41 && in->deadline == 77 && !in->tag && !in->length &&
	   all_told(&result), "the receipt of one ticket");
	msg.flags = MAILBOX_SEND_SYNC | MAILBOX_SEND_REALTIME;
	ok(!mailbox_wait_ticket(mb, &msg, &result, 77) &&
	   in->flags == (MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_REALTIME),
	   "waits by the message's clock");
	begin(0);
	result = (struct mailbox_result){ .data = reply, .size = sizeof(reply) };
	ok(!mailbox_ticket_status(mb, &msg, &result) &&
	   in->flags == (MAILBOX_RECEIPT_TICKET | MAILBOX_RECEIPT_STATUS) && !in->deadline &&
	   !in->data && !in->length && in->lane == 3 && in->ticket == 41 && all_told(&result),
	   "the status of a ticket");
}

static void test_wait_errors(void)
{
	struct mailbox_result result = { .size = 3 };
	struct mailbox_msg msg = { 0 };

	begin(ESTALE);
	ok(mailbox_wait_receipt(mb, &result, 0) == -ESTALE &&
	   mailbox_wait_ticket(mb, &msg, &result, 0) == -ESTALE &&
	   mailbox_ticket_status(mb, &msg, &result) == -ESTALE && nothing_told(&result),
	   "errors are returned, and nothing is answered");
	begin(EMSGSIZE);
	ok(mailbox_wait_receipt(mb, &result, 0) == -EMSGSIZE && result.length == 6 && !result.ticket,
	   "but for the length of a reply that does not fit");
}

static void test_lease(void)
{
	struct mailbox_msg msg = { .flags = MAILBOX_RECV_LEASE, .lease = 123, .lane = 9 };
	struct mailbox_message *in = &kernel.in.message;

	begin(0);
	ok(!mailbox_receive_msg(mb, &msg, 77) && in->flags == MAILBOX_RECV_LEASE &&
	   in->lease == 123 && in->deadline == 77 && !in->lane, "a receive tells when its lease ends");
	ok(msg.lease == 123 && msg.lane == 3 && msg.ticket == 41, "and is told the message's name");
}

static bool finished(uint32_t how, const void *data, uint32_t length, uint64_t deadline)
{
	const struct mailbox_finish *f = &kernel.in.finish;

	return kernel.request == MAILBOX_IOC_FINISH && f->size == sizeof(*f) && f->how == how &&
	       f->data == (uintptr_t)data && f->length == length && f->lane == 3 &&
	       f->ticket == 41 && f->deadline == deadline;
}

static void test_finish(void)
{
	const struct mailbox_msg msg = { .lane = 3, .ticket = 41, .length = 5, .lease = 6 };
	const char *text = "answer";

	begin(0);
	ok(!mailbox_ack(mb, &msg) && finished(MAILBOX_ACK, NULL, 0, 0), "ack");
	ok(!mailbox_nack(mb, &msg, MAILBOX_NACK) && finished(MAILBOX_NACK, NULL, 0, 0), "nack");
	ok(!mailbox_nack(mb, &msg, MAILBOX_NACK_BACK) && finished(MAILBOX_NACK_BACK, NULL, 0, 0),
	   "nack to the back");
	ok(!mailbox_reply(mb, &msg, text, 6) && finished(MAILBOX_REPLY, text, 6, 0), "reply");
	ok(!mailbox_extend(mb, &msg, 99) && finished(MAILBOX_EXTEND, NULL, 0, 99), "extend");

	begin(ESTALE);
	ok(mailbox_ack(mb, &msg) == -ESTALE && mailbox_nack(mb, &msg, MAILBOX_NACK) == -ESTALE &&
	   mailbox_reply(mb, &msg, text, 6) == -ESTALE && mailbox_extend(mb, &msg, 0) == -ESTALE,
	   "errors are returned");
	begin(0);
	ok(mailbox_nack(mb, &msg, MAILBOX_ACK) == -EINVAL &&
	   mailbox_nack(mb, &msg, MAILBOX_REPLY) == -EINVAL && mailbox_nack(mb, &msg, 0) == -EINVAL &&
	   !kernel.calls, "a nack finishes nothing, whatever it is told");
	ok(mailbox_reply(mb, &msg, text, (1ULL << 32) + 5) == -EMSGSIZE && !kernel.calls,
	   "no reply's length is cut to 32 bits");
}

static void test_reply_receive(void)
{
	char text[8];
	struct mailbox_msg msg = {
		.data = text, .size = sizeof(text), .flags = MAILBOX_RECV_LEASE, .lease = 6,
		.lane = 2, .ticket = 40,
	};
	const struct mailbox_finish *f = &kernel.ended;
	struct mailbox_message *in = &kernel.in.message;
	int pending = 0;

	begin(0);
	ok(mailbox_reply_receive(mb, &msg, NULL, 0, &pending, 77) == 5 && pending == 1 &&
	   f->size == sizeof(*f) && f->how == MAILBOX_FINISHED,
	   "nothing to reply to, and a message");
	ok(in->flags == (MAILBOX_RECV_LEASE | MAILBOX_RECV_FINISH) && in->lease == 6 &&
	   in->deadline == 77 && in->data == (uintptr_t)text && in->length == 8,
	   "which is received as ever");
	ok(msg.flags == MAILBOX_RECV_LEASE && msg.lane == 3 && msg.ticket == 41, "and has a name");
	kernel.ends = true;
	kernel.ticket = 42;
	ok(mailbox_reply_receive(mb, &msg, "answer", 6, &pending, 77) == 5 && pending == 1 &&
	   f->how == MAILBOX_REPLY && f->length == 6 && f->lane == 3 && f->ticket == 41 &&
	   !f->deadline && msg.ticket == 42, "a reply, and the next message");

	begin(ESTALE);
	ok(mailbox_reply_receive(mb, &msg, "answer", 6, &pending, 77) == -ESTALE && pending == 1,
	   "what could not be replied to is still to be");
	begin(ETIMEDOUT);
	kernel.ends = true;
	ok(mailbox_reply_receive(mb, &msg, "answer", 6, &pending, 77) == -ETIMEDOUT && !pending,
	   "a reply is made, whatever the receive says");
	ok(mailbox_reply_receive(mb, &msg, "answer", 6, &pending, 77) == -ETIMEDOUT && !pending &&
	   f->how == MAILBOX_FINISHED, "and not twice");

	begin(0);
	pending = 1;
	ok(mailbox_reply_receive(mb, &msg, "", (1ULL << 32) + 5, &pending, 77) == -EMSGSIZE &&
	   pending == 1 && !kernel.calls, "no such reply's length is cut either");
	msg.flags = 0;
	ok(mailbox_reply_receive(mb, &msg, "", 0, &pending, 77) == -EINVAL && pending == 1 &&
	   !kernel.calls, "it is for leases");
}

static void test_eventfd(void)
{
	struct mailbox_eventfd *in = &kernel.in.eventfd;

	begin(0);
	ok(!mailbox_receipt_eventfd(mb, 7) && kernel.request == MAILBOX_IOC_EVENTFD &&
	   in->size == sizeof(*in) && in->fd == 7, "an eventfd is handed on");
	begin(EINVAL);
	ok(mailbox_receipt_eventfd(mb, -1) == -EINVAL && in->fd == -1, "and so is what is wrong");
}

int main(void)
{
	int fds[2];

	if (pipe(fds))
		abort();
	mb = mailbox_from_fd(fds[0]);
	if (!mb)
		abort();
	test_send_receipt();
	test_call();
	test_call_errors();
	test_wait();
	test_wait_errors();
	test_lease();
	test_finish();
	test_reply_receive();
	test_eventfd();
	mailbox_close(mb);
	close(fds[1]);
	return done();
}
