/* nearest: which known word a misspelt one was meant to be. */
#ifndef COMPS_CONF_NEAREST_H
#define COMPS_CONF_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 2 /* edits; a word further away is not a misspelling */

/* Edits that make `a` into `b`: insert, delete, replace, or swap two neighbours (optimal string
 * alignment). Words over 63 characters are further than NEAREST_MAX from everything. */
size_t nearest_distance(const char *a, const char *b);

/* A sentence for an unknown word: `did you mean "X"? known: A, B, C`. `known` and `count` are the
 * words to choose from; the list is cut where `out` is full. */
void nearest_hint(const char *word, const char *const *known, size_t count, char *out,
		  size_t out_bytes);

#endif
