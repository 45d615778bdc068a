/* comps provision rekey. */
#include "provision/rekey.h"
#include "provisioner/provision.h"
#include "provisioner/verbs.h"

static int print_summary(struct provision *p, size_t done, int ret, const struct err *e)
{
	char again[1024], text[1024];
	json_t *json;

	if (p->cli->json) {
		json = json_pack("{s:s, s:b, s:s, s:I}", "event", "summary", "ok", ret == 0,
				 "error", ret ? e->text : "", "rekeyed", (json_int_t)done);
		cli_print_json(p->cli, json);
		json_decref(json);
	} else {
		fprintf(p->cli->err, "%zu server%s new keys\n", done,
			done == 1 ? " has" : "s have");
	}
	if (!ret)
		return CLI_OK;
	ret = provision_fail(p, ret, e);
	provision_way(p, "apply", again, sizeof(again));
	provision_way(p, "rekey", text, sizeof(text));
	fprintf(p->cli->err,
		"to finish what was begun: %s\n"
		"for the rest, then:       %s\n",
		again, text);
	return ret;
}

int provision_rekey(struct provision *p)
{
	struct err e;
	size_t done;
	int ret;

	if (p->cli->node && !job_want(&p->job, p->cli->node))
		return cli_error(p->cli, CLI_USAGE, "there is no server \"%s\"", p->cli->node);
	if (!provision_confirm(p, "This renews keys that are in use.", "yes"))
		return CLI_FAILED;
	ret = rekey_run(&p->job, p->cli->node, &done, &e);
	return print_summary(p, done, ret, &e);
}
