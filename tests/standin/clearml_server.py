"""A ClearML server for tests, without models, plots, file server, roles, scrolling, statistics.

It also leaves out: full-text search, pipelines, sub-projects, web pages. Its watchdog runs when a
test asks it to.
What it does play, it plays as the real apiserver 2.0.0 (API 2.31) was recorded to behave
(tests/contract/exchanges, held to by tests/contract/test_standin.py). State is one SQLite file,
committed before each answer: SIGKILL loses nothing. Requests of clients that call themselves
mayfly-* are checked strictly against tests/contract/contract.json; see /_standin/violations and
the other controls in controls.py.

    python3 tests/standin/clearml_server.py --port 0 --port-file port --state state.sqlite \\
        --user tests:ACCESS_KEY:file-with-the-secret
"""

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from standin import (  # noqa: E402  (the path above comes first)
    accounts, auth, contract, controls, events, fields, front, store, task_state, tasks,
    workers)

NEWEST_VERSION = "2.31"
DEFAULT_QUEUE = "default"
assert all((accounts, events, tasks, workers))  # imported for the endpoints they enter


class StandIn:
    """All parts of one server."""

    def __init__(self, options):
        self.options = options
        self.store = store.Store(options.state)
        self.contract = contract.Contract()
        self.faults = controls.Faults()
        self.gate = auth.Gate(self.store, options.users, options.max_version)
        self.task_state = task_state
        self.born = self.store.setting("born", lambda: fields.stored_stamp(fields.now()))
        self.dispatcher = front.Dispatcher(self)
        self._log = open(options.log, "a", encoding="utf-8") if options.log else None
        self._log_lock = threading.Lock()
        self._add_default_queue()

    def _add_default_queue(self):
        """The real server has one from the start; its system tag makes it the default."""
        def make():
            moment = fields.stored_stamp(fields.now())
            queue = {"id": store.new_id(), "name": DEFAULT_QUEUE,
                     "company": auth.COMPANY["id"], "created": moment, "tags": [],
                     "system_tags": ["default"], "entries": [], "last_update": moment,
                     "metadata": {}}
            self.store.put("queues", queue["id"], queue)
            return queue["id"]
        self.store.setting("default_queue", make)

    def record(self, request, status, subcode):
        """Count the call, and log it."""
        with self.store.transaction():
            self.store.count_call(request.client, request.endpoint or request.path, status)
        if not self._log:
            return
        line = json.dumps({
            "time": time.time(), "client": request.client, "worker": request.worker,
            "method": request.method, "path": request.path, "status": status,
            "subcode": subcode, "body": request.body.decode("utf-8", "replace")})
        with self._log_lock:
            self._log.write(line + "\n")
            self._log.flush()


def parse_user(text):
    """NAME:ACCESS_KEY:SECRET_FILE; the secret itself never stands in argv."""
    try:
        name, access_key, secret_file = text.split(":", 2)
        return auth.User(name, access_key, Path(secret_file).read_text().strip())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: expected NAME:ACCESS_KEY:SECRET_FILE") from None
    except OSError as problem:
        raise argparse.ArgumentTypeError(f"{text}: cannot read the secret: {problem}") from None


def parse_options(argv):
    parser = argparse.ArgumentParser(
        prog="clearml_server.py", description="A ClearML server for tests, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 = any that is free")
    parser.add_argument("--port-file", metavar="FILE", help="the port is written there")
    parser.add_argument("--state", metavar="FILE", required=True, help="SQLite; made if absent")
    parser.add_argument("--user", dest="users", action="append", type=parse_user, required=True,
                        metavar="NAME:ACCESS_KEY:SECRET_FILE")
    parser.add_argument("--log", metavar="FILE", help="each call as a line of JSON")
    parser.add_argument("--max-version", default=NEWEST_VERSION, help="play an older server")
    parser.add_argument("--worker-timeout", type=int, default=600, metavar="SECONDS",
                        help="of a record that names none")
    parser.add_argument("--no-auto-register", dest="auto_register", action="store_false",
                        help="reports and unregisters of unknown workers are errors")
    return parser.parse_args(argv)


def write_port(path, port):
    """Whole or not at all: who waits for the file must not read half a number."""
    partial = f"{path}.part"
    Path(partial).write_text(f"{port}\n")
    os.replace(partial, path)


def main(argv=None):
    options = parse_options(argv)
    server = front.HttpServer(options.port, StandIn(options))
    if options.port_file:
        write_port(options.port_file, server.server_address[1])
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
