"""Secrets are nowhere in clear but where SECURITY.md says (invariant I8): searched in a real life.

A bundle full of canaries, a machine in docker mode with the real engine and the real clearml-agent,
a bootstrap that is made to crash while the task runs; then everything is searched: command lines,
environments, `docker inspect`, consoles, and each file of each disk that was changed meanwhile.
"""

import os
import signal
import time
from pathlib import Path

import pytest
from canaries import Search, files_clock, plant
from lives import PATIENCE_S, begin, finish
from world import command_of, environment_of, kill, wait_for

@pytest.fixture
def planted(docker_world):
    """The world, and the search for what its machines are given; and for ClearML's own secret."""
    bundle, canaries = plant()
    docker_world.write_bundle(**bundle)
    canaries["clearml"] = (docker_world.folder / "secret").read_text()
    return docker_world, Search(canaries), canaries


def all_processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def inputs(world):
    """What the test itself wrote in clear, and pytest's own."""
    return [world.folder / "bundle.json", world.folder / "secret"]


def check_running(world, search):
    """While the task runs: what others on this machine can see of it."""
    task_pids = {pid for pid in all_processes() if "CANARY" in "".join(environment_of(pid))}
    for pid in all_processes():
        assert not search.in_text("\0".join(command_of(pid))), command_of(pid)
        if pid not in task_pids:  # clearml-agent hands `environment` to its task
            assert not search.in_text("\0".join(environment_of(pid))), command_of(pid)
    said = world.containers()
    assert len(said) == 2
    for container, inspected in said.items():
        assert not search.in_text(inspected)
        logs = world.engine.docker("logs", container)
        assert not search.in_text(logs.stdout + logs.stderr)


def check_memory(world, search, machine):
    """Of bootstrap: locked, left out of core dumps. Only a request under way holds a copy of its
    credential in open memory, and not for long; libcurl's allocator wipes it (common/http.c)."""
    for _ in range(5):
        found = search.in_memory(world.pid_of(machine, "bootstrap"))
        assert {name for name, _ in found} >= {"git", "s3", "registry", "extra"}, found
        in_open = [(name, flags) for name, flags in found if not {"dd", "lo"} <= flags]
        if not in_open:
            return
        time.sleep(0.5)
    raise AssertionError(f"these lie in open memory: {in_open}")


def crash(world, search, machine):
    """As a bug would: with a signal that leaves a core file where one may be left."""
    crashed = world.pid_of(machine, "bootstrap")
    limits = Path(f"/proc/{crashed}/limits").read_text()
    assert "Max core file size        0                    0" in limits
    kill(crashed, signal.SIGSEGV)
    wait_for(lambda: world.pid_of(machine, "bootstrap") not in (None, crashed), PATIENCE_S,
             "the keeper starts bootstrap again")
    wait_for(lambda: search.in_memory(world.pid_of(machine, "bootstrap")), PATIENCE_S,
             "it has opened its bundle again")


def test_canaries(planted):
    world, search, canaries = planted
    since = files_clock()
    task, gate, reaper = begin(world)
    machine = world.instances()[0]
    check_running(world, search)
    check_memory(world, search, machine)
    crash(world, search, machine)
    check_memory(world, search, machine)
    finish(world, task, gate, reaper, runs=1)
    assert not search.in_text(world.client.console(task))
    found = search.on_disk(since, inputs(world))
    assert not found, found
    assert search.files > 20, "the search saw next to nothing"
    user_data = (world.machines / machine / "user-data").read_bytes()
    assert user_data and not search.in_bytes(user_data)
    print(f"{len(canaries)} canaries, {search.files} files, {search.bytes / 1e6:.0f} MB searched")


def test_the_search_finds(planted, tmp_path):
    """It would see a canary on a disk, in memory, in any of its forms."""
    _, search, canaries = planted
    since = files_clock()
    path = tmp_path / "leak"
    for form in search.names:
        path.write_bytes(b"x" * 100 + form + b"y")
        assert search.on_disk(since, [], tmp_path).get(str(path)) == {search.names[form]}
    assert search.in_memory(os.getpid())
    assert search.in_text({"a": ["b", canaries["git"]]}) == {"git"}
