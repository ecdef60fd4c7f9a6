"""A short client of the ClearML API for tests and the demo.

    client = Client("http://127.0.0.1:8008", "ACCESS", "SECRET")
    queue = client.create_queue("cpu")
    task = client.create_task("hello", "print('hello')")
    client.enqueue(task, queue)
    wait_for(lambda: client.status(task) == "completed", 60, "the task completes")

A refused call raises Refused. Nothing is retried, unless told to by `patience_s`: so long calls
that find no server (it was killed and comes back) are tried again.
"""

import base64
import http.client
import json
import time
from urllib.parse import urlsplit

API = "v2.31"
POLL_S = 0.1


class Refused(Exception):
    """An answer other than 200, with its code and subcode."""

    def __init__(self, code, subcode, message, endpoint):
        super().__init__(f"{endpoint}: {code}/{subcode} {message}")
        self.code = code
        self.subcode = subcode
        self.message = message


class Unreachable(Exception):
    """No answer at all, or none that is the envelope."""


def wait_for(condition, deadline_s, what):
    """Poll until the condition is true; its value. AssertionError after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain: {what}")
        time.sleep(POLL_S)


class Client:
    """One user's view of a server; safe to use from several threads."""

    def __init__(self, url, access_key, secret_key, name="tests", patience_s=0):
        self._host = urlsplit(url).netloc
        pair = f"{access_key}:{secret_key}".encode()
        self.authorization = "Basic " + base64.b64encode(pair).decode()
        self._name = name
        self._patience_s = patience_s

    # -- the wire ---------------------------------------------------------------------------

    def exchange(self, method, path, body=b"", headers=None):
        """One request as it is: (status, headers, body)."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(f"{method} {path}: {problem!r}") from problem
        finally:
            connection.close()

    def _exchange_patiently(self, *request):
        end = time.monotonic() + self._patience_s
        while True:
            try:
                return self.exchange(*request)
            except Unreachable:
                if time.monotonic() > end:
                    raise
                time.sleep(POLL_S)

    def call(self, endpoint, **fields):
        """POST the fields; the answer's data."""
        headers = {"Authorization": self.authorization, "X-Clearml-Client": self._name,
                   "Content-Type": "application/json"}
        _, _, body = self._exchange_patiently(
            "POST", f"/{API}/{endpoint}", json.dumps(fields).encode(), headers)
        try:
            answer = json.loads(body)
            meta = answer["meta"]
        except (ValueError, KeyError, TypeError) as problem:
            raise Unreachable(f"{endpoint}: no envelope: {body[:200]!r}") from problem
        if meta["result_code"] != 200:
            raise Refused(meta["result_code"], meta["result_subcode"], meta["result_msg"],
                          endpoint)
        return answer["data"]

    # -- queues -----------------------------------------------------------------------------

    def create_queue(self, name):
        return self.call("queues.create", name=name)["id"]

    def waiting(self, queue):
        """The ids of the tasks in that queue, head first."""
        entries = self.call("queues.get_by_id", queue=queue)["queue"]["entries"]
        return [entry["task"] for entry in entries]

    def pop(self, queue):
        """The id of the task popped off that queue, or None."""
        return self.call("queues.get_next_task", queue=queue).get("entry", {}).get("task")

    # -- tasks ------------------------------------------------------------------------------

    def create_task(self, name, source, project=None):
        """A task whose code is `source`, without a repository or packages to install."""
        script = {"binary": "python3", "repository": "", "branch": "", "version_num": "",
                  "entry_point": "task.py", "working_dir": ".", "diff": source,
                  "requirements": {"pip": ""}}
        more = {"project": project} if project else {}
        return self.call("tasks.create", name=name, type="training", script=script, **more)["id"]

    def enqueue(self, task, queue):
        self.call("tasks.enqueue", task=task, queue=queue)

    def task(self, task):
        """The whole task."""
        return self.call("tasks.get_by_id", task=task)["task"]

    def status(self, task):
        return self.call("tasks.get_all", id=[task], only_fields=["status"])["tasks"][0]["status"]

    def properties(self, task):
        """The task's user properties: name to value."""
        section = self.task(task)["hyperparams"].get("properties", {})
        return {name: item["value"] for name, item in section.items()}

    def console(self, task):
        """The task's console, in the order of the lines' times."""
        events = self.call("events.get_task_log", task=task, batch_size=100000,
                           order="asc")["events"]
        return "".join(event.get("msg", "").rstrip("\n") + "\n" for event in events)

    # -- workers ----------------------------------------------------------------------------

    def workers(self):
        """The living workers by id. (Two users may have one id each: then the later wins.)"""
        return {worker["id"]: worker for worker in self.call("workers.get_all")["workers"]}

    # -- the stand-in's own controls ----------------------------------------------------------

    def control(self, method, what, **fields):
        """A request under /_standin/; see controls.py."""
        body = json.dumps(fields).encode() if fields else b""
        status, _, answer = self._exchange_patiently(method, f"/_standin/{what}", body, {})
        if status != 200:
            raise Refused(status, 0, answer.decode(), f"_standin/{what}")
        return json.loads(answer)

    def inject(self, **fault):
        self.control("POST", "fault", **fault)

    def heal(self):
        self.control("DELETE", "fault")

    def violations(self):
        return self.control("GET", "violations")["violations"]

    def history(self, task=None):
        """What happened to tasks, oldest first: created, enqueued, popped, status, deleted."""
        entries = self.control("GET", "history")["history"]
        return [entry for entry in entries if task in (None, entry["task"])]

    def calls(self, endpoint="", client=""):
        """How many calls of that endpoint and that client (both: part of the name)."""
        rows = self.control("GET", "calls")["calls"]
        return sum(row["count"] for row in rows
                   if endpoint in row["endpoint"] and client in row["client"])
