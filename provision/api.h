/* api: calls to a JSON API over provision/http, tried again by the rules of provision/retry.
 */
#ifndef COMPS_PROVISION_API_H
#define COMPS_PROVISION_API_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"
#include "provision/env.h"
#include "provision/http.h"

struct api {
	struct provision_http *http;
	const struct provision_env *env;
};

struct api_call {
	const char *method, *path;
	const json_t *body; /* NULL: none; its text, which may hold a secret, is wiped after use */
	bool once;	    /* doing it twice makes two */
	const char *node;   /* for the event that tells of a wait; NULL */
};

struct api_answer {
	int status;
	json_t *json; /* NULL: an empty body */
	char message[256], request_id[80];
};

/* Makes the call until it is answered, at most as often as retry.h says; each wait is an event
 * "api.wait". Returns 0 where the answer is one of success (2xx), and otherwise, with a sentence
 * in `e`:
 *   -EINPROGRESS  `once` only: it may have been done; look before doing it again
 *   -EACCES       401: the token is not accepted
 *   -EPERM        403: the token lacks a permission (the message names it)
 *   -ENOENT       404
 *   -EEXIST       409
 *   -EINVAL       any other answer that refuses
 *   -EBUSY        429 or "try again", too often
 *   -EHOSTUNREACH the server could not be reached, or gave no sensible answer, too often
 *   -EINTR        the user wants to stop; the call was not made
 * *answer is filled (with what came last) in every case and is to be given to api_answer_fini. */
int api_do(struct api *api, const struct api_call *call, struct api_answer *answer, struct err *e);

void api_answer_fini(struct api_answer *answer);

/* Called with every item of a list. Returns 0 to go on, or -errno. */
typedef int (*api_item_fn)(void *arg, const json_t *item, struct err *e);

/* GETs every page of `path` (with or without a query) and gives each object of the array under
 * `root` to `fn`. Links of the answer are never followed. Returns 0, what `fn` returned, or as
 * api_do. */
int api_list(struct api *api, const char *path, const char *root, api_item_fn fn, void *arg,
	     struct err *e);

#endif
