"""mayfly-reaper import: YAML held to PyYAML, GPUs to AWS's list, the program to its promises."""

import gzip
import json
import random
import re
import subprocess
from pathlib import Path

import moto
import pytest
import yaml

from vectors.driven import BUILD, Driven

SCRIPT = Path(__file__).parent / "clearml" / "aws_autoscaler.yaml"
CANARIES = ("canary-of-the-cloud", "canary-of-git", "clearml-canary")
PLAIN = ["yes", "No", "on", "OFF", "y", "~", "null", "Null", "nULL", "0", "-0", "017", "089",
         "0x1F", "0b101", "1_000", "1:30", "-1:00:01", "190:20:30.15", "1.5", ".5", "2.",
         "1e3", "1.5e+3", "25.0E-1", "1.5e3", "+7", "-", ".", "_1", "0x", "g4dn.xlarge",
         "ami-0123", "1:60", "a:b", "0.1", "123456.789", "012345678901", "9007199254740992",
         "+.5", "-.5e+1", "0o17", "=", "1.2.3", "true", "FALSE", "tRue", "0b", "1__0", "0_7",
         "0b_1", "0x_f", "1:0", "1:00.", "00"]
QUOTED = ["a b", "#x", "a: b", "'", '"', "- x", "\n", "é…\t", "", " x "]
ALPHABET = "01289_+-.:eExobfFnulyTrs~"


@pytest.fixture(scope="module")
def calls():
    driven = Driven("import_calls", "tests/aws")
    yield driven
    driven.close()


def same(got, want):
    """PyYAML tells integers from floats, JSON does not."""
    if isinstance(want, bool) or want is None or isinstance(got, bool) or got is None:
        return got is want
    if isinstance(want, (int, float)):
        return isinstance(got, (int, float)) and got == pytest.approx(want, rel=1e-15, abs=0)
    if isinstance(want, dict):
        return got.keys() == {str(key) for key in want} and all(
            same(got[str(key)], value) for key, value in want.items())
    if isinstance(want, list):
        return len(got) == len(want) and all(map(same, got, want))
    return got == want


def is_beyond(value):
    """What is refused here, and what PyYAML makes something else of than a text: dates."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return True
    if isinstance(value, (int, float)) and abs(value) > 2**53:
        return True
    return not isinstance(value, (str, int, float, bool, type(None)))


def scalars(count):
    chance = random.Random(8)
    yield from PLAIN
    for _ in range(count):
        yield "".join(chance.choice(ALPHABET) for _ in range(chance.randint(1, 7)))


def test_plain_scalars_are_what_pyyaml_takes_them_for(calls, tmp_path):
    read = 0
    for scalar in scalars(2000):
        path = tmp_path / "scalar.yaml"
        path.write_text(f"a: {scalar}\n")
        try:
            want = yaml.safe_load(path.read_text())["a"]
        except (yaml.YAMLError, ValueError):
            continue
        if is_beyond(want):
            continue
        got = calls("yaml", path)
        assert got["ok"], (scalar, got)
        assert same(got["value"]["a"], want), (scalar, got, want)
        read += 1
    assert read > 1500


def value_of(chance, depth, shared):
    kind = chance.randint(0, 9 if depth < 4 else 5)
    if kind == 0:
        return chance.choice([True, False, None])
    if kind == 1:
        return chance.choice([chance.randint(-10**6, 10**9), chance.random() * 1000])
    if kind <= 5:
        return chance.choice(PLAIN + QUOTED)
    if kind == 6 and shared:
        return chance.choice(shared)
    if kind == 7:
        made = [value_of(chance, depth + 1, shared) for _ in range(chance.randint(0, 4))]
    else:
        made = {chance.choice(["a", "b c", "d:e", "#f", "'g'"]) + str(i):
                value_of(chance, depth + 1, shared) for i in range(chance.randint(0, 4))}
    shared.append(made)
    return made


@pytest.mark.parametrize("flow", [None, True, False])
def test_reads_what_safe_dump_writes(calls, tmp_path, flow):
    chance = random.Random(f"safe_dump {flow}")
    aliases = 0
    for _ in range(150):
        shared = []
        document = {"root": [value_of(chance, 0, shared) for _ in range(4)]}
        path = tmp_path / "document.yaml"
        path.write_text(yaml.safe_dump(document, default_flow_style=flow,
                                       allow_unicode=chance.random() < 0.5), encoding="utf-8")
        aliases += "*id0" in path.read_text(encoding="utf-8")
        got = calls("yaml", path)
        assert got["ok"], (got, path.read_text())
        assert same(got["value"], document), path.read_text()
    assert aliases > 5


def test_gpus_are_as_aws_lists_them(calls):
    """DescribeInstanceTypes as moto keeps it, of hundreds of types."""
    types = json.loads(gzip.decompress(
        (Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz").read_bytes()))
    known = 0
    for name, words in types.items():
        gpus = words.get("GpuInfo", {}).get("Gpus", [])
        want = sum(gpu["Count"] for gpu in gpus if gpu.get("Manufacturer") == "NVIDIA")
        got = calls("gpus", name)["gpus"]
        if got < 0:
            assert re.match("[pg]", name), name
        else:
            assert got == want, name
            known += want > 0
    assert known > 40


def run(*words, cwd, **environment):
    return subprocess.run([BUILD / "mayfly-reaper", "import", *words], cwd=cwd, text=True,
                          capture_output=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)} | environment)


KEYS = {"CLEARML_API_HOST": "http://127.0.0.1:8008", "CLEARML_API_ACCESS_KEY": "ACCESS",
        "CLEARML_API_SECRET_KEY": "clearml-canary"}


def test_secrets_go_into_the_bundle_and_nowhere_else(tmp_path):
    done = run(SCRIPT, "--bundle", "bundle.json", cwd=tmp_path, **KEYS)
    assert done.returncode == 0, done.stderr
    for canary in CANARIES:
        assert canary not in done.stdout + done.stderr
    path = tmp_path / "bundle.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {
        "prefix": "dynamic_worker",
        "clearml": {"access_key": "ACCESS", "secret_key": "clearml-canary"},
        "git": {"user": "bot", "token": "canary-of-git"},
        "extra_conf": "agent.docker_force_pull: true\n\n"}


def test_a_bundle_that_is_there_stays(tmp_path):
    (tmp_path / "bundle.json").write_text("mine")
    done = run(SCRIPT, "--bundle", "bundle.json", cwd=tmp_path, **KEYS)
    assert done.returncode == 2
    assert "--bundle" in done.stderr and "bundle.json" in done.stderr
    assert not done.stdout
    assert (tmp_path / "bundle.json").read_text() == "mine"


def test_without_keys_the_bundle_says_what_to_add(tmp_path):
    done = run(SCRIPT, "--bundle", "bundle.json", cwd=tmp_path)
    assert done.returncode == 0
    assert "the bundle is not complete: ClearML's keys were found nowhere" in done.stderr
    assert "clearml" not in json.loads((tmp_path / "bundle.json").read_text())


def test_without_a_bundle_it_says_what_is_left_out(tmp_path):
    done = run(SCRIPT, cwd=tmp_path)
    assert done.returncode == 0
    assert "git_user, git_pass and the additional clearml.conf are left out" in done.stderr


def test_seal_takes_the_bundle(tmp_path):
    made = run(SCRIPT, "--bundle", "bundle.json", "--prefix", "mine", cwd=tmp_path, **KEYS)
    (tmp_path / "mayfly-reaper.json").write_text(made.stdout)
    reaper = BUILD / "mayfly-reaper"
    keys = subprocess.run([reaper, "keygen", "--folder", "."], cwd=tmp_path, text=True,
                          capture_output=True, check=True)
    recipient = re.search(r"age1[0-9a-z]+", keys.stdout)[0]
    subprocess.run([reaper, "seal", "--config", "mayfly-reaper.json", "--in", "bundle.json",
                    "--recipient", recipient], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "bundle.age").exists()


def test_the_apps_json_is_marked_unverified(tmp_path):
    (tmp_path / "app.json").write_text(json.dumps({
        "AWS Credentials": {"AWS Secret Access Key": "canary-of-the-cloud"},
        "Compute Resources": [{"Resource Name": "a", "Monitored Queue": "q", "AMI ID": "ami-1",
                               "EC2 Instance Type": "m5.large", "Max Number of Instances": 1}]}))
    done = run("app.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "UNVERIFIED" in done.stderr
    head = done.stdout.partition("{")[0]
    assert "UNVERIFIED" in head
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.parametrize("text, want", [
    ("a: [", "x.yaml: line 2, column 1: while parsing a flow node"),
    ("a: 1", "x.yaml: it has neither hyper_params nor configurations"),
    ("{", "x.yaml: line 2, column 1: expected a name in quotes"),
])
def test_what_is_no_such_file_is_refused_with_its_place(tmp_path, text, want):
    (tmp_path / "x.yaml").write_text(text + "\n")
    done = run("x.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"mayfly-reaper: {want}"), done.stderr
    assert not done.stdout


def test_a_file_must_be_named(tmp_path):
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert "FILE is missing" in done.stderr
