"""What bootstrap writes for clearml-agent, read back by clearml-agent's own parser.

The writer is tests/contract/print_conf.c, which the Makefile builds; the reader is pyhocon as it
lies inside the installed clearml-agent, run by that one's python. Values are made up at random,
from characters that parsers stumble over; a failure names its seed.
"""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "tests/contract/print_conf"
READER_PYTHON = ROOT / ".deps/agent/bin/python"
READER = """
import json, sys
from clearml_agent.external.pyhocon import ConfigFactory
from clearml_agent.external.pyhocon.config_tree import NoneValue

def plain(value):
    assert isinstance(value, NoneValue), repr(value)  # how it reads a null inside a list

for line in sys.stdin:
    try:
        tree = ConfigFactory.parse_string(json.loads(line)).as_plain_ordered_dict()
        print(json.dumps({"tree": tree}, default=plain))
    except Exception as error:
        print(json.dumps({"failure": repr(error)}))
"""
DOCUMENTS = 150
VALUES_EACH = 20
ODD = ['"', "\\", "\n", "\r", "\t", "$", "${HOME}", "${?x}", "#", "//", "'", '"""', "`", "{", "}",
       "[", "]", ",", "=", ":", "+=", " ", "  ", "\\n", "\\u0041", "\\/", "include \"x\"", "null",
       "true", "7", "1.50", "10 days", "@", "%", "a", "Z", "0", "-", "_", ".", "~"]


def value(chance):
    return "".join(chance.choice(ODD) for _ in range(chance.randrange(0, 12)))


def name(chance):
    first = chance.choice("ABCXYZ_abc")
    return first + "".join(chance.choice("ABCxyz_059") for _ in range(chance.randrange(0, 10)))


def tree(chance, depth):
    """A document for the operator's part, of every kind of value that survives."""
    kind = chance.randrange(8 if depth else 5)
    if kind == 0:
        return chance.choice([True, False, None])
    if kind == 1:
        return chance.choice([0, -1, 7, 2 ** 53, -2 ** 40, 123456789])
    if kind == 2:
        return chance.choice([0.5, -1.25, 1e-7, 1e300, 3.141592653589793])
    if kind in (3, 4):
        return value(chance)
    if kind == 5:
        items = [tree(chance, depth - 1) for _ in range(chance.randrange(0, 4))]
        return [item for item in items if item != ""]  # refused: the parser drops them
    return {name(chance): tree(chance, depth - 1) for _ in range(chance.randrange(0, 4))}


def merged(ours, extra):
    if not (isinstance(ours, dict) and isinstance(extra, dict)):
        return extra
    result = dict(ours)
    for key, member in extra.items():
        result[key] = merged(ours[key], member) if key in ours else member
    return result


def case(chance):
    return {
        "git_user": "user", "git_pass": "".join(chance.choice("aZ09_.~-") for _ in range(20)),
        "environment": {name(chance): value(chance) for _ in range(VALUES_EACH)},
        "extra": json.dumps({"agent": {"vcs_cache": tree(chance, 2), "git_host": value(chance)},
                             "sdk": {"storage": {name(chance): tree(chance, 3)}},
                             name(chance).lower() + "_more": tree(chance, 4)}),
    }


def through(argv, lines):
    """One line in, one line out, for each."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(argv, input=text, capture_output=True, encoding="utf-8", timeout=300,
                          check=True)
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


def read_back(cases):
    if not READER_PYTHON.exists():
        pytest.skip("clearml-agent is not installed: make setup")
    written = through([WRITER], cases)
    refused = [answer["error"] for answer in written if "error" in answer]
    assert not refused, refused[0]
    read = through([READER_PYTHON, "-c", READER], [answer["conf"] for answer in written])
    return list(zip([answer["conf"] for answer in written], read))


def test_values_come_back_exactly():
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    cases = [case(chance) for _ in range(DOCUMENTS)]
    pairs = read_back(cases)
    for conf, read in pairs:
        assert "failure" not in read, f"seed {seed}: {read} for {conf}"
    again = through([READER_PYTHON, "-c", READER], [json.dumps(read["tree"]) for _, read in pairs])
    for given, (conf, read), second in zip(cases, pairs, again):
        ours = json.loads(conf)  # what any JSON parser reads
        assert read["tree"] == ours, f"seed {seed}"
        assert second["tree"] == ours, f"seed {seed}, as the agent writes it for the task"
        assert ours["environment"] == given["environment"], f"seed {seed}"
        assert ours["agent"]["git_pass"] == given["git_pass"], f"seed {seed}"
        assert ours["api"]["credentials"] == {"access_key": "ACCESS", "secret_key": "SECRET"}


def test_the_operators_part_is_merged_last():
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    cases = [case(chance) for _ in range(DOCUMENTS)]
    plain = [{**given, "extra": ""} for given in cases]
    for given, (_, base), (_, read) in zip(cases, read_back(plain), read_back(cases)):
        wanted = merged(base["tree"], json.loads(given["extra"]))
        assert read["tree"] == wanted, f"seed {seed}"


DOCKER = {"image": "registry.example:5000/team/base:1.2", "is_fixed": False, "allow": [],
          "arguments": []}
CACHES = "/root/.clearml/caches/"
# What the ticket says, and words that are not in the file then.
MODES = [({}, []), ({"is_fixed": True}, []), ({"allow": ["--ipc", "-v", "--oom-score-adj"]}, []),
         ({"allow": ["*"]}, []), ({"arguments": ["--memory=8g", "-e", "A=\"b\\ $c'"]}, ["8g"]),
         ({"image": "a" * 200 + ":" + "b" * 100}, [])]


@pytest.mark.parametrize("given, absent", MODES)
def test_docker_mode_comes_back_exactly(given, absent):
    docker = {**DOCKER, **given}
    [(conf, read)] = read_back([{"docker": docker}])
    assert "failure" not in read, f"{read} for {conf}"
    tree = read["tree"]
    [again] = through([READER_PYTHON, "-c", READER], [json.dumps(tree)])
    assert tree == json.loads(conf)
    assert again["tree"] == tree, "as the agent writes it for the task"
    agent = tree["agent"]
    assert agent["default_docker"] == {"image": docker["image"]}
    assert agent.get("disable_task_docker_override", False) == docker["is_fixed"]
    assert agent["venvs_dir"] == CACHES + "venvs-builds"
    assert agent["docker_pip_cache"] == CACHES + "pip-cache"
    assert tree["sdk"]["storage"]["cache"]["default_base_dir"] == CACHES + "cache"
    patterns = agent["docker_args_filters"]
    assert patterns and all(re.compile(pattern) for pattern in patterns)
    assert not [word for word in absent if word in conf], "the operator's own are not for it"


def test_host_mode_has_nothing_of_docker():
    [(_, read)] = read_back([{}])
    assert not {"default_docker", "docker_args_filters"} & set(read["tree"]["agent"])


CONTROLS = [chr(code) for code in range(1, 0x20) if chr(code) not in "\n\r\t"]
# clearml-agent writes its configuration again for the task, as json.dumps does: \u00e9, which its
# parser leaves as it stands.
FOREIGN = ["é", "☃", "😀", "\x7f", "\x85", "\ufeff"]


@pytest.mark.parametrize("character", CONTROLS + FOREIGN)
def test_what_the_parser_cannot_carry_is_refused(character):
    line = {"environment": {"K": f"a{character}b"}}
    answer = through([WRITER], [line])[0]
    assert "environment.K" in answer.get("error", ""), answer
