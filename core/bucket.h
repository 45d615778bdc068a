/* bucket: a token bucket, the rate limit of bursts and of migrations.
 */
#ifndef COMPS_CORE_BUCKET_H
#define COMPS_CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct bucket {
	double tokens, size;
	int64_t refill_us; /* the time that one token takes */
	struct mono at;	   /* when `tokens` was right */
};

/* A full bucket of `size` tokens, at least 1. */
void bucket_init(struct bucket *bucket, double size, int64_t refill_us, struct mono now);

/* How long until there is a token, microseconds; 0 if there is one. */
int64_t bucket_wait_us(struct bucket *bucket, struct mono now);

/* Takes a token if there is one. */
bool bucket_take(struct bucket *bucket, struct mono now);

#endif
