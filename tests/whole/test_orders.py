"""What an operator tells machines through the reaper: drain, keep, leave, forget, end to end.

The way is that of the product: the command notes it, a pass signs it into the reaper's ClearML
task, the machine reads it with its heartbeat. And what a machine must not obey.
"""

import json
import shutil
import signal
import subprocess

from lives import (PATIENCE_S, begin, check_nothing_left, finish, runs_of, running_machine,
                   wait_for_reaper, wait_for_runs, wait_for_status)
from world import BOOTSTRAP, PREFIX, REAPER, wait_for

PROPERTY = "mayfly_orders"


def tell(world, verb, *to):
    done = world.run_reaper(verb, *to)
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(world, machine):
    """What the machine says of itself; {} when it is gone."""
    done = subprocess.run([str(BOOTSTRAP), "status", "--json", "--folder",
                           str(world.machines / machine)],
                          capture_output=True, text=True, timeout=60, check=False)
    return json.loads(done.stdout) if done.stdout else {}


def log_of(world, machine):
    return (world.machines / machine / "bootstrap.log").read_text()


def boards(world):
    """The reaper's tasks; the oldest counts."""
    found = world.client.call("tasks.get_all", name=f"^mayfly-reaper {PREFIX}$",
                              order_by=["created"])["tasks"]
    return [task["id"] for task in found]


def orders(world):
    return world.client.properties(boards(world)[0]).get(PROPERTY, "")


def pin(world, text):
    """What anybody with an API key can do."""
    world.client.call("tasks.edit_hyper_params", task=boards(world)[0],
                      hyperparams=[{"section": "properties", "name": PROPERTY, "value": text}])


def wait_for_order(world, machine, word):
    wait_for(lambda: status(world, machine).get("order") == word, PATIENCE_S,
             f"the machine has heard: {word or 'nothing'}")


def wait_until_logged(world, machine, text):
    wait_for(lambda: text in log_of(world, machine), PATIENCE_S, f"the machine logs: {text}")


def test_drain_lets_the_task_end(world):
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    later = world.add_task("cpu", "later", "print('later')")
    assert tell(world, "drain", machine) == f"{machine}: drain, with the next pass\n"
    assert tell(world, "drain", machine) == f"{machine}: drain, as before\n"
    wait_for_order(world, machine, "drain")
    assert status(world, machine)["phase"] == "drain"
    assert machine in tell(world, "forget", "--list")
    assert world.client.status(task) == "in_progress"
    assert len(runs_of(world, task)) == 1
    gate.touch()
    wait_for_status(world, task, "completed")
    wait_for_status(world, later, "completed")
    wait_for_reaper(reaper)
    life = world.lives()[machine]
    assert life["reason"] == "drained" and life["exit_status"] == 0, life
    assert len(world.instances()) == 2, "the other task is run by another machine"
    check_nothing_left(world)
    # The word goes with the machine, and what is left in the task is told to nobody.
    assert world.run_reaper("run").returncode == 0
    assert tell(world, "drain", "--list") == "no machine is told anything\n"
    assert '"orders":{}' in orders(world)
    board, = boards(world)
    # Its console is the log of decisions: each once.
    console = world.client.console(board)
    assert all(console.count(f"launched {name}: ") == 1 for name in world.instances()), console
    assert console.count(f"ordered {machine}: drain") == 1, console


def test_leave_gives_the_task_back(world):
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    tell(world, "leave", "--resource", "cpu")
    wait_for_runs(world, task, 2)
    assert running_machine(world) != machine
    assert world.client.properties(task)["mayfly_attempt"] == f"{task}/2"
    assert world.lives()[machine]["reason"] == "told-to-leave"
    finish(world, task, gate, reaper, runs=2)


def test_keep_outlives_the_idle_timeout_and_the_ledger(world):
    """The ledger is deleted in between: a new one learns the order from the task."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    tell(world, "keep", machine)
    wait_for_order(world, machine, "keep")
    gate.touch()
    wait_for_status(world, task, "completed")
    wait_for(lambda: status(world, machine).get("idle_s", 0) >= 2 * 3, PATIENCE_S,
             "it is idle for twice its time-out")
    assert status(world, machine)["kept_by"] == "order"
    number = status(world, machine)["order_number"]
    reaper.kill()
    reaper.wait()
    shutil.rmtree(world.folder / "state")
    reaper = world.start_reaper("watch", "--until-empty")
    wait_for(lambda: machine in tell(world, "keep", "--list"), PATIENCE_S,
             "the new ledger knows the order")
    before = status(world, machine)["idle_s"]
    wait_for(lambda: status(world, machine).get("idle_s", 0) >= before + 4, PATIENCE_S,
             "it stays idle, and stays")
    tell(world, "forget", machine)
    wait_for_reaper(reaper)
    assert world.lives()[machine]["reason"] == "idle"
    # It went on from the number in the task.
    heard = [int(word) for word in _numbers(log_of(world, machine))]
    assert heard == sorted(heard) and heard[-1] > number, heard
    assert len(boards(world)) == 1
    check_nothing_left(world)


def _numbers(log):
    for line in log.splitlines():
        if "by order " in line and "event=order" in line:
            yield line.split("by order ")[1].split(" ")[0]


def test_only_the_reapers_own_newest_words_are_obeyed(world):
    """Anybody with an API key can write the property."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    tell(world, "keep", machine)
    wait_for_order(world, machine, "keep")
    kept = orders(world)
    tell(world, "forget", machine)
    wait_for_order(world, machine, "")
    reaper.kill()
    reaper.wait()

    pin(world, kept.replace('"keep"', '"leave"'))
    wait_until_logged(world, machine, "altered, or signed anew elsewhere")
    pin(world, kept)
    wait_until_logged(world, machine, "an old one was put back")
    pin(world, "leave")
    wait_until_logged(world, machine, "expected a line and its signature")
    # A reaper with another key than those that the machine trusts.
    other = json.loads(world.config.read_text())
    other["signing_key"]["file"] = str(world.make_keys("other") / "signing.key")
    other["state_folder"] = str(world.folder / "other-state")
    other["defaults"]["bundle"]["file"] = str(world.folder / "other.age")
    path = world.folder / "other.json"
    path.write_text(json.dumps(other))
    for words in (["seal", "--in", str(world.folder / "bundle.json"), "--out",
                   str(world.folder / "other.age")], ["leave", machine], ["run"]):
        done = subprocess.run([str(REAPER), *words, "--config", str(path)], capture_output=True,
                              text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
    assert f'"{machine}":"leave"' in orders(world)
    wait_until_logged(world, machine, "which is not trusted")

    said = status(world, machine)
    assert (said["order"], said["phase"], said["kept_by"]) == ("", "serve", ""), said
    assert len(runs_of(world, task)) == 1
    # The real one takes the task back, and machines hear it again.
    reaper = world.start_reaper("watch", "--until-empty")
    tell(world, "drain", machine)
    wait_for_order(world, machine, "drain")
    finish(world, task, gate, reaper, runs=1)


def second_reaper(world):
    """Another one of the prefix, with the same keys and a state folder of its own."""
    other = json.loads(world.config.read_text())
    other["state_folder"] = str(world.folder / "second-state")
    path = world.folder / "second.json"
    path.write_text(json.dumps(other))

    def run(*words):
        done = subprocess.run([str(REAPER), *words, "--config", str(path)], capture_output=True,
                              text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        return done
    return run


def parts(world):
    """Who says what: {issuer: orders}."""
    line = json.loads(orders(world).splitlines()[0])
    return {part["issuer"]: part["orders"] for part in [line, *line.get("others", [])]}


def test_two_reapers_leave_each_others_orders_alone(world):
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    tell(world, "keep", machine)
    wait_for_order(world, machine, "keep")
    first, = parts(world)
    second = second_reaper(world)
    # It may be the same reaper with a new ledger: it takes the word over, and sees no other one
    # until that one signs again.
    reaper.send_signal(signal.SIGSTOP)
    second("run")
    assert "OTHER REAPER" not in second("status").stdout
    reaper.send_signal(signal.SIGCONT)
    # The first one signs its word again, and the second one gives it back.
    wait_for(lambda: parts(world).get(first) == {machine: "keep"}, PATIENCE_S,
             "the first one has signed anew")
    done = second("run")
    assert "event=other-reaper" in done.stderr and first in done.stderr, done.stderr
    assert "no machine is told anything" in second("keep", "--list").stdout
    assert "OTHER REAPER" in second("status").stdout
    # Each has a word of its own, in one text; the first one sees the second, too.
    second("drain", machine)
    second("run")
    wait_for_order(world, machine, "drain")
    wait_for(lambda: "OTHER REAPER" in tell(world, "status"), PATIENCE_S, "the first one tells it")
    assert "other reaper" in tell(world, "journal")
    assert sorted(map(str, parts(world).values())) == sorted(
        [str({machine: "keep"}), str({machine: "drain"})]), orders(world)
    # What one takes back, the other does not bring again.
    tell(world, "forget", machine)
    wait_for(lambda: not parts(world).get(first), PATIENCE_S, "the first one took it back")
    second("run")
    assert [said for said in parts(world).values() if said] == [{machine: "drain"}], orders(world)
    finish(world, task, gate, reaper, runs=1)


def test_names_that_no_machine_has(world):
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    for words, complaint in (
            (("drain", machine[:-1]), f"did you mean {machine}?"),
            (("drain", machine, "i-0abc"), 'no machine is named "i-0abc"'),
            (("keep", "--resource", "cpuu"), "did you mean cpu?"),
            (("leave",), "expected one of INSTANCE..., --resource NAME, --list"),
            (("leave", machine, "--list"), "expected one of"),
    ):
        done = world.run_reaper(*words)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert complaint in done.stderr, done.stderr
    assert tell(world, "drain", "--list") == "no machine is told anything\n"
    finish(world, task, gate, reaper, runs=1)


def test_a_task_that_was_deleted_or_stopped_comes_back(world):
    """Also while a machine listens to it."""
    task, gate, reaper = begin(world)
    machine = running_machine(world)
    first, = boards(world)
    assert world.client.status(first) == "in_progress"
    world.client.call("tasks.stop", task=first, force=True)
    wait_for_status(world, first, "in_progress")
    world.client.call("tasks.delete", task=first, force=True)
    wait_for(lambda: boards(world) not in ([], [first]), PATIENCE_S, "there is a new one")
    tell(world, "drain", machine)
    wait_for_order(world, machine, "drain")
    finish(world, task, gate, reaper, runs=1)
    assert len(boards(world)) == 1
