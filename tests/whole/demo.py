"""make demo: ClearML's autoscaling picture, played on this computer.

Two queues, two tasks in each, four machines. A ClearML stand-in starts empty; queues and tasks are
made through the API; mayfly-reaper launches machines; each takes its task, runs it through the
real clearml-agent, finds itself idle and leaves; nothing stays behind.
"""

import argparse
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path

from world import TREE, World, wait_for

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
    """Every event of the demo, in order: (seconds since the start, words)."""
    names = {task: name for task, _, name in tasks}
    events = []
    for entry in world.client.history():
        name = names.get(entry["task"], entry["task"])
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


def play(folder):
    """The whole demo; the list of problems."""
    with World(folder) as world:
        world.began = int(time.time())  # launches are known to the second
        say(f"ClearML stand-in on {world.url}, empty. Two queues, two tasks in each:")
        tasks = add_work(world)
        plan = world.run_reaper("plan")
        say(plan.stdout or plan.stderr)
        if plan.returncode:
            return [f"mayfly-reaper plan ended with {plan.returncode}"]
        say("mayfly-reaper watch --until-empty")
        reaper = world.start_reaper("watch", "--until-empty")
        try:
            follow(world, reaper, tasks)
        except AssertionError as problem:
            return [str(problem), world.log_tail()]
        found = problems(world, reaper, tasks)
        if found:
            return found + [world.log_tail()]
        say()
        table(task_rows(world, tasks))
        say()
        for when, words in timeline(world, tasks):
            say(f"  {when:6.1f} s  {words}")
        say(f"\nEverything ran, nothing is left. {time.time() - world.began:.0f} s in all.")
        return []


def main():
    parser = argparse.ArgumentParser(description="ClearML's autoscaling picture on this computer.")
    parser.add_argument("--folder", type=Path, default=TREE / "build" / "demo",
                        help="where everything lives; emptied first, kept for a look afterwards")
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    found = play(folder)
    for problem in found:
        print(f"demo: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
