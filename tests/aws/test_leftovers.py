"""What machines left behind: volumes and spot requests, as moto and the proxy have them. Left out:
that EC2 launches for an open request (moto fulfills each at once, the proxy shows it open)."""

import shutil

import pytest

from standin.client import wait_for

from .bench import DONE, FAILED, PARTLY, TYPE, USAGE

PATIENCE_S = 60
OURS = {"mayfly:prefix": "world", "mayfly:resource": "gpu", "mayfly:slot": "3",
        "mayfly:generation": "1"}
LOOKS = "DescribeVolumes|DescribeSpotInstanceRequests"


@pytest.fixture(name="ec2")
def make_ec2(moto):
    return moto.client("ec2")


def tagged(kind, tags):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value}
                                            for key, value in tags.items()]}] if tags else []


def make_volume(ec2, bench, tags):
    return ec2.create_volume(AvailabilityZone=bench.zones[0], Size=40, VolumeType="gp3",
                             TagSpecifications=tagged("volume", tags))["VolumeId"]


def make_request(ec2, bench, tags):
    return ec2.request_spot_instances(
        SpotPrice="0.5", TagSpecifications=tagged("spot-instances-request", tags),
        LaunchSpecification={"ImageId": bench.ground.images[0], "InstanceType": TYPE},
    )["SpotInstanceRequests"][0]["SpotInstanceRequestId"]


def volumes_of(ec2):
    return {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]}


def wait_until_kept(bench, count=1):
    """Past the boot deadline of whatever launch they may be of."""
    def is_kept():
        return [one["fate"] for one in bench.shown("status")["leftovers"]] == ["kept"] * count

    wait_for(is_kept, PATIENCE_S, "what is left is no part of a launch")


def cancelled(bench):
    return [call["parameters"]["SpotInstanceRequestId.1"]
            for call in bench.proxy.calls("CancelSpotInstanceRequests")]


def journal(bench, event):
    return [(one["subject"], one["text"]) for one in bench.remembered("journal")
            if one["event"] == event]


def test_a_machine_leaves_its_volume(bench, ec2):
    """It is listed and told, and goes by a person's word alone."""
    bench.add_resource("gpu", boot_deadline="1s", aws={"launch_spec": {"BlockDeviceMappings": [
        {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False, "VolumeSize": 20,
                                            "VolumeType": "gp3"}}]}})
    task, = bench.add_tasks("gpu", 1)
    bench.run()
    machine, = bench.machines_of_moto()
    volume = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert bench.shown("status")["leftovers"] == []
    ec2.terminate_instances(InstanceIds=[machine["InstanceId"]])
    wait_until_kept(bench)
    left, = bench.shown("status")["leftovers"]
    assert left.items() >= {"kind": "volume", "id": volume, "resource": "gpu", "slot": 0,
                            "gigabytes": 20, "type": "gp3", "region": bench.ground.region,
                            "month_microdollars": 1_600_000}.items()
    bench.client.call("tasks.dequeue", task=task)
    shutil.rmtree(bench.folder / "state")  # so that the next pass looks
    assert "machines left 1 volume behind, about 1.60 $ a month" in bench.run()
    assert [subject for subject, _ in journal(bench, "leftover")] == [volume]
    assert volume in bench.run_reaper("sweep").stdout
    assert bench.proxy.calls("DeleteVolume") == [] and volume in volumes_of(ec2)
    done = bench.run_reaper("sweep", volume)
    assert (done.returncode, done.stdout) == (DONE, f"{volume}: removed\n"), done.stderr
    assert volume not in volumes_of(ec2)
    (subject, text), = journal(bench, "removed")
    assert subject == volume and text.startswith("volume of gpu slot 0, by ")
    assert bench.run_reaper("sweep").stdout == "no machine left anything behind\n"


def test_without_a_clock_nothing_is_old(bench, ec2):
    """ClearML's is the one that counts."""
    bench.add_resource("gpu", boot_deadline="1s")
    volume = make_volume(ec2, bench, OURS)
    wait_until_kept(bench)
    bench.kill_server()
    for words in (["--all"], [volume]):
        done = bench.run_reaper("sweep", *words)
        assert (done.returncode, done.stdout) == (FAILED, ""), done.stdout
        assert "without ClearML's clock" in done.stderr
    assert volume in volumes_of(ec2)
    bench.start_server()  # what it saw is looked at in the end


def test_all_means_ours_that_nobody_has(bench, ec2):
    bench.add_resource("gpu", boot_deadline="1s")
    bench.add_tasks("gpu", 1)
    bench.run()
    others = [make_volume(ec2, bench, tags) for tags in (
        {}, OURS | {"mayfly:prefix": "world-2"}, {"mayfly:prefix": "world"},
        OURS | {"mayfly:slot": "first"})]
    attached = make_volume(ec2, bench, OURS)
    ec2.attach_volume(VolumeId=attached, Device="/dev/sdf",
                      InstanceId=bench.machines_of_moto()[0]["InstanceId"])
    before = volumes_of(ec2)
    ours = [make_volume(ec2, bench, OURS) for _ in range(3)]
    bench.proxy.set(page=1)
    wait_until_kept(bench, 3)
    done = bench.run_reaper("sweep", "--all")
    assert done.returncode == DONE, done.stderr
    assert sorted(call["parameters"]["VolumeId"] for call in
                  bench.proxy.calls("DeleteVolume")) == sorted(ours)
    assert volumes_of(ec2) == before
    assert before > {*others, attached}


def test_a_young_volume_may_be_a_launchs(bench, ec2):
    bench.add_resource("gpu", boot_deadline="1h")
    volume = make_volume(ec2, bench, OURS)
    assert [one["fate"] for one in bench.shown("status")["leftovers"]] == ["waits"]
    done = bench.run_reaper("sweep", "--all")
    assert done.returncode == DONE and done.stdout.startswith(f"{volume}: left alone")
    done = bench.run_reaper("sweep", volume)
    assert done.returncode == FAILED and "its launch may not be over" in done.stderr
    assert bench.proxy.calls("DeleteVolume") == []


@pytest.mark.parametrize("code, status, out", [
    ("InvalidVolume.NotFound", DONE, "gone already"),
    ("VolumeInUse", PARTLY, ""),
    ("UnauthorizedOperation", PARTLY, "")])
def test_a_volume_that_cannot_be_removed(bench, ec2, code, status, out):
    bench.add_resource("gpu", boot_deadline="1s")
    volumes = [make_volume(ec2, bench, OURS) for _ in range(2)]
    wait_until_kept(bench, 2)
    bench.proxy.fault(action="DeleteVolume", code=code)
    done = bench.run_reaper("sweep", "--all")
    assert done.returncode == status and out in done.stdout
    assert (code in done.stderr) == (status == PARTLY)
    assert len(volumes_of(ec2) & set(volumes)) == 1  # the other one went


def test_sweep_knows_what_it_is_told(bench, ec2):
    bench.add_resource("gpu", boot_deadline="1s")
    volume = make_volume(ec2, bench, OURS)
    wait_until_kept(bench)
    assert bench.run_reaper("sweep", "--all", volume).returncode == USAGE
    done = bench.run_reaper("sweep", "vol-1", volume)
    assert done.returncode == USAGE and "vol-1" in done.stderr
    bench.proxy.fault(action=LOOKS, code="InternalError", status=500, times=0)
    done = bench.run_reaper("sweep", "vol-1")
    assert done.returncode == FAILED and "not all could be read" in done.stderr
    assert bench.proxy.calls("DeleteVolume") == []


def test_an_open_request_is_cancelled(bench, ec2):
    bench.add_resource("gpu", offerings=[bench.offering(markets=["spot"])])
    bench.proxy.set(are_requests_open=True)
    ours = make_request(ec2, bench, OURS)
    make_request(ec2, bench, OURS | {"mayfly:prefix": "other"})
    make_request(ec2, bench, {})
    assert [(one["kind"], one["id"], one["type"], one["fate"])
            for one in bench.shown("plan")["leftovers"]] == [
                ("spot request", ours, TYPE, "cancelled")]
    assert cancelled(bench) == []
    bench.run()
    assert cancelled(bench) == [ours]
    assert journal(bench, "removed") == [
        (ours, "spot request of gpu slot 3: its launch is over")]
    assert bench.shown("status")["leftovers"] == []


def test_a_request_that_has_its_machine_stays(bench, ec2):
    bench.add_resource("gpu")
    make_request(ec2, bench, OURS)
    bench.run()
    assert bench.shown("status")["leftovers"] == []
    assert cancelled(bench) == []


def test_a_request_that_cannot_be_cancelled(bench, ec2):
    """It is told, and everything else goes on."""
    bench.add_resource("gpu")
    bench.add_tasks("gpu", 1)
    bench.proxy.set(are_requests_open=True)
    ours = make_request(ec2, bench, OURS)
    bench.proxy.fault(action="CancelSpotInstanceRequests", code="UnauthorizedOperation",
                      status=403)
    said = bench.run(PARTLY)
    assert "ec2:CancelSpotInstanceRequests is missing" in said
    assert [subject for subject, _ in journal(bench, "removal failed")] == [ours]
    assert len(bench.machines_of_moto()) == 1


def test_an_account_that_does_not_let_us_look(bench):
    """An older policy: passes go on as ever, and say it."""
    bench.add_resource("gpu")
    bench.add_tasks("gpu", 1)
    bench.proxy.fault(action=LOOKS, code="UnauthorizedOperation", status=403, times=0)
    said = bench.run()
    assert said.count("ec2:DescribeVolumes is missing") == 1
    assert len(bench.machines_of_moto()) == 1
    status = bench.shown("status")
    assert status["leftovers"] is None and "DescribeVolumes" in status["leftovers_problem"]
    assert "UNKNOWN: what machines left behind" in bench.run_reaper("status").stdout
    bench.run()  # not its turn
    assert [subject for subject, _ in journal(bench, "leftovers")] == ["world"]


def test_two_lists_have_a_region_in_common(bench, ec2):
    """What lies there is of both, and is there once."""
    bench.add_resource("gpu")
    subnets = bench.ground.subnets | {"us-west-2a": "subnet-0123456789abcdef0"}
    bench.add_resource("far", aws={"subnets": subnets},
                       offerings=[bench.offering() | {"regions": [bench.ground.region]},
                                  {"instance_types": [TYPE], "regions": ["us-west-2"],
                                   "zones": ["us-west-2a"]}])
    bench.proxy.set(are_requests_open=True)
    ours = make_request(ec2, bench, OURS)
    bench.run()
    assert cancelled(bench) == [ours]
    assert [call["region"] for call in bench.proxy.calls("DescribeSpotInstanceRequests")].count(
        bench.ground.region) == 2


def test_it_is_looked_for_once_in_a_while(bench):
    """Once for both resources, too: they are in one place."""
    bench.add_resource("gpu")
    bench.add_resource("gpu-2")
    for _ in range(3):
        bench.run()
    assert [call["action"] for call in bench.proxy.calls() if call["action"] in LOOKS] == [
        "DescribeVolumes", "DescribeSpotInstanceRequests"]
