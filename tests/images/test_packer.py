"""The packer templates: valid, and their provisioners run by packer over ssh, in a container that
is like a stock instance (images/stock.py).

There the docker engine and the registry are real; systemctl, sudo and dockerd are programs of the
test that write down their arguments or do nothing. So these lines of provision.sh are not run: the
installation of docker (apt-get, dnf), the check that it is root, and the minute of waiting for an
engine that does not come. And nothing here asks a cloud: `packer validate` knows the builders'
fields, not what AMIs there are.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from images.programs import make_programs
from images.stock import stock
from peers.engine import Engine
from peers.images import unavailable
from peers.registry import Registry
from standin.client import wait_for

TREE = Path(__file__).resolve().parents[2]
FOLDER = TREE / "packaging/packer"
UNIT = "[Service]\nExecStart=/usr/bin/mayfly-bootstrap run\n[Install]\nWantedBy=multi-user.target\n"
IMAGE_KEY = "# recipient age1x\nAGE-SECRET-KEY-1" + "Q" * 58 + "\n"
TRUSTED = "untrusted comment: minisign public key\nRW" + "Q" * 54 + "\n"
# A machine on which the first boot is over.
STATE = """mkdir -p /run/cloud-init && cd /run/cloud-init && echo '{}' > result.json &&
echo '{"v1": {"init": {"start": 1, "finished": 2, "errors": []}}}' > status.json"""
STUBS = {"systemctl": 'echo "$*" >> /systemctl.log', "dockerd": "exit 1", "sudo": 'exec "$@"'}


@pytest.fixture(scope="module", autouse=True)
def _packer():
    if not shutil.which("packer"):
        pytest.skip("needs packer (package packer)")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """What an operator names in variables: name -> path."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / "units").mkdir()
    for name in ("mayfly-bootstrap.service", "mayfly-reaper.service"):
        (folder / "units" / name).write_text(UNIT)
    (folder / "units/boot-guard").write_text("#!/bin/sh\n")
    (folder / "units/system.conf.d").mkdir()
    (folder / "units/system.conf.d/watchdog.conf").write_text("[Manager]\n")
    (folder / "image.key").write_text(IMAGE_KEY)
    (folder / "image.key").chmod(0o600)
    (folder / "trusted.pub").write_text(TRUSTED)
    own, program = next(iter(make_programs(folder).items()))
    (folder / "certificates").write_text("-----BEGIN CERTIFICATE-----\n")
    subprocess.run([sys.executable, TREE / "packaging/container/bootstrap/build.py", "--binary",
                    program, "--tag", "agents/own:1", "--ca-bundle", folder / "certificates",
                    "--output", folder / "agent-image.tar"], check=True)
    return {"architecture": own, "bootstrap": program, "image_key": folder / "image.key",
            "trusted_keys": folder / "trusted.pub", "units": folder / "units",
            "agent_image": folder / "agent-image.tar"}


def packer(verb, folder, variables, *more, **environment):
    words = [word for name, value in variables.items() for word in ("-var", f"{name}={value}")]
    return subprocess.run(["packer", verb, *more, *words, folder], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent",
                               "CHECKPOINT_DISABLE": "1", "PACKER_CACHE_DIR": "/nonexistent",
                               **environment})


@pytest.mark.parametrize("builder", ["amazon-ebs.machine", "googlecompute.machine"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_template_is_valid(builder, architecture, uploads):
    done = packer("validate", FOLDER, {**uploads, "architecture": architecture}, f"-only={builder}")
    assert done.returncode == 0, done.stdout
    assert packer("fmt", FOLDER, {}, "-check").returncode == 0


@pytest.mark.parametrize("when, change, said", [
    ("the signing key is named", {"trusted_keys": "keys/signing.key"}, "must never be in an image"),
    ("there is no such key", {"image_key": "/nonexistent"}, "no such file"),
    ("no processor is called so", {"architecture": "x86"}, "Expected amd64 or arm64"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_the_template_is_refused_when(when, change, said, uploads):
    del when
    done = packer("validate", FOLDER, {**uploads, **change}, "-only=amazon-ebs.machine")
    assert done.returncode != 0 and said in " ".join(done.stdout.split()), done.stdout


class Machine:
    """A container like a new instance, with an ssh server where packer expects one."""

    def __init__(self, engine, folder):
        self.engine = engine
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.key = folder / "ssh"
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key],
                           check=True)
        self.name = None

    def __enter__(self):
        name = self.engine.load(*stock())
        self.name = self.engine.docker(
            "run", "--detach", "--init", "--network", "host", "--volume",
            f"{self.engine.socket}:/var/run/docker.sock", name, "sleep", "600").stdout.strip()
        self.sh(STATE)
        for stub, text in STUBS.items():
            self.put(f"/usr/local/sbin/{stub}", f"#!/bin/sh\n{text}\n", "755")
        self.put("/root/.ssh/authorized_keys", Path(f"{self.key}.pub").read_text(), "600")
        # An RSA key: without one dropbear fails an assertion where packer prefers it.
        self.sh("mkdir -p /etc/ssh && touch /etc/ssh/ssh_host_rsa_key"
                " && dropbearkey -t rsa -s 2048 -f /etc/host.key"
                f" && dropbear -s -r /etc/host.key -p 127.0.0.1:{self.port}")
        wait_for(self._listens, 30, "the ssh server listens")
        return self

    def __exit__(self, *_exception):
        self.engine.docker("rm", "--force", self.name)

    def _listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    def sh(self, script, check=True, input=None):
        return self.engine.docker("exec", "--interactive", self.name, "sh", "-c", script,
                                  check=check, input=input)

    def put(self, path, text, mode):
        self.sh(f"mkdir -p $(dirname {path}) && cat > {path} && chmod {mode} {path}",
                input=text)

    def bake(self, folder, variables, **environment):
        """Runs the template's own provisioners here, in the place of a cloud's builder."""
        folder.mkdir()
        text = (FOLDER / "mayfly.pkr.hcl").read_text()
        text, changed = re.subn(r"sources = \[.*\]", 'sources = ["source.null.machine"]', text)
        assert changed == 1
        (folder / "mayfly.pkr.hcl").write_text(text + f"""
source "null" "machine" {{
  ssh_host             = "127.0.0.1"
  ssh_port             = {self.port}
  ssh_username         = "root"
  ssh_private_key_file = "{self.key}"
  ssh_timeout          = "60s"
}}
""")
        shutil.copy(FOLDER / "provision.sh", folder)
        return packer("build", folder, variables, **environment)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    for reason in (Engine.unavailable(), unavailable(), Registry.unavailable()):
        if reason:
            pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine") / "engine") as running:
        yield running


def test_packer_bakes_a_machine(engine, uploads, tmp_path):
    with (Registry(tmp_path / "registry", user=None) as registry,
          Machine(engine, tmp_path) as machine):
        default = f"{registry.address}/default/image:1"
        engine.docker("tag", engine.import_tiny(), default)
        engine.docker("push", default)
        engine.docker("rmi", default)
        done = machine.bake(tmp_path / "bake", {**uploads, "images": f'["{default}"]'},
                            PACKER_LOG="1")
        assert done.returncode == 0, done.stdout[-3000:]
        assert "provision: done" in done.stdout

        modes = machine.sh("stat -c '%a %U %n' /etc/mayfly/* /var/lib/mayfly"
                           " /usr/bin/mayfly-bootstrap /usr/lib/mayfly/boot-guard"
                           " /etc/systemd/system.conf.d/* /etc/machine-id").stdout.splitlines()
        assert modes == ["400 root /etc/mayfly/image.key", "644 root /etc/mayfly/trusted.pub",
                         "700 root /var/lib/mayfly", "755 root /usr/bin/mayfly-bootstrap",
                         "755 root /usr/lib/mayfly/boot-guard",
                         "644 root /etc/systemd/system.conf.d/watchdog.conf",
                         "444 root /etc/machine-id"]
        assert machine.sh("cat /etc/mayfly/image.key").stdout == IMAGE_KEY
        units = machine.sh("cd /etc/systemd/system && echo mayfly*").stdout
        assert units == "mayfly-bootstrap.service\n"
        assert machine.sh("cat /systemctl.log").stdout.splitlines() == [
            "enable --now docker.service", "enable mayfly-bootstrap.service", "daemon-reload"]
        assert engine.inspect("agents/own:1") and engine.inspect(default)
        left = machine.sh("ls /tmp; cat /etc/machine-id; ls /etc/ssh/ssh_host*"
                          " /root/.ssh/*", check=False)
        assert left.stdout == "", left.stdout

        secret = IMAGE_KEY.split()[-1]
        assert "mayfly-bake" in done.stdout and secret not in done.stdout  # PACKER_LOG is in there
        assert secret not in str(engine.inspect(machine.name))


@pytest.mark.parametrize("builder, provider", [("amazon-ebs", "aws"), ("googlecompute", "gcp")])
def test_a_machine_knows_its_cloud(builder, provider, refusing):
    """The template hands on what packer says of itself; the null builder is no cloud's."""
    assert "sudo env {{ .Vars }} " in (FOLDER / "mayfly.pkr.hcl").read_text()
    for name, text in {"image.key": IMAGE_KEY, "trusted.pub": TRUSTED,
                       "mayfly-bootstrap": "#!/bin/sh\n", "units/boot-guard": "#!/bin/sh\n",
                       "units/mayfly-bootstrap.service": UNIT}.items():
        refusing.put(f"/clouds/{name}", text, "755")
    refusing.sh(f"PACKER_BUILDER_TYPE={builder} /provision.sh /clouds && rm /etc/machine-id")
    assert refusing.sh("cat /etc/default/mayfly-bootstrap").stdout == (
        f"MAYFLY_BOOTSTRAP_OPTIONS=--provider {provider} --power-off\n")


def test_packer_ends_without_an_image_where_provisioning_fails(engine, uploads, tmp_path):
    (tmp_path / "trusted.pub").write_text(IMAGE_KEY)
    with Machine(engine, tmp_path) as machine:
        done = machine.bake(tmp_path / "bake",
                            {**uploads, "trusted_keys": tmp_path / "trusted.pub"})
        assert done.returncode != 0
        assert "trusted.pub: expected public keys" in done.stdout
        assert IMAGE_KEY.split()[-1] not in done.stdout
        assert machine.sh("ls /etc/mayfly", check=False).returncode != 0


@pytest.fixture(scope="module")
def refusing(engine, tmp_path_factory):
    with Machine(engine, tmp_path_factory.mktemp("refusing")) as machine:
        machine.put("/provision.sh", (FOLDER / "provision.sh").read_text(), "755")
        yield machine


SIGNING = "untrusted comment: minisign encrypted secret key\nRW" + "B" * 210 + "\n"


@pytest.mark.parametrize("when, uploaded, said", [
    ("no key is there", {"image.key": None}, "image.key is missing"),
    ("no trusted key is there", {"trusted.pub": None}, "trusted.pub is missing"),
    ("the signing key takes the place of the public ones", {"trusted.pub": SIGNING},
     "signing.key must never be in an image"),
    ("the signing key is behind them", {"trusted.pub": TRUSTED + SIGNING}, "signing.key must"),
    ("the image key is another file", {"image.key": SIGNING}, "image.key: expected lines"),
    ("the image key is empty", {"image.key": ""}, "image.key: expected lines"),
    ("two keys became one line", {"image.key": IMAGE_KEY.strip() + IMAGE_KEY}, "expected lines"),
    ("the program is for another machine", {"mayfly-bootstrap": "\x7fELF no program"},
     "does not run here"),
    ("bootstrap's unit is missing", {"units/mayfly-bootstrap.service": None},
     "nothing would start"),
    ("the guard is missing", {"units/boot-guard": None}, "nothing would switch it off"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_provisioning_is_refused_when(when, uploaded, said, refusing):
    del when
    refusing.sh("rm -rf /uploads /etc/mayfly")
    files = {"image.key": IMAGE_KEY, "trusted.pub": TRUSTED, "mayfly-bootstrap": "#!/bin/sh\n",
             "units/mayfly-bootstrap.service": UNIT, "units/boot-guard": "#!/bin/sh\n"}
    for name, text in {**files, **uploaded}.items():
        if text is not None:
            refusing.put(f"/uploads/{name}", text, "755")
    done = refusing.sh("/provision.sh /uploads", check=False)
    assert refusing.sh("ls /etc/machine-id", check=False).returncode != 0, "it went on to the end"
    assert done.returncode == 1 and said in done.stderr, (done.stdout, done.stderr)
    for secret in ("AGE-SECRET-KEY-1Q", "B" * 20):
        assert secret not in done.stdout + done.stderr
