"""A machine with systemd as its init, and the world around it."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "whole")]

from peers import images  # noqa: E402
from peers.engine import Engine  # noqa: E402
from world import AGENT, World  # noqa: E402

import system_image  # noqa: E402
from machine import Machine  # noqa: E402


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    reason = images.unavailable() or Engine.unavailable()
    if reason:
        pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine")) as made:
        made.docker("import", system_image.archive(), system_image.NAME, timeout=300)
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    machine = getattr(item, "machine", None)
    if report.when == "call" and report.failed and machine:
        report.sections.append(("the machine", machine.log_tail()))


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "world") as made:
        # Tasks run in the agent's own Python: what is tried here is the machine.
        made.add_resource("cpu", agent={
            "mode": "host", "command": [str(AGENT)],
            "environment": {"CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1"}})
        yield made


@pytest.fixture
def machine(request, engine, world, tmp_path):
    """Not switched on yet."""
    with Machine(engine, world, tmp_path / "machine") as made:
        request.node.machine = made
        yield made
