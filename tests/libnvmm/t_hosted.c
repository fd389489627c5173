/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The library on the hosted driver and a real processor: tiny guests in real
 * mode, made by the public interface alone.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <signal.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nvmm.h>

#define RAM_SIZE	0x10000

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpu;
static uint8_t *ram;
static char console[64];
static uint64_t mmio_gpa, mmio_val;
static size_t mmio_size;
static unsigned mmio_n;

static void
on_io(struct nvmm_io *io)
{
	size_t n = strlen(console);

	if (io->in)
		*io->data = 'I';
	else if (n < sizeof(console) - 1)
		console[n] = (char)*io->data;
}

static void
on_mem(struct nvmm_mem *mem)
{

	mmio_n++;
	mmio_gpa = mem->gpa;
	mmio_size = mem->size;
	if (mem->write) {
		mmio_val = 0;
		memcpy(&mmio_val, mem->data, mem->size);
	} else
		memset(mem->data, 0x5A, mem->size);
}

/* A machine of 64 KiB whose VCPU starts on the code, at 1000 of segment 0. */
static void
setup(const void *code, size_t len)
{
	struct nvmm_assist_callbacks cbs = { .io = on_io, .mem = on_mem };
	struct nvmm_x64_state *st;

	if (access("/dev/kvm", R_OK | W_OK) == -1)
		atf_tc_skip("no /dev/kvm");
	setenv("NVMM_DEVICE", "hosted", 1);
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_REQUIRE_EQ(nvmm_machine_create(&mach), 0);
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	ATF_REQUIRE(ram != MAP_FAILED);
	ATF_REQUIRE_EQ(nvmm_hva_map(&mach, (uintptr_t)ram, RAM_SIZE), 0);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram, 0, RAM_SIZE,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC), 0);
	memcpy(ram + 0x1000, code, len);
	ATF_REQUIRE_EQ(nvmm_vcpu_create(&mach, 0, &vcpu), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_configure(&mach, &vcpu,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_ALL),
	    0);
	st = vcpu.state;
	st->segs[NVMM_X64_SEG_CS].selector = 0;
	st->segs[NVMM_X64_SEG_CS].base = 0;
	st->gprs[NVMM_X64_GPR_RIP] = 0x1000;
	ATF_REQUIRE_EQ(nvmm_vcpu_setstate(&mach, &vcpu,
	    NVMM_X64_STATE_SEGS | NVMM_X64_STATE_GPRS), 0);
}

/* Run, assisting, until another exit; its reason. */
static uint64_t
run(void)
{
	unsigned i;

	for (i = 0; i < 1000; i++) {
		ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
		switch (vcpu.exit->reason) {
		case NVMM_VCPU_EXIT_NONE:
			break;
		case NVMM_VCPU_EXIT_IO:
			ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
			break;
		case NVMM_VCPU_EXIT_MEMORY:
			ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
			break;
		default:
			return vcpu.exit->reason;
		}
	}
	atf_tc_fail("the guest does not end");
}

ATF_TC_WITHOUT_HEAD(capability);
ATF_TC_BODY(capability, tc)
{
	struct nvmm_capability cap;

	setup("", 0);
	ATF_REQUIRE_EQ(nvmm_capability(&cap), 0);
	ATF_CHECK_EQ(cap.version, NVMM_KERN_VERSION);
	ATF_CHECK_EQ(cap.state_size, 1008);
	ATF_CHECK_EQ(cap.max_machines, 128);
}

ATF_TC_WITHOUT_HEAD(io);
ATF_TC_BODY(io, tc)
{
	/* mov dx,3f8; mov al,'H'; out dx,al; in al,dx; out dx,al; hlt */
	static const uint8_t code[] = { 0xBA, 0xF8, 0x03, 0xB0, 'H', 0xEE,
	    0xEC, 0xEE, 0xF4 };

	setup(code, sizeof(code));
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK_STREQ(console, "HI");
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_CHECK_EQ(vcpu.state->gprs[NVMM_X64_GPR_RAX] & 0xFF, 'I');
	ATF_REQUIRE_EQ(nvmm_machine_destroy(&mach), 0);
}

/* The access is over; the registers stay what the processor made of it. */
ATF_TC_WITHOUT_HEAD(io_after_getstate);
ATF_TC_BODY(io_after_getstate, tc)
{
	/* in al,42; hlt */
	static const uint8_t code[] = { 0xE4, 0x42, 0xF4 };

	setup(code, sizeof(code));
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_REQUIRE_EQ(vcpu.exit->reason, NVMM_VCPU_EXIT_IO);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_io(&mach, &vcpu) == -1);
	ATF_CHECK_EQ(vcpu.state->gprs[NVMM_X64_GPR_RIP], 0x1002);
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_CHECK_EQ(vcpu.state->gprs[NVMM_X64_GPR_RIP], 0x1003);
	ATF_CHECK_EQ(vcpu.state->gprs[NVMM_X64_GPR_RAX] & 0xFF, 0xFF);
}

/* Likewise; the instruction is not carried out a second time. */
ATF_TC_WITHOUT_HEAD(mem_after_getstate);
ATF_TC_BODY(mem_after_getstate, tc)
{
	/* mov ax,1000; mov ds,ax; inc word [10]; hlt */
	static const uint8_t code[] = { 0xB8, 0x00, 0x10, 0x8E, 0xD8, 0xFF,
	    0x06, 0x10, 0x00, 0xF4, 0xF4 };

	setup(code, sizeof(code));
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_REQUIRE_EQ(vcpu.exit->reason, NVMM_VCPU_EXIT_MEMORY);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_CHECK_EQ(mmio_n, 0);
}

ATF_TC_WITHOUT_HEAD(io_string);
ATF_TC_BODY(io_string, tc)
{
	/* mov dx,3f8; mov si,1100; mov cx,5; rep outsb; hlt */
	static const uint8_t code[] = { 0xBA, 0xF8, 0x03, 0xBE, 0x00, 0x11,
	    0xB9, 0x05, 0x00, 0xF3, 0x6E, 0xF4 };

	setup(code, sizeof(code));
	memcpy(ram + 0x1100, "hello", 5);
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK_STREQ(console, "hello");
}

ATF_TC_WITHOUT_HEAD(mem);
ATF_TC_BODY(mem, tc)
{
	/* mov ax,1000; mov ds,ax; mov eax,[10]; inc eax; mov [14],eax; hlt */
	static const uint8_t code[] = { 0xB8, 0x00, 0x10, 0x8E, 0xD8, 0x66,
	    0xA1, 0x10, 0x00, 0x66, 0x40, 0x66, 0xA3, 0x14, 0x00, 0xF4 };

	setup(code, sizeof(code));
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK_EQ(mmio_n, 2);
	ATF_CHECK_EQ(mmio_gpa, 0x10014);
	ATF_CHECK_EQ(mmio_size, 4);
	ATF_CHECK_EQ(mmio_val, 0x5A5A5A5B);
}

ATF_TC_WITHOUT_HEAD(translate);
ATF_TC_BODY(translate, tc)
{
	nvmm_prot_t prot;
	uintptr_t hva;
	gpaddr_t gpa;

	setup("", 0);
	ATF_REQUIRE_EQ(nvmm_gva_to_gpa(&mach, &vcpu, 0x1234, &gpa, &prot), 0);
	ATF_CHECK_EQ(gpa, 0x1234);
	ATF_CHECK_EQ(prot, NVMM_PROT_ALL);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, gpa, &hva, &prot), 0);
	ATF_CHECK_EQ(hva, (uintptr_t)ram + 0x1234);
}

static void
on_alarm(int sig)
{

	(void)sig;
	(void)nvmm_vcpu_stop(&vcpu);
}

/* From a signal handler, out of a guest that spins. */
ATF_TC_WITHOUT_HEAD(stop_from_a_signal);
ATF_TC_BODY(stop_from_a_signal, tc)
{
	static const uint8_t code[] = { 0xFA, 0xEB, 0xFE };	/* cli; jmp $ */
	struct sigaction sa = { .sa_handler = on_alarm };
	unsigned i;

	setup(code, sizeof(code));
	ATF_REQUIRE_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	for (i = 0; i < 20; i++) {
		ualarm(2000, 0);
		ATF_REQUIRE_EQ(run(), NVMM_VCPU_EXIT_STOPPED);
	}
}

static void *
stopper(void *arg)
{

	usleep(2000);
	(void)nvmm_vcpu_stop(arg);
	return NULL;
}

ATF_TC_WITHOUT_HEAD(stop_from_a_thread);
ATF_TC_BODY(stop_from_a_thread, tc)
{
	static const uint8_t code[] = { 0xFA, 0xEB, 0xFE };
	pthread_t t;
	unsigned i;

	setup(code, sizeof(code));
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE_EQ(pthread_create(&t, NULL, stopper, &vcpu), 0);
		ATF_REQUIRE_EQ(run(), NVMM_VCPU_EXIT_STOPPED);
		ATF_REQUIRE_EQ(pthread_join(t, NULL), 0);
	}
}

/* A stop asked for before the run is found by it, once. */
ATF_TC_WITHOUT_HEAD(stop_before_the_run);
ATF_TC_BODY(stop_before_the_run, tc)
{
	static const uint8_t code[] = { 0xF4 };

	setup(code, sizeof(code));
	ATF_REQUIRE_EQ(nvmm_vcpu_stop(&vcpu), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_stop(&vcpu), 0);
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_STOPPED);
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
}

ATF_TC_WITHOUT_HEAD(counters);
ATF_TC_BODY(counters, tc)
{
	static const uint8_t code[] = { 0xE6, 0x80, 0xE6, 0x80, 0xF4 };
	struct nvmm_ctl_vcpu_stats stats = { .runs = 0 };
	struct nvmm_ctl_mach_info info = { .nram = 0 };

	setup(code, sizeof(code));
	ATF_CHECK_EQ(run(), NVMM_VCPU_EXIT_HALTED);
	stats.machid = info.machid = mach.machid;
	ATF_REQUIRE_EQ(nvmm_ctl(NVMM_CTL_VCPU_STATS, &stats, sizeof(stats)),
	    0);
	ATF_CHECK_EQ(stats.exits_user[NVMM_STAT_IO], 2);
	ATF_CHECK_EQ(stats.exits_user[NVMM_STAT_HALTED], 1);
	ATF_REQUIRE_EQ(nvmm_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)), 0);
	ATF_CHECK_EQ(info.nvcpus, 1);
	ATF_CHECK_EQ(info.nram, RAM_SIZE);
	ATF_CHECK_EQ(info.pid, getpid());
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, capability);
	ATF_TP_ADD_TC(tp, io);
	ATF_TP_ADD_TC(tp, io_after_getstate);
	ATF_TP_ADD_TC(tp, mem_after_getstate);
	ATF_TP_ADD_TC(tp, io_string);
	ATF_TP_ADD_TC(tp, mem);
	ATF_TP_ADD_TC(tp, translate);
	ATF_TP_ADD_TC(tp, stop_from_a_signal);
	ATF_TP_ADD_TC(tp, stop_from_a_thread);
	ATF_TP_ADD_TC(tp, stop_before_the_run);
	ATF_TP_ADD_TC(tp, counters);
	return atf_no_error();
}
