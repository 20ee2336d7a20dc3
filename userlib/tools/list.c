// SPDX-License-Identifier: MIT
/* mailbox list */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "tool.h"

enum { NAME, DEPTH, SENT, RECEIVED, WAITING, ENDPOINTS, MODE, OWNER, COLUMNS };

static const struct {
	const char *title;
	bool right;		/* aligned, as numbers are */
} columns[COLUMNS] = {
	{ "PORT", false }, { "DEPTH", true }, { "SENT", true },
	{ "RECEIVED", true }, { "WAITING", false }, { "ENDPOINTS", true },
	{ "MODE", false }, { "OWNER", false },
};

struct row {
	char cell[COLUMNS][CELL];
};

static void fill_row(struct row *row, const struct mailbox_info *port)
{
	snprintf(row->cell[NAME], CELL, "%s", port->name);
	snprintf(row->cell[DEPTH], CELL, "%u/%" PRIu64, port->depth, most_messages(port));
	snprintf(row->cell[SENT], CELL, "%llu", port->messages_sent);
	snprintf(row->cell[RECEIVED], CELL, "%llu", port->messages_received);
	show_waiting(row->cell[WAITING], port);
	snprintf(row->cell[ENDPOINTS], CELL, "%u", port->endpoints);
	show_mode(row->cell[MODE], port);
	show_owner(row->cell[OWNER], port);
}

static void print_row(const struct row *row, const int *width)
{
	int i;

	for (i = 0; i < COLUMNS - 1; i++)
		printf("%*s  ", columns[i].right ? width[i] : -width[i],
		       row->cell[i]);
	puts(row->cell[i]);
}

static int print_table(const struct mailbox_info *ports, int count)
{
	struct row *rows = calloc(count + 1, sizeof(*rows));
	int width[COLUMNS] = { 0 };
	int i, j, len;

	if (!rows)
		return -ENOMEM;
	for (j = 0; j < COLUMNS; j++)
		strcpy(rows[0].cell[j], columns[j].title);
	for (i = 0; i < count; i++)
		fill_row(&rows[i + 1], &ports[i]);
	for (i = 0; i <= count; i++) {
		for (j = 0; j < COLUMNS; j++) {
			len = strlen(rows[i].cell[j]);
			if (len > width[j])
				width[j] = len;
		}
	}
	for (i = 0; i <= count; i++)
		print_row(&rows[i], width);
	free(rows);
	return 0;
}

static void print_json(const struct mailbox_info *ports, int count)
{
	json_t *array = json_array();
	int i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, json_port(&ports[i]));
	json_print(array, JSON_INDENT(2));
}

static int list_run(const struct command *cmd, int argc, char **argv)
{
	bool json = json_asked(cmd, argc, argv);
	struct mailbox_info *ports;
	int count, err = 0;

	no_arguments(cmd, argc, argv);
	count = mailbox_list(&ports);
	if (count < 0)
		return failed(cmd, NULL, count);
	if (json)
		print_json(ports, count);
	else
		err = print_table(ports, count);
	free(ports);
	return err ? failed(cmd, NULL, err) : DONE;
}

const struct command command_list = {
	.name = "list",
	.summary = "show all ports in a table",
	.help =
"Usage: mailbox list [OPTION]...\n"
"Show all named ports: messages queued out of the most it holds, messages sent\n"
"and received since it was made, who sleeps there, open endpoints, permissions\n"
"and owner. No port is opened or disturbed.\n\n"
"  -j, --json             an array of objects, with all there is to know\n"
HELP_HELP HELP_EXIT ".\n",
	.run = list_run,
};
