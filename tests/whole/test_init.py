"""The operator's init script in a whole life: before the first task, once, and also cut off."""

import json
import subprocess

import pytest
from world import BOOTSTRAP, kill, wait_for

PATIENCE_S = 120


@pytest.fixture(name="init_world")
def world_with_one_task(world):
    """A world with a task, as soon as begin(script) has made its resource."""
    def begin(script, **more):
        world.add_resource("cpu", init={"script": script, **more})
        return world.add_task("cpu", "after init", "print('hello')")
    world.begin = begin
    return world


def the_machine(world):
    return wait_for(lambda: next(iter(world.instances()), None), PATIENCE_S, "a machine comes")


def lines_of(world, name, event):
    """What the machine's log says under one event."""
    log = (world.machines / name / "bootstrap.log").read_text().splitlines()
    return [line.partition("msg=")[2].strip('"') for line in log if f" event={event} " in line]


def check_of(world, name):
    done = subprocess.run([BOOTSTRAP, "check", "--folder", world.machines / name,
                           "--image-key", world.folder / "baked/image.key",
                           "--trusted-keys", world.folder / "baked/trusted.pub"],
                          capture_output=True, text=True, timeout=60, check=False)
    return [line for line in done.stdout.splitlines() if " init " in line]


def test_it_runs_before_the_gates_and_once(init_world):
    world = init_world
    task = world.begin("echo preparing for $MAYFLY_RESOURCE\nsetsid sleep 600 &\n"
                       "echo x >> runs\necho no line end")
    reaper = world.start_reaper("watch", "--until-empty")
    name = the_machine(world)
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task completes")
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")
    said = lines_of(world, name, "init")
    assert said[1:3] == ["preparing for cpu", "no line end"] and "ended well" in said[3]
    log = (world.machines / name / "bootstrap.log").read_text()
    assert log.index("ended well") < log.index("event=gate")
    assert (world.machines / name / "runs").read_text() == "x\n"
    assert "ended well" in check_of(world, name)[0]
    assert not world.processes()  # what it left running went with the machine


def test_a_machine_leaves_when_it_fails(init_world):
    world = init_world
    task = world.begin("echo 'no such driver' >&2\nexit 3\n")
    world.run_reaper("run")
    name = the_machine(world)
    life = wait_for(lambda: world.lives().get(name), PATIENCE_S, "the machine leaves")
    assert (life["reason"], life["exit_status"], life["tasks_taken"]) == ("init", 3, 0)
    assert "exit status 3; its last line: no such driver" in life["detail"]
    assert world.client.status(task) == "queued"
    assert "FAILED" in check_of(world, name)[0]
    wait_for(lambda: not world.processes(), PATIENCE_S, "its processes go")


@pytest.mark.slow
def test_its_failure_may_be_no_matter(init_world):
    world = init_world
    task = world.begin("exit 3\n", on_failure="continue")
    reaper = world.start_reaper("watch", "--until-empty")
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task completes")
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")


def test_bootstrap_is_killed_in_the_middle(init_world):
    """The first run waits for ever, and writes while it lives; the second one ends well."""
    world = init_world
    task = world.begin("echo run >> runs\n[ $(wc -l < runs) = 1 ] || exit 0\n"
                       "setsid sleep 600 &\nwhile :; do sleep 1; done\n")
    reaper = world.start_reaper("watch", "--until-empty")
    name = the_machine(world)
    wait_for((world.machines / name / "runs").exists, PATIENCE_S, "the script runs")
    cut_off = wait_for(lambda: {pid for pid, command in world.processes(name).items()
                                if "bash" in command[0] or "sleep" in command[0]},
                       PATIENCE_S, "its processes are there")
    kill(world.pid_of(name, "bootstrap"))
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task completes")
    assert not cut_off & set(world.processes(name))
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")
    assert (world.machines / name / "runs").read_text() == "run\nrun\n"
    assert any("was cut off" in line for line in lines_of(world, name, "init"))
    assert json.loads((world.machines / name / "init.json").read_text())["well"] is True
