"""queues.*: named lists of waiting tasks."""

from .auth import COMPANY
from .contract import version_of
from .errors import fail
from .fields import project, select, stored_stamp
from .registry import endpoint
from .store import new_id
from .workers import living_workers, task_brief

HIDDEN_TAG = "k8s-glue"
SHORTEST_NAME = 3
METADATA_WAS_A_LIST = (2, 16)  # callers of versions up to this one get an empty list


def load(call, queue_id):
    queue = call.store.get("queues", queue_id)
    if queue is None:
        fail("queue_id", id=queue_id, company=COMPANY["id"])
    return queue


def save(call, queue):
    queue["last_update"] = stored_stamp(call.now)
    call.store.put("queues", queue["id"], queue)


def check_name(name):
    if len(name) < SHORTEST_NAME:
        fail("invalid_value", name="String value is too short")


def add_queue(call, name, **fields):
    """A new queue; its name must be unused."""
    check_name(name)
    if any(queue["name"] == name for queue in call.store.all("queues")):
        fail("not_unique", "unique field already contains this value",
             name=name, company=COMPANY["id"])
    moment = stored_stamp(call.now)
    queue = {"id": new_id(), "name": name, "company": COMPANY["id"], "created": moment,
             "tags": fields.get("tags") or [], "system_tags": fields.get("system_tags") or [],
             "entries": [], "last_update": moment, "metadata": fields.get("metadata") or {}}
    if fields.get("display_name"):
        queue["display_name"] = fields["display_name"]
    call.store.put("queues", queue["id"], queue)
    return queue


def add_entry(call, queue_id, task_id):
    """Append the task; 400/706 if the queue has it already."""
    queue = load(call, queue_id)
    if any(entry["task"] == task_id for entry in queue["entries"]):
        fail("already_queued", task=task_id)
    queue["entries"].append({"task": task_id, "added": stored_stamp(call.now)})
    save(call, queue)


def drop_entries(call, task_id, only=None, keep=None):
    """Take the task out of one queue (`only`) or of all but `keep`; how many had it."""
    removed = 0
    for queue in call.store.all("queues"):
        if (only and queue["id"] != only) or queue["id"] == keep:
            continue
        rest = [entry for entry in queue["entries"] if entry["task"] != task_id]
        if len(rest) < len(queue["entries"]):
            removed += 1
            queue["entries"] = rest
            save(call, queue)
    return removed


def _load_with_task(call):
    queue_id, task_id = call.data["queue"], call.data["task"]
    queue = call.store.get("queues", queue_id)
    if queue:
        for position, entry in enumerate(queue["entries"]):
            if entry["task"] == task_id:
                return queue, position
    return fail("not_in_queue", task=task_id, id=queue_id, company=COMPANY["id"])


def _found(call):
    """The queues that a get_all or get_all_ex asks for, entries cut, hidden ones left out."""
    queues = call.store.all("queues")
    if not (call.get("search_hidden") or call.get("id") or call.get("name")):
        queues = [queue for queue in queues if HIDDEN_TAG not in queue["system_tags"]]
    found = select(queues, call.data)
    for queue in found:
        _conform(call, queue, call.get("max_task_entries"))
    return found


def _conform(call, queue, limit):
    """As the caller's version of the API expects it, with at most `limit` entries."""
    if version_of(call.request.version) <= METADATA_WAS_A_LIST:
        queue["metadata"] = []
    for field in ("tags", "system_tags"):
        queue[field] = sorted(queue[field])
    if limit:
        queue["entries"] = queue["entries"][:limit] if limit > 0 else queue["entries"][limit:]


@endpoint("queues.create")
def create(call):
    return {"id": add_queue(call, **_settable(call))["id"]}


@endpoint("queues.update")
def update(call):
    queue = load(call, call.data["queue"])
    fields = _settable(call)
    if "name" in fields:
        check_name(fields["name"])
    queue.update(fields)
    save(call, queue)
    return {"updated": 1, "fields": fields}


def _settable(call):
    names = ("name", "tags", "system_tags", "metadata", "display_name")
    return {name: call.data[name] for name in names if call.get(name) is not None}


@endpoint("queues.delete")
def delete(call):
    queue = load(call, call.data["queue"])
    if queue["entries"] and not call.get("force"):
        fail("queue_filled", "use force=true to delete", id=queue["id"])
    for entry in queue["entries"]:
        task = call.store.get("tasks", entry["task"])
        if task:
            call.server.task_state.set_status(
                call, task, task.get("enqueue_status") or "created",
                reason="Queue was deleted", force=True, enqueue_status=None)
    call.store.delete("queues", queue["id"])
    return {"deleted": 1}


@endpoint("queues.get_default")
def get_default(call):
    for queue in call.store.all("queues"):
        if "default" in queue["system_tags"]:
            return {"id": queue["id"], "name": queue["name"]}
    return fail("no_default")


@endpoint("queues.get_by_id")
def get_by_id(call):
    queue = load(call, call.data["queue"])
    _conform(call, queue, call.get("max_task_entries"))
    return {"queue": queue}


@endpoint("queues.get_all", checked=False)
def get_all(call):
    return {"queues": [project(queue, call.get("only_fields")) for queue in _found(call)]}


@endpoint("queues.get_all_ex", checked=False)
def get_all_ex(call):
    """With names of tasks and the workers of each queue; only_fields is ignored, as there."""
    found = _found(call)
    workers = living_workers(call)
    for queue in found:
        queue["company"] = {"id": queue["company"]}
        queue["entries"] = [{**entry, "task": task_brief(call, entry["task"])}
                            for entry in queue["entries"]]
        queue["workers"] = [
            {"name": worker["id"], "ip": worker["ip"], "key": worker["key"],
             "task": worker["task"]}
            for worker in workers if queue["id"] in worker["queues"]]
    return {"queues": found}


@endpoint("queues.get_num_entries")
def get_num_entries(call):
    return {"num": len(load(call, call.data["queue"])["entries"])}


@endpoint("queues.peek_task")
def peek_task(call):
    entries = load(call, call.data["queue"])["entries"]
    return {"task": entries[0]["task"] if entries else None}


@endpoint("queues.get_next_task")
def get_next_task(call):
    """Pop the head (with `task`: only if that is the head). The task's status stays queued."""
    queue = load(call, call.data["queue"])
    wanted = call.get("task")
    if not queue["entries"] or (wanted and queue["entries"][0]["task"] != wanted):
        return {}
    entry = queue["entries"].pop(0)
    save(call, queue)
    answer = {"entry": entry}
    task = call.store.get("tasks", entry["task"])
    call.note("popped", entry["task"], queue=queue["id"], status=task and task["status"])
    if task and task["status"] == "stopped":
        # aborted while it went into the queue: being popped counts as being queued
        task["status"] = "queued"
        call.store.put("tasks", task["id"], task)
    if task and call.get("get_task_info"):
        answer["task_info"] = {"company": task["company"], "user": task["user"]}
    return answer


@endpoint("queues.add_task")
def add_task(call):
    add_entry(call, call.data["queue"], call.data["task"])
    task = call.store.get("tasks", call.data["task"])
    if task and call.get("update_execution_queue"):
        task["execution"]["queue"] = call.data["queue"]
        call.store.put("tasks", task["id"], task)
    return {"added": 1}


@endpoint("queues.remove_task")
def remove_task(call):
    queue, position = _load_with_task(call)
    entry = queue["entries"].pop(position)
    save(call, queue)
    task = call.store.get("tasks", entry["task"])
    if task and call.get("update_task_status") and task["status"] == "queued":
        task["execution"].pop("queue", None)
        call.server.task_state.set_status(
            call, task, task.get("enqueue_status") or "created", reason="",
            force=True, enqueue_status=None)
    return {"removed": 1}


@endpoint("queues.move_task_to_front")
def move_task_to_front(call):
    queue, position = _load_with_task(call)
    queue["entries"].insert(0, queue["entries"].pop(position))
    save(call, queue)
    return {"position": 0}


@endpoint("queues.move_task_to_back")
def move_task_to_back(call):
    queue, position = _load_with_task(call)
    queue["entries"].append(queue["entries"].pop(position))
    save(call, queue)
    return {"position": len(queue["entries"]) - 1}
