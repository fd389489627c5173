/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A client as it is written for NetBSD 10, in C99 that is C++ too: every name
 * of the interface with its value, size or place, which the compiler checks,
 * and every function called. It prints what its guest says.
 */

#include <sys/param.h>
#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvmm.h>

#define PASTE_(a, b)	a ## b
#define PASTE(a, b)	PASTE_(a, b)
#define IS(what)							\
	extern char PASTE(is_, __LINE__)[(what) ? 1 : -1]
#define SIZE(type, size)	IS(sizeof(type) == (size))
#define AT(type, field, at)	IS(offsetof(type, field) == (at))

IS(NVMM_USER_VERSION == 2);
IS(NVMM_KERN_VERSION == 2);
IS(NVMM_CTL_MACH_INFO == 0);
IS(NVMM_MACH_CONF_LIBNVMM_BEGIN == 0);
IS(NVMM_MACH_CONF_MI_BEGIN == 100);
IS(NVMM_MACH_CONF_MD_BEGIN == 200);
IS(NVMM_MACH_CONF_MD(201) == 1);
IS(NVMM_VCPU_CONF_LIBNVMM_BEGIN == 0);
IS(NVMM_VCPU_CONF_MI_BEGIN == 100);
IS(NVMM_VCPU_CONF_MD_BEGIN == 200);
IS(NVMM_VCPU_CONF_MD(NVMM_VCPU_CONF_TPR) == 1);
IS(NVMM_VCPU_CONF_CALLBACKS == 0);
IS(NVMM_VCPU_CONF_CPUID == 200);
IS(NVMM_VCPU_CONF_TPR == 201);
IS(NVMM_CAP_ARCH_VCPU_CONF_CPUID == 1);
IS(NVMM_CAP_ARCH_VCPU_CONF_TPR == 2);
IS(NVMM_PROT_READ == PROT_READ && NVMM_PROT_READ == 1);
IS(NVMM_PROT_WRITE == PROT_WRITE && NVMM_PROT_WRITE == 2);
IS(NVMM_PROT_EXEC == PROT_EXEC && NVMM_PROT_EXEC == 4);
IS(NVMM_PROT_USER == 8);
IS(NVMM_PROT_ALL == 15);

IS(NVMM_VCPU_EXIT_NONE == 0);
IS(NVMM_VCPU_EXIT_STOPPED == ~0ULL - 1);
IS(NVMM_VCPU_EXIT_INVALID == ~0ULL);
IS(NVMM_VCPU_EXIT_MEMORY == 1);
IS(NVMM_VCPU_EXIT_IO == 2);
IS(NVMM_VCPU_EXIT_SHUTDOWN == 0x1000);
IS(NVMM_VCPU_EXIT_INT_READY == 0x1001);
IS(NVMM_VCPU_EXIT_NMI_READY == 0x1002);
IS(NVMM_VCPU_EXIT_HALTED == 0x1003);
IS(NVMM_VCPU_EXIT_TPR_CHANGED == 0x1004);
IS(NVMM_VCPU_EXIT_RDMSR == 0x2000);
IS(NVMM_VCPU_EXIT_WRMSR == 0x2001);
IS(NVMM_VCPU_EXIT_MONITOR == 0x2002);
IS(NVMM_VCPU_EXIT_MWAIT == 0x2003);
IS(NVMM_VCPU_EXIT_CPUID == 0x2004);
IS(NVMM_VCPU_EVENT_EXCP == 0);
IS(NVMM_VCPU_EVENT_INTR == 1);

IS(NVMM_X64_SEG_ES == 0 && NVMM_X64_SEG_CS == 1 && NVMM_X64_SEG_SS == 2);
IS(NVMM_X64_SEG_DS == 3 && NVMM_X64_SEG_FS == 4 && NVMM_X64_SEG_GS == 5);
IS(NVMM_X64_SEG_GDT == 6 && NVMM_X64_SEG_IDT == 7);
IS(NVMM_X64_SEG_LDT == 8 && NVMM_X64_SEG_TR == 9 && NVMM_X64_NSEG == 10);
IS(NVMM_X64_GPR_RAX == 0 && NVMM_X64_GPR_RCX == 1 && NVMM_X64_GPR_RDX == 2);
IS(NVMM_X64_GPR_RBX == 3 && NVMM_X64_GPR_RSP == 4 && NVMM_X64_GPR_RBP == 5);
IS(NVMM_X64_GPR_RSI == 6 && NVMM_X64_GPR_RDI == 7 && NVMM_X64_GPR_R8 == 8);
IS(NVMM_X64_GPR_R9 == 9 && NVMM_X64_GPR_R10 == 10 && NVMM_X64_GPR_R11 == 11);
IS(NVMM_X64_GPR_R12 == 12 && NVMM_X64_GPR_R13 == 13);
IS(NVMM_X64_GPR_R14 == 14 && NVMM_X64_GPR_R15 == 15);
IS(NVMM_X64_GPR_RIP == 16 && NVMM_X64_GPR_RFLAGS == 17);
IS(NVMM_X64_NGPR == 18);
IS(NVMM_X64_CR_CR0 == 0 && NVMM_X64_CR_CR2 == 1 && NVMM_X64_CR_CR3 == 2);
IS(NVMM_X64_CR_CR4 == 3 && NVMM_X64_CR_CR8 == 4 && NVMM_X64_CR_XCR0 == 5);
IS(NVMM_X64_NCR == 6);
IS(NVMM_X64_DR_DR0 == 0 && NVMM_X64_DR_DR1 == 1 && NVMM_X64_DR_DR2 == 2);
IS(NVMM_X64_DR_DR3 == 3 && NVMM_X64_DR_DR6 == 4 && NVMM_X64_DR_DR7 == 5);
IS(NVMM_X64_NDR == 6);
IS(NVMM_X64_MSR_EFER == 0 && NVMM_X64_MSR_STAR == 1);
IS(NVMM_X64_MSR_LSTAR == 2 && NVMM_X64_MSR_CSTAR == 3);
IS(NVMM_X64_MSR_SFMASK == 4 && NVMM_X64_MSR_KERNELGSBASE == 5);
IS(NVMM_X64_MSR_SYSENTER_CS == 6 && NVMM_X64_MSR_SYSENTER_ESP == 7);
IS(NVMM_X64_MSR_SYSENTER_EIP == 8 && NVMM_X64_MSR_PAT == 9);
IS(NVMM_X64_MSR_TSC == 10 && NVMM_X64_NMSR == 11);
IS(NVMM_X64_STATE_SEGS == 0x01 && NVMM_X64_STATE_GPRS == 0x02);
IS(NVMM_X64_STATE_CRS == 0x04 && NVMM_X64_STATE_DRS == 0x08);
IS(NVMM_X64_STATE_MSRS == 0x10 && NVMM_X64_STATE_INTR == 0x20);
IS(NVMM_X64_STATE_FPU == 0x40 && NVMM_X64_STATE_ALL == 0x7F);

SIZE(gpaddr_t, 8);
SIZE(gvaddr_t, 8);
SIZE(nvmm_machid_t, 4);
SIZE(nvmm_cpuid_t, 4);
SIZE(nvmm_prot_t, 8);
SIZE(struct nvmm_capability, 104);
AT(struct nvmm_capability, max_ram, 16);
AT(struct nvmm_capability, arch, 24);
SIZE(struct nvmm_cap_md, 80);
AT(struct nvmm_cap_md, vcpu_conf_support, 8);
AT(struct nvmm_cap_md, xcr0_mask, 16);
AT(struct nvmm_cap_md, mxcsr_mask, 24);
AT(struct nvmm_cap_md, conf_cpuid_maxops, 28);
SIZE(struct nvmm_x64_state_seg, 16);
AT(struct nvmm_x64_state_seg, limit, 4);
AT(struct nvmm_x64_state_seg, base, 8);
SIZE(struct nvmm_x64_state_intr, 8);
SIZE(struct fxsave, 512);
AT(struct fxsave, fx_sw, 2);
AT(struct fxsave, fx_tw, 4);
AT(struct fxsave, fx_opcode, 6);
AT(struct fxsave, fx_ip.fa_64, 8);
AT(struct fxsave, fx_dp.fa_64, 16);
AT(struct fxsave, fx_mxcsr, 24);
AT(struct fxsave, fx_mxcsr_mask, 28);
AT(struct fxsave, fx_87_ac, 32);
AT(struct fxsave, fx_xmm, 160);
SIZE(struct nvmm_x64_state, 1008);
AT(struct nvmm_x64_state, gprs, 160);
AT(struct nvmm_x64_state, crs, 304);
AT(struct nvmm_x64_state, drs, 352);
AT(struct nvmm_x64_state, msrs, 400);
AT(struct nvmm_x64_state, intr, 488);
AT(struct nvmm_x64_state, fpu, 496);
SIZE(struct nvmm_x86_exit_memory, 32);
SIZE(struct nvmm_x86_exit_io, 24);
SIZE(struct nvmm_x86_exit_rdmsr, 16);
SIZE(struct nvmm_x86_exit_wrmsr, 24);
SIZE(struct nvmm_x86_exit_insn, 8);
SIZE(struct nvmm_x86_exit, 64);
AT(struct nvmm_x86_exit, u.inv.hwcode, 8);
AT(struct nvmm_x86_exit, exitstate, 40);
SIZE(struct nvmm_x86_event, 16);
SIZE(struct nvmm_vcpu_conf_cpuid, 40);
AT(struct nvmm_vcpu_conf_cpuid, leaf, 4);
AT(struct nvmm_vcpu_conf_cpuid, u.mask.del, 24);
SIZE(struct nvmm_vcpu_conf_tpr, 4);

IS(__SHIFTOUT(0xABCDU, 0x0FF0U) == 0xBC);
IS(__SHIFTIN(0xBCU, 0x0FF0U) == 0x0BC0);
IS(EPROGMISMATCH > 0);

/* The two spellings are one type each. */
static uint64_t
reason_of(const struct nvmm_x86_exit *e)
{

	return e->reason;
}

static const struct nvmm_vcpu_exit *
exit_of(const struct nvmm_vcpu *vcpu)
{
	struct nvmm_x86_exit *e = vcpu->exit;

	return e;
}

static void
event_set(struct nvmm_x86_event *event, uint8_t vector)
{

	event->type = NVMM_VCPU_EVENT_EXCP;
	event->vector = vector;
	event->u.excp.error = 0;
}

/* mov dx, 0x3F8; mov al, '!'; out dx, al; mov [0xF000], al; hlt */
static const uint8_t code[] = {
	0xBA, 0xF8, 0x03, 0xB0, '!', 0xEE, 0xA2, 0x00, 0xF0, 0xF4
};

#define RAM	((size_t)0x8000)

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpu;

static void
io_callback(struct nvmm_io *io)
{

	if (io->mach == &mach && io->vcpu == &vcpu && !io->in && io->size == 1)
		printf("port %#x: %c\n", (unsigned)io->port, *io->data);
}

static void
mem_callback(struct nvmm_mem *mem)
{

	if (mem->mach == &mach && mem->vcpu == &vcpu && mem->write)
		printf("memory %#llx: %c\n", (unsigned long long)mem->gpa,
		    *mem->data);
}

static void
must(int ret, const char *what)
{

	if (ret == -1) {
		perror(what);
		exit(1);
	}
}

static uint8_t *
memory_init(void)
{
	void *p;
	uintptr_t hva;

	p = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, -1,
	    0);
	must(p == MAP_FAILED ? -1 : 0, "mmap");
	hva = (uintptr_t)p;
	must(nvmm_hva_map(&mach, hva, RAM), "nvmm_hva_map");
	must(nvmm_gpa_map(&mach, hva, 0, RAM, PROT_READ | PROT_WRITE |
	    PROT_EXEC), "nvmm_gpa_map");
	return (uint8_t *)p;
}

static void
configure(void)
{
	struct nvmm_assist_callbacks cbs;
	struct nvmm_vcpu_conf_cpuid cpuid;

	memset(&cbs, 0, sizeof(cbs));
	cbs.io = io_callback;
	cbs.mem = mem_callback;
	must(nvmm_vcpu_configure(&mach, &vcpu, NVMM_VCPU_CONF_CALLBACKS, &cbs),
	    "callbacks");
	memset(&cpuid, 0, sizeof(cpuid));
	cpuid.mask = 1;
	cpuid.exit = 0;
	cpuid.leaf = 1;
	cpuid.u.mask.set.edx = 1U << 7 | 1U << 12 | 1U << 14;
	must(nvmm_vcpu_configure(&mach, &vcpu, NVMM_VCPU_CONF_CPUID, &cpuid),
	    "cpuid");
}

static void
start(void)
{
	struct nvmm_x64_state *state = vcpu.state;
	struct nvmm_x64_state_seg *seg;
	unsigned i;

	must(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_ALL), "getstate");
	for (i = 0; i < 6; i++) {
		seg = &state->segs[i];
		seg->selector = 0;
		seg->base = 0;
		seg->limit = 0xFFFF;
		seg->attrib.p = 1;
	}
	state->gprs[NVMM_X64_GPR_RIP] = 0;
	state->intr.int_window_exiting = 0;
	state->fpu.fx_xmm[0].xmm_bytes[0] = 0;
	must(nvmm_vcpu_setstate(&mach, &vcpu, NVMM_X64_STATE_SEGS |
	    NVMM_X64_STATE_GPRS | NVMM_X64_STATE_INTR | NVMM_X64_STATE_FPU),
	    "setstate");
}

static void
loop(void)
{

	for (;;) {
		must(nvmm_vcpu_run(&mach, &vcpu), "nvmm_vcpu_run");
		switch (reason_of(exit_of(&vcpu))) {
		case NVMM_VCPU_EXIT_NONE:
			break;
		case NVMM_VCPU_EXIT_IO:
			must(nvmm_assist_io(&mach, &vcpu), "nvmm_assist_io");
			break;
		case NVMM_VCPU_EXIT_MEMORY:
			must(nvmm_assist_mem(&mach, &vcpu), "nvmm_assist_mem");
			break;
		case NVMM_VCPU_EXIT_STOPPED:
		case NVMM_VCPU_EXIT_HALTED:
			return;
		default:
			must(-1, "exit");
		}
	}
}

/* What the guest's end leaves; then all of it undone. */
static void
finish(const uint8_t *ram)
{
	struct nvmm_ctl_mach_info info;
	nvmm_prot_t prot;
	uintptr_t hva;
	gpaddr_t gpa;

	must(nvmm_gva_to_gpa(&mach, &vcpu, 0x1000, &gpa, &prot), "gva_to_gpa");
	must(nvmm_gpa_to_hva(&mach, gpa, &hva, &prot), "gpa_to_hva");
	must(hva == (uintptr_t)ram + 0x1000 ? 0 : -1, "translation");
	memset(&info, 0, sizeof(info));
	info.machid = mach.machid;
	must(nvmm_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)), "nvmm_ctl");
	printf("%u VCPU, %llu bytes\n", (unsigned)info.nvcpus,
	    (unsigned long long)info.nram);
	must(info.pid > 0 && info.time > 0 ? 0 : -1, "owner and time");
	event_set(vcpu.event, 6);
	must(nvmm_vcpu_inject(&mach, &vcpu), "nvmm_vcpu_inject");
	must(nvmm_vcpu_stop(&vcpu), "nvmm_vcpu_stop");
	must(*vcpu.stop == 1 ? 0 : -1, "stop");
	loop();
	must(nvmm_vcpu_dump(&mach, &vcpu), "nvmm_vcpu_dump");
	must(nvmm_vcpu_destroy(&mach, &vcpu), "nvmm_vcpu_destroy");
	must(nvmm_gpa_unmap(&mach, (uintptr_t)ram, 0, RAM), "nvmm_gpa_unmap");
	must(nvmm_hva_unmap(&mach, (uintptr_t)ram, RAM), "nvmm_hva_unmap");
	must(nvmm_machine_destroy(&mach), "nvmm_machine_destroy");
}

/* Each function once, so that each is there to link. */
int
main(void)
{
	struct nvmm_capability cap;
	uint8_t *ram;

	must(nvmm_init(), "nvmm_init");
	must(nvmm_root_init() == -1 ? 0 : -1, "nvmm_root_init");
	must(nvmm_capability(&cap), "nvmm_capability");
	must(cap.version >= NVMM_KERN_VERSION &&
	    cap.state_size == sizeof(struct nvmm_x64_state) &&
	    (cap.arch.vcpu_conf_support & NVMM_CAP_ARCH_VCPU_CONF_CPUID) != 0
	    ? 0 : -1, "capability");
	must(nvmm_machine_create(&mach), "nvmm_machine_create");
	must(nvmm_machine_configure(&mach, 0, NULL) == -1 ? 0 : -1,
	    "nvmm_machine_configure");
	ram = memory_init();
	memcpy(ram, code, sizeof(code));
	must(nvmm_vcpu_create(&mach, 0, &vcpu), "nvmm_vcpu_create");
	configure();
	start();
	loop();
	finish(ram);
	return 0;
}
