#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/utf8.h"

int err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	if (!e)
		return code;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	utf8_repair(e->text);
	return code;
}

int err_prefix(struct err *e, int code, const char *format, ...)
{
	char context[sizeof(e->text)];
	char whole[2 * sizeof(e->text) + 4];
	va_list args;

	if (!e)
		return code;
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", context, e->text);
	return err_set(e, code, "%s", whole);
}
