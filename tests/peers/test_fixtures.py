"""The engine and the registry that other tests stand on do what they say."""

import shutil
from pathlib import Path

import pytest

from peers.cloud import Cloud, NetworkNamespace
from peers.engine import TINY, Engine, bridge_of
from peers.registry import Registry
from peers.traces import traces
from standin.client import wait_for

ENGINE_DEADLINE_S = 60


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if Engine.unavailable():
        pytest.skip(Engine.unavailable())
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        running.import_tiny()
        yield running


@pytest.fixture
def registry(tmp_path):
    if Registry.unavailable():
        pytest.skip(Registry.unavailable())
    with Registry(tmp_path / "registry", user="u", password="p w") as running:
        yield running


def sleeper(engine, name):
    engine.docker("run", "--detach", "--init", "--network", "none", "--name", name, TINY,
                  "sleep", "1000")
    return engine.inspect(name)["State"]["Pid"]


def is_alive(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_container_on_the_hosts_network_reaches_loopback(engine, registry):
    done = engine.docker("run", "--rm", "--network", "host", TINY,
                         "wget", "-q", "-O", "-", f"http://{registry.address}/v2/", check=False)
    assert "401" in done.stderr, "the registry itself must have answered"


@pytest.mark.parametrize("live_restore, end, lives_on", [
    pytest.param(False, "kill", False, id="when dockerd is killed and comes back"),
    pytest.param(True, "kill", True, id="when dockerd is killed and restores"),
    pytest.param(False, "stop", False, id="when dockerd is stopped"),
    pytest.param(True, "stop", True, id="when dockerd is stopped and restores"),
])
def test_what_becomes_of_a_container(tmp_path, engine, live_restore, end, lives_on):
    del engine  # skips where there can be none
    before = traces()
    with Engine(tmp_path, live_restore=live_restore) as another:
        another.import_tiny()
        pid = sleeper(another, "sleeper")
        getattr(another, end)()
        if end == "kill":
            assert is_alive(pid), "a container outlives its dockerd"
        another.start()
        running = another.inspect("sleeper")["State"]["Running"]
        assert (running, is_alive(pid)) == (lives_on, lives_on)
        added = set(traces()["interfaces"]) - set(before["interfaces"])
        assert {name.rpartition("/")[2] for name in added} == {
            bridge_of(another.socket.parent.name)}
    wait_for(lambda: not is_alive(pid), ENGINE_DEADLINE_S, "the container is gone")
    assert traces() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["containerd.log", "dockerd.log"]


def test_the_bridge_of_another_engine_stays(tmp_path, engine):
    """In a namespace, since this machine's own docker0 is what would go."""
    del engine
    if Cloud.unavailable():
        pytest.skip(Cloud.unavailable())
    with NetworkNamespace() as namespace:
        namespace.run("ip", "link", "add", "docker0", "type", "bridge")
        with Engine(tmp_path, command_prefix=namespace.prefix) as another:
            assert namespace.interfaces() == {
                "lo", "docker0", bridge_of(another.socket.parent.name)}
            another.docker("run", "--rm", "--network", "host", another.import_tiny(), "true")


def test_dockerd_sees_the_folder_put_in_front_of_its_path(tmp_path, engine):
    asked = ["run", "--gpus", "all", TINY, "true"]
    if shutil.which("nvidia-container-runtime-hook"):
        pytest.skip("this machine has a hook of its own")
    assert "could not select device driver" in engine.docker(*asked, check=False).stderr
    hook = tmp_path / "bin" / "nvidia-container-runtime-hook"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho \"$1\" >> {tmp_path}/hook.txt\n")
    hook.chmod(0o755)
    with Engine(tmp_path / "engine", path_prefix=hook.parent) as another:
        another.import_tiny()
        another.docker(*asked)
    assert (tmp_path / "hook.txt").read_text() == "prestart\n"


def test_a_login_is_needed_and_is_kept_in_the_engines_folder(engine, registry):
    image = f"{registry.address}/team/tiny:1"
    engine.docker("tag", TINY, image)
    assert "no basic auth credentials" in engine.docker("push", image, check=False).stderr
    wrong = engine.docker("login", "-u", "u", "--password-stdin", registry.address, input="no",
                          check=False)
    assert wrong.returncode != 0
    engine.docker("login", "-u", "u", "--password-stdin", registry.address, input="p w")
    engine.docker("push", image)
    engine.docker("rmi", image)
    engine.docker("pull", image)
    engine.docker("logout", registry.address)


def test_a_pull_breaks_when_the_registry_is_gone_or_damaged(tmp_path, engine):
    if Registry.unavailable():
        pytest.skip(Registry.unavailable())
    with (Registry(tmp_path / "registry", user=None) as registry,
          Engine(tmp_path / "engine") as another):
        image = f"{registry.address}/tiny:1"
        engine.docker("tag", TINY, image)
        engine.docker("push", image)
        registry.stop()
        assert "connection refused" in another.docker("pull", image, check=False).stderr
        registry.start()
        digest = registry.corrupt_layer("tiny")
        broken = another.docker("pull", image, check=False)
        assert broken.returncode != 0
        assert digest.partition(":")[2][:12] in broken.stdout, "it was in the middle of the layer"
        assert another.inspect(image) is None
