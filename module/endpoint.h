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
 * mailbox_endpoint_file() - a file for an endpoint, without a node
 * @ep: taken over; it leaves its port if this fails
 * @open_flags: O_ACCMODE and O_NONBLOCK
 *
 * Context: not under mailbox_ports_lock.
 *
 * Return: the file, for fd_install(), or ERR_PTR().
 */
struct file *mailbox_endpoint_file(struct mailbox_endpoint *ep, unsigned int open_flags);

/* The nodes of named ports: all minors but the control node's. */
int mailbox_endpoint_init(void);
void mailbox_endpoint_exit(void);

#endif /* MAILBOX_ENDPOINT_H */
