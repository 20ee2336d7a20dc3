// SPDX-License-Identifier: MIT
/*
 * Direct links by the library on the real module: as root in a guest. Every mixture
 * of ends that are mapped and ends that are not.
 */
#include <errno.h>
#include <mailbox.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PORT	"direct"
#define SLOTS	8
#define ROUNDS	300

static const struct mailbox_attr attr = {
	.message_size = 64, .capacity = SLOTS, .flags = MAILBOX_DIRECT,
};

static struct mailbox *join(bool map, uint32_t end)
{
	struct mailbox *mb = mailbox_create(PORT, &attr, O_RDWR);
	int err = mb ? mailbox_take_end(mb, end) : -errno;

	if (!err && map)
		err = mailbox_map(mb);
	if (err) {
		printf("Bail out! join: %s\n", mailbox_strerror(err));
		exit(1);
	}
	return mb;
}

static void map_both(struct mailbox_link *link)
{
	if (mailbox_map(link->send) || mailbox_map(link->receive))
		_exit(90);
}

static int result(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_ends(bool map_tx, bool map_rx)
{
	struct mailbox *tx = join(map_tx, MAILBOX_END_SEND), *rx = join(map_rx, MAILBOX_END_RECEIVE);
	const char *who = map_tx ? map_rx ? "mapped to mapped" : "mapped to plain"
				 : map_rx ? "plain to mapped" : "plain to plain";
	struct mailbox_msg in = { .data = (char[64]){ 0 }, .size = 64 };
	struct mailbox_msg out = { .data = "tagged", .length = 6, .tag = 77 };
	char buf[64];

	ok(!mailbox_send(tx, "one", 3) && !mailbox_send_msg(tx, &out, MAILBOX_FOREVER) &&
	   out.ticket == 1, "%s: sends", who);
	ok(mailbox_receive(rx, buf, 64) == 3 && !memcmp(buf, "one", 3) &&
	   mailbox_receive_msg(rx, &in, MAILBOX_FOREVER) == 6 && in.tag == 77 && in.ticket == 1,
	   "%s: receives", who);
	ok(mailbox_send(rx, "no", 2) == -EBUSY && mailbox_receive(tx, buf, 64) == -EBUSY,
	   "%s: not the other way", who);
	ok(mailbox_receive_msg(rx, &in, MAILBOX_NO_WAIT) == -EAGAIN &&
	   mailbox_receive_msg(rx, &in, mailbox_deadline_ms(20)) == -ETIMEDOUT, "%s: empty", who);
	mailbox_send(tx, "left", 4);
	mailbox_close(tx);
	ok(mailbox_receive(rx, buf, 64) == 4 && mailbox_receive(rx, buf, 64) == 0 &&
	   mailbox_receive_msg(rx, &in, MAILBOX_FOREVER) == -EPIPE, "%s: the end of the stream", who);
	tx = join(map_tx, MAILBOX_END_SEND);
	ok(!mailbox_send(tx, "again", 5) && mailbox_receive(rx, buf, 64) == 5,
	   "%s: until there is a new sender", who);
	mailbox_send(tx, "left", 4);
	mailbox_close(rx);
	ok(mailbox_send(tx, "x", 1) == -ECONNRESET && mailbox_send(tx, "x", 1) == -EPIPE &&
	   mailbox_send_msg(tx, &out, MAILBOX_FOREVER) == -EPIPE, "%s: a broken link", who);
	rx = join(map_rx, MAILBOX_END_RECEIVE);
	ok(mailbox_receive(rx, buf, 64) == 4 && !mailbox_send(tx, "y", 1) &&
	   mailbox_receive(rx, buf, 64) == 1, "%s: until there is a new receiver", who);
	mailbox_delete(PORT, 0);
	ok(mailbox_send(tx, "x", 1) == -EIDRM && mailbox_receive(rx, buf, 64) == -EIDRM,
	   "%s: deleted", who);
	mailbox_close(tx);
	mailbox_close(rx);
}

static void test_batches(bool map_tx, bool map_rx)
{
	struct mailbox *tx = join(map_tx, MAILBOX_END_SEND), *rx = join(map_rx, MAILBOX_END_RECEIVE);
	struct mailbox_msg out[SLOTS], in[SLOTS];
	int bytes[SLOTS], i, n, got, wrong = 0;

	for (n = 0; n < 50; n++) {
		for (i = 0; i < SLOTS; i++) {
			bytes[i] = 100 * n + i;
			out[i] = (struct mailbox_msg){ .data = &bytes[i], .length = sizeof(int) };
			in[i] = (struct mailbox_msg){ .data = &bytes[i], .size = sizeof(int) };
		}
		wrong |= mailbox_send_batch(tx, out, 1 + n % SLOTS, 0) != 1 + n % SLOTS;
		memset(bytes, 0, sizeof(bytes));
		for (got = 0; got < 1 + n % SLOTS && !wrong; got += i) {
			i = mailbox_receive_batch(rx, in + got, SLOTS - got, 0);
			wrong |= i <= 0;
		}
		for (i = 0; i < 1 + n % SLOTS; i++)
			wrong |= bytes[i] != 100 * n + i;
	}
	ok(!wrong, "batches, %s to %s", map_tx ? "mapped" : "plain", map_rx ? "mapped" : "plain");
	mailbox_delete(PORT, 0);
	mailbox_close(tx);
	mailbox_close(rx);
}

/* Each waits for the other; then this one goes, and the other is told. */
static void test_pair(bool map_one, bool map_other)
{
	struct mailbox_link link[2];
	int i, got, wrong = 0;
	pid_t pid;

	if (mailbox_pair(link, NULL, 0))
		exit(1);
	pid = fork();
	if (!pid) {
		mailbox_close(link[0].send);
		mailbox_close(link[0].receive);
		if (map_other)
			map_both(&link[1]);
		while (mailbox_receive(link[1].receive, &got, sizeof(got)) == sizeof(got))
			if (mailbox_send(link[1].send, &got, sizeof(got)))
				_exit(1);
		_exit(mailbox_send(link[1].send, "x", 1) == -EPIPE ? 0 : 2);
	}
	mailbox_close(link[1].send);
	mailbox_close(link[1].receive);
	if (map_one)
		map_both(&link[0]);
	for (i = 1; i <= ROUNDS && !wrong; i++)
		wrong = mailbox_send(link[0].send, &i, sizeof(i)) ||
			mailbox_receive(link[0].receive, &got, sizeof(got)) != sizeof(got) ||
			got != i;
	mailbox_close(link[0].receive);
	mailbox_close(link[0].send);
	ok(!wrong && result(pid) == 0, "a pair, one %s, the other %s, and its end",
	   map_one ? "mapped" : "plain", map_other ? "mapped" : "plain");
}

static void test_pair_arguments(void)
{
	struct mailbox_link link[2];
	struct mailbox_attr odd = { .capacity = 3 };
	struct mailbox *third;
	char c;

	ok(mailbox_pair(link, &odd, 0) == -EINVAL && mailbox_pair(link, NULL, O_WRONLY) == -EINVAL,
	   "no such pair");
	ok(!mailbox_pair(link, NULL, O_NONBLOCK), "a pair");
	third = mailbox_reopen(link[0].send, O_RDWR);
	ok(!third && errno == EBUSY, "is for two");
	ok(mailbox_receive(link[0].receive, &c, 1) == -EAGAIN &&
	   mailbox_send(link[0].receive, "x", 1) == -EBUSY, "not waiting, not the wrong way");
	mailbox_close(link[0].send);
	mailbox_close(link[0].receive);
	mailbox_close(link[1].send);
	mailbox_close(link[1].receive);
}

/* In place, and killed with a message in hand. */
static void test_death(void)
{
	struct mailbox *tx = join(true, MAILBOX_END_SEND), *rx;
	struct mailbox_msg msg = { 0 }, in = { .data = (char[64]){ 0 }, .size = 64 };
	int told[2];
	pid_t pid;
	char c;

	if (pipe(told))
		exit(1);
	ok(!mailbox_reserve(tx, &msg, 0), "reserves");
	memcpy(msg.data, "work", 4);
	msg.length = 4;
	ok(!mailbox_submit(tx, &msg), "submits");
	pid = fork();
	if (!pid) {
		rx = join(true, MAILBOX_END_RECEIVE);
		if (mailbox_peek(rx, &msg, MAILBOX_FOREVER) || write(told[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(told[0], &c, 1) != 1)
		exit(1);
	kill(pid, SIGKILL);
	ok(result(pid) == 128 + SIGKILL, "a receiver is killed over its work");
	rx = join(true, MAILBOX_END_RECEIVE);
	ok(mailbox_receive_msg(rx, &in, MAILBOX_FOREVER) == 4 && !memcmp(in.data, "work", 4) &&
	   in.status & MAILBOX_MSG_REDELIVERED, "the next one gets it, marked");
	mailbox_delete(PORT, 0);
	mailbox_close(tx);
	mailbox_close(rx);
}

int main(void)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(300);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	for (i = 0; i < 4; i++) {
		test_ends(i & 1, i & 2);
		test_batches(i & 1, i & 2);
		test_pair(i & 1, i & 2);
	}
	test_pair_arguments();
	test_death();
	return done();
}
