"""What the reaper asks of EC2's market: spot prices, learned once an hour."""

from .bench import TYPE


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
