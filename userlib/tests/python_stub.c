// SPDX-License-Identifier: MIT
/*
 * A libmailbox without a kernel, for python_test.py: one port of eight messages. What it
 * is told it tells back, so that the test sees whether each argument arrives.
 */
#include <errno.h>
#include <mailbox.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	8

struct mailbox {
	int fd;
	int oflags;
};

static struct {
	struct mailbox_msg msg;
	char data[MAILBOX_MESSAGE_SIZE_DEFAULT * 16];
} slots[SLOTS];
static unsigned int count, taken;
static struct mailbox_attr attr;
static char name[MAILBOX_NAME_SIZE];
static struct mailbox_result receipt;
static char reply[256];
static bool replied;
static int interruptions;	/* so many calls are interrupted first */
static uint64_t last_deadline;

/* For the test. */
void stub_interrupt(int n);
uint64_t stub_deadline(void);
void stub_interrupt(int n) { interruptions = n; }
uint64_t stub_deadline(void) { return last_deadline; }

static struct mailbox *handle(int oflags)
{
	struct mailbox *mb = calloc(1, sizeof(*mb));

	mb->oflags = oflags;
	mb->fd = 42;
	return mb;
}

struct mailbox *mailbox_create(const char *n, const struct mailbox_attr *a, int oflags)
{
	if (n && !strcmp(n, "taken")) {
		errno = EEXIST;
		return NULL;
	}
	strncpy(name, n ? n : "", sizeof(name) - 1);
	attr = *a;
	return handle(oflags);
}

struct mailbox *mailbox_open(const char *n, int oflags)
{
	if (!strcmp(n, name))
		return handle(oflags);
	errno = ENOENT;
	return NULL;
}

struct mailbox *mailbox_reopen(struct mailbox *mb, int oflags) { (void)mb; return handle(oflags); }
void mailbox_close(struct mailbox *mb) { free(mb); }
int mailbox_fd(const struct mailbox *mb) { return mb->fd; }
int mailbox_map(struct mailbox *mb) { (void)mb; return 0; }
void mailbox_unmap(struct mailbox *mb) { (void)mb; }
int mailbox_take_end(struct mailbox *mb, uint32_t end) { (void)mb; return end == MAILBOX_END_SEND ? 0 : -EBUSY; }

struct mailbox *mailbox_from_fd(int fd)
{
	struct mailbox *mb;

	if (fd < 0) {
		errno = EBADF;
		return NULL;
	}
	mb = handle(O_RDWR);
	mb->fd = fd;
	return mb;
}

int mailbox_delete(const char *n, uint32_t flags)
{
	if (strcmp(n, name))
		return -ENOENT;
	return flags == MAILBOX_DELETE_PURGE ? 0 : -EPERM;
}

int mailbox_set_lanes(struct mailbox *mb, uint32_t receive_mask, uint32_t default_lane)
{
	(void)mb;
	return receive_mask == 0x80000001 && default_lane == 31 ? 0 : -EINVAL;
}

int mailbox_info(struct mailbox *mb, struct mailbox_info *info)
{
	memset(info, 0, sizeof(*info));
	info->message_size = attr.message_size ? attr.message_size : MAILBOX_MESSAGE_SIZE_DEFAULT;
	info->capacity = attr.capacity;
	info->lanes = attr.lanes;
	info->mode = attr.mode;
	info->flags = attr.flags;
	info->receiver = attr.peer_pid;
	info->max_deliveries = attr.max_deliveries;
	info->limit = attr.limit;
	if (attr.dead_letter)
		strncpy(info->dead_letter, attr.dead_letter, sizeof(info->dead_letter) - 1);
	info->endpoint = mb->oflags;
	info->map_bytes = 1ULL << 40;
	strcpy(info->name, name);
	return 0;
}

int mailbox_list(struct mailbox_info **ports)
{
	*ports = calloc(2, sizeof(**ports));
	strcpy((*ports)[0].name, "a");
	strcpy((*ports)[1].name, "b");
	(*ports)[1].depth = 7;
	return 2;
}

int mailbox_query(struct mailbox_query *query)
{
	memset(query, 0, sizeof(*query));
	query->features = 1ULL << 40;
	query->lanes_max = MAILBOX_LANES_MAX;
	return 0;
}

const char *mailbox_strerror(int error) { return error == EIDRM ? "port deleted" : strerror(error); }
uint64_t mailbox_deadline_ms(int ms) { return ms < 0 ? MAILBOX_FOREVER : (uint64_t)ms; }

int mailbox_send_msg(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	(void)mb;
	last_deadline = deadline;
	if (interruptions && interruptions--)
		return -EINTR;
	if (count == SLOTS)
		return deadline == MAILBOX_NO_WAIT ? -EAGAIN : -ETIMEDOUT;
	slots[count].msg = *msg;
	memcpy(slots[count].data, msg->data, msg->length);
	msg->ticket = 1ULL << 40 | count++;
	if (msg->lane == MAILBOX_LANE_DEFAULT)
		msg->lane = 3;
	receipt.lane = msg->lane;
	receipt.ticket = msg->ticket;
	receipt.tag = msg->tag;
	return 0;
}

static int receive(unsigned int at, struct mailbox_msg *msg)
{
	if (at >= count)
		return -EAGAIN;
	msg->length = slots[at].msg.length;
	if (msg->length > msg->size && !(msg->flags & MAILBOX_RECV_TRUNCATE))
		return -EMSGSIZE;
	memcpy(msg->data, slots[at].data, msg->length < msg->size ? msg->length : msg->size);
	msg->lane = slots[at].msg.lane;
	msg->tag = slots[at].msg.tag;
	msg->ticket = 1ULL << 40 | at;
	msg->status = MAILBOX_MSG_REDELIVERED | 2U << MAILBOX_MSG_DEPARTED_SHIFT | slots[at].msg.flags;
	msg->sender = 11;
	msg->pid = 12;
	msg->uid = 13;
	msg->gid = 14;
	msg->lost = msg->lease;		/* told back */
	return msg->length < msg->size ? msg->length : msg->size;
}

int mailbox_receive_msg(struct mailbox *mb, struct mailbox_msg *msg, uint64_t deadline)
{
	int ret;

	(void)mb;
	last_deadline = deadline;
	if (interruptions && interruptions--)
		return -EINTR;
	ret = receive(taken, msg);
	if (ret >= 0)
		taken++;
	if (taken == count)
		taken = count = 0;
	return ret;
}

int mailbox_look(struct mailbox *mb, unsigned int index, struct mailbox_msg *msg)
{
	(void)mb;
	return receive(taken + index, msg);
}

static int tell(struct mailbox_result *result)
{
	struct mailbox_result told = receipt;

	told.data = result->data;
	told.size = result->size;
	told.outcome = replied ? MAILBOX_REPLIED : MAILBOX_ACKED;
	told.length = replied ? strlen(reply) : 0;
	told.time = 1ULL << 41;
	told.receiver = 21;
	told.pid = 22;
	told.uid = 23;
	told.gid = 24;
	if (told.length > told.size) {
		result->length = told.length;
		return -EMSGSIZE;
	}
	memcpy(told.data, reply, told.length);
	*result = told;
	return 0;
}

int mailbox_call(struct mailbox *mb, struct mailbox_msg *msg, struct mailbox_result *result, uint64_t deadline)
{
	(void)mb;
	last_deadline = deadline;
	if (interruptions && interruptions--)
		return -EINTR;
	msg->lane = 5;
	msg->ticket = 99;
	if (msg->length == 4 && !memcmp(msg->data, "slow", 4))
		return -EINPROGRESS;
	if (msg->length == 6 && !memcmp(msg->data, "nobody", 6))
		return -ETIMEDOUT;
	receipt.tag = msg->tag;
	strcpy(reply, "an answer");
	replied = true;
	return tell(result);
}

int mailbox_wait_receipt(struct mailbox *mb, struct mailbox_result *result, uint64_t deadline)
{
	(void)mb;
	last_deadline = deadline;
	return tell(result);
}

int mailbox_receipt_eventfd(struct mailbox *mb, int fd)
{
	(void)mb;
	return fd == 43 ? 0 : -EINVAL;
}

static bool known(const struct mailbox_msg *msg)
{
	return msg->lane == receipt.lane && msg->ticket == receipt.ticket;
}

int mailbox_wait_ticket(struct mailbox *mb, const struct mailbox_msg *msg, struct mailbox_result *result,
			uint64_t deadline)
{
	(void)mb;
	last_deadline = deadline;
	return known(msg) ? tell(result) : -ESTALE;
}

int mailbox_ticket_status(struct mailbox *mb, const struct mailbox_msg *msg, struct mailbox_result *result)
{
	(void)mb;
	if (!known(msg))
		return -ESTALE;
	result->outcome = MAILBOX_TAKEN;
	return 0;
}

static int lease(const struct mailbox_msg *msg) { return msg->ticket >> 40 ? 0 : -ESTALE; }

int mailbox_ack(struct mailbox *mb, const struct mailbox_msg *msg)
{
	(void)mb;
	replied = false;
	return lease(msg);
}

int mailbox_nack(struct mailbox *mb, const struct mailbox_msg *msg, uint32_t how)
{
	(void)mb;
	last_deadline = how;
	return lease(msg);
}

int mailbox_reply(struct mailbox *mb, const struct mailbox_msg *msg, const void *buf, size_t len)
{
	(void)mb;
	memcpy(reply, buf, len);
	reply[len] = '\0';
	replied = true;
	return lease(msg);
}

int mailbox_extend(struct mailbox *mb, const struct mailbox_msg *msg, uint64_t until)
{
	(void)mb;
	last_deadline = until;
	return lease(msg);
}
