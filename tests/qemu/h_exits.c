/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Tell how the VCPUs of every machine on /dev/nvmm have left guest mode so
 * far, by reason: to their owner, and within the driver. For root.
 */

#include <err.h>
#include <inttypes.h>
#include <stdio.h>

#include <nvmm.h>

static const char *const names[NVMM_NSTAT] = {
	[NVMM_STAT_NONE] = "none",
	[NVMM_STAT_STOPPED] = "stopped",
	[NVMM_STAT_INVALID] = "invalid",
	[NVMM_STAT_MEMORY] = "memory",
	[NVMM_STAT_IO] = "io",
	[NVMM_STAT_SHUTDOWN] = "shutdown",
	[NVMM_STAT_INT_READY] = "int_ready",
	[NVMM_STAT_NMI_READY] = "nmi_ready",
	[NVMM_STAT_HALTED] = "halted",
	[NVMM_STAT_TPR_CHANGED] = "tpr_changed",
	[NVMM_STAT_RDMSR] = "rdmsr",
	[NVMM_STAT_WRMSR] = "wrmsr",
	[NVMM_STAT_MONITOR] = "monitor",
	[NVMM_STAT_MWAIT] = "mwait",
	[NVMM_STAT_CPUID] = "cpuid",
	[NVMM_STAT_HOSTINTR] = "hostintr",
	[NVMM_STAT_NPF] = "npf",
	[NVMM_STAT_INSN] = "insn",
};

/* The reasons that occurred. */
static void
show(const char *where, const uint64_t exits[NVMM_NSTAT])
{
	unsigned i;

	printf(" %s:", where);
	for (i = 0; i < NVMM_NSTAT; i++) {
		if (exits[i] != 0)
			printf(" %s %" PRIu64, names[i], exits[i]);
	}
}

/* All VCPUs of a machine, if there is one. */
static void
show_machine(nvmm_machid_t machid)
{
	struct nvmm_ctl_vcpu_stats st;
	nvmm_cpuid_t i;

	for (i = 0; i < NVMM_MAX_VCPUS; i++) {
		st = (struct nvmm_ctl_vcpu_stats){
			.machid = machid, .cpuid = i,
		};
		if (nvmm_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)) == -1)
			return;
		printf("%u/%u: runs %" PRIu64 " of %" PRIu64
		    " ms, injected %" PRIu64 ";", machid, i, st.runs,
		    st.run_ns / 1000000, st.injected);
		show("user", st.exits_user);
		show("driver", st.exits_driver);
		printf("\n");
	}
}

int
main(void)
{
	nvmm_machid_t i;

	if (nvmm_root_init() == -1)
		err(1, "nvmm_root_init");
	for (i = 0; i < NVMM_MAX_MACHINES; i++)
		show_machine(i);
	return 0;
}
