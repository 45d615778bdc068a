#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "lib/newfile.h"

/* The files of pages/ and dygraphs, each with a NUL behind it, as the linker put them in (ld(1), -b
 * binary). */
extern const char _binary_dygraph_min_css_start[], _binary_dygraph_min_js_start[];
extern const char _binary_report_css_start[], _binary_report_html_start[];
extern const char _binary_report_js_start[];

/* Nothing in the data may end the element that it stands in. */
static int put_data(const char *text, size_t bytes, void *out)
{
	for (size_t i = 0; i < bytes; i++) {
		if ((text[i] == '<' ? fputs("\\u003c", out) : fputc(text[i], out)) == EOF)
			return -1;
	}
	return 0;
}

static bool put_page(FILE *out, const json_t *data)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<title>CoMPS report</title>\n<style>\n",
	      out);
	fputs(_binary_dygraph_min_css_start, out);
	fputs(_binary_report_css_start, out);
	fputs("</style>\n</head>\n<body>\n", out);
	fputs(_binary_report_html_start, out);
	fputs("<script type=\"application/json\" id=\"data\">", out);
	if (json_dump_callback(data, put_data, out, JSON_COMPACT | JSON_REAL_PRECISION(8)))
		return false;
	fputs("</script>\n<script>\n", out);
	fputs(_binary_dygraph_min_js_start, out);
	fputs("</script>\n<script>\n", out);
	fputs(_binary_report_js_start, out);
	fputs("</script>\n</body>\n</html>\n", out);
	return !ferror(out);
}

int report_write(const char *file, const json_t *data, struct err *err)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	bool whole = out && put_page(out, data);
	int ret;

	if (!out || fclose(out) || !whole)
		ret = -ENOMEM;
	else
		/* It tells who was where when. */
		ret = newfile_put(AT_FDCWD, file, 0600, text, bytes);
	free(text);
	return ret ? err_set(err, ret, "%s: %s", file, strerror(-ret)) : 0;
}
