// SPDX-License-Identifier: MIT
/* What became of a message, in words. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const char *const outcomes[] = {
	"queued", "taken", "received", "acknowledged", "replied to", "discarded", "given up",
};

/* Nobody will finish it. */
static bool is_lost(const struct mailbox_result *r)
{
	return r->outcome == MAILBOX_DISCARDED || r->outcome == MAILBOX_RECEIVER_DIED;
}

static int flush(const struct command *cmd, const char *port)
{
	if (fflush(stdout) || ferror(stdout))
		return failed_because(cmd, port, "standard output: %s", strerror(errno));
	return DONE;
}

int print_receipt(const struct command *cmd, const char *port, const struct mailbox_result *r)
{
	bool known = r->outcome < sizeof(outcomes) / sizeof(outcomes[0]);
	int status;

	printf("lane %u, ticket %" PRIu64 ": %s", r->lane, r->ticket,
	       known ? outcomes[r->outcome] : "?");
	if (r->reason == MAILBOX_REASON_MOVED)
		fputs(" to the dead letters", stdout);
	if (r->pid)
		printf(" %s process %u", r->outcome == MAILBOX_RECEIVER_DIED ? "after" : "by",
		       r->pid);
	if (r->outcome == MAILBOX_REPLIED) {
		fputs(": ", stdout);
		fwrite(r->data, 1, r->length, stdout);
	}
	putchar('\n');
	status = flush(cmd, port);
	return !status && is_lost(r) ? FAILED : status;
}

int print_reply(const struct command *cmd, const char *port, const struct mailbox_result *r,
		bool line)
{
	const char *data = r->data;

	if (r->outcome == MAILBOX_DISCARDED)
		return failed_because(cmd, port, "discarded, nobody will have it");
	if (r->outcome == MAILBOX_RECEIVER_DIED)
		return failed_because(cmd, port, "given up, too many receivers failed%s",
				      r->reason ? ": it is among the dead letters" : "");
	if (r->outcome != MAILBOX_REPLIED)
		return DONE;
	fwrite(data, 1, r->length, stdout);
	if (line && (!r->length || data[r->length - 1] != '\n'))
		putchar('\n');
	return flush(cmd, port);
}
