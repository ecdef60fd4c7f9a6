"""A world per test, below pytest's temporary folder; its logs are shown when the test failed."""

import pytest

from peers import images
from peers.engine import Engine
from world import AGENT, BOOTSTRAP, REAPER, World


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    world = getattr(item, "world", None)
    if report.when == "call" and report.failed and world:
        report.sections.append(("the world's logs", world.log_tail()))


@pytest.fixture
def world(request, tmp_path):
    missing = [str(path) for path in (BOOTSTRAP, REAPER, AGENT) if not path.exists()]
    if missing:
        pytest.fail(f"not there, run `make test`: {', '.join(missing)}")
    with World(tmp_path / "world") as made:
        request.node.world = made
        yield made


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """One engine for all tests that want one, with the agent's image and the one for tasks."""
    reason = Engine.unavailable()
    if reason:
        pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine")) as made:
        for _, archive in (images.agent(), images.task()):
            made.docker("load", "-i", archive)
        yield made


@pytest.fixture
def docker_world(request, engine, tmp_path):
    """A world whose tasks run in containers."""
    if not engine.is_running():
        engine.start()  # a test that killed it may have failed before it came back
    try:
        with World(tmp_path / "world", engine) as made:
            request.node.world = made
            yield made
    finally:
        # Of a test that failed: the next one is not to find it.
        left = engine.docker("ps", "-aq", "--filter", "label=mayfly.instance", check=False)
        for container in left.stdout.split():
            engine.docker("rm", "-f", container, check=False)
