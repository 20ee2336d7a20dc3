// SPDX-License-Identifier: MIT
/* What changes between two looks at the ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "look.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Counts are not exact while others are at work: they may seem to go back. */
uint64_t look_growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

double look_rate(const struct look *look, uint64_t now, uint64_t before)
{
	return look->elapsed ? look_growth(now, before) * 1e9 / look->elapsed : 0;
}

/* Make room: every other mark will do, for it bounds the same from less. */
static void thin_out(struct look_port *port)
{
	unsigned int i;

	port->marks /= 2;
	for (i = 0; i < port->marks; i++)
		port->mark[i] = port->mark[2 * i];
}

static void add_mark(struct look_port *port, uint64_t time)
{
	uint64_t sent = port->now.messages_sent;

	if (port->marks && port->mark[port->marks - 1].sent >= sent)
		return;
	if (port->marks == LOOK_MARKS)
		thin_out(port);
	port->mark[port->marks++] = (struct look_mark){ .time = time, .sent = sent };
}

void look_age(struct look_port *port, uint64_t began, uint64_t time)
{
	uint64_t left = (uint64_t)port->now.depth + port->now.leased;
	uint64_t finished = look_growth(port->now.messages_sent, left);
	unsigned int past = 0;

	/* Sent less than before: it is another port of that name. */
	if (!left || (port->marks && port->mark[port->marks - 1].sent > port->now.messages_sent))
		port->marks = 0;
	while (past < port->marks && port->mark[past].sent <= finished)
		past++;
	port->marks -= past;
	memmove(port->mark, port->mark + past, port->marks * sizeof(port->mark[0]));
	port->oldest_ns = port->marks ? look_growth(began, port->mark[0].time) : 0;
	if (left)
		add_mark(port, time);
}

static bool wanted(const char *name, char *const *names, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return !count;
}

/* One more in @next: as it was before, or NULL, and as it is now, or NULL. */
static void merge(struct look *next, const struct look_port *old, const struct mailbox_info *info)
{
	struct look_port *port = &next->ports[next->count++];

	memset(port, 0, sizeof(*port));
	if (old) {
		*port = *old;
		port->before = old->now;
	}
	port->event = !info ? LOOK_GOES : old ? LOOK_STAYS : LOOK_COMES;
	if (info)
		port->now = *info;
}

/* Both are in the order of their names, and so is what becomes of them. */
static void merge_all(struct look *next, const struct look *last, const struct mailbox_info *infos,
		      int count)
{
	int i = 0, j = 0, order;

	while (i < last->count || j < count) {
		if (i < last->count && last->ports[i].event == LOOK_GOES) {
			i++;
			continue;
		}
		if (i == last->count)
			order = 1;
		else if (j == count)
			order = -1;
		else
			order = strcmp(last->ports[i].now.name, infos[j].name);
		merge(next, order <= 0 ? &last->ports[i] : NULL, order >= 0 ? &infos[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

/* Those of @infos that are asked for; returns how many. */
static int select_ports(struct mailbox_info *infos, int count, char *const *names, int n)
{
	int i, kept = 0;

	for (i = 0; i < count; i++)
		if (wanted(infos[i].name, names, n))
			infos[kept++] = infos[i];
	return kept;
}

int look_again(struct look *look, char *const *names, int count)
{
	struct look next = { .time = 0 };
	uint64_t began = now_ns();
	struct mailbox_info *infos;
	int n, i;

	n = mailbox_list(&infos);
	if (n < 0)
		return n;
	n = select_ports(infos, n, names, count);
	next.time = now_ns();
	next.elapsed = look->time ? next.time - look->time : 0;
	next.ports = calloc(look->count + n + 1, sizeof(*next.ports));
	if (!next.ports) {
		free(infos);
		return -ENOMEM;
	}
	merge_all(&next, look, infos, n);
	free(infos);
	for (i = 0; i < next.count; i++)
		look_age(&next.ports[i], began, next.time);
	free(look->ports);
	*look = next;
	return 0;
}

void look_end(struct look *look)
{
	free(look->ports);
	*look = (struct look){ .time = 0 };
}
