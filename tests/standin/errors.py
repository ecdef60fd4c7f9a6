"""The errors that a ClearML server answers with: HTTP code, subcode, text.

An endpoint raises ApiError; front.py turns it into the envelope. The texts are those that the
real server was seen to send (tests/contract/exchanges).
"""

# name: (code, subcode, text). The names follow the server's own table of errors.
KNOWN = {
    "validation": (400, 12, "Validation error"),
    "empty_batch": (400, 17, "Batch request contains no items"),
    "task_id": (400, 101, "Invalid task id"),
    "task_status": (400, 110, "Invalid task status"),
    "task_delete": (400, 123, "Task cannot be deleted"),
    "events": (400, 131, "Events not added"),
    "project_id": (400, 401, "Invalid project id"),
    "queue_id": (400, 701, "Invalid queue id"),
    "queue_filled": (400, 702, "Queue is not empty"),
    "not_in_queue": (400, 703, "Invalid queue id or task not in queue"),
    "already_queued": (
        400, 706, "Failed adding task to queue since task is already queued"),
    "no_default": (
        400, 707, "No queue is tagged as the default queue for this company"),
    "invalid_value": (400, 800, "Data validation error"),
    "not_unique": (400, 801, "Value combination already exists"),
    "worker_id": (400, 1001, "Invalid worker id"),
    "registration": (400, 1002, "Worker registration failed"),
    "not_registered": (400, 1004, "Worker is not registered"),
    "auth_type": (401, 10, "Unauthorized (bad authentication header type)"),
    "no_credentials": (401, 20, "Unauthorized (missing credentials)"),
    "malformed_credentials": (401, 21, "Unauthorized (malformed credentials)"),
    "wrong_credentials": (401, 22, "Unauthorized (invalid credentials)"),
    "token": (401, 30, "Invalid token"),
    "role": (403, 20, "Forbidden (not allowed for role)"),
}

MALFORMED_BODY = "The browser (or proxy) sent a request that this server could not understand."


class ApiError(Exception):
    """An answer other than 200: what the envelope's meta says."""

    def __init__(self, code, subcode, message):
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.message = message


class Unexpected(ApiError):
    """An exception inside the real server: 500/0 with a traceback in error_stack."""

    def __init__(self, message):
        super().__init__(500, 0, message)


def fail(name, detail="", /, **values):
    """Raise the error of that name: «Text (detail): key=value, ...»."""
    code, subcode, text = KNOWN[name]
    if detail:
        text += f" ({detail})"
    if values:
        text += ": " + ", ".join(f"{key}={value}" for key, value in values.items())
    raise ApiError(code, subcode, text)


def reject(message):
    """Raise what the real server answers where a query field has a wrong type."""
    raise Unexpected(message)
