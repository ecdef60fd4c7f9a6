"""The tests' own controls under /_standin/: faults to inject, calls, violations, history.

A fault is a JSON object that meets the next `times` requests (default 1; 0 = until deleted) whose
endpoint matches the regular expression `endpoint` and whose client matches `client` (default
any), after letting `skip` of them pass:

    status, headers, body   answer this instead; body "html" is a proxy's page
    after                   true: the request takes effect first, then that answer is given
    delay_s                 wait before the request is handled
    close, close_after      cut the connection before, or after, the request took effect
    truncate                the answer's body ends after that many bytes (its length lies)
    pad                     the answer's data gets a member of that many bytes
    replace_data            the answer's data is this instead (the request takes effect)

POST watchdog {"threshold_s": N} is one round of the server's watchdog, which by itself never runs
here: what is in progress and was updated longer ago is stopped, in the real one's words.

Calls that a fault answered are counted with its status, those cut before with status 0.
"""

import json
import re
import threading

from .fields import now
from .task_state import stop_non_responsive

HTML = ("<html><head><title>502 Bad Gateway</title></head>"
        "<body><center><h1>502 Bad Gateway</h1></center></body></html>\n")
FIELDS = {"endpoint": str, "client": str, "times": int, "skip": int, "status": int,
          "headers": dict, "body": str, "after": bool, "delay_s": (int, float), "close": bool,
          "close_after": bool, "truncate": int, "pad": int, "replace_data": dict}


class Faults:
    """The faults still to come; kept in memory, so a restarted server is a healthy one."""

    def __init__(self):
        self._lock = threading.Lock()
        self._pending = []

    def add(self, fault):
        """Take a fault in; ValueError says what is wrong with it."""
        if not isinstance(fault, dict):
            raise ValueError("a fault is a JSON object")
        for name, value in fault.items():
            if name not in FIELDS:
                raise ValueError(f"{name}: unknown, expected one of {', '.join(FIELDS)}")
            if not isinstance(value, FIELDS[name]):
                raise ValueError(f"{name}: wrong type {type(value).__name__}")
        try:
            for name in ("endpoint", "client"):
                re.compile(fault.get(name, ""))
        except re.error as problem:
            raise ValueError(f"{name}: {problem}") from None
        if fault.get("body") == "html":
            fault = {"status": 200, **fault, "body": HTML,
                     "headers": {"Content-Type": "text/html", **fault.get("headers", {})}}
        with self._lock:
            self._pending.append({"endpoint": ".", "client": "", "times": 1, "skip": 0, **fault})

    def clear(self):
        with self._lock:
            self._pending.clear()

    def pending(self):
        with self._lock:
            return list(self._pending)

    def take(self, endpoint, client):
        """The fault that meets this request, or an empty one."""
        with self._lock:
            for fault in self._pending:
                if (not re.search(fault["endpoint"], endpoint)
                        or not re.search(fault["client"], client)):
                    continue
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                if fault["times"] == 1:
                    self._pending.remove(fault)
                elif fault["times"] > 1:
                    fault["times"] -= 1
                return fault
        return {}


def answer(server, request):
    """The status and JSON answer to a request under /_standin/."""
    what = (request.method, request.path.removeprefix("/_standin/"))
    if what == ("POST", "fault"):
        try:
            server.faults.add(json.loads(request.body))
        except ValueError as problem:
            return 400, {"error": str(problem)}
        return 200, {}
    if what == ("DELETE", "fault"):
        server.faults.clear()
        return 200, {}
    if what == ("GET", "fault"):
        return 200, {"faults": server.faults.pending()}
    with server.store.transaction():
        if what == ("POST", "watchdog"):
            threshold_s = json.loads(request.body)["threshold_s"]
            return 200, {"stopped": stop_non_responsive(server.store, now(), threshold_s)}
        if what == ("GET", "calls"):
            return 200, {"calls": server.store.calls()}
        if what == ("GET", "violations"):
            return 200, {"violations": server.store.notes("violation")}
        if what == ("DELETE", "violations"):
            server.store.forget_notes("violation")
            return 200, {}
        if what == ("GET", "history"):
            return 200, {"history": server.store.notes("history")}
    return 404, {"error": f"no control {what[0]} {request.path}"}
