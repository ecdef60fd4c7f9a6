"""The docker engine of this machine, for the demo: it is there or not, and is left as it was."""

import json
import os
import subprocess
from pathlib import Path


class SystemEngine:
    """What World needs of an engine (engine.py has one of the tests' own)."""

    def __init__(self):
        self.socket = self.place()
        self.folder = Path("/nowhere")  # its log is not ours to show

    @staticmethod
    def place():
        host = os.environ.get("DOCKER_HOST", "")
        return Path(host.removeprefix("unix://") or "/var/run/docker.sock")

    @staticmethod
    def unavailable():
        """None, or a sentence why tasks cannot run in containers here."""
        host = os.environ.get("DOCKER_HOST", "unix://")
        if not host.startswith("unix://"):
            return f"DOCKER_HOST is {host}, and only an engine of this machine will do"
        if os.geteuid() != 0:
            return "docker mode needs root"
        try:
            said = SystemEngine().docker("version", "--format", "{{.Server.Version}}", check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            return f"no docker program here: {problem}"
        return said.stderr.strip().splitlines()[-1] if said.returncode else None

    def docker(self, *words, check=True, timeout=300):
        """The docker CLI on it: CompletedProcess with text."""
        done = subprocess.run(["docker", "-H", f"unix://{self.socket}", *map(str, words)],
                              capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {words[0]}: {done.stderr.strip()}")
        return done

    def inspect(self, name):
        """What the engine says of a container or an image; None when it does not know it."""
        done = self.docker("inspect", name, check=False)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None
