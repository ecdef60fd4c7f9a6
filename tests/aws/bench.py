"""A reaper that launches into moto: ClearML's stand-in, the proxy, and what lies between.

    with Bench(folder, proxy, ground) as bench:
        bench.add_resource("gpu", max_instances=2, offerings=[bench.offering()])
        bench.add_tasks("gpu", 1)
        bench.run()
        bench.machines_of_moto()
"""

import base64
import functools
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "whole"))

from world import PREFIX, World  # noqa: E402  (the path above comes first)

from .moto import OWNER  # noqa: E402

DONE, FAILED, USAGE, PARTLY = 0, 1, 2, 3
ALIVE = ("pending", "running", "stopping", "stopped", "shutting-down")
TYPE = "g5.xlarge"


class Bench(World):
    """A world whose machines are instances of moto, which boot nothing."""

    def __init__(self, folder, proxy, ground):
        super().__init__(folder)
        self.proxy, self.ground = proxy, ground
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **OWNER.environment(), "AWS_ENDPOINT_URL": proxy.url, "AWS_REGION": ground.region,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}

    @property
    def zones(self):
        return list(self.ground.subnets)

    def offering(self, zones=1, markets=("on-demand",), types=(TYPE,)):
        """In the first zones of the ground."""
        return {"instance_types": list(types), "zones": self.zones[:zones],
                "markets": list(markets)}

    def add_resource(self, name, queues=None, offerings=None, aws=None, **more):
        super().add_resource(
            name, queues, provider="aws", offerings=offerings or [self.offering()],
            aws={"region": self.ground.region, "image": self.ground.images[0],
                 "subnets": self.ground.subnets, "key_name": self.ground.key_name,
                 "security_groups": [self.ground.security_group],
                 "instance_profile": self.ground.instance_profile, **(aws or {})},
            **{"agent": {"command": ["/bin/true"]}, **more})

    def policy(self, *options):
        """What `iam aws` prints for this configuration."""
        done = self.run_reaper("iam", "aws", *options)
        assert done.returncode == DONE, done.stderr
        return json.loads(done.stdout)

    def guard(self, actions):
        """From now on moto checks all calls; the reaper's keys may do these actions."""
        owner = self.proxy.moto.add_user("owner", {"*"})
        self.ec2 = self.proxy.moto.client("ec2", owner, self.ground.region)
        self.environment |= self.proxy.guard(actions).environment()
        self._iam = self.proxy.moto.client("iam", owner)

    def allow(self, actions):
        """After guard(): these, and no others any more."""
        self.proxy.moto.allow(self._iam, "operator", actions)

    def add_tasks(self, queue, count):
        return [self.add_task(queue, f"task {i}", "pass") for i in range(count)]

    # -- the reaper -----------------------------------------------------------------------------

    def run_reaper(self, *words, timeout=90, more=()):
        return subprocess.run(self.reaper_argv(*words), capture_output=True, text=True,
                              timeout=timeout, check=False, env=self.environment | dict(more))

    def start_reaper(self, *words, config=None):
        argv = self.reaper_argv(*words)
        argv[argv.index(str(self.config))] = str(config or self.config)
        with open(self.folder / "reaper.out", "ab") as out:
            child = subprocess.Popen(argv, stdout=out, stderr=out, env=self.environment)
        self._children.append(child)
        return child

    def hosts(self, count):
        """The same configuration with a state folder of its own for each host."""
        text = self.config.read_text()
        made = []
        for number in range(count):
            path = self.folder / f"host-{number}.json"
            path.write_text(text.replace(str(self.folder / "state"),
                                         str(self.folder / f"state-{number}")))
            made.append(path)
        return made

    def run(self, expected=DONE, *words):
        """One `run`; what it logged."""
        done = self.run_reaper("run", *words)
        with open(self.folder / "reaper.out", "a") as out:
            out.write(done.stderr)
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stderr

    def shown(self, what):
        """What `plan --json` or `status --json` prints."""
        done = self.run_reaper(what, "--json")
        assert done.returncode == DONE, done.stdout + done.stderr
        return json.loads(done.stdout)

    def remembered(self, table):
        """The rows of a table of the ledger."""
        path = self.folder / "state" / "ledger.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
            ledger.row_factory = sqlite3.Row
            return [dict(row) for row in ledger.execute(f"SELECT * FROM {table}")]

    # -- the machines ---------------------------------------------------------------------------

    @functools.cached_property
    def ec2(self):
        """moto's own, as the owner of the account asks it."""
        return self.proxy.moto.client("ec2", region=self.ground.region)

    def all_of_moto(self):
        """What moto itself lists of our prefix, as boto3 reads it, oldest first."""
        pages = self.ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "tag:mayfly:prefix", "Values": [PREFIX]}])
        return [one for page in pages for reservation in page["Reservations"]
                for one in reservation["Instances"]]

    def machines_of_moto(self):
        """The instances that cost money."""
        return [one for one in self.all_of_moto() if one["State"]["Name"] in ALIVE]

    def launches(self):
        """(zone, market, error code) of each RunInstances that EC2 was asked."""
        return [(call["zone"], call["market"], call["code"])
                for call in self.proxy.calls("RunInstances")]


def tags_of(instance):
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}


def slot_of(instance):
    """(resource, slot, generation)"""
    tags = tags_of(instance)
    return tags["mayfly:resource"], int(tags["mayfly:slot"]), int(tags["mayfly:generation"])


def ticket_in(user_data):
    """Read by tools that know nothing of mayfly; user_data is as RunInstances received it."""
    text = base64.b64decode(user_data).decode()
    block = re.search("BEGIN MAYFLY TICKET-----(.*?)-----END", text, re.S)[1]
    packed = base64.b64decode(re.sub(r"[#\s]", "", block))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return json.load(archive.extractfile("ticket.json"))
