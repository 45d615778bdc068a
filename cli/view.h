/* view: lines and tables of text for a screen of a given size.
 *
 * Text is cut to the width, its control characters become '?' (a name must not steer the terminal),
 * and it is coloured if wanted. A character counts as one column.
 */
#ifndef COMPS_CLI_VIEW_H
#define COMPS_CLI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define VIEW_COLUMNS_MAX 20
#define VIEW_CELL_BYTES	 96

enum view_style {
	VIEW_PLAIN,
	VIEW_BOLD,
	VIEW_DIM,
	VIEW_GOOD,
	VIEW_WARN,
	VIEW_BAD,
};

struct view {
	FILE *out;
	int width, height; /* in characters and lines; 0 is without limit */
	bool color;
	const char *line_end; /* NULL for a newline */
	int lines;	      /* printed so far; those beyond the height are left out */
};

struct view_column {
	const char *title;
	bool right;    /* aligned to the right */
	int drop_rank; /* where the width is short, columns go in the order 1, 2, ...; 0 stays */
};

struct view_cell {
	char text[VIEW_CELL_BYTES];
	enum view_style style;
};

/* Replaces every control character (C0, DEL, and C1 in UTF-8) by '?'. */
void view_sanitize(char *text);

/* Prints one line. */
void view_line(struct view *v, enum view_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How many more lines there is room for; INT_MAX without limit. */
int view_room(const struct view *v);

/* Prints titles and rows: cells[row * column_count + column]. At most VIEW_COLUMNS_MAX columns. The
 * last one shown is cut where the width ends. */
void view_table(struct view *v, const struct view_column *columns, size_t column_count,
		const struct view_cell *cells, size_t row_count);

#endif
