"""tasks.*: the status of a task and the calls that change it."""

from .auth import COMPANY
from .contract import version_of
from .errors import ApiError, fail
from .fields import parse_stamp, stamp, stored_stamp
from .queues import add_entry, add_queue, drop_entries
from .registry import endpoint

# From each status, those that may follow without force. Staying in one is always allowed.
NEXT = {
    "created": {"queued", "in_progress"},
    "queued": {"created", "in_progress", "stopped"},
    "in_progress": {"stopped", "failed", "created", "completed"},
    "stopped": {"closed", "created", "failed", "queued", "in_progress", "published",
                "publishing", "completed"},
    "failed": {"created", "stopped", "published", "queued"},
    "completed": {"published", "in_progress", "created"},
    "published": set(),
}
WORKER_SILENCE_SECONDS = 600  # a task updated later than this has a living worker
DEVELOPMENT_TAG = "development"  # run by hand: no worker watches it


def load(call):
    """The task that the request names."""
    task = call.store.get("tasks", call.data["task"])
    if not task:
        fail("task_id", id=call.data["task"], company=COMPANY["id"])
    return task


def touch(call, task):
    """Something happened to the task just now."""
    task["last_update"] = task["last_change"] = stored_stamp(call.now)
    if task["status"] == "in_progress" and task.get("started"):
        seconds = (call.now - parse_stamp(task["started"])).total_seconds()
        task["active_duration"] = int(seconds)


def set_status(call, task, status, reason=None, message=None, force=False, **more):
    """Change the status and save the task. `more` goes into the task and into the answer."""
    before = task["status"]
    if not force and status != before and status not in NEXT.get(before, set()):
        fail("task_status", "Invalid status change", current_status=before, new_status=status)
    moment = stamp(call.now)
    fields = {
        "status": status,
        "status_reason": call.get("status_reason", "") if reason is None else reason,
        "status_message": call.get("status_message", "") if message is None else message,
        "status_changed": moment, "last_update": moment, "last_change": moment,
        "last_changed_by": call.user.id, **more,
    }
    kept = stored_stamp(call.now)
    task.update(fields, status_changed=kept, last_update=kept, last_change=kept)
    for name in more:
        if more[name] == moment:
            task[name] = kept
    if status == "queued" and DEVELOPMENT_TAG in task["system_tags"]:
        task["system_tags"].remove(DEVELOPMENT_TAG)
    call.store.put("tasks", task["id"], task)
    call.note("status", task["id"], before=before, after=status,
              endpoint=call.request.endpoint, reason=fields["status_reason"],
              message=fields["status_message"])
    return {"updated": 1, "fields": fields}


def stop_non_responsive(store, now, threshold_s):
    """A round of non_responsive_tasks_watchdog.py: the ids of what it stopped."""
    forced = "Forced stop (non-responsive)"
    stopped = []
    for task in store.all("tasks"):
        silence_s = (now - parse_stamp(task["last_update"])).total_seconds()
        if task["status"] != "in_progress" or silence_s <= threshold_s:
            continue
        moment = stored_stamp(now)
        task.update(status="stopped", status_reason=forced, status_message=forced,
                    status_changed=moment, last_update=moment, last_change=moment,
                    last_changed_by="__apiserver__")
        store.put("tasks", task["id"], task)
        store.note("history", {"time": now.timestamp(), "task": task["id"], "what": "status",
                               "client": "", "worker": None, "user": None,
                               "before": "in_progress", "after": "stopped",
                               "endpoint": "watchdog", "reason": forced, "message": forced})
        stopped.append(task["id"])
    return stopped


@endpoint("tasks.started")
def started(call):
    task = load(call)
    more = {} if task.get("started") else {"started": stamp(call.now)}
    return {"started": 1, **set_status(call, task, "in_progress", force=call.get("force"), **more)}


@endpoint("tasks.stopped")
def stopped(call):
    return set_status(call, load(call), "stopped", force=call.get("force"),
                      completed=stamp(call.now))


@endpoint("tasks.failed")
def failed(call):
    return set_status(call, load(call), "failed", force=call.get("force"))


@endpoint("tasks.completed")
def completed(call):
    result = set_status(call, load(call), "completed", force=call.get("force"),
                        completed=stamp(call.now))
    return {"published": 0, **result}


@endpoint("tasks.stop")
def stop(call):
    """At once if no living worker has it; else the worker is asked to, by status_message."""
    task = load(call)
    reason = call.get("status_reason", "")
    if task["status"] == "queued":
        drop_entries(call, task["id"], only=task["execution"].get("queue"))
    elif _has_worker(call, task) and DEVELOPMENT_TAG not in task["system_tags"]:
        return set_status(call, task, task["status"], reason, "stopping", call.get("force"))
    return set_status(call, task, "stopped", reason, f"Stopped by {call.user.name}",
                      call.get("force"))


def _has_worker(call, task):
    silence = (call.now - parse_stamp(task["last_update"])).total_seconds()
    return bool(task.get("last_worker")) and silence < WORKER_SILENCE_SECONDS


@endpoint("tasks.dequeue")
def dequeue(call):
    """Out of its queue, and to new_status or what it was before it was enqueued."""
    task = load(call)
    queue = task["execution"].get("queue")
    if queue:
        drop_entries(call, task["id"], only=queue)
    if call.get("remove_from_all_queues"):
        drop_entries(call, task["id"])
    if task["status"] not in ("queued", "in_progress"):
        return {"dequeued": 1, "updated": 0}
    status = call.get("new_status") or task.get("enqueue_status") or "created"
    return {"dequeued": 1, **set_status(call, task, status, force=True, enqueue_status=None)}


@endpoint("tasks.enqueue")
def enqueue(call):
    """First the status, then the queue; if the queue refuses, the status is put back."""
    queue_id = _wanted_queue(call)
    task = load(call)
    before = task["status"]
    _check_requeue(call, before)
    if call.get("update_execution_queue") is False and before != "queued":
        fail("validation", "Cannot skip setting execution queue for a task that is not "
                           "enqueued or does not have execution queue set")
    result = set_status(call, task, "queued", force=call.get("force"), enqueue_status=before)
    try:
        add_entry(call, queue_id, task["id"])
    except ApiError:
        set_status(call, task, before, "failed enqueueing", "", force=True, enqueue_status=None)
        raise
    drop_entries(call, task["id"], keep=queue_id)
    call.note("enqueued", task["id"], queue=queue_id)
    if call.get("update_execution_queue") is not False:
        task["execution"]["queue"] = queue_id
        call.store.put("tasks", task["id"], task)
        result["fields"]["execution.queue"] = queue_id
    return {"queued": 1, **result}


def _check_requeue(call, before):
    """Servers before 2.31 take a queued task again only with force."""
    old = version_of(call.options.max_version) < version_of("2.31")
    if old and before == "queued" and not call.get("force"):
        fail("task_status", "Task already in requested status", current_status=before,
             new_status="queued")


def _wanted_queue(call):
    if call.get("queue") and call.get("queue_name"):
        fail("validation", "Either queue id or queue name should be provided")
    if call.get("queue"):
        return call.data["queue"]
    for queue in call.store.all("queues"):
        if call.get("queue_name") and queue["name"] == call.data["queue_name"]:
            return queue["id"]
        if not call.get("queue_name") and "default" in queue["system_tags"]:
            return queue["id"]
    if call.get("queue_name"):
        return add_queue(call, call.data["queue_name"])["id"]
    return fail("no_default")
