"""I1: one machine a slot, however reapers overlap, are killed, or know nothing of each other."""

import shutil
from collections import Counter

import pytest

from standin.client import wait_for

from .bench import slot_of

PATIENCE_S = 60
REAPERS = 4


def slots(bench):
    return Counter((resource, slot) for resource, slot, _ in
                   map(slot_of, bench.machines_of_moto()))


def run_all(bench, configs):
    """`run` with each of these configurations, all at once, to their ends."""
    children = [bench.start_reaper("run", config=config) for config in configs]
    for child in children:
        child.wait(timeout=PATIENCE_S)
    return [child.returncode for child in children]


@pytest.fixture
def full(bench):
    """Three slots, and more tasks than they take."""
    bench.add_resource("gpu", max_instances=3)
    bench.add_tasks("gpu", 5)
    bench.proxy.set(hidden_looks=2)
    bench.proxy.fault(action="RunInstances", times=0, delay_s=0.3)
    return bench


def test_reapers_of_one_host_overlap(full):
    for _ in range(3):
        run_all(full, [full.config] * REAPERS)
    assert slots(full) == {("gpu", slot): 1 for slot in range(3)}


def test_reapers_of_several_hosts_overlap(full):
    """None knows what another has asked: EC2 gives them the same machine for the same key."""
    configs = full.hosts(REAPERS)
    for _ in range(3):
        run_all(full, configs)
    assert slots(full) == {("gpu", slot): 1 for slot in range(3)}
    tokens = [call["parameters"]["ClientToken"] for call in full.proxy.calls("RunInstances")]
    assert len(set(tokens)) == 3 < len(tokens), "they never met"


def test_a_lost_state_launches_nothing_again(full):
    full.run()
    shutil.rmtree(full.folder / "state")
    for _ in range(3):
        full.run()
    assert slots(full) == {("gpu", slot): 1 for slot in range(3)}


@pytest.mark.parametrize("moment", ["delay_s", "delay_after_s"])
def test_a_reaper_is_killed_between_request_and_answer(bench, moment):
    bench.add_resource("gpu", max_instances=3)
    bench.add_tasks("gpu", 1)
    bench.proxy.set(hidden_looks=2)
    bench.proxy.fault(action="RunInstances", **{moment: 3})
    child = bench.start_reaper("run")
    if moment == "delay_after_s":
        wait_for(bench.machines_of_moto, PATIENCE_S, "moto has launched it")
    else:
        wait_for(lambda: not bench.proxy.control("GET", "faults"), PATIENCE_S, "it was asked")
    child.kill()
    child.wait()
    for _ in range(4):
        bench.run()
    wait_for(bench.machines_of_moto, PATIENCE_S, "it is there")
    assert slots(bench) == {("gpu", 0): 1}
    asked = bench.proxy.calls("RunInstances")
    assert all(one["parameters"] == asked[0]["parameters"] for one in asked), [
        (one["code"], one.get("differs")) for one in asked]


@pytest.mark.slow
def test_ec2_is_killed_between_launch_and_answer(bench):
    """The proxy, that is: what it has noted before is enough for it to answer the repeat."""
    bench.add_resource("gpu", max_instances=3)
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", delay_after_s=30)
    child = bench.start_reaper("run")
    wait_for(bench.machines_of_moto, PATIENCE_S, "moto has launched it")
    bench.proxy.kill()
    child.wait(timeout=PATIENCE_S)
    bench.proxy.start()
    for _ in range(2):
        bench.run_reaper("run")
    assert slots(bench) == {("gpu", 0): 1}
