"""A cloud with an engine in it changes nothing outside, and nothing is left of it, even of one
whose maker was killed with SIGKILL in the middle."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from peers.cloud import METADATA, Cloud
from peers.engine import TINY, Engine, cgroups_of, processes_of
from peers.traces import traces
from standin.client import wait_for

DEADLINE_S = 60
TESTS = Path(__file__).resolve().parents[1]
MAKER = """
import sys
from pathlib import Path
from peers.test_cloud import site
with site(Path(sys.argv[1])) as (cloud, engine):
    print(engine.socket.parent.name, cloud.machine.pid, cloud.far_end.pid, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def site(folder):
    """A cloud with its metadata service, and an engine with a container on its bridge."""
    with Cloud(folder) as cloud, Engine(folder / "engine", bridge=True,
                                        command_prefix=cloud.machine.prefix) as engine:
        engine.import_tiny()
        engine.docker("run", "--detach", "--init", TINY, "sleep", "100000")
        with cloud.metadata_service(hop_limit=1):
            yield cloud, engine


@pytest.fixture(autouse=True)
def _needs_both():
    reason = Cloud.unavailable() or Engine.unavailable()
    if reason:
        pytest.skip(reason)


def outside(seen):
    """Of traces(), what must not change while a cloud is there."""
    return {name: seen[name] for name in ("mounts", "interfaces", "namespaces", "rules",
                                          "forwarding")}


@pytest.mark.parametrize("is_broken", [
    pytest.param(False, id="when all went well"),
    pytest.param(True, id="when something failed in the middle"),
])
def test_nothing_is_seen_outside_nor_left(tmp_path, is_broken):
    before = traces()
    with contextlib.suppress(ZeroDivisionError), site(tmp_path) as (cloud, engine):
        assert outside(traces()) == outside(before)
        assert "uplink" in cloud.machine.interfaces()
        namespaces = [f"/proc/{side.pid}/ns/net" for side in (cloud.machine, cloud.far_end)]
        name = engine.socket.parent.name
        if is_broken:
            raise ZeroDivisionError
    assert not processes_of(name)
    assert not any(map(os.path.exists, namespaces))
    assert traces() == before


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    before = traces()
    with subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "PYTHONPATH": str(TESTS)}) as maker:
        name, *holders = maker.stdout.readline().split()
        maker.kill()
    assert processes_of(name), "the daemons and the container outlive their maker"
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in holders), DEADLINE_S,
             "the namespaces' holders end by themselves")
    with site(tmp_path / "next") as (cloud, _engine):
        assert not processes_of(name)
        assert not cgroups_of(name)
        done = cloud.machine.run("busybox", "wget", "-O", "-", f"http://{METADATA}/", check=False)
        assert "401" in done.stderr
    assert traces() == before
    assert sorted(path.name for path in (tmp_path / "engine").iterdir()) == [
        "containerd.log", "dockerd.log"]
