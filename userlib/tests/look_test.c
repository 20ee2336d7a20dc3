// SPDX-License-Identifier: MIT
/* What top and watch make of two looks at the ports. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#include "../tools/look.c"

static struct mailbox_info class[8];
static int in_class;

int __wrap_mailbox_list(struct mailbox_info **ports);

/* Stands in for the library's. */
int __wrap_mailbox_list(struct mailbox_info **ports)
{
	*ports = NULL;
	if (in_class <= 0)
		return in_class;
	*ports = malloc(sizeof(class));
	memcpy(*ports, class, sizeof(class));
	return in_class;
}

static void make(int i, const char *name, uint64_t sent)
{
	memset(&class[i], 0, sizeof(class[i]));
	strcpy(class[i].name, name);
	class[i].messages_sent = sent;
	in_class = i + 1;
}

static void test_coming_and_going(void)
{
	struct look look = { .time = 0 };
	char *only[] = { "b" };

	in_class = 0;
	ok(!look_again(&look, NULL, 0) && !look.count && !look.elapsed, "no ports are no ports");
	make(0, "a", 1);
	make(1, "c", 0);
	ok(!look_again(&look, NULL, 0) && look.count == 2 && look.elapsed &&
	   look.ports[0].event == LOOK_COMES && look.ports[1].event == LOOK_COMES,
	   "ports that come are told");
	make(0, "a", 5);
	make(1, "b", 0);
	ok(!look_again(&look, NULL, 0) && look.count == 3 &&
	   look.ports[0].event == LOOK_STAYS && look.ports[1].event == LOOK_COMES &&
	   look.ports[2].event == LOOK_GOES && !strcmp(look.ports[2].now.name, "c"),
	   "so are those that go, in the order of names");
	ok(look.ports[0].before.messages_sent == 1 && look.ports[0].now.messages_sent == 5,
	   "what stays is seen twice");
	ok(!look_again(&look, NULL, 0) && look.count == 2, "one that has gone is told once");
	ok(!look_again(&look, only, 1) && look.count == 2 &&
	   look.ports[0].event == LOOK_GOES && look.ports[1].event == LOOK_STAYS,
	   "others than those asked for are left out");
	in_class = -ENODEV;
	ok(look_again(&look, NULL, 0) == -ENODEV, "without the module the answer is ENODEV");
	look_end(&look);
}

static void test_rates(void)
{
	struct look look = { .elapsed = 500000000 };

	ok(look_rate(&look, 30, 10) == 40, "a rate is for a second");
	ok(look_rate(&look, 10, 30) == 0, "a count that goes back is no rate");
	look.elapsed = 0;
	ok(look_rate(&look, 30, 10) == 0, "the first look knows no rate");
}

/* A port's numbers at a time; returns how old its oldest message is said to be. */
static uint64_t age(struct look_port *port, uint64_t time, uint64_t sent, uint32_t depth,
		    uint32_t leased)
{
	port->now.messages_sent = sent;
	port->now.depth = depth;
	port->now.leased = leased;
	look_age(port, time, time);
	return port->oldest_ns;
}

static void test_age(void)
{
	struct look_port port = { .marks = 0 };

	ok(!age(&port, 100, 3, 3, 0), "what is seen first may have come just now");
	ok(age(&port, 200, 3, 3, 0) == 100, "what stays grows old");
	ok(age(&port, 300, 5, 3, 0) == 200, "as long as one of the first is left");
	ok(age(&port, 400, 5, 2, 0) == 100, "then it is one of the next");
	ok(age(&port, 500, 5, 0, 2) == 200, "leased is not finished");
	ok(!age(&port, 600, 5, 0, 0), "what is finished has no age");
	ok(!age(&port, 700, 6, 1, 0) && age(&port, 800, 6, 1, 0) == 100, "and what comes then is new");
	ok(!age(&port, 900, 2, 2, 0) && age(&port, 1000, 2, 2, 0) == 100,
	   "another port of that name is another port");
	ok(!age(&port, 1100, 1000, 2, 0), "nothing that was there before is left");
}

/* A true queue beside it: what is said is never more than what is. */
static void test_age_is_a_bound(void)
{
	struct look_port port = { .marks = 0 };
	uint64_t sent_at[4096], time, sent = 0, done = 0, told;
	bool bound = true, close = true;

	srand(1);
	for (time = 1; time < 3000; time++) {
		int more = rand() % 3, fewer = rand() % (time % 1000 < 500 ? 2 : 5);

		while (more-- && sent < 4096)
			sent_at[sent++] = time;
		while (fewer-- && done < sent)
			done++;
		told = age(&port, time, sent, sent - done, 0);
		if (done == sent)
			continue;
		bound &= told <= time - sent_at[done];
		/* Marks are one for each look, and half of them when there are too many. */
		close &= told + 64 >= time - sent_at[done];
	}
	ok(bound, "no message is said to be older than it is");
	ok(close, "nor much younger");
}

int main(void)
{
	test_coming_and_going();
	test_rates();
	test_age();
	test_age_is_a_bound();
	return done();
}
