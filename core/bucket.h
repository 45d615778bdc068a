/* bucket: a token bucket, the rate limit of bursts and of migrations.
 *
 * It keeps the instant at which it will be full again, as the generic cell rate algorithm does
 * (ITU-T I.371, "virtual scheduling"): whole numbers, and asking changes nothing.
 */
#ifndef COMPS_CORE_BUCKET_H
#define COMPS_CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct bucket {
	int64_t refill_us; /* the time that one token takes */
	int64_t slack_us;  /* that all tokens but one take */
	struct mono full;  /* when the bucket will be full, or has been */
};

/* A full bucket of `size` tokens, at least 1. */
void bucket_init(struct bucket *bucket, uint32_t size, int64_t refill_us, struct mono now);

/* How long until there is a token, microseconds; 0 if there is one. */
int64_t bucket_wait_us(const struct bucket *bucket, struct mono now);

/* Takes a token if there is one. */
bool bucket_take(struct bucket *bucket, struct mono now);

#endif
