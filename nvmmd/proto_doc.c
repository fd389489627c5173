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
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "proto_doc.h"

#define PROTO_PATH_MAX	128

/* A value's place: as the table has it, "a[].b", and in the file, "a[2].b". */
struct doc_path {
	char key[PROTO_PATH_MAX];
	char full[PROTO_PATH_MAX];
	unsigned index;			/* in the array of objects */
};

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

static int	doc_object(struct proto_doc *, const struct doc_path *, json_t *);

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

/* Where the array at p has its element n. */
static const char *
doc_element(const struct proto_doc *d, const char *p, unsigned long n)
{

	for (p = doc_find(d, p, "[") + 1; n > 0 && p < d->end; n--)
		p = doc_value(d, p) + 1;
	while (p < d->end && isspace((unsigned char)*p))
		p++;
	return p;
}

/* Where the file has the path, or the nearest of what leads to it. */
static const char *
doc_place(const struct proto_doc *d, const char *path)
{
	const char *place = doc_find(d, d->text, "{"), *object = place, *key;
	char *end;
	size_t len;

	for (;;) {
		len = strcspn(path, ".[");
		key = doc_member(d, object, path, len);
		if (key == NULL)
			return place;
		place = key;
		object = doc_find(d, doc_string(d, key), ":");
		path += len;
		if (*path == '[') {
			place = object = doc_element(d, object,
			    strtoul(path + 1, &end, 10));
			path = end + 1;
		}
		if (*path == '\0')
			return place;
		path++;
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
	case PROTO_OBJECTS:
		return json_is_object(value);
	default:
		return false;
	}
}

/* What a value of that type must be. */
static const char *
doc_must(enum proto_type type)
{

	switch (type) {
	case PROTO_INTEGER:
		return "must be an integer";
	case PROTO_BOOLEAN:
		return "must be a boolean";
	case PROTO_SIZE:
		return "must be a size, as 4294967296 or \"4G\"";
	case PROTO_STRINGS:
		return "must be a string or an array of strings";
	case PROTO_OBJECTS:
		return "must be an array of objects";
	default:
		return "must be a string";
	}
}

/* Checks and sets one value of that type. */
static int
doc_set(struct proto_doc *d, size_t i, enum proto_type type,
    const struct doc_path *path, const json_t *value)
{
	struct proto_value typed;
	char text[PROTO_WHY_MAX];

	if (!doc_typed(value, type, &typed))
		return doc_fail(d, path->full, doc_must(type));
	if (d->set(d->arg, i, path->index, &typed, text) == -1)
		return doc_fail(d, path->full, text);
	return 0;
}

/* The path of an array's element. */
static void
doc_below(struct doc_path *to, const struct doc_path *from, size_t n)
{

	(void)snprintf(to->key, sizeof(to->key), "%.*s[]",
	    PROTO_PATH_MAX - 3, from->key);
	(void)snprintf(to->full, sizeof(to->full), "%.*s[%zu]",
	    PROTO_PATH_MAX - 24, from->full, n);
	to->index = (unsigned)n;
}

/* Sets each string of an array. */
static int
doc_strings(struct proto_doc *d, size_t i, const struct doc_path *path,
    const json_t *array)
{
	struct doc_path element;
	const json_t *value;
	size_t n;

	json_array_foreach(array, n, value) {
		doc_below(&element, path, n);
		if (doc_set(d, i, PROTO_STRING, &element, value) == -1)
			return -1;
	}
	return 0;
}

/* Walks each object of an array, and sets it as a whole. */
static int
doc_objects(struct proto_doc *d, size_t i, const struct doc_path *path,
    const json_t *array)
{
	struct doc_path element;
	char text[PROTO_WHY_MAX];
	json_t *value;
	size_t n;

	if (!json_is_array(array))
		return doc_fail(d, path->full, doc_must(PROTO_OBJECTS));
	if (json_array_size(array) == 0 &&
	    d->set(d->arg, i, 0, NULL, text) == -1)
		return doc_fail(d, path->full, text);
	json_array_foreach(array, n, value) {
		doc_below(&element, path, n);
		if (!json_is_object(value))
			return doc_fail(d, element.full, "must be an object");
		if (doc_object(d, &element, value) == -1 ||
		    doc_set(d, i, PROTO_OBJECTS, &element, value) == -1)
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

/* A value that the table has no row for. */
static int
doc_unknown(struct proto_doc *d, const struct doc_path *path, json_t *value)
{

	if (!doc_prefix(d, path->key))
		return doc_fail(d, path->full, "is not known here");
	if (!json_is_object(value))
		return doc_fail(d, path->full, "must be an object");
	return doc_object(d, path, value);
}

/* Any value: as its row in the table says. */
static int
doc_any(struct proto_doc *d, const struct doc_path *path, json_t *value)
{
	size_t i;

	for (i = 0; i < d->nkeys; i++) {
		if (strcmp(d->keys[i].path, path->key) == 0)
			break;
	}
	if (i == d->nkeys)
		return doc_unknown(d, path, value);
	if (d->keys[i].type == PROTO_OBJECTS)
		return doc_objects(d, i, path, value);
	if (d->keys[i].type == PROTO_STRINGS && json_is_array(value))
		return doc_strings(d, i, path, value);
	return doc_set(d, i, d->keys[i].type, path, value);
}

/* Walks one object; no deeper than the table's paths. */
static int
doc_object(struct proto_doc *d, const struct doc_path *above, json_t *object)
{
	struct doc_path path;
	const char *key, *dot = above->key[0] != '\0' ? "." : "";
	json_t *value;

	path.index = above->index;
	json_object_foreach(object, key, value) {
		(void)snprintf(path.key, sizeof(path.key), "%.63s%s%.62s",
		    above->key, dot, key);
		(void)snprintf(path.full, sizeof(path.full), "%.63s%s%.62s",
		    above->full, dot, key);
		/* A key that looks like a path is none. */
		if (strpbrk(key, ".[]") != NULL)
			return doc_fail(d, path.full, "is not known here");
		if (doc_any(d, &path, value) == -1)
			return -1;
	}
	return 0;
}

/* The whole file. Keys and words of its own may be part of why. */
int
proto_doc_parse(const char *name, const char *text, size_t len,
    const struct proto_key *keys, size_t nkeys, proto_set_fn set, void *arg,
    char *why)
{
	struct proto_doc d = { name, text, text + len, keys, nkeys, set, arg,
	    why };
	const struct doc_path top = { .key = "", .full = "" };
	json_error_t error;
	json_t *tree;
	int result;

	tree = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (tree == NULL) {
		(void)snprintf(why, PROTO_WHY_MAX, "%s:%d:%d: %s", name,
		    error.line, error.column, error.text);
		result = -1;
	} else if (json_is_object(tree)) {
		result = doc_object(&d, &top, tree);
	} else {
		(void)snprintf(why, PROTO_WHY_MAX,
		    "%s:1:1: the file must hold one object", name);
		result = -1;
	}
	json_decref(tree);
	if (result == -1)
		proto_one_line(why);
	return result;
}
