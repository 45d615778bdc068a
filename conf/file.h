/* file: a whole small file in memory. */
#ifndef COMPS_CONF_FILE_H
#define COMPS_CONF_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "lib/err.h"

struct conf_file {
	char *text; /* not ended by a NUL */
	size_t bytes;
	struct stat stat; /* of the descriptor that was read */
};

/* Reads a regular file of at most `max_bytes`. Returns 0 with *out to be given to conf_file_fini;
 * else -errno with a sentence in `e`. */
int conf_file_read(const char *path, size_t max_bytes, struct conf_file *out, struct err *e);

/* For a file with a private key, by the rule of PostgreSQL's ssl_key_file: refuses one that others
 * may get at, or that belongs to neither root, nor the caller, nor `owner`: whose the file is that
 * names it. A group may read what is root's, so that a service under its own user can. Returns 0,
 * or -EPERM with a sentence in `e` that names the command to run. */
int conf_file_check_secret(const char *path, const struct conf_file *file, uid_t owner,
			   struct err *e);

/* Wipes the text, which may hold keys, and frees it. */
void conf_file_fini(struct conf_file *file);

#endif
