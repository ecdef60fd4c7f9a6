"""The stand-in is held to what a real server was recorded to answer (exchanges/, replay.py)."""

import re
import socket
from collections import Counter

import pytest

from replay import DEADLINE_S, Replay, label, read
from standin.client import wait_for
from standin.running import Running

# In this order, on one server: later recordings show what earlier ones left behind.
FLOWS = ("flow_expiry", "flow_duplicate_worker_id", "flow_second_user", "flow_stop_live",
         "flow_reset_live", "flow_delete_queued", "flow_queues.delete", "flow_queues.move",
         "flow_order_of_checks", "flow_token_expiry", "flow_machine_owned_dequeue")
QUEUE_X, QUEUE_Y = "9ac0b09c312946f9a0e1ba79ce40b3f1", "f7552dc9305549958baa12151c2607a3"
TO_STOP = "ef91783a7133455e9d0604eb90d1fba4"
POPPED_BY_SECOND = "f068e2d2feb746ac876a62ab32845157"
TO_DELETE = "ca964568024c4577a8e47218f67e8d4b"
TASKS = {"01e69af1a48241b6bd6ebec57fcd07a3": "task p1",
         "7a647c6325e443108385b2b2ed02a9e8": "task p2", TO_STOP: "to stop",
         POPPED_BY_SECOND: "by second", TO_DELETE: "to delete",
         "dd41f169fa1941faa3b96b16c9b2aadf": "last of two"}
SDK_TASKS = {"75c53ab291be4a55923c5c721d2ae5e6"}  # created within the agent's trace itself
MOVE_QUEUE = "745aa9cbb46f40e1b0f155091aedfd92"


def prepare_flows(replay):
    """What the flows' recordings take for granted."""
    client, ids = replay.clients["tests"], replay.ids
    for recorded, name in ((QUEUE_X, "queue-x"), (QUEUE_Y, "queue-y"), (MOVE_QUEUE, "moving")):
        ids[recorded] = client.create_queue(name)
    for recorded, name in TASKS.items():
        ids[recorded] = client.call("tasks.create", name=name, type="training")["id"]
    other = client.call("tasks.create", name="first of two", type="training")["id"]
    client.enqueue(other, ids[MOVE_QUEUE])
    client.enqueue(ids["dd41f169fa1941faa3b96b16c9b2aadf"], ids[MOVE_QUEUE])


def enqueue(replay, task):
    replay.clients["tests"].enqueue(replay.ids[task], replay.ids[QUEUE_X])


def pop(replay):
    replay.clients["tests"].pop(replay.ids[QUEUE_X])


# What happened between recorded requests, by the label of the next one.
BEFORE = {
    "flow_second_user: second user pops the first user's task":
        lambda replay: enqueue(replay, POPPED_BY_SECOND),
    "flow_stop_live: started": lambda replay: (enqueue(replay, TO_STOP), pop(replay)),
    "flow_delete_queued: delete a queued task without force":
        lambda replay: enqueue(replay, TO_DELETE),
    "flow_expiry: report after the entry expired: auto-registered anew, without queues":
        lambda replay: wait_for(lambda: "exp5" not in replay.clients["tests"].workers(),
                                DEADLINE_S, "the worker expires"),
    "flow_auto_register_off: report after expiry, auto_register off":
        lambda replay: wait_for(lambda: not replay.clients["tests"].workers(), DEADLINE_S,
                                "the worker expires"),
}


def play_all(replay, rows, found):
    for row in rows:
        BEFORE.get(label(row), lambda _replay: None)(replay)
        found.setdefault(label(row), []).extend(replay.play(row))


@pytest.fixture(scope="module")
def differences(tmp_path_factory):
    """Every recording replayed: label of the exchange -> differences."""
    found = {}
    with Running(tmp_path_factory.mktemp("recordings")) as server:
        replay = Replay(server)
        play_all(replay, read("scenario.jsonl"), found)
        prepare_flows(replay)
        for flow in FLOWS:
            play_all(replay, read(f"{flow}.jsonl"), found)
    options = ["--no-auto-register", "--worker-timeout", "1"]
    with Running(tmp_path_factory.mktemp("strict"), options=options) as server:
        play_all(Replay(server), read("flow_auto_register_off.jsonl"), found)
    with Running(tmp_path_factory.mktemp("agent")) as server:
        replay = Replay(server)
        prepare_agent(replay)
        play_all(replay, read("agent_trace.jsonl"), found)
    return found


def prepare_agent(replay):
    """The tasks and the queue that the agent's trace names; their real life is not replayed."""
    client = replay.clients["tests"]
    queue = client.create_queue("agentq")
    rows = read("agent_trace.jsonl")
    script = next(row["answer"]["data"]["task"]["script"] for row in rows
                  if "tasks.get_by_id" in row["path"])
    for row in rows:
        for recorded in re.findall(r'"(?:task|id)": \[?"([0-9a-f]{32})"', row["sent"]):
            if "queues" not in row["path"] and recorded not in {*replay.ids, *SDK_TASKS}:
                replay.ids[recorded] = popped_task(client, queue, script)
        for recorded in re.findall(r'"(?:queues?|id)": \[?"([0-9a-f]{32})"', row["sent"]):
            if "queues" in row["path"]:
                replay.ids[recorded] = queue
        if "stopping" in str(row["answer"]["data"]):
            stopping = re.search(r'"id": \["([0-9a-f]{32})"', row["sent"])[1]
            client.call("tasks.started", task=replay.ids[stopping])
            client.call("workers.status_report", worker="vm", timestamp=1,
                        task=replay.ids[stopping])
            client.call("tasks.stop", task=replay.ids[stopping])


def popped_task(client, queue, script):
    task = client.call("tasks.create", name="run 60s", type="training", script=script)["id"]
    client.enqueue(task, queue)
    client.pop(queue)
    return task


LABELS = [label(row) for name in ("scenario", *FLOWS, "flow_auto_register_off", "agent_trace")
          for row in read(f"{name}.jsonl")]


@pytest.mark.parametrize("exchange", list(Counter(LABELS)))
def test_answers_as_recorded(differences, exchange):
    assert differences[exchange] == []


# -- HTTP itself, byte by byte -----------------------------------------------------------------

CONTINUES = 2 * b"HTTP/1.1 100 Continue\r\n\r\n"


def raw_exchange(port, sent):
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(sent.encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if received == CONTINUES:
                connection.sendall(b"{}")
        return received.decode()


def outline(text):
    """Status lines and header names; the body only if it is no envelope."""
    head, _, body = text.rpartition("\r\n\r\n")
    lines = [line.split(":")[0].lower() if ":" in line else line for line in head.split("\r\n")]
    return sorted(lines), body.startswith('{"meta":') or body


HTTP_ROWS = {row["title"]: row for row in read("flow_http_details.jsonl")}


@pytest.mark.parametrize("title", [title for title, row in HTTP_ROWS.items()
                                   if row["received"].endswith("<EOF>")])
def test_speaks_http_as_recorded(server, title):
    row = HTTP_ROWS[title]
    token = server.client().call("auth.login")["token"]
    got = raw_exchange(server.port, row["sent"].replace("TOKEN", token))
    assert outline(got) == outline(row["received"].removesuffix("<EOF>"))
