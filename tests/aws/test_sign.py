"""common/aws_sign held to botocore's own signer over thousands of requests made up by a seed.

Ours is behind tests/vectors/aws_calls.c, the same program that the published vectors go through.
"""

import base64
import datetime
import json
import os
import random
import subprocess
from pathlib import Path
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug"))
REQUESTS = 3000
ODD = "aZ09-._~ /%+=&?#:;,'\"()*!$@[]{}|\\^`<>äß漢𝄞\t"
HOSTS = {"ec2": "ec2.eu-central-1.amazonaws.com", "s3": "s3.eu-central-1.amazonaws.com",
         "secretsmanager": "127.0.0.1:5555", "sts": "sts.amazonaws.com"}


@pytest.fixture(scope="module", name="ours")
def _ours():
    with subprocess.Popen([BUILD / "tests/vectors/aws_calls"], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        def ask(*words):
            process.stdin.write("\t".join(map(str, words)) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        yield ask
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def packed(text):
    return base64.b64encode(text.encode()).decode()


def words(chance, most=12, letters=ODD):
    return "".join(chance.choice(letters) for _ in range(chance.randrange(most)))


def path_of(chance):
    parts = [chance.choice([words(chance), words(chance), ".", "..", ""])
             for _ in range(chance.randrange(5))]
    return "/" + "/".join(quote(part, safe="-._~") for part in parts)


def query_of(chance):
    pairs = [(words(chance), words(chance)) for _ in range(chance.randrange(6))]
    return "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}"
                    for name, value in pairs if name)


def made_up(chance):
    service = chance.choice(sorted(HOSTS))
    plain = "".join(map(chr, range(33, 127))).replace(",", "")
    headers = {"Host": HOSTS[service]}
    if chance.random() < 0.5:
        headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if chance.random() < 0.3:
        headers["X-Amz-Target"] = f"{words(chance, 9, 'abcdef')}.x"
    for i in range(chance.randrange(4)):
        headers[f"X-Amz-Meta-{chance.choice('AbCd')}{i}"] = "  ".join(
            words(chance, 6, plain) for _ in range(3)) or "x"
    return {"method": chance.choice(["GET", "POST", "PUT", "DELETE"]), "path": path_of(chance),
            "query": query_of(chance), "headers": headers,
            "body": words(chance, 60) if chance.random() < 0.7 else "", "service": service,
            "region": chance.choice(["us-east-1", "cn-north-1", "eu-central-1"]),
            "now_ms": chance.randrange(1, 4102444800) * 1000,
            "id": "AKID" + words(chance, 20, "AZ09"),
            "secret": words(chance, 80, plain) or "s",
            "token": words(chance, 500, plain) if chance.random() < 0.5 else ""}


def signed_by_botocore(request, monkeypatch):
    """The headers, as it would send them."""
    now = datetime.datetime.fromtimestamp(request["now_ms"] // 1000, datetime.timezone.utc)

    url = f"https://{request['headers']['Host']}{request['path']}"
    url += f"?{request['query']}" if request["query"] else ""
    theirs = AWSRequest(request["method"], url, dict(request["headers"]), request["body"].encode())
    keys = Credentials(request["id"], request["secret"], request["token"] or None)
    signer = botocore.auth.S3SigV4Auth if request["service"] == "s3" else botocore.auth.SigV4Auth
    auth = signer(keys, request["service"], request["region"])
    theirs.context["payload_signing_enabled"] = True
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)
    auth.add_auth(theirs)
    return dict(theirs.headers.items())


@pytest.mark.parametrize("seed", range(10))
def test_as_botocore_signs(ours, monkeypatch, seed):
    chance = random.Random(seed)
    for _ in range(REQUESTS // 10):
        request = made_up(chance)
        headers = signed_by_botocore(request, monkeypatch)
        theirs = headers.pop("Authorization")
        # What botocore adds (time, token, hash of the body) is signed by us as it stands there.
        lines = [f"{name}: {value}" for name, value in headers.items()]
        chance.shuffle(lines)
        answer = ours("sign", packed(json.dumps(request | {"headers": lines})))
        assert answer["ok"], answer
        assert answer["authorization"] == theirs, (request, answer["canonical"])
        assert headers["X-Amz-Date"] == ours("time", request["now_ms"])["time"]


def test_encodes_as_python_does(ours):
    chance = random.Random(1)
    for _ in range(2000):
        text, keep = words(chance, 40), chance.choice(["", "/"])
        assert ours("encode", packed(text), keep)["encoded"] == quote(text, safe="-._~" + keep)
