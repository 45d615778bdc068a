/* The policies of `comps replay --policy`. What is taken can be taken again from its own words. */
#include "cli/policy_spec.h"
#include "policies/registry.h"
#include "tests/fuzz/fuzz.h"

#define SHOWN 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_specs specs = {NULL, 0}, again = {NULL, 0};
	char *text = fuzz_text(data, size), back[1200];
	struct err err;
	size_t i;

	policy_specs_add(&specs, registry_all(), text, &err);
	for (i = 0; i < specs.count && i < SHOWN; i++) {
		snprintf(back, sizeof(back), "%s%s%s", specs.items[i].ops->name,
			 *specs.items[i].params ? "," : "", specs.items[i].params);
		MUST(policy_specs_add(&again, registry_all(), back, &err) == 0);
	}
	policy_specs_fini(&again);
	policy_specs_fini(&specs);
	free(text);
	return 0;
}
