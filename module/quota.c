// SPDX-License-Identifier: GPL-2.0-only
/* Memory per uid. */

#include <linux/capability.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "quota.h"

/* One user with memory charged; there is none for a user without. */
struct mailbox_user {
	struct list_head node;
	kuid_t uid;
	u64 bytes;
};

unsigned long mailbox_max_user_bytes = 256UL << 20;

static DEFINE_MUTEX(mailbox_users_lock);
static LIST_HEAD(mailbox_users);	/* under mailbox_users_lock */

static struct mailbox_user *mailbox_user_find(kuid_t uid)
{
	struct mailbox_user *user;

	lockdep_assert_held(&mailbox_users_lock);
	list_for_each_entry(user, &mailbox_users, node)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static int mailbox_user_charge(kuid_t uid, u64 bytes)
{
	struct mailbox_user *user = mailbox_user_find(uid);
	u64 used = user ? user->bytes : 0;
	u64 limit = READ_ONCE(mailbox_max_user_bytes);

	if ((used > limit || bytes > limit - used) && !capable(CAP_SYS_RESOURCE))
		return -EDQUOT;
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
		if (!user)
			return -ENOMEM;
		user->uid = uid;
		list_add(&user->node, &mailbox_users);
	}
	user->bytes += bytes;
	return 0;
}

int mailbox_quota_charge(kuid_t uid, u64 bytes)
{
	int err;

	mutex_lock(&mailbox_users_lock);
	err = mailbox_user_charge(uid, bytes);
	mutex_unlock(&mailbox_users_lock);
	return err;
}

void mailbox_quota_uncharge(kuid_t uid, u64 bytes)
{
	struct mailbox_user *user;

	mutex_lock(&mailbox_users_lock);
	user = mailbox_user_find(uid);
	user->bytes -= bytes;
	if (!user->bytes) {
		list_del(&user->node);
		kfree(user);
	}
	mutex_unlock(&mailbox_users_lock);
}

u64 mailbox_quota_used(kuid_t uid)
{
	struct mailbox_user *user;
	u64 bytes;

	mutex_lock(&mailbox_users_lock);
	user = mailbox_user_find(uid);
	bytes = user ? user->bytes : 0;
	mutex_unlock(&mailbox_users_lock);
	return bytes;
}
