/* key: WireGuard keys, as bytes and as the base64 text of wg(8).
 *
 * No function here ever puts a key into an error text.
 */
#ifndef COMPS_LIB_KEY_H
#define COMPS_LIB_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define KEY_BYTES      32 /* a Curve25519 key (RFC 7748) or a pre-shared key */
#define KEY_TEXT_BYTES 45 /* 44 characters and the NUL */

/* Reads 44 characters of base64. Returns 0, or -EINVAL with what is wrong (but not the text) in
 * `e`. */
int key_parse(const char *text, uint8_t key[KEY_BYTES], struct err *e);

void key_format(const uint8_t key[KEY_BYTES], char out[KEY_TEXT_BYTES]);

/* The public key that belongs to a private one. */
void key_public(const uint8_t private_key[KEY_BYTES], uint8_t public_key[KEY_BYTES]);

/* Overwrites memory that held a secret, in a way that the compiler does not drop. */
void key_wipe(void *memory, size_t bytes);

#endif
