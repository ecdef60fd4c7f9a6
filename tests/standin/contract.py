"""The contract of the API, and the strict check of our own programs' requests against it.

The schemas are tests/contract/contract.json (generated from the server's own) and
tests/contract/beyond.json: each endpoint or field that the real server has and contract.json
lacks, with its source. `Contract.violations` is what a request of ours does wrong; an empty list
is the only good answer.
"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "contract"
# Parts of the contract that the stand-in does not play: our programs must not lean on them.
NOT_PLAYED = {"scroll_id", "refresh_scroll", "size", "filters", "search_text",
              "include_subprojects", "allow_public", "include_pipeline_steps"}
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer",
          float: "number", type(None): "null"}


def version_of(text):
    """'2.31' as a pair of numbers that compares."""
    major, _, minor = str(text).partition(".")
    return int(major), int(minor or 0)


def _type_problem(value, schema):
    wanted = schema.get("type")
    if wanted is None:
        return None
    wanted = wanted if isinstance(wanted, list) else [wanted]
    have = _NAMES[type(value)]
    if have in wanted or (have == "integer" and "number" in wanted):
        return None
    return f"is {have}, expected {' or '.join(wanted)}"


def _value_problem(value, schema):
    if "enum" in schema and value not in schema["enum"]:
        return f"is {value!r}, expected one of {schema['enum']}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"is {value}, expected at least {schema['minimum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"is {value!r}, expected to match {schema['pattern']}"
    return None


def _members(value, schema, strict):
    """(key, value, schema) of an object's members, and the keys that nothing describes."""
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties", not strict or "properties" not in schema)
    described, unknown = [], []
    for key, member in value.items():
        if key in known:
            described.append((key, member, known[key]))
        elif isinstance(rest, dict):
            described.append((key, member, rest))
        elif not rest:
            unknown.append(key)
    return described, unknown


def check(value, schema, path="", strict=True):
    """What in `value` goes against `schema`, by path; strict: unknown members count too."""
    problem = _type_problem(value, schema) or _value_problem(value, schema)
    if problem:
        return [f"{path or 'body'} {problem}"]
    if isinstance(value, list):
        return [found for index, item in enumerate(value)
                for found in check(item, schema.get("items", {}), f"{path}[{index}]", strict)]
    if not isinstance(value, dict):
        return []
    described, unknown = _members(value, schema, strict)
    found = [f"{path}.{key} is unknown" for key in unknown]
    found += [f"{path}.{key} is missing" for key in schema.get("required", [])
              if key not in value]
    for key, member, below in described:
        found += check(member, below, f"{path}.{key}", strict)
    return found


class Contract:
    """All endpoints known: those of contract.json with beyond.json laid over them."""

    def __init__(self, folder=FOLDER):
        self.endpoints = json.loads((folder / "contract.json").read_text())["endpoints"]
        beyond = json.loads((folder / "beyond.json").read_text())
        for name, entry in beyond["endpoints"].items():
            self.endpoints[name] = entry["schema"]
        for row in beyond["fields"]:
            request = self.endpoints[row["endpoint"]]["request"]
            request.setdefault("properties", {})[row["field"]] = row["schema"]

    def implementation(self, name, requested, newest):
        """The endpoint's version that answers, or None where such a server has none."""
        entry = self.endpoints.get(name)
        if not entry or version_of(entry["x-min-version"]) > version_of(newest):
            return None
        fitting = [version for version in entry["x-impl-min-versions"]
                   if version_of(version) <= version_of(requested)]
        return max(fitting, key=version_of) if fitting else None

    def too_new(self, name, side, newest):
        """The members of request or response that a server of that version does not know."""
        since = self.endpoints[name].get("x-since", {}).get(side, {})
        return {field for field, version in since.items()
                if version_of(version) > version_of(newest)}

    def violations(self, name, request):
        """What a request of our own programs does against the contract."""
        entry = self.endpoints.get(name)
        if not entry:
            return [f"{name} is no endpoint of the contract"]
        found = []
        if request.method != "POST":
            found.append(f"method {request.method}, expected POST")
        if not re.fullmatch(r"/(v\d+\.\d+/)?[a-z_]+\.[a-z_]+", request.path):
            found.append(f"path {request.path}, expected /vMAJOR.MINOR/service.action")
        if version_of(request.version) < version_of(entry["x-min-version"]):
            found.append(f"version {request.version} is below {entry['x-min-version']}, "
                         f"the first that has {name}")
        kind = entry["x-content-type"]
        sent = request.headers.get("Content-Type", "")
        if sent != kind and not (kind == "application/json" and sent.startswith(kind + ";")):
            found.append(f"Content-Type {request.headers.get('Content-Type')}, expected {kind}")
        return found + self._body_violations(entry, request.body, kind)

    def _body_violations(self, entry, raw, kind):
        lines = raw.split(b"\n") if kind.endswith("json-lines") else [raw or b"null"]
        if kind.endswith("json-lines") and lines and not lines[-1]:
            lines.pop()
        found = []
        for number, line in enumerate(lines, 1):
            where = f"line {number}: " if len(lines) > 1 else ""
            try:
                value = json.loads(line)
            except ValueError:
                found.append(f"{where}the body is no JSON")
                continue
            found += [where + text for text in self._object_violations(entry, value)]
        return found

    def _object_violations(self, entry, value):
        schema = entry["request"]
        if isinstance(value, dict) and "oneOfType" in schema:
            schema = schema["oneOfType"].get(value.get("type"))
            if schema is None:
                return [f".type is {value.get('type')!r}, expected one of "
                        f"{sorted(entry['request']['oneOfType'])}"]
        found = check(value, {"type": "object", **schema})
        if isinstance(value, dict):
            found += [f".{field} is not played by the stand-in"
                      for field in sorted(NOT_PLAYED.intersection(value))]
        return found
