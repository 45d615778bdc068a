/* teardown: removes what network.h installed, by its tags: all of it, or what is no longer wanted.
 */
#ifndef COMPS_DAEMON_TEARDOWN_H
#define COMPS_DAEMON_TEARDOWN_H

#include "daemon/network.h"

/* Removes exactly what was installed under this configuration's protocol number, and opens the
 * machine up again; needs no daemon. Returns 0, or the first -errno with a sentence in `err` (and
 * has tried all). */
int teardown_all(const struct conf *conf, const struct log *log, struct err *err);

/* Removes what an earlier configuration left and the present one does not have. */
void teardown_strays(struct network *network);

#endif
