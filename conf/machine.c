#include "conf/machine.h"

#include "conf/diag.h"
#include "conf/keys.h"
#include "conf/schema.h"

/* A failing path is doubted for at most so long, however often it fails. */
#define HOLD_DOWN_MAX_US INT64_C(300000000)

struct machine_config conf_machine_config(const struct conf_probe *probe,
					  const struct conf_guards *guards, size_t path_count)
{
	return (struct machine_config){
		.stats =
			{
				.window = probe->window,
				.up_after = probe->up_after,
				.down_after = probe->burst,
				.timeout_min_us = probe->timeout_min_us,
				.timeout_max_us = probe->timeout_max_us,
			},
		.steer =
			{
				.min_dwell_us = guards->min_dwell_us,
				.migrations_per_min = guards->max_migrations_per_min,
				.hold_down =
					{
						.first_us = guards->hold_down_us,
						.max_us = HOLD_DOWN_MAX_US,
						.half_life_us = guards->hold_down_half_life_us,
					},
				.share_cap_percent = guards->share_cap_percent,
				.share_window_us = guards->share_window_us,
			},
		.path_count = path_count,
	};
}

void conf_machine_defaults(size_t path_count, struct machine_config *out)
{
	struct diags diags = DIAGS_INIT;
	struct conf_reader reader = {.file = "", .d = &diags};
	struct conf_guards guards;
	struct conf_probe probe;

	schema_read(&reader, &keys_probe, NULL, &probe);
	schema_read(&reader, &keys_guards, NULL, &guards);
	*out = conf_machine_config(&probe, &guards, path_count);
	diags_fini(&diags);
}
