"""mayfly-reaper lives through what EC2 says and does when things go wrong."""

import pytest

from standin.client import wait_for

from .bench import DONE, PARTLY, slot_of

PATIENCE_S = 60
NONE_HERE = ("We currently do not have sufficient g5.xlarge capacity in the Availability Zone you "
             "requested ({here}). Our system will be working on provisioning additional capacity. "
             "You can currently get g5.xlarge capacity by not specifying an Availability Zone in "
             "your request or choosing {there}.")


def zones_of(bench):
    return [one["Placement"]["AvailabilityZone"] for one in bench.machines_of_moto()]


# -- another offering -------------------------------------------------------------

@pytest.mark.parametrize("code, status, message", [
    ("InsufficientInstanceCapacity", 500, "none"),
    ("SpotMaxPriceTooLow", 400, "Your Spot request price of 0.01 is lower than 0.5"),
    ("MaxSpotInstanceCountExceeded", 400, "Max spot instance count exceeded"),
    ("Unsupported", 400, "Your requested instance type is not supported in your zone"),
])
def test_spot_falls_back_to_on_demand(bench, code, status, message):
    bench.add_resource("gpu", spot_rollback="1s",
                       offerings=[bench.offering(markets=["spot", "on-demand"])])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", market="spot", times=0, code=code, status=status,
                      message=message)
    assert code in bench.run(PARTLY)

    def launched():
        bench.run_reaper("run")
        return bench.machines_of_moto()

    one, = wait_for(launched, PATIENCE_S, "on-demand is asked")
    assert "InstanceLifecycle" not in one
    asked = bench.launches()
    assert set(asked[:-1]) == {(bench.zones[0], "spot", code)}
    assert asked[-1] == (bench.zones[0], "on-demand", "")


def test_spot_falls_back_at_once_where_nobody_waits_for_it(bench):
    bench.add_resource("gpu", spot_rollback=0,
                       offerings=[bench.offering(markets=["spot", "on-demand"])])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", market="spot", times=0, status=500,
                      code="InsufficientInstanceCapacity", message="none")
    bench.run()
    assert [market for _, market, _ in bench.launches()] == ["spot", "on-demand"]


def test_one_zone_falls_back_to_the_next(bench):
    bench.add_resource("gpu", offerings=[bench.offering(zones=3)])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", zone=bench.zones[0], times=0, status=500,
                      code="InsufficientInstanceCapacity", message="none")
    bench.run()
    assert zones_of(bench) == [bench.zones[1]]


def test_a_zone_that_ec2_names_is_asked_first(bench):
    first, _, _, named = bench.zones[:4]
    bench.add_resource("gpu", offerings=[bench.offering(zones=4)])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", zone=first, times=0, status=500,
                      code="InsufficientInstanceCapacity",
                      message=NONE_HERE.format(here=first, there=f"{named}"))
    bench.run()
    assert [zone for zone, _, _ in bench.launches()] == [first, named]


def test_a_quota_is_said(bench):
    bench.add_resource("gpu", offerings=[bench.offering(types=("g5.xlarge", "g4dn.xlarge"))])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", type="g5.xlarge", times=0, code="VcpuLimitExceeded",
                      message="You have requested more vCPU capacity than your current limit")
    said = bench.run()
    assert [one["InstanceType"] for one in bench.machines_of_moto()] == ["g4dn.xlarge"]
    assert "VcpuLimitExceeded" in said and "Service Quotas" in said


# -- not in this pass ------------------------------------------------------------------------------

@pytest.mark.slow
def test_throttling_waits_for_a_later_pass(bench):
    bench.add_resource("gpu", max_instances=4)
    bench.add_tasks("gpu", 3)
    bench.proxy.fault(action="RunInstances", times=0, status=503, code="RequestLimitExceeded",
                      message="Request limit exceeded.")
    done = bench.run_reaper("run")
    assert "RequestLimitExceeded" in done.stderr
    assert bench.machines_of_moto() == []
    bench.proxy.clear_faults()
    bench.run()
    assert sorted(slot_of(one) for one in bench.machines_of_moto()) == [
        ("gpu", slot, 0) for slot in range(3)]


@pytest.mark.parametrize("fault, words", [
    ({"code": "InvalidAMIID.NotFound", "message": "The image id '[ami-1]' does not exist"},
     ("InvalidAMIID.NotFound", "aws.image")),
    ({"code": "UnauthorizedOperation", "status": 403,
      "message": "You are not authorized to perform this operation. User: "
                 "arn:aws:iam::123456789012:user/u is not authorized to perform: iam:PassRole on "
                 "resource: r. Encoded authorization failure message: " + "x" * 600},
     ("iam:PassRole", "missing")),
])
def test_what_the_operator_must_mend(bench, fault, words):
    bench.add_resource("gpu", max_instances=4, offerings=[bench.offering(zones=2)])
    bench.add_resource("well", offerings=[bench.offering(types=("g4dn.xlarge",))])
    bench.add_tasks("gpu", 2)
    bench.add_tasks("well", 1)
    bench.proxy.fault(action="RunInstances", type="g5.xlarge", times=0, **fault)
    said = bench.run(PARTLY)
    assert all(word in said for word in words), said
    assert "x" * 20 not in said
    asked = [call for call in bench.proxy.calls("RunInstances") if call["type"] == "g5.xlarge"]
    assert len(asked) == 1, "asked again in the same pass what must fail again"
    assert [slot_of(one) for one in bench.machines_of_moto()] == [("well", 0, 0)]
    bench.proxy.clear_faults()
    bench.run()
    assert len(bench.machines_of_moto()) == 3


# -- launched, or not? -----------------------------------------------------------------------------

@pytest.mark.parametrize("fault", [
    {"drop": "after", "times": 0},
    pytest.param({"drop": "before", "times": 0}, marks=pytest.mark.slow),
    {"code": "InternalError", "status": 500, "message": "An internal error", "times": 0},
    pytest.param({"code": "Unavailable", "status": 503, "message": "The server is overloaded",
                  "times": 0}, marks=pytest.mark.slow),
])
def test_an_unanswered_launch_is_repeated_as_it_was(bench, fault):
    bench.add_resource("gpu", max_instances=4, offerings=[bench.offering(zones=2)])
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", **fault)
    bench.run_reaper("run")
    assert len(bench.machines_of_moto()) == (1 if fault.get("drop") == "after" else 0)
    bench.proxy.clear_faults()
    bench.run()
    bench.run()
    assert [slot_of(one) for one in bench.machines_of_moto()] == [("gpu", 0, 0)]
    said = [call["parameters"] for call in bench.proxy.calls("RunInstances")]
    assert len(said) >= 1 and all(one == said[0] for one in said)


def test_a_cut_is_mended_in_the_same_pass(bench):
    bench.add_resource("gpu", max_instances=4)
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", drop="after")
    bench.run()
    assert len(bench.machines_of_moto()) == 1
    assert [code for _, _, code in bench.launches()] == ["", ""]


def test_a_machine_that_no_list_shows_yet_is_not_launched_again(bench):
    bench.proxy.set(hidden_looks=3)
    bench.add_resource("gpu", max_instances=4)
    bench.add_tasks("gpu", 1)
    for _ in range(5):
        bench.run()
        assert len(bench.machines_of_moto()) == 1
    assert bench.shown("status")["machines"][0]["instance"] == (
        bench.machines_of_moto()[0]["InstanceId"])


@pytest.mark.slow
def test_a_list_that_fails_decides_nothing(bench):
    bench.add_resource("gpu", max_instances=4)
    bench.add_tasks("gpu", 1)
    bench.run()
    bench.add_tasks("gpu", 2)
    bench.proxy.set(page=1)
    bench.proxy.fault(action="DescribeInstances", times=0, status=503,
                      code="RequestLimitExceeded")
    bench.run(PARTLY)
    assert len(bench.machines_of_moto()) == 1
    assert bench.proxy.calls("TerminateInstances") == []
    bench.proxy.clear_faults()
    bench.run()
    assert len(bench.machines_of_moto()) == 3


# -- the launch key --------------------------------------------------------------------------------

def test_a_spent_key_gives_way_to_the_next_generation(bench, moto):
    """The machine came and went between two looks, and no list shows it any more."""
    bench.add_resource("gpu", max_instances=1)
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", code="IdempotentInstanceTerminated",
                      message="The client token was used by an instance that was terminated")

    def launched():
        bench.run_reaper("run")
        return [slot_of(one) for one in bench.machines_of_moto()]

    assert wait_for(launched, PATIENCE_S, "the next generation") == [("gpu", 0, 1)]


def test_a_key_that_said_something_else_holds_its_slot(bench):
    bench.add_resource("gpu", max_instances=1, boot_deadline="1h")
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", times=0, code="IdempotentParameterMismatch",
                      message="Arguments on this idempotent request are inconsistent")
    for _ in range(4):
        done = bench.run_reaper("run")
        assert done.returncode in (DONE, PARTLY)
    assert bench.machines_of_moto() == []
    said = [call["parameters"] for call in bench.proxy.calls("RunInstances")]
    assert {one["ClientToken"] for one in said} == {said[0]["ClientToken"]}
    assert len({one["UserData"] for one in said}) == 3, "today, yesterday, tomorrow"


# -- instances that end ----------------------------------------------------------------------------

def test_a_machine_that_dies_at_once_is_said_in_words(bench):
    bench.add_resource("gpu", max_instances=1)
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action="RunInstances", dies={
        "code": "Client.InternalError", "message": "Client error on launch"})
    heard = []

    def follows():
        heard.append(bench.run_reaper("run").stderr)
        return [slot_of(one) for one in bench.machines_of_moto()] == [("gpu", 0, 1)]

    wait_for(follows, PATIENCE_S, "the slot has its next generation")
    assert any("KMS" in one for one in heard), heard


def test_a_young_machine_is_terminated_when_ec2_knows_it(bench, moto):
    """InvalidInstanceID.NotFound of an id that a list has shown is not believed at once."""
    bench.add_resource("gpu", max_instances=1)
    task, = bench.add_tasks("gpu", 1)
    bench.run()
    bench.client.call("tasks.dequeue", task=task)
    first, = bench.machines_of_moto()
    moto.client("ec2").stop_instances(InstanceIds=[first["InstanceId"]])
    bench.proxy.fault(action="TerminateInstances", times=2, code="InvalidInstanceID.NotFound",
                      message=f"The instance ID '{first['InstanceId']}' does not exist")

    def gone():
        bench.run_reaper("run")
        return not bench.machines_of_moto()

    wait_for(gone, PATIENCE_S, "the stopped machine is gone")
    assert len(bench.proxy.calls("TerminateInstances")) >= 3
