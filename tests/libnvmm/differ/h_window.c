/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The window: one piece of shared memory mapped three times, low and high with
 * the protections that instructions meet, and writable for the test itself.
 * Which addresses outside of it are sure to fault is read from the kernel.
 */

#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "h_rnd.h"
#include "h_window.h"

#define NDIRTY		64
#define NMAPS		1024
#define STACK_GROWS	(64ULL << 20)	/* a touch below may grow the stack */
#define USER_TOP	0x7FFFFFFFF000ULL

struct range {
	uint64_t start, end;
};

static const nvmm_prot_t prots[WINDOW_PAGES] = {
	[1] = NVMM_PROT_READ | NVMM_PROT_WRITE,
	[2] = NVMM_PROT_READ | NVMM_PROT_WRITE,
	[3] = NVMM_PROT_READ | NVMM_PROT_WRITE,
	[4] = NVMM_PROT_READ,
	[5] = NVMM_PROT_READ | NVMM_PROT_WRITE,
	[7] = NVMM_PROT_READ | NVMM_PROT_WRITE,
};

static uint8_t pattern[WINDOW_SIZE], copy[WINDOW_SIZE];
static uint8_t *window, *code;
static struct range dirty[NDIRTY], maps[NMAPS];
static size_t ndirty, nmaps;

nvmm_prot_t
window_prot(unsigned page)
{

	return prots[page];
}

/* Map part of the memory at an address of our choice. */
static bool
map_at(int fd, uint64_t addr, size_t size, off_t offset, int prot)
{
	void *want = (void *)(uintptr_t)addr;

	return mmap(want, size, prot, MAP_SHARED | MAP_FIXED_NOREPLACE |
	    MAP_POPULATE, fd, offset) == want;
}

/* The window at addr, each page as protected as instructions meet it. */
static bool
map_window(int fd, uint64_t addr)
{
	unsigned i;
	int prot;

	if (!map_at(fd, addr, WINDOW_SIZE, 0, PROT_READ | PROT_WRITE))
		return false;
	for (i = 0; i < WINDOW_PAGES; i++) {
		prot = (prots[i] & NVMM_PROT_READ ? PROT_READ : 0) |
		    (prots[i] & NVMM_PROT_WRITE ? PROT_WRITE : 0);
		if (mprotect((void *)(uintptr_t)(addr + i * 4096), 4096,
		    prot) == -1)
			return false;
	}
	return true;
}

/* Note what is mapped; there it is not sure that an access faults. */
static bool
read_maps(void)
{
	unsigned long start, end;
	char line[512];
	FILE *fp;

	fp = fopen("/proc/self/maps", "r");
	if (fp == NULL)
		return false;
	while (fgets(line, sizeof(line), fp) != NULL && nmaps < NMAPS) {
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (strstr(line, "[stack]") != NULL)
			start -= STACK_GROWS;
		if (strstr(line, "[heap]") != NULL)
			end += STACK_GROWS;
		maps[nmaps++] = (struct range){ start, end };
	}
	fclose(fp);
	return nmaps < NMAPS;
}

/* Mostly one byte, so that string compares find equal ones. */
static void
make_pattern(uint64_t seed)
{
	unsigned i;

	rnd_begin(seed, UINT64_MAX);
	for (i = 0; i < WINDOW_SIZE; i++)
		pattern[i] = rnd_percent(80) ? 0x41 : (uint8_t)rnd();
}

bool
window_init(uint64_t seed)
{
	int fd = memfd_create("window", 0);

	if (fd == -1 || ftruncate(fd, WINDOW_SIZE + CODE_SIZE) == -1)
		return false;
	window = mmap(NULL, WINDOW_SIZE + CODE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (window == MAP_FAILED || !map_window(fd, WINDOW_LOW) ||
	    !map_window(fd, WINDOW_HIGH) || !map_at(fd, CODE_BASE, CODE_SIZE,
	    WINDOW_SIZE, PROT_READ | PROT_EXEC))
		return false;
	close(fd);
	code = window + WINDOW_SIZE;
	memset(code, 0xCC, CODE_SIZE);
	make_pattern(seed);
	window_reset(true);
	return read_maps();
}

/* Remember that [offset, offset + size) is no longer the pattern. */
static void
soil(unsigned offset, size_t size)
{

	if (ndirty < NDIRTY)
		dirty[ndirty] = (struct range){ offset, offset + size };
	ndirty++;
}

void
window_patch(unsigned offset, const void *buf, size_t size)
{

	if (offset >= WINDOW_SIZE)
		return;
	if (size > WINDOW_SIZE - offset)
		size = WINDOW_SIZE - offset;
	memcpy(window + offset, buf, size);
	memcpy(copy + offset, buf, size);
	soil(offset, size);
}

void
window_peek(unsigned offset, void *buf, size_t size)
{

	memset(buf, 0, size);
	if (offset >= WINDOW_SIZE)
		return;
	if (size > WINDOW_SIZE - offset)
		size = WINDOW_SIZE - offset;
	memcpy(buf, window + offset, size);
}

void
window_code(unsigned offset, const void *buf, size_t size)
{

	memcpy(code + offset, buf, size);
}

void
window_reset(bool all)
{
	size_t i;

	if (all || ndirty > NDIRTY) {
		memcpy(window, pattern, WINDOW_SIZE);
		memcpy(copy, pattern, WINDOW_SIZE);
	} else {
		for (i = 0; i < ndirty; i++) {
			memcpy(window + dirty[i].start,
			    pattern + dirty[i].start,
			    dirty[i].end - dirty[i].start);
			memcpy(copy + dirty[i].start,
			    pattern + dirty[i].start,
			    dirty[i].end - dirty[i].start);
		}
	}
	ndirty = 0;
}

unsigned
window_differs(void)
{
	unsigned i;

	if (memcmp(window, copy, WINDOW_SIZE) == 0)
		return WINDOW_SIZE;
	for (i = 0; window[i] == copy[i]; i++)
		continue;
	return i;
}

uint8_t
window_native(unsigned offset)
{

	return window[offset];
}

uint8_t
window_ours(unsigned offset)
{

	return copy[offset];
}

/* True if nothing of the process is at the address. */
static bool
is_hole(uint64_t addr)
{
	size_t i;

	for (i = 0; i < nmaps; i++) {
		if (addr >= maps[i].start && addr < maps[i].end)
			return false;
	}
	return true;
}

/* The window's offset for an address, or WINDOW_SIZE. */
static unsigned
offset_of(uint64_t addr)
{

	if (addr - WINDOW_LOW < WINDOW_SIZE)
		return (unsigned)(addr - WINDOW_LOW);
	if (addr - WINDOW_HIGH < WINDOW_SIZE)
		return (unsigned)(addr - WINDOW_HIGH);
	return WINDOW_SIZE;
}

/*
 * A page fault at addr, as the processor has it from user mode. Linux shows
 * the half of the address space that is its own as if it were mapped.
 */
static int
page_fault(struct window_bus *bus, uint64_t addr, bool write, bool present)
{
	int error;

	if (addr > USER_TOP)
		present = true;
	error = x86_raise(bus->cpu, X86_EXC_PF, X86_PF_U |
	    (write ? X86_PF_W : 0) | (present ? X86_PF_P : 0));
	bus->cpu->fault.cr2 = addr;
	return error;
}

/* May size bytes within one page be accessed? 0, EFAULT or ENXIO. */
static int
check_page(struct window_bus *bus, uint64_t addr, bool write)
{
	unsigned offset = offset_of(addr);
	nvmm_prot_t prot;

	if (offset == WINDOW_SIZE) {
		if (is_hole(addr))
			return page_fault(bus, addr, write, false);
		bus->stray = true;
		return ENXIO;
	}
	prot = prots[offset / 4096];
	if ((prot & NVMM_PROT_READ) == 0)
		return page_fault(bus, addr, write, false);
	if (write && (prot & NVMM_PROT_WRITE) == 0)
		return page_fault(bus, addr, true, true);
	return 0;
}

/* The pages of an access in their order. */
static int
check_access(struct window_bus *bus, uint64_t addr, size_t size, bool write)
{
	uint64_t last = addr + size - 1;
	int error;

	error = check_page(bus, addr, write);
	if (error == 0 && (addr ^ last) >> 12 != 0)
		error = check_page(bus, last & ~0xFFFULL, write);
	return error;
}

static int
bus_load(void *arg, gvaddr_t addr, void *buf, size_t size, nvmm_prot_t prot)
{
	int error;

	error = check_access(arg, addr, size, (prot & NVMM_PROT_WRITE) != 0);
	if (error == 0)
		memcpy(buf, copy + offset_of(addr), size);
	return error;
}

static int
bus_store(void *arg, gvaddr_t addr, const void *buf, size_t size)
{
	unsigned offset = offset_of(addr);
	int error;

	error = check_access(arg, addr, size, true);
	if (error != 0)
		return error;
	memcpy(copy + offset, buf, size);
	soil(offset, size);
	return 0;
}

/* Nobody else is there to come in between; half of the time it seems so. */
static int
bus_swap(void *arg, gvaddr_t addr, const void *old, const void *buf,
    size_t size)
{
	const struct window_bus *bus = arg;

	if (bus->pauses && rnd_percent(50))
		return EAGAIN;
	if (offset_of(addr) < WINDOW_SIZE &&
	    memcmp(copy + offset_of(addr), old, size) != 0)
		return EBADMSG;		/* the executor is wrong */
	return bus_store(arg, addr, buf, size);
}

static int
bus_probe(void *arg, gvaddr_t addr, size_t size, nvmm_prot_t prot)
{

	return check_access(arg, addr, size, (prot & NVMM_PROT_WRITE) != 0);
}

static bool
bus_pause(void *arg)
{
	struct window_bus *bus = arg;

	return bus->pauses && rnd_percent(40);
}

struct x86_bus
window_bus(struct window_bus *bus)
{
	static const struct x86_bus template = {
		.load = bus_load, .store = bus_store, .probe = bus_probe,
		.pause = bus_pause,
	};
	struct x86_bus b = template;

	b.arg = bus;
	if (bus->swaps)
		b.swap = bus_swap;
	return b;
}
