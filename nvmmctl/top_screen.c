/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * top's rows on a terminal, by curses(3), or as plain text. A line has 79
 * columns, so that it fits the smallest of terminals.
 */

#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvmmctl.h"
#include "output.h"
#include "top.h"

#define TOP_LINE	128
#define HEAD_LINES	3	/* above the rows */
#define FOOT_LINES	1	/* below them */

static const char top_heading[] = "NAME         STATE     %CPU EXITS/S   "
    " IO   MEM   HLT   MSR CPUID OTHER  MEMORY";

/* Formats a rate in five columns. */
static char *
format_rate(char *buf, double rate)
{
	if (rate < 9999.5)
		(void)snprintf(buf, FORMAT_MAX, "%.0f", rate);
	else if (rate < 999500)
		(void)snprintf(buf, FORMAT_MAX, "%.0fk", rate / 1e3);
	else
		(void)snprintf(buf, FORMAT_MAX, "%.1fM", rate / 1e6);
	return buf;
}

/* Formats a machine's line. */
static void
format_row(char *line, const struct top_row *row)
{
	char rate[TOP_NGROUPS][FORMAT_MAX], all[FORMAT_MAX], mem[FORMAT_MAX];
	int g;

	for (g = 0; g < TOP_NGROUPS; g++)
		format_rate(rate[g], row->rates[g]);
	(void)snprintf(line, TOP_LINE,
	    "%-12.12s %-8.8s %5.1f %7.7s %5.5s %5.5s %5.5s %5.5s %5.5s "
	    "%5.5s %7.7s",
	    row->name, row->state, row->cpu, format_rate(all, row->rate),
	    rate[TOP_IO], rate[TOP_MEMORY], rate[TOP_HALT], rate[TOP_MSR],
	    rate[TOP_CPUID], rate[TOP_OTHER],
	    format_bytes(mem, row->resident));
}

/* Formats what there is in all. */
static void
format_sum(char *line, const struct top *top)
{
	size_t i, running = 0;
	double cpu = 0, rate = 0;
	int64_t resident = 0;
	char exits[FORMAT_MAX], mem[FORMAT_MAX];

	for (i = 0; i < top->nrows; i++) {
		running += strcmp(top->rows[i].state, "running") == 0;
		cpu += top->rows[i].cpu;
		rate += top->rows[i].rate;
		resident += top->rows[i].resident;
	}
	(void)snprintf(line, TOP_LINE, "%zu machine%s, %zu running; "
	    "%.1f%% CPU, %s exits/s, %s resident", top->nrows,
	    top->nrows == 1 ? "" : "s", running, cpu,
	    format_rate(exits, rate), format_bytes(mem, resident));
}

void
top_plain(const struct top *top)
{
	char line[TOP_LINE];
	size_t i;

	printf("%s\n", top_heading);
	for (i = 0; i < top->nrows; i++) {
		format_row(line, &top->rows[i]);
		printf("%s\n", line);
	}
}

/* Draws all; first is the row at the top. */
static void
screen_draw(const struct top *top, size_t first)
{
	static const char *const orders[TOP_NORDERS] = {
		[TOP_BY_CPU] = "CPU", [TOP_BY_EXITS] = "exits",
		[TOP_BY_MEMORY] = "memory", [TOP_BY_NAME] = "name",
	};
	char line[TOP_LINE];
	int y;

	(void)erase();
	format_sum(line, top);
	(void)mvaddnstr(0, 0, line, COLS);
	(void)attron(A_REVERSE);
	(void)mvaddnstr(HEAD_LINES - 1, 0, top_heading, COLS);
	(void)attroff(A_REVERSE);
	for (y = HEAD_LINES; y < LINES - FOOT_LINES && first < top->nrows;
	    y++, first++) {
		format_row(line, &top->rows[first]);
		(void)mvaddnstr(y, 0, line, COLS);
	}
	(void)snprintf(line, sizeof(line), "by %s   sort: c CPU  e exits  "
	    "m memory  n name   up, down   q quit", orders[top->order]);
	(void)mvaddnstr(LINES - 1, 0, line, COLS);
	(void)refresh();
}

/* Acts on a key. Returns false if it is time to go. */
static bool
screen_key(struct top *top, int key, size_t *first)
{
	size_t room = LINES > HEAD_LINES + FOOT_LINES ?
	    (size_t)(LINES - HEAD_LINES - FOOT_LINES) : 1;

	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 'c':
		top->order = TOP_BY_CPU;
		break;
	case 'e':
		top->order = TOP_BY_EXITS;
		break;
	case 'm':
		top->order = TOP_BY_MEMORY;
		break;
	case 'n':
		top->order = TOP_BY_NAME;
		break;
	case KEY_DOWN:
	case 'j':
		*first += 1;
		break;
	case KEY_UP:
	case 'k':
		*first -= *first > 0;
		break;
	default:
		break;
	}
	if (*first + room > top->nrows)
		*first = top->nrows > room ? top->nrows - room : 0;
	return true;
}

/* Shows one look until the next is due. Returns false if it is time to go. */
static bool
screen_stay(struct top *top, unsigned int interval, size_t *first)
{
	double until = clock_seconds() + interval, left;
	int key = ERR;

	do {
		if (!screen_key(top, key, first))
			return false;
		top_sort(top);
		screen_draw(top, *first);
		left = until - clock_seconds();
		timeout(left > 0 ? (int)(left * 1000) : 0);
		key = getch();
	} while (left > 0);
	return true;
}

/* A signal that ends us has to give the terminal back. */
static void
screen_signal(int signo)
{
	(void)endwin();
	_Exit(CTL_SIGNAL + signo);
}

int
top_screen(struct top *top, unsigned int interval)
{
	size_t first = 0;
	int status;

	status = top_look(top);
	if (status != CTL_OK)
		return status;
	if (newterm(NULL, stdout, stdin) == NULL)
		return fail(CTL_FAILED, "this terminal is not known: TERM=%s",
		    getenv("TERM") != NULL ? getenv("TERM") : "");
	(void)signal(SIGINT, screen_signal);
	(void)signal(SIGTERM, screen_signal);
	(void)signal(SIGHUP, screen_signal);
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	while (screen_stay(top, interval, &first)) {
		status = top_look(top);
		if (status != CTL_OK)
			break;
	}
	(void)endwin();
	return status;
}
