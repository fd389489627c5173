/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A plugin for QEMU's TCG that counts what a machine with one CPU executes
 * between the marks of h_figure.h: instructions of guest, user space and
 * kernel, and the operations that cost one instruction in that count and many
 * cycles on hardware. Every instruction adds to a counter; a mark looks at
 * them. For QEMU 7.2, Debian 12's, whose package has no header for plugins:
 * what is used of that interface, version 1, is declared here.
 *
 *	-plugin serial.so,out=FILE[,profile=FILE]
 *
 * out: a line per figure, "name=count ..." of its median round. profile: lines
 * "figure address count" of the least round of each figure.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_figure.h"

#define EXPORT		__attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t	qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *,
	    size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t	qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void	qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
	    void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void	qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
	    void (*)(unsigned, void *), int, void *);
void	qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *,
	    int, void *, uint64_t);
void	qemu_plugin_register_atexit_cb(qemu_plugin_id_t,
	    void (*)(qemu_plugin_id_t, void *), void *);
int	qemu_plugin_install(qemu_plugin_id_t, const void *, int, char **);

EXPORT int qemu_plugin_version = 1;

#define GUEST_END	0x100000	/* no host code lies below */
#define KERNEL_START	(1ULL << 63)
#define MAX_FIGURES	64
#define MAX_PCS		(1U << 22)

enum class {
	GUEST, USER, KERNEL,
	VMRUN, VMLOAD, VMSAVE, CLGI, STGI, WRMSR, RDMSR, XSAVE, XRSTOR, XSETBV,
	MOVCR, CR3, MOVDR, INVLPG, CPUID, IRET, DTR, WBINVD, NCLASSES, NONE
};

static const char *const names[NCLASSES] = {
	"guest", "user", "kernel",
	"vmrun", "vmload", "vmsave", "clgi", "stgi", "wrmsr", "rdmsr", "xsave",
	"xrstor", "xsetbv", "mov-cr", "mov-cr3", "mov-dr", "invlpg", "cpuid",
	"iret", "dt-load", "wbinvd"
};

/* An instruction of the profile, found by its address. */
struct pc {
	uint64_t addr, count, base;
};

struct profile {
	uint64_t total;
	size_t n;
	struct { uint64_t addr, count; } *pcs;
};

static uint64_t counters[NCLASSES], bases[NCLASSES];
static uint64_t windows[MAX_FIGURES][FIGURE_ROUNDS + 1][NCLASSES];
static unsigned rounds[MAX_FIGURES], figure;	/* 0: none yet */
static struct pc *pcs;				/* NULL: no profile */
static struct profile profiles[MAX_FIGURES];
static const char *out_path, *profile_path;

/* 0F 01 with a register operand. */
static enum class
classify_0f01(uint8_t modrm)
{

	switch (modrm) {
	case 0xd1:	return XSETBV;
	case 0xd8:	return VMRUN;
	case 0xda:	return VMLOAD;
	case 0xdb:	return VMSAVE;
	case 0xdc:	return STGI;
	case 0xdd:	return CLGI;
	case 0xdf:	return INVLPG;
	}
	if (modrm >= 0xc0)
		return NONE;
	switch (modrm >> 3 & 7) {
	case 2:
	case 3:		return DTR;
	case 7:		return INVLPG;
	}
	return NONE;
}

/* FXSAVE, XSAVE and their kin; registers are other instructions. */
static enum class
classify_xsave(uint8_t op, uint8_t modrm)
{

	if (modrm >= 0xc0)
		return NONE;
	switch (op << 4 | (modrm >> 3 & 7)) {
	case 0xae0:
	case 0xae4:
	case 0xae6:
	case 0xc74:
	case 0xc75:	return XSAVE;
	case 0xae1:
	case 0xae5:
	case 0xc73:	return XRSTOR;
	}
	return NONE;
}

/* => p has 16 bytes. */
static enum class
classify(const uint8_t *p)
{

	while (*p == 0x66 || (*p & 0xfe) == 0xf2 || (*p & 0xf0) == 0x40 ||
	    *p == 0x3e || *p == 0x2e)
		p++;
	if (*p == 0xcf)
		return IRET;
	if (*p++ != 0x0f)
		return NONE;
	switch (*p) {
	case 0x00:	return (p[1] >> 4 & 3) == 1 ? DTR : NONE;
	case 0x01:	return classify_0f01(p[1]);
	case 0x09:	return WBINVD;
	case 0x22:	return (p[1] >> 3 & 7) == 3 ? CR3 : MOVCR;
	case 0x23:	return MOVDR;
	case 0x30:	return WRMSR;
	case 0x32:	return RDMSR;
	case 0x38:	return p[1] == 0x82 ? INVLPG : NONE;
	case 0xa2:	return CPUID;
	case 0xae:
	case 0xc7:	return classify_xsave(*p, p[1]);
	}
	return NONE;
}

/* The record of an address; new with a count of 0. */
static struct pc *
pc_of(uint64_t addr)
{
	size_t i = (addr * 0x9e3779b97f4a7c15ULL) >> 42;

	while (pcs[i].addr != 0 && pcs[i].addr != addr)
		i = (i + 1) % MAX_PCS;
	pcs[i].addr = addr;
	return &pcs[i];
}

static void
profile_begin(void)
{
	size_t i;

	for (i = 0; pcs != NULL && i < MAX_PCS; i++)
		pcs[i].base = pcs[i].count;
}

/* Keep this round if it is the figure's least. */
static void
profile_end(struct profile *p, uint64_t total)
{
	size_t i;

	if (pcs == NULL || (p->pcs != NULL && total >= p->total))
		return;
	free(p->pcs);
	p->n = 0;
	p->total = total;
	p->pcs = malloc(MAX_PCS / 16 * sizeof(*p->pcs));
	for (i = 0; i < MAX_PCS && p->n < MAX_PCS / 16; i++) {
		if (pcs[i].count == pcs[i].base)
			continue;
		p->pcs[p->n].addr = pcs[i].addr;
		p->pcs[p->n++].count = pcs[i].count - pcs[i].base;
	}
}

static void
on_begin(unsigned cpu, void *arg)
{

	(void)cpu;
	(void)arg;
	profile_begin();
	memcpy(bases, counters, sizeof(bases));
}

static void
on_end(unsigned cpu, void *arg)
{
	uint64_t *w = windows[figure][rounds[figure]];
	unsigned i;

	(void)cpu;
	(void)arg;
	if (figure == 0 || rounds[figure] == FIGURE_ROUNDS)
		return;
	for (i = 0; i < NCLASSES; i++)
		w[i] = counters[i] - bases[i];
	rounds[figure]++;
	profile_end(&profiles[figure], w[USER] + w[KERNEL] + w[GUEST]);
}

static void
on_next(unsigned cpu, void *arg)
{

	(void)cpu;
	(void)arg;
	if (figure < MAX_FIGURES - 1)
		figure++;
}

/* A mark: 0F 1F 80 and the displacement. */
static bool
hook_mark(struct qemu_plugin_insn *insn, const uint8_t *p)
{
	static void (*const hooks[])(unsigned, void *) = {
		NULL, on_next, on_begin, on_end
	};
	uint32_t mark;

	if (p[0] != 0x0f || p[1] != 0x1f || p[2] != 0x80)
		return false;
	memcpy(&mark, p + 3, 4);
	mark -= FIGURE_MARK;
	if (mark < FIGURE_NEXT || mark > FIGURE_END)
		return false;
	qemu_plugin_register_vcpu_insn_exec_cb(insn, hooks[mark], 0, NULL);
	return true;
}

static void
hook_insn(struct qemu_plugin_insn *insn)
{
	const uint64_t addr = qemu_plugin_insn_vaddr(insn);
	const size_t size = qemu_plugin_insn_size(insn);
	uint8_t bytes[16] = { 0 };
	enum class class;

	memcpy(bytes, qemu_plugin_insn_data(insn), size < 16 ? size : 15);
	if (hook_mark(insn, bytes))
		return;
	class = addr >= KERNEL_START ? KERNEL :
	    addr >= GUEST_END ? USER : GUEST;
	qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &counters[class],
	    1);
	if (pcs != NULL)
		qemu_plugin_register_vcpu_insn_exec_inline(insn, 0,
		    &pc_of(addr)->count, 1);
	class = class == GUEST ? NONE : classify(bytes);
	if (class != NONE)
		qemu_plugin_register_vcpu_insn_exec_inline(insn, 0,
		    &counters[class], 1);
}

static void
on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const size_t n = qemu_plugin_tb_n_insns(tb);
	size_t i;

	(void)id;
	for (i = 0; i < n; i++)
		hook_insn(qemu_plugin_tb_get_insn(tb, i));
}

/* The median of a class over a figure's rounds. */
static uint64_t
median(unsigned f, unsigned class)
{
	uint64_t v[FIGURE_ROUNDS], x;
	unsigned i, j;

	for (i = 0; i < rounds[f]; i++) {
		x = windows[f][i][class];
		for (j = i; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return i > 0 ? v[i / 2] : 0;
}

static void
print_profile(FILE *fp, unsigned f)
{
	const struct profile *p = &profiles[f];
	size_t i;

	for (i = 0; i < p->n; i++)
		(void)fprintf(fp, "%u %016" PRIx64 " %" PRIu64 "\n", f,
		    p->pcs[i].addr, p->pcs[i].count);
}

static void
on_exit_of_qemu(qemu_plugin_id_t id, void *arg)
{
	FILE *out = fopen(out_path, "w"), *profile = NULL;
	unsigned f, i;

	(void)id;
	(void)arg;
	if (profile_path != NULL)
		profile = fopen(profile_path, "w");
	for (f = 1; out != NULL && f <= figure; f++) {
		for (i = 0; i < NCLASSES; i++)
			(void)fprintf(out, "%s=%" PRIu64 "%c", names[i],
			    median(f, i), i < NCLASSES - 1 ? ' ' : '\n');
		if (profile != NULL)
			print_profile(profile, f);
	}
	if (out == NULL || fclose(out) != 0 ||
	    (profile != NULL && fclose(profile) != 0))
		perror("serial.so");
}

EXPORT int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
    char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0)
			out_path = strdup(argv[i] + 4);
		else if (strncmp(argv[i], "profile=", 8) == 0)
			profile_path = strdup(argv[i] + 8);
	}
	if (out_path == NULL)
		return -1;
	if (profile_path != NULL) {
		pcs = calloc(MAX_PCS, sizeof(*pcs));
		if (pcs == NULL)
			return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
