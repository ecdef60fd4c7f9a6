"""What docker makes of a request for GPUs, with its own code and runc's, up to the hook (see
fake_gpu.py). Each row is what the seats of a machine with two GPUs rely on, or must beware of."""

import shutil

import pytest

from peers.engine import TINY, Engine
from peers.fake_gpu import NAME, FakeGpus

CUDA = "peers/cuda-like:1"  # NVIDIA's images bring NVIDIA_VISIBLE_DEVICES=all of their own
UUID = "GPU-7f6b9c2a-0d0e-4a53-9f1c-3f0d4b6f7a11"
SEAT = ["--gpus", '"device=0"']
ALL_OF_THE_ENVIRONMENT = ["--env", "NVIDIA_VISIBLE_DEVICES=all"]


class Site:
    def __init__(self, engine, gpus):
        self.engine = engine
        self.gpus = gpus

    def run(self, *words):
        """(finished command, the hook's calls for it)"""
        before = len(self.gpus.calls())
        done = self.engine.docker("run", "--rm", *words, check=False)
        return done, self.gpus.calls()[before:]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if Engine.unavailable():
        pytest.skip(Engine.unavailable())
    folder = tmp_path_factory.mktemp("gpu")
    gpus = FakeGpus(folder, devices=("0", "1", UUID))
    with Engine(folder / "engine", path_prefix=gpus.path) as engine:
        engine.import_tiny()
        engine.docker("create", "--name", "source", TINY, "true")
        engine.docker("commit", "--change", "ENV NVIDIA_VISIBLE_DEVICES=all", "source", CUDA)
        engine.docker("rm", "source")
        yield Site(engine, gpus)


def value_of(name, lines):
    """The last one counts, as it does for the hook."""
    found = [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]
    return found[-1] if found else None


@pytest.mark.parametrize("image, words, visible", [
    pytest.param(TINY, ["--gpus", "all"], ["all"], id="when all are asked for"),
    pytest.param(TINY, ["--gpus", '"device=0,1"'], ["0,1"], id="when two are named"),
    pytest.param(TINY, ["--gpus", "device=1"], ["1"], id="when one is named"),
    pytest.param(TINY, ["--gpus", f"device={UUID}"], [UUID], id="when one is named by its UUID"),
    pytest.param(TINY, ["--gpus", "2"], ["0,1"], id="when a number is asked for"),
    pytest.param(TINY, [], [], id="when none is asked for"),
    pytest.param(CUDA, [], [], id="when none is asked for and the image wants all"),
    pytest.param(TINY, ALL_OF_THE_ENVIRONMENT, [],
                 id="when none is asked for and the environment wants all"),
    pytest.param(CUDA, SEAT, ["0"], id="when one is named and the image wants all"),
    pytest.param(CUDA, SEAT + ALL_OF_THE_ENVIRONMENT, ["0"],
                 id="when one is named and the environment wants all"),
    pytest.param(TINY, SEAT + ["--gpus", "device=1"], ["1", "1"],
                 id="when a second request follows: it wins, beware"),
])
def test_what_a_container_is_to_see(site, image, words, visible):
    done, calls = site.run(*words, image, "env")
    assert done.returncode == 0, done.stderr
    assert [call["visible"] for call in calls] == visible
    assert all(call["arguments"] == ["prestart"] and call["refused"] is None for call in calls)
    if visible:
        assert value_of("NVIDIA_VISIBLE_DEVICES", done.stdout.splitlines()) == visible[-1]


def test_none_of_a_number_is_not_none(site):
    """Up to docker 20.10 nothing is appended, so what the image wants stands; later, `void`."""
    _, calls = site.run("--gpus", "0", CUDA, "true")
    assert [call["visible"] for call in calls] in (["all"], ["void"])


def test_the_state_that_the_hook_is_given(site):
    site.engine.docker("run", "--detach", "--init", "--name", "seat", *SEAT, TINY, "sleep",
                       "100000")
    call, known = site.gpus.calls()[-1], site.engine.inspect("seat")
    assert call["arguments"] == ["prestart"]
    assert call["state"]["id"] == known["Id"]
    assert call["state"]["pid"] == known["State"]["Pid"]
    assert call["state"]["status"] in ("creating", "created")
    assert known["HostConfig"]["DeviceRequests"] == [
        {"Driver": "", "Count": 0, "DeviceIDs": ["0"], "Capabilities": [["gpu"]], "Options": {}}]
    # It is in the program's environment alone: who wants to know has to read DeviceRequests.
    assert value_of("NVIDIA_VISIBLE_DEVICES", known["Config"]["Env"]) is None
    inside = site.engine.docker("exec", "seat", "env").stdout.splitlines()
    assert value_of("NVIDIA_VISIBLE_DEVICES", inside) is None
    site.engine.docker("rm", "--force", "seat")


def test_the_capabilities_that_are_asked_for(site):
    _, calls = site.run("--gpus", '"device=0","capabilities=compute,utility"', TINY, "true")
    given = value_of("NVIDIA_DRIVER_CAPABILITIES", calls[0]["environment"])
    assert set(given.split(",")) == {"compute", "utility"}


@pytest.mark.parametrize("words, message, refused", [
    pytest.param(["--gpus", "device=7"], "device error: 7: unknown device", "7",
                 id="when it names a device that there is not"),
    pytest.param(["--gpus", "4"], "device error: 2: unknown device", "2",
                 id="when it asks for more than there are"),
    pytest.param(["--gpus", '"device=0","driver=another"'],
                 'could not select device driver "another"', None,
                 id="when it wants a driver that there is not"),
    pytest.param(["--gpus", '"device=0","count=1"'], "Count and DeviceIDs", None,
                 id="when it both names and counts"),
])
def test_a_request_that_is_refused(site, words, message, refused):
    done, calls = site.run(*words, TINY, "true")
    assert done.returncode != 0
    assert message in done.stderr
    assert [call["refused"] for call in calls] == ([refused] if refused else [])


def test_without_the_hook_nobody_can_ask(tmp_path, site):
    del site  # skips where there can be no engine
    if shutil.which(NAME):
        pytest.skip("this machine has a hook of its own")
    with Engine(tmp_path) as engine:
        done = engine.docker("run", "--rm", *SEAT, engine.import_tiny(), "true", check=False)
    assert "could not select device driver" in done.stderr
