/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The executor: the plain instructions, and the table of all.
 */

#include <errno.h>

#include "exec.h"

/* MOV, MOVZX, MOVNTI. */
static int
exec_mov(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, val);
	return error;
}

/* MOVSX, MOVSXD. */
static int
exec_movsx(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst,
		    (uint64_t)x86_sext(val, x->insn->src.size));
	return error;
}

/* MOVBE. */
static int
exec_movbe(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error != 0)
		return error;
	val = __builtin_bswap64(val) >> (64 - x->insn->src.size * 8);
	return x86_exec_store(x, &x->insn->dst, val);
}

/* CMOVcc: the source is read, and a 32-bit register cleared above, anyway. */
static int
exec_cmov(struct x86_exec *x)
{
	uint64_t val, old;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->dst, &old);
	if (error != 0)
		return error;
	if (!x86_cond(x->insn->cond, *x86_exec_flags(x)))
		val = old;
	return x86_exec_store(x, &x->insn->dst, val);
}

/* SETcc. */
static int
exec_set(struct x86_exec *x)
{

	return x86_exec_store(x, &x->insn->dst,
	    x86_cond(x->insn->cond, *x86_exec_flags(x)));
}

/* ADD and its like, INC, DEC, NEG. */
static int
exec_alu(struct x86_exec *x)
{
	uint64_t a, r, b = 0, after = *x86_exec_flags(x);
	int error;

	error = x86_exec_load_modify(x, &x->insn->dst, &a);
	if (error == 0 && x->insn->src.kind != X86_KIND_NONE)
		error = x86_exec_load(x, &x->insn->src, &b);
	if (error != 0)
		return error;
	r = x86_alu(x->insn->op, a, b, x->insn->dst.size, &after);
	error = x86_exec_update(x, &x->insn->dst, a, r);
	if (error == 0)
		*x86_exec_flags(x) = after;
	return error;
}

/* CMP, TEST. */
static int
exec_compare(struct x86_exec *x)
{
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &x->insn->dst, &a);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, &b);
	if (error == 0)
		(void)x86_alu(x->insn->op, a, b, x->insn->dst.size,
		    x86_exec_flags(x));
	return error;
}

/* NOT: no flags. */
static int
exec_not(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load_modify(x, &x->insn->dst, &val);
	if (error == 0)
		error = x86_exec_update(x, &x->insn->dst, val, ~val);
	return error;
}

/* XLAT: AL, zero-extended, counts from rBX. */
static int
exec_xlat(struct x86_exec *x)
{
	struct x86_operand o = x->insn->src;
	uint64_t val;
	int error;

	o.mem.disp = (int64_t)x86_reg_get(x->cpu->state, NVMM_X64_GPR_RAX, 1,
	    0);
	error = x86_exec_load(x, &o, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, val);
	return error;
}

/*
 * CLFLUSH and CLWB: a device has no cache, but the address must be good for a
 * load; code that may only be executed will do.
 */
static int
exec_clflush(struct x86_exec *x)
{
	const struct x86_mem *mem = &x->insn->src.mem;
	const struct x86_bus *bus = x->bus;
	gvaddr_t lin;
	int error;

	error = x86_linear_any(x->cpu, mem->seg, x86_mem_offset(x->cpu->state,
	    mem, x->insn->addrsize, x->next), 1, &lin);
	if (error == 0 && bus->probe != NULL)
		error = bus->probe(bus->arg, lin, 1, NVMM_PROT_READ);
	return error;
}

/* Ports are nvmm_assist_io's. */
static int
exec_refused(struct x86_exec *x)
{

	(void)x;
	return ENOTSUP;
}

static int (*const exec_ops[X86_NOP])(struct x86_exec *) = {
	[X86_OP_UNKNOWN] = exec_refused,
	[X86_OP_UD] = exec_refused,
	[X86_OP_MOV] = exec_mov,
	[X86_OP_MOVSX] = exec_movsx,
	[X86_OP_MOVBE] = exec_movbe,
	[X86_OP_CMOV] = exec_cmov,
	[X86_OP_SET] = exec_set,
	[X86_OP_ADD] = exec_alu,
	[X86_OP_OR] = exec_alu,
	[X86_OP_ADC] = exec_alu,
	[X86_OP_SBB] = exec_alu,
	[X86_OP_AND] = exec_alu,
	[X86_OP_SUB] = exec_alu,
	[X86_OP_XOR] = exec_alu,
	[X86_OP_CMP] = exec_compare,
	[X86_OP_TEST] = exec_compare,
	[X86_OP_XCHG] = x86_exec_xchg,
	[X86_OP_XADD] = x86_exec_xadd,
	[X86_OP_CMPXCHG] = x86_exec_cmpxchg,
	[X86_OP_CMPXCHGB] = x86_exec_cmpxchgb,
	[X86_OP_INC] = exec_alu,
	[X86_OP_DEC] = exec_alu,
	[X86_OP_NOT] = exec_not,
	[X86_OP_NEG] = exec_alu,
	[X86_OP_ADCX] = exec_alu,
	[X86_OP_ADOX] = exec_alu,
	[X86_OP_ROL] = x86_exec_shift,
	[X86_OP_ROR] = x86_exec_shift,
	[X86_OP_RCL] = x86_exec_shift,
	[X86_OP_RCR] = x86_exec_shift,
	[X86_OP_SHL] = x86_exec_shift,
	[X86_OP_SHR] = x86_exec_shift,
	[X86_OP_SAR] = x86_exec_shift,
	[X86_OP_SHLD] = x86_exec_shift_double,
	[X86_OP_SHRD] = x86_exec_shift_double,
	[X86_OP_MUL] = x86_exec_mul,
	[X86_OP_IMULA] = x86_exec_mul,
	[X86_OP_DIV] = x86_exec_div,
	[X86_OP_IDIV] = x86_exec_div,
	[X86_OP_IMUL] = x86_exec_imul,
	[X86_OP_BT] = x86_exec_bit,
	[X86_OP_BTS] = x86_exec_bit,
	[X86_OP_BTR] = x86_exec_bit,
	[X86_OP_BTC] = x86_exec_bit,
	[X86_OP_BSF] = x86_exec_scan,
	[X86_OP_BSR] = x86_exec_scan,
	[X86_OP_TZCNT] = x86_exec_count,
	[X86_OP_LZCNT] = x86_exec_count,
	[X86_OP_POPCNT] = x86_exec_count,
	[X86_OP_CRC32] = x86_exec_crc32,
	[X86_OP_ANDN] = x86_exec_bmi,
	[X86_OP_BLSR] = x86_exec_bmi,
	[X86_OP_BLSMSK] = x86_exec_bmi,
	[X86_OP_BLSI] = x86_exec_bmi,
	[X86_OP_BZHI] = x86_exec_bmi,
	[X86_OP_BEXTR] = x86_exec_bmi,
	[X86_OP_PDEP] = x86_exec_bmi_shift,
	[X86_OP_PEXT] = x86_exec_bmi_shift,
	[X86_OP_MULX] = x86_exec_mulx,
	[X86_OP_RORX] = x86_exec_bmi_shift,
	[X86_OP_SHLX] = x86_exec_bmi_shift,
	[X86_OP_SHRX] = x86_exec_bmi_shift,
	[X86_OP_SARX] = x86_exec_bmi_shift,
	[X86_OP_PUSH] = x86_exec_push,
	[X86_OP_POP] = x86_exec_pop,
	[X86_OP_PUSHF] = x86_exec_pushf,
	[X86_OP_LEAVE] = x86_exec_leave,
	[X86_OP_CALL] = x86_exec_call,
	[X86_OP_JMP] = x86_exec_jmp,
	[X86_OP_RET] = x86_exec_ret,
	[X86_OP_XLAT] = exec_xlat,
	[X86_OP_CLFLUSH] = exec_clflush,
	[X86_OP_MOVS] = x86_exec_string,
	[X86_OP_CMPS] = x86_exec_string,
	[X86_OP_STOS] = x86_exec_string,
	[X86_OP_LODS] = x86_exec_string,
	[X86_OP_SCAS] = x86_exec_string,
	[X86_OP_INS] = exec_refused,
	[X86_OP_OUTS] = exec_refused,
	[X86_OP_MOVV] = x86_exec_vector,
	[X86_OP_MOVH] = x86_exec_half,
	[X86_OP_MOVDDUP] = x86_exec_spread,
	[X86_OP_MOVSLDUP] = x86_exec_spread,
	[X86_OP_MOVSHDUP] = x86_exec_spread,
	[X86_OP_BROADCAST] = x86_exec_spread,
	[X86_OP_INSERT] = x86_exec_insert,
	[X86_OP_EXTRACT] = x86_exec_extract,
	[X86_OP_MASKMOV] = x86_exec_maskmov,
	[X86_OP_LDMXCSR] = x86_exec_ldmxcsr,
	[X86_OP_STMXCSR] = x86_exec_stmxcsr,
};

/* A REP goes on; what came in between does not meet a breakpoint on it again. */
static void
exec_pause(struct x86_exec *x)
{

	*x86_exec_flags(x) |= X86_FL_RF;
}

int
x86_execute(struct x86_cpu *cpu, const struct x86_insn *insn,
    const struct x86_bus *bus)
{
	const uint64_t *gprs = cpu->state->gprs;
	struct x86_exec x = {
		.cpu = cpu, .insn = insn, .bus = bus,
		.next = gprs[NVMM_X64_GPR_RIP] + insn->len,
		.trap = (gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_TF) != 0,
	};
	int error = 0;

	if (insn->unit != X86_UNIT_NONE)
		error = x86_exec_unit(&x);
	if (error == 0)
		error = exec_ops[insn->op](&x);
	if (error != 0)
		return error;
	if (x.paused)
		exec_pause(&x);
	else
		x86_advance(cpu->state, x.next);
	cpu->trap = x.trap;
	return 0;
}
