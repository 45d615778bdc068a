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

void rng_fill(struct rng *rng, unsigned int stream, void *bytes, size_t count)
{
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {(uint8_t)stream};

	if (!rng->seeded) {
		randombytes_buf(bytes, count);
		return;
	}
	/* Whole cipher blocks: wasteful, and where a stream stands is one number. */
	memset(bytes, 0, count);
	crypto_stream_chacha20_xor_ic(bytes, bytes, count, nonce, rng->drawn[stream], rng->key);
	rng->drawn[stream] += (count + 63) / 64;
}

uint64_t rng_next(struct rng *rng, unsigned int stream)
{
	uint8_t bytes[8];
	uint64_t value = 0;
	int i;

	rng_fill(rng, stream, bytes, sizeof(bytes));
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
