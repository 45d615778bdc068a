#include "lib/rng.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

int rng_init_system(struct rng *rng)
{
	memset(rng, 0, sizeof(*rng));
	return sodium_init() < 0 ? -EIO : 0;
}

int rng_init_seed(struct rng *rng, uint64_t seed)
{
	int ret = rng_init_system(rng);
	int i;

	if (ret)
		return ret;
	rng->seeded = true;
	for (i = 0; i < 8; i++)
		rng->key[i] = (uint8_t)(seed >> (8 * i));
	return 0;
}

uint64_t rng_next(struct rng *rng, unsigned int stream)
{
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {(uint8_t)stream};
	uint8_t bytes[8] = {0};
	uint64_t value = 0;
	int i;

	if (!rng->seeded) {
		randombytes_buf(&value, sizeof(value));
		return value;
	}
	/* One cipher block a number: wasteful, and the n-th number needs no state but n. */
	crypto_stream_chacha20_xor_ic(bytes, bytes, sizeof(bytes), nonce, rng->drawn[stream]++,
				      rng->key);
	for (i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

uint32_t rng_below(struct rng *rng, unsigned int stream, uint32_t bound)
{
	uint32_t reject, value;

	if (bound < 2)
		return 0;
	reject = -bound % bound;
	do {
		value = (uint32_t)rng_next(rng, stream);
	} while (value < reject);
	return value % bound;
}

double rng_unit(struct rng *rng, unsigned int stream)
{
	return (double)((rng_next(rng, stream) >> 11) + 1) * 0x1p-53;
}
