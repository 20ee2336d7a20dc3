/* SPDX-License-Identifier: MIT */
/*
 * What changes between two looks at the ports, for top and watch.
 *
 * Nothing is opened or disturbed, and no message bears a time. How old the oldest
 * one is can be told only as a bound: of the messages that had been sent when we
 * looked at time t, one is unfinished as long as no more than that many were
 * finished; so it is older than t. It holds in whatever order they are received.
 */
#ifndef MAILBOX_TOOL_LOOK_H
#define MAILBOX_TOOL_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <mailbox.h>

#define LOOK_MARKS	64

enum look_event { LOOK_STAYS, LOOK_COMES, LOOK_GOES };

/* How many had been sent, at a time in ns of CLOCK_MONOTONIC. */
struct look_mark {
	uint64_t time;
	uint64_t sent;
};

/**
 * struct look_port - a port as the last two looks show it
 * @now: at the last look; of one that goes, at the look before
 * @before: at the look before; all zero of one that comes
 * @event: came since the look before, or went
 * @oldest_ns: the oldest message that is queued or leased is at least that old; 0: it
 *	may have come just now, or there is none
 * @mark: how many had been sent when, in order; only those that bound something
 * @marks: so many
 */
struct look_port {
	struct mailbox_info now;
	struct mailbox_info before;
	enum look_event event;
	uint64_t oldest_ns;
	struct look_mark mark[LOOK_MARKS];
	unsigned int marks;
};

/**
 * struct look - all ports, in the order of their names
 * @ports: those of the last look, and those that have gone since the look before
 * @count: how many
 * @time: of the last look, in ns of CLOCK_MONOTONIC; 0: there was none
 * @elapsed: since the look before; 0: there was none
 */
struct look {
	struct look_port *ports;
	int count;
	uint64_t time;
	uint64_t elapsed;
};

/*
 * Look again, at all ports or at @names alone, so many of them. Return: 0, or an
 * error of mailbox_list().
 */
int look_again(struct look *look, char *const *names, int count);

void look_end(struct look *look);

/* A counter's growth since the look before, and that for a second. */
uint64_t look_growth(uint64_t now, uint64_t before);
double look_rate(const struct look *look, uint64_t now, uint64_t before);

/* What can be tested without ports: move on to @now, as seen from @began on. */
void look_age(struct look_port *port, uint64_t began, uint64_t time);

#endif /* MAILBOX_TOOL_LOOK_H */
