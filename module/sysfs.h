/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: /sys/class/mailbox: the class, the device numbers, and what a port
 * shows, one value for each file.
 */
#ifndef MAILBOX_SYSFS_H
#define MAILBOX_SYSFS_H

#include <linux/device.h>

#define MAILBOX_MINOR_CONTROL	0		/* named ports have 1 and up */

extern struct class *mailbox_class;
extern dev_t mailbox_devt;			/* of the control node */
extern const struct attribute_group *mailbox_port_groups[];

int mailbox_class_init(unsigned int minors);
void mailbox_class_exit(unsigned int minors);

#endif /* MAILBOX_SYSFS_H */
