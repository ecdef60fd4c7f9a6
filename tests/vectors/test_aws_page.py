"""docs/aws.md: the reaper takes the configuration that it shows, but for the keys of its reader."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
REAPER = Path(os.environ.get("MAYFLY_BUILD", TREE / "build/debug")) / "mayfly-reaper"
PAGE = (TREE / "docs/aws.md").read_text()
EXAMPLE = json.loads(re.search(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)[1])


def reaper(folder, *words):
    environment = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [str(REAPER), *words], capture_output=True, text=True, timeout=120, check=False, cwd=folder,
        env={**environment, "CLEARML_API_ACCESS_KEY": "ABC", "CLEARML_API_SECRET_KEY": "secret",
             "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none",
             "AWS_SHARED_CREDENTIALS_FILE": "none"})


@pytest.fixture
def folder(tmp_path):
    """With the files that the example names, and a ClearML that refuses at once."""
    assert reaper(tmp_path, "keygen", "--folder", ".").returncode == 0
    recipient = re.search(r"# public key: (\S+)", (tmp_path / "image.key").read_text())[1]
    (tmp_path / "bundle.json").write_text(json.dumps(
        {"prefix": "team", "clearml": {"access_key": "ABC", "secret_key": "secret"}}))
    (tmp_path / "bundle.json").chmod(0o600)
    write(tmp_path, {**EXAMPLE, "recipients": [recipient]})
    done = reaper(tmp_path, "seal", "--config", "c.json", "--in", "bundle.json", "--out",
                  "bundle.age")
    assert done.returncode == 0, done.stderr
    return tmp_path


def write(folder, document):
    (folder / "c.json").write_text(json.dumps(
        {**document, "state_folder": "state",
         "clearml": {**document["clearml"], "api_server": "http://127.0.0.1:9"}}))


def test_the_example_is_a_valid_configuration(folder):
    done = reaper(folder, "check", "--config", "c.json")
    assert "c.json: the configuration is valid" in done.stdout, done.stdout + done.stderr
    # There are no credentials here: it says so, and what it looked for.
    assert "FAILED  resource gpu:" in done.stdout


def test_a_misspelt_member_of_run_instances_is_told(folder):
    document = json.loads((folder / "c.json").read_text())
    document["resources"][0]["aws"]["launch_spec"] = {"CpuOption": {}}
    write(folder, document)
    done = reaper(folder, "check", "--config", "c.json")
    assert done.returncode == 2
    assert "CpuOption: unknown to EC2, did you mean CpuOptions?" in done.stderr
