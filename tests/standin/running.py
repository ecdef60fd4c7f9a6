"""A stand-in as a process of its own: started, killed and started again by tests.

    with Running(folder) as server:
        client = server.client()
        server.kill()       # SIGKILL
        server.start()      # the same port, the same state
"""

import subprocess
import sys
from pathlib import Path

from .client import Client, Unreachable, wait_for

PROGRAM = Path(__file__).resolve().parent / "clearml_server.py"
START_DEADLINE_S = 60


class Running:
    """One server process; its files are in `folder`, which must exist."""

    def __init__(self, folder, users=("tests", "second"), options=()):
        self.folder = Path(folder)
        self.users = users
        self.options = list(options)
        self.port = 0
        self.process = None
        for user in users:
            secret = self.folder / f"{user}.secret"
            secret.touch(mode=0o600)
            secret.write_text(f"secret-of-{user}\n")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @staticmethod
    def keys(user="tests"):
        """The access key and secret key of a user."""
        return f"ACCESS-{user.upper()}", f"secret-of-{user}"

    def client(self, user="tests", **more):
        return Client(self.url, *self.keys(user), **more)

    def start(self):
        """Returns when the server answers; after a kill it has its port and state again."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        users = []
        for user in self.users:
            users += ["--user", f"{user}:{self.keys(user)[0]}:{self.folder / user}.secret"]
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--port", str(self.port),
             "--port-file", str(port_file), "--state", str(self.folder / "state.sqlite"),
             "--log", str(self.folder / "calls.jsonl"), *users, *self.options],
            stdin=subprocess.DEVNULL)
        wait_for(lambda: port_file.exists() or self._died(), START_DEADLINE_S,
                 "the stand-in writes its port file")
        self.port = int(port_file.read_text())
        wait_for(self._answers, START_DEADLINE_S, "the stand-in answers debug.ping")

    def _died(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the stand-in ended at once: status {self.process.returncode}")
        return False

    def _answers(self):
        try:
            return self.client().call("debug.ping")
        except Unreachable:
            return False

    def kill(self):
        """SIGKILL, in the middle of whatever it does."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
