"""packaging/cloudformation/mayfly.yaml: clean under cfn-lint, and a stack that moto really makes
and removes, all but the secret and the bucket's policy, which moto has no stacks of (cfn-lint knows
both). What is not shown: that the host's user data does its work on a Debian of EC2's; shellcheck
reads it."""

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .moto import REGION

TREE = Path(__file__).resolve().parents[2]
REAPER = Path(os.environ["MAYFLY_BUILD"]) / "mayfly-reaper"
TEMPLATE = TREE / "packaging/cloudformation/mayfly.yaml"
IMAGE = "/lab/image"  # an SSM parameter: moto knows none of Debian's, and would look the default up
DEFAULT_IMAGE = "    Default: /aws/service/debian/release/12/latest/arm64\n"


def test_it_is_clean():
    done = subprocess.run([Path(sys.executable).parent / "cfn-lint", "--regions", REGION,
                           "eu-central-1", "--", TEMPLATE], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(name="stack")
def make_stack(moto, ground):
    """Its outputs, and its resources by their names in the template."""
    cloud = moto.client("cloudformation")
    subnet = next(iter(ground.subnets.values()))
    vpc = moto.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    moto.client("ssm").put_parameter(Name=IMAGE, Value=ground.images[-1], Type="String")
    template = TEMPLATE.read_text()
    assert DEFAULT_IMAGE in template
    cloud.create_stack(
        StackName="mayfly", TemplateBody=template.replace(DEFAULT_IMAGE, ""),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in {
            "Prefix": "lab", "VpcId": vpc, "SubnetId": subnet, "HostImage": IMAGE}.items()])
    made = cloud.describe_stacks(StackName="mayfly")["Stacks"][0]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in
                 cloud.describe_stack_resources(StackName="mayfly")["StackResources"]
                 if "LogicalResourceId" in resource}
    return outputs, resources


def policy_of(moto, resources, role, name):
    """Of a stack moto keeps it as Python writes it."""
    return ast.literal_eval(moto.client("iam").get_role_policy(
        RoleName=resources[role], PolicyName=name)["PolicyDocument"])


def test_it_is_made_and_removed(moto, stack):
    _, resources = stack
    ec2 = moto.client("ec2")
    host = ec2.describe_instances(InstanceIds=[resources["Host"]])
    host = host["Reservations"][0]["Instances"][0]
    assert host["State"]["Name"] == "running"
    for group in ("HostGroup", "MachineGroup"):
        rules = ec2.describe_security_groups(GroupIds=[resources[group]])["SecurityGroups"][0]
        assert rules["IpPermissions"] == []
    moto.client("cloudformation").delete_stack(StackName="mayfly")
    left = ec2.describe_instances(InstanceIds=[resources["Host"]])
    assert left["Reservations"][0]["Instances"][0]["State"]["Name"] == "terminated"
    roles = {role["RoleName"] for role in moto.client("iam").list_roles()["Roles"]}
    assert not roles & {resources["MachineRole"], resources["ReaperRole"]}


def test_its_policy_is_that_of_the_reaper(moto, stack, tmp_path):
    """Word for word what `mayfly-reaper iam aws` prints for machines of this profile."""
    outputs, resources = stack
    config = tmp_path / "mayfly-reaper.json"
    config.write_text(json.dumps({"prefix": "lab", "resources": [{
        "name": "cpu", "provider": "aws", "queues": ["cpu"], "max_instances": 1,
        "bundle": {
            "file": "bundle.age", "source": f"s3://{outputs['BucketName']}/machines/*"},
        "offerings": [{"instance_types": ["m7i.xlarge"], "markets": ["spot", "on-demand"]}],
            "aws": {"region": REGION, "image": "ami-0a1b2c3d4e5f60718",
                "instance_profile": outputs["InstanceProfile"]}}]}))
    for role, policy, options in (
            ("ReaperRole", "reaper", ["--machine-role", outputs["MachineRoleArn"]]),
            ("MachineRole", "machines", ["--for", "machines"])):
        printed = subprocess.run([REAPER, "iam", "aws", "--config", config, *options],
                                 capture_output=True, text=True, check=True).stdout
        assert json.loads(printed) == policy_of(moto, resources, role, policy)


def host_script(moto, resources):
    """The script that the host's user data writes."""
    text = moto.client("ec2").describe_instance_attribute(
        InstanceId=resources["Host"], Attribute="userData")["UserData"]["Value"]
    return base64.b64decode(text).decode()


def part(script, path):
    return re.search(rf"^cat > {re.escape(path)} << 'END'\n(.*?)^END$", script, re.M | re.S)[1]


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
def test_its_scripts_are_shell(moto, stack, tmp_path):
    _, resources = stack
    script = host_script(moto, resources)
    assert f"BUCKET={resources['Bucket']}\n" in script
    (tmp_path / "user-data").write_text(script)
    (tmp_path / "fetch").write_text(part(script, "/usr/local/sbin/mayfly-host"))
    for name in ("user-data", "fetch"):
        subprocess.run(["sh", "-n", tmp_path / name], check=True)
        checked = subprocess.run(["shellcheck", tmp_path / name], capture_output=True, text=True,
                                 check=False)
        assert checked.stdout == ""
