/* schema: the keys of comps.yaml, one row each, and the reader that goes by the rows.
 *
 * The rows are the only list of keys: the parser, the defaults, the messages and the check that
 * comps.yaml(5) and etc/comps.yaml are complete all come from them. A new key is one row in keys.c.
 */
#ifndef COMPS_CONF_SCHEMA_H
#define COMPS_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/diag.h"
#include "conf/yaml.h"
#include "policies/policy.h"

/* What every reader of a value may need. */
struct conf_reader {
	const char *file; /* the comps.yaml */
	uid_t owner;	  /* whose it is */
	struct diags *d;
	const struct policy_ops *const *policies;
};

struct schema_key;

/* Puts the value of `node` into `field`, or complains. */
typedef void (*schema_read_fn)(struct conf_reader *r, const struct schema_key *key,
			       const struct conf_node *node, void *field);

struct schema_section {
	const struct schema_key *keys;
	size_t count;
};

struct schema_key {
	const char *name;
	const char *type;		      /* for people: "a duration" */
	schema_read_fn read;		      /* NULL: a mapping, read by its section's rows */
	size_t offset;			      /* of the field in the section's struct */
	const struct schema_section *section; /* the keys inside; NULL: none */
	double min, max;		      /* both allowed; microseconds, bytes, or plain */
	const char *const *choices;	      /* NULL-ended */
	const char *preset;		      /* the default as one would write it; NULL: none */
	bool required;
	const char *help; /* one sentence, as in comps.yaml(5) */
};

/* Reads a mapping by its rows into the struct at `base`, in the order of the rows; an unknown key
 * is an error. Keys that are not there get their default; so does everything when `node` is NULL.
 */
void schema_read(struct conf_reader *r, const struct schema_section *section,
		 const struct conf_node *node, void *base);

/* An error at the value of `node`, with its place in the tree in front: "paths[1].proxy: ...". */
void schema_error(struct conf_reader *r, const struct conf_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of a scalar, or NULL with an error that says what is wanted. */
const char *schema_text(struct conf_reader *r, const struct schema_key *key,
			const struct conf_node *node);

/* Where a list is allowed, one value may stand by itself: how many there are, and the i-th. A key
 * with nothing behind it is an empty list. */
size_t schema_item_count(const struct conf_node *node);
const struct conf_node *schema_item(const struct conf_node *node, size_t i);

/* True for a key with nothing behind it. */
bool schema_is_empty(const struct conf_node *node);

#endif
