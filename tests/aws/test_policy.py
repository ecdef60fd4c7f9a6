"""The policy that `mayfly-reaper iam aws` prints: enough, and needed.

moto enforces its actions, and no more (Moto.guard); those of DescribeSpotPriceHistory not even, for
it compares the signature of a form with blanks in it to another one's (401) before it looks. Its
resources and conditions, and what moto has no calls of (iam:PassRole, kms:*, tags at launch), are
judged by iam.py, which is ours, at the end of each test that has a reaper (conftest.py)."""

from dataclasses import replace

import pytest

from standin.client import wait_for

from .iam import Need, actions_of, needs_of, permits

PATIENCE_S = 60
REFUSED = 403


@pytest.fixture(name="everything")
def _everything(bench, moto):
    """A configuration whose machines need, from launch to end, all that is ever needed for that."""
    moto.client("ssm").put_parameter(Name="/mayfly/image", Value=bench.ground.images[1],
                                     Type="String")
    bench.add_resource("named", aws={"image": {"name": "mayfly-test-*", "owners": ["self"]}})
    bench.add_resource("parameter", offerings=[bench.offering(markets=["spot"])], aws={
        "image": "resolve:ssm:/mayfly/image",
        "volume": {"gigabytes": 20, "encrypted": True, "kms_key": "alias/disks"}})
    for queue in ("named", "parameter"):
        bench.add_tasks(queue, 1)
    return bench


def stop_all(bench):
    """Which makes the reaper read their consoles and terminate them."""
    ids = [one["InstanceId"] for one in bench.machines_of_moto()]
    bench.ec2.stop_instances(InstanceIds=ids)
    return ids


def asked(bench, action):
    """The statuses of the answers to an action, as policies write it."""
    return [call["status"] for call in bench.proxy.calls()
            if action in {need.action for need in needs_of(call)}]


def run_until_asked(bench, action, refused=False):
    def is_asked():
        bench.run_reaper("run")
        return any((status == REFUSED) == refused for status in asked(bench, action))

    wait_for(is_asked, PATIENCE_S, f"{action} is {'refused' if refused else 'answered'}")


def test_the_policy_is_enough(everything):
    """A machine's whole way, with moto refusing whatever is not in it; and no statement can be
    spared of those whose actions are used here."""
    policy = everything.policy()
    everything.guard(actions_of(policy))
    everything.run()
    assert len(stop_all(everything)) == 2
    run_until_asked(everything, "ec2:TerminateInstances")
    calls = everything.proxy.calls()
    assert [call["action"] for call in calls if call["status"] == REFUSED] == []
    needs = [need for call in calls for need in needs_of(call)]
    used = {need.action for need in needs}
    for spared in policy["Statement"]:
        rest = {"Statement": [one for one in policy["Statement"] if one is not spared]}
        is_needed = not all(permits(rest, need) for need in needs)
        assert is_needed == bool(used & set(spared["Action"])), spared["Sid"]


def test_each_action_is_enforced(everything):
    """Taken away in its turn, its call is refused; so what is enough above is no accident."""
    actions = actions_of(everything.policy())
    everything.guard(actions)
    for action in ("ec2:DescribeInstances", "ec2:DescribeImages", "ssm:GetParameter",
                   "ec2:RunInstances"):
        everything.allow(actions - {action, "ec2:RunInstances"})
        run_until_asked(everything, action, refused=True)
    assert everything.machines_of_moto() == []
    everything.allow(actions)
    run_until_asked(everything, "ec2:RunInstances")
    stop_all(everything)
    for action in ("ec2:TerminateInstances", "ec2:GetConsoleOutput"):
        everything.allow(actions - {action})
        run_until_asked(everything, action, refused=True)


def test_conditions_and_resources(bench):
    """What the policy is narrow about, said otherwise, is not permitted."""
    bench.add_resource("gpu")
    bench.add_tasks("gpu", 1)
    bench.run()
    policy = bench.policy()
    needs = needs_of(bench.proxy.calls("RunInstances")[0])
    assert all(permits(policy, need) for need in needs)
    narrow = [need for need in needs if need.context and any(need.context.values())]
    assert {need.action for need in narrow} == {"ec2:RunInstances", "ec2:CreateTags",
                                                "iam:PassRole"}
    for need in narrow:
        without = replace(need, context={})
        assert not permits(policy, without), without
    machine = next(need for need in needs if ":instance/" in need.resource)
    for key, value in (("aws:RequestTag/mayfly:prefix", "another"),
                       ("ec2:MetadataHttpTokens", "optional")):
        other = replace(machine, context=machine.context | {key: value})
        assert not permits(policy, other), other
    one = Need("ec2:TerminateInstances", machine.resource)
    for prefix, is_ours in (("world", True), ("another", False)):
        tagged = replace(one, context={"aws:ResourceTag/mayfly:prefix": prefix})
        assert permits(policy, tagged) == is_ours
    assert not permits(policy, one)
