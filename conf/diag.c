#include "conf/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

#define TEXT_BYTES 1024

void diags_fini(struct diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->items[i].text);
	for (size_t i = 0; i < d->file_count; i++)
		free(d->files[i]);
	free(d->items);
	free(d->files);
	*d = DIAGS_INIT;
}

const char *diags_add_file(struct diags *d, const char *file)
{
	char **files, *copy;

	for (size_t i = 0; i < d->file_count; i++)
		if (strcmp(d->files[i], file) == 0)
			return d->files[i];
	files = reallocarray(d->files, d->file_count + 1, sizeof(*files));
	if (files)
		d->files = files;
	copy = files ? strdup(file) : NULL;
	if (copy)
		d->files[d->file_count++] = copy;
	else
		d->out_of_memory = true;
	return copy;
}

/* What a configuration says must not be able to drive the terminal that shows the message. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static void append(struct diags *d, struct diag diag, const char *file, const char *text)
{
	struct diag *items = reallocarray(d->items, d->count + 1, sizeof(*items));

	if (items)
		d->items = items;
	diag.file = diags_add_file(d, file);
	diag.text = strdup(text);
	diag.order = d->count;
	if (!items || !diag.file || !diag.text) {
		free(diag.text);
		d->out_of_memory = true;
		return;
	}
	make_printable(diag.text);
	d->items[d->count++] = diag;
}

static void add(struct diags *d, struct diag diag, const char *file, const char *format,
		va_list args)
{
	size_t *count = diag.severity == DIAG_ERROR ? &d->error_count : &d->note_count;
	char text[TEXT_BYTES];

	if ((*count)++ >= DIAG_MAX)
		return;
	vsnprintf(text, sizeof(text), format, args);
	append(d, diag, file, text);
}

void diag_error(struct diags *d, const char *file, int line, int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(d, (struct diag){.severity = DIAG_ERROR, .line = line, .column = column}, file, format,
	    args);
	va_end(args);
}

void diag_note(struct diags *d, const char *file, int line, int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(d, (struct diag){.severity = DIAG_NOTE, .line = line, .column = column}, file, format,
	    args);
	va_end(args);
}

bool diags_failed(const struct diags *d)
{
	return d->error_count > 0 || d->out_of_memory;
}

/* Each name is there once, so that a comparison of pointers will do. */
static size_t file_rank(const struct diags *d, const char *file)
{
	size_t i = 0;

	while (i < d->file_count && d->files[i] != file)
		i++;
	return i;
}

static int compare(const void *left, const void *right, void *list)
{
	const struct diag *a = left, *b = right;
	size_t rank_a = file_rank(list, a->file), rank_b = file_rank(list, b->file);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

void diags_sort(struct diags *d)
{
	char text[64];

	if (d->count > 1)
		qsort_r(d->items, d->count, sizeof(*d->items), compare, d);
	if (d->error_count <= DIAG_MAX)
		return;
	snprintf(text, sizeof(text), "... %zu more errors", d->error_count - DIAG_MAX);
	append(d, (struct diag){.severity = DIAG_ERROR}, d->files[0], text);
}

void diag_format(const struct diag *diag, char *out, size_t out_bytes)
{
	const char *mark = diag->severity == DIAG_NOTE ? "note: " : "";

	if (diag->line > 0)
		snprintf(out, out_bytes, "%s:%d:%d: %s%s", diag->file, diag->line, diag->column,
			 mark, diag->text);
	else
		snprintf(out, out_bytes, "%s: %s%s", diag->file, mark, diag->text);
	utf8_repair(out);
}
