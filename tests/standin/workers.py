"""workers.*: the records of living workers, gone to the second when they stop reporting.

A record lives for its registered timeout after the last register or report. `expires` is wall
time and is kept with the record, so a restart of the server neither prolongs nor ends it.
"""

from fnmatch import fnmatchcase

from .auth import COMPANY
from .errors import fail
from .fields import _has_tags, parse_stamp, stamp, stored_stamp
from .registry import endpoint


def _key(call, worker_id):
    return f"worker_{COMPANY['id']}_{call.user.id}_{worker_id}"


def living_workers(call):
    """All records that have not expired; the expired ones are deleted by the way."""
    alive = []
    for worker in call.store.all("workers"):
        if worker["expires"] > call.now.timestamp():
            alive.append(worker)
        else:
            call.store.delete("workers", worker["key"])
    return alive


def task_brief(call, task_id):
    task = call.store.get("tasks", task_id)
    return {"id": task_id, "name": task["name"]} if task else {"id": task_id}


def _save(call, worker):
    worker["last_activity_time"] = stamp(call.now)
    worker["expires"] = call.now.timestamp() + worker["register_timeout"]
    call.store.put("workers", worker["key"], worker)


def _new(call, worker_id, timeout, queues=(), tags=(), system_tags=()):
    return {
        "key": _key(call, worker_id), "id": worker_id, "ip": call.request.peer,
        "user": {"id": call.user.id, "name": call.user.name},
        "register_time": stamp(call.now), "register_timeout": timeout, "queues": list(queues),
        "tags": list(tags), "system_tags": list(system_tags),
        "filter_tags": list(tags), "filter_system_tags": list(system_tags),
        "task": None, "project": None, "queue": None, "last_report_time": None,
    }


@endpoint("workers.register")
def register(call):
    """Overwrites what was there; nothing is refused but unknown queues and a bad timeout."""
    worker_id = call.data["worker"]
    timeout = call.get("timeout", 0) or call.options.worker_timeout
    if timeout < 0:
        fail("registration", "invalid timeout", timeout=timeout, worker=worker_id)
    queues = call.get("queues", [])
    unknown = [queue for queue in queues if not call.store.get("queues", queue)]
    if unknown:
        fail("queue_id", ids=f"({', '.join(unknown)})")
    _save(call, _new(call, worker_id, timeout, queues, call.get("tags", []),
                     call.get("system_tags", [])))
    return {}


@endpoint("workers.unregister")
def unregister(call):
    known = call.store.delete("workers", _key(call, call.data["worker"]))
    if not known and not call.options.auto_register:
        fail("not_registered", worker=call.data["worker"])
    return {}


@endpoint("workers.status_report")
def status_report(call):
    """What is not in the report is blanked: task, queue, tags; only queues stay."""
    worker = _living(call) or _auto_registered(call)
    worker["ip"] = call.request.peer
    for field in ("tags", "system_tags"):
        worker[field] = call.get(field, [])
        # the server's sets of tags, by which workers are found, are only ever added to
        found_by = worker[f"filter_{field}"]
        found_by += [tag for tag in worker[field] if tag not in found_by]
    worker["queue"] = call.get("queue") or None
    worker["queues"] = call.get("queues") or worker["queues"]
    worker["task"] = worker["project"] = None
    try:
        _report_task(call, worker)
        worker["last_report_time"] = stamp(call.now)
    finally:
        _save(call, worker)
    return {}


def _living(call):
    worker = call.store.get("workers", _key(call, call.data["worker"]))
    return worker if worker and worker["expires"] > call.now.timestamp() else None


def _auto_registered(call):
    if not call.options.auto_register:
        fail("worker_id", worker=call.data["worker"])
    # a fresh record goes to the end of the list, as one that never was there
    call.store.delete("workers", _key(call, call.data["worker"]))
    return _new(call, call.data["worker"], call.options.worker_timeout)


def _report_task(call, worker):
    task_id = call.get("task")
    if not task_id:
        return
    task = call.store.get("tasks", task_id)
    if not task:
        fail("task_id", id=task_id, company=COMPANY["id"])
    moment = stored_stamp(call.now)
    task.update(last_worker=worker["id"], last_worker_report=moment, last_update=moment,
                last_change=moment)
    call.store.put("tasks", task_id, task)
    worker["task"] = {"id": task_id, "name": task["name"]}
    project = task.get("project") and call.store.get("projects", task["project"])
    worker["project"] = {"id": project["id"], "name": project["name"]} if project else None


def _found(call):
    """The living workers that last_seen, tags and worker_pattern leave."""
    horizon = call.get("last_seen", 3600)
    pattern = call.get("worker_pattern", "*")

    def fits(worker):
        age = (call.now - parse_stamp(worker["last_activity_time"])).total_seconds()
        return (fnmatchcase(worker["id"], pattern) and (not horizon or age <= horizon)
                and all(_has_tags(worker[f"filter_{field}"], call.get(field, []))
                        for field in ("tags", "system_tags")))

    return [worker for worker in living_workers(call) if fits(worker)]


@endpoint("workers.get_count")
def get_count(call):
    return {"count": len(_found(call))}


@endpoint("workers.get_all")
def get_all(call):
    return {"workers": [_listed(call, worker) for worker in _found(call)]}


def _listed(call, worker):
    """A record as lists show it: what is not known is absent, not null."""
    queues = [_queue_brief(call, queue) for queue in worker["queues"]]
    out = {name: worker[name] for name in (
        "key", "id", "ip", "user", "tags", "system_tags", "register_time", "register_timeout",
        "last_activity_time")}
    out.update(company=COMPANY, queues=queues)
    if worker["last_report_time"]:
        out["last_report_time"] = worker["last_report_time"]
    if worker["task"]:
        out["task"] = {**worker["task"], **_progress(call, worker["task"]["id"])}
        out["project"] = worker["project"]
        out["queue"] = next((q for q in queues if q["id"] == worker["queue"]), None)
    return {name: value for name, value in out.items() if value is not None}


def _progress(call, task_id):
    """How far a worker's task is; nothing for a task deleted since the report."""
    task = call.store.get("tasks", task_id)
    if not task:
        return {}
    return {"running_time": task.get("active_duration", 0) * 1000,
            "last_iteration": task["last_iteration"]}


def _queue_brief(call, queue_id):
    queue = call.store.get("queues", queue_id)
    if not queue:
        return {"id": queue_id}
    brief = {"id": queue_id, "name": queue["name"], "num_tasks": len(queue["entries"])}
    if queue.get("display_name"):
        brief["display_name"] = queue["display_name"]
    if queue["entries"]:
        brief["next_task"] = task_brief(call, queue["entries"][0]["task"])
    return brief
