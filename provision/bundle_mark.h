/* bundle_mark: the file by which a bundle is known as ours, and by whose sums a change that a user
 * made is seen: `b2sum -l 256 -c` reads it.
 */
#ifndef COMPS_PROVISION_BUNDLE_MARK_H
#define COMPS_PROVISION_BUNDLE_MARK_H

#include "provision/bundle.h"

#define BUNDLE_MARK ".comps-bundle"

/* Behind this line a file is the user's. */
#define BUNDLE_MARK_YOURS "# From here on this file is yours: it is kept as you leave it.\n"

/* The mark's text, to be freed; NULL: out of memory. There is a sum for each file with a text that
 * is no secret, and the names of the rest. */
char *bundle_mark_text(const struct bundle *bundle);

/* The bytes of `text` that are ours: up to the line that gives the rest to the user, where there is
 * one. */
size_t bundle_mark_part(const char *text);

/* Whether `mark` names that file, or folder, of the bundle. */
bool bundle_mark_has(const char *mark, const char *name);

/* Whether our part of `text` is what was written as that file; false too where that is not known.
 */
bool bundle_mark_is_same(const char *mark, const char *name, const char *text);

#endif
