#include "core/bucket.h"

void bucket_init(struct bucket *bucket, double size, int64_t refill_us, struct mono now)
{
	*bucket = (struct bucket){size, size, refill_us, now};
}

int64_t bucket_wait_us(struct bucket *bucket, struct mono now)
{
	bucket->tokens += (double)mono_diff_us(now, bucket->at) / (double)bucket->refill_us;
	if (bucket->tokens > bucket->size)
		bucket->tokens = bucket->size;
	bucket->at = now;
	if (bucket->tokens >= 1)
		return 0;
	return (int64_t)((1 - bucket->tokens) * (double)bucket->refill_us) + 1;
}

bool bucket_take(struct bucket *bucket, struct mono now)
{
	if (bucket_wait_us(bucket, now))
		return false;
	bucket->tokens -= 1;
	return true;
}
