/* SPDX-License-Identifier: MIT */
/* What is known of a port and of those who map it, as text and as JSON. */
#ifndef MAILBOX_TOOL_SHOW_H
#define MAILBOX_TOOL_SHOW_H

#include <mailbox.h>

#include "json.h"

/* The text goes to a buffer of this size. */
#define CELL	128

/* How many messages it holds at most. */
uint64_t most_messages(const struct mailbox_info *port);

void show_user(char *cell, uint32_t uid);
void show_owner(char *cell, const struct mailbox_info *port);
void show_mode(char *cell, const struct mailbox_info *port);
void show_waiting(char *cell, const struct mailbox_info *port);
void show_dead_letter(char *cell, const struct mailbox_info *port);
void show_end(char *cell, uint32_t endpoint);
void show_flags(char *cell, const struct mailbox_info *port);
void show_blocks(char *cell, const struct mailbox_holder *holder);

json_t *json_port(const struct mailbox_info *port);
json_t *json_holders(const struct mailbox_holder *holders, int count);

#endif /* MAILBOX_TOOL_SHOW_H */
