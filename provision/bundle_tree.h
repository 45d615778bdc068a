/* bundle_tree: files and folders below an open folder, written so that a crash loses nothing that
 * was told to be done, and never through a symbolic link. All return 0 or -errno.
 */
#ifndef COMPS_PROVISION_BUNDLE_TREE_H
#define COMPS_PROVISION_BUNDLE_TREE_H

#include <stddef.h>
#include <sys/types.h>

/* The file has that mode and text when it returns, on disk, and at any moment the old ones or
 * these.
 */
int bundle_tree_put(int dir, const char *name, mode_t mode, const char *text);

/* The same, from the file `source`. */
int bundle_tree_copy(int dir, const char *name, mode_t mode, const char *source);

/* *out is the file's text, to be freed, with a NUL behind it. -EFBIG above 1 MiB. */
int bundle_tree_read(int dir, const char *name, char **out);

/* Returns a descriptor of the folder `name`; -ENOTDIR where it is something else. */
int bundle_tree_open(int dir, const char *name);

/* Calls `fn` with the name of each entry of the folder, until it returns something else than 0. */
int bundle_tree_each(int dir, int (*fn)(void *arg, int dir, const char *name), void *arg);

/* Deletes the file, or the folder with all that is in it. */
int bundle_tree_remove(int dir, const char *name);

#endif
