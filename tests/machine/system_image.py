"""A machine's root file system, with systemd as its init, from the distribution's packages."""

import os
import re
import subprocess
import sys
from pathlib import Path

from peers import images

NAME = "peers/system:1"
# What a machine needs, but for a kernel: its init, and what the agent and its tasks are run with.
PACKAGES = ["systemd", "systemd-sysv", "python3", "git", "procps", "cron", "ca-certificates"]
# Of a debug build.
LIBRARIES = ["libcurl4", "libcjson1", "libsodium23", "zlib1g", "libsqlite3-0", "libexpat1",
             "libyaml-0-2"]
KERNELS = {"x86_64": "linux-image-cloud-amd64"}
HARDWARE = ["udev", "dbus", "initramfs-tools", "qemu-guest-agent"]  # of a machine that has its own
FOR_PEOPLE = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"]


def archive():
    """For `docker import`; made once, in minutes, and kept as those of images.py are."""
    return images.cached("system", [Path(__file__)],
                         lambda path: _build(path, PACKAGES + LIBRARIES))


def whole_archive():
    """With a kernel in /boot, for a virtual machine."""
    packages = [*PACKAGES, *HARDWARE, KERNELS[os.uname().machine]]
    return images.cached("machine", [Path(__file__)], lambda path: _build(path, packages))


def _build(path, packages):
    """A tar archive of a root file system with these packages."""
    new = path.with_suffix(".new.tar")
    release = Path("/etc/os-release").read_text()
    suite = re.search(r"^VERSION_CODENAME=(\w+)", release, re.M)[1]
    sources = map(str, images.recipe().own_sources())
    # With mounts of its own: beside tests that mount and unmount, it finds its /dev/shm busy.
    subprocess.run(["unshare", "--mount", "mmdebstrap", "--quiet", "--mode=root",
                    "--variant=minbase", f"--include={','.join(packages)}",
                    '--aptopt=Apt::Install-Recommends "false"',
                    *(f"--dpkgopt=path-exclude={left_out}" for left_out in FOR_PEOPLE),
                    suite, str(new), *sources],
                   check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    new.replace(path)
