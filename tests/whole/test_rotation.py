"""Image keys and signing keys are rotated while machines run, as the page on keys says."""

import base64
import io
import json
import os
import subprocess
import tarfile
import time

import pytest
from lives import PATIENCE_S, check, check_nothing_left, runs_of
from world import BOOTSTRAP, PREFIX, kill, wait_for


def add_gated(world, name):
    gate = world.folder / f"gate-{name}"
    return world.add_task("cpu", name, world.gated_source(gate)), gate


def launch(world, task):
    """The machine that is launched for the task, once it runs it. (A pass takes one that has just
    been restarted for one that will take it.)"""
    before = set(world.instances())

    def has_begun():
        if set(world.instances()) == before:
            assert world.run_reaper("run").returncode == 0
        return runs_of(world, task)

    wait_for(has_begun, PATIENCE_S, "the task runs")
    machine, = set(world.instances()) - before
    return machine


def restart(world, machine):
    """Kill its bootstrap; the next one has taken its ticket, and so has read its keys."""
    log = world.machines / machine / "bootstrap.log"
    admissions = log.read_text().count('msg="prove"')
    kill(world.pid_of(machine, "bootstrap"))
    wait_for(lambda: log.read_text().count('msg="prove"') > admissions, PATIENCE_S,
             "the keeper starts bootstrap again")


def test_keys_are_rotated_under_running_machines(world):
    world.add_resource("cpu", max_instances=3)
    old, new = world.folder / "keys" / "first", world.make_keys("second")
    first, first_gate = add_gated(world, "first")
    oldest = launch(world, first)

    # Machines learn the new keys; what is sealed from now on opens with both.
    world.use_keys([old, new], reaper=old)
    world.seal()
    restart(world, oldest)
    # The reaper signs with the new key.
    world.use_keys([old, new], reaper=new)
    world.seal()
    second, second_gate = add_gated(world, "second")
    launch(world, second)
    restart(world, oldest)
    # New machines know the new keys alone.
    world.use_keys([new], reaper=new)
    world.seal()
    third, third_gate = add_gated(world, "third")
    launch(world, third)

    for gate in (first_gate, second_gate, third_gate):
        gate.touch()
    wait_for(lambda: len(world.lives()) == 3, PATIENCE_S, "all machines leave")
    for task in (first, second, third):
        check(world, task, runs=1)
    assert {life["reason"] for life in world.lives().values()} == {"idle"}
    check_nothing_left(world)


def test_a_ticket_of_a_key_that_is_trusted_no_more_is_refused(world):
    """Nothing of it is used; the machine leaves with a reason, and the next pass says why."""
    world.add_resource("cpu")
    other = world.make_keys("other")
    baked = (world.folder / "baked/trusted.pub")
    baked.write_text((other / "trusted.pub").read_text())
    task, _ = add_gated(world, "refused")
    assert world.run_reaper("run").returncode == 0
    wait_for(world.lives, PATIENCE_S, "the machine leaves")
    (machine, life), = world.lives().items()
    assert life["reason"] == "admission" and life["exit_status"] == 3, life
    log = (world.machines / machine / "bootstrap.log").read_text()
    assert "trusted" in log, log
    assert world.client.status(task) == "queued"
    wait_for(lambda: not world.processes(), PATIENCE_S, "no process is left")


def ticket_in(user_data):
    letters = "".join(line[2:] for line in user_data.splitlines()
                      if line.startswith("# ") and "-----" not in line)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(letters))) as packed:
        return json.load(packed.extractfile("ticket.json"))


@pytest.mark.parametrize("when, life, is_refused", [
    ("it starts for the first time", None, True),
    ("it was killed at its first start, before the gates", {"starts": 1, "claim": "none"}, True),
    ("it was admitted before", {"starts": 1, "claim": "serves"}, False),
])
def test_an_old_ticket_is_for_machines_that_were_admitted(world, when, life, is_refused):
    """Who replays a ticket may also kill bootstrap, or reboot the machine, as often as he likes."""
    world.add_resource("cpu")
    user_data = world.run_reaper("ticket", "--resource", "cpu", "--day", "2020-01-01").stdout
    ticket, folder = ticket_in(user_data), world.machines / "local-replayed"
    folder.mkdir(mode=0o700, parents=True)
    note = {"instance": folder.name, "zone": "z", "market": "on-demand", "boot_id": "none",
            "launched_s": int(time.time()), "launched_boottime_ms": 1, "prefix": PREFIX,
            **{name: ticket[name] for name in
               ("provider", "type", "resource", "slot", "generation")}}
    files = {"user-data": user_data, "instance.json": json.dumps(note)}
    if life:
        files["life.json"] = json.dumps(life)
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    baked = world.folder / "baked"
    done = subprocess.run(
        [BOOTSTRAP, "run", "--folder", folder, "--image-key", baked / "image.key",
         "--trusted-keys", baked / "trusted.pub"], capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, env={**os.environ, "MAYFLY_INSTANCE": folder.name})
    end = world.lives()[folder.name]
    assert (done.returncode, end["reason"]) == ((3, "gate") if is_refused else (0, "idle")), \
        (when, end, done.stderr)
    assert ("the ticket of 2020-01-01 is valid from" in end["detail"]) == is_refused, (when, end)
