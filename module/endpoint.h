/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: a port's file: file_operations, and the making of descriptors.
 *
 * One open file is one endpoint. It dispatches to the other rooms and keeps
 * nothing of its own.
 */
#ifndef MAILBOX_ENDPOINT_H
#define MAILBOX_ENDPOINT_H

#include "port.h"

/**
 * mailbox_endpoint_check() - judge the flags of an open
 * @flags: of struct mailbox_create or struct mailbox_open
 *
 * Return: 0 or -EINVAL.
 */
int mailbox_endpoint_check(unsigned int flags);

/**
 * mailbox_endpoint_install() - a descriptor for an endpoint, told to the user
 * @ep: taken over, or ERR_PTR()
 * @flags: checked
 * @user: where it is told
 *
 * Context: not under mailbox_ports_lock.
 *
 * Return: 0, the error in @ep, -EFAULT, or why there is no descriptor.
 */
int mailbox_endpoint_install(struct mailbox_endpoint *ep, unsigned int flags, s32 __user *user);

/* The nodes of named ports: all minors but the control node's. */
int mailbox_endpoint_init(void);
void mailbox_endpoint_exit(void);

#endif /* MAILBOX_ENDPOINT_H */
