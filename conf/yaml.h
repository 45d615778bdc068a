/* yaml: a YAML file as a tree of nodes that know their place.
 *
 * Strict: one document; no anchors, aliases, tags, tabs in the indentation or duplicate keys; UTF-8
 * only; bounded in size, depth and number of nodes. A scalar is text: what it means is decided by
 * the key that it belongs to, so that `no` and `1e3` are never taken for something else.
 */
#ifndef COMPS_CONF_YAML_H
#define COMPS_CONF_YAML_H

#include <stddef.h>

#include "conf/diag.h"

#define CONF_YAML_MAX_BYTES (1 << 20)
#define CONF_YAML_MAX_DEPTH 16
#define CONF_YAML_MAX_NODES 20000 /* 1000 paths with every key take some 12000 */

enum conf_node_kind {
	CONF_NODE_SCALAR,
	CONF_NODE_MAPPING,
	CONF_NODE_SEQUENCE,
};

struct conf_node {
	enum conf_node_kind kind;
	int line, column; /* of the value, from 1 */
	char *text;	  /* CONF_NODE_SCALAR */

	struct conf_node *parent; /* NULL: the root */
	size_t index;		  /* among its parent's children */
	char *key;		  /* in a mapping; else NULL */
	int key_line, key_column;

	struct conf_node **children; /* in the order of the file */
	size_t count;
};

/* Reads `text`, which need not end in a NUL; `file` is its name in messages. Returns 0 with *out to
 * be freed by conf_node_free, possibly with errors in `d` that do not hinder further checks (the
 * second of two equal keys is dropped); -EINVAL with errors in `d` when there is no tree; -ENOMEM.
 */
int conf_yaml_parse(const char *file, const char *text, size_t text_bytes, struct diags *d,
		    struct conf_node **out);

/* NULL is allowed. */
void conf_node_free(struct conf_node *node);

/* The child of that key, or NULL (also where `node` is NULL or no mapping). */
const struct conf_node *conf_node_get(const struct conf_node *node, const char *key);

/* Takes the child of that key out of the mapping and frees it, if there is one. */
void conf_node_drop(struct conf_node *mapping, const char *key);

/* Moves the pairs of `from` into `mapping` where it has none of that key; mappings under the same
 * key likewise. The rest stays in `from`. Returns 0 or -ENOMEM. */
int conf_node_complete(struct conf_node *mapping, struct conf_node *from);

/* Writes where the node is, as people say it: "paths[1].interface"; "" for the root. */
void conf_node_path(const struct conf_node *node, char *out, size_t out_bytes);

#endif
