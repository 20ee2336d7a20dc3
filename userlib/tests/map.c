// SPDX-License-Identifier: MIT
/*
 * The library's mapped endpoints on the real module: as root in a guest. One side
 * maps, the other does not, or both do: the messages are the same.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mailbox.h>
#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PORT	"mapped"
#define SLOTS	4

static struct mailbox *make(uint32_t lanes, int oflags)
{
	struct mailbox_attr attr = {
		.message_size = 100, .capacity = SLOTS, .lanes = lanes,
	};
	struct mailbox *mb = mailbox_create(PORT, &attr, oflags);

	if (!mb) {
		printf("Bail out! create: %s\n", mailbox_strerror(errno));
		exit(1);
	}
	return mb;
}

static struct mailbox *join(bool map)
{
	struct mailbox *mb = mailbox_open(PORT, O_RDWR);
	int err = mb ? 0 : -errno;

	if (!err && map)
		err = mailbox_map(mb);
	if (err) {
		printf("Bail out! join: %s\n", mailbox_strerror(err));
		exit(1);
	}
	return mb;
}

static void drop(struct mailbox *mb)
{
	mailbox_close(mb);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
}

static struct mailbox_info info_of(struct mailbox *mb)
{
	struct mailbox_info info;

	if (mailbox_info(mb, &info))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static int result(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until a state is there, for a minute. */
#define await(state) do {							\
	int __i;								\
	for (__i = 0; __i < 60000 && !(state); __i++)				\
		usleep(1000);							\
} while (0)

static void test_mapping(void)
{
	struct mailbox *mb = make(1, O_RDWR), *reader = mailbox_open(PORT, O_RDONLY);
	struct mailbox *writer = mailbox_open(PORT, O_WRONLY), *sealed;
	struct mailbox_attr attr = { .flags = MAILBOX_SEALED };
	struct mailbox_msg msg = { .data = (char[8]){0}, .size = 8 };

	ok(mailbox_map(reader) == -EACCES && mailbox_map(writer) == -EACCES,
	   "who may not send and receive may not map");
	sealed = mailbox_create(NULL, &attr, O_RDWR);
	ok(mailbox_map(sealed) == -EPERM, "a sealed port is not mapped");
	ok(!mailbox_send(writer, "before", 6) && mailbox_receive_msg(reader, &msg, 0) == 6 &&
	   msg.status & MAILBOX_MSG_TRUSTED, "a port that nobody maps can be trusted");
	ok(!mailbox_map(mb) && mailbox_map(mb) == -EBUSY, "once is enough");
	ok(info_of(reader).mappings == 1 && info_of(mb).owner && !info_of(reader).owner,
	   "info tells of mappings");
	ok(!mailbox_send(writer, "after", 5) && mailbox_receive_msg(reader, &msg, 0) == 5 &&
	   !(msg.status & MAILBOX_MSG_TRUSTED), "one that was mapped cannot");
	mailbox_unmap(mb);
	ok(!info_of(mb).mappings && !mailbox_send(mb, "x", 1) &&
	   mailbox_receive(mb, msg.data, 8) == 1, "goes on by system calls when it is unmapped");
	mailbox_unmap(mb);
	ok(!mailbox_map(mb), "and can be mapped again");
	ok(mailbox_reserve(reader, &msg, 0) == -ENOTCONN && mailbox_peek(reader, &msg, 0) == -ENOTCONN &&
	   mailbox_submit(reader, &msg) == -ENOTCONN && mailbox_discard(reader, &msg) == -ENOTCONN &&
	   mailbox_release(reader, &msg) == -ENOTCONN, "in place is for who has mapped");
	mailbox_close(sealed);
	mailbox_close(reader);
	mailbox_close(writer);
	drop(mb);
}

/* From one endpoint to the other. */
static void test_messages(bool map_sender, bool map_receiver)
{
	struct mailbox *mb = make(3, O_RDWR);
	struct mailbox *tx = join(map_sender), *rx = join(map_receiver);
	char buf[100] = "", big[101] = "";
	struct mailbox_msg in = { .data = buf, .size = sizeof(buf) };
	struct mailbox_msg out = { .data = "tagged", .length = 6, .lane = 2, .tag = 77 };
	const char *who = map_sender ? map_receiver ? "mapped to mapped" : "mapped to plain"
				     : map_receiver ? "plain to mapped" : "plain to plain";
	int i;

	ok(!mailbox_send(tx, "one", 3) && !mailbox_send(tx, NULL, 0) &&
	   !mailbox_send(tx, "three", 5), "%s: sends", who);
	ok(mailbox_receive(rx, buf, 100) == 3 && !memcmp(buf, "one", 3) &&
	   mailbox_receive(rx, buf, 100) == 0 && mailbox_receive(rx, buf, 100) == 5 &&
	   !memcmp(buf, "three", 5), "%s: receives, in order, an empty one too", who);
	ok(mailbox_send(tx, big, 101) == -EMSGSIZE, "%s: too long is not sent", who);
	mailbox_send(tx, "later", 5);
	ok(!mailbox_send_msg(tx, &out, MAILBOX_FOREVER) && out.ticket == 0,
	   "%s: sends with lane and tag", who);
	ok(mailbox_receive_msg(rx, &in, MAILBOX_FOREVER) == 6 && in.length == 6 &&
	   in.lane == 2 && in.tag == 77 && in.ticket == 0 &&
	   in.sender == info_of(tx).endpoint && !memcmp(buf, "tagged", 6),
	   "%s: the higher lane first, with all there is to say", who);
	in.size = 3;
	in.length = 0;
	ok(mailbox_receive_msg(rx, &in, 0) == -EMSGSIZE && in.length == 5 &&
	   mailbox_receive(rx, buf, 4) == -EMSGSIZE && info_of(rx).depth == 1,
	   "%s: one that does not fit stays", who);
	in.flags = MAILBOX_RECV_TRUNCATE;
	ok(mailbox_receive_msg(rx, &in, 0) == 3 && in.length == 5 &&
	   in.status & MAILBOX_MSG_TRUNCATED && !memcmp(buf, "lat", 3) && in.ticket == 3,
	   "%s: or is truncated if that is wanted", who);
	in.flags = 0;
	ok(mailbox_receive_msg(rx, &in, MAILBOX_NO_WAIT) == -EAGAIN &&
	   mailbox_receive_msg(rx, &in, mailbox_deadline_ms(20)) == -ETIMEDOUT,
	   "%s: nothing there", who);
	out.lane = 1;
	for (i = 0; i < SLOTS; i++)
		mailbox_send_msg(tx, &out, 0);
	ok(mailbox_send_msg(tx, &out, MAILBOX_NO_WAIT) == -EAGAIN &&
	   mailbox_send_msg(tx, &out, mailbox_deadline_ms(20)) == -ETIMEDOUT &&
	   info_of(tx).depth == SLOTS, "%s: full", who);
	out.lane = 3;
	ok(mailbox_send_msg(tx, &out, 0) == -EINVAL, "%s: no such lane", who);
	out.lane = 1;
	out.flags = 1U << 31;
	in.flags = 1U << 31;
	ok(mailbox_send_msg(tx, &out, 0) == -EINVAL &&
	   mailbox_receive_msg(rx, &in, 0) == -EINVAL, "%s: no such flag", who);
	mailbox_set_lanes(rx, 1 << 2, 0);
	in.flags = 0;
	ok(mailbox_receive_msg(rx, &in, 0) == -EAGAIN, "%s: not from lanes that it left out", who);
	mailbox_set_lanes(rx, ~0U, 0);
	mailbox_set_lanes(tx, ~0U, 2);
	ok(!mailbox_send(tx, "two", 3) && mailbox_receive_msg(rx, &in, 0) == 3 && in.lane == 2,
	   "%s: sends on its default lane", who);
	mailbox_delete(PORT, 0);
	ok(mailbox_send(tx, "no", 2) == -EIDRM, "%s: a deleted port takes nothing", who);
	in.size = 100;
	for (i = 0; mailbox_receive_msg(rx, &in, MAILBOX_FOREVER) >= 0; i++)
		;
	ok(i == SLOTS && mailbox_receive(rx, buf, 100) == -EIDRM,
	   "%s: and gives what is left", who);
	mailbox_close(tx);
	mailbox_close(rx);
	drop(mb);
}

/* A process that may do nothing but exit: any other system call kills it. */
static void no_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

static void test_no_system_call(void)
{
	struct mailbox *mb = make(2, O_RDWR);
	pid_t pid = fork();

	if (!pid) {
		struct mailbox *own = join(true);
		struct mailbox_msg msg = { .lane = 1, .data = "up", .length = 2 };
		char buf[100];
		int i, wrong = 0;

		no_system_calls();
		for (i = 0; i < 100; i++) {
			wrong |= mailbox_send(own, &i, sizeof(i));
			wrong |= mailbox_send_msg(own, &msg, MAILBOX_FOREVER);
			wrong |= mailbox_receive(own, buf, sizeof(buf)) != 2;
			wrong |= mailbox_receive(own, buf, sizeof(buf)) != sizeof(i);
			wrong |= memcmp(buf, &i, sizeof(i));
			wrong |= mailbox_reserve(own, &msg, 0);
			msg.length = 1;
			wrong |= mailbox_submit(own, &msg);
			wrong |= mailbox_peek(own, &msg, 0) || mailbox_release(own, &msg);
			msg = (struct mailbox_msg){ .lane = 1, .data = "up", .length = 2 };
			wrong |= mailbox_receive_msg(own, &msg, MAILBOX_NO_WAIT) != -EAGAIN;
			msg = (struct mailbox_msg){ .lane = 1, .data = "up", .length = 2 };
		}
		_exit(wrong ? 1 : 0);
	}
	ok(result(pid) == 0, "300 messages without one system call");
	ok(info_of(mb).messages_sent == 300 && info_of(mb).messages_received == 300,
	   "which the kernel has counted");
	drop(mb);
}

static void test_nonblock(void)
{
	struct mailbox *mb = make(1, O_RDWR | O_NONBLOCK);
	char c;
	int i;

	mailbox_map(mb);
	ok(mailbox_receive(mb, &c, 1) == -EAGAIN, "non-blocking and empty");
	for (i = 0; i < SLOTS; i++)
		mailbox_send(mb, "x", 1);
	ok(mailbox_send(mb, "x", 1) == -EAGAIN, "non-blocking and full");
	drop(mb);
}

static void echo(struct mailbox *mb, int rounds)
{
	struct mailbox_msg msg;
	char buf[100];
	int i;

	mailbox_set_lanes(mb, 1 << 0, 1);
	for (i = 0; i < rounds; i++) {
		msg = (struct mailbox_msg){ .data = buf, .size = sizeof(buf) };
		if (mailbox_receive_msg(mb, &msg, MAILBOX_FOREVER) != sizeof(i) ||
		    mailbox_send(mb, buf, msg.length))
			_exit(1);
	}
	_exit(0);
}

/* Each sleeps, or spins, until the other has sent. */
static void test_ping_pong(bool map_one, bool map_other)
{
	struct mailbox *mb = make(2, O_RDWR);
	int rounds = 2000, i, got, wrong = 0;
	pid_t pid = fork();

	if (!pid)
		echo(join(map_one), rounds);
	if (map_other)
		mailbox_map(mb);
	mailbox_set_lanes(mb, 1 << 1, 0);
	for (i = 0; i < rounds && !wrong; i++)
		wrong = mailbox_send(mb, &i, sizeof(i)) ||
			mailbox_receive(mb, &got, sizeof(got)) != sizeof(got) || got != i;
	ok(!wrong && result(pid) == 0, "%d rounds, one %s, the other %s", rounds,
	   map_one ? "mapped" : "plain", map_other ? "mapped" : "plain");
	drop(mb);
}

/* The same by one call for each turn. */
static void echo_by_turns(struct mailbox *mb, int rounds)
{
	char buf[100];
	struct mailbox_msg out = { .data = buf, .lane = 1 };
	struct mailbox_msg in = { .data = buf, .size = sizeof(buf) };
	int pending = 0, length;

	mailbox_set_lanes(mb, 1 << 0, 1);
	while (rounds--) {
		length = mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER);
		if (length < 0 || pending)
			_exit(1);
		out.length = length;
		pending = 1;
	}
	_exit(mailbox_send_msg(mb, &out, MAILBOX_FOREVER) ? 1 : 0);
}

static void test_turns(bool map_one, bool map_other)
{
	struct mailbox *mb = make(2, O_RDWR);
	int rounds = 2000, pending, i, got = 0, wrong = 0;
	struct mailbox_msg out = { .data = &i, .length = sizeof(i) };
	struct mailbox_msg in = { .data = &got, .size = sizeof(got) };
	pid_t pid = fork();

	if (!pid)
		echo_by_turns(join(map_one), rounds);
	if (map_other)
		mailbox_map(mb);
	mailbox_set_lanes(mb, 1 << 1, 0);
	for (i = 0; i < rounds && !wrong; i++) {
		pending = 1;
		wrong = mailbox_send_receive(mb, &out, mb, &in, &pending, MAILBOX_FOREVER) !=
			sizeof(got) || got != i || pending || in.lane != 1;
	}
	ok(!wrong && result(pid) == 0, "%d turns by one call each, one %s, the other %s", rounds,
	   map_one ? "mapped" : "plain", map_other ? "mapped" : "plain");
	drop(mb);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A mapped process asleep, in a call that finds nothing or no room; signalled. */
static void test_signal(bool sends, int flags)
{
	struct mailbox *mb = make(1, O_RDWR);
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	const char *what = sends ? "sender" : "receiver";
	pid_t pid;
	int i;

	for (i = 0; sends && i < SLOTS; i++)
		mailbox_send(mb, "full", 4);
	pid = fork();
	if (!pid) {
		struct mailbox *own = join(true);
		char buf[100];
		int ret;

		sigaction(SIGUSR1, &action, NULL);
		ret = sends ? mailbox_send(own, "late", 4) :
			      mailbox_receive(own, buf, sizeof(buf));
		_exit(ret < 0 ? -ret : 0);
	}
	for (i = 0; i < 20; i++) {
		await((sends ? info_of(mb).waiting_senders : info_of(mb).waiting_receivers) == 1);
		kill(pid, SIGUSR1);
		if (!(flags & SA_RESTART))
			break;
	}
	if (flags & SA_RESTART) {
		char buf[100];

		if (sends)
			mailbox_receive(mb, buf, sizeof(buf));
		else
			mailbox_send(mb, "late", 4);
		ok(result(pid) == 0 && info_of(mb).depth == (sends ? SLOTS : 0),
		   "a mapped %s goes on after signals with SA_RESTART", what);
	} else {
		ok(result(pid) == EINTR && info_of(mb).depth == (sends ? SLOTS : 0),
		   "a signal ends a mapped %s's sleep, and nothing happened", what);
	}
	drop(mb);
}

static void test_in_place(void)
{
	struct mailbox *mb = make(2, O_RDWR), *rx = join(true), *plain = join(false);
	struct mailbox_msg out = { .lane = 1, .tag = 5 }, in = { 0 }, late = { 0 };
	char buf[100];
	pid_t pid;

	mailbox_map(mb);
	ok(!mailbox_reserve(mb, &out, 0) && out.size == 100 && out.lane == 1 && out.ticket == 0,
	   "reserve gives a place");
	memcpy(out.data, "in place", 8);
	ok(info_of(mb).depth == 0 && mailbox_peek(rx, &in, 0) == -EAGAIN, "nothing is sent yet");
	out.length = 101;
	ok(mailbox_submit(mb, &out) == -EMSGSIZE, "submit of too much");
	out.length = 8;
	ok(!mailbox_submit(mb, &out), "submit");
	ok(!mailbox_peek(rx, &in, 0) && in.length == 8 && in.size == 8 && in.tag == 5 &&
	   in.lane == 1 && !memcmp(in.data, "in place", 8), "peek shows it where it is");
	ok(info_of(mb).depth == 0 && info_of(mb).messages_received == 0, "in hand, not received");
	ok(!mailbox_release(rx, &in) && info_of(mb).messages_received == 1, "release finishes it");

	out = (struct mailbox_msg){ .lane = MAILBOX_LANE_DEFAULT };
	ok(!mailbox_reserve(mb, &out, 0) && out.lane == 0, "reserve on the default lane");
	mailbox_send(plain, "behind", 6);
	ok(mailbox_receive_msg(plain, &(struct mailbox_msg){ .data = buf, .size = 100 }, 0) == -EAGAIN,
	   "what is behind a reserved place waits");
	ok(!mailbox_discard(mb, &out) && mailbox_receive(plain, buf, 100) == 6 &&
	   info_of(mb).messages_sent == 2, "until it is discarded");

	while (!mailbox_send_msg(plain, &(struct mailbox_msg){ .data = "f", .length = 1 }, 0))
		;
	pid = fork();
	if (!pid) {
		struct mailbox *own = join(true);
		struct mailbox_msg msg = { .lane = 0 };

		if (mailbox_reserve(own, &msg, MAILBOX_FOREVER))
			_exit(1);
		memcpy(msg.data, "slept", 5);
		msg.length = 5;
		_exit(mailbox_submit(own, &msg) ? 1 : 0);
	}
	await(info_of(mb).waiting_senders == 1);
	while (mailbox_receive(rx, buf, 100) == 1)
		;
	ok(!memcmp(buf, "slept", 5) && result(pid) == 0, "reserve sleeps for a place");

	pid = fork();
	if (!pid) {
		struct mailbox *own = join(true);
		struct mailbox_msg msg = { 0 };

		_exit(mailbox_peek(own, &msg, MAILBOX_FOREVER) || msg.length != 4 ||
		      memcmp(msg.data, "wake", 4) || mailbox_release(own, &msg));
	}
	await(info_of(mb).waiting_receivers == 1);
	ok(!mailbox_send(mb, "wake", 4) && result(pid) == 0, "peek sleeps for a message");
	ok(mailbox_peek(rx, &late, mailbox_deadline_ms(20)) == -ETIMEDOUT, "or until a deadline");
	mailbox_close(rx);
	mailbox_close(plain);
	drop(mb);
}

static void test_fork(void)
{
	struct mailbox *mb = make(1, O_RDWR);
	char buf[100];
	pid_t pid;

	mailbox_map(mb);
	pid = fork();
	if (!pid)
		_exit(mailbox_send(mb, "child", 5) || mailbox_map(mb) != -EBUSY ||
		      mailbox_receive(mb, buf, 100) != 5);
	ok(result(pid) == 0, "a forked child goes on by system calls");
	ok(!mailbox_send(mb, "parent", 6) && mailbox_receive(mb, buf, 100) == 6 &&
	   info_of(mb).mappings == 1, "the parent through its mapping");
	drop(mb);
}

static void test_death(void)
{
	struct mailbox *mb = make(1, O_RDWR);
	struct mailbox_msg in = { 0 };
	char buf[100];
	pid_t pid;
	int i;

	mailbox_map(mb);
	mailbox_send(mb, "first", 5);
	mailbox_send(mb, "second", 6);
	for (i = 1; i <= 2; i++) {
		pid = fork();
		if (!pid) {
			struct mailbox *own = join(true);
			struct mailbox_msg msg = { 0 };

			if (mailbox_peek(own, &msg, MAILBOX_FOREVER))
				_exit(1);
			if (mailbox_reserve(own, &msg, 0))
				_exit(2);
			raise(SIGKILL);
		}
		ok(result(pid) == 128 + SIGKILL, "death %d with a message and a place in hand", i);
	}
	in.data = buf;
	in.size = sizeof(buf);
	ok(mailbox_receive_msg(mb, &in, 0) == 5 && !memcmp(buf, "first", 5) &&
	   in.status & MAILBOX_MSG_REDELIVERED && in.status >> MAILBOX_MSG_DEPARTED_SHIFT == 2,
	   "the message comes again, first, and tells how often");
	ok(mailbox_receive_msg(mb, &in, 0) == 6 && !(in.status & MAILBOX_MSG_REDELIVERED),
	   "the next as if nothing had been");
	for (i = 0; i < SLOTS; i++)
		mailbox_send(mb, "x", 1);
	ok(info_of(mb).depth == SLOTS && info_of(mb).redelivered == 2, "no place is lost");
	ok(!mailbox_peek(mb, &in, 0) && mailbox_release(mb, &in) == 0 && info_of(mb).depth == SLOTS - 1,
	   "and all goes on");

	/* What a departed one leaves can be read in place too. */
	pid = fork();
	if (!pid) {
		struct mailbox *own = join(true);

		mailbox_peek(own, &in, 0);
		raise(SIGKILL);
	}
	result(pid);
	ok(!mailbox_peek(mb, &in, 0) && in.length == 1 && *(char *)in.data == 'x' &&
	   in.status & MAILBOX_MSG_REDELIVERED, "in place too");
	mailbox_release(mb, &in);
	drop(mb);
}

/* Several at once */

#define BATCH	3

static void test_batch(bool map_sender, bool map_receiver)
{
	struct mailbox *mb = make(2, O_RDWR);
	struct mailbox *tx = join(map_sender), *rx = join(map_receiver);
	struct mailbox_msg out[BATCH], in[2 * SLOTS];
	char text[2 * SLOTS][100], big[101] = "";
	const char *who = map_sender ? map_receiver ? "mapped to mapped" : "mapped to plain"
				     : map_receiver ? "plain to mapped" : "plain to plain";
	int i, n, wrong = 0;

	for (i = 0; i < 2 * SLOTS; i++)
		in[i] = (struct mailbox_msg){ .data = text[i], .size = sizeof(text[i]) };
	for (i = 0; i < BATCH; i++)
		out[i] = (struct mailbox_msg){ .data = "abcdef" + i, .length = 6 - i, .tag = i };
	ok(mailbox_send_batch(tx, out, BATCH, 0) == BATCH && info_of(tx).depth == BATCH &&
	   out[2].ticket == 2, "%s: sends a batch", who);
	ok(mailbox_receive(rx, text[0], 100) == 6 && !memcmp(text[0], "abcdef", 6) &&
	   info_of(tx).depth == BATCH - 1, "%s: one of it is received alone", who);
	ok(mailbox_receive_batch(rx, in, 2 * SLOTS, MAILBOX_FOREVER) == 2 && in[0].tag == 1 &&
	   in[1].tag == 2 && in[1].ticket == 2 && in[1].length == 4 &&
	   in[1].sender == info_of(tx).endpoint && !memcmp(text[1], "cdef", 4),
	   "%s: the rest at once", who);
	ok(mailbox_receive_batch(rx, in, SLOTS, 0) == -EAGAIN &&
	   mailbox_receive_batch(rx, in, 0, 0) == 0 && mailbox_send_batch(tx, out, 0, 0) == 0,
	   "%s: nothing there, and nothing wanted", who);
	ok(mailbox_send_batch(tx, out, BATCH, 0) == BATCH &&
	   mailbox_send_batch(tx, out, BATCH, 0) == SLOTS - BATCH &&
	   mailbox_send_batch(tx, out, BATCH, 0) == -EAGAIN, "%s: as many as there is room for", who);
	ok(mailbox_receive_batch(rx, in, 2, 0) == 2 && mailbox_receive_batch(rx, in, 2, 0) == 2 &&
	   in[0].tag == 2 && in[1].tag == 0, "%s: as many as are wanted", who);
	out[1].lane = 1;
	ok(mailbox_send_batch(tx, out, BATCH, 0) == BATCH &&
	   mailbox_receive_batch(rx, in, SLOTS, 0) == BATCH && in[0].lane == 1 && in[0].tag == 1 &&
	   in[1].tag == 0 && in[2].tag == 2, "%s: over several lanes", who);
	out[1] = (struct mailbox_msg){ .data = big, .length = 101 };
	ok(mailbox_send_batch(tx, out, BATCH, 0) == 1 &&
	   mailbox_send_batch(tx, out + 1, 1, 0) == -EMSGSIZE, "%s: up to one that is too long", who);
	out[1] = (struct mailbox_msg){ .data = "long", .length = 4 };
	mailbox_send_batch(tx, out + 1, 2, 0);
	in[1].size = 3;
	ok(mailbox_receive_batch(rx, in, SLOTS, 0) == 1 &&
	   mailbox_receive_batch(rx, in + 1, 1, 0) == -EMSGSIZE && in[1].length == 4,
	   "%s: up to one that does not fit", who);
	in[1].size = 100;
	ok(mailbox_receive_batch(rx, in, SLOTS, 0) == 2 && info_of(rx).depth == 0,
	   "%s: which was left in its place", who);
	for (i = 0; i < 50 && !wrong; i++) {	/* across the end of the array, at every place */
		n = 1 + i % BATCH;
		wrong = mailbox_send_batch(tx, out, n, 0) != n ||
			mailbox_receive_batch(rx, in, SLOTS, 0) != n;
	}
	ok(!wrong && info_of(rx).messages_sent == info_of(rx).messages_received, "%s: lap after lap",
	   who);
	mailbox_close(tx);
	mailbox_close(rx);
	drop(mb);
}

/* Many at once; each message is a sender's number and its own. */

#define EACH	3000
#define MANY	4

static void send_all(uint32_t who, bool map)
{
	struct mailbox *mb = join(map);
	uint32_t m[2] = { who };

	for (m[1] = 0; m[1] < EACH; m[1]++)
		if (mailbox_send(mb, m, sizeof(m)))
			_exit(1);
	_exit(0);
}

/* The same by batches of 1, 2, 3. */
static void send_all_batched(uint32_t who)
{
	struct mailbox *mb = join(true);
	uint32_t m[BATCH][2], next = 0, n, i;
	struct mailbox_msg msgs[BATCH];

	while (next < EACH) {
		n = 1 + next % BATCH;
		for (i = 0; i < n && next < EACH; i++, next++) {
			m[i][0] = who;
			m[i][1] = next;
			msgs[i] = (struct mailbox_msg){ .data = m[i], .length = sizeof(m[i]) };
		}
		if (mailbox_send_batch(mb, msgs, i, MAILBOX_FOREVER) != (int)i)
			_exit(1);
	}
	_exit(0);
}

static void note(uint8_t *seen, uint32_t *last, const uint32_t *m)
{
	if (m[0] >= MANY || m[1] >= EACH || (m[1] && m[1] < last[m[0]]))
		_exit(1);
	last[m[0]] = m[1];
	__atomic_fetch_add(&seen[m[0] * EACH + m[1]], 1, __ATOMIC_RELAXED);
}

static void receive_all(uint8_t *seen, bool map)
{
	struct mailbox *mb = join(map);
	uint32_t m[2], last[MANY] = { 0 };

	while (mailbox_receive(mb, m, sizeof(m)) == sizeof(m))
		note(seen, last, m);
	_exit(0);
}

static void receive_all_batched(uint8_t *seen)
{
	uint32_t m[BATCH][2], last[MANY] = { 0 };
	struct mailbox *mb = join(true);
	struct mailbox_msg msgs[BATCH];
	int i, n;

	do {
		for (i = 0; i < BATCH; i++)
			msgs[i] = (struct mailbox_msg){ .data = m[i], .size = sizeof(m[i]) };
		n = mailbox_receive_batch(mb, msgs, BATCH, MAILBOX_FOREVER);
		for (i = 0; i < n; i++)
			note(seen, last, m[i]);
	} while (n > 0);
	_exit(n == -EIDRM ? 0 : 1);
}

static void test_many(bool batches)
{
	uint8_t *seen = mmap(NULL, MANY * EACH, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct mailbox *mb = make(1, O_RDWR);
	pid_t tx[MANY], rx[MANY];
	int i, wrong = 0;

	for (i = 0; i < MANY; i++) {
		rx[i] = fork();
		if (!rx[i] && batches && i % 2)
			receive_all_batched(seen);
		if (!rx[i])
			receive_all(seen, i % 2);
		tx[i] = fork();
		if (!tx[i] && batches && i / 2 % 2)
			send_all_batched(i);
		if (!tx[i])
			send_all(i, i / 2 % 2);
	}
	for (i = 0; i < MANY; i++)
		wrong |= result(tx[i]);
	await(info_of(mb).endpoints == MANY + 1);
	mailbox_delete(PORT, 0);
	for (i = 0; i < MANY; i++)
		wrong |= result(rx[i]);
	ok(!wrong, "%d senders and %d receivers, half of them mapped%s", MANY, MANY,
	   batches ? ", with batches" : "");
	for (i = 0; i < MANY * EACH && seen[i] == 1; i++)
		;
	ok(i == MANY * EACH, "each of %d messages came once, in order", MANY * EACH);
	munmap(seen, MANY * EACH);
	drop(mb);
}

/* poll tells of what comes through the mapping. */
static void test_poll(void)
{
	struct mailbox *mb = make(1, O_RDWR), *rx = join(true);
	struct pollfd fd = { .fd = mailbox_fd(rx), .events = POLLIN };
	char buf[100];
	pid_t pid;
	int i;

	mailbox_map(mb);
	ok(poll(&fd, 1, 0) == 0, "poll: nothing");
	mailbox_send(mb, "x", 1);
	ok(poll(&fd, 1, -1) == 1 && mailbox_receive(rx, buf, 100) == 1, "poll: there before");
	pid = fork();
	if (!pid) {
		struct mailbox *own = join(true);

		for (i = 0; i < 200; i++)
			mailbox_send(own, &i, sizeof(i));
		_exit(0);
	}
	for (i = 0; i < 200; ) {
		if (poll(&fd, 1, 60000) != 1)
			break;
		while (mailbox_receive_msg(rx, &(struct mailbox_msg){ .data = buf, .size = 100 }, 0) == 4)
			i++;
	}
	ok(i == 200 && result(pid) == 0, "poll: 200 messages of a mapped sender");
	mailbox_close(rx);
	drop(mb);
}

/* The command's test: a process that maps PORT and stops for ever with something in hand. */
static int hold(const char *port, const char *what)
{
	struct mailbox *mb = mailbox_open(port, O_RDWR);
	struct mailbox_msg msg = { 0 };

	if (!mb || mailbox_map(mb))
		return 1;
	if (!strcmp(what, "place") ? mailbox_reserve(mb, &msg, 0) : mailbox_peek(mb, &msg, 0))
		return 2;
	printf("%u\n", info_of(mb).endpoint);
	fflush(stdout);
	pause();
	return *(char *)msg.data;
}

static sigjmp_buf jump;

static void on_sigbus(int sig)
{
	siglongjmp(jump, sig);
}

/* Evicted with a place and a message in hand; then on by system calls. */
static int evicted(int in, int out)
{
	struct mailbox *own = join(true);
	struct mailbox_msg place = { .length = 1 }, msg = { 0 };
	uint32_t endpoint = info_of(own).endpoint;
	char byte;

	signal(SIGBUS, on_sigbus);
	if (mailbox_peek(own, &msg, 0) || mailbox_reserve(own, &place, 0))
		return 1;
	if (write(out, &endpoint, sizeof(endpoint)) != sizeof(endpoint) || read(in, &byte, 1) != 1)
		return 2;
	if (!sigsetjmp(jump, 1)) {
		mailbox_submit(own, &place);
		return 3;
	}
	mailbox_unmap(own);
	if (mailbox_map(own) != -ESHUTDOWN)
		return 4;
	return mailbox_send(own, "calls", 5) ? 5 : 0;
}

static void test_evict(void)
{
	struct mailbox *mb = make(1, O_RDWR);
	struct mailbox_msg in = { .data = &(char [100]){ 0 }, .size = 100 };
	struct mailbox_holder *holders;
	uint32_t endpoint = 0;
	int to[2], from[2];
	pid_t pid;

	ok(mailbox_holders(PORT, &holders) == 0 && !holders, "nobody maps the port");
	ok(mailbox_holders("no-such-port", &holders) == -ENOENT && !holders, "no port, no holders");
	mailbox_map(mb);
	mailbox_send(mb, "work", 4);
	if (pipe(to) || pipe(from))
		exit(1);
	pid = fork();
	if (!pid)
		_exit(evicted(to[0], from[1]));
	ok(read(from[0], &endpoint, sizeof(endpoint)) == sizeof(endpoint), "a process holds two slots");
	ok(mailbox_holders(PORT, &holders) == 2 && holders[0].endpoint == info_of(mb).endpoint &&
	   holders[0].pid == (uint32_t)getpid() && !holders[0].writing && !holders[0].reading,
	   "holders tells of us");
	ok(holders && holders[1].endpoint == endpoint && holders[1].pid == (uint32_t)pid &&
	   holders[1].uid == 0 && holders[1].writing == 1 && holders[1].reading == 1 &&
	   !holders[1].blocks_ns, "and of the other");
	free(holders);
	ok(mailbox_evict(PORT, endpoint) == 0 && info_of(mb).mappings == 1, "it is evicted");
	ok(mailbox_evict(PORT, endpoint) == -ESRCH, "once");
	ok(mailbox_evict("no-such-port", 1) == -ENOENT, "not from a port that is not there");
	ok(mailbox_receive_msg(mb, &in, 0) == 4 && in.status & MAILBOX_MSG_REDELIVERED,
	   "its message comes to us");
	ok(write(to[1], "x", 1) == 1 && result(pid) == 0,
	   "it gets a SIGBUS, is not mapped again, and goes on by system calls");
	ok(mailbox_receive_msg(mb, &in, 0) == 5 && !memcmp(in.data, "calls", 5),
	   "as we see, and nothing of what it had reserved");
	drop(mb);
}

/* By system call alone: the ioctl, as of another program. */
static long send_wanting_receipt(struct mailbox *mb)
{
	struct mailbox_message m = {
		.size = sizeof(m), .flags = MAILBOX_SEND_RECEIPT, .data = (uintptr_t)"x", .length = 1,
	};

	return ioctl(mailbox_fd(mb), MAILBOX_IOC_SEND, &m);
}

/* Who received the oldest message that was received; 0: nobody knows, -1: none was. */
static int receiver_told(struct mailbox *mb)
{
	struct mailbox_receipt r = { .size = sizeof(r) };

	return ioctl(mailbox_fd(mb), MAILBOX_IOC_RECEIPT, &r) ? -1 : (int)r.receiver;
}

static void test_receipts(void)
{
	struct mailbox *mb = make(1, O_RDWR), *tx = join(false), *rx = join(true);
	int me = info_of(rx).endpoint, i;
	struct mailbox_msg msg[4], one = { 0 };
	char buf[4][8];

	ok(!send_wanting_receipt(tx) && mailbox_receive(rx, buf[0], 8) == 1 &&
	   receiver_told(tx) == me, "a mapped receiver lets the kernel write the receipt");
	ok(!send_wanting_receipt(tx) && !mailbox_peek(rx, &one, 0) && receiver_told(tx) == me &&
	   !mailbox_release(rx, &one), "in place too");
	for (i = 0; i < 4; i++)
		msg[i] = (struct mailbox_msg){ .data = buf[i], .size = 8 };
	ok(!mailbox_send(tx, "a", 1) && !send_wanting_receipt(tx) && !mailbox_send(tx, "b", 1) &&
	   mailbox_receive_batch(rx, msg, 4, 0) == 3 && receiver_told(tx) == me &&
	   receiver_told(tx) == -1, "and in the middle of a batch");
	mailbox_close(tx);
	mailbox_close(rx);
	drop(mb);
}

/* What a worker could not do, seen by one who maps. */
static void test_given_back(void)
{
	struct mailbox *mb = make(1, O_RDWR), *worker = join(false), *rx = join(true);
	char buf[8];
	struct mailbox_message m = {
		.size = sizeof(m), .flags = MAILBOX_RECV_LEASE, .data = (uintptr_t)buf,
		.length = sizeof(buf),
	};
	struct mailbox_msg msg = { 0 };

	ok(!mailbox_send(mb, "job", 3) && !ioctl(mailbox_fd(worker), MAILBOX_IOC_RECEIVE, &m),
	   "a worker takes a job");
	mailbox_close(worker);
	ok(!mailbox_peek(rx, &msg, 0) && msg.length == 3 && !memcmp(msg.data, "job", 3) &&
	   msg.status & MAILBOX_MSG_REDELIVERED, "and dies: it can be peeked at");
	ok(mailbox_peek(rx, &(struct mailbox_msg){ 0 }, 0) == -EAGAIN && !mailbox_release(rx, &msg) &&
	   info_of(mb).messages_received == 1, "once, and is done when it is released");
	mailbox_close(rx);
	drop(mb);
}

static void test_drops(void)
{
	struct mailbox_attr attr = {
		.message_size = 8, .capacity = 2, .flags = MAILBOX_DROP_OLDEST,
	};
	struct mailbox *mb = mailbox_create(NULL, &attr, O_RDWR | O_NONBLOCK);
	char buf[8];

	ok(!mailbox_map(mb) && !mailbox_send(mb, "a", 1) && !mailbox_send(mb, "b", 1) &&
	   !mailbox_send(mb, "c", 1), "a mapped sender does not wait at a port that drops");
	ok(mailbox_receive(mb, buf, 8) == 1 && buf[0] == 'b' && info_of(mb).messages_dropped == 1,
	   "the oldest is gone");
	mailbox_close(mb);
}

static bool send_letters(struct mailbox *mb, const char *letters)
{
	for (; *letters; letters++)
		if (mailbox_send(mb, letters, 1))
			return false;
	return true;
}

/* What the kernel dropped the mapping is told all the same, with the next message. */
static void test_lost(uint32_t flags)
{
	struct mailbox_attr attr = { .message_size = 8, .capacity = 2, .flags = flags };
	struct mailbox *mb = mailbox_create(NULL, &attr, O_RDWR | O_NONBLOCK);
	struct mailbox *tx = mailbox_reopen(mb, O_RDWR | O_NONBLOCK);
	struct mailbox_msg two[2] = { 0 }, msg = { 0 };
	char buf[2][8];

	msg.data = buf[0];
	msg.size = 8;
	two[0].data = buf[0];
	two[1].data = buf[1];
	two[0].size = 8;
	two[1].size = 8;
	ok(!mailbox_map(mb) && !mailbox_map(tx) && send_letters(tx, "abcde"),
	   "a mapped sender drops three");
	ok(mailbox_receive_msg(mb, &msg, 0) == 1 && msg.lost == 3, "a mapped receiver is told how many");
	ok(mailbox_receive_msg(mb, &msg, 0) == 1 && !msg.lost, "once");
	ok(send_letters(tx, "abcd") && mailbox_receive(mb, buf[0], 8) == 1 &&
	   mailbox_receive_msg(mb, &msg, 0) == 1 && msg.lost == 2, "not who does not ask for it");
	ok(send_letters(tx, "abcd") && mailbox_receive_batch(mb, two, 2, 0) == 2 &&
	   two[0].lost == 2 && !two[1].lost, "of several messages with the first");
	memset(&msg, 0, sizeof(msg));
	ok(send_letters(tx, "abcd") && !mailbox_peek(mb, &msg, 0) && msg.lost == 2 &&
	   msg.length == 1 && !mailbox_release(mb, &msg), "in place");
	ok(!mailbox_peek(mb, &msg, 0) && !msg.lost && !mailbox_release(mb, &msg), "once");
	mailbox_close(tx);
	mailbox_close(mb);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "hold"))
		return hold(argv[2], argv[3]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(300);
	mailbox_delete(PORT, MAILBOX_DELETE_PURGE);
	test_mapping();
	test_messages(false, false);
	test_messages(false, true);
	test_messages(true, false);
	test_messages(true, true);
	test_no_system_call();
	test_nonblock();
	test_ping_pong(true, true);
	test_ping_pong(true, false);
	test_ping_pong(false, true);
	test_turns(false, false);
	test_turns(true, true);
	test_turns(true, false);
	test_turns(false, true);
	test_signal(false, 0);
	test_signal(false, SA_RESTART);
	test_signal(true, 0);
	test_signal(true, SA_RESTART);
	test_in_place();
	test_fork();
	test_death();
	test_evict();
	test_poll();
	test_batch(false, false);
	test_batch(false, true);
	test_batch(true, false);
	test_batch(true, true);
	test_receipts();
	test_given_back();
	test_drops();
	test_lost(MAILBOX_DROP_OLDEST);
	test_lost(MAILBOX_DROP_NEWEST);
	test_lost(MAILBOX_DROP_NEWEST | MAILBOX_DIRECT);
	test_many(false);
	test_many(true);
	return done();
}
