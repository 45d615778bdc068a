/* sysctl: kernel settings below /proc/sys: read first, write only what differs.
 *
 * A key is the path below the root, because interface names may contain dots:
 * "net/ipv4/conf/wgnet1/rp_filter". The root is an argument for the tests.
 */
#ifndef COMPS_NETLINK_SYSCTL_H
#define COMPS_NETLINK_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#define SYSCTL_ROOT	   "/proc/sys"
#define SYSCTL_KEY_BYTES   96
#define SYSCTL_VALUE_BYTES 32

/* What sysctl_ensure() found and did, for the log and for putting it back. */
struct sysctl_change {
	char key[SYSCTL_KEY_BYTES];
	char old[SYSCTL_VALUE_BYTES];
	char new[SYSCTL_VALUE_BYTES];
	bool written; /* false: it was right already, or could not be written */
};

/* Reads a value without its newline. Returns 0; -ENOENT when this kernel has no such key; or
 * -errno. */
int sysctl_read(const char *root, const char *key, char *value, size_t value_bytes);

/* Makes the key have the value and fills `out`, also on failure. Returns 0, or -errno: -ENOENT,
 * -EACCES or -EROFS (a container), -EINVAL (the kernel refused the value). */
int sysctl_ensure(const char *root, const char *key, const char *value, struct sysctl_change *out);

#endif
