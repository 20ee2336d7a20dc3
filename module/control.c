// SPDX-License-Identifier: GPL-2.0-only
/* The control node. */

#include <linux/capability.h>
#include <linux/cdev.h>
#include <linux/cred.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/string.h>

#include "abi.h"
#include "control.h"
#include "endpoint.h"
#include "map.h"
#include "port.h"
#include "sysfs.h"

/*
 * Finding and joining are one step for the name table: else the last close of a
 * MAILBOX_AUTODELETE port could come in between.
 */
static struct mailbox_endpoint *mailbox_join_existing(const char *name, unsigned int flags)
{
	struct mailbox_endpoint *ep;
	struct mailbox_port *port;
	int err = -ENOENT;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find(name);
	if (port)
		err = mailbox_port_permission(port, flags);
	ep = err ? ERR_PTR(err) : mailbox_port_join(port, flags);
	mutex_unlock(&mailbox_ports_lock);
	return ep;
}

static struct mailbox_endpoint *mailbox_join_new(struct mailbox_port *port, unsigned int flags)
{
	struct mailbox_endpoint *ep;
	int err;

	if (!port->name[0])
		return mailbox_port_join(port, flags);
	mutex_lock(&mailbox_ports_lock);
	err = mailbox_port_publish(port);
	ep = err ? ERR_PTR(err) : mailbox_port_join(port, flags);
	mutex_unlock(&mailbox_ports_lock);
	return ep;
}

/* A new port and a descriptor on it, or nothing. */
static int mailbox_install_new(const struct mailbox_create *attr, s32 __user *user)
{
	struct mailbox_port *port = mailbox_port_alloc(attr, current_fsuid(), current_fsgid());
	int err;

	if (IS_ERR(port))
		return PTR_ERR(port);
	err = mailbox_endpoint_install(mailbox_join_new(port, attr->open_flags),
				       attr->open_flags, user);
	if (err) {
		mutex_lock(&mailbox_ports_lock);
		if (port->named)
			mailbox_port_delete(port, false);
		mutex_unlock(&mailbox_ports_lock);
	}
	mailbox_port_put(port);
	return err;
}

static bool mailbox_exists(const char *name)
{
	bool exists;

	mutex_lock(&mailbox_ports_lock);
	exists = mailbox_port_find(name);
	mutex_unlock(&mailbox_ports_lock);
	return exists;
}

static long mailbox_control_create(struct mailbox_create __user *user)
{
	struct mailbox_endpoint *ep;
	struct mailbox_create attr;
	u32 size;
	int err;

	err = mailbox_abi_get(&attr, sizeof(attr), user, &size);
	if (!err)
		err = mailbox_endpoint_check(attr.open_flags);
	if (!err)
		err = mailbox_port_check(&attr);
	if (!err && memchr_inv(attr.name, 0, sizeof(attr.name)))
		err = mailbox_name_check(attr.name);
	if (err)
		return err;
	attr.mode &= ~current_umask();

	if (!attr.name[0])
		return mailbox_install_new(&attr, &user->fd);
	do {
		if (attr.flags & MAILBOX_EXCLUSIVE) {
			if (mailbox_exists(attr.name))
				return -EEXIST;
		} else {
			ep = mailbox_join_existing(attr.name, attr.open_flags);
			if (ep != ERR_PTR(-ENOENT))
				return mailbox_endpoint_install(ep, attr.open_flags, &user->fd);
		}
		err = mailbox_install_new(&attr, &user->fd);
		/* Somebody was faster: the port that is there now, then. */
	} while (err == -EEXIST && !(attr.flags & MAILBOX_EXCLUSIVE));
	return err;
}

static long mailbox_control_open_port(struct mailbox_open __user *user)
{
	struct mailbox_endpoint *ep;
	struct mailbox_open open;
	u32 size;
	int err;

	err = mailbox_abi_get(&open, sizeof(open), user, &size);
	if (!err && open.pad)
		err = -EINVAL;
	if (!err)
		err = mailbox_endpoint_check(open.open_flags);
	if (!err)
		err = mailbox_name_check(open.name);
	if (err)
		return err;
	ep = mailbox_join_existing(open.name, open.open_flags);
	return mailbox_endpoint_install(ep, open.open_flags, &user->fd);
}

static bool mailbox_port_owned(const struct mailbox_port *port)
{
	return uid_eq(current_fsuid(), port->uid) || capable(CAP_IPC_OWNER);
}

static long mailbox_control_delete(struct mailbox_delete __user *user)
{
	struct mailbox_delete delete;
	struct mailbox_port *port;
	u32 size;
	int err;

	err = mailbox_abi_get(&delete, sizeof(delete), user, &size);
	if (!err && (delete.flags & ~(MAILBOX_DELETE_PURGE | MAILBOX_DELETE_UNLINK) ||
		     !(~delete.flags & (MAILBOX_DELETE_PURGE | MAILBOX_DELETE_UNLINK))))
		err = -EINVAL;
	if (!err)
		err = mailbox_name_check(delete.name);
	if (err)
		return err;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find(delete.name);
	if (!port)
		err = -ENOENT;
	else if (!mailbox_port_owned(port))
		err = -EPERM;
	else if (delete.flags & MAILBOX_DELETE_UNLINK)
		mailbox_port_unlink(port);
	else
		mailbox_port_delete(port, delete.flags & MAILBOX_DELETE_PURGE);
	mutex_unlock(&mailbox_ports_lock);
	return err;
}

/* May be kept: with a reference. */
static struct mailbox_port *mailbox_get_existing(const char *name)
{
	struct mailbox_port *port;

	mutex_lock(&mailbox_ports_lock);
	port = mailbox_port_find(name);
	if (port)
		mailbox_port_get(port);
	mutex_unlock(&mailbox_ports_lock);
	return port;
}

static long mailbox_control_evict(struct mailbox_evict __user *user)
{
	struct mailbox_evict evict;
	struct mailbox_port *port;
	u32 size;
	int err;

	err = mailbox_abi_get(&evict, sizeof(evict), user, &size);
	if (!err)
		err = mailbox_name_check(evict.name);
	if (err)
		return err;
	port = mailbox_get_existing(evict.name);
	if (!port)
		return -ENOENT;
	err = -EPERM;
	if (mailbox_port_owned(port))
		err = mailbox_map_evict(port, evict.endpoint);
	mailbox_port_put(port);
	return err;
}

static long mailbox_control_holder(struct mailbox_holder __user *user)
{
	struct mailbox_holder holder;
	struct mailbox_port *port;
	u32 size;
	int err;

	err = mailbox_abi_get(&holder, sizeof(holder), user, &size);
	if (!err && holder.pad)
		err = -EINVAL;
	if (!err)
		err = mailbox_name_check(holder.name);
	if (err)
		return err;
	port = mailbox_get_existing(holder.name);
	if (!port)
		return -ENOENT;
	err = mailbox_port_permission(port, O_RDONLY);
	if (!err)
		err = mailbox_port_holder(port, &holder);
	mailbox_port_put(port);
	return err ?: mailbox_abi_put(user, size, &holder, sizeof(holder));
}

static long mailbox_control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (mailbox_abi_command(cmd)) {
	case mailbox_abi_command(MAILBOX_IOC_QUERY):
		return mailbox_port_query(user);
	case mailbox_abi_command(MAILBOX_IOC_CREATE):
		return mailbox_control_create(user);
	case mailbox_abi_command(MAILBOX_IOC_OPEN):
		return mailbox_control_open_port(user);
	case mailbox_abi_command(MAILBOX_IOC_DELETE):
		return mailbox_control_delete(user);
	case mailbox_abi_command(MAILBOX_IOC_EVICT):
		return mailbox_control_evict(user);
	case mailbox_abi_command(MAILBOX_IOC_HOLDER):
		return mailbox_control_holder(user);
	}
	return -ENOTTY;
}

static const struct file_operations mailbox_control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = mailbox_control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	MAILBOX_LLSEEK
};

int mailbox_control_create_default(const char *name, unsigned int mode)
{
	struct mailbox_create attr = { .mode = mode, .flags = MAILBOX_EXCLUSIVE };
	struct mailbox_port *port;
	int err;

	if (strscpy_pad(attr.name, name, sizeof(attr.name)) < 0)
		return -EINVAL;
	err = mailbox_name_check(attr.name);
	if (!err)
		err = mailbox_port_check(&attr);
	if (err)
		return err;
	port = mailbox_port_alloc(&attr, current_fsuid(), current_fsgid());
	if (IS_ERR(port))
		return PTR_ERR(port);
	mutex_lock(&mailbox_ports_lock);
	err = mailbox_port_publish(port);
	mutex_unlock(&mailbox_ports_lock);
	mailbox_port_put(port);
	return err;
}

static struct cdev mailbox_control_cdev;

int mailbox_control_init(void)
{
	struct device *dev;
	int err;

	cdev_init(&mailbox_control_cdev, &mailbox_control_fops);
	mailbox_control_cdev.owner = THIS_MODULE;
	err = cdev_add(&mailbox_control_cdev, mailbox_devt, 1);
	if (err)
		return err;
	dev = device_create(mailbox_class, NULL, mailbox_devt, NULL, "control");
	if (IS_ERR(dev)) {
		cdev_del(&mailbox_control_cdev);
		return PTR_ERR(dev);
	}
	return 0;
}

void mailbox_control_exit(void)
{
	device_destroy(mailbox_class, mailbox_devt);
	cdev_del(&mailbox_control_cdev);
}
