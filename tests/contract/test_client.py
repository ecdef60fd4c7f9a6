"""Our own client (common/clearml*.c) against the stand-in: each call, and what can go wrong.

The stand-in checks every request against the contract; `calling` asserts that it found nothing.
The calls are made by tests/contract/client_calls.c, which the Makefile builds.
"""

import json
import os
import shlex
import subprocess
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from standin.running import Running

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "tests/contract/client_calls"
NOWHERE = "0" * 32
PATIENT_MS = 20000
HASTY_MS = 700  # for what cannot succeed: how long it is tried


class Failed(Exception):
    """A call's error: its class, message and subcode."""

    def __init__(self, answer):
        super().__init__(f"{answer['class']}: {answer['message']}")
        self.kind = answer["class"]
        self.message = answer["message"]
        self.subcode = answer["subcode"]


class Calls:
    """A client_calls process: calls.peek(queue) and so on; an error raises Failed."""

    def __init__(self, url, access_key, secret_file, timeout_ms):
        self._process = subprocess.Popen(
            [str(PROGRAM), url, access_key, str(secret_file), str(timeout_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __getattr__(self, name):
        return lambda *words: self._call(name, *words)

    def _call(self, *words):
        line = "\t".join("-" if word is None else str(word) for word in words)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if not answer.pop("ok"):
            raise Failed(answer)
        return answer

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(60) == 0


@contextmanager
def calling(server, timeout_ms=PATIENT_MS, path="", user="tests", secret_file=None):
    secret_file = secret_file or server.folder / f"{user}.secret"
    secret_file.chmod(0o600)
    calls = Calls(server.url + path, server.keys(user)[0], secret_file, timeout_ms)
    try:
        yield calls
    finally:
        calls.close()
    assert server.client().violations() == []


@pytest.fixture
def calls(server):
    with calling(server) as made:
        yield made


def refused(call, *words):
    """The error of a call that must fail."""
    with pytest.raises(Failed) as caught:
        call(*words)
    return caught.value


def queued_task(client, queue, name="some task"):
    task = client.create_task(name, "print('hi')")
    client.enqueue(task, queue)
    return task


# -- each call ----------------------------------------------------------------------------------

def test_login_tells_the_servers_clock(calls, client):
    answer = calls.login()
    assert abs(answer["now_ms"] / 1000 - time.time()) < 60
    assert abs(answer["skew_ms"]) < 60000
    calls.login()
    assert client.calls("auth.login", "mayfly") == 2  # it asks anew


def test_users_and_their_names(calls, client):
    assert calls.users()["users"] == [{"id": "__second__", "name": "second"},
                                      {"id": "__tests__", "name": "tests"}]
    assert client.calls("users.get_all", "mayfly") == 1
    task = client.create_task("some task", "")
    assert client.task(task)["user"] == "__tests__"


def test_queues_by_name_and_all(calls, client):
    odd = "gpu (big) [a|b].*$"
    ids = {name: client.create_queue(name) for name in ("cpu", "cpu2", "xcpu", odd)}
    client.call("queues.update", queue=ids["cpu2"], tags=["force_workers:off"])
    hidden = client.call("queues.create", name="hidden", system_tags=["k8s-glue"])["id"]
    tasks = [queued_task(client, ids["cpu"]) for _ in range(3)]

    found = calls.queues(0, f"cpu,{odd},absent")["queues"]
    assert {queue["id"]: queue["name"] for queue in found} == {ids["cpu"]: "cpu", ids[odd]: odd}
    cpu = next(queue for queue in found if queue["name"] == "cpu")
    assert [entry["task"] for entry in cpu["entries"]] == tasks
    assert abs(cpu["entries"][0]["added_ms"] / 1000 - time.time()) < 60
    assert not cpu["is_forced_off"]

    cut = calls.queues(2, "cpu,cpu2")["queues"]
    assert sorted(len(queue["entries"]) for queue in cut) == [0, 2]
    assert [queue["name"] for queue in cut if queue["is_forced_off"]] == ["cpu2"]

    everything = {queue["id"] for queue in calls.queues(0)["queues"]}
    assert everything >= {*ids.values(), hidden}
    assert len(everything) == len(ids) + 2  # and the default queue


def test_many_queues_come_in_pages(calls, client):
    names = [f"queue-{number:04}" for number in range(502)]
    for name in names:
        client.create_queue(name)
    found = [queue["name"] for queue in calls.queues(0)["queues"]]
    assert sorted(found) == sorted([*names, "default"])
    assert client.calls("queues.get_all", "mayfly") == 2


def test_a_pop_takes_the_head_only(calls, client):
    queue = client.create_queue("cpu")
    assert calls.peek(queue) == {"task": ""}
    assert calls.pop(queue) == {"task": ""}
    first, second = queued_task(client, queue), queued_task(client, queue)
    assert calls.peek(queue) == {"task": first}
    assert calls.pop(queue, second) == {"task": ""}
    assert client.waiting(queue) == [first, second]
    assert calls.pop(queue, first) == {"task": first}
    assert client.waiting(queue) == [second]
    assert calls.task(first)["status"] == "queued"
    assert calls.pop(queue) == {"task": second}


def test_a_task_and_its_properties(calls, client):
    queue = client.create_queue("cpu")
    task = queued_task(client, queue, "näme")
    client.call("tasks.edit", task=task, container={"image": "python:3.11"}, force=True)
    calls.set(task, "mayfly_owner", "i-1/1")
    calls.set(task, "mayfly_attempt", f"{task}/2")
    client.call("tasks.started", task=task, status_reason="r", status_message="m")
    calls.set(task, "mayfly_owner", "i-1/2")
    found = calls.task(task)
    assert abs(found.pop("started_ms") / 1000 - time.time()) < 60
    assert found.pop("last_update_ms") and found.pop("status_changed_ms")
    assert found == {
        "id": task, "name": "näme", "status": "in_progress", "status_reason": "r",
        "status_message": "m", "last_worker": "", "queue": queue, "owner": "i-1/2",
        "attempt": f"{task}/2", "image": "python:3.11"}
    calls.delete(task, "mayfly_owner")
    calls.delete(task, "mayfly_owner")  # gone already: success
    assert calls.task(task)["owner"] == ""
    assert client.properties(task) == {"mayfly_attempt": f"{task}/2"}


def test_the_arguments_of_a_tasks_container(calls, client):
    task = queued_task(client, client.create_queue("cpu"))
    assert calls.arguments(task) == {"arguments": ""}
    text = "-e 'A=b c' --ipc=host"
    client.call("tasks.edit", task=task, force=True,
                container={"image": "python:3.11", "arguments": text})
    assert calls.arguments(task) == {"arguments": text}
    assert calls.task(task)["image"] == "python:3.11"
    client.call("tasks.edit", task=task, force=True, container={"image": "python:3.11"})
    assert calls.arguments(task) == {"arguments": ""}


def test_arguments_that_are_a_list_are_quoted(client, calls):
    """The agent takes a list too: what a shell makes of our text is that list again."""
    words = ["-e", "A=it's \"b\" c", "", "--ipc=host", "$HOME", "ä"]
    task = queued_task(client, client.create_queue("cpu"))
    client.inject(endpoint="tasks.get_all", client="mayfly",
                  replace_data={"tasks": [{"id": task, "container": {"arguments": words}}]})
    assert shlex.split(calls.arguments(task)["arguments"]) == words


def test_tasks_by_status(calls, client):
    cpu, gpu = client.create_queue("cpu"), client.create_queue("gpu")
    one, two, three = (queued_task(client, queue) for queue in (cpu, cpu, gpu))
    client.call("tasks.started", task=two)

    def ids(found):
        return [task["id"] for task in found["tasks"]]

    assert ids(calls.tasks_in("queued", f"{cpu},{gpu}")) == sorted([one, three])
    assert ids(calls.tasks_in("queued,in_progress", cpu)) == sorted([one, two])
    assert ids(calls.tasks_in("published,failed", cpu)) == []
    assert ids(calls.tasks_in("queued", None)) == []


def test_more_tasks_than_a_page(calls, client):
    queue = client.create_queue("cpu")
    tasks = [queued_task(client, queue) for _ in range(501)]
    found = [task["id"] for task in calls.tasks_in("queued", queue)["tasks"]]
    assert found == sorted(tasks)


def stamp_ms(text):
    return datetime.fromisoformat(text).timestamp() * 1000


def test_the_past(calls, client):
    """Ended tasks alone, each with its times; what changed before the asked time is left out."""
    queue = client.create_queue("cpu")
    completed, failed, stopped, running, waiting = (queued_task(client, queue) for _ in range(5))
    for task in (completed, failed, stopped, running):
        client.call("tasks.started", task=task, force=True)
    for end, task in (("completed", completed), ("failed", failed), ("stopped", stopped)):
        client.call(f"tasks.{end}", task=task, force=True)
    runs = calls.past(0)["runs"]
    assert [run["id"] for run in runs] == sorted([completed, failed, stopped])
    for run in runs:
        task = client.task(run["id"])
        ended = task.get("completed") or task["status_changed"]
        assert run["queue"] == queue and run["user"] == task["user"]
        for name, moment in (("created", task["created"]), ("started", task["started"]),
                             ("ended", ended)):
            assert abs(run[f"{name}_ms"] - stamp_ms(moment)) < 1, name
    newest = max(run["ended_ms"] for run in runs)
    assert calls.past(newest + 60000)["runs"] == []


def test_a_past_of_more_than_a_page(calls, client):
    tasks = [client.create_task(f"task {i}", "print()") for i in range(501)]
    for task in tasks:
        client.call("tasks.started", task=task, force=True)
        client.call("tasks.completed", task=task, force=True)
    assert [run["id"] for run in calls.past(0)["runs"]] == sorted(tasks)


def test_a_server_that_ignores_the_filter_is_filtered_here(calls, client):
    queue = client.create_queue("cpu")
    task = queued_task(client, queue)
    shown = {"id": task, "status": "completed", "started": "2026-01-05T08:00:00+00:00",
             "completed": "2026-01-05T09:00:00+00:00",
             "status_changed": "2026-01-05T09:00:00+00:00"}
    client.inject(endpoint="tasks.get_all", client="mayfly", replace_data={"tasks": [shown]})
    assert len(calls.past(int(stamp_ms("2026-01-05T08:59:59+00:00")))["runs"]) == 1
    client.inject(endpoint="tasks.get_all", client="mayfly", replace_data={"tasks": [shown]})
    assert calls.past(int(stamp_ms("2026-01-05T09:00:01+00:00")))["runs"] == []


def test_a_running_task_goes_back_to_the_front(calls, client):
    queue = client.create_queue("cpu")
    first, second = queued_task(client, queue), queued_task(client, queue)
    assert calls.pop(queue) == {"task": first}
    client.call("tasks.started", task=first)
    calls.enqueue(first, queue, "infra:test")
    assert client.waiting(queue) == [second, first]
    calls.front(queue, first)
    assert client.waiting(queue) == [first, second]
    assert calls.task(first)["status_reason"] == "infra:test"

    again = refused(calls.enqueue, first, queue, "infra:test")
    assert (again.kind, again.subcode) == ("conflict", 706)
    assert calls.task(first)["status"] == "queued"
    assert calls.task(first)["status_reason"] == "failed enqueueing"  # as recorded


def test_an_orphan_goes_back_to_its_queue(calls, client):
    queue = client.create_queue("cpu")
    task = queued_task(client, queue)
    calls.pop(queue)
    calls.enqueue(task, queue, "infra:orphan")
    assert client.waiting(queue) == [task]


def test_fail(calls, client):
    queue = client.create_queue("cpu")
    one, two = queued_task(client, queue), queued_task(client, queue)
    for task in (one, two):
        client.call("tasks.started", task=task)
    calls.fail(one, "infra:three times", "the story")
    found = calls.task(one)
    assert (found["status"], found["status_message"]) == ("failed", "the story")
    client.call("tasks.stopped", task=two)
    calls.fail(two, "over")  # forced, without a message
    assert calls.task(two)["status"] == "failed"


def test_a_console_line(calls, client):
    task = client.create_task("some task", "print('hi')")
    for level in ("info", "warning", "error"):
        calls.console(task, "w:1", level, f"a line ☃ of {level}")
    assert client.console(task) == "".join(
        f"a line ☃ of {level}\n" for level in ("info", "warning", "error"))


def test_workers(calls, client):
    queue = client.create_queue("cpu")
    task = queued_task(client, queue)
    record, worker = "p:cpu:small:i-1:bootstrap", "p:cpu:small:i-1"
    calls.register(record, 120, None, None, "role:bootstrap,phase:serve")
    calls.register(worker, 600, None, queue, None)
    calls.register("q:cpu:small:i-1", 600)
    listed = {found["id"]: found for found in calls.workers("p:")["workers"]}
    assert set(listed) == {record, worker}
    assert listed[record]["tags"] == ["role:bootstrap", "phase:serve"]
    assert listed[record]["last_report_ms"] == 0
    assert client.workers()[record]["register_timeout"] == 120

    calls.report(record, 0, None, None, "role:bootstrap,phase:drain")
    calls.report(worker, 0, task, queue, None)
    listed = {found["id"]: found for found in calls.workers()["workers"]}
    assert listed[record]["tags"] == ["role:bootstrap", "phase:drain"]
    assert abs(listed[record]["last_report_ms"] / 1000 - time.time()) < 60
    assert listed[worker]["task"] == task
    assert calls.task(task)["last_worker"] == worker
    assert [item["id"] for item in client.workers()[worker]["queues"]] == [queue]

    calls.report(worker, 0, None, queue, None)  # blanks the task
    assert {found["task"] for found in calls.workers()["workers"]} == {""}
    calls.unregister(worker)
    calls.unregister(worker)  # gone already: success
    assert {found["id"] for found in calls.workers("p:")["workers"]} == {record}


def test_a_queue_is_made_once(calls, client):
    made = calls.create_queue("night shift")["id"]
    assert [queue["id"] for queue in calls.queues(0, "night shift")["queues"]] == [made]
    error = refused(calls.create_queue, "night shift")
    assert error.kind == "conflict" and error.subcode == 801
    error = refused(calls.create_queue, "no")
    assert error.kind == "refused" and error.subcode == 800
    assert client.call("queues.get_by_id", queue=made)["queue"]["system_tags"] == []


def test_a_board(calls, client):
    """The reaper's own task, as it is found, made and kept."""
    name, orders = "mayfly-reaper la.b", "one line\nand another\n"
    error = refused(calls.board_find, name)
    assert error.kind == "not_found", error
    first = calls.board_make("mayfly/la.b", name)["id"]
    second = calls.board_make("mayfly/la.b", name)["id"]
    project, = client.call("projects.get_all", name="^mayfly/la")["projects"]
    assert client.task(first)["project"] == client.task(second)["project"] == project["id"]
    assert client.task(first)["type"] == "monitor"
    client.create_task("mayfly-reaper laxb", "pass")
    found = calls.board_find(name)
    assert (found["id"], found["status"], found["mayfly_orders"]) == (first, "created", None)
    calls.board_drop(second)
    assert refused(calls.board_read, second, name).kind == "not_found"

    calls.board_start(first)
    calls.board_start(first)
    client.call("tasks.edit_hyper_params", task=first, hyperparams=[
        {"section": "properties", "name": "mayfly_orders", "value": orders}])
    before = calls.board_read(first, name)
    assert (before["status"], before["mayfly_spend"]) == ("in_progress", None)
    assert before["mayfly_orders"] == orders
    time.sleep(0.01)
    calls.board_ping(first)
    assert calls.board_find(name)["last_update_ms"] > before["last_update_ms"]
    error = refused(calls.board_drop, first)  # it runs: never deleted
    assert error.kind != "not_found" and client.status(first) == "in_progress", error
    client.call("tasks.stop", task=first)
    assert calls.board_find(name)["status"] == "stopped"
    calls.board_start(first)
    assert client.status(first) == "in_progress"


def test_lines_of_a_console(calls, client):
    task = client.create_task("some task", "print('hi')")
    calls.lines(task)
    calls.lines(task, "one", "two ☃", "three")
    assert client.console(task) == "one\ntwo ☃\nthree\n"
    assert refused(calls.lines, NOWHERE, "one").subcode == 131


# -- what does not exist ---------------------------------------------------------------------------

def test_unknown_things(calls, client):
    queue = client.create_queue("cpu")
    task = client.create_task("some task", "print('hi')")
    for call, words, kind, subcode in [
            (calls.peek, (NOWHERE,), "not_found", 701),
            (calls.pop, (NOWHERE,), "not_found", 701),
            (calls.front, (NOWHERE, task), "conflict", 703),
            (calls.front, (queue, task), "conflict", 703),
            (calls.task, (NOWHERE,), "not_found", 101),
            (calls.arguments, (NOWHERE,), "not_found", 101),
            (calls.set, (NOWHERE, "a", "b"), "not_found", 101),
            (calls.delete, (NOWHERE, "a"), "not_found", 101),
            (calls.enqueue, (NOWHERE, queue, "r"), "not_found", 101),
            (calls.enqueue, (task, NOWHERE, "r"), "not_found", 701),
            (calls.fail, (NOWHERE, "r"), "not_found", 101),
            (calls.console, (NOWHERE, "w", "info", "x"), "refused", 131),
            (calls.register, ("w", 60, None, NOWHERE), "not_found", 701),
            (calls.report, ("w", 0, NOWHERE), "not_found", 101)]:
        error = refused(call, *words)
        assert (error.kind.replace(" ", "_"), error.subcode) == (kind, subcode), error


def test_a_server_that_registers_nobody_by_itself(tmp_path):
    with Running(tmp_path, options=["--no-auto-register"]) as server, calling(server) as calls:
        error = refused(calls.report, "w", 0)
        assert (error.kind.replace(" ", "_"), error.subcode) == ("not_found", 1001)
        calls.register("w", 60)
        calls.report("w", 0)
        calls.unregister("w")
        calls.unregister("w")  # 400/1004 there, and success for us


# -- keys and tokens -------------------------------------------------------------------------------

def test_a_wrong_secret_is_named_and_not_told(server):
    wrong = server.folder / "wrong.secret"
    wrong.touch(mode=0o600)
    wrong.write_text("not-the-secret\n")
    with calling(server, secret_file=wrong) as calls:
        error = refused(calls.workers)
        assert (error.kind, error.subcode) == ("denied", 22)
        assert "access key ACCESS-TESTS" in error.message
        assert "not-the-secret" not in error.message
    assert server.client().calls("auth.login", "mayfly") == 1  # it is not worth a retry


def test_a_token_that_ended_is_renewed(server, client, calls):
    queue = client.create_queue("cpu")
    task = queued_task(client, queue)
    calls.login()
    expired = json.dumps({"meta": {
        "id": "", "trx": "", "endpoint": {"name": "queues.get_next_task"}, "result_code": 401,
        "result_subcode": 30, "result_msg": "Invalid token", "error_data": {}}, "data": {}})
    client.inject(endpoint="get_next_task", client="mayfly", status=401, body=expired)
    assert calls.pop(queue, task) == {"task": task}
    assert client.calls("auth.login", "mayfly") == 2


def test_a_base_path_is_kept(server):
    with calling(server, path="/api/") as calls:
        error = refused(calls.login)
        assert error.kind == "refused" and "Invalid request path /api/v2." in error.message
        server.client().control("DELETE", "violations")


# -- faults ----------------------------------------------------------------------------------------

READS = {"queues": (0, "cpu"), "peek": ("QUEUE",), "task": ("TASK",), "arguments": ("TASK",),
         "tasks_in": ("queued", "QUEUE"), "past": (0,), "workers": (),
         "board_find": ("mayfly-reaper x",), "board_read": ("BOARD", "mayfly-reaper x")}
REPEATED = {"front": ("QUEUE", "TASK"), "set": ("TASK", "a", "b"), "delete": ("TASK", "a"),
            "console": ("TASK", "w", "info", "x"), "register": ("w", 60), "report": ("w", 0),
            "unregister": ("w",), "board_start": ("BOARD",), "board_ping": ("BOARD",),
            "lines": ("BOARD", "x")}
ONCE = {"pop": ("QUEUE",), "enqueue": ("TASK", "QUEUE", "r"), "fail": ("TASK", "r"),
        "board_drop": ("BOARD",), "create_queue": ("new one",)}


@pytest.fixture
def scene(server, client):
    """A queue with a task in it; fill() puts their ids into a call's words."""
    queue = client.create_queue("cpu")
    task = queued_task(client, queue)
    board = client.call("tasks.create", name="mayfly-reaper x", type="monitor")["id"]
    ids = {"QUEUE": queue, "TASK": task, "BOARD": board}
    return lambda words: [ids.get(word, word) for word in words]


@pytest.mark.parametrize("fault", [
    {"close": True}, {"status": 503, "body": "html"}, {"status": 502, "body": "html"},
    {"status": 429, "body": "{}", "headers": {"Retry-After": "0"}}],
    ids=["closed", "503", "502", "429"])
def test_what_harms_nobody_is_repeated(client, calls, scene, fault):
    calls.login()
    for name, words in {**READS, **REPEATED}.items():
        client.inject(endpoint=".", client="mayfly", **fault)
        getattr(calls, name)(*scene(words))
        assert client.control("GET", "fault") == {"faults": []}, name


@pytest.mark.parametrize("fault,kind", [
    ({"close": True}, "unreachable"), ({"close_after": True}, "unreachable"),
    ({"status": 503, "body": "html"}, "unreachable"),
    ({"status": 429, "body": "{}"}, "throttled")],
    ids=["closed", "closed after effect", "503", "429"])
def test_a_change_is_sent_once(client, calls, scene, fault, kind):
    calls.login()
    for name, words in ONCE.items():
        client.inject(endpoint=".", client="mayfly", times=3, **fault)
        error = refused(getattr(calls, name), *scene(words))
        left = client.control("GET", "fault")["faults"][0]["times"]
        client.heal()
        assert error.kind == kind, (name, error)
        assert left == 2, f"{name} was sent {3 - left} times"


def test_a_pop_whose_answer_is_lost_is_in_doubt(client, calls, scene):
    """Whatever hides the answer: it has popped, and the caller must be told to look."""
    queue, task = scene(("QUEUE", "TASK"))
    calls.login()
    for fault in [{"close_after": True}, {"truncate": 40}, {"body": "html", "after": True},
                  {"status": 500, "body": "{}", "after": True},
                  {"status": 404, "body": "html", "after": True},
                  {"replace_data": {"entry": {"task": 5}}}, {"replace_data": {"entry": []}}]:
        client.inject(endpoint="get_next_task", client="mayfly", **fault)
        error = refused(calls.pop, queue, task)
        assert error.kind == "unreachable", (fault, error)
        assert client.waiting(queue) == []
        assert calls.task(task)["status"] == "queued"
        calls.enqueue(task, queue, "infra:test")


LIES = {
    "a page with 200": ({"body": "html"}, "web page"),
    "a page with 404": ({"body": "html", "status": 404}, "web page"),
    "a redirect": ({"body": "", "status": 301, "headers": {"Location": "/x"}}, "redirect"),
    "cut": ({"truncate": 30}, ""),
    "huge": ({"pad": 17 << 20}, ""),
    "no JSON": ({"body": "{"}, "HTTP status 200"),
    "another one's answer": ({"body": json.dumps({"meta": {
        "endpoint": {"name": "debug.ping"}, "result_code": 200, "result_subcode": 0,
        "result_msg": "OK"}, "data": {}})}, "debug.ping"),
}


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_make_no_sense_decide_nothing(client, server, scene, lie):
    fault, words_of_it = LIES[lie]
    with calling(server, HASTY_MS if lie in ("cut", "huge") else PATIENT_MS) as calls:
        calls.login()
        for name, words in READS.items():
            client.inject(endpoint=".", client="mayfly", times=0, **fault)
            error = refused(getattr(calls, name), *scene(words))
            client.heal()
            assert error.kind == "malformed", (name, error)
            assert words_of_it in error.message


def test_a_missing_list_is_no_empty_list(client, calls, scene):
    calls.login()
    for name in ("queues", "task", "arguments", "tasks_in", "past", "workers"):
        for data in ({}, {"queues": None, "tasks": None, "workers": None}):
            client.inject(endpoint=".", client="mayfly", replace_data=data)
            error = refused(getattr(calls, name), *scene(READS[name]))
            assert error.kind == "malformed", (name, error)


def test_an_empty_list_does_not_prove_a_deletion(client, calls, scene):
    task, = scene(("TASK",))
    client.inject(endpoint="tasks.get_all", client="mayfly", replace_data={"tasks": []})
    assert calls.task(task)["id"] == task


def test_server_errors(client, server, scene):
    with calling(server, HASTY_MS) as calls:
        calls.login()
        for status, subcode, kind in [(500, 0, "refused"), (500, 102, "unreachable"),
                                      (502, 0, "unreachable"), (503, 0, "unreachable"),
                                      (504, 0, "unreachable"), (429, 0, "throttled"),
                                      (403, 20, "denied"), (404, 0, "refused")]:
            body = json.dumps({"meta": {
                "endpoint": {"name": ""}, "result_code": status, "result_subcode": subcode,
                "result_msg": "no"}, "data": {}})
            client.inject(endpoint=".", client="mayfly", times=0, status=status, body=body)
            error = refused(calls.peek, *scene(("QUEUE",)))
            client.heal()
            assert (error.kind, error.subcode) == (kind, subcode), error


def test_no_server(server):
    with calling(server, HASTY_MS) as calls:
        calls.login()
        server.kill()
        assert refused(calls.workers).kind == "unreachable"
        server.start()
        assert calls.workers() == {"workers": []}  # the old token still holds


def test_the_web_server_instead_of_the_api(client, server):
    client.inject(endpoint=".", client="mayfly", times=0, body="html")
    with calling(server) as calls:
        error = refused(calls.login)
        assert error.kind == "malformed"
        assert "is api_server the address of the API?" in error.message
    client.heal()
    client.inject(endpoint="auth.login", client="mayfly", replace_data={})
    with calling(server) as calls:
        error = refused(calls.login)
        assert error.kind == "malformed" and "web server's address" in error.message


# -- older servers ---------------------------------------------------------------------------------

@pytest.mark.parametrize("version,pops_any", [("2.13", True), ("2.20", True), ("2.21", False)])
def test_an_older_server(tmp_path, version, pops_any):
    with Running(tmp_path, options=["--max-version", version]) as server:
        client = server.client()
        queue = client.create_queue("cpu")
        first, second = queued_task(client, queue), queued_task(client, queue)
        with calling(server) as calls:
            assert calls.peek(queue) == {"task": first}
            assert calls.pop(queue, second) == {"task": first if pops_any else ""}
            found = calls.queues(1, "cpu")["queues"][0]
            assert [entry["task"] for entry in found["entries"]][0] == (
                second if pops_any else first)
            calls.queues(0)
            calls.set(first, "mayfly_owner", "i-1/1")
            assert calls.task(first)["owner"] == "i-1/1"
            assert calls.tasks_in("queued", queue)["tasks"]
            calls.register("w", 60, None, queue, "a:b")
            assert calls.workers()["workers"][0]["tags"] == ["a:b"]
        peeked = client.calls("queues.peek_task", "mayfly")
        assert peeked == (0 if version == "2.13" else 1)


def test_a_server_that_is_too_old(client, calls):
    client.inject(endpoint="server.info", client="mayfly", replace_data={"api_version": "2.8"})
    error = refused(calls.login)
    assert error.kind == "refused" and "at least 2.9 is needed" in error.message
