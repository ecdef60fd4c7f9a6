"""A minimal Debian that packages are installed into: a container of the machine stage's image.

    with Host(engine, folder, is_booted=True) as host:     # its first process is systemd
        host.apt("install", "./mayfly-reaper_0.0.1-1_amd64.deb")
        host.sh("systemctl is-enabled mayfly-reaper.timer")

The folder is /packages in there. The network is the one of the tests, but apt has no source: what a
package needs has to be there.
"""

import system_image
from container import RIGHTS
from standin.client import wait_for

BOOT_DEADLINE_S = 120
# What changes in any Debian while it runs, and dpkg's and apt's own records.
NOT_LOOKED_AT = ("/proc", "/sys", "/dev", "/run", "/tmp", "/packages", "/var/log", "/var/cache",
                 "/var/lib/dpkg", "/var/lib/apt/lists")


class Host:
    """See the module's first lines."""

    def __init__(self, engine, folder, *, is_booted, mounts=()):
        self.engine = engine
        self.is_booted = is_booted
        self._mounts = [f"{folder}:/packages:ro", *mounts]
        self.container = None

    def __enter__(self):
        words = [word for mount in self._mounts for word in ("-v", mount)]
        if self.is_booted:
            words += [*RIGHTS, "--tty", "-e", "container=docker"]
        self.container = self.engine.docker(
            "run", "--detach", "--network", "host", *words, system_image.NAME,
            *(["/sbin/init"] if self.is_booted else ["sleep", "infinity"])).stdout.strip()
        try:
            self.sh("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*")
            if self.is_booted:
                wait_for(self._is_up, BOOT_DEADLINE_S, "systemd has booted")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        self.engine.docker("rm", "-f", self.container, check=False)

    def _is_up(self):
        return self.ask("systemctl is-system-running") in ("running", "degraded")

    def run(self, script):
        """Exit status, and what it said on both streams."""
        done = self.engine.docker("exec", "-w", "/packages", self.container, "sh", "-c",
                                  f"exec 2>&1; {script}", check=False)
        return done.returncode, done.stdout.strip()

    def sh(self, script):
        status, said = self.run(script)
        assert status == 0, f"{script}: {status}\n{said}"
        return said

    def ask(self, script):
        return self.run(script)[1]

    def apt(self, *words):
        return self.sh("DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends "
                       + " ".join(words))

    def write(self, path, text, mode="644", owner="root"):
        """Replaced, never shown: it may be a secret."""
        self.engine.docker("exec", "-i", self.container, "sh", "-c",
                           f"umask 077; cat > {path}; chmod {mode} {path}; chown {owner} {path}",
                           input=text)

    def files(self):
        """Every path in it."""
        skipped = " -o ".join(f"-path {path}" for path in NOT_LOOKED_AT)
        return set(self.sh(rf"find / \( {skipped} \) -prune -o -print").splitlines())

    def property(self, unit, name):
        return self.ask(f"systemctl show --property={name} --value {unit}")

    def journal(self, unit):
        return self.ask(f"journalctl --no-pager -u {unit}")
