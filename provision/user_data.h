/* user_data: what a new server is told for its first boot (cloud-init).
 *
 * Three things only: the host key by which we know the server when we first connect, the packages,
 * and a marker that says that the first boot is over. Everything else is done over ssh, as on any
 * host. The host key stays readable on the server, so it is replaced at the first connection.
 */
#ifndef COMPS_PROVISION_USER_DATA_H
#define COMPS_PROVISION_USER_DATA_H

#include "lib/err.h"

#define USER_DATA_MAX_BYTES (64 << 10)
#define USER_DATA_MARKER    "/var/lib/comps-first-boot" /* exists when the first boot is over */

/* Returns 0 with the text in *out, secret, to be wiped and freed; -EINVAL where a key is not ASCII
 * or has not its form; -ENOMEM. */
int user_data_build(const char *host_key_public, const char *host_key_pem, char **out,
		    struct err *e);

#endif
