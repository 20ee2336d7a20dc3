// SPDX-License-Identifier: GPL-2.0
/*
 * Who sent a message: the process that opened the sending endpoint.
 */
#include "mailbox_test.h"

#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/socket.h>

#define OVERFLOW_ID	65534U

/* Receives one message that must be there; its identity members are poisoned before. */
static struct mailbox_message take(int fd)
{
	char in[FIXTURE_MESSAGE];
	struct mailbox_message m = message(.data = address(in), .length = sizeof(in));
	long ret = receive_message(fd, &m);

	if (ret) {
		fprintf(stderr, "# receive: %ld\n", ret);
		memset(&m, POISON, sizeof(m));
	}
	return m;
}

/* Sends a descriptor through a socket, or takes one from it. */
static long pass(int socket, int fd)
{
	char byte = 'x', space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return result(sendmsg(socket, &msg, 0));
}

static int passed(int socket)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EINVAL;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* The ports of the fixture are for everybody. */
static void __attribute__((constructor)) no_umask(void)
{
	umask(0);
}

/* Who it is. */

TEST_F(port, message_names_the_process_that_opened)
{
	struct mailbox_message m;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	m = take(self->rx);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(geteuid(), m.uid);
	EXPECT_EQ(getegid(), m.gid);
}

TEST_F(port, sender_is_the_endpoint_in_info)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(1, put_text(self->both, "x"));
	EXPECT_EQ(info_of(self->tx).endpoint, take(self->rx).sender);
	EXPECT_EQ(info_of(self->both).endpoint, take(self->rx).sender);
}

TEST_F(port, send_and_write_name_the_same_sender)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_EQ(0, send_on(self->tx, 0, "x"));
	EXPECT_EQ(info_of(self->tx).endpoint, take(self->rx).sender);
	EXPECT_EQ(info_of(self->tx).endpoint, take(self->rx).sender);
}

TEST_F(port, a_copy_of_the_descriptor_is_the_same_sender)
{
	int copy = dup(self->tx);

	EXPECT_EQ(1, put_text(copy, "x"));
	EXPECT_EQ(info_of(self->tx).endpoint, take(self->rx).sender);
}

TEST_F(port, each_open_is_another_sender)
{
	int again = open_port(self->name, O_WRONLY);

	EXPECT_NE(info_of(self->tx).endpoint, info_of(again).endpoint);
	EXPECT_EQ(1, put_text(again, "x"));
	EXPECT_EQ(info_of(again).endpoint, take(self->rx).sender);
}

TEST_F(port, another_process_names_itself)
{
	struct mailbox_message m;
	pid_t child = spawn();

	if (!child) {
		become(SOMEBODY, NOBODY);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	}
	EXPECT_EQ(1, reap(child));
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(NOBODY, m.gid);
}

TEST_F(port, open_of_the_node_names_the_opener_too)
{
	struct mailbox_message m;
	pid_t child = spawn();

	if (!child) {
		become(SOMEBODY, NOBODY);
		leave(put_text(open_node(self->name, O_WRONLY), "x"));
	}
	EXPECT_EQ(1, reap(child));
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(NOBODY, m.gid);
}

TEST_F(port, create_names_the_creator)
{
	EXPECT_EQ(1, put_text(self->both, "x"));
	EXPECT_EQ(getpid(), take(self->rx).pid);
}

TEST_F(port, fork_does_not_change_the_sender)
{
	struct mailbox_message m;

	EXPECT_EQ(1, ended(
		become(SOMEBODY, NOBODY);
		leave(put_text(self->tx, "x"));
	));
	m = take(self->rx);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(0, m.gid);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
}

TEST_F(port, passing_the_descriptor_does_not_change_the_sender)
{
	struct mailbox_message m;
	int pair[2], fd;
	pid_t opener;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	opener = spawn();
	if (!opener) {
		become(SOMEBODY, NOBODY);
		leave(pass(pair[1], open_port(self->name, O_WRONLY)));
	}
	close(pair[1]);
	fd = passed(pair[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, reap(opener));
	EXPECT_EQ(1, put_text(fd, "x"));
	m = take(self->rx);
	EXPECT_EQ(opener, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(NOBODY, m.gid);
}

TEST_F(port, ids_at_the_open_count_not_those_at_the_send)
{
	struct mailbox_message m;
	pid_t child = spawn();

	if (!child) {
		int fd = open_port(self->name, O_WRONLY);

		become(SOMEBODY, NOBODY);
		leave(put_text(fd, "x"));
	}
	EXPECT_EQ(1, reap(child));
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(0, m.gid);
}

static void *send_by_thread(void *name)
{
	long ret = put_text(open_port(name, O_WRONLY), "x");

	return (void *)(ret == 1 && gettid() != getpid() ? 1L : 0L);
}

TEST_F(port, a_thread_names_its_process)
{
	pthread_t thread;
	void *sent;

	ASSERT_EQ(0, pthread_create(&thread, NULL, send_by_thread, self->name));
	ASSERT_EQ(0, pthread_join(thread, &sent));
	ASSERT_NE(NULL, sent);
	EXPECT_EQ(getpid(), take(self->rx).pid);
}

/* Effective ids. */

TEST_F(port, effective_ids_are_named_not_real_or_fs_ids)
{
	struct mailbox_message m;

	EXPECT_EQ(1, ended(
		if (setresgid(101, 102, 103) || setresuid(201, 202, 203))
			leave(90);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	));
	m = take(self->rx);
	EXPECT_EQ(202, m.uid);
	EXPECT_EQ(102, m.gid);
}

TEST_F(port, fs_ids_are_not_named)
{
	struct mailbox_message m;

	EXPECT_EQ(1, ended(
		setfsgid(101);
		setfsuid(201);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	));
	m = take(self->rx);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(0, m.gid);
}

/*
 * A program with the setuid and setgid bits, run by somebody else: this one, by
 * a copy that belongs to SOMEBODY. It finds its orders in its arguments.
 */
static bool copy_file(const char *from, const char *to, mode_t mode)
{
	char block[65536];
	ssize_t n = -1;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	while (in >= 0 && out >= 0 && (n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, n) != n)
			return false;
	close(in);
	close(out);
	return !n && !chown(to, SOMEBODY, 100) && !chmod(to, mode);
}

static void __attribute__((constructor)) as_a_setuid_program(int argc, char **argv)
{
	int fd;

	if (argc != 3 || strcmp(argv[1], "--send-to"))
		return;
	if (getuid() != NOBODY || geteuid() != SOMEBODY)
		_exit(80);
	fd = open_port(argv[2], O_WRONLY);
	if (fd < 0)
		_exit(81);
	/* Whatever it drops afterwards does not count. */
	if (setresuid(NOBODY, NOBODY, NOBODY))
		_exit(82);
	_exit(put_text(fd, "x"));
}

TEST_F(port, setuid_program_is_its_owner)
{
	struct mailbox_message m;
	char path[128];
	pid_t child;

	snprintf(path, sizeof(path), "/tmp/%s", self->name);
	ASSERT_TRUE(copy_file("/proc/self/exe", path, 06755));
	child = spawn();
	if (!child) {
		become(NOBODY, NOBODY);
		execl(path, path, "--send-to", self->name, NULL);
		leave(83);
	}
	EXPECT_EQ(1, reap(child));
	unlink(path);
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(100, m.gid);
}

/* Namespaces. */

/* A child in new namespaces, in the child 0 and as their first process. */
static pid_t spawn_in(int flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

TEST_F(port, sender_in_an_inner_pid_namespace_has_its_outer_number)
{
	pid_t child = spawn_in(CLONE_NEWPID);

	if (!child) {
		put_text(open_port(self->name, O_WRONLY), "x");
		pause();
		leave(0);
	}
	ASSERT_LT(0, child);
	EXPECT_TRUE(wait_until(info_of(self->rx).depth == 1));
	EXPECT_EQ(child, take(self->rx).pid);
	kill(child, SIGKILL);
	EXPECT_EQ(KILLED_BY(SIGKILL), reap(child));
}

TEST_F(port, sender_outside_the_receivers_pid_namespace_is_0)
{
	pid_t child;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	child = spawn_in(CLONE_NEWPID);
	if (!child) {
		struct mailbox_message m = take(self->rx);

		leave(m.pid == 0 && m.sender && m.uid == 0 ? 0 : 1);
	}
	ASSERT_LT(0, child);
	EXPECT_EQ(0, reap(child));
}

TEST_F(port, sender_in_the_receivers_pid_namespace_has_its_number_there)
{
	pid_t child = spawn_in(CLONE_NEWPID);

	if (!child) {
		int fd = open_port(self->name, O_RDWR);
		struct mailbox_message m;

		if (put_text(fd, "x") != 1)
			leave(90);
		m = take(fd);
		leave(m.pid == 1 ? 0 : 91);
	}
	ASSERT_LT(0, child);
	EXPECT_EQ(0, reap(child));
}

/* The reader's namespace counts, whoever opened the receiving endpoint. */
TEST_F(port, pid_is_that_of_the_reading_process_namespace)
{
	pid_t child = spawn_in(CLONE_NEWPID);

	if (!child) {
		int fd = open_port(self->name, O_WRONLY);

		if (put_text(fd, "x") != 1 || put_text(fd, "x") != 1)
			leave(90);
		if (take(self->rx).pid != 1)
			leave(91);
		pause();
		leave(0);
	}
	ASSERT_LT(0, child);
	EXPECT_TRUE(wait_until(info_of(self->rx).messages_received == 1));
	EXPECT_EQ(child, take(self->rx).pid);
	kill(child, SIGKILL);
	reap(child);
}

TEST_F(port, ids_outside_the_receivers_user_namespace_are_the_overflow_ids)
{
	pid_t child;

	EXPECT_EQ(1, put_text(self->tx, "x"));
	child = spawn_in(CLONE_NEWUSER);	/* nothing is mapped in it */
	if (!child) {
		struct mailbox_message m = take(self->rx);

		leave(m.uid == OVERFLOW_ID && m.gid == OVERFLOW_ID ? 0 : 1);
	}
	if (child < 0)
		SKIP(return, "no user namespaces");
	EXPECT_EQ(0, reap(child));
}

TEST_F(port, ids_are_translated_into_the_receivers_user_namespace)
{
	int pair[2];
	pid_t child;
	char path[64];
	char byte;

	EXPECT_EQ(1, ended(
		become(SOMEBODY, NOBODY);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	));
	EXPECT_EQ(1, put_text(self->tx, "x"));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	child = spawn_in(CLONE_NEWUSER);
	if (!child) {
		struct mailbox_message m;

		if (read(pair[1], &byte, 1) != 1)
			leave(90);
		m = take(self->rx);
		if (m.uid != 7 || m.gid != 8)
			leave(91);
		m = take(self->rx);
		leave(m.uid == OVERFLOW_ID && m.gid == OVERFLOW_ID ? 0 : 92);
	}
	if (child < 0)
		SKIP(return, "no user namespaces");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	EXPECT_EQ(0, spill(path, "7 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	EXPECT_EQ(0, spill(path, "8 65534 1"));
	EXPECT_EQ(1, write(pair[0], "x", 1));
	EXPECT_EQ(0, reap(child));
}

TEST_F(port, root_of_a_user_namespace_is_who_it_is_outside)
{
	struct mailbox_message m;
	int pair[2];
	pid_t child;
	char path[64], byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	child = spawn_in(CLONE_NEWUSER);
	if (!child) {
		if (read(pair[1], &byte, 1) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0))
			leave(90);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	}
	if (child < 0)
		SKIP(return, "no user namespaces");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	EXPECT_EQ(0, spill(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	EXPECT_EQ(0, spill(path, "0 100 1"));
	EXPECT_EQ(1, write(pair[0], "x", 1));
	EXPECT_EQ(1, reap(child));
	m = take(self->rx);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(100, m.gid);
}

/* Departed senders. */

TEST_F(port, identity_stays_while_messages_are_queued)
{
	struct mailbox_message m;
	__u32 id;
	int fd;

	fd = open_port(self->name, O_WRONLY);
	id = info_of(fd).endpoint;
	EXPECT_EQ(1, put_text(fd, "1"));
	EXPECT_EQ(1, put_text(fd, "2"));
	close(fd);
	m = take(self->rx);
	EXPECT_EQ(id, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	m = take(self->rx);
	EXPECT_EQ(id, m.sender);
	EXPECT_EQ(getpid(), m.pid);
}

TEST_F(port, ids_of_an_exited_sender_stay)
{
	struct mailbox_message m;
	pid_t child = spawn();

	if (!child) {
		become(SOMEBODY, NOBODY);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	}
	EXPECT_EQ(1, reap(child));
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
	EXPECT_EQ(NOBODY, m.gid);
}

TEST_F(port, identity_stays_when_the_port_is_deleted)
{
	struct mailbox_message m;
	pid_t child = spawn();

	if (!child) {
		become(SOMEBODY, NOBODY);
		leave(put_text(open_port(self->name, O_WRONLY), "x"));
	}
	EXPECT_EQ(1, reap(child));
	EXPECT_EQ(0, delete_port(self->name, 0));
	m = take(self->rx);
	EXPECT_EQ(child, m.pid);
	EXPECT_EQ(SOMEBODY, m.uid);
}

#define DEPARTED	200

TEST_F(port, two_hundred_departed_senders_are_all_told_right)
{
	const char *name = port_name("departed");
	int port = create(name, .flags = MAILBOX_AUTODELETE, .capacity = 256,
			  .message_size = 16, .mode = 0666);
	static char seen[MAILBOX_ENDPOINTS_MAX + 1];
	pid_t child[DEPARTED];
	char in[16];
	int i;

	ASSERT_LE(0, port);
	for (i = 0; i < DEPARTED; i++) {
		child[i] = spawn();
		if (!child[i]) {
			if (setresgid(2000 + i, 2000 + i, 2000 + i) ||
			    setresuid(1000 + i, 1000 + i, 1000 + i))
				leave(90);
			leave(put(open_node(name, O_WRONLY), &i, sizeof(i)));
		}
		ASSERT_EQ(sizeof(i), reap(child[i]));
	}
	EXPECT_EQ(1, info_of(port).endpoints);
	for (i = 0; i < DEPARTED; i++) {
		struct mailbox_message m = message(.data = address(in), .length = sizeof(in));
		int said;

		ASSERT_EQ(0, receive_message(port, &m));
		memcpy(&said, in, sizeof(said));
		EXPECT_EQ(i, said);
		EXPECT_EQ(child[i], m.pid);
		EXPECT_EQ(1000 + i, m.uid);
		EXPECT_EQ(2000 + i, m.gid);
		ASSERT_LE(1, m.sender);
		ASSERT_GE(MAILBOX_ENDPOINTS_MAX, m.sender);
		EXPECT_EQ(0, seen[m.sender]++);
	}
}

TEST_F(port, departed_senders_without_messages_do_not_disturb_those_with)
{
	const char *name = port_name("departed");
	int port = create(name, .flags = MAILBOX_AUTODELETE, .capacity = 4, .message_size = 16);
	struct mailbox_message m;
	__u32 id;
	int fd, i;

	ASSERT_LE(0, port);
	fd = open_port(name, O_WRONLY);
	id = info_of(fd).endpoint;
	EXPECT_EQ(1, put_text(fd, "x"));
	close(fd);
	/* Many times as many as the module keeps without need. */
	for (i = 0; i < 1000; i++) {
		fd = open_port(name, O_WRONLY);
		ASSERT_LE(0, fd);
		ASSERT_NE(id, info_of(fd).endpoint);
		close(fd);
	}
	m = take(port);
	EXPECT_EQ(id, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(0, m.uid);
}

#define SENDERS		300

/* Of three in a row the first is somebody else's: so the module's table has both in a place. */
TEST_F(port, each_of_hundreds_of_open_senders_is_told_right)
{
	struct mailbox_message m;
	int of[SENDERS], pair[2], i;
	bool other;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = spawn();
	if (!child) {
		become(SOMEBODY, NOBODY);
		for (i = 0; i < SENDERS; i += 3)
			if (pass(pair[1], open_port(self->name, O_WRONLY)) < 0)
				leave(90);
		leave(0);
	}
	for (i = 0; i < SENDERS; i++) {
		of[i] = i % 3 ? open_port(self->name, O_WRONLY) : passed(pair[0]);
		ASSERT_LE(0, of[i]);
	}
	EXPECT_EQ(0, reap(child));
	for (i = 0; i < 2 * SENDERS; i++) {
		other = i % SENDERS % 3 == 0;
		EXPECT_EQ(1, put_text(of[i % SENDERS], "x"));
		m = take(self->rx);
		EXPECT_EQ(info_of(of[i % SENDERS]).endpoint, m.sender);
		EXPECT_EQ(other ? child : getpid(), m.pid);
		EXPECT_EQ(other ? SOMEBODY : geteuid(), m.uid);
		EXPECT_EQ(other ? NOBODY : getegid(), m.gid);
		if (i >= SENDERS)
			EXPECT_EQ(0, close(of[i % SENDERS]));
	}
}

/* Endpoint ids. */

TEST_F(port, ids_are_unique_among_open_endpoints)
{
	static char seen[MAILBOX_ENDPOINTS_MAX + 1];
	int i, fd;

	for (i = 0; i < 300; i++) {
		__u32 id;

		fd = open_port(self->name, i % 3);
		ASSERT_LE(0, fd);
		id = info_of(fd).endpoint;
		ASSERT_LE(1, id);
		ASSERT_GE(MAILBOX_ENDPOINTS_MAX, id);
		EXPECT_EQ(0, seen[id]++);
	}
}

TEST_F(port, ids_are_each_ports_own)
{
	int one = create(NULL), two = create(NULL);

	EXPECT_EQ(info_of(one).endpoint, info_of(two).endpoint);
}

/* Every id has come round, but the one that a message names. */
TEST_F_TIMEOUT(port, id_is_not_used_again_while_a_message_names_it, 1200)
{
	const char *name = port_name("round");
	int port = create(name, .flags = MAILBOX_AUTODELETE, .capacity = 2, .message_size = 8);
	struct mailbox_open arg = { .size = sizeof(arg), .open_flags = O_WRONLY };
	int control = control_open(), fd;
	__u32 id, other, first, own;
	bool wrapped = false;
	__u32 i;

	if (NEEDS_PATIENCE())
		SKIP(return, PATIENCE_REASON);
	ASSERT_LE(0, port);
	strcpy(arg.name, name);
	fd = open_port(name, O_WRONLY);
	id = info_of(fd).endpoint;
	EXPECT_EQ(1, put_text(fd, "x"));
	close(fd);
	first = id;
	own = info_of(port).endpoint;
	for (i = 0; i < MAILBOX_ENDPOINTS_MAX + 100; i++) {
		ASSERT_EQ(0, ioctl(control, MAILBOX_IOC_OPEN, &arg));
		other = info_of(arg.fd).endpoint;
		close(arg.fd);
		ASSERT_NE(id, other);
		ASSERT_NE(own, other);
		wrapped |= other < first;
		first = other;
	}
	EXPECT_TRUE(wrapped);
	EXPECT_EQ(id, take(port).sender);
}

/* The trusted flag. */

TEST_F(port, sender_is_trusted)
{
	EXPECT_EQ(1, put_text(self->tx, "x"));
	EXPECT_TRUE(take(self->rx).flags & MAILBOX_MSG_TRUSTED);
}

TEST(sender_is_trusted_on_a_sealed_port)
{
	int fd = create(NULL, .flags = MAILBOX_SEALED);

	EXPECT_EQ(MAILBOX_SEALED, info_of(fd).flags);
	EXPECT_EQ(1, put_text(fd, "x"));
	EXPECT_TRUE(take(fd).flags & MAILBOX_MSG_TRUSTED);
}

TEST_F(port, senders_words_about_itself_are_ignored)
{
	struct mailbox_message m = message(.sender = 4711, .pid = 1, .uid = 12, .gid = 13);

	EXPECT_EQ(0, send_message(self->tx, &m));
	m = take(self->rx);
	EXPECT_EQ(info_of(self->tx).endpoint, m.sender);
	EXPECT_EQ(getpid(), m.pid);
	EXPECT_EQ(0, m.uid);
	EXPECT_EQ(0, m.gid);
}

TEST_HARNESS_MAIN
