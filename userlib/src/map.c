// SPDX-License-Identifier: MIT
/* The mapping of a port. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* What is said about the mapping in front of it must be what the kernel says. */
static bool geometry_right(const struct mailbox_shared *shared,
			   const struct mailbox_info *info)
{
	return shared->version == MAILBOX_SHARED_VERSION &&
	       shared->lanes == info->lanes &&
	       shared->capacity == info->capacity &&
	       shared->message_size == info->message_size &&
	       shared->bytes == info->map_bytes &&
	       shared->stride == mailbox_slot_stride(info->message_size) &&
	       shared->slots + (uint64_t)shared->lanes * shared->capacity *
	       shared->stride <= info->map_bytes;
}

static void ring_init(struct ring *ring, struct mailbox_shared *shared,
		      const struct mailbox_info *info, int flags)
{
	char *slots = (char *)shared + shared->slots;
	uint32_t n;

	ring->bytes = info->map_bytes;
	ring->lanes = info->lanes;
	ring->message_size = info->message_size;
	ring->owner = info->owner;
	ring->endpoint = info->endpoint;
	ring->receive_mask = info->receive_mask;
	ring->default_lane = info->default_lane;
	ring->nonblock = !!(flags & O_NONBLOCK);
	ring->drops = !!(info->flags & (MAILBOX_DROP_NEWEST | MAILBOX_DROP_OLDEST));
	/* Not our affinity: a process that is bound to one has its peers on the others. */
	ring->spins = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	for (n = 0; n < info->lanes; n++) {
		struct ring_lane *lane = &ring->lane[n];

		lane->view.slots = slots;
		lane->view.capacity = info->capacity;
		lane->view.stride = mailbox_slot_stride(info->message_size);
		lane->send = mailbox_shared_hint(&shared->lane[n]);
		lane->receive = lane->send;
		slots += (size_t)info->capacity * lane->view.stride;
	}
	ring->shared = shared;
	/* From now on it is there. */
	ring->kind = info->flags & MAILBOX_DIRECT ? RING_DIRECT : RING_ORDINARY;
}

/* A page that a forked child finds empty. */
static struct ring *ring_alloc(void)
{
	struct ring *ring;

	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		return NULL;
	if (madvise(ring, sizeof(*ring), MADV_WIPEONFORK)) {
		munmap(ring, sizeof(*ring));
		return NULL;
	}
	return ring;
}

static int map(struct mailbox *mb, struct ring *ring)
{
	struct mailbox_shared *shared;
	struct mailbox_info info;
	int err, flags;

	flags = fcntl(mb->fd, F_GETFL);
	err = mailbox_info(mb, &info);
	if (err)
		return err;
	if (!info.map_bytes)
		return -EPERM;
	shared = mmap(NULL, info.map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		      mb->fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	err = mailbox_info(mb, &info);	/* once more, for the owner's id */
	if (!err && !geometry_right(shared, &info))
		err = -EPROTO;
	if (err)
		munmap(shared, info.map_bytes);
	else
		ring_init(ring, shared, &info, flags);
	return err;
}

int mailbox_map(struct mailbox *mb)
{
	struct ring *ring;
	int err;

	if (mailbox_ring(mb))
		return -EBUSY;
	mailbox_unmap(mb);	/* what a parent's has left in its child */
	ring = ring_alloc();
	if (!ring)
		return -ENOMEM;
	err = map(mb, ring);
	if (err)
		munmap(ring, sizeof(*ring));
	else
		mb->ring = ring;
	return err;
}

void mailbox_unmap(struct mailbox *mb)
{
	if (!mb->ring)
		return;
	if (mb->ring->shared)
		munmap(mb->ring->shared, mb->ring->bytes);
	munmap(mb->ring, sizeof(*mb->ring));
	mb->ring = NULL;
}
