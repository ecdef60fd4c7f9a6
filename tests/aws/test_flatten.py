"""aws_flatten held to botocore: its serializer of requests, its validator of their faults."""

import json
import random
from urllib.parse import parse_qsl, quote

import pytest
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from vectors.driven import ROOT, Driven

from .requests import Requests
from .write_shapes import ACTIONS, model, write

REQUESTS_EACH = 400
OTHER_KINDS = {"string": (1, [], {}), "integer": ("1", 1.5, [], {}), "boolean": ("true", [], {}),
               "list": ("a", 1, {}), "structure": ("a", 1, [])}


@pytest.fixture(scope="module")
def ec2():
    return model()


@pytest.fixture(scope="module")
def flatten():
    driven = Driven("flatten_calls", "tests/aws")
    yield lambda action, request: driven("flatten", action, json.dumps(request))
    driven.close()


def test_the_table_is_the_models(ec2):
    """Where not: make write-aws-shapes."""
    committed = (ROOT / "reaper/providers/aws_shapes.c").read_text()
    assert committed == "\n".join(write(ec2)) + "\n"


@pytest.mark.parametrize("action", ACTIONS)
def test_flattens_as_botocore_does(ec2, flatten, action):
    operation = ec2.operation_model(action)
    serializer = create_serializer("ec2", include_validation=False)
    requests = Requests(random.Random(action))
    longest = 0
    for _ in range(REQUESTS_EACH * (5 if action == "RunInstances" else 1)):
        request = requests.of(operation.input_shape)
        want = dict(serializer.serialize_to_request(request, operation)["body"])
        del want["Action"], want["Version"]
        got = flatten(action, request)
        assert got["ok"], (got, request)
        assert parse_qsl(got["query"], keep_blank_values=True) == [
            (name, str(value)) for name, value in want.items()]
        assert got["query"] == "".join(f"&{name}={quote(str(value), safe='')}"
                                       for name, value in want.items())
        longest = max(longest, len(want))
    assert longest > 0


def places(shape, value, way=()):
    """Each value of a request: its way, its shape, what holds it and where in that."""
    below = []
    if shape.type_name == "structure":
        below = [(shape.members[name], name) for name in value]
    elif shape.type_name == "list":
        below = [(shape.member, place) for place in range(len(value))]
    for inner, key in below:
        yield way + (key,), inner, value, key
        yield from places(inner, value[key], way + (key,))


def words_of(way):
    """NetworkInterfaces[0].Groups"""
    words = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way)
    return words.lstrip(".")


def test_refuses_other_kinds_as_botocore_does(ec2, flatten):
    shape = ec2.operation_model("RunInstances").input_shape
    chance = random.Random("kinds")
    requests, seen = Requests(chance), set()
    for _ in range(REQUESTS_EACH * 3):
        request = requests.of(shape)
        way, inner, holder, key = chance.choice(list(places(shape, request)))
        if inner.type_name not in OTHER_KINDS:
            continue
        holder[key] = chance.choice(OTHER_KINDS[inner.type_name])
        assert ParamValidator().validate(request, shape).has_errors()
        got = flatten("RunInstances", request)
        assert not got["ok"] and got["class"] == "configuration", (got, request)
        assert got["message"].startswith(f"RunInstances: {words_of(way)}: EC2 takes "), got
        seen.add(inner.type_name)
    assert seen == set(OTHER_KINDS)


def test_refuses_unknown_names_as_botocore_does(ec2, flatten):
    shape = ec2.operation_model("RunInstances").input_shape
    chance = random.Random("names")
    requests, hinted = Requests(chance), 0
    for _ in range(REQUESTS_EACH * 3):
        request = requests.of(shape)
        way, _, holder, key = chance.choice([place for place in places(shape, request)
                                             if not isinstance(place[3], int)])
        wrong = key[:-1] + "q"
        holder[wrong] = holder.pop(key)
        assert ParamValidator().validate(request, shape).has_errors()
        got = flatten("RunInstances", request)
        assert not got["ok"] and got["class"] == "configuration", (got, request)
        assert got["message"].startswith(
            f"RunInstances: {words_of(way[:-1] + (wrong,))}: unknown to EC2"), got
        hinted += got["message"].endswith(f"did you mean {key}?")
    assert hinted > REQUESTS_EACH * 2
