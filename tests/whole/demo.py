"""make demo: ClearML's autoscaling picture, played on this computer.

Two queues, two tasks in each, four machines. A ClearML stand-in starts empty; queues and tasks are
made through the API; mayfly-reaper launches machines; each takes its task, runs it through the
real clearml-agent, finds itself idle and leaves; nothing stays behind.

With `--agent docker` (the default where this machine's docker engine answers, and we are root) each
task runs in a container, else as a process. The two images that it needs are made here, of
packages, once (.deps/images), loaded into the engine and taken out of it again at the end.
"""

import argparse
import contextlib
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path

from world import TREE, World, wait_for

from peers import images
from peers.system_engine import SystemEngine

QUEUES = ("cpu", "gpu")
TASKS = {"cpu": ("clean the data", "count the words"), "gpu": ("train small", "train large")}
LIMIT_S = 900  # a hang ends the demo; a slow machine does not
SOURCE = '''
import math, random, time

random.seed({seed})
points = [(x / 50, 3 * x / 50 + 1 + random.gauss(0, 0.1)) for x in range(100)]
slope = offset = 0.0
for epoch in range(1, {epochs} + 1):
    errors = [(slope * x + offset - y, x) for x, y in points]
    slope -= 0.2 * sum(e * x for e, x in errors) / len(points)
    offset -= 0.2 * sum(e for e, x in errors) / len(points)
    if epoch % ({epochs} // 5) == 0:
        loss = math.sqrt(sum(e * e for e, x in errors) / len(points))
        print(f"{name}: epoch {{epoch}} loss {{loss:.4f}}", flush=True)
        time.sleep(0.4)
print(f"{name}: y = {{slope:.2f}} x + {{offset:.2f}}", flush=True)
'''


def say(text=""):
    print(text, flush=True)


def table(rows):
    """Rows of words, the first one the heading, in aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        say("  " + "  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip())


def moment(text):
    """Seconds since 1970 of ClearML's time stamp."""
    return datetime.fromisoformat(text).timestamp()


def machine_of(worker):
    """The instance in a worker id prefix:resource:type:instance[:seat]."""
    return worker.split(":")[3] if worker.count(":") >= 3 else "?"


def add_work(world):
    tasks = []
    for queue in QUEUES:
        world.add_resource(queue, max_instances=2)
        for number, name in enumerate(TASKS[queue]):
            source = SOURCE.format(name=name, seed=number, epochs=50 * (number + 1))
            tasks.append((world.add_task(queue, name, source), queue, name))
    return tasks


def follow(world, reaper, tasks):
    """Wait for the reaper's end; say what happens as it happens."""
    seen = set()

    def look():
        for task, queue, name in tasks:
            status = world.client.status(task)
            if (task, status) not in seen:
                seen.add((task, status))
                say(f"  {time.time() - world.began:6.1f} s  {status:<12} {name} ({queue})")
        return reaper.poll() is not None

    wait_for(look, LIMIT_S, "the reaper sees that nothing is left, and ends")


def task_rows(world, tasks):
    popped = {}
    for entry in world.client.history():
        if entry["what"] == "popped":
            popped.setdefault(entry["task"], entry["time"])
    rows = [("TASK", "QUEUE", "MACHINE", "WAITED", "RAN", "ENDED")]
    for task, queue, name in tasks:
        seen = world.client.task(task)
        ran = moment(seen["completed"]) - moment(seen["started"])
        waited = popped[task] - moment(seen["created"])
        rows.append((name, queue, machine_of(seen["last_worker"]), f"{waited:.1f} s",
                     f"{ran:.1f} s", seen["status"]))
    return rows


def timeline(world, tasks):
    """Every event of the demo, in order: (seconds since the start, words).
    Not of the reaper's own task: it runs nowhere."""
    names = {task: name for task, _, name in tasks}
    events = []
    for entry in world.client.history():
        name = names.get(entry["task"])
        if not name:
            continue
        if entry["what"] == "popped":
            events.append((entry["time"], f"popped     {name} by {machine_of(entry['worker'])}"))
        elif entry.get("after") == "in_progress" != entry["before"]:
            events.append((entry["time"], f"started    {name}"))
        elif entry.get("after") == "completed":
            events.append((entry["time"], f"completed  {name}"))
    for instance, life in world.lives().items():
        events.append((life["launched_s"], f"launched   {instance}"))
        events.append((life["ended_s"], f"left       {instance}: {life['reason']}"))
    return sorted((when - world.began, words) for when, words in events)


def problems(world, reaper, tasks):
    """What did not go as promised; empty when all did."""
    found = []
    if reaper.returncode != 0:
        found.append(f"mayfly-reaper ended with {reaper.returncode}")
    for task, _, name in tasks:
        if world.client.status(task) != "completed":
            found.append(f"{name} is {world.client.status(task)}")
        if f"{name}: y = " not in world.client.console(task):
            found.append(f"the console of {name} did not arrive")
    lives = world.lives()
    if len(world.instances()) != 4 or len(lives) != 4:
        found.append(f"{len(world.instances())} machines were launched, {len(lives)} left a record")
    found += [f"still running: {pid} {command}" for pid, command in world.processes().items()]
    found += [f"against ClearML's contract: {entry}" for entry in world.client.violations()]
    return found


@contextlib.contextmanager
def engine_of(agent):
    """The machine's engine with our images in it, or None; LookupError says why there is none."""
    reason = SystemEngine.unavailable() if agent != "host" else "--agent host"
    if reason and agent == "docker":
        raise LookupError(f"no container can run here: {reason}")
    if reason:
        say(f"Tasks run as processes of this computer, not in containers ({reason}).")
        yield None
        return
    engine = SystemEngine()
    loaded = []
    say(f"Tasks run in containers of the engine at {engine.socket}. The two images for that are"
        " made\nof packages, which takes a minute or two the first time, and taken out again at"
        " the end:")
    try:
        for name, archive in (images.agent(), images.task()):
            if not engine.inspect(name):
                engine.docker("load", "-i", archive)
                loaded.append(name)
            say(f"  image {name}, {engine.inspect(name)['Size'] / 1e6:.0f} MB")
        yield engine
    finally:
        for name in loaded:
            engine.docker("rmi", name, check=False)


def play(folder, engine):
    """The whole demo; the list of problems."""
    with World(folder, engine) as world:
        world.began = int(time.time())  # launches are known to the second
        say(f"A stand-in of a ClearML server listens on {world.url}.\n"
            f"It has got two queues, {' and '.join(QUEUES)}, and two tasks in each.\n")
        tasks = add_work(world)
        say("$ mayfly-reaper plan       (what it would do, and why)")
        plan = world.run_reaper("plan")
        say(plan.stdout or plan.stderr)
        if plan.returncode:
            return [f"mayfly-reaper plan ended with {plan.returncode}"]
        say("$ mayfly-reaper watch --until-empty       (it does it; what the tasks' status is)")
        reaper = world.start_reaper("watch", "--until-empty")
        try:
            follow(world, reaper, tasks)
        except AssertionError as problem:
            return [str(problem), world.log_tail()]
        found = problems(world, reaper, tasks)
        if found:
            return found + [world.log_tail()]
        say("\nWhat became of the tasks, each on a machine of its own:\n")
        table(task_rows(world, tasks))
        say("\nThe tasks and the machines in one line of time:\n")
        for when, words in timeline(world, tasks):
            say(f"  {when:6.1f} s  {words}")
        say(f"\nEverything ran, nothing is left. {time.time() - world.began:.0f} s in all."
            f"\nConfiguration and logs of reaper and machines: {folder}")
        return []


def main():
    parser = argparse.ArgumentParser(description="ClearML's autoscaling picture on this computer.")
    parser.add_argument("--folder", type=Path, default=TREE / "build" / "demo",
                        help="where everything lives; emptied first, kept for a look afterwards")
    parser.add_argument("--agent", choices=("docker", "host", ""), default="",
                        help="where tasks run: in containers, or as processes; default: containers"
                        " where an engine answers")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    try:
        with engine_of(options.agent) as engine:
            found = play(options.folder, engine)
    except LookupError as problem:
        found = [str(problem)]
    for problem in found:
        print(f"demo: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
