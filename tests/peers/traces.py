"""What an engine or a namespace could leave on this machine, or change on it while it lives."""

import os
import subprocess
from pathlib import Path


def is_of_another_run(path):
    """Whether it bears the id of a process that lives and is not this one: tests next to these."""
    maker = (path.name + "-").split("-")[1]
    return maker.isdigit() and int(maker) != os.getpid() and Path(f"/proc/{maker}").exists()


def names(folder, pattern):
    return sorted(str(path) for path in Path(folder).glob(pattern) if not is_of_another_run(path))


def traces():
    return {
        "mounts": Path("/proc/self/mountinfo").read_text().count("mayfly-"),
        "interfaces": names("/sys/class/net", "*"),
        "namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
        "rules": subprocess.run(["iptables-save"], capture_output=True, text=True,
                                check=False).stdout.count("\n-A"),
        "cgroups": names("/sys/fs/cgroup", "**/mayfly-*"),
        "run": names("/run", "mayfly-*"),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }
