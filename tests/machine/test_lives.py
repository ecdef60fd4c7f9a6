"""Lives of a machine under systemd: each one ends with the machine switched off."""

from standin.client import wait_for

PATIENCE_S = 180
STARTS = 4  # the first, and three more tries
ADMITTED_S = 20  # by then bootstrap has noted until when the machine may live


def begin(world):
    """A task that runs until its gate is there: (task, gate)."""
    gate = world.folder / "gate"
    task = world.add_task("cpu", "gated", world.gated_source(gate))
    return task, gate


def wait_for_run(world):
    wait_for(lambda: [line for line in world.run_lines() if line["what"] == "begin"], PATIENCE_S,
             "the task runs")


def assert_done_once(world, task):
    assert world.client.status(task) == "completed"
    assert [line["what"] for line in world.run_lines() if line["what"] != "beat"] == ["begin",
                                                                                      "end"]


def test_a_life(machine, world):
    """It takes a task, idles out, and switches the machine off. The boot guard has looked many
    times, and let it live."""
    machine.configure(guard_s=ADMITTED_S)
    task, gate = begin(world)
    machine.boot()
    wait_for_run(world)
    assert int(machine.run("cat", "/run/mayfly-boot-guard")) > 7 * 24 * 3600
    wait_for(lambda: machine.run("systemctl", "show", "--property=ExecMainStartTimestamp",
                                 "--value", "mayfly-boot-guard.service"), PATIENCE_S,
             "the boot guard looks")
    assert "STATUS" not in machine.log()
    shown = machine.run("systemctl", "show", "--property=StatusText", "--value",
                        "mayfly-bootstrap.service")
    assert shown == "serve"
    gate.touch()
    assert machine.wait_for_off() == 0
    assert_done_once(world, task)
    record = machine.record()
    assert (record["reason"], record["exit_status"], record["restarts"]) == ("idle", 0, 0)


def expect_adoption(machine, world, signal):
    """Bootstrap gets the signal while a task runs; the next one adopts it, and idles out."""
    task, gate = begin(world)
    machine.boot()
    wait_for_run(world)
    first = machine.wait_for_bootstrap()
    machine.signal(signal, first)
    machine.wait_for_bootstrap(other_than=first)
    gate.touch()
    assert machine.wait_for_off() == 0
    assert_done_once(world, task)
    record = machine.record()
    assert (record["reason"], record["restarts"]) == ("idle", 1)


def test_bootstrap_killed_once(machine, world):
    """It is started again, adopts the running task, and the life goes on to its end."""
    expect_adoption(machine, world, "KILL")


def test_bootstrap_killed_for_good(machine):
    """Three more tries, and the machine is off, though nobody was left to say so."""
    machine.boot()
    killed = 0
    for _ in range(STARTS):
        killed = machine.wait_for_bootstrap(other_than=killed)
        machine.signal("KILL", killed)
    assert machine.wait_for_off() == 0
    assert machine.record() is None
    assert machine.starts() == STARTS


def test_bootstrap_hangs(machine, world):
    """Stopped in the middle of a task: the watchdog ends it, the next one adopts the task."""
    machine.configure(watchdog_s="4")
    expect_adoption(machine, world, "STOP")


def test_the_ticket_is_garbage(machine):
    """Refused, which another try would not change."""
    (machine.state / "user-data").write_text("no ticket\n")
    machine.boot()
    assert machine.wait_for_off() == 0
    record = machine.record()
    assert (record["reason"], record["exit_status"]) == ("admission", 3)
    assert machine.starts() == 1


def test_there_is_no_ticket(machine):
    """Neither a file nor a metadata service that would have one."""
    (machine.state / "user-data").unlink()
    machine.boot()
    assert machine.wait_for_off() == 0
    assert machine.record()["reason"] == "admission"
    assert machine.starts() == 1


def test_nobody_is_admitted(machine):
    """Bootstrap does not even start to work: the boot guard switches the machine off."""
    machine.configure(guard_s="5")
    drop_in = machine.units / "mayfly-bootstrap.service.d" / "hang.conf"
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n"
                       "TimeoutStartSec=infinity\n")
    machine.boot()
    assert machine.wait_for_off() == 0
    assert machine.starts() == 0


def test_its_time_is_over(machine):
    """A bootstrap that neither works nor can be missed (its watchdog is off): the boot guard looks
    at what it had noted."""
    machine.configure(watchdog_s="0", guard_s=ADMITTED_S)
    machine.boot()
    machine.signal("STOP", machine.wait_for_bootstrap())
    machine.run("sh", "-c", "echo 1 > /run/mayfly-boot-guard")
    assert machine.wait_for_off() == 0
    assert machine.starts() == 1
