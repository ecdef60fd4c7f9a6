"""kill -9 of every part in the middle of a task: nothing is lost, nothing runs twice at a time."""

import signal

import pytest
from lives import (PATIENCE_S, begin, check, check_nothing_left, finish, runs_of, running_machine,
                   wait_for_runs)
from world import kill, wait_for


def test_bootstrap_killed(world):
    """Its keeper starts it again, and it adopts the running task."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    killed = world.pid_of(machine, "bootstrap")
    kill(killed)
    wait_for(lambda: world.pid_of(machine, "bootstrap") not in (None, killed), PATIENCE_S,
             "the keeper starts bootstrap again")
    finish(world, task, gate, reaper, runs=1)
    assert len(world.instances()) == 1


def test_bootstrap_killed_too_often(world):
    """After three restarts the keeper gives up; the reaper gives the task to another machine."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    for _ in range(4):
        pid = wait_for(lambda: world.pid_of(machine, "bootstrap"), PATIENCE_S, "it is up again")
        kill(pid)
        wait_for(lambda: world.pid_of(machine, "bootstrap") != pid, PATIENCE_S, "it is dead")
    wait_for_runs(world, task, 2)
    assert running_machine(world) != machine
    finish(world, task, gate, reaper, runs=2)


def test_agent_killed(world):
    """What it started is killed too; then the task goes back to the front and runs again."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    kill(world.pid_of(machine, "agent"))
    wait_for_runs(world, task, 2)
    assert world.client.properties(task)["mayfly_attempt"] == f"{task}/2"
    finish(world, task, gate, reaper, runs=2)
    returned = [entry for entry in world.client.history(task) if entry["what"] == "enqueued"]
    assert len(returned) == 2
    assert "attempt 1 of 3" in world.client.console(task)
    assert "(agent-failed): back to the front of its queue" in world.client.console(task)


def test_agent_killed_three_times(world):
    """The third attempt is the last: failed, with the story."""
    task, _, reaper = begin(world)
    for run in (1, 2, 3):
        wait_for_runs(world, task, run)
        wait_for(lambda: world.client.status(task) == "in_progress", PATIENCE_S, "it runs")
        kill(world.pid_of(running_machine(world), "agent"))
    wait_for(lambda: world.client.status(task) == "failed", PATIENCE_S, "the task fails")
    assert len(runs_of(world, task)) == 3
    assert "infra" in world.client.task(task)["status_reason"]
    assert world.client.waiting(world.queues["cpu"]) == []
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the machines leave")
    check_nothing_left(world)


def test_keeper_killed(world):
    """Bootstrap goes on: the task ends, the machine leaves, its slot is free after it."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    kill(world.pid_of(machine, "keeper"))
    finish(world, task, gate, reaper, runs=1)
    assert len(world.instances()) == 1
    assert world.lives()[machine]["reason"] == "idle"


def test_machine_killed(world):
    """All of a machine at once, as when the power goes: the reaper gives the task back."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    for pid in world.processes(machine):
        kill(pid)
    wait_for_runs(world, task, 2)
    finish(world, task, gate, reaper, runs=2)
    assert len(world.instances()) == 2


@pytest.mark.parametrize("who", ["watchdog", "person"])
def test_stopped_after_its_machine_died(world, who):
    """No reaper looks for hours: the server's watchdog stops the task of a machine that is gone,
    and the next reaper gives it back. What a person stopped stays stopped."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    reaper.kill()
    reaper.wait()
    for pid in world.processes(machine):
        kill(pid)
    wait_for(lambda: not world.processes(machine), PATIENCE_S, "nothing of the machine is left")
    if who == "watchdog":
        assert task in world.client.control("POST", "watchdog", threshold_s=0)["stopped"]
    else:
        world.client.call("tasks.stopped", task=task,
                          status_reason="task was stopped by tasks.stop")
    assert world.client.status(task) == "stopped"
    reaper = world.start_reaper("watch", "--until-empty")
    if who == "watchdog":
        wait_for_runs(world, task, 2)
        assert "(seen terminated): back to the front of its queue" in world.client.console(task)
        finish(world, task, gate, reaper, runs=2)
        return
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")
    assert world.client.status(task) == "stopped"
    assert len(runs_of(world, task)) == 1


def test_machine_frozen(world):
    """Keeper and bootstrap gone, the task lives on alone: silent, terminated, given back."""
    world.settings.update({"silent_idle": "120s", "silent_busy": "120s"})  # the least allowed
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    for role in ("keeper", "bootstrap"):
        kill(world.pid_of(machine, role))
    wait_for_runs(world, task, 2, patience_s=120 + PATIENCE_S)
    assert running_machine(world) != machine
    finish(world, task, gate, reaper, runs=2)


def test_reaper_killed(world):
    """The machine works on; the next reaper launches no second one for the same task."""
    task, gate, reaper = begin(world, max_instances=2)
    reaper.kill()
    reaper.wait()
    again = world.start_reaper("watch", "--until-empty")
    finish(world, task, gate, again, runs=1)
    assert len(world.instances()) == 1


def test_reaper_killed_while_it_launches(world):
    """At any moment of its pass: ten reapers killed early, and still one machine a slot.

    One killed before its keeper began leaves a folder in which nothing ever ran, and the slot's
    next generation takes its place.
    """
    world.add_resource("cpu", max_instances=2)
    gate = world.folder / "gate"
    gate.touch()
    tasks = [world.add_task("cpu", f"gated {n}", world.gated_source(gate)) for n in range(2)]
    for delay in range(10):
        reaper = world.start_reaper("run")
        wait_for_life(reaper, delay * 0.004)
        reaper.kill()
        reaper.wait()
    last = world.start_reaper("watch", "--until-empty")
    for task in tasks:
        finish(world, task, gate, last, runs=1)
    assert len(world.lives()) == 2
    assert sorted(life["slot"] for life in world.lives().values()) == [0, 1]


def wait_for_life(process, seconds):
    """Until the process ended or has lived so long: the moment of a kill, not a condition."""
    try:
        process.wait(timeout=seconds)
    except Exception:  # noqa: BLE001 (subprocess.TimeoutExpired: it lives, as wanted)
        pass


def test_server_killed(world):
    """Agent, machine and reaper wait for it; it comes back with all it knew."""
    task, gate, reaper = begin(world)
    world.kill_server()
    gate.touch()
    wait_for(lambda: runs_of(world, task)[0][2], PATIENCE_S, "the task's code ends meanwhile")
    world.start_server()
    finish(world, task, gate, reaper, runs=1)
    assert len(world.instances()) == 1


@pytest.mark.parametrize("call", ["tasks.stop", "tasks.reset"])
def test_taken_away_by_a_person(world, call):
    """Aborted or reset in the web UI while it runs: it stays as the person left it."""
    task, _, reaper = begin(world)
    world.client.call(call, task=task)
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the machine leaves")
    assert world.client.status(task) == ("stopped" if call == "tasks.stop" else "created")
    assert len(runs_of(world, task)) == 1
    assert world.client.waiting(world.queues["cpu"]) == []
    check_nothing_left(world)


def test_drained(world):
    """SIGTERM to a machine: the running task ends, no other is taken, the machine leaves."""
    task, gate, reaper = begin(world)
    second = world.add_task("cpu", "later", world.gated_source(gate))
    machine = running_machine(world)
    kill(world.pid_of(machine, "keeper"), signal.SIGTERM)
    wait_for(lambda: "drain" in phase_of(world, machine), PATIENCE_S, "it drains")
    gate.touch()
    wait_for(lambda: machine in world.lives(), PATIENCE_S, "it leaves")
    assert world.lives()[machine]["tasks_taken"] == 1
    finish(world, second, gate, reaper, runs=1)
    check(world, task, runs=1)
    assert len(world.instances()) == 2


def phase_of(world, machine):
    """The tags of a machine's record, in one text; empty when there is none."""
    return " ".join(tag for name, worker in world.client.workers().items()
                    if f":{machine}:" in name for tag in worker["tags"])
