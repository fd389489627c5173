/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One table of keys, one setter a key. The setters see typed values and
 * refuse what is out of range or unknown to this host; the form of the file is
 * proto_doc's business.
 */

#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_impl.h"
#include "host.h"

#ifndef NVMMD_CONF
#define NVMMD_CONF	"/etc/nvmmd.conf"
#endif
#ifndef NVMMD_IMAGES
#define NVMMD_IMAGES	"/usr/local/share/nvmm/guests"
#endif

#ifndef NVMMD_EMPTY
#define NVMMD_EMPTY	"/var/run/nvmmd/empty"
#endif

#define CONFIG_FILE_MAX		(1 << 20)
#define CONFIG_CLIENTS		256
#define CONFIG_CLIENTS_MAX	65536
#define CONFIG_REQUESTS		256
#define CONFIG_REQUESTS_MAX	65536

/* In the order of the table: members of sockets, and of a rule. */
enum config_key {
	CONFIG_SOCKETS,
	CONFIG_SOCKET,			/* + enum config_socket_key */
	CONFIG_USER = CONFIG_SOCKET + SOCKET_WHOLE,
	CONFIG_EMPTY,
	CONFIG_IMAGES,
	CONFIG_ALL_MACHINES, CONFIG_ALL_VCPUS, CONFIG_ALL_MEMORY,
	CONFIG_CLIENT_LIMIT, CONFIG_REQUEST_LIMIT,
	CONFIG_RULES,
	CONFIG_RULE,			/* + enum config_rule_key */
	CONFIG_GENERAL = CONFIG_RULE + RULE_WHOLE,	/* + policy_limit */
	CONFIG_RULE_LIMIT = CONFIG_GENERAL + POLICY_NLIMITS,
	CONFIG_NKEYS = CONFIG_RULE_LIMIT + POLICY_NLIMITS
};

#define CONFIG_PATHS_MAX	48

static struct proto_key config_keys[CONFIG_NKEYS] = {
	[CONFIG_SOCKETS] = { "sockets", PROTO_OBJECTS },
	[CONFIG_SOCKET + SOCKET_PATH] = { "sockets[].path", PROTO_STRING },
	[CONFIG_SOCKET + SOCKET_OWNER] = { "sockets[].owner", PROTO_STRING },
	[CONFIG_SOCKET + SOCKET_GROUP] = { "sockets[].group", PROTO_STRING },
	[CONFIG_SOCKET + SOCKET_MODE] = { "sockets[].mode", PROTO_STRING },
	[CONFIG_SOCKET + SOCKET_ROLE] = { "sockets[].role", PROTO_STRING },
	[CONFIG_SOCKET + SOCKET_SEES] = { "sockets[].sees", PROTO_STRING },
	[CONFIG_USER] = { "user", PROTO_STRING },
	[CONFIG_EMPTY] = { "chroot", PROTO_STRING },
	[CONFIG_IMAGES] = { "images", PROTO_STRINGS },
	[CONFIG_ALL_MACHINES] = { "limits.machines", PROTO_INTEGER },
	[CONFIG_ALL_VCPUS] = { "limits.vcpus_total", PROTO_INTEGER },
	[CONFIG_ALL_MEMORY] = { "limits.memory_total", PROTO_SIZE },
	[CONFIG_CLIENT_LIMIT] = { "limits.clients", PROTO_INTEGER },
	[CONFIG_REQUEST_LIMIT] = { "limits.requests", PROTO_INTEGER },
	[CONFIG_RULES] = { "policy", PROTO_OBJECTS },
	[CONFIG_RULE + RULE_ROLE] = { "policy[].role", PROTO_STRING },
	[CONFIG_RULE + RULE_GROUP] = { "policy[].group", PROTO_STRING },
	[CONFIG_RULE + RULE_USER] = { "policy[].user", PROTO_STRING },
	/* The limits' names are the policy's: config_paths. */
};

/* Completes the table. */
static void
config_paths(void)
{
	static char paths[2][POLICY_NLIMITS][CONFIG_PATHS_MAX];
	static const char *const above[2] = { "limits", "policy[]" };
	static const unsigned first[2] = { CONFIG_GENERAL, CONFIG_RULE_LIMIT };
	unsigned i, n;

	for (i = 0; i < 2 * POLICY_NLIMITS; i++) {
		n = i / 2;
		(void)snprintf(paths[i % 2][n], CONFIG_PATHS_MAX, "%s.%s",
		    above[i % 2], policy_limits[n].name);
		config_keys[first[i % 2] + n].path = paths[i % 2][n];
		config_keys[first[i % 2] + n].type = policy_limits[n].size ?
		    PROTO_SIZE : PROTO_INTEGER;
	}
}

/* What holds without a file. */
void
config_defaults(struct config *c)
{

	memset(c, 0, sizeof(*c));
	(void)snprintf(c->user, sizeof(c->user), "_nvmmd");
	(void)snprintf(c->empty, sizeof(c->empty), "%s", NVMMD_EMPTY);
	(void)snprintf(c->images[0], sizeof(c->images[0]), "%s",
	    NVMMD_IMAGES);
	c->nimages = 1;
	c->clients = CONFIG_CLIENTS;
	c->requests = CONFIG_REQUESTS;
	c->starter = getuid();
	policy_defaults(&c->policy, host_ram());
}

/* Copies text that has to fit. */
int
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

/* Takes a number, or a size, within bounds. */
int
config_number(uint64_t *to, int64_t value, uint64_t min, uint64_t max,
    bool size, char *why)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX];

	if (value >= 0 && (uint64_t)value >= min && (uint64_t)value <= max) {
		*to = (uint64_t)value;
		return 0;
	}
	if (size)
		(void)snprintf(why, PROTO_WHY_MAX, "must be %s to %s",
		    policy_size(a, min), policy_size(b, max));
	else
		(void)snprintf(why, PROTO_WHY_MAX, "must be %" PRIu64 " to %"
		    PRIu64 ", not %" PRId64, min, max, value);
	return -1;
}

/* A number that stands for a user or a group. Returns whether it is one. */
static bool
config_id(const char *name, uint32_t *id)
{
	unsigned long long n;
	char *end;

	n = strtoull(name, &end, 10);
	*id = (uint32_t)n;
	return *name >= '0' && *name <= '9' && *end == '\0' &&
	    n < UINT32_MAX;
}

/* A user of this host, or his number. */
int
config_user(const char *name, uid_t *uid, char *why)
{
	struct passwd *pw;

	if (config_id(name, uid))
		return 0;
	pw = getpwnam(name);
	if (pw != NULL) {
		*uid = pw->pw_uid;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX,
	    "is wrong: there is no user %.64s", name);
	return -1;
}

/* A group of this host, or its number. */
int
config_group(const char *name, gid_t *gid, char *why)
{
	struct group *group;

	if (config_id(name, gid))
		return 0;
	group = getgrnam(name);
	if (group != NULL) {
		*gid = group->gr_gid;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX,
	    "is wrong: there is no group %.64s", name);
	return -1;
}

/* A role. */
int
config_role(const char *name, enum proto_privilege *role, char *why)
{

	*role = proto_privilege(name);
	if (*role != PROTO_NPRIVILEGES)
		return 0;
	(void)snprintf(why, PROTO_WHY_MAX,
	    "must be monitor, user, operator or admin");
	return -1;
}

/* Takes whom the daemon becomes. */
static int
config_daemon(struct config_load *load, const char *name, char *why)
{
	struct config *c = load->config;

	c->user_named = true;
	if (config_text(c->user, sizeof(c->user), name, why) == -1)
		return -1;
	if (!load->names || getpwnam(name) != NULL)
		return 0;
	(void)snprintf(why, PROTO_WHY_MAX,
	    "is wrong: there is no user %.64s", name);
	return -1;
}

/* Copies an absolute path. */
static int
config_folder(char *to, const char *path, char *why)
{

	if (*path == '/')
		return config_text(to, CONFIG_PATH_MAX, path, why);
	(void)snprintf(why, PROTO_WHY_MAX, "must be an absolute path");
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
	if (c->nimages == CONFIG_IMAGES_MAX) {
		(void)snprintf(why, PROTO_WHY_MAX, "is one of more than %d",
		    CONFIG_IMAGES_MAX);
		return -1;
	}
	return config_folder(c->images[c->nimages++], path, why);
}

/* Takes a limit of the daemon's own. */
static int
config_own(unsigned *to, int64_t value, uint64_t max, char *why)
{
	uint64_t n;

	if (config_number(&n, value, 1, max, false, why) == -1)
		return -1;
	*to = (unsigned)n;
	return 0;
}

/* Takes a value of a key that is in no array of objects. */
static int
config_single(struct config_load *load, enum config_key key,
    const struct proto_value *v, char *why)
{
	struct config *c = load->config;

	switch (key) {
	case CONFIG_USER:
		return config_daemon(load, v->string, why);
	case CONFIG_EMPTY:
		return config_folder(c->empty, v->string, why);
	case CONFIG_IMAGES:
		return config_image(load, v->string, why);
	case CONFIG_ALL_MACHINES:
		return config_number(&c->policy.all.machines, v->integer, 1,
		    POLICY_MACHINES_MAX, false, why);
	case CONFIG_ALL_VCPUS:
		return config_number(&c->policy.all.vcpus, v->integer, 1,
		    POLICY_VCPUS_ALL_MAX, false, why);
	case CONFIG_ALL_MEMORY:
		return config_number(&c->policy.all.memory, v->integer,
		    POLICY_MEMORY_MIN, POLICY_MEMORY_ALL_MAX, true, why);
	case CONFIG_CLIENT_LIMIT:
		return config_own(&c->clients, v->integer, CONFIG_CLIENTS_MAX,
		    why);
	case CONFIG_REQUEST_LIMIT:
		return config_own(&c->requests, v->integer,
		    CONFIG_REQUESTS_MAX, why);
	default:
		return config_limit(&c->policy.general[key - CONFIG_GENERAL],
		    key - CONFIG_GENERAL, v->integer, why);
	}
}

/* proto_doc's setter: one value. */
static int
config_set(void *arg, size_t key, unsigned index, const struct proto_value *v,
    char *why)
{

	if (key == CONFIG_SOCKETS)
		return config_socket_set(arg, SOCKET_WHOLE, index, v, why);
	if (key < CONFIG_USER)
		return config_socket_set(arg, key - CONFIG_SOCKET, index, v,
		    why);
	if (key == CONFIG_RULES)
		return config_rule_set(arg, RULE_WHOLE, 0, index, v, why);
	if (key >= CONFIG_RULE && key < CONFIG_GENERAL)
		return config_rule_set(arg, key - CONFIG_RULE, 0, index, v,
		    why);
	if (key >= CONFIG_RULE_LIMIT)
		return config_rule_set(arg, RULE_LIMIT,
		    key - CONFIG_RULE_LIMIT, index, v, why);
	return config_single(arg, key, v, why);
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
config_load(struct config *c, const char *file, bool names, char *text)
{
	const char *name = file != NULL ? file : NVMMD_CONF;
	struct config_load load = { .config = c, .names = names };
	char *body = NULL;
	size_t len;
	FILE *f;
	int result;

	config_paths();
	config_defaults(c);
	f = fopen(name, "re");
	if (f == NULL && file == NULL && errno == ENOENT) {
		config_socket_default(c);
		return 0;
	}
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
	if (result == 0 && c->nsockets == 0)
		config_socket_default(c);
	if (f != NULL)
		(void)fclose(f);
	free(body);
	return result;
}
