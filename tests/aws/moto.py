"""moto_server (EC2, IAM, S3, Secrets Manager, SSM, STS in memory) as a process of its own.

    with Moto(folder) as moto:
        ground = moto.lay_out()              # subnets, security group, key pair, instance profile
        ec2 = moto.client("ec2")             # boto3, of the account's owner
        keys = moto.guard({"ec2:*"})         # from here on signatures and permissions are checked

It has no ClientToken, no eventual consistency, no limits and no faults of its own, and it accepts
misspelt parameters: tests of ours reach it through proxy.py, which does.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from standin.client import wait_for

REGION = "us-east-1"
START_DEADLINE_S = 60
SESSION_S = 7200
# Like AWS, it knows which images, instance types and key pairs there are.
STRICT = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
}
TRUST_EC2 = {"Version": "2012-10-17",
             "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                            "Action": "sts:AssumeRole"}]}


@dataclass(frozen=True)
class Keys:
    """What signs: an access key's id and secret, of a role with a session token."""
    access_key: str
    secret_key: str
    session_token: str = ""

    def environment(self):
        """As both programs and every SDK read them."""
        words = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return words | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})


# Unless guarded, moto takes any; these make it the account 123456789012.
OWNER = Keys("AKIAOWNER", "secret-of-the-owner")


@dataclass(frozen=True)
class Ground:
    """What an operator has made by hand before the first launch."""
    region: str
    subnets: dict         # zone: subnet id
    security_group: str
    key_name: str
    instance_profile: str
    images: list          # ids, oldest first; all named mayfly-test-*, of this account


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def client_of(url, service, keys=OWNER, region=REGION):
    """A boto3 client that asks this server alone, once for each call."""
    return boto3.client(
        service, endpoint_url=url, region_name=region, aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key, aws_session_token=keys.session_token or None,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"},
                      connect_timeout=10, read_timeout=60))


class Moto:
    """One server on a free port of loopback; its log is in `folder`, which must exist."""

    def __init__(self, folder, environment=STRICT):
        self.log = Path(folder) / "moto.log"
        self.environment = dict(environment)
        self.url = ""
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", "0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "NO_COLOR": "1", "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
                     **self.environment})
        self.url = wait_for(self._address, START_DEADLINE_S, "moto says where it listens")
        wait_for(self._answers, START_DEADLINE_S, "moto answers")

    def _address(self):
        said = self.log.read_text(errors="replace")
        if self.process.poll() is not None:
            raise AssertionError(f"moto ended with {self.process.returncode}:\n{said}")
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", said)
        return found and found[1]

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=10):
                return True
        except OSError:
            return False

    def stop(self):
        """Its whole process group, killed; nothing of it is worth a farewell."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()

    def client(self, service, keys=OWNER, region=REGION):
        return client_of(self.url, service, keys, region)

    def reset(self):
        """As after a start: nothing but what every account has, and nothing checked."""
        self._control("reset-auth", b"inf")
        self._control("reset")

    def guard(self, actions):
        """Keys that may do these actions; every call from now on is checked, up to reset(). moto
        can check no more of EC2 (moto/iam/access_control.py): to it every call is to the resource
        "*", and a statement with a condition refuses its actions whatever the call says."""
        keys = self.add_user("operator", actions)
        self._control("reset-auth", b"0")
        return keys

    def add_user(self, name, actions):
        iam = self.client("iam")
        iam.create_user(UserName=name)
        self.allow(iam, name, actions)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    @staticmethod
    def allow(iam, user, actions):
        iam.put_user_policy(UserName=user, PolicyName="may", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}]}))

    def session_of(self, role, name):
        """What the metadata service of an instance of this name gives of its role, an ARN."""
        made = self.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        return {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": utc(time.time()),
                "AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"],
                "Token": made["SessionToken"], "Expiration": utc(time.time() + SESSION_S)}

    def _control(self, verb, body=b""):
        # Any other type than text makes moto read a form, and fail.
        request = urllib.request.Request(f"{self.url}/moto-api/{verb}", body, method="POST",
                                         headers={"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    def lay_out(self, region=REGION):
        """The ground that launches stand on, in one region."""
        ec2, iam = self.client("ec2", region=region), self.client("iam")
        subnets = ec2.describe_subnets()["Subnets"]  # of the default VPC: one for each zone
        group = ec2.create_security_group(GroupName="mayfly", Description="machines",
                                          VpcId=subnets[0]["VpcId"])["GroupId"]
        ec2.create_key_pair(KeyName="mayfly", KeyType="ed25519")  # made faster than RSA
        images = [self._register_image(ec2, f"mayfly-test-{number}") for number in (1, 2)]
        if region == REGION:  # IAM has no regions
            self._make_profile(iam)
        return Ground(region, {subnet["AvailabilityZone"]: subnet["SubnetId"]
                               for subnet in sorted(subnets, key=lambda s: s["AvailabilityZone"])},
                      group, "mayfly", "mayfly-machine", images)

    @staticmethod
    def _register_image(ec2, name):
        return ec2.register_image(
            Name=name, Architecture="x86_64", VirtualizationType="hvm", RootDeviceName="/dev/sda1",
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}}])["ImageId"]

    @staticmethod
    def _make_profile(iam):
        iam.create_role(RoleName="mayfly-machine", AssumeRolePolicyDocument=json.dumps(TRUST_EC2))
        iam.create_instance_profile(InstanceProfileName="mayfly-machine")
        iam.add_role_to_instance_profile(InstanceProfileName="mayfly-machine",
                                         RoleName="mayfly-machine")
