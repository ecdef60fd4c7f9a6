"""What the reaper asks of EC2's market: spot prices, once an hour; and what types there are."""

import json

import pytest

from .bench import DONE, FAILED, TYPE


def add_spot(bench, **more):
    bench.add_resource("gpu", max_instances=2,
                       offerings=[bench.offering(markets=["spot"], zones=2)], **more)


def test_spot_prices_are_learned_once_an_hour(bench):
    """moto's price is 0.00001 $/h in every zone."""
    add_spot(bench)
    bench.add_tasks("gpu", 1)
    launch, = bench.shown("plan")["launches"]
    assert (launch["price_microdollars"], launch["price_source"]) == (10, "cloud")
    assert not (bench.folder / "state" / "ledger.sqlite").exists()
    bench.run()
    asked = len(bench.proxy.calls("DescribeSpotPriceHistory"))
    for _ in range(2):
        bench.run()
        bench.shown("status")
    assert len(bench.proxy.calls("DescribeSpotPriceHistory")) == asked
    known = {(one["type"], one["zone"]): one["price"] for one in bench.remembered("spot_prices")}
    assert known.items() >= {(TYPE, zone): 10 for zone in bench.zones[:2]}.items()
    bench.add_tasks("gpu", 1)
    assert "at 0.00001 $/h (the cloud's spot price)" in bench.run_reaper("plan").stdout


def test_who_may_not_ask_launches_all_the_same(bench):
    bench.proxy.fault(action="DescribeSpotPriceHistory", times=0, status=403,
                      code="UnauthorizedOperation", message="You are not authorized")
    add_spot(bench, prices={"spot_share": 0.5})
    bench.add_tasks("gpu", 1)
    assert bench.run().count("event=spot-prices") == 1
    assert "spot-prices" not in bench.run()
    assert len(bench.machines_of_moto()) == 1
    assert len(bench.proxy.calls("DescribeSpotPriceHistory")) == 1
    bench.add_tasks("gpu", 1)
    launch, = bench.shown("plan")["launches"]
    assert launch["price_source"] == "spot_share"


def test_check_says_what_spot_costs(bench):
    add_spot(bench)
    done = bench.run_reaper("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok      spot prices of gpu: 0.00001" in done.stdout


def rewrite(bench, **more):
    """As a person writes it, line by line, with more of the last resource."""
    config = json.loads(bench.config.read_text())
    config["resources"][-1] |= more
    bench.config.write_text(json.dumps(config, indent=1))


def check(bench, status):
    """What `check` says of the resource's types and image."""
    done = bench.run_reaper("check")
    assert done.returncode == status, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if " of gpu: " in line]


def line_of(bench, text):
    lines = bench.config.read_text().splitlines()
    return f"{bench.config}:{next(n + 1 for n, line in enumerate(lines) if text in line)}"


def test_check_says_what_the_types_are(bench):
    bench.add_resource("gpu", offerings=[bench.offering(zones=2, types=["m5.large", TYPE])])
    said = check(bench, DONE)
    assert [line for line in said if "types of gpu" in line] == [
        "ok      types of gpu: m5.large in us-east-1: 2 vCPUs, 8 GiB, GPUs 0, disks 0 GB",
        "ok      types of gpu: g5.xlarge in us-east-1: 4 vCPUs, 16 GiB, GPUs 1, disks 250 GB"]
    assert len(bench.proxy.calls("DescribeInstanceTypes")) == 1


@pytest.mark.parametrize("type_name, market, words", [
    ("g4dn.xlrage", "on-demand", "there is no g4dn.xlrage in us-east-1, did you mean g4dn.xlarge"),
    ("qqqqq.huge", "on-demand", "there is no qqqqq.huge in us-east-1"),
    ("hpc6a.48xlarge", "spot", "hpc6a.48xlarge is not sold as spot in us-east-1"),
])
def test_check_finds_a_type_that_cannot_be(bench, type_name, market, words):
    """By file and line, beside one that can."""
    bench.add_resource("gpu", offerings=[
        bench.offering(markets=[market], types=[type_name, "m5.large"])])
    rewrite(bench)
    said = check(bench, FAILED)
    wrong, = (line for line in said if line.startswith("FAILED"))
    assert wrong.startswith(f"FAILED  types of gpu: {line_of(bench, type_name)}: ")
    assert words in wrong
    assert any(line.startswith("ok      types of gpu: m5.large in") for line in said)


def test_check_compares_the_architectures(bench, moto):
    """moto forgets what an image was registered with, and has some of Amazon's."""
    image = moto.client("ec2").describe_images(Filters=[
        {"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]["ImageId"]
    bench.add_resource("gpu", aws={"image": image},
                       offerings=[bench.offering(types=["m7g.large", "m7i.large"])])
    arm, intel = (line for line in check(bench, FAILED) if " types of " in line)
    assert arm.startswith("FAILED") and intel.startswith("ok")
    assert f"m7g.large is arm64, and the image {image} is x86_64: it would not boot" in arm


def test_check_compares_the_gpus(bench):
    """Fewer than promised: a machine's own gate would say so, an hour's money later."""
    bench.add_resource("gpu", offerings=[
        bench.offering(types=["g4dn.xlarge", "g4dn.12xlarge", "g4dn.metal"])])
    rewrite(bench, gpus=4, agent={"docker": {"image": "python:3.11-slim"}})
    few, fitting, many, doubt = (line for line in check(bench, FAILED) if " types of " in line)
    assert few.startswith("FAILED") and "1 of NVIDIA's GPUs, and gpus says 4" in few
    assert fitting.startswith("ok") and "g4dn.12xlarge" in fitting
    assert many.startswith("ok") and doubt.startswith("warning") and "has 8 GPUs" in doubt


def test_check_finds_an_image_that_is_gone(bench, moto):
    moto.client("ec2").deregister_image(ImageId=bench.ground.images[0])
    bench.add_resource("gpu")
    wrong, = (line for line in check(bench, FAILED) if line.startswith("FAILED"))
    assert "image of gpu: aws.image of gpu in us-east-1: " in wrong


def test_check_where_it_may_not_ask(bench):
    """What is not verified is no failure, and named."""
    bench.proxy.fault(action="DescribeInstanceTypes", status=403, code="UnauthorizedOperation",
                      message="You are not authorized to perform: ec2:DescribeInstanceTypes")
    bench.add_resource("gpu")
    doubt, = (line for line in check(bench, DONE) if line.startswith("warning"))
    assert "types of gpu: not verified: " in doubt and "ec2:DescribeInstanceTypes" in doubt
