#include "conf/schema.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/nearest.h"

#define NAMES_MAX 32 /* keys of one section */

static const char *kind_name(const struct conf_node *node)
{
	return node->kind == CONF_NODE_SEQUENCE ? "a list"
	       : node->kind == CONF_NODE_SCALAR ? "a single value"
						: "a group of keys";
}

void schema_error(struct conf_reader *r, const struct conf_node *node, const char *format, ...)
{
	char path[128], text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_node_path(node, path, sizeof(path));
	diag_error(r->d, r->file, node->line, node->column, "%s%s%s", path, path[0] ? ": " : "",
		   text);
}

bool schema_is_empty(const struct conf_node *node)
{
	return node->kind == CONF_NODE_SCALAR && node->text[0] == '\0';
}

const char *schema_text(struct conf_reader *r, const struct schema_key *key,
			const struct conf_node *node)
{
	if (node->kind != CONF_NODE_SCALAR) {
		schema_error(r, node, "%s is wanted here, not %s", key->type, kind_name(node));
		return NULL;
	}
	if (schema_is_empty(node)) {
		schema_error(r, node, "no value; %s is wanted", key->type);
		return NULL;
	}
	return node->text;
}

size_t schema_item_count(const struct conf_node *node)
{
	if (node->kind == CONF_NODE_SEQUENCE)
		return node->count;
	return schema_is_empty(node) ? 0 : 1;
}

const struct conf_node *schema_item(const struct conf_node *node, size_t i)
{
	return node->kind == CONF_NODE_SEQUENCE ? node->children[i] : node;
}

static const struct schema_key *find_key(const struct schema_section *section, const char *name)
{
	for (size_t i = 0; i < section->count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

static void complain_unknown(struct conf_reader *r, const struct schema_section *section,
			     const struct conf_node *child)
{
	const char *names[NAMES_MAX];
	char path[128], hint[256];
	size_t count = 0;

	for (size_t i = 0; i < section->count && count < NAMES_MAX; i++)
		names[count++] = section->keys[i].name;
	nearest_hint(child->key, names, count, hint, sizeof(hint));
	conf_node_path(child, path, sizeof(path));
	diag_error(r->d, r->file, child->key_line, child->key_column, "%s: unknown key; %s", path,
		   hint);
}

static void check_keys(struct conf_reader *r, const struct schema_section *section,
		       const struct conf_node *node)
{
	for (size_t i = 0; i < node->count; i++)
		if (!find_key(section, node->children[i]->key))
			complain_unknown(r, section, node->children[i]);
}

static void complain_missing(struct conf_reader *r, const struct conf_node *node,
			     const struct schema_key *key)
{
	schema_error(r, node, "%s is missing: %c%s", key->name, tolower(key->help[0]),
		     key->help + 1);
}

static void read_key(struct conf_reader *r, const struct schema_key *key,
		     const struct conf_node *node, void *field)
{
	if (key->read)
		key->read(r, key, node, field);
	else
		schema_read(r, key->section, node, field);
}

/* The default is read like a value, so that it is written down once. */
static void read_preset(struct conf_reader *r, const struct schema_key *key, void *field)
{
	struct conf_node node = {.kind = CONF_NODE_SCALAR, .text = (char *)key->preset};

	if (key->preset)
		key->read(r, key, &node, field);
	else if (!key->read)
		schema_read(r, key->section, NULL, field);
}

void schema_read(struct conf_reader *r, const struct schema_section *section,
		 const struct conf_node *node, void *base)
{
	const struct conf_node *child;

	if (node && node->kind == CONF_NODE_MAPPING) {
		check_keys(r, section, node);
	} else if (node && !schema_is_empty(node)) {
		schema_error(r, node, "a group of keys is wanted here, not %s", kind_name(node));
		node = NULL;
	}
	for (size_t i = 0; i < section->count; i++) {
		const struct schema_key *key = &section->keys[i];

		child = conf_node_get(node, key->name);
		if (child)
			read_key(r, key, child, (char *)base + key->offset);
		else if (key->required && node)
			complain_missing(r, node, key);
		else
			read_preset(r, key, (char *)base + key->offset);
	}
}
