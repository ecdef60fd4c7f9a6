"""Where a machine gets its sealed bundle from: with its ticket, a file of its own, a web server."""

import contextlib
import http.server
import ssl
import subprocess
import threading

import pytest
from lives import PATIENCE_S, begin, finish
from world import wait_for


class Files(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, body = self.server.answer()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        pass


@contextlib.contextmanager
def web_server(folder, answer):
    """A server of https on loopback; its certificate is in FOLDER/certificate.pem."""
    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=mayfly test", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.answer, server.asked = answer, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def use_source(world, source):
    world.bundle_source = source
    world.write_config()


def the_life(world):
    wait_for(world.lives, PATIENCE_S, "the machine leaves")
    (machine, life), = world.lives().items()
    wait_for(lambda: not world.processes(), PATIENCE_S, "no process is left")
    return life, (world.machines / machine / "bootstrap.log").read_text()


def test_from_a_web_server(world, monkeypatch):
    """Fetched once: a restart of this machine needs no server any more."""
    sealed = (world.folder / "bundle.age").read_bytes()
    with web_server(world.folder, lambda: (200, sealed)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(world.folder / "certificate.pem"))
        use_source(world, f"https://127.0.0.1:{server.server_port}/sealed/bundle.age?signature=x")
        task, gate, reaper = begin(world)
        machine, = world.instances()
        assert server.asked == ["/sealed/bundle.age?signature=x"]
        user_data = (world.machines / machine / "user-data").read_bytes()
        assert len(user_data) < 4096
    finish(world, task, gate, reaper, runs=1)
    assert (world.machines / machine / "bundle.age").read_bytes() == sealed


@pytest.mark.parametrize("when, answer, says", [
    ("there is no such file", (404, b"no"), "no such file: status 404"),
    ("it refuses", (403, b"no"), "refused it: status 403"),
    ("it sends us elsewhere", (302, b""), "status 302 (redirects are not followed)"),
    ("it gives another bundle", (200, b"age-encryption.org/v1\n"), "bundle"),
])
def test_a_web_server_that_does_not_help(world, monkeypatch, when, answer, says):
    with web_server(world.folder, lambda: answer) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(world.folder / "certificate.pem"))
        use_source(world, f"https://127.0.0.1:{server.server_port}/bundle.age?signature=secret")
        world.add_resource("cpu")
        world.add_task("cpu", "waits", "print('never')")
        assert world.run_reaper("run").returncode == 0
        life, log = the_life(world)
    assert life["reason"] == "admission" and life["exit_status"] == 3, when
    assert says in life["detail"], (when, life)
    assert "signature=secret" not in log and "signature=secret" not in life["detail"]


def test_a_web_server_whose_certificate_nobody_knows(world):
    with web_server(world.folder, lambda: (200, b"")) as server:
        use_source(world, f"https://127.0.0.1:{server.server_port}/bundle.age")
        world.add_resource("cpu")
        world.add_task("cpu", "waits", "print('never')")
        assert world.run_reaper("run").returncode == 0
        life, _ = the_life(world)
        assert life["reason"] == "admission" and "certificate" in life["detail"], life
        assert server.asked == []


def test_from_a_file_of_the_machine(world):
    baked = world.folder / "baked" / "bundle.age"
    baked.write_bytes((world.folder / "bundle.age").read_bytes())
    use_source(world, f"file:{baked}")
    task, gate, reaper = begin(world)
    finish(world, task, gate, reaper, runs=1)
