#!/bin/bash
# The other half of test_vm.sh: a boot of its own, so that two can run at once.
VM_MORE=1 exec "${0%/*}/test_vm.sh"
