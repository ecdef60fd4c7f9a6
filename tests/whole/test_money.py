"""What machines cost: counted once whoever is killed, for whom, and still known to a new ledger."""

import csv
import io
import json
import random
import shutil
import sqlite3
import time
from contextlib import closing

from lives import begin, finish, wait_for_reaper
from world import PREFIX, kill, wait_for

PATIENCE_S = 120
DOLLAR_A_SECOND = {"overrides": [{"hour": 3600}]}


def report(world, by, *words):
    done = world.run_reaper("report", "--by", by, "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(row["micro_usd"] for row in told["rows"]) == told["total"]["micro_usd"]
    return told


def money(world, by, key):
    return next((row["micro_usd"] for row in report(world, by)["rows"] if row[by] == key), 0)


def launched(world):
    return [json.loads((world.machines / name / "instance.json").read_text())
            for name in world.instances()]


def test_a_life_is_put_down_to_its_task(world):
    """A report by anything adds up to the same; a task has its queue and its user."""
    task, gate, reaper = begin(world, prices=DOLLAR_A_SECOND)
    user = world.client.task(task)["user"]
    wait_for(lambda: money(world, "task", task) > 0, PATIENCE_S, "the task costs money")
    finish(world, task, gate, reaper, runs=1)
    total = report(world, "task")["total"]
    for by in ("task", "queue", "day", "resource", "user"):
        assert report(world, by)["total"] == total
    assert total["unpriced_seconds"] == 0
    assert total["micro_usd"] == total["seconds"] * 1000000
    told, = [row for row in report(world, "task")["rows"] if row["task"] == task]
    assert (told["queue"], told["user"]) == ("cpu", user)
    assert money(world, "user", user) == told["micro_usd"] > 0
    assert money(world, "resource", "cpu") == money(world, "queue", "cpu") == total["micro_usd"]
    text = world.run_reaper("report", "--by", "task")
    assert f"Spend of {PREFIX} by task" in text.stdout and task in text.stdout
    table = world.run_reaper("report", "--by", "task", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert {row["task"]: row["user"] for row in rows}[task] == user
    assert sum(float(row["usd"]) for row in rows) == total["seconds"]


def test_a_kill_neither_loses_nor_doubles(world):
    """The watching reaper is killed again and again; in the end the ledger has each second once."""
    chance = random.Random(7)
    task, gate, reaper = begin(world, prices=DOLLAR_A_SECOND)
    for _ in range(12):
        time.sleep(chance.random() * 1.5)
        kill(reaper.pid)
        reaper.wait()
        reaper = world.start_reaper("watch", "--until-empty")
    gate.touch()
    wait_for_reaper(reaper)
    with closing(sqlite3.connect(f"file:{world.folder}/state/ledger.sqlite?mode=ro",
                                 uri=True)) as ledger:
        sums = ledger.execute("SELECT sum(money), sum(seconds) FROM spend_sums").fetchone()
    total = report(world, "task")["total"]
    assert sums == (total["micro_usd"], total["seconds"])
    machine, = launched(world)
    lived = total["seconds"]
    assert 0 < lived <= time.time() - machine["launched_s"] + 1
    assert total["micro_usd"] == lived * 1000000


def test_a_new_ledger_knows_what_was_spent(world):
    """Its state folder lost, the reaper reads from ClearML what was spent, once."""
    task, gate, reaper = begin(world, prices=DOLLAR_A_SECOND)
    wait_for(lambda: money(world, "task", task) >= 5000000, PATIENCE_S, "some money is spent")
    kill(reaper.pid)
    reaper.wait()
    before = report(world, "resource")["total"]
    shutil.rmtree(world.folder / "state")
    assert "there is no ledger" in world.run_reaper("report").stderr
    reaper = world.start_reaper("watch", "--until-empty")
    # Until there is a ledger again a report says so, and fails.
    wait_for(lambda: not world.run_reaper("report").returncode, PATIENCE_S, "a new ledger")
    wait_for(lambda: report(world, "resource")["total"]["seconds"] > before["seconds"],
             PATIENCE_S, "the new ledger goes on")
    finish(world, task, gate, reaper, runs=1)
    machine, = launched(world)
    total = report(world, "resource")["total"]
    assert total["seconds"] <= time.time() - machine["launched_s"] + 1
    assert total["seconds"] >= before["seconds"]


def test_a_spent_budget_launches_nothing_and_ends_nothing(world):
    """What runs goes on, and the machine that is there takes what waits."""
    task, gate, reaper = begin(world, prices=DOLLAR_A_SECOND, budget={"day": 3}, max_instances=2)
    wait_for(lambda: money(world, "resource", "cpu") >= 3000000, PATIENCE_S, "it is spent")
    second = world.add_task("cpu", "second", "pass")
    for _ in range(5):
        plan = json.loads(world.run_reaper("plan", "--json").stdout)
        assert plan["launches"] == [] and plan["resources"][0]["launches"] == 0
        time.sleep(0.5)
    assert plan["queues"][0]["unserved"] == 1
    assert any("$/day of resource cpu" in words for words in plan["budget_warnings"])
    text = world.run_reaper("plan").stdout
    assert "BUDGET: $/day of resource cpu" in text and " of 3.00" in text
    finish(world, task, gate, reaper, runs=1)
    assert world.client.status(second) == "completed"
    assert len(world.instances()) == 1


def test_a_users_budget_by_name_holds_and_a_misspelt_one_is_told(world):
    """The name is ClearML's, what is counted is the id; the other word limits nobody, aloud."""
    world.settings["budgets"] = {"users": {"world": {"day": 3}, "wrold": {"day": 1}}}
    task, gate, reaper = begin(world, prices=DOLLAR_A_SECOND, max_instances=2)
    user = world.client.task(task)["user"]
    assert user != "world"
    wait_for(lambda: money(world, "user", user) >= 3000000, PATIENCE_S, "it is spent")
    second = world.add_task("cpu", "second", "pass")
    plan = json.loads(world.run_reaper("plan", "--json").stdout)
    assert plan["launches"] == [] and plan["queues"][0]["unserved"] == 1
    assert any(f"$/day of user world ({user})" in words for words in plan["budget_warnings"])
    lost, = [words for words in plan["budget_warnings"] if words.startswith("user wrold: ")]
    assert "no user of ClearML" in lost and "limits nobody" in lost
    row, = [row for row in plan["money"] if row["name"] == "world"]
    assert (row["user_id"], row["user_name"]) == (user, "world")
    assert f"BUDGET: {lost}" in world.run_reaper("plan").stdout
    checked = world.run_reaper("check").stdout
    assert f"ok      budget of user world: of world ({user})" in checked
    assert "warning budget of user wrold: no user of ClearML" in checked
    assert f"world ({user}) " in world.run_reaper("report", "--by", "user").stdout
    assert {row["user_name"] for row in report(world, "user")["rows"] if row["user"]} == {"world"}
    finish(world, task, gate, reaper, runs=1)
    assert world.client.status(second) == "completed"
    assert len(world.instances()) == 1


def test_what_is_unknown_is_said(world):
    world.add_resource("cpu")
    for words, wanted in ((("--by", "colour"), "--by: expected task"),
                          (("--format", "xml"), "--format: expected text"),
                          (("--from", "2026-02-30"), "--from: expected a UTC day"),
                          (("--from", "2026-11-24x"), "--from: expected a UTC day"),
                          (("--from", "2026-03-02", "--until", "2026-03-01"), "is after")):
        done = world.run_reaper("report", *words)
        assert (done.returncode, done.stdout) == (2, "") and wanted in done.stderr
    state = world.folder / "state"
    done = world.run_reaper("report")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no ledger in {state} yet" in done.stderr
    assert not state.exists()
    assert world.run_reaper("run").returncode == 0
    done = world.run_reaper("report", "--from", "2026-01-01", "--until", "2026-01-31")
    assert done.returncode == 0 and "Nothing was spent." in done.stdout
    (state / "ledger.sqlite").write_bytes(b"no database, but more than sixteen bytes")
    for command in ("report", "journal"):
        done = world.run_reaper(command)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"the ledger in {state} is damaged" in done.stderr
