/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: how much memory each user's ports take together.
 *
 * A port's memory is charged to the uid that creates it, for as long as the
 * port lives. The room knows uids and bytes, nothing of ports. One mutex
 * inside; every function may sleep.
 */
#ifndef MAILBOX_QUOTA_H
#define MAILBOX_QUOTA_H

#include <linux/types.h>
#include <linux/uidgid.h>

extern unsigned long mailbox_max_user_bytes;	/* module parameter */

/**
 * mailbox_quota_charge() - charge a user
 * @uid: whom
 * @bytes: how much; the caller owes mailbox_quota_uncharge() of the same
 *
 * A caller with CAP_SYS_RESOURCE is charged beyond the limit.
 *
 * Return: 0, -EDQUOT, or -ENOMEM.
 */
int mailbox_quota_charge(kuid_t uid, u64 bytes);

/**
 * mailbox_quota_uncharge() - give back what was charged
 * @uid: whose
 * @bytes: as charged
 */
void mailbox_quota_uncharge(kuid_t uid, u64 bytes);

/**
 * mailbox_quota_used() - what a user is charged at this moment
 * @uid: whose
 *
 * Return: bytes.
 */
u64 mailbox_quota_used(kuid_t uid);

#endif /* MAILBOX_QUOTA_H */
