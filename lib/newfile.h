/* newfile: a file that is written beside its place and put there as a whole. Whoever reads it, also
 * after a crash, finds the old one or this one. Nothing is written through a symbolic link. All
 * return 0 or -errno. Source: rename(2), fsync(2).
 */
#ifndef COMPS_LIB_NEWFILE_H
#define COMPS_LIB_NEWFILE_H

#include <stddef.h>
#include <sys/types.h>

struct newfile {
	int dir, fd;
	const char *name;
	char *part; /* what it is called until it is in its place */
};

/* Begins the file `name`, which is kept, relative to the folder `dir` (AT_FDCWD as of openat(2)).
 * Nobody else can read it yet. One at a time may write a file: what it finds beside the place, a
 * killed writer left. */
int newfile_begin(struct newfile *file, int dir, const char *name);

int newfile_write(struct newfile *file, const void *data, size_t bytes);

/* Puts the file into its place, with that mode and on disk. Where `ret`, that of the writing, is
 * not 0, it goes away instead. Returns `ret`, else what went wrong here. */
int newfile_end(struct newfile *file, mode_t mode, int ret);

/* All of that. */
int newfile_put(int dir, const char *name, mode_t mode, const void *data, size_t bytes);

/* What was made, renamed or deleted in the folder of `name` is on disk when it returns. */
int newfile_sync_folder(int dir, const char *name);

#endif
