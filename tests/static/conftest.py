"""What `make static` built, and how to run it: natively, or under qemu-user for another machine.

MAYFLY_STATIC names the folder, build/static/ARCH.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAYFLY_STATIC") or TREE / "build" / "static" / platform.machine())
ARCH = BUILD.name
NAMES = ("mayfly-bootstrap", "mayfly-reaper")


def emulator():
    """The words before a program of this ARCH: none on a machine of that kind."""
    if ARCH == platform.machine():
        return []
    found = shutil.which(f"qemu-{ARCH}-static")
    if not found:
        pytest.skip(f"qemu-{ARCH}-static is not installed (make setup-static)")
    return [found]


class Root:
    """A root file system of its own, entered by chroot: what is in it is what a test puts there."""

    def __init__(self, folder):
        self.folder = folder
        self.emulator = []
        for name in NAMES:
            shutil.copy(BUILD / name, folder / name)
        for program in emulator():
            shutil.copy(program, folder / "emulator")
            self.emulator = ["/emulator"]

    def write(self, path, content=""):
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content)

    def start(self, *words, **environment):
        """The process; both of its streams are its stdout."""
        enter = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
        return subprocess.Popen([enter, self.folder, *self.emulator, *words], env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, *words):
        """Its exit status, and its output."""
        with self.start(*words) as process:
            text = process.communicate(timeout=120)[0]
        return process.returncode, text


@pytest.fixture
def root(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root may chroot")
    folder = tmp_path / "root"
    folder.mkdir()
    return Root(folder)
