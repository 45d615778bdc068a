/* client_keys: the client's half of each tunnel: a key pair and a pre-shared key, made once and
 * kept.
 *
 * Files of mode 0600 beside the state; a file is there whole or not at all.
 */
#ifndef COMPS_PROVISION_CLIENT_KEYS_H
#define COMPS_PROVISION_CLIENT_KEYS_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/key.h"
#include "lib/rng.h"

struct client_keys {
	uint8_t private_key[KEY_BYTES], public_key[KEY_BYTES], preshared_key[KEY_BYTES];
};

/* The keys of the tunnel of `path`, which are made where there are none (with `rng` NULL that is
 * -ENOENT). With `shared` all tunnels of the network have one key pair. Wipe *out. Returns 0,
 * -EINVAL where a file is damaged, -EPERM where others may read it, or -errno, with a sentence that
 * holds no key. */
int client_keys_load(const char *directory, const char *network, const char *path, int shared,
		     struct rng *rng, struct client_keys *out, struct err *e);

/* Makes new ones in their place, but for a shared key pair. 0 or -errno. */
int client_keys_renew(const char *directory, const char *network, const char *path, int shared,
		      struct rng *rng, struct err *e);

/* Makes a new shared key pair. 0 or -errno. */
int client_keys_renew_shared(const char *directory, const char *network, struct rng *rng,
			     struct err *e);

/* Deletes those that are of that tunnel alone, where they are there. 0 or -errno. */
int client_keys_remove(const char *directory, const char *network, const char *path, struct err *e);

#endif
