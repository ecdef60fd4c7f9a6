"""The proxy as a process of its own: started, killed and started again by tests.

    with Proxy(moto, folder) as proxy:
        ec2 = proxy.client("ec2")
        proxy.fault(action="RunInstances", code="InsufficientInstanceCapacity", status=500)
        proxy.kill()       # SIGKILL
        proxy.start()      # the same port, the same memory
        proxy.calls("RunInstances")

verify() fails where a request broke a rule of botocore's model; accept() what a test sends wrong on
purpose.
"""

import json
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from standin.client import wait_for

from .moto import OWNER, REGION, client_of

START_DEADLINE_S = 60


class Proxy:
    def __init__(self, moto, folder):
        self.moto = moto
        self.folder = Path(folder)
        self.port = 0
        self.process = None
        self._accepted = 0
        self._first = 0  # line of the log, after those of earlier tests

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.kill()

    def forget(self):
        """As new; moto was reset. One that a test left killed is started."""
        if self.process.poll() is not None:
            self.start()
        self.control("POST", "forget")
        self._first = 0
        self._first, self._accepted = len(self.calls()), 0

    def verify(self):
        wrong = self.wrongs()
        assert len(wrong) <= self._accepted, wrong

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        port_file = self.folder / "proxy.port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aws.proxy", "--upstream", self.moto.url, "--port",
             str(self.port), "--port-file", str(port_file), "--state",
             str(self.folder / "proxy.sqlite"), "--log", str(self.folder / "proxy.jsonl")],
            stdin=subprocess.DEVNULL, cwd=Path(__file__).resolve().parent.parent)
        wait_for(lambda: port_file.exists() or self._died(), START_DEADLINE_S,
                 "the proxy writes its port file")
        self.port = int(port_file.read_text())

    def _died(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the proxy ended at once: status {self.process.returncode}")
        return False

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def forget_answer(self, token):
        """As if it had been killed when moto had launched and it had not read the answer yet."""
        with sqlite3.connect(self.folder / "proxy.sqlite") as state:
            state.execute("update tokens set ids = null where token = ?", (token,))
            state.execute("delete from instances")
        state.close()

    def client(self, service, keys=OWNER, region=REGION):
        return client_of(self.url, service, keys, region)

    # -- controls ------------------------------------------------------------------------------

    def control(self, verb, word, said=None):
        request = urllib.request.Request(f"{self.url}/_proxy/{word}", json.dumps(said).encode(),
                                         method=verb)
        try:
            with urllib.request.urlopen(request, timeout=150) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            raise ValueError(problem.read().decode()) from None

    def fault(self, **words):
        self.control("POST", "faults", words)

    def clear_faults(self):
        self.control("DELETE", "faults")

    def set(self, **settings):
        self.control("POST", "settings", settings)

    def end(self, instance, code, message, region=REGION):
        self.control("POST", "end", {"region": region, "id": instance, "code": code,
                                     "message": message})

    def guard(self, actions):
        """As moto's; the proxy has keys of its own, for what it asks."""
        own = self.moto.add_user("proxy", {"ec2:*"})
        self.control("POST", "keys", {"access_key": own.access_key, "secret_key": own.secret_key})
        return self.moto.guard(actions)

    # -- what was said -------------------------------------------------------------------------

    def calls(self, action=None):
        """The records of all calls since it was new; of this action alone."""
        path = self.folder / "proxy.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()[self._first:]]
        return [one for one in records if action in (None, one["action"])]

    def wrongs(self):
        return [(one["action"], one["violations"] or one["broken"]) for one in self.calls()
                if one["violations"] or "broken" in one]

    def accept(self):
        """What was wrong so far was meant to be."""
        self._accepted = len(self.wrongs())
