"""Writes reaper/providers/aws_shapes.c from botocore's model of EC2 (make write-aws-shapes).

    python -m aws.write_shapes        in tests/, prints it

What aws_shapes.h says is here made: the requests of ACTIONS alone; lists of equal items are one
shape, objects of equal members too. A model that the numbers no longer fit is refused.
"""

import sys

import botocore
from botocore.loaders import Loader
from botocore.model import ServiceModel

ACTIONS = ("CancelSpotInstanceRequests", "CreateTags", "DeleteVolume", "DescribeImages",
           "DescribeInstanceTypes", "DescribeInstances", "DescribeSpotInstanceRequests",
           "DescribeSpotPriceHistory", "DescribeVolumes", "GetConsoleOutput", "RunInstances",
           "TerminateInstances")
SCALARS = {"string": 0, "integer": 1, "long": 1, "boolean": 2, "timestamp": 3}
NAMES = ("AWS_SHAPE_TEXT", "AWS_SHAPE_INTEGER", "AWS_SHAPE_BOOL", "AWS_SHAPE_TIME")
LONGEST_TEXT = 4095  # of a C string that every compiler takes
HEAD = """\
/*
 * Written by `make write-aws-shapes` from botocore {version}'s model of EC2 {api}; not by hand.
 */
/* clang-format off */
#include "reaper/providers/aws_shapes.h"
"""


def model():
    return ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")


def query_name(shape, name):
    """The name of a member in the Query API: a locationName begins with a capital there."""
    if "queryName" in shape.serialization:
        return shape.serialization["queryName"]
    word = shape.serialization.get("name", name)
    return word[0].upper() + word[1:]


class Table:
    """The numbers; each thing is entered once."""

    def __init__(self):
        self.names = {}          # text: place
        self.length = 0
        self.shapes = [f"{{ {name}, 0, 0 }}" for name in NAMES]
        self.titles = ["a text", "a whole number", "true or false", "a time"]
        self.members = []        # (text of C, comment)
        self._known = {}         # what it is made of: its place

    def name(self, text):
        if text not in self.names:
            self.names[text] = self.length
            self.length += len(text) + 1
        return self.names[text]

    def shape(self, shape):
        if shape.type_name in SCALARS:
            return SCALARS[shape.type_name]
        if shape.type_name == "list":
            item = self.shape(shape.member)
            return self._enter(("list", item), f"{{ AWS_SHAPE_LIST, 0, {item} }}",
                               f"a list of {self.titles[item]}")
        if shape.type_name != "structure":
            raise SystemExit(f"{shape.name}: a {shape.type_name} has no kind in aws_shapes.h yet")
        members = tuple((name, query_name(member, name), self.shape(member))
                        for name, member in shape.members.items())
        if members in self._known:
            return self._known[members]
        first = len(self.members)
        for name, query, place in members:
            self.members.append((f"{{ {self.name(name)}, {self.name(query)}, {place} }}",
                                 name if name == query else f"{name}: {query}"))
        return self._enter(members, f"{{ AWS_SHAPE_OBJECT, {len(members)}, {first} }}", shape.name)

    def _enter(self, parts, text, title):
        if parts not in self._known:
            self._known[parts] = len(self.shapes)
            self.shapes.append(text)
            self.titles.append(title)
        return self._known[parts]


def lines_of_names(names):
    line = ""
    for name in names:
        word = f'"{name}\\0" '
        if len(line) + len(word) > 90:
            yield f"\t{line.rstrip()}"
            line = ""
        line += word
    yield f"\t{line.rstrip()};"


def array(kind, name, rows):
    yield f"\nconst struct {kind} {name}[] = {{"
    for text, comment in rows:
        yield f"\t{text}, /* {comment} */"
    yield "};"


def write(ec2):
    table = Table()
    actions = []
    for action in ACTIONS:
        shape = table.shape(ec2.operation_model(action).input_shape)
        actions.append((f"{{ {table.name(action)}, {shape} }}", action))
    fits = table.length < LONGEST_TEXT and len(table.shapes) < 256
    if not fits:
        raise SystemExit("the model outgrew the numbers of aws_shapes.h")
    yield HEAD.format(version=botocore.__version__, api=ec2.api_version)
    yield "const char aws_shape_names[] ="
    yield from lines_of_names(table.names)
    yield from array("aws_shape", "aws_shapes", zip(table.shapes, table.titles))
    yield from array("aws_shape_member", "aws_shape_members", table.members)
    yield from array("aws_shape_action", "aws_shape_actions", actions)
    yield "\nconst size_t aws_shape_action_count ="
    yield "\tsizeof(aws_shape_actions) / sizeof(aws_shape_actions[0]);"


if __name__ == "__main__":
    sys.stdout.write("\n".join(write(model())) + "\n")
