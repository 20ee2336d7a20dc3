/* SPDX-License-Identifier: GPL-2.0 */
/* The threads that io_uring starts for what can be done neither inline nor by poll. */
#ifndef MAILBOX_WORKERS_H
#define MAILBOX_WORKERS_H

#include "mailbox_test.h"

#include <dirent.h>

/* How many this process has. */
static inline int workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	char path[300];
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		n += !strncmp(slurp(path), "iou-wrk", 7);
	}
	if (dir)
		closedir(dir);
	return n;
}

#endif /* MAILBOX_WORKERS_H */
