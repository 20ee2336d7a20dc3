// SPDX-License-Identifier: GPL-2.0-only
/* mmap of a port. */

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "map.h"
#include "port.h"

/**
 * struct mailbox_mapping - a mapping for sending and receiving
 * @ep: whose; the file stays while it is mapped
 * @file: that file
 * @mm: whose memory, as long as this is there
 * @start: its address there
 * @runner: of a direct port: whoever sleeps must know of it
 * @areas: how many there are of it: two for a moment when somebody tries to move it
 * @refs: one for all areas, one for each eviction
 * @lock: protects what follows, and is held while a page is put there
 * @revoked: no page any more
 */
struct mailbox_mapping {
	struct mailbox_endpoint *ep;
	struct file *file;
	struct mm_struct *mm;
	unsigned long start;
	struct mailbox_runner runner;
	refcount_t areas;
	refcount_t refs;
	struct mutex lock;		/* protects what follows */
	bool revoked;
};

static void mailbox_mapping_put(struct mailbox_mapping *mapping)
{
	if (refcount_dec_and_test(&mapping->refs)) {
		mailbox_runners_remove(&mapping->ep->port->runners, &mapping->runner);
		mmdrop(mapping->mm);
		kfree(mapping);
	}
}

static void mailbox_map_open(struct vm_area_struct *vma)
{
	struct mailbox_mapping *mapping = vma->vm_private_data;

	if (mapping)
		refcount_inc(&mapping->areas);
}

/* The page tables are empty by now, and no processor remembers what was in them. */
static void mailbox_map_close(struct vm_area_struct *vma)
{
	struct mailbox_mapping *mapping = vma->vm_private_data;

	if (mapping && refcount_dec_and_test(&mapping->areas)) {
		mailbox_port_disown(mapping->ep);
		mailbox_mapping_put(mapping);
	}
}

static int mailbox_map_may_split(struct vm_area_struct *vma, unsigned long at)
{
	return -EINVAL;
}

static int mailbox_map_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* As a bare page number: so that nobody can hold on to the page. */
static vm_fault_t mailbox_map_insert(struct vm_fault *vmf)
{
	struct mailbox_endpoint *ep = vmf->vma->vm_file->private_data;
	u64 offset = (u64)vmf->pgoff << PAGE_SHIFT;

	if (offset >= ep->port->ring.bytes)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      vmalloc_to_pfn((void *)ep->port->ring.shared + offset));
}

/* Either the eviction finds the page that was put there, or none is put. */
static vm_fault_t mailbox_map_fault(struct vm_fault *vmf)
{
	struct mailbox_mapping *mapping = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (!mapping)
		return mailbox_map_insert(vmf);
	mutex_lock(&mapping->lock);
	if (!mapping->revoked)
		ret = mailbox_map_insert(vmf);
	mutex_unlock(&mapping->lock);
	return ret;
}

static const struct vm_operations_struct mailbox_map_ops = {
	.open = mailbox_map_open,
	.close = mailbox_map_close,
	.may_split = mailbox_map_may_split,
	.mremap = mailbox_map_mremap,
	.fault = mailbox_map_fault,
};

static struct mailbox_mapping *mailbox_map_join(struct file *file, struct vm_area_struct *vma)
{
	struct mailbox_mapping *mapping = kzalloc(sizeof(*mapping), MAILBOX_GFP);
	int err;

	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->ep = file->private_data;
	mapping->file = file;
	mapping->mm = vma->vm_mm;
	mapping->start = vma->vm_start;
	refcount_set(&mapping->areas, 1);
	refcount_set(&mapping->refs, 1);
	mutex_init(&mapping->lock);
	INIT_LIST_HEAD(&mapping->runner.node);
	mmgrab(mapping->mm);
	err = mailbox_port_adopt(mapping->ep, mapping);
	if (err) {
		mailbox_mapping_put(mapping);
		return ERR_PTR(err);
	}
	mailbox_runners_add(&mapping->ep->port->runners, &mapping->runner, mapping->mm);
	return mapping;
}

int mailbox_map_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mailbox_endpoint *ep = file->private_data;
	struct mailbox_mapping *mapping = NULL;

	if (ep->port->flags & MAILBOX_SEALED)
		return -EPERM;
	/* A shared mapping of what is open for reading alone has no VM_SHARED. */
	if (!(vma->vm_flags & VM_MAYSHARE) || vma->vm_flags & VM_EXEC || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != ep->port->ring.bytes)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE) {
		mapping = mailbox_map_join(file, vma);
		if (IS_ERR(mapping))
			return PTR_ERR(mapping);
	}
	/* Once a watcher, always a watcher. */
	mailbox_vm_flags(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			 VM_MAYEXEC | (mapping ? 0 : VM_MAYWRITE));
	vma->vm_ops = &mailbox_map_ops;
	vma->vm_private_data = mapping;
	return 0;
}

/*
 * Find a mapping and keep it. It is on the port's list, so its area has not been
 * closed, and still holds the file.
 */
static struct mailbox_mapping *mailbox_map_condemn(struct mailbox_port *port, u32 id)
{
	struct mailbox_mapping *mapping = NULL;
	struct mailbox_endpoint *ep;

	mutex_lock(&port->lock);
	ep = mailbox_port_mapped(port, id);
	if (ep && ep->id == id) {
		ep->evicted = true;
		mapping = ep->mapping;
		refcount_inc(&mapping->refs);
		get_file(mapping->file);
	}
	mutex_unlock(&port->lock);
	return mapping;
}

/*
 * A move that is refused puts the area back before it gives up mmap_lock: under it
 * there is the one area at its old address, or none any more, or none yet.
 */
static int mailbox_map_zap(struct mailbox_mapping *mapping)
{
	struct mm_struct *mm = mapping->mm;
	struct vm_area_struct *vma;

	/* Without users nobody runs there, nor will again. */
	if (!mmget_not_zero(mm))
		return 0;
	if (mmap_read_lock_killable(mm)) {
		mmput(mm);
		return -EINTR;
	}
	vma = vma_lookup(mm, mapping->start);
	if (vma && vma->vm_ops == &mailbox_map_ops && vma->vm_private_data == mapping)
		mailbox_zap(vma);
	mmap_read_unlock(mm);
	/* Maybe the last: then all of its memory goes, which is not ours to wait for. */
	mmput_async(mm);
	return 0;
}

int mailbox_map_evict(struct mailbox_port *port, u32 id)
{
	struct mailbox_mapping *mapping = mailbox_map_condemn(port, id);
	struct file *file;
	int err;

	if (!mapping)
		return -ESRCH;
	file = mapping->file;
	mutex_lock(&mapping->lock);
	mapping->revoked = true;
	mutex_unlock(&mapping->lock);
	err = mailbox_map_zap(mapping);
	if (!err)
		mailbox_port_disown(mapping->ep);
	mailbox_mapping_put(mapping);
	fput(file);
	return err;
}
