/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DOC: mmap of a port: who maps, and when a mapping is gone.
 *
 * A mapping for writing makes its endpoint a participant under an id of its own:
 * one address space, all of the port, MAP_SHARED. It cannot be inherited, moved,
 * split or grown, and nobody gets hold of its pages: so when it is closed (munmap,
 * exec, exit, SIGKILL) nobody writes under that id any more, and what it left half
 * done is repaired at once. A mapping for reading only watches.
 *
 * Eviction does the same to a process that is alive, in this order, each step
 * complete before the next: the mapping is marked, so that faults put no page there
 * any more; its pages are taken out and forgotten by all processors; the slots are
 * repaired; everybody is woken. Were the slots repaired first, a store that is on its
 * way would hit the next owner's message. System calls on the same endpoint own slots
 * under another id and are nobody's business here.
 *
 * Locks: mmap_lock is above every lock of ours, so it is never taken under one, and
 * no user memory is touched under any. mapping->lock is a leaf.
 */
#ifndef MAILBOX_MAP_H
#define MAILBOX_MAP_H

#include <linux/fs.h>

struct mailbox_port;

/* file_operations.mmap of a port. */
int mailbox_map_mmap(struct file *file, struct vm_area_struct *vma);

/**
 * mailbox_map_evict() - take a mapping away from its process
 * @port: the port
 * @id: of the endpoint
 *
 * When it returns, or says that there is none, nobody writes to the slots through
 * that mapping. Context: no lock held; may sleep.
 *
 * Return: 0, -ESRCH (no such mapping), or -EINTR (the caller is being killed).
 */
int mailbox_map_evict(struct mailbox_port *port, u32 id);

#endif /* MAILBOX_MAP_H */
