/* blake2s: the hash of WireGuard (RFC 7693), plain, keyed, as HMAC and as its key derivation.
 *
 * From OpenSSL: libsodium has BLAKE2b only. Every function returns 0, or -EIO where OpenSSL cannot
 * do it (out of memory, or a build without this hash).
 */
#ifndef COMPS_PROVISION_BLAKE2S_H
#define COMPS_PROVISION_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2S_BYTES	  32
#define BLAKE2S_MAC_BYTES 16
#define BLAKE2S_KDF_MAX	  3   /* keys of one derivation */
#define BLAKE2S_INPUT_MAX 256 /* bytes of the second part of blake2s_hash2() */

int blake2s_hash(const void *data, size_t bytes, uint8_t out[BLAKE2S_BYTES]);

/* Of `first` followed by `data`; `out` may be `first`. -EIO too where `bytes` is above
 * BLAKE2S_INPUT_MAX. */
int blake2s_hash2(const uint8_t first[BLAKE2S_BYTES], const void *data, size_t bytes,
		  uint8_t out[BLAKE2S_BYTES]);

/* The keyed hash with an output of 16 bytes, which is no beginning of a longer one. */
int blake2s_mac(const uint8_t key[BLAKE2S_BYTES], const void *data, size_t bytes,
		uint8_t out[BLAKE2S_MAC_BYTES]);

/* HMAC (RFC 2104). */
int blake2s_hmac(const void *key, size_t key_bytes, const void *data, size_t bytes,
		 uint8_t out[BLAKE2S_BYTES]);

/* KDF1, KDF2, KDF3 of WireGuard, which is HKDF (RFC 5869): `count` keys of 32 bytes, one after the
 * other. `out` may overlap neither `key` nor `data`. */
int blake2s_kdf(const void *key, size_t key_bytes, const void *data, size_t bytes, size_t count,
		uint8_t *out);

#endif
