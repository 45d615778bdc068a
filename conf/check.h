/* check: the rules of comps.yaml(5) that concern more than one value. */
#ifndef COMPS_CONF_CHECK_H
#define COMPS_CONF_CHECK_H

#include "conf/conf.h"
#include "conf/schema.h"

/* Each checks `conf`, which may have gaps where `r->d` has errors already, against `root`, from
 * which it was read. */

/* What two tunnels must not share, and addresses that a tunnel cannot reach. */
void check_tunnels(struct conf_reader *r, const struct conf_node *root, const struct conf *conf);

/* Whether the inner tunnel fits into the overlays. Settles the MTUs that no .conf gives. */
void check_mtu(struct conf_reader *r, struct conf *conf);

/* Tables, marks, and other numbers that must not meet. */
void check_numbers(struct conf_reader *r, const struct conf_node *root, const struct conf *conf);

#endif
