/* interfaces: which interface is whose. The alias of each that we made is a tag, "comps 201", and
 * for an overlay also the name of its path: so one that comps.yaml gives no interface keeps the one
 * that it has, when others are put in front. */
#ifndef COMPS_DAEMON_INTERFACES_H
#define COMPS_DAEMON_INTERFACES_H

#include "conf/conf.h"
#include "netlink/link.h"

/* Writes the alias of the interface of `path`, or of the inner tunnel (NULL). */
void interfaces_alias(const struct conf *conf, const char *path, char out[LINK_ALIAS_BYTES]);

/* The path that an interface of that alias was made for, "" for none; NULL where it is not ours. */
const char *interfaces_path(const struct conf *conf, const char *alias);

/* Whether a tunnel of the configuration has that interface. */
bool interfaces_has(const struct conf *conf, const char *interface);

/* Gives each overlay whose interface goes by its position the one of `links` that was made for it,
 * and those that have none yet one that was made for no other. */
void interfaces_assign(const struct link *links, size_t count, struct conf *conf);

/* The same by those that are there. Returns 0 or -errno. */
int interfaces_keep(struct nl *nl, struct conf *conf);

#endif
