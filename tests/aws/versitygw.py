"""versitygw, an S3 server that is strict about signatures, as a process of its own. It is built by
Go, pinned, once for all trees (outside of them); without Go its tests are skipped, and say so.
"""

import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from standin.client import wait_for

from .moto import Keys

MODULE = "github.com/versity/versitygw/cmd/versitygw"
VERSION = "v1.8.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mayfly-peers"
BUILD_DEADLINE_S = 900
START_DEADLINE_S = 60
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def program():
    """Its path; built where it is not there yet."""
    folder = CACHE / f"versitygw-{VERSION}"
    path = folder / "versitygw"
    if path.exists():
        return path
    if not shutil.which("go"):
        pytest.skip("Go is not installed: no versitygw")
    try:
        subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], check=True, capture_output=True,
                       text=True, timeout=BUILD_DEADLINE_S,
                       env=os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0"})
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"versitygw cannot be built: {problem}: {str(problem.stderr)[-200:]}")
    return path


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Gateway:
    """One server over an empty folder, of the region us-east-1."""

    def __init__(self, folder):
        self.program = program()
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
