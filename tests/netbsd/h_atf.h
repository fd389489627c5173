/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the API tests use of <atf-c.h>, where there is no ATF: each case runs in
 * a process of its own, and its outcome is a line of TAP.
 */

#ifndef _H_ATF_H_
#define _H_ATF_H_

#include "h_libc.h"

typedef int atf_tp_t;
typedef int atf_error_t;

/* A group's registration, by the name that the compiler is given. */
#define ATF_TP_ADD_TCS(tp)						\
	atf_error_t ATF_GROUP(atf_tp_t *);				\
	atf_error_t ATF_GROUP(atf_tp_t *tp)

void	atf_tc_fail(const char *, ...) __printflike(1, 2) __dead;
void	atf_tc_skip(const char *, ...) __printflike(1, 2) __dead;
/* Note a failure and go on, or end the case. */
void	h_failed(bool fatal, const char *file, int line, const char *, ...)
	    __printflike(4, 5);

#define H_TEST(fatal, e, ...)						\
	do {								\
		if (!(e))						\
			h_failed(fatal, __FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

#define ATF_CHECK(e)			H_TEST(false, e, "%s", #e)
#define ATF_CHECK_MSG(e, ...)		H_TEST(false, e, __VA_ARGS__)
#define ATF_CHECK_EQ(a, b)		H_TEST(false, (a) == (b), "%s is not %s", #b, #a)
#define ATF_CHECK_EQ_MSG(a, b, ...)	H_TEST(false, (a) == (b), __VA_ARGS__)
#define ATF_REQUIRE(e)			H_TEST(true, e, "%s", #e)
#define ATF_REQUIRE_MSG(e, ...)		H_TEST(true, e, __VA_ARGS__)
#define ATF_REQUIRE_EQ(a, b)		H_TEST(true, (a) == (b), "%s is not %s", #b, #a)
#define ATF_REQUIRE_EQ_MSG(a, b, ...)	H_TEST(true, (a) == (b), __VA_ARGS__)
#define ATF_REQUIRE_ERRNO(no, e)					\
	H_TEST(true, (e) && errno == (no), "%s: %s", #e, strerror(errno))

/* Run a function as a case; true if it passed or skipped. */
bool	h_case(const char *group, const char *name, void (*)(const void *),
	    const void *arg);
/* The last line, and how many failed. */
unsigned h_done(void);

#endif /* _H_ATF_H_ */
