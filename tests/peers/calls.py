"""Our client of the docker engine (bootstrap/docker*.c), call by call.

The calls are made by tests/peers/docker_calls.c, which the Makefile builds.
"""

import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "tests/peers/docker_calls"
TURN_S = 0.005
DEADLINE_S = 60


class Failed(Exception):
    """A call's error: its class and message."""

    def __init__(self, answer):
        super().__init__(f"{answer['class']}: {answer['message']}")
        self.kind = answer["class"]
        self.message = answer["message"]


class Calls:
    """A docker_calls process: calls.start(name) and so on; an error raises Failed."""

    def __init__(self, socket):
        self._process = subprocess.Popen([str(PROGRAM), str(socket)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self._process.stdin.close()
        assert self._process.wait(DEADLINE_S) == 0

    def __getattr__(self, name):
        return lambda *words: self.call(name, *words)

    def call(self, *words):
        line = "\t".join("-" if word is None else str(word) for word in words)
        assert "\n" not in line
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if not answer.pop("ok"):
            raise Failed(answer)
        return answer

    def create(self, name, image, **spec):
        """Its id; spec as in docker_calls.c: command, labels, ..."""
        return self.call("create", name, image, json.dumps(spec))["id"]

    def run(self, name, image, **spec):
        """Its id; it is started."""
        made = self.create(name, image, **spec)
        self.start(name)
        return made

    def end(self, name):
        """Wait for the end of a container; its exit code."""
        return self.wait(name, DEADLINE_S * 1000)["exit_code"]

    def event(self, slot=0):
        """The next event of a watch."""
        return self._turn(lambda: self.watch_turn(slot), lambda answer: "action" in answer)

    def pull(self, image, *login, slot=0, until=lambda answer: answer["has_ended"]):
        """Begin a pull and turn it to its end, or to where `until` says; the last progress."""
        self.pull_begin(slot, image, *login)
        return self.pull_on(slot, until)

    def pull_on(self, slot=0, until=lambda answer: answer["has_ended"], deadline_s=DEADLINE_S):
        return self._turn(lambda: self.pull_turn(slot), until, deadline_s)

    @staticmethod
    def _turn(turn, is_enough, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            answer = turn()
            if is_enough(answer):
                return answer
            time.sleep(TURN_S)
        raise AssertionError("turned in vain")
