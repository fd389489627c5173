/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd(8): the start of both processes, and nvmmd proper's own life.
 *
 * Everything that can be refused is refused before the fork, on the terminal
 * of whoever started it. Then nvmmd proper opens the driver, the last thing it
 * does with privileges: from there on it needs the descriptor only (the hosted
 * driver makes its machines through an open /dev/kvm). It drops to its user in
 * an empty folder, without capabilities, tells its parent that it serves, and
 * gives up all system calls that it does not need.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "config.h"
#include "control.h"
#include "evloop.h"
#include "host.h"
#include "log.h"
#include "machine.h"
#include "method.h"
#include "parent.h"
#include "sandbox.h"
#include "thread.h"
#include "who.h"

/* A machine's descriptors, its memory and image among them. */
#define MAIN_MACHINE_FDS	9
#define MAIN_OTHER_FDS		64

struct options {
	const char *config;		/* -c */
	char config_path[PATH_MAX];
	const char *socket;		/* -s, else the environment's */
	bool debug, foreground, test;
};

/* Milliseconds from the last machine's end to giving its memory back. */
#define MAIN_TRIM		200

static struct config main_conf;		/* a reload writes it anew */
static struct parent_sockets main_sockets;
static bool main_ending;
static struct evloop_timer *main_trim;

/* Says in one line what is wrong, and how to call us. */
_Noreturn static void __attribute__((__format__(__printf__, 1, 2)))
usage(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "nvmmd: %s; "
	    "usage: nvmmd [-dfn] [-c file] [-s socket]\n", text);
	exit(LOG_EXIT_USAGE);
}

/* The environment's socket, or NULL; none for a set-user-ID program. */
static const char *
main_environment(void)
{
	const char *path;

#if defined(__NetBSD__)
	path = issetugid() ? NULL : getenv("NVMMD_SOCKET");
#else
	path = secure_getenv("NVMMD_SOCKET");
#endif
	return path != NULL && *path != '\0' ? path : NULL;
}

/* Reads the command line. */
static void
main_options(int argc, char **argv, struct options *opt)
{
	int c;

	memset(opt, 0, sizeof(*opt));
	opt->socket = main_environment();
	while ((c = getopt(argc, argv, ":c:dfns:")) != -1) {
		switch (c) {
		case 'c':
			opt->config = optarg;
			break;
		case 'd':
			opt->debug = opt->foreground = true;
			break;
		case 'f':
			opt->foreground = true;
			break;
		case 'n':
			opt->test = true;
			break;
		case 's':
			opt->socket = optarg;
			break;
		case ':':
			usage("option -%c needs an argument", optopt);
		default:
			usage("there is no option -%c", optopt);
		}
	}
	if (optind != argc)
		usage("unexpected argument %s", argv[optind]);
}

/* Reads the configuration, or is fatal. */
static void
main_config(struct options *opt, struct config *config)
{
	char text[CONFIG_TEXT_MAX];

	/* Who has no privileges stays who he is, whoever is named. */
	if (config_load(config, opt->config, opt->test || geteuid() == 0,
	    text) == -1)
		fatalx(LOG_EXIT_CONFIG, "config: %s", text);
	/* For a later reload, which happens in another folder. */
	if (opt->config != NULL)
		opt->config = realpath(opt->config, opt->config_path);
	if (opt->socket != NULL &&
	    config_one_socket(config, opt->socket, text) == -1)
		fatalx(LOG_EXIT_CONFIG, "config: %s", text);
}

/* Makes the empty folder where it is missing, and the one above it. */
static void
main_make_empty(const char *path)
{
	char above[CONFIG_PATH_MAX];

	(void)snprintf(above, sizeof(above), "%s", path);
	(void)mkdir(dirname(above), 0755);
	if (mkdir(path, 0555) == -1 && errno != EEXIST)
		fatal(LOG_EXIT_OTHER, "main: %s", path);
}

/* Becomes the configured user in an empty folder, for good. */
static void
main_become(const struct config *config)
{
	struct sandbox s = { .folder = config->empty };
	const char *what;

	if (sandbox_user(&s, config->user) == -1) {
		if (config->user_named)
			fatalx(LOG_EXIT_CONFIG, "main: there is no user %s",
			    config->user);
		log_warnx("main: there is no user %s, running as root",
		    config->user);
		return;
	}
	main_make_empty(config->empty);
	log_prepare();
	if (sandbox_drop(&s, &what) == -1)
		fatal(LOG_EXIT_OTHER, "main: privileges: %s", what);
	free(s.groups);
}

/* The last thing before clients are served: no more threads till then. */
static void
main_confine(const struct options *opt)
{

	if (sandbox_calls(opt->debug) == 0)
		return;
	if (errno == ENOSYS)
		log_debug("main: system calls are not filtered here");
	else
		log_warn("main: system calls are not filtered");
}

/* The answers that told of the last machine's end are out, too. */
static void
main_trim_now(void *arg)
{

	(void)arg;
	host_memory_trim();
}

/* No machine is left. */
static void
main_empty(void)
{

	if (main_ending)
		evloop_stop();
	else
		evloop_timer_set(main_trim, MAIN_TRIM);
}

/* The end was asked for, by a signal or by the parent's own end. */
static void
main_end(void *arg)
{

	(void)arg;
	if (main_ending)
		return;
	log_info("main: ending");
	main_ending = true;
	control_shutdown();
	machine_destroy_all(MACHINE_GRACE);
}

/* SIGHUP is the parent's business. */
static void
main_hup(void *arg)
{

	(void)arg;
}

/* Are the host's limits wide enough for the policy? */
static void
main_limits(const struct config *config)
{
	const struct policy *p = &config->policy;

	host_limits(p->all.machines * MAIN_MACHINE_FDS +
	    p->general[POLICY_MACHINE_VCPUS] + config->clients +
	    MAIN_OTHER_FDS, p->all.machines * 2 +
	    p->general[POLICY_MACHINE_VCPUS]);
}

/* Opens the driver, while we still may, and drops what we may. */
static void
main_driver(const struct config *config, struct worker_host *host)
{
	struct guest_error error;

	host_memory_tune();
	main_limits(config);
	thread_priority_keep();
	thread_priority_main();
	if (worker_init(host, &error) == -1)
		fatalx(LOG_EXIT_DRIVER, "driver: %s", error.text);
	sandbox_self();
	if (geteuid() == 0)
		main_become(config);
	log_info("main: %s, %s", host->device, host->backend);
}

/* Listens on all sockets. */
static void
main_listen(const struct parent_sockets *sockets)
{
	const struct parent_socket *s;

	for (s = sockets->s; s < sockets->s + sockets->n; s++) {
		if (control_listen(s->fd, s->path, s->conf.role,
		    s->conf.sees) == -1)
			fatal(LOG_EXIT_OTHER, "main: socket");
	}
}

/* What a reload changes of a socket that there is already, or not any more. */
static void
main_relisten(const struct parent_sockets *now)
{
	const struct parent_socket *s, *had = main_sockets.s;

	for (; had < main_sockets.s + main_sockets.n; had++) {
		for (s = now->s; s < now->s + now->n; s++) {
			if (strcmp(s->path, had->path) == 0)
				break;
		}
		if (s == now->s + now->n)
			control_unlisten(had->path);
		else if (s->change == SOCKET_CHANGED)
			control_relisten(s->path, s->conf.role, s->conf.sees);
	}
}

/* The parent has read the configuration again. */
static void
main_reload(const struct parent_config *to, const int *fds, unsigned nfds)
{
	const struct parent_socket *s;
	unsigned i = 0;

	main_relisten(&to->sockets);
	for (s = to->sockets.s; s < to->sockets.s + to->sockets.n; s++) {
		if (s->change == SOCKET_NEW && i < nfds &&
		    control_listen(fds[i++], s->path, s->conf.role,
		    s->conf.sees) == -1)
			log_warn("main: %s", s->path);
	}
	main_sockets = to->sockets;
	main_conf = to->config;
	control_limits(main_conf.clients, main_conf.requests);
	machine_policy_changed();
	who_forget();
	main_limits(&main_conf);
}

/* Sets all rooms up, or is fatal: there are no machines yet. */
static void
main_rooms(const struct config *config, const struct worker_host *host,
    int sock, const struct parent_sockets *sockets)
{
	const struct control_config control = {
		.clients = config->clients,
		.requests = config->requests,
		.starter = config->starter,
		.rows = method_rows,
		.nrows = method_nrows,
		.dispatch = method_dispatch,
	};

	method_init(config, host);
	if (evloop_init() == -1)
		fatal(LOG_EXIT_OTHER, "main: event loop");
	main_trim = evloop_timer_new(main_trim_now, NULL);
	if (main_trim == NULL)
		fatal(LOG_EXIT_OTHER, "main: timer");
	if (machine_init(&config->policy, main_empty) == -1)
		fatal(LOG_EXIT_OTHER, "main: queue");
	if (ask_init(sock, main_end, main_reload) == -1)
		fatal(LOG_EXIT_OTHER, "main: socketpair");
	if (control_init(&control) == -1)
		fatal(LOG_EXIT_OTHER, "main: control");
	main_listen(sockets);
	if (evloop_signal(SIGTERM, main_end) == -1 ||
	    evloop_signal(SIGINT, main_end) == -1 ||
	    evloop_signal(SIGHUP, main_hup) == -1)
		fatal(LOG_EXIT_OTHER, "main: signals");
}

/* Lets go of the terminal. The parent does the same for itself. */
static void
main_background(int null)
{

	log_to_syslog();
	(void)chdir("/");
	if (null == -1)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		(void)close(null);
}

/* nvmmd proper. Returns its exit status. */
static int
main_serve(const struct config *config, const struct options *opt, int sock,
    const struct parent_sockets *sockets)
{
	struct worker_host host;
	struct evloop_io *io;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	main_driver(config, &host);
	main_rooms(config, &host, sock, sockets);
	io = evloop_io_new(machine_fd(), machine_dispatch, NULL);
	if (io == NULL || evloop_io_set(io, EVLOOP_READ) == -1)
		fatal(LOG_EXIT_OTHER, "main: queue");
	if (ask_ready() == -1)
		fatal(LOG_EXIT_OTHER, "main: parent");
	if (!opt->foreground)
		main_background(null);
	else
		(void)close(null);
	main_confine(opt);
	evloop_run();
	ask_fini();
	control_fini();
	evloop_io_free(io);
	evloop_timer_free(main_trim);
	machine_fini();
	evloop_fini();
	log_debug("main: ended");
	return 0;
}

/* The two ends, wide enough for a whole configuration. */
static void
main_pair(int pair[2])
{
	const int size = 4 * (int)sizeof(struct parent_config);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal(LOG_EXIT_OTHER, "main: socketpair");
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Both processes, from here on. */
int
main(int argc, char **argv)
{
	struct parent parent = {
		.config = &main_conf,
		.sockets = &main_sockets,
		.ready = -1,
	};
	char text[CONFIG_TEXT_MAX];
	struct options opt;
	int pair[2], status;

	main_options(argc, argv, &opt);
	log_init("nvmmd", opt.debug);
	main_config(&opt, &main_conf);
	if (opt.test) {
		(void)fprintf(stderr, "nvmmd: the configuration is good\n");
		return 0;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	status = parent_bind_all(&main_conf, &main_sockets, text);
	if (status != 0)
		fatalx(status, "parent: %s", text);
	if (!opt.foreground)
		parent.ready = parent_daemonize();
	main_pair(pair);
	parent.child = fork();
	if (parent.child == -1)
		fatal(LOG_EXIT_OTHER, "main: fork");
	if (parent.child == 0) {
		(void)close(pair[0]);
		if (parent.ready != -1)
			(void)close(parent.ready);
		return main_serve(&main_conf, &opt, pair[1], &main_sockets);
	}
	(void)close(pair[1]);
	parent_forget(&main_sockets);
	parent.config_file = opt.config;
	parent.socket = opt.socket;
	parent.sock = pair[0];
	parent_main(&parent);
}
