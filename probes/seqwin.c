#include "probes/seqwin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int seqwin_init(struct seqwin *window, size_t capacity, uint16_t first)
{
	uint32_t rounded = 1;

	while (rounded < capacity && rounded < SEQWIN_CAPACITY_MAX)
		rounded *= 2;
	*window = (struct seqwin){.capacity = rounded, .next = first};
	window->entries = calloc(rounded, sizeof(*window->entries));
	return window->entries ? 0 : -ENOMEM;
}

void seqwin_fini(struct seqwin *window)
{
	free(window->entries);
	window->entries = NULL;
}

static struct seqwin_entry *slot(const struct seqwin *window, uint16_t sequence)
{
	return &window->entries[sequence & (window->capacity - 1)];
}

struct seqwin_entry *seqwin_add(struct seqwin *window, uint16_t *sequence)
{
	struct seqwin_entry *entry = slot(window, window->next);

	memset(entry, 0, sizeof(*entry));
	*sequence = window->next++;
	if (window->live < window->capacity)
		window->live++;
	return entry;
}

struct seqwin_entry *seqwin_find(const struct seqwin *window, uint16_t sequence, uint32_t token)
{
	uint16_t newer = (uint16_t)(window->next - 1 - sequence); /* probes sent since this one */
	struct seqwin_entry *entry = slot(window, sequence);

	return newer < window->live && entry->token == token ? entry : NULL;
}

void seqwin_forget(struct seqwin *window)
{
	window->live = 0;
}
