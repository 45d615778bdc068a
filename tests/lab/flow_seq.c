/* Sequence numbers that arrive, packets that leave at a rate: the arithmetic of both ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lab/flow.h"

enum {
	BATCH = 64,
	CATCH_UP_MS = 5
};

void times_put(int64_t **times, size_t *room, uint64_t seq, int64_t t)
{
	size_t want = *room ? *room : 4096;
	int64_t *bigger;

	while (want <= seq)
		want *= 2;
	if (want > *room) {
		bigger = realloc(*times, want * sizeof(**times));
		if (!bigger)
			die("times");
		memset(bigger + *room, 0, (want - *room) * sizeof(**times));
		*times = bigger;
		*room = want;
	}
	(*times)[seq] = t;
}

bool seqlog_add(struct seqlog *l, uint64_t seq, int64_t now)
{
	if (seq >= SEQ_MAX)
		return false;
	if (seqlog_at(l, seq)) {
		l->dup++;
		return false;
	}
	times_put(&l->at, &l->room, seq, now);
	if (l->unique > 0 && now - l->last_ns > l->max_gap_ns)
		l->max_gap_ns = now - l->last_ns;
	l->last_ns = now;
	l->unique++;
	if (seq < l->next)
		l->reordered++;
	else
		l->next = seq + 1;
	return true;
}

/* A flow that died before the end has a gap up to the end, one that never lived a gap from the
 * beginning. */
void seqlog_end(struct seqlog *l, int64_t began, int64_t now)
{
	int64_t gap = now - (l->unique ? l->last_ns : began);

	if (gap > l->max_gap_ns)
		l->max_gap_ns = gap;
}

uint32_t pacer_due(struct pacer *p, int64_t now)
{
	int64_t due = (now - p->t0) * p->pps / NS_PER_SEC + 1 - (int64_t)p->sent;
	int64_t most = 1 + (int64_t)p->pps * CATCH_UP_MS / 1000;
	int64_t late;

	if (due > most) {
		late = (due - most) * NS_PER_SEC / p->pps;
		p->t0 += late;
		p->held_back_ns += late;
		due = most;
	}
	if (due <= 0 || p->sent >= SEQ_MAX)
		return 0;
	return (uint32_t)due;
}

/* Above 1000 a second, a wake-up each millisecond sends several. */
int64_t pacer_wake(const struct pacer *p, int64_t now)
{
	int64_t next = p->t0 + (int64_t)p->sent * NS_PER_SEC / p->pps;

	return p->pps > 1000 && next < now + NS_PER_MS ? now + NS_PER_MS : next;
}

static uint32_t send_some(const struct batch_to *to, const struct wire *first, uint32_t n)
{
	static char padding[SIZE_MAX_BYTES];
	struct wire w[BATCH];
	struct iovec iov[BATCH][2];
	struct mmsghdr msg[BATCH];
	uint32_t done = 0, taken = 0;

	for (uint32_t i = 0; i < n; i++) {
		w[i] = *first;
		w[i].seq += i;
		iov[i][0] = (struct iovec){&w[i], sizeof(w[i])};
		iov[i][1] = (struct iovec){padding, to->size - sizeof(w[i])};
		msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = iov[i], .msg_iovlen = 2}};
		/* The kernel does not write to it. */
		memcpy(&msg[i].msg_hdr.msg_name, &to->addr, sizeof(to->addr));
		msg[i].msg_hdr.msg_namelen = to->addr_len;
	}
	while (done < n) {
		int rc = sendmmsg(to->fd, msg + done, n - done, MSG_DONTWAIT);

		/* On a connected socket this is an answer to an earlier packet; this one was not
		 * tried. */
		if (rc < 0 && errno == ECONNREFUSED)
			rc = sendmmsg(to->fd, msg + done, n - done, MSG_DONTWAIT);
		taken += rc > 0 ? (uint32_t)rc : 0;
		done += rc > 0 ? (uint32_t)rc : 1;
	}
	return taken;
}

uint32_t send_batch(const struct batch_to *to, const struct wire *w, uint32_t n)
{
	struct wire part = *w;
	uint32_t taken = 0;

	while (n > 0) {
		uint32_t k = n < BATCH ? n : BATCH;

		taken += send_some(to, &part, k);
		part.seq += k;
		n -= k;
	}
	return taken;
}
