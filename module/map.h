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
 * Context: under mmap_lock, which is above every lock of ours. No user memory is
 * touched under any of these.
 */
#ifndef MAILBOX_MAP_H
#define MAILBOX_MAP_H

#include <linux/fs.h>

/* file_operations.mmap of a port. */
int mailbox_map_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* MAILBOX_MAP_H */
