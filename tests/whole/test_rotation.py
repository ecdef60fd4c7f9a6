"""Image keys and signing keys are rotated while machines run, as the page on keys says."""

from lives import PATIENCE_S, check, check_nothing_left, runs_of
from world import kill, wait_for


def add_gated(world, name):
    gate = world.folder / f"gate-{name}"
    return world.add_task("cpu", name, world.gated_source(gate)), gate


def launch(world, task):
    """The machine that is launched for the task, once it runs it. (A pass takes one that has just
    been restarted for one that will take it.)"""
    before = set(world.instances())

    def has_begun():
        assert world.run_reaper("run").returncode == 0
        return runs_of(world, task)

    wait_for(has_begun, PATIENCE_S, "the task runs")
    machine, = set(world.instances()) - before
    return machine


def restart(world, machine):
    killed = world.pid_of(machine, "bootstrap")
    kill(killed)
    wait_for(lambda: world.pid_of(machine, "bootstrap") not in (None, killed), PATIENCE_S,
             "the keeper starts bootstrap again")


def test_keys_are_rotated_under_running_machines(world):
    world.add_resource("cpu", max_instances=3)
    old, new = world.folder / "keys" / "first", world.make_keys("second")
    first, first_gate = add_gated(world, "first")
    oldest = launch(world, first)

    # Machines learn the new keys; what is sealed from now on opens with both.
    world.use_keys([old, new], reaper=old)
    world.seal()
    restart(world, oldest)
    # The reaper signs with the new key.
    world.use_keys([old, new], reaper=new)
    world.seal()
    second, second_gate = add_gated(world, "second")
    launch(world, second)
    restart(world, oldest)
    # New machines know the new keys alone.
    world.use_keys([new], reaper=new)
    world.seal()
    third, third_gate = add_gated(world, "third")
    launch(world, third)

    for gate in (first_gate, second_gate, third_gate):
        gate.touch()
    wait_for(lambda: len(world.lives()) == 3, PATIENCE_S, "all machines leave")
    for task in (first, second, third):
        check(world, task, runs=1)
    assert {life["reason"] for life in world.lives().values()} == {"idle"}
    check_nothing_left(world)


def test_a_ticket_of_a_key_that_is_trusted_no_more_is_refused(world):
    """Nothing of it is used; the machine leaves with a reason, and the next pass says why."""
    world.add_resource("cpu")
    other = world.make_keys("other")
    baked = (world.folder / "baked/trusted.pub")
    baked.write_text((other / "trusted.pub").read_text())
    task, _ = add_gated(world, "refused")
    assert world.run_reaper("run").returncode == 0
    wait_for(world.lives, PATIENCE_S, "the machine leaves")
    (machine, life), = world.lives().items()
    assert life["reason"] == "admission" and life["exit_status"] == 3, life
    log = (world.machines / machine / "bootstrap.log").read_text()
    assert "trusted" in log, log
    assert world.client.status(task) == "queued"
    wait_for(lambda: not world.processes(), PATIENCE_S, "no process is left")
