/* jsonl: lines of the control protocol (comps-control(7)) over a byte buffer, without a descriptor.
 *
 * A reader is fed bytes as they come, in any pieces, and gives complete lines. A writer is given
 * lines, shows the bytes that wait to be sent, and forgets those that were. One struct serves as
 * either. A line is UTF-8 text without NUL; what is in it is the caller's business.
 */
#ifndef COMPS_LIB_JSONL_H
#define COMPS_LIB_JSONL_H

#include <stddef.h>

/* The longest request, without its newline. A reply may be longer: a status grows with the number
 * of paths (some 600 bytes each). */
#define JSONL_REQUEST_MAX_BYTES 65536
#define JSONL_REPLY_MAX_BYTES	(4 << 20)

struct jsonl {
	size_t line_max; /* bytes, without the newline */
	char *bytes;
	size_t size;	     /* allocated */
	size_t begin, end;   /* what is kept: bytes[begin .. end - 1] */
	size_t newline_free; /* the first so many of those are known to hold no newline */
};

/* Allocates nothing yet. */
void jsonl_init(struct jsonl *j, size_t line_max);

void jsonl_fini(struct jsonl *j);

/* Reader: appends `count` bytes. A caller that takes all lines after each feed holds at most
 * line_max + count bytes. Returns 0 or -ENOMEM. */
int jsonl_feed(struct jsonl *j, const char *bytes, size_t count);

/* Reader: takes the next line, ended by a NUL in place of its newline; it is the reader's and valid
 * until the next call. Returns 1 with a line; 0 when none is complete; -EMSGSIZE when the next one,
 * complete or not, is longer than line_max; -EBADMSG when it holds a NUL. After an error there is
 * no way to go on: every further call gives the same. */
int jsonl_take(struct jsonl *j, const char **line, size_t *length);

/* Writer: appends `line` and a newline. Returns 0; -EMSGSIZE when it is longer than line_max;
 * -EINVAL when it holds a newline; -ENOMEM. */
int jsonl_put(struct jsonl *j, const char *line);

/* Writer: how many bytes wait, with *bytes at the first; valid until the next call. */
size_t jsonl_peek(const struct jsonl *j, const char **bytes);

/* Writer: forgets the first `count` waiting bytes, which were sent. */
void jsonl_drop(struct jsonl *j, size_t count);

#endif
