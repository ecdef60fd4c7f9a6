"""What bootstrap writes for clearml-agent, read back by clearml-agent's own code.

The writer is tests/contract/print_conf.c, which the Makefile builds: from a bundle's text to the
file. The reader is read_conf.py, run by the python of the installed clearml-agent. Values are made
up at random (confs.py), from characters that parsers stumble over; a failure names its seed.
"""

import json
import os
import random
import re
import stat
import subprocess
from pathlib import Path

import pytest

import confs
import hocons

ROOT = Path(__file__).resolve().parents[2]
WRITER = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug")) / "tests/contract/print_conf"
READER_PYTHON = ROOT / ".deps/agent/bin/python"
READER = [READER_PYTHON, "-W", "ignore", Path(__file__).with_name("read_conf.py")]
DOCUMENTS = 30  # the parser is slow: few, with many values each
LIGHT_DOCUMENTS = 200  # where its defaults and its copy are not looked at
LEAST = {"prefix": "p", "clearml": {"access_key": "ACCESS", "secret_key": "SECRET"}}


@pytest.fixture
def chance(request):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")  # pytest shows it when the test fails
    return random.Random(seed)


def through(argv, lines):
    """One line in, one line out, for each."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(argv, input=text, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


def written(cases):
    if not READER_PYTHON.exists():
        pytest.skip("clearml-agent is not installed: make setup")
    answers = through([WRITER], cases)
    for answer in answers:
        assert "conf" in answer, answer
    return [answer["conf"] for answer in answers]


def read_back(cases, **more):
    """Pairs: the file's text, and what the agent reads."""
    confs_of = written(cases)
    read = through(READER, [{"conf": conf, **more} for conf in confs_of])
    for conf, answer in zip(confs_of, read):
        assert "failure" not in answer, f"{answer} for {conf}"
    return list(zip(confs_of, read))


def contains(whole, part):
    return all(name in whole and (contains(whole[name], member) if isinstance(member, dict)
                                  else whole[name] == member) for name, member in part.items())


# -- values -----------------------------------------------------------------------------------


def test_every_value_comes_back_at_both_hops(chance):
    """The agent's own copy for the task is the second hop."""
    bundles = [confs.bundle(chance, variables=60) for _ in range(DOCUMENTS)]
    for given, (conf, read) in zip(bundles, read_back([{"bundle": made} for made in bundles])):
        tree = read["file"]
        assert tree == json.loads(conf)  # without extra_conf the file is JSON
        assert contains(read["whole"], tree)
        assert read["again"] == read["whole"], "as the agent writes it for the task"
        assert tree["environment"] == given["environment"]
        assert contains(tree["agent"], confs.wanted_git(given["git"]))
        assert tree["api"]["credentials"] == given["clearml"]
        sdk = tree["sdk"]
        del sdk["storage"]  # the caches
        if "google" in sdk:
            sdk["google"]["storage"] = confs.with_accounts_read(sdk["google"]["storage"])
        assert sdk == confs.wanted_sdk(given)


def test_files_and_variables_are_applied_as_given(chance, tmp_path):
    bundles = [confs.bundle(chance) for _ in range(DOCUMENTS)]
    texts = written([{"bundle": made} for made in bundles])
    homes = [tmp_path / str(i) for i in range(DOCUMENTS)]
    read = through(READER, [{"conf": text, "home": str(home)}
                            for text, home in zip(texts, homes)])
    count = 0
    for given, home, answer in zip(bundles, homes, read):
        assert answer["environment"] == given["environment"]
        wanted = confs.wanted_files(given)
        for path, (data, mode) in wanted.items():
            found = home / path[2:]
            assert found.read_bytes() == data
            assert stat.S_IMODE(found.stat().st_mode) == mode
        count += len(wanted)
    assert count > DOCUMENTS  # they were there


def test_a_file_at_an_absolute_path(tmp_path):
    path = tmp_path / "deep" / "er" / "f"
    made = {**LEAST, "files": {"f": {"path": str(path), "contents": "caf\u00e9\r\n"}}}
    read_back([{"bundle": made}], home=str(tmp_path))
    assert path.read_bytes() == "caf\u00e9\r\n".encode()


def test_no_secret_is_shown(chance):
    """The agent prints its configuration to the task's console."""
    bundles = [confs.bundle(chance) for _ in range(10)]
    for made in bundles:
        made["gcs"] = [confs.gcs(chance, i) for i in range(2)]
        for key in made["gcs"]:
            key["credentials"] = {**confs.ACCOUNT, "client_email": "e", "private_key": "CANARY"}
        made["environment"]["A"] = "CANARY"
        made["clearml"]["secret_key"] = "CANARY"
        made["git"] = [{"user": "u", "token": "CANARY", "host": host} for host in ("a", "b")]
        made["s3"] = [{"key": "k", "secret": "CANARY", "token": "CANARY", **place}
                      for place in ({}, {"bucket": "b"})]
        made["azure"] = {"account": "a", "key": "CANARY"}
        made["files"] = {"f": {"path": "/f", "contents": "CANARY"}}
    for _, read in read_back([{"bundle": made} for made in bundles]):
        assert "agent.git_user = u" in read["shown"]
        assert "CANARY" not in read["shown"]


def test_the_example_comes_back():
    made = json.loads((ROOT / "templates/bundle.example.json").read_text())
    [(_, read)] = read_back([{"bundle": made}])
    assert read["again"] == read["whole"]
    assert read["file"]["agent"]["package_manager"] == {"pip_version": ["<26"]}
    assert read["file"]["environment"] == made["environment"]
    assert read["file"]["files"]["mayfly_netrc"]["contents"] == confs.netrc(made["git"])


# -- extra_conf -------------------------------------------------------------------------------


def merged(ours, extra):
    if not (isinstance(ours, dict) and isinstance(extra, dict)):
        return extra
    result = dict(ours)
    for key, member in extra.items():
        result[key] = merged(ours[key], member) if key in ours else member
    return result


def tree(chance, depth):
    """Every kind of value that survives."""
    kind = chance.randrange(8 if depth else 5)
    if kind == 0:
        return chance.choice([True, False, None])
    if kind == 1:
        return chance.choice([0, -1, 7, 2 ** 53, -2 ** 40, 123456789])
    if kind == 2:
        return chance.choice([0.5, -1.25, 1e-7, 1e300, 3.141592653589793])
    if kind in (3, 4):
        return confs.value(chance)
    if kind == 5:
        items = [tree(chance, depth - 1) for _ in range(chance.randrange(0, 4))]
        items = [[] if isinstance(item, list) else item for item in items]
        return [item for item in items if item != ""]  # refused: the parser drops them
    return {confs.name(chance): tree(chance, depth - 1) for _ in range(chance.randrange(0, 4))}


def json_extra(chance):
    return {"agent": {"vcs_cache": tree(chance, 2), "git_host": confs.value(chance)},
            "sdk": {"storage": {confs.name(chance): tree(chance, 3)}},
            "files": {"f0": {"mode": "0o640"}}, "environment": {"A": confs.value(chance)},
            confs.name(chance).lower() + "_more": tree(chance, 4)}


def with_nothing(made):
    """An extra_conf without a member: what is hidden from the console is as with another one."""
    return {"bundle": {**made, "extra_conf": "{}"}}


def test_json_is_merged_member_by_member(chance):
    bundles = [confs.bundle(chance) for _ in range(DOCUMENTS)]
    extras = [json_extra(chance) for _ in bundles]
    given = [{**made, "extra_conf": extra if chance.random() < 0.5 else
              "// JSON with comments\n" + json.dumps(extra) + " /* why */"}
             for made, extra in zip(bundles, extras)]
    plain = [json.loads(conf) for conf in written([with_nothing(made) for made in bundles])]
    for extra, base, (conf, read) in zip(
            extras, plain, read_back([{"bundle": made} for made in given])):
        assert read["file"] == json.loads(conf)
        assert read["file"] == merged(base, extra)
        assert read["again"] == read["whole"], "as the agent writes it for the task"


def test_hocon_is_merged_as_the_parser_does(chance):
    bundles = [confs.bundle(chance, variables=2) for _ in range(LIGHT_DOCUMENTS)]
    extras = [hocons.text(chance) for _ in bundles]
    given = [{"bundle": {**made, "extra_conf": extra}} for made, extra in zip(bundles, extras)]
    wanted = through(READER, [{"parts": [text, extra + "\n\n"]} for text, extra in
                              zip(written([with_nothing(made) for made in bundles]), extras)])
    read = through(READER, [{"parts": [text]} for text in written(given)])
    for extra, want, got in zip(extras, wanted, read):
        assert "failure" not in want, f"{want} for {extra}"
        assert got == want, extra
    for extra, (_, got) in zip(extras, read_back(given[:DOCUMENTS // 3])):
        assert got["again"] == got["whole"], extra


def test_hocon_does_what_it_says():
    made = {**LEAST, "environment": {"A": "a"}}
    read = read_back([{"bundle": {**made, "extra_conf": extra}, "docker": DOCKER}
                      for extra, _, _ in hocons.CASES])
    for (extra, path, wanted), (_, got) in zip(hocons.CASES, read):
        found = got["again"]
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        assert found == wanted, extra


def test_what_is_taken_as_hocon_is_read_and_the_rest_refused():
    """What the parser does not read is refused when the bundle is sealed; a little more is."""
    taken = dict(zip(hocons.ODD_TEXTS, through([WRITER], [
        {"bundle": {**LEAST, "extra_conf": text}} for text in hocons.ODD_TEXTS])))
    refused = {text for text, answer in taken.items() if "refused" in answer}
    for text in refused:
        assert "extra_conf: in its line " in taken[text]["refused"], text
    read = dict(zip(hocons.ODD_TEXTS, through(READER, [
        {"parts": [text]} for text in hocons.ODD_TEXTS])))
    unread = {text for text in hocons.ODD_TEXTS if "failure" in read[text]}
    assert unread <= refused
    assert refused - unread == hocons.REFUSED_TOO
    kept = [text for text in hocons.ODD_TEXTS if text not in refused]
    for text, got in zip(kept, through(READER, [
            {"parts": [taken[text]["conf"]]} for text in kept])):
        assert contains(got["file"], read[text]["file"]), text


def test_mutilated_hocon_is_refused_or_read(chance):
    """No text passes the check of a bundle and then stops the agent."""
    texts = []
    for _ in range(600):
        text = list(hocons.text(chance))
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.choice(
                ["", "{", "}", "[", "]", '"', "\n", ",", "=", "#", "+", "$", ":", "\\", "x", " "])
        texts.append("".join(text))
    answers = through([WRITER], [{"bundle": {**LEAST, "extra_conf": text}} for text in texts])
    taken = [text for text, answer in zip(texts, answers) if "conf" in answer]
    assert 20 < len(taken) < len(texts) - 20
    read = through(READER, [{"parts": [answer["conf"]]} for answer in answers if "conf" in answer])
    for text, got in zip(taken, read):
        assert "failure" not in got or hocons.is_excused(got["failure"]), f"{got} for {text}"


# -- docker mode ------------------------------------------------------------------------------

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
    [(conf, read)] = read_back([{"bundle": LEAST, "docker": docker}])
    tree = read["file"]
    assert tree == json.loads(conf)
    assert read["again"] == read["whole"], "as the agent writes it for the task"
    agent = tree["agent"]
    assert agent["default_docker"] == {"image": docker["image"]}
    assert agent.get("disable_task_docker_override", False) == docker["is_fixed"]
    assert agent["venvs_dir"] == CACHES + "venvs-builds"
    assert agent["docker_pip_cache"] == CACHES + "pip-cache"
    assert tree["sdk"]["storage"]["cache"]["default_base_dir"] == CACHES + "cache"
    patterns = agent["docker_args_filters"]
    assert patterns and all(re.compile(pattern) for pattern in patterns)
    assert not [word for word in absent if word in conf], "the operator's own are not for it"


def test_the_filters_are_ours_unless_the_operator_replaces_them():
    filters = "agent.docker_args_filters"
    given = ["", {"agent": {"venvs_dir": "/v"}}, "agent.venvs_dir = /v",
             "agent { docker_args_filters = [x] }", {"agent": {"docker_args_filters": ["x"]}},
             filters + ' += ["x"]', "agent = { venvs_dir: /v }"]
    read = read_back([{"bundle": {**LEAST, "extra_conf": extra}, "docker": DOCKER}
                      for extra in given])
    found = [answer["again"]["agent"]["docker_args_filters"] for _, answer in read]
    ours = found[0]
    assert len(ours) > 1
    assert found == [ours, ours, ours, ["x"], ["x"], ours + ["x"], ours]


def test_host_mode_has_nothing_of_docker():
    [(_, read)] = read_back([{"bundle": LEAST}])
    assert not {"default_docker", "docker_args_filters"} & set(read["file"]["agent"])


# -- what is refused --------------------------------------------------------------------------

CONTROLS = [chr(code) for code in range(1, 0x20) if chr(code) not in "\n\r\t"]
# clearml-agent writes its configuration again for the task, as json.dumps does: \u00e9, which its
# parser leaves as it stands.
FOREIGN = ["é", "☃", "😀", "\x7f", "\x85", "\ufeff"]
EVERYWHERE = CONTROLS + FOREIGN


@pytest.mark.parametrize("character", EVERYWHERE)
def test_what_the_parser_cannot_carry_is_refused(character):
    text = f"a{character}b"
    login = {"user": "u", "token": "t", "host": "h"}
    parts = [
        ("clearml.secret_key", {"clearml": {**LEAST["clearml"], "secret_key": text}}),
        ("environment.K", {"environment": {"K": text}}),
        ("git[1].token", {"git": [login, {**login, "host": "g", "token": text}]}),
        ("git.user", {"git": {**login, "user": text}}),
        ("s3.secret", {"s3": {"key": "k", "secret": text}}),
        ("s3[0].token", {"s3": [{"key": "k", "secret": "s", "token": text}]}),
        ("azure.key", {"azure": {"account": "a", "key": text}}),
        ("files.f.path", {"files": {"f": {"path": "/" + text, "contents": ""}}}),
        ("extra_conf", {"extra_conf": {"a": {"b": text}}}),
        ("extra_conf", {"extra_conf": f'a.b = "{text}"'}),
        ("extra_conf", {"extra_conf": {"a": {text: 1}}}),
    ]
    answers = through([WRITER], [{"bundle": {**LEAST, **part}} for _, part in parts])
    for (place, _), answer in zip(parts, answers):
        assert re.match(r"bundle\.json:\d+: " + re.escape(place), answer.get("refused", "")), answer
        assert text not in answer["refused"]
