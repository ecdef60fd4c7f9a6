"""A whole world on this computer: ClearML stand-in, reaper, machines, the real clearml-agent.

    with World(folder) as world:
        world.add_resource("cpu", max_instances=2)
        task = world.add_task("cpu", "hello", "print('hello')")
        world.run_reaper("run")

Everything lives below the folder; leaving the `with` kills whatever is left and says what it was.
"""

import base64
import io
import json
import os
import re
import secrets
import signal
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from standin.client import Client, Unreachable, wait_for  # noqa: E402

BUILD = Path(os.environ.get("MAYFLY_BUILD", TREE / "build" / "debug"))
BOOTSTRAP = BUILD / "mayfly-bootstrap"
REAPER = BUILD / "mayfly-reaper"
AGENT = TREE / ".deps" / "agent" / "bin" / "clearml-agent"
WHEELHOUSE = TREE / ".deps" / "wheelhouse"
PREFIX = "world"


def environment_of(pid):
    """NAME=value of a living process; empty when it is a zombie, gone, or not ours to read."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def closed_to_others():
    """None, or why another user than ours cannot run the agent: a clone in /root, say."""
    for folder in AGENT.resolve().parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            return f"other users may not enter {folder}: have this tree elsewhere"
    return None


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def recipient_of(folder):
    """Whom to seal to for the image key in a folder, as age-keygen notes it there."""
    return re.search(r"^# public key: (age1\S+)$", (folder / "image.key").read_text(), re.M)[1]


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class World:
    """See the module's first lines."""

    def __init__(self, folder, engine=None):
        """With an engine (tests/peers) tasks run in containers of it, else as processes."""
        self.folder = Path(folder)
        self.engine = engine
        self.folder.mkdir(parents=True, exist_ok=True)
        self.machines = self.folder / "machines"
        self.runs = self.folder / "runs.jsonl"
        self.config = self.folder / "mayfly-reaper.json"
        self.access_key = "WORLD" + secrets.token_hex(8).upper()
        self.agent_image, self.task_image = "peers/agent:3.0.3", "peers/task:1"
        self.resources = []
        self.queues = {}
        self.bundle_source = "inline"
        self.settings = {"two_looks": 1, "watch_every": 1}
        self._server = None
        self._port = 0
        self._children = []

    def __enter__(self):
        secret = secrets.token_urlsafe(32)
        self._private("secret", secret)
        self.start_server()
        first = self.make_keys("first")
        self.use_keys([first], first)
        self.write_bundle()
        self.client = Client(self.url, self.access_key, secret, name="world", patience_s=30)
        return self

    def __exit__(self, kind, *_):
        left = self.processes()
        for child in self._children:
            child.kill()
            child.wait()
        for _ in range(50):
            for pid in self.processes():
                kill(pid)
            if not self.processes():
                break
            time.sleep(0.1)
        self.kill_server()
        if kind is None and left:
            raise AssertionError(f"processes of machines were left running: {left}")

    def make_keys(self, name):
        """A pair for the machines and one for the reaper, in a folder of this name."""
        folder = self.folder / "keys" / name
        self._reaper("keygen", "--folder", str(folder))
        return folder

    def use_keys(self, machines, reaper):
        """Machines hold the keys of these folders, and the reaper signs with that one's."""
        baked = self.folder / "baked"
        baked.mkdir(mode=0o700, exist_ok=True)
        self._private("baked/image.key", "".join(
            (folder / "image.key").read_text() for folder in machines))
        self._private("baked/trusted.pub", "".join(
            (folder / "trusted.pub").read_text() for folder in machines))
        self.recipients = [recipient_of(folder) for folder in machines]
        self.signing_key = reaper / "signing.key"
        self.write_config()

    def write_bundle(self, **more):
        """What machines launched from now on are given: ClearML's credentials, and more."""
        secret = (self.folder / "secret").read_text()
        self._private("bundle.json", json.dumps(
            {"prefix": PREFIX, "clearml": {"access_key": self.access_key, "secret_key": secret},
             **more}))
        self.seal()

    def seal(self):
        self._reaper("seal", "--config", str(self.config), "--in",
                     str(self.folder / "bundle.json"), "--out", str(self.folder / "bundle.age"))

    def _reaper(self, *words):
        done = subprocess.run([str(REAPER), *words], capture_output=True, text=True, timeout=90,
                              check=False)
        assert done.returncode == 0, f"mayfly-reaper {words[0]}: {done.stderr}"

    def _private(self, name, text):
        """Replaced in one step: a machine may be reading it."""
        path = self.folder / name
        new = path.with_name(path.name + ".new")
        new.touch(mode=0o600)
        new.write_text(text)
        return new.replace(path)

    # -- the server ---------------------------------------------------------------------------

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def start_server(self, *options):
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        with open(self.folder / "server.out", "ab") as out:
            self._server = subprocess.Popen(
                [sys.executable, str(TREE / "tests/standin/clearml_server.py"),
                 "--port", str(self._port), "--port-file", str(port_file),
                 "--state", str(self.folder / "server.sqlite"),
                 "--log", str(self.folder / "server.jsonl"),
                 "--user", f"world:{self.access_key}:{self.folder / 'secret'}", *options],
                stdout=out, stderr=out)
        wait_for(port_file.exists, 30, "the server writes its port")
        self._port = int(port_file.read_text())

    def kill_server(self):
        if self._server:
            self._server.kill()
            self._server.wait()
            self._server = None

    # -- what is to be done ---------------------------------------------------------------------

    def add_resource(self, name, queues=None, **more):
        """A resource serving the queue of its own name, or the given ones."""
        queues = queues or [name]
        for queue in queues:
            if queue not in self.queues:
                self.queues[queue] = self.client.create_queue(queue)
        self.resources.append({"name": name, "provider": "local", "queues": queues,
                               "max_instances": 1, "idle_timeout": "3s", **more})
        self.write_config()

    def write_config(self):
        self.config.write_text(json.dumps({
            "prefix": PREFIX,
            "state_folder": str(self.folder / "state"),
            "signing_key": {"file": str(self.signing_key)},
            "recipients": self.recipients,
            "clearml": {"api_server": self.url, "web_server": self.url,
                        "files_server": self.url, "access_key": self.access_key,
                        "secret_key": {"file": str(self.folder / "secret")}},
            "defaults": {
                "bundle": {"file": str(self.folder / "bundle.age"),
                           "source": self.bundle_source},
                "local": {"machines": str(self.machines), "bootstrap": str(BOOTSTRAP),
                          "image_key": str(self.folder / "baked/image.key"),
                          "trusted_keys": str(self.folder / "baked/trusted.pub")},
                "poll": {"min": "500ms", "max": "1s"},
                "report_every": "2s",
                "gates": {"free_gigabytes": 0.1},
                "agent": self._agent()},
            **self.settings,
            "resources": self.resources}, indent=2))

    def _agent(self):
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELHOUSE)}
        if not self.engine:
            return {"mode": "host", "command": [str(AGENT)], "environment": offline}
        # Tasks write what they do into the world's folder, and their server is on loopback.
        return {"mode": "docker",
                "docker": {"socket": str(self.engine.socket), "pull": "never",
                           "agent_image": self.agent_image, "image": self.task_image,
                           "network": "host",
                           "arguments": ["-v", f"{self.folder}:{self.folder}"]}}

    def add_task(self, queue, name, source, container=None):
        task = self.client.create_task(name, source)
        if container:
            self.client.call("tasks.edit", task=task, container=container)
        self.client.enqueue(task, self.queues[queue])
        return task

    def gated_source(self, gate):
        """Task code that says in runs.jsonl that it lives, until the gate file appears."""
        return GATED.format(runs=str(self.runs), gate=str(gate))

    # -- the reaper -----------------------------------------------------------------------------

    def reaper_argv(self, *words):
        return [str(REAPER), words[0], "--config", str(self.config), *words[1:]]

    def run_reaper(self, *words, timeout=90):
        return subprocess.run(self.reaper_argv(*words), capture_output=True, text=True,
                              timeout=timeout, check=False)

    def start_reaper(self, *words):
        with open(self.folder / "reaper.out", "ab") as out:
            child = subprocess.Popen(self.reaper_argv(*words), stdout=out, stderr=out)
        self._children.append(child)
        return child

    # -- the machines ---------------------------------------------------------------------------

    def instances(self):
        """Names of all machines that ever were."""
        return sorted(path.parent.name for path in self.machines.glob("*/instance.json"))

    def state_of(self, instance):
        """The folder that its bootstrap works in."""
        return self.machines / instance

    def processes(self, instance=None):
        """pid -> command of the living processes of one machine, or of all."""
        marks = {f"MAYFLY_INSTANCE={name}" for name in
                 ([instance] if instance else self.instances())}
        found = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and marks & set(environment_of(path.name)):
                found[int(path.name)] = command_of(path.name)
        return found

    def pid_of(self, instance, role):
        """The pid of a machine's keeper, bootstrap, agent or task; None when there is none."""
        for pid, command in self.processes(instance).items():
            if role == role_of(command):
                return pid
        return None

    def containers(self, role=None, instance=None):
        """id -> what the engine says, of our containers that run: of agents, tasks, one machine."""
        labels = [f"label=mayfly.role={role}" if role else "label=mayfly.instance"]
        if instance:
            labels.append(f"label=mayfly.instance={instance}")
        words = [word for label in labels for word in ("--filter", label)]
        listed = self.engine.docker("ps", "--no-trunc", "-q", *words).stdout.split()
        found = {name: self.engine.inspect(name) for name in listed}
        return {name: said for name, said in found.items() if said}

    def lives(self):
        """Exit record by instance, of the machines that left one."""
        records = {}
        for name in self.instances():
            path = self.state_of(name) / "last-life.json"
            if path.exists():
                records[name] = json.loads(path.read_text())
        return records

    def ticket_of(self, instance):
        """What the reaper launched it with, read by tools that know nothing of mayfly."""
        text = (self.machines / instance / "user-data").read_text()
        block = re.search("BEGIN MAYFLY TICKET-----(.*?)-----END", text, re.S)[1]
        packed = base64.b64decode(re.sub(r"[#\s]", "", block))
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            return json.load(archive.extractfile("ticket.json"))

    # -- what was seen --------------------------------------------------------------------------

    def run_lines(self):
        """What tasks' code wrote of itself: {"task", "run", "what", "time"} in order."""
        if not self.runs.exists():
            return []
        return [json.loads(line) for line in self.runs.read_text().splitlines()
                if line.endswith("}")]

    def log_tail(self):
        """The ends of all logs, for a failed test."""
        paths = [self.folder / "reaper.out", self.folder / "server.out",
                 *(self.engine.folder.glob("dockerd.log") if self.engine else ()),
                 *self.machines.glob("*/*.log"), *self.machines.glob("*/agent/*/console.log")]
        return "\n".join(f"=== {os.path.relpath(path, self.folder)}\n"
                         + path.read_text(errors="replace")[-4000:]
                         for path in paths if path.exists())


def role_of(command):
    """keeper, bootstrap, agent or task, by the command line; None for anything else."""
    text = " ".join(command)
    if "mayfly-bootstrap" in text:
        return "keeper" if "keeper" in command else "bootstrap"
    if "clearml_agent" in text or "clearml-agent" in text:
        return "agent" if "execute" in command else None
    if "task.py" in text:
        return "task"
    return None


GATED = '''
import json, os, time, uuid

run = uuid.uuid4().hex  # a pid would not do: each container has a pid 1

def say(what):
    with open({runs!r}, "a") as log:
        log.write(json.dumps({{"task": os.environ.get("CLEARML_TASK_ID") or
                               os.environ.get("TRAINS_TASK_ID"), "run": run,
                               "what": what, "time": time.monotonic()}}) + "\\n")

say("begin")
print("waiting for the gate", flush=True)
while not os.path.exists({gate!r}):
    say("beat")
    time.sleep(0.1)
print("the gate is open", flush=True)
say("end")
'''

__all__ = ["World", "Unreachable", "kill", "wait_for", "role_of", "PREFIX", "TREE"]
