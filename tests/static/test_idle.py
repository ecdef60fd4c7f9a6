"""How much memory the static bootstrap keeps while its machine waits for work."""

import sys
from pathlib import Path

import pytest

from conftest import ARCH, BUILD, NAMES, emulator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "whole"))
import world as worlds  # noqa: E402
from lives import PATIENCE_S  # noqa: E402
from standin.client import wait_for  # noqa: E402

MOST_KIB = 2048


def resident_kib(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


@pytest.fixture
def world(tmp_path, monkeypatch):
    if emulator():
        pytest.skip(f"the memory of an emulator says nothing of {ARCH}")
    if not worlds.AGENT.exists():
        pytest.skip("clearml-agent is not here (make setup)")
    for name, program in zip(("BOOTSTRAP", "REAPER"), NAMES):
        monkeypatch.setattr(worlds, name, BUILD / program)
    with worlds.World(tmp_path / "world") as made:
        yield made
        for pid in made.processes():
            worlds.kill(pid)
        wait_for(lambda: not made.processes(), PATIENCE_S, "the machine is dead")


def test_it_is_small_while_it_waits(world):
    """After a task: what that needed is given back."""
    world.add_resource("cpu", idle_timeout="60s")
    task = world.add_task("cpu", "short", "print('done')")
    world.run_reaper("run")
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task is done")
    (machine,) = world.instances()
    pid = world.pid_of(machine, "bootstrap")
    wait_for(lambda: not world.pid_of(machine, "agent"), PATIENCE_S, "its agent is gone")
    kib = resident_kib(pid)
    print(f"idle: {kib} KiB")
    assert kib <= MOST_KIB
