"""What qemu's guest agent does in a virtual machine for the test: programs run there, as root."""

import base64
import json
import secrets
import socket

from standin.client import wait_for

ANSWER_S = 10
COMMAND_S = 120


class Unheard(Exception):
    """The agent does not answer: not yet started, ended already, or stuck."""


class Guest:
    """The far end of a virtual serial line, which qemu has as a socket here."""

    def __init__(self, path):
        self._path = str(path)
        self._line = self._answers = None

    def close(self):
        if self._line:
            self._answers.close()
            self._line.close()
            self._line = None

    def run(self, *words):
        """(exit status, standard output, standard error)"""
        try:
            self._connect()
            pid = self._call("guest-exec", path=words[0], arg=list(words[1:]),
                             **{"capture-output": True})["pid"]
            done = wait_for(lambda: self._ended(pid), COMMAND_S, f"{words[0]} ends in the guest")
        except (OSError, ValueError) as problem:
            self.close()
            raise Unheard(f"{' '.join(words)}: {problem!r}") from problem
        return (done.get("exitcode", -1), *(
            base64.b64decode(done.get(name, "")).decode("utf-8", "replace")
            for name in ("out-data", "err-data")))

    def _ended(self, pid):
        status = self._call("guest-exec-status", pid=pid)
        return status if status["exited"] else None

    def _connect(self):
        """What an earlier caller left on the line unread is read away."""
        if self._line:
            return
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(ANSWER_S)
        self._answers = self._line.makefile("rb")
        self._line.connect(self._path)
        number = secrets.randbelow(1 << 31)
        self._send("guest-sync", id=number)
        while self._receive() != number:
            pass

    def _call(self, name, **arguments):
        self._send(name, **arguments)
        return self._receive()

    def _send(self, name, **arguments):
        self._line.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")

    def _receive(self):
        line = self._answers.readline()
        if not line:
            raise ConnectionError("the line is cut")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"]["desc"])
        return answer["return"]
