/* rng: random numbers, one stream per purpose.
 *
 * Live, every number comes from libsodium (getrandom(2) underneath). A seed is for replay and
 * tests only: a stream is then ChaCha20 (RFC 8439) keyed from the seed and the stream's number, so
 * that drawing from one purpose never shifts what another purpose sees.
 */
#ifndef COMPS_LIB_RNG_H
#define COMPS_LIB_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RNG_STREAMS 8

struct rng {
	bool seeded;
	uint8_t key[32];
	uint64_t drawn[RNG_STREAMS]; /* cipher blocks used so far, per seeded stream */
};

/* For live use. Returns 0, or -EIO where libsodium cannot start. */
int rng_init_system(struct rng *rng);

/* For replay and tests: the same seed gives the same numbers on every machine. Returns 0 or -EIO.
 */
int rng_init_seed(struct rng *rng, uint64_t seed);

/* 64 uniform bits from `stream` (below RNG_STREAMS). */
uint64_t rng_next(struct rng *rng, unsigned int stream);

/* `count` random bytes. */
void rng_fill(struct rng *rng, unsigned int stream, void *bytes, size_t count);

/* Uniform in 0 .. bound - 1, without modulo bias (by rejection); 0 when bound is 0 or 1. */
uint32_t rng_below(struct rng *rng, unsigned int stream, uint32_t bound);

/* Uniform in (0, 1], so that its logarithm is finite. */
double rng_unit(struct rng *rng, unsigned int stream);

#endif
