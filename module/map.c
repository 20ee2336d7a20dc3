// SPDX-License-Identifier: GPL-2.0-only
/* mmap of a port. */

#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "map.h"
#include "port.h"

/**
 * struct mailbox_mapping - a mapping for sending and receiving
 * @ep: whose; the file stays while it is mapped
 * @areas: how many there are of it: two for a moment when somebody tries to move it
 */
struct mailbox_mapping {
	struct mailbox_endpoint *ep;
	refcount_t areas;
};

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
		kfree(mapping);
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
static vm_fault_t mailbox_map_fault(struct vm_fault *vmf)
{
	struct mailbox_endpoint *ep = vmf->vma->vm_file->private_data;
	u64 offset = (u64)vmf->pgoff << PAGE_SHIFT;

	if (offset >= ep->port->ring.bytes)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      vmalloc_to_pfn((void *)ep->port->ring.shared + offset));
}

static const struct vm_operations_struct mailbox_map_ops = {
	.open = mailbox_map_open,
	.close = mailbox_map_close,
	.may_split = mailbox_map_may_split,
	.mremap = mailbox_map_mremap,
	.fault = mailbox_map_fault,
};

static struct mailbox_mapping *mailbox_map_join(struct mailbox_endpoint *ep)
{
	struct mailbox_mapping *mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	int err;

	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->ep = ep;
	refcount_set(&mapping->areas, 1);
	err = mailbox_port_adopt(ep);
	if (err) {
		kfree(mapping);
		return ERR_PTR(err);
	}
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
		mapping = mailbox_map_join(ep);
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
