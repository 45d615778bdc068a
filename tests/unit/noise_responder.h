/* noise_responder: the other side of provision/noise.h, for tests: one that answers.
 *
 * Written from the white paper's section 5.4, each step in its order; only the hashes are shared
 * with what is tested.
 */
#ifndef COMPS_TESTS_UNIT_NOISE_RESPONDER_H
#define COMPS_TESTS_UNIT_NOISE_RESPONDER_H

#include <sodium.h>
#include <string.h>

#include "provision/blake2s.h"
#include "provision/noise.h"

#define RESPONDER_INDEX UINT32_C(0xa1b2c3d4)

struct responder {
	uint8_t private_key[32], public_key[32], preshared_key[32];
	uint8_t c[32], h[32]; /* chaining key and hash */
	uint8_t initiator[32], stamp[12];
	struct noise session; /* only its transport is used */
};

static inline void responder_init(struct responder *r, uint8_t seed)
{
	memset(r, 0, sizeof(*r));
	memset(r->private_key, seed, 32);
	crypto_scalarmult_base(r->public_key, r->private_key);
}

static inline void responder_hash(struct responder *r, const void *data, size_t bytes)
{
	assert_int_equal(blake2s_hash2(r->h, data, bytes, r->h), 0);
}

/* Sets c, and writes what follows it. */
static inline void responder_kdf(struct responder *r, const void *data, size_t bytes, size_t more,
				 uint8_t *out)
{
	uint8_t keys[96];

	assert_int_equal(blake2s_kdf(r->c, 32, data, bytes, more + 1, keys), 0);
	memcpy(r->c, keys, 32);
	if (more)
		memcpy(out, keys + 32, more * 32);
}

static inline void responder_dh(struct responder *r, const uint8_t *private_key,
				const uint8_t *public_key, size_t more, uint8_t *out)
{
	uint8_t shared[32];

	assert_int_equal(crypto_scalarmult(shared, private_key, public_key), 0);
	responder_kdf(r, shared, 32, more, out);
}

static inline bool responder_open(struct responder *r, const uint8_t *key, const uint8_t *sealed,
				  size_t bytes, uint8_t *out)
{
	static const uint8_t nonce[12];

	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, bytes, r->h, 32,
						      nonce, key))
		return false;
	responder_hash(r, sealed, bytes);
	return true;
}

static inline void responder_mac1(const uint8_t *public_key, const uint8_t *message, size_t bytes,
				  uint8_t out[16])
{
	uint8_t text[40] = "mac1----", key[32];

	memcpy(text + 8, public_key, 32);
	assert_int_equal(blake2s_hash(text, sizeof(text), key), 0);
	assert_int_equal(blake2s_mac(key, message, bytes, out), 0);
}

/* False where a peer would keep silent. */
static inline bool responder_take(struct responder *r, const uint8_t message[148])
{
	static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
			  identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
	uint8_t key[32], mac[16];

	responder_mac1(r->public_key, message, 116, mac);
	if (memcmp(message, "\1\0\0\0", 4) != 0 || memcmp(mac, message + 116, 16) != 0)
		return false;
	assert_int_equal(blake2s_hash(construction, sizeof(construction) - 1, r->c), 0);
	memcpy(r->h, r->c, 32);
	responder_hash(r, identifier, sizeof(identifier) - 1);
	responder_hash(r, r->public_key, 32);
	responder_hash(r, message + 8, 32);
	responder_kdf(r, message + 8, 32, 0, NULL);
	responder_dh(r, r->private_key, message + 8, 1, key);
	if (!responder_open(r, key, message + 40, 48, r->initiator))
		return false;
	responder_dh(r, r->private_key, r->initiator, 1, key);
	return responder_open(r, key, message + 88, 28, r->stamp);
}

static inline void responder_start(struct responder *r, const uint8_t *peer_index)
{
	uint8_t keys[64];

	assert_int_equal(blake2s_kdf(r->c, 32, "", 0, 2, keys), 0);
	r->session = (struct noise){.ready = true, .index = RESPONDER_INDEX};
	memcpy(&r->session.peer_index, peer_index, 4); /* the tests' machines are little-endian */
	memcpy(r->session.receive_key, keys, 32);
	memcpy(r->session.send_key, keys + 32, 32);
}

static inline void responder_answer(struct responder *r, const uint8_t initiation[148],
				    uint8_t out[92])
{
	static const uint8_t ephemeral[32] = {9}, nonce[12];
	uint8_t keys[64];

	memcpy(out, "\2\0\0\0\xd4\xc3\xb2\xa1", 8);
	memcpy(out + 8, initiation + 4, 4);
	crypto_scalarmult_base(out + 12, ephemeral);
	responder_hash(r, out + 12, 32);
	responder_kdf(r, out + 12, 32, 0, NULL);
	responder_dh(r, ephemeral, initiation + 8, 0, NULL);
	responder_dh(r, ephemeral, r->initiator, 0, NULL);
	responder_kdf(r, r->preshared_key, 32, 2, keys);
	responder_hash(r, keys, 32);
	crypto_aead_chacha20poly1305_ietf_encrypt(out + 44, NULL, NULL, 0, r->h, 32, NULL, nonce,
						  keys + 32);
	responder_hash(r, out + 44, 16);
	responder_mac1(r->initiator, out, 60, out + 60);
	memset(out + 76, 0, 16);
	responder_start(r, initiation + 4);
}

#endif
