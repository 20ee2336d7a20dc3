// SPDX-License-Identifier: GPL-2.0-only
/* The class, its device numbers, and the attributes of a port. */

#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "port.h"
#include "sysfs.h"

struct class *mailbox_class;
dev_t mailbox_devt;

#define MAILBOX_ATTR(_name, _format)							\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{											\
	struct mailbox_info info = {};							\
											\
	mailbox_port_info(container_of(dev, struct mailbox_port, dev), NULL, &info);	\
	return sysfs_emit(buf, _format "\n", info._name);				\
}											\
static DEVICE_ATTR_RO(_name)

MAILBOX_ATTR(message_size, "%u");
MAILBOX_ATTR(capacity, "%u");
MAILBOX_ATTR(lanes, "%u");
MAILBOX_ATTR(limit, "%u");
MAILBOX_ATTR(flags, "%#x");
MAILBOX_ATTR(depth, "%u");
MAILBOX_ATTR(messages_sent, "%llu");
MAILBOX_ATTR(messages_received, "%llu");
MAILBOX_ATTR(messages_dropped, "%llu");
MAILBOX_ATTR(redelivered, "%llu");
MAILBOX_ATTR(quarantined, "%llu");
MAILBOX_ATTR(mappings, "%u");
MAILBOX_ATTR(waiting_senders, "%u");
MAILBOX_ATTR(waiting_receivers, "%u");
MAILBOX_ATTR(endpoints, "%u");
MAILBOX_ATTR(bytes, "%llu");
MAILBOX_ATTR(sender, "%u");
MAILBOX_ATTR(receiver, "%u");
MAILBOX_ATTR(leased, "%u");
MAILBOX_ATTR(max_deliveries, "%u");
MAILBOX_ATTR(dead_letter, "%s");
MAILBOX_ATTR(dead_endpoint, "%u");
MAILBOX_ATTR(messages_moved, "%llu");

static struct attribute *mailbox_port_attrs[] = {
	&dev_attr_message_size.attr,
	&dev_attr_capacity.attr,
	&dev_attr_lanes.attr,
	&dev_attr_limit.attr,
	&dev_attr_flags.attr,
	&dev_attr_depth.attr,
	&dev_attr_messages_sent.attr,
	&dev_attr_messages_received.attr,
	&dev_attr_messages_dropped.attr,
	&dev_attr_redelivered.attr,
	&dev_attr_quarantined.attr,
	&dev_attr_mappings.attr,
	&dev_attr_waiting_senders.attr,
	&dev_attr_waiting_receivers.attr,
	&dev_attr_endpoints.attr,
	&dev_attr_bytes.attr,
	&dev_attr_sender.attr,
	&dev_attr_receiver.attr,
	&dev_attr_leased.attr,
	&dev_attr_max_deliveries.attr,
	&dev_attr_dead_letter.attr,
	&dev_attr_dead_endpoint.attr,
	&dev_attr_messages_moved.attr,
	NULL
};

static const struct attribute_group mailbox_port_group = {
	.attrs = mailbox_port_attrs,
};

const struct attribute_group *mailbox_port_groups[] = {
	&mailbox_port_group,
	NULL
};

/* The control node; a port's type has its own. */
static char *mailbox_class_devnode(MAILBOX_CONST_DEVICE *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	/* Must not fail: the node would be /dev/control then. */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "mailbox/%s", dev_name(dev));
}

int mailbox_class_init(void)
{
	int err = alloc_chrdev_region(&mailbox_devt, 0, MAILBOX_MINORS, "mailbox");

	if (err)
		return err;
	mailbox_class = mailbox_class_create("mailbox");
	if (IS_ERR(mailbox_class)) {
		unregister_chrdev_region(mailbox_devt, MAILBOX_MINORS);
		return PTR_ERR(mailbox_class);
	}
	mailbox_class->devnode = mailbox_class_devnode;
	return 0;
}

void mailbox_class_exit(void)
{
	class_destroy(mailbox_class);
	unregister_chrdev_region(mailbox_devt, MAILBOX_MINORS);
}
