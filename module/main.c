// SPDX-License-Identifier: GPL-2.0-only
/* mailbox_dev: init and exit, in order and in reverse. */

#include <linux/init.h>
#include <linux/module.h>
#include <linux/string.h>

#include "control.h"
#include "endpoint.h"
#include "port.h"
#include "quota.h"
#include "sysfs.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static char *ports = "default";
module_param(ports, charp, 0444);
MODULE_PARM_DESC(ports, "names of ports to create at load time (default: one, \"default\")");

static unsigned int port_mode = 0660;
module_param(port_mode, uint, 0444);
MODULE_PARM_DESC(port_mode, "permission bits of those ports (default: 0660)");

module_param_named(max_ports, mailbox_max_ports, uint, 0444);
MODULE_PARM_DESC(max_ports, "how many ports may exist (default: 1024)");

module_param_named(max_port_bytes, mailbox_max_port_bytes, ulong, 0644);
MODULE_PARM_DESC(max_port_bytes, "memory of one port in bytes (default: 64 MiB)");

module_param_named(max_user_bytes, mailbox_max_user_bytes, ulong, 0644);
MODULE_PARM_DESC(max_user_bytes, "memory of one user's ports together (default: 256 MiB)");

static int __init mailbox_create_ports(void)
{
	char *names = kstrdup(ports, GFP_KERNEL), *rest = names, *name;
	int err = names ? 0 : -ENOMEM;

	while (!err && (name = strsep(&rest, ","))) {
		if (!*name && !rest && name == names)
			break;		/* "ports=": none */
		err = mailbox_control_create_default(name, port_mode);
		if (err)
			pr_err("cannot create port \"%s\": %d\n", name, err);
	}
	kfree(names);
	return err;
}

static int __init mailbox_init(void)
{
	int err;

	if (mailbox_max_ports < 1 || mailbox_max_ports >= MAILBOX_MINORS || port_mode & ~0777)
		return -EINVAL;
	err = mailbox_class_init();
	if (err)
		return err;
	err = mailbox_endpoint_init();
	if (err)
		goto err_class;
	err = mailbox_create_ports();
	if (err)
		goto err_ports;
	err = mailbox_control_init();
	if (err)
		goto err_ports;
	return 0;

err_ports:
	mailbox_ports_exit();
	mailbox_endpoint_exit();
err_class:
	mailbox_class_exit();
	return err;
}

static void __exit mailbox_exit(void)
{
	mailbox_control_exit();
	mailbox_ports_exit();
	mailbox_endpoint_exit();
	mailbox_class_exit();
}

module_init(mailbox_init);
module_exit(mailbox_exit);

MODULE_DESCRIPTION("mailbox: named message ports between processes");
MODULE_AUTHOR("mailbox project");
MODULE_LICENSE("GPL");
