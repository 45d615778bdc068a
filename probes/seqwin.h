/* seqwin: which probe a reply answers: the window of the latest sequence numbers sent.
 *
 * Sequence numbers are 16 bits wide and wrap; the window holds the latest `capacity` of them. A
 * random token beside each number tells a reply to the present bearer of a number from one to an
 * earlier bearer, or from a guess.
 */
#ifndef COMPS_PROBES_SEQWIN_H
#define COMPS_PROBES_SEQWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define SEQWIN_CAPACITY_MAX 65536

struct seqwin_entry {
	struct mono sent;
	uint32_t number;
	uint32_t path;
	uint32_t token;
	int ifindex; /* the interface the probe left by */
	uint8_t target;
	bool answered;
};

struct seqwin {
	struct seqwin_entry *entries;
	uint32_t capacity; /* a power of two */
	uint32_t live;	   /* entries in the window, at most capacity */
	uint16_t next;	   /* the sequence number that comes next */
};

/* Makes an empty window for the latest `capacity` probes at least (rounded up to a power of two,
 * SEQWIN_CAPACITY_MAX at most), counting from `first`. Returns 0 or -ENOMEM. */
int seqwin_init(struct seqwin *window, size_t capacity, uint16_t first);
void seqwin_fini(struct seqwin *window);

/* Enters a probe, the oldest one leaving a full window, and returns its entry, zeroed. The caller
 * fills it in. */
struct seqwin_entry *seqwin_add(struct seqwin *window, uint16_t *sequence);

/* The probe with this number and token; NULL when it was never sent, forgotten, or so long ago that
 * it has left the window. Valid until the next seqwin_add. */
struct seqwin_entry *seqwin_find(const struct seqwin *window, uint16_t sequence, uint32_t token);

/* Forgets every probe; numbering goes on. */
void seqwin_forget(struct seqwin *window);

#endif
