"""A machine that is a container whose first process is systemd: there in seconds.

It shares the network, on which the world's ClearML is, and the folder of the world, where tasks
leave their traces; nothing else. It is a local machine: its ticket is given by hand, as the manual
says, and who it is was written by hand, as the launcher writes it. Power-off ends the container:
its init has no right to do more.
"""

import json
import subprocess
import time
from pathlib import Path

from world import BOOTSTRAP, PREFIX, REAPER, TREE

import system_image
from machine import STATE, Machine

# What systemd needs as PID 1, and no more: --privileged cannot be had everywhere.
RIGHTS = ["--cap-add", "SYS_ADMIN", "--cap-add", "SYS_NICE", "--security-opt", "seccomp=unconfined",
          "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
          "--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]


def identity():
    """What the launcher of a local machine writes."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return json.dumps({
        "provider": "local", "instance": "machine-1", "type": "local", "zone": "local",
        "market": "on-demand", "prefix": PREFIX, "resource": "cpu", "slot": 0, "generation": 0,
        "launched_s": int(time.time()), "boot_id": boot_id,
        "launched_boottime_ms": int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)})


class Container(Machine):
    """See the module's first lines."""

    admitted_s = 20
    hung_s = 10
    dead_man = "10s"
    patience_s = 180
    has_own_disk = False
    output = f"StandardOutput=append:{STATE}/console.log\nStandardError=inherit"
    without_ticket = "admission"

    def __init__(self, engine, world, folder):
        super().__init__(world, folder)
        self.engine = engine
        self.state = self.folder / "state"
        self.user_data = self.state / "user-data"
        self.container = None

    def __enter__(self):
        self.state.mkdir(parents=True, mode=0o700)
        (self.state / "instance.json").write_text(identity())
        super().__enter__()
        wanted = self.units / "multi-user.target.wants" / "mayfly-bootstrap.service"
        wanted.parent.mkdir()  # as `systemctl enable` leaves it
        wanted.symlink_to("/etc/systemd/system/mayfly-bootstrap.service")
        return self

    def __exit__(self, *_exception):
        if self.container:
            self.engine.docker("rm", "-f", self.container, check=False)

    def ticket(self):
        return subprocess.run([str(REAPER), "ticket", "--config", str(self.world.config),
                               "--resource", "cpu"], capture_output=True, text=True, check=True,
                              timeout=60).stdout

    def take_ticket_away(self):
        self.user_data.unlink()

    def boot(self):
        mounts = {self.state: STATE, self.world.folder: self.world.folder,
                  f"{self.world.folder / 'baked'}": "/etc/mayfly:ro",
                  f"{BOOTSTRAP}": "/usr/bin/mayfly-bootstrap:ro",
                  f"{self.units / 'boot-guard'}": "/usr/lib/mayfly/boot-guard:ro",
                  f"{self.units / 'multi-user.target.wants'}":
                      "/etc/systemd/system/multi-user.target.wants:ro"}
        deps = (TREE / ".deps").resolve()
        words = [word for target in {deps, TREE / ".deps"}  # one of them, where it is no link
                 for word in ("-v", f"{deps}:{target}:ro")]
        for path in self.units.glob("mayfly-boot*"):
            mounts[path] = f"/etc/systemd/system/{path.name}:ro"
        words += [word for source, target in mounts.items()
                  for word in ("-v", f"{source}:{target}")]
        self.container = self.engine.docker(
            "run", "--detach", "--tty", "--network", "host", *RIGHTS, "-e", "container=docker",
            "-e", "SYSTEMD_LOG_TARGET=console", "-e", "SYSTEMD_SHOW_STATUS=0",
            *words, system_image.NAME, "/sbin/init").stdout.strip()

    def run(self, *words, check=True):
        return self.engine.docker("exec", self.container, *words, check=check).stdout.strip()

    def read(self, path):
        """A text file of the machine, also once it is off; None when there is none."""
        here = self.state / path.relative_to(STATE) if path.is_relative_to(STATE) else path
        return here.read_text(errors="replace") if here.exists() else None

    def is_on(self):
        said = self.engine.inspect(self.container)
        return bool(said and said["State"]["Running"])

    def exit_status(self):
        return self.engine.inspect(self.container)["State"]["ExitCode"]

    def log(self):
        """What bootstrap said."""
        return self.read(STATE / "console.log") or ""

    def console(self):
        """What the machine's init said."""
        if not self.container:
            return "never switched on"
        return self.engine.docker("logs", self.container, check=False).stdout
