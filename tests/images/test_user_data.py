"""User data for stock images: cloud-init itself takes it, in a container like a stock instance
(images/stock.py), and the script first-boot fetches from a server of this test, or fails to.

systemctl and systemd-run are programs of the test there, which write down how they were called: no
systemd runs in the container. The rest of first-boot runs as it does on an instance.
"""

import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from images.programs import make_programs
from images.stock import stock
from peers.engine import Engine
from peers.images import unavailable

TREE = Path(__file__).resolve().parents[2]
FOLDER = TREE / "packaging/user-data"
UNITS = TREE / "packaging/systemd"
BUILD = Path(os.environ.get("MAYFLY_BUILD", "build/debug"))
KEY = "# recipient age1x\nAGE-SECRET-KEY-1" + "Q" * 58
STUB = '#!/bin/sh\necho "${0##*/} $*" >> /calls.log\n'
CLOUD_CFG = """datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [bootcmd, write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
"""
BOOT = ("cloud-init init --local && cloud-init init && cloud-init modules --mode=config"
        " && cloud-init modules --mode=final")
SWITCHED_OFF = "systemctl --no-block poweroff"
STARTED = ["systemctl daemon-reload",
           "systemctl enable mayfly-boot-guard.timer mayfly-bootstrap.service",
           "systemctl start mayfly-boot-guard.timer",
           "systemctl --no-block start mayfly-bootstrap.service"]


# -- what an operator has -------------------------------------------------------------------------

class Operator:
    """Keys, a ticket, a program with its signature: in a folder, made by the tools themselves."""

    def __init__(self, folder):
        self.folder = folder
        self.binary = next(iter(make_programs(folder).values()))
        self.sha256 = hashlib.sha256(self.binary.read_bytes()).hexdigest()
        self.reaper("keygen", "--folder", folder / "keys")
        recipient = re.search(r"age1[0-9a-z]+", (folder / "keys/image.key").read_text())[0]
        (folder / "bundle.json").write_text(json.dumps(
            {"prefix": "test", "clearml": {"access_key": "ACCESS", "secret_key": "HIDDEN"}}))
        (folder / "bundle.json").chmod(0o600)
        (folder / "config.json").write_text(json.dumps({
            "prefix": "test", "state_folder": "state", "recipients": [recipient],
            "clearml": {"api_server": "http://127.0.0.1:9", "access_key": {"env": "KEY"},
                        "secret_key": {"env": "KEY"}},
            "signing_key": {"file": "keys/signing.key"},
            "resources": [{"name": "here", "queues": ["default"], "max_instances": 1,
                           "bundle": {"file": "bundle.age"},
                           "agent": {"docker": {"image": "python:3.11-slim"}},
                           "local": {"machines": "machines"}}]}))
        self.reaper("seal", "--config", folder / "config.json", "--in", folder / "bundle.json",
                    "--out", folder / "bundle.age")
        self.ticket = folder / "ticket"
        self.ticket.write_text(self.reaper("ticket", "--config", folder / "config.json",
                                           "--resource", "here"))

    def reaper(self, *words):
        done = subprocess.run([BUILD / "mayfly-reaper", *words], cwd=self.folder, text=True,
                              env={**os.environ, "KEY": "secret"}, capture_output=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sign(self):
        """The public key of a release; the signature lies beside the program then."""
        public, secret = self.folder / "release.pub", self.folder / "release.key"
        if not public.exists():
            subprocess.run(["minisign", "-G", "-W", "-p", public, "-s", secret], check=True,
                           capture_output=True)
        subprocess.run(["minisign", "-S", "-s", secret, "-m", self.binary], check=True,
                       capture_output=True)
        return public

    def make(self, *more, **options):
        words = {"binary": self.binary, "url": "https://files.example.org/mayfly-bootstrap",
                 "trusted-keys": self.folder / "keys/trusted.pub", **options}
        return subprocess.run(
            [sys.executable, FOLDER / "make.py", *more,
             *[word for name, value in words.items() for word in (f"--{name}", str(value))]],
            capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    return Operator(tmp_path_factory.mktemp("operator"))


# -- what make.py writes --------------------------------------------------------------------------

def test_the_ticket_in_it_is_the_ticket(operator, tmp_path):
    """Bootstrap's own reader and signature check, on the whole document."""
    done = operator.make("--unsigned", ticket=operator.ticket, provider="aws")
    assert done.returncode == 0, done.stderr
    (tmp_path / "user-data").write_text(done.stdout)
    said = subprocess.run(
        [BUILD / "tests/vectors/envelope_calls"], text=True, capture_output=True, check=True,
        input=f"check\t{tmp_path}/user-data\t{operator.folder}/keys/trusted.pub\n").stdout
    assert json.loads(said) == {"ok": True, "prefix": "test"}, said
    image_key = (operator.folder / "keys/image.key").read_text().split()[-1]
    assert image_key.startswith("AGE-SECRET-KEY-1") and image_key not in done.stdout
    assert "HIDDEN" not in done.stdout


def test_the_binary_must_be_the_release_key_s(operator):
    public = operator.sign()
    done = operator.make(**{"release-key": public})
    assert done.returncode == 0 and operator.sha256 in done.stdout, done.stderr
    content = operator.binary.read_bytes()
    try:
        operator.binary.write_bytes(content + b"\0")
        done = operator.make(**{"release-key": public})
    finally:
        operator.binary.write_bytes(content)
    assert done.returncode == 1 and "is not signed by" in done.stderr and not done.stdout


@pytest.mark.parametrize("when, options, said", [
    ("nothing says whose the binary is", {}, "whose is the binary?"),
    ("the signing key would be published", {"trusted-keys": "keys/signing.key"},
     "must never be in user data"),
    ("there is no ticket in the file", {"ticket": "config.json"}, "mayfly-reaper ticket prints"),
    ("the ticket is longer than user data", {"ticket": "long"}, "more than the clouds' 16384"),
    ("the ticket would break the document", {"ticket": "open"}, "to begin with #"),
    ("the place has a blank", {"url": "https://example.org/a b"}, "expected http"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_no_user_data_when(when, options, said, operator):
    del when
    begin, end = (f"-----{word} MAYFLY TICKET-----" for word in ("BEGIN", "END"))
    (operator.folder / "long").write_text(f"# {begin}\n" + "# x\n" * 4096 + f"# {end}\n")
    (operator.folder / "open").write_text(f"# {begin}\nruncmd: [id]\n# {end}\n")
    words = {name: operator.folder / value if name != "url" else value
             for name, value in options.items()}
    done = operator.make(*(["--unsigned"] if options else []), **words)
    assert done.returncode == 1 and said in done.stderr and done.stdout == "", done.stderr


# -- what an instance makes of it -----------------------------------------------------------------

class Server:
    """Gives `content`, or what the next ones of `answers` say: a status, or b"..." of a file that
    ends too early."""

    def __init__(self, content):
        self.content, self.answers, self.asked = content, [], 0
        self.says_length = True
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.asked += 1
                answer = owner.answers.pop(0) if owner.answers else owner.content
                if isinstance(answer, int):
                    self.send_error(answer)
                    return
                self.send_response(200)
                if owner.says_length:
                    self.send_header("Content-Length", str(len(owner.content)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/mayfly-bootstrap"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Instance:
    """A container like a new instance of a stock image."""

    def __init__(self, engine):
        self.engine = engine
        self.name = engine.docker("run", "--detach", "--init", "--network", "host",
                                  engine.load(*stock()), "sleep", "600").stdout.strip()
        for name in ("systemctl", "systemd-run"):
            self.put(f"/usr/local/sbin/{name}", STUB, "755")
        self.put("/usr/lib/mayfly/first-boot", (FOLDER / "first-boot").read_text(), "755")
        self.sh("mkdir -p /etc/mayfly")

    def sh(self, script, input=None):
        return self.engine.docker("exec", "--interactive", self.name, "sh", "-c", script,
                                  check=False, input=input, timeout=200)

    def put(self, path, text, mode):
        done = self.sh(f"mkdir -p $(dirname {path}) && cat > {path} && chmod {mode} {path}", text)
        assert done.returncode == 0, done.stderr

    def calls(self):
        return self.sh("cat /calls.log").stdout.splitlines()

    def installed(self):
        """The SHA-256 of the program, "" where there is none; nothing half done lies about."""
        assert self.sh("ls /usr/bin/mayfly-bootstrap.*").stdout == ""
        return self.sh("sha256sum < /usr/bin/mayfly-bootstrap").stdout.partition(" ")[0]

    def boots(self, user_data):
        """All of cloud-init's stages, on this user data."""
        self.put("/etc/cloud/cloud.cfg", CLOUD_CFG, "644")
        self.put("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: i-1\n", "644")
        self.put("/var/lib/cloud/seed/nocloud/user-data", user_data, "644")
        return self.sh(BOOT)

    def first_boot(self, url, sha256, tries):
        return self.sh(f"sh /usr/lib/mayfly/first-boot {url} {sha256} {tries}")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    for reason in (Engine.unavailable(), unavailable()):
        if reason:
            pytest.skip(reason)
    with Engine(tmp_path_factory.mktemp("engine") / "engine") as running:
        yield running


@pytest.fixture
def instance(engine):
    made = Instance(engine)
    yield made
    engine.docker("rm", "--force", made.name)


@pytest.fixture
def server(operator):
    made = Server(operator.binary.read_bytes())
    yield made
    made.close()


def test_cloud_init_makes_a_machine(operator, instance, server):
    done = operator.make("--unsigned", url=server.url, ticket=operator.ticket, provider="gcp",
                         **{"image-key-command": f"printf '%s\\n' '{KEY}'"})
    assert done.returncode == 0, done.stderr
    instance.put("/user-data", done.stdout, "644")
    checked = instance.sh("cloud-init schema --config-file /user-data")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    booted = instance.boots(done.stdout)
    assert booted.returncode == 0, booted.stdout[-2000:] + booted.stderr[-2000:]
    assert instance.installed() == operator.sha256
    calls = instance.calls()
    assert calls[0].startswith("systemd-run --no-block --on-boot=60min"), "guarded before all else"
    assert calls[1:] == STARTED
    for name in ("mayfly-bootstrap.service", "mayfly-boot-guard.service",
                 "mayfly-boot-guard.timer"):
        unit = instance.sh(f"cat /etc/systemd/system/{name}").stdout
        assert unit == (UNITS / name).read_text(), name
    assert instance.sh("cat /usr/lib/mayfly/boot-guard").stdout == (
        UNITS / "boot-guard").read_text()
    assert instance.sh("stat -c %a:%n /etc/mayfly/* /usr/lib/mayfly/*").stdout.split() == [
        "400:/etc/mayfly/image.key", "644:/etc/mayfly/trusted.pub",
        "755:/usr/lib/mayfly/boot-guard", "755:/usr/lib/mayfly/first-boot",
        "700:/usr/lib/mayfly/image-key-command"]
    assert instance.sh("cat /etc/mayfly/image.key").stdout == KEY + "\n"
    assert "--provider gcp" in instance.sh("cat /etc/default/mayfly-bootstrap").stdout


def test_another_file_is_refused_and_the_machine_goes(operator, instance, server):
    server.content = operator.binary.read_bytes() + b"\0"
    done = operator.make("--unsigned", url=server.url, ticket=operator.ticket)
    instance.put("/etc/mayfly/image.key", KEY, "400")
    booted = instance.boots(done.stdout)
    assert f"expected SHA-256 {operator.sha256}" in booted.stdout, booted.stdout[-2000:]
    assert (instance.installed(), server.asked) == ("", 1)
    assert instance.calls()[1:] == [SWITCHED_OFF]


@pytest.mark.parametrize("when, answers, asked, good", [
    ("it is overloaded at first", [503, 503], 3, True),
    ("the file is cut off once", [b"\x7fELF"], 2, True),
    ("it has no such file", [404, 404, 404], 3, False),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_server_is_asked_again_when(when, answers, asked, good, operator, instance, server):
    del when
    server.answers = list(answers)
    instance.put("/etc/mayfly/image.key", KEY, "400")
    done = instance.first_boot(server.url, operator.sha256, 3)
    assert (done.returncode == 0, server.asked) == (good, asked), done.stdout
    assert instance.installed() == (operator.sha256 if good else "")
    assert instance.calls() == (STARTED if good else [SWITCHED_OFF])


def test_wget_fetches_where_no_curl_is(operator, instance, server):
    instance.put("/etc/mayfly/image.key", KEY, "400")
    assert instance.sh("rm /usr/bin/curl").returncode == 0
    server.answers = [503]
    done = instance.first_boot(server.url, operator.sha256, 2)
    assert (done.returncode, server.asked) == (0, 2), done.stdout + done.stderr
    assert (instance.installed(), instance.calls()) == (operator.sha256, STARTED)


def test_nothing_is_here_to_fetch_it_with(operator, instance, server):
    assert instance.sh("rm /usr/bin/curl /usr/bin/wget").returncode == 0
    done = instance.first_boot(server.url, operator.sha256, 9)
    assert done.returncode == 1 and "neither curl nor wget" in done.stdout, done.stdout
    assert (server.asked, instance.calls()) == (0, [SWITCHED_OFF])


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_file_that_is_far_too_long_is_cut(tool, says_length, operator, instance, server):
    server.content, server.says_length = bytes(33554432 + 512), says_length
    other = {"curl": "wget", "wget": "curl"}[tool]
    assert instance.sh(f"rm /usr/bin/{other}").returncode == 0
    done = instance.first_boot(server.url, operator.sha256, 1)
    assert done.returncode == 1 and "could not be fetched" in done.stdout, done.stdout
    assert (instance.installed(), instance.calls()) == ("", [SWITCHED_OFF])


def test_nobody_answers(operator, instance, server):
    server.close()
    done = instance.first_boot(server.url, operator.sha256, 2)
    assert done.returncode == 1 and "could not be fetched, 2 times" in done.stdout, done.stdout
    assert (instance.installed(), instance.calls()) == ("", [SWITCHED_OFF])


@pytest.mark.parametrize("when, files, said", [
    ("there is no image key", {}, "no /etc/mayfly/image.key"),
    ("the image key's command fails", {"/usr/lib/mayfly/image-key-command": "#!/bin/sh\nexit 1\n"},
     "the command for the image key failed"),
    ("the image key's command prints a page of errors",
     {"/usr/lib/mayfly/image-key-command": "#!/bin/sh\necho '<h1>AccessDenied'\n"},
     "printed something else"),
    ("systemd refuses the units",
     {"/etc/mayfly/image.key": KEY, "/usr/local/sbin/systemctl":
      STUB + 'case "$*" in *enable*) exit 1 ;; esac\n'}, "systemd did not take the units"),
    ("the power cannot be switched off in order",
     {"/usr/local/sbin/systemctl": STUB + 'case "$*" in *block*) exit 1 ;; esac\n'},
     "no /etc/mayfly/image.key"),
], ids=lambda value: value if isinstance(value, str) and " " in value else "")
def test_the_machine_goes_when(when, files, said, operator, instance, server):
    for path, text in files.items():
        instance.put(path, text, "755")
    done = instance.first_boot(server.url, operator.sha256, 1)
    assert done.returncode == 1 and said in done.stdout, done.stdout
    assert "AccessDenied" not in done.stdout + done.stderr
    last = "systemctl --force poweroff" if "in order" in when else SWITCHED_OFF
    assert instance.calls()[-1] == last


def test_a_program_for_another_machine(instance, server):
    server.content = b"\x7fELF, but no program"
    done = instance.first_boot(server.url, hashlib.sha256(server.content).hexdigest(), 1)
    assert done.returncode == 1 and "does not run here" in done.stdout
    assert (instance.installed(), instance.calls()) == ("", [SWITCHED_OFF])
