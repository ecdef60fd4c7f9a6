"""The installed reaper works for real: as user mayfly, in its units' sandbox, and by cron's line.

Its machines are processes of the host (provider local), which outlive the pass that launched them.
"""

import json
import re

import pytest
from conftest import LOWER, NAMES, TREE, deb
from host import Host
from world import AGENT, World, closed_to_others

from standin.client import wait_for

PATIENCE_S = 120
# Not every 2 s: systemd stops what is started a sixth time in 10 s.
FASTER = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\nAccuracySec=100ms\n"
STATE = "/var/lib/mayfly-reaper"
# As README.Debian says.
AS_MAYFLY = "(set -a; . /etc/default/mayfly-reaper; runuser -u mayfly -- {})"
TASK = """
import os, time
open("/tmp/begun", "w").close()
while not os.path.exists("/tmp/gate"):
    time.sleep(0.1)
"""


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as made:
        made.add_resource("cpu")
        yield made


@pytest.fixture
def host(engine, packages, world):
    """Both packages are installed, in their lower version, and the reaper is configured."""
    reason = closed_to_others()
    if reason:
        pytest.skip(reason)
    deps = (TREE / ".deps").resolve()
    mounts = [f"{deps}:{target}:ro" for target in {deps, TREE / ".deps"}]
    with Host(engine, packages, is_booted=True, mounts=mounts) as made:
        made.apt("install", *(f"./{deb(name, LOWER)}" for name in NAMES))
        configure(made, world)
        yield made


def as_mayfly(host, command):
    host.sh(f"runuser -u mayfly -- sh -c 'cd /etc/mayfly; umask 077; {command}'")


def configure(host, world):
    """In the order of README.Debian."""
    secret = (world.folder / "secret").read_text()
    keys = {"access_key": world.access_key, "secret_key": secret}
    host.sh("install -d -o mayfly -g mayfly -m 700 /etc/mayfly")
    as_mayfly(host, "mayfly-reaper keygen --folder .")
    recipient = host.sh("sed -n 's/^# public key: //p' /etc/mayfly/image.key")
    host.write("/etc/mayfly/mayfly-reaper.json", json.dumps({
        "prefix": "world", "signing_key": {"file": "signing.key"}, "recipients": [recipient],
        "clearml": {"api_server": world.url, "access_key": {"env": "CLEARML_API_ACCESS_KEY"},
                    "secret_key": {"env": "CLEARML_API_SECRET_KEY"}},
        "resources": [{
            "name": "cpu", "queues": ["cpu"], "max_instances": 1, "idle_timeout": "3s",
            "bundle": {"file": "bundle.age"}, "poll": {"min": "500ms", "max": "1s"},
            "report_every": "2s", "gates": {"free_gigabytes": 0.1},
            "agent": {"mode": "host", "command": [str(AGENT)],
                      "environment": {"CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1"}}}]}))
    host.write("/etc/mayfly/bundle.json", json.dumps({"prefix": "world", "clearml": keys}),
               "600", "mayfly")
    for _ in range(2):  # and whenever the credentials have changed
        as_mayfly(host, "mayfly-reaper seal --in bundle.json")
    as_mayfly(host, "shred -u bundle.json")
    host.write("/etc/default/mayfly-reaper", f"CLEARML_API_ACCESS_KEY='{world.access_key}'\n"
               f"CLEARML_API_SECRET_KEY='{secret}'\n", "600", "mayfly")


def is_there(host, path):
    return host.run(f"test -e {path}")[0] == 0


def wait_for_run(host, unit):
    try:
        wait_for(lambda: is_there(host, "/tmp/begun"), PATIENCE_S, "the task runs")
    except AssertionError as problem:
        logs = host.ask(f"tail -n 30 {STATE}/machines/*/*.log")
        raise AssertionError(f"{problem}\n{host.journal(unit)}\n{logs}") from None


def wait_for_end(host, world, task):
    """It is done, and the machine has left."""
    host.sh("touch /tmp/gate")
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task is done")
    wait_for(lambda: is_there(host, f"{STATE}/machines/*/ended.json"), PATIENCE_S, "it leaves")
    life = json.loads(host.sh(f"cat {STATE}/machines/*/last-life.json"))
    assert (life["reason"], life["exit_status"]) == ("idle", 0)


def test_the_timer_serves_a_task(host, world):
    """Passes come and go while the machine of an earlier one works: nothing is taken from it."""
    task = world.add_task("cpu", "gated", TASK)
    assert "launch 1" in host.sh(AS_MAYFLY.format("mayfly-reaper plan"))
    host.sh("mkdir /etc/systemd/system/mayfly-reaper.timer.d")
    host.write("/etc/systemd/system/mayfly-reaper.timer.d/faster.conf", FASTER)
    host.sh("systemctl daemon-reload; systemctl enable --now mayfly-reaper.timer")
    wait_for_run(host, "mayfly-reaper.service")
    secrets = host.sh("find /dev/shm -type f")
    assert secrets
    begun = passes(host)
    wait_for(lambda: passes(host) >= begun + 2, PATIENCE_S, "two more passes")
    assert host.sh("find /dev/shm -type f") == secrets
    wait_for_end(host, world, task)
    assert host.sh(f"stat -c '%U %a' {STATE} {STATE}/ledger.sqlite") == "mayfly 700\nmayfly 600"
    assert host.property("mayfly-reaper.service", "Result") == "success"


def passes(host):
    return host.journal("mayfly-reaper.service").count("event=pass")


def test_watch_goes_on_as_the_new_version(host, world):
    """The package is upgraded while a task runs."""
    unit = "mayfly-reaper-watch.service"
    task = world.add_task("cpu", "gated", TASK)
    host.sh(f"systemctl enable --now {unit}")
    wait_for_run(host, unit)
    before = host.property(unit, "MainPID")
    host.apt("install", *(f"./{deb(name)}" for name in NAMES))
    wait_for(lambda: host.property(unit, "ActiveState") == "active", PATIENCE_S, "it runs again")
    assert host.property(unit, "MainPID") not in ("0", before)
    wait_for_end(host, world, task)
    host.sh(f"systemctl stop {unit}")
    assert host.property(unit, "Result") == "success"


def test_removed_it_stops_and_the_machine_works_on(host, world):
    task = world.add_task("cpu", "gated", TASK)
    host.sh("systemctl enable --now mayfly-reaper-watch.service")
    wait_for_run(host, "mayfly-reaper-watch.service")
    host.apt("remove", "mayfly-reaper")
    assert host.ask("systemctl is-active mayfly-reaper-watch.service") == "inactive"
    said = host.apt("purge", "mayfly-reaper")
    assert f"kept: {STATE}" in said
    wait_for_end(host, world, task)


def uncomment(host):
    host.sh("sed -i 's/^#\\* /* /' /etc/cron.d/mayfly-reaper")
    return host.sh("grep '^\\* ' /etc/cron.d/mayfly-reaper")


def wait_for_pass(host):
    wait_for(lambda: "event=pass" in host.ask("journalctl --no-pager -t mayfly-reaper"),
             PATIENCE_S, "a pass in the log")
    assert host.sh(f"stat -c '%U %a' {STATE}/ledger.sqlite") == "mayfly 600"


def test_the_line_of_cron(host):
    """As cron would run it: by sh, as the user that it names, with cron's little environment."""
    user, command = re.fullmatch(r"(?:\* ){5}(\S+) (.*)", uncomment(host)).groups()
    host.write("/tmp/command", command)
    host.sh(f"cd / && runuser -u {user} -- env -i PATH=/usr/bin:/bin sh -c \"$(cat /tmp/command)\"")
    wait_for_pass(host)


@pytest.mark.slow
def test_cron_runs_it(host):
    assert host.ask("systemctl is-active cron.service") == "active"
    uncomment(host)
    wait_for_pass(host)
