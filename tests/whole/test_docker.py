"""Docker mode, whole: reaper, bootstrap, the real engine, the real clearml-agent in its container.

Where no engine can run, all of these are skipped, loudly.
"""

import json
import os
import signal
from pathlib import Path

import pytest
from lives import (PATIENCE_S, begin, check_properties_gone, finish, runs_of, wait_for_reaper,
                   wait_for_runs, wait_for_status)
from world import kill, wait_for

ROOMS = [Path(base, "mayfly") for base in ("/run", "/dev/shm")]


def check_clean(world):
    """No container of ours in any state, no folder with secrets, no mount."""
    left = world.engine.docker("ps", "-a", "--filter", "label=mayfly.instance", "--format",
                               "{{.Names}} {{.Status}}").stdout
    assert left == ""
    names = set(world.instances())
    assert not [path for room in ROOMS if room.exists() for path in room.iterdir()
                if path.name in names]
    mounts = Path("/proc/self/mountinfo").read_text()
    assert not [line for line in mounts.splitlines() if any(name in line for name in names)]


def the_container(world, role):
    """Its id, once it runs."""
    return wait_for(lambda: next(iter(world.containers(role)), None), PATIENCE_S,
                    f"a container of the {role} runs")


def end_of(world, task, status):
    """Wait until the task is so; its reason, and what its console says."""
    wait_for_status(world, task, status)
    seen = world.client.task(task)
    return seen["status_reason"], world.client.console(task)


# ---- a life -----------------------------------------------------------------------------------

def test_life(docker_world):
    """In its own container, by the agent in another; what a task needs is there, no more is."""
    task, gate, reaper = begin(docker_world)
    agent = docker_world.containers("agent").popitem()[1]
    inner = docker_world.containers("task").popitem()[1]
    assert agent["Name"].startswith("/mayfly-local-") and task in agent["Name"]
    assert agent["HostConfig"]["Init"] and agent["HostConfig"]["LogConfig"]["Config"]["max-size"]
    assert inner["Config"]["Image"] == docker_world.task_image
    assert not inner["HostConfig"]["Privileged"]
    assert not any("docker.sock" in bind for bind in inner["HostConfig"]["Binds"])
    check_modes(docker_world)
    finish(docker_world, task, gate, reaper, runs=1)
    assert docker_world.client.task(task)["container"]["image"] == docker_world.task_image
    check_clean(docker_world)
    check_disk(docker_world)


def check_disk(world):
    """No secret is left on it. (While a task ran, its container had a copy for it to read.)"""
    secret = (world.folder / "secret").read_bytes()
    for folder in (world.machines, world.engine.folder):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
                assert secret not in path.read_bytes(), path


def check_modes(world):
    """The secrets lie on a tmpfs, closed to all but root; the engine was told of none."""
    secret = (world.folder / "secret").read_text()
    room = next(path for base in ROOMS if base.exists() for path in base.iterdir()
                if path.name in world.instances())
    holders = [path for path in room.rglob("*") if path.is_file() and "caches" not in path.parts
               and secret in path.read_text(errors="replace")]
    assert {path.name for path in holders} >= {"clearml.conf"}
    assert room.stat().st_mode & 0o777 == 0o700
    assert (room / "0" / "clearml.conf").stat().st_mode & 0o777 == 0o600
    for said in world.containers().values():
        assert secret not in json.dumps(said)


# ---- kill -9 ----------------------------------------------------------------------------------

def test_bootstrap_killed(docker_world):
    """The containers run on; the next bootstrap adopts them."""
    task, gate, reaper = begin(docker_world)
    machine = docker_world.instances()[0]
    killed = docker_world.pid_of(machine, "bootstrap")
    kill(killed)
    wait_for(lambda: docker_world.pid_of(machine, "bootstrap") not in (None, killed), PATIENCE_S,
             "the keeper starts bootstrap again")
    finish(docker_world, task, gate, reaper, runs=1)
    assert len(docker_world.instances()) == 1
    check_clean(docker_world)


def test_agent_container_killed(docker_world):
    """The task's container lives on alone: it is killed too, then the task runs again."""
    task, gate, reaper = begin(docker_world)
    docker_world.engine.docker("kill", the_container(docker_world, "agent"))
    wait_for_runs(docker_world, task, 2)
    finish(docker_world, task, gate, reaper, runs=2)
    assert "(agent-failed): back to the front" in docker_world.client.console(task)
    check_clean(docker_world)


def test_task_container_killed(docker_world):
    """By somebody with docker at hand: the task has failed, as the agent says, and stays so."""
    task, _, reaper = begin(docker_world)
    docker_world.engine.docker("kill", the_container(docker_world, "task"))
    reason, _ = end_of(docker_world, task, "failed")
    assert "137" in reason
    wait_for_reaper(reaper)
    assert len(runs_of(docker_world, task)) == 1
    check_properties_gone(docker_world, task)
    check_clean(docker_world)


def test_engine_killed(docker_world):
    """It comes back, and its containers are gone: the task was not at fault, and runs again."""
    task, gate, reaper = begin(docker_world)
    docker_world.engine.kill()
    docker_world.engine.start()
    wait_for_runs(docker_world, task, 2)
    finish(docker_world, task, gate, reaper, runs=2)
    assert "(docker-lost): back to the front" in docker_world.client.console(task)
    check_clean(docker_world)


def test_engine_killed_for_good(docker_world):
    """The machine leaves; whoever comes when there is an engine again runs the task."""
    task, gate, reaper = begin(docker_world, agent={"docker": {"wait": "3s"}})
    docker_world.engine.kill()
    wait_for(docker_world.lives, PATIENCE_S, "the machine leaves")
    docker_world.engine.start()
    wait_for_runs(docker_world, task, 2)
    finish(docker_world, task, gate, reaper, runs=2)
    first = min(docker_world.lives().values(), key=lambda life: life["launched_s"])
    assert first["reason"] == "infrastructure"
    check_clean(docker_world)


def test_whole_machine_killed(docker_world):
    """Keeper, bootstrap and all containers' processes at once: the reaper gives the task back."""
    task, gate, reaper = begin(docker_world)
    machine = docker_world.instances()[0]
    while docker_world.processes(machine):
        for pid in docker_world.processes(machine):
            kill(pid)
    wait_for_runs(docker_world, task, 2)
    finish(docker_world, task, gate, reaper, runs=2)
    assert len(docker_world.instances()) == 2
    check_clean(docker_world)


def test_bootstrap_and_keeper_killed(docker_world):
    """The containers are left alone: the machine exists while they live; then the task goes on."""
    task, gate, reaper = begin(docker_world)
    machine = docker_world.instances()[0]
    for role in ("keeper", "bootstrap"):
        kill(docker_world.pid_of(machine, role))
    finish_alone(docker_world, task, gate, reaper)


def finish_alone(world, task, gate, reaper):
    """Nobody watches it, but its agent does what it always does."""
    gate.touch()
    wait_for_status(world, task, "completed")
    wait_for_reaper(reaper)
    assert len(runs_of(world, task)) == 1


# ---- what a task may wish ---------------------------------------------------------------------

def test_own_container(docker_world):
    """Image, arguments and setup script of the task are honoured."""
    engine = docker_world.engine
    engine.docker("tag", docker_world.task_image, "peers/own:1")
    source = ("import os, shutil; print('flavour', os.environ['FLAVOUR'],"
              " 'shm', shutil.disk_usage('/dev/shm').total >> 20, open('/tmp/made').read())")
    docker_world.add_resource("cpu")
    task = docker_world.add_task("cpu", "own", source, {
        "image": "peers/own:1", "arguments": "-e FLAVOUR='sour plum' --shm-size=123m",
        "setup_shell_script": "# by the task\necho made-by-setup > /tmp/made"})
    reaper = docker_world.start_reaper("watch", "--until-empty")
    _, console = end_of(docker_world, task, "completed")
    assert "flavour sour plum shm 123 made-by-setup" in console
    wait_for_reaper(reaper)
    check_clean(docker_world)


def test_arguments_left_out(docker_world):
    """What would hand the machine over is left out, and the task's console says so."""
    source = "import os; print('host', os.path.exists('/host'), os.environ.get('KEPT'))"
    docker_world.add_resource("cpu")
    task = docker_world.add_task("cpu", "greedy", source, {
        "image": docker_world.task_image,
        "arguments": "-v /:/host --privileged --pid=host -e KEPT=yes --network none"})
    reaper = docker_world.start_reaper("watch", "--until-empty")
    _, console = end_of(docker_world, task, "completed")
    assert "host False yes" in console
    assert "are left out: --volume, --privileged, --pid, --network" in console
    wait_for_reaper(reaper)


@pytest.mark.parametrize("container, cause, words", [
    ({"image": "peers/nowhere:1"}, "image-missing", "peers/nowhere:1"),
    ({"image": "--privileged"}, "image-unfit", "image"),
    ({"image": "peers/task:1", "arguments": "-e A=1 alpine"}, "arguments", "word 3"),
    ({"image": "peers/foreign:1"}, "image-unfit", "arm64"),
], ids=["missing", "option", "word", "architecture"])
def test_wishes_that_cannot_be_met(docker_world, container, cause, words):
    """The task fails at once, with the reason, and costs no second attempt; the machine stays."""
    engine = docker_world.engine
    if not engine.inspect("peers/foreign:1"):
        engine.import_foreign("peers/foreign:1", "arm64")
    docker_world.add_resource("cpu", max_instances=1)
    bad = docker_world.add_task("cpu", "bad", "print('it ran')", container)
    good = docker_world.add_task("cpu", "good", "print('ran')")
    reaper = docker_world.start_reaper("watch", "--until-empty")
    reason, console = end_of(docker_world, bad, "failed")
    assert reason.startswith(f"task:{cause}")
    assert words in console and "it ran" not in console
    wait_for_status(docker_world, good, "completed")
    wait_for_reaper(reaper)
    assert len(docker_world.instances()) == 1
    check_properties_gone(docker_world, bad)
    check_clean(docker_world)


def test_out_of_memory(docker_world):
    """The agent sees an exit status alone; the task says what it was."""
    docker_world.add_resource("cpu")
    task = docker_world.add_task("cpu", "hungry", "x = [bytearray(1 << 20) for _ in range(4096)]",
                                 {"image": docker_world.task_image, "arguments": "--memory=200m"})
    reaper = docker_world.start_reaper("watch", "--until-empty")
    wait_for(lambda: "memory" in docker_world.client.task(task)["status_reason"], PATIENCE_S,
             "the task says that memory was the reason")
    assert docker_world.client.status(task) == "failed"
    assert "out of memory" in docker_world.client.console(task)
    wait_for_reaper(reaper)
    check_clean(docker_world)


@pytest.mark.parametrize("call", ["tasks.stop", "tasks.reset"])
def test_taken_away_by_a_person(docker_world, call):
    """Aborted or reset in the web UI while it runs: both containers go, it stays as it was left."""
    task, _, reaper = begin(docker_world)
    docker_world.client.call(call, task=task)
    wait_for_reaper(reaper)
    assert docker_world.client.status(task) == ("stopped" if call == "tasks.stop" else "created")
    assert len(runs_of(docker_world, task)) == 1
    assert docker_world.client.waiting(docker_world.queues["cpu"]) == []
    check_clean(docker_world)


def test_time_limit(docker_world):
    task, _, reaper = begin(docker_world, task_timeout="40s")  # it has to begin within
    reason, console = end_of(docker_world, task, "failed")
    assert reason == "infra:time-limit"
    assert "time-limit" in console
    wait_for_reaper(reaper)
    check_clean(docker_world)


# ---- the machine ------------------------------------------------------------------------------

def test_seats(docker_world):
    """Two seats: two tasks at a time on one machine, each with its own worker."""
    docker_world.add_resource("cpu", seats=2, max_instances=1)
    gate = docker_world.folder / "gate"
    tasks = [docker_world.add_task("cpu", f"seat {n}", docker_world.gated_source(gate))
             for n in range(2)]
    reaper = docker_world.start_reaper("watch", "--until-empty")
    for task in tasks:
        wait_for_runs(docker_world, task, 1)
    workers = {docker_world.client.task(task)["last_worker"] for task in tasks}
    assert {name.rsplit(":", 1)[1] for name in workers} == {"0", "1"}
    assert len(docker_world.containers("task")) == 2
    gate.touch()
    for task in tasks:
        wait_for_status(docker_world, task, "completed")
    wait_for_reaper(reaper)
    assert len(docker_world.instances()) == 1
    check_clean(docker_world)


def test_default_image_missing(docker_world):
    """No task is at fault: it goes back; after two in a row the machine leaves."""
    docker_world.task_image = "peers/nowhere:1"
    docker_world.add_resource("cpu", max_attempts=2)
    task = docker_world.add_task("cpu", "any", "print('never')")
    reaper = docker_world.start_reaper("watch", "--until-empty")
    reason, _ = end_of(docker_world, task, "failed")
    assert reason.startswith("infra:image-")
    wait_for_reaper(reaper)
    life = next(iter(docker_world.lives().values()))
    assert life["reason"] == "infrastructure"
    check_clean(docker_world)


def test_init_script(docker_world):
    """It runs once, before the first task; its words are in the machine's log."""
    made = docker_world.folder / "made-by-init"
    docker_world.add_resource("cpu", init={"script": f"echo hello from init\necho x >> {made}\n"})
    task = docker_world.add_task("cpu", "after", "print('ran')")
    reaper = docker_world.start_reaper("watch", "--until-empty")
    wait_for_status(docker_world, task, "completed")
    wait_for_reaper(reaper)
    assert made.read_text() == "x\n"
    machine = docker_world.machines / docker_world.instances()[0]
    assert "hello from init" in (machine / "bootstrap.log").read_text()


def test_signal_drains(docker_world):
    """SIGTERM: the running task ends in its time, then the machine leaves."""
    task, gate, reaper = begin(docker_world)
    machine = docker_world.instances()[0]
    os.kill(docker_world.pid_of(machine, "keeper"), signal.SIGTERM)
    finish(docker_world, task, gate, reaper, runs=1)
    assert docker_world.lives()[machine]["reason"] == "sigterm"
    check_clean(docker_world)
