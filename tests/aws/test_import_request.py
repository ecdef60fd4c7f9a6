"""What is imported asks EC2 for the machine that ClearML's driver asked for (clearml/record.py)."""

import json
import re

import pytest
from botocore.serialize import create_serializer

from .test_import import SCRIPT, run
from .write_shapes import model

THEIRS = json.loads((SCRIPT.parent / "requests.json").read_text())
# One request launches one machine on either side; what is told by tags is compared apart.
KEPT = re.compile("(ImageId|InstanceType|BlockDeviceMapping|SubnetId|KeyName|SecurityGroupId|"
                  "IamInstanceProfile|CreditSpecification|EbsOptimized|Placement)[.]?")


def theirs_of(name):
    first, *others = THEIRS[name]
    said = first["parameters"].get("LaunchSpecification", first["parameters"])
    words = dict(create_serializer("ec2", include_validation=False).serialize_to_request(
        {"MinCount": 1, "MaxCount": 1} | said, model().operation_model("RunInstances"))["body"])
    tags = [tag for call in others for tag in call["parameters"]["Tags"]]
    return said, {key: str(value) for key, value in words.items()}, tags


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    done = run(SCRIPT, cwd=tmp_path_factory.mktemp("import"))
    return json.loads(re.sub(r"(?m)^\s*//.*$", "", done.stdout))


@pytest.mark.parametrize("name", THEIRS)
def test_the_same_machine_is_asked_for(bench, imported, name):
    own = next(dict(one) for one in imported["resources"] if one["name"] == name)
    aws = imported["defaults"]["aws"] | own.pop("aws")
    del own["name"], own["queues"], own["max_instances"]
    own.pop("gpus", None)
    own["agent"] = {"command": ["/bin/true"]}
    super(type(bench), bench).add_resource(name, [name], provider="aws", aws=aws, **own)
    bench.add_tasks(name, 1)
    bench.run_reaper("run")  # moto knows no such image: only what is asked counts
    got = bench.proxy.calls("RunInstances")[0]["parameters"]
    said, want, tags = theirs_of(name)
    # The driver loses its zone where extra_configurations have a Placement; ours keeps both.
    if "Tenancy" in said.get("Placement", {}):
        want["Placement.AvailabilityZone"] = "us-east-1a"
    kept = {key: value for key, value in want.items() if KEPT.match(key)}
    assert kept and kept.items() <= got.items()
    if said["Monitoring"]["Enabled"]:
        assert got["Monitoring.Enabled"] == "true"
    assert got["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert got["MinCount"] == got["MaxCount"] == "1"
    for tag in tags:
        place = next(key for key, value in got.items()
                     if value == tag["Key"] and key.endswith(".Key"))
        assert got[place.removesuffix("Key") + "Value"] == tag["Value"]
