/* units: durations and sizes as people write them: `250ms`, `10s`, `1MiB`.
 *
 * A bare number is refused: a configuration must not leave the unit to memory.
 */
#ifndef COMPS_LIB_UNITS_H
#define COMPS_LIB_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define UNITS_TEXT_BYTES 32 /* holds every text that these functions write, with its NUL */

/* Reads a number, with a decimal fraction if need be, and one unit of us, ms, s, m, h or d: `1.5s`.
 * Not negative. Returns 0; -EINVAL or -ERANGE with a sentence in `e`. */
int units_parse_duration(const char *text, int64_t *us, struct err *e);

/* Reads a number, with a decimal fraction if need be, and one unit of B, KiB, MiB or GiB (powers of
 * 1024; IEC 80000-13). Returns 0; -EINVAL or -ERANGE with a sentence in `e`. */
int units_parse_size(const char *text, uint64_t *bytes, struct err *e);

/* Writes a text that reads back as the same duration (not negative), in the largest unit that makes
 * it a whole number: 1500000 is "1500ms", 60000000 is "1m". */
void units_format_duration(int64_t us, char out[UNITS_TEXT_BYTES]);

/* The same for a size: 1048576 is "1MiB". */
void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES]);

#endif
