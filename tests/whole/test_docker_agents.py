"""Docker mode, whole: the other line of clearml-agent whose image we build, 1.9."""

import pytest
from lives import PATIENCE_S, begin, finish, runs_of, wait_for_reaper
from test_docker import check_clean
from world import wait_for

from peers import images

LINE = "1.9.3"
LOGIN_HELD_S = 15


@pytest.fixture
def old_world(docker_world):
    """A docker world whose agents are of that line."""
    docker_world.agent_image = docker_world.engine.load_agent_image(LINE)
    return docker_world


def test_life(old_world):
    task, gate, reaper = begin(old_world)
    agent = old_world.containers("agent").popitem()[1]
    assert agent["Config"]["Image"] == images.agent(LINE)[0]
    finish(old_world, task, gate, reaper, runs=1)
    machine = old_world.machines / old_world.instances()[0]
    assert f"clearml-agent {LINE} in" in (machine / "bootstrap.log").read_text()
    check_clean(old_world)


def test_aborted_before_the_agent_looks(old_world):
    """Its container runs already, and the task is not: the agent sees it itself."""
    # The agent logs in first of all; so this is what it waits for.
    old_world.client.inject(endpoint="auth.login", client=f"^api-{LINE}", times=0,
                            delay_s=LOGIN_HELD_S)
    old_world.add_resource("cpu")
    task = old_world.add_task("cpu", "unwanted", old_world.gated_source(old_world.folder / "gate"))
    reaper = old_world.start_reaper("watch", "--until-empty")
    wait_for(lambda: "runs this task" in old_world.client.console(task), PATIENCE_S,
             "the agent is started")
    assert old_world.client.status(task) == "queued"
    old_world.client.call("tasks.stop", task=task)
    old_world.client.heal()
    wait_for_reaper(reaper)
    assert old_world.client.status(task) == "stopped"
    statuses = [entry["after"] for entry in old_world.client.history(task) if "after" in entry]
    assert "in_progress" not in statuses
    assert not runs_of(old_world, task)
    said = next(old_world.machines.glob("*/agent/0/console.log")).read_text()
    assert f"task id={task} is not queued" in said
    check_clean(old_world)
