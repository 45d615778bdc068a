#include "provision/blake2s.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "lib/key.h"

#define NAME "BLAKE2S256"

int blake2s_hash(const void *data, size_t bytes, uint8_t out[BLAKE2S_BYTES])
{
	size_t out_bytes = BLAKE2S_BYTES;

	return EVP_Q_digest(NULL, NAME, NULL, data, bytes, out, &out_bytes) ? 0 : -EIO;
}

int blake2s_hash2(const uint8_t first[BLAKE2S_BYTES], const void *data, size_t bytes,
		  uint8_t out[BLAKE2S_BYTES])
{
	uint8_t both[BLAKE2S_BYTES + BLAKE2S_INPUT_MAX];
	int ret;

	if (bytes > BLAKE2S_INPUT_MAX)
		return -EIO;
	memcpy(both, first, BLAKE2S_BYTES);
	if (bytes)
		memcpy(both + BLAKE2S_BYTES, data, bytes);
	ret = blake2s_hash(both, BLAKE2S_BYTES + bytes, out);
	key_wipe(both, sizeof(both));
	return ret;
}

int blake2s_mac(const uint8_t key[BLAKE2S_BYTES], const void *data, size_t bytes,
		uint8_t out[BLAKE2S_MAC_BYTES])
{
	size_t size = BLAKE2S_MAC_BYTES, out_bytes = 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};

	return EVP_Q_mac(NULL, "BLAKE2SMAC", NULL, NULL, params, key, BLAKE2S_BYTES, data, bytes,
			 out, BLAKE2S_MAC_BYTES, &out_bytes) &&
			       out_bytes == BLAKE2S_MAC_BYTES
		       ? 0
		       : -EIO;
}

int blake2s_hmac(const void *key, size_t key_bytes, const void *data, size_t bytes,
		 uint8_t out[BLAKE2S_BYTES])
{
	size_t out_bytes = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, NAME, NULL, key, key_bytes, data, bytes, out,
			 BLAKE2S_BYTES, &out_bytes) &&
			       out_bytes == BLAKE2S_BYTES
		       ? 0
		       : -EIO;
}

int blake2s_kdf(const void *key, size_t key_bytes, const void *data, size_t bytes, size_t count,
		uint8_t *out)
{
	uint8_t root[BLAKE2S_BYTES], step[BLAKE2S_BYTES + 1];
	int ret = blake2s_hmac(key, key_bytes, data, bytes, root);

	for (size_t i = 0; !ret && i < count; i++) {
		size_t before = i ? BLAKE2S_BYTES : 0;

		if (i)
			memcpy(step, out + (i - 1) * BLAKE2S_BYTES, BLAKE2S_BYTES);
		step[before] = (uint8_t)(i + 1);
		ret = blake2s_hmac(root, sizeof(root), step, before + 1, out + i * BLAKE2S_BYTES);
	}
	key_wipe(root, sizeof(root));
	key_wipe(step, sizeof(step));
	return ret;
}
