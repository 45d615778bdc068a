/* comps provision init, validate. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "provisioner/provision.h"
#include "provisioner/verbs.h"

int provision_init(struct provision *p)
{
	struct cli *cli = p->cli;
	const char *file = cli->word_count ? cli->words[0] : PROVISION_FILE_DEFAULT;
	const char *text = config_example();
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0 && errno == EEXIST)
		return cli_error(cli, CLI_FAILED, "%s is there already; it is left as it is", file);
	if (fd < 0)
		return cli_error(cli, CLI_FAILED, "%s: %s", file, strerror(errno));
	n = write(fd, text, strlen(text));
	if (close(fd) < 0 || n != (ssize_t)strlen(text)) {
		unlink(file);
		return cli_error(cli, CLI_FAILED, "%s: cannot be written", file);
	}
	fprintf(cli->err, "%s is written; edit it, then: comps provision plan %s\n", file, file);
	return CLI_OK;
}

int provision_validate(struct provision *p)
{
	const char *file = p->cli->inventory ? p->cli->inventory : p->config->file;
	size_t servers = p->config->node_count;
	json_t *json;

	if (!p->cli->json) {
		fprintf(p->cli->out, "%s: ok (network %s, %zu servers)\n", file, p->config->network,
			servers);
		return CLI_OK;
	}
	json = json_pack("{s:s, s:b, s:s, s:I}", "file", file, "ok", 1, "network",
			 p->config->network, "servers", (json_int_t)servers);
	cli_print_json(p->cli, json);
	json_decref(json);
	return CLI_OK;
}
