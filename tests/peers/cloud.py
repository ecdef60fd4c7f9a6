"""A machine and the cloud's link to it: two network namespaces that lead nowhere else.

    with Cloud(folder) as cloud, Engine(folder / "engine", bridge=True,
                                        command_prefix=cloud.machine.prefix) as engine:
        with cloud.metadata_service(hop_limit=1) as service:
            cloud.machine.run("busybox", "wget", "-O", "-", "http://169.254.169.254/")
            service.answers()       # what it was asked, and what it answered

The namespaces have no names, so nothing is left of them when their last process has ended: they
are held by a process that ends when this one does, however that happens. (`ip netns add` leaves
names and a mount behind. And `ip netns exec` mounts a /sys without cgroups, with which dockerd
does not start.)
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from standin.client import wait_for

METADATA = "169.254.169.254"
MACHINE = "198.51.100.2"
GATEWAY = "198.51.100.1"
PROGRAMS = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2",
            "iptables": "iptables", "busybox": "busybox-static"}
TCP_TIME_WAIT = "06"
QUIET_DEADLINE_S = 60
CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}


class NetworkNamespace:
    """A network namespace for as long as the `with` lasts."""

    def __enter__(self):
        # In a session of its own: a Ctrl-C is not for it.
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo made; exec cat"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        start_new_session=True)
        if self._holder.stdout.readline() != b"made\n":
            self.__exit__()
            raise AssertionError(f"unshare --net: status {self._holder.returncode}")
        return self

    def __exit__(self, *_exception):
        self._holder.stdin.close()  # the end of cat
        self._holder.wait()
        self._holder.stdout.close()

    @property
    def pid(self):
        return self._holder.pid

    @property
    def prefix(self):
        """Words in front of a command that is to run in it, in its own process."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--")

    def run(self, *words, check=True, **options):
        done = subprocess.run([*self.prefix, *words], capture_output=True, text=True, **options,
                              check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: status {done.returncode}: {done.stderr}")
        return done

    def interfaces(self):
        return {link["ifname"] for link in json.loads(self.run("ip", "-json", "link").stdout)}

    def tcp_states(self):
        """The states of all IPv4 connections here, in the kernel's two digits."""
        lines = self.run("cat", "/proc/net/tcp").stdout.splitlines()
        return {line.split()[3] for line in lines[1:]}

    def ip_counter(self, name):
        """One of the kernel's counters of IP packets here, such as InHdrErrors."""
        lines = self.run("cat", "/proc/net/snmp").stdout.splitlines()
        names, values = [line.split() for line in lines if line.startswith("Ip:")]
        return int(values[names.index(name)])


class MetadataService:
    """What Cloud.metadata_service() gives."""

    def __init__(self, log):
        self._log = log

    def answers(self):
        return [json.loads(line) for line in self._log.read_text().splitlines()]


class Cloud:
    """See the module's first lines. `machine` and `far_end` are its two NetworkNamespaces."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.machine = stack.enter_context(NetworkNamespace())
            self.far_end = stack.enter_context(NetworkNamespace())
            self._link()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception):
        self._stack.close()

    def _link(self):
        """As an instance sees it: the service is one hop away, not on the machine itself."""
        near, far = self.machine, self.far_end
        near.run("ip", "link", "add", "uplink", "type", "veth",
                 "peer", "name", "downlink", "netns", str(far.pid))
        near.run("ip", "address", "add", f"{MACHINE}/24", "dev", "uplink")
        far.run("ip", "address", "add", f"{GATEWAY}/24", "dev", "downlink")
        far.run("ip", "address", "add", f"{METADATA}/32", "dev", "downlink")
        for namespace, link in ((near, "uplink"), (far, "downlink")):
            namespace.run("ip", "link", "set", "lo", "up")
            namespace.run("ip", "link", "set", link, "up")
        near.run("ip", "route", "add", "default", "via", GATEWAY)
        # Else an answer that nobody hears is sent again and again for minutes.
        far.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_orphan_retries")

    @contextlib.contextmanager
    def metadata_service(self, **options):
        """The service at its real address; options as those of metadata_service.py. At the end
        nothing of it is on its way any more, so that the next one's packets can be counted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "metadata.jsonl"
        log.write_text("")
        with start_metadata_service(self.far_end.prefix, METADATA, 80, log, **options):
            yield MetadataService(log)
        wait_for(lambda: not self.far_end.tcp_states() - {TCP_TIME_WAIT}, QUIET_DEADLINE_S,
                 "the metadata service's connections are gone")

    @staticmethod
    @functools.cache
    def unavailable():
        """None, or a sentence why no cloud can be made here."""
        if os.geteuid() != 0:
            return "network namespaces need root"
        status = Path("/proc/self/status").read_text()
        held = int(status.partition("CapEff:")[2].split()[0], 16)
        for name, bit in CAPABILITIES.items():
            if not held >> bit & 1:
                return f"network namespaces need {name}"
        for program, package in PROGRAMS.items():
            if not shutil.which(program):
                return f"a machine in a network namespace needs {program} (package {package})"
        with NetworkNamespace() as namespace:
            for table in ("filter", "nat"):
                done = namespace.run("iptables", "--table", table, "--list-rules", check=False)
                if done.returncode != 0:
                    return f"no table {table} in a network namespace: {done.stderr.strip()}"
        return None


@contextlib.contextmanager
def start_metadata_service(prefix, address, port, log, **options):
    """Its port, once it listens."""
    words = [word for name, value in options.items()
             for word in (f"--{name.replace('_', '-')}", str(value))]
    program = Path(__file__).with_name("metadata_service.py")
    with subprocess.Popen([*prefix, sys.executable, str(program), "--address", address,
                           "--port", str(port), "--log", str(log), *words],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            ready = process.stdout.readline().split()
            if not ready:
                raise AssertionError("the metadata service did not start, see above")
            yield int(ready[1])
        finally:
            process.kill()
