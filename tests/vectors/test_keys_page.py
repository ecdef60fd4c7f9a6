"""docs/keys.md as a newcomer follows it: each of its commands is run, in order.

It does as the page says.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAYFLY_BUILD", TREE / "build/debug"))
PAGE = (TREE / "docs/keys.md").read_text()
STEPS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)


class Reader:
    """Who reads the page, in a folder of their own; /etc/mayfly is one below it."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "bin/mayfly-reaper").symlink_to(BUILD / "mayfly-reaper")

    def run(self, commands):
        commands = commands.replace("/etc/mayfly", str(self.folder / "etc"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], cwd=self.folder, capture_output=True,
            text=True, check=False, env={**os.environ, "KEY": "secret", "PATH":
                                         f"{self.folder}/bin:{os.environ['PATH']}"})
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def write_config(self, recipient, source="inline"):
        (self.folder / "mayfly-reaper.json").write_text(json.dumps({
            "prefix": "home", "signing_key": {"file": "keys/signing.key"},
            "recipients": [recipient],
            "clearml": {"api_server": "http://127.0.0.1:1", "access_key": "A",
                        "secret_key": {"env": "KEY"}},
            "resources": [{"name": "here", "queues": ["default"], "max_instances": 1,
                           "bundle": {"file": "bundle.age", "source": source},
                           "agent": {"command": ["/bin/true"]},
                           "local": {"machines": "machines", "image_key": "etc/image.key",
                                     "trusted_keys": "etc/trusted.pub",
                                     "bootstrap": str(BUILD / "mayfly-bootstrap")}}]}))

    def write_bundle(self):
        """The one that the page shows."""
        text = re.search(r"^```json\n(\{\n  \"prefix\".*?)^```$", PAGE, re.M | re.S)[1]
        path = self.folder / "bundle.json"
        path.touch(mode=0o600)
        path.write_text(text)


@pytest.fixture
def reader(tmp_path):
    for tool in ("age", "minisign"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    return Reader(tmp_path)


def step(words):
    """The page's block of commands that holds these words."""
    found, = [block for block in STEPS if words in block]
    return found


def test_the_page_is_followed(reader):
    said = reader.run(step("mayfly-reaper keygen"))
    recipient = re.search(r"age1[a-z0-9]{58}", said)[0]
    reader.write_config(recipient)
    reader.write_bundle()
    reader.run(step("mayfly-reaper seal"))
    assert not (reader.folder / "bundle.json").exists()
    reader.run(step("install -d"))
    checks = step("unseal --check").splitlines()
    assert "github.com" in reader.run(checks[0])
    # ClearML's server is not there; what concerns the keys is well.
    said = reader.run(checks[1] + " || true")
    assert not re.search(r"^FAILED\s+(bundle|signing|image|trusted|ticket)", said, re.M), said


def test_the_page_is_followed_without_our_commands(reader):
    """By age and minisign alone; then our own programs take what they made."""
    reader.run(step("age-keygen -o"))
    reader.write_bundle()
    reader.run(step("age -r"))
    (reader.folder / "keys").mkdir()
    reader.run("cp signing.key keys/")
    reader.write_config(reader.run("age-keygen -y image.key").strip())
    said = reader.run(step("BEGIN MAYFLY"))
    assert '"prefix": "home"' in said
    assert json.loads((reader.folder / "ticket.json").read_text())["resource"] == "here"


def test_every_step_is_followed_here():
    """A block of commands that no test runs would be a claim."""
    followed = ("mayfly-reaper keygen", "mayfly-reaper seal", "install -d", "unseal --check",
                "age-keygen -o", "age -r", "BEGIN MAYFLY")
    assert [block for block in STEPS if not any(words in block for words in followed)] == []
