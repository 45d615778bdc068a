#include "cli/view.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

#define GAP	       2  /* between two columns */
#define LAST_MIN_CHARS 12 /* what a long text in the last column is sure to get */

static bool starts_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static int count_characters(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += starts_character(*text);
	return count;
}

/* Ends `text` behind its first `count` characters. */
static void cut(char *text, int count)
{
	for (; *text; text++)
		if (starts_character(*text) && count-- == 0)
			*text = '\0';
}

void view_sanitize(char *text)
{
	unsigned char *c = (unsigned char *)text;

	for (; *c; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		if (c1)
			c[1] = '?';
		if (c1 || *c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

static void put_styled(const struct view *v, enum view_style style, const char *text)
{
	static const char *const codes[] = {
		[VIEW_PLAIN] = "",	  [VIEW_BOLD] = "\033[1m",  [VIEW_DIM] = "\033[2m",
		[VIEW_GOOD] = "\033[32m", [VIEW_WARN] = "\033[33m", [VIEW_BAD] = "\033[31m",
	};

	if (v->color && style != VIEW_PLAIN)
		fprintf(v->out, "%s%s\033[0m", codes[style], text);
	else
		fputs(text, v->out);
}

static void end_line(struct view *v)
{
	fputs(v->line_end ? v->line_end : "\n", v->out);
	v->lines++;
}

int view_room(const struct view *v)
{
	return v->height ? v->height - v->lines : INT_MAX;
}

void view_line(struct view *v, enum view_style style, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (view_room(v) <= 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	view_sanitize(text);
	if (v->width)
		cut(text, v->width);
	put_styled(v, style, text);
	end_line(v);
}

/* The widths of the columns that are shown; 0 for one that is not. */
struct layout {
	int width[VIEW_COLUMNS_MAX];
	size_t count, last; /* the last one shown */
};

static int total(struct layout *l)
{
	int sum = 0;

	for (size_t c = 0; c < l->count; c++)
		if (l->width[c]) {
			sum += l->width[c] + GAP;
			l->last = c;
		}
	if (l->width[l->last] > LAST_MIN_CHARS)
		sum -= l->width[l->last] - LAST_MIN_CHARS;
	return sum - GAP;
}

static bool drop_one(struct layout *l, const struct view_column *columns)
{
	size_t next = l->count;

	for (size_t c = 0; c < l->count; c++)
		if (l->width[c] && columns[c].drop_rank &&
		    (next == l->count || columns[c].drop_rank < columns[next].drop_rank))
			next = c;
	if (next == l->count)
		return false;
	l->width[next] = 0;
	return true;
}

static struct layout lay_out(const struct view *v, const struct view_column *columns, size_t count,
			     const struct view_cell *cells, size_t row_count)
{
	struct layout l = {.count = count};

	for (size_t c = 0; c < count; c++) {
		l.width[c] = count_characters(columns[c].title);
		for (size_t r = 0; r < row_count; r++) {
			int width = count_characters(cells[r * count + c].text);

			l.width[c] = width > l.width[c] ? width : l.width[c];
		}
	}
	while (total(&l) > v->width && v->width && drop_one(&l, columns))
		;
	return l;
}

static void put_spaces(const struct view *v, int count)
{
	fprintf(v->out, "%*s", count, "");
}

/* Prints a cell at column `at`, padded to `width` (behind it only when another one follows).
 * Returns where it ends. */
static int put_cell(const struct view *v, const struct view_cell *cell, int at, int width,
		    bool right, bool follows)
{
	struct view_cell fit = *cell;
	int gap = at ? GAP : 0, pad;

	view_sanitize(fit.text);
	if (v->width && at + gap + width > v->width)
		width = v->width - at - gap;
	/* A control character may have become two marks, wider than the column was made for. */
	if (v->width)
		cut(fit.text, width > 0 ? width : 0);
	pad = width - count_characters(fit.text);
	put_spaces(v, gap + (right ? pad : 0));
	put_styled(v, fit.style, fit.text);
	if (!right && follows)
		put_spaces(v, pad);
	return at + gap + width;
}

/* Prints one row, without spaces at its end. */
static void put_row(struct view *v, const struct layout *l, const struct view_column *columns,
		    const struct view_cell *cells)
{
	size_t last = 0;
	int at = 0;

	for (size_t c = 0; c < l->count; c++)
		if (l->width[c] && *cells[c].text)
			last = c;
	for (size_t c = 0; c <= last; c++)
		if (l->width[c] && (!v->width || at + GAP < v->width))
			at = put_cell(v, &cells[c], at, l->width[c], columns[c].right, c < last);
	end_line(v);
}

void view_table(struct view *v, const struct view_column *columns, size_t column_count,
		const struct view_cell *cells, size_t row_count)
{
	struct layout l = lay_out(v, columns, column_count, cells, row_count);
	struct view_cell titles[VIEW_COLUMNS_MAX] = {0};

	for (size_t c = 0; c < column_count; c++) {
		titles[c].style = VIEW_BOLD;
		snprintf(titles[c].text, sizeof(titles[c].text), "%s", columns[c].title);
	}
	if (view_room(v) > 0)
		put_row(v, &l, columns, titles);
	for (size_t r = 0; r < row_count && view_room(v) > 0; r++)
		put_row(v, &l, columns, cells + r * column_count);
}
