// SPDX-License-Identifier: MIT
/*
 * mailbox top in a terminal, which is this program: what it draws, and that it
 * leaves the terminal as it was, however it ends. As root in a guest. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <mailbox.h>

#include "tap.h"

/* A terminal of this type, with a program in it. */
struct terminal {
	pid_t pid;
	int master, slave;
	struct termios before;
	char text[1 << 16];	/* all that was written to it */
	size_t length;
};

static struct terminal t;

static void start(const char *type, int rows, int columns, char *const argv[])
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	memset(t.text, 0, sizeof(t.text));
	t.length = 0;
	if (openpty(&t.master, &t.slave, NULL, NULL, &size) || tcgetattr(t.slave, &t.before))
		abort();
	t.pid = fork();
	if (!t.pid) {
		setsid();
		ioctl(t.slave, TIOCSCTTY, 0);
		dup2(t.slave, 0);
		dup2(t.slave, 1);
		dup2(t.slave, 2);
		if (type)
			setenv("TERM", type, 1);
		else
			unsetenv("TERM");
		execv("./mailbox", argv);
		_exit(127);
	}
}

/* Read what there is, for at most so long. Returns false if there is nothing. */
static bool take(int ms)
{
	struct pollfd pollfd = { .fd = t.master, .events = POLLIN };
	ssize_t len;

	if (t.length == sizeof(t.text) - 1)	/* the last part is what matters */
		t.length = 0;
	if (poll(&pollfd, 1, ms) != 1)
		return false;
	len = read(t.master, t.text + t.length, sizeof(t.text) - 1 - t.length);
	if (len <= 0)
		return false;
	t.length += len;
	t.text[t.length] = '\0';
	return true;
}

/* Does it write that before long? It writes something all the time. */
static bool shows(const char *text)
{
	uint64_t end = mailbox_deadline_ms(20000);

	while (!strstr(t.text, text)) {
		take(1000);
		if (mailbox_deadline_ms(1) > end)
			return false;
	}
	return true;
}

static void forget(void)
{
	t.length = 0;
	t.text[0] = '\0';
}

static void type(const char *keys)
{
	if (write(t.master, keys, strlen(keys)) < 0)
		abort();
}

static void resize(int rows, int columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (ioctl(t.master, TIOCSWINSZ, &size))
		abort();
}

/* Its exit status, or -signal; all that it wrote until then is there. */
static int end(void)
{
	int status;

	while (waitpid(t.pid, &status, WNOHANG) != t.pid)
		take(100);
	while (take(0))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool as_it_was(void)
{
	struct termios after;

	return !tcgetattr(t.slave, &after) && after.c_lflag == t.before.c_lflag &&
	       after.c_iflag == t.before.c_iflag && after.c_oflag == t.before.c_oflag;
}

static void stop(void)
{
	close(t.master);
	close(t.slave);
}

static char *const top[] = { "mailbox", "top", "-i", "0.05", "seen", "by-and-by", NULL };

#define SCREEN	"\033[?1049h"	/* an xterm's second screen, which top takes */
#define BACK	"\033[?1049l"

static void test_draws(struct mailbox *mb)
{
	char x;
	int i;

	start("xterm", 24, 80, top);
	ok(shows(SCREEN), "top takes the second screen");
	ok(shows("1 port, 1 queued, 0 leased"), "top sums up");
	ok(shows("seen") && shows("1/16]"), "a port has its row, with its depth");
	forget();
	for (i = 0; i < 15; i++)
		mailbox_send(mb, "x", 1);
	ok(shows("\033[31m"), "the bar turns red when it is full");
	while (i--)
		mailbox_receive(mb, &x, 1);
	forget();
	mailbox_create("by-and-by", NULL, O_RDONLY);	/* left open: it is of no matter */
	ok(shows("by-and-by"), "a new port appears");
	mailbox_delete("by-and-by", 0);
	forget();
	type("s");
	ok(shows("depth"), "s sorts otherwise");
	type("q");
	ok(end() == 0, "q ends top");
	ok(strstr(t.text, BACK) && as_it_was(), "and the terminal is as it was");
	stop();
}

static void test_size(void)
{
	start("xterm", 24, 100, top);
	ok(shows("DROP/s"), "a wide terminal has all columns");
	forget();
	resize(10, 40);
	ok(shows("DEPTH") && !strstr(t.text, "DROP/s"), "a narrow one has fewer");
	forget();
	resize(2, 5);
	ok(shows("by n"), "one that is much too small has something");
	forget();
	resize(24, 100);
	ok(shows("DROP/s"), "and all is there again when it is large");
	type("q");
	ok(end() == 0, "and ends as it should");
	stop();
}

static void test_signal(int number, const char *name)
{
	start("xterm", 24, 80, top);
	shows("1 port");
	if (number == SIGINT)
		type("\003");
	else
		kill(t.pid, number);
	ok(end() == 0, "%s ends top", name);
	ok(strstr(t.text, BACK) && as_it_was(), "and the terminal is as it was after %s", name);
	stop();
}

static void test_colours(void)
{
	start("xterm", 24, 80, top);
	ok(shows("\033[32m"), "there are colours on a terminal that has them");
	type("q");
	end();
	stop();
	setenv("NO_COLOR", "1", 1);
	start("xterm", 24, 80, top);
	shows("1 port");
	type("q");
	ok(end() == 0 && !strstr(t.text, "\033[32m"), "but none with NO_COLOR");
	stop();
	unsetenv("NO_COLOR");
}

static void test_types(void)
{
	static const char *const types[] = {
		"linux", "vt100", "vt220", "screen", "screen-256color", "tmux-256color",
		"xterm-256color", "rxvt", "dumb",
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		start(types[i], 24, 80, top);
		shows("port");
		type("q");
		ok(end() == 0, "a terminal of the type %s will do", types[i]);
		stop();
	}
	start("frob", 24, 80, top);
	ok(end() == 1 && strstr(t.text, "nothing known about a terminal of the type frob"),
	   "one of an unknown type will not, and is named");
	stop();
	start(NULL, 24, 80, top);
	ok(end() == 1 && strstr(t.text, "set TERM"), "nor one of no type");
	stop();
}

static void test_ends_by_itself(void)
{
	char *const twice[] = { "mailbox", "top", "-i", "0.05", "-n", "2", "seen", NULL };

	start("xterm", 24, 80, twice);
	ok(end() == 0, "--count ends top");
	ok(strstr(t.text, "1 port") && strstr(t.text, BACK), "when it has shown something");
	stop();
}

int main(void)
{
	struct mailbox *mb;

	signal(SIGHUP, SIG_IGN);
	mb = mailbox_create("seen", NULL, O_RDWR);
	if (!mb || mailbox_send(mb, "x", 1)) {
		ok(false, "a port to look at");
		return done();
	}
	test_draws(mb);
	test_size();
	test_signal(SIGINT, "Ctrl-C");
	test_signal(SIGTERM, "SIGTERM");
	test_signal(SIGHUP, "SIGHUP");
	test_colours();
	test_types();
	test_ends_by_itself();
	mailbox_close(mb);
	mailbox_delete("seen", MAILBOX_DELETE_PURGE);
	return done();
}
