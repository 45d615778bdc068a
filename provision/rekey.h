/* rekey: new keys for tunnels that are in use: the client's pair, the pre-shared key and the
 * server's pair.
 *
 * A proxy's path is left before its keys change and taken back once it works, so that nothing is
 * lost. The exit's tunnel is the one that everything goes through: it pauses for a handshake. With
 * a key pair that all tunnels share, all pause.
 */
#ifndef COMPS_PROVISION_REKEY_H
#define COMPS_PROVISION_REKEY_H

#include "provision/job.h"

/* Renews the keys of node `only`, or of all (NULL); every node must be set up. *done counts the
 * nodes with new keys. After a failure an apply finishes what was begun. Returns 0; -EINVAL where
 * it cannot be done as asked; -ECANCELED where a server or path failed; -EINTR; other errors of the
 * state, the bundle and the daemon. */
int rekey_run(const struct job *job, const char *only, size_t *done, struct err *e);

#endif
