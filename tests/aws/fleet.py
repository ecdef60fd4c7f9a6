"""EC2 with machines in it: what moto says is running does run, as a life of mayfly-bootstrap in a
network and a process namespace of its own (tests/whole/ec2.py), with the user data that moto holds
for it; and what it does to itself, moto is told.

    with Fleet(folder, proxy, ground) as fleet:
        fleet.add_resource("cpu")
        task, = fleet.add_gated("cpu", 1)
        reaper = fleet.start_reaper("watch", "--until-empty")
        fleet.wait_for(lambda: reaper.poll() is not None, "the reaper sees nothing left")

There is no thread: EC2 goes on only while the test waits here. An instance is born when moto lists
it as running. When it powers off, moto terminates or stops it, as its launch asked for; when moto
lists it as ended, whoever did that, its power goes at once. It reaches ClearML and the proxy alone.
"""

import base64
import json
from collections import Counter

from standin.client import wait_for

from .bench import ALIVE, Bench, slot_of

from ec2 import ALONE, HOST_AGENT, Instance, utc  # (bench.py adds the path)

PATIENCE_S = 180
METADATA = "/latest/meta-data/"
SHUT_DOWN = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")


class Fleet(Bench):
    """See the module's first lines."""

    def __enter__(self):
        iam = self.proxy.moto.client("iam")
        profile = iam.get_instance_profile(InstanceProfileName=self.ground.instance_profile)
        role = profile["InstanceProfile"]["Roles"][0]
        self._role = role["RoleName"]
        self._session = self.proxy.moto.session_of(role["Arn"], "machine")
        self.gate = self.folder / "gate"
        self.booted = {}  # id: Instance
        self.prefix = ALONE  # of machines that boot from now on, see Instance.boot()
        return super().__enter__()

    def __exit__(self, *exception):
        try:
            super().__exit__(*exception)
        finally:
            for machine in self.booted.values():
                machine.__exit__()

    def add_resource(self, name, **more):
        super().add_resource(name, agent=HOST_AGENT, **more)

    def add_gated(self, queue, count):
        return [self.add_task(queue, f"task {i}", self.gated_source(self.gate))
                for i in range(count)]

    # -- what World asks of its machines -------------------------------------------------------

    def instances(self):
        return sorted(self.booted)

    def state_of(self, instance):
        return self.booted[instance].state

    def log_tail(self):
        return "\n".join([super().log_tail(), *(machine.log_tail() for machine in
                                                self.booted.values())])

    # -- EC2 ------------------------------------------------------------------------------------

    def wait_for(self, condition, what):
        def turned():
            self._turn()
            return condition()
        return wait_for(turned, PATIENCE_S, what)

    def _turn(self):
        """Everything that became of the instances since the last one. I1 holds in each."""
        listed = self.all_of_moto()
        for one in listed:
            self._follow(one, self.booted.get(one["InstanceId"]))
        held = Counter(slot_of(one)[:2] for one in listed if one["State"]["Name"] in ALIVE)
        assert not held or max(held.values()) == 1, f"more than one machine a slot: {held}"

    def _follow(self, one, machine):
        state = one["State"]["Name"]
        if not machine:
            if state == "running":
                self.booted[one["InstanceId"]] = self._boot(one)
        elif state not in ALIVE:
            machine.cut_power()
        elif state == "running" and machine.has_switched_itself_off():
            self._power_off(machine.id)

    def _boot(self, one):
        name, zone = one["InstanceId"], one["Placement"]["AvailabilityZone"]
        user_data = base64.b64decode(self._attribute(name, "userData", "UserData")).decode()
        machine = Instance(
            self, self.machines / name, user_data, one.get("InstanceLifecycle", "on-demand"),
            {"instanceId": name, "instanceType": one["InstanceType"], "availabilityZone": zone,
             "imageId": one["ImageId"], "pendingTime": utc(one["LaunchTime"].timestamp())},
            ports=[self.proxy.port])
        machine.__enter__()
        machine.tell({
            f"{METADATA}instance-id": name, f"{METADATA}placement/region": self.ground.region,
            f"{METADATA}iam/security-credentials/": self._role,
            f"{METADATA}iam/security-credentials/{self._role}": json.dumps(self._session)})
        machine.boot("--power-off", prefix=self.prefix,
                     environment={"AWS_ENDPOINT_URL": self.proxy.url})
        return machine

    def _attribute(self, name, attribute, member):
        return self.ec2.describe_instance_attribute(
            InstanceId=name, Attribute=attribute)[member]["Value"]

    def _power_off(self, name):
        said = self._attribute(name, "instanceInitiatedShutdownBehavior",
                               "InstanceInitiatedShutdownBehavior")
        if said == "terminate":
            self.proxy.end(name, *SHUT_DOWN)
        else:
            self.ec2.stop_instances(InstanceIds=[name])
