// SPDX-License-Identifier: MIT
/*
 * Receipts, calls and leases by the library, on the real module: as root in a guest.
 * Each test runs twice: with handles that are not mapped, and with mapped ones, for
 * which all of this goes by system call as well. Nothing sleeps in hope.
 */
#include <errno.h>
#include <mailbox.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define PORT	"receipt"

static const char *how;		/* for the names of the tests */
static bool mapped;
static struct mailbox *tx, *rx;

static struct mailbox *join(int oflags)
{
	struct mailbox *mb = mailbox_open(PORT, mapped ? O_RDWR : oflags);
	int err = mb ? 0 : -errno;

	if (!err && mapped)
		err = mailbox_map(mb);
	if (err) {
		printf("Bail out! join: %s\n", mailbox_strerror(err));
		exit(1);
	}
	return mb;
}

static void begin(void)
{
	struct mailbox_attr attr = { .message_size = 64, .capacity = 4, .lanes = 2 };
	struct mailbox *mb = mailbox_create(PORT, &attr, O_RDWR);

	if (!mb) {
		printf("Bail out! create: %s\n", mailbox_strerror(errno));
		exit(1);
	}
	tx = join(O_WRONLY);
	rx = join(O_RDONLY);
	mailbox_close(mb);
}

static void end(void)
{
	mailbox_close(tx);
	mailbox_close(rx);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static struct mailbox_info info_of(struct mailbox *mb)
{
	struct mailbox_info info;

	if (mailbox_info(mb, &info))
		memset(&info, 0xff, sizeof(info));
	return info;
}

/* Until a state is there; alarm() ends what takes too long. */
#define await(state) do { usleep(1000); } while (!(state))

static int result(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Asleep in one of the calls that we test. */
static bool asleep(pid_t pid)
{
	char path[64];
	FILE *file;
	long nr;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%ld", &nr) != 1)	/* "running" */
		nr = -1;
	fclose(file);
	return nr == SYS_ioctl;
}

static struct mailbox_msg message(const char *text, uint32_t flags)
{
	return (struct mailbox_msg){
		.data = (void *)(uintptr_t)text, .length = strlen(text), .flags = flags,
		.lane = MAILBOX_LANE_DEFAULT, .tag = 5,
	};
}

static char text[64];

/* The next message, without waiting; its bytes are in text. */
static int receive(struct mailbox *mb, struct mailbox_msg *msg, uint32_t flags)
{
	*msg = (struct mailbox_msg){ .data = text, .size = sizeof(text), .flags = flags };
	memset(text, 0, sizeof(text));
	return mailbox_receive_msg(mb, msg, MAILBOX_NO_WAIT);
}

static bool received(struct mailbox *mb, struct mailbox_msg *msg, uint32_t flags, const char *wanted)
{
	return receive(mb, msg, flags) == (int)strlen(wanted) && !strcmp(text, wanted);
}

/* Asynchronous */

static void test_receipt(void)
{
	struct mailbox_msg one = message("one", MAILBOX_SEND_RECEIPT), in;
	struct mailbox_msg two = message("two", MAILBOX_SEND_RECEIPT);
	struct pollfd p = { .fd = mailbox_fd(tx), .events = POLLPRI };
	struct mailbox_result r = { 0 };
	uint64_t before = now();

	two.lane = 1;
	ok(!mailbox_send_msg(tx, &one, 0) && !one.lane && !one.ticket &&
	   !mailbox_send_msg(tx, &two, 0) && two.lane == 1 && !two.ticket,
	   "%s: a send with a receipt tells lane and ticket", how);
	ok(!mailbox_ticket_status(tx, &one, &r) && r.outcome == MAILBOX_QUEUED && r.tag == 5 &&
	   mailbox_wait_receipt(tx, &r, 0) == -EAGAIN && !poll(&p, 1, 0),
	   "%s: it is queued, and has no receipt yet", how);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "two") && in.status & MAILBOX_MSG_RECEIPT &&
	   !mailbox_ticket_status(tx, &two, &r) && r.outcome == MAILBOX_TAKEN,
	   "%s: then it is taken", how);
	ok(!mailbox_ack(rx, &in) && poll(&p, 1, 0) == 1 && p.revents == POLLPRI,
	   "%s: POLLPRI tells that there is a receipt", how);
	ok(mailbox_wait_ticket(tx, &one, &r, 0) == -EAGAIN &&
	   mailbox_wait_ticket(tx, &one, &r, mailbox_deadline_ms(20)) == -ETIMEDOUT,
	   "%s: not of that ticket", how);
	ok(!mailbox_ticket_status(tx, &two, &r) && r.outcome == MAILBOX_ACKED &&
	   !mailbox_wait_receipt(tx, &r, MAILBOX_FOREVER) && r.outcome == MAILBOX_ACKED &&
	   r.lane == 1 && !r.ticket && r.tag == 5 && !r.length && r.time > before && r.time < now() &&
	   r.receiver == info_of(rx).endpoint && r.pid == (uint32_t)getpid() && r.uid == getuid() &&
	   r.gid == getgid(), "%s: it tells all there is to know", how);
	ok(mailbox_ticket_status(tx, &two, &r) == -ESTALE &&
	   mailbox_wait_ticket(tx, &two, &r, 0) == -ESTALE, "%s: once", how);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "one") && !mailbox_reply(rx, &in, "so?", 3) &&
	   !mailbox_ticket_status(tx, &one, &r) && r.outcome == MAILBOX_REPLIED && r.length == 3 &&
	   mailbox_wait_receipt(tx, &r, 0) == -EMSGSIZE && r.length == 3,
	   "%s: a reply without a buffer is kept, and its length told", how);
	r.data = text;
	r.size = sizeof(text);
	ok(!mailbox_wait_ticket(tx, &one, &r, 0) && r.length == 3 && !memcmp(text, "so?", 3),
	   "%s: with one it comes", how);
	ok(mailbox_wait_receipt(rx, &r, 0) == (mapped ? -EAGAIN : -EBADF) &&
	   mailbox_ack(tx, &one) == (mapped ? -ESTALE : -EBADF),
	   "%s: receipts are for senders, leases for receivers", how);
}

static void test_wait_is_woken(void)
{
	struct mailbox_msg out = message("x", MAILBOX_SEND_RECEIPT);
	struct mailbox *plain = mailbox_open(PORT, O_RDONLY);
	struct mailbox_result r = { 0 };
	pid_t pid;

	if (!plain || mailbox_send_msg(tx, &out, 0))
		abort();
	pid = fork();
	if (!pid) {
		alarm(60);
		_exit(mailbox_wait_receipt(tx, &r, MAILBOX_FOREVER) ? 99 : r.outcome);
	}
	await(asleep(pid));
	ok(mailbox_receive(plain, text, sizeof(text)) == 1 && result(pid) == MAILBOX_RECEIVED,
	   "%s: a plain receive wakes who waits for the receipt", how);
	mailbox_close(plain);
}

/* Synchronous */

/* A child, with a sender of its own: a mapping is not inherited. */
static pid_t child(void)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(60);
		tx = join(O_WRONLY);
	}
	return pid;
}

static pid_t caller(const char *question)
{
	struct mailbox_msg out = message(question, 0);
	struct mailbox_result r = { .data = text, .size = sizeof(text) };
	pid_t pid = child();
	int err;

	if (pid)
		return pid;
	err = mailbox_call(tx, &out, &r, MAILBOX_FOREVER);
	if (r.outcome == MAILBOX_REPLIED && (r.length != 6 || memcmp(text, "answer", 6)))
		_exit(99);
	_exit(err ? -err : 200 + (int)r.outcome);
}

static void test_call(void)
{
	struct mailbox_msg in;
	pid_t pid = caller("question");

	await(info_of(rx).depth == 1 && asleep(pid));
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "question") && !mailbox_reply(rx, &in, "answer", 6),
	   "%s: a question is replied to", how);
	ok(result(pid) == 200 + MAILBOX_REPLIED, "%s: and the call returns with the answer", how);
	pid = caller("question");
	await(info_of(rx).depth == 1 && asleep(pid));
	receive(rx, &in, MAILBOX_RECV_LEASE);
	mailbox_nack(rx, &in, MAILBOX_NACK);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "question") &&
	   in.status & MAILBOX_MSG_REDELIVERED && in.status >> MAILBOX_MSG_DEPARTED_SHIFT == 1 &&
	   !mailbox_ack(rx, &in) && result(pid) == 200 + MAILBOX_ACKED,
	   "%s: one that was given back waits for the next worker", how);
}

static void test_call_is_taken_back(void)
{
	struct mailbox_msg out = message("x", 0), in;
	uint64_t deadline = mailbox_deadline_ms(50);
	struct mailbox_result r = { 0 };
	pid_t pid;

	ok(mailbox_call(tx, &out, &r, deadline) == -ETIMEDOUT && now() >= deadline &&
	   receive(rx, &in, 0) == -EAGAIN, "%s: a call that times out never was", how);
	pid = caller("x");
	await(info_of(rx).depth == 1 && asleep(pid));
	kill(pid, SIGKILL);
	ok(result(pid) == 128 + SIGKILL && receive(rx, &in, 0) == -EAGAIN,
	   "%s: nor one whose caller is killed", how);
}

static void test_call_under_way(void)
{
	struct mailbox_msg out = message("x", 0), in;
	struct mailbox_result r = { .data = text, .size = sizeof(text) };
	int told[2];
	pid_t pid;
	char c;

	if (pipe(told))
		abort();
	pid = child();
	if (!pid) {
		if (mailbox_call(tx, &out, &r, mailbox_deadline_ms(1000)) != -EINPROGRESS ||
		    write(told[1], "", 1) != 1)
			_exit(1);
		_exit(mailbox_wait_ticket(tx, &out, &r, MAILBOX_FOREVER) || memcmp(text, "answer", 6));
	}
	close(told[1]);
	await(receive(rx, &in, MAILBOX_RECV_LEASE) == 1);
	ok(read(told[0], &c, 1) == 1, "%s: a call that somebody has is under way when its time is over",
	   how);
	ok(!mailbox_reply(rx, &in, "answer", 6) && !result(pid), "%s: and can be waited for again", how);
	close(told[0]);
}

static void test_call_does_not_wait(void)
{
	struct mailbox_msg out = message("x", 0), in;
	struct mailbox_result r = { 0 };
	char big[65] = { 0 };

	ok(mailbox_call(tx, &out, &r, MAILBOX_NO_WAIT) == -EINPROGRESS && !out.lane &&
	   !mailbox_ticket_status(tx, &out, &r) && r.outcome == MAILBOX_QUEUED,
	   "%s: a call that is not to wait has its ticket", how);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "x") && !mailbox_reply(rx, &in, "", 0) &&
	   !mailbox_wait_ticket(tx, &out, &r, 0) && r.outcome == MAILBOX_REPLIED && !r.length,
	   "%s: an empty reply is one", how);
	out = message("x", 0);
	out.data = big;
	out.length = 65;
	r.length = 9;
	ok(mailbox_call(tx, &out, &r, 0) == -EMSGSIZE && !r.length,
	   "%s: a question too long is told from a reply too long", how);
}

static void test_reply_too_long(void)
{
	struct mailbox_msg out = message("x", 0), in;
	struct mailbox_result r = { .data = text, .size = 3 };
	char buffer[8] = "";
	pid_t pid = child();

	if (!pid) {
		if (mailbox_call(tx, &out, &r, MAILBOX_FOREVER) != -EMSGSIZE || r.length != 6)
			_exit(1);
		r = (struct mailbox_result){ .data = buffer, .size = 8 };
		_exit(mailbox_wait_ticket(tx, &out, &r, 0) || strcmp(buffer, "answer") ? 2 : 0);
	}
	await(info_of(rx).depth == 1 && asleep(pid));
	receive(rx, &in, MAILBOX_RECV_LEASE);
	ok(mailbox_reply(rx, &in, buffer, 65) == -EMSGSIZE, "%s: no reply is longer than a message", how);
	ok(!mailbox_reply(rx, &in, "answer", 6) && !result(pid),
	   "%s: one that is longer than the caller's buffer is kept", how);
}

static void test_delete(void)
{
	struct mailbox_msg one = message("one", MAILBOX_SEND_RECEIPT), in;
	struct mailbox_result r = { 0 };
	pid_t pid = caller("x");

	await(info_of(rx).depth == 1 && asleep(pid));
	mailbox_send_msg(tx, &one, 0);
	mailbox_delete(PORT, 0);
	ok(result(pid) == EIDRM, "%s: delete takes a call back", how);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "one") && !mailbox_ack(rx, &in) &&
	   !mailbox_wait_receipt(tx, &r, 0) && r.outcome == MAILBOX_ACKED &&
	   mailbox_wait_receipt(tx, &r, MAILBOX_FOREVER) == -EIDRM,
	   "%s: what was queued is still received, and told", how);
}

static void test_purge(void)
{
	struct mailbox_msg one = message("one", MAILBOX_SEND_RECEIPT);
	struct mailbox_result r = { 0 };

	mailbox_send_msg(tx, &one, 0);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	ok(!mailbox_wait_receipt(tx, &r, 0) && r.outcome == MAILBOX_DISCARDED &&
	   r.reason == MAILBOX_REASON_PURGED && !r.receiver && !r.pid,
	   "%s: a purge is told, and why", how);
}

static void test_too_many(void)
{
	struct mailbox_msg msg = message("x", MAILBOX_SEND_RECEIPT);
	struct mailbox_result r = { 0 };
	unsigned int i;

	for (i = 0; i < MAILBOX_RECEIPTS_MAX; i++) {
		if (mailbox_send_msg(tx, &msg, 0))
			break;
		if (read(mailbox_fd(rx), text, sizeof(text)) != 1)
			break;
	}
	ok(i == MAILBOX_RECEIPTS_MAX && mailbox_send_msg(tx, &msg, MAILBOX_FOREVER) == -EAGAIN,
	   "%s: who reads no receipts gets no more: EAGAIN", how);
	ok(!mailbox_wait_receipt(tx, &r, 0) && !r.ticket && !mailbox_send_msg(tx, &msg, 0),
	   "%s: who reads one gets one", how);
}

/* Leases */

static void test_leases(void)
{
	struct mailbox_msg a, b, in;

	mailbox_send(tx, "a", 1);
	mailbox_send(tx, "b", 1);
	ok(received(rx, &a, MAILBOX_RECV_LEASE, "a") && received(rx, &b, MAILBOX_RECV_LEASE, "b") &&
	   receive(rx, &in, 0) == -EAGAIN, "%s: what is leased nobody else gets", how);
	ok(mailbox_reply(rx, &a, "x", 1) == -EOPNOTSUPP && !mailbox_ack(rx, &a) &&
	   mailbox_ack(rx, &a) == -ESTALE, "%s: who asked for nothing gets no reply", how);
	mailbox_send(tx, "c", 1);
	ok(mailbox_nack(rx, &b, MAILBOX_ACK) == -EINVAL && !mailbox_nack(rx, &b, MAILBOX_NACK_BACK) &&
	   received(rx, &in, 0, "c") && received(rx, &in, 0, "b") &&
	   in.status >> MAILBOX_MSG_DEPARTED_SHIFT == 1, "%s: given back behind the others", how);
	mailbox_send(tx, "d", 1);
	mailbox_send(tx, "e", 1);
	ok(received(rx, &in, MAILBOX_RECV_LEASE, "d") && !mailbox_nack(rx, &in, MAILBOX_NACK) &&
	   received(rx, &in, 0, "d") && received(rx, &in, 0, "e"), "%s: and before them", how);
}

static void test_lease_ends(void)
{
	uint64_t until = mailbox_deadline_ms(50);
	struct mailbox_msg msg = {
		.data = text, .size = sizeof(text), .flags = MAILBOX_RECV_LEASE, .lease = until,
	};

	mailbox_send(tx, "job", 3);
	ok(mailbox_receive_msg(rx, &msg, 0) == 3 && msg.lease == until, "%s: a lease for a while", how);
	ok(!mailbox_extend(rx, &msg, 0) && !mailbox_extend(rx, &msg, until), "%s: extended", how);
	ok(mailbox_receive(rx, text, sizeof(text)) == 3 && now() >= until &&
	   mailbox_ack(rx, &msg) == -ESTALE && mailbox_extend(rx, &msg, 0) == -ESTALE,
	   "%s: when it is over another receiver has the message", how);
}

static void test_death(void)
{
	struct mailbox_msg msg, question = message("question", MAILBOX_SEND_RECEIPT);
	struct mailbox_info info;
	pid_t pid;

	mailbox_send(tx, "job", 3);
	pid = fork();
	if (!pid) {
		struct mailbox *own = join(O_RDONLY);

		mailbox_close(rx);
		if (!received(own, &msg, MAILBOX_RECV_LEASE, "job"))
			_exit(1);
		pause();
	}
	await(!info_of(rx).depth);
	kill(pid, SIGKILL);
	ok(result(pid) == 128 + SIGKILL && mailbox_receive(rx, text, sizeof(text)) == 3,
	   "%s: a worker's job is not lost when it dies", how);
	info = info_of(rx);
	ok(info.redelivered == 1 && info.messages_received == 1, "%s: and counted", how);
	mailbox_send_msg(tx, &question, 0);
	receive(rx, &msg, MAILBOX_RECV_LEASE);
	mailbox_close(tx);
	ok(mailbox_reply(rx, &msg, "x", 1) == -EPIPE && !mailbox_ack(rx, &msg),
	   "%s: nobody replies to one who is gone", how);
	tx = join(O_WRONLY);
}

static void test_batches(void)
{
	struct mailbox_msg out[3], in[3];
	char c[3];
	int i;

	for (i = 0; i < 3; i++) {
		out[i] = message(&"abc"[2 - i], i == 1 ? MAILBOX_SEND_RECEIPT : 0);
		out[i].length = 1;
		in[i] = (struct mailbox_msg){ .data = &c[i], .size = 1, .flags = MAILBOX_RECV_LEASE };
	}
	ok(mailbox_send_batch(tx, out, 3, 0) == 3 && mailbox_receive_batch(rx, in, 3, 0) == 3 &&
	   !memcmp(c, "cba", 3), "%s: a batch with a receipt, leased as one", how);
	ok(!mailbox_ack(rx, &in[0]) && !mailbox_ack(rx, &in[1]) && !mailbox_ack(rx, &in[2]) &&
	   !mailbox_wait_ticket(tx, &out[1], &(struct mailbox_result){ 0 }, 0) &&
	   mailbox_wait_ticket(tx, &out[2], &(struct mailbox_result){ 0 }, 0) == -ESTALE,
	   "%s: each is finished by itself", how);
}

static void (*const tests[])(void) = {
	test_receipt, test_wait_is_woken, test_call, test_call_is_taken_back, test_call_under_way,
	test_call_does_not_wait, test_reply_too_long, test_delete, test_purge, test_too_many,
	test_leases, test_lease_ends, test_death, test_batches,
};

int main(void)
{
	size_t i;
	int round;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(240);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	for (round = 0; round < 2; round++) {
		mapped = round;
		how = mapped ? "mapped" : "plain";
		for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			begin();
			tests[i]();
			end();
		}
	}
	return done();
}
