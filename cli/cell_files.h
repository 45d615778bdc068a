/* cell_files: folders of page loads, as the published data sets and attacks have them.
 *
 * A load is SITE-INSTANCE.cell (or without .cell); one without a SITE- is of the open world. A
 * split load is SITE-INSTANCE_split_PATH.cell for each path that carried anything and
 * SITE-INSTANCE_join.cell, both from 0 s on; split.jsonl has what these leave out, and manifest.csv
 * says what is for training.
 */
#ifndef COMPS_CLI_CELL_FILES_H
#define COMPS_CLI_CELL_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cells/packets.h"
#include "cells/split.h"
#include "lib/err.h"

struct cell_file {
	char *name; /* in its folder */
	char *base; /* without .cell */
	int site;   /* -1: of the open world */
	int instance;
};

struct cell_files {
	struct cell_file *items;
	size_t count;
};

/* The loads of a folder, by site and instance. Returns 0, or -errno with a sentence, -ENODATA where
 * there are none. */
int cell_files_list(const char *folder, struct cell_files *out, struct err *err);
void cell_files_fini(struct cell_files *files);

int cell_files_read(const char *folder, const char *name, struct packets *out, struct err *err);

/* Makes a folder; one that is there already is refused. */
int cell_files_new_folder(const char *folder, struct err *err);

/* Writes `path` of the packets (-1: all) as a file of the folder, which must not be there yet. */
int cell_files_write(const char *folder, const char *name, const struct packets *packets, int path,
		     struct err *err);

/* Every fifth load is for the test, every fifth of the others to validate with. */
bool cell_files_is_test(const struct cell_file *file);
bool cell_files_is_valid(const struct cell_file *file);

#endif
