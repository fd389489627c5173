/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Requests: built member by member, written as one line of JSON.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "nvmmctl.h"
#include "wire.h"

/* Returns a request without parameters, NULL only where malloc fails. */
struct request *
request_new(const char *method)
{
	struct request *req;

	req = calloc(1, sizeof(*req));
	if (req == NULL)
		return NULL;
	req->method = strdup(method);
	req->params = json_object();
	req->broken = (req->method == NULL || req->params == NULL);
	return req;
}

/* Frees a request and closes the descriptors in it. */
void
request_free(struct request *req)
{
	int i;

	if (req == NULL)
		return;
	for (i = 0; i < req->nfds; i++)
		(void)close(req->fds[i]);
	json_decref(req->params);
	free(req->method);
	free(req);
}

/* Adds a member to the parameters; the value, NULL included, is consumed. */
static void
request_set(struct request *req, const char *key, json_t *value)
{
	if (req == NULL)
		json_decref(value);
	else if (json_object_set_new(req->params, key, value) != 0)
		req->broken = true;
}

/* Adds a string; one that is not UTF-8 breaks the request. */
void
request_string(struct request *req, const char *key, const char *value)
{
	request_set(req, key, json_string(value));
}

/* Adds an integer below 2^53. */
void
request_integer(struct request *req, const char *key, uint64_t value)
{
	request_set(req, key, json_integer((json_int_t)value));
}

/* Adds true or false. */
void
request_boolean(struct request *req, const char *key, bool value)
{
	request_set(req, key, json_boolean(value));
}

/* Adds a file that travels as a descriptor; key is a literal. */
void
request_fd(struct request *req, const char *key, int fd, const char *name)
{
	json_t *file;

	if (req == NULL || req->nfds == PROTO_FDS_MAX) {
		(void)close(fd);
		return;
	}
	file = json_pack("{s:i}", "fd", req->nfds);
	/* A name that is no UTF-8 is not worth a failure. */
	(void)json_object_set_new(file, "name", json_string(name));
	request_set(req, key, file);
	req->keys[req->nfds] = key;
	req->fds[req->nfds++] = fd;
}

/* Adds a file of the daemon's image folder: {"KEY":{"image":"NAME"}}. */
void
request_image(struct request *req, const char *key, const char *name)
{
	request_set(req, key, json_pack("{s:s}", "image", name));
}

/* Replaces the parameters by a JSON object given as text. */
int
request_params(struct request *req, const char *text)
{
	json_error_t error;
	json_t *params;

	params = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (params == NULL)
		return fail(CTL_USAGE, "parameters: column %d: %s",
		    error.column, error.text);
	if (!json_is_object(params)) {
		json_decref(params);
		return fail(CTL_USAGE, "parameters are not a JSON object: %s",
		    text);
	}
	if (req != NULL) {
		json_decref(req->params);
		req->params = params;
	} else {
		json_decref(params);
	}
	return CTL_OK;
}

/* Returns the request as a line of JSON with that id. */
char *
request_line(const struct request *req, int64_t id, size_t *len)
{
	json_t *root;
	char *line;

	root = json_pack("{s:s, s:O, s:I}", "method", req->method, "params",
	    req->params, "id", (json_int_t)id);
	if (root == NULL)
		return NULL;
	*len = json_dumpb(root, NULL, 0, JSON_COMPACT);
	line = malloc(*len + 1);
	if (line != NULL) {
		(void)json_dumpb(root, line, *len, JSON_COMPACT);
		line[(*len)++] = '\n';
	}
	json_decref(root);
	return line;
}
