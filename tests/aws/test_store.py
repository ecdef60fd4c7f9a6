"""Bundles and keys from S3 and Secrets Manager by an instance's role, which the metadata service
hands out, against moto with its checks of signatures and permissions on."""

import json
import os
import subprocess

import pytest

from peers.cloud import start_metadata_service
from vectors.driven import BUILD

ROLE = "machines"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
BYTES = b"age-encryption.org/v1\n\x00\xff sealed"
OBJECT = "mayfly/sealed/bundle 7+.age"


@pytest.fixture(name="stored")
def _stored(moto):
    """Where things lie, before anything is checked."""
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="mayfly")
    s3.put_object(Bucket="mayfly", Key=OBJECT.partition("/")[2], Body=BYTES)
    secrets = moto.client("secretsmanager")
    secrets.create_secret(Name="mayfly/text", SecretString="in the store\n")
    made = secrets.create_secret(Name="mayfly/bytes", SecretBinary=BYTES)
    moto.arn = made["ARN"]
    return moto


def role_keys(moto, actions):
    """What the metadata service gives: keys of a session of a role that may do so much."""
    iam = moto.client("iam")
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"Service": "ec2.amazonaws.com"}}]}))
    iam.put_role_policy(RoleName=ROLE, PolicyName="may", PolicyDocument=json.dumps(
        {"Version": "2012-10-17",
         "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    return moto.session_of(role["Role"]["Arn"], "i-0aaaabbbbccccdddd")


@pytest.fixture(name="read")
def _read(stored, tmp_path):
    """read(actions, "object" or "secret", name), on an instance whose role may do the actions."""
    def read(actions, *words):
        values = tmp_path / "values.json"
        values.write_text(json.dumps({
            ROLES_PATH: ROLE, ROLES_PATH + ROLE: json.dumps(role_keys(stored, actions)),
            "/latest/meta-data/placement/region": "us-east-1"}))
        stored.guard({"sts:*"})  # whoever asks by other keys than the role's gets nothing
        plain = {name: value for name, value in os.environ.items()
                 if not name.startswith("AWS_") and "proxy" not in name.lower()}
        with start_metadata_service((), "127.0.0.1", 0, tmp_path / "log", values=values) as port:
            return subprocess.run(
                [BUILD / "tests/aws/store_calls", *words], capture_output=True, timeout=120,
                check=False, env=plain | {
                    "HOME": str(tmp_path), "AWS_ENDPOINT_URL": stored.url,
                    "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}"})
    return read


@pytest.mark.parametrize("action, words, value", [
    ("s3:GetObject", ("object", OBJECT), BYTES),
    ("secretsmanager:GetSecretValue", ("secret", "mayfly/text"), b"in the store\n"),
    ("secretsmanager:GetSecretValue", ("secret", "mayfly/bytes"), BYTES),
])
def test_the_role_may_read_it(read, action, words, value):
    done = read([action], *words)
    assert (done.returncode, done.stdout) == (0, value), done.stderr


def test_a_secret_by_its_arn(read, stored):
    done = read(["secretsmanager:GetSecretValue"], "secret", stored.arn)
    assert (done.returncode, done.stdout) == (0, BYTES), done.stderr


@pytest.mark.parametrize("words, needs", [
    (("object", OBJECT), f"s3:GetObject on arn:aws:s3:::{OBJECT}"),
    (("secret", "mayfly/text"),
     "secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-east-1:*:secret:mayfly/text"),
])
def test_the_role_may_not(read, words, needs):
    """What to allow is said as a policy says it."""
    done = read(["ec2:DescribeInstances"], *words)
    assert done.returncode == 1
    assert done.stderr.startswith(b"denied: ") and needs.encode() in done.stderr, done.stderr


@pytest.mark.parametrize("words, says", [
    (("object", "mayfly/nothing"), b"there is no such object"),
    (("object", "nobodys-bucket/x"), b"there is no such bucket"),
    (("secret", "nothing"), b"there is no such secret"),
])
def test_there_is_no_such_thing(read, words, says):
    done = read(["s3:*", "secretsmanager:*"], *words)
    assert done.returncode == 1
    assert done.stderr.startswith(b"not_found: ") and says in done.stderr, done.stderr
