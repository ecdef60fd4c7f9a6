"""A machine with systemd as its init, and the world around it. --machine=virtual: one in qemu."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "whole")]

from peers import images  # noqa: E402
from peers.engine import Engine  # noqa: E402
from world import AGENT, World  # noqa: E402

import disk  # noqa: E402
import system_image  # noqa: E402
import virtual  # noqa: E402
from container import Container  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--machine", choices=("container", "virtual"), default="container",
                     help="what the lives of tests/machine are lived by")


@pytest.fixture(scope="session")
def make(request, tmp_path_factory):
    """(its class, what it is made from)"""
    if request.config.getoption("--machine") == "virtual":
        reason = virtual.unavailable()
        if reason:
            pytest.skip(reason)
        yield virtual.VirtualMachine, disk.BaseDisk(tmp_path_factory.mktemp("base"))
        return
    reason = images.unavailable() or Engine.unavailable()
    if reason:
        pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        engine.docker("import", system_image.archive(), system_image.NAME, timeout=300)
        yield Container, engine


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
def machine(request, make, world, tmp_path):
    """Not switched on yet."""
    kind, made_from = make
    with kind(made_from, world, tmp_path / "machine") as made:
        request.node.machine = made
        yield made
