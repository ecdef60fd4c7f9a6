"""A machine that qemu plays, processor and all, in a network namespace that is its cloud.

It has a kernel and a disk of its own, and reaches nothing but the namespace's two addresses: the
metadata service at 169.254.169.254, which tells who it is and has its ticket, as on EC2, and the
gateway, on which the world's ClearML answers. The processor is emulated, which works everywhere,
some ten times slower: no time that a test measures here means anything. Off is off: qemu has ended
by itself, with status 0, after its kernel said so on the serial line.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from ec2 import identity, ticket_for_aws
from peers.cloud import METADATA, Cloud, NetworkNamespace, start_metadata_service
from peers.relay import Relay

import disk
import system_image
from guest import Guest, Unheard
from machine import Machine

PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap",
            "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "setpriv": "util-linux",
            "systemctl": "systemd"}
POWERED_DOWN = "reboot: Power down"
SERIAL_NUMBER = "ec2e1916-9099-7caf-fd21-012345abcdef"
COMMAND_LINE = ("root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1"
                " systemd.show_status=0 systemd.log_color=0")


class VirtualMachine(Machine):
    """See the module's first lines."""

    admitted_s = 120
    hung_s = 60
    dead_man = "2m"
    patience_s = 600
    has_own_disk = True
    filler = disk.FILLER
    output = "StandardOutput=journal+console\nStandardError=inherit"
    options = "--provider aws --power-off"  # as packaging/packer/provision.sh writes them
    without_ticket = "identity"  # who gives none does not say either who it is

    def __init__(self, base, world, folder):
        super().__init__(world, folder)
        self.base = base
        self.user_data = self.folder / "user-data"
        self.serial = self.folder / "serial.log"
        self.traces = Path("/srv/traces")
        self.has_metadata = True
        self.disk = self.process = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.cloud = stack.enter_context(NetworkNamespace())
            self._link()
            port = stack.enter_context(Relay(self.cloud, disk.GATEWAY,
                                             lambda: urlsplit(self.world.url).port))
            self.world.settings["clearml"] = self._clearml(f"http://{disk.GATEWAY}:{port}")
            super().__enter__()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception):
        if self.process:
            self.process.kill()
            self.process.wait()
        self._stack.close()
        if self.disk:
            self.disk.path.unlink()

    def _link(self):
        """The far end of the machine's network card."""
        ip = functools.partial(self.cloud.run, "ip")
        ip("link", "set", "lo", "up")
        ip("tuntap", "add", "dev", "tap", "mode", "tap")
        ip("address", "add", f"{disk.GATEWAY}/24", "dev", "tap")
        ip("link", "set", "tap", "up")

    def _clearml(self, url):
        """The server as the machine sees it, for its ticket."""
        return {"api_server": url, "web_server": url, "files_server": url,
                "access_key": self.world.access_key,
                "secret_key": {"file": str(self.world.folder / "secret")}}

    def ticket(self):
        return ticket_for_aws(self.world, "cpu")

    def take_ticket_away(self):
        """And the service that would give one."""
        self.has_metadata = False

    def boot(self):
        self.disk = self.base.copy(self.folder / "disk")
        self.disk.put(self._files())
        if self.has_metadata:  # else nobody answers there, not even to refuse
            self.cloud.run("ip", "address", "add", f"{METADATA}/32", "dev", "tap")
            values = self.folder / "values.json"
            values.write_text(json.dumps(identity("on-demand")))
            self._stack.enter_context(start_metadata_service(
                self.cloud.prefix, METADATA, 80, self.folder / "metadata.jsonl",
                user_data=self.user_data, values=values))
        line = self.folder / "guest"
        with open(self.folder / "qemu.out", "wb") as out:
            self.process = subprocess.Popen(
                [*self.cloud.prefix, "setpriv", "--pdeathsig", "KILL", *self._qemu(line)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.guest = Guest(line)
        self._stack.callback(self.guest.close)

    def _files(self):
        baked = self.world.folder / "baked"
        files = {"/etc/mayfly/image.key": ((baked / "image.key").read_text(), 0o400),
                 "/etc/mayfly/trusted.pub": ((baked / "trusted.pub").read_text(), 0o644)}
        for path in self.units.glob("*.d/*.conf"):
            if path.parent.suffixes[-2:] in ([".service", ".d"], [".timer", ".d"]):
                files[f"/etc/systemd/system/{path.relative_to(self.units)}"] = (
                    path.read_text(), 0o644)
        return files

    def _qemu(self, line):
        # The accelerator is named: a /dev/kvm that can be opened may be of no use all the same.
        return [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max",
            "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(self.base.kernel), "-initrd", str(self.base.initrd),
            "-append", COMMAND_LINE, "-serial", f"file:{self.serial}",
            "-smbios", f"type=1,manufacturer=Amazon EC2,serial={SERIAL_NUMBER}",
            "-drive", f"file={self.disk.path},if=virtio,format=raw,cache=unsafe",
            "-netdev", "tap,id=cloud,ifname=tap,script=no,downscript=no",
            "-device", "virtio-net-pci,netdev=cloud", "-device", "virtio-rng-pci",
            "-device", "virtio-serial",
            "-chardev", f"socket,id=guest,path={line},server=on,wait=off",
            "-device", "virtserialport,chardev=guest,name=org.qemu.guest_agent.0"]

    def run(self, *words, check=True):
        """Not check: empty when the machine does not answer."""
        try:
            status, said, complaint = self.guest.run(*words)
        except Unheard:
            if check:
                raise
            return ""
        if check and status != 0:
            raise AssertionError(f"{' '.join(words)}: status {status}: {complaint}")
        return said.strip()

    def read(self, path):
        """A text file of the machine, also once it is off; None when there is none."""
        if not self.is_on():
            return self.disk.read(str(path))
        try:
            status, text, _ = self.guest.run("cat", str(path))
        except Unheard:
            return None
        return text if status == 0 else None

    def fill_disk(self):
        self.run(self.filler)

    def is_on(self):
        return self.process.poll() is None

    def exit_status(self):
        """Of qemu, which a kernel that panicked or was reset would also end."""
        if POWERED_DOWN not in self.console():
            raise AssertionError("the machine ended, but not by switching itself off")
        self.disk.check()
        return self.process.returncode

    def console(self):
        """The serial line: kernel, init and bootstrap."""
        text = self.serial.read_text(errors="replace") if self.serial.exists() else ""
        return text + (self.folder / "qemu.out").read_text() if self.process else "never on"

    def log(self):
        """What bootstrap said."""
        return "\n".join(re.findall(r"mayfly-bootstrap\[\d+\]: (.*)", self.console()))


@functools.cache
def unavailable():
    """None, or a sentence why no such machine can be made here."""
    if os.uname().machine not in system_image.KERNELS:
        return f"no virtual machine is described for {os.uname().machine}"
    if "ID=debian\n" not in Path("/etc/os-release").read_text():
        return "virtual machines are made of Debian's packages, on Debian"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "a virtual machine's network card needs /dev/net/tun"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"a virtual machine needs {program} (package {package}: setup.sh machine)"
    return Cloud.unavailable()
