"""The programs in a root file system where nothing is but what a row puts there.

`mayfly-bootstrap check` fetches its bundle by https and opens it: that goes through the resolver,
TCP, TLS, the CA certificates, and the cryptography. The roots have the layouts of distributions,
made by hand: what is in them decides, not whose they are.
"""

import json
import re
import shutil
import ssl
import time

import pytest
from peers import Proxy, Web, make_certificate, name_server, serving

ADDRESSES = {"web.test": ["127.0.0.1"], "six.test": ["::1"], "web.long.test": ["127.0.0.1"],
             "other.test": ["127.0.0.1"]}
NAMES = ["web.test", "six.test", "web.long.test", "far.test"]
DEBIAN = "/etc/ssl/certs/ca-certificates.crt"
RED_HAT = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
LAYOUTS = {
    "Debian, Ubuntu, Alpine": ([DEBIAN], {}),
    "Alma, Rocky, Fedora, Amazon Linux": ([RED_HAT], {"/etc/pki/tls/certs/ca-bundle.crt": RED_HAT}),
    "the same without the old name": ([RED_HAT], {}),
    "SUSE": (["/etc/ssl/ca-bundle.pem"], {}),
    "Alpine without ca-certificates": (["/etc/ssl/cert.pem"], {}),
}
ADMITTED = "ok       admit "


@pytest.fixture(scope="module")
def resolver():
    with name_server(ADDRESSES) as address:
        yield address


class Machine:
    """A root with keys, a sealed bundle and a ticket that says where the bundle is."""

    def __init__(self, root, resolver):
        self.root = root
        root.write("/etc/resolv.conf", f"nameserver {resolver}\noptions timeout:2\n")
        root.write("/proc/sys/kernel/random/boot_id", "0c8a5a4e-1111-4222-8333-94f9ac8b7e55\n")
        (root.folder / "keys").mkdir()
        self.must("/mayfly-reaper", "keygen", "--folder", "/keys")
        bundle = {"prefix": "lab", "clearml": {"access_key": "A", "secret_key": "S"}}
        root.write("/keys/bundle.json", json.dumps(bundle))
        (root.folder / "keys/bundle.json").chmod(0o600)
        self.configure("inline")
        self.must("/mayfly-reaper", "seal", "--config", "/reaper.json", "--in",
                  "/keys/bundle.json", "--out", "/keys/bundle.age")
        self.sealed = (root.folder / "keys/bundle.age").read_bytes()

    def must(self, *words):
        status, text = self.root.run(*words)
        assert status == 0, text
        return text

    def configure(self, source):
        notes = (self.root.folder / "keys/image.key").read_text()
        self.root.write("/reaper.json", json.dumps({
            "prefix": "lab", "state_folder": "/state",
            "signing_key": {"file": "/keys/signing.key"},
            "recipients": re.findall(r"^# public key: (age1\S+)$", notes, re.M),
            "clearml": {"api_server": "http://127.0.0.1:9", "access_key": "A",
                        "secret_key": {"file": "/keys/bundle.json"}},
            "resources": [{"name": "cpu", "queues": ["cpu"], "max_instances": 1,
                           "bundle": {"file": "/keys/bundle.age", "source": source},
                           "agent": {"command": ["/mayfly-bootstrap"]},
                           "local": {"machines": "/machines", "bootstrap": "/mayfly-bootstrap",
                                     "image_key": "/keys/image.key",
                                     "trusted_keys": "/keys/trusted.pub"}}]}))

    def check(self, url, **environment):
        """What `check` says, up to its word on the bundle, which is to be had at this URL."""
        self.configure(url)
        shutil.rmtree(self.root.folder / "machine", ignore_errors=True)
        self.root.write("/machine/user-data", self.must(
            "/mayfly-reaper", "ticket", "--config", "/reaper.json", "--resource", "cpu"))
        self.root.write("/machine/instance.json", json.dumps({
            "instance": "local-1", "zone": "z", "market": "on-demand", "boot_id": "none",
            "launched_s": int(time.time()), "launched_boottime_ms": 1, "prefix": "lab",
            "provider": "local", "type": "local", "resource": "cpu", "slot": 0,
            "generation": 0}))
        folder = self.root.folder / "machine"
        folder.chmod(0o700)
        for file in folder.iterdir():
            file.chmod(0o600)
        said = ""
        with self.root.start(
                "/mayfly-bootstrap", "check", "--folder", "/machine", "--image-key",
                "/keys/image.key", "--trusted-keys", "/keys/trusted.pub",
                **environment) as process:
            for line in process.stdout:
                said += line
                if re.match(r"\w+ +admit ", line):
                    break
            process.kill()  # its next gate is ClearML, for which it would wait
        return said


@pytest.fixture
def machine(root, resolver):
    return Machine(root, resolver)


@pytest.fixture
def pair(tmp_path):
    return make_certificate(tmp_path, NAMES)


@pytest.fixture
def web(machine, pair):
    with Web(pair, machine.sealed) as server, serving(server):
        yield server


def trust(machine, pair, place=DEBIAN):
    machine.root.write(place, pair[0].read_text())


def url(name, server):
    return f"https://{name}:{server.server_port}/bundle.age"


def test_an_empty_root_is_enough(root):
    for name in ("mayfly-bootstrap", "mayfly-reaper"):
        assert re.fullmatch(name + r" \d+\.\d+\.\d+\n", root.run("/" + name, "version")[1])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_certificates_of_a_layout_are_found(machine, pair, web, layout):
    files, links = LAYOUTS[layout]
    for file in files:
        trust(machine, pair, file)
    for link, target in links.items():
        machine.root.write(link)
        (machine.root.folder / link[1:]).unlink()
        (machine.root.folder / link[1:]).symlink_to(target)
    assert ADMITTED in machine.check(url("web.test", web))
    assert [path for path, _ in web.asked] == ["/bundle.age"]


def test_without_certificates_nobody_is_trusted(machine, web):
    text = machine.check(url("web.test", web))
    for files, links in LAYOUTS.values():
        for place in [*files, *links]:
            assert place in text
    assert "FAILED   admit" in text and web.asked == []


def test_the_operators_choice_wins(machine, pair, web):
    trust(machine, pair)
    machine.root.write("/own.pem", "")
    assert "FAILED   admit" in machine.check(url("web.test", web), SSL_CERT_FILE="/own.pem")
    trust(machine, pair, "/own.pem")
    (machine.root.folder / DEBIAN[1:]).unlink()
    assert ADMITTED in machine.check(url("web.test", web), SSL_CERT_FILE="/own.pem")
    assert len(web.asked) == 1


def test_a_certificate_for_other_names(machine, pair, web):
    trust(machine, pair)
    assert "its certificate is refused" in machine.check(url("other.test", web))
    assert web.asked == []


def test_a_certificate_that_nobody_vouches_for(machine, tmp_path, web):
    (tmp_path / "another").mkdir()
    trust(machine, make_certificate(tmp_path / "another", NAMES))
    assert "its certificate is refused" in machine.check(url("web.test", web))
    assert web.asked == []


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("key", [("-newkey", "rsa:2048"), ()], ids=["RSA", "ECDSA"])
def test_both_versions_of_tls_with_both_kinds_of_key(machine, tmp_path, version, key):
    pair = make_certificate(tmp_path, NAMES, *key)
    trust(machine, pair)
    only = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]
    with Web(pair, machine.sealed, version=only) as web, serving(web):
        assert ADMITTED in machine.check(url("web.test", web))
    assert web.asked == [("/bundle.age", version)]


def test_an_address_that_only_ipv6_has(machine, pair):
    trust(machine, pair)
    with Web(pair, machine.sealed, "::1") as web, serving(web):
        assert ADMITTED in machine.check(url("six.test", web))
    assert len(web.asked) == 1


def test_an_answer_of_the_name_server_that_comes_by_tcp_alone(machine, pair, web):
    trust(machine, pair)
    assert ADMITTED in machine.check(url("web.long.test", web))


def test_through_a_proxy_which_knows_the_name(machine, pair, web):
    trust(machine, pair)
    with Proxy(web.server_address) as proxy, serving(proxy):
        way = f"http://127.0.0.1:{proxy.server_address[1]}"
        assert ADMITTED in machine.check(url("far.test", web), https_proxy=way)
        assert proxy.asked == [["CONNECT", f"far.test:{web.server_port}"]]
        assert ADMITTED in machine.check(url("web.test", web), https_proxy=way,
                                         no_proxy="web.test")
    assert len(proxy.asked) == 1 and len(web.asked) == 2
