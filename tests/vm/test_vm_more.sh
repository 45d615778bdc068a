#!/bin/bash
# More of the end-to-end suites on kernel WireGuard and netem, in a boot of its own, with less of what is only repetition:
# traffic that follows every migration, direct mode, and the leak test. For `make check-vm`; `make check` has no time for it.
#
# These stay on the host, where they take seconds and a command does not cost a third of one:
#   test_commands, test_policies, test_trace, test_plugins   ask compsd, not the kernel: what they decide, refuse and record
#                           is the same above any WireGuard (test_lifecycle has `down` and the kernel's state)
#   test_lab                the lab's own cables of user space, which the guest does not use
#   test_chaos              25 steps are some 1,500 commands
#   test_valgrind           an emulator under an emulator
#   test_split              has no network
VM_TESTS='tests/lab/test_direct.sh tests/lab/test_traffic.sh tests/lab/test_leaktest.sh' VM_ENV=BRIEF=1 exec "${0%/*}/test_vm.sh"
