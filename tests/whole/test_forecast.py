"""mayfly-reaper trace and simulate: from what has run at ClearML to a forecast."""

import csv
import io

import pytest
from world import World

DONE, FAILED, USAGE = 0, 1, 2


@pytest.fixture
def world(request, tmp_path):
    with World(tmp_path / "world") as made:
        request.node.world = made
        made.add_resource("cpu", ["cpu"])
        made.add_resource("gpu", ["gpu"])
        yield made
        made.client.heal()
        assert not made.client.violations()


def run_one(world, queue, name):
    """A task that came, ran and ended."""
    task = world.add_task(queue, name, "pass")
    world.client.call("tasks.started", task=task, force=True)
    world.client.call("queues.remove_task", queue=world.queues[queue], task=task)
    world.client.call("tasks.completed", task=task, force=True)
    return task


def rows_of(text):
    lines = [line for line in text.splitlines(True) if not line.startswith("#")]
    return list(csv.DictReader(io.StringIO("".join(lines))))


def test_a_trace_of_what_has_run(world):
    ended = [run_one(world, queue, queue) for queue in ("cpu", "gpu", "cpu")]
    world.add_task("cpu", "still waiting", "pass")
    tasks = [world.client.task(task) for task in ended]
    done = world.run_reaper("trace", "--from", "2020-01-01")
    assert done.returncode == DONE, done.stderr
    rows = rows_of(done.stdout)
    assert sorted(row["queue"] for row in rows) == ["cpu", "cpu", "gpu"]
    assert {row["arrival"][:16] for row in rows} <= {task["started"][:16] for task in tasks}
    assert all(int(row["duration"]) >= 1 for row in rows)
    assert {row["user"] for row in rows} == {task["user"] for task in tasks}
    only = world.run_reaper("trace", "--from", "2020-01-01", "--queue", "gpu", "--arrival",
                            "created")
    assert [row["queue"] for row in rows_of(only.stdout)] == ["gpu"]
    none = world.run_reaper("trace", "--from", "2020-01-01", "--until", "2020-01-02")
    assert none.returncode == DONE and rows_of(none.stdout) == []


@pytest.mark.parametrize("words, why", [
    ((), "--from: which day does the trace begin?"),
    (("--from", "yesterday"), "--from: expected a day such as 2026-01-05"),
    (("--from", "2026-01-05", "--until", "2026-01-04"), "--until: it is before --from"),
    (("--from", "2026-01-05", "--arrival", "enqueued"), "--arrival: expected created or started"),
    (("--from", "2026-01-05", "--queue", "tpu"), '--queue: ClearML has no queue "tpu"'),
])
def test_a_trace_that_is_refused(world, words, why):
    done = world.run_reaper("trace", *words)
    assert done.returncode == USAGE and why in done.stderr
    assert done.stdout == ""
