/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The platform's devices and their places on the buses: the two row tables,
 * and between each row and its device the few lines that find the device in
 * the guest, lock it, and hand on what it calls back with.
 */

#include <stddef.h>

#include "guest_abi.h"
#include "guest_impl.h"

/* Console bytes of this VCPU handed on, and room told of, without locks. */
void
guest_dev_flush(struct guest_vcpu *v)
{
	const struct guest_config *conf = &v->g->conf;
	size_t n = v->nout;

	if (n != 0) {
		v->nout = 0;
		if (conf->console != NULL)
			conf->console(conf->arg, v->out, n);
	}
	if (v->room) {
		v->room = false;
		if (conf->console_room != NULL)
			conf->console_room(conf->arg);
	}
}

/* The UART sent a byte: gathered until the access is over. */
static void
dev_uart_out(void *arg, uint8_t byte)
{
	struct guest *g = arg;
	struct guest_vcpu *v = g->uart_user;

	if (v != NULL && v->nout < sizeof(v->out))
		v->out[v->nout++] = byte;
}

/* The UART has room again: told when the access is over. */
static void
dev_uart_room(void *arg)
{
	struct guest *g = arg;

	if (g->uart_user != NULL)
		g->uart_user->room = true;
}

/* The UART's ports read, byte by byte as ISA splits wider accesses. */
static uint64_t
dev_uart_read(void *ctx, uint64_t off, unsigned size)
{
	struct guest_vcpu *v = ctx;
	struct guest *g = v->g;
	uint64_t val = 0;
	unsigned i;

	pthread_mutex_lock(&g->uart_lock);
	g->uart_user = v;
	for (i = 0; i < size; i++)
		val |= (uint64_t)uart_read(&g->uart, (unsigned)off + i) <<
		    (8 * i);
	g->uart_user = NULL;
	pthread_mutex_unlock(&g->uart_lock);
	return val;
}

/* The UART's ports written, likewise. */
static void
dev_uart_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct guest_vcpu *v = ctx;
	struct guest *g = v->g;
	unsigned i;

	pthread_mutex_lock(&g->uart_lock);
	g->uart_user = v;
	for (i = 0; i < size; i++)
		uart_write(&g->uart, (unsigned)off + i,
		    (uint8_t)(val >> (8 * i)));
	g->uart_user = NULL;
	pthread_mutex_unlock(&g->uart_lock);
	if (v->nout > sizeof(v->out) / 2)
		guest_dev_flush(v);
}

/* The exit port read. */
static uint64_t
dev_exit_read(void *ctx, uint64_t off, unsigned size)
{
	struct guest_vcpu *v = ctx;

	(void)size;
	return exitport_read(&v->exitport, (unsigned)off);
}

/* The exit port written. */
static void
dev_exit_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct guest_vcpu *v = ctx;

	(void)size;
	exitport_write(&v->exitport, (unsigned)off, (uint32_t)val);
}

/* The guest wrote its exit status. */
static void
dev_exited(void *arg, uint32_t status)
{
	struct guest_vcpu *v = arg;

	guest_end(v->g, v, GUEST_EXITED, status,
	    "VCPU %u wrote %u to the exit port", v->cpu, status);
}

/* The power port read. */
static uint64_t
dev_power_read(void *ctx, uint64_t off, unsigned size)
{
	struct guest_vcpu *v = ctx;
	struct guest *g = v->g;
	uint64_t val;

	(void)size;
	pthread_mutex_lock(&g->lock);
	val = powerport_read(&g->power, (unsigned)off);
	pthread_mutex_unlock(&g->lock);
	return val;
}

/* The power port written. */
static void
dev_power_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct guest_vcpu *v = ctx;
	struct guest *g = v->g;

	(void)size;
	pthread_mutex_lock(&g->lock);
	powerport_write(&g->power, (unsigned)off, (uint32_t)val);
	pthread_mutex_unlock(&g->lock);
}

/* The guest is to end: VCPU 0 hears of it, by mail also from itself. */
static void
dev_power_interrupt(void *arg, uint8_t vector)
{
	struct guest *g = arg;

	guest_mail_post(&g->vcpus[0], MAIL_INTR, vector);
}

/* The power button. */
bool
guest_power(struct guest *g)
{
	bool listens;

	pthread_mutex_lock(&g->lock);
	listens = powerport_ask(&g->power);
	pthread_mutex_unlock(&g->lock);
	return listens;
}

/* The VCPU's own local APIC read; ones while it is off. */
static uint64_t
dev_lapic_read(void *ctx, uint64_t off, unsigned size)
{
	struct guest_vcpu *v = ctx;

	(void)size;
	if (!v->lapic.enabled)
		return UINT64_MAX;
	return lapic_read(&v->lapic, (unsigned)off);
}

/* The VCPU's own local APIC written, in words only. */
static void
dev_lapic_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct guest_vcpu *v = ctx;

	if (v->lapic.enabled && size >= 4)
		lapic_write(&v->lapic, (unsigned)off, (uint32_t)val);
}

/* The port bus. */
static const struct guest_bus_row port_rows[] = {
	{ "uart", GUEST_COM1_PORT, GUEST_COM1_NPORTS,
	    dev_uart_read, dev_uart_write },
	{ "exitport", GUEST_EXIT_PORT, GUEST_EXIT_NPORTS,
	    dev_exit_read, dev_exit_write },
	{ "powerport", GUEST_POWER_PORT, GUEST_POWER_NPORTS,
	    dev_power_read, dev_power_write },
};
static const struct guest_bus port_bus = { port_rows, NITEMS(port_rows) };

/* The memory bus, where there is no RAM. */
static const struct guest_bus_row mem_rows[] = {
	{ "lapic", GUEST_LAPIC_BASE, GUEST_LAPIC_SIZE,
	    dev_lapic_read, dev_lapic_write },
};
static const struct guest_bus mem_bus = { mem_rows, NITEMS(mem_rows) };

/* The VCPU that libnvmm's record lies in. */
static struct guest_vcpu *
dev_vcpu(struct nvmm_vcpu *nv)
{
	return (struct guest_vcpu *)((char *)nv -
	    offsetof(struct guest_vcpu, nv));
}

/* One port access. */
static void
dev_io(struct nvmm_io *io)
{
	struct guest_vcpu *v = dev_vcpu(io->vcpu);

	if (io->in)
		guest_bus_read(&port_bus, v, io->port, io->data, io->size);
	else
		guest_bus_write(&port_bus, v, io->port, io->data, io->size);
}

/* One memory access. */
static void
dev_mem(struct nvmm_mem *mem)
{
	struct guest_vcpu *v = dev_vcpu(mem->vcpu);

	if (mem->write)
		guest_bus_write(&mem_bus, v, mem->gpa, mem->data, mem->size);
	else
		guest_bus_read(&mem_bus, v, mem->gpa, mem->data, mem->size);
}

const struct nvmm_assist_callbacks guest_dev_callbacks = {
	.io = dev_io,
	.mem = dev_mem,
};

/* The devices that the guest has one of. */
void
guest_dev_init(struct guest *g)
{
	static const struct uart_callbacks cb = {
		.out = dev_uart_out,
		.room = dev_uart_room,
	};

	uart_init(&g->uart, &cb, g);
	powerport_init(&g->power, dev_power_interrupt, g);
}

/* The devices that each VCPU has. */
void
guest_dev_init_vcpu(struct guest_vcpu *v)
{
	lapic_init(&v->lapic, (uint8_t)v->cpu, &guest_timer_lapic, v);
	exitport_init(&v->exitport, dev_exited, v);
}

/* Console input for the guest; what is taken is what fits. */
size_t
guest_console_input(struct guest *g, const void *buf, size_t len)
{
	size_t n;

	pthread_mutex_lock(&g->uart_lock);
	n = uart_input(&g->uart, buf, len);
	pthread_mutex_unlock(&g->uart_lock);
	return n;
}
