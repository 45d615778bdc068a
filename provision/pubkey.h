/* pubkey: ssh public keys as lines of text, and the first host key of a new server.
 */
#ifndef COMPS_PROVISION_PUBKEY_H
#define COMPS_PROVISION_PUBKEY_H

#include <stddef.h>

#include "lib/err.h"
#include "lib/rng.h"

#define PUBKEY_LINE_BYTES	 2048 /* RSA keys are long */
#define PUBKEY_ED25519_BYTES	 128
#define PUBKEY_FINGERPRINT_BYTES 52
#define PUBKEY_PRIVATE_BYTES	 640

/* Reads the first line of a .pub file, without its comment: "TYPE BLOB". Returns 0; -EINVAL where
 * it is no public key; -errno. */
int pubkey_read(const char *path, char out[PUBKEY_LINE_BYTES], struct err *e);

/* Checks that `line` begins with a key type and a base64 text that belong together. */
int pubkey_check(const char *line, struct err *e);

/* "SHA256:..." of a line that pubkey_check accepts, as ssh-keygen -l prints it. */
void pubkey_fingerprint(const char *line, char out[PUBKEY_FINGERPRINT_BYTES]);

/* A new ed25519 key pair: the line of the public half, and the private one as ssh-keygen(1) writes
 * it (PROTOCOL.key of OpenSSH), without a passphrase: secret, to be wiped. Returns 0 or -EIO. */
int pubkey_make(struct rng *rng, char public_line[PUBKEY_ED25519_BYTES],
		char private_pem[PUBKEY_PRIVATE_BYTES]);

#endif
