/* SPDX-License-Identifier: MIT */
/* What is known of a port, as text and as JSON. */
#ifndef MAILBOX_TOOL_SHOW_H
#define MAILBOX_TOOL_SHOW_H

#include <mailbox.h>

#include "json.h"

/* The text goes to a buffer of this size. */
#define CELL	80

void show_owner(char *cell, const struct mailbox_info *port);
void show_mode(char *cell, const struct mailbox_info *port);
void show_waiting(char *cell, const struct mailbox_info *port);
void show_flags(char *cell, const struct mailbox_info *port);

json_t *json_port(const struct mailbox_info *port);

#endif /* MAILBOX_TOOL_SHOW_H */
