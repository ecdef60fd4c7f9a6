"""The disk of a virtual machine: made of the distribution's packages, with mayfly installed as an
image has it. No loop device, no mount: e2fsprogs alone write and read it.

    base = BaseDisk(folder)                 # disk, kernel, initrd; seconds, once its archive exists
    disk = base.copy(path)                  # of one life
    disk.put({"/etc/mayfly/image.key": (text, 0o400)})
    ...                                     # the life
    disk.check()
    disk.read("/var/lib/mayfly/last-life.json")
"""

import os
import shutil
import subprocess
from pathlib import Path

from world import TREE

import system_image

BOOTSTRAP = TREE / "build" / "static" / os.uname().machine / "mayfly-bootstrap"
SIZE = 2 << 30
ADDRESS, GATEWAY = "198.51.100.2", "198.51.100.1"
FILLER = "/usr/local/sbin/fill-the-disk"
FILES = {
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "machine\n",
    "etc/hosts": "127.0.0.1 localhost machine\n",
    "etc/resolv.conf": "",  # not the one of the host that made the archive
    "etc/systemd/network/cloud.network":
        f"[Match]\nType=ether\n[Network]\nAddress={ADDRESS}/24\nGateway={GATEWAY}\n"
        "LinkLocalAddressing=no\n",
}
# Up to the last block, which is root's.
FILL = """#!/bin/sh
fallocate -l "$(df --output=avail -B1 / | tail -n 1)" /filler
dd if=/dev/zero of=/filler.rest bs=65536
dd if=/dev/zero of=/filler.rest bs=4096 oflag=append conv=notrunc
sync
! dd if=/dev/zero of=/filler.more bs=4096 count=1
"""
ENABLED = ["systemd-networkd", "systemd-networkd-wait-online", "mayfly-bootstrap",
           "mayfly-boot-guard.timer"]
MASKED = ["serial-getty@ttyS0.service", "getty@tty1.service", "apt-daily.timer",
          "apt-daily-upgrade.timer", "e2scrub_reap.service"]


class Disk:
    """A file with an ext4 file system in it, and no partitions."""

    def __init__(self, path):
        self.path = Path(path)

    def put(self, files):
        """Path -> (text, mode), of files that are not there yet."""
        commands, made = [], set()
        folder = self.path.with_suffix(".put")
        folder.mkdir()
        for number, (path, (text, mode)) in enumerate(files.items()):
            source = folder / str(number)
            source.touch(mode=0o600)
            source.write_text(text)
            parent, name = os.path.split(path)
            if parent not in made:
                made.add(parent)
                if self._debugfs(f"stat {parent}")[1]:
                    commands.append(f"mkdir {parent}")
            commands += [f"cd {parent}", f"write {source} {name}",
                         f"set_inode_field {name} mode 0{0o100000 | mode:o}"]
        said = self._debugfs(*commands, writable=True)[1]
        shutil.rmtree(folder)
        if said:
            raise AssertionError(f"{self.path}: debugfs says {said}")

    def check(self):
        """After a power-off: what the journal still holds is put in its place."""
        done = subprocess.run(["e2fsck", "-p", self.path], capture_output=True, text=True,
                              check=False)
        if done.returncode not in (0, 1):
            raise AssertionError(f"the file system is broken: {done.stdout}{done.stderr}")

    def read(self, path):
        """A text file; None when there is none."""
        text, said = self._debugfs(f"cat {path}")
        return None if said else text

    def _debugfs(self, *commands, writable=False):
        """(what the commands print, what they complain of)"""
        words = ["debugfs", *(["-w"] if writable else [])]
        if len(commands) == 1:
            words += ["-R", commands[0]]
        done = subprocess.run([*words, *(["-f", "-"] if len(commands) > 1 else []), self.path],
                              input="\n".join(commands), capture_output=True, text=True,
                              errors="replace", check=True)
        complaints = [line for line in done.stderr.splitlines()
                      if not line.startswith(("debugfs ", "Allocated inode:"))]
        return done.stdout, "\n".join(complaints)


class BaseDisk:
    """See the module's first lines."""

    def __init__(self, folder):
        root = folder / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", root, "-xf", system_image.whole_archive()], check=True)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(next((root / "boot").glob(f"{name}-*")), folder / name)
        self.kernel, self.initrd = folder / "vmlinuz", folder / "initrd.img"
        shutil.rmtree(root / "boot")
        install(root)
        self._disk = folder / "disk"
        subprocess.run(["truncate", "-s", str(SIZE), self._disk], check=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, self._disk], check=True)
        shutil.rmtree(root)

    def copy(self, path):
        subprocess.run(["cp", "--sparse=always", self._disk, path], check=True)
        return Disk(path)


def install(root):
    """The static program and its units where a package puts them, the agent, and the test's own."""
    for name, text in FILES.items():
        (root / name).unlink(missing_ok=True)
        (root / name).write_text(text)
    subprocess.run(["sh", TREE / "packaging/install.sh", "mayfly-bootstrap", BOOTSTRAP, "/usr",
                    root], check=True)
    (root / FILLER[1:]).write_text(FILL)
    (root / FILLER[1:]).chmod(0o755)
    shutil.copytree(TREE / "packaging/systemd/system.conf.d", root / "etc/systemd/system.conf.d")
    (root / "var/lib/mayfly").mkdir(mode=0o700)
    (root / "etc/mayfly").mkdir(mode=0o755)
    (root / "srv/traces").mkdir(mode=0o755)
    install_agent(root)
    for verb, units in (("enable", ENABLED), ("mask", MASKED)):
        subprocess.run(["systemctl", f"--root={root}", "--quiet", verb, *units], check=True)


def install_agent(root):
    """At the path that it has here: its scripts hold it, and the reaper looks for it there."""
    deps = TREE / ".deps"
    real = deps.resolve() / "agent"
    shutil.copytree(real, root / real.relative_to("/"), symlinks=True)
    if deps.is_symlink():
        link = root / deps.relative_to("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(real.parent)
