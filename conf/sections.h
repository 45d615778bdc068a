/* sections: readers for the keys of comps.yaml that are more than one plain value; each is a
 * schema_read_fn. The comment says what `field` points to.
 */
#ifndef COMPS_CONF_SECTIONS_H
#define COMPS_CONF_SECTIONS_H

#include "conf/value.h"

VALUE_READER(section_inner);	 /* struct conf; its mode is known by now */
VALUE_READER(section_paths);	 /* struct conf */
VALUE_READER(section_plugins);	 /* struct conf */
VALUE_READER(section_policy);	 /* struct conf; the plug-ins are known by now */
VALUE_READER(section_shadows);	 /* likewise */
VALUE_READER(section_config);	 /* struct wgquick *: loads the .conf */
VALUE_READER(section_proxy);	 /* struct conf_path */
VALUE_READER(section_uplink);	 /* struct conf_network */
VALUE_READER(section_bypass);	 /* struct conf */
VALUE_READER(section_userspace); /* struct conf */
VALUE_READER(section_group);	 /* struct conf */

#endif
