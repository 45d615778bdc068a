#include "daemon/events.h"

#include <stdlib.h>

#include "daemon/control.h"

void events_add(struct events *events, struct control *control, int64_t wall_us, const char *kind,
		const char *text, json_t *members)
{
	json_t *event = json_pack("{s:f, s:s, s:s}", "time", (double)wall_us / 1e6, "event", kind,
				  "text", text);
	json_t **slot = &events->last[events->total % EVENTS_KEPT];
	char *line;

	if (!event) {
		json_decref(members);
		return;
	}
	if (members)
		json_object_update(event, members);
	json_decref(members);
	json_decref(*slot);
	*slot = event;
	events->total++;
	line = json_dumps(event, CONTROL_JSON);
	if (line && control)
		control_publish(control, line);
	free(line);
}

json_t *events_list(const struct events *events)
{
	json_t *list = json_array();
	uint64_t i = events->total > EVENTS_KEPT ? events->total - EVENTS_KEPT : 0;

	for (; i < events->total; i++)
		json_array_append(list, events->last[i % EVENTS_KEPT]);
	return list;
}

void events_fini(struct events *events)
{
	size_t i;

	for (i = 0; i < EVENTS_KEPT; i++)
		json_decref(events->last[i]);
}
