"""The packages as files: what lintian says, what is in them, the same bytes twice."""

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import ARCHITECTURE, NAMES, TREE, VERSION, deb, make_packages

from world import BUILD


@pytest.fixture(scope="module", params=NAMES)
def package(request, packages):
    return packages / deb(request.param)


def members(package):
    """path -> (its entry, its content)."""
    packed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True,
                            capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {entry.name.lstrip("."): (entry, archive.extractfile(entry).read()
                                         if entry.isreg() else b"") for entry in archive}


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True,
                          text=True).stdout.strip()


def test_lintian_has_nothing_to_say(package):
    if not shutil.which("lintian"):
        pytest.skip("needs lintian (package lintian)")
    done = subprocess.run(["lintian", "--allow-root", "--display-info", "--fail-on",
                           "error,warning", package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unused-override" not in done.stdout


def test_made_again_it_has_the_same_bytes(package, tmp_path):
    make_packages(VERSION, tmp_path)
    assert (tmp_path / package.name).read_bytes() == package.read_bytes()


def test_all_is_roots_and_nobody_else_may_write(package):
    for path, (entry, _) in members(package).items():
        assert (entry.uid, entry.gid) == (0, 0), path
        assert entry.issym() or not entry.mode & 0o022, path


def test_what_belongs_to_the_program_is_in_it(package):
    name = field(package, "Package")
    inside = members(package)
    assert inside[f"/usr/bin/{name}"][1] == (BUILD / name).read_bytes()
    assert field(package, "Architecture") == ARCHITECTURE
    docs = f"/usr/share/doc/{name}"
    for path in (f"{docs}/changelog.Debian.gz", f"{docs}/changelog.gz",
                 f"/usr/share/man/man8/{name}.8.gz"):
        content = inside[path][1]
        assert content[3:9] == bytes(5) + b"\2", f"{path}: a name, a time, or not packed best"
        assert gzip.decompress(content)
    for path in (f"/usr/share/bash-completion/completions/{name}",
                 f"/usr/share/zsh/vendor-completions/_{name}"):
        assert inside[path][1]
    assert not [path for path in inside if "local" in path.split("/")]
    assert b"/usr/local/" not in gzip.decompress(inside[f"/usr/share/man/man8/{name}.8.gz"][1])


def test_copyright_has_the_licence_of_each_library_that_is_linked(package):
    """Those that the SBOM names for this program, in the same versions."""
    name = field(package, "Package")
    bill = json.loads(subprocess.run(
        [sys.executable, TREE / "packaging/static/contents.py", "sbom", "0", "0", BUILD / name],
        check=True, capture_output=True).stdout)
    linked = {f"{one['name']}-{one['versionInfo']}": one["licenseDeclared"]
              for one in bill["packages"] if one["name"] != name}
    text = members(package)[f"/usr/share/doc/{name}/copyright"][1].decode()
    found = re.findall(r"^Files: (\S+)/\*\nCopyright: .+\nLicense: (.+)\n((?: .+\n?)+)", text, re.M)
    assert {library: licence for library, licence, _ in found} == linked
    assert "musl-1" in text and "Permission is hereby granted, free of charge" in text
