/* diag: what is wrong with a configuration, all of it at once, each with its place.
 *
 *   etc/comps.yaml:14:9: probe.interval: "5" has no unit; write 5s or 5ms (range 50ms..1m)
 *
 * An error refuses the configuration; a note tells of something ignored or unwise. No text ever
 * holds a key.
 */
#ifndef COMPS_CONF_DIAG_H
#define COMPS_CONF_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#define DIAG_MAX 100 /* so many errors and so many notes are kept; more help nobody */

enum diag_severity {
	DIAG_ERROR,
	DIAG_NOTE,
};

struct diag {
	enum diag_severity severity;
	const char *file; /* owned by the list */
	int line, column; /* from 1; 0 where the file as a whole is meant */
	char *text;
	size_t order; /* of arrival, so that sorting is stable */
};

struct diags {
	struct diag *items;
	size_t count;
	size_t error_count, note_count; /* also count those beyond DIAG_MAX */
	char **files;			/* the names, each once, in order of first use */
	size_t file_count;
	bool out_of_memory; /* something could not be kept: treat as an error */
};

#define DIAGS_INIT ((struct diags){.items = NULL})

/* Frees what the list holds and makes it empty again. */
void diags_fini(struct diags *d);

/* Says that `file` is read now: its place among the files when sorted. Returns the list's own copy
 * of the name, or NULL when out of memory. */
const char *diags_add_file(struct diags *d, const char *file);

/* Adds an error or a note; `file` is copied. */
void diag_error(struct diags *d, const char *file, int line, int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void diag_note(struct diags *d, const char *file, int line, int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* True when the configuration must be refused. */
bool diags_failed(const struct diags *d);

/* Orders by file (the one read first, first), line and column; then adds "... N more errors" where
 * some were not kept. Call it once, at the end. */
void diags_sort(struct diags *d);

/* Writes "FILE:LINE:COLUMN: TEXT" (a note: "... : note: TEXT"), cut to fit, ended by a NUL, as
 * well-formed UTF-8. */
void diag_format(const struct diag *diag, char *out, size_t out_bytes);

#endif
