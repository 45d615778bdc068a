/* inventory: a static Ansible inventory in INI form, as the servers of a configuration.
 *
 *   [vpn]                  the proxies, in their order
 *   ams ansible_host=203.0.113.11 ansible_user=admin
 *   [comp]                 the exit; [comps] is the same
 *   exit.example.com wg_port=51821 host_key="ssh-ed25519 AAAA..."
 *   [vpn:vars]             for all of the group; [all:vars] for all
 *   ansible_port=2222
 *
 * Read are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, and of our own
 * name, wg_port and host_key. Ranges, children, YAML and options for ssh are refused.
 */
#ifndef COMPS_PROVISION_INVENTORY_H
#define COMPS_PROVISION_INVENTORY_H

#include "conf/diag.h"
#include "provision/config.h"

/* Puts the hosts of `file` in the place of config->nodes; what a host does not say is as the
 * configuration has it. All that is wrong goes to `d`, sorted. Returns 0, -EINVAL or -ENOMEM. */
int inventory_load(const char *file, struct diags *d, struct provision_config *config);

#endif
