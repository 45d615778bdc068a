#include "conf/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
	yaml_parser_t parser;
	const char *file;
	const char *text;
	size_t text_bytes;
	struct diags *d;
	size_t node_count;
};

static int complain(struct builder *b, yaml_mark_t mark, const char *text)
{
	diag_error(b->d, b->file, (int)mark.line + 1, (int)mark.column + 1, "%s", text);
	return -EINVAL;
}

/* libyaml gives only a byte offset for text that is not UTF-8. */
static yaml_mark_t mark_of_offset(const struct builder *b, size_t offset)
{
	yaml_mark_t mark = {.index = offset};

	for (size_t i = 0; i < offset && i < b->text_bytes; i++) {
		mark.column++;
		if (b->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		}
	}
	return mark;
}

static int complain_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	char text[256];

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		snprintf(text, sizeof(text), "not UTF-8 text: %s", p->problem);
		return complain(b, mark_of_offset(b, p->problem_offset), text);
	}
	if (p->context)
		snprintf(text, sizeof(text), "not valid YAML: %s (%s from line %zu on)", p->problem,
			 p->context, p->context_mark.line + 1);
	else
		snprintf(text, sizeof(text), "not valid YAML: %s", p->problem);
	return complain(b, p->problem_mark, text);
}

static int next(struct builder *b, yaml_event_t *event)
{
	if (yaml_parser_parse(&b->parser, event))
		return 0;
	*event = (yaml_event_t){.type = YAML_NO_EVENT};
	return complain_syntax(b);
}

static struct conf_node *node_new(struct builder *b, enum conf_node_kind kind, yaml_mark_t mark)
{
	struct conf_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->line = (int)mark.line + 1;
	node->column = (int)mark.column + 1;
	b->node_count++;
	return node;
}

static int node_append(struct conf_node *parent, struct conf_node *child)
{
	struct conf_node **children =
		reallocarray(parent->children, parent->count + 1, sizeof(struct conf_node *));

	if (!children)
		return -ENOMEM;
	parent->children = children;
	child->parent = parent;
	child->index = parent->count;
	children[parent->count++] = child;
	return 0;
}

static int read_node(struct builder *b, const yaml_event_t *event, int depth,
		     struct conf_node **out);

static int read_sequence(struct builder *b, int depth, struct conf_node *sequence)
{
	struct conf_node *child = NULL;
	yaml_event_t event;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end) {
		rc = next(b, &event);
		end = event.type == YAML_SEQUENCE_END_EVENT;
		if (rc == 0 && !end)
			rc = read_node(b, &event, depth, &child);
		if (rc == 0 && !end && (rc = node_append(sequence, child)) < 0)
			conf_node_free(child);
		yaml_event_delete(&event);
	}
	return rc;
}

static void take_out(struct conf_node *parent, size_t index)
{
	for (parent->count--; index < parent->count; index++) {
		parent->children[index] = parent->children[index + 1];
		parent->children[index]->index = index;
	}
}

void conf_node_drop(struct conf_node *mapping, const char *key)
{
	size_t i;

	for (i = 0; i < mapping->count; i++) {
		if (strcmp(mapping->children[i]->key, key) != 0)
			continue;
		conf_node_free(mapping->children[i]);
		take_out(mapping, i);
		return;
	}
}

int conf_node_complete(struct conf_node *mapping, struct conf_node *from)
{
	size_t i = 0;
	int rc = 0;

	while (i < from->count && rc == 0) {
		struct conf_node *child = from->children[i];
		const struct conf_node *own = conf_node_get(mapping, child->key);

		if (!own) {
			rc = node_append(mapping, child);
			if (rc == 0)
				take_out(from, i);
		} else if (own->kind == CONF_NODE_MAPPING && child->kind == CONF_NODE_MAPPING) {
			rc = conf_node_complete(mapping->children[own->index], child);
		}
		i += own != NULL;
	}
	return rc;
}

static int set_key(const yaml_event_t *event, struct conf_node *child)
{
	const char *key = (const char *)event->data.scalar.value;

	child->key = strdup(key);
	child->key_line = (int)event->start_mark.line + 1;
	child->key_column = (int)event->start_mark.column + 1;
	return child->key ? 0 : -ENOMEM;
}

/* Takes over the child. */
static int add_pair(struct builder *b, const yaml_event_t *key, struct conf_node *mapping,
		    struct conf_node *child)
{
	const struct conf_node *first =
		conf_node_get(mapping, (const char *)key->data.scalar.value);
	char text[128];
	int rc;

	if (first) {
		snprintf(text, sizeof(text), "the key \"%.40s\" is there twice, first on line %d",
			 first->key, first->key_line);
		complain(b, key->start_mark, text);
		conf_node_free(child);
		return 0;
	}
	rc = set_key(key, child);
	if (rc == 0)
		rc = node_append(mapping, child);
	if (rc < 0)
		conf_node_free(child);
	return rc;
}

static int read_pair(struct builder *b, const yaml_event_t *key, int depth,
		     struct conf_node *mapping)
{
	struct conf_node *child;
	yaml_event_t event;
	int rc;

	if (key->type != YAML_SCALAR_EVENT)
		return complain(b, key->start_mark, "a key must be one word");
	rc = next(b, &event);
	if (rc == 0)
		rc = read_node(b, &event, depth, &child);
	if (rc == 0)
		rc = add_pair(b, key, mapping, child);
	yaml_event_delete(&event);
	return rc;
}

static int read_mapping(struct builder *b, int depth, struct conf_node *mapping)
{
	yaml_event_t event;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end) {
		rc = next(b, &event);
		end = event.type == YAML_MAPPING_END_EVENT;
		if (rc == 0 && !end)
			rc = read_pair(b, &event, depth, mapping);
		yaml_event_delete(&event);
	}
	return rc;
}

static int read_scalar(struct builder *b, const yaml_event_t *event, struct conf_node *scalar)
{
	const char *value = (const char *)event->data.scalar.value;

	if (strlen(value) != event->data.scalar.length)
		return complain(b, event->start_mark, "a NUL character has no place in a value");
	scalar->text = strdup(value);
	return scalar->text ? 0 : -ENOMEM;
}

/* Anchors and tags are of no use in a configuration, and a way to mean something else than what one
 * reads. */
static void refuse_anchor_and_tag(struct builder *b, const yaml_event_t *event)
{
	const yaml_char_t *anchor, *tag;

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	} else {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	}
	if (anchor)
		complain(b, event->start_mark, "anchors (&name) are not accepted; write it out");
	if (tag)
		complain(b, event->start_mark, "tags (!name) are not accepted");
}

/* `event` starts the node. */
static int read_node(struct builder *b, const yaml_event_t *event, int depth,
		     struct conf_node **out)
{
	enum conf_node_kind kind = event->type == YAML_SCALAR_EVENT	     ? CONF_NODE_SCALAR
				   : event->type == YAML_MAPPING_START_EVENT ? CONF_NODE_MAPPING
									     : CONF_NODE_SEQUENCE;
	struct conf_node *node;
	int rc;

	if (event->type == YAML_ALIAS_EVENT)
		return complain(b, event->start_mark, "aliases (*name) are not accepted");
	if (depth > CONF_YAML_MAX_DEPTH)
		return complain(b, event->start_mark, "nested too deeply");
	if (b->node_count >= CONF_YAML_MAX_NODES)
		return complain(b, event->start_mark, "too many values in one file");
	refuse_anchor_and_tag(b, event);
	node = node_new(b, kind, event->start_mark);
	if (!node)
		return -ENOMEM;
	if (kind == CONF_NODE_SCALAR)
		rc = read_scalar(b, event, node);
	else if (kind == CONF_NODE_MAPPING)
		rc = read_mapping(b, depth + 1, node);
	else
		rc = read_sequence(b, depth + 1, node);
	if (rc < 0)
		conf_node_free(node);
	else
		*out = node;
	return rc;
}

/* Takes the next event, which must be of `type`; else complains with `text`. */
static int expect(struct builder *b, yaml_event_type_t type, const char *text)
{
	yaml_event_t event;
	int rc = next(b, &event);

	if (rc == 0 && event.type != type)
		rc = complain(b, event.start_mark, text);
	yaml_event_delete(&event);
	return rc;
}

static int read_document(struct builder *b, struct conf_node **out)
{
	struct conf_node *root = NULL;
	yaml_event_t event;
	int rc = expect(b, YAML_STREAM_START_EVENT, "not a YAML stream");

	if (rc == 0)
		rc = expect(b, YAML_DOCUMENT_START_EVENT, "the file is empty");
	if (rc < 0)
		return rc;
	rc = next(b, &event);
	if (rc == 0)
		rc = read_node(b, &event, 0, &root);
	yaml_event_delete(&event);
	if (rc == 0)
		rc = expect(b, YAML_DOCUMENT_END_EVENT, "not a YAML document");
	if (rc == 0)
		rc = expect(b, YAML_STREAM_END_EVENT,
			    "a second document; the whole configuration must be one");
	if (rc < 0)
		conf_node_free(root);
	else
		*out = root;
	return rc;
}

/* libyaml's own message for these is hard to understand. */
static int refuse_tabs(const char *file, const char *text, size_t text_bytes, struct diags *d)
{
	bool indentation = true;
	int line = 1, column = 0, rc = 0;

	for (size_t i = 0; i < text_bytes; i++) {
		column++;
		if (indentation && text[i] == '\t') {
			diag_error(d, file, line, column, "a tab in the indentation; use spaces");
			rc = -EINVAL;
		}
		indentation = text[i] == '\n' || (indentation && text[i] == ' ');
		if (text[i] == '\n') {
			line++;
			column = 0;
		}
	}
	return rc;
}

int conf_yaml_parse(const char *file, const char *text, size_t text_bytes, struct diags *d,
		    struct conf_node **out)
{
	struct builder b = {.file = file, .text = text, .text_bytes = text_bytes, .d = d};
	int rc;

	if (text_bytes > CONF_YAML_MAX_BYTES) {
		diag_error(d, file, 0, 0, "larger than %d bytes", CONF_YAML_MAX_BYTES);
		return -EINVAL;
	}
	if (refuse_tabs(file, text, text_bytes, d) < 0)
		return -EINVAL;
	if (!yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, text_bytes);
	rc = read_document(&b, out);
	yaml_parser_delete(&b.parser);
	return rc;
}

void conf_node_free(struct conf_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++)
		conf_node_free(node->children[i]);
	free(node->children);
	free(node->text);
	free(node->key);
	free(node);
}

const struct conf_node *conf_node_get(const struct conf_node *node, const char *key)
{
	if (!node || node->kind != CONF_NODE_MAPPING)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (strcmp(node->children[i]->key, key) == 0)
			return node->children[i];
	return NULL;
}

void conf_node_path(const struct conf_node *node, char *out, size_t out_bytes)
{
	char above[128];

	out[0] = '\0';
	if (!node || !node->parent)
		return;
	conf_node_path(node->parent, above, sizeof(above));
	if (node->key)
		snprintf(out, out_bytes, "%s%s%.40s", above, above[0] ? "." : "", node->key);
	else
		snprintf(out, out_bytes, "%s[%zu]", above, node->index);
}
