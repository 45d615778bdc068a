#include "conf/keys.h"

#include "conf/conf.h"
#include "conf/profiles.h"
#include "conf/sections.h"
#include "conf/value.h"

#define SECTION(array)                                                                             \
	{                                                                                          \
		(array), sizeof(array) / sizeof((array)[0])                                        \
	}
#define AT(type, field) .offset = offsetof(struct type, field)
#define MS		1000.0
#define S		1000000.0
#define UINT32_LIMIT	4294967295.0

static const char *const modes[] = {"nested", "direct", NULL};		      /* enum conf_mode */
static const char *const backends[] = {"auto", "kernel", "userspace", NULL};  /* conf_backend */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL}; /* log_level */

static const struct schema_key inner_keys[] = {
	{.name = "interface",
	 .type = "an interface",
	 .read = value_interface,
	 AT(conf_inner, tunnel.interface),
	 .preset = "wg0",
	 .help = "The WireGuard interface of the inner tunnel."},
	{.name = "config",
	 .type = "a file",
	 .read = section_config,
	 .required = true,
	 AT(conf_inner, tunnel.wg),
	 .help = "The wg-quick file of the inner tunnel, relative to the folder of this file."},
	{.name = "ping",
	 .type = "an address",
	 .read = value_ip,
	 .required = true,
	 AT(conf_inner, ping),
	 .help = "The address of the exit inside the tunnel; a ping to it makes the exit follow a "
		 "migration."},
	{.name = "manage",
	 .type = "true or false",
	 .read = value_flag,
	 .preset = "true",
	 AT(conf_inner, tunnel.manage),
	 .help = "With false the interface is there already, and is adopted as it is."},
};

const struct schema_section keys_inner = SECTION(inner_keys);

static const struct schema_key path_keys[] = {
	{.name = "name",
	 .type = "a name",
	 .read = value_word,
	 .required = true,
	 AT(conf_path, name),
	 .help = "What the path is called in every command, message and metric."},
	{.name = "interface",
	 .type = "an interface",
	 .read = value_interface,
	 AT(conf_path, tunnel.interface),
	 .help = "The WireGuard interface of this overlay; by default wgnet and the position, from "
		 "wgnet1 on. A path keeps what it has when others are put in front of it."},
	{.name = "config",
	 .type = "a file",
	 .read = section_config,
	 .required = true,
	 AT(conf_path, tunnel.wg),
	 .help = "The wg-quick file of this overlay, relative to the folder of this file."},
	{.name = "proxy",
	 .type = "an address",
	 .read = section_proxy,
	 .help = "The address of the proxy inside the overlay, or a list of an IPv4 and an IPv6 "
		 "one; "
		 "probes to it tell a broken proxy from a broken exit."},
	{.name = "priority",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = 1000000,
	 AT(conf_path, priority),
	 .help = "Lower is preferred; by default the position in the list, from 1 on."},
	{.name = "manage",
	 .type = "true or false",
	 .read = value_flag,
	 .preset = "true",
	 AT(conf_path, tunnel.manage),
	 .help = "With false the interface is there already, and is adopted as it is."},
	{.name = "drained",
	 .type = "true or false",
	 .read = value_flag,
	 .preset = "false",
	 AT(conf_path, drained),
	 .help = "With true the path starts out of use, until comps enable."},
};

const struct schema_section keys_path = SECTION(path_keys);

/* Read by section_policy, together with the parameters of the policy. */
static const struct schema_key policy_keys[] = {
	{.name = "name",
	 .type = "the name of a policy",
	 .preset = "random-interval",
	 .help = "Which policy; comps policy list shows them all, with their parameters."},
};

static const struct schema_section keys_policy = SECTION(policy_keys);

static const struct schema_key guard_keys[] = {
	{.name = "min_dwell",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 0,
	 .max = 3600 * S,
	 .preset = "2s",
	 AT(conf_guards, min_dwell_us),
	 .help = "The shortest stay on a path that a policy may choose."},
	{.name = "max_migrations_per_min",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = 60000,
	 .preset = "120",
	 AT(conf_guards, max_migrations_per_min),
	 .help = "How many migrations a policy may have in a minute; failover is not limited."},
	{.name = "settle_timeout",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 50 * MS,
	 .max = 60 * S,
	 .preset = "500ms",
	 AT(conf_guards, settle_timeout_us),
	 .help = "The least time that a migration gets for the first packet to come back on the "
		 "new "
		 "path."},
	{.name = "hold_down",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 0,
	 .max = 300 * S,
	 .preset = "10s",
	 AT(conf_guards, hold_down_us),
	 .help = "How long a path stays out of choice after it failed; doubled for each failure "
		 "shortly before, up to 5 minutes."},
	{.name = "hold_down_half_life",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 1 * S,
	 .max = 3600 * S,
	 .preset = "1m",
	 AT(conf_guards, hold_down_half_life_us),
	 .help = "The time in which an earlier failure counts half as much."},
	{.name = "share_cap",
	 .type = "a number",
	 .read = value_count,
	 .min = 0,
	 .max = 99,
	 .preset = "0",
	 AT(conf_guards, share_cap_percent),
	 .help = "A policy may not choose a path that carried more than so many per cent of the "
		 "bytes lately, where there is another; 0 is no limit."},
	{.name = "share_window",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 1 * S,
	 .max = 3600 * S,
	 .preset = "30s",
	 AT(conf_guards, share_window_us),
	 .help = "How long lately is."},
};

const struct schema_section keys_guards = SECTION(guard_keys);

static const struct schema_key probe_keys[] = {
	{.name = "interval",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 50 * MS,
	 .max = 60 * S,
	 .preset = "1s",
	 AT(conf_probe, interval_us),
	 .help = "The mean time between two probes of a path; the single intervals are random."},
	{.name = "burst",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = 32,
	 .preset = "4",
	 AT(conf_probe, burst),
	 .help = "How many probes follow quickly when a path is suspected to be down."},
	{.name = "burst_gap",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 1 * MS,
	 .max = 1 * S,
	 .preset = "5ms",
	 AT(conf_probe, burst_gap_us),
	 .help = "The time between two probes of that burst."},
	{.name = "timeout_min",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 1 * MS,
	 .max = 10 * S,
	 .preset = "30ms",
	 AT(conf_probe, timeout_min_us),
	 .help = "A probe is never taken for lost before this time, however short the round trip."},
	{.name = "timeout_max",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 10 * MS,
	 .max = 60 * S,
	 .preset = "1s",
	 AT(conf_probe, timeout_max_us),
	 .help = "A probe is taken for lost after this time, however long the round trip."},
	{.name = "up_after",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = 100,
	 .preset = "3",
	 AT(conf_probe, up_after),
	 .help = "How many good replies in a row bring a path up."},
	{.name = "window",
	 .type = "a number",
	 .read = value_count,
	 .min = 10,
	 .max = 10000,
	 .preset = "100",
	 AT(conf_probe, window),
	 .help = "How many probes the loss and the percentiles look back on."},
	{.name = "size",
	 .type = "a size",
	 .read = value_size,
	 .min = 16,
	 .max = 1200,
	 .preset = "64B",
	 AT(conf_probe, size_bytes),
	 .help = "The payload of a probe."},
};

const struct schema_section keys_probe = SECTION(probe_keys);

static const struct schema_key network_keys[] = {
	{.name = "table_inner",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "51820",
	 AT(conf_network, table_inner),
	 .help = "The routing table of traffic that goes into the inner tunnel."},
	{.name = "table_overlay",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "51821",
	 AT(conf_network, table_overlay),
	 .help = "The routing table whose default route is the active path."},
	{.name = "mark_inner",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "51820",
	 AT(conf_network, mark_inner),
	 .help = "The firewall mark of the packets of the inner tunnel."},
	{.name = "mark_overlay",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "51821",
	 AT(conf_network, mark_overlay),
	 .help = "The firewall mark of the packets of the overlays."},
	{.name = "mark_steer",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "51822",
	 AT(conf_network, mark_steer),
	 .help = "The firewall mark by which packets of the inner tunnel are moved to the active "
		 "path."},
	{.name = "rule_priority",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = 32600,
	 .preset = "10000",
	 AT(conf_network, rule_priority),
	 .help = "The first of the 100 priorities of routing rules that CoMPS takes for itself."},
	{.name = "probe_table",
	 .type = "a number",
	 .read = value_count,
	 .min = 1,
	 .max = UINT32_LIMIT,
	 .preset = "60000",
	 AT(conf_network, probe_table),
	 .help = "The first of the routing tables for probes, one per path."},
	{.name = "protocol",
	 .type = "a number",
	 .read = value_count,
	 .min = 5,
	 .max = 254,
	 .preset = "201",
	 AT(conf_network, protocol),
	 .help = "The protocol number that tells the routes and rules of CoMPS from all others."},
	{.name = "nft_table",
	 .type = "a name",
	 .read = value_word,
	 .preset = "comps",
	 AT(conf_network, nft_table),
	 .help = "The name of the nftables table that steers, drops and counts."},
	{.name = "uplink",
	 .type = "an interface",
	 .read = section_uplink,
	 .preset = "auto",
	 .help = "The interface to the internet, or a list; auto takes every interface that is not "
		 "a tunnel of CoMPS."},
};

static const struct schema_section keys_network = SECTION(network_keys);

static const struct schema_key wireguard_keys[] = {
	{.name = "backend",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = backends,
	 .preset = "auto",
	 AT(conf, backend),
	 .help = "Which WireGuard: auto takes the kernel's where there is one, else the userspace "
		 "program."},
	{.name = "userspace",
	 .type = "a program",
	 .read = section_userspace,
	 .preset = "wireguard-go",
	 .help = "The userspace program, or a list of the program and its arguments; it is run "
		 "without a shell, with the interface as its last argument."},
};

static const struct schema_section keys_wireguard = SECTION(wireguard_keys);

static const struct schema_key control_keys[] = {
	{.name = "socket",
	 .type = "an absolute path",
	 .read = value_socket,
	 .preset = "/run/comps/comps.sock",
	 AT(conf, control_socket),
	 .help = "The control socket, by which comps talks to compsd."},
	{.name = "group",
	 .type = "a group",
	 .read = section_group,
	 .help = "Members of this group may read the status, but change nothing; by default only "
		 "root may."},
};

static const struct schema_section keys_control = SECTION(control_keys);

static const struct schema_key trace_keys[] = {
	{.name = "file",
	 .type = "an absolute path",
	 .read = value_file,
	 AT(conf_trace, file),
	 .help = "Where everything that the decisions depend on is recorded, for comps trace and "
		 "comps replay; by default nothing is."},
	{.name = "keep",
	 .type = "a duration",
	 .read = value_duration,
	 .min = 60 * S,
	 .max = 3650 * 86400 * S,
	 .preset = "30d",
	 AT(conf_trace, keep_us),
	 .help = "What is older is deleted."},
	{.name = "max_size",
	 .type = "a size",
	 .read = value_size,
	 .min = 1 << 20,
	 .max = UINT32_LIMIT,
	 .preset = "1GiB",
	 AT(conf_trace, max_bytes),
	 .help = "While the file is larger, the oldest part of it is deleted."},
};

static const struct schema_section keys_trace = SECTION(trace_keys);

static const struct schema_key log_keys[] = {
	{.name = "level",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = levels,
	 .preset = "info",
	 AT(conf, log_level),
	 .help = "What is logged: each level includes those before it."},
};

static const struct schema_section keys_log = SECTION(log_keys);

/* mode comes first: what inner means depends on it. */
static const struct schema_key top_keys[] = {
	{.name = "mode",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = modes,
	 .preset = "nested",
	 AT(conf, mode),
	 .help = "With nested, an inner tunnel runs inside the active overlay; with direct, "
		 "traffic "
		 "goes straight into it."},
	{.name = "inner",
	 .section = &keys_inner,
	 .read = section_inner,
	 .help = "The inner tunnel, to the exit; mode nested only."},
	{.name = "paths",
	 .section = &keys_path,
	 .read = section_paths,
	 .required = true,
	 .help = "The list of overlays, each to its own proxy; at least one, at most 1000."},
	{.name = "plugins",
	 .type = "a shared object",
	 .read = section_plugins,
	 .help = "A list of files that each hold one more policy; see comps-policy(7)."},
	{.name = "profile",
	 .type = "a choice",
	 .read = value_choice,
	 .choices = profiles_names,
	 .preset = "none",
	 AT(conf, profile),
	 .help = "A policy with its guards under one name, in place of what the file does not say "
		 "itself."},
	{.name = "policy",
	 .section = &keys_policy,
	 .read = section_policy,
	 .preset = "",
	 .help = "When to migrate and where to; the parameters of the policy stand beside its "
		 "name."},
	{.name = "shadows",
	 .section = &keys_policy,
	 .read = section_shadows,
	 .help = "A list of policies that are asked beside the one that decides; what they would "
		 "do "
		 "is in the status."},
	{.name = "guards",
	 .section = &keys_guards,
	 AT(conf, guards),
	 .help = "What holds for every policy."},
	{.name = "probe",
	 .section = &keys_probe,
	 AT(conf, probe),
	 .help = "How the paths are probed."},
	{.name = "network",
	 .section = &keys_network,
	 AT(conf, network),
	 .help = "Numbers and names that CoMPS takes for itself in the kernel."},
	{.name = "bypass",
	 .type = "a prefix",
	 .read = section_bypass,
	 .help = "A list of prefixes that stay outside the tunnels and go by the main table."},
	{.name = "wireguard", .section = &keys_wireguard, .help = "Which WireGuard to use."},
	{.name = "control", .section = &keys_control, .help = "Who may talk to compsd, and where."},
	{.name = "trace",
	 .section = &keys_trace,
	 AT(conf, trace),
	 .help = "What compsd records for experiments."},
	{.name = "log", .section = &keys_log, .help = "What compsd logs."},
};

const struct schema_section keys_top = SECTION(top_keys);
