/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The JSON writer. It writes as it goes, without a tree: answers are short
 * and many.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto_out.h"

/* An empty buffer. */
void
proto_out_init(struct proto_out *o)
{

	memset(o, 0, sizeof(*o));
}

/* Frees the buffer. */
void
proto_out_free(struct proto_out *o)
{

	free(o->buf);
	proto_out_init(o);
}

/* Appends bytes, or fails for good. */
static void
proto_out_put(struct proto_out *o, const char *from, size_t len)
{
	size_t size = o->size != 0 ? o->size : 512;
	char *buf;

	if (o->failed)
		return;
	while (len > size - o->len)
		size *= 2;
	if (size != o->size) {
		buf = realloc(o->buf, size);
		if (buf == NULL) {
			proto_out_free(o);
			o->failed = true;
			return;
		}
		o->buf = buf;
		o->size = size;
	}
	memcpy(o->buf + o->len, from, len);
	o->len += len;
}

/* Appends text. */
static void
proto_out_text(struct proto_out *o, const char *text)
{

	proto_out_put(o, text, strlen(text));
}

/* The length of the UTF-8 sequence at s, 0 if it is none (RFC 3629). */
static size_t
proto_utf8_len(const uint8_t *s, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = s[0];
	size_t n, i;

	if (c < 0x80)
		return 1;
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n > len)
		return 0;
	c &= 0xff >> (n + 1);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/* Cuts off the beginning of a sequence at the end. */
size_t
proto_utf8_whole(const void *buf, size_t len)
{
	const uint8_t *s = buf;
	size_t back, need;

	for (back = 1; back <= 3 && back <= len; back++) {
		uint8_t c = s[len - back];

		if ((c & 0xc0) == 0x80)
			continue;
		need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
		return need > back ? len - back : len;
	}
	return len;
}

/* One character of a string, escaped where JSON wants it. */
static void
proto_out_char(struct proto_out *o, uint8_t c)
{
	static const char escapes[] = "\b\t\n\f\r\"\\";
	static const char letters[] = "btnfr\"\\";
	const char *at = c != '\0' ? strchr(escapes, c) : NULL;
	char text[8];

	if (at != NULL)
		(void)snprintf(text, sizeof(text), "\\%c",
		    letters[at - escapes]);
	else
		(void)snprintf(text, sizeof(text), "\\u%04x", c);
	proto_out_text(o, text);
}

/* A string in quotes: runs of plain characters go out in one piece. */
static void
proto_out_quoted(struct proto_out *o, const uint8_t *s, size_t len)
{
	size_t i = 0, run = 0, n;

	proto_out_put(o, "\"", 1);
	while (i < len) {
		n = proto_utf8_len(s + i, len - i);
		if (n > 1 || (n == 1 && s[i] >= 0x20 && s[i] != 0x7f &&
		    s[i] != '"' && s[i] != '\\')) {
			i += n;
			continue;
		}
		proto_out_put(o, (const char *)s + run, i - run);
		if (n == 0)
			proto_out_text(o, "\xef\xbf\xbd");
		else
			proto_out_char(o, s[i]);
		run = ++i;
	}
	proto_out_put(o, (const char *)s + run, i - run);
	proto_out_put(o, "\"", 1);
}

/* What goes before a value. */
static void
proto_out_key(struct proto_out *o, const char *key)
{

	if (o->comma)
		proto_out_put(o, ",", 1);
	if (key != NULL) {
		proto_out_quoted(o, (const uint8_t *)key, strlen(key));
		proto_out_put(o, ":", 1);
	}
	o->comma = true;
}

/* A value that is text already. */
static void
proto_out_raw(struct proto_out *o, const char *key, const char *text)
{

	proto_out_key(o, key);
	proto_out_text(o, text);
}

/* Opens an object. */
void
proto_out_object(struct proto_out *o, const char *key)
{

	proto_out_raw(o, key, "{");
	o->comma = false;
}

/* Closes it. */
void
proto_out_object_end(struct proto_out *o)
{

	proto_out_put(o, "}", 1);
	o->comma = true;
}

/* Opens an array. */
void
proto_out_array(struct proto_out *o, const char *key)
{

	proto_out_raw(o, key, "[");
	o->comma = false;
}

/* Closes it. */
void
proto_out_array_end(struct proto_out *o)
{

	proto_out_put(o, "]", 1);
	o->comma = true;
}

/* Text, or nothing. */
void
proto_out_string(struct proto_out *o, const char *key, const char *text)
{

	if (text != NULL)
		proto_out_bytes(o, key, text, strlen(text));
}

/* Bytes as text. */
void
proto_out_bytes(struct proto_out *o, const char *key, const void *buf,
    size_t len)
{

	proto_out_key(o, key);
	proto_out_quoted(o, buf, len);
}

/* Bytes as base64 (RFC 4648). */
void
proto_out_base64(struct proto_out *o, const char *key, const void *buf,
    size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = buf;
	char four[4];
	uint32_t v;
	size_t i, n;

	proto_out_key(o, key);
	proto_out_put(o, "\"", 1);
	for (i = 0; i < len; i += 3) {
		n = len - i < 3 ? len - i : 3;
		v = (uint32_t)s[i] << 16 | (n > 1 ? s[i + 1] << 8 : 0) |
		    (n > 2 ? s[i + 2] : 0);
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		four[3] = n > 2 ? digits[v & 63] : '=';
		proto_out_put(o, four, sizeof(four));
	}
	proto_out_put(o, "\"", 1);
}

/* A number. */
void
proto_out_integer(struct proto_out *o, const char *key, int64_t value)
{
	char text[32];

	if (value > PROTO_INTEGER_MAX)
		value = PROTO_INTEGER_MAX;
	if (value < -PROTO_INTEGER_MAX)
		value = -PROTO_INTEGER_MAX;
	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	proto_out_raw(o, key, text);
}

/* A number that is never below 0. */
void
proto_out_unsigned(struct proto_out *o, const char *key, uint64_t value)
{

	proto_out_integer(o, key, value > PROTO_INTEGER_MAX ?
	    PROTO_INTEGER_MAX : (int64_t)value);
}

/* All 64 bits, as a string. */
void
proto_out_hex(struct proto_out *o, const char *key, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "\"0x%" PRIx64 "\"", value);
	proto_out_raw(o, key, text);
}

/* A rate. */
void
proto_out_real(struct proto_out *o, const char *key, double value)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%.1f", value);
	proto_out_raw(o, key, text);
}

/* true or false. */
void
proto_out_boolean(struct proto_out *o, const char *key, bool value)
{

	proto_out_raw(o, key, value ? "true" : "false");
}

/* Opens a line; the result itself comes next. */
void
proto_out_result(struct proto_out *o, const struct proto_request *r)
{

	proto_out_object(o, NULL);
	if (r->jsonrpc)
		proto_out_string(o, "jsonrpc", "2.0");
	proto_out_object(o, "result");
}

/* Closes the result and the line. */
void
proto_out_result_end(struct proto_out *o, const struct proto_request *r)
{

	proto_out_object_end(o);
	proto_out_raw(o, "id", r->id);
	proto_out_text(o, "}\n");
}

/* A line that says what was wrong. */
void
proto_out_failure(struct proto_out *o, const struct proto_request *r,
    const struct proto_failure *f)
{
	const struct proto_error_row *row = &proto_errors[f->name];

	proto_out_object(o, NULL);
	if (r->jsonrpc)
		proto_out_string(o, "jsonrpc", "2.0");
	proto_out_object(o, "error");
	proto_out_integer(o, "code", row->code);
	proto_out_string(o, "message", f->text);
	proto_out_object(o, "data");
	proto_out_string(o, "name", row->name);
	proto_out_string(o, "errno", proto_errno_name(f->error));
	proto_out_string(o, "param", f->param);
	proto_out_object_end(o);
	proto_out_result_end(o, r);
}

/* Opens an event; its members come next. */
void
proto_out_event(struct proto_out *o)
{

	proto_out_object(o, NULL);
	proto_out_string(o, "method", "event");
	proto_out_object(o, "params");
}

/* Closes it. */
void
proto_out_event_end(struct proto_out *o)
{

	proto_out_object_end(o);
	proto_out_text(o, "}\n");
}
