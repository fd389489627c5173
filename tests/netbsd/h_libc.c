/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Strings, memory and printf, plainly. Memory is given back with the process.
 */

#include <sys/param.h>
#include <sys/mman.h>

#include "h_libc.h"

#define HEADER		16
#define CHUNK		(1024 * 1024)

/* What a conversion's flags say. */
struct format {
	bool alt, left, zero, sign;
	unsigned width;
	int precision;			/* -1: none */
};

/* Where characters go. */
struct sink {
	char *buf;
	size_t size, n;
};

void *
memchr(const void *p, int c, size_t n)
{
	const uint8_t *s;

	for (s = p; n != 0; s++, n--) {
		if (*s == (uint8_t)c)
			return __UNCONST(s);
	}
	return NULL;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n != 0; x++, y++, n--) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *
memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	__asm volatile("rep movsb" : "+D" (p), "+S" (from), "+c" (n) : :
	    "memory");
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + n)
		return memcpy(to, from, n);
	while (n-- != 0)
		d[n] = s[n];
	return to;
}

void *
memset(void *to, int c, size_t n)
{
	void *p = to;

	__asm volatile("rep stosb" : "+D" (p), "+c" (n) : "a" (c) : "memory");
	return to;
}

int
strcmp(const char *a, const char *b)
{

	while (*a != '\0' && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

size_t
strlen(const char *s)
{
	size_t n;

	for (n = 0; s[n] != '\0'; n++)
		continue;
	return n;
}

char *
strerror(int error)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "error %d", error);
	return text;
}

/* => Decimal digits only. */
unsigned long
strtoul(const char *s, char **end, int base)
{
	unsigned long v;

	(void)base;
	for (v = 0; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (unsigned long)(*s - '0');
	if (end != NULL)
		*end = __UNCONST(s);
	return v;
}

static uint64_t random_state = 1;

void
srandom(unsigned seed)
{

	random_state = seed;
}

long
random(void)
{

	random_state = random_state * 6364136223846793005 +
	    1442695040888963407;
	return (long)(random_state >> 33);
}

/* => Zeroed: pages are never used twice. */
void *
malloc(size_t size)
{
	static uint8_t *chunk;
	static size_t left;
	size_t total = roundup2(size + HEADER, HEADER);
	uint8_t *p;

	if (total > left) {
		left = MAX(roundup2(total, 4096), CHUNK);
		p = mmap(NULL, left, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANON, -1, 0);
		if (p == MAP_FAILED) {
			left = 0;
			return NULL;
		}
		chunk = p;
	}
	p = chunk;
	chunk += total;
	left -= total;
	*(size_t *)(void *)p = size;
	return p + HEADER;
}

void *
calloc(size_t n, size_t size)
{

	return malloc(n * size);
}

void *
realloc(void *old, size_t size)
{
	void *p;

	p = malloc(size);
	if (p != NULL && old != NULL)
		memcpy(p, old, MIN(size,
		    *(size_t *)(void *)((uint8_t *)old - HEADER)));
	return p;
}

void
free(void *p)
{

	(void)p;
}

static void
put(struct sink *s, char c)
{

	if (s->n + 1 < s->size)
		s->buf[s->n] = c;
	s->n++;
}

/* Text in its field. */
static void
put_field(struct sink *s, const struct format *f, const char *text, size_t n)
{
	size_t i;

	for (i = n; !f->left && i < f->width; i++)
		put(s, f->zero ? '0' : ' ');
	for (i = 0; i < n; i++)
		put(s, text[i]);
	for (i = n; f->left && i < f->width; i++)
		put(s, ' ');
}

static void
put_number(struct sink *s, const struct format *f, uint64_t v, unsigned base)
{
	char text[32], *p = text + sizeof(text);
	bool neg = f->sign && (int64_t)v < 0;
	int digits;

	if (neg)
		v = -v;
	for (digits = 0; v != 0 || digits < 1 || digits < f->precision;
	    digits++) {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	}
	if (f->alt && base == 16) {
		*--p = 'x';
		*--p = '0';
	}
	if (neg)
		*--p = '-';
	put_field(s, f, p, (size_t)(text + sizeof(text) - p));
}

static unsigned
scan_number(const char **fmt)
{
	unsigned n;

	for (n = 0; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n * 10 + (unsigned)(**fmt - '0');
	return n;
}

static void
scan_format(const char **fmt, struct format *f)
{

	memset(f, 0, sizeof(*f));
	for (;; (*fmt)++) {
		if (**fmt == '#')
			f->alt = true;
		else if (**fmt == '-')
			f->left = true;
		else if (**fmt == '0')
			f->zero = true;
		else
			break;
	}
	f->width = scan_number(fmt);
	f->precision = -1;
	if (**fmt == '.') {
		(*fmt)++;
		f->precision = (int)scan_number(fmt);
	}
}

/* One conversion; ll, l, z and j are all 64 bits wide. */
static void
convert(struct sink *s, const char **fmt, va_list *ap)
{
	struct format f;
	const char *text;
	uint64_t v;
	bool wide;
	size_t n;
	char c;

	scan_format(fmt, &f);
	wide = false;
	for (; **fmt == 'l' || **fmt == 'z' || **fmt == 'j' || **fmt == 'h';
	    (*fmt)++)
		wide = wide || **fmt != 'h';
	c = *(*fmt)++;
	switch (c) {
	case 's':
		text = va_arg(*ap, const char *);
		n = strlen(text);
		if (f.precision >= 0 && n > (size_t)f.precision)
			n = (size_t)f.precision;
		put_field(s, &f, text, n);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(s, &f, &c, 1);
		break;
	case 'd':
	case 'i':
		f.sign = true;
		v = wide ? va_arg(*ap, uint64_t) :
		    (uint64_t)(int64_t)va_arg(*ap, int);
		put_number(s, &f, v, 10);
		break;
	case 'u':
	case 'x':
	case 'p':
		wide = wide || c == 'p';
		v = wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
		put_number(s, &f, v, c == 'u' ? 10 : 16);
		break;
	default:
		put(s, c);
		break;
	}
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap0)
{
	struct sink s = { buf, size, 0 };
	va_list ap;

	va_copy(ap, ap0);
	while (*fmt != '\0') {
		if (*fmt != '%') {
			put(&s, *fmt++);
			continue;
		}
		fmt++;
		convert(&s, &fmt, &ap);
	}
	va_end(ap);
	if (size != 0)
		buf[MIN(s.n, size - 1)] = '\0';
	return (int)s.n;
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

/* => In one write, as others print too. */
int
vprintf(const char *fmt, va_list ap)
{
	char buf[512];
	int n;

	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	return (int)write(1, buf, MIN((size_t)n, sizeof(buf) - 1));
}

int
printf(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vprintf(fmt, ap);
	va_end(ap);
	return n;
}
