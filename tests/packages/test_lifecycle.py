"""Install, upgrade, remove, purge: what is armed (nothing), what stays, what is left (nothing)."""

import pytest
from conftest import LOWER, NAMES, VERSION, deb
from host import Host

STATE = "/var/lib/mayfly-reaper"
ENABLED_BY_NOBODY = ("mayfly-reaper.timer", "mayfly-reaper-watch.service",
                     "mayfly-bootstrap.service", "mayfly-boot-guard.timer",
                     "mayfly-instance-store.service")
STAND_IN = ("[Service]\nType=exec\nExecStart=\nExecStart=/bin/sleep infinity\nWatchdogSec=0\n")


def debs(version=VERSION):
    return [f"./{deb(name, version)}" for name in NAMES]


def status(host, name):
    return host.ask(f"dpkg-query -W -f '${{db:Status-Abbrev}}${{Version}}' {name}").split()


@pytest.fixture(params=[False, True], ids=["bare", "booted"])
def host(request, engine, packages):
    with Host(engine, packages, is_booted=request.param) as made:
        yield made


# What makes files in any Debian, at some time of the day.
DAILY = "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer cron.service"


def test_a_whole_life(host):
    """Nobody enables or configures anything, and at the end all is as it was."""
    host.ask(f"systemctl stop {DAILY}")
    before = host.files()
    host.apt("install", *debs(LOWER))
    for name in NAMES:
        assert status(host, name) == ["ii", LOWER]
        assert host.sh(f"{name} version").startswith(name)
    assert host.sh(f"stat -c '%U:%G %a' {STATE}") == "mayfly:mayfly 700"
    assert host.sh("getent passwd mayfly").endswith(f":{STATE}:/usr/sbin/nologin")
    for unit in ENABLED_BY_NOBODY:
        assert host.ask(f"systemctl is-enabled {unit}") == "disabled"
    host.apt("install", *debs())
    for name in NAMES:
        assert status(host, name) == ["ii", VERSION]
    host.apt("remove", *NAMES)
    assert status(host, "mayfly-reaper") == ["rc", VERSION]  # its conffile is still there
    left = {"/etc/cron.d/mayfly-reaper", STATE, "/var/lib/mayfly"}
    new = {path for path in host.files() - before if not path.startswith("/var/lib/systemd/")}
    assert new <= left
    host.apt("purge", *NAMES)
    assert host.files() == before
    assert host.sh("id -un mayfly") == "mayfly"  # files may be theirs


def test_what_runs_without_a_word_is_nothing(booted):
    booted.apt("install", *debs())
    for unit in ENABLED_BY_NOBODY:
        assert booted.property(unit, "ActiveState") == "inactive"
    # A first boot, or an image's maker, enables all that the presets allow.
    booted.sh("systemctl preset-all")
    for unit in ENABLED_BY_NOBODY:
        assert booted.ask(f"systemctl is-enabled {unit}") == "disabled"
    # No configuration: nothing to do, and no failure.
    booted.sh("systemctl start mayfly-reaper.service")
    assert booted.property("mayfly-reaper.service", "ConditionResult") == "no"


def test_what_was_written_and_spent_stays(bare):
    """Purged are the environment file and what can be made again, and it says what is not."""
    bare.apt("install", *debs(LOWER))
    kept = ["/etc/mayfly/image.key", "/etc/mayfly/mayfly-reaper.json", "/etc/mayfly/signing.key",
            f"{STATE}/ledger.sqlite"]
    gone = ["/etc/default/mayfly-reaper", "/etc/default/mayfly-bootstrap", f"{STATE}/lock",
            "/var/lib/mayfly/last-life.json"]
    bare.sh("mkdir /var/lib/mayfly")
    bare.sh(f"touch {' '.join(kept + gone)}")
    bare.sh("sed -i 's/^#\\* /* /' /etc/cron.d/mayfly-reaper")
    bare.apt("install", *debs())
    assert bare.sh("grep -c '^\\* ' /etc/cron.d/mayfly-reaper") == "1"
    said = bare.apt("purge", *NAMES)
    for path in kept:
        bare.sh(f"test -e {path}")
        assert f"kept: {STATE if path.startswith(STATE) else path}" in said, path
    for path in [*gone, "/etc/cron.d/mayfly-reaper", "/var/lib/mayfly"]:
        bare.sh(f"test ! -e {path}")


def test_what_somebody_enabled_or_stopped_stays_so(booted):
    timer = "mayfly-reaper.timer"
    booted.apt("install", *debs(LOWER))
    booted.sh(f"systemctl enable --now {timer}")
    booted.apt("install", *debs())
    assert booted.ask(f"systemctl is-enabled {timer}; systemctl is-active {timer}") == \
        "enabled\nactive"
    booted.sh(f"systemctl stop {timer}")
    booted.apt("install", "--allow-downgrades", *debs(LOWER))
    assert booted.ask(f"systemctl is-active {timer}") == "inactive"
    booted.sh(f"systemctl start {timer}")
    booted.apt("remove", "mayfly-reaper")
    assert booted.ask(f"systemctl is-active {timer}") == "inactive"
    booted.apt("purge", "mayfly-reaper")
    assert booted.ask("find /etc/systemd /var/lib/systemd -name '*mayfly-reaper*'") == ""


def test_bootstrap_that_runs_is_left_alone(booted):
    """Its end is the machine's end: no upgrade restarts it, and no removal ends it."""
    unit = "mayfly-bootstrap.service"
    booted.apt("install", *debs(LOWER))
    booted.sh(f"mkdir /etc/systemd/system/{unit}.d")
    booted.write(f"/etc/systemd/system/{unit}.d/stand-in.conf", STAND_IN)
    booted.sh(f"systemctl daemon-reload; systemctl enable --now {unit}")
    pid = booted.property(unit, "MainPID")
    booted.apt("install", *debs())
    refused, said = booted.run("apt-get -y -q remove mayfly-bootstrap")
    assert refused and "mayfly-bootstrap leave" in said
    assert booted.property(unit, "MainPID") == pid
    assert booted.ask("systemctl is-active mayfly-boot-guard.timer") == "active"
    assert status(booted, "mayfly-bootstrap") == ["ii", VERSION]


def test_removed_the_guard_is_disarmed(booted):
    """Somebody armed it on a machine where no bootstrap runs."""
    booted.apt("install", *debs())
    booted.sh("systemctl start mayfly-boot-guard.timer")
    booted.apt("remove", "mayfly-bootstrap")
    assert booted.ask("systemctl is-active mayfly-boot-guard.timer") == "inactive"
