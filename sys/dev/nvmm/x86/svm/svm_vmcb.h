/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The virtual machine control block, as AMD APM vol. 2 (rev. 3.41) lays it out
 * in appendix B, and the exit codes of appendix C. Fields stand in the manual's
 * order; what this driver does not use is reserved space here.
 */

#ifndef _SVM_VMCB_H_
#define _SVM_VMCB_H_

#include "nvmm_os.h"

/* B.1, offset 00Ch: intercept_misc1. */
#define SVM_MISC1_INTR			0x00000001U
#define SVM_MISC1_NMI			0x00000002U
#define SVM_MISC1_INIT			0x00000008U
#define SVM_MISC1_VINTR			0x00000010U
#define SVM_MISC1_RDPMC			0x00008000U
#define SVM_MISC1_CPUID			0x00040000U
#define SVM_MISC1_IRET			0x00100000U
#define SVM_MISC1_INVD			0x00400000U
#define SVM_MISC1_HLT			0x01000000U
#define SVM_MISC1_INVLPGA		0x04000000U
#define SVM_MISC1_IOIO			0x08000000U
#define SVM_MISC1_MSR			0x10000000U
#define SVM_MISC1_SHUTDOWN		0x80000000U

/* B.1, offset 010h: intercept_misc2. */
#define SVM_MISC2_VMRUN			0x00000001U
#define SVM_MISC2_VMMCALL		0x00000002U
#define SVM_MISC2_VMLOAD		0x00000004U
#define SVM_MISC2_VMSAVE		0x00000008U
#define SVM_MISC2_STGI			0x00000010U
#define SVM_MISC2_CLGI			0x00000020U
#define SVM_MISC2_SKINIT		0x00000040U
#define SVM_MISC2_RDTSCP		0x00000080U
#define SVM_MISC2_WBINVD		0x00000200U
#define SVM_MISC2_MONITOR		0x00000400U
#define SVM_MISC2_MWAIT			0x00000800U
#define SVM_MISC2_XSETBV		0x00002000U
#define SVM_MISC2_RDPRU			0x00004000U

/* B.1, offset 014h: intercept_misc3. */
#define SVM_MISC3_INVLPGB		0x00000001U
#define SVM_MISC3_MCOMMIT		0x00000008U
#define SVM_MISC3_TLBSYNC		0x00000010U

/* B.1, offset 05Ch: TLB_CONTROL, 15.16.2. */
#define SVM_TLB_NOTHING			0
#define SVM_TLB_FLUSH_ALL		1	/* every ASID */
#define SVM_TLB_FLUSH_GUEST		3	/* this one; FlushByAsid */

/* B.1, offset 060h: virtual interrupts, 15.21. */
#define SVM_V_TPR			0x00000000000000FFULL
#define SVM_V_IRQ			0x0000000000000100ULL
#define SVM_V_INTR_PRIO			0x00000000000F0000ULL
#define SVM_V_IGN_TPR			0x0000000000100000ULL
#define SVM_V_INTR_MASKING		0x0000000001000000ULL

/* B.1, offset 068h. */
#define SVM_INTERRUPT_SHADOW		0x0000000000000001ULL

/* EXITINTINFO and EVENTINJ, 15.20. */
#define SVM_EVENT_VECTOR		0x00000000000000FFULL
#define SVM_EVENT_TYPE			0x0000000000000700ULL
#define SVM_EVENT_TYPE_INTR		0x0000000000000000ULL
#define SVM_EVENT_TYPE_NMI		0x0000000000000200ULL
#define SVM_EVENT_TYPE_EXCP		0x0000000000000300ULL
#define SVM_EVENT_TYPE_SOFT		0x0000000000000400ULL
#define SVM_EVENT_EV			0x0000000000000800ULL
#define SVM_EVENT_V			0x0000000080000000ULL
#define SVM_EVENT_ERRORCODE_SHIFT	32

/* B.1, offset 090h. */
#define SVM_NP_ENABLE			0x0000000000000001ULL

/* B.1, offset 0C0h: VMCB clean bits, 15.15.3. */
#define SVM_CLEAN_I			0x00000001U
#define SVM_CLEAN_IOPM			0x00000002U
#define SVM_CLEAN_ASID			0x00000004U
#define SVM_CLEAN_TPR			0x00000008U
#define SVM_CLEAN_NP			0x00000010U
#define SVM_CLEAN_CRX			0x00000020U
#define SVM_CLEAN_DRX			0x00000040U
#define SVM_CLEAN_DT			0x00000080U
#define SVM_CLEAN_SEG			0x00000100U
#define SVM_CLEAN_CR2			0x00000200U
#define SVM_CLEAN_LBR			0x00000400U
#define SVM_CLEAN_AVIC			0x00000800U
#define SVM_CLEAN_CET			0x00001000U
#define SVM_CLEAN_ALL			0x00001FFFU

/* A segment register: attrib holds descriptor bits 40-47 and 52-55. */
#define SVM_ATTR_L			0x0200
#define SVM_ATTR_D			0x0400

struct svm_vmcb_seg {
	uint16_t selector;
	uint16_t attrib;
	uint32_t limit;
	uint64_t base;
};

/* B.1, the control area. */
struct svm_vmcb_ctrl {
	uint32_t intercept_cr;			/* 000h: reads, writes << 16 */
	uint32_t intercept_dr;			/* 004h: as above */
	uint32_t intercept_excp;		/* 008h */
	uint32_t intercept_misc1;		/* 00Ch */
	uint32_t intercept_misc2;		/* 010h */
	uint32_t intercept_misc3;		/* 014h */
	uint8_t rsvd1[0x03C - 0x018];
	uint16_t pause_filter_threshold;	/* 03Ch */
	uint16_t pause_filter_count;		/* 03Eh */
	uint64_t iopm_base_pa;			/* 040h */
	uint64_t msrpm_base_pa;			/* 048h */
	uint64_t tsc_offset;			/* 050h */
	uint32_t asid;				/* 058h */
	uint32_t tlb_control;			/* 05Ch: low byte */
	uint64_t v_intr;			/* 060h */
	uint64_t intr_shadow;			/* 068h */
	uint64_t exitcode;			/* 070h */
	uint64_t exitinfo1;			/* 078h */
	uint64_t exitinfo2;			/* 080h */
	uint64_t exitintinfo;			/* 088h */
	uint64_t np_enable;			/* 090h */
	uint8_t rsvd2[0x0A8 - 0x098];
	uint64_t eventinj;			/* 0A8h */
	uint64_t n_cr3;				/* 0B0h */
	uint64_t lbr_virt;			/* 0B8h */
	uint32_t clean;				/* 0C0h */
	uint32_t rsvd3;
	uint64_t nrip;				/* 0C8h */
	uint8_t inst_len;			/* 0D0h: bytes fetched */
	uint8_t inst_bytes[15];			/* 0D1h */
	uint8_t rsvd4[0x400 - 0x0E0];
};

/* B.2, the state save area. */
struct svm_vmcb_state {
	struct svm_vmcb_seg es;			/* 000h */
	struct svm_vmcb_seg cs;
	struct svm_vmcb_seg ss;
	struct svm_vmcb_seg ds;
	struct svm_vmcb_seg fs;
	struct svm_vmcb_seg gs;
	struct svm_vmcb_seg gdtr;
	struct svm_vmcb_seg ldtr;
	struct svm_vmcb_seg idtr;
	struct svm_vmcb_seg tr;
	uint8_t rsvd1[0x0CB - 0x0A0];
	uint8_t cpl;				/* 0CBh */
	uint32_t rsvd2;
	uint64_t efer;				/* 0D0h */
	uint8_t rsvd3[0x148 - 0x0D8];
	uint64_t cr4;				/* 148h */
	uint64_t cr3;
	uint64_t cr0;
	uint64_t dr7;				/* 160h */
	uint64_t dr6;
	uint64_t rflags;
	uint64_t rip;
	uint8_t rsvd4[0x1D8 - 0x180];
	uint64_t rsp;				/* 1D8h */
	uint8_t rsvd5[0x1F8 - 0x1E0];
	uint64_t rax;				/* 1F8h */
	uint64_t star;
	uint64_t lstar;
	uint64_t cstar;
	uint64_t sfmask;
	uint64_t kernelgsbase;
	uint64_t sysenter_cs;
	uint64_t sysenter_esp;
	uint64_t sysenter_eip;
	uint64_t cr2;				/* 240h */
	uint8_t rsvd6[0x268 - 0x248];
	uint64_t g_pat;				/* 268h */
	uint64_t dbgctl;
	uint64_t br_from;
	uint64_t br_to;
	uint64_t lastexcpfrom;
	uint64_t lastexcpto;
	uint8_t rsvd7[0xC00 - 0x298];
};

struct svm_vmcb {
	struct svm_vmcb_ctrl ctrl;
	struct svm_vmcb_state state;
};

OS_CTASSERT(sizeof(struct svm_vmcb_ctrl) == 0x400);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, pause_filter_threshold) == 0x03C);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, tsc_offset) == 0x050);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, v_intr) == 0x060);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, exitcode) == 0x070);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, np_enable) == 0x090);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, eventinj) == 0x0A8);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, clean) == 0x0C0);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, nrip) == 0x0C8);
OS_CTASSERT(offsetof(struct svm_vmcb_ctrl, inst_bytes) == 0x0D1);
OS_CTASSERT(sizeof(struct svm_vmcb_seg) == 0x010);
OS_CTASSERT(offsetof(struct svm_vmcb_state, tr) == 0x090);
OS_CTASSERT(offsetof(struct svm_vmcb_state, cpl) == 0x0CB);
OS_CTASSERT(offsetof(struct svm_vmcb_state, efer) == 0x0D0);
OS_CTASSERT(offsetof(struct svm_vmcb_state, cr4) == 0x148);
OS_CTASSERT(offsetof(struct svm_vmcb_state, rip) == 0x178);
OS_CTASSERT(offsetof(struct svm_vmcb_state, rsp) == 0x1D8);
OS_CTASSERT(offsetof(struct svm_vmcb_state, rax) == 0x1F8);
OS_CTASSERT(offsetof(struct svm_vmcb_state, cr2) == 0x240);
OS_CTASSERT(offsetof(struct svm_vmcb_state, g_pat) == 0x268);
OS_CTASSERT(offsetof(struct svm_vmcb_state, lastexcpto) == 0x290);
OS_CTASSERT(sizeof(struct svm_vmcb) == OS_PAGE_SIZE);

/* Appendix C: why #VMEXIT. */
#define SVM_EXIT_CR_READ(n)		(0x000 + (n))
#define SVM_EXIT_CR_WRITE(n)		(0x010 + (n))
#define SVM_EXIT_DR_READ(n)		(0x020 + (n))
#define SVM_EXIT_DR_WRITE(n)		(0x030 + (n))
#define SVM_EXIT_EXCP(n)		(0x040 + (n))
#define SVM_EXIT_INTR			0x060
#define SVM_EXIT_NMI			0x061
#define SVM_EXIT_INIT			0x063
#define SVM_EXIT_VINTR			0x064
#define SVM_EXIT_RDPMC			0x06F
#define SVM_EXIT_CPUID			0x072
#define SVM_EXIT_IRET			0x074
#define SVM_EXIT_INVD			0x076
#define SVM_EXIT_HLT			0x078
#define SVM_EXIT_INVLPGA		0x07A
#define SVM_EXIT_IOIO			0x07B
#define SVM_EXIT_MSR			0x07C
#define SVM_EXIT_SHUTDOWN		0x07F
#define SVM_EXIT_VMRUN			0x080
#define SVM_EXIT_VMMCALL		0x081
#define SVM_EXIT_VMLOAD			0x082
#define SVM_EXIT_VMSAVE			0x083
#define SVM_EXIT_STGI			0x084
#define SVM_EXIT_CLGI			0x085
#define SVM_EXIT_SKINIT			0x086
#define SVM_EXIT_RDTSCP			0x087
#define SVM_EXIT_WBINVD			0x089
#define SVM_EXIT_MONITOR		0x08A
#define SVM_EXIT_MWAIT			0x08B
#define SVM_EXIT_XSETBV			0x08D
#define SVM_EXIT_RDPRU			0x08E
#define SVM_EXIT_INVLPGB		0x0A0
#define SVM_EXIT_MCOMMIT		0x0A3
#define SVM_EXIT_TLBSYNC		0x0A4
#define SVM_EXIT_NPF			0x400
#define SVM_EXIT_INVALID		0xFFFFFFFFFFFFFFFFULL

/* EXITINFO1 of MOV CRx with DecodeAssists, 15.8.1. */
#define SVM_CR_MOV			0x8000000000000000ULL
#define SVM_CR_GPR			0x000000000000000FULL

/* EXITINFO1 of IOIO, 15.10.2. */
#define SVM_IOIO_IN			0x0001U
#define SVM_IOIO_STR			0x0004U
#define SVM_IOIO_REP			0x0008U
#define SVM_IOIO_SZ_SHIFT		4	/* 1, 2 or 4 bytes: one of 3 bits */
#define SVM_IOIO_A_SHIFT		7	/* 16, 32, 64 bits: one of 3 bits */
#define SVM_IOIO_SEG_SHIFT		10	/* DecodeAssists */
#define SVM_IOIO_PORT_SHIFT		16

/* EXITINFO1 of NPF, 15.25.6. */
#define SVM_NPF_WRITE			0x00000002ULL
#define SVM_NPF_FETCH			0x00000010ULL
#define SVM_NPF_FINAL			0x100000000ULL	/* not in the guest's tables */

#endif /* _SVM_VMCB_H_ */
