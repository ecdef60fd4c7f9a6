"""What hop limit 1 keeps from a task: the instance's role, as long as the task is on a bridge.

The metadata service at 169.254.169.254 gives the role's credentials to whoever asks from the
instance. In three steps: PUT for a token, GET with it for the credentials; where tokens are
optional, GET alone. HttpPutResponseHopLimit is the time to live of the packets that answer PUT.

Why the answer's time to live decides, and not the request's. A container's request leaves with a
time to live of 64 (or whatever the container likes). The machine forwards it, which takes one off,
and MASQUERADE puts the machine's address in the place of the container's: the service cannot tell
it from one of the machine's own. It answers the machine. There the connection tracking, before any
routing, puts the container's address back, and only now does the packet have one more hop to go:
from the uplink to the bridge. To forward it the kernel would have to take one off its time to live.
With 1 there is nothing left: it drops the packet, counts it (InHdrErrors) and tells the service.
The machine's own packets, and those of a container on the machine's network, are delivered and not
forwarded; nothing is taken off. A container can set neither the answers' time to live nor what the
machine does with them.

So the limit protects nothing by itself: with HttpTokens `optional` the answer to a plain GET, which
has no limit, holds the credentials. Both belong together: tokens required, hop limit 1.
"""

import re
from dataclasses import dataclass

import pytest

from peers.cloud import MACHINE, METADATA, Cloud
from peers.engine import TINY, Engine
from peers.metadata_service import (CREDENTIALS, LIFETIME_HEADER, ROLE, TOKEN_HEADER,
                                    TOKEN_PATH)

CREDENTIALS_PATH = f"/latest/meta-data/iam/security-credentials/{ROLE}"
PUT = (f"PUT {TOKEN_PATH} HTTP/1.1\r\nHost: {METADATA}\r\n"
       f"{LIFETIME_HEADER}: 60\r\n\r\n")
GET = f"GET {CREDENTIALS_PATH} HTTP/1.1\r\nHost: {METADATA}\r\n\r\n"

# How long to listen: what is to come has long to come; what is not, takes this long each time.
PATIENCE_S = {True: "30", False: "3"}

# What a step sees when all that is asked is answered.
ANSWERED = {
    "takes a token": {"token"},
    "uses it": {"credentials", "refused"},
    "uses the machine's": {"credentials"},
    "asks without": {"credentials", "refused"},
    "asks without and takes a token": {"refused and token"},
}

LIMIT_1 = {"hop_limit": 1, "tokens": "required"}
LIMIT_2 = {"hop_limit": 2, "tokens": "required"}
LIMIT_1_TOKENS_OPTIONAL = {"hop_limit": 1, "tokens": "optional"}
LIMIT_1_ON_EVERYTHING = {"hop_limit": 1, "tokens": "required", "limited": "all"}
LIMIT_2_ON_EVERYTHING = {"hop_limit": 2, "tokens": "required", "limited": "all"}

HAS_ALL = [("takes a token", "token"), ("uses it", "credentials"),
           ("asks without", "refused")]
CASES = [
    ("when the machine itself asks", "machine", LIMIT_1, HAS_ALL),
    ("when a task on the bridge takes a token first", "bridge", LIMIT_1,
     [("takes a token", "nothing"), ("uses it", "refused"), ("asks without", "refused")]),
    ("when a task on the bridge asks without one first", "bridge", LIMIT_1,
     [("asks without", "refused"), ("takes a token", "nothing")]),
    ("when a task on the bridge takes one on a connection that already answered", "bridge",
     LIMIT_1, [("asks without and takes a token", "refused")]),
    ("when a task on a network of its own asks", "network", LIMIT_1,
     [("takes a token", "nothing"), ("asks without", "refused")]),
    ("when a task may shape its packets", "capable", LIMIT_1,
     [("takes a token", "nothing"), ("asks without", "refused")]),
    ("when a task is on the machine's network: why the bridge is the default", "host", LIMIT_1,
     HAS_ALL),
    ("when the limit is 2 and a task on the bridge asks", "bridge", LIMIT_2, HAS_ALL),
    ("when the limit is 2 and it does both on one connection", "bridge", LIMIT_2,
     [("asks without and takes a token", "refused and token")]),
    ("when tokens are optional, the limit of 1 keeps nothing from the bridge", "bridge",
     LIMIT_1_TOKENS_OPTIONAL, [("takes a token", "nothing"), ("asks without", "credentials")]),
    ("when the machine's token is handed to a task on the bridge", "bridge", LIMIT_1,
     [("uses the machine's", "credentials")]),
    ("when every answer has the limit, the bridge sees no connection at all", "bridge",
     LIMIT_1_ON_EVERYTHING, [("asks without", "nothing"), ("takes a token", "nothing")]),
    ("when every answer has the limit, the machine is served", "machine",
     LIMIT_1_ON_EVERYTHING, HAS_ALL),
    ("when every answer has a limit of 2, the bridge is served", "bridge",
     LIMIT_2_ON_EVERYTHING, HAS_ALL),
]

# name -> what docker is told, but for the machine, which is no container.
CONTAINERS = {
    "bridge": [],
    "network": ["--network", "own"],
    "capable": ["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"],
    "host": ["--network", "host"],
}


@dataclass
class Site:
    """One machine with its engine and a container of each kind."""

    cloud: Cloud
    engine: Engine

    def run(self, place, *words, input=""):
        """All that a command says, which may fail, run at that place."""
        if place == "machine":
            done = self.cloud.machine.run(*words, input=input, check=False)
        else:
            done = self.engine.docker("exec", "--interactive", place, *words, input=input,
                                      check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    reason = Cloud.unavailable() or Engine.unavailable()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("site")
    with Cloud(folder) as cloud, Engine(folder / "engine", bridge=True,
                                        command_prefix=cloud.machine.prefix) as engine:
        engine.import_tiny()
        engine.docker("network", "create", "own")
        for name, options in CONTAINERS.items():
            engine.docker("run", "--detach", "--init", "--name", name, *options, TINY,
                          "sleep", "100000")
        yield Site(cloud, engine)


class Client:
    """Asks at one place, as a client that goes on whatever it is told."""

    def __init__(self, site, place):
        self._site = site
        self._place = place
        self._token = "none"

    def ask(self, step, is_answered):
        patience = PATIENCE_S[is_answered]
        if step == "takes a token":
            answer = self._speak(PUT, patience)
            self._token = token_in(answer) or "none"
            return answer
        if step == "uses it":
            return self._get(patience, "--header", f"{TOKEN_HEADER}: {self._token}")
        if step == "uses the machine's":
            token = token_in(Client(self._site, "machine")._speak(PUT, PATIENCE_S[True]))
            return self._get(patience, "--header", f"{TOKEN_HEADER}: {token}")
        if step == "asks without":
            return self._get(patience)
        assert step == "asks without and takes a token", step
        return self._speak(GET + PUT, patience)

    def _get(self, patience, *options):
        return self._site.run(self._place, "busybox", "timeout", patience, "busybox", "wget",
                              "-q", "-O", "-", *options, f"http://{METADATA}{CREDENTIALS_PATH}")

    def _speak(self, request, patience):  # busybox's wget knows no PUT
        return self._site.run(self._place, "busybox", "timeout", patience, "busybox", "nc",
                              METADATA, "80", input=request)


def token_in(answer):
    head, _, body = answer.rpartition("\n\n")
    return body.strip() if LIFETIME_HEADER in head else None


def outcome(answer):
    """What came, in words; all of it when it is something else."""
    came = [word for word, is_in in (
        ("refused", "HTTP/1.1 401" in answer),
        ("token", token_in(answer)),
        ("credentials", CREDENTIALS["AccessKeyId"] in answer)) if is_in]
    if came:
        return " and ".join(came)
    return answer.strip() or "nothing"


@pytest.mark.parametrize("place, service, steps", [
    pytest.param(*row, id=when) for when, *row in CASES])
def test_who_reaches_the_metadata_service(site, place, service, steps):
    client, machine = Client(site, place), site.cloud.machine
    dropped_before = machine.ip_counter("InHdrErrors")
    is_kept_out = any(expected not in ANSWERED[step] for step, expected in steps)
    with site.cloud.metadata_service(**service) as metadata:
        seen = [(step, outcome(client.ask(step, expected in ANSWERED[step])))
                for step, expected in steps]
        answers = metadata.answers()
    assert seen == steps
    assert {answer["from"] for answer in answers} <= {MACHINE}, "all comes masqueraded"
    dropped = machine.ip_counter("InHdrErrors") - dropped_before
    assert (dropped > 0) == is_kept_out, "the machine is what stops an answer, and only then"
    if is_kept_out and service.get("limited") != "all":
        assert ("PUT", 200, 1) in [(answer["method"], answer["status"], answer["hop_limit"])
                                   for answer in answers], "the token was made, and sent"


def test_the_two_namespaces_lead_nowhere_else(site):
    assert site.cloud.far_end.interfaces() == {"lo", "downlink"}
    links = site.cloud.machine.interfaces()
    assert {link for link in links if not link.startswith(("veth", "br-"))} == {
        "lo", "uplink", "docker0"}
    assert site.run("bridge", "ip", "route").split()[:3] == ["default", "via", "172.17.0.1"]


def test_the_bridge_is_as_docker_makes_it(site):
    rules = site.cloud.machine.run("iptables", "--table", "nat", "--list-rules").stdout
    assert re.search(r"^-A POSTROUTING -s 172\.17\.0\.0/16 ! -o docker0 -j MASQUERADE$", rules,
                     re.MULTILINE)
