/* http: one request to one server, with a bearer token; the only user of libcurl.
 *
 * https only, but plain http to a loopback address. Redirects are not followed, so that the token
 * goes nowhere else. Answers are bounded. Nothing is tried twice here (see provision/retry.h).
 */
#ifndef COMPS_PROVISION_HTTP_H
#define COMPS_PROVISION_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "provision/retry.h"

#define PROVISION_HTTP_MAX_BYTES   (8 << 20)
#define PROVISION_HTTP_TIMEOUT_MS  30000
#define PROVISION_HTTP_CONNECT_MS  10000
#define PROVISION_HTTP_ERROR_BYTES 256

struct provision_http; /* a connection that is kept; one request at a time */

struct provision_http_reply {
	enum retry_outcome outcome;
	int status;		     /* of RETRY_ANSWERED */
	int64_t ratelimit_remaining; /* headers; -1: not there */
	int64_t ratelimit_reset_s;   /* since 1970 */
	int64_t retry_after_s;
	char *body; /* ended by a NUL that is not counted; NULL when there is none */
	size_t body_bytes;
	char error[PROVISION_HTTP_ERROR_BYTES]; /* where outcome is not RETRY_ANSWERED */
};

/* Checks that `url` may be given the token: https://HOST, or http:// with a loopback address; no
 * user, query or fragment. Returns 0 or -EINVAL. */
int provision_http_check(const char *url, struct err *e);

/* Called about once a second while an answer is waited for. */
typedef void (*provision_http_idle_fn)(void *arg);

/* `base_url` as above; `token` is copied by libcurl and kept out of every text; `idle` may be NULL.
 * Returns 0, -EINVAL or -ENOMEM; *out is to be given to provision_http_free. */
int provision_http_new(const char *base_url, const char *token, provision_http_idle_fn idle,
		       void *idle_arg, struct provision_http **out, struct err *e);

void provision_http_free(struct provision_http *http); /* NULL is allowed */

/* Does `method` on base_url + `path`, with a JSON `body` or NULL. Waits 30 s at most. Fills *reply
 * in every case; it is to be given to provision_http_reply_fini. */
void provision_http_do(struct provision_http *http, const char *method, const char *path,
		       const char *body, struct provision_http_reply *reply);

void provision_http_reply_fini(struct provision_http_reply *reply);

#endif
