#include "conf/plugins.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL	    "policy_plugin"
#define NAME_CHARS  31
#define PARAMS_MAX  64
#define STATE_MAX   (16 << 20)
#define CHOICES_MAX 64

#define POINTER_BYTES sizeof(void *) /* of one entry of the list */

int plugins_init(struct plugins *plugins, const struct policy_ops *const *built_in)
{
	size_t count = 0;

	while (built_in[count])
		count++;
	plugins->policies = calloc(count + 1, POINTER_BYTES);
	plugins->count = count;
	if (!plugins->policies)
		return -ENOMEM;
	memcpy(plugins->policies, built_in, count * POINTER_BYTES);
	return 0;
}

void plugins_fini(struct plugins *plugins)
{
	free(plugins->policies);
	*plugins = (struct plugins){NULL, 0};
}

/* --- the file --------------------------------------------------------------------------------- */

static int check_owner(const char *file, const char *what, const struct stat *st, struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, -EPERM, "%s: %s belongs to user %u, not to root or to us", file,
			       what, (unsigned int)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, -EPERM, "%s: others may write %s (mode %04o); chmod go-w it",
			       file, what, (unsigned int)st->st_mode & 07777);
	return 0;
}

static int check_file(const char *file, struct err *err)
{
	char copy[PATH_MAX];
	struct stat st;
	int ret;

	if (lstat(file, &st) < 0)
		return err_set(err, -errno, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EBADMSG, "%s: is no regular file", file);
	ret = check_owner(file, "it", &st, err);
	if (ret || strlen(file) >= sizeof(copy))
		return ret ? ret : -ENAMETOOLONG;
	strcpy(copy, file);
	if (stat(dirname(copy), &st) < 0)
		return err_set(err, -errno, "%s: its folder: %s", file, strerror(errno));
	return check_owner(file, "its folder", &st, err);
}

/* --- what it declares ------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	size_t length = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;

	return length > 0 && length <= NAME_CHARS && name[length] == '\0' && name[0] != '-';
}

static bool is_sentence(const char *text)
{
	return text && *text && strlen(text) < 1024;
}

static bool is_range_sane(const struct policy_param *param)
{
	double preset =
		param->type == POLICY_NUMBER ? param->preset.number : (double)param->preset.count;

	return preset >= param->min && preset <= param->max;
}

static bool is_choice_sane(const struct policy_param *param)
{
	int count = 0;

	while (param->choices && count < CHOICES_MAX && param->choices[count]) {
		if (!is_name(param->choices[count++]))
			return false;
	}
	return count && count < CHOICES_MAX && param->preset.choice >= 0 &&
	       param->preset.choice < count;
}

static bool is_text_sane(const char *text)
{
	return text && strlen(text) <= POLICY_TEXT_MAX && !strpbrk(text, ",\n");
}

static bool is_preset_sane(const struct policy_param *param)
{
	switch (param->type) {
	case POLICY_DURATION:
	case POLICY_NUMBER:
	case POLICY_COUNT:
		return is_range_sane(param);
	case POLICY_FLAG:
		return true;
	case POLICY_CHOICE:
		return is_choice_sane(param);
	case POLICY_TEXT:
		return is_text_sane(param->preset.text);
	}
	return false;
}

static int check_params(const struct policy_ops *ops, struct err *err)
{
	size_t i, j;

	if (ops->param_count > PARAMS_MAX || (ops->param_count && !ops->params))
		return err_set(err, -EBADMSG, "it declares %zu parameters, up to %d are possible",
			       ops->param_count, PARAMS_MAX);
	for (i = 0; i < ops->param_count; i++) {
		const struct policy_param *param = &ops->params[i];

		if (!is_name(param->name) || strcmp(param->name, "name") == 0)
			return err_set(err, -EBADMSG, "its parameter %zu has no proper name",
				       i + 1);
		for (j = 0; j < i; j++) {
			if (strcmp(param->name, ops->params[j].name) == 0)
				return err_set(err, -EBADMSG, "it has two parameters \"%s\"",
					       param->name);
		}
		if (!is_sentence(param->help))
			return err_set(err, -EBADMSG, "its parameter \"%s\" has no help",
				       param->name);
		if (!is_preset_sane(param))
			return err_set(err, -EBADMSG,
				       "its parameter \"%s\" has a default that it does not accept",
				       param->name);
	}
	return 0;
}

int plugins_check(const struct policy_ops *ops, struct err *err)
{
	/* Nothing behind the first two members is known before they are. */
	if (ops->abi_major != POLICY_ABI_MAJOR || ops->abi_minor > POLICY_ABI_MINOR)
		return err_set(err, -EBADMSG,
			       "it is made for version %u.%u of policy.h, this program has %d.%d; "
			       "build it again",
			       ops->abi_major, ops->abi_minor, POLICY_ABI_MAJOR, POLICY_ABI_MINOR);
	if (!is_name(ops->name))
		return err_set(err, -EBADMSG,
			       "its name must be 1 to %d of a-z, 0-9, _ and -, the first not -",
			       NAME_CHARS);
	if (!is_sentence(ops->help) || !ops->decide)
		return err_set(err, -EBADMSG, "it has no %s", ops->decide ? "help" : "decide()");
	if (ops->state_size > STATE_MAX)
		return err_set(err, -EBADMSG, "it wants %zu bytes of state, up to %d are possible",
			       ops->state_size, STATE_MAX);
	return check_params(ops, err);
}

/* --- loading ---------------------------------------------------------------------------------- */

static int add(struct plugins *plugins, const struct policy_ops *ops, struct err *err)
{
	const struct policy_ops **larger;
	size_t i;
	int ret;

	if (!ops)
		return err_set(err, -EBADMSG, "it defines no " SYMBOL);
	ret = plugins_check(ops, err);
	if (ret)
		return ret;
	for (i = 0; i < plugins->count; i++) {
		if (strcmp(plugins->policies[i]->name, ops->name) == 0)
			return err_set(err, -EEXIST, "there is another policy \"%s\"", ops->name);
	}
	larger = reallocarray(plugins->policies, plugins->count + 2, POINTER_BYTES);
	if (!larger)
		return err_set(err, -ENOMEM, "out of memory");
	plugins->policies = larger;
	plugins->policies[plugins->count++] = ops;
	plugins->policies[plugins->count] = NULL;
	return 0;
}

int plugins_load(struct plugins *plugins, const char *file, struct err *err)
{
	char *path;
	void *handle;
	int ret = check_file(file, err);

	if (ret)
		return ret;
	path = realpath(file, NULL); /* without a slash dlopen() would search elsewhere */
	if (!path)
		return err_set(err, -errno, "%s: %s", file, strerror(errno));
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	free(path);
	if (!handle)
		return err_set(err, -EBADMSG, "%s", dlerror());
	ret = add(plugins, dlsym(handle, SYMBOL), err);
	if (ret)
		dlclose(handle);
	return ret ? err_prefix(err, ret, "%s", file) : 0;
}
