/* plugins: policies from shared objects, beside those that are built in.
 *
 * A plug-in is code: it runs with all that the program may do. So its file, and the folder that it
 * lies in, must belong to root or to the user of the process, and nobody else may write there. It
 * is never unloaded, since whoever holds one of its policies holds pointers into it (dlopen(3));
 * for the same reason a file that was replaced is loaded anew by another process only.
 */
#ifndef COMPS_CONF_PLUGINS_H
#define COMPS_CONF_PLUGINS_H

#include <stddef.h>

#include "lib/err.h"
#include "policies/policy.h"

struct plugins {
	const struct policy_ops **policies; /* NULL-ended: the built-in ones, then those loaded */
	size_t count;
};

/* Begins with the NULL-ended list. Returns 0 or -ENOMEM. */
int plugins_init(struct plugins *plugins, const struct policy_ops *const *built_in);

/* Frees the list, not what is in it. A zeroed struct is allowed. */
void plugins_fini(struct plugins *plugins);

/* Adds the policy of a shared object. Returns 0, -ENOMEM, -errno of its file, -EPERM where others
 * may write it, -EBADMSG where it is no policy that this program can use, -EEXIST where another one
 * has its name; with a sentence that begins with the file. */
int plugins_load(struct plugins *plugins, const char *file, struct err *err);

/* Holds a policy's declaration to what policy.h asks of it. Returns 0, or -EBADMSG with a sentence.
 */
int plugins_check(const struct policy_ops *ops, struct err *err);

#endif
