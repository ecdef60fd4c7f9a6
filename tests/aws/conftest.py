"""Fixtures of the AWS tests: one moto and one proxy for all, as new for each."""

from pathlib import Path

import pytest

from peers.cloud import Cloud

from .bench import Bench
from .fleet import Fleet
from .iam import Permissions
from .moto import Moto
from .running import Proxy


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory):
    with Moto(tmp_path_factory.mktemp("moto")) as moto:
        yield moto


@pytest.fixture
def moto(moto_server):
    """The server, reset."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def ground(moto):
    return moto.lay_out()


@pytest.fixture(scope="session")
def proxy_server(moto_server, tmp_path_factory):
    with Proxy(moto_server, tmp_path_factory.mktemp("proxy")) as running:
        yield running


@pytest.fixture
def proxy(proxy_server, ground):  # the ground is laid in a moto that was reset
    """EC2 in front of the laid out ground, as new; what asks it breaks no rule of the model."""
    proxy_server.forget()
    yield proxy_server
    proxy_server.verify()


@pytest.fixture(scope="session")
def permissions(request):
    """When all tests ran, each action that a policy of theirs allows was used by one of them."""
    made = Permissions()
    yield made
    there = {item.path for item in request.session.items}
    if there >= set(Path(__file__).parent.glob("test_*.py")):
        assert made.granted == made.used, f"never used: {made.granted - made.used}"


@pytest.fixture
def bench(request, proxy, ground, permissions, tmp_path):
    with Bench(tmp_path / "bench", proxy, ground) as made:
        request.node.world = made
        yield made
        assert not made.client.violations()
        permissions.judge(made)


@pytest.fixture
def fleet(request, proxy, ground, permissions, tmp_path):
    reason = Cloud.unavailable()
    if reason:
        pytest.skip(reason)
    with Fleet(tmp_path / "fleet", proxy, ground) as made:
        request.node.world = made
        yield made
        permissions.judge(made)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    world = getattr(item, "world", None)
    if report.when == "call" and report.failed and world:
        report.sections.append(("the world's logs", world.log_tail()))
