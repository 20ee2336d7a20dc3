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
 * mailbox_endpoint_file() - a file on a port, without its node
 * @port: the port
 * @open_flags: O_ACCMODE and O_NONBLOCK
 *
 * Return: the file, for fd_install(), or ERR_PTR().
 */
struct file *mailbox_endpoint_file(struct mailbox_port *port, unsigned int open_flags);

/* The nodes of named ports, minors 1 to @ports. */
int mailbox_endpoint_init(unsigned int ports);
void mailbox_endpoint_exit(void);

#endif /* MAILBOX_ENDPOINT_H */
