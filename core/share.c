#include "core/share.h"

#include "policies/policy.h"

void share_init(struct share *share)
{
	share->count = 0;
	share->path = POLICY_NONE;
}

/* An interface that was made again counts from 0. */
static uint64_t gain(uint64_t was, uint64_t is)
{
	return is < was ? is : is - was;
}

void share_move(struct share *share, uint64_t left_bytes, int path, uint64_t path_bytes,
		struct mono now)
{
	if (share->path != POLICY_NONE)
		share->stays[share->count++ % SHARE_STAYS] = (struct share_stay){
			share->path, share->since, now, gain(share->base, left_bytes)};
	share->path = path;
	share->since = now;
	share->base = path_bytes;
}

/* Of the stay's bytes those that fall behind `from`. */
static double within(const struct share_stay *stay, struct mono from)
{
	double length_us = (double)mono_diff_us(stay->to, stay->from);
	double inside_us = (double)mono_diff_us(stay->to, from);

	if (inside_us <= 0)
		return 0;
	return (double)stay->bytes * (inside_us < length_us ? inside_us / length_us : 1);
}

double share_of(const struct share *share, int path, uint64_t bytes, int64_t window_us,
		struct mono now)
{
	struct share_stay present = {share->path, share->since, now, gain(share->base, bytes)};
	size_t kept = share->count < SHARE_STAYS ? share->count : SHARE_STAYS, i;
	struct mono from = mono_add_us(now, -window_us);
	double all = 0, own = 0, part;

	if (share->path == POLICY_NONE)
		return 0;
	for (i = 0; i <= kept; i++) {
		const struct share_stay *stay = i < kept ? &share->stays[i] : &present;

		part = within(stay, from);
		all += part;
		own += stay->path == path ? part : 0;
	}
	return all > 0 ? own / all : 0;
}
