"""The table of endpoints, and what an endpoint gets to work with.

An endpoint is a function of one Call that returns the answer's `data`, or raises ApiError.
`checked=False` marks the query endpoints, whose fields the server does not type-check first.
"""

from .fields import now

ENDPOINTS = {}


class Endpoint:
    def __init__(self, function, open_to_all, checked):
        self.function = function
        self.open_to_all = open_to_all
        self.checked = checked


def endpoint(name, open_to_all=False, checked=True):
    """Enter the decorated function into the table."""
    def enter(function):
        ENDPOINTS[name] = Endpoint(function, open_to_all, checked)
        return function
    return enter


class Call:
    """One request on its way through an endpoint."""

    def __init__(self, server, request, data):
        self.server = server
        self.store = server.store
        self.options = server.options
        self.request = request
        self.data = data
        self.user = None
        self.session = None
        self.now = now()
        self.cookie = None

    def get(self, name, default=None):
        """A field of the request; null counts as absent."""
        value = self.data.get(name)
        return default if value is None else value

    def note(self, what, task, **more):
        """An entry in the history of tasks, which tests read at /_standin/history."""
        entry = {"time": self.now.timestamp(), "task": task, "what": what,
                 "client": self.request.client, "worker": self.request.worker,
                 "user": self.user.id if self.user else None, **more}
        self.store.note("history", entry)
