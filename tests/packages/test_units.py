"""The units: what systemd thinks of them, and whether they name what is there."""

import re
import shutil
import subprocess

import pytest
from conftest import NAMES, TREE, deb
from host import Host
from world import BUILD

UNITS = TREE / "packaging" / "systemd"
NAMES_OF_UNITS = sorted(path.name for path in UNITS.glob("mayfly-*"))
WORST_EXPOSURE = 3.0


@pytest.mark.parametrize("name", ["mayfly-reaper.service", "mayfly-reaper-watch.service"])
def test_the_reaper_is_confined(name):
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze (package systemd)")
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", UNITS / name],
                          capture_output=True, text=True, check=True).stdout
    assert float(re.search(r"exposure level for \S+: ([0-9.]+)", said)[1]) <= WORST_EXPOSURE, said


CONFINES = re.compile(r"(Protect|Private|Read|Restrict|System|Keyring|Lock|Memory|Device|"
                      r"Capability|NoNew)\w*=")


def test_the_engine_sees_what_bootstrap_mounts(engine, tmp_path):
    """Neither the unit nor the drop-in for docker mode gives bootstrap mounts of its own."""
    lines = [line for name in ("mayfly-bootstrap.service", "docker-only.conf")
             for line in (UNITS / name).read_text().splitlines() if CONFINES.match(line)]
    assert len(lines) > 10
    with Host(engine, tmp_path, is_booted=True) as host:
        for more, is_same in ([], True), (["ProtectHome=yes"], False):
            host.write("/run/systemd/system/probe.service", "\n".join([
                "[Service]", "Type=oneshot", "StandardOutput=truncate:/run/probe",
                "ExecStart=readlink /proc/self/ns/mnt", *lines, *more, ""]))
            host.sh("systemctl daemon-reload && systemctl start probe.service")
            assert (host.sh("cat /run/probe") == host.sh("readlink /proc/1/ns/mnt")) == is_same


def verify(host, folder):
    return host.run(f"cd {folder} && systemd-analyze verify --man=no {' '.join(NAMES_OF_UNITS)}")


def test_units_of_the_packages_are_valid(bare):
    bare.apt("install", *(f"./{deb(name)}" for name in NAMES))
    assert verify(bare, "/usr/lib/systemd/system") == (0, "")


def test_units_of_make_install_name_what_is_there(engine, packages, tmp_path):
    """Below another prefix; the user is made of what is installed with them."""
    for name in NAMES:
        subprocess.run(["sh", TREE / "packaging/install.sh", name, BUILD / name, "/usr/local",
                        tmp_path], check=True)
    with Host(engine, packages, is_booted=False,
              mounts=[f"{tmp_path}/usr/local:/usr/local:ro"]) as host:
        assert verify(host, "/usr/local/lib/systemd/system") == (0, "")
        paths = host.sh("sed -n 's/^ExecStart=\\([^ ]*\\).*/\\1/p' /usr/local/lib/systemd/system/*")
        assert {path.split("/")[2] for path in paths.split()} == {"local"}
        host.sh("systemd-sysusers && id mayfly")
        host.sh("systemctl preset-all")
        for unit in NAMES_OF_UNITS:
            assert host.ask(f"systemctl is-enabled {unit}") in ("disabled", "static"), unit
