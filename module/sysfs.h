/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: /sys/class/mailbox: the class, the device numbers, and what a port
 * shows, one value for each file.
 */
#ifndef MAILBOX_SYSFS_H
#define MAILBOX_SYSFS_H

#include <linux/device.h>
#include <linux/kdev_t.h>

/*
 * All the minors there are: 0 is the control node's, the others are given to ports
 * in turn, so that a number comes again as late as possible.
 */
#define MAILBOX_MINORS		(1U << MINORBITS)

extern struct class *mailbox_class;
extern dev_t mailbox_devt;			/* of the control node */
extern const struct attribute_group *mailbox_port_groups[];

int mailbox_class_init(void);
void mailbox_class_exit(void);

#endif /* MAILBOX_SYSFS_H */
