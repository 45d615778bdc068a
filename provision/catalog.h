/* catalog: what a cloud offers: regions, sizes, prices.
 */
#ifndef COMPS_PROVISION_CATALOG_H
#define COMPS_PROVISION_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define CATALOG_SLUG_BYTES 64

struct catalog_size {
	char slug[CATALOG_SLUG_BYTES];
	double price_hourly, price_monthly; /* US dollars */
	bool available;
	char (*regions)[CATALOG_SLUG_BYTES]; /* where it can be had */
	size_t region_count;
};

struct catalog_region {
	char slug[CATALOG_SLUG_BYTES];
	bool available;
};

struct catalog {
	struct catalog_region *regions;
	size_t region_count;
	struct catalog_size *sizes;
	size_t size_count;
	int64_t node_limit; /* of the account; -1: not known */
};

#define CATALOG_INIT ((struct catalog){.node_limit = -1})

void catalog_fini(struct catalog *catalog);

/* Each adds a zeroed item and returns it; NULL when out of memory. */
struct catalog_region *catalog_add_region(struct catalog *catalog);
struct catalog_size *catalog_add_size(struct catalog *catalog);
/* 0 or -ENOMEM. */
int catalog_add_place(struct catalog_size *size, const char *region);

/* NULL where there is none of that name. */
const struct catalog_size *catalog_find_size(const struct catalog *catalog, const char *slug);

/* Whether a server of `size` can be had in `region`: 0, or -EINVAL with what can be had. */
int catalog_check(const struct catalog *catalog, const char *region, const char *size,
		  struct err *e);

#endif
