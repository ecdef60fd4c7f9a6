"""A machine that systemd runs, with our units: what its lives (test_lives.py) are told with.

    with Container(engine, world, folder) as machine:       # or VirtualMachine
        machine.boot()
        machine.wait_for_off()
        machine.record()        # the exit record of its life

The two kinds of machine differ in what carries them, in whose they are (a local one, an instance
of EC2), and in how fast they are.
"""

import json
import shutil
from pathlib import Path

from standin.client import wait_for
from world import GATED, TREE

UNITS = TREE / "packaging" / "systemd"
BOOTSTRAP_UNIT = "mayfly-bootstrap.service"
GUARD_UNIT = "mayfly-boot-guard.timer"
STATE = Path("/var/lib/mayfly")  # in the machine
# The units as they are, with times for tests, and with the log where the test can read it. One
# empty OnBootSec= takes away all times of a timer.
FASTER_BOOTSTRAP = """[Service]
WatchdogSec={watchdog_s}
RestartSec=100ms
{output}
Environment="MAYFLY_BOOTSTRAP_OPTIONS={options}"
"""
FASTER_GUARD = """[Timer]
OnBootSec=
OnBootSec={guard_s}
OnUnitInactiveSec=1
AccuracySec=100ms
"""


class Machine:
    """See the module's first lines."""

    # Of each kind:
    admitted_s = 0  # so long after its boot bootstrap has noted until when the machine may live
    hung_s = 0  # a bootstrap that works is never silent for so long
    dead_man = ""  # a setting that one that works never comes to
    patience_s = 0  # for a boot, for a power-off, for a task that starts
    output = ""  # the lines of a unit that say where bootstrap's log goes
    options = ""  # of `mayfly-bootstrap run`, as the image has them
    without_ticket = ""  # the reason to leave of one that is given none

    def __init__(self, world, folder):
        self.world, self.folder = world, Path(folder)
        self.units = self.folder / "units"
        self.traces = world.folder  # where tasks leave theirs, as they see it

    def __enter__(self):
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        shutil.copytree(UNITS, self.units)
        self.configure()
        self.write_ticket()
        return self

    def configure(self, *, watchdog_s="5min", guard_s="60min"):
        """Before boot(): the units' times."""
        self.drop_in(BOOTSTRAP_UNIT, "faster", FASTER_BOOTSTRAP.format(
            watchdog_s=watchdog_s, output=self.output, options=self.options))
        self.drop_in(GUARD_UNIT, "faster", FASTER_GUARD.format(guard_s=guard_s))

    def drop_in(self, unit, name, text):
        """Before boot()."""
        path = self.units / f"{unit}.d" / f"{name}.conf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def write_ticket(self, text=None, **resource):
        """Before boot(): a ticket for the world's resource, with other settings if given, or
        whatever the text is."""
        if text is None:
            self.world.resources[0].update(resource)
            self.world.write_config()
            text = self.ticket()
        self.user_data.touch(mode=0o600)
        self.user_data.write_text(text)

    # -- tasks ------------------------------------------------------------------------------

    def add_task(self):
        """One that runs until open_gate()."""
        return self.world.add_task("cpu", "gated", GATED.format(
            runs=str(self.traces / "runs.jsonl"), gate=str(self.traces / "gate")))

    def open_gate(self):
        self.run("touch", str(self.traces / "gate"))

    def run_lines(self):
        text = self.read(self.traces / "runs.jsonl") or ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    # -- bootstrap --------------------------------------------------------------------------

    def shown(self, name, unit=BOOTSTRAP_UNIT):
        """A property of a unit; empty while nobody tells it."""
        return self.run("systemctl", "show", f"--property={name}", "--value", unit, check=False)

    def pid(self):
        """Of bootstrap, in the machine; 0 while there is none."""
        shown = self.shown("MainPID")
        return int(shown) if shown.isdigit() else 0

    def wait_for_bootstrap(self, other_than=0):
        """Its process id, once it has been admitted (again)."""
        def is_ready():
            state, pid = self.shown("ActiveState"), self.pid()
            return pid if state == "active" and pid not in (0, other_than) else None
        return self.wait_for(is_ready, "bootstrap is admitted")

    def wait_for_run(self):
        self.wait_for(lambda: [line for line in self.run_lines() if line["what"] == "begin"],
                      "the task runs")

    def wait_for(self, condition, what):
        """While it is on."""
        def look():
            assert self.is_on(), f"the machine is off before {what}"
            return condition()
        return wait_for(look, self.patience_s, what)

    def signal(self, name, pid):
        self.run("kill", f"-{name}", str(pid))

    def wait_for_off(self):
        """The exit status of what carried it."""
        wait_for(lambda: not self.is_on(), self.patience_s, "the machine is off")
        return self.exit_status()

    def record(self):
        """The exit record; None when bootstrap did not come to write one."""
        text = self.read(STATE / "last-life.json")
        return json.loads(text) if text else None

    def starts(self):
        text = self.read(STATE / "life.json")
        return json.loads(text)["starts"] if text else 0

    def log_tail(self):
        return f"=== console\n{self.console()[-8000:]}\n=== bootstrap\n{self.log()[-6000:]}"
