"""mayfly-reaper itself against the stand-in; a shell script stands for mayfly-bootstrap.

What the machines do with tasks is in test_demo.py and test_kill.py. Here: what is launched, what
is not, what the program says of it, and its exit status.
"""

import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from world import PREFIX, World, kill, wait_for

PATIENCE_S = 60
DONE, FAILED, USAGE, PARTLY = 0, 1, 2, 3
STAYS = 'exec sleep 1000\n'
ENDS = 'echo "never mind"; exit 0\n'


class Bench(World):
    """A world whose machines are scripts that take no tasks."""

    def add_resource(self, name, queues=None, does=STAYS, **more):
        script = self.folder / f"bootstrap-{name}"
        script.write_text("#!/bin/sh\n" + does)
        script.chmod(0o755)
        super().add_resource(name, queues, agent={"command": ["/bin/true"]},
                             local={"machines": str(self.machines), "bootstrap": str(script)},
                             **more)

    def add_tasks(self, queue, count):
        return [self.add_task(queue, f"task {i}", "pass") for i in range(count)]

    def run(self, expected=DONE, *words):
        """One `run`; what it logged."""
        done = self.run_reaper("run", *words)
        assert done.returncode == expected, done.stdout + done.stderr
        assert done.stdout == ""
        return done.stderr

    def shown(self, what, expected=DONE):
        """What `plan --json` or `status --json` prints."""
        done = self.run_reaper(what, "--json")
        assert done.returncode == expected, done.stdout + done.stderr
        return json.loads(done.stdout)

    def remembered(self, table):
        """The rows of a table of the ledger; none before the first pass has made it."""
        path = self.folder / "state" / "ledger.sqlite"
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
                ledger.row_factory = sqlite3.Row
                return [dict(row) for row in ledger.execute(f"SELECT * FROM {table}")]
        except sqlite3.OperationalError:
            return []

    def alive(self):
        """Instances of which a process lives."""
        return [name for name in self.instances() if self.processes(name)]

    def end_machines(self):
        for pid in self.processes():
            kill(pid)
        wait_for(lambda: not self.processes(), PATIENCE_S, "the machines are dead")


@pytest.fixture
def bench(request, tmp_path):
    with Bench(tmp_path / "bench") as made:
        request.node.world = made
        yield made
        made.end_machines()
        made.client.heal()
        assert not made.client.violations()


def test_plan_changes_nothing(bench):
    bench.add_resource("cpu", max_instances=2)
    bench.add_tasks("cpu", 3)
    done = bench.run_reaper("plan")
    assert done.returncode == DONE
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(line.startswith("cpu 3 ") and line.endswith("0 2 1 see why below")
               for line in lines), done.stdout
    assert ("cpu 0/2 0 0 0 0.00 launch 2 tasks wait and no seat is free;"
            " then all its max_instances slots are taken") in lines
    assert ("launch cpu slot 1 generation 0: local at 0.00 $/h"
            " tasks wait and no seat is free now") in lines
    assert "cpu 0.00 0.00 0.00" in lines
    assert not bench.machines.exists()
    assert not (bench.folder / "state").exists()


def test_run_launches_what_waits_and_no_more(bench):
    bench.add_resource("cpu", max_instances=2)
    bench.add_tasks("cpu", 1)
    bench.run()
    assert len(bench.alive()) == 1
    bench.run()
    assert len(bench.alive()) == 1
    bench.add_tasks("cpu", 5)
    bench.run()
    bench.run()
    assert len(bench.alive()) == 2
    plan = bench.shown("plan")
    assert plan["resources"][0]["alive"] == 2
    assert plan["resources"][0]["why"] == "all its max_instances slots are taken"
    assert plan["queues"][0]["unserved"] == 4
    status = bench.shown("status")
    assert [machine["slot"] for machine in status["machines"]] == [0, 1]
    assert bench.remembered("attempts") == []


def test_a_ticket_says_what_the_configuration_says(bench):
    bench.add_resource("cpu", max_instances=1, max_age="3h", instance_type="small")
    bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.instances()
    ticket = bench.ticket_of(name)
    assert (ticket["prefix"], ticket["resource"], ticket["type"]) == (PREFIX, "cpu", "small")
    assert ticket["limits"]["max_age_s"] == 3 * 3600
    assert ticket["queues"] == ["cpu"]
    assert ticket["clearml"]["api_server"] == bench.url
    secret = (bench.folder / "secret").read_text()
    for path in (bench.machines / name).iterdir():
        assert secret not in path.read_text(errors="replace")
    for pid in bench.processes(name):
        assert secret.encode() not in open(f"/proc/{pid}/environ", "rb").read()


def test_a_machine_bears_its_offering(bench):
    bench.add_resource("cpu", max_instances=2, offerings=[
        {"instance_types": ["small"], "zones": ["attic"], "markets": ["spot"]}])
    bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.instances()
    note = json.loads((bench.machines / name / "instance.json").read_text())
    assert (note["type"], note["zone"], note["market"]) == ("small", "attic", "spot")
    assert bench.ticket_of(name)["type"] == "small"
    bench.run()
    assert len(bench.instances()) == 1
    assert bench.remembered("attempts") == []


def test_an_open_window_keeps_machines_and_holds_them(bench):
    now = datetime.now(timezone.utc)
    closed = [(now + timedelta(days=days)).strftime("%a").lower() for days in (2, 3)]
    always = {"from": "00:00", "until": "24:00", "min_instances": 2}
    bench.add_resource("open", max_instances=3, schedules=[always])
    bench.add_resource("shut", max_instances=3, schedules=[{**always, "days": closed}])
    bench.run()
    bench.run()
    notes = [json.loads((bench.machines / name / "instance.json").read_text())
             for name in bench.alive()]
    assert sorted((note["resource"], note["slot"]) for note in notes) == [("open", 0), ("open", 1)]
    for name in bench.alive():
        hold, = bench.ticket_of(name)["hold"]
        assert hold["from_s"] <= now.timestamp() < hold["until_s"] - 86400


def test_a_budget_an_hour_is_never_overrun(bench):
    bench.add_resource("cpu", max_instances=4, budget={"hour": 5},
                       prices={"overrides": [{"hour": 2}]})
    bench.add_tasks("cpu", 4)
    for _ in range(3):
        bench.run()
        assert len(bench.alive()) == 2
    assert bench.shown("plan")["resources"][0]["launches"] == 0


@pytest.mark.parametrize("states", [1, 4], ids=["one state folder", "four state folders"])
def test_overlapping_runs_never_launch_too_many(bench, states):
    """Four state folders are four reapers that know nothing of each other."""
    bench.add_resource("cpu", max_instances=3)
    bench.add_tasks("cpu", 9)
    configs = []
    for i in range(states):
        config = json.loads(bench.config.read_text())
        config["state_folder"] = str(bench.folder / f"state{i}")
        configs.append(bench.folder / f"config{i}.json")
        configs[-1].write_text(json.dumps(config))
    argv = bench.reaper_argv("run")
    for _ in range(2):
        runs = [subprocess.Popen([*argv[:3], str(configs[i % states])],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                for i in range(20)]
        logs = [run.communicate(timeout=PATIENCE_S)[1] for run in runs]
        assert [run.returncode for run in runs] == [DONE] * 20, "\n".join(logs)
        assert len(bench.alive()) == len(bench.instances()) == 3, "\n".join(logs)


def test_a_run_that_finds_another_one_leaves(bench):
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 1)
    bench.client.inject(endpoint="queues.get_all", client="mayfly-reaper", delay_s=3)
    slow = bench.start_reaper("run")
    wait_for((bench.folder / "state" / "lock").exists, PATIENCE_S, "the first run has its lock")
    wait_for(lambda: f"process {slow.pid}" in (bench.folder / "state" / "lock").read_text(),
             PATIENCE_S, "the lock is signed")
    assert f"process {slow.pid}" in bench.run()
    assert slow.wait(PATIENCE_S) == DONE
    assert len(bench.alive()) == 1


def test_killed_after_asking_it_launches_nothing_twice(bench):
    """SIGKILL as soon as the ledger knows of an attempt; then runs that end."""
    bench.add_resource("cpu", max_instances=2)
    bench.add_tasks("cpu", 4)
    for _ in range(6):
        run = bench.start_reaper("run")
        while run.poll() is None:
            if bench.remembered("attempts"):
                run.kill()
        assert len(bench.alive()) <= 2
        bench.end_machines()
    bench.run()
    bench.run()
    assert len(bench.alive()) == 2
    slots = {json.loads((bench.machines / name / "instance.json").read_text())["slot"]
             for name in bench.alive()}
    assert slots == {0, 1}


LIES = {
    "an HTML page": {"body": "html"},
    "a cut answer": {"truncate": 40},
    "a huge answer": {"pad": 40 << 20},
    "a server error": {"status": 500, "body": "Internal Server Error"},
    "no envelope": {"status": 200, "body": "{}"},
    "a list that is none": {"replace_data": {"queues": 7, "workers": 7}},
    "items that are none": {"replace_data": {"queues": [7], "workers": [7]}},
    "no list at all": {"replace_data": {}},
    "a cut connection": {"close": True},
}


@pytest.mark.parametrize("endpoint", ["queues.get_all", "workers.get_all"])
@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_decided_from_a_lie(bench, endpoint, lie):
    bench.settings["pass_deadline"] = 5
    bench.add_resource("cpu", max_instances=2, min_instances=1)
    bench.add_tasks("cpu", 2)
    bench.client.inject(endpoint=endpoint, client="mayfly-reaper", times=0, **LIES[lie])
    log = bench.run(FAILED)
    assert "event=unknown" in log
    plan = bench.run_reaper("plan")
    assert plan.returncode == FAILED
    assert "UNKNOWN" in plan.stdout
    assert "what it depends on could not be read" in plan.stdout
    assert not bench.instances()
    bench.client.heal()
    bench.run()
    assert len(bench.alive()) == 2


def test_without_a_server_nothing_is_launched(bench):
    bench.settings["pass_deadline"] = 5
    bench.add_resource("cpu", max_instances=2)
    bench.add_tasks("cpu", 2)
    bench.kill_server()
    assert "event=unknown" in bench.run(FAILED)
    assert not bench.instances()
    bench.start_server()
    bench.run()
    assert len(bench.alive()) == 2


def test_with_wrong_keys_nothing_is_launched(bench):
    bench.add_resource("cpu", max_instances=2)
    bench.add_tasks("cpu", 2)
    (bench.folder / "wrong").touch(mode=0o600)
    (bench.folder / "wrong").write_text("not-the-secret")
    config = bench.config.read_text().replace(str(bench.folder / "secret"),
                                              str(bench.folder / "wrong"))
    bench.config.write_text(config)
    log = bench.run(FAILED)
    assert "class=denied" in log
    assert "not-the-secret" not in log
    assert not bench.instances()
    assert bench.run_reaper("check").returncode == FAILED


def record(bench, instance, **tags):
    """A machine record, as a machine would report it."""
    words = {"role": "bootstrap", "phase": "serve", "seats": 1, "free": 1, "slot": 0,
             "generation": 0, "launched": 1, "idle": 0, **tags}
    worker = f"{PREFIX}:cpu:local:{instance}:bootstrap"
    fields = {"worker": worker, "tags": [f"{name}:{value}" for name, value in words.items()]}
    bench.client.call("workers.register", **fields, queues=[], timeout=120)
    bench.client.call("workers.status_report", **fields, timestamp=0)


def test_a_list_that_is_suddenly_empty_is_not_believed(bench):
    bench.add_resource("cpu", max_instances=2, min_instances=1)
    bench.run()
    name, = bench.alive()
    record(bench, name)
    bench.run()
    assert [machine["instance"] for machine in bench.remembered("machines")] == [name]
    assert bench.shown("status")["machines"][0]["phase"] == "serve"
    bench.add_tasks("cpu", 2)
    bench.client.inject(endpoint="workers.get_all", client="mayfly-reaper", times=0,
                        replace_data={"workers": []})
    assert "cannot have ended" in bench.run(FAILED)
    assert bench.shown("plan", FAILED)["launches"] == []
    assert len(bench.instances()) == 1
    bench.client.heal()
    bench.run()
    assert len(bench.alive()) == 2


def test_a_machine_that_no_list_shows_counts(bench):
    """Another host's machine of this resource: its record alone holds the slot."""
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 3)
    record(bench, "local-elsewhere", free=0)
    bench.run()
    assert not bench.instances()
    machine, = bench.shown("status")["machines"]
    assert machine["instance"] == "local-elsewhere"
    assert not machine["is_listed"]


def test_one_odd_queue_does_not_stop_the_others(bench):
    bench.add_resource("cpu", max_instances=1)
    bench.resources[0]["queues"] = ["no-such-queue", "cpu"]
    bench.write_config()
    bench.add_tasks("cpu", 1)
    assert "no-such-queue" in bench.run()
    assert len(bench.alive()) == 1
    done = bench.run_reaper("check")
    assert done.returncode == FAILED
    assert "FAILED  queue no-such-queue: there is none" in done.stdout


def test_one_broken_resource_does_not_stop_the_others(bench):
    bench.add_resource("odd", max_instances=1)
    bench.add_resource("cpu", max_instances=1)
    bench.resources[0]["local"]["machines"] = str(bench.folder / "odd")
    bench.write_config()
    (bench.folder / "odd" / "local-1").mkdir(parents=True)
    (bench.folder / "odd" / "local-1" / "instance.json").write_text("{")
    bench.add_tasks("cpu", 1)
    bench.add_tasks("odd", 1)
    assert "odd/local-1/instance.json" in bench.run(PARTLY)
    assert len(bench.alive()) == 1
    plan = bench.shown("plan", PARTLY)
    assert not plan["resources"][0]["is_listed"]
    assert plan["resources"][1]["is_listed"]


def test_a_program_that_cannot_start_is_said(bench):
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 1)
    (bench.folder / "bootstrap-cpu").write_text("#!/no/such/shell\n")
    assert "class=configuration" in bench.run(PARTLY)
    assert bench.remembered("attempts") == []
    assert not bench.instances()


def test_a_paused_queue_launches_nothing(bench):
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 1)
    bench.client.call("queues.update", queue=bench.queues["cpu"], tags=["force_workers:off"])
    bench.run()
    assert not bench.instances()
    assert "force_workers:off" in bench.run_reaper("plan").stdout


BAD = {
    "a misspelt key": ('"max_instances"', '"max_instnces"',
                       "max_instnces: unknown, did you mean max_instances?"),
    "a cut file": ('"resources"', '"', "column"),
    "an unknown provider": ('"provider": "local"', '"provider": "azure"',
                            '"azure" is no provider: known is local, aws'),
    "a program that is not there": ("bootstrap-cpu", "none", "there is no program"),
    "a secret in the open": ('"secret_key": {', '"secret_key": "in-the-open", "x": {',
                             "clearml.secret_key: expected an object"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_configuration_is_one_line(bench, what):
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 1)
    old, new, expected = BAD[what]
    text = bench.config.read_text()
    assert old in text
    bench.config.write_text(text.replace(old, new, 1))
    for command in ("run", "plan", "status", "watch", "check"):
        done = bench.run_reaper(command)
        assert done.returncode == USAGE
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"mayfly-reaper: {bench.config}:"), done.stderr
        assert expected in done.stderr
        assert "in-the-open" not in done.stderr
    assert not bench.instances()


@pytest.mark.parametrize("words", [
    ("rum",), ("run", "--confg", "x"), ("watch", "--every", "soon"), ("watch", "--every", "0"),
    ("run", "--config"), ("run", "--log-level", "loud"), ()])
def test_bad_usage(bench, words):
    bench.add_resource("cpu", max_instances=1)
    argv = bench.reaper_argv("run")
    done = subprocess.run([argv[0], *words], capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert done.stderr


def test_version_and_help(bench):
    program = bench.reaper_argv("run")[0]
    for words in (("version",), ("--help",), ("run", "--help")):
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == DONE
        assert "mayfly-reaper" in done.stdout


def runs_until(bench, condition, what):
    """`run` again and again until the condition holds."""
    logs = []

    def once():
        logs.append(bench.run())
        return condition()
    wait_for(once, PATIENCE_S, what)
    return "\n".join(logs)


def test_what_never_comes_up_is_terminated(bench):
    """At the second look; its successor is of the next generation."""
    bench.add_resource("cpu", max_instances=1, boot_deadline=1,
                       does='echo "cannot boot" >&2; exec sleep 1000\n')
    bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.alive()
    log = runs_until(bench, lambda: name not in bench.alive(), "the machine is terminated")
    assert "never came up" in log
    assert "cannot boot" in log
    assert (bench.machines / name / "ended.json").exists()
    runs_until(bench, bench.alive, "its successor is launched")
    successor, = bench.alive()
    note = json.loads((bench.machines / successor / "instance.json").read_text())
    assert (note["slot"], note["generation"]) == (0, 1)


def lose(bench, attempt):
    """A task popped by a machine that then died: its owner property is all that is left."""
    bench.add_resource("cpu", max_instances=1, does=ENDS)
    task, = bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.instances()
    assert bench.client.pop(bench.queues["cpu"]) == task
    bench.client.call("tasks.edit_hyper_params", task=task, hyperparams=[
        {"section": "properties", "name": "mayfly_owner", "value": f"{name}/{attempt}"},
        {"section": "properties", "name": "mayfly_attempt", "value": f"{task}/{attempt}"}])
    return task, name


@pytest.mark.parametrize("is_started", [False, True], ids=["popped", "started"])
def test_a_lost_task_goes_back_to_the_front(bench, is_started):
    task, name = lose(bench, 1)
    if is_started:
        bench.client.call("tasks.started", task=task)
    other, = bench.add_tasks("cpu", 1)
    wait_for(lambda: bench.shown("plan")["resources"][0]["alive"] == 0, PATIENCE_S, "it ended")
    runs_until(bench, lambda: bench.client.waiting(bench.queues["cpu"]) == [task, other],
               "the task is in front of its queue")
    assert bench.client.status(task) == "queued"
    assert bench.client.task(task)["status_reason"] == f"infra:terminated ({name}/1)"
    assert f"machine {name} is gone" in bench.client.console(task)
    # Popped again by somebody who signs nothing: it is not put back a second time.
    assert bench.client.pop(bench.queues["cpu"]) == task
    for _ in range(12):
        assert "event=repaired" not in bench.run()
    assert bench.client.waiting(bench.queues["cpu"]) == [other]


def test_a_task_lost_too_often_fails(bench):
    task, name = lose(bench, 3)
    runs_until(bench, lambda: bench.client.status(task) == "failed", "the task fails")
    assert bench.client.task(task)["status_reason"] == "infra:terminated"
    assert f"attempt 3 of 3 ended because machine {name} is gone" in bench.client.console(task)
    assert not {"mayfly_owner", "mayfly_attempt"} & set(bench.client.properties(task))


def test_watch_until_empty_ends(bench):
    bench.add_resource("cpu", max_instances=1)
    done = bench.run_reaper("watch", "--every", "100ms", "--until-empty", timeout=PATIENCE_S)
    assert done.returncode == DONE
    assert "nothing waits and no machine is alive" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watch_survives_an_outage_and_ends_by_a_signal(bench, number):
    bench.settings["pass_deadline"] = 5
    bench.add_resource("cpu", max_instances=1, does=ENDS)
    watch = bench.start_reaper("watch", "--every", "100ms")
    log = bench.folder / "reaper.out"
    wait_for(lambda: "event=pass" in log.read_text(), PATIENCE_S, "the first pass")
    bench.kill_server()
    wait_for(lambda: "event=unknown" in log.read_text(), PATIENCE_S, "the outage is seen")
    bench.start_server()
    bench.add_tasks("cpu", 1)
    wait_for(lambda: len(bench.instances()) >= 2, PATIENCE_S, "two machines, one after another")
    # The ended ones are no zombies: nobody else would collect them.
    wait_for(lambda: not zombies_of(watch.pid), PATIENCE_S, "no zombies")
    watch.send_signal(number)
    assert watch.wait(PATIENCE_S) == DONE


def zombies_of(parent):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{name}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if words[0] == "Z" and int(words[1]) == parent:
            found.append(int(name))
    return found


def journal(bench, *words):
    """What `journal --json` prints: the newest last."""
    done = bench.run_reaper("journal", "--json", *words)
    assert done.returncode == DONE, done.stdout + done.stderr
    return [(entry["event"], entry["subject"], entry["text"])
            for entry in json.loads(done.stdout)["journal"]]


def test_the_journal_says_what_was_done_and_why(bench):
    bench.add_resource("cpu", max_instances=1)
    assert journal(bench) == []
    done = bench.run_reaper("journal")
    assert (done.returncode, done.stdout) == (DONE, "")
    assert f"there is no ledger in {bench.folder / 'state'} yet" in done.stderr
    assert not (bench.folder / "state").exists()
    bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.alive()
    launched = ("launched", name, "cpu slot 0 generation 0, local: tasks wait and no seat is free")
    assert journal(bench) == [launched]
    bench.run()
    assert journal(bench) == [launched]
    bench.add_resource("odd", max_instances=1)
    bench.add_tasks("odd", 1)
    (bench.folder / "bootstrap-odd").write_text("#!/no/such/shell\n")
    for _ in range(2):
        bench.run(PARTLY)
    first, second = journal(bench)
    assert first == launched
    assert second[:2] == ("launch failed", "odd slot 0")
    assert second[2].startswith("configuration: ")
    assert journal(bench, "--limit", "1") == [second]
    assert journal(bench, "--since", "1h") == [launched, second]
    assert journal(bench, "--since", "2100-01-01T00:00:00Z") == []
    assert "no entries" in bench.run_reaper("journal", "--since=2100-01-01T00:00:00Z").stderr
    line, = bench.run_reaper("journal", "--limit=1").stdout.splitlines()
    assert "launch failed" in line and "odd slot 0" in line
    for words in ["--limit=0"], ["--limit=x"], ["--since=yesterday"]:
        assert bench.run_reaper("journal", *words).returncode == USAGE


def test_a_queue_that_is_missing_is_made_where_configured(bench):
    bench.add_resource("cpu", max_instances=1)
    bench.resources[0]["queues"] = ["night shift"]
    bench.write_config()
    log = bench.run()
    assert "event=no-queue" in log and "event=queue-made" not in log
    bench.settings["create_queues"] = True
    bench.write_config()
    assert "event=queue-made" in bench.run()
    made, = bench.client.call("queues.get_all", name="^night shift$")["queues"]
    bench.client.enqueue(bench.client.create_task("hello", "pass"), made["id"])
    log = bench.run()
    assert "event=queue-made" not in log and "event=no-queue" not in log
    assert len(bench.alive()) == 1


def test_the_record_of_a_dead_machines_worker_goes(bench):
    """A killed agent's record would stay for ten minutes, and look like a free worker."""
    bench.add_resource("cpu", max_instances=1)
    bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.alive()
    worker, stranger = f"{PREFIX}:cpu:local:{name}", f"{PREFIX}:cpu:local:elsewhere"
    for each in (worker, stranger):
        bench.client.call("workers.register", worker=each, timeout=600)
    for _ in range(3):
        bench.run()
    assert worker in bench.client.workers()
    bench.end_machines()
    log = runs_until(bench, lambda: worker not in bench.client.workers(), "the record is gone")
    assert "event=unregistered" in log
    assert stranger in bench.client.workers()


def test_a_task_that_its_machine_does_not_list_goes_back(bench):
    bench.add_resource("cpu", max_instances=1)
    task, = bench.add_tasks("cpu", 1)
    bench.run()
    name, = bench.alive()
    record = f"{PREFIX}:cpu:local:{name}:bootstrap"
    assert bench.client.pop(bench.queues["cpu"]) == task
    bench.client.call("tasks.edit_hyper_params", task=task, hyperparams=[
        {"section": "properties", "name": "mayfly_owner", "value": f"{name}/1"},
        {"section": "properties", "name": "mayfly_attempt", "value": f"{task}/1"}])
    tags = ["role:bootstrap", "phase:serve", "seats:1", "slot:0", "generation:0",
            f"launched:{int(time.time())}", "idle:0"]

    def say(*more):
        bench.client.call("workers.status_report", worker=record, tags=[*tags, *more],
                          timestamp=int(time.time() * 1000))

    for _ in range(12):  # at least one of these sweeps
        say("free:0", f"task:{task}")
        bench.run()
    assert bench.client.waiting(bench.queues["cpu"]) == []

    def is_back():
        say("free:1")
        bench.run()
        return bench.client.waiting(bench.queues["cpu"]) == [task]
    wait_for(is_back, PATIENCE_S, "the task is back")
    assert bench.client.task(task)["status_reason"] == f"infra:unlisted ({name}/1)"
    assert "does not have it any more" in bench.client.console(task)


def test_two_that_run_a_task_are_told(bench):
    bench.add_resource("cpu", max_instances=1)
    task, = bench.add_tasks("cpu", 1)
    workers = [f"{PREFIX}:cpu:local:one", "somebodys-box:0"]
    for worker in workers:
        bench.client.call("workers.status_report", worker=worker, task=task,
                          timestamp=int(time.time() * 1000))
    log = bench.run()
    assert "event=double" in log and all(worker in log for worker in workers)
    assert [entry for entry in journal(bench) if entry[:2] == ("double", task)]
