"""docs/configuration.md names every setting of the schema, once, with its default, and no other."""

import json
import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((TREE / "templates/mayfly-reaper.schema.json").read_text())
PAGE = (TREE / "docs/configuration.md").read_text()

# What the program itself asks for, since the defaults may say it.
REQUIRED = {"queues", "max_instances", "bundle.file", "agent.docker.image"}
# Said by the tables below it, or of no use to a reader.
UNTOLD = {"$schema", "defaults", "resources"}


def follow(schema):
    found = dict(schema)
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        found = {**schema, **{key: value for key, value in found.items() if key != "$ref"}}
    return found


def leaves(schema, path="", required=False):
    """Path, and default or "required", of all that holds no further names."""
    schema = follow(schema)
    inner = [(member, f"{path}.{name}".lstrip("."), name in schema.get("required", []))
             for name, member in schema.get("properties", {}).items() if name not in UNTOLD]
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        one = schema.get(key)
        if isinstance(one, dict) and "properties" in follow(one):
            inner.append((one, path + mark, False))
    if not inner or "string" in schema.get("type", []):
        must = required or "default" not in schema
        yield path, "required" if required else "none" if must else json.dumps(schema["default"])
    for below in inner:
        yield from leaves(*below)


def rows(section):
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]
    for line in re.findall(r"^\| `(.*)\|$", text, re.M):
        name, default, unit, told = (cell.strip() for cell in line.split("|"))
        yield name.rstrip("`"), default.strip("`"), unit, told


def compare(section, wanted):
    told = list(rows(section))
    names = [row[0] for row in told]
    assert len(names) == len(set(names)), "a setting is told twice"
    assert {row[0]: row[1] for row in told} == wanted
    assert all(row[2] for row in told), "a setting has no unit"
    return len(told)


def test_the_top_level():
    assert compare("Top level", dict(leaves(SCHEMA))) > 35


def test_resources():
    wanted = dict(leaves(SCHEMA["properties"]["resources"]["items"]))
    wanted.update({name: "required" for name in REQUIRED if wanted[name] == "none"})
    assert compare("Resources", wanted) > 65
