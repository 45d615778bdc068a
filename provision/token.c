#include "provision/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/file.h"
#include "lib/key.h"

#define TOKEN_MAX_BYTES 512

void token_free(char *token)
{
	if (!token)
		return;
	key_wipe(token, strlen(token));
	free(token);
}

/* Copies it without the blanks around it. A byte that cannot stand in a header is refused. */
static int take(const char *text, size_t length, const char *from, char **out, struct err *e)
{
	while (length && strchr(" \t\r\n", text[length - 1]))
		length--;
	while (length && strchr(" \t\r\n", *text)) {
		text++;
		length--;
	}
	if (!length || length > TOKEN_MAX_BYTES)
		return err_set(e, -EINVAL, "the token in %s has %zu characters; 1 to %d are right",
			       from, length, TOKEN_MAX_BYTES);
	for (size_t i = 0; i < length; i++)
		if (text[i] <= 0x20 || text[i] > 0x7e)
			return err_set(e, -EINVAL,
				       "the token in %s has a blank or a character that no token "
				       "has",
				       from);
	*out = strndup(text, length);
	return *out ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int from_file(const char *path, char **out, struct err *e)
{
	struct conf_file file;
	int ret = conf_file_read(path, 4096, &file, e);

	if (ret)
		return err_prefix(e, ret, "%s", path);
	if (file.stat.st_mode & 077)
		ret = err_set(e, -EPERM, "%s: others may read the token; run: chmod 600 %s", path,
			      path);
	else
		ret = take(file.text, file.bytes, path, out, e);
	conf_file_fini(&file);
	return ret;
}

static int from_config(const struct provision_config *config, token_getenv_fn getenv_fn, char **out,
		       struct err *e)
{
	const char *text = config->token, *from = config->file;

	if (text[0] == '$') {
		from = text;
		text = getenv_fn(text + 1);
		if (!text || !*text)
			return err_set(e, -ENOENT,
				       "%s: token: the environment variable %.60s is not set",
				       config->file, from);
	}
	return take(text, strlen(text), from, out, e);
}

int token_find(const struct provision_config *config, const struct provider_ops *ops,
	       const char *file, token_getenv_fn getenv_fn, char **out, struct err *e)
{
	const char *text;

	if (file)
		return from_file(file, out, e);
	for (size_t i = 0; ops->token_variables[i]; i++) {
		text = getenv_fn(ops->token_variables[i]);
		if (text && *text)
			return take(text, strlen(text), ops->token_variables[i], out, e);
	}
	if (config->token)
		return from_config(config, getenv_fn, out, e);
	return err_set(e, -ENOENT, "no token; set $%s, or give --token-file FILE, or token: in %s",
		       ops->token_variables[0], config->file);
}

int token_expand(const char *text, token_getenv_fn getenv_fn, char *out, size_t out_bytes,
		 struct err *e)
{
	const char *value = text[0] == '$' ? getenv_fn(text + 1) : text;

	if (!value || !*value)
		return err_set(e, -ENOENT, "the environment variable %.60s is not set", text);
	if (strlen(value) >= out_bytes)
		return err_set(e, -EINVAL, "the value of %.60s is too long", text);
	strcpy(out, value);
	return 0;
}
