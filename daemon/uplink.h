/* uplink: the one setting of other people's interfaces that CoMPS cannot work with.
 *
 * With strict reverse-path filtering (rp_filter 1) on the uplink every packet of the overlays is
 * dropped, because the way back to its source leads into a tunnel. Loose (2) lets them in. What was
 * changed is written to a file beside the control socket and put back by uplink_restore().
 */
#ifndef COMPS_DAEMON_UPLINK_H
#define COMPS_DAEMON_UPLINK_H

#include "conf/conf.h"
#include "lib/log.h"

struct nl;

/* Loosens every strict uplink: those that the configuration names, else all interfaces but lo and
 * CoMPS' own. What cannot be changed is logged. */
void uplink_loosen(const struct conf *conf, struct nl *nl, const struct log *log);

/* Puts back what uplink_loosen() changed, where nobody changed it since. */
void uplink_restore(const struct conf *conf, const struct log *log);

#endif
