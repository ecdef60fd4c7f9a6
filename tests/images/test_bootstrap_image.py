"""The image of mayfly-bootstrap alone (packaging/container/bootstrap): form, content, a real life.

The programs inside are small static ones of this test, but for the one that `make static` builds:
where that one is, it is loaded and run as well.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from images.programs import make_programs
from peers.engine import Engine
from peers.registry import Registry

TREE = Path(__file__).resolve().parents[2]
BUILD = TREE / "packaging/container/bootstrap/build.py"
TAG = "mayfly/bootstrap:0.0.1"


def build(output, *binaries, tag=TAG, more=()):
    words = [word for binary in binaries for word in ("--binary", str(binary))]
    return subprocess.run([sys.executable, BUILD, *words, "--tag", tag, "--output", output, *more],
                          capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return make_programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if Engine.unavailable():
        pytest.skip(Engine.unavailable())
    with Engine(tmp_path_factory.mktemp("engine") / "engine") as running:
        yield running


def test_the_same_files_give_the_same_bytes(programs, tmp_path):
    """Whatever the order, the time, the folder, the umask and the locale are."""
    first, second = tmp_path / "first.tar", tmp_path / "elsewhere" / "second.tar"
    second.parent.mkdir()
    copies = [second.parent / name for name in programs]
    for copy, path in zip(copies, programs.values()):
        shutil.copyfile(path, copy)
        os.utime(copy, (1, 1))
    assert build(first, *programs.values()).returncode == 0
    words = [word for copy in reversed(copies) for word in ("--binary", str(copy))]
    subprocess.run(["sh", "-c", 'umask 077; exec "$@"', "sh", sys.executable, BUILD, *words,
                    "--tag", TAG, "--output", second], check=True, cwd=second.parent,
                   env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONHASHSEED": "7"})
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != b"" and not Path(f"{first}.partial").exists()


def test_nothing_of_this_machine_is_inside(programs, tmp_path):
    build(tmp_path / "image.tar", *programs.values())
    with tarfile.open(tmp_path / "image.tar") as archive:
        entries = archive.getmembers()
        layers = {name for image in json.load(archive.extractfile("manifest.json"))
                  for name in image["Layers"]}
        inner = [entry for name in layers
                 for entry in tarfile.open(fileobj=archive.extractfile(name)).getmembers()]
    for entry in entries + inner:
        assert (entry.mtime, entry.uid, entry.gid, entry.uname) == (0, 0, 0, ""), entry.name
    assert {entry.name for entry in inner if entry.isreg()} == {
        "usr/bin/mayfly-bootstrap", "etc/passwd", "etc/group", "etc/ssl/certs/ca-certificates.crt"}


@pytest.mark.parametrize("when, change, said", [
    ("it is no program", lambda content: b"#!/bin/sh\n", "ELF program"),
    ("it is cut off", lambda content: content[:5], "ELF program"),
    ("it is for another processor", lambda content: content[:18] + b"\x28\x00" + content[20:],
     "machine 40"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_a_program_is_refused_when(when, change, said, programs, tmp_path):
    del when
    (tmp_path / "program").write_bytes(change(next(iter(programs.values())).read_bytes()))
    done = build(tmp_path / "image.tar", tmp_path / "program")
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert list(tmp_path.glob("image.tar*")) == []


def test_more_is_refused(programs, tmp_path):
    own = next(iter(programs.values()))
    (tmp_path / "empty.crt").write_text("none\n")
    for done, said in (
            (build(tmp_path / "image.tar", sys.executable), "needs shared libraries"),
            (build(tmp_path / "image.tar", own, own), "a second binary for"),
            (build(tmp_path / "image.tar", own, tag="host:5000/name"), "a name with a version"),
            (build(tmp_path / "image.tar", own, more=["--ca-bundle", tmp_path / "empty.crt"]),
             "no certificates in")):
        assert done.returncode == 1 and said in done.stderr, done.stderr
    assert list(tmp_path.glob("image.tar*")) == []


def test_an_engine_loads_and_runs_it(programs, engine, tmp_path):
    own, other = programs
    assert build(tmp_path / "image.tar", *programs.values()).returncode == 0
    engine.docker("load", "--input", tmp_path / "image.tar")
    assert engine.inspect(f"{TAG}-{own}")["Architecture"] == own
    assert engine.inspect(f"{TAG}-{other}")["Architecture"] == other
    done = engine.docker("run", "--rm", "--network", "none", f"{TAG}-{own}", "look")
    assert done.stdout == "static says look\n"


def test_a_registry_takes_the_index_and_an_engine_its_own_of_it(programs, engine, tmp_path):
    """skopeo, which checks each digest on its way, is the judge of the archive's form."""
    if not shutil.which("skopeo") or Registry.unavailable():
        pytest.skip(Registry.unavailable() or "needs skopeo (package skopeo)")
    own = next(iter(programs))
    assert build(tmp_path / "image.tar", *programs.values()).returncode == 0
    with Registry(tmp_path / "registry", user=None) as registry:
        name = f"{registry.address}/{TAG}"
        subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--all",
                        "--dest-tls-verify=false", f"oci-archive:{tmp_path}/image.tar",
                        f"docker://{name}"], check=True)
        raw = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false",
                              f"docker://{name}"], check=True, capture_output=True).stdout
        kept = {one["platform"]["architecture"] for one in json.loads(raw)["manifests"]}
        assert kept == {"amd64", "arm64"}
        engine.docker("pull", name)
        assert engine.inspect(name)["Architecture"] == own
        done = engine.docker("run", "--rm", "--network", "none", name, "look")
        assert done.stdout == "static says look\n"


def test_the_static_mayfly_bootstrap_runs_in_it(programs, engine, tmp_path):
    """The one that `make static` left in build/; this test builds none."""
    own = next(iter(programs))
    tag, output = "mayfly/real:1", tmp_path / "image.tar"
    if not any(f"{tag} for {own}," in build(output, path, tag=tag).stderr
               for path in TREE.glob("build/static*/**/mayfly-bootstrap")):
        pytest.skip(f"there is no static mayfly-bootstrap for {own} in build/ (make static)")
    engine.docker("load", "--input", output)
    done = engine.docker("run", "--rm", "--network", "none", tag, "version")
    version = re.search(r"^VERSION := (\S+)", (TREE / "Makefile").read_text(), re.M)[1]
    assert done.stdout == f"mayfly-bootstrap {version}\n"
