/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The request that creates a machine, from the command line's options.  The
 * binary is opened here, with the user's own rights, and its descriptor
 * passed; a bare name that is no file here names one in the daemon's folder.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "nvmmctl.h"

/* Adds the binary's open descriptor. */
static int
create_open(struct request *req, const char *path)
{
	const char *slash = strrchr(path, '/');
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return fail(errno == ENOENT ? CTL_NOTFOUND : CTL_REFUSED,
		    "%s: %s", path, strerror(errno));
	request_fd(req, "elf", fd, slash != NULL ? slash + 1 : path);
	return CTL_OK;
}

/*
 * Adds the binary.  A folder of that name does not count as a file here, so
 * that the examples also work from the top of the source tree.
 */
static int
create_elf(struct request *req, const char *path)
{
	struct stat st;

	if (*path == '\0')
		return fail(CTL_USAGE, "--elf: the file's name is empty");
	if (strchr(path, '/') != NULL)
		return create_open(req, path);
	if (stat(path, &st) == -1 ? errno != ENOENT : !S_ISDIR(st.st_mode))
		return create_open(req, path);
	request_image(req, "elf", path);
	return CTL_OK;
}

/* Adds the memory's size. */
static int
create_memory(struct request *req, const char *text)
{
	const char *wrong;
	uint64_t bytes;

	wrong = size_parse(text, &bytes);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--mem %s: %s", text, wrong);
	request_integer(req, "memory", bytes);
	return CTL_OK;
}

/* Adds the number of VCPUs, which the daemon judges. */
static int
create_vcpus(struct request *req, const char *text)
{
	const char *wrong;
	uint64_t n;

	if (text == NULL)
		return CTL_OK;
	wrong = number_parse(text, &n);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--vcpus %s: %s", text, wrong);
	request_integer(req, "vcpus", n);
	return CTL_OK;
}

/* Adds how to boot. */
static int
create_boot(struct request *req, const char *text)
{
	if (text == NULL)
		return CTL_OK;
	if (strcmp(text, "auto") != 0 && strcmp(text, "elf") != 0 &&
	    strcmp(text, "pvh") != 0)
		return fail(CTL_USAGE, "--boot %s: not auto, elf or pvh", text);
	request_string(req, "boot", text);
	return CTL_OK;
}

/* Adds what is to follow an end. */
static int
create_restart(struct request *req, const char *text)
{
	if (text == NULL)
		return CTL_OK;
	if (strcmp(text, "never") != 0 && strcmp(text, "on-failure") != 0 &&
	    strcmp(text, "always") != 0)
		return fail(CTL_USAGE, "--restart %s: not never, on-failure "
		    "or always", text);
	request_string(req, "restart", text);
	return CTL_OK;
}

/* Gives the request; what is wrong with the options has been printed. */
int
create_request(const struct ctl *ctl, struct request **reqp)
{
	struct request *req;
	int status;

	if (ctl->mem == NULL || ctl->elf == NULL)
		return fail(CTL_USAGE, "%s needs --mem SIZE and --elf FILE",
		    ctl->verb->name);
	req = request_new("vm.create");
	if (ctl->name != NULL)
		request_string(req, "name", ctl->name);
	if (ctl->cmdline != NULL)
		request_string(req, "cmdline", ctl->cmdline);
	if ((status = create_memory(req, ctl->mem)) != CTL_OK ||
	    (status = create_vcpus(req, ctl->vcpus)) != CTL_OK ||
	    (status = create_boot(req, ctl->boot)) != CTL_OK ||
	    (status = create_restart(req, ctl->restart)) != CTL_OK ||
	    (status = create_elf(req, ctl->elf)) != CTL_OK)
		request_free(req);
	else
		*reqp = req;
	return status;
}
