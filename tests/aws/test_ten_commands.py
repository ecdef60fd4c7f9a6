"""docs/aws.md, from an empty account to the first task: its commands, in a folder of their own.

mayfly-reaper's run as they stand there, but that `check` has no server; of the others' what is said
here must be what the template and the host's script expect.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
REAPER = Path(os.environ["MAYFLY_BUILD"]) / "mayfly-reaper"
PAGE = (TREE / "docs" / "aws.md").read_text()
TEMPLATE = (TREE / "packaging" / "cloudformation" / "mayfly.yaml").read_text()
STEPS = re.search(r"```sh\n(umask.*?)```", PAGE, re.S)[1].replace("\\\n", "")
NOBODY = "http://127.0.0.1:1"
ENVIRONMENT = "".join(line.replace("...", "x") + "\n"
                      for line in re.findall(r"`(CLEARML_\w+=\.\.\.)`", PAGE))


def step(word):
    """The line with that word, without its comment."""
    line, = (line for line in STEPS.splitlines() if word in line)
    return re.sub(r"\s+# \d+\..*", "", line)


@pytest.fixture
def sh(tmp_path):
    (tmp_path / "mayfly-reaper").symlink_to(REAPER)
    variables = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}",
                 "AWS_EC2_METADATA_DISABLED": "true"}

    def run(command):
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=variables,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    return run


@pytest.fixture
def folder(sh, tmp_path):
    """After step 5."""
    status, said = sh(step("keygen"))
    assert status == 0, said
    text = re.search(r"```json\n(.*?)```", PAGE, re.S)[1]
    text = text.replace("age1...", re.search(r"age1[a-z0-9]+", said)[0])
    text = text.replace("https://api.clearml.example", NOBODY)
    (tmp_path / "mayfly-reaper.json").write_text(text)
    (tmp_path / "environment").write_text(ENVIRONMENT)
    bundle = re.search(r'`(\{"prefix".*?\}\})`', PAGE)[1]
    (tmp_path / "bundle.json").write_text(bundle)
    (tmp_path / "bundle.json").chmod(0o600)
    return tmp_path


def test_credentials_are_sealed_and_the_configuration_is_understood(sh, folder):
    status, said = sh(step("seal"))
    assert status == 0, said
    assert (folder / "bundle.age").exists() and (folder / "bundle.age.minisig").exists()
    assert not (folder / "bundle.json").exists()
    _, said = sh(step("check"))
    assert "ok      mayfly-reaper.json: the configuration is valid" in said, said
    assert "bundle.age: it is sealed, and signed by our key for our prefix" in said, said
    failed = re.findall(r"^FAILED  (\S+)", said, re.M)
    assert failed == [f"{NOBODY}:", "resource"], said  # neither ClearML nor AWS is there
    status, said = sh("set -a; . ./environment; mayfly-reaper iam aws --config mayfly-reaper.json")
    assert status == 0 and '"aws:RequestTag/mayfly:prefix": "team"' in said, said


def test_the_stack_is_that_of_the_configuration(folder):
    prefix = json.loads((folder / "mayfly-reaper.json").read_text())["prefix"]
    words = step("cloudformation deploy").split("--parameter-overrides ")[1].split()
    given = dict(word.split("=") for word in words)
    assert given.pop("Prefix") == prefix
    assert "--capabilities CAPABILITY_IAM " in step("cloudformation deploy")
    parameters = re.search(r"^Parameters:\n(.*?)^\w", TEMPLATE, re.M | re.S)[1]
    known = re.findall(r"^  (\w+):\n(.*?)(?=^  \w|\Z)", parameters, re.M | re.S)
    assert set(given) == {name for name, text in known if "Default" not in text}


def test_the_host_takes_what_is_given_to_it(folder):
    """Names of the secret and of the bucket, and one folder for all, as in the configuration."""
    secret = step("jq -n")
    files = dict(re.findall(r"--rawfile (\w+) (\S+)", secret))
    given = dict(re.findall(r'"([\w.]+)": \$(\w+)', secret))
    assert {name: files[word] for name, word in given.items()} == {
        "signing.key": "signing.key", "environment": "environment"}
    assert all((folder / file).exists() for file in files.values())
    assert set(re.findall(r"jq -er '?\.\"?([\w.]+?)\"?'? ", TEMPLATE)) == set(given)
    settings = json.loads((folder / "mayfly-reaper.json").read_text())
    assert settings["signing_key"] == {"file": "signing.key"}
    assert settings["defaults"]["bundle"] == {"file": "bundle.age"}
    for variable in ("access_key", "secret_key"):
        assert f"{settings['clearml'][variable]['env']}=" in ENVIRONMENT
    taken = re.search(r"for name in (.*); do\n +cp \"\$files/", TEMPLATE)[1].split()
    assert taken == ["mayfly-reaper.json", "bundle.age", "bundle.age.minisig"]
    assert "--include 'mayfly-reaper*' --include 'bundle.age*' . s3://BUCKET/host/" in step("s3 cp")
    assert "s3://$BUCKET/host/" in TEMPLATE
    unit = (TREE / "packaging" / "systemd" / "mayfly-reaper-watch.service").read_text()
    variables = re.search(r"^EnvironmentFile=-?(\S+)", unit, re.M)[1]
    assert f"put environment {variables}\n" in TEMPLATE
