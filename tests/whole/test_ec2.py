"""Lives of mayfly-bootstrap on EC2: the metadata service at its real address, the real agent."""

import fcntl
import shutil
import time

import pytest
from ec2 import (ALONE, DOCUMENT_PATH, HOST_AGENT, ID, MARKET_PATH, NOTICE_PATH, PATIENCE_S,
                 REBALANCE_PATH, TYPE, Instance, ticket_for_aws)
from lives import check_properties_gone, runs_of, wait_for_runs, wait_for_status
from metadata_mock import MockedInstance
from peers.cloud import Cloud
from world import wait_for

SAVING = '''
import os, signal, sys, time

def save(*_):
    with open({saved!r}, "a") as file:
        file.write("saved\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, save)
'''


def unavailable():
    """None, or a sentence why there are no instances here."""
    if not shutil.which("minisign"):
        return "needs minisign (package minisign)"
    return Cloud.unavailable()


@pytest.fixture
def make(request, world, tmp_path):
    """make(market, kind) -> an instance for the world's resource."""
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    world.add_resource("cpu", agent=HOST_AGENT)
    made = []

    def begin(market="on-demand", kind=Instance):
        made.append(kind(world, tmp_path / "instance", ticket_for_aws(world, "cpu"),
                         market).__enter__())
        return made[-1]
    yield begin
    for instance in made:
        request.node.add_report_section("call", "instance", instance.log_tail())
        instance.__exit__()


def assert_gone(instance):
    wait_for(lambda: not instance.processes(), PATIENCE_S, "no process is left")
    assert instance.world.client.violations() == []
    left = [name for name in instance.world.client.workers() if not name.endswith(":bootstrap")]
    assert left == []


def add_gated(world, head=""):
    gate = world.folder / "gate"
    return world.add_task("cpu", "gated", head + world.gated_source(gate)), gate


def test_a_life(make, world):
    """It knows who it is, takes its task, idles out, and leaves."""
    task, gate = add_gated(world)
    instance = make()
    instance.boot()
    wait_for_runs(world, task, 1)
    record, = (name for name in world.client.workers() if name.endswith(":bootstrap"))
    assert record == f"world:cpu:{TYPE}:{ID}:bootstrap"
    gate.touch()
    assert instance.wait_for_end() == 0
    assert world.client.status(task) == "completed"
    check_properties_gone(world, task)
    record = instance.record()
    assert (record["instance"], record["reason"], record["resource"]) == (ID, "idle", "cpu")
    assert instance.asked(NOTICE_PATH) == [], "nobody takes an on-demand instance away"
    assert_gone(instance)


def test_a_spot_instance_is_taken_away(make, world):
    """The task is told, saves, and is back at the front of its queue before the time is over."""
    saved = world.folder / "saved"
    task, _ = add_gated(world, SAVING.format(saved=str(saved)))
    instance = make("spot")
    instance.boot()
    wait_for_runs(world, task, 1)
    wait_for_status(world, task, "in_progress")
    later, _ = add_gated(world)
    instance.give_notice(110)
    assert instance.wait_for_end() == 0
    assert saved.read_text() == "saved\n"
    assert world.client.status(task) == "queued"
    assert world.client.waiting(world.queues["cpu"]) == [task, later]
    assert world.client.task(task)["status_reason"].startswith("infra:spot (")
    assert world.client.properties(task)["mayfly_attempt"] == f"{task}/1"
    assert "(spot): back to the front of its queue" in world.client.console(task)
    assert runs_of(world, later) == []
    assert instance.record()["reason"] == "interrupted"
    assert set(instance.asked(NOTICE_PATH)) <= {200, 404}
    assert_gone(instance)


def test_a_life_with_the_mock_of_aws(make, world):
    """amazon-ec2-metadata-mock says who it is and gives the ticket. Then it is started anew, with a
    notice and without the token that bootstrap has."""
    task, _ = add_gated(world)
    instance = make("spot", MockedInstance)
    instance.boot()
    wait_for_runs(world, task, 1)
    wait_for_status(world, task, "in_progress")
    instance.take_away(time.time() + 110)
    assert instance.wait_for_end() == 0
    record = instance.record()
    assert (record["instance"], record["reason"]) == (ID, "interrupted")
    assert world.client.status(task) == "queued"
    assert world.client.task(task)["status_reason"].startswith("infra:spot (")
    assert_gone(instance)


def test_a_task_in_a_container_is_told(docker_world, tmp_path):
    """Its own process alone: the agent in its container stands still, and its end is not the
    container's."""
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    world = docker_world
    world.add_resource("cpu")
    saved = world.folder / "saved"
    task, _ = add_gated(world, SAVING.format(saved=str(saved)))
    with Instance(world, tmp_path / "instance", ticket_for_aws(world, "cpu"),
                  "spot") as instance:
        instance.boot()
        wait_for_runs(world, task, 1)
        wait_for_status(world, task, "in_progress")
        instance.give_notice(110)
        status = instance.wait_for_end()
        assert status == 0, instance.log_tail()
        assert saved.read_text() == "saved\n"
        assert world.client.status(task) == "queued"
        assert world.client.task(task)["status_reason"].startswith("infra:spot (")
        assert instance.record()["reason"] == "interrupted"
        assert world.containers(instance=ID) == {}
        assert_gone(instance)


def test_a_task_that_does_not_save_in_time(make, world):
    """It is killed 20 s before the end, and given back all the same."""
    task, _ = add_gated(world, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n")
    instance = make("spot")
    instance.boot()
    wait_for_runs(world, task, 1)
    wait_for_status(world, task, "in_progress")
    instance.give_notice(28)
    assert instance.wait_for_end() == 0
    assert world.client.status(task) == "queued"
    assert world.client.task(task)["status_reason"].startswith("infra:spot (")
    assert [run[2] for run in runs_of(world, task)] == [False]
    assert_gone(instance)


def test_a_rebalance_is_recommended(make, world):
    """It may not come to it: the running task ends in peace, and no other is taken."""
    task, gate = add_gated(world)
    instance = make("spot")
    instance.boot()
    wait_for_runs(world, task, 1)
    later = world.add_task("cpu", "later", "print('not here')")
    instance.recommend_rebalance()
    wait_for(lambda: 200 in instance.asked(REBALANCE_PATH), PATIENCE_S, "it has heard of it")
    gate.touch()
    assert instance.wait_for_end() == 0
    assert world.client.status(task) == "completed"
    assert world.client.waiting(world.queues["cpu"]) == [later]
    assert instance.record()["reason"] == "rebalance"
    assert_gone(instance)


def test_it_switches_itself_off(make, world):
    """Last of all, when all is said."""
    task = world.add_task("cpu", "short", "print('hello')")
    instance = make()
    instance.boot("--power-off", prefix=ALONE)
    instance.wait_for_end()
    assert instance.has_switched_itself_off()
    assert world.client.status(task) == "completed"
    assert instance.record()["reason"] == "idle"
    assert "still on" not in instance.log.read_text()


def test_who_cannot_know_itself_is_switched_off(make):
    instance = make()
    instance.forget(DOCUMENT_PATH)
    instance.boot("--power-off", prefix=ALONE)
    instance.wait_for_end()
    assert instance.has_switched_itself_off()
    assert instance.record()["reason"] == "identity"


def test_beside_another_life_it_stays_on(make):
    """A second bootstrap by mistake, in the same folder."""
    instance = make()
    with open(instance.state / "run.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance.boot("--power-off", prefix=ALONE)
        assert instance.wait_for_end() == 0
    assert "still on, status 1" in instance.log.read_text()


@pytest.mark.parametrize("path", [DOCUMENT_PATH, MARKET_PATH])
def test_it_cannot_know_who_it_is(make, path):
    """Without a name it takes nothing."""
    instance = make()
    instance.forget(path)
    instance.boot()
    assert instance.wait_for_end() == 3
    record = instance.record()
    assert record["reason"] == "identity" and path in record["detail"], record
