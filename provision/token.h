/* token: where the API token comes from. */
#ifndef COMPS_PROVISION_TOKEN_H
#define COMPS_PROVISION_TOKEN_H

#include "lib/err.h"
#include "provision/config.h"
#include "provision/provider.h"

/* getenv(3), or what a test gives. */
typedef char *(*token_getenv_fn)(const char *name);

/* Takes it from `file` (NULL: none), else from the provider's variables, else from the
 * configuration. Returns 0 with *out to be given to token_free; -ENOENT where there is none; -EPERM
 * where others may read the file; -EINVAL where it is no token. Its text is in no message. */
int token_find(const struct provision_config *config, const struct provider_ops *ops,
	       const char *file, token_getenv_fn getenv_fn, char **out, struct err *e);

void token_free(char *token); /* wipes it; NULL is allowed */

/* Writes `text`, or where it is "$NAME" the variable's value. Returns 0; -ENOENT where it is not
 * set; -EINVAL where it does not fit. */
int token_expand(const char *text, token_getenv_fn getenv_fn, char *out, size_t out_bytes,
		 struct err *e);

#endif
