/* SPDX-License-Identifier: MIT */
/* The little that the commands need of JSON. */
#ifndef MAILBOX_TOOL_JSON_H
#define MAILBOX_TOOL_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A number; one above 2^63 - 1, which most readers spoil, as a string. */
void json_add(json_t *object, const char *key, uint64_t value);

/* Bytes as "text" if they are UTF-8, otherwise as "base64". */
void json_add_bytes(json_t *object, const void *data, size_t length);

/* Prints @value and a newline, and frees it. */
void json_print(json_t *value, size_t flags);

#endif /* MAILBOX_TOOL_JSON_H */
