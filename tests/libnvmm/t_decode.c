/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The decoder against d_decode.txt, and against bytes cut short and at random.
 */

#include <atf-c.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_cases.h"
#include "x86.h"

static const char *const names[X86_NOP] = {
	[X86_OP_UNKNOWN] = "?", [X86_OP_UD] = "ud", [X86_OP_MOV] = "mov",
	[X86_OP_MOVSX] = "movsx", [X86_OP_MOVBE] = "movbe",
	[X86_OP_CMOV] = "cmov", [X86_OP_SET] = "set", [X86_OP_ADD] = "add",
	[X86_OP_OR] = "or", [X86_OP_ADC] = "adc", [X86_OP_SBB] = "sbb",
	[X86_OP_AND] = "and", [X86_OP_SUB] = "sub", [X86_OP_XOR] = "xor",
	[X86_OP_CMP] = "cmp", [X86_OP_TEST] = "test", [X86_OP_XCHG] = "xchg",
	[X86_OP_XADD] = "xadd", [X86_OP_CMPXCHG] = "cmpxchg",
	[X86_OP_CMPXCHGB] = "cmpxchgb", [X86_OP_INC] = "inc",
	[X86_OP_DEC] = "dec", [X86_OP_NOT] = "not", [X86_OP_NEG] = "neg",
	[X86_OP_ADCX] = "adcx", [X86_OP_ADOX] = "adox", [X86_OP_ROL] = "rol",
	[X86_OP_ROR] = "ror", [X86_OP_RCL] = "rcl", [X86_OP_RCR] = "rcr",
	[X86_OP_SHL] = "shl", [X86_OP_SHR] = "shr", [X86_OP_SAR] = "sar",
	[X86_OP_SHLD] = "shld", [X86_OP_SHRD] = "shrd", [X86_OP_MUL] = "mul",
	[X86_OP_IMULA] = "imula", [X86_OP_DIV] = "div",
	[X86_OP_IDIV] = "idiv", [X86_OP_IMUL] = "imul", [X86_OP_BT] = "bt",
	[X86_OP_BTS] = "bts", [X86_OP_BTR] = "btr", [X86_OP_BTC] = "btc",
	[X86_OP_BSF] = "bsf", [X86_OP_BSR] = "bsr", [X86_OP_TZCNT] = "tzcnt",
	[X86_OP_LZCNT] = "lzcnt", [X86_OP_POPCNT] = "popcnt",
	[X86_OP_CRC32] = "crc32", [X86_OP_ANDN] = "andn",
	[X86_OP_BLSR] = "blsr", [X86_OP_BLSMSK] = "blsmsk",
	[X86_OP_BLSI] = "blsi", [X86_OP_BZHI] = "bzhi",
	[X86_OP_BEXTR] = "bextr", [X86_OP_PDEP] = "pdep",
	[X86_OP_PEXT] = "pext", [X86_OP_MULX] = "mulx",
	[X86_OP_RORX] = "rorx", [X86_OP_SHLX] = "shlx",
	[X86_OP_SHRX] = "shrx", [X86_OP_SARX] = "sarx",
	[X86_OP_PUSH] = "push", [X86_OP_POP] = "pop",
	[X86_OP_PUSHF] = "pushf", [X86_OP_LEAVE] = "leave",
	[X86_OP_CALL] = "call", [X86_OP_JMP] = "jmp", [X86_OP_RET] = "ret",
	[X86_OP_XLAT] = "xlat", [X86_OP_CLFLUSH] = "clflush",
	[X86_OP_MOVS] = "movs", [X86_OP_CMPS] = "cmps",
	[X86_OP_STOS] = "stos", [X86_OP_LODS] = "lods",
	[X86_OP_SCAS] = "scas", [X86_OP_INS] = "ins", [X86_OP_OUTS] = "outs",
	[X86_OP_MOVV] = "movv", [X86_OP_MOVH] = "movh",
	[X86_OP_MOVDDUP] = "movddup", [X86_OP_MOVSLDUP] = "movsldup",
	[X86_OP_MOVSHDUP] = "movshdup", [X86_OP_BROADCAST] = "broadcast",
	[X86_OP_MASKMOV] = "maskmov",
	[X86_OP_INSERT] = "insert", [X86_OP_EXTRACT] = "extract", [X86_OP_LDMXCSR] = "ldmxcsr",
	[X86_OP_STMXCSR] = "stmxcsr",
};

static const char *const regs[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp",
    "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rip" };

static const char *const segs[] = { "es", "cs", "ss", "ds", "fs", "gs" };

static char text[256];
static size_t used;

/* Append to the text. */
static void __attribute__((format(printf, 1, 2)))
add(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	used += (size_t)vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	ATF_REQUIRE(used < sizeof(text));
}

static void
add_mem(const struct x86_operand *o)
{
	const struct x86_mem *m = &o->mem;
	const char *plus = "";

	add("%x@%s[", o->size, segs[m->seg]);
	if (m->base != X86_NOREG) {
		add("%s", regs[m->base]);
		plus = "+";
	}
	if (m->index != X86_NOREG) {
		add("%s%s*%u", plus, regs[m->index], m->scale);
		plus = "+";
	}
	if (m->disp < 0)
		add("-%" PRIx64, -(uint64_t)m->disp);
	else if (m->disp != 0 || *plus == '\0')
		add("%s%" PRIx64, plus, m->disp);
	add("]");
}

static void
add_operand(const struct x86_operand *o)
{

	switch (o->kind) {
	case X86_KIND_NONE:
		add(" -");
		break;
	case X86_KIND_REG:
		if (o->shift == 8)
			add(" r%uh", o->reg);
		else
			add(" r%u.%u", o->reg, o->size);
		break;
	case X86_KIND_XMM:
		add(" %c%u%s", o->size == 32 ? 'y' : 'x', o->reg,
		    o->shift == 64 ? "h" : "");
		break;
	case X86_KIND_MMX:
		add(" m%u", o->reg);
		break;
	case X86_KIND_SEG:
		add(" %s", segs[o->reg]);
		break;
	case X86_KIND_IMM:
		add(" #%" PRIx64, o->imm);
		break;
	case X86_KIND_MEM:
		add(" ");
		add_mem(o);
		break;
	}
}

/* The instruction as the case file writes it. */
static void
format(const struct x86_insn *insn, int error)
{
	static const char *const units[] = { [X86_UNIT_VEX] = "vex ",
	    [X86_UNIT_AVX] = "avx " };
	const char *unit = "";

	if (insn->unit == X86_UNIT_VEX || insn->unit == X86_UNIT_AVX)
		unit = units[insn->unit];
	used = 0;
	if (error == 0) {
		add("%u %s%s%s%s%s", insn->len, insn->lock ? "lock " : "",
		    insn->rep == 0xF3 ? "rep " :
		    insn->rep == 0xF2 ? "repne " : "",
		    unit, insn->aligned ? "aligned " : "",
		    names[insn->op]);
		add_operand(&insn->dst);
		add_operand(&insn->src);
		if (insn->third.kind != X86_KIND_NONE)
			add_operand(&insn->third);
		if (insn->op == X86_OP_INSERT || insn->op == X86_OP_EXTRACT)
			add(" %u", insn->sel);
	} else
		add("%s", error == ENOTSUP ? "unknown" :
		    error == EINVAL ? "invalid" :
		    error == E2BIG ? "long" :
		    error == EMSGSIZE ? "short" : "?");
}

static void
check_case(char *line, unsigned number)
{
	char hex[64];
	uint8_t bytes[32], tight[32];
	struct x86_insn insn;
	unsigned bits;
	int at = 0;
	size_t len, i;

	ATF_REQUIRE_EQ_MSG(sscanf(line, "%u %63s %n", &bits, hex, &at), 2,
	    "line %u", number);
	len = h_hex(hex, bytes, sizeof(bytes));
	format(&insn, x86_decode(&insn, bits, bytes, len));
	ATF_CHECK_STREQ_MSG(text, line + at, "line %u", number);
	/* Every shorter cut is short, or wrong already. */
	for (i = 0; i < len && i < insn.len; i++) {
		memcpy(tight, bytes, i);
		ATF_CHECK_MSG(x86_decode(&insn, bits, tight, i) != 0,
		    "line %u cut to %zu", number, i);
	}
}

ATF_TC_WITHOUT_HEAD(cases);
ATF_TC_BODY(cases, tc)
{

	h_cases(atf_tc_get_config_var(tc, "srcdir"), "d_decode.txt", 360,
	    check_case);
}

/* What any result must fulfil. */
static void
check_sane(const struct x86_insn *insn, size_t len)
{

	ATF_REQUIRE(insn->len >= 1 && insn->len <= len);
	ATF_REQUIRE(insn->op > X86_OP_UD && insn->op < X86_NOP);
	ATF_REQUIRE(insn->dst.size >= 1 && insn->dst.size <= 32);
	ATF_REQUIRE(insn->src.size >= 1 && insn->src.size <= 32);
	ATF_REQUIRE(insn->dst.reg < 16 && insn->src.reg < 16);
	ATF_REQUIRE(insn->dst.kind != X86_KIND_MEM || insn->dst.mem.seg < 6);
	ATF_REQUIRE(insn->src.kind != X86_KIND_MEM || insn->src.mem.seg < 6);
}

ATF_TC_WITHOUT_HEAD(random_bytes);
ATF_TC_BODY(random_bytes, tc)
{
	static const unsigned modes[] = { 16, 32, 64 };
	uint8_t *bytes;
	struct x86_insn insn;
	unsigned decoded = 0;
	size_t len, i;
	int n;

	srandom(1);
	for (n = 0; n < 300000; n++) {
		/* Of exact size, for the sanitizers to see an overrun. */
		len = 1 + (size_t)random() % X86_INSN_MAX;
		bytes = malloc(len);
		for (i = 0; i < len; i++)
			bytes[i] = (uint8_t)random();
		if (x86_decode(&insn, modes[n % 3], bytes, len) == 0) {
			check_sane(&insn, len);
			decoded++;
		}
		free(bytes);
	}
	ATF_CHECK_MSG(decoded > 30000, "%u decoded", decoded);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cases);
	ATF_TP_ADD_TC(tp, random_bytes);
	return atf_no_error();
}
