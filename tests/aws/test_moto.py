"""The peer as tests find it: it launches on the ground that was laid, and guards when told to."""

import os
import signal

import pytest
from botocore.exceptions import ClientError

from .moto import Keys, Moto


def launch(ec2, ground, **more):
    zone, subnet = next(iter(ground.subnets.items()))
    words = {"ImageId": ground.images[0], "InstanceType": "g5.xlarge", "MinCount": 1,
             "MaxCount": 1, "KeyName": ground.key_name, "SubnetId": subnet,
             "SecurityGroupIds": [ground.security_group],
             "IamInstanceProfile": {"Name": ground.instance_profile}}
    made = ec2.run_instances(**words | more)["Instances"]
    assert [one["Placement"]["AvailabilityZone"] for one in made] == [zone]
    return made[0]["InstanceId"]


def refusal(call, *words, **more):
    with pytest.raises(ClientError) as problem:
        call(*words, **more)
    return problem.value.response["Error"]["Code"]


def test_launches_on_the_ground(moto, ground):
    ec2 = moto.client("ec2")
    instance = launch(ec2, ground)
    found = ec2.describe_instances()["Reservations"][0]["Instances"][0]
    assert found["InstanceId"] == instance
    assert found["IamInstanceProfile"]["Arn"].endswith("/mayfly-machine")
    assert len(ground.subnets) > 2 and len(set(ground.images)) == 2


@pytest.mark.parametrize("words, code", [
    ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
    ({"InstanceType": "zz.huge"}, "InvalidInstanceType"),
    ({"KeyName": "nobody's"}, "InvalidKeyPair.NotFound"),
])
def test_knows_what_there_is(moto, ground, words, code):
    assert refusal(launch, moto.client("ec2"), ground, **words).startswith(code)


def test_guards(moto, ground):
    keys = moto.guard({"ec2:RunInstances", "ec2:DescribeInstances"})
    instance = launch(moto.client("ec2", keys), ground)
    forged = Keys(keys.access_key, "a" * len(keys.secret_key))
    assert refusal(moto.client("ec2", forged).describe_instances) == "AuthFailure"
    stop = moto.client("ec2", keys).terminate_instances
    assert refusal(stop, InstanceIds=[instance]) in ("UnauthorizedOperation", "AccessDenied")
    moto.reset()
    assert moto.client("ec2").describe_instances()["Reservations"] == []


def test_leaves_no_process(tmp_path):
    with Moto(tmp_path) as moto:
        group = moto.process.pid
        os.killpg(group, 0)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, signal.SIGCONT)
