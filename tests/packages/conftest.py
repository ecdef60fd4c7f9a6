"""Packages of what `make static` built, and machines to install them into.

MAYFLY_BUILD names the folder of the programs, build/static/ARCH.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "whole"), str(TESTS / "machine")]

from peers import images  # noqa: E402
from peers.engine import Engine  # noqa: E402

import system_image  # noqa: E402
from host import Host  # noqa: E402

TREE = TESTS.parent
ARCH = Path(os.environ.get("MAYFLY_BUILD", platform.machine())).name
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[ARCH]
NAMES = ("mayfly-bootstrap", "mayfly-reaper")
LOWER, VERSION = "0.0.9-1", "0.0.10-1"  # so that text does not sort as versions do


def deb(name, version=VERSION):
    return f"{name}_{version}_{ARCHITECTURE}.deb"


def make_packages(version, out):
    subprocess.run(["sh", TREE / "packaging/debian/deb.sh", version, ARCH, out], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """A folder with both packages, in two versions made by the same rule."""
    folder = tmp_path_factory.mktemp("packages")
    for version in (LOWER, VERSION):
        make_packages(version, folder)
    return folder


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    if ARCH != platform.machine():
        pytest.skip(f"packages for {ARCH} cannot be installed on this machine")
    reason = images.unavailable() or Engine.unavailable()
    if reason:
        pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine")) as made:
        made.docker("import", system_image.archive(), system_image.NAME, timeout=300)
        yield made


@pytest.fixture
def bare(engine, packages):
    """Nothing runs there: an image's root while it is made."""
    with Host(engine, packages, is_booted=False) as made:
        yield made


@pytest.fixture
def booted(engine, packages):
    """Systemd runs there."""
    with Host(engine, packages, is_booted=True) as made:
        yield made
