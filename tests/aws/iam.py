"""What IAM would say of a recorded call by the policies that `mayfly-reaper iam aws` prints.

    all(permits(policy, need) for need in needs_of(call))

moto knows actions alone (Moto.guard), and the policies live by their resources and conditions. So
this is ours, after EC2's page of the Service Authorization Reference: which resources a call is
asked of, with which condition keys. Leaves out: Deny, NotAction, variables, operators but the two
below; that a KMS key by its alias has another name; which role is in a profile (that of its name).
"""

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

CLIENTS = {"mayfly-reaper": (), "mayfly-bootstrap": ("--for", "machines")}
ACCOUNT = "123456789012"
KINDS = {"i": "instance", "vol": "volume", "sir": "spot-instances-request"}
KMS = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext",
       "ReEncryptFrom", "ReEncryptTo")


@dataclass(frozen=True)
class Need:
    """One action on one resource, and what conditions can be about."""
    action: str
    resource: str = "*"
    context: dict = field(default_factory=dict)


class Permissions:
    """What policies of all tests allowed, and what of it was used."""

    def __init__(self):
        self.granted, self.used = set(), set()

    def judge(self, bench):
        """Whatever our programs asked for is permitted by the policies of its configuration."""
        for client, options in CLIENTS.items():
            calls = [call for call in bench.proxy.calls() if call["client"].startswith(client)]
            if calls:
                self._judge(calls, bench.policy(*options))

    def _judge(self, calls, policy):
        needs = [need for call in calls for need in needs_of(call)]
        refused = [need for need in needs if not permits(policy, need)]
        assert not refused, f"{refused[0]} is not permitted by {json.dumps(policy, indent=1)}"
        self.granted |= actions_of(policy)
        self.used |= {need.action for need in needs}


def actions_of(policy):
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def permits(policy, need):
    return any(_allows(statement, need) for statement in policy["Statement"])


def _allows(statement, need):
    assert statement["Effect"] == "Allow" and set(statement) <= {
        "Sid", "Effect", "Action", "Resource", "Condition"}, statement
    resources = statement["Resource"]
    return (need.action in statement["Action"]
            and any(fnmatchcase(need.resource, one) for one in
                    ([resources] if isinstance(resources, str) else resources))
            and all(_holds(operator, key, wanted, need.context)
                    for operator, keys in statement.get("Condition", {}).items()
                    for key, wanted in keys.items()))


def _holds(operator, key, wanted, context):
    compare = {"StringEquals": str.__eq__, "StringLike": fnmatchcase}[operator]
    return key in context and compare(context[key], wanted)


def needs_of(call):
    """Of a record of the proxy's (cloud.py)."""
    service, _, verb = call["action"].partition(":")
    if service == "s3":
        return [Need("s3:GetObject", "arn:aws:s3:::" + call["path"].lstrip("/"))]
    if verb:
        return _needs_of_target(call)
    if call["action"] == "RunInstances":
        return _needs_of_launch(call)
    named = [Need(f"ec2:{call['action']}", _arn(call, KINDS[one.partition("-")[0]], one),
                  {f"aws:ResourceTag/{key}": value for key, value in tags.items()})
             for one, tags in call["tags"].items()]
    return named or [Need(f"ec2:{call['action']}")]  # as every Describe: on "*"


def _needs_of_target(call):
    name = call["parameters"]["Name"].lstrip("/").partition(":")[0]
    return [Need(f"ssm:{call['target'].partition('.')[2]}",
                 f"arn:aws:ssm:{call['region']}:{ACCOUNT}:parameter/{name}")]


def _arn(call, kind, name, account=ACCOUNT):
    return f"arn:aws:ec2:{call['region']}:{account}:{kind}/{name}"


def _values(said, *names):
    """Of the parameters that are so named, but for the places in lists."""
    return [value for name, value in said.items() if re.sub(r"\.\d+", "", name) in names]


def _request_tags(said):
    """{kind: {condition key: value}} of what is tagged in the request."""
    found = {}
    for name, kind in said.items():
        spec = re.fullmatch(r"(TagSpecification\.\d+\.)ResourceType", name)
        if spec:
            found[kind] = {
                f"aws:RequestTag/{key}": said[word.removesuffix("Key") + "Value"]
                for word, key in said.items()
                if word.startswith(f"{spec[1]}Tag.") and word.endswith(".Key")}
    return found


def _needs_of_launch(call):
    said = call["parameters"]
    tags = _request_tags(said)
    made = ["instance", "volume", "network-interface"]
    made += ["spot-instances-request"] * (call["market"] == "spot")
    context = {"ec2:MetadataHttpTokens": said.get("MetadataOptions.HttpTokens", "")}
    needs = [Need("ec2:RunInstances", _arn(call, kind, "*"), context | tags.get(kind, {}))
             for kind in made]
    for kind, account, names in (
            ("image", "", ["ImageId"]), ("key-pair", ACCOUNT, ["KeyName"]),
            ("subnet", ACCOUNT, ["SubnetId", "NetworkInterface.SubnetId"]),
            ("security-group", ACCOUNT, ["SecurityGroupId", "NetworkInterface.SecurityGroupId"]),
            ("snapshot", "", ["BlockDeviceMapping.Ebs.SnapshotId"])):
        needs += [Need("ec2:RunInstances", _arn(call, kind, value, account))
                  for value in _values(said, *names)]
    needs += [Need("ec2:CreateTags", _arn(call, kind, "*"),
                   {"ec2:CreateAction": "RunInstances", **tags[kind]}) for kind in tags]
    needs += [Need("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{name.rpartition('/')[2]}",
                   {"iam:PassedToService": "ec2.amazonaws.com"})  # named as its profile (moto.py)
              for name in _values(said, "IamInstanceProfile.Name", "IamInstanceProfile.Arn")]
    if call["market"] == "spot":  # at the account's first one
        needs.append(Need("iam:CreateServiceLinkedRole",
                          f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/"
                          "AWSServiceRoleForEC2Spot", {"iam:AWSServiceName": "spot.amazonaws.com"}))
    for key in _values(said, "BlockDeviceMapping.Ebs.KmsKeyId"):
        needs += [Need(f"kms:{verb}", f"arn:aws:kms:{call['region']}:{ACCOUNT}:key/of-{key}",
                       {"kms:ViaService": f"ec2.{call['region']}.amazonaws.com"}) for verb in KMS]
    return needs
