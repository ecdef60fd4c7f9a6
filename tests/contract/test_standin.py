"""The stand-in's own promises: strictness, durability, atomicity, versions, faults."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from standin import clearml_server  # noqa: F401  (enters all endpoints into the registry)
from standin.client import Refused, Unreachable, wait_for
from standin.contract import Contract, check
from standin.registry import ENDPOINTS
from standin.running import Running

DEADLINE_S = 60


def task_in(client, queue, name="some task"):
    task = client.create_task(name, "print('hi')")
    client.enqueue(task, queue)
    return task


# -- strictness towards our own programs -------------------------------------------------------

GOOD = ("POST", "/v2.31/queues.get_all", {"name": "^cpu$", "max_task_entries": 3})
LOG = {"type": "log", "task": "t", "msg": "x", "level": "info", "timestamp": 1}
# when, method, path, body, what the report must name
SEEDED = [
    ("a field is misspelt", "POST", "/v2.31/queues.get_all", {"nmae": "x"}, ".nmae is unknown"),
    ("a type is wrong", "POST", "/v2.31/queues.get_all", {"name": 5}, ".name is integer"),
    ("a field is null", "POST", "/v2.31/queues.get_all", {"name": None}, ".name is null"),
    ("a list's element is wrong", "POST", "/v2.31/queues.get_all", {"id": ["x", 5]}, ".id[1] is"),
    ("a required field is missing", "POST", "/v2.31/queues.get_by_id", {}, ".queue is missing"),
    ("a choice is wrong", "POST", "/v2.31/tasks.create", {"name": "abc", "type": "odd"},
     ".type is 'odd'"),
    ("a number is too small", "POST", "/v2.31/queues.get_all", {"page": -1}, ".page is -1"),
    ("a nested field is unknown", "POST", "/v2.31/workers.status_report",
     {"worker": "w", "timestamp": 1, "machine_stats": {"cpu": [1.0]}}, ".machine_stats.cpu is"),
    ("the body is a list", "POST", "/v2.31/queues.get_all", [1], "body is array"),
    ("the body is no JSON", "POST", "/v2.31/queues.get_all", "{", "no JSON"),
    ("there is no body", "POST", "/v2.31/queues.get_all", "", "body is null"),
    ("the method is GET", "GET", "/v2.31/queues.get_all", {}, "expected POST"),
    ("the path ends in a slash", "POST", "/v2.31/queues.get_all/", {}, "path"),
    ("the version is odd", "POST", "/v231/queues.get_all", {}, "path"),
    ("the version has no minor", "POST", "/v2/queues.get_all", {}, "no service.action"),
    ("the version is below the endpoint's", "POST", "/v2.4/queues.peek_task", {"queue": "q"},
     "peek_task"),
    ("the endpoint is unknown", "POST", "/v2.31/queues.nonsense", {}, "nonsense"),
    ("the path is none", "POST", "/nonsense", {}, "no service.action"),
    ("the stand-in does not play it", "POST", "/v2.31/queues.get_all", {"size": 3}, ".size"),
    ("an event's type is unknown", "POST", "/v2.31/events.add_batch", {**LOG, "type": "odd"},
     ".type is 'odd'"),
    ("an event's level is unknown", "POST", "/v2.31/events.add_batch", {**LOG, "level": "loud"},
     ".level is 'loud'"),
]


def send_as(server, client_name, method, path, body):
    content = "application/json-lines" if path.endswith("add_batch") else "application/json"
    client = server.client()
    raw = body if isinstance(body, str) else json.dumps(body)
    headers = {"Authorization": client.authorization, "Content-Type": content,
               "X-Clearml-Client": client_name}
    status, _, answer = client.exchange(method, path, raw.encode(), headers)
    return status, json.loads(answer) if answer else None


@pytest.mark.parametrize("when, method, path, body, named", SEEDED,
                         ids=[row[0] for row in SEEDED])
def test_reports_what_is_against_the_contract(server, when, method, path, body, named):
    status, answer = send_as(server, "mayfly-reaper/1.0", method, path, body)
    assert status in (400, 404), when
    if status == 400 and "Invalid request path" not in answer["meta"]["result_msg"]:
        assert named in answer["meta"]["result_msg"]
    violations = server.client().violations()
    assert len(violations) == 1 and named in violations[0]["violations"][0]
    assert violations[0]["client"] == "mayfly-reaper/1.0"


def test_a_wrong_content_type_is_reported(server):
    client = server.client()
    client.exchange("POST", "/queues.get_all", b"{}", {
        "Authorization": client.authorization, "X-Clearml-Client": "mayfly-bootstrap",
        "Content-Type": "text/plain"})
    assert "Content-Type" in client.violations()[0]["violations"][0]


def test_what_is_right_is_not_reported(server):
    assert send_as(server, "mayfly-reaper/1.0", *GOOD)[0] == 200
    client = server.client()
    task = client.create_task("abc", "")
    queue = client.create_queue("cpu")
    for endpoint, body in (
            ("tasks.enqueue", {"task": task, "queue": queue, "force": True}),
            ("queues.move_task_to_front", {"task": task, "queue": queue}),
            ("events.add_batch", {**LOG, "task": task}),
            ("auth.login", {}), ("debug.ping", {}), ("server.info", {})):
        assert send_as(server, "mayfly-bootstrap", "POST", f"/v2.31/{endpoint}", body)[0] == 200
    assert client.violations() == []


def test_others_are_held_to_recorded_behaviour_only(server):
    status, _ = send_as(server, "api-3.0.3", "GET", "/v2.5/workers.status_report",
                        {"worker": "w", "timestamp": 1, "tags": None, "is_daemon": True})
    assert status == 200 and server.client().violations() == []


def test_violations_survive_a_kill(server):
    send_as(server, "mayfly-reaper", "POST", "/v2.31/queues.get_all", {"nmae": "x"})
    server.kill()
    server.start()
    assert len(server.client().violations()) == 1


def test_everything_beyond_the_contract_has_a_source():
    from standin.contract import FOLDER
    beyond = json.loads((FOLDER / "beyond.json").read_text())
    rows = beyond["fields"] + list(beyond["endpoints"].values())
    assert rows and all(row["source"] for row in rows)


# -- each endpoint's answer fits the contract ---------------------------------------------------

def life_of_everything(client):
    """(endpoint, fields) such that each endpoint of the registry is called, with success."""
    queue, other = client.create_queue("first"), client.create_queue("second")
    task, gone = client.create_task("abc", "print(1)"), client.create_task("gone", "")
    event = {"type": "log", "task": task, "msg": "x"}
    both = {"queue": queue, "task": task}
    return [
        ("auth.login", {}), ("debug.ping", {}), ("server.info", {}),
        ("users.get_current_user", {}), ("users.get_all", {"order_by": ["id"]}),
        ("projects.create", {"name": "project"}), ("projects.get_all", {}),
        ("projects.get_all_ex", {"only_fields": ["name"]}),
        ("queues.create", {"name": "third"}), ("queues.get_default", {}),
        ("queues.update", {"queue": other, "tags": ["x"]}), ("queues.get_by_id", {"queue": other}),
        ("queues.add_task", {**both, "update_execution_queue": True}),
        ("queues.remove_task", both), ("tasks.enqueue", both), ("queues.get_all", {}),
        ("queues.get_all_ex", {}), ("queues.get_num_entries", {"queue": queue}),
        ("queues.peek_task", {"queue": queue}), ("queues.move_task_to_front", both),
        ("queues.move_task_to_back", both), ("tasks.dequeue", {"task": task}),
        ("queues.get_next_task", {"queue": queue}), ("queues.delete", {"queue": other}),
        ("tasks.create", {"name": "another", "type": "service"}),
        ("tasks.edit", {"task": task, "container": {"image": "python"}}),
        ("tasks.update", {"task": task, "comment": "x"}),
        ("tasks.set_requirements", {"task": task, "requirements": {"pip": ""}}),
        ("tasks.edit_hyper_params", {"task": task, "hyperparams": [
            {"section": "properties", "name": "mayfly_owner", "value": "i-1/1"}]}),
        ("tasks.get_hyper_params", {"tasks": [task]}),
        ("tasks.delete_hyper_params", {"task": task, "hyperparams": [
            {"section": "properties", "name": "mayfly_owner"}]}),
        ("tasks.started", {"task": task}), ("tasks.ping", {"task": task}),
        ("tasks.add_or_update_artifacts", {"task": task, "artifacts": [
            {"key": "a", "type": "custom", "uri": "file:///a"}]}),
        ("events.add", event), ("events.get_task_log", {"task": task}),
        ("workers.register", {"worker": "w", "queues": [queue], "tags": ["x"]}),
        ("workers.status_report", {"worker": "w", "timestamp": 1, "task": task, "queue": queue}),
        ("workers.get_all", {}), ("workers.get_count", {}),
        ("workers.unregister", {"worker": "w"}), ("tasks.get_all", {"id": [task]}),
        ("tasks.get_all_ex", {"status": ["in_progress"]}), ("tasks.get_by_id", {"task": task}),
        ("tasks.stop", {"task": task}), ("tasks.stopped", {"task": task, "force": True}),
        ("tasks.failed", {"task": task}), ("tasks.completed", {"task": task, "force": True}),
        ("tasks.reset", {"task": task}), ("tasks.delete", {"task": gone}), ("auth.logout", {}),
    ]


# The contract says otherwise than the real server was recorded to answer.
RECORDED_OTHERWISE = {
    "tasks.delete": {".urls is null, expected object"},
    "users.get_current_user": {".settings.max_download_items is integer, expected string"},
    "queues.get_all_ex": {".queues[].company is object, expected string",
                          ".queues[].entries[].task is object, expected string"},
}


def test_each_answer_fits_the_contract(client):
    endpoints = Contract().endpoints
    calls = life_of_everything(client)
    for endpoint, fields in calls:
        answer = client.call(endpoint, **fields)
        problems = check(answer, endpoints[endpoint]["response"], strict=False)
        problems = {re.sub(r"\[\d+\]", "[]", problem) for problem in problems}
        assert problems == RECORDED_OTHERWISE.get(endpoint, set()), endpoint
    not_called = {"events.add_batch", "auth.validate_token"}  # replayed in test_recordings.py
    assert {endpoint for endpoint, _ in calls} == ENDPOINTS.keys() - not_called


# -- durability -------------------------------------------------------------------------------

def test_nothing_acknowledged_is_lost_by_a_kill(server, client):
    queue = client.create_queue("cpu")
    first, second = task_in(client, queue), task_in(client, queue)
    token = client.call("auth.login")["token"]
    client.call("workers.register", worker="w", queues=[queue], timeout=600)
    assert client.pop(queue) == first
    client.call("tasks.started", task=first)
    before = client.task(first), client.workers()
    server.kill()
    server.start()
    assert (client.task(first), client.workers()) == before
    assert client.waiting(queue) == [second]
    status, _, _ = client.exchange("POST", "/users.get_current_user", b"{}",
                                   {"Authorization": f"Bearer {token}"})
    assert status == 200
    assert client.call("queues.get_default")["name"] == "default"


def test_a_revoked_token_stays_revoked(server, client):
    headers = {"Authorization": f"Bearer {client.call('auth.login')['token']}"}
    assert client.exchange("POST", "/auth.logout", b"{}", headers)[0] == 200
    server.kill()
    server.start()
    assert client.exchange("POST", "/users.get_current_user", b"{}", headers)[0] == 401


def test_kills_under_load_lose_no_task(server):
    """Every task that was popped with an answer is out of the queue, every other one in it."""
    client = server.client()
    queue = client.create_queue("cpu")
    tasks = {task_in(client, queue) for _ in range(40)}
    popped, unknown = [], []

    def pop_until_empty():
        own = server.client(patience_s=DEADLINE_S)
        while True:
            try:
                own.call("debug.ping")
                task = server.client().pop(queue)
            except Unreachable:
                unknown.append(None)  # cut in the middle: at most one task a cut is unaccounted
                continue
            if task is None:
                return
            popped.append(task)

    threads = [threading.Thread(target=pop_until_empty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for goal in (5, 15, 25):
        wait_for(lambda: len(popped) + len(unknown) >= goal, DEADLINE_S, f"{goal} pops")
        server.kill()
        server.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert len(popped) == len(set(popped)) and set(popped) <= tasks
    assert len(tasks) - len(popped) <= len(unknown)
    assert client.waiting(queue) == []
    handed_out = [row["task"] for row in client.history() if row["what"] == "popped"]
    assert len(handed_out) == len(tasks) and set(handed_out) == tasks


def test_eight_poppers_get_each_of_sixty_tasks_once(client):
    queue = client.create_queue("cpu")
    tasks = [task_in(client, queue) for _ in range(60)]

    def pop_until_empty(_number):
        mine = []
        while (task := client.pop(queue)) is not None:
            mine.append(task)
        return mine

    with ThreadPoolExecutor(8) as pool:
        popped = [task for mine in pool.map(pop_until_empty, range(8)) for task in mine]
    assert sorted(popped) == sorted(tasks)


# -- workers ------------------------------------------------------------------------------------

def test_a_worker_lives_as_long_as_registered(client):
    client.call("workers.register", worker="short", timeout=3)
    client.call("workers.register", worker="long", timeout=600)
    assert set(client.workers()) == {"short", "long"}
    wait_for(lambda: set(client.workers()) == {"long"}, DEADLINE_S, "the short one expires")


def test_a_restart_neither_ends_nor_prolongs_a_worker(server, client):
    client.call("workers.register", worker="short", timeout=1)
    client.call("workers.register", worker="long", timeout=600)
    wait_for(lambda: "short" not in client.workers(), DEADLINE_S, "the short one expires")
    server.kill()
    server.start()
    assert set(client.workers()) == {"long"}


def test_a_report_blanks_what_it_does_not_name(client):
    queue = client.create_queue("cpu")
    task = task_in(client, queue)
    client.call("workers.register", worker="w", queues=[queue], tags=["a"])
    client.call("workers.status_report", worker="w", timestamp=1, task=task, queue=queue,
                tags=["b"])
    busy = client.workers()["w"]
    assert busy["task"]["id"] == task and busy["tags"] == ["b"] and busy["queue"]["id"] == queue
    client.call("workers.status_report", worker="w", timestamp=1)
    idle = client.workers()["w"]
    assert "task" not in idle and "queue" not in idle and idle["tags"] == []
    assert [known["id"] for known in idle["queues"]] == [queue]


# -- tasks ------------------------------------------------------------------------------------

def put_into(client, status):
    """A task in that status."""
    task = client.create_task("abc", "")
    client.call("tasks.edit", task=task, force=True, name="abc")
    if status == "created":
        return task
    if status == "queued":
        client.enqueue(task, client.create_queue(f"queue of {task}"))
        return task
    client.call("tasks.started", task=task)
    if status != "in_progress":
        client.call(f"tasks.{status}", task=task)
    return task


STATUSES = ("created", "queued", "in_progress", "stopped", "failed", "completed")
# The call, and from which statuses it is taken without force (NOTES of ClearML, state machine).
TAKEN = {
    "tasks.started": {"created", "queued", "in_progress", "stopped", "completed"},
    "tasks.stopped": {"queued", "in_progress", "stopped", "failed"},
    "tasks.failed": {"in_progress", "stopped", "failed"},
    "tasks.completed": {"in_progress", "stopped", "completed"},
}


@pytest.mark.parametrize("endpoint", TAKEN)
def test_status_calls_follow_the_state_machine(client, endpoint):
    for status in STATUSES:
        task = put_into(client, status)
        try:
            client.call(endpoint, task=task)
            taken = True
        except Refused as refusal:
            assert (refusal.code, refusal.subcode) == (400, 110)
            taken = False
        assert taken == (status in TAKEN[endpoint]), f"{endpoint} from {status}"
        client.call(endpoint, task=task, force=True)


def test_a_stopped_task_that_is_popped_counts_as_queued(client):
    queue = client.create_queue("cpu")
    task = put_into(client, "stopped")
    client.call("queues.add_task", queue=queue, task=task)
    assert client.pop(queue) == task
    assert client.status(task) == "queued"


def test_a_refused_enqueue_puts_the_status_back(client):
    task = put_into(client, "stopped")
    with pytest.raises(Refused) as refusal:
        client.enqueue(task, "0" * 32)
    assert refusal.value.subcode == 701
    found = client.task(task)
    assert (found["status"], found["status_reason"]) == ("stopped", "failed enqueueing")


def test_enqueue_takes_the_task_out_of_other_queues(client):
    here, there = client.create_queue("here"), client.create_queue("there")
    task = task_in(client, here)
    client.call("tasks.enqueue", task=task, queue=there, force=True)
    assert (client.waiting(here), client.waiting(there)) == ([], [task])


def test_missing_entry_answers_703(client):
    queue = client.create_queue("cpu")
    for endpoint in ("queues.remove_task", "queues.move_task_to_front"):
        with pytest.raises(Refused) as refusal:
            client.call(endpoint, queue=queue, task="0" * 32)
        assert (refusal.value.code, refusal.value.subcode) == (400, 703)


def test_history_tells_who_did_what(client):
    queue = client.create_queue("cpu")
    task = task_in(client, queue)
    client.pop(queue)
    client.call("tasks.started", task=task)
    told = [(row["what"], row.get("after")) for row in client.history(task)]
    assert told == [("created", None), ("status", "queued"), ("enqueued", None),
                    ("popped", None), ("status", "in_progress")]


# -- lists --------------------------------------------------------------------------------------

def test_a_page_has_five_hundred_at_most(client):
    for number in range(502):
        client.create_queue(f"queue-{number:03}")
    first = client.call("queues.get_all", page=0, page_size=1000, order_by=["name"])["queues"]
    second = client.call("queues.get_all", page=1, page_size=1000, order_by=["name"])["queues"]
    assert (len(first), len(second)) == (500, 3)
    assert len(client.call("queues.get_all")["queues"]) == 500


# when, fields of queues.get_all, names found among: cpu, cpu-big, gpu (tag fast), hidden
LISTS = [
    ("nothing is asked", {}, {"default", "cpu", "cpu-big", "gpu"}),
    ("hidden ones are asked for", {"search_hidden": True},
     {"default", "cpu", "cpu-big", "gpu", "hidden"}),
    ("a name is anchored", {"name": "^cpu$"}, {"cpu"}),
    ("a name is not anchored", {"name": "cpu"}, {"cpu", "cpu-big"}),
    ("a hidden one is named", {"name": "^hidden$"}, {"hidden"}),
    ("names differ in case", {"name": "^CPU$"}, set()),
    ("a tag is asked", {"tags": ["fast"]}, {"gpu"}),
    ("a tag is excluded", {"tags": ["-fast"]}, {"default", "cpu", "cpu-big"}),
]


@pytest.mark.parametrize("when, fields, names", LISTS, ids=[row[0] for row in LISTS])
def test_lists_find(client, when, fields, names):
    for name in ("cpu", "cpu-big"):
        client.create_queue(name)
    client.call("queues.create", name="gpu", tags=["fast"])
    client.call("queues.create", name="hidden", system_tags=["k8s-glue"])
    found = client.call("queues.get_all", **fields)["queues"]
    assert {queue["name"] for queue in found} == names, when


def test_entries_are_cut_on_request(client):
    queue = client.create_queue("cpu")
    tasks = [task_in(client, queue) for _ in range(3)]
    cut = client.call("queues.get_all", name="^cpu$", max_task_entries=2,
                      only_fields=["name", "entries"])["queues"]
    assert [entry["task"] for entry in cut[0]["entries"]] == tasks[:2]
    assert client.call("queues.get_num_entries", queue=queue) == {"num": 3}


# -- older servers ------------------------------------------------------------------------------

def test_an_older_server_lacks_what_came_later(tmp_path):
    with Running(tmp_path, options=["--max-version", "2.14"]) as server:
        client = server.client()
        assert client.call("server.info")["api_version"] == "2.14"
        for endpoint in ("queues.peek_task", "queues.get_num_entries", "workers.get_count"):
            with pytest.raises(Refused) as refusal:
                client.call(endpoint, queue="x")
            assert (refusal.value.code, refusal.value.subcode) == (404, 0)
        queue = client.create_queue("cpu")
        first, second = task_in(client, queue), task_in(client, queue)
        popped = client.call("queues.get_next_task", queue=queue, task=second)
        assert popped["entry"]["task"] == first  # the condition is not known: a plain pop
        with pytest.raises(Refused) as refusal:
            client.enqueue(first, queue)
        assert refusal.value.subcode == 110
        client.call("tasks.enqueue", task=first, queue=queue, force=True)
        assert client.waiting(queue) == [second, first]


# -- injected faults ----------------------------------------------------------------------------

def exchange(client, endpoint="debug.ping", body=b"{}"):
    return client.exchange("POST", f"/v2.31/{endpoint}", body,
                           {"Authorization": client.authorization})


def test_a_status_with_headers_comes_as_often_as_told(client):
    client.inject(endpoint="debug.ping", times=2, status=429, headers={"Retry-After": "1"})
    for _ in range(2):
        status, headers, _ = exchange(client)
        assert (status, headers["Retry-After"]) == (429, "1")
    assert exchange(client)[0] == 200


def test_a_proxys_page_comes_with_status_200(client):
    client.inject(endpoint="debug.ping", body="html")
    status, headers, body = exchange(client)
    assert (status, headers["Content-Type"]) == (200, "text/html") and b"<html>" in body


def test_a_cut_before_has_no_effect_and_one_after_has_it(client):
    queue = client.create_queue("cpu")
    first, second = task_in(client, queue), task_in(client, queue)
    for fault, left in (({"close": True}, [first, second]), ({"close_after": True}, [second])):
        client.inject(endpoint="get_next_task", **fault)
        with pytest.raises(Unreachable):
            client.pop(queue)
        assert client.waiting(queue) == left


def test_a_status_after_the_effect(client):
    queue = client.create_queue("cpu")
    task_in(client, queue)
    client.inject(endpoint="get_next_task", status=502, after=True)
    with pytest.raises(Unreachable):
        client.pop(queue)
    assert client.waiting(queue) == []


def test_answers_that_lie(client):
    client.create_queue("cpu")
    client.inject(endpoint="get_all", replace_data={"queues": []})
    assert client.call("queues.get_all") == {"queues": []}
    client.inject(endpoint="get_all", pad=100000)
    assert len(client.call("queues.get_all")["padding"]) == 100000
    client.inject(endpoint="get_all", truncate=10)
    with pytest.raises(Unreachable):
        client.call("queues.get_all")
    assert len(client.call("queues.get_all")["queues"]) == 2


def test_faults_meet_only_whom_they_name(server, client):
    client.inject(endpoint="debug.ping", client="^mayfly", times=0, status=503)
    assert send_as(server, "mayfly-reaper", "POST", "/debug.ping", {})[0] == 503
    assert send_as(server, "api-3.0.3", "POST", "/debug.ping", {})[0] == 200
    client.heal()
    assert send_as(server, "mayfly-reaper", "POST", "/debug.ping", {})[0] == 200


def test_a_fault_may_let_some_pass(client):
    client.inject(endpoint="debug.ping", skip=2, status=503, body="{}")
    assert [exchange(client)[0] for _ in range(4)] == [200, 200, 503, 200]


def test_a_misspelt_fault_is_refused(client):
    with pytest.raises(Refused, match="staus: unknown"):
        client.inject(endpoint="debug.ping", staus=503)


def test_calls_are_counted(client):
    client.call("debug.ping")
    client.call("debug.ping")
    assert client.calls("debug.ping", "tests") >= 2
