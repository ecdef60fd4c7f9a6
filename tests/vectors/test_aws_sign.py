"""common/aws_sign held to the published vectors of Signature Version 4 (aws_sign/), stage by stage.

Ours is behind tests/vectors/aws_calls.c.
"""

import base64
import json
import re
from pathlib import Path

import pytest
from driven import Driven

CASES = Path(__file__).parent / "aws_sign"
# Of the suite, for all cases: keys, time, region and service.
GIVEN = {"id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
         "region": "us-east-1", "service": "service", "now_ms": 1440938160000}
REQUEST = re.compile(r"(?P<method>\S+) (?P<path>[^?]*?)(\?(?P<query>.*))? HTTP/1.1\n")


@pytest.fixture(scope="module", name="ours")
def _ours():
    driven = Driven("aws_calls")
    yield driven
    driven.close()


def cases():
    return sorted(str(path.parent.relative_to(CASES)) for path in CASES.rglob("*.req"))


def part(case, kind):
    path = CASES / case / f"{Path(case).name}.{kind}"
    return path.read_text(encoding="utf-8").replace("\r", "")


def read_request(text):
    """The parts of a raw request; a header goes on in lines that begin with a blank."""
    head, _, body = text.partition("\n\n")
    first = REQUEST.match(head + "\n")
    headers = re.findall(r"^\S.*(?:\n[ \t].*)*", head[first.end():], re.M)
    return first.groupdict() | {"headers": headers, "body": body}


def token_of(case):
    """A session token is with the keys of such a case: its request does not always hold it yet."""
    found = re.search(r"^x-amz-security-token:(.*)$", part(case, "creq"), re.M)
    return [f"X-Amz-Security-Token:{found[1]}"] if found else []


def test_the_suite_is_whole():
    assert len(cases()) == 34


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.replace("/", ":"))
def test_a_vector(ours, case):
    request = GIVEN | read_request(part(case, "req"))
    if "security-token" not in "".join(request["headers"]).lower():
        request["headers"] += token_of(case)
    words = base64.b64encode(json.dumps(request).encode()).decode()
    answer = ours("sign", words)
    assert answer["canonical"] == part(case, "creq")
    assert answer["to_sign"] == part(case, "sts")
    assert answer["authorization"] == part(case, "authz")
