"""README.md as a newcomer follows it: its commands, in order, as they stand there.

A block of commands is run, or bears a remark in front of it that says why not, or that it is slow:
test_every_block_is_run_or_says_why_not lists those. The ClearML server is a stand-in, which
has the queue "default" as each server does; what the page leaves to the reader (keys, the server's
address) is filled in.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from world import TREE

from standin.running import Running

BUILD = Path(os.environ.get("MAYFLY_BUILD", TREE / "build/debug"))
PAGE = (TREE / "README.md").read_text()
BLOCK = re.compile(r"^(?:<!-- (not run|slow): (.*?) -->\n)?```sh\n(.*?)^```$", re.M | re.S)
BLOCKS = [match.groups() for match in BLOCK.finditer(PAGE)]
NOT_RUN = {
    "make demo": "the first is played by tests/whole/test_demo.py, the second runs this page",
    "python3 -m venv": "downloads from PyPI; a clearml-agent of the same version takes its place",
}
QUEUE = "default"


def blocks(kind):
    return [commands for marked, _, commands in BLOCKS if marked == kind]


class Reader:
    """Who reads the page: a home, the two programs in the PATH, a ClearML server of their own."""

    def __init__(self, home, server):
        self.home = home
        self.folder = home / "mayfly"
        self.keys = server.keys()
        self.url = server.url
        (home / "bin").mkdir()
        for name in ("mayfly-reaper", "mayfly-bootstrap"):
            (home / "bin" / name).symlink_to(BUILD / name)
        self.folder.mkdir(mode=0o700)
        (self.folder / "agent").symlink_to(TREE / ".deps/agent")

    def fill_in(self, text):
        access_key, secret_key = self.keys
        return (text.replace('"ACCESS"', f'"{access_key}"').replace('"SECRET"', f'"{secret_key}"')
                .replace("https://api.clear.ml", self.url))

    def write_config(self):
        """The one of the page, with the recipient that keygen has printed."""
        text = re.search(r"^```json\n(\{\n  \"prefix\".*?)^```$", PAGE, re.M | re.S)[1]
        recipient = re.search(r"age1\w+", (self.folder / "keys/image.key").read_text())[0]
        (self.folder / "mayfly-reaper.json").write_text(
            self.fill_in(text).replace('"age1..."', f'"{recipient}"'))

    def start(self, commands):
        access_key, secret_key = self.keys
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", self.fill_in(commands)], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env={"PATH": f"{self.home}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.home),
                 "CLEARML_API_ACCESS_KEY": access_key, "CLEARML_API_SECRET_KEY": secret_key})

    def run(self, commands):
        done = self.start(commands)
        said, _ = done.communicate(timeout=120)
        assert done.returncode == 0, f"{commands}\n{said}"
        return said


def test_every_block_is_run_or_says_why_not():
    kept_back = {commands: why for marked, why, commands in BLOCKS if marked == "not run"}
    assert len(blocks(None)) >= 2 and len(blocks("slow")) == 1, "no commands were found"
    assert len(kept_back) == len(NOT_RUN)
    for (commands, why), (word, expected) in zip(kept_back.items(), NOT_RUN.items()):
        print(f"not run, {why}:\n{commands}")
        assert word in commands and why == expected
    other = set(re.findall(r"^```(\w*)$", PAGE, re.M)) - {"sh", "text", "json", ""}
    assert other == set(), "a block of commands in another form would be overlooked"


def test_the_first_use(tmp_path):
    with Running(tmp_path) as server:
        reader = Reader(tmp_path, server)
        before, after = blocks(None)
        reader.run(before)
        assert (reader.folder / "bundle.json").stat().st_mode & 0o77 == 0
        reader.write_config()
        lines = after.splitlines(keepends=True)
        assert "mayfly-reaper watch" in lines[-1] and "Ctrl-C" in lines[-1]
        said = reader.run("".join(lines[:-1]))
        assert not (reader.folder / "bundle.json").exists()
        assert QUEUE in said and "here" in said
        watch_until_interrupted(reader, lines[-1])


def watch_until_interrupted(reader, command):
    """Until its first pass is over; then Ctrl-C, as the page says."""
    process = reader.start(f"exec {command.partition('#')[0]}")
    try:
        first = process.stdout.readline()
        assert "msg=" in first or "pass" in first, first
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, first + rest
    assert json.loads(reader.run("mayfly-reaper status --json --config mayfly-reaper.json"))


def test_the_agent_is_the_one_that_the_tests_have():
    named = re.findall(r"clearml-agent==(\S+)", PAGE)
    assert named and set(named) == set(re.findall(
        r"^clearml-agent==(\S+)", (TREE / "tests/requirements/agent.txt").read_text(), re.M))


def test_the_docker_variant_is_understood(tmp_path):
    """The line that goes in the place of the agent's."""
    with Running(tmp_path) as server:
        reader = Reader(tmp_path, server)
        reader.run(blocks(None)[0])
        reader.write_config()
        path = reader.folder / "mayfly-reaper.json"
        line = re.search(r"^```json\n( +\"agent\".*\n)```$", PAGE, re.M)[1]
        changed, count = re.subn(r"^ +\"agent\".*\n", line, path.read_text(), flags=re.M)
        assert count == 1
        path.write_text(changed)
        reader.run(blocks(None)[1].splitlines()[0])
        reader.run("mayfly-reaper plan --config mayfly-reaper.json")


@pytest.mark.parametrize("program", ["mayfly-reaper", "mayfly-bootstrap"])
def test_each_verb_that_is_named_exists(program):
    table = PAGE.partition("## What each program does")[2].partition("```text\n")[2]
    named = {verb for line in table.partition("```")[0].splitlines() if line.startswith(program)
             for verb in re.match(rf"{program} ([a-z| ]+?)(?:  |$)", line)[1].split(" | ")}
    listed = subprocess.run([BUILD / program, "--help"], capture_output=True, text=True,
                            check=True).stdout
    assert named and named <= set(re.findall(r"^  ([a-z]+)", listed, re.M))


@pytest.mark.slow
def test_it_is_installed(tmp_path):
    """Below a prefix of the test's, and without sudo."""
    (tmp_path / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    done = subprocess.run(["bash", "-euc", blocks("slow")[0]], cwd=TREE, capture_output=True,
                          text=True, check=False, env={
                              "PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin",
                              "HOME": str(tmp_path), "PREFIX": str(tmp_path / "usr")})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    program = tmp_path / "usr/bin/mayfly-reaper"
    assert subprocess.run([program, "--help"], check=True, capture_output=True).stdout
    assert (tmp_path / "usr/share/man/man8/mayfly-bootstrap.8").exists()
    assert shutil.which("mayfly-bootstrap", path=tmp_path / "usr/bin")
