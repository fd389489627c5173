/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The tree of a configuration file walked beside the table of its keys. The
 * JSON library tells places only of syntax errors; for all others the text,
 * known to be well-formed by then, is searched for the key once more.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "proto_doc.h"

#define PROTO_PATH_MAX	128

struct proto_doc {
	const char *name;
	const char *text;
	const char *end;
	const struct proto_key *keys;
	size_t nkeys;
	proto_set_fn set;
	void *arg;
	char *why;
};

/* Behind the string that starts at p. */
static const char *
doc_string(const struct proto_doc *d, const char *p)
{

	for (p++; p < d->end && *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	return p < d->end ? p + 1 : d->end;
}

/* Behind the value that starts at p: at a comma or a closing bracket. */
static const char *
doc_value(const struct proto_doc *d, const char *p)
{
	unsigned depth = 0;

	while (p < d->end) {
		if (*p == '"') {
			p = doc_string(d, p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if (depth == 0 && (*p == ',' || *p == '}' || *p == ']'))
			break;
		if (*p == '}' || *p == ']')
			depth--;
		p++;
	}
	return p;
}

/* The first character of set at p or after it. */
static const char *
doc_find(const struct proto_doc *d, const char *p, const char *set)
{

	while (p < d->end && strchr(set, *p) == NULL)
		p++;
	return p;
}

/* Where the object at p has that key, or NULL. */
static const char *
doc_member(const struct proto_doc *d, const char *p, const char *key,
    size_t len)
{
	const char *after;

	p = doc_find(d, p, "{");
	for (;;) {
		p = doc_find(d, p, "\"}");
		if (p == d->end || *p == '}')
			return NULL;
		after = doc_string(d, p);
		if ((size_t)(after - p) == len + 2 &&
		    memcmp(p + 1, key, len) == 0)
			return p;
		p = doc_value(d, doc_find(d, after, ":") + 1);
	}
}

/* Where the file has the path, or the nearest of what leads to it. */
static const char *
doc_place(const struct proto_doc *d, const char *path)
{
	const char *place = doc_find(d, d->text, "{"), *object = place, *key;
	size_t len;

	for (;;) {
		len = strcspn(path, ".");
		key = doc_member(d, object, path, len);
		if (key == NULL)
			return place;
		place = key;
		if (path[len] == '\0')
			return place;
		path += len + 1;
		object = doc_find(d, doc_string(d, key), ":");
	}
}

/* "file:line:column: text"; always -1. */
static int
doc_fail(struct proto_doc *d, const char *path, const char *text)
{
	const char *place = doc_place(d, path), *p;
	unsigned line = 1, column = 1;

	for (p = d->text; p < place; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	(void)snprintf(d->why, PROTO_WHY_MAX, "%s:%u:%u: %.200s %.200s",
	    d->name, line, column, path, text);
	return -1;
}

/* Bytes from a number, or from text such as "512M". */
static bool
doc_size(const json_t *value, struct proto_value *out)
{
	static const char units[] = "KMGT";
	const char *text = json_string_value(value), *unit;
	uint64_t n = 0;

	if (json_is_integer(value)) {
		out->integer = json_integer_value(value);
		return out->integer >= 0;
	}
	if (text == NULL || !isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > (uint64_t)PROTO_INTEGER_MAX)
			return false;
	}
	if (*text != '\0') {
		unit = strchr(units, toupper((unsigned char)*text));
		if (unit == NULL || text[1] != '\0')
			return false;
		for (; unit >= units; unit--) {
			if (n > (uint64_t)PROTO_INTEGER_MAX / 1024)
				return false;
			n *= 1024;
		}
	}
	out->integer = (int64_t)n;
	return true;
}

/* Is the value of that type? Fills it in. */
static bool
doc_typed(const json_t *value, enum proto_type type, struct proto_value *out)
{

	memset(out, 0, sizeof(*out));
	out->set = true;
	out->string = json_string_value(value);
	switch (type) {
	case PROTO_STRING:
	case PROTO_STRINGS:
		return json_is_string(value);
	case PROTO_INTEGER:
		out->integer = json_integer_value(value);
		return json_is_integer(value);
	case PROTO_BOOLEAN:
		out->boolean = json_is_true(value);
		return json_is_boolean(value);
	case PROTO_SIZE:
		return doc_size(value, out);
	default:
		return false;
	}
}

/* Checks and sets one value. */
static int
doc_set(struct proto_doc *d, size_t i, const json_t *value)
{
	struct proto_value typed;
	char text[PROTO_WHY_MAX];

	if (!doc_typed(value, d->keys[i].type, &typed)) {
		(void)snprintf(text, sizeof(text),
		    d->keys[i].type == PROTO_INTEGER ? "must be an %s" :
		    "must be a %s", d->keys[i].type == PROTO_SIZE ?
		    "size, as 4294967296 or \"4G\"" :
		    d->keys[i].type == PROTO_STRINGS ?
		    "string or an array of strings" :
		    proto_type_name(d->keys[i].type));
		return doc_fail(d, d->keys[i].path, text);
	}
	if (d->set(d->arg, i, &typed, text) == -1)
		return doc_fail(d, d->keys[i].path, text);
	return 0;
}

/* Sets one value, or each of an array where the table allows it. */
static int
doc_leaf(struct proto_doc *d, size_t i, const json_t *value)
{
	size_t n;

	if (d->keys[i].type != PROTO_STRINGS || !json_is_array(value))
		return doc_set(d, i, value);
	for (n = 0; n < json_array_size(value); n++) {
		if (doc_set(d, i, json_array_get(value, n)) == -1)
			return -1;
	}
	return 0;
}

/* Is there a key below that path? */
static bool
doc_prefix(const struct proto_doc *d, const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < d->nkeys; i++) {
		if (strncmp(d->keys[i].path, path, len) == 0 &&
		    d->keys[i].path[len] == '.')
			return true;
	}
	return false;
}

/* Walks one object. Two levels, so that the recursion is bounded. */
static int
doc_object(struct proto_doc *d, const char *above, json_t *object)
{
	char path[PROTO_PATH_MAX];
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(object, key, value) {
		(void)snprintf(path, sizeof(path), "%s%s%s", above,
		    *above != '\0' ? "." : "", key);
		for (i = 0; i < d->nkeys; i++) {
			if (strcmp(d->keys[i].path, path) == 0)
				break;
		}
		if (i < d->nkeys) {
			if (doc_leaf(d, i, value) == -1)
				return -1;
		} else if (*above != '\0' || !doc_prefix(d, path)) {
			return doc_fail(d, path, "is not known here");
		} else if (!json_is_object(value)) {
			return doc_fail(d, path, "must be an object");
		} else if (doc_object(d, path, value) == -1) {
			return -1;
		}
	}
	return 0;
}

/* The whole file. */
int
proto_doc_parse(const char *name, const char *text, size_t len,
    const struct proto_key *keys, size_t nkeys, proto_set_fn set, void *arg,
    char *why)
{
	struct proto_doc d = { name, text, text + len, keys, nkeys, set, arg,
	    why };
	json_error_t error;
	json_t *tree;
	int result;

	tree = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (tree == NULL) {
		(void)snprintf(why, PROTO_WHY_MAX, "%s:%d:%d: %s", name,
		    error.line, error.column, error.text);
		return -1;
	}
	if (json_is_object(tree)) {
		result = doc_object(&d, "", tree);
	} else {
		(void)snprintf(why, PROTO_WHY_MAX,
		    "%s:1:1: the file must hold one object", name);
		result = -1;
	}
	json_decref(tree);
	return result;
}
