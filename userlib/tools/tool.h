/* SPDX-License-Identifier: MIT */
/*
 * The mailbox command: what its files share.
 *
 *	mailbox.c  main: finds the subcommand
 *	ports.c    create, delete
 *	send.c     send
 *	receipts.c send: what became of it
 *	recv.c     recv
 *	drain.c    drain
 *	peek.c     peek
 *	write.c    messages to standard output, for these three
 *	list.c     list
 *	info.c     info
 *	top.c      top
 *	watch.c    watch
 *	look.c     what changes, for these two
 *	evict.c    evict
 *	bench.c    bench
 *	query.c    query, version
 *	show.c     a port as text and as JSON
 *	json.c     the rest of JSON
 *	options.c  arguments to numbers, errors to words
 *
 * Errors are one line on stderr: what, on which port, why.
 */
#ifndef MAILBOX_TOOL_H
#define MAILBOX_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include <mailbox.h>

enum {
	DONE = 0,
	FAILED = 1,
	MISUSED = 2,
	WOULD_BLOCK = 3,	/* or timed out, or is not finished yet */
};

/**
 * struct command - one subcommand
 * @name: what is typed
 * @summary: for the list of commands
 * @help: what "mailbox NAME --help" prints
 * @run: gets the arguments behind "mailbox", returns the exit status
 */
struct command {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(const struct command *cmd, int argc, char **argv);
};

extern const struct command command_create, command_delete, command_send,
	command_recv, command_peek, command_drain, command_list, command_info,
	command_top, command_watch, command_evict, command_bench, command_query,
	command_version;

/* The end of every help text. */
#define HELP_HELP	"  -h, --help             this text\n"
#define HELP_EXIT	"\nExit status: 0 done, 1 error, 2 usage"
#define HELP_EXIT_WAIT	", 3 would block or timed out"

/* getopt_long() that prints help for -h and a usage error for what is wrong. */
struct option;
int next_option(const struct command *cmd, int argc, char **argv,
		const char *shorts, const struct option *longs);

/* The same for commands that know only --json, or no option at all. */
bool json_asked(const struct command *cmd, int argc, char **argv);
void no_options(const struct command *cmd, int argc, char **argv);

/* The one argument that names the port. Others are a usage error. */
const char *only_argument(const struct command *cmd, int argc, char **argv);

void no_arguments(const struct command *cmd, int argc, char **argv);

/* Prints "mailbox: CMD: text" and a hint, and exits with MISUSED. */
void misused(const struct command *cmd, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

int exit_status(int error);

/* Prints "mailbox: CMD PORT: why"; returns the exit status for @error. */
int failed(const struct command *cmd, const char *port, int error);
int failed_because(const struct command *cmd, const char *port,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A message's receipt: a line of it, or the reply alone. Return an exit status. */
int print_receipt(const struct command *cmd, const char *port, const struct mailbox_result *r);
int print_reply(const struct command *cmd, const char *port, const struct mailbox_result *r,
		bool line);

/* A message on standard output, in one of these ways. */
enum how { AS_BYTES, AS_LINES, AS_JSON };
void write_message(const struct mailbox_msg *msg, enum how how);

/* It is written, or could not be: if leased, it is acknowledged, or given back. */
int finish_message(const struct command *cmd, const char *port, struct mailbox *mb,
		   const struct mailbox_msg *msg);

/*
 * Open a port to receive from these of its lanes alone, 0: from all, with room for any
 * message in @msg. Returns an exit status; close it whatever that is.
 */
int open_receiver(const struct command *cmd, const char *port, uint32_t mask,
		  struct mailbox **mb, struct mailbox_msg *msg);
void close_receiver(struct mailbox *mb, struct mailbox_msg *msg);

/* Arguments to values; what is wrong or out of range is a usage error. */
uint64_t to_number(const struct command *cmd, const char *what,
		   const char *text, uint64_t min, uint64_t max);
uint32_t to_size(const struct command *cmd, const char *what, const char *text,
		 uint32_t max);		/* with K or M */
uint32_t to_mode(const struct command *cmd, const char *text);
uint32_t to_lanes(const struct command *cmd, const char *text);	/* "0,2": mask */
int to_ms(const struct command *cmd, const char *text);		/* of seconds */
int to_interval(const struct command *cmd, const char *text);	/* likewise, 0.01 at least */

#endif /* MAILBOX_TOOL_H */
