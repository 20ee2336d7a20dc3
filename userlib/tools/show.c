// SPDX-License-Identifier: MIT
/* What is known of a port, as text and as JSON. */
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

/* The passwd file itself is read: a static program has no name services. */
static void user_name(char *name, size_t size, uint32_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && entry->pw_uid != uid)
		;
	if (entry)
		snprintf(name, size, "%s", entry->pw_name);
	else
		snprintf(name, size, "%" PRIu32, uid);
	if (file)
		fclose(file);
}

static void group_name(char *name, size_t size, uint32_t gid)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *entry = NULL;

	while (file && (entry = fgetgrent(file)) && entry->gr_gid != gid)
		;
	if (entry)
		snprintf(name, size, "%s", entry->gr_name);
	else
		snprintf(name, size, "%" PRIu32, gid);
	if (file)
		fclose(file);
}

uint64_t most_messages(const struct mailbox_info *port)
{
	return port->limit ? port->limit : (uint64_t)port->capacity * port->lanes;
}

void show_user(char *cell, uint32_t uid)
{
	user_name(cell, CELL, uid);
}

void show_owner(char *cell, const struct mailbox_info *port)
{
	char user[CELL / 2 - 1], group[CELL / 2 - 1];

	if (port->uid == ~0U) {
		strcpy(cell, "?");
		return;
	}
	user_name(user, sizeof(user), port->uid);
	group_name(group, sizeof(group), port->gid);
	snprintf(cell, CELL, "%s:%s", user, group);
}

void show_mode(char *cell, const struct mailbox_info *port)
{
	static const char letters[] = "rwxrwxrwx";
	int i;

	if (port->uid == ~0U) {
		strcpy(cell, "?");
		return;
	}
	for (i = 0; i < 9; i++)
		cell[i] = port->mode & 0400 >> i ? letters[i] : '-';
	cell[i] = '\0';
}

void show_waiting(char *cell, const struct mailbox_info *port)
{
	uint32_t send = port->waiting_senders, recv = port->waiting_receivers;

	if (send && recv)
		snprintf(cell, CELL, "%u send, %u recv", send, recv);
	else if (send || recv)
		snprintf(cell, CELL, "%u %s", send + recv,
			 send ? "send" : "recv");
	else
		strcpy(cell, "-");
}

void show_blocks(char *cell, const struct mailbox_holder *holder)
{
	if (holder->blocks_ns)
		snprintf(cell, CELL, "blocks lane %u for %.1f s", holder->lane,
			 holder->blocks_ns / 1e9);
	else
		strcpy(cell, "-");
}

void show_flags(char *cell, const struct mailbox_info *port)
{
	snprintf(cell, CELL, "%s%s%s%s%s",
		 port->flags & MAILBOX_SEALED ? "sealed " : "",
		 port->flags & MAILBOX_AUTODELETE ? "autodelete " : "",
		 port->flags & MAILBOX_DIRECT ? "direct " : "",
		 port->flags & MAILBOX_DROP_NEWEST ? "drop-newest " : "",
		 port->flags & MAILBOX_DROP_OLDEST ? "drop-oldest " : "");
	if (!*cell)
		strcpy(cell, "-");
}

/* With who this port is there: so its messages are told from others. */
void show_dead_letter(char *cell, const struct mailbox_info *port)
{
	if (port->dead_endpoint)
		snprintf(cell, CELL, "to %s, as endpoint %u", port->dead_letter,
			 port->dead_endpoint);
	else if (port->dead_letter[0])
		snprintf(cell, CELL, "%s was deleted: they come again", port->dead_letter);
	else
		strcpy(cell, "dropped");
}

void show_end(char *cell, uint32_t endpoint)
{
	if (endpoint)
		snprintf(cell, CELL, "endpoint %u", endpoint);
	else
		strcpy(cell, "-");
}

static json_t *json_flags(uint32_t flags)
{
	json_t *array = json_array();

	if (flags & MAILBOX_SEALED)
		json_array_append_new(array, json_string("sealed"));
	if (flags & MAILBOX_AUTODELETE)
		json_array_append_new(array, json_string("autodelete"));
	if (flags & MAILBOX_DIRECT)
		json_array_append_new(array, json_string("direct"));
	if (flags & MAILBOX_DROP_NEWEST)
		json_array_append_new(array, json_string("drop-newest"));
	if (flags & MAILBOX_DROP_OLDEST)
		json_array_append_new(array, json_string("drop-oldest"));
	return array;
}

json_t *json_port(const struct mailbox_info *port)
{
	json_t *object = json_object();
	char mode[8];

	json_object_set_new(object, "name", json_string(port->name));
	json_add(object, "message_size", port->message_size);
	json_add(object, "capacity", port->capacity);
	json_add(object, "lanes", port->lanes);
	json_add(object, "limit", port->limit);
	json_object_set_new(object, "flags", json_flags(port->flags));
	if (port->uid != ~0U) {
		snprintf(mode, sizeof(mode), "%04o", port->mode & 07777);
		json_object_set_new(object, "mode", json_string(mode));
		json_add(object, "uid", port->uid);
		json_add(object, "gid", port->gid);
	}
	json_add(object, "depth", port->depth);
	json_add(object, "leased", port->leased);
	json_add(object, "messages_sent", port->messages_sent);
	json_add(object, "messages_received", port->messages_received);
	json_add(object, "messages_dropped", port->messages_dropped);
	json_add(object, "redelivered", port->redelivered);
	json_add(object, "quarantined", port->quarantined);
	json_add(object, "waiting_senders", port->waiting_senders);
	json_add(object, "waiting_receivers", port->waiting_receivers);
	json_add(object, "endpoints", port->endpoints);
	json_add(object, "mappings", port->mappings);
	json_add(object, "bytes", port->bytes);
	if (port->max_deliveries)
		json_add(object, "max_deliveries", port->max_deliveries);
	if (port->dead_letter[0]) {
		json_object_set_new(object, "dead_letter", json_string(port->dead_letter));
		json_add(object, "dead_endpoint", port->dead_endpoint);
		json_add(object, "messages_moved", port->messages_moved);
	}
	if (port->flags & MAILBOX_DIRECT) {
		json_add(object, "sender", port->sender);
		json_add(object, "receiver", port->receiver);
	}
	return object;
}

json_t *json_holders(const struct mailbox_holder *holders, int count)
{
	json_t *array = json_array(), *object;
	int i;

	for (i = 0; i < count; i++) {
		object = json_object();
		json_add(object, "endpoint", holders[i].endpoint);
		json_add(object, "pid", holders[i].pid);
		json_add(object, "uid", holders[i].uid);
		json_add(object, "writing", holders[i].writing);
		json_add(object, "reading", holders[i].reading);
		if (holders[i].writing || holders[i].reading) {
			json_add(object, "lane", holders[i].lane);
			json_add(object, "ticket", holders[i].ticket);
			json_add(object, "blocks_ns", holders[i].blocks_ns);
		}
		json_array_append_new(array, object);
	}
	return array;
}
