"""What the tests of whole lives do and look at alike: one gated task, from its queue to its end.

Each task's code writes a line when it begins, every 0.1 s while it lives, and at its end, and
lives until its gate is opened. So whether two runs of a task overlapped is read, not guessed.
"""

from world import wait_for

PATIENCE_S = 180


def begin(world, container=None, **resource):
    """One resource, one gated task, the reaper watching, and the task running."""
    world.add_resource("cpu", **resource)
    gate = world.folder / "gate"
    task = world.add_task("cpu", "gated", world.gated_source(gate), container)
    reaper = world.start_reaper("watch", "--until-empty")
    wait_for_runs(world, task, 1)
    wait_for_status(world, task, "in_progress")
    return task, gate, reaper


def wait_for_status(world, task, *statuses):
    wait_for(lambda: world.client.status(task) in statuses, PATIENCE_S,
             f"the task is {' or '.join(statuses)}")


def runs_of(world, task):
    """The runs of a task in order of their beginning: (begin, last sign of life, has ended)."""
    runs = {}
    for line in world.run_lines():
        if line["task"] != task:
            continue
        run = runs.setdefault(line["run"], [line["time"], line["time"], False])
        run[1] = line["time"]
        run[2] = run[2] or line["what"] == "end"
    return sorted(runs.values())


def wait_for_runs(world, task, count, patience_s=PATIENCE_S):
    wait_for(lambda: len(runs_of(world, task)) >= count, patience_s, f"run {count} begins")


def running_machine(world):
    """The machine whose processes hold the task's code."""
    return wait_for(lambda: next((name for name in world.instances()
                                  if world.pid_of(name, "task")), None),
                    PATIENCE_S, "a machine runs the task")


def finish(world, task, gate, reaper, runs):
    """Open the gate; the task completes, the machines leave, the reaper ends; check it all."""
    gate.touch()
    wait_for_status(world, task, "completed")
    wait_for_reaper(reaper)
    check(world, task, runs)
    check_nothing_left(world)


def wait_for_reaper(reaper):
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")
    assert reaper.returncode == 0


def check(world, task, runs):
    """So many runs, one after the other; only the last one ended, and ClearML has it once."""
    seen = runs_of(world, task)
    assert len(seen) == runs, seen
    for earlier, later in zip(seen, seen[1:]):
        assert earlier[1] < later[0], f"two runs of a task at a time: {seen}"
    assert [run[2] for run in seen] == [False] * (runs - 1) + [True], "only the last run ends"
    assert world.client.status(task) == "completed"
    finals = [entry for entry in world.client.history(task) if entry.get("after") == "completed"]
    assert len(finals) == 1
    check_properties_gone(world, task)


def check_properties_gone(world, task):
    wait_for(lambda: not [name for name in world.client.properties(task)
                          if name.startswith("mayfly_")], PATIENCE_S, "our properties are gone")


def check_nothing_left(world):
    assert world.client.violations() == []
    wait_for(lambda: not world.processes(), PATIENCE_S, "no process is left")
    # A machine that was killed cannot unregister its worker; one that left must have.
    assert not [name for name in world.client.workers()
                if name.split(":")[3] in world.lives() and not name.endswith(":bootstrap")]
