#include "provision/env.h"

#include <stdarg.h>
#include <stdio.h>

void env_uuid(const struct provision_env *env, char out[PROVISION_UUID_BYTES])
{
	uint8_t b[16];

	rng_fill(env->rng, 0, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, PROVISION_UUID_BYTES,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

void env_tell(const struct provision_env *env, struct provision_event event)
{
	env->event(env->arg, &event);
}

void env_say(const struct provision_env *env, struct provision_event event, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event.text = text;
	env->event(env->arg, &event);
}
