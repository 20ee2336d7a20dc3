// SPDX-License-Identifier: GPL-2.0
/* Boost.Interprocess message_queue. */
#include <boost/interprocess/ipc/message_queue.hpp>

#include "ring-bench.h"

using boost::interprocess::message_queue;

namespace {

const char *const names[2] = { "ring-bench.0", "ring-bench.1" };
unsigned int opened;

struct queue {
	const char *name;
	message_queue *messages;
	bool sleeps;
};

void *open_queue(const struct shape *shape)
{
	const char *name = names[opened++ % 2];

	message_queue::remove(name);
	try {
		return new queue{ name, new message_queue(boost::interprocess::create_only, name,
							  shape->capacity, shape->size),
				  shape->sleeps };
	} catch (const std::exception &) {
		return nullptr;
	}
}

void join_none(void *, int)
{
}

void close_queue(void *q)
{
	queue *it = static_cast<queue *>(q);

	message_queue::remove(it->name);
	delete it->messages;
	delete it;
}

forced void boost_put(void *q, void *buf, size_t size)
{
	queue *it = static_cast<queue *>(q);
	unsigned int tries = 0;

	if (it->sleeps)
		it->messages->send(buf, size, 0);
	else
		while (!it->messages->try_send(buf, size, 0))
			again(&tries);
}

forced void boost_get(void *q, void *buf, size_t size)
{
	queue *it = static_cast<queue *>(q);
	message_queue::size_type got;
	unsigned int priority, tries = 0;

	if (it->sleeps)
		it->messages->receive(buf, size, got, priority);
	else
		while (!it->messages->try_receive(buf, size, got, priority))
			again(&tries);
}

LOOPS(boost)

}

extern "C" const struct peer peer_boost = {
	"Boost mq", PEER_MANY | PEER_POLLS | PEER_SLEEPS, open_queue, join_none, close_queue,
	boost_send, boost_receive, boost_pairs, nullptr, nullptr, nullptr, boost_ping, boost_pong,
};
