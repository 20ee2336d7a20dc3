// SPDX-License-Identifier: MIT
/* mailbox top */
#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "look.h"
#include "show.h"
#include "tool.h"

static const char help[] =
"Usage: mailbox top [OPTION]... [PORT]...\n"
"Show all ports, or those named, and what goes on there: how full they are, messages\n"
"sent, received and dropped in a second, messages leased, who sleeps there, and how\n"
"old the oldest message is that is not finished: at least so old, for a message\n"
"bears no time, and is seen only since top looks. No port is opened or disturbed.\n\n"
"  -i, --interval=SECS    look every SECS (1)\n"
"  -n, --count=N          look N times, then end\n"
"  -s, --sort=WHAT        name, depth (the fullest first), rate or oldest\n"
HELP_HELP
"\nKeys: q ends; s sorts by the next of these; up, down, PgUp, PgDn, Home and End move,\n"
"right and left show the rest of names that are too long.\n"
"There are colours unless NO_COLOR is set. For a pipe there is mailbox watch.\n"
HELP_EXIT ".\n";

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	{ "sort", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

enum order { BY_NAME, BY_DEPTH, BY_RATE, BY_OLDEST, ORDERS };
static const char *const orders[ORDERS] = { "name", "depth", "rate", "oldest" };

enum colour { PLAIN, LOW, MIDDLE, HIGH };	/* and the numbers of colour pairs */

#define NAME_LEAST	8
#define BAR_LEAST	11
#define BAR_NONE	4	/* one that is narrower is not drawn */
#define BAR_MOST	42
#define CELL_SIZE	32

/* The columns between bar and edge; the first that has no room hides those behind it. */
enum column { SENT, RECEIVED, WAITING, OLDEST, LEASED, DROPPED, COLUMNS_ };

static const struct {
	const char *title;
	int width;
} columns[COLUMNS_] = {
	[SENT] = { "SENT/s", 7 }, [RECEIVED] = { "RECV/s", 7 }, [WAITING] = { "ASLEEP", 7 },
	[OLDEST] = { "OLDEST", 7 }, [LEASED] = { "LEASED", 6 }, [DROPPED] = { "DROP/s", 6 },
};

struct screen {
	const struct command *cmd;
	char **names;
	int n_names;
	struct look look;
	const struct look_port **rows;	/* those that are there, in order */
	int n_rows;
	uint64_t count;		/* looks to come */
	int interval;		/* ms */
	enum order order;
	int first;		/* row at the top */
	int shift;		/* of long names to the left */
	int longest, name_width, bar_width, n_columns;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = number;
}

static enum order to_order(const struct command *cmd, const char *text)
{
	int i;

	for (i = 0; i < ORDERS; i++)
		if (!strcmp(text, orders[i]))
			return i;
	misused(cmd, "to sort by must be name, depth, rate or oldest, not %s", text);
}

static void parse(struct screen *s, int argc, char **argv)
{
	int c;

	while ((c = next_option(s->cmd, argc, argv, ":i:n:s:h", options)) != -1) {
		if (c == 'i')
			s->interval = to_interval(s->cmd, optarg);
		else if (c == 'n')
			s->count = to_number(s->cmd, "the count", optarg, 1, UINT64_MAX);
		else if (c == 's')
			s->order = to_order(s->cmd, optarg);
	}
	s->names = argv + optind;
	s->n_names = argc - optind;
}

/* --- the rows and their order */

static const struct look *looked;	/* for qsort() */

static double fullness(const struct mailbox_info *port)
{
	return port->depth / (double)most_messages(port);
}

static double rate(const struct look_port *port)
{
	return look_rate(looked, port->now.messages_sent, port->before.messages_sent) +
	       look_rate(looked, port->now.messages_received, port->before.messages_received);
}

static int by_name(const void *a, const void *b)
{
	const struct look_port *const *left = a, *const *right = b;

	return strcmp((*left)->now.name, (*right)->now.name);
}

static int larger_first(double left, double right, const void *a, const void *b)
{
	return left > right ? -1 : left < right ? 1 : by_name(a, b);
}

static int by_depth(const void *a, const void *b)
{
	const struct look_port *const *left = a, *const *right = b;

	return larger_first(fullness(&(*left)->now), fullness(&(*right)->now), a, b);
}

static int by_rate(const void *a, const void *b)
{
	const struct look_port *const *left = a, *const *right = b;

	return larger_first(rate(*left), rate(*right), a, b);
}

static int by_oldest(const void *a, const void *b)
{
	const struct look_port *const *left = a, *const *right = b;

	return larger_first((*left)->oldest_ns, (*right)->oldest_ns, a, b);
}

static void sort_rows(struct screen *s)
{
	static int (*const compare[ORDERS])(const void *, const void *) = {
		by_name, by_depth, by_rate, by_oldest,
	};

	looked = &s->look;
	qsort(s->rows, s->n_rows, sizeof(*s->rows), compare[s->order]);
}

static int look(struct screen *s)
{
	int i, err = look_again(&s->look, s->names, s->n_names);

	if (err)
		return err;
	free(s->rows);
	s->n_rows = 0;
	s->rows = calloc(s->look.count + 1, sizeof(*s->rows));
	if (!s->rows)
		return -ENOMEM;
	for (i = 0; i < s->look.count; i++)
		if (s->look.ports[i].event != LOOK_GOES)
			s->rows[s->n_rows++] = &s->look.ports[i];
	sort_rows(s);
	return 0;
}

/* --- cells */

/* A number in five characters. */
static void show_number(char *cell, double value)
{
	static const char units[] = "KMGT";
	int unit = -1;

	if (value < 99999.5) {
		snprintf(cell, CELL_SIZE, value && value < 9.95 ? "%.1f" : "%.0f", value);
		return;
	}
	while (value >= 999.5 && unit < 3) {
		value /= 1000;
		unit++;
	}
	snprintf(cell, CELL_SIZE, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

static void show_total(char *cell, uint64_t value)
{
	if (value <= 9999)
		snprintf(cell, CELL_SIZE, "%" PRIu64, value);
	else
		show_number(cell, value < 100000 ? 100000 : value);
}

static void show_age(char *cell, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	if (!s)
		*cell = '\0';
	else if (s < 100)
		snprintf(cell, CELL_SIZE, "%" PRIu64 "s+", s);
	else if (s < 6000)
		snprintf(cell, CELL_SIZE, "%" PRIu64 "m+", s / 60);
	else if (s < 360000)
		snprintf(cell, CELL_SIZE, "%" PRIu64 "h+", s / 3600);
	else
		snprintf(cell, CELL_SIZE, "%" PRIu64 "d+", s / 86400);
}

static void show_asleep(char *cell, const struct mailbox_info *port)
{
	char send[CELL_SIZE], receive[CELL_SIZE];

	show_total(send, port->waiting_senders);
	show_total(receive, port->waiting_receivers);
	if (port->waiting_senders && port->waiting_receivers)
		snprintf(cell, CELL_SIZE, "%.12ss %.12sr", send, receive);
	else if (port->waiting_senders)
		snprintf(cell, CELL_SIZE, "%.16s send", send);
	else if (port->waiting_receivers)
		snprintf(cell, CELL_SIZE, "%.16s recv", receive);
}

static void fill_cell(char *cell, const struct screen *s, const struct look_port *port,
		      enum column column)
{
	const struct mailbox_info *now = &port->now, *before = &port->before;

	*cell = '\0';
	if (column == WAITING)
		show_asleep(cell, now);
	else if (column == LEASED && now->leased)
		show_total(cell, now->leased);
	else if (column == OLDEST && now->depth + now->leased)
		show_age(cell, port->oldest_ns);
	if (port->event == LOOK_COMES)
		return;		/* nothing to compare with */
	if (column == SENT)
		show_number(cell, look_rate(&s->look, now->messages_sent,
					    before->messages_sent));
	else if (column == RECEIVED)
		show_number(cell, look_rate(&s->look, now->messages_received,
					    before->messages_received));
	else if (column == DROPPED && now->messages_dropped)
		show_number(cell, look_rate(&s->look, now->messages_dropped,
					    before->messages_dropped));
}

/* --- the screen */

/*
 * The widths. Names get a third of the screen if they are that long, before there are
 * columns, and what is left then; the bar the rest.
 */
static void lay_out(struct screen *s)
{
	int i, longest = NAME_LEAST, left, more;

	for (i = 0; i < s->n_rows; i++)
		if ((int)strlen(s->rows[i]->now.name) > longest)
			longest = strlen(s->rows[i]->now.name);
	s->longest = longest;
	s->name_width = longest < COLS / 3 ? longest : COLS / 3;
	if (s->name_width < NAME_LEAST)
		s->name_width = NAME_LEAST;
	s->bar_width = BAR_LEAST;
	left = COLS - s->name_width - 1 - s->bar_width;
	for (i = 0; i < COLUMNS_ && left >= 1 + columns[i].width; i++)
		left -= 1 + columns[i].width;
	s->n_columns = i;
	if (left < 0) {
		s->bar_width += left;
		return;
	}
	more = longest - s->name_width < left ? longest - s->name_width : left;
	s->name_width += more;
	s->bar_width += left - more < BAR_MOST - BAR_LEAST ? left - more : BAR_MOST - BAR_LEAST;
}

/* As much as there is room for; the rest is a matter of left and right. */
static void draw_name(const struct screen *s, const char *name)
{
	int len = strlen(name), left = len - s->name_width;

	if (left < 0)
		left = 0;
	if (left > s->shift)
		left = s->shift;
	mvprintw(getcury(stdscr), 0, "%-*.*s", s->name_width, s->name_width, name + left);
	if (left)
		mvaddch(getcury(stdscr), 0, '~');
	if (len - left > s->name_width)
		mvaddch(getcury(stdscr), s->name_width - 1, '~');
	move(getcury(stdscr), s->name_width);
}

static void draw_bar(const struct mailbox_info *port, int width)
{
	double full = fullness(port);
	char text[BAR_MOST + 1], depth[CELL_SIZE], most[CELL_SIZE];
	int inner = width - 2, filled = full * inner + 0.999, len;
	enum colour colour = full >= 0.9 ? HIGH : full >= 0.5 ? MIDDLE : LOW;

	show_total(depth, port->depth);
	show_total(most, most_messages(port));
	memset(text, ' ', sizeof(text));
	memset(text, '|', filled > inner ? inner : filled);
	len = strlen(depth) + 1 + strlen(most);
	if (len <= inner)
		snprintf(text + inner - len, sizeof(text) - (inner - len), "%s/%s", depth, most);
	addch('[');
	attron(COLOR_PAIR(colour));
	addnstr(text, filled > inner ? inner : filled);
	attroff(COLOR_PAIR(colour));
	addnstr(text + filled, inner - filled);
	addch(']');
}

static void draw_row(const struct screen *s, int y, const struct look_port *port)
{
	bool warn = port->now.waiting_senders;
	char cell[CELL_SIZE];
	int i;

	move(y, 0);
	draw_name(s, port->now.name);
	if (s->bar_width < BAR_NONE)
		return;
	addch(' ');
	draw_bar(&port->now, s->bar_width);
	for (i = 0; i < s->n_columns; i++) {
		fill_cell(cell, s, port, i);
		if (i == WAITING && warn)
			attron(COLOR_PAIR(MIDDLE));
		printw(" %*s", columns[i].width, cell);
		attroff(COLOR_PAIR(MIDDLE));
	}
}

static void draw_titles(const struct screen *s, int y)
{
	int i;

	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	mvprintw(y, 0, "%-*.*s", s->name_width, s->name_width, "PORT");
	if (s->bar_width >= BAR_NONE)
		printw(" %-*.*s", s->bar_width, s->bar_width, "DEPTH");
	for (i = 0; i < s->n_columns; i++)
		printw(" %*s", columns[i].width, columns[i].title);
	attroff(A_REVERSE);
}

static void draw_sums(const struct screen *s)
{
	char sent[CELL_SIZE], received[CELL_SIZE], text[256];
	unsigned int queued = 0, leased = 0;
	double out = 0, in = 0;
	int i;

	for (i = 0; i < s->n_rows; i++) {
		const struct look_port *port = s->rows[i];

		queued += port->now.depth;
		leased += port->now.leased;
		if (port->event == LOOK_COMES)
			continue;
		in += look_rate(&s->look, port->now.messages_sent, port->before.messages_sent);
		out += look_rate(&s->look, port->now.messages_received,
				 port->before.messages_received);
	}
	show_number(sent, in);
	show_number(received, out);
	snprintf(text, sizeof(text),
		 "%d port%s, %u queued, %u leased, %s sent/s, %s received/s", s->n_rows,
		 s->n_rows == 1 ? "" : "s", queued, leased, sent, received);
	attron(A_BOLD);
	mvaddnstr(0, 0, text, COLS);
	attroff(A_BOLD);
}

static int visible(void)
{
	return LINES > 4 ? LINES - 3 : 1;
}

static void draw(struct screen *s)
{
	int i, most = visible(), last = s->n_rows - most;
	char text[256];

	if (s->first > last)
		s->first = last;
	if (s->first < 0)
		s->first = 0;
	erase();
	lay_out(s);
	draw_sums(s);
	draw_titles(s, 1);
	for (i = 0; i < most && s->first + i < s->n_rows; i++)
		draw_row(s, 2 + i, s->rows[s->first + i]);
	if (!s->n_rows)
		mvaddnstr(2, 0, s->n_names ? "none of these ports is there" :
			  "no ports: mailbox create NAME makes one", COLS);
	if (s->n_rows > most)
		snprintf(text, sizeof(text), "%d-%d of %d, ", s->first + 1, s->first + most,
			 s->n_rows);
	else
		*text = '\0';
	snprintf(text + strlen(text), sizeof(text) - strlen(text),
		 "by %s; q ends, s sorts, arrows move", orders[s->order]);
	mvaddnstr(LINES - 1, 0, text, COLS);
	refresh();
}

/* Returns false if it ends the whole. */
static bool key(struct screen *s, int c)
{
	switch (c) {
	case 'q':
		return false;
	case 's':
		s->order = (s->order + 1) % ORDERS;
		sort_rows(s);
		break;
	case KEY_DOWN:
		s->first++;
		break;
	case KEY_UP:
		s->first--;
		break;
	case KEY_RIGHT:
		if (s->shift < s->longest - s->name_width)
			s->shift += 4;
		break;
	case KEY_LEFT:
		s->shift -= s->shift ? 4 : 0;
		break;
	case KEY_NPAGE:
		s->first += visible();
		break;
	case KEY_PPAGE:
		s->first -= visible();
		break;
	case KEY_HOME:
		s->first = 0;
		break;
	case KEY_END:
		s->first = s->n_rows;
		break;
	}
	return true;
}

/* Milliseconds until the next look is due. */
static int until_next(const struct screen *s)
{
	struct timespec ts;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	left = s->look.time / 1000000 + s->interval - (ts.tv_sec * 1000LL + ts.tv_nsec / 1000000);
	return left < 0 ? 0 : left;
}

/* Draw, and again after each key and change of the size, until the next look is due. */
static bool draw_until_next(struct screen *s)
{
	int left;

	draw(s);
	while ((left = until_next(s)) && !stop) {
		int c;

		timeout(left);
		c = getch();
		if (c == ERR)
			continue;	/* the time is over, or a signal */
		if (!key(s, c))
			return false;
		draw(s);
	}
	return !stop;
}

static int show_looks(struct screen *s)
{
	int err;

	while (draw_until_next(s) && --s->count) {
		err = look(s);
		if (err)
			return err;
	}
	return 0;
}

static void colours(void)
{
	const char *no = getenv("NO_COLOR");

	if ((no && *no) || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(LOW, COLOR_GREEN, -1);
	init_pair(MIDDLE, COLOR_YELLOW, -1);
	init_pair(HIGH, COLOR_RED, -1);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* ends a getch() */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct screen s = { .cmd = cmd, .interval = 1000, .count = UINT64_MAX };
	const char *term = getenv("TERM");
	SCREEN *terminal;
	int err;

	parse(&s, argc, argv);
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return failed_because(cmd, NULL,
				      "not on a terminal: mailbox watch writes to pipes and files");
	err = look(&s);		/* what is wrong is told before the screen is taken */
	if (err)
		return failed(cmd, NULL, err);
	terminal = newterm(term, stdout, stdin);
	if (!terminal)
		return failed_because(cmd, NULL, "nothing known about a terminal of the type %s",
				      term && *term ? term : "(none: set TERM)");
	catch_signals();
	colours();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	err = show_looks(&s);
	endwin();
	delscreen(terminal);
	look_end(&s.look);
	free(s.rows);
	return err ? failed(cmd, NULL, err) : DONE;
}

const struct command command_top = {
	.name = "top",
	.summary = "show live what goes on, on a terminal",
	.help = help,
	.run = run,
};
