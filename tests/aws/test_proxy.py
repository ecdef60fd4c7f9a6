"""The proxy, with boto3 as its client: botocore reads every answer, and judges it by its model."""

import re
import threading

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from botocore.exceptions import ReadTimeoutError

from standin.client import wait_for

from .judge import Judge

CUT = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)


@pytest.fixture
def ec2(proxy):
    return proxy.client("ec2")


def words_of(ground, zone=0, **more):
    words = {"ImageId": ground.images[0], "InstanceType": "g5.xlarge", "MinCount": 1,
             "MaxCount": 1, "SubnetId": list(ground.subnets.values())[zone]}
    return {name: value for name, value in (words | more).items() if value is not None}


def launch(ec2, ground, zone=0, **more):
    return ec2.run_instances(**words_of(ground, zone, **more))["Instances"][0]["InstanceId"]


def refusal(call, *words, **more):
    """(code, message, status)"""
    with pytest.raises(ClientError) as problem:
        call(*words, **more)
    response = problem.value.response
    return (response["Error"]["Code"], response["Error"]["Message"],
            response["ResponseMetadata"]["HTTPStatusCode"])


def listed(ec2, **words):
    """{id: (state, reason)}"""
    return {one["InstanceId"]: (one["State"]["Name"], one.get("StateReason", {}).get("Code"))
            for reservation in ec2.describe_instances(**words)["Reservations"]
            for one in reservation["Instances"]}


def running(moto):
    """What moto itself lists as alive."""
    return [one for one, (state, _) in listed(moto.client("ec2")).items() if state == "running"]


# -- client tokens ---------------------------------------------------------------------------------

def test_a_token_launches_once(proxy, moto, ground, ec2):
    first = launch(ec2, ground, ClientToken="one")
    again = ec2.run_instances(**words_of(ground, ClientToken="one"))
    assert again["Instances"][0]["InstanceId"] == first and again["ReservationId"]
    assert running(moto) == [first]
    assert launch(ec2, ground, ClientToken="two") != first


def test_a_token_has_its_parameters(proxy, moto, ground, ec2):
    first = launch(ec2, ground, ClientToken="one")
    code, _, status = refusal(launch, ec2, ground, ClientToken="one", EbsOptimized=True)
    assert (code, status) == ("IdempotentParameterMismatch", 400)
    assert proxy.calls("RunInstances")[-1]["differs"] == ["EbsOptimized"]
    assert running(moto) == [first]


def test_a_token_ends_with_its_instance(ground, ec2):
    first = launch(ec2, ground, ClientToken="one")
    ec2.terminate_instances(InstanceIds=[first])
    assert refusal(launch, ec2, ground, ClientToken="one")[0] == "IdempotentInstanceTerminated"


@pytest.mark.parametrize("when, first, second, is_same", [
    ("a subnet of the same zone", {"zone": 0}, {"zone": 0}, True),
    ("a subnet of another zone", {"zone": 0}, {"zone": 1}, False),
    ("no zone at all, twice", {"SubnetId": None}, {"SubnetId": None}, True),
    ("a zone, then none", {"zone": 0}, {"SubnetId": None}, False),
])
def test_a_token_is_of_its_zone(moto, ground, ec2, when, first, second, is_same):
    ids = {launch(ec2, ground, ClientToken="one", **words) for words in (first, second)}
    assert len(ids) == (1 if is_same else 2), when
    assert sorted(running(moto)) == sorted(ids)


def test_a_refused_launch_leaves_its_token_free(ground, ec2):
    assert refusal(launch, ec2, ground, ClientToken="one", ImageId="ami-0123456789abcdef0")[0] == (
        "InvalidAMIID.NotFound")
    launch(ec2, ground, ClientToken="one")


def test_concurrent_launches_of_a_token_are_one(proxy, moto, ground):
    ids = []

    def one():
        ids.append(launch(proxy.client("ec2"), ground, ClientToken="one"))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6 and len(set(ids)) == 1
    assert running(moto) == ids[:1]


def test_tokens_outlive_a_kill(proxy, moto, ground):
    first = launch(proxy.client("ec2"), ground, ClientToken="one")
    proxy.kill()
    proxy.start()
    assert launch(proxy.client("ec2"), ground, ClientToken="one") == first
    assert running(moto) == [first]


def test_a_launch_whose_answer_the_proxy_never_read_is_found(proxy, moto, ground):
    """Killed between moto's launch and its note of it: as if it had just asked."""
    first = launch(proxy.client("ec2"), ground, ClientToken="one")
    proxy.kill()
    proxy.forget_answer("one")
    proxy.start()
    assert launch(proxy.client("ec2"), ground, ClientToken="one") == first
    assert running(moto) == [first]


# -- faults ----------------------------------------------------------------------------------------

def test_a_fault_meets_what_it_names(proxy, moto, ground, ec2):
    zones = list(ground.subnets)
    proxy.fault(action="RunInstances", zone=zones[0], market="spot", times=0, status=500,
                code="InsufficientInstanceCapacity", message=f"We <have> none & more in {zones[0]}")
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    for _ in range(2):
        code, message, status = refusal(launch, ec2, ground, **spot)
        assert (code, status) == ("InsufficientInstanceCapacity", 500)
        assert message == f"We <have> none & more in {zones[0]}"
    assert running(moto) == []
    made = [launch(ec2, ground), launch(ec2, ground, zone=1, **spot)]
    assert sorted(running(moto)) == sorted(made)
    proxy.clear_faults()
    launch(ec2, ground, **spot)


def test_a_fault_counts(proxy, ec2):
    proxy.fault(action="DescribeInstances", skip=1, times=2, status=503,
                code="RequestLimitExceeded")
    seen = []
    for _ in range(4):
        try:
            seen.append(len(listed(ec2)))
        except ClientError as problem:
            seen.append(problem.response["Error"]["Code"])
    assert seen == [0, "RequestLimitExceeded", "RequestLimitExceeded", 0]


@pytest.mark.parametrize("drop, count", [("before", 0), ("after", 1)])
def test_a_cut_connection(proxy, moto, ground, ec2, drop, count):
    proxy.fault(action="RunInstances", drop=drop)
    with pytest.raises(CUT):
        launch(ec2, ground, ClientToken="one")
    assert len(running(moto)) == count
    launch(ec2, ground, ClientToken="one")
    assert len(running(moto)) == 1


def test_an_instance_dies_at_once(proxy, moto, ground, ec2):
    proxy.fault(action="RunInstances",
                dies={"code": "Client.InternalError", "message": "Client error on launch"})
    dead, alive = launch(ec2, ground), launch(ec2, ground)
    assert listed(ec2)[dead] == ("terminated", "Client.InternalError")
    assert running(moto) == [alive]
    proxy.end(alive, "Server.SpotInstanceTermination", "taken back")
    assert listed(ec2)[alive] == ("terminated", "Server.SpotInstanceTermination")


@pytest.mark.parametrize("fault", [{"acton": "x"}, {"times": "2"}, {"drop": "now"}, {"action": "("},
                                   {"dies": {}}])
def test_a_wrong_fault_is_refused(proxy, fault):
    with pytest.raises(ValueError):
        proxy.fault(**fault)


def test_a_call_that_outlives_its_client_is_not_the_next_tests(proxy, ground):
    proxy.fault(action="RunInstances", delay_s=2)
    thread = threading.Thread(target=launch, args=(proxy.client("ec2"), ground))
    thread.start()
    wait_for(lambda: not proxy.control("GET", "faults"), 60, "it was asked")
    proxy.forget()
    thread.join()
    assert proxy.calls() == []


# -- what moto lacks -------------------------------------------------------------------------------

def test_a_young_instance(proxy, ground, ec2):
    proxy.set(hidden_looks=2, pending_looks=1)
    made = launch(ec2, ground)
    assert refusal(ec2.terminate_instances, InstanceIds=[made])[0] == "InvalidInstanceID.NotFound"
    seen = [listed(ec2).get(made, (None,))[0] for _ in range(4)]
    assert seen == [None, None, "pending", "running"]
    ec2.terminate_instances(InstanceIds=[made])
    assert listed(ec2, InstanceIds=[made])[made][0] == "terminated"


def test_filters(proxy, ground, ec2):
    spot = launch(ec2, ground, ClientToken="one",
                  InstanceMarketOptions={"MarketType": "spot"})
    plain = launch(ec2, ground, ClientToken="two")

    def found(name, *values):
        return set(listed(ec2, Filters=[{"Name": name, "Values": list(values)}]))

    assert found("client-token", "one") == {spot}
    assert found("client-token", "one", "two") == {spot, plain}
    assert found("instance-lifecycle", "spot") == {spot}
    assert found("image-id", ground.images[0]) == {spot, plain}
    assert found("instance-state-name", "terminated") == set()


def test_terminate_is_done_twice(ground, ec2):
    made = launch(ec2, ground, SubnetId=None, NetworkInterfaces=[
        {"DeviceIndex": 0, "SubnetId": next(iter(ground.subnets.values()))}])
    for _ in range(2):
        ended = ec2.terminate_instances(InstanceIds=[made])["TerminatingInstances"]
        assert ended[0]["InstanceId"] == made


@pytest.mark.parametrize("words, code", [
    ({"UserData": "x" * 16384}, None),
    ({"UserData": "x" * 16385}, "InvalidParameterValue"),
    ({"MinCount": 2, "MaxCount": 1}, "InvalidParameterValue"),
    ({"MinCount": 0}, "InvalidParameterValue"),
    ({"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue"),
])
def test_limits(ground, ec2, words, code):
    if code:
        assert refusal(launch, ec2, ground, **words)[0] == code
    else:
        launch(ec2, ground, **words)


def test_other_services_pass(proxy, moto):
    arn = proxy.client("sts").get_caller_identity()["Arn"]
    assert arn == moto.client("sts").get_caller_identity()["Arn"]
    proxy.client("s3").create_bucket(Bucket="ours")
    proxy.client("s3").put_object(Bucket="ours", Key="a b/ü", Body=b"held")
    assert proxy.client("s3").get_object(Bucket="ours", Key="a b/ü")["Body"].read() == b"held"
    assert [one["action"] for one in proxy.calls()][:2] == ["sts:POST", "s3:PUT"]


def test_signatures_pass(proxy, ground):
    keys = proxy.guard({"ec2:*", "sts:*"})
    made = launch(proxy.client("ec2", keys), ground, ClientToken="one")
    assert launch(proxy.client("ec2", keys), ground, ClientToken="one") == made
    assert refusal(listed, proxy.client("ec2"))[0] == "AuthFailure"


# -- the judge -------------------------------------------------------------------------------------

ENOUGH = [("Action", "RunInstances"), ("Version", "2016-11-15"), ("MinCount", "1"),
          ("MaxCount", "1")]


@pytest.mark.parametrize("when, pairs, said", [
    ("all is well", ENOUGH, None),
    ("a name is unknown", ENOUGH + [("Bogus.1", "x")], "UnknownParameter: The parameter Bogus "),
    ("a name is boto3's", ENOUGH + [("TagSpecifications.1.ResourceType", "instance")],
     "UnknownParameter: The parameter TagSpecifications "),
    ("a name inside is unknown", ENOUGH + [("Placement.Zone", "x")],
     "UnknownParameter: The parameter Placement.Zone "),
    ("one is missing", ENOUGH[:3], "MissingParameter: .*MaxCount"),
    ("one is missing inside", ENOUGH + [("CreditSpecification", "")], "InvalidParameterValue"),
    ("a number is a word", ENOUGH[:3] + [("MaxCount", "one")], "InvalidParameterValue: .*one"),
    ("a boolean is a number", ENOUGH + [("EbsOptimized", "1")], "InvalidParameterValue"),
    ("a list starts at 2", ENOUGH + [("SecurityGroupId.2", "a")], "InvalidParameterValue"),
    ("a list is a value", ENOUGH + [("SecurityGroupId", "a")], "InvalidParameterValue"),
    ("a value is a list", ENOUGH + [("KeyName.1", "a")], "UnknownParameter"),
    ("it is there twice", ENOUGH + [("MinCount", "1")], "InvalidParameterCombination"),
    ("an enumeration has no such value",
     ENOUGH + [("TagSpecification.1.ResourceType", "vm")], "InvalidParameterValue"),
    ("the action is unknown", [("Action", "FlyToMoon")], "InvalidAction"),
    ("the version is another", [("Action", "DescribeInstances"), ("Version", "2015-10-01")],
     "NoSuchVersion"),
])
def test_the_judge(when, pairs, said):
    faults, warnings = Judge()(pairs)
    assert warnings == []
    words = [f"{code}: {message}" for code, message in faults]
    if said is None:
        assert words == [], when
    else:
        assert len(words) == 1 and re.match(said, words[0]), (when, words)


def test_a_type_of_tomorrow_is_a_warning():
    faults, warnings = Judge()(ENOUGH + [("InstanceType", "z99.metal")])
    assert faults == [] and len(warnings) == 1


def test_a_violation_is_refused_and_fails_the_test(proxy, ec2):
    ec2.meta.events.register("before-call.ec2.DescribeInstances",
                             lambda params, **_: params["body"].update(Bogus="1"))
    assert refusal(ec2.describe_instances)[0] == "UnknownParameter"
    with pytest.raises(AssertionError, match="UnknownParameter"):
        proxy.verify()
    proxy.accept()
