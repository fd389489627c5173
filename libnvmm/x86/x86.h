/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The pure part of libnvmm's x86 room: instructions as decoded, the CPU as the
 * executor sees it, and the page walk. Nothing here knows machines, exits or
 * the driver; nothing allocates. Functions that return int return 0 or a
 * positive errno.
 */

#ifndef _LIBNVMM_X86_H_
#define _LIBNVMM_X86_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dev/nvmm/nvmm.h>

#define X86_INSN_MAX	15		/* bytes */

/* Bits of RFLAGS, AMD APM vol. 2, 3.1.6. */
#define X86_FL_CF	0x0001
#define X86_FL_FIXED	0x0002
#define X86_FL_PF	0x0004
#define X86_FL_AF	0x0010
#define X86_FL_ZF	0x0040
#define X86_FL_SF	0x0080
#define X86_FL_TF	0x0100
#define X86_FL_IF	0x0200
#define X86_FL_DF	0x0400
#define X86_FL_OF	0x0800
#define X86_FL_IOPL	0x3000
#define X86_FL_RF	0x10000
#define X86_FL_VM	0x20000
#define X86_FL_AC	0x40000
#define X86_FL_ARITH	(X86_FL_CF | X86_FL_PF | X86_FL_AF | X86_FL_ZF | \
			 X86_FL_SF | X86_FL_OF)

/* CR0, CR4 and EFER, AMD APM vol. 2, 3.1. */
#define X86_CR0_PE	0x00000001ULL
#define X86_CR0_EM	0x00000004ULL
#define X86_CR0_TS	0x00000008ULL
#define X86_CR0_WP	0x00010000ULL
#define X86_CR0_AM	0x00040000ULL
#define X86_CR0_PG	0x80000000ULL
#define X86_CR4_PSE	0x00000010ULL
#define X86_CR4_PAE	0x00000020ULL
#define X86_CR4_OSFXSR	0x00000200ULL
#define X86_CR4_LA57	0x00001000ULL
#define X86_CR4_OSXSAVE	0x00040000ULL
#define X86_CR4_SMEP	0x00100000ULL
#define X86_CR4_SMAP	0x00200000ULL
#define X86_EFER_LMA	0x00000400ULL
#define X86_EFER_NXE	0x00000800ULL
#define X86_XCR0_AVX	0x00000006ULL	/* SSE and YMM */
#define X86_DR6_BS	0x00004000ULL
#define X86_DR7_GD	0x00002000ULL

/* Exceptions, AMD APM vol. 2, 8.2. */
#define X86_EXC_DE	0
#define X86_EXC_DB	1
#define X86_EXC_UD	6
#define X86_EXC_NM	7
#define X86_EXC_SS	12
#define X86_EXC_GP	13
#define X86_EXC_PF	14
#define X86_EXC_MF	16
#define X86_EXC_AC	17
#define X86_PF_P	0x01
#define X86_PF_W	0x02
#define X86_PF_U	0x04
#define X86_PF_RSVD	0x08
#define X86_PF_ID	0x10

/* What an instruction does. */
enum x86_op {
	X86_OP_UNKNOWN,			/* outside the set */
	X86_OP_UD,			/* no instruction */
	X86_OP_MOV, X86_OP_MOVSX, X86_OP_MOVBE, X86_OP_CMOV, X86_OP_SET,
	X86_OP_ADD, X86_OP_OR, X86_OP_ADC, X86_OP_SBB,
	X86_OP_AND, X86_OP_SUB, X86_OP_XOR, X86_OP_CMP,
	X86_OP_TEST, X86_OP_XCHG, X86_OP_XADD, X86_OP_CMPXCHG, X86_OP_CMPXCHGB,
	X86_OP_INC, X86_OP_DEC, X86_OP_NOT, X86_OP_NEG,
	X86_OP_ADCX, X86_OP_ADOX,
	X86_OP_ROL, X86_OP_ROR, X86_OP_RCL, X86_OP_RCR,
	X86_OP_SHL, X86_OP_SHR, X86_OP_SAR, X86_OP_SHLD, X86_OP_SHRD,
	X86_OP_MUL, X86_OP_IMULA, X86_OP_DIV, X86_OP_IDIV,	/* with rDX:rAX */
	X86_OP_IMUL,
	X86_OP_BT, X86_OP_BTS, X86_OP_BTR, X86_OP_BTC,
	X86_OP_BSF, X86_OP_BSR, X86_OP_TZCNT, X86_OP_LZCNT, X86_OP_POPCNT,
	X86_OP_CRC32,
	X86_OP_ANDN, X86_OP_BLSR, X86_OP_BLSMSK, X86_OP_BLSI, X86_OP_BZHI,
	X86_OP_BEXTR, X86_OP_PDEP, X86_OP_PEXT, X86_OP_MULX, X86_OP_RORX,
	X86_OP_SHLX, X86_OP_SHRX, X86_OP_SARX,
	X86_OP_PUSH, X86_OP_POP, X86_OP_PUSHF, X86_OP_LEAVE,
	X86_OP_CALL, X86_OP_JMP, X86_OP_RET,	/* near */
	X86_OP_XLAT, X86_OP_CLFLUSH,
	X86_OP_MOVS, X86_OP_CMPS, X86_OP_STOS, X86_OP_LODS, X86_OP_SCAS,
	X86_OP_INS, X86_OP_OUTS,
	X86_OP_MOVV,			/* to or from the low end of a vector */
	X86_OP_MOVH,			/* to or from a half of an XMM */
	X86_OP_MOVDDUP, X86_OP_MOVSLDUP, X86_OP_MOVSHDUP,
	X86_OP_BROADCAST, X86_OP_MASKMOV,
	X86_OP_INSERT, X86_OP_EXTRACT,	/* half of a YMM, by .sel */
	X86_OP_LDMXCSR, X86_OP_STMXCSR,
	X86_NOP
};

/* What an instruction needs, beyond general registers, to be executed. */
enum x86_unit {
	X86_UNIT_NONE,
	X86_UNIT_VEX,			/* protected mode */
	X86_UNIT_SSE,
	X86_UNIT_AVX,			/* clears what an XMM's load leaves */
	X86_UNIT_MMX
};

enum x86_kind {
	X86_KIND_NONE,
	X86_KIND_REG,
	X86_KIND_MEM,
	X86_KIND_IMM,
	X86_KIND_XMM,			/* YMM if its size is 32 */
	X86_KIND_MMX,
	X86_KIND_SEG			/* a selector */
};

#define X86_NOREG	0xFF

/* A memory operand: seg:[base + index * scale + disp]. */
struct x86_mem {
	uint8_t seg;			/* NVMM_X64_SEG_* */
	uint8_t base;			/* NVMM_X64_GPR_*, RIP too, or X86_NOREG */
	uint8_t index;			/* likewise */
	uint8_t scale;			/* 1, 2, 4, 8 */
	int64_t disp;
};

struct x86_operand {
	enum x86_kind kind;
	uint8_t size;			/* bytes */
	uint8_t reg;			/* GPR, XMM, MMX, NVMM_X64_SEG_* */
	uint8_t shift;			/* bits; 8: AH to BH; 64: XMM's upper */
	uint64_t imm;			/* sign-extended to 64 bits */
	struct x86_mem mem;
};

/* An instruction, decoded. */
struct x86_insn {
	enum x86_op op;
	uint8_t len;
	uint8_t opsize;			/* bytes */
	uint8_t addrsize;		/* bytes */
	uint8_t cond;			/* of SETcc, CMOVcc */
	uint8_t rep;			/* 0, 0xF2 or 0xF3 */
	bool lock;
	bool aligned;			/* #GP unless the operand is aligned */
	uint8_t seg;			/* override, or X86_NOREG */
	uint8_t unit;			/* enum x86_unit */
	uint8_t sel;			/* immediate that selects a part */
	struct x86_operand dst;
	struct x86_operand src;
	struct x86_operand third;	/* never memory */
};

/* An exception that the guest has earned. */
struct x86_fault {
	bool raised;
	uint8_t vector;
	uint32_t error;
	uint64_t cr2;			/* of a #PF */
};

/* The CPU that executes. */
struct x86_cpu {
	struct nvmm_x64_state *state;
	uint8_t (*ymmh)[16];		/* upper halves of YMM0-15, or NULL */
	struct x86_fault fault;
	bool fpu_changed;		/* .fpu, or what ymmh points to */
	bool trap;			/* single-stepped: #DB is due */
};

/*
 * Memory as instructions see it, by linear address; accesses may cross pages.
 * prot has NVMM_PROT_WRITE if the same operand will be written later.
 * => 0; or an errno: EFAULT with a fault raised, the guest's own; or others.
 */
struct x86_bus {
	void *arg;
	int (*load)(void *arg, gvaddr_t, void *, size_t, nvmm_prot_t prot);
	int (*store)(void *arg, gvaddr_t, const void *, size_t);
	/*
	 * Store if memory still holds old, in one with the comparison where
	 * the operand is aligned RAM; else a plain store. EAGAIN: it does not,
	 * nothing is stored. NULL: the bus has only plain stores.
	 */
	int (*swap)(void *arg, gvaddr_t, const void *old, const void *, size_t);
	/*
	 * Would a load, or a store, fault? Without touching what is there.
	 * NULL: the bus cannot tell.
	 */
	int (*probe)(void *arg, gvaddr_t, size_t, nvmm_prot_t prot);
	/* True if a REP should pause between two items. */
	bool (*pause)(void *arg);
};

/* decode.c */
/*
 * Decode the instruction at bytes; bits (16, 32, 64) is the code segment's
 * mode. EMSGSIZE: it goes on beyond len; ENOTSUP: outside the set; EINVAL: no
 * instruction, the guest's #UD; E2BIG: over 15 bytes, its #GP.
 */
int	x86_decode(struct x86_insn *, unsigned bits, const uint8_t *bytes,
	    size_t len);

/* regs.c */
/* The mode that code runs in: 16, 32 or 64. */
static inline unsigned
x86_mode(const struct nvmm_x64_state *st)
{
	const struct nvmm_x64_state_seg *cs = &st->segs[NVMM_X64_SEG_CS];

	if ((st->msrs[NVMM_X64_MSR_EFER] & X86_EFER_LMA) != 0 && cs->attrib.l)
		return 64;
	return cs->attrib.def ? 32 : 16;
}

/* True in real and virtual-8086 mode, where segments are not protected. */
bool	x86_is_real(const struct nvmm_x64_state *);
/* The current privilege level. */
unsigned x86_cpl(const struct nvmm_x64_state *);
/* x cut to size bytes. */
static inline uint64_t
x86_cut(uint64_t x, unsigned size)
{

	return size >= 8 ? x : x & ((1ULL << (size * 8)) - 1);
}

/* A register's low size bytes; shift 8 for the high byte registers. */
static inline uint64_t
x86_reg_get(const struct nvmm_x64_state *st, unsigned reg, unsigned size,
    unsigned shift)
{

	return x86_cut(st->gprs[reg] >> shift, size);
}

/* => 4 bytes clear the upper half, less leave the rest. */
static inline void
x86_reg_set(struct nvmm_x64_state *st, unsigned reg, unsigned size,
    unsigned shift, uint64_t val)
{
	uint64_t mask = x86_cut(UINT64_MAX, size) << shift;

	if (size >= 4)
		st->gprs[reg] = x86_cut(val, size);
	else
		st->gprs[reg] = (st->gprs[reg] & ~mask) |
		    ((val << shift) & mask);
}

/* x, size bytes long, sign-extended. */
int64_t	x86_sext(uint64_t x, unsigned size);
/* A memory operand's offset in its segment; rip is the next instruction's. */
static inline uint64_t
x86_mem_offset(const struct nvmm_x64_state *st, const struct x86_mem *mem,
    unsigned addrsize, uint64_t rip)
{
	uint64_t offset = (uint64_t)mem->disp;

	if (mem->base == NVMM_X64_GPR_RIP)
		offset += rip;
	else if (mem->base != X86_NOREG)
		offset += st->gprs[mem->base];
	if (mem->index != X86_NOREG)
		offset += st->gprs[mem->index] * mem->scale;
	return x86_cut(offset, addrsize);
}

/*
 * Linear address of seg:offset, checked, alignment of up to 8 bytes too; EFAULT
 * with a fault raised.
 */
int	x86_linear(struct x86_cpu *, unsigned seg, uint64_t offset, size_t,
	    bool write, gvaddr_t *);
/* The same for what may be in any segment that is there, code included. */
int	x86_linear_any(struct x86_cpu *, unsigned seg, uint64_t offset, size_t,
	    gvaddr_t *);
/* Raise a fault. => EFAULT. */
int	x86_raise(struct x86_cpu *, unsigned vector, uint32_t error);
/* Raise what a guest gets for x86_decode()'s EINVAL or E2BIG. => EFAULT. */
int	x86_raise_invalid(struct x86_cpu *, int error);
/* Go on at rip. */
static inline void
x86_advance(struct nvmm_x64_state *st, uint64_t rip)
{

	st->gprs[NVMM_X64_GPR_RIP] = x86_mode(st) == 64 ? rip : (uint32_t)rip;
	st->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_RF;
}

/* alu.c */
/* The result of a op b, and the arithmetic flags in *flags. */
uint64_t x86_alu(enum x86_op, uint64_t a, uint64_t b, unsigned size,
	    uint64_t *flags);
/* True if condition cc (the opcode's low 4 bits) holds. */
bool	x86_cond(unsigned cc, uint64_t flags);
/* PF, ZF and SF of a result. */
uint64_t x86_alu_common(uint64_t r, unsigned size);

/* alu_shift.c */
/* a shifted or rotated by count, masked as the CPU does; flags likewise. */
uint64_t x86_shift(enum x86_op, uint64_t a, unsigned count, unsigned size,
	    uint64_t *flags);
/* SHLD, SHRD: bits of b move into a. */
uint64_t x86_shift_double(enum x86_op, uint64_t a, uint64_t b, unsigned count,
	    unsigned size, uint64_t *flags);

/* execute.c */
/*
 * Execute. On success and on a fault between two items of a REP, the state is
 * what the CPU's would be; on other errors it is unchanged. A REP that paused
 * leaves RIP on the instruction. EAGAIN: another CPU has changed the RAM under a
 * locked instruction; the guest is to execute it again.
 */
int	x86_execute(struct x86_cpu *, const struct x86_insn *,
	    const struct x86_bus *);

/* walk.c */
/* What paging depends on: registers, and what the processor has. */
struct x86_paging {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint8_t physbits;		/* width of physical addresses, to 52 */
	bool gibpages;			/* pages of 1 GiB */
	bool upperglobal;		/* G is reserved in the upper two levels */
};

/*
 * Guest-physical memory, by the stretch last looked at: size bytes from gpa on
 * lie at base. size 0: nothing has been looked at.
 */
struct x86_ram {
	gpaddr_t gpa;
	size_t size;
	uint8_t *base;
	bool writable;
	/* Move to the stretch that holds gpa. => False: there is no memory. */
	bool (*seek)(struct x86_ram *, gpaddr_t);
	void *arg;
};

/* Where gpa lies; NULL: nowhere. => Good up to the end of its page. */
static inline void *
x86_ram_at(struct x86_ram *ram, gpaddr_t gpa)
{

	if (gpa - ram->gpa >= ram->size && !ram->seek(ram, gpa))
		return NULL;
	return ram->base + (gpa - ram->gpa);
}

/*
 * An access; READ unless more is said. A supervisor's own are explicit and may
 * touch the user's pages under SMAP with RFLAGS.AC; implicit ones, as those of
 * descriptor tables at any privilege level, have neither of USER and AC.
 */
#define X86_ACC_WRITE	0x01
#define X86_ACC_EXEC	0x02		/* instruction fetch */
#define X86_ACC_USER	0x04		/* at privilege level 3 */
#define X86_ACC_AC	0x08		/* RFLAGS.AC, below level 3 */
#define X86_ACC_LOOK	0x10		/* leave accessed and dirty bits alone */
#define X86_ACC_QUERY	0x20		/* and check no rights */

#define X86_LEVELS	4

/* A translation and the entries that it comes from, or what is wrong. */
struct x86_xlat {
	gpaddr_t gpa;
	nvmm_prot_t prot;		/* of a QUERY: what all levels grant */
	uint32_t error;			/* on EFAULT: of the #PF */
	bool wide;			/* 64-bit entries */
	uint8_t nlevels;
	const void *at[X86_LEVELS];	/* where they lie, */
	uint64_t pte[X86_LEVELS];	/* what they hold, bits set included */
};

/* True if a walk would find the same entries once more. */
static inline bool
x86_xlat_same(const struct x86_xlat *t)
{
	const unsigned n = t->nlevels;
	unsigned i;

	if (t->wide) {
		for (i = 0; i < n; i++) {
			if (t->pte[i] != __atomic_load_n(
			    (const uint64_t *)t->at[i], __ATOMIC_RELAXED))
				return false;
		}
		return true;
	}
	for (i = 0; i < n; i++) {
		if (t->pte[i] != __atomic_load_n((const uint32_t *)t->at[i],
		    __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

/*
 * Translate gva for an access, and set accessed and dirty bits as the CPU does.
 * EFAULT: the access faults, or gva is not canonical; ENXIO: tables lie where
 * no memory is; ENOTSUP: 5 levels; EAGAIN: other CPUs change the tables all the
 * time. Protection keys are not looked at.
 */
int	x86_walk(const struct x86_paging *, struct x86_ram *, gvaddr_t,
	    unsigned access, struct x86_xlat *);

/* hostcpu.c */
/* Fill in what the processor has: the one that this runs on. */
void	x86_paging_host(struct x86_paging *);

#endif /* _LIBNVMM_X86_H_ */
