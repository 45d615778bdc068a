/* wg-quick(8) files, which a provider wrote. No message may repeat a key. */
#include <ctype.h>
#include <errno.h>

#include "conf/wgquick.h"
#include "tests/fuzz/fuzz.h"

/* True when 43 characters of base64 stand together, as in a key. */
static bool holds_key(const char *text)
{
	size_t run = 0;

	for (; *text && run < 43; text++)
		run = isalnum((unsigned char)*text) || *text == '+' || *text == '/' ? run + 1 : 0;
	return run == 43;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags d = DIAGS_INIT;
	struct wgquick *wg = NULL;
	char line[1024];
	int rc = wgquick_parse("f.conf", (const char *)data, size, &d, &wg);

	MUST((rc == 0 && d.error_count == 0) || (rc == -EINVAL && d.error_count > 0));
	MUST((wg != NULL) == (rc == 0));
	if (wg)
		MUST(wg->address_count > 0 && wg->endpoint.port && wg->endpoint.host[0]);
	diags_sort(&d);
	for (size_t i = 0; i < d.count; i++) {
		diag_format(&d.items[i], line, sizeof(line));
		MUST(fuzz_is_clean(line) && !holds_key(line));
	}
	wgquick_free(wg);
	diags_fini(&d);
	return 0;
}
