"""mayfly-reaper launches into EC2, as moto and the proxy have it: what is asked, how often."""

import pytest

from standin.client import wait_for

from .bench import TYPE, slot_of, tags_of, ticket_in
from .moto import REGION

PATIENCE_S = 60


def test_launches_what_the_plan_says(bench):
    bench.add_resource("gpu", max_instances=3, offerings=[bench.offering(markets=["spot"])])
    bench.add_tasks("gpu", 2)
    planned = [(one["resource"], one["slot"], one["generation"])
               for one in bench.shown("plan")["launches"]]
    assert bench.launches() == []
    bench.run()
    assert len(planned) == 2
    assert sorted(slot_of(one) for one in bench.machines_of_moto()) == planned
    for one in bench.machines_of_moto():
        assert one["InstanceType"] == TYPE
        assert one["InstanceLifecycle"] == "spot"
        assert one["Placement"]["AvailabilityZone"] == bench.zones[0]
        assert one["SubnetId"] == bench.ground.subnets[bench.zones[0]]
        assert one["ImageId"] == bench.ground.images[0]
        assert one["KeyName"] == "mayfly"
        assert [group["GroupId"] for group in one["SecurityGroups"]] == [
            bench.ground.security_group]
        assert one["IamInstanceProfile"]["Arn"].endswith("/mayfly-machine")
    for call in bench.proxy.calls("RunInstances"):
        said = call["parameters"]
        assert said["InstanceInitiatedShutdownBehavior"] == "terminate"
        assert said["MetadataOptions.HttpTokens"] == "required"
        assert said["MetadataOptions.HttpPutResponseHopLimit"] == "1"
        assert said["InstanceMarketOptions.SpotOptions.SpotInstanceType"] == "one-time"
        assert len(said["ClientToken"]) == 32


def test_everything_of_a_launch_bears_its_tags(bench):
    bench.add_resource("gpu", offerings=[bench.offering(markets=["spot"])],
                       aws={"tags": {"team": "Größe & Co"}})
    bench.add_tasks("gpu", 1)
    bench.run()
    said = bench.proxy.calls("RunInstances")[0]["parameters"]
    kinds = {value: name.removesuffix("ResourceType") for name, value in said.items()
             if name.startswith("TagSpecification.") and name.endswith(".ResourceType")}
    assert set(kinds) == {"instance", "volume", "network-interface", "spot-instances-request"}
    for start in kinds.values():
        tags = {said[f"{start}Tag.{place}.Key"]: said[f"{start}Tag.{place}.Value"]
                for place in range(1, 50) if f"{start}Tag.{place}.Key" in said}
        assert tags.items() >= {"mayfly:prefix": "world", "mayfly:resource": "gpu",
                                "mayfly:slot": "0", "mayfly:generation": "0",
                                "team": "Größe & Co"}.items()
    one, = bench.machines_of_moto()
    assert tags_of(one)["team"] == "Größe & Co"


def test_the_ticket_is_in_the_user_data(bench):
    bench.add_resource("gpu", max_age="3h")
    bench.add_tasks("gpu", 1)
    bench.run()
    ticket = ticket_in(bench.proxy.calls("RunInstances")[0]["parameters"]["UserData"])
    assert (ticket["prefix"], ticket["resource"], ticket["type"]) == ("world", "gpu", TYPE)
    assert ticket["limits"]["max_age_s"] == 3 * 3600


def test_a_second_pass_launches_nothing_more(bench):
    bench.add_resource("gpu", max_instances=4)
    bench.add_tasks("gpu", 1)
    for _ in range(3):
        bench.run()
    assert len(bench.machines_of_moto()) == len(bench.launches()) == 1
    assert [one["slot"] for one in bench.shown("status")["machines"]] == [0]


def test_launch_spec_reaches_ec2(bench):
    bench.add_resource("gpu", aws={"launch_spec": {
        "EbsOptimized": True, "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 1},
        "TagSpecifications": [{"ResourceType": "instance",
                               "Tags": [{"Key": "cost", "Value": "42"}]}]}})
    bench.add_tasks("gpu", 1)
    bench.run()
    said = bench.proxy.calls("RunInstances")[0]["parameters"]
    assert said["EbsOptimized"] == "true" and said["CpuOptions.CoreCount"] == "2"
    assert tags_of(bench.machines_of_moto()[0])["cost"] == "42"


def test_a_wrong_launch_spec_is_found_before_anything_is_asked(bench):
    bench.add_resource("gpu", aws={"launch_spec": {"EbsOptimised": True}})
    done = bench.run_reaper("check")
    assert done.returncode != 0
    assert "did you mean EbsOptimized?" in done.stdout + done.stderr
    assert bench.proxy.calls() == []


def test_check_asks_and_changes_nothing(bench):
    bench.add_resource("gpu")
    done = bench.run_reaper("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {call["action"] for call in bench.proxy.calls()} == {
        "DescribeImages", "DescribeInstanceTypes", "DescribeInstances"}


@pytest.mark.parametrize("image, which", [
    ({"name": "mayfly-test-*", "owners": ["self"]}, "one of the account"),
    ("resolve:ssm:/mayfly/image", "what the parameter says")])
def test_images_by_name(bench, moto, image, which):
    newest = bench.ground.images[1]
    moto.client("ssm").put_parameter(Name="/mayfly/image", Value=newest, Type="String")
    bench.add_resource("gpu", aws={"image": image})
    bench.add_tasks("gpu", 1)
    bench.run()
    found = bench.machines_of_moto()[0]["ImageId"]
    assert found == newest if which.startswith("what") else found in bench.ground.images


def test_a_fleet_of_many_pages(bench):
    """What stands on a later page holds its slot, too."""
    bench.proxy.set(page=2)
    bench.add_resource("gpu", max_instances=5)
    bench.add_tasks("gpu", 5)
    bench.run()
    assert len(bench.machines_of_moto()) == 5
    asked = len(bench.proxy.calls("DescribeInstances"))
    bench.add_tasks("gpu", 5)
    bench.run()
    assert len(bench.proxy.calls("DescribeInstances")) - asked >= 3
    assert len(bench.machines_of_moto()) == len(bench.launches()) == 5


def test_a_stopped_machine_is_terminated(bench, moto):
    bench.add_resource("gpu", max_instances=1)
    bench.add_tasks("gpu", 1)
    bench.run()
    first, = bench.machines_of_moto()
    moto.client("ec2").stop_instances(InstanceIds=[first["InstanceId"]])

    def follows():
        bench.run()
        return [slot_of(one) for one in bench.machines_of_moto()] == [("gpu", 0, 1)]

    wait_for(follows, PATIENCE_S, "the slot has its next generation")
    assert [call["ids"] for call in bench.proxy.calls("TerminateInstances")] == [
        [first["InstanceId"]]]


def test_nothing_of_others_is_touched(bench, moto):
    """Neither another prefix's machines nor those without a tag are ours."""
    words = {"ImageId": bench.ground.images[0], "InstanceType": TYPE, "MinCount": 1, "MaxCount": 1}
    for tags in ([], [{"Key": "mayfly:prefix", "Value": "other"},
                      {"Key": "mayfly:resource", "Value": "gpu"},
                      {"Key": "mayfly:slot", "Value": "0"},
                      {"Key": "mayfly:generation", "Value": "0"}]):
        more = {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]} if tags else {}
        moto.client("ec2").run_instances(**words, **more)
    bench.add_resource("gpu", max_instances=1)
    bench.add_tasks("gpu", 1)
    for _ in range(3):
        bench.run()
    assert len(bench.machines_of_moto()) == 1
    assert bench.proxy.calls("TerminateInstances") == []


def test_the_signature_is_ec2s(bench):
    """moto checks it with botocore's own signer, and the policy with it."""
    bench.guard({"ec2:DescribeInstances", "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"})
    bench.add_resource("gpu")
    bench.add_tasks("gpu", 1)
    bench.run()
    assert [code for _, _, code in bench.launches()] == [""]
    bench.environment["AWS_SECRET_ACCESS_KEY"] = "x" * 40
    done = bench.run_reaper("check")
    assert done.returncode != 0
    assert "AuthFailure" in done.stdout + done.stderr
    assert "x" * 40 not in done.stdout + done.stderr


def test_the_region_is_the_configurations(bench, moto):
    west = moto.lay_out("us-west-2")
    bench.ground = type(west)(**{**vars(west), "instance_profile": "mayfly-machine"})
    bench.add_resource("gpu")
    bench.add_tasks("gpu", 1)
    bench.environment["AWS_REGION"] = REGION
    bench.run()
    assert [one["Placement"]["AvailabilityZone"] for one in bench.machines_of_moto()] == [
        next(iter(west.subnets))]
