/* bundle_mark: the file by which a bundle is known as ours, and by whose sums a change that a user
 * made is seen: `b2sum -l 256 -c` reads it.
 */
#ifndef COMPS_PROVISION_BUNDLE_MARK_H
#define COMPS_PROVISION_BUNDLE_MARK_H

#include "provision/bundle.h"

#define BUNDLE_MARK ".comps-bundle"

/* The mark's text, to be freed; NULL: out of memory. There is a sum for each file with a text that
 * is no secret, and the names of the rest. */
char *bundle_mark_text(const struct bundle *bundle);

/* Whether `mark` names that file, or folder, of the bundle. */
bool bundle_mark_has(const char *mark, const char *name);

/* Whether `text` is what was written as that file; false too where that is not known. */
bool bundle_mark_is_same(const char *mark, const char *name, const char *text);

#endif
