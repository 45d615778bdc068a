/* Which interface is whose, while paths come and go. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "daemon/interfaces.h"

#define PATHS 3

struct world {
	struct conf conf;
	struct conf_path paths[PATHS];
	struct link links[PATHS + 1];
	size_t link_count;
};

/* NAME=INTERFACE, or NAME for one by its position. */
static void configure(struct world *w, const char *first, const char *second, const char *third)
{
	const char *all[PATHS] = {first, second, third};

	memset(w->paths, 0, sizeof(w->paths));
	w->conf = (struct conf){.mode = CONF_NESTED, .paths = w->paths, .network.protocol = 201};
	strcpy(w->conf.inner.tunnel.interface, "wg0");
	for (; w->conf.path_count < PATHS && all[w->conf.path_count]; w->conf.path_count++) {
		struct conf_path *path = &w->paths[w->conf.path_count];

		path->tunnel.placed = sscanf(all[w->conf.path_count], "%15[^=]=%15s", path->name,
					     path->tunnel.interface) == 1;
	}
}

/* What the daemon does then: every interface is there, with its alias. */
static void install(struct world *w)
{
	w->link_count = 0;
	for (size_t i = 0; i < w->conf.path_count; i++) {
		struct link *link = &w->links[w->link_count++];

		strcpy(link->name, w->paths[i].tunnel.interface);
		interfaces_alias(&w->conf, w->paths[i].name, link->alias);
	}
}

static void keep(struct world *w, const char *first, const char *second, const char *third)
{
	configure(w, first, second, third);
	interfaces_assign(w->links, w->link_count, &w->conf);
}

static void assert_interfaces(const struct world *w, const char *wanted)
{
	char all[128] = "";

	for (size_t i = 0; i < w->conf.path_count; i++) {
		strcat(all, i ? " " : "");
		strcat(all, w->paths[i].tunnel.interface);
	}
	assert_string_equal(all, wanted);
}

static void at_first_they_go_by_position(void **state)
{
	struct world w = {.link_count = 0};

	(void)state;
	keep(&w, "a", "b", "c");
	assert_interfaces(&w, "wgnet1 wgnet2 wgnet3");
}

static void a_path_in_front_moves_nobody(void **state)
{
	struct world w = {.link_count = 0};

	(void)state;
	keep(&w, "b", "c", NULL);
	install(&w);
	keep(&w, "a", "b", "c");
	assert_interfaces(&w, "wgnet3 wgnet1 wgnet2");
	install(&w);
	keep(&w, "c", "a", NULL);
	assert_interfaces(&w, "wgnet2 wgnet3");
}

/* The one that is removed may still be in use. */
static void a_new_path_takes_no_interface_of_another(void **state)
{
	struct world w = {.link_count = 0};

	(void)state;
	keep(&w, "a", "b", NULL);
	install(&w);
	keep(&w, "new", "b", NULL);
	assert_interfaces(&w, "wgnet3 wgnet2");
}

static void what_is_named_goes_first(void **state)
{
	struct world w = {.link_count = 0};

	(void)state;
	keep(&w, "a", "b", NULL);
	install(&w);
	keep(&w, "a", "b", "c=wgnet1");
	assert_interfaces(&w, "wgnet3 wgnet2 wgnet1");
}

/* An earlier version's have no name in their alias; what is not ours is met when it is to be made.
 */
static void others_are_no_hindrance(void **state)
{
	struct world w = {.link_count = 2,
			  .links = {{.name = "wgnet1", .alias = "comps 201"},
				    {.name = "wgnet2", .alias = "comps 2010 a"}}};

	(void)state;
	keep(&w, "a", "b", NULL);
	assert_interfaces(&w, "wgnet1 wgnet2");
}

static void an_alias_tells_whose_it_is(void **state)
{
	struct world w;

	(void)state;
	configure(&w, "a", NULL, NULL);
	assert_string_equal(interfaces_path(&w.conf, "comps 201"), "");
	assert_string_equal(interfaces_path(&w.conf, "comps 201 a"), "a");
	assert_null(interfaces_path(&w.conf, "comps 2011"));
	assert_null(interfaces_path(&w.conf, "comps 20"));
	assert_null(interfaces_path(&w.conf, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_first_they_go_by_position),
		cmocka_unit_test(a_path_in_front_moves_nobody),
		cmocka_unit_test(a_new_path_takes_no_interface_of_another),
		cmocka_unit_test(what_is_named_goes_first),
		cmocka_unit_test(others_are_no_hindrance),
		cmocka_unit_test(an_alias_tells_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
