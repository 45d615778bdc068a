#include "provision/hosts_file.h"

#include <string.h>

static void write_group(const struct provision_config *config, const struct state *state,
			enum provider_role role, FILE *out)
{
	fprintf(out, "[%s]\n", provider_role_name(role));
	for (size_t i = 0; i < config->node_count; i++) {
		const struct config_node *want = &config->nodes[i];
		const struct state_node *known = state_find(state, want->name);

		if (want->role != role || !known || !*known->ip)
			continue;
		fprintf(out, "%s ansible_host=%s ansible_port=%u ansible_user=%s wg_port=%u",
			want->name, known->ip, want->ssh.port, want->ssh.user, want->port);
		if (strcmp(want->ssh.key, config->ssh.key) != 0)
			fprintf(out, " ansible_ssh_private_key_file=\"%s\"", want->ssh.key);
		if (*known->host_key)
			fprintf(out, " host_key=\"%s\"", known->host_key);
		fputc('\n', out);
	}
}

void hosts_file_write(const struct provision_config *config, const struct state *state, FILE *out)
{
	write_group(config, state, PROVIDER_VPN, out);
	fputc('\n', out);
	write_group(config, state, PROVIDER_COMP, out);
}
