/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Locks of the hosted driver: pthread mutexes that know which thread holds
 * them, so that the asserts of the core can fail, and condition variables.
 */

#include <stdio.h>
#include <stdlib.h>

#include "nvmm_os.h"

/* Its address marks the thread. */
static _Thread_local char hosted_self;

/* Says what does not hold, and ends the process. */
void
hosted_assert_failed(const char *expr, const char *file, int line)
{

	fprintf(stderr, "nvmm: %s:%d: assertion failed: %s\n", file, line,
	    expr);
	abort();
}

void
os_mutex_init(os_mutex_t *mtx)
{

	pthread_mutex_init(&mtx->m, NULL);
	mtx->owner = NULL;
}

void
os_mutex_destroy(os_mutex_t *mtx)
{

	OS_ASSERT(os_atomic_load(&mtx->owner) == NULL);
	pthread_mutex_destroy(&mtx->m);
}

/* => The caller does not hold it yet. */
void
os_mutex_lock(os_mutex_t *mtx)
{

	OS_ASSERT(!os_mutex_owned(mtx));
	pthread_mutex_lock(&mtx->m);
	os_atomic_store(&mtx->owner, (void *)&hosted_self);
}

void
os_mutex_unlock(os_mutex_t *mtx)
{

	OS_ASSERT(os_mutex_owned(mtx));
	os_atomic_store(&mtx->owner, NULL);
	pthread_mutex_unlock(&mtx->m);
}

/* True if the calling thread, and no other, holds the mutex. */
bool
os_mutex_owned(os_mutex_t *mtx)
{

	return os_atomic_load(&mtx->owner) == (void *)&hosted_self;
}

void
os_cv_init(os_cv_t *cv)
{

	pthread_cond_init(cv, NULL);
}

void
os_cv_destroy(os_cv_t *cv)
{

	pthread_cond_destroy(cv);
}

/* => Mutex held, at return too; given up while asleep. */
void
os_cv_wait(os_cv_t *cv, os_mutex_t *mtx)
{

	OS_ASSERT(os_mutex_owned(mtx));
	os_atomic_store(&mtx->owner, NULL);
	pthread_cond_wait(cv, &mtx->m);
	os_atomic_store(&mtx->owner, (void *)&hosted_self);
}

void
os_cv_broadcast(os_cv_t *cv)
{

	pthread_cond_broadcast(cv);
}
