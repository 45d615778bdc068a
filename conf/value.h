/* value: readers for the kinds of values in comps.yaml; each is a schema_read_fn.
 *
 * The comment says what `field` points to. A value that is refused leaves it as it was.
 */
#ifndef COMPS_CONF_VALUE_H
#define COMPS_CONF_VALUE_H

#include "conf/schema.h"

#define VALUE_READER(name)                                                                         \
	void name(struct conf_reader *r, const struct schema_key *key,                             \
		  const struct conf_node *node, void *field)

VALUE_READER(value_duration);  /* int64_t, microseconds */
VALUE_READER(value_count);     /* uint32_t; decimal or 0x hexadecimal */
VALUE_READER(value_size);      /* uint32_t, bytes */
VALUE_READER(value_flag);      /* bool */
VALUE_READER(value_choice);    /* an enum, in the order of key->choices */
VALUE_READER(value_interface); /* char[IFNAMSIZ] */
VALUE_READER(value_word);      /* char[16]: a-z, 0-9, "-" and "_" */
VALUE_READER(value_ip);	       /* struct ip */
VALUE_READER(value_socket);    /* char *, an absolute path that fits in a sockaddr_un */
VALUE_READER(value_file);      /* char *, an absolute path */

#endif
