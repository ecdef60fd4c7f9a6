"""The agent image does what bootstrap uses it for: one task, in a container beside its own."""

import json
import subprocess
from pathlib import Path

import pytest

from peers import images
from peers.engine import Engine
from standin.client import wait_for
from standin.running import Running

WORKER = "peers:cpu:local:i-1"
DEADLINE_S = 180
HELLO = "import os\nprint('hello from', os.environ['CLEARML_TASK_ID'])\n"


class Machine:
    """An engine, a ClearML, and the agent container that bootstrap would start."""

    def __init__(self, folder, engine, server):
        self.engine = engine
        self.client = server.client()
        self.queue = self.client.create_queue("machine")
        self.host = folder / "agent"
        self.host.mkdir(mode=0o700)
        access_key, secret_key = server.keys()
        conf = self.host / "clearml.conf"
        conf.touch(mode=0o600)
        conf.write_text(json.dumps({
            "api": {"api_server": server.url, "web_server": server.url,
                    "files_server": server.url,
                    "credentials": {"access_key": access_key, "secret_key": secret_key}},
            "agent": {"docker_install_opencv_libs": False}}))

    def take_task(self, source):
        """A task of that code, popped off its queue."""
        task = self.client.create_task("a task", source)
        self.client.enqueue(task, self.queue)
        assert self.client.pop(self.queue) == task
        return task

    def start_agent(self, version, task, **environment):
        """The container's id."""
        variables = {"CLEARML_AGENT_DOCKER_HOST_MOUNT": f"{self.host}:/root/.clearml",
                     "CLEARML_CONFIG_FILE": "/root/.clearml/clearml.conf",
                     "CLEARML_WORKER_ID": WORKER, **environment}
        return self.engine.docker(
            "run", "--detach", "--init", "--network", "host",
            "--volume", f"{self.engine.socket}:/var/run/docker.sock",
            "--volume", f"{self.host}:/root/.clearml",
            *[word for name, value in variables.items() for word in ("--env", f"{name}={value}")],
            "--entrypoint", "clearml-agent", self.engine.load_agent_image(version),
            "execute", "--id", task, "--require-queue", "--cpu-only",
            "--docker", images.TASK).stdout.strip()

    def sibling(self):
        """What the engine says of the task's own container; None while there is none."""
        found = self.engine.docker(
            "ps", "--quiet", "--filter", f"label=clearml-parent-worker-id={WORKER}").stdout
        return self.engine.inspect(found.split()[0]) if found else None

    def status_of(self, agent):
        """The agent container's exit status, once it has one."""
        return int(self.engine.docker("wait", agent, timeout=DEADLINE_S).stdout)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    for reason in (Engine.unavailable(), images.unavailable()):
        if reason:
            pytest.skip(reason)
    folder = tmp_path_factory.mktemp("images")
    with Engine(folder / "engine") as engine, Running(folder) as server:
        engine.load_task_image()
        yield Machine(folder, engine, server)


@pytest.mark.parametrize("version", images.AGENTS)
def test_an_agent_runs_a_task_in_a_container_beside_its_own(machine, version):
    task = machine.take_task(HELLO)
    agent = machine.start_agent(version, task)
    sibling = wait_for(machine.sibling, DEADLINE_S, "the task's container is there")
    assert sibling["Config"]["Image"] == images.TASK
    assert sibling["HostConfig"]["NetworkMode"] == "host"
    assert f"CLEARML_TASK_ID={task}" in sibling["Config"]["Env"]
    assert (machine.status_of(agent), machine.client.status(task)) == (0, "completed")
    assert f"hello from {task}" in machine.client.console(task)
    assert machine.sibling() is None
    assert machine.client.violations() == []


@pytest.mark.parametrize("version", images.AGENTS)
def test_an_agent_refuses_a_task_that_is_not_queued(machine, version):
    task = machine.client.create_task("a draft", HELLO)
    agent = machine.start_agent(version, task)
    assert (machine.status_of(agent), machine.client.status(task)) == (1, "created")
    assert "Execution required enqueued task" in machine.engine.docker("logs", agent).stdout


@pytest.mark.slow
@pytest.mark.parametrize("version", images.AGENTS)
def test_a_task_can_have_an_environment_of_its_own(machine, version):
    task = machine.take_task("import sys\nprint('runs in', sys.prefix)\n")
    agent = machine.start_agent(
        version, task,
        CLEARML_AGENT_EXTRA_DOCKER_ARGS="-e CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL=")
    assert (machine.status_of(agent), machine.client.status(task)) == (0, "completed")
    assert "runs in /root/.clearml/venvs-builds/" in machine.client.console(task)


def test_an_image_does_not_tell_where_it_was_built(machine):
    del machine  # skips where there can be none
    hosts = subprocess.run(
        "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/pip.conf"
        " | grep -oE '^[^#]*https?://[^/[:space:]]+' | sed -E 's#.*//([^@]*@)?##' | sort -u",
        shell=True, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        check=False).stdout.split()
    hosts.append(str(images.TREE))
    for _, archive in (images.agent(), images.task()):
        content = Path(archive).read_bytes()
        assert [host for host in hosts if host.encode() in content] == []
        assert b"etc/apt/sources" not in content
