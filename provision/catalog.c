#include "provision/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void catalog_fini(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->size_count; i++)
		free(catalog->sizes[i].regions);
	free(catalog->sizes);
	free(catalog->regions);
	*catalog = CATALOG_INIT;
}

struct catalog_region *catalog_add_region(struct catalog *catalog)
{
	struct catalog_region *grown =
		reallocarray(catalog->regions, catalog->region_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	catalog->regions = grown;
	grown += catalog->region_count++;
	*grown = (struct catalog_region){.available = false};
	return grown;
}

struct catalog_size *catalog_add_size(struct catalog *catalog)
{
	struct catalog_size *grown =
		reallocarray(catalog->sizes, catalog->size_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	catalog->sizes = grown;
	grown += catalog->size_count++;
	*grown = (struct catalog_size){.available = false};
	return grown;
}

int catalog_add_place(struct catalog_size *size, const char *region)
{
	char(*grown)[CATALOG_SLUG_BYTES] =
		reallocarray(size->regions, size->region_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	size->regions = grown;
	snprintf(grown[size->region_count++], CATALOG_SLUG_BYTES, "%s", region);
	return 0;
}

const struct catalog_size *catalog_find_size(const struct catalog *catalog, const char *slug)
{
	for (size_t i = 0; i < catalog->size_count; i++)
		if (strcmp(catalog->sizes[i].slug, slug) == 0)
			return &catalog->sizes[i];
	return NULL;
}

static bool sold_in(const struct catalog_size *size, const char *region)
{
	for (size_t i = 0; i < size->region_count; i++)
		if (strcmp(size->regions[i], region) == 0)
			return true;
	return false;
}

static bool is_open(const struct catalog *catalog, const char *region)
{
	for (size_t i = 0; i < catalog->region_count; i++)
		if (strcmp(catalog->regions[i].slug, region) == 0)
			return catalog->regions[i].available;
	return false;
}

/* The regions that are open, and sell `size` unless it is NULL; cut to fit. */
static void list_regions(const struct catalog *catalog, const struct catalog_size *size, char *out,
			 size_t out_bytes)
{
	size_t used = 0;

	snprintf(out, out_bytes, "none");
	for (size_t i = 0; i < catalog->region_count && used < out_bytes; i++) {
		const struct catalog_region *region = &catalog->regions[i];

		if (region->available && (!size || sold_in(size, region->slug)))
			used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
						 used ? ", " : "", region->slug);
	}
}

static void list_sizes(const struct catalog *catalog, char *out, size_t out_bytes)
{
	size_t used = 0;

	snprintf(out, out_bytes, "none");
	for (size_t i = 0; i < catalog->size_count && used < out_bytes; i++)
		if (catalog->sizes[i].available)
			used += (size_t)snprintf(out + used, out_bytes - used, "%s%s",
						 used ? ", " : "", catalog->sizes[i].slug);
}

int catalog_check(const struct catalog *catalog, const char *region, const char *size,
		  struct err *e)
{
	const struct catalog_size *found = catalog_find_size(catalog, size);
	char list[320];

	if (!is_open(catalog, region)) {
		list_regions(catalog, NULL, list, sizeof(list));
		return err_set(e, -EINVAL, "region \"%.40s\" is not available; available: %s",
			       region, list);
	}
	if (!found || !found->available) {
		list_sizes(catalog, list, sizeof(list));
		return err_set(e, -EINVAL, "size \"%.40s\" is not available; available: %s", size,
			       list);
	}
	if (!sold_in(found, region)) {
		list_regions(catalog, found, list, sizeof(list));
		return err_set(e, -EINVAL, "size %s is not available in region %.40s; it is in: %s",
			       size, region, list);
	}
	return 0;
}
