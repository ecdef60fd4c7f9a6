"""A world per test, below pytest's temporary folder; its logs are shown when the test failed."""

import pytest

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
