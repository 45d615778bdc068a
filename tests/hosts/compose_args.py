#!/usr/bin/env python3
"""compose_args.py FILE SERVICE: a service of what `docker-compose config` prints, as arguments of podman-run(1), one a line.

It knows what a client bundle uses, and fails at anything else. Networks are not Compose's here: the caller has one."""
import sys

import yaml

with open(sys.argv[1]) as file:
    service = yaml.safe_load(file)["services"][sys.argv[2]]


def pairs(value):
    return [f"{k}={v}" for k, v in value.items()] if isinstance(value, dict) else value


def each(option, key):
    return [f"--{option}={item}" for item in pairs(service.pop(key, []))]


args = ["--name=" + service.pop("container_name")]
for option, key in (("cap-drop", "cap_drop"), ("cap-add", "cap_add"), ("security-opt", "security_opt"), ("device", "devices"),
                    ("sysctl", "sysctls"), ("dns", "dns"), ("tmpfs", "tmpfs"), ("volume", "volumes")):
    args += each(option, key)
if service.pop("read_only", False):
    args.append("--read-only")
if service.pop("init", False):
    args.append("--init")
args.append("--stop-timeout=" + service.pop("stop_grace_period").rstrip("s"))
check = service.pop("healthcheck")
args += ["--health-cmd=" + " ".join(check["test"]), "--health-interval=disable", "--health-timeout=" + check["timeout"]]
service.pop("build")
image = service.pop("image")
service.pop("restart")  # Docker's daemon does that
if service:
    sys.exit(f"not known: {', '.join(service)}")
print("\n".join(args + [f"localhost/{image}"]))
