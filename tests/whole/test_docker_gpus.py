"""Docker mode, whole: the GPUs of a machine are shared out among its seats.

What no test here can show: that a task computes on a GPU, or that a driver keeps the others from
it. There is none. All of docker's and runc's handling is real, up to NVIDIA's hook, which is a
stand-in (tests/peers/fake_gpu.py).
"""

import json
import shutil

import pytest
from lives import PATIENCE_S, wait_for_reaper, wait_for_runs, wait_for_status
from test_docker import check_clean
from world import World, wait_for

from peers.engine import Engine
from peers.fake_gpu import NAME, FakeGpus

SEES = '''
import glob, os
print("sees", os.environ.get("NVIDIA_VISIBLE_DEVICES"), sorted(glob.glob("/dev/nvidia[0-9]*")))
'''


@pytest.fixture(scope="module")
def gpu_engine(tmp_path_factory):
    reason = Engine.unavailable()
    if reason:
        pytest.skip(reason)
    if shutil.which(NAME):
        pytest.skip("this machine has a hook of its own")
    folder = tmp_path_factory.mktemp("gpus")
    with Engine(folder / "engine", path_prefix=FakeGpus(folder, ("0", "1")).path) as engine:
        engine.load_agent_image()
        engine.load_task_image()
        yield engine


@pytest.fixture
def gpu_world(request, gpu_engine, tmp_path):
    with World(tmp_path / "world", gpu_engine) as world:
        request.node.world = world
        yield world


def run(world, count):
    """So many tasks at a time, each until its gate opens; the ids of all."""
    gate = world.folder / "gate"
    source = SEES + world.gated_source(gate)
    tasks = [world.add_task("cpu", f"task {n}", source) for n in range(count)]
    reaper = world.start_reaper("watch", "--until-empty")
    for task in tasks:
        wait_for_runs(world, task, 1)
    asked = requests(world)
    gate.touch()
    for task in tasks:
        wait_for_status(world, task, "completed")
    wait_for_reaper(reaper)
    assert len(world.instances()) == 1
    check_clean(world)
    return tasks, asked


def requests(world):
    """By role and seat, what each of our containers asks for: devices by name, or -1 for all."""
    found = {}
    for role in ("agent", "task"):
        for said in world.containers(role).values():
            run_of = next(word for word in said["Config"]["Env"] if word.startswith("MAYFLY_RUN="))
            seat = run_of.split("/")[1]
            found[role, seat] = [request["DeviceIDs"] or request["Count"]
                                 for request in said["HostConfig"]["DeviceRequests"] or []]
    return found


def seat_of(world, task):
    return world.client.task(task)["last_worker"].rsplit(":", 1)[1]


def test_a_device_for_each_seat(gpu_world):
    """Two seats, two GPUs: whoever runs beside it, a task sees its own one alone."""
    gpu_world.add_resource("cpu", gpus=2, seats=2)
    tasks, asked = run(gpu_world, 2)
    assert asked == {(role, seat): [[seat]] for role in ("agent", "task") for seat in "01"}
    assert {seat_of(gpu_world, task) for task in tasks} == {"0", "1"}
    for task in tasks:
        seat = seat_of(gpu_world, task)
        # The agent says "all" to its task, which is all that the container has.
        assert f"sees all ['/dev/nvidia{seat}']" in gpu_world.client.console(task)


def test_all_devices_for_one_seat(gpu_world):
    gpu_world.add_resource("cpu", gpus=2)
    tasks, asked = run(gpu_world, 1)
    assert asked == {("agent", "0"): [-1], ("task", "0"): [-1]}
    assert "sees all ['/dev/nvidia0', '/dev/nvidia1']" in gpu_world.client.console(tasks[0])


def test_more_promised_than_there_are(gpu_world):
    """The machine refuses itself before it takes anything."""
    gpu_world.add_resource("cpu", gpus=4, seats=2)
    task = gpu_world.add_task("cpu", "large", "print('never')")
    reaper = gpu_world.start_reaper("run")
    life = wait_for(lambda: next(iter(gpu_world.lives().values()), None), PATIENCE_S,
                    "the machine leaves")
    assert life["reason"] == "gate"
    assert "4 GPUs are promised, containers see 2" in json.dumps(life)
    reaper.terminate()
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper ends")
    wait_for(lambda: not gpu_world.processes(), PATIENCE_S,
             "a machine that was launched after the first one leaves, too")
    assert gpu_world.client.waiting(gpu_world.queues["cpu"]) == [task]
    assert gpu_world.client.status(task) == "queued"
    check_clean(gpu_world)
