"""mayfly-reaper launches, mayfly-bootstrap lives in what was launched, the real clearml-agent runs
the tasks: nothing of a ticket, its user data or its bundle is made by a test. I1, one machine a
slot, is looked at each time that EC2 goes on (fleet.py)."""

import json
import signal

import pytest

from standin.client import wait_for

from .bench import slot_of
from .fleet import PATIENCE_S
from .iam import actions_of

from ec2 import ALONE  # (bench.py adds the path)
from lives import check, check_nothing_left, runs_of

HANGS = (*ALONE, "sh", "-c", "sleep 3600")


def slots(fleet):
    """Of all that ever were launched."""
    return sorted(slot_of(one) for one in fleet.all_of_moto())


def check_end(fleet, tasks, runs=1):
    """Each task ran so often, all machines have left, and nothing costs money any more."""
    for task in tasks:
        check(fleet, task, runs)
    check_nothing_left(fleet)
    assert fleet.machines_of_moto() == []


def watch_until_empty(fleet, configs=(None,)):
    reapers = [fleet.start_reaper("watch", "--until-empty", config=config) for config in configs]
    fleet.wait_for(lambda: all(reaper.poll() is not None for reaper in reapers),
                   "the reapers see nothing left")
    assert {reaper.returncode for reaper in reapers} == {0}


def store_bundle(fleet):
    """In S3, where machines read it by their role, which may do what `iam aws` prints."""
    moto, ground = fleet.proxy.moto, fleet.ground
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="mayfly")
    s3.put_object(Bucket="mayfly", Key="bundle.age",
                  Body=(fleet.folder / "bundle.age").read_bytes())
    moto.client("iam").put_role_policy(
        RoleName=ground.instance_profile, PolicyName="machines",
        PolicyDocument=json.dumps(fleet.policy("--for", "machines")))


def test_two_queues_are_emptied(fleet):
    """One machine gets its bundle with its ticket, another reads it from S3; and whoever asks AWS
    may do no more than `iam aws` prints, as far as moto knows (Moto.guard)."""
    fleet.gate.touch()
    fleet.add_resource("cpu", max_instances=2)
    fleet.add_resource("spot", offerings=[fleet.offering(markets=["spot"])],
                       bundle={"source": "s3://mayfly/bundle.age"})
    store_bundle(fleet)
    fleet.guard(actions_of(fleet.policy()))
    tasks = fleet.add_gated("cpu", 2) + fleet.add_gated("spot", 1)
    planned = sorted((one["resource"], one["slot"], one["generation"])
                     for one in fleet.shown("plan")["launches"])
    assert len(planned) == 3
    watch_until_empty(fleet)
    check_end(fleet, tasks)
    assert slots(fleet) == planned
    assert {life["reason"] for life in fleet.lives().values()} == {"idle"}
    assert fleet.proxy.calls("TerminateInstances") == [], "machines leave by themselves"
    assert [(call["path"], call["status"]) for call in fleet.proxy.calls("s3:GET")] == [
        ("/mayfly/bundle.age", 200)]


@pytest.mark.slow
def test_reapers_overlap_on_two_hosts(fleet):
    """Two share a state folder, the third knows nothing of them; lists lag behind."""
    fleet.gate.touch()
    fleet.add_resource("cpu", max_instances=2)
    tasks = fleet.add_gated("cpu", 3)
    fleet.proxy.set(hidden_looks=4)
    fleet.proxy.fault(action="RunInstances", times=0, delay_s=0.3)
    one, other = fleet.hosts(2)
    watch_until_empty(fleet, [one, one, other])
    check_end(fleet, tasks)
    asked = fleet.proxy.calls("RunInstances")
    assert len(slots(fleet)) < len(asked), "they never met"


@pytest.mark.slow
def test_a_reaper_is_killed_between_request_and_answer(fleet):
    """Its machine boots all the same; the next pass takes it for the one that it asked for."""
    fleet.gate.touch()
    fleet.add_resource("cpu", max_instances=2)
    tasks = fleet.add_gated("cpu", 1)
    fleet.proxy.set(hidden_looks=2)
    fleet.proxy.fault(action="RunInstances", delay_after_s=5)
    reaper = fleet.start_reaper("run")
    wait_for(fleet.machines_of_moto, PATIENCE_S, "moto has launched it")
    assert reaper.poll() is None
    reaper.kill()
    watch_until_empty(fleet)
    check_end(fleet, tasks)
    assert slots(fleet) == [("cpu", 0, 0)]


def test_the_power_goes_while_a_task_runs(fleet):
    """Spot takes a machine back without a word; another one runs its task again."""
    fleet.add_resource("cpu", offerings=[fleet.offering(markets=["spot"])])
    task, = fleet.add_gated("cpu", 1)
    reaper = fleet.start_reaper("watch", "--until-empty")
    fleet.wait_for(lambda: runs_of(fleet, task), "the task runs")
    first, = fleet.instances()
    fleet.proxy.end(first, "Server.SpotInstanceTermination", "Spot instance termination")
    fleet.wait_for(lambda: len(runs_of(fleet, task)) == 2, "another machine runs it")
    fleet.gate.touch()
    fleet.wait_for(lambda: reaper.poll() is not None, "the reaper sees nothing left")
    check_end(fleet, [task], runs=2)
    assert slots(fleet) == [("cpu", 0, 0), ("cpu", 0, 1)]
    assert list(fleet.lives()) == [name for name in fleet.instances() if name != first]


@pytest.mark.slow
def test_a_machine_that_never_boots_is_terminated(fleet):
    """Its own deadlines do not help it, the reaper's does; and the slot's next machine works."""
    fleet.gate.touch()
    fleet.add_resource("cpu", boot_deadline="10s")
    tasks = fleet.add_gated("cpu", 1)
    fleet.prefix = HANGS
    reaper = fleet.start_reaper("watch", "--until-empty")
    first, = fleet.wait_for(fleet.instances, "a machine is there")
    fleet.prefix = ALONE
    fleet.wait_for(lambda: reaper.poll() is not None, "the reaper sees nothing left")
    check_end(fleet, tasks)
    assert slots(fleet) == [("cpu", 0, 0), ("cpu", 0, 1)]
    assert [call["ids"] for call in fleet.proxy.calls("TerminateInstances")] == [[first]]
    assert fleet.booted[first].process.returncode == -signal.SIGKILL, "its power goes"
