"""An EC2 instance, as far as mayfly-bootstrap can tell: its network is a namespace of its own, in
which the metadata service answers at 169.254.169.254 (as the instance's kernel sees it), and the
world's ClearML at the address that it has outside. Leaves out: hop limits.

    with Instance(world, folder, ticket_for_aws(world, "cpu"), market="spot") as instance:
        instance.boot()
        instance.give_notice(60)        # it is taken away in so many seconds
        instance.wait_for_end()
"""

import base64
import contextlib
import io
import json
import os
import secrets
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from peers.cloud import METADATA, MetadataService, NetworkNamespace, start_metadata_service
from peers.relay import Relay
from world import (AGENT, BOOTSTRAP, PREFIX, REAPER, command_of, environment_of, kill, role_of,
                   wait_for)

ID = f"i-0{secrets.token_hex(8)}"  # another run of these tests may be going on here
TYPE = "m4.xlarge"
DOCUMENT_PATH = "/latest/dynamic/instance-identity/document"
MARKET_PATH = "/latest/meta-data/instance-life-cycle"
NOTICE_PATH = "/latest/meta-data/spot/instance-action"
REBALANCE_PATH = "/latest/meta-data/events/recommendations/rebalance"
PATIENCE_S = 180
HOST_AGENT = {"mode": "host", "command": [str(AGENT)],
              "environment": {"CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1"}}
# As the only process but itself in a process namespace, in which reboot(2) ends the first one and
# nothing else; without a systemd to be asked, and with a sysrq that leads nowhere. Its /run and
# /dev/shm are its own: it would sweep away what others keep there for processes that it cannot see.
ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", """
[ $$ -eq 1 ] || exit 99
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger || exit 98
mount -t tmpfs none /run && mount -t tmpfs none /dev/shm || exit 97
"$@"
echo "still on, status $?"
""", "sh")


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def ticket_for_aws(world, resource):
    """The ticket of a local machine with another provider and type, signed and packed by tools that
    know nothing of mayfly."""
    made = subprocess.run([REAPER, "ticket", "--config", world.config, "--resource", resource],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    block = "".join(line.lstrip("# ") for line in made.splitlines() if "-----" not in line)
    folder = world.folder / "ticket"
    folder.mkdir(mode=0o700, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(block)), mode="r:gz") as archive:
        parts = {name: archive.extractfile(name).read() for name in archive.getnames()}
    ticket = json.loads(parts["ticket.json"]) | {"provider": "aws", "type": TYPE}
    path = folder / "ticket.json"
    path.write_text(json.dumps(ticket))
    subprocess.run(["minisign", "-S", "-s", world.signing_key, "-m", path, "-t",
                    f"mayfly ticket for {PREFIX}"], input="\n", text=True, capture_output=True,
                   check=True)
    parts |= {"ticket.json": path.read_bytes(),
              "ticket.json.minisig": Path(f"{path}.minisig").read_bytes()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    lines = base64.encodebytes(packed.getvalue()).decode().splitlines()
    return "\n".join(["# -----BEGIN MAYFLY TICKET-----", *(f"# {line}" for line in lines),
                      "# -----END MAYFLY TICKET-----", ""])


def identity(market, **document):
    """What the metadata service tells of it: path -> text. document: members that are others."""
    return {DOCUMENT_PATH: json.dumps({
                "accountId": "123456789012", "architecture": "x86_64",
                "availabilityZone": "us-east-1f", "imageId": "ami-0b69ea66ff7391e80",
                "instanceId": ID, "instanceType": TYPE, "pendingTime": utc(time.time()),
                "privateIp": "10.0.7.10", "region": "us-east-1", "version": "2017-09-30",
                **document}, indent=2),
            MARKET_PATH: market}


class Instance:
    """See the module's first lines."""

    def __init__(self, world, folder, user_data, market="on-demand", document=None, ports=()):
        """document: what its identity document says otherwise; ports: of loopback here, that it
        reaches besides the world's server."""
        self.world, self.folder = world, Path(folder)
        self.state = self.folder / "state"
        self.user_data = user_data
        self.ports = [urlsplit(world.url).port, *ports]
        self.log = self.folder / "bootstrap.log"
        self.process = None
        self._values = identity(market, **(document or {}))
        self.id = json.loads(self._values[DOCUMENT_PATH])["instanceId"]

    def __enter__(self):
        self.state.mkdir(parents=True, mode=0o700)
        user_data = self.folder / "user-data"
        user_data.write_text(self.user_data)
        self.tell()
        with contextlib.ExitStack() as stack:
            self.network = stack.enter_context(NetworkNamespace())
            self.network.run("ip", "link", "set", "lo", "up")
            self.network.run("ip", "address", "add", f"{METADATA}/32", "dev", "lo")
            self._serve_metadata(stack, user_data)
            for port in self.ports:
                stack.enter_context(Relay(self.network, "127.0.0.1", lambda port=port: port, port))
            self._stack = stack.pop_all()
        return self

    def _serve_metadata(self, stack, user_data):
        log = self.folder / "metadata.jsonl"
        stack.enter_context(start_metadata_service(
            self.network.prefix, METADATA, 80, log, user_data=user_data,
            values=self.folder / "values.json"))
        self.metadata = MetadataService(log)

    def __exit__(self, *_exception):
        self.cut_power()
        self._stack.close()

    def cut_power(self):
        """Nothing of it runs any more; at once, where it was booted ALONE."""
        for _ in range(50):
            if self.process and self.process.poll() is None:
                self.process.kill()
            left = self.processes()
            if not left:
                break
            for pid in left:
                kill(pid)
            time.sleep(0.1)
        if self.process:
            self.process.wait()

    def tell(self, values=()):
        """What the metadata service is to say from now on, replaced in one step; path: text."""
        self._values.update(values)
        new = self.folder / "values.json.new"
        new.write_text(json.dumps(self._values))
        new.replace(self.folder / "values.json")

    def forget(self, path):
        self.tell({path: None})

    def give_notice(self, seconds):
        self.tell({NOTICE_PATH: json.dumps(
            {"action": "terminate", "time": utc(time.time() + seconds)}, indent=2)})

    def recommend_rebalance(self):
        self.tell({REBALANCE_PATH: json.dumps({"noticeTime": utc(time.time())})})

    def boot(self, *options, prefix=(), environment=None):
        """Options of `run`; words in front of the command; more of an environment."""
        baked = self.world.folder / "baked"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [*self.network.prefix, *prefix, BOOTSTRAP, "run", "--provider", "aws",
                 "--folder", self.state, "--image-key", baked / "image.key",
                 "--trusted-keys", baked / "trusted.pub", *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **(environment or {})})

    def processes(self):
        """pid -> command of what bears the instance's mark."""
        found = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit() and f"MAYFLY_INSTANCE={self.id}" in environment_of(path.name):
                found[int(path.name)] = command_of(path.name)
        return found

    def roles(self):
        return {role_of(command) for command in self.processes().values()}

    def wait_for_end(self):
        """Its exit status."""
        wait_for(lambda: self.process.poll() is not None, PATIENCE_S, "the machine leaves")
        return self.process.returncode

    def has_switched_itself_off(self):
        """Of one booted ALONE. unshare tells how its namespace's first process ended: by reboot(2),
        which is SIGINT's work there."""
        return self.process.poll() in (-signal.SIGINT, 128 + signal.SIGINT)

    def record(self):
        return json.loads((self.state / "last-life.json").read_text())

    def asked(self, path):
        """The statuses that were answered when it asked for a path."""
        return [line["status"] for line in self.metadata.answers() if line["path"] == path]

    def log_tail(self):
        paths = [self.log, *self.state.glob("agent/*/console.log")]
        return "\n".join(f"=== {path.name}\n{path.read_text(errors='replace')[-5000:]}"
                         for path in paths if path.exists())
