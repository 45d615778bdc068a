#include "provision/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/key.h"
#include "lib/utf8.h"

#define PER_PAGE  200 /* the most that DigitalOcean gives */
#define PAGES_MAX 100

/* --- one answer ------------------------------------------------------------------------------- */

/* What came from outside must neither steer a terminal nor break JSON. */
static void copy_text(char *out, size_t out_bytes, const char *text)
{
	snprintf(out, out_bytes, "%s", text ? text : "");
	for (char *c = out; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	utf8_repair(out);
}

void api_answer_fini(struct api_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
}

/* An answer is JSON, or nothing at all with 204 or an error; anything else has no sense. */
static enum retry_outcome read_body(const struct provision_http_reply *reply,
				    struct api_answer *answer)
{
	json_error_t error;

	answer->json = reply->body_bytes ? json_loadb(reply->body, reply->body_bytes,
						      JSON_REJECT_DUPLICATES, &error)
					 : NULL;
	if (json_is_object(answer->json)) {
		copy_text(answer->message, sizeof(answer->message),
			  json_string_value(json_object_get(answer->json, "message")));
		copy_text(answer->request_id, sizeof(answer->request_id),
			  json_string_value(json_object_get(answer->json, "request_id")));
		return RETRY_ANSWERED;
	}
	if (reply->status >= 400 || (reply->status == 204 && !reply->body_bytes))
		return RETRY_ANSWERED;
	copy_text(answer->message, sizeof(answer->message),
		  reply->status >= 300 ? "a redirect, which is not followed"
		  : reply->body_bytes  ? "the answer is no JSON object"
				       : "the answer is empty");
	return reply->status >= 300 ? RETRY_ANSWERED : RETRY_UNKNOWN;
}

static enum retry_outcome request(struct api *api, const struct api_call *call,
				  struct api_answer *answer, struct retry_event *event)
{
	char *body = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
	struct provision_http_reply reply;
	enum retry_outcome outcome;

	if (call->body && !body) {
		copy_text(answer->message, sizeof(answer->message), "out of memory");
		return RETRY_NOT_SENT;
	}
	provision_http_do(api->http, call->method, call->path, body, &reply);
	if (body) {
		key_wipe(body, strlen(body));
		free(body);
	}
	event->retry_after_s = reply.retry_after_s;
	event->ratelimit_reset_s = reply.ratelimit_reset_s;
	answer->status = reply.status;
	outcome = reply.outcome;
	if (outcome == RETRY_ANSWERED)
		outcome = read_body(&reply, answer);
	else
		copy_text(answer->message, sizeof(answer->message), reply.error);
	provision_http_reply_fini(&reply);
	return outcome;
}

/* --- what it means ---------------------------------------------------------------------------- */

static int code_of(const struct api_answer *answer, const struct retry_event *event)
{
	if (event->outcome != RETRY_ANSWERED || answer->status >= 500)
		return -EHOSTUNREACH;
	switch (answer->status) {
	case 401:
		return -EACCES;
	case 403:
		return -EPERM;
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 429:
		return -EBUSY;
	default:
		return event->try_again ? -EBUSY : -EINVAL;
	}
}

static int explain(const struct api_call *call, const struct api_answer *answer,
		   const struct retry_event *event, int code, struct err *e)
{
	const char *what = code == -EACCES		      ? "the token is not accepted: "
			   : code == -EPERM		      ? "the token lacks a permission: "
			   : event->outcome == RETRY_NOT_SENT ? "the API cannot be reached: "
			   : code == -EHOSTUNREACH	      ? "no answer that makes sense: "
			   : code == -EINPROGRESS ? "it is not known whether it was done: "
						  : "";
	char status[16] = "";

	if (answer->status)
		snprintf(status, sizeof(status), "%d ", answer->status);
	return err_set(e, code, "%s %.100s: %s%s%s%s%s%s", call->method, call->path, what, status,
		       *answer->message ? answer->message : "no message",
		       *answer->request_id ? " (request " : "", answer->request_id,
		       *answer->request_id ? ")" : "");
}

/* Says that and why there is a wait, and waits. */
static int wait_again(struct api *api, const struct api_call *call, const struct api_answer *answer,
		      int64_t wait_us)
{
	struct provision_event event = {
		.level = LOG_LEVEL_WARN, .event = "api.wait", .node = call->node};
	char status[16] = "";

	if (answer->status)
		snprintf(status, sizeof(status), "%d ", answer->status);
	env_say(api->env, event, "%s %.80s: %s%s; once more in %.1f s", call->method, call->path,
		status, answer->message, (double)wait_us / 1e6);
	return api->env->pause(api->env->arg, wait_us);
}

int api_do(struct api *api, const struct api_call *call, struct api_answer *answer, struct err *e)
{
	struct retry_event event = {.repeatable = !call->once};
	struct retry_verdict verdict;
	int code;

	for (;; event.attempt++) {
		*answer = (struct api_answer){.status = 0};
		if (api->env->stopped(api->env->arg))
			return err_set(e, -EINTR, "interrupted");
		event.outcome = request(api, call, answer, &event);
		event.status = answer->status;
		event.try_again = strcasestr(answer->message, "try again") != NULL;
		verdict = retry_decide(&event, api->env->wall_s(api->env->arg),
				       rng_unit(api->env->rng, 1));
		if (verdict.what != RETRY_WAIT)
			break;
		if (wait_again(api, call, answer, verdict.wait_us))
			return err_set(e, -EINTR, "interrupted");
		api_answer_fini(answer);
	}
	if (verdict.what == RETRY_TAKE && answer->status >= 200 && answer->status < 300)
		return 0;
	code = verdict.what == RETRY_UNSURE ? -EINPROGRESS : code_of(answer, &event);
	return explain(call, answer, &event, code, e);
}

/* --- lists ------------------------------------------------------------------------------------ */

static int give_items(const json_t *items, api_item_fn fn, void *arg, struct err *e)
{
	const json_t *item;
	int ret = 0;
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (!ret && json_is_object(item))
			ret = fn(arg, item, e);
	}
	return ret;
}

/* Returns 1 when there is a further page. */
static int one_page(struct api *api, const char *path, const char *root, unsigned int page,
		    size_t *seen, api_item_fn fn, void *arg, struct err *e)
{
	struct api_answer answer;
	struct api_call call = {.method = "GET"};
	const json_t *items, *total;
	char *full;
	int ret;

	if (asprintf(&full, "%s%cpage=%u&per_page=%d", path, strchr(path, '?') ? '&' : '?', page,
		     PER_PAGE) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	call.path = full;
	ret = api_do(api, &call, &answer, e);
	items = json_object_get(answer.json, root);
	if (!ret && !json_is_array(items))
		ret = err_set(e, -EHOSTUNREACH, "GET %.100s: the answer has no list \"%s\"", path,
			      root);
	if (!ret)
		ret = give_items(items, fn, arg, e);
	*seen += json_array_size(items);
	total = json_object_get(json_object_get(answer.json, "meta"), "total");
	if (!ret && json_array_size(items) > 0) {
		if (json_is_integer(total))
			ret = (json_int_t)*seen < json_integer_value(total);
		else
			ret = json_is_string(json_object_get(
				json_object_get(json_object_get(answer.json, "links"), "pages"),
				"next"));
	}
	api_answer_fini(&answer);
	free(full);
	return ret;
}

int api_list(struct api *api, const char *path, const char *root, api_item_fn fn, void *arg,
	     struct err *e)
{
	size_t seen = 0;
	int ret = 1;

	for (unsigned int page = 1; ret == 1 && page <= PAGES_MAX; page++)
		ret = one_page(api, path, root, page, &seen, fn, arg, e);
	return ret == 1 ? err_set(e, -EHOSTUNREACH, "GET %.100s: more than %d pages", path,
				  PAGES_MAX)
			: ret;
}
