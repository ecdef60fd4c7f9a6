"""A private docker engine: containerd and dockerd of the distribution, for one test.

    with Engine(folder) as engine:
        engine.import_tiny()
        engine.docker("run", "--rm", "peers/tiny:1", "echo", "hello")
        engine.kill()       # SIGKILL of dockerd alone: containers live on
        engine.start()      # the same socket, the same containers

It shares nothing with the engine of this machine, if there is one, and leaves nothing behind. Its
two daemons live in a mount namespace of their own (what the host mounts later is seen there, what
they mount is not seen outside and goes with them). Its bridge leads nowhere and it sets no rule in
iptables, unless it is given a network namespace and told to: a container that is to reach anything
has `--network host`. There is no pulling but from a Registry.

A run that was killed cannot clean up after itself. What it left bears its process id, and the next
engine to start removes it.
"""

import functools
import http.client
import io
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

from peers import images
from standin.client import wait_for

TINY = "peers/tiny:1"
RUN = Path("/run")
SHARED = RUN / "mayfly.shared"  # the mounts that were private before the first engine came
MARK = "MAYFLY_PEERS_ENGINE"  # in the environment of the daemons and the shims: the engine's name
BUSYBOX = "/bin/busybox"
PROGRAMS = {"dockerd": "docker.io", "containerd": "containerd", "docker": "docker.io",
            "unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2"}
START_DEADLINE_S = 60
STOP_DEADLINE_S = 60
CONTAINERD_CONFIG = """version = 2
root = "{data}/containerd"
state = "{run}/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{run}/containerd.sock"
"""
# Shims put their sockets into /run/containerd/s, whatever the configuration says.
IN_NAMESPACE = ('mkdir -p /run/containerd && mount -t tmpfs none /run/containerd'
                ' && exec containerd -c "$0"')


class Engine:
    """See the module's first lines.

    folder        for images, containers and logs; what the engine puts there goes at the end
    live_restore  whether containers live on when dockerd is stopped in order
    path_prefix   a folder in front of dockerd's PATH, for programs that a test puts there
    command_prefix  words in front of both daemons' commands. What they name must become the daemon
                  by exec, as `nsenter --net=FILE` does, not start it as a child
    bridge        docker's own bridge and its rules in iptables; only with a command_prefix that
                  leads into another network namespace, since the machine's own is not touched
    """

    def __init__(self, folder, *, live_restore=False, path_prefix=None, command_prefix=(),
                 bridge=False):
        if bridge and not command_prefix:
            raise ValueError("a bridge only in a network namespace made for it")
        self.folder = Path(folder)
        self.live_restore = live_restore
        self.path_prefix = path_prefix
        self.command_prefix = tuple(command_prefix)
        self.bridge = bridge
        self.socket = None
        self._data = self.folder / "engine"
        self._run = None
        self._containerd = None
        self._dockerd = None

    def __enter__(self):
        remove_leftovers()
        self._data.mkdir(parents=True)
        # The path of a socket has 107 bytes at most, so not below the folder.
        self._run = Path(tempfile.mkdtemp(prefix=f"mayfly-{os.getpid()}-", dir=RUN))
        (self._run / "data").symlink_to(self._data.resolve())
        self.socket = self._run / "docker.sock"
        try:
            self._share_mounts()
            self._start_containerd()
            self.start()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(self, *_exception):
        self._clean_up()

    # -- whether one can run here ---------------------------------------------------------------

    @staticmethod
    @functools.cache
    def unavailable():
        """None, or a sentence why no engine can run here: it is tried, once in a process."""
        if os.geteuid() != 0:
            return "a docker engine needs root"
        for program, package in PROGRAMS.items():
            if not shutil.which(program):
                return f"a docker engine needs {program} (package {package})"
        if not Path(BUSYBOX).exists():
            return f"docker tests need {BUSYBOX} (package busybox-static)"
        with tempfile.TemporaryDirectory(prefix="mayfly-try-") as folder:
            engine = Engine(folder)
            try:
                with engine:
                    engine.docker("run", "--rm", "--init", "--network", "host",
                                  engine.import_tiny(), "true")
            except (AssertionError, OSError, subprocess.SubprocessError) as problem:
                return f"a docker engine does not come up: {problem}\n{engine.log_tail()}"
        return None

    # -- the two daemons ------------------------------------------------------------------------

    def _share_mounts(self):
        """Else what bootstrap mounts on its tmpfs would stay unseen in the daemons' namespace."""
        for point in ("/run", "/dev/shm"):
            said = subprocess.run(["findmnt", "-n", "-o", "FSTYPE,PROPAGATION", point],
                                  capture_output=True, text=True, check=False).stdout.split()
            if said[-2:] == ["tmpfs", "private"]:  # the last one is the one on top
                subprocess.run(["mount", "--make-shared", point], check=True)
                with open(SHARED, "a") as note:
                    note.write(f"{point}\n")

    def _start_containerd(self):
        config = self._data / "containerd.toml"
        config.write_text(CONTAINERD_CONFIG.format(data=self._data, run=self._run))
        self._containerd = self._spawn(
            "containerd", ["unshare", "--mount", "--propagation", "slave",
                           "sh", "-c", IN_NAMESPACE, str(config)])
        wait_for(lambda: self._is_listening("containerd", self._containerd, "containerd.sock"),
                 START_DEADLINE_S, "containerd listens")

    def start(self):
        """Start dockerd; returns when it answers. After kill() or stop() on the same socket."""
        options = ["--live-restore"] if self.live_restore else []
        if not self.bridge:
            options += [f"--bridge={self._own_bridge()}", "--iptables=false",
                        "--ip6tables=false", "--ip-forward=false"]
        self._dockerd = self._spawn(
            "dockerd", ["nsenter", f"--mount=/proc/{self._containerd.pid}/ns/mnt",
                        "dockerd", "--host", f"unix://{self.socket}",
                        "--containerd", str(self._run / "containerd.sock"),
                        "--data-root", str(self._data / "docker"),
                        "--exec-root", str(self._run / "docker"),
                        "--pidfile", str(self._run / "docker.pid"),
                        "--exec-opt", "native.cgroupdriver=cgroupfs",
                        "--cgroup-parent", f"/{self._run.name}", *options])
        wait_for(self._answers, START_DEADLINE_S, "dockerd answers")

    def is_running(self):
        return self._dockerd is not None and self._dockerd.poll() is None

    def _own_bridge(self):
        """Not --bridge=none, with which dockerd deletes docker0, whosever it is."""
        name = bridge_of(self._run.name)
        if subprocess.run([*self.command_prefix, "ip", "link", "show", "dev", name],
                          capture_output=True, check=False).returncode != 0:
            # One of the 16384 networks of eight addresses that are set aside for benchmarks.
            network = ipaddress.ip_address("198.18.0.0") + zlib.crc32(name.encode()) % 16384 * 8
            for words in (["link", "add", name, "type", "bridge"],
                          ["address", "add", f"{network + 1}/29", "dev", name]):
                subprocess.run([*self.command_prefix, "ip", *words], check=True)
        return name

    def kill(self):
        """SIGKILL of dockerd alone; containerd, the shims and the containers live on."""
        self._dockerd.kill()
        self._dockerd.wait()

    def stop(self):
        """Stop dockerd in order: it ends its containers, unless with live_restore."""
        self._dockerd.terminate()
        self._dockerd.wait(STOP_DEADLINE_S)

    def _spawn(self, name, argv):
        environment = {**os.environ, MARK: self._run.name}
        if self.path_prefix:
            environment["PATH"] = f"{self.path_prefix}:{environment['PATH']}"
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen([*self.command_prefix, *argv], env=environment,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True)

    def _is_listening(self, name, process, socket_name):
        if process.poll() is not None:
            raise AssertionError(f"{name} ended at once: status {process.returncode}")
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._run / socket_name))
            except OSError:
                return False
        return True

    def _answers(self):
        if not self._is_listening("dockerd", self._dockerd, self.socket.name):
            return False
        connection = http.client.HTTPConnection("localhost", timeout=5)
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(5)
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # -- what a test does with it ---------------------------------------------------------------

    def docker(self, *words, check=True, input=None, timeout=120):
        """The docker CLI on this engine: CompletedProcess with text; logins stay in its folder."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("DOCKER_")}
        environment["DOCKER_CONFIG"] = str(self._data / "cli")
        done = subprocess.run(["docker", "-H", f"unix://{self.socket}", *map(str, words)],
                              env=environment, input=input, capture_output=True, text=True,
                              errors="replace", timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, words))}: status {done.returncode}:"
                                 f" {done.stderr.strip()}")
        return done

    def inspect(self, name):
        """What the engine says of a container or an image; None when it does not know it."""
        done = self.docker("inspect", name, check=False)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def import_tiny(self, name=TINY):
        """Make a tiny image, a shell and the usual tools; its name."""
        archive = self._data / "tiny.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(BUSYBOX, "bin/busybox")
            listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True,
                                    check=True)
            for applet in set(listed.stdout.split()) - {"busybox"}:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            for folder in ("etc", "root", "tmp"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
        self.docker("import", "--change", "ENV PATH=/bin", archive, name)
        archive.unlink()
        return name

    def import_foreign(self, name, architecture):
        """An image that says that it is for another architecture ("arm64"); its name."""
        saved, changed = self._data / "saved.tar", self._data / "changed.tar"
        self.docker("tag", self.import_tiny(), name)
        self.docker("save", "-o", saved, name)
        with tarfile.open(saved) as old, tarfile.open(changed, "w") as new:
            config = json.load(old.extractfile("manifest.json"))[0]["Config"]
            for entry in old:
                if entry.name != config:
                    new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
            said = {**json.load(old.extractfile(config)), "architecture": architecture}
            text = json.dumps(said).encode()
            entry = tarfile.TarInfo(config)
            entry.size = len(text)
            new.addfile(entry, io.BytesIO(text))
        self.docker("rmi", name)
        self.docker("load", "-i", changed)
        for path in (saved, changed):
            path.unlink()
        return name

    def load_agent_image(self, agent=images.AGENT):
        """Load the image that packaging/container/agent builds for this version; its name."""
        return self.load(*images.agent(agent))

    def load_task_image(self):
        """Load an image for tasks, in which an agent finds all it needs offline; its name."""
        return self.load(*images.task())

    def load(self, name, archive):
        """Load that image of that archive, unless it is here; its name."""
        if not self.inspect(name):
            self.docker("load", "--input", archive, timeout=300)
        return name

    def log_tail(self):
        """The ends of both logs, for a failed test."""
        return "\n".join(f"=== {path.name}\n" + path.read_text(errors="replace")[-4000:]
                         for path in sorted(self.folder.glob("*d.log")))

    # -- the end --------------------------------------------------------------------------------

    def processes(self):
        """pid -> command of all that lives in containers of this engine, and of their shims."""
        shims = {pid for pid in processes_of(self._run.name)
                 if "containerd-shim" in command_of(pid)}
        return {pid: command_of(pid) for pid in with_descendants(shims)}

    def _clean_up(self):
        for daemon in (self._dockerd, self._containerd):
            if daemon and daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        remove_engine(self._run)


def command_of(pid):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:  # gone
        return ""
    return words.replace("\0", " ").strip()


def parents():
    """pid -> its parent's, of all processes."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        found[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def with_descendants(pids):
    parent_of, found = parents(), set(pids)
    grown = True
    while grown:
        grown = {pid for pid, parent in parent_of.items() if parent in found} - found
        found |= grown
    return found


def processes_of(name):
    """The pids of an engine's daemons and shims: by their environment, which a shim inherits."""
    marked, found = f"{MARK}={name}".encode(), set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marked in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
        except OSError:  # gone, or a zombie
            continue
    return found


def bridge_of(name):
    """An engine's bridge: like the folder it bears its maker's id, in 15 characters at most."""
    _, maker, random = name.split("-", 2)
    return f"mf-{maker}-{random[-4:]}"


def cgroups_of(name):
    root = Path("/sys/fs/cgroup")
    places = [root / name, *root.glob(f"*/{name}"), *root.glob(f"*/*/{name}")]
    return [path for path in places if path.is_dir()]


def remove_leftovers():
    """Remove the engines of processes that are no more."""
    for run in RUN.glob("mayfly-*-*"):
        maker = run.name.split("-")[1]
        if maker.isdigit() and not Path(f"/proc/{maker}").exists():
            remove_engine(run)


def remove_engine(run):
    """End all that lives of the engine whose folder this is, and remove what it made."""
    wait_for(lambda: nothing_lives(run.name), STOP_DEADLINE_S, "the engine's processes are gone")
    wait_for(lambda: has_no_cgroup(run.name), STOP_DEADLINE_S, "the containers' cgroups are gone")
    # Two may remove what a third has left, and what is in a namespace goes with it.
    subprocess.run(["ip", "link", "delete", bridge_of(run.name)], capture_output=True, check=False)
    shutil.rmtree((run / "data").resolve(), ignore_errors=True)
    shutil.rmtree(run, ignore_errors=True)
    restore_mounts()


def restore_mounts():
    """The last engine takes back what the first one did: those in between rely on it."""
    if any(RUN.glob("mayfly-*-*")) or not SHARED.exists():
        return
    for point in set(SHARED.read_text().split()):
        subprocess.run(["mount", "--make-private", point], check=True)
    SHARED.unlink(missing_ok=True)


def nothing_lives(name):
    left = with_descendants(processes_of(name))
    for top in cgroups_of(name):  # containers whose shim died before them
        for members in top.glob("**/cgroup.procs"):
            left |= members_of(members)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return not left


def members_of(path):
    try:
        return set(map(int, path.read_text().split())) - {0}  # 0: of another pid namespace
    except OSError:  # the cgroup is gone, or holds threads alone
        return set()


def has_no_cgroup(name):
    for top in cgroups_of(name):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:  # still in use: the next look tries again
                pass
    return not cgroups_of(name)
