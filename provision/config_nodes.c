#include "provision/config_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "provision/config_values.h"

static const struct schema_key node_keys[] = {
	{.name = "name",
	 .type = "a name",
	 .read = config_values_name,
	 .required = true,
	 .offset = offsetof(struct config_node, name),
	 .help = "What the server is called."},
	{.name = "region",
	 .type = "a region",
	 .read = config_values_slug,
	 .required = true,
	 .offset = offsetof(struct config_node, region),
	 .help = "Where it stands, such as nyc3."},
	{.name = "size",
	 .type = "a size",
	 .read = config_values_size,
	 .offset = offsetof(struct config_node, size),
	 .help = "How large it is, where it differs from the size of all."},
};

const struct schema_section config_nodes_section = {node_keys,
						    sizeof(node_keys) / sizeof(node_keys[0])};

static struct config_node *add_node(struct conf_reader *r, struct provision_config *config)
{
	struct config_node *grown =
		reallocarray(config->nodes, config->node_count + 1, sizeof(*grown));

	if (!grown) {
		r->d->out_of_memory = true;
		return NULL;
	}
	config->nodes = grown;
	grown += config->node_count++;
	*grown = (struct config_node){.index = 0};
	return grown;
}

static void read_node(struct conf_reader *r, const struct conf_node *item,
		      struct provision_config *config, enum provider_role role, unsigned int index)
{
	struct config_node *node = add_node(r, config);

	if (!node)
		return;
	node->role = role;
	node->index = index;
	node->line = item->line;
	node->column = item->column;
	node->port = config->port;
	node->ssh = config->ssh;
	schema_read(r, &config_nodes_section, item, node);
	if (!*node->size)
		strcpy(node->size, config->size);
}

static bool is_list(struct conf_reader *r, const struct conf_node *node)
{
	if (node->kind == CONF_NODE_SEQUENCE)
		return true;
	schema_error(r, node,
		     "a list of servers is wanted here, such as - {name: ams, region: ams3}");
	return false;
}

VALUE_READER(config_nodes_proxies)
{
	(void)key;
	if (!is_list(r, node))
		return;
	if (node->count < 1 || node->count > CONFIG_PROXIES_MAX) {
		schema_error(r, node,
			     "%zu proxies; 1 to %d are accepted (the tunnel addresses .5 to .99)",
			     node->count, CONFIG_PROXIES_MAX);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		read_node(r, node->children[i], field, PROVIDER_VPN, (unsigned int)i);
}

VALUE_READER(config_nodes_exit)
{
	struct provision_config *config = field;

	(void)key;
	if (!is_list(r, node))
		return;
	if (node->count != 1)
		schema_error(r, node, "%zu exits; all paths lead to exactly one", node->count);
	else
		read_node(r, node->children[0], config, PROVIDER_COMP, 0);
}

static void check_names(struct conf_reader *r, const struct provision_config *config)
{
	for (size_t i = 1; i < config->node_count; i++) {
		const struct config_node *a = &config->nodes[i];

		for (size_t j = 0; j < i; j++)
			if (*a->name && strcmp(a->name, config->nodes[j].name) == 0)
				diag_error(r->d, r->file, a->line, a->column,
					   "the name %s is taken by the server on line %d", a->name,
					   config->nodes[j].line);
	}
}

/* The original's example says clients, its program reads comps: both are accepted, and where both
 * are there they must say the same. The reader has added the exit once for each. */
void config_nodes_check(struct conf_reader *r, const struct conf_node *root,
			struct provision_config *config)
{
	const struct conf_node *comps = conf_node_get(root, "comps");
	const struct conf_node *clients = conf_node_get(root, "clients");
	const struct config_node *a, *b;

	if (clients)
		diag_note(r->d, r->file, clients->key_line, clients->key_column,
			  "clients is the old example's name; the exit stands under comps");
	if (!comps && !clients)
		schema_error(r, root,
			     "comps is missing: the list with the exit, such as "
			     "comps: [{name: exit, region: nyc1}]");
	if (comps && clients && config->node_count >= 2 &&
	    config->nodes[config->node_count - 2].role == PROVIDER_COMP) {
		a = &config->nodes[config->node_count - 2];
		b = &config->nodes[config->node_count - 1];
		if (strcmp(a->name, b->name) != 0 || strcmp(a->region, b->region) != 0)
			schema_error(r, clients, "differs from comps (line %d); keep one of them",
				     comps->line);
		config->node_count--;
	}
	check_names(r, config);
}
