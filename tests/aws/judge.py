"""What botocore's model of EC2 says of a request in the form of the Query API.

    faults, warnings = Judge()(pairs)     pairs: [("Action", "RunInstances"), ...]

A fault is (code, message) as EC2 words it. A value that is missing in an enumeration of instance
types is a warning: types appear before the model knows them.
"""

import re

from .write_shapes import model, query_name

LAGGING = {"InstanceType", "RequestInstanceType"}
FORMS = {"integer": r"-?\d+", "long": r"-?\d+", "boolean": r"true|false",
         "timestamp": r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?"}


def tree_of(pairs):
    """{"Tag": {"1": {"Key": "a"}}}; ValueError names a parameter that is given twice."""
    tree = {}
    for name, value in pairs:
        branch = tree
        *way, last = name.split(".")
        for part in way:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise ValueError(name)
        if last in branch:
            raise ValueError(name)
        branch[last] = value
    return tree


class Judge:
    def __init__(self):
        self.model = model()

    def __call__(self, pairs):
        faults, warnings = [], []
        try:
            tree = tree_of(pairs)
        except ValueError as name:
            return [("InvalidParameterCombination", f"The parameter {name} is there twice")], []
        action, version = tree.pop("Action", None), tree.pop("Version", None)
        if action not in self.model.operation_names:
            return [("InvalidAction", f"The action {action} is not valid")], []
        if version != self.model.api_version:
            faults.append(("NoSuchVersion", f"version {version}, not {self.model.api_version}"))
        self._look(self.model.operation_model(action).input_shape, tree, "", faults, warnings)
        return faults, warnings

    def _look(self, shape, found, path, faults, warnings):
        if shape.type_name == "structure":
            self._look_at_members(shape, found, path, faults, warnings)
        elif shape.type_name == "list":
            self._look_at_items(shape, found, path, faults, warnings)
        elif not isinstance(found, str):
            faults.append(("UnknownParameter", f"The parameter {path} is a single value"))
        elif not re.fullmatch(FORMS.get(shape.type_name, "(?s:.*)"), found):
            faults.append(("InvalidParameterValue",
                           f"Value ({found}) for parameter {path} is no {shape.type_name}"))
        elif getattr(shape, "enum", None) and found not in shape.enum:
            said = ("InvalidParameterValue", f"Value ({found}) for parameter {path} is invalid")
            (warnings if shape.name in LAGGING else faults).append(said)

    def _look_at_members(self, shape, found, path, faults, warnings):
        if not isinstance(found, dict):
            faults.append(("InvalidParameterValue", f"The parameter {path} has members"))
            return
        known = {query_name(member, name): member for name, member in shape.members.items()}
        for name, below in found.items():
            way = f"{path}.{name}" if path else name
            if name in known:
                self._look(known[name], below, way, faults, warnings)
            else:
                faults.append(("UnknownParameter", f"The parameter {way} is not recognized"))
        for name in shape.required_members:
            word = query_name(shape.members[name], name)
            if word not in found:
                way = f"{path}.{word}" if path else word
                faults.append(("MissingParameter",
                               f"The request must contain the parameter {way}"))

    def _look_at_items(self, shape, found, path, faults, warnings):
        if not isinstance(found, dict):
            faults.append(("InvalidParameterValue", f"The parameter {path} is a list"))
            return
        if sorted(found) != sorted(str(place + 1) for place in range(len(found))):
            faults.append(("InvalidParameterValue",
                           f"The list {path} does not count from 1: {', '.join(found)}"))
        for place, below in found.items():
            self._look(shape.member, below, f"{path}.{place}", faults, warnings)
