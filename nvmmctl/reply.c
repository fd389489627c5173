/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Replies: a line from the daemon, read as JSON, with its result's own text
 * kept, so that --json prints what the daemon wrote, number for number.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "nvmmctl.h"
#include "wire.h"

struct reply {
	char *line;
	size_t len;
	json_t *root;
};

/* The exit status of each error name; others are CTL_FAILED. */
static const struct {
	const char *name;
	int status;
} reply_statuses[] = {
	{ "LIMIT",		CTL_REFUSED },
	{ "DENIED",		CTL_REFUSED },
	{ "BAD_IMAGE",		CTL_REFUSED },
	{ "BAD_CONFIG",		CTL_REFUSED },
	{ "INVALID_PARAMS",	CTL_REFUSED },
	{ "NO_MEMORY",		CTL_REFUSED },
	{ "NOT_FOUND",		CTL_NOTFOUND },
	{ "EXISTS",		CTL_CONFLICT },
	{ "STATE_CONFLICT",	CTL_CONFLICT },
};

/* Returns the reply that a line of malloc'd memory is; it takes the line. */
struct reply *
reply_parse(char *line, size_t len)
{
	struct reply *reply;

	reply = calloc(1, sizeof(*reply));
	if (reply == NULL) {
		free(line);
		return NULL;
	}
	reply->line = line;
	reply->len = len;
	reply->root = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(reply->root)) {
		reply_free(reply);
		return NULL;
	}
	return reply;
}

/* Frees a reply and all strings that were read from it. */
void
reply_free(struct reply *reply)
{
	if (reply == NULL)
		return;
	json_decref(reply->root);
	free(reply->line);
	free(reply);
}

/* Returns the id of the request that is answered, -1 for an event or null. */
int64_t
reply_id(const struct reply *reply)
{
	const json_t *id = json_object_get(reply->root, "id");

	return json_is_integer(id) ? json_integer_value(id) : -1;
}

bool
reply_iserror(const struct reply *reply)
{
	return json_object_get(reply->root, "error") != NULL;
}

/* Returns the exit status that fits an error's symbolic name. */
static int
reply_status(const char *name)
{
	size_t i, n = sizeof(reply_statuses) / sizeof(reply_statuses[0]);

	for (i = 0; name != NULL && i < n; i++) {
		if (strcmp(reply_statuses[i].name, name) == 0)
			return reply_statuses[i].status;
	}
	return CTL_FAILED;
}

/* Prints the error that a reply is; returns CTL_OK if it is none. */
int
reply_error(const struct reply *reply)
{
	const json_t *error = json_object_get(reply->root, "error");
	const char *text, *name;

	if (error == NULL)
		return CTL_OK;
	text = json_string_value(json_object_get(error, "message"));
	name = json_string_value(json_object_get(
	    json_object_get(error, "data"), "name"));
	if (text == NULL)
		text = (name != NULL) ? name : "the daemon reports an error";
	return fail(reply_status(name), "%s", text);
}

/* Returns the result's JSON, NULL if there is none. */
const json_t *
reply_result(const struct reply *reply)
{
	return json_object_get(reply->root, "result");
}

/* Returns a member of the result, by a path of names between dots. */
static const json_t *
reply_member(const struct reply *reply, const char *path)
{
	const json_t *value = reply_result(reply);
	char name[32];
	size_t len;

	for (;;) {
		len = strcspn(path, ".");
		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		value = json_object_get(value, name);
		if (path[len] == '\0')
			return value;
		path += len + 1;
	}
}

/* Returns a string of the result, NULL if it is missing or something else. */
const char *
reply_string(const struct reply *reply, const char *path)
{
	return json_string_value(reply_member(reply, path));
}

/* Returns an integer of the result, or def. */
int64_t
reply_integer(const struct reply *reply, const char *path, int64_t def)
{
	const json_t *value = reply_member(reply, path);

	return json_is_integer(value) ? json_integer_value(value) : def;
}

/* Returns the end of a JSON string that starts at its quote. */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	return p + 1;
}

/* Returns the end of a JSON value; the line has been parsed, so it ends. */
static const char *
skip_value(const char *p)
{
	int depth = 0;

	for (;;) {
		if (*p == '"') {
			p = skip_string(p);
		} else {
			if (*p == '{' || *p == '[')
				depth++;
			else if (depth > 0 && (*p == '}' || *p == ']'))
				depth--;
			p++;
		}
		if (depth == 0 && strchr(",}] \t\r\n", *p) != NULL)
			return p;
	}
}

/* Skips white space and the one separator that may be in it. */
static const char *
skip_space(const char *p, char separator)
{
	p += strspn(p, " \t\r\n");
	if (*p == separator)
		p += 1 + strspn(p + 1, " \t\r\n");
	return p;
}

/* Returns a member's text within the daemon's line, NULL if there is none. */
static const char *
member_text(const struct reply *reply, const char *name, size_t *len)
{
	size_t namelen = strlen(name);
	const char *key, *value, *p;

	p = skip_space(reply->line, '{');
	while (*p == '"') {
		key = p;
		value = skip_space(skip_string(key), ':');
		p = skip_value(value);
		if (strncmp(key + 1, name, namelen) == 0 &&
		    key[namelen + 1] == '"') {
			*len = (size_t)(p - value);
			return value;
		}
		p = skip_space(p, ',');
	}
	return NULL;
}

const char *
reply_text(const struct reply *reply, size_t *len)
{
	return member_text(reply, "result", len);
}

const char *
reply_params_text(const struct reply *reply, size_t *len)
{
	return member_text(reply, "params", len);
}

/* Returns an event's parameters, NULL for what is no event. */
const json_t *
reply_event(const struct reply *reply)
{
	const char *method;

	method = json_string_value(json_object_get(reply->root, "method"));
	if (method == NULL || strcmp(method, "event") != 0)
		return NULL;
	return json_object_get(reply->root, "params");
}
