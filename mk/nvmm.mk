#	What every room's Makefile includes, after setting TOP. For GNU make and
#	for NetBSD's make alike, hence without conditionals and pattern rules.
#
#	CFLAGS_EXTRA, LDFLAGS_EXTRA	from the command line, e.g. sanitizers

CC	?= cc
AR	?= ar
PREFIX	?= /usr/local
SYSCONFDIR ?= /etc
MANDIR	?= ${PREFIX}/share/man

WARNS	= -Wall -Wextra -Wmissing-prototypes -Wshadow -Werror
CFLAGS	= -std=c11 -D_GNU_SOURCE -O2 -g -fPIC ${WARNS} ${CFLAGS_EXTRA}
LDFLAGS	= ${LDFLAGS_EXTRA}

.SUFFIXES:
.SUFFIXES: .c .S .o

.c.o:
	${CC} ${CPPFLAGS} ${CFLAGS} -c -o $@ $<

.S.o:
	${CC} ${CPPFLAGS} ${CFLAGS} -c -o $@ $<
