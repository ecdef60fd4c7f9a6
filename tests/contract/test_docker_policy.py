"""bootstrap's filter of docker arguments, held to clearml-agent's own code and to docker's way.

The filter is bootstrap/docker_policy.c behind tests/contract/print_docker_policy.c; clearml-agent
is the installed one, run by its own python: it splits the text, keeps what our regular expressions
let pass, and merges it with the operator's arguments. How docker reads what comes out is written
down below once more, in python and apart from our table. Lists of words are made up at random from
what such readers stumble over; a failure names its seed.
"""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILTER = (Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug"))
          / "tests/contract/print_docker_policy")
AGENT_PYTHON = ROOT / ".deps/agent/bin/python"
AGENT = """
import json, re, shlex, sys
from types import SimpleNamespace
from clearml_agent.commands.worker import Worker
from clearml_agent.helper.docker_args import DockerArgsSanitizer

class Configuration(dict):  # all defaults, but what forbids --entrypoint, which is another matter
    pass

for line in sys.stdin:
    case = json.loads(line)
    answer = {}
    try:
        words = case["words"]
        if "text" in case:  # as get_task_container() does
            words = answer["words"] = shlex.split(str(case["text"]).strip())
        filters = [re.compile(pattern) for pattern in case["patterns"]]
        kept = Worker._filter_docker_args(SimpleNamespace(_docker_args_filters=filters), words)
        answer["kept"] = kept
        answer["merged"], _ = DockerArgsSanitizer.merge_docker_args(
            Configuration({"agent.forbidden_docker_args": []}), kept, case["arguments"])
    except ValueError as error:
        answer["failure"] = str(error)
    print(json.dumps(answer))
"""
LISTS = 12000
HARMLESS = {"add-host", "cap-drop", "cpu-period", "cpu-quota", "cpu-shares", "cpus", "cpuset-cpus",
            "dns", "dns-opt", "dns-option", "dns-search", "env", "hostname", "memory",
            "memory-reservation", "memory-swap", "oom-score-adj", "pids-limit", "shm-size",
            "stop-signal", "stop-timeout", "tmpfs", "ulimit", "user", "workdir"}
HARMLESS_SWITCHES = {"init", "no-healthcheck", "read-only"}
SWITCHES = HARMLESS_SWITCHES | {"detach", "disable-content-trust", "help", "interactive",
                                "oom-kill-disable", "privileged", "publish-all", "quiet", "rm",
                                "sig-proxy", "tty", "use-api-socket"}
DANGEROUS = {"volume", "privileged", "pid", "ipc", "network", "device", "cap-add", "mount", "gpus",
             "security-opt", "userns", "uts", "cgroup-parent", "runtime", "volumes-from", "label",
             "env-file", "name", "rm", "restart", "entrypoint", "publish", "tty"}
LETTERS = {"a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname",
           "i": "interactive", "l": "label", "m": "memory", "p": "publish", "P": "publish-all",
           "q": "quiet", "t": "tty", "u": "user", "v": "volume", "w": "workdir"}
SINGLE = {"memory": "-m", "cpus": "--cpus", "shm-size": "--shm-size", "read-only": "--read-only"}
BLANKS = [" ", "\t", "\n", "\u00a0", "\u3000", "\x1c", "\x85", "\u2028", "\u200b"]
VALUES = ["A=1", "A", "A=x y", "8g", "0", "5", "-1", "-5", "/:/host", "host", "evil/image", "=", "",
          "true", "false", "A=--privileged", "A=\n--privileged", "${CLEARML_TASK.name}", "é",
          "A=${CLEARML_TASK.id}", "$CLEARML_X", "--privileged", "-", "--", "a:b", "'", '"', "\\"]


def option(chance):
    name = chance.choice(sorted(HARMLESS | HARMLESS_SWITCHES) * 2 + sorted(DANGEROUS)
                         + ["new-thing", "env-", "en", "=", "", "-env", "ENV", "env.x", "é"])
    letter = chance.choice(list(LETTERS) + ["Z", "=", "é", "1"])
    value = chance.choice(VALUES)
    return chance.choice([f"--{name}", f"--{name}", f"--{name}={value}", f"-{letter}",
                          f"-{letter}", f"-{letter}{value}", f"-{letter}={value}",
                          f"-it{letter}", f"-{letter}t", f"--{name}\n{value}", f"\u2013{name}"])


def word(chance):
    text = option(chance) if chance.random() < 0.55 else chance.choice(VALUES)
    if chance.random() < 0.04:
        text = chance.choice(BLANKS) + text
    if chance.random() < 0.04:
        text += chance.choice(BLANKS)
    return text


def sound(chance):
    """Words that belong together, so that long lists are accepted, too."""
    name = chance.choice(sorted(HARMLESS | HARMLESS_SWITCHES | DANGEROUS))
    value = chance.choice(["A=1", "8", "x y", "A=--privileged", "a:b", "é\n-v"])
    if name in SWITCHES:
        return chance.choice([[f"--{name}"], [f"--{name}=true"]])
    letter = [key for key, full in LETTERS.items() if full == name]
    forms = [[f"--{name}", value], [f"--{name}={value}"]]
    if letter:
        forms += [[f"-{letter[0]}", value], [f"-{letter[0]}{value}"], [f"-{letter[0]}={value}"]]
    return chance.choice(forms)


def quoted(chance, words):
    """A text that splits into these words, or into other ones: quotes are in them, too."""
    text = ""
    for each in words:
        style = chance.randrange(4)
        escaped = each.replace("\\", "\\\\").replace('"', '\\"')
        text += [each, f'"{escaped}"', "'" + each.replace("'", "'\\''") + "'", f'"{each}"'][style]
        text += chance.choice([" ", "  ", "\n", "\t"])
    return text


def case(chance):
    words = []
    for _ in range(chance.randrange(0, 6)):
        words += sound(chance) if chance.random() < 0.7 else [word(chance)]
    allow = [] if chance.random() < 0.6 else chance.sample(
        ["--ipc", "-v", "--volume", "--privileged", "--network", "--tty", "-p", "--new-thing",
         "--oom-score-adj", "--new.*", "--memory", "--gpus"], chance.randrange(1, 5))
    if chance.random() < 0.1:
        allow.append("*")
    arguments = [] if chance.random() < 0.6 else chance.sample(
        ["--memory=8g", "-m8g", "--read-only", "--cpus=2", "--ipc=host", "--shm-size=1g"], 2)
    given = {"allow": allow, "arguments": arguments, "words": words}
    return {**given, "text": quoted(chance, words)} if chance.random() < 0.3 else given


def read_as_docker_does(words):
    """(option, value or None) in turn, as pflag reads them, and what would be the image."""
    seen, rest = [], list(words)
    while rest:
        text = rest.pop(0)
        if text == "--":
            return seen, rest
        if not text.startswith("-") or text == "-":
            return seen, [text, *rest]
        if text.startswith("--"):
            name, equals, value = text[2:].partition("=")
            assert name and name[0] not in "-=", text
            if not equals and name not in SWITCHES:
                value = rest.pop(0)
            seen.append((name, value))
            continue
        letters = text[1:]
        while letters:
            name, letters = LETTERS[letters[0]], letters[1:]
            value = None
            if len(letters) > 1 and letters[0] == "=":
                value, letters = letters[1:], ""
            elif name not in SWITCHES and letters:
                value, letters = letters, ""
            elif name not in SWITCHES:
                value = rest.pop(0)
            seen.append((name, value))
    return seen, []


def through(argv, lines):
    """One line in, one line out, for each."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(argv, input=text, capture_output=True, encoding="utf-8", timeout=300,
                          check=True)
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


@pytest.fixture(scope="module", name="judged")
def judged_by_both():
    """(seed, case, ours, clearml-agent's) for all lists."""
    if not AGENT_PYTHON.exists():
        pytest.skip("clearml-agent is not installed: make setup")
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    cases = [case(chance) for _ in range(LISTS)]
    ours = through([FILTER], cases)
    theirs = through([AGENT_PYTHON, "-c", AGENT],
                     [{**given, "patterns": our["patterns"]} for given, our in zip(cases, ours)])
    return [(seed, *each) for each in zip(cases, ours, theirs)]


def test_a_text_is_split_as_the_agent_does(judged):
    texts = 0
    for seed, given, our, their in judged:
        if "text" not in given:
            continue
        if "failure" in their:
            assert "is not closed" in our["error"] or "ends the text" in our["error"], \
                f"seed {seed}: {given}"
        else:
            assert our["words"] == their["words"], f"seed {seed}: {given}"
            texts += 1
    assert texts > LISTS / 10


def test_the_agent_keeps_what_we_keep(judged):
    accepted = [each for each in judged if "kept" in each[2]]
    for seed, given, our, their in accepted:
        assert their["kept"] == our["kept"], f"seed {seed}: {given}"
    long = [our for _, _, our, _ in accepted if len(our["kept"]) > 3]
    assert len(accepted) > LISTS / 4 and len(long) > LISTS / 20


def test_what_the_agent_merges_is_the_operators_and_ours(judged):
    for seed, given, our, their in judged:
        if "kept" in our and not given["allow"]:
            assert their["merged"] == given["arguments"] + our["kept"], f"seed {seed}: {given}"


def is_allowed(given, name, value):
    letter = [f"-{key}" for key, full in LETTERS.items() if full == name]
    if {"*", f"--{name}", *letter} & set(given["allow"]):
        return True
    fixed = [other for text in given["arguments"]
             for other, _ in read_as_docker_does([text])[0] if other in SINGLE or other == "ipc"]
    if name in fixed or name not in HARMLESS | HARMLESS_SWITCHES:
        return False
    return name not in ("oom-score-adj", "stop-timeout") or not value.startswith("-")


def test_docker_reads_nothing_else_in_it(judged):
    """What is kept is options alone, each one allowed, and each with its own value."""
    for seed, given, our, _ in judged:
        if "kept" not in our:
            continue
        seen, image = read_as_docker_does(our["kept"])
        assert not image, f"seed {seed}: {given}: {our}"
        for name, value in seen:
            assert is_allowed(given, name, value), f"seed {seed}: {name} of {given}: {our}"


def test_what_is_left_out_is_named(judged):
    """Docker would have read more in the words than in what is kept, and the message has it."""
    named = 0
    for seed, given, our, _ in judged:
        if "kept" in our and our["kept"] != our["words"]:
            assert our["refused"], f"seed {seed}: {given}"
            named += 1
        elif "kept" in our:
            assert not our["refused"], f"seed {seed}: {given}"
    assert named > LISTS / 20


def test_the_man_page_has_the_list():
    page = (ROOT / "packaging/man/mayfly-reaper.json.5").read_text().replace("\\-", "-")
    listed = page.partition("Harmless are")[2].partition("(")[0]
    patterns = through([FILTER], [{"words": []}])[0]["patterns"]
    table = {name for pattern in patterns for name in re.findall(r"^\^--([a-z-]+)\(", pattern)}
    assert table == HARMLESS | HARMLESS_SWITCHES
    assert set(re.findall(r"--([a-z-]+)", listed)) == table


# Why our filter comes before the agent's: each of these is harmless by its regular expressions,
# and not to docker.
@pytest.mark.parametrize("words, reads", [
    (["--init", " --privileged"], [("init", ""), ("privileged", "")]),
    (["--init", "evil/image"], ["evil/image"]),
    (["-e", "--privileged", "--hostname", "evil/image"], ["evil/image"]),
    (["-eA", "evil/image"], ["evil/image"]),
])
def test_the_agents_filter_alone_would_not_do(words, reads):
    if not AGENT_PYTHON.exists():
        pytest.skip("clearml-agent is not installed: make setup")
    given = {"words": words, "allow": [], "arguments": []}
    our = through([FILTER], [given])[0]
    their = through([AGENT_PYTHON, "-c", AGENT], [{**given, "patterns": our["patterns"]}])[0]
    assert "error" in our
    seen, image = read_as_docker_does(their["kept"])
    assert reads in (seen, image)
