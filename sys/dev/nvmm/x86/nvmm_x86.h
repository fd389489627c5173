/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The x86 part of nvmm(4)'s binary interface: exits, events, configuration
 * and the register state of a VCPU. Names and values are those of NetBSD's
 * nvmm(4), so that clients written for it compile unchanged.
 */

#ifndef _DEV_NVMM_X86_NVMM_X86_H_
#define _DEV_NVMM_X86_NVMM_X86_H_

/* The names under which the machine-independent interface knows these. */
#define nvmm_vcpu_exit		nvmm_x86_exit
#define nvmm_vcpu_event		nvmm_x86_event
#define nvmm_vcpu_state		nvmm_x64_state

/* Exit reasons: none of the guest's own. */
#define NVMM_VCPU_EXIT_NONE		0x0000000000000000ULL
#define NVMM_VCPU_EXIT_STOPPED		0xFFFFFFFFFFFFFFFEULL
#define NVMM_VCPU_EXIT_INVALID		0xFFFFFFFFFFFFFFFFULL
/* Operations for the VMM to carry out. */
#define NVMM_VCPU_EXIT_MEMORY		0x0000000000000001ULL
#define NVMM_VCPU_EXIT_IO		0x0000000000000002ULL
/* Changes of VCPU state. */
#define NVMM_VCPU_EXIT_SHUTDOWN		0x0000000000001000ULL
#define NVMM_VCPU_EXIT_INT_READY	0x0000000000001001ULL
#define NVMM_VCPU_EXIT_NMI_READY	0x0000000000001002ULL
#define NVMM_VCPU_EXIT_HALTED		0x0000000000001003ULL
#define NVMM_VCPU_EXIT_TPR_CHANGED	0x0000000000001004ULL
/* Instructions. */
#define NVMM_VCPU_EXIT_RDMSR		0x0000000000002000ULL
#define NVMM_VCPU_EXIT_WRMSR		0x0000000000002001ULL
#define NVMM_VCPU_EXIT_MONITOR		0x0000000000002002ULL
#define NVMM_VCPU_EXIT_MWAIT		0x0000000000002003ULL
#define NVMM_VCPU_EXIT_CPUID		0x0000000000002004ULL

/* EXIT_MEMORY: an access that the guest's memory does not allow. */
struct nvmm_x86_exit_memory {
	int prot;			/* NVMM_PROT_* of the access */
	gpaddr_t gpa;
	uint8_t inst_len;		/* bytes fetched, 0 if none */
	uint8_t inst_bytes[15];
};

/* EXIT_IO: a port access. seg is an NVMM_X64_SEG_*, or -1; sizes in bytes. */
struct nvmm_x86_exit_io {
	bool in;
	uint16_t port;
	int8_t seg;
	uint8_t address_size;
	uint8_t operand_size;
	bool rep;
	bool str;
	uint64_t npc;			/* RIP after the instruction */
};

struct nvmm_x86_exit_rdmsr {
	uint32_t msr;
	uint64_t npc;
};

struct nvmm_x86_exit_wrmsr {
	uint32_t msr;
	uint64_t val;
	uint64_t npc;
};

/* EXIT_MONITOR, EXIT_MWAIT, EXIT_CPUID. */
struct nvmm_x86_exit_insn {
	uint64_t npc;
};

/*
 * EXIT_INVALID: the hardware, or the host's hypervisor, could not go on.
 * hwcode is the backend's code; see nvmm_vcpu_strexit(3). The rest is not in
 * NetBSD: the instruction that could not be carried out, where it is known.
 */
struct nvmm_x86_exit_invalid {
	uint64_t hwcode;
	uint64_t rip;
	uint8_t inst_len;
	uint8_t inst_bytes[15];
};

/* How the backends form hwcode beyond SVM's own exit codes. */
#define NVMM_HWCODE_KVM_INTERNAL	0x4B56000000000000ULL	/* | suberror */
#define NVMM_HWCODE_KVM_FAIL_ENTRY	0x4B57000000000000ULL	/* | reason */
#define NVMM_HWCODE_KVM_UNKNOWN		0x4B58000000000000ULL	/* | exit */
#define NVMM_HWCODE_CLASS		0xFFFF000000000000ULL

struct nvmm_x86_exit {
	uint64_t reason;
	union {
		struct nvmm_x86_exit_memory mem;
		struct nvmm_x86_exit_io io;
		struct nvmm_x86_exit_rdmsr rdmsr;
		struct nvmm_x86_exit_wrmsr wrmsr;
		struct nvmm_x86_exit_insn insn;
		struct nvmm_x86_exit_invalid inv;
	} u;
	struct {
		uint64_t rflags;
		uint64_t cr8;
		uint64_t int_shadow:1;
		uint64_t int_window_exiting:1;
		uint64_t nmi_window_exiting:1;
		uint64_t evt_pending:1;
		uint64_t rsvd:60;
	} exitstate;
};

/* Event types. An NMI is NVMM_VCPU_EVENT_INTR with vector 2. */
#define NVMM_VCPU_EVENT_EXCP	0
#define NVMM_VCPU_EVENT_INTR	1

struct nvmm_x86_event {
	unsigned int type;
	uint8_t vector;
	union {
		struct {
			uint64_t error;
		} excp;
	} u;
};

/* What a backend cannot do, it says here and answers with ENOTSUP. */
#define NVMM_IMPL_CPUID_EXIT	0x0001	/* NVMM_VCPU_CONF_CPUID .exit */
#define NVMM_IMPL_TPR_EXIT	0x0002	/* NVMM_VCPU_CONF_TPR */
#define NVMM_IMPL_NMI_WINDOW	0x0004	/* nmi_window_exiting */
#define NVMM_IMPL_MSR_EXIT	0x0008	/* unknown MSRs leave as exits */
#define NVMM_IMPL_MONITOR_EXIT	0x0010	/* MONITOR and MWAIT leave as exits */
#define NVMM_IMPL_PROT_NOEXEC	0x0020	/* gpa_map without NVMM_PROT_EXEC */
#define NVMM_IMPL_PROT_NOWRITE	0x0040	/* gpa_map without NVMM_PROT_WRITE */
#define NVMM_IMPL_RAW_EXITS	0x0080	/* IO and MEMORY exits are for clients
					   to decode; else by nvmm_assist only */
#define NVMM_IMPL_XCR0		0x0100	/* XCR0 can be set */

struct nvmm_cap_md {
	uint64_t mach_conf_support;
	uint64_t vcpu_conf_support;
#define NVMM_CAP_ARCH_VCPU_CONF_CPUID	0x0000000000000001ULL
#define NVMM_CAP_ARCH_VCPU_CONF_TPR	0x0000000000000002ULL
	uint64_t xcr0_mask;		/* XCR0 bits that a guest may set */
	uint32_t mxcsr_mask;
	uint32_t conf_cpuid_maxops;	/* CPUID leaves that can be configured */
	uint64_t impl_caps;		/* NVMM_IMPL_*, not in NetBSD */
	char impl_name[16];		/* "x86-SVM", "kvm"; not in NetBSD */
	uint32_t xstate_size;		/* bytes of all of a VCPU's extended
					   state; 0: none; not in NetBSD */
	uint32_t rsvd0;
	uint64_t rsvd[2];
};
#define NVMM_HAS_IMPL_CAPS	1

/*
 * Extended state, in the standard form of XSAVE, AMD APM vol. 2, 11.5: the 512
 * bytes of FXSAVE, a header of 64, and the parts of xcr0_mask beyond, each where
 * CPUID 0xD has it; YMM's upper halves always come first. Not in NetBSD.
 */
#define NVMM_HAS_XSTATE		1
#define NVMM_X64_XSTATE_BV	512	/* XSTATE_BV, 8 bytes: XCR0's bits */
#define NVMM_X64_XSTATE_MIN	576	/* x87, SSE and the header */
#define NVMM_X64_XSTATE_YMMH	576	/* 16 upper halves of 16 bytes each */
#define NVMM_X64_XSTATE_AVX	832	/* x87, SSE, the header and AVX */

/* Segment registers. */
#define NVMM_X64_SEG_ES			0
#define NVMM_X64_SEG_CS			1
#define NVMM_X64_SEG_SS			2
#define NVMM_X64_SEG_DS			3
#define NVMM_X64_SEG_FS			4
#define NVMM_X64_SEG_GS			5
#define NVMM_X64_SEG_GDT		6
#define NVMM_X64_SEG_IDT		7
#define NVMM_X64_SEG_LDT		8
#define NVMM_X64_SEG_TR			9
#define NVMM_X64_NSEG			10

/* General-purpose registers. */
#define NVMM_X64_GPR_RAX		0
#define NVMM_X64_GPR_RCX		1
#define NVMM_X64_GPR_RDX		2
#define NVMM_X64_GPR_RBX		3
#define NVMM_X64_GPR_RSP		4
#define NVMM_X64_GPR_RBP		5
#define NVMM_X64_GPR_RSI		6
#define NVMM_X64_GPR_RDI		7
#define NVMM_X64_GPR_R8			8
#define NVMM_X64_GPR_R9			9
#define NVMM_X64_GPR_R10		10
#define NVMM_X64_GPR_R11		11
#define NVMM_X64_GPR_R12		12
#define NVMM_X64_GPR_R13		13
#define NVMM_X64_GPR_R14		14
#define NVMM_X64_GPR_R15		15
#define NVMM_X64_GPR_RIP		16
#define NVMM_X64_GPR_RFLAGS		17
#define NVMM_X64_NGPR			18

/* Control registers. */
#define NVMM_X64_CR_CR0			0
#define NVMM_X64_CR_CR2			1
#define NVMM_X64_CR_CR3			2
#define NVMM_X64_CR_CR4			3
#define NVMM_X64_CR_CR8			4
#define NVMM_X64_CR_XCR0		5
#define NVMM_X64_NCR			6

/* Debug registers. */
#define NVMM_X64_DR_DR0			0
#define NVMM_X64_DR_DR1			1
#define NVMM_X64_DR_DR2			2
#define NVMM_X64_DR_DR3			3
#define NVMM_X64_DR_DR6			4
#define NVMM_X64_DR_DR7			5
#define NVMM_X64_NDR			6

/* Model-specific registers. */
#define NVMM_X64_MSR_EFER		0
#define NVMM_X64_MSR_STAR		1
#define NVMM_X64_MSR_LSTAR		2
#define NVMM_X64_MSR_CSTAR		3
#define NVMM_X64_MSR_SFMASK		4
#define NVMM_X64_MSR_KERNELGSBASE	5
#define NVMM_X64_MSR_SYSENTER_CS	6
#define NVMM_X64_MSR_SYSENTER_ESP	7
#define NVMM_X64_MSR_SYSENTER_EIP	8
#define NVMM_X64_MSR_PAT		9
#define NVMM_X64_MSR_TSC		10
#define NVMM_X64_NMSR			11

struct nvmm_x64_state_seg {
	uint16_t selector;
	struct {			/* bits 40-47, 52-55 of a descriptor */
		uint16_t type:4;
		uint16_t s:1;
		uint16_t dpl:2;
		uint16_t p:1;
		uint16_t avl:1;
		uint16_t l:1;
		uint16_t def:1;
		uint16_t g:1;
		uint16_t rsvd:4;
	} attrib;
	uint32_t limit;			/* in bytes, whatever g says */
	uint64_t base;
};

struct nvmm_x64_state_intr {
	uint64_t int_shadow:1;
	uint64_t int_window_exiting:1;
	uint64_t nmi_window_exiting:1;
	uint64_t evt_pending:1;
	uint64_t rsvd:60;
};

#if defined(__NetBSD__)
#include <x86/cpu_extended_state.h>
#else
/* The FXSAVE area in its 64-bit form, AMD APM vol. 2, 11.4.4. */
union fp_addr {
	uint64_t fa_64;
	struct {
		uint32_t fa_off;
		uint16_t fa_seg;
		uint16_t fa_opcode;
	} fa_32;
};

struct fpacc87 {
	uint64_t f87_mantissa;
	uint16_t f87_exp_sign;
} __attribute__((__packed__, __aligned__(2)));

struct fpaccfx {
	struct fpacc87 r __attribute__((__aligned__(16)));
};

struct xmmreg {
	uint8_t xmm_bytes[16];
};

struct fxsave {
	uint16_t fx_cw;
	uint16_t fx_sw;
	uint8_t fx_tw;
	uint8_t fx_zero;
	uint16_t fx_opcode;
	union fp_addr fx_ip;
	union fp_addr fx_dp;
	uint32_t fx_mxcsr;
	uint32_t fx_mxcsr_mask;
	struct fpaccfx fx_87_ac[8];
	struct xmmreg fx_xmm[16];
	uint8_t fx_rsvd[96];
};
#endif

/* Groups of state. */
#define NVMM_X64_STATE_SEGS	0x01
#define NVMM_X64_STATE_GPRS	0x02
#define NVMM_X64_STATE_CRS	0x04
#define NVMM_X64_STATE_DRS	0x08
#define NVMM_X64_STATE_MSRS	0x10
#define NVMM_X64_STATE_INTR	0x20
#define NVMM_X64_STATE_FPU	0x40
#define NVMM_X64_STATE_ALL	0x7F

/* 1008 bytes: clients compare nvmm_capability.state_size with their own. */
struct nvmm_x64_state {
	struct nvmm_x64_state_seg segs[NVMM_X64_NSEG];
	uint64_t gprs[NVMM_X64_NGPR];
	uint64_t crs[NVMM_X64_NCR];
	uint64_t drs[NVMM_X64_NDR];
	uint64_t msrs[NVMM_X64_NMSR];
	struct nvmm_x64_state_intr intr;
	struct fxsave fpu;
};

#define NVMM_VCPU_CONF_CPUID	NVMM_VCPU_CONF_MD_BEGIN
#define NVMM_VCPU_CONF_TPR	(NVMM_VCPU_CONF_MD_BEGIN + 1)

/* NVMM_VCPU_CONF_CPUID: neither mask nor exit takes a leaf's rule back. */
struct nvmm_vcpu_conf_cpuid {
	uint32_t mask:1;
	uint32_t exit:1;
	uint32_t rsvd:30;
	uint32_t leaf;
	union {
		struct {
			struct {
				uint32_t eax;
				uint32_t ebx;
				uint32_t ecx;
				uint32_t edx;
			} set;
			struct {
				uint32_t eax;
				uint32_t ebx;
				uint32_t ecx;
				uint32_t edx;
			} del;
		} mask;
	} u;
};

/* NVMM_VCPU_CONF_TPR: leave with EXIT_TPR_CHANGED when the guest moves CR8. */
struct nvmm_vcpu_conf_tpr {
	uint32_t exit_changed:1;
	uint32_t rsvd:31;
};

#endif /* _DEV_NVMM_X86_NVMM_X86_H_ */
