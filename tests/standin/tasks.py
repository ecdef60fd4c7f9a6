"""tasks.*: what is run. Reading, creating, editing; the status calls are in task_state.py."""

from .auth import COMPANY
from .contract import version_of
from .errors import fail
from .fields import project, select, stamp, stored_stamp
from .queues import check_name, drop_entries
from .registry import endpoint
from .store import new_id
from .task_state import load, set_status, touch

SETTABLE = ("name", "tags", "system_tags", "type", "comment", "parent", "project",
            "hyperparams", "configuration", "container", "runtime", "models")
MERGED = {
    "script": {"binary": "python", "repository": "", "entry_point": "", "requirements": {}},
    "execution": {"test_split": 0, "parameters": {}, "model_desc": {}, "model_labels": {},
                  "artifacts": []},
}
ALWAYS_EDITABLE = "properties"
CONTAINER_SINCE = (2, 13)  # callers of older versions read execution.docker_cmd


@endpoint("tasks.create")
def create(call):
    check_name(call.data["name"])
    moment = stored_stamp(call.now)
    task = {
        "id": new_id(), "company": COMPANY["id"], "user": call.user.id, "status": "created",
        "report_assets": [], "created": moment, "output": {}, "tags": [], "system_tags": [],
        "last_update": moment, "last_change": moment, "last_changed_by": call.user.id,
        "last_iteration": 0, "last_metrics": {}, "unique_metrics": [], "metric_stats": {},
        "hyperparams": {}, "configuration": {}, "runtime": {}, "container": {},
        "models": {"input": [], "output": []}, **{name: {} for name in MERGED},
    }
    _apply(call, task)
    for name, defaults in MERGED.items():
        task[name] = {**defaults, **task[name]}
    call.store.put("tasks", task["id"], task)
    call.note("created", task["id"])
    return {"id": task["id"]}


def _apply(call, task):
    """Write the request's fields into the task; what became of each, for the answer."""
    changed = {name: call.data[name] for name in SETTABLE if call.get(name) is not None}
    task.update(changed)
    for name in MERGED:
        if call.get(name) is not None:
            task[name] = changed[name] = {**task[name], **call.data[name]}
    if call.get("output_dest") is not None:
        task["output"] = changed["output"] = {**task["output"],
                                              "destination": call.data["output_dest"]}
    return changed


@endpoint("tasks.edit")
def edit(call):
    """Whole fields are replaced; only script, execution and output are merged."""
    task = load(call)
    if task["status"] != "created" and not call.get("force"):
        fail("task_status", expected="created", status=task["status"])
    return _changed(call, task, _apply(call, task))


@endpoint("tasks.update")
def update(call):
    task = load(call)
    names = ("name", "tags", "system_tags", "comment", "project", "status_message")
    fields = {name: call.data[name] for name in names if call.get(name) is not None}
    task.update(fields)
    if call.get("output__error") is not None:
        task["output"]["error"] = fields["output.error"] = call.data["output__error"]
    return _changed(call, task, fields)


def _changed(call, task, fields):
    moment = stamp(call.now)
    touch(call, task)
    task["last_changed_by"] = call.user.id
    call.store.put("tasks", task["id"], task)
    return {"updated": 1, "fields": {**fields, "last_change": moment, "last_update": moment,
                                     "last_changed_by": call.user.id}}


def _shown(call, task):
    """A task as answers show it: nothing that is null, nothing of the server's own."""
    shown = {name: value for name, value in task.items()
             if value is not None and name != "enqueue_status"}
    for field in ("tags", "system_tags"):
        shown[field] = sorted(shown[field])
    image = task["container"].get("image")
    if image and version_of(call.request.version) < CONTAINER_SINCE:
        arguments = task["container"].get("arguments", "")
        shown["execution"]["docker_cmd"] = f"{image} {arguments}".strip()
    return shown


def _found(call):
    tasks = (call.store.some("tasks", call.data["id"])
             if isinstance(call.get("id"), list) else call.store.all("tasks"))
    return [_shown(call, task) for task in select(tasks, call.data)]


@endpoint("tasks.get_all", checked=False)
def get_all(call):
    return {"tasks": [project(task, call.get("only_fields")) for task in _found(call)]}


@endpoint("tasks.get_all_ex", checked=False)
def get_all_ex(call):
    fields = call.get("only_fields")
    return {"tasks": [project(task, fields, with_id=True) for task in _found(call)]}


@endpoint("tasks.get_by_id")
def get_by_id(call):
    task = call.store.get("tasks", call.data["task"])
    if not task:
        fail("task_id", ids=f"({call.data['task']})")
    return {"task": _shown(call, task)}


@endpoint("tasks.ping")
def ping(call):
    task = load(call)
    touch(call, task)
    call.store.put("tasks", task["id"], task)
    return {}


@endpoint("tasks.delete")
def delete(call):
    task = load(call)
    if task["status"] != "created" and not call.get("force"):
        fail("task_delete", "due to status, use force=True", task=task["id"],
             expected="created", current=task["status"])
    drop_entries(call, task["id"])
    call.store.delete_events(task["id"])
    call.store.delete("tasks", task["id"])
    call.note("deleted", task["id"])
    return {"deleted": True, "updated_children": 0, "updated_models": 0, "deleted_models": 0,
            "urls": None}


@endpoint("tasks.reset")
def reset(call):
    """Back to created, whatever ran: results, log, worker are forgotten, its queue entry too."""
    task = load(call)
    if task["status"] == "published" and not call.get("force"):
        fail("task_status", task_id=task["id"], status=task["status"])
    queue = task["execution"].get("queue")
    removed = drop_entries(call, task["id"], only=queue) if queue else 0
    drop_entries(call, task["id"])
    call.store.delete_events(task["id"])
    task.update(last_iteration=0, last_metrics={}, unique_metrics=[], metric_stats={},
                runtime={})
    task["models"]["output"] = []
    task["execution"].pop("queue", None)
    for name in ("started", "completed", "published", "active_duration", "enqueue_status",
                 "last_worker", "last_worker_report"):
        task.pop(name, None)
    if call.get("clear_all"):
        task["execution"], task["script"] = dict(MERGED["execution"]), {}
    result = set_status(call, task, "created", reason="reset", message="reset",
                        force=call.get("force"))
    return {"deleted_models": 0, "dequeued": {"removed": removed} if removed else {},
            "events": {}, "urls": {}, **result}


@endpoint("tasks.set_requirements")
def set_requirements(call):
    task = load(call)
    task["script"]["requirements"] = call.data["requirements"]
    _changed(call, task, {})
    return {"updated": 1, "fields": {}}


@endpoint("tasks.add_or_update_artifacts")
def add_or_update_artifacts(call):
    task = load(call)
    kept = {(item["key"], item.get("mode", "output")): item
            for item in task["execution"]["artifacts"]}
    for item in call.data["artifacts"]:
        kept[(item["key"], item.get("mode", "output"))] = {"mode": "output", **item}
    task["execution"]["artifacts"] = list(kept.values())
    _changed(call, task, {})
    return {"updated": 1}


@endpoint("tasks.get_hyper_params")
def get_hyper_params(call):
    tasks = call.store.some("tasks", call.data["tasks"])
    return {"params": [{"task": task["id"], "hyperparams": [
        item for section in task["hyperparams"].values() for item in section.values()]}
        for task in tasks]}


@endpoint("tasks.edit_hyper_params")
def edit_hyper_params(call):
    task = _editable(call)
    replace = call.get("replace_hyperparams", "none")
    if replace == "all":
        task["hyperparams"] = {}
    if replace == "section":
        for item in call.data["hyperparams"]:
            task["hyperparams"].pop(item["section"], None)
    for item in call.data["hyperparams"]:
        task["hyperparams"].setdefault(item["section"], {})[item["name"]] = item
    _changed(call, task, {})
    return {"updated": 1}


@endpoint("tasks.delete_hyper_params")
def delete_hyper_params(call):
    task = _editable(call)
    for item in call.data["hyperparams"]:
        if item.get("name") is None:
            task["hyperparams"].pop(item["section"], None)
            continue
        section = task["hyperparams"].get(item["section"], {})
        section.pop(item["name"], None)
        if not section:
            task["hyperparams"].pop(item["section"], None)
    _changed(call, task, {})
    return {"deleted": 1}


def _editable(call):
    """User properties may change at any time, other parameters before the task runs."""
    task = load(call)
    only_properties = all(item.get("section") == ALWAYS_EDITABLE
                          for item in call.data["hyperparams"])
    allowed = ("created", "in_progress") if call.get("force") else ("created",)
    if not only_properties and task["status"] not in allowed:
        fail("task_status", expected="created", status=task["status"])
    return task
