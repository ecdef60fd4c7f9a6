"""events.*: log lines and scalars of tasks."""

import hashlib
import json
import time
from datetime import datetime, timezone

from .errors import ApiError, MALFORMED_BODY, fail
from .registry import endpoint
from .task_state import touch

TYPES = ("log", "training_stats_scalar", "training_stats_vector",
         "training_debug_image", "plot")
LOG_BATCH = 500


@endpoint("events.add")
def add(call):
    return _store(call, [call.data])


@endpoint("events.add_batch")
def add_batch(call):
    """JSON lines; one bad event does not keep out the others."""
    return _store(call, call.data["lines"])


def _store(call, events):
    if not events:
        fail("empty_batch")
    errors, added, tasks = {}, 0, {}
    for event in events:
        problem = _problem(call, event, tasks)
        if problem:
            errors[problem] = errors.get(problem, 0) + 1
            continue
        _keep(call, dict(event), tasks[event["task"]])
        added += 1
    if not added:
        fail("events", **errors)
    for task in tasks.values():
        touch(call, task)
        call.store.put("tasks", task["id"], task)
    return {"added": added, "errors": sum(errors.values()), "errors_info": errors}


def _problem(call, event, tasks):
    """Why the event is not taken, or None; collects the tasks of the good ones."""
    if event.get("type") not in TYPES:
        return f"Invalid event type {event.get('type')}"
    task_id = event.get("task")
    if task_id not in tasks:
        task = call.store.get("tasks", task_id)
        if not task:
            return f"Invalid task id {task_id}"
        tasks[task_id] = task
    return None


def _keep(call, event, task):
    timestamp = event.get("timestamp")
    event["timestamp"] = int(timestamp if timestamp is not None else time.time() * 1000)
    event.setdefault("metric", "")
    event.setdefault("variant", "")
    event.setdefault("model_event", False)
    # as the real server: who reports, unless the event says so itself
    if event["type"] == "log":
        event.setdefault("worker", call.request.worker)
    arrived = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    event["@timestamp"] = arrived.replace("+00:00", "Z")
    for name in ("method", "allow_locked"):
        event.pop(name, None)
    call.store.add_event(task["id"], event["type"], event["timestamp"], event)
    task["last_iteration"] = max(task["last_iteration"], int(event.get("iter") or 0))
    if event["type"] == "training_stats_scalar":
        _last_value(task, event)
    else:
        _last_time(task, event)


def _digest(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _last_time(task, event):
    stats = task["metric_stats"].setdefault(
        _digest(event["metric"]), {"metric": event["metric"], "event_stats_by_type": {}})
    stats["event_stats_by_type"][event["type"]] = {"last_update": event["timestamp"]}


def _last_value(task, event):
    """The running least, greatest and mean that the task shows for this scalar."""
    value, step = event["value"], int(event.get("iter") or 0)
    metric = task["last_metrics"].setdefault(_digest(event["metric"]), {})
    last = metric.setdefault(_digest(event["variant"]), {
        "metric": event["metric"], "variant": event["variant"], "value": value,
        "min_value": value, "min_value_iteration": step,
        "max_value": value, "max_value_iteration": step,
        "first_value": value, "first_value_iteration": step, "count": 0, "mean_value": 0})
    last["value"] = value
    if value < last["min_value"]:
        last.update(min_value=value, min_value_iteration=step)
    if value > last["max_value"]:
        last.update(max_value=value, max_value_iteration=step)
    last["count"] += 1
    last["mean_value"] += (value - last["mean_value"]) / last["count"]


@endpoint("events.get_task_log")
def get_task_log(call):
    """A batch of lines, latest first; from_timestamp with navigate_earlier pages on."""
    if not call.store.get("tasks", call.data["task"]):
        fail("task_id", ids=f"({call.data['task']})")
    lines = call.store.events(call.data["task"], "log")
    total = len(lines)
    earlier = call.get("navigate_earlier", True)
    start = call.get("from_timestamp")
    if not earlier:
        lines.reverse()
    if start is not None:
        lines = [line for line in lines if
                 (line["timestamp"] < start if earlier else line["timestamp"] > start)]
    lines = lines[:call.get("batch_size", LOG_BATCH)]
    if call.get("order") == ("asc" if earlier else "desc"):
        lines.reverse()
    return {"events": lines, "returned": len(lines), "total": total}


def parse_lines(text):
    """The objects of a json-lines body; one broken or blank line spoils the whole."""
    events = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            raise ApiError(400, 0, MALFORMED_BODY) from None
        events.append(event)
    return events
