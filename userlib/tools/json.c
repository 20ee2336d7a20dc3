// SPDX-License-Identifier: MIT
/* The little that the commands need of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

void json_add(json_t *object, const char *key, uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX) {
		json_object_set_new(object, key, json_integer(value));
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_object_set_new(object, key, json_string(text));
}

/* @out has room for 4 characters per 3 bytes begun, and a NUL. */
static void base64(char *out, const unsigned char *in, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t left;
	uint32_t bits;

	for (left = length; left; left -= left < 3 ? left : 3, in += 3) {
		bits = in[0] << 16;
		if (left > 1)
			bits |= in[1] << 8;
		if (left > 2)
			bits |= in[2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[bits & 63] : '=';
	}
	*out = '\0';
}

void json_add_bytes(json_t *object, const void *data, size_t length)
{
	json_t *text = json_stringn(data, length);
	char *encoded;

	if (text) {
		json_object_set_new(object, "text", text);
		return;
	}
	encoded = malloc((length + 2) / 3 * 4 + 1);
	if (!encoded)
		abort();
	base64(encoded, data, length);
	json_object_set_new(object, "base64", json_string(encoded));
	free(encoded);
}

void json_print(json_t *value, size_t flags)
{
	json_dumpf(value, stdout, flags);
	putchar('\n');
	json_decref(value);
}
