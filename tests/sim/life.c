#include "tests/sim/life.h"

#include <math.h>

static uint32_t below(struct world *world, uint32_t bound)
{
	return (uint32_t)(net_unit(&world->net) * (double)bound) % bound;
}

static bool flip(struct world *world)
{
	return below(world, 2);
}

static void disturb_path(struct world *world, size_t i)
{
	struct net_path *path = &world->net.path[i];

	switch (below(world, 7)) {
	case 0:
		path->proxy_dead = flip(world);
		break;
	case 1:
		path->leg_dead = flip(world);
		break;
	case 2:
		world_set_link(world, i, flip(world));
		break;
	case 3:
		path->loss = flip(world) ? 0 : 0.3 * net_unit(&world->net);
		break;
	case 4:
		path->rtt_us = 5 * MS + (int64_t)below(world, 300000);
		world->disturbed = true;
		break;
	case 5:
		path->queue_us = flip(world) ? 0 : (int64_t)below(world, 900000);
		world->disturbed = true;
		break;
	case 6:
		world->swallows[i] = below(world, 4) == 0;
		break;
	}
}

static void disturb_all(struct world *world)
{
	struct net *net = &world->net;

	switch (below(world, 6)) {
	case 0:
		net->uplink_dead = flip(world);
		break;
	case 1:
		net->exit_dead = flip(world);
		break;
	case 2:
		net->up_pps = flip(world) ? 0 : 200 * net_unit(net);
		net->down_pps = flip(world) ? 0 : 1000 * net_unit(net);
		break;
	case 3:
		net->one_way = flip(world);
		break;
	case 4:
		world->refuses_swap = below(world, 4) == 0;
		break;
	case 5:
		net->uplink_dead = net->exit_dead = false;
		break;
	}
}

static void operate(struct world *world, enum input_kind kind, int path, int64_t value)
{
	world_feed(world, (struct input){.kind = (uint8_t)kind,
					 .path = (int16_t)path,
					 .at = world->now,
					 .value = value});
}

static void command(struct world *world, int path)
{
	switch (below(world, 5)) {
	case 0:
		world_request(world, path);
		break;
	case 1:
		world_request(world, POLICY_NONE);
		break;
	case 2:
		operate(world, INPUT_PIN, path, mono_add_us(world->now, 5 * MINUTE).us);
		break;
	case 3:
		operate(world, INPUT_UNPIN, 0, 0);
		break;
	case 4:
		operate(world, INPUT_DRAIN, path, flip(world));
		break;
	}
}

void life_heal(struct world *world)
{
	size_t i;

	net_advance(&world->net, world->now);
	world->net.uplink_dead = world->net.exit_dead = world->refuses_swap = false;
	for (i = 0; i < world->config.paths; i++) {
		struct net_path *path = &world->net.path[i];

		world_set_link(world, i, true);
		path->proxy_dead = path->leg_dead = world->swallows[i] = false;
		path->queue_us = 0;
		path->loss = 0;
		operate(world, INPUT_DRAIN, (int)i, false);
	}
}

void life_live(struct world *world, int64_t us)
{
	struct mono end = mono_add_us(world->now, us);

	while (mono_before(world->now, end)) {
		size_t path = below(world, (uint32_t)world->config.paths);

		world_run(world, (int64_t)(-log(net_unit(&world->net)) * 60e6));
		if (flip(world)) /* traffic comes in spells, or the readings take all the time */
			world->net.up_pps = world->net.down_pps = 0;
		switch (below(world, 3)) {
		case 0:
			disturb_path(world, path);
			break;
		case 1:
			disturb_all(world);
			break;
		case 2:
			command(world, (int)path);
			break;
		}
	}
}
