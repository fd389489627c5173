/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How results are shown: one operation per kind of result, one set of them
 * per format.  A new format is a new file with one const struct output.
 */

#ifndef _OUTPUT_H_
#define _OUTPUT_H_

#include <stdbool.h>
#include <stdint.h>

struct json_t;
struct reply;

struct output {
	void (*created)(const struct reply *);
	void (*changed)(const struct reply *);		/* start, stop */
	void (*destroyed)(const struct reply *);
	void (*list)(const struct reply *, const char *columns);
	void (*show)(const struct reply *);
	void (*regs)(const struct reply *);
	void (*event)(const struct reply *);
	void (*stats)(const struct reply *);
	void (*ended)(const struct reply *);		/* wait */
	void (*run)(const struct reply *);		/* the end of a run */
	void (*identify)(const struct reply *);
	void (*info)(const struct reply *);
	void (*describe)(const struct reply *);
	bool console_apart;	/* run's console goes to standard error */
};

/* output_text.c, for people; its parts in text_*.c */
extern const struct output output_text;
bool	text_columns(const char *);		/* are they known? says so */
void	text_list(const struct reply *, const char *);
void	text_regs(const struct reply *);
void	text_stats(const struct reply *);
void	text_driver(const struct reply *);
void	text_identify(const struct reply *);
void	text_info(const struct reply *);
void	text_describe(const struct reply *);

/* output_json.c: the result as the daemon wrote it, on a line */
extern const struct output output_json;
void	json_result(const struct reply *);

/*
 * output_metrics.c: statistics of all machines at once, for Prometheus
 * (OpenMetrics 1.0)
 */
void	metrics_print(struct reply **, size_t);

/*
 * text_format.c: values as text.  The string functions return their buffer,
 * which is the first argument.
 * => member_* read a member of a JSON object, with a default
 */
#define FORMAT_MAX	64
char	*format_bytes(char *, int64_t);
char	*format_time(char *, int64_t);
char	*format_ns(char *, int64_t);
char	*format_count(char *, int64_t);
int64_t	member_integer(const struct json_t *, const char *, int64_t);
double	member_real(const struct json_t *, const char *);
const char *member_string(const struct json_t *, const char *, const char *);

/*
 * text_table.c: rows gathered, then printed in columns as wide as needed.
 * => a column whose heading starts with '>' is set to the right
 * => table_cell copies its text; the cells of a row follow one another
 * => lack of memory leaves cells out
 */
struct table;
struct table *table_new(const char *const *, int);
void	table_cell(struct table *, const char *);
void	table_print(struct table *);		/* and free */

/* text_table.c: "label     value" lines */
void	field_print(const char *, const char *);

#endif /* !_OUTPUT_H_ */
