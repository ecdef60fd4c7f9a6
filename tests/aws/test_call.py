"""common/aws.h against moto with its signature check on: every service that we call, and the ways
to keys that lead over STS."""

import json

import pytest

from .moto import Keys
from .signed import Signed

MAY = {"ec2:*", "s3:*", "secretsmanager:*", "sts:*"}
ROLE = "arn:aws:iam::123456789012:role/worker"
KEY = "a b/ü+%&=~.json"


@pytest.fixture(name="store")
def _store(moto):
    """A bucket, a secret and a role, made before anything is checked."""
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="mayfly")
    s3.put_object(Bucket="mayfly", Key=KEY, Body=b"in the bucket")
    moto.client("secretsmanager").create_secret(Name="mayfly", SecretString="in the store")
    moto.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"AWS": "*"}}]}))
    moto.client("iam").put_role_policy(
        RoleName="worker", PolicyName="may", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": sorted(MAY), "Resource": "*"}]}))
    return moto


def environment(moto, keys):
    return {"AWS_ENDPOINT_URL": moto.url, "AWS_REGION": "us-east-1"} | keys.environment()


def check_all(ours):
    assert ours.ec2("DescribeInstances")["status"] == 200
    found = ours.call("s3", method="GET", path=f"/mayfly/{KEY}")
    assert (found["status"], found["body"]) == (200, "in the bucket")
    told = ours.call("secretsmanager", json.dumps({"SecretId": "mayfly"}),
                     target="secretsmanager.GetSecretValue")
    assert json.loads(told["body"])["SecretString"] == "in the store"
    assert ours.who()["status"] == 200


def test_every_service_takes_our_signature(store, tmp_path):
    keys = store.guard(MAY)
    with Signed(environment(store, keys), tmp_path) as ours:
        check_all(ours)


@pytest.mark.parametrize("keys", [
    lambda right: Keys(right.access_key, "a" * len(right.secret_key)),
    lambda right: Keys("AKIANOBODY", right.secret_key),
], ids=["another secret", "an unknown key"])
def test_other_keys_are_refused(store, tmp_path, keys):
    right = store.guard(MAY)
    with Signed(environment(store, keys(right)), tmp_path) as ours:
        for answer in (ours.ec2("DescribeInstances"), ours.who(),
                       ours.call("s3", method="GET", path=f"/mayfly/{KEY}")):
            assert answer["status"] in (401, 403), answer


def test_what_is_not_allowed_is_refused(store, tmp_path):
    keys = store.guard({"sts:*"})
    with Signed(environment(store, keys), tmp_path) as ours:
        answer = ours.ec2("DescribeInstances")
        assert answer["status"] == 403 and "DescribeInstances" in answer["body"], answer


def write_profiles(home, url, keys):
    """The default profile assumes the role by another one's keys; nothing else is known of AWS."""
    folder = home / ".aws"
    folder.mkdir()
    services = "".join(f"{name} =\n  endpoint_url = {url}\n"
                       for name in ("ec2", "s3", "secrets_manager", "sts"))
    (folder / "config").write_text(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nrole_session_name = one\n"
        f"region = us-east-1\nservices = here\n[services here]\n{services}")
    (folder / "credentials").write_text(f"[base]\naws_access_key_id = {keys.access_key}\n"
                                        f"aws_secret_access_key = {keys.secret_key}\n")


def test_a_profile_assumes_a_role(store, tmp_path):
    write_profiles(tmp_path, store.url, store.guard(MAY))
    with Signed({}, tmp_path) as ours:
        assert ours.ask("region")["region"] == "us-east-1"
        assert "assumed-role/worker/one" in ours.who()["body"]
        check_all(ours)


def test_a_role_that_may_not_be_assumed(store, tmp_path):
    keys = store.guard({"ec2:*"})
    write_profiles(tmp_path, store.url, keys)
    with Signed({}, tmp_path) as ours:
        answer = ours.who()
        assert (answer["ok"], answer["class"]) == (False, "denied"), answer
        assert f"assume {ROLE}: STS: AccessDenied" in answer["message"]
        assert keys.secret_key not in answer["message"]


def test_a_session_without_its_token_is_refused(store, tmp_path):
    made = store.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="two")["Credentials"]
    store.guard(MAY)
    keys = Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    with Signed(environment(store, keys), tmp_path) as ours:
        assert "assumed-role/worker/two" in ours.who()["body"]
    bare = Keys(keys.access_key, keys.secret_key)
    with Signed(environment(store, bare), tmp_path) as ours:
        assert ours.who()["status"] in (400, 401, 403)


def test_a_token_of_web_identity_is_changed_for_keys(store, tmp_path):
    (tmp_path / "token").write_text("header.payload.signature\n")
    with Signed({"AWS_ENDPOINT_URL": store.url, "AWS_REGION": "us-east-1", "AWS_ROLE_ARN": ROLE,
                 "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
                 "AWS_ROLE_SESSION_NAME": "pod"}, tmp_path) as ours:
        assert "assumed-role/worker/pod" in ours.who()["body"]
