/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A VCPU's registers as text, while it stands still: paused, or at the end.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "guest_impl.h"

/* Text being gathered: len may run beyond size, as with snprintf. */
struct dump {
	char *buf;
	size_t size;
	size_t len;
};

static void dump_add(struct dump *, const char *, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* More text. */
static void
dump_add(struct dump *d, const char *fmt, ...)
{
	size_t left = d->len < d->size ? d->size - d->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(left != 0 ? d->buf + d->len : NULL, left, fmt, ap);
	va_end(ap);
	if (n > 0)
		d->len += (size_t)n;
}

/* The general registers, four a line. */
static void
dump_gprs(struct dump *d, const uint64_t *gprs)
{
	static const char names[NVMM_X64_NGPR][4] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		"rip", "rfl",
	};
	int i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		dump_add(d, "%s %016" PRIx64 "%c", names[i], gprs[i],
		    i % 4 == 3 || i == NVMM_X64_NGPR - 1 ? '\n' : ' ');
}

/* The control registers and EFER. */
static void
dump_crs(struct dump *d, const struct nvmm_x64_state *s)
{
	dump_add(d, "cr0 %08" PRIx64 " cr2 %016" PRIx64 " cr3 %016" PRIx64
	    " cr4 %08" PRIx64 " cr8 %" PRIx64 " efer %" PRIx64 "\n",
	    s->crs[NVMM_X64_CR_CR0], s->crs[NVMM_X64_CR_CR2],
	    s->crs[NVMM_X64_CR_CR3], s->crs[NVMM_X64_CR_CR4],
	    s->crs[NVMM_X64_CR_CR8], s->msrs[NVMM_X64_MSR_EFER]);
}

/* The segment registers, two a line. */
static void
dump_segs(struct dump *d, const struct nvmm_x64_state_seg *segs)
{
	static const char names[NVMM_X64_NSEG][4] = {
		"es", "cs", "ss", "ds", "fs", "gs", "gdt", "idt", "ldt", "tr",
	};
	const struct nvmm_x64_state_seg *s;
	int i;

	for (i = 0; i < NVMM_X64_NSEG; i++) {
		s = &segs[i];
		dump_add(d, "%-3s %04x base %016" PRIx64 " limit %08" PRIx32
		    " type %x%s%s%c", names[i], s->selector, s->base,
		    s->limit, s->attrib.type, s->attrib.p ? " p" : "",
		    s->attrib.l ? " l" : "", i % 2 == 1 ? '\n' : ' ');
	}
}

/* The registers as text; "" while the VCPU runs. */
int
guest_vcpu_dump(struct guest *g, unsigned cpu, char *buf, size_t size)
{
	struct dump d = { .buf = buf, .size = size, .len = 0 };
	struct guest_vcpu *v;

	if (size != 0)
		buf[0] = '\0';
	if (cpu >= g->conf.ncpus)
		return 0;
	v = &g->vcpus[cpu];
	pthread_mutex_lock(&v->lock);
	if (v->have_regs) {
		dump_gprs(&d, v->regs.gprs);
		dump_crs(&d, &v->regs);
		dump_segs(&d, v->regs.segs);
	}
	pthread_mutex_unlock(&v->lock);
	return (int)d.len;
}
