"""Images for tests: archives in .deps/images/, built when first asked for, without an engine.

    name, archive = agent("1.9.3")      # the image of packaging/container/agent
    name, archive = task()              # what tasks run in: Python, pip, git, ssh, a clearml-agent

The name of an archive holds a hash of all that it is made from, so another recipe or other pins
make another archive.

The image for tasks asks no network: what an agent installs at its start is there already. A task
runs in the image's own Python, which saves half of the time; with the variable
CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL set empty the agent makes the task an environment of its own,
from the image's /wheelhouse.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import time
import zipfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
FOLDER = TREE / ".deps" / "images"
RECIPE = TREE / "packaging" / "container" / "agent" / "build.py"
WHEELHOUSE = TREE / ".deps" / "wheelhouse"
WHEELHOUSE_PINS = TREE / "tests" / "requirements" / "wheelhouse.txt"
AGENT = "3.0.3"
AGENTS = (AGENT, "1.9.3")
WEEK_S = 7 * 24 * 3600
TASK = "peers/task:1"
TASK_PACKAGES = ["git", "openssh-client", "debianutils", "findutils", "grep", "sed", "procps"]
WITHOUT = re.compile(r"/(lib)?perl|git-(daemon|imap|http-(backend|push))|/gitweb")
TASK_ENVIRONMENT = ["PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheelhouse",
                    "CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL=1"]


def unavailable():
    """None, or a sentence why no image can be built here."""
    if not shutil.which("mmdebstrap"):
        return "the images need mmdebstrap (package mmdebstrap)"
    return None


def recipe():
    """The module packaging/container/agent/build.py."""
    spec = importlib.util.spec_from_file_location("agent_image", RECIPE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def agent(version=AGENT):
    """(name, archive) of the agent image for this version of clearml-agent."""
    name = f"peers/agent:{version}"
    return name, cached(f"agent-{version}", [RECIPE, recipe().pins_of(version)],
                         lambda path: _build_agent(path, name, version))


def task():
    """(name, archive) of the image for tasks."""
    return TASK, cached("task", [RECIPE, recipe().pins_of(AGENT), WHEELHOUSE_PINS,
                                  Path(__file__)], _build_task)


def cached(name, sources, build):
    """The archive of that name made from these files, on this distribution."""
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in
                                    [*sources, Path("/etc/os-release")])).hexdigest()[:16]
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}-{key}.tar"
    with _lock():
        if not path.exists():
            print(f"building the image {path.name}, once", file=sys.stderr, flush=True)
            build(path)
            _forget_older(name)
        os.utime(path)
    return path


def _forget_older(name):
    """Archives of other recipes, that nobody used for a week."""
    for path in FOLDER.glob(f"{name}-*.tar"):
        if time.time() - path.stat().st_mtime > WEEK_S:
            path.unlink()


@contextlib.contextmanager
def _lock():
    with open(FOLDER / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_agent(path, name, version):
    build = recipe()
    python, docker, minor = build.base([], None)
    build.write_image(path, name, [python, build.install(build.pins_of(version), minor), docker],
                      {"agent": version})


def _build_task(path):
    build = recipe()
    python, _, minor = build.base([], "/bin/true")
    installed = build.install(build.pins_of(AGENT), minor)
    tools = build.unpack([*build.PACKAGES, *TASK_PACKAGES], [], False).without(python)
    tools.entries = {name: entry for name, entry in tools.entries.items()
                     if not WITHOUT.search(name)}
    tools.add("usr/bin/which", link="which.debianutils")
    tools.add_folder(WHEELHOUSE, "wheelhouse")
    with zipfile.ZipFile(next(WHEELHOUSE.glob("pip-*.whl"))) as wheel:
        for name in wheel.namelist():
            tools.add(f"usr/local/lib/python{minor}/dist-packages/{name}", wheel.read(name))
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        tools.add_compiled(python, f"usr/lib/python{minor}")
        tools.add_compiled(tools, f"usr/local/lib/python{minor}")
    build.write_image(path, TASK, [python, installed, tools], {}, TASK_ENVIRONMENT)
