"""Faults to inject, as a JSON object each:

    action, zone, type, market   which requests it meets; the action is a regular expression, the
                                 others are compared; default any
    times, skip                  how many of them (default 1; 0: until cleared), after how many
    code, message, status        answered instead; status is 400 unless said
    drop                         "before" or "after": the connection is cut, before the request
                                 reached moto or when it has taken effect
    delay_s, delay_after_s       wait before the request is passed on, or before it is answered
    dies                         {"code", "message"}: it launches, and the instance ends at once
"""

import re
import threading

FIELDS = {"action": str, "zone": str, "type": str, "market": str, "times": int, "skip": int,
          "code": str, "message": str, "status": int, "drop": str, "delay_s": (int, float),
          "delay_after_s": (int, float), "dies": dict}


def check(fault):
    """ValueError says what is wrong with a fault."""
    if not isinstance(fault, dict):
        raise ValueError("a fault is a JSON object")
    for name, value in fault.items():
        if name not in FIELDS:
            raise ValueError(f"{name}: unknown, expected one of {', '.join(FIELDS)}")
        if not isinstance(value, FIELDS[name]):
            raise ValueError(f"{name}: wrong type {type(value).__name__}")
    if fault.get("drop", "after") not in ("before", "after"):
        raise ValueError('drop: expected "before" or "after"')
    if "dies" in fault and set(fault["dies"]) != {"code", "message"}:
        raise ValueError("dies: expected code and message")
    try:
        re.compile(fault.get("action", ""))
    except re.error as problem:
        raise ValueError(f"action: {problem}") from None


class Faults:
    """Those still to come; in memory, so that a restarted proxy is a healthy one."""

    def __init__(self):
        self._lock = threading.Lock()
        self._pending = []

    def add(self, fault):
        check(fault)
        with self._lock:
            self._pending.append({"times": 1, "skip": 0, **fault})

    def clear(self):
        with self._lock:
            self._pending.clear()

    def pending(self):
        with self._lock:
            return [dict(fault) for fault in self._pending]

    def take(self, call):
        """The fault that meets this call, or an empty one."""
        with self._lock:
            for fault in self._pending:
                if (not re.fullmatch(fault.get("action", ".*"), call["action"])
                        or any(fault.get(word, call[word]) != call[word]
                               for word in ("zone", "type", "market"))):
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
