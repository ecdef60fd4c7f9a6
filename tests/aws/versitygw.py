"""versitygw, an S3 server that is strict about signatures, as a process of its own."""

import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from peers.go_peer import program
from standin.client import wait_for

from .moto import Keys

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
START_DEADLINE_S = 60
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Gateway:
    """One server over an empty folder, of the region us-east-1."""

    def __init__(self, folder):
        self.program = program(MODULE, VERSION)
        self.folder = Path(folder)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = None

    def __enter__(self):
        (self.folder / "root").mkdir()
        with open(self.folder / "versitygw.log", "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "--port", self.url.removeprefix("http://"), "--region", "us-east-1",
                 "posix", "--nometa", self.folder / "root"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"ROOT_ACCESS_KEY": KEYS.access_key,
                                  "ROOT_SECRET_KEY": KEYS.secret_key})
        wait_for(self._answers, START_DEADLINE_S, "versitygw answers")
        return self

    def __exit__(self, *_exception):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "versitygw.log").read_text()
        try:
            with urllib.request.urlopen(self.url, timeout=10):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
