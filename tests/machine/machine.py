"""A machine that systemd runs: a container whose first process is its init, with our units.

    with Machine(engine, world, folder) as machine:
        machine.boot()
        machine.wait_for_off()
        machine.record()        # the exit record of its life

It is given the ticket of a local machine by hand, as the manual says. It shares the network, on
which the world's ClearML is, and the folder of the world, where tasks leave their traces; nothing
else. Power-off ends the container: its init has no right to do more.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import system_image
from standin.client import wait_for
from world import BOOTSTRAP, PREFIX, REAPER, TREE

UNITS = TREE / "packaging" / "systemd"
INSTANCE = "machine-1"
BOOT_DEADLINE_S = 120
OFF_DEADLINE_S = 180
# What systemd needs as PID 1, and no more: --privileged cannot be had everywhere.
RIGHTS = ["--cap-add", "SYS_ADMIN", "--cap-add", "SYS_NICE", "--security-opt", "seccomp=unconfined",
          "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
          "--cgroupns", "private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"]
# The units as they are, with times for tests, and with the log where the test can read it. One
# empty OnBootSec= takes away all times of a timer.
FASTER_BOOTSTRAP = """[Service]
WatchdogSec={watchdog_s}
RestartSec=100ms
StandardOutput=append:/var/lib/mayfly/console.log
StandardError=inherit
Environment=MAYFLY_BOOTSTRAP_OPTIONS={options}
"""
FASTER_GUARD = """[Timer]
OnBootSec=
OnBootSec={guard_s}
OnUnitInactiveSec=1
AccuracySec=100ms
"""


class Machine:
    """See the module's first lines."""

    def __init__(self, engine, world, folder):
        self.engine, self.world, self.folder = engine, world, Path(folder)
        self.state = self.folder / "state"
        self.units = self.folder / "units"
        self.container = None

    def __enter__(self):
        self.state.mkdir(parents=True, mode=0o700)
        shutil.copytree(UNITS, self.units)
        wanted = self.units / "multi-user.target.wants" / "mayfly-bootstrap.service"
        wanted.parent.mkdir()  # as `systemctl enable` leaves it
        wanted.symlink_to("/etc/systemd/system/mayfly-bootstrap.service")
        self.configure()
        self.write_instance()
        self.write_ticket()
        return self

    def __exit__(self, *_exception):
        if self.container:
            self.engine.docker("rm", "-f", self.container, check=False)

    def configure(self, *, watchdog_s="5min", guard_s="60min", options=""):
        """Before boot(): the units' times, and options of `mayfly-bootstrap run`."""
        for unit, text in (("mayfly-bootstrap.service", FASTER_BOOTSTRAP),
                           ("mayfly-boot-guard.timer", FASTER_GUARD)):
            drop_in = self.units / f"{unit}.d" / "faster.conf"
            drop_in.parent.mkdir(exist_ok=True)
            drop_in.write_text(text.format(watchdog_s=watchdog_s, guard_s=guard_s,
                                           options=options))

    def write_instance(self):
        """What the launcher of a local machine writes."""
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        (self.state / "instance.json").write_text(json.dumps({
            "provider": "local", "instance": INSTANCE, "type": "local", "zone": "local",
            "market": "on-demand", "prefix": PREFIX, "resource": "cpu", "slot": 0,
            "generation": 0, "launched_s": int(time.time()), "boot_id": boot_id,
            "launched_boottime_ms": int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)}))

    def write_ticket(self):
        made = subprocess.run([str(REAPER), "ticket", "--config", str(self.world.config),
                               "--resource", "cpu"], capture_output=True, check=True, timeout=60)
        path = self.state / "user-data"
        path.touch(mode=0o600)
        path.write_bytes(made.stdout)

    def boot(self):
        mounts = {self.state: "/var/lib/mayfly", self.world.folder: self.world.folder,
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

    def is_on(self):
        said = self.engine.inspect(self.container)
        return bool(said and said["State"]["Running"])

    def pid(self):
        """Of bootstrap, in the machine; 0 while there is none."""
        shown = self.run("systemctl", "show", "--property=MainPID", "--value",
                         "mayfly-bootstrap.service", check=False)
        return int(shown) if shown.isdigit() else 0

    def wait_for_bootstrap(self, other_than=0):
        """Its process id, once it has been admitted (again)."""
        def is_ready():
            state = self.run("systemctl", "show", "--property=ActiveState", "--value",
                             "mayfly-bootstrap.service", check=False)
            pid = self.pid()
            return pid if state == "active" and pid not in (0, other_than) else None
        return wait_for(is_ready, BOOT_DEADLINE_S, "bootstrap is admitted")

    def signal(self, name, pid):
        self.run("kill", f"-{name}", pid)

    def wait_for_off(self):
        wait_for(lambda: not self.is_on(), OFF_DEADLINE_S, "the machine is off")
        return self.engine.inspect(self.container)["State"]["ExitCode"]

    def record(self):
        """The exit record; None when bootstrap did not come to write one."""
        path = self.state / "last-life.json"
        return json.loads(path.read_text()) if path.exists() else None

    def starts(self):
        path = self.state / "life.json"
        return json.loads(path.read_text())["starts"] if path.exists() else 0

    def log(self):
        path = self.state / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def console(self):
        """What the machine's init said."""
        return self.engine.docker("logs", self.container, check=False).stdout

    def log_tail(self):
        said = self.console()[-5000:] if self.container else "never switched on"
        return f"=== console\n{said}\n=== bootstrap\n{self.log()[-6000:]}"
