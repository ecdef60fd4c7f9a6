"""mayfly-reaper trace and simulate: from what has run at ClearML to a forecast."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from world import REAPER, World

ROOT = Path(__file__).resolve().parents[2]
TRACES = ROOT / "templates/traces"
POLICY = ROOT / "tests/bench/policy.json"

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


def simulate(*words):
    return subprocess.run([str(REAPER), "simulate", *map(str, words)], capture_output=True,
                          text=True, timeout=90, check=False)


def test_a_forecast_of_their_own_past(world):
    for queue in ("cpu", "gpu", "cpu"):
        run_one(world, queue, queue)
    trace = world.folder / "trace.csv"
    trace.write_text(world.run_reaper("trace", "--from", "2020-01-01").stdout)
    done = simulate(world.config, trace, "--json")
    assert done.returncode == DONE, done.stderr
    told = json.loads(done.stdout)
    ours, rival = told["policies"]
    assert told["tasks"] == ours["started"] == rival["started"] == 3
    assert rival["policy"] == "ClearML's autoscaler"
    assert ours["unstarted"] == 0 and ours["launches"] >= 2
    assert told["bound"]["any_wait_instance_s"] <= told["bound"]["no_wait_instance_s"]
    assert told["bound"]["any_wait_instance_s"] <= min(ours["instance_s"], rival["instance_s"])


def test_no_key_and_no_server_is_needed(tmp_path):
    page = tmp_path / "page.html"
    done = simulate(POLICY, TRACES / "office.csv", "--compare", POLICY, "--html", page)
    assert done.returncode == DONE, done.stderr
    assert "ClearML's autoscaler" in done.stdout and "bound: no task waits" in done.stdout
    assert page.read_text().count("<svg") == 4


def test_configurations_of_the_same_name(tmp_path):
    paths = [tmp_path / "one/policy.json", tmp_path / "other/policy.json"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(POLICY.read_bytes())
    done = simulate(paths[0], TRACES / "office.csv", "--compare", paths[1], "--json")
    assert done.returncode == DONE, done.stderr
    told = [policy["policy"] for policy in json.loads(done.stdout)["policies"]]
    assert [name for name in told if "policy.json" in name] == [str(path)[-79:] for path in paths]
    only = simulate(paths[0], TRACES / "office.csv", "--json")
    assert json.loads(only.stdout)["policies"][0]["policy"] == "policy.json"


def test_two_traces_are_refused():
    done = simulate(POLICY, TRACES / "office.csv", TRACES / "steady.csv")
    assert done.returncode == USAGE and "is one too many: it takes CONFIG TRACE" in done.stderr


def test_the_example_within_its_budgets():
    done = simulate(ROOT / "templates/mayfly-reaper.example.json", TRACES / "office.csv", "--json")
    assert done.returncode == DONE, done.stderr
    ours = json.loads(done.stdout)["policies"][0]
    assert ours["unstarted"] == 0 and ours["remark"] == "budgets begin unspent"


def test_the_shipped_traces_are_what_the_script_makes(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests/bench/make_traces.py", tmp_path], check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in TRACES.iterdir())
    for name in made:
        assert (tmp_path / name).read_bytes() == (TRACES / name).read_bytes(), name


@pytest.mark.parametrize("text, words, why", [
    ("", (), "line 1: the first row must name"),
    ("arrival,queue,duration\n0,gpu,soon\n", (), 'line 2: duration: expected'),
    ("arrival,queue,duration\n0,gpu,9\n", ("--boot", "2h"), "--boot: expected 1s to 1h"),
    ("arrival,queue,duration\n0,gpu,9\n", ("--compare", "/none.json"), "/none.json"),
])
def test_a_forecast_that_is_refused(tmp_path, text, words, why):
    trace = tmp_path / "trace.csv"
    trace.write_text(text)
    done = simulate(POLICY, trace, *words)
    assert done.returncode == USAGE and why in done.stderr
    assert done.stdout == ""
