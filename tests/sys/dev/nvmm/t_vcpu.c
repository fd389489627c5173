/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * VCPUs: state and events that travel with the run, what is cached, accesses
 * that the host has decoded, and the counters.
 */

#include "h_frontend.h"

CASE(starts_in_reset_state, "a new VCPU is a processor after power-on")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 7);
	ATF_CHECK_EQ(m, comm->machid);
	ATF_CHECK_EQ(7, comm->cpuid);
	comm->state_wanted = NVMM_X64_STATE_ALL;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 7));
	ATF_CHECK_EQ(0xFFF0, comm->state.gprs[NVMM_X64_GPR_RIP]);
	ATF_CHECK_EQ(0xFFFF0000, comm->state.segs[NVMM_X64_SEG_CS].base);
	ATF_CHECK_EQ(0x60000010, comm->state.crs[NVMM_X64_CR_CR0]);
	ATF_CHECK_EQ(NVMM_X64_STATE_ALL, comm->state_cached);
	h_end();
}

CASE(run_commits_state_then_event, "run hands over state, event, then runs")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state.gprs[NVMM_X64_GPR_RAX] = 42;
	comm->state_commit = NVMM_X64_STATE_GPRS;
	comm->event.type = NVMM_VCPU_EVENT_INTR;
	comm->event.vector = 0x30;
	comm->event_commit = 1;
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, comm->exit.reason);
	ATF_CHECK_EQ(42, fake_state(m, 0)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0x30, fake_last("vcpu_inject")->a);
	ATF_CHECK(fake_when("vcpu_setstate") < fake_when("vcpu_inject"));
	ATF_CHECK(fake_when("vcpu_inject") < fake_when("vcpu_run"));
	ATF_CHECK_EQ(0, comm->state_commit);
	ATF_CHECK_EQ(0, comm->event_commit);
	h_end();
}

CASE(run_commits_nothing_unasked, "a plain run sets no state and no event")
{
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	h_cpu(m, 0);
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_setstate"));
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_getstate"));
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_inject"));
	h_end();
}

CASE(run_fetches_wanted_state, "state asked for comes with the exit")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	fake_state(m, 0)->crs[NVMM_X64_CR_CR3] = 0x1000;
	comm->state_wanted = NVMM_X64_STATE_CRS | ~(uint64_t)NVMM_X64_STATE_ALL;
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(0x1000, comm->state.crs[NVMM_X64_CR_CR3]);
	ATF_CHECK_EQ(NVMM_X64_STATE_CRS, comm->state_cached);
	ATF_CHECK_EQ(NVMM_X64_STATE_CRS, fake_last("vcpu_getstate")->a);
	h_end();
}

CASE(run_forgets_cached_state, "state cached before a run is not after it")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state_wanted = NVMM_X64_STATE_ALL;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	comm->state_wanted = 0;
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(0, comm->state_cached);
	h_end();
}

CASE(run_keeps_state_left_for_free, "what the backend left needs no fetching")
{
	const struct fake_exit exit = { .reason = NVMM_VCPU_EXIT_HALTED,
	    .cached = NVMM_X64_STATE_GPRS };
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state_wanted = NVMM_X64_STATE_GPRS;
	fake_push_exit(&exit);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(NVMM_X64_STATE_GPRS, comm->state_cached);
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_getstate"));
	h_end();
}

CASE(getstate_keeps_uncommitted_changes, "getstate does not undo a setstate")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state.gprs[NVMM_X64_GPR_RBX] = 77;
	comm->state_commit = NVMM_X64_STATE_GPRS;
	comm->state_wanted = NVMM_X64_STATE_GPRS | NVMM_X64_STATE_DRS;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	ATF_CHECK_EQ(77, comm->state.gprs[NVMM_X64_GPR_RBX]);
	ATF_CHECK_EQ(NVMM_X64_STATE_DRS, fake_last("vcpu_getstate")->a);
	ATF_CHECK_EQ(NVMM_X64_STATE_GPRS, comm->state_commit);
	h_end();
}

CASE(refused_state_stays_marked, "a state that run refuses is not lost")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state_commit = NVMM_X64_STATE_CRS;
	comm->event_commit = 1;
	comm->stop = 1;
	fake_fail("vcpu_setstate", 1, EINVAL);
	ATF_CHECK_EQ(EINVAL, h_run(m, 0));
	ATF_CHECK_EQ(NVMM_X64_STATE_CRS, comm->state_commit);
	ATF_CHECK_EQ(1, comm->event_commit);
	ATF_CHECK_EQ(1, comm->stop);
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_run"));
	h_end();
}

CASE(refused_event_stays_marked, "an event that run refuses is not lost")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->event_commit = 1;
	fake_fail("vcpu_inject", 1, EAGAIN);
	ATF_CHECK_EQ(EAGAIN, h_run(m, 0));
	ATF_CHECK_EQ(1, comm->event_commit);
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_run"));
	h_end();
}

CASE(event_ends_cached_interrupt_state, "after an event INTR is fetched anew")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state_wanted = NVMM_X64_STATE_INTR;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	ATF_CHECK_EQ(0, comm->state.intr.evt_pending);
	comm->event.type = NVMM_VCPU_EVENT_INTR;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_INJECT, m, 0));
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	ATF_CHECK_EQ(1, comm->state.intr.evt_pending);
	h_end();
}

CASE(setstate_hands_over_at_once, "SETSTATE commits what is marked")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state.drs[0] = 0x1234;
	comm->state_commit = NVMM_X64_STATE_DRS;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_SETSTATE, m, 0));
	ATF_CHECK_EQ(0x1234, fake_state(m, 0)->drs[0]);
	ATF_CHECK_EQ(0, comm->state_commit);
	h_end();
}

CASE(decoded_access_survives_wanted_state, "no state is fetched over an access")
{
	struct nvmm_access access;
	const struct nvmm_ioc_vcpu ioc = { 0, 0 };
	struct nvmm_comm_page *comm;

	h_start();
	fake_caps.decodes = true;
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	comm->state_wanted = NVMM_X64_STATE_GPRS;
	h_exit(NVMM_VCPU_EXIT_IO);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(0, comm->state_cached);
	ATF_REQUIRE_EQ(0, nvmm_do_vcpu_access(&h_first.owner, &ioc, &access));
	ATF_CHECK_EQ(1, access.token);
	ATF_CHECK_EQ(0, nvmm_do_vcpu_access_done(&h_first.owner, &ioc,
	    &access));
	ATF_CHECK_EQ(EINVAL, nvmm_do_vcpu_access_done(&h_first.owner, &ioc,
	    &access));
	h_end();
}

CASE(stats_count_exits_by_reason, "counters of runs, exits and events")
{
	struct nvmm_ctl_vcpu_stats st = { 0 };
	struct nvmm_comm_page *comm;

	h_start();
	st.machid = h_machine();
	st.cpuid = 5;
	comm = h_cpu(st.machid, 5);
	comm->event.type = NVMM_VCPU_EVENT_INTR;
	comm->event_commit = 1;
	h_exit(NVMM_VCPU_EXIT_IO);
	h_exit(NVMM_VCPU_EXIT_IO);
	h_exit(NVMM_VCPU_EXIT_SHUTDOWN);
	h_exit(0x777);
	while (fake_ncalls("vcpu_run") < 4)
		ATF_REQUIRE_EQ(0, h_run(st.machid, 5));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	ATF_CHECK_EQ(4, st.runs);
	ATF_CHECK_EQ(1, st.injected);
	ATF_CHECK_EQ(2, st.exits_user[NVMM_STAT_IO]);
	ATF_CHECK_EQ(1, st.exits_user[NVMM_STAT_SHUTDOWN]);
	ATF_CHECK_EQ(1, st.exits_user[NVMM_STAT_INVALID]);
	ATF_CHECK_EQ(0, st.exits_user[NVMM_STAT_NONE]);
	ATF_CHECK(st.run_ns > 0);
	h_end();
}

CASE(backend_does_not_see_later_changes, "what is handed over is out of reach")
{
	struct nvmm_comm_page *comm;

	h_start();
	fake_caps.scribble = true;
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	comm->state.gprs[NVMM_X64_GPR_RAX] = 42;
	comm->state.crs[NVMM_X64_CR_CR3] = 0x1000;
	/* General registers alone are not copied. */
	comm->state_commit = NVMM_X64_STATE_GPRS | NVMM_X64_STATE_DRS;
	comm->event.type = NVMM_VCPU_EVENT_INTR;
	comm->event.vector = 0x30;
	comm->event_commit = 1;
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(42, fake_state(0, 0)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0, fake_state(0, 0)->crs[NVMM_X64_CR_CR3]);
	ATF_CHECK_EQ(0x30, fake_last("vcpu_inject")->a);
	h_end();
}

CASE(configure_copies_before_claim, "a bad argument disturbs neither guest nor lock")
{
	struct nvmm_ioc_machine_configure mc = { 5, 200, NULL };
	struct nvmm_ioc_vcpu_configure vc = { 0, 0, 200, NULL };
	struct nvmm_cpu *vcpu;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	/* With the claim held, another one would never come. */
	ATF_REQUIRE_EQ(0, nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu));
	ATF_CHECK_EQ(EFAULT, h_req(NVMM_IOC_VCPU_CONFIGURE, &vc));
	ATF_CHECK_EQ(0, vcpu->kicked);
	nvmm_vcpu_release(vcpu);
	ATF_CHECK_EQ(EFAULT, h_req(NVMM_IOC_MACHINE_CONFIGURE, &mc));
	h_end();
}

CASE(failed_create_leaves_nothing, "a VCPU that fails can be made again")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	fake_fail("vcpu_create", 1, EIO);
	ATF_CHECK_EQ(EIO, h_vcpu_create(m, 0, &comm));
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_destroy"));
	ATF_CHECK_EQ(ENOENT, h_run(m, 0));
	ATF_CHECK_EQ(0, h_vcpu_create(m, 0, &comm));
	h_end();
}

CASE(configure_reaches_backend, "a configuration comes with its argument")
{
	struct nvmm_vcpu_conf_cpuid conf = { .mask = 1, .leaf = 7 };
	struct nvmm_ioc_vcpu_configure ioc = {
		.op = NVMM_VCPU_CONF_CPUID, .conf = &conf
	};

	h_start();
	ioc.machid = h_machine();
	h_cpu(ioc.machid, 0);
	ATF_REQUIRE_EQ(0, h_req(NVMM_IOC_VCPU_CONFIGURE, &ioc));
	ATF_CHECK_EQ(NVMM_VCPU_CONF_CPUID, fake_last("vcpu_configure")->a);
	ATF_CHECK_EQ(7, fake_last("vcpu_configure")->b);
	h_end();
}

/* A VCPU that has left for an IN, RAX 5 and RIP FFF0, and offers to complete it. */
static struct nvmm_comm_page *
io_offered(nvmm_machid_t *m)
{
	const struct fake_exit exit = { .reason = NVMM_VCPU_EXIT_IO,
	    .offers = true };
	struct nvmm_comm_page *comm;

	h_start();
	*m = h_machine();
	comm = h_cpu(*m, 0);
	fake_state(*m, 0)->gprs[NVMM_X64_GPR_RAX] = 5;
	fake_push_exit(&exit);
	ATF_REQUIRE_EQ(0, h_run(*m, 0));
	ATF_REQUIRE_EQ(NVMM_COMM_IO_OFFERED, comm->io_state);
	ATF_REQUIRE_EQ(5, comm->io_rax);
	return comm;
}

/* The owner has carried it out. */
static void
io_done(struct nvmm_comm_page *comm, uint64_t val)
{

	comm->io_rax = val;
	comm->io_state = NVMM_COMM_IO_DONE;
}

CASE(io_done_comes_first, "a port access is completed before all else")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	comm = io_offered(&m);
	io_done(comm, 42);
	comm->state_commit = NVMM_X64_STATE_CRS;
	comm->event.vector = 0x30;
	comm->event.type = NVMM_VCPU_EVENT_INTR;
	comm->event_commit = 1;
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(42, fake_last("vcpu_io_done")->a);
	ATF_CHECK_EQ(1, fake_ncalls("vcpu_io_done"));
	ATF_CHECK(fake_when("vcpu_io_done") < fake_when("vcpu_setstate"));
	ATF_CHECK(fake_when("vcpu_setstate") < fake_when("vcpu_inject"));
	ATF_CHECK(fake_when("vcpu_inject") < fake_when("vcpu_run"));
	ATF_CHECK_EQ(NVMM_COMM_IO_NONE, comm->io_state);
	ATF_CHECK_EQ(42, fake_state(m, 0)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0xFFF1, fake_state(m, 0)->gprs[NVMM_X64_GPR_RIP]);
	h_end();
}

CASE(io_done_shows_in_getstate, "state read after a port access is after it")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	comm = io_offered(&m);
	io_done(comm, 42);
	comm->state_wanted = NVMM_X64_STATE_GPRS;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	ATF_CHECK_EQ(42, comm->state.gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0xFFF1, comm->state.gprs[NVMM_X64_GPR_RIP]);
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(1, fake_ncalls("vcpu_io_done"));
	h_end();
}

CASE(io_done_is_overridden, "registers set after a port access stand")
{
	const unsigned long how[] = { NVMM_IOC_VCPU_SETSTATE,
	    NVMM_IOC_VCPU_INJECT, NVMM_IOC_VCPU_RUN };
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;
	size_t i;

	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		comm = io_offered(&m);
		io_done(comm, 42);
		memset(comm->state.gprs, 0, sizeof(comm->state.gprs));
		comm->state.gprs[NVMM_X64_GPR_RIP] = 0x1000;
		comm->state_commit = NVMM_X64_STATE_GPRS;
		h_exit(NVMM_VCPU_EXIT_HALTED);
		ATF_REQUIRE_EQ(0, h_vcpu(how[i], m, 0));
		ATF_CHECK_EQ(1, fake_ncalls("vcpu_io_done"));
		ATF_CHECK_EQ(0x1000,
		    fake_state(m, 0)->gprs[NVMM_X64_GPR_RIP]);
		ATF_CHECK_EQ(0, fake_state(m, 0)->gprs[NVMM_X64_GPR_RAX]);
		h_end();
	}
}

CASE(io_done_is_of_the_last_exit, "an offer ends with the next run")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	comm = io_offered(&m);
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(NVMM_COMM_IO_NONE, comm->io_state);
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_io_done"));
	io_done(comm, 42);
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(m, 0));
	ATF_CHECK_EQ(5, fake_state(m, 0)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0xFFF0, fake_state(m, 0)->gprs[NVMM_X64_GPR_RIP]);
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, starts_in_reset_state);
	ATF_TP_ADD_TC(tp, run_commits_state_then_event);
	ATF_TP_ADD_TC(tp, run_commits_nothing_unasked);
	ATF_TP_ADD_TC(tp, run_fetches_wanted_state);
	ATF_TP_ADD_TC(tp, run_forgets_cached_state);
	ATF_TP_ADD_TC(tp, run_keeps_state_left_for_free);
	ATF_TP_ADD_TC(tp, getstate_keeps_uncommitted_changes);
	ATF_TP_ADD_TC(tp, refused_state_stays_marked);
	ATF_TP_ADD_TC(tp, refused_event_stays_marked);
	ATF_TP_ADD_TC(tp, event_ends_cached_interrupt_state);
	ATF_TP_ADD_TC(tp, setstate_hands_over_at_once);
	ATF_TP_ADD_TC(tp, decoded_access_survives_wanted_state);
	ATF_TP_ADD_TC(tp, stats_count_exits_by_reason);
	ATF_TP_ADD_TC(tp, backend_does_not_see_later_changes);
	ATF_TP_ADD_TC(tp, configure_copies_before_claim);
	ATF_TP_ADD_TC(tp, failed_create_leaves_nothing);
	ATF_TP_ADD_TC(tp, configure_reaches_backend);
	ATF_TP_ADD_TC(tp, io_done_comes_first);
	ATF_TP_ADD_TC(tp, io_done_shows_in_getstate);
	ATF_TP_ADD_TC(tp, io_done_is_overridden);
	ATF_TP_ADD_TC(tp, io_done_is_of_the_last_exit);
	return atf_no_error();
}
