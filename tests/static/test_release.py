"""What is said of the programs: their sizes, what is in them, the release's files."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import ARCH, BUILD, NAMES, TREE

LIMITS = {"mayfly-bootstrap": 1_310_720, "mayfly-reaper": 2_621_440}
DEBIAN_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[ARCH]
CONTENTS = TREE / "packaging" / "static" / "contents.py"
LOCK = {line.split()[0]: line.split() for line in
        (TREE / "third_party" / "sources.lock").read_text().splitlines() if line[:1] not in "#"}


def told_size(name):
    """The newest that CHANGELOG.md tells; the newest stands first."""
    text = (TREE / "CHANGELOG.md").read_text()
    found = re.search(rf"`{name}` {ARCH} (\d+) bytes", text)
    assert found, f"CHANGELOG.md must tell the size, as in: `{name}` {ARCH} 1234 bytes"
    return int(found[1])


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_grows_only_when_told(name):
    size = (BUILD / name).stat().st_size
    assert size <= LIMITS[name]
    told = told_size(name)
    assert size <= told * 1.05, (
        f"{name} is {size} bytes for {ARCH}, over 5 % more than the {told} that CHANGELOG.md "
        "tells: `make size` shows what of; if it is worth it, tell the new size there")


def test_the_sizes_of_the_libraries_add_up():
    """What the map places is nearly all of the file: else a part of it is overlooked."""
    for name in NAMES:
        shown = subprocess.run([sys.executable, CONTENTS, "size", BUILD / name], check=True,
                               capture_output=True, text=True).stdout
        parts = {row.split()[0]: int(row.split()[1]) for row in shown.splitlines()[1:]}
        expected = set(LOCK) - ({"sqlite", "libyaml"} if name == "mayfly-bootstrap" else set())
        assert set(parts) == expected | {"mayfly", "(linker)"}
        size = (BUILD / name).stat().st_size
        assert 0.85 * size < sum(parts.values()) < 1.1 * size


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    folder = tmp_path_factory.mktemp("key")
    subprocess.run(["minisign", "-G", "-W", "-s", folder / "secret", "-p", folder / "public"],
                   check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def release(key, tmp_path_factory):
    """Made twice, for the same bytes."""
    out = tmp_path_factory.mktemp("dist")
    names = [f"mayfly-0.0.0-{ARCH}.tar.gz", f"mayfly-0.0.0-{ARCH}.spdx.json", "SHA256SUMS",
             f"mayfly-bootstrap-0.0.0-{ARCH}",
             *(f"{name}_0.0.0-1_{DEBIAN_ARCH}.deb" for name in NAMES)]
    made = []
    for _ in range(2):
        subprocess.run(["sh", TREE / "packaging" / "static" / "dist.sh", "0.0.0", ARCH,
                        key / "secret"], check=True, capture_output=True,
                       env={**os.environ, "DIST": str(out)})
        made.append([(out / name).read_bytes() for name in names])
    assert made[0] == made[1]
    return out


def test_the_sums_are_signed_and_right(release, key):
    subprocess.run(["minisign", "-V", "-q", "-p", key / "public", "-m", release / "SHA256SUMS"],
                   check=True)
    sums = dict(reversed(line.split("  ")) for line in
                (release / "SHA256SUMS").read_text().splitlines())
    assert len(sums) == 5
    for name, digest in sums.items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest


def test_user_data_is_made_of_what_is_released(release, key, tmp_path):
    """As docs/images.md says, with the tools of the tarball: signed by the release's key."""
    with tarfile.open(release / f"mayfly-0.0.0-{ARCH}.tar.gz") as packed:
        packed.extractall(tmp_path)
    packaging = tmp_path / f"mayfly-0.0.0-{ARCH}" / "packaging"
    assert (packaging / "packer" / "provision.sh").exists()
    assert (packaging / "systemd" / "mayfly-bootstrap.service").exists()
    command = [packaging / "user-data" / "make.py", "--binary",
               release / f"mayfly-bootstrap-0.0.0-{ARCH}", "--url", "https://files.example.org/it",
               "--trusted-keys", key / "public", "--provider", "aws"]
    made = subprocess.run([*command, "--release-key", key / "public"], check=True,
                          capture_output=True, text=True)
    digest = hashlib.sha256((BUILD / "mayfly-bootstrap").read_bytes()).hexdigest()
    assert made.stdout.startswith("#cloud-config\n") and digest in made.stdout


def test_the_tarball_has_the_programs_and_the_licences(release):
    with tarfile.open(release / f"mayfly-0.0.0-{ARCH}.tar.gz") as packed:
        members = {member.name.split("/", 1)[-1]: member for member in packed}
        for name in NAMES:
            assert packed.extractfile(members[name]).read() == (BUILD / name).read_bytes()
            assert members[name].mode == 0o755
    for library in LOCK:
        assert any(name.startswith(f"licences/{library}-") for name in members), library
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}


def test_the_sbom_names_each_library_with_its_source(release):
    bill = json.loads((release / f"mayfly-0.0.0-{ARCH}.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    packages = {package["SPDXID"]: package for package in bill["packages"]}
    for name, (_, version, licence, digest, *_places) in LOCK.items():
        package = packages[f"SPDXRef-{name}"]
        assert (package["versionInfo"], package["licenseDeclared"]) == (version, licence)
        assert package["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    links = {(one["spdxElementId"], one["relatedSpdxElement"]) for one in bill["relationships"]
             if one["relationshipType"] == "STATIC_LINK"}
    assert ("SPDXRef-mayfly-reaper", "SPDXRef-sqlite") in links
    assert ("SPDXRef-mayfly-bootstrap", "SPDXRef-sqlite") not in links
    assert ("SPDXRef-mayfly-bootstrap", "SPDXRef-curl") in links
    for name in NAMES:
        digest = hashlib.sha256((BUILD / name).read_bytes()).hexdigest()
        assert packages[f"SPDXRef-{name}"]["checksums"][0]["checksumValue"] == digest


@pytest.mark.slow
def test_another_folder_gives_the_same_bytes(tmp_path):
    """The whole build again, from the sources that are already here."""
    other = tmp_path / "another"
    tracked = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=TREE, check=True, capture_output=True)
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (TREE / name).is_file():
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TREE / name, other / name)
    shutil.copytree(TREE / ".deps" / "sources", other / ".deps" / "sources")
    subprocess.run(["make", "-j2", "MODE=static", f"ARCH={ARCH}", "all"], cwd=other, check=True,
                   capture_output=True)
    for name in NAMES:
        assert (other / "build" / "static" / ARCH / name).read_bytes() == \
            (BUILD / name).read_bytes()
