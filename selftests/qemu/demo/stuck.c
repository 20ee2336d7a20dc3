// SPDX-License-Identifier: MIT
/*
 * A receiver that gets stuck in the middle of its receive, for certain: it has
 * the kernel store the message in a page that never comes. The page is under
 * userfaultfd(2), which hands its faults to this program, and this program
 * does nothing about them but say that one happened.
 *
 *	stuck PORT		(as root; ends only by a signal)
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE	8192

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A descriptor that tells of faults in the @size bytes at @page. */
static int watch(void *page, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = {
		.range = { .start = (unsigned long)page, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		die("userfaultfd");
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &area))
		die("userfaultfd ioctl");
	return fd;
}

static void *tell(void *arg)
{
	struct uffd_msg msg;

	if (read(*(int *)arg, &msg, sizeof(msg)) != sizeof(msg))
		die("read userfaultfd");
	puts("in the middle");
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	char path[128];
	pthread_t thread;
	int faults, port;
	void *page;

	if (argc != 2)
		return 2;
	snprintf(path, sizeof(path), "/dev/mailbox/%s", argv[1]);
	port = open(path, O_RDONLY | O_CLOEXEC);
	if (port < 0)
		die(path);
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		die("mmap");

	faults = watch(page, SIZE);
	if (pthread_create(&thread, NULL, tell, &faults))
		die("pthread_create");
	if (read(port, page, SIZE) < 0)		/* does not come back */
		die("read");
	return 0;
}
