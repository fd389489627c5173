/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One table of keys, one setter a key. The setters see typed values and
 * refuse what is out of range; the form of the file is proto_doc's business.
 */

#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "host.h"
#include "proto_doc.h"

#ifndef NVMMD_CONF
#define NVMMD_CONF	"/etc/nvmmd.conf"
#endif
#ifndef NVMMD_IMAGES
#define NVMMD_IMAGES	"/usr/local/share/nvmm/guests"
#endif

#define CONFIG_FILE_MAX		(1 << 20)
#define CONFIG_CLIENTS		256
#define CONFIG_CLIENTS_MAX	65536
#define CONFIG_REQUESTS		256
#define CONFIG_REQUESTS_MAX	65536

enum config_key {
	CONFIG_SOCKET_PATH, CONFIG_SOCKET_GROUP, CONFIG_SOCKET_MODE,
	CONFIG_USER, CONFIG_IMAGES,
	CONFIG_MACHINES, CONFIG_VCPUS, CONFIG_MEMORY, CONFIG_TOTAL,
	CONFIG_CLIENT_LIMIT, CONFIG_REQUEST_LIMIT,
	CONFIG_NKEYS
};

static const struct proto_key config_keys[CONFIG_NKEYS] = {
	[CONFIG_SOCKET_PATH] = { "socket.path", PROTO_STRING },
	[CONFIG_SOCKET_GROUP] = { "socket.group", PROTO_STRING },
	[CONFIG_SOCKET_MODE] = { "socket.mode", PROTO_STRING },
	[CONFIG_USER] = { "user", PROTO_STRING },
	[CONFIG_IMAGES] = { "images", PROTO_STRINGS },
	[CONFIG_MACHINES] = { "limits.machines", PROTO_INTEGER },
	[CONFIG_VCPUS] = { "limits.vcpus_per_machine", PROTO_INTEGER },
	[CONFIG_MEMORY] = { "limits.memory_per_machine", PROTO_SIZE },
	[CONFIG_TOTAL] = { "limits.memory_total", PROTO_SIZE },
	[CONFIG_CLIENT_LIMIT] = { "limits.clients", PROTO_INTEGER },
	[CONFIG_REQUEST_LIMIT] = { "limits.requests", PROTO_INTEGER },
};

struct config_load {
	struct config *config;
	bool images;			/* the file has named one */
};

/* What holds without a file. */
void
config_defaults(struct config *c)
{

	memset(c, 0, sizeof(*c));
	(void)snprintf(c->socket, sizeof(c->socket), "%s", PROTO_SOCKET);
	c->mode = 0660;
	(void)snprintf(c->user, sizeof(c->user), "_nvmmd");
	(void)snprintf(c->images[0], sizeof(c->images[0]), "%s",
	    NVMMD_IMAGES);
	c->nimages = 1;
	c->clients = CONFIG_CLIENTS;
	c->requests = CONFIG_REQUESTS;
	policy_defaults(&c->policy, host_ram());
}

/* Copies text that has to fit. */
static int
config_text(char *to, size_t size, const char *from, char *why)
{

	if (*from != '\0' && strlen(from) < size) {
		(void)strcpy(to, from);
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX, "must have 1 to %zu bytes",
	    size - 1);
	return -1;
}

/* Takes a number within bounds. */
static int
config_number(uint32_t *to, int64_t value, int64_t max, char *why)
{

	if (value >= 1 && value <= max) {
		*to = (uint32_t)value;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX, "must be 1 to %" PRId64 ", not %"
	    PRId64, max, value);
	return -1;
}

/* Takes a size within bounds. */
static int
config_bytes(uint64_t *to, int64_t value, uint64_t max, char *why)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX];

	if (value >= (int64_t)POLICY_MEMORY_MIN && (uint64_t)value <= max) {
		*to = (uint64_t)value;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX, "must be %s to %s",
	    policy_size(a, POLICY_MEMORY_MIN), policy_size(b, max));
	return -1;
}

/* Takes permission bits in octal. */
static int
config_mode(mode_t *to, const char *text, char *why)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text >= '0' && *text <= '7' && *end == '\0' && mode <= 0777) {
		*to = (mode_t)mode;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX,
	    "must be permissions in octal, as \"0660\"");
	return -1;
}

/* Adds a folder; the first one takes the default's place. */
static int
config_image(struct config_load *load, const char *path, char *why)
{
	struct config *c = load->config;

	if (!load->images)
		c->nimages = 0;
	load->images = true;
	if (*path != '/') {
		(void)snprintf(why, PROTO_WHY_MAX, "must be an absolute path");
		return -1;
	}
	if (c->nimages == CONFIG_IMAGES_MAX) {
		(void)snprintf(why, PROTO_WHY_MAX, "has more than %d folders",
		    CONFIG_IMAGES_MAX);
		return -1;
	}
	return config_text(c->images[c->nimages++], CONFIG_PATH_MAX, path,
	    why);
}

/* proto_doc's setter: one value. */
static int
config_set(void *arg, size_t key, const struct proto_value *v, char *why)
{
	struct config_load *load = arg;
	struct config *c = load->config;

	switch ((enum config_key)key) {
	case CONFIG_SOCKET_PATH:
		return config_text(c->socket, sizeof(c->socket), v->string,
		    why);
	case CONFIG_SOCKET_GROUP:
		return config_text(c->group, sizeof(c->group), v->string, why);
	case CONFIG_SOCKET_MODE:
		return config_mode(&c->mode, v->string, why);
	case CONFIG_USER:
		c->user_named = true;
		return config_text(c->user, sizeof(c->user), v->string, why);
	case CONFIG_IMAGES:
		return config_image(load, v->string, why);
	case CONFIG_MACHINES:
		return config_number(&c->policy.machines, v->integer,
		    POLICY_MACHINES_MAX, why);
	case CONFIG_VCPUS:
		return config_number(&c->policy.vcpus, v->integer,
		    POLICY_VCPUS_MAX, why);
	case CONFIG_MEMORY:
		return config_bytes(&c->policy.memory, v->integer,
		    POLICY_MEMORY_MAX, why);
	case CONFIG_TOTAL:
		return config_bytes(&c->policy.memory_total, v->integer,
		    PROTO_INTEGER_MAX, why);
	case CONFIG_CLIENT_LIMIT:
		return config_number(&c->clients, v->integer,
		    CONFIG_CLIENTS_MAX, why);
	case CONFIG_REQUEST_LIMIT:
		return config_number(&c->requests, v->integer,
		    CONFIG_REQUESTS_MAX, why);
	case CONFIG_NKEYS:
		break;
	}
	return -1;
}

/* The user and the group, looked up. */
int
config_names(const struct config *c, char *text)
{

	if (c->user_named && getpwnam(c->user) == NULL)
		(void)snprintf(text, CONFIG_TEXT_MAX,
		    "there is no user %s", c->user);
	else if (c->group[0] != '\0' && getgrnam(c->group) == NULL)
		(void)snprintf(text, CONFIG_TEXT_MAX,
		    "there is no group %s", c->group);
	else
		return 0;
	return -1;
}

/* Reads the whole file. Returns its text, or NULL and errno. */
static char *
config_read(FILE *f, size_t *len)
{
	char *text = malloc(CONFIG_FILE_MAX);
	struct stat st;

	if (text == NULL)
		return NULL;
	*len = 0;
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else {
		*len = fread(text, 1, CONFIG_FILE_MAX, f);
		if (!ferror(f) && *len < CONFIG_FILE_MAX)
			return text;
		if (!ferror(f))
			errno = EFBIG;
	}
	free(text);
	return NULL;
}

/* The file over the defaults. */
int
config_load(struct config *c, const char *file, char *text)
{
	const char *name = file != NULL ? file : NVMMD_CONF;
	struct config_load load = { c, false };
	char *body = NULL;
	size_t len;
	FILE *f;
	int result;

	config_defaults(c);
	f = fopen(name, "re");
	if (f == NULL && file == NULL && errno == ENOENT)
		return 0;
	if (f != NULL)
		body = config_read(f, &len);
	if (body == NULL) {
		(void)snprintf(text, CONFIG_TEXT_MAX, "%.200s: %s", name,
		    strerror(errno));
		result = -1;
	} else {
		result = proto_doc_parse(name, body, len, config_keys,
		    CONFIG_NKEYS, config_set, &load, text);
	}
	if (f != NULL)
		(void)fclose(f);
	free(body);
	return result;
}
