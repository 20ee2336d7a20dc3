/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: /dev/mailbox/control: create, open by name, delete, query.
 *
 * Anybody may open it; each call checks what the caller may do.
 */
#ifndef MAILBOX_CONTROL_H
#define MAILBOX_CONTROL_H

/**
 * mailbox_control_create_default() - a port made at load time
 * @name: checked here
 * @mode: permission bits
 *
 * Return: 0 or what is wrong.
 */
int mailbox_control_create_default(const char *name, unsigned int mode);

int mailbox_control_init(void);
void mailbox_control_exit(void);

#endif /* MAILBOX_CONTROL_H */
