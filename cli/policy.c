#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/policy_text.h"
#include "cli/view.h"
#include "core/report.h"
#include "policies/registry.h"

static void print_policy(const struct cli *cli, json_t *policy)
{
	struct view view = {.out = cli->out, .color = cli->color};
	const char *name = format_string(policy, "name"), *key;
	json_t *params = json_object_get(policy, "params"), *value;
	char text[64];

	view_line(&view, VIEW_BOLD, "%s", name);
	view_line(&view, VIEW_PLAIN, "  %s", format_string(policy, "help"));
	json_object_foreach(params, key, value)
	{
		policy_text_param(name, key, value, text, sizeof(text));
		view_line(&view, VIEW_PLAIN, "    %-12s %s", key, text);
	}
}

int policy_show(struct cli *cli)
{
	json_t *reply, *policy;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "policy"), "policy", &reply);

	if (rc != CLI_OK)
		return rc;
	policy = json_object_get(reply, "policy");
	if (cli->json)
		cli_print_json(cli, policy);
	else
		print_policy(cli, policy);
	json_decref(reply);
	return CLI_OK;
}

/* What may be written: "10ms..1h", "fixed|uniform|exponential", or the type. */
static void range_of(const json_t *param, char *out, size_t out_bytes)
{
	const char *type = format_string(param, "type");
	const json_t *choices = json_object_get(param, "choices"), *choice;
	char min[32], max[32];
	size_t i, used = 0;

	snprintf(out, out_bytes, "%s", type);
	json_array_foreach(choices, i, choice) if (used < out_bytes && json_is_string(choice))
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used ? "|" : "",
					 json_string_value(choice));
	if (!json_is_number(json_object_get(param, "min")))
		return;
	policy_text_value(type, json_object_get(param, "min"), min, sizeof(min));
	policy_text_value(type, json_object_get(param, "max"), max, sizeof(max));
	snprintf(out, out_bytes, "%s..%s", min, max);
}

static void print_param(struct view *view, const json_t *param)
{
	char range[256], preset[64];

	range_of(param, range, sizeof(range));
	policy_text_value(format_string(param, "type"), json_object_get(param, "default"), preset,
			  sizeof(preset));
	view_line(view, VIEW_PLAIN, "    %-12s %s (%s; default %s)", format_string(param, "name"),
		  format_string(param, "help"), range, preset);
}

static void print_list(const struct cli *cli, const json_t *policies)
{
	struct view view = {.out = cli->out, .color = cli->color};
	const json_t *policy, *param;
	size_t i, j;

	json_array_foreach(policies, i, policy)
	{
		view_line(&view, VIEW_BOLD, "%s", format_string(policy, "name"));
		view_line(&view, VIEW_PLAIN, "  %s", format_string(policy, "help"));
		json_array_foreach(json_object_get(policy, "params"), j, param)
			print_param(&view, param);
	}
}

static json_t *built_in(void)
{
	const struct policy_ops *const *ops = registry_all();
	json_t *list = json_array();

	for (; *ops; ops++)
		json_array_append_new(list, report_policy_declaration(*ops));
	return json_pack("{s:o}", "policies", list);
}

int policy_list(struct cli *cli)
{
	json_t *reply, *policies;
	int rc = cli_ask(cli, json_pack("{s:s}", "cmd", "policy-list"), "policies", &reply);

	if (rc == CLI_NO_DAEMON)
		reply = built_in();
	else if (rc != CLI_OK)
		return rc;
	policies = json_object_get(reply, "policies");
	if (cli->json)
		cli_print_json(cli, policies);
	else
		print_list(cli, policies);
	json_decref(reply);
	return CLI_OK;
}

/* Adds the word KEY=VALUE as {key: text}. Returns false when it is not of that form. */
static bool add_param(json_t *params, const char *word)
{
	const char *equals = strchr(word, '=');
	char key[64];

	if (!equals || equals == word || equals - word >= (int)sizeof(key))
		return false;
	snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
	return json_object_set_new(params, key, json_string(equals + 1)) == 0;
}

int policy_set(struct cli *cli)
{
	json_t *params = json_object();

	for (int i = 1; i < cli->word_count; i++)
		if (!add_param(params, cli->words[i])) {
			json_decref(params);
			return cli_error(cli, CLI_USAGE,
					 "policy set: \"%s\" is not of the form KEY=VALUE",
					 cli->words[i]);
		}
	return cli_do(cli,
		      json_pack("{s:s, s:s, s:o}", "cmd", "policy-set", "name", cli->words[0],
				"params", params),
		      "the policy is %s", cli->words[0]);
}
