#include "provision/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/file.h"
#include "lib/key.h"
#include "provision/config_nodes.h"
#include "provision/config_values.h"

#define SECTION(array)                                                                             \
	{                                                                                          \
		(array), sizeof(array) / sizeof((array)[0])                                        \
	}
#define AT(type, field) .offset = offsetof(struct type, field)

/* The order of provider_all(). */
static const char *const providers[] = {"digitalocean", NULL};
static const char *const accepts[] = {"proxies", "any", NULL};		 /* config_accept */
static const char *const client_keys[] = {"per-tunnel", "shared", NULL}; /* config_client_keys */

static const struct schema_key ssh_keys[] = {
	{.name = "user",
	 .type = "a user",
	 .read = config_values_user,
	 .preset = "root",
	 AT(config_ssh, user),
	 .help = "Who logs in."},
	{.name = "port",
	 .type = "a port",
	 .read = value_count,
	 .preset = "22",
	 .min = 1,
	 .max = 65535,
	 AT(config_ssh, port),
	 .help = "Where sshd listens."},
	{.name = "key",
	 .type = "a file",
	 .read = config_values_text,
	 .preset = "~/.ssh/id_ed25519",
	 AT(config_ssh, key),
	 .help = "The private key; its public half is beside it, with .pub behind its name."},
	{.name = "proxy_jump",
	 .type = "a host",
	 .read = config_values_text,
	 AT(config_ssh, proxy_jump),
	 .help = "A host to go through, as in ssh -J."},
};

static const struct schema_section ssh_section = SECTION(ssh_keys);

/* size comes before the lists: it is the default of every server. */
static const struct schema_key top_keys[] = {
	{.name = "network",
	 .type = "a name",
	 .read = config_values_name,
	 .preset = "comps",
	 AT(provision_config, network),
	 .help = "What the network is called; part of the name of everything that is made."},
	{.name = "provider",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = providers,
	 .preset = "digitalocean",
	 AT(provision_config, provider),
	 .help = "Which cloud."},
	{.name = "token",
	 .type = "a token or $NAME",
	 .read = config_values_secret,
	 AT(provision_config, token),
	 .help = "The API token, or the environment variable that holds it."},
	{.name = "ssh_key_id",
	 .type = "a key's id",
	 .read = config_values_id,
	 AT(provision_config, ssh_key_id),
	 .help = "An ssh key that the account has already; else ssh.key is looked for or "
		 "uploaded."},
	{.name = "wait_timeout",
	 .type = "seconds",
	 .read = value_count,
	 .preset = "600",
	 .min = 30,
	 .max = 7200,
	 AT(provision_config, wait_timeout_s),
	 .help = "How long one server may take to be made."},
	{.name = "wireguard_subnet",
	 .type = "a subnet",
	 .read = config_values_subnet,
	 .preset = "10.45.0",
	 AT(provision_config, subnet),
	 .help = "The /24 of the tunnel addresses."},
	{.name = "wireguard_gateway_address",
	 .type = "an address",
	 .read = config_values_address,
	 .preset = "10.45.0.2/32",
	 AT(provision_config, gateway),
	 .help = "The address of every server inside its tunnel."},
	{.name = "wireguard_port",
	 .type = "a port",
	 .read = value_count,
	 .preset = "51820",
	 .min = 1,
	 .max = 65535,
	 AT(provision_config, port),
	 .help = "Where WireGuard listens on every server."},
	{.name = "size",
	 .type = "a size",
	 .read = config_values_size,
	 .preset = "s-1vcpu-1gb",
	 AT(provision_config, size),
	 .help = "How large a server is."},
	{.name = "image",
	 .type = "an image",
	 .read = config_values_image,
	 .preset = "debian-12-x64",
	 AT(provision_config, image),
	 .help = "What a server runs."},
	{.name = "vpc",
	 .type = "a VPC's id",
	 .read = config_values_slug,
	 AT(provision_config, vpc),
	 .help = "The private network that the servers are put into."},
	{.name = "ipv6",
	 .type = "true or false",
	 .read = value_flag,
	 .preset = "false",
	 AT(provision_config, ipv6),
	 .help = "Whether servers get an IPv6 address too; it cannot be taken back."},
	{.name = "psk",
	 .type = "true or false",
	 .read = value_flag,
	 .preset = "true",
	 AT(provision_config, psk),
	 .help = "Whether every tunnel has a pre-shared key."},
	{.name = "client_keys",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = client_keys,
	 .preset = "per-tunnel",
	 AT(provision_config, client_keys),
	 .help = "With shared, all proxies see the same client key, by which they can link it."},
	{.name = "admin_cidrs",
	 .type = "a prefix",
	 .read = config_values_prefixes,
	 .help = "From where ssh is allowed; from everywhere if not given."},
	{.name = "accept_from",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = accepts,
	 .preset = "proxies",
	 AT(provision_config, accept_from),
	 .help = "Who may reach WireGuard of the exit."},
	{.name = "ssh",
	 .section = &ssh_section,
	 AT(provision_config, ssh),
	 .help = "How to log in."},
	{.name = "server_interface",
	 .type = "an interface",
	 .read = value_interface,
	 .preset = "wg0",
	 AT(provision_config, server_interface),
	 .help = "The WireGuard interface on the servers."},
	{.name = "mtu",
	 .type = "bytes",
	 .read = value_count,
	 .preset = "1420",
	 .min = 1360,
	 .max = 8920,
	 AT(provision_config, mtu),
	 .help = "The MTU of the tunnels to the proxies; the exit's is 80 less."},
	{.name = "host_key-checking",
	 .type = "true or false",
	 .read = config_values_host_keys,
	 .help = "Not accepted: host keys are always checked."},
	{.name = "vpns",
	 .section = &config_nodes_section,
	 .read = config_nodes_proxies,
	 .required = true,
	 .help = "The list of proxies."},
	{.name = "comps",
	 .section = &config_nodes_section,
	 .read = config_nodes_exit,
	 .help = "The list with the exit."},
	{.name = "clients",
	 .section = &config_nodes_section,
	 .read = config_nodes_exit,
	 .help = "The old name of comps."},
};

#define TOP_COUNT (sizeof(top_keys) / sizeof(top_keys[0]))

/* An address in the subnet that is neither a client's nor the exit's. */
static void check_gateway(struct conf_reader *r, const struct conf_node *root,
			  const struct provision_config *config)
{
	const struct conf_node *node = conf_node_get(root, "wireguard_gateway_address");
	const struct conf_node *subnet = conf_node_get(root, "wireguard_subnet");
	unsigned int last = config->gateway.ip.bytes[3];
	char text[IP_PREFIX_TEXT_BYTES];

	if (!ip_prefix_contains(&config->subnet, &config->gateway.ip))
		schema_error(r,
			     node     ? node
			     : subnet ? subnet
				      : root,
			     "the servers' address is not in %s; give both wireguard_subnet and "
			     "wireguard_gateway_address",
			     ip_prefix_format(&config->subnet, text));
	else if (last == 0 || last == 255 || (last >= 5 && last <= 100))
		schema_error(r, node ? node : root,
			     "the last number is %u; .5 to .100 are the clients', .0 and .255 are "
			     "no addresses",
			     last);
}

static void check_admins(struct conf_reader *r, const struct conf_node *root,
			 struct provision_config *config)
{
	static const char *const everywhere[] = {"0.0.0.0/0", "::/0"};

	if (conf_node_get(root, "admin_cidrs") && config->admin_count > 0)
		return;
	if (conf_node_get(root, "admin_cidrs"))
		return; /* what was wrong with it has been said, or ssh is for nobody */
	diag_note(r->d, r->file, 0, 0,
		  "admin_cidrs is not given: ssh of every server is open to the whole internet");
	config->admins = calloc(2, sizeof(*config->admins));
	if (!config->admins) {
		r->d->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < 2; i++)
		ip_prefix_parse(everywhere[i], &config->admins[config->admin_count++]);
}

/* A token in the file makes the file a secret. */
static void check_secret(struct conf_reader *r, const struct conf_node *root,
			 const struct conf_file *content, const struct provision_config *config)
{
	struct err e;

	if (config->token && config->token[0] != '$' &&
	    conf_file_check_secret(r->file, content, geteuid(), &e) < 0)
		schema_error(r, conf_node_get(root, "token"),
			     "the file holds a token, and others may read it; run: chmod 600 %s",
			     r->file);
}

/* Without its servers, which come from elsewhere. */
static void read_for_hosts(struct conf_reader *r, const struct conf_node *root,
			   struct provision_config *config)
{
	struct schema_key keys[TOP_COUNT];
	const struct schema_section section = {keys, TOP_COUNT};

	memcpy(keys, top_keys, sizeof(keys));
	for (size_t i = 0; i < TOP_COUNT; i++)
		if (keys[i].section == &config_nodes_section)
			keys[i].required = false;
	schema_read(r, &section, root, config);
	config->node_count = 0;
}

static void read_config(struct conf_reader *r, const struct conf_node *root,
			const struct conf_file *content, bool hosts,
			struct provision_config *config)
{
	const struct schema_section section = {top_keys, TOP_COUNT};

	if (hosts)
		read_for_hosts(r, root, config);
	else
		schema_read(r, &section, root, config);
	if (root->kind != CONF_NODE_MAPPING)
		return;
	check_gateway(r, root, config);
	check_secret(r, root, content, config);
	if (hosts)
		return;
	config_nodes_check(r, root, config);
	check_admins(r, root, config);
}

/* With `file` NULL a file that says nothing. */
static int read_content(const char *file, struct conf_file *content, struct diags *d)
{
	struct err e;
	int ret;

	if (!file) {
		content->text = strdup("{}");
		content->bytes = 2;
		return content->text ? 0 : -ENOMEM;
	}
	ret = conf_file_read(file, CONF_YAML_MAX_BYTES, content, &e);
	if (ret && ret != -ENOMEM)
		diag_error(d, file, 0, 0, "%s", e.text);
	return ret;
}

int config_load(const char *file, bool hosts, struct diags *d, struct provision_config **out)
{
	const char *name = file ? file : "";
	struct conf_reader r = {.file = name, .d = d};
	struct provision_config *config = calloc(1, sizeof(*config));
	struct conf_file content = {.text = NULL};
	struct conf_node *root = NULL;
	int ret = -ENOMEM;

	if (!config || !(config->file = strdup(name)) || (file && !diags_add_file(d, file)))
		goto out;
	ret = read_content(file, &content, d);
	if (!ret)
		ret = conf_yaml_parse(name, content.text, content.bytes, d, &root);
	if (!ret)
		read_config(&r, root, &content, hosts, config);
	if (!ret && diags_failed(d))
		ret = d->out_of_memory ? -ENOMEM : -EINVAL;
out:
	diags_sort(d);
	conf_node_free(root);
	conf_file_fini(&content);
	if (ret)
		config_free(config);
	else
		*out = config;
	return ret;
}

static int expand(struct config_ssh *ssh, const char *home, struct err *e)
{
	char full[CONFIG_TEXT_BYTES];
	int length;

	if (strncmp(ssh->key, "~/", 2) != 0)
		return 0;
	length = home ? snprintf(full, sizeof(full), "%s%s", home, ssh->key + 1) : -1;
	if (length < 0)
		return err_set(e, -EINVAL, "%s: HOME is not set", ssh->key);
	if ((size_t)length >= sizeof(full))
		return err_set(e, -EINVAL, "%s: the name is too long with the home directory",
			       ssh->key);
	strcpy(ssh->key, full);
	return 0;
}

int config_expand_home(struct provision_config *config, const char *home, struct err *e)
{
	int ret = expand(&config->ssh, home, e);

	for (size_t i = 0; !ret && i < config->node_count; i++)
		ret = expand(&config->nodes[i].ssh, home, e);
	return ret;
}

void config_free(struct provision_config *config)
{
	if (!config)
		return;
	if (config->token)
		key_wipe(config->token, strlen(config->token));
	free(config->token);
	free(config->admins);
	free(config->nodes);
	free(config->file);
	free(config);
}

const char *config_example(void)
{
	return "# Servers of a CoMPS network; comps-provision(1) explains every key.\n"
	       "network: comps\n"
	       "\n"
	       "# An API token, or the environment variable that holds it. --token-file and\n"
	       "# $DIGITALOCEAN_TOKEN come first.\n"
	       "token: $DO_TOKEN\n"
	       "\n"
	       "# From where the servers may be reached by ssh: your own addresses.\n"
	       "# admin_cidrs: [198.51.100.7/32]\n"
	       "\n"
	       "ssh:\n"
	       "  key: ~/.ssh/id_ed25519\n"
	       "\n"
	       "wireguard_subnet: 10.45.0\n"
	       "wireguard_gateway_address: 10.45.0.2/32\n"
	       "wireguard_port: 51820\n"
	       "\n"
	       "size: s-1vcpu-1gb\n"
	       "image: debian-12-x64\n"
	       "\n"
	       "# The proxies, one for each path, and the exit.\n"
	       "vpns:\n"
	       "  - {name: nyc, region: nyc3}\n"
	       "  - {name: sfo, region: sfo3}\n"
	       "  - {name: fra, region: fra1}\n"
	       "comps:\n"
	       "  - {name: exit, region: nyc1}\n";
}
