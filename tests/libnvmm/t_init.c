/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Which driver nvmm_init(3) takes, and which error it gives.
 */

#include <atf-c.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "h_dev.h"

/* A device that is absent leads on; any other error is the answer. */
static void
check_fallback(int error, bool falls)
{

	h_reset();
	h_dev[0].open_error = error;
	if (falls) {
		ATF_REQUIRE_EQ(nvmm_init(), 0);
		ATF_CHECK_EQ(h_dev[1].opens, 1);
	} else {
		ATF_REQUIRE_ERRNO(error, nvmm_init() == -1);
		ATF_CHECK_EQ(h_dev[1].opens, 0);
	}
}

#define FALLBACK(name, error, falls)					\
	ATF_TC_WITHOUT_HEAD(name);					\
	ATF_TC_BODY(name, tc) { check_fallback(error, falls); }

FALLBACK(enoent_falls_back, ENOENT, true)
FALLBACK(enxio_falls_back, ENXIO, true)
FALLBACK(enodev_falls_back, ENODEV, true)
FALLBACK(eacces_does_not, EACCES, false)
FALLBACK(eperm_does_not, EPERM, false)
FALLBACK(ebusy_does_not, EBUSY, false)
FALLBACK(emfile_does_not, EMFILE, false)

ATF_TC_WITHOUT_HEAD(both_absent);
ATF_TC_BODY(both_absent, tc)
{

	h_reset();
	h_dev[0].open_error = ENOENT;
	h_dev[1].open_error = ENXIO;
	ATF_REQUIRE_ERRNO(ENXIO, nvmm_init() == -1);
	/* A failure is not for ever. */
	h_dev[1].open_error = 0;
	ATF_REQUIRE_EQ(nvmm_init(), 0);
}

ATF_TC_WITHOUT_HEAD(once);
ATF_TC_BODY(once, tc)
{

	h_reset();
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_CHECK_EQ(h_dev[0].opens, 1);
	ATF_CHECK(!h_dev[0].root);
	ATF_REQUIRE_ERRNO(EBUSY, nvmm_root_init() == -1);
}

ATF_TC_WITHOUT_HEAD(root);
ATF_TC_BODY(root, tc)
{

	h_reset();
	ATF_REQUIRE_EQ(nvmm_root_init(), 0);
	ATF_CHECK(h_dev[0].root);
	ATF_REQUIRE_ERRNO(EBUSY, nvmm_init() == -1);
}

ATF_TC_WITHOUT_HEAD(forced);
ATF_TC_BODY(forced, tc)
{

	h_reset();
	setenv("NVMM_DEVICE", "hosted", 1);
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_CHECK_EQ(h_dev[0].opens, 0);
	ATF_CHECK_EQ(h_dev[1].opens, 1);
}

ATF_TC_WITHOUT_HEAD(forced_has_no_fallback);
ATF_TC_BODY(forced_has_no_fallback, tc)
{

	h_reset();
	h_dev[0].open_error = ENOENT;
	setenv("NVMM_DEVICE", "/dev/nvmm", 1);
	ATF_REQUIRE_ERRNO(ENOENT, nvmm_init() == -1);
	ATF_CHECK_EQ(h_dev[1].opens, 0);
}

ATF_TC_WITHOUT_HEAD(forced_unknown);
ATF_TC_BODY(forced_unknown, tc)
{

	h_reset();
	setenv("NVMM_DEVICE", "", 1);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_init() == -1);
	setenv("NVMM_DEVICE", "/dev/kvm", 1);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_init() == -1);
	ATF_CHECK_EQ(h_dev[0].opens + h_dev[1].opens, 0);
}

ATF_TC_WITHOUT_HEAD(device);
ATF_TC_BODY(device, tc)
{

	h_reset();
	ATF_CHECK_EQ(nvmm_device(), NULL);
	h_dev[0].open_error = EACCES;
	ATF_REQUIRE_ERRNO(EACCES, nvmm_init() == -1);
	ATF_CHECK_EQ(nvmm_device(), NULL);
	h_dev[0].open_error = 0;
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_CHECK_STREQ(nvmm_device(), "/dev/nvmm");
}

ATF_TC_WITHOUT_HEAD(device_hosted);
ATF_TC_BODY(device_hosted, tc)
{

	h_reset();
	h_dev[0].open_error = ENOENT;
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_CHECK_STREQ(nvmm_device(), "hosted");
}

ATF_TC_WITHOUT_HEAD(version);
ATF_TC_BODY(version, tc)
{

	h_reset();
	h_dev[0].version = NVMM_KERN_VERSION - 1;
	ATF_REQUIRE_ERRNO(EPROGMISMATCH, nvmm_init() == -1);
	h_dev[0].version = NVMM_KERN_VERSION + 1;
	h_dev[0].state_size--;
	ATF_REQUIRE_ERRNO(EPROGMISMATCH, nvmm_init() == -1);
	ATF_CHECK_EQ(h_dev[1].opens, 0);
	h_dev[0].state_size++;
	h_dev[0].comm_size -= 8;
	ATF_REQUIRE_ERRNO(EPROGMISMATCH, nvmm_init() == -1);
	h_dev[0].comm_size += 8;
	h_dev[0].fail_cmd = NVMM_IOC_CAPABILITY;
	h_dev[0].fail_error = EINVAL;
	ATF_REQUIRE_ERRNO(EPROGMISMATCH, nvmm_init() == -1);
	h_dev[0].fail_error = 0;
	ATF_REQUIRE_EQ(nvmm_init(), 0);
}

ATF_TC_WITHOUT_HEAD(before);
ATF_TC_BODY(before, tc)
{
	struct nvmm_capability cap;
	struct nvmm_machine mach;

	h_reset();
	ATF_REQUIRE_ERRNO(ENXIO, nvmm_capability(&cap) == -1);
	ATF_REQUIRE_ERRNO(ENXIO, nvmm_machine_create(&mach) == -1);
	ATF_REQUIRE_ERRNO(ENXIO, nvmm_ctl(1, NULL, 0) == -1);
}

static void *
init_thread(void *arg)
{

	(void)arg;
	return nvmm_init() == 0 ? NULL : (void *)1;
}

ATF_TC_WITHOUT_HEAD(threads);
ATF_TC_BODY(threads, tc)
{
	pthread_t t[8];
	void *ret;
	unsigned i;

	h_reset();
	for (i = 0; i < 8; i++)
		ATF_REQUIRE_EQ(pthread_create(&t[i], NULL, init_thread, NULL),
		    0);
	for (i = 0; i < 8; i++) {
		ATF_REQUIRE_EQ(pthread_join(t[i], &ret), 0);
		ATF_CHECK(ret == NULL);
	}
	ATF_CHECK_EQ(h_dev[0].opens, 1);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, enoent_falls_back);
	ATF_TP_ADD_TC(tp, enxio_falls_back);
	ATF_TP_ADD_TC(tp, enodev_falls_back);
	ATF_TP_ADD_TC(tp, eacces_does_not);
	ATF_TP_ADD_TC(tp, eperm_does_not);
	ATF_TP_ADD_TC(tp, ebusy_does_not);
	ATF_TP_ADD_TC(tp, emfile_does_not);
	ATF_TP_ADD_TC(tp, both_absent);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, root);
	ATF_TP_ADD_TC(tp, forced);
	ATF_TP_ADD_TC(tp, forced_has_no_fallback);
	ATF_TP_ADD_TC(tp, forced_unknown);
	ATF_TP_ADD_TC(tp, device);
	ATF_TP_ADD_TC(tp, device_hosted);
	ATF_TP_ADD_TC(tp, version);
	ATF_TP_ADD_TC(tp, before);
	ATF_TP_ADD_TC(tp, threads);
	return atf_no_error();
}
