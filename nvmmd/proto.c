/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * From a line to a typed request. Whatever is not exactly what the table
 * says is refused, with the name of what was wrong: a client's mistake must
 * not look like success.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "proto.h"

#define PROTO_ROW(name, code, summary)	{ #name, code, summary },
const struct proto_error_row proto_errors[PROTO_NERRORS] = {
	PROTO_ERRORS(PROTO_ROW)
};

const char *const proto_privileges[PROTO_NPRIVILEGES] = {
	[PROTO_MONITOR] = "monitor",
	[PROTO_USER] = "user",
	[PROTO_OPERATOR] = "operator",
	[PROTO_ADMIN] = "admin",
};

/* A role's privilege by its name. */
enum proto_privilege
proto_privilege(const char *name)
{
	unsigned i;

	for (i = 0; i < PROTO_NPRIVILEGES; i++) {
		if (strcmp(proto_privileges[i], name) == 0)
			break;
	}
	return (enum proto_privilege)i;
}

/* Text for describe and for messages. */
const char *
proto_type_name(enum proto_type type)
{
	static const char *const names[] = {
		[PROTO_STRING] = "string",
		[PROTO_INTEGER] = "integer",
		[PROTO_BOOLEAN] = "boolean",
		[PROTO_FILE] = "file",
		[PROTO_VM] = "string",
		[PROTO_STREAM] = "stream",
		[PROTO_SIZE] = "size",
		[PROTO_STRINGS] = "strings",
		[PROTO_OBJECTS] = "objects",
	};

	return names[type];
}

void
proto_one_line(char *text)
{

	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = '?';
	}
}

/* A failure, formatted; always -1. */
int
proto_fail(struct proto_failure *f, enum proto_error name, int error,
    const char *param, const char *fmt, ...)
{
	va_list ap;

	f->name = name;
	f->error = error;
	f->param = param;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	proto_one_line(f->text);
	return -1;
}

/* Does the text nest deeper than we follow? Strings are skipped. */
static bool
proto_too_deep(const char *text, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
		} else if (text[i] == '"') {
			quoted = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > PROTO_DEPTH_MAX)
				return true;
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

/* The line as a tree whose root is an object. */
static json_t *
proto_tree(const char *line, size_t len, struct proto_failure *f)
{
	json_error_t error;
	json_t *tree;

	if (proto_too_deep(line, len)) {
		proto_fail(f, PROTO_INVALID_REQUEST, 0, NULL,
		    "nested deeper than %d", PROTO_DEPTH_MAX);
		return NULL;
	}
	tree = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
	    &error);
	if (tree == NULL) {
		proto_fail(f, json_error_code(&error) ==
		    json_error_duplicate_key ? PROTO_INVALID_REQUEST :
		    PROTO_PARSE_ERROR, 0, NULL, "column %d: %s", error.column,
		    error.text);
		return NULL;
	}
	if (!json_is_object(tree)) {
		proto_fail(f, PROTO_INVALID_REQUEST, 0, NULL,
		    json_is_array(tree) ? "batches are not supported" :
		    "a request is an object");
		json_decref(tree);
		return NULL;
	}
	return tree;
}

/* Keeps the id as text, to be echoed. */
static int
proto_id(struct proto_request *r, const json_t *id, struct proto_failure *f)
{
	size_t len;

	if (id == NULL)
		return proto_fail(f, PROTO_INVALID_REQUEST, 0, "id",
		    "the request has no id");
	if (!json_is_string(id) && !json_is_integer(id))
		return proto_fail(f, PROTO_INVALID_REQUEST, 0, "id",
		    "id must be a string or an integer");
	len = json_dumpb(id, r->id, sizeof(r->id) - 1, JSON_ENCODE_ANY);
	if (len == 0 || len >= sizeof(r->id)) {
		(void)strcpy(r->id, "null");
		return proto_fail(f, PROTO_INVALID_REQUEST, 0, "id",
		    "id is longer than %d bytes", PROTO_ID_MAX - 1);
	}
	r->id[len] = '\0';
	return 0;
}

/* Finds the members of the request, and no others. */
static int
proto_members(struct proto_request *r, json_t *tree, struct proto_failure *f)
{
	const char *key;
	json_t *value;
	int error = 0;

	/* The id first: every other failure can then be told apart by it. */
	value = json_object_get(tree, "jsonrpc");
	r->jsonrpc = json_is_string(value) &&
	    strcmp(json_string_value(value), "2.0") == 0;
	if (proto_id(r, json_object_get(tree, "id"), f) == -1)
		return -1;
	json_object_foreach(tree, key, value) {
		if (strcmp(key, "id") == 0 || strcmp(key, "params") == 0)
			continue;
		if (strcmp(key, "method") == 0 && json_is_string(value))
			continue;
		if (strcmp(key, "jsonrpc") == 0 && r->jsonrpc)
			continue;
		error = proto_fail(f, PROTO_INVALID_REQUEST, 0, NULL,
		    strcmp(key, "method") == 0 ? "%s must be a string" :
		    strcmp(key, "jsonrpc") == 0 ? "%s must be \"2.0\"" :
		    "unknown member %.64s", key);
	}
	if (error == 0 && json_object_get(tree, "method") == NULL)
		error = proto_fail(f, PROTO_INVALID_REQUEST, 0, NULL,
		    "the request has no method");
	return error;
}

/* The row of that name. */
static const struct proto_row *
proto_row(const struct proto_row *rows, size_t nrows, const char *name)
{
	size_t i;

	for (i = 0; i < nrows; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* A file: exactly one of "fd", "upload" and "image"; the first two by name. */
static bool
proto_file(const json_t *value, struct proto_value *out)
{
	const json_t *number = json_object_get(value, "fd");
	const json_t *upload = json_object_get(value, "upload");
	const json_t *image = json_object_get(value, "image");
	const json_t *name = json_object_get(value, "name");

	out->string = json_string_value(image);
	out->name = json_string_value(name);
	out->boolean = upload != NULL;
	if (json_object_size(value) != (name != NULL ? 2 : 1) ||
	    (name != NULL && (out->name == NULL || image != NULL)))
		return false;
	if (upload != NULL)
		number = upload;
	out->integer = json_integer_value(number);
	return json_is_string(image) || (json_is_integer(number) &&
	    out->integer >= 0 && out->integer < PROTO_FDS_MAX);
}

/* An integer that survives every JSON reader. */
static bool
proto_integer(const json_t *value, struct proto_value *out)
{

	out->integer = json_integer_value(value);
	return json_is_integer(value) && out->integer <= PROTO_INTEGER_MAX &&
	    out->integer >= -PROTO_INTEGER_MAX;
}

/* Takes a value of the parameter's type. */
static int
proto_value(const struct proto_param *p, const json_t *value,
    struct proto_value *out, struct proto_failure *f)
{
	bool right = false;

	switch (p->type) {
	case PROTO_STRING:
	case PROTO_VM:
		out->string = json_string_value(value);
		right = out->string != NULL;
		break;
	case PROTO_INTEGER:
	case PROTO_STREAM:
		right = proto_integer(value, out);
		break;
	case PROTO_BOOLEAN:
		out->boolean = json_is_true(value);
		right = json_is_boolean(value);
		break;
	case PROTO_FILE:
		right = proto_file(value, out);
		break;
	default:
		break;
	}
	out->set = true;
	if (right)
		return 0;
	return proto_fail(f, PROTO_INVALID_PARAMS, 0, p->name,
	    p->type == PROTO_FILE ?
	    "%s must be {\"fd\":0 to 3}, {\"image\":NAME} or "
	    "{\"upload\":0 to 3}" :
	    p->type == PROTO_INTEGER || p->type == PROTO_STREAM ? "%s must be an integer below 2^53" :
	    "%s must be a %s", p->name, proto_type_name(p->type));
}

/* Which of the row's parameters is that? -1: none. */
static int
proto_param(const struct proto_row *row, const char *name)
{
	int i;

	for (i = 0; i < PROTO_PARAMS_MAX && row->params[i].name != NULL; i++) {
		if (strcmp(row->params[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* Is one of its parameters a stream? */
bool
proto_row_streams(const struct proto_row *row)
{
	int i;

	for (i = 0; i < PROTO_PARAMS_MAX && row->params[i].name != NULL; i++) {
		if (row->params[i].type == PROTO_STREAM)
			return true;
	}
	return false;
}

/* Are all parameters there that have to be? */
static int
proto_complete(const struct proto_request *r, struct proto_failure *f)
{
	const struct proto_param *p = r->row->params;
	int i;

	for (i = 0; i < PROTO_PARAMS_MAX && p[i].name != NULL; i++) {
		if (p[i].required == true && !r->values[i].set)
			return proto_fail(f, PROTO_INVALID_PARAMS, 0,
			    p[i].name, "%s is missing", p[i].name);
	}
	return 0;
}

/* Takes the parameters in. */
static int
proto_params(struct proto_request *r, json_t *params, struct proto_failure *f)
{
	const char *key;
	json_t *value;
	int i;

	if (params != NULL && !json_is_object(params))
		return proto_fail(f, PROTO_INVALID_PARAMS, 0, NULL,
		    "params must be an object");
	json_object_foreach(params, key, value) {
		i = proto_param(r->row, key);
		if (i == -1)
			return proto_fail(f, PROTO_INVALID_PARAMS, 0, NULL,
			    "unknown parameter %.64s", key);
		if (proto_value(&r->row->params[i], value, &r->values[i],
		    f) == -1)
			return -1;
	}
	return proto_complete(r, f);
}

/* From a line to a request. */
int
proto_parse(const struct proto_row *rows, size_t nrows, const char *line,
    size_t len, struct proto_request *r, struct proto_failure *f)
{
	const char *method;
	json_t *tree;

	memset(r, 0, sizeof(*r));
	(void)strcpy(r->id, "null");
	tree = proto_tree(line, len, f);
	if (tree == NULL)
		return -1;
	r->tree = tree;
	if (proto_members(r, tree, f) == -1)
		return -1;
	method = json_string_value(json_object_get(tree, "method"));
	r->row = proto_row(rows, nrows, method);
	if (r->row == NULL)
		return proto_fail(f, PROTO_METHOD_NOT_FOUND, 0, NULL,
		    "there is no method %.64s", method);
	return proto_params(r, json_object_get(tree, "params"), f);
}

/* Frees what the request's strings lie in. */
void
proto_request_free(struct proto_request *r)
{

	json_decref(r->tree);
	r->tree = NULL;
}
