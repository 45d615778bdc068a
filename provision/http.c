#include "provision/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/ip.h"
#include "lib/key.h"

struct provision_http {
	CURL *curl;
	struct curl_slist *headers;
	char *base; /* without a slash at its end */
	provision_http_idle_fn idle;
	void *idle_arg;
	char error[CURL_ERROR_SIZE];
};

/* Where the bytes of one answer go. */
struct sink {
	struct provision_http_reply *reply;
	bool too_large;
};

/* --- the address ------------------------------------------------------------------------------ */

static bool is_loopback(const char *host)
{
	struct ip_prefix v4, v6;
	size_t length = strlen(host);
	char bare[IP_TEXT_BYTES];
	struct ip ip;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	}
	if (length >= sizeof(bare))
		return false;
	memcpy(bare, host, length);
	bare[length] = '\0';
	ip_prefix_parse("127.0.0.0/8", &v4);
	ip_prefix_parse("::1/128", &v6);
	return ip_parse(bare, &ip) == 0 &&
	       (ip_prefix_contains(&v4, &ip) || ip_prefix_contains(&v6, &ip));
}

/* True where the URL has this part; frees it. */
static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static int check_parts(CURLU *url, const char *text, struct err *e)
{
	char *scheme = NULL, *host = NULL;
	int ret = 0;

	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		ret = err_set(e, -EINVAL, "\"%.80s\" is no URL such as https://api.example.com",
			      text);
	else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_QUERY) ||
		 has_part(url, CURLUPART_FRAGMENT))
		ret = err_set(e, -EINVAL,
			      "the URL of the API must have no user, query or fragment");
	else if (strcmp(scheme, "https") != 0 &&
		 !(strcmp(scheme, "http") == 0 && is_loopback(host)))
		ret = err_set(
			e, -EINVAL,
			"\"%.80s\" would send the token unprotected; use https:// (http:// is "
			"for loopback addresses only)",
			text);
	curl_free(scheme);
	curl_free(host);
	return ret;
}

int provision_http_check(const char *url, struct err *e)
{
	CURLU *parsed = curl_url();
	int ret;

	if (!parsed)
		return err_set(e, -ENOMEM, "out of memory");
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		ret = err_set(e, -EINVAL, "\"%.80s\" is no URL such as https://api.example.com",
			      url);
	else
		ret = check_parts(parsed, url, e);
	curl_url_cleanup(parsed);
	return ret;
}

/* --- the answer ------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct sink *sink = arg;
	struct provision_http_reply *reply = sink->reply;
	size_t more = size * count;
	char *grown;

	if (more > PROVISION_HTTP_MAX_BYTES - reply->body_bytes) {
		sink->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	grown = realloc(reply->body, reply->body_bytes + more + 1);
	if (!grown)
		return CURL_WRITEFUNC_ERROR;
	reply->body = grown;
	memcpy(grown + reply->body_bytes, bytes, more);
	reply->body_bytes += more;
	grown[reply->body_bytes] = '\0';
	return more;
}

/* The number behind "NAME:", or `otherwise`. A date, which HTTP allows in retry-after, is none. */
static int64_t header_number(const char *line, size_t bytes, const char *name, int64_t otherwise)
{
	size_t length = strlen(name);
	char text[32];
	size_t n = 0;

	if (bytes <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return otherwise;
	for (size_t i = length + 1; i < bytes && n < 15; i++) {
		if (line[i] >= '0' && line[i] <= '9')
			text[n++] = line[i];
		else if (line[i] == ' ' && n == 0)
			continue;
		else if (strchr(" \r\n", line[i]))
			break;
		else
			return otherwise;
	}
	text[n] = '\0';
	return n ? strtoll(text, NULL, 10) : otherwise;
}

static size_t take_header(char *line, size_t size, size_t count, void *arg)
{
	struct provision_http_reply *r = ((struct sink *)arg)->reply;
	size_t bytes = size * count;

	r->ratelimit_remaining =
		header_number(line, bytes, "ratelimit-remaining", r->ratelimit_remaining);
	r->ratelimit_reset_s = header_number(line, bytes, "ratelimit-reset", r->ratelimit_reset_s);
	r->retry_after_s = header_number(line, bytes, "retry-after", r->retry_after_s);
	return bytes;
}

/* libcurl's progress callback (CURLOPT_XFERINFOFUNCTION). */
static int be_idle(void *arg, curl_off_t down, curl_off_t downloaded, curl_off_t up,
		   curl_off_t uploaded)
{
	struct provision_http *http = arg;

	(void)down, (void)downloaded, (void)up, (void)uploaded;
	if (http->idle)
		http->idle(http->idle_arg);
	return 0;
}

/* --- the request ------------------------------------------------------------------------------ */

static CURLcode set_up(struct provision_http *http, const char *token, bool plain)
{
	CURL *c = http->curl;
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc ? rc : curl_easy_setopt(c, option, value)
	SET(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
	SET(CURLOPT_XOAUTH2_BEARER, token);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)PROVISION_HTTP_CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)PROVISION_HTTP_TIMEOUT_MS);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_MAXFILESIZE, (long)PROVISION_HTTP_MAX_BYTES);
	SET(CURLOPT_USERAGENT, "comps/" COMPS_VERSION);
	SET(CURLOPT_HTTPHEADER, http->headers);
	SET(CURLOPT_ERRORBUFFER, http->error);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_XFERINFOFUNCTION, be_idle);
	SET(CURLOPT_XFERINFODATA, http);
	SET(CURLOPT_NOPROGRESS, 0L);
	/* A plain request must not pass a proxy, which would read the token. */
	if (plain)
		SET(CURLOPT_NOPROXY, "*");
#undef SET
	return rc;
}

int provision_http_new(const char *base_url, const char *token, provision_http_idle_fn idle,
		       void *idle_arg, struct provision_http **out, struct err *e)
{
	struct provision_http *http;
	size_t length = strlen(base_url);
	int ret = provision_http_check(base_url, e);

	if (ret)
		return ret;
	http = calloc(1, sizeof(*http));
	if (!http)
		return err_set(e, -ENOMEM, "out of memory");
	while (length && base_url[length - 1] == '/')
		length--;
	http->idle = idle;
	http->idle_arg = idle_arg;
	http->base = strndup(base_url, length);
	http->curl = curl_easy_init();
	http->headers = curl_slist_append(NULL, "Expect:");
	if (http->headers)
		curl_slist_append(http->headers, "Content-Type: application/json");
	if (!http->base || !http->curl || !http->headers ||
	    set_up(http, token, strncasecmp(base_url, "https:", 6) != 0) != CURLE_OK) {
		provision_http_free(http);
		return err_set(e, -ENOMEM, "cannot set up libcurl");
	}
	*out = http;
	return 0;
}

void provision_http_free(struct provision_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	curl_slist_free_all(http->headers);
	free(http->base);
	free(http);
}

/* After these the server has not seen the request. */
static bool was_not_sent(CURLcode rc, CURL *curl)
{
	long request_bytes = 0;

	switch (rc) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return true;
	case CURLE_OPERATION_TIMEDOUT: /* while connecting, or later? */
		curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_bytes);
		return request_bytes == 0;
	default:
		return false;
	}
}

static void classify(struct provision_http *http, CURLcode rc, const struct sink *sink)
{
	struct provision_http_reply *reply = sink->reply;
	long status = 0;

	if (rc == CURLE_OK) {
		curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
		reply->outcome = RETRY_ANSWERED;
		reply->status = (int)status;
		return;
	}
	reply->outcome = was_not_sent(rc, http->curl) ? RETRY_NOT_SENT : RETRY_UNKNOWN;
	if (sink->too_large || rc == CURLE_FILESIZE_EXCEEDED)
		snprintf(reply->error, sizeof(reply->error), "the answer is larger than %d bytes",
			 PROVISION_HTTP_MAX_BYTES);
	else
		snprintf(reply->error, sizeof(reply->error), "%.200s",
			 *http->error ? http->error : curl_easy_strerror(rc));
}

static CURLcode set_request(struct provision_http *http, const char *method, const char *url,
			    const char *body, struct sink *sink)
{
	CURL *c = http->curl;
	CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, url);

	if (!rc)
		rc = curl_easy_setopt(c, CURLOPT_WRITEDATA, sink);
	if (!rc)
		rc = curl_easy_setopt(c, CURLOPT_HEADERDATA, sink);
	if (!rc && body)
		rc = curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	if (!rc && body)
		rc = curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	if (!rc && !body)
		rc = curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	/* On a connection that was kept, libcurl itself repeats a request that got no byte of an
	 * answer; what changes something must not be done twice behind our back. */
	if (!rc)
		rc = curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, strcmp(method, "GET") ? 1L : 0L);
	return rc ? rc : curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

void provision_http_do(struct provision_http *http, const char *method, const char *path,
		       const char *body, struct provision_http_reply *reply)
{
	struct sink sink = {.reply = reply};
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	char *url;

	*reply = (struct provision_http_reply){
		.ratelimit_remaining = -1, .ratelimit_reset_s = -1, .retry_after_s = -1};
	http->error[0] = '\0';
	if (asprintf(&url, "%s%s", http->base, path) >= 0) {
		rc = set_request(http, method, url, body, &sink);
		if (!rc)
			rc = curl_easy_perform(http->curl);
		free(url);
	}
	classify(http, rc, &sink);
}

void provision_http_reply_fini(struct provision_http_reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}
