"""The demo itself: what README's first command plays must end well."""

import os
import re
import subprocess
import sys

from world import TREE

from peers import images


def play(folder, *options, **environment):
    return subprocess.run([sys.executable, str(TREE / "tests/whole/demo.py"),
                           "--folder", str(folder / "demo"), *options],
                          env={**os.environ, **environment}, capture_output=True, text=True,
                          check=False)


def shapes(text):
    """Its lines, but for what differs from run to run: numbers, names of machines, columns."""
    named = re.sub(r"local-[0-9a-f]{12}", "MACHINE", text)
    return {" ".join(re.sub(r"\d+", "0", line).split()) for line in named.splitlines()}


def check(done):
    """It ended well, with its table and its timeline."""
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    _, _, told = done.stdout.partition("What became of the tasks")
    table, _, timeline = told.partition("in one line of time:")
    assert len([line for line in table.splitlines() if line.endswith("completed")]) == 4, told
    for event in ("launched", "popped", "started", "completed", "left"):
        assert timeline.count(f" s  {event} ") == 4, (event, told)
    assert "nothing is left" in done.stdout
    page = (TREE / "README.md").read_text()
    shown = re.search(r"^```text\n(RESOURCE .*?)^```$", page, re.M | re.S)[1]
    assert shapes(shown) <= shapes(done.stdout), "README.md shows what the demo does not print"
    assert done.stderr == ""


def test_demo_ends_well(tmp_path):
    check(play(tmp_path, "--agent", "host"))


def test_demo_in_containers(engine, tmp_path):
    """It takes the image away that it has brought, and leaves the one that was there."""
    brought, archive = images.agent()
    engine.docker("rmi", brought)
    try:
        done = play(tmp_path, "--agent", "docker", DOCKER_HOST=f"unix://{engine.socket}")
        check(done)
        assert not engine.inspect(brought) and engine.inspect(images.TASK)
    finally:
        engine.docker("load", "-i", archive)
    assert f"containers of the engine at {engine.socket}" in done.stdout
    assert engine.docker("ps", "-a", "--filter", "label=mayfly.instance", "-q").stdout == ""


def test_demo_without_an_engine(tmp_path):
    nowhere = tmp_path / "nowhere.sock"
    done = play(tmp_path, "--agent", "docker", DOCKER_HOST=f"unix://{nowhere}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no container can run here" in done.stderr
