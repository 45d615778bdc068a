/* config_values: readers for values that only the configuration of provisioning has; each is a
 * schema_read_fn (conf/schema.h). The comment says what `field` points to. */
#ifndef COMPS_PROVISION_CONFIG_VALUES_H
#define COMPS_PROVISION_CONFIG_VALUES_H

#include "conf/value.h"

VALUE_READER(config_values_name);    /* char[PROVIDER_NAME_BYTES] */
VALUE_READER(config_values_slug);    /* char[PROVIDER_SLUG_BYTES] */
VALUE_READER(config_values_size);    /* the same; old names become new ones, with a note */
VALUE_READER(config_values_image);   /* the same */
VALUE_READER(config_values_text);    /* char[CONFIG_TEXT_BYTES], printable */
VALUE_READER(config_values_user);    /* char[33] */
VALUE_READER(config_values_id);	     /* char[PROVIDER_ID_BYTES]: a number, a fingerprint or $NAME */
VALUE_READER(config_values_secret);  /* char * */
VALUE_READER(config_values_subnet);  /* struct ip_prefix, a /24; "10.45.0" is one */
VALUE_READER(config_values_address); /* struct ip_prefix of one IPv4 address */
VALUE_READER(config_values_prefixes);  /* struct provision_config: admins */
VALUE_READER(config_values_host_keys); /* nothing: refuses to leave host keys unchecked */

#endif
