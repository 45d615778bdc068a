#include "core/bucket.h"

void bucket_init(struct bucket *bucket, uint32_t size, int64_t refill_us, struct mono now)
{
	*bucket = (struct bucket){refill_us, (int64_t)(size - 1) * refill_us, now};
}

int64_t bucket_wait_us(const struct bucket *bucket, struct mono now)
{
	int64_t us = mono_diff_us(bucket->full, now) - bucket->slack_us;

	return us > 0 ? us : 0;
}

bool bucket_take(struct bucket *bucket, struct mono now)
{
	if (bucket_wait_us(bucket, now))
		return false;
	bucket->full =
		mono_add_us(mono_before(bucket->full, now) ? now : bucket->full, bucket->refill_us);
	return true;
}
