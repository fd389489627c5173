/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The methods: one row a method, which parsing, dispatch and daemon.describe
 * all go by, and the handlers. method_access.c decides who may, method.c has
 * the table and what speaks of the daemon, method_vm.c what acts on machines,
 * method_console.c what follows them, method_record.c how machines look in
 * answers.
 */

#ifndef _METHOD_H_
#define _METHOD_H_

#include <stddef.h>

#include "machine.h"
#include "proto_out.h"

struct config;
struct request;

extern const struct proto_row method_rows[];
extern const size_t method_nrows;

/* What the answers about the daemon are made of; both outlive it. */
void	method_init(const struct config *, const struct worker_host *);
/* Members into an open object: the driver that serves all machines. */
void	method_driver(struct proto_out *);

/* method_access.c: handles a request, or refuses it */
void	method_dispatch(struct request *);
/* May the caller, still? Finds the machine. -1: answered. */
int	method_allowed(struct request *);
/* There is no machine of that name, or none that the caller may see. */
void	method_absent(struct request *, const char *);

/* method_daemon.c */
void	method_daemon_reload(struct request *);
/* Who the caller is, his limits and what he has in use. */
void	method_you(struct proto_out *, const struct peer *,
	    const struct policy *);

/* method_set.c */
void	method_vm_set(struct request *);

/* method_vm.c */
void	method_vm_create(struct request *);
void	method_vm_start(struct request *);
void	method_vm_stop(struct request *);
void	method_vm_pause(struct request *);
void	method_vm_resume(struct request *);
void	method_vm_reset(struct request *);
void	method_vm_nmi(struct request *);
void	method_vm_regs(struct request *);
void	method_vm_destroy(struct request *);
void	method_vm_list(struct request *);
void	method_vm_show(struct request *);
void	method_vm_stats(struct request *);
void	method_vm_wait(struct request *);
/* Answers with an error without errno. */
void	method_fail(struct request *, enum proto_error, const char *param,
	    const char *, ...) __attribute__((__format__(__printf__, 4, 5)));

/* method_console.c */
void	method_console_read(struct request *);
void	method_console_attach(struct request *);
void	method_events_subscribe(struct request *);

/* method_upload.c */
#define UPLOAD_MAX		(64 << 20)	/* bytes, a file */
#define UPLOAD_PENDING_MAX	(256 << 20)	/* of all that are under way */
void	method_elf_upload(struct request *);

/* method_record.c: members into an open object */
void	method_record(struct proto_out *, const struct machine *);
void	method_record_short(struct proto_out *, const struct machine *);
/* Also sets the machine's base of the next rates. */
void	method_stats(struct proto_out *, struct machine *);

/* method_regs.c: the same */
void	method_regs(struct proto_out *, struct machine *);

/* The order of parameters in the rows. */
enum { VM = 0 };
enum { CREATE_NAME, CREATE_MEMORY, CREATE_VCPUS, CREATE_CMDLINE, CREATE_BOOT,
    CREATE_ELF, CREATE_RESTART };
enum { STOP_FORCE = 1, STOP_GRACE };
enum { NMI_CPU = 1 };
enum { SET_OWNER = 1, SET_GROUP, SET_SHARE, SET_RESTART };
enum { UPLOAD_SIZE = 0 };
enum { WAIT_TIMEOUT = 1 };
enum { READ_OFFSET = 1, READ_MAX, READ_ENCODING };
enum { ATTACH_REPLAY = 1 };

#endif /* _METHOD_H_ */
