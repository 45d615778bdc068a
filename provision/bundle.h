/* bundle: all that a client of a network needs, as a folder: the tunnels, comps.yaml, and what
 * makes a container of it.
 */
#ifndef COMPS_PROVISION_BUNDLE_H
#define COMPS_PROVISION_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"
#include "provision/tunnels.h"

#define BUNDLE_DIRECTORY  "wg_client_generated"
#define BUNDLE_TUNNELS	  "wg"	/* the folder with the keys, in it */
#define BUNDLE_RUN	  "run" /* the folder for the container's control socket, in it */
#define BUNDLE_NAME_BYTES 64

/* Where the programs for the container are now; NULL: it is left to the user to put one there. */
struct bundle_programs {
	const char *compsd, *comps;
};

struct bundle_file {
	char name[BUNDLE_NAME_BYTES]; /* below the folder */
	mode_t mode;
	char *text;   /* may hold keys; NULL: it is a copy of `source` */
	char *source; /* NULL: it is `text` */
};

struct bundle {
	struct bundle_file *files;
	size_t count;
};

/* What became of changes that a user made to our part of files of the last bundle. */
enum bundle_edit {
	BUNDLE_EDIT_NONE,
	BUNDLE_EDIT_KEPT,  /* the file is as the user left it: we would have written the same again
			    */
	BUNDLE_EDIT_ASIDE, /* the user's is called NAME.before now */
};

typedef void (*bundle_edit_fn)(void *arg, const char *name, enum bundle_edit edit);

/* Fills *out, to be given to bundle_fini; nothing is written yet. `for_root`: the files will belong
 * to root, so that the container needs no right to read those of others. 0 or -ENOMEM. */
int bundle_make(const struct provision_config *config, const struct tunnels *tunnels,
		const struct bundle_programs *programs, bool for_root, struct bundle *out,
		struct err *e);

/* Writes it as `directory`, for its owner only, or brings the bundle that is there up to date;
 * everything in it that is not ours is kept, also below the line in comps.yaml that says so. Each
 * file is the old or the new one at any moment, and comps.yaml comes after the files that it names.
 * Calls `edit` (may be NULL) for each file that the user had changed.
 *
 * Returns 0; -EEXIST where something is there that is no bundle, which is left alone; -EBUSY while
 * another process writes in it; else -errno. */
int bundle_write(const struct bundle *bundle, const char *directory, bundle_edit_fn edit, void *arg,
		 struct err *e);

/* Wipes the keys and frees. */
void bundle_fini(struct bundle *bundle);

#endif
