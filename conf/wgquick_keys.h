/* wgquick_keys: what each key of a wg-quick(8) file means; private to conf/wgquick.c. */
#ifndef COMPS_CONF_WGQUICK_KEYS_H
#define COMPS_CONF_WGQUICK_KEYS_H

#include "conf/wgquick.h"

enum wgquick_section {
	WGQUICK_NONE,
	WGQUICK_INTERFACE,
	WGQUICK_PEER,
	WGQUICK_SKIPPED, /* one that was refused: its keys are not looked at */
	WGQUICK_SECTIONS,
};

/* What is being read, and where. */
struct wgquick_reader {
	const char *file;
	struct diags *d;
	struct wgquick *wg;
	int line, column;
};

/* One row per key. A key has a reader, or the reason why it is ignored. */
struct wgquick_key {
	enum wgquick_section section;
	bool list; /* may be repeated, and holds values between commas */
	bool required;
	const char *name;
	void (*read)(struct wgquick_reader *r, const char *name, const char *text);
	const char *ignored;
};

#define WGQUICK_KEYS 17

extern const struct wgquick_key wgquick_keys[WGQUICK_KEYS];

#endif
