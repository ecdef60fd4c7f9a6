"""Lives of a machine under systemd: each one ends with the machine switched off."""

import pytest

STARTS = 4  # the first, and three more tries


def begin(machine):
    """Switched on, with a task that runs until the gate is opened."""
    task = machine.add_task()
    machine.boot()
    machine.wait_for_run()
    return task


def assert_done_once(machine, task):
    assert machine.world.client.status(task) == "completed"
    assert [line["what"] for line in machine.run_lines() if line["what"] != "beat"] == ["begin",
                                                                                        "end"]


def test_a_life(machine):
    """It takes a task, idles out, and switches the machine off. The boot guard has looked many
    times, and let it live."""
    machine.configure(guard_s=machine.admitted_s)
    task = begin(machine)
    assert int(machine.run("cat", "/run/mayfly-boot-guard")) > 7 * 24 * 3600
    machine.wait_for(lambda: machine.shown("ExecMainStartTimestamp", "mayfly-boot-guard.service"),
                     "the boot guard looks")
    assert "STATUS" not in machine.log()
    assert machine.shown("StatusText") == "serve"
    machine.open_gate()
    assert machine.wait_for_off() == 0
    assert_done_once(machine, task)
    record = machine.record()
    assert (record["reason"], record["exit_status"], record["restarts"]) == ("idle", 0, 0)


def expect_adoption(machine, signal):
    """Bootstrap gets the signal while a task runs; the next one adopts it, and idles out."""
    task = begin(machine)
    first = machine.wait_for_bootstrap()
    machine.signal(signal, first)
    machine.wait_for_bootstrap(other_than=first)
    machine.open_gate()
    assert machine.wait_for_off() == 0
    assert_done_once(machine, task)
    record = machine.record()
    assert (record["reason"], record["restarts"]) == ("idle", 1)


def test_bootstrap_killed_once(machine):
    """It is started again, adopts the running task, and the life goes on to its end."""
    expect_adoption(machine, "KILL")


def test_bootstrap_killed_for_good(machine):
    """Three more tries, and the machine is off, though nobody was left to say so."""
    machine.write_ticket(idle_timeout="1h")
    machine.boot()
    killed = 0
    for _ in range(STARTS):
        killed = machine.wait_for_bootstrap(other_than=killed)
        machine.signal("KILL", killed)
    assert machine.wait_for_off() == 0
    assert machine.record() is None
    assert machine.starts() == STARTS


def test_bootstrap_hangs(machine):
    """Stopped in the middle of a task: the watchdog ends it, the next one adopts the task."""
    machine.configure(watchdog_s=machine.hung_s)
    expect_adoption(machine, "STOP")


def test_the_ticket_is_garbage(machine):
    """Refused, which another try would not change."""
    machine.write_ticket("no ticket\n")
    machine.boot()
    assert machine.wait_for_off() == 0
    record = machine.record()
    assert (record["reason"], record["exit_status"]) == ("admission", 3)
    assert machine.starts() == 1


def test_there_is_no_ticket(machine):
    """Neither a file nor a metadata service that would have one."""
    machine.take_ticket_away()
    machine.boot()
    assert machine.wait_for_off() == 0
    assert machine.record()["reason"] == machine.without_ticket
    assert machine.starts() == 1


def test_nobody_is_admitted(machine):
    """Bootstrap does not even start to work: the boot guard switches the machine off."""
    machine.configure(guard_s="5")
    machine.drop_in("mayfly-bootstrap.service", "hang", "[Service]\nExecStart=\n"
                    "ExecStart=/bin/sleep infinity\nTimeoutStartSec=infinity\n")
    machine.boot()
    assert machine.wait_for_off() == 0
    assert machine.starts() == 0


def test_its_time_is_over(machine):
    """A bootstrap that neither works nor can be missed (its watchdog is off): the boot guard looks
    at what it had noted."""
    machine.configure(watchdog_s="0", guard_s=machine.admitted_s)
    machine.write_ticket(idle_timeout="1h")
    machine.boot()
    machine.signal("STOP", machine.wait_for_bootstrap())
    machine.run("sh", "-c", "echo 1 > /run/mayfly-boot-guard")
    assert machine.wait_for_off() == 0
    assert machine.starts() == 1


def test_clearml_is_gone(machine):
    """Without a task, and for good: nothing here will ever be of use again."""
    machine.write_ticket(idle_timeout="1h", dead_man=machine.dead_man)
    machine.boot()
    machine.wait_for_bootstrap()
    machine.wait_for(lambda: machine.shown("StatusText") == "serve", "it serves")
    machine.world.kill_server()
    assert machine.wait_for_off() == 0
    assert machine.record()["reason"] == "dead-man"


def test_the_disk_fills_up(machine):
    """By a task, say. What becomes of it is told to ClearML, not kept as running; the machine
    takes no further one."""
    if not machine.has_own_disk:
        pytest.skip("this machine's disk is that of the host: make test-machine has its own")
    task = begin(machine)
    machine.fill_disk()
    waiting = machine.add_task()
    machine.open_gate()
    assert machine.wait_for_off() == 0
    client = machine.world.client
    assert client.status(task) in ("completed", "failed", "queued")
    assert client.status(waiting) == "queued"


def test_the_disk_is_full_from_the_start(machine):
    """Bootstrap cannot note a thing."""
    if not machine.has_own_disk:
        pytest.skip("this machine's disk is that of the host: make test-machine has its own")
    machine.drop_in("mayfly-bootstrap.service", "full",
                    f"[Service]\nExecStartPre=+{machine.filler}\n")
    task = machine.add_task()
    machine.boot()
    assert machine.wait_for_off() == 0
    assert machine.world.client.status(task) == "queued"
