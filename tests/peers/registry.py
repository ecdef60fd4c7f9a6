"""A real registry for images (docker-registry of the distribution) on this machine's loopback.

    with Registry(folder, user="u", password="p") as registry:
        engine.docker("login", "--username", "u", "--password-stdin", registry.address, input="p")
        engine.docker("push", f"{registry.address}/some/image:1")
        registry.corrupt_layer("some/image")    # a pull breaks inside the stream
        registry.stop()                         # nobody listens
        registry.start()                        # the same address, the same images
"""

import http.client
import json
import shutil
import socket
import subprocess
from pathlib import Path

from standin.client import wait_for

START_DEADLINE_S = 60
PROGRAMS = ("docker-registry", "registry")
CONFIG = """version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""
AUTH = "auth: {{htpasswd: {{realm: peers, path: {path}}}}}\n"


class Registry:
    """See the module's first lines. With user=None it asks nobody who they are."""

    def __init__(self, folder, user="u", password="p"):
        self.folder = Path(folder)
        self.user = user
        self.password = password
        self.address = None
        self._process = None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        config = CONFIG.format(data=self.folder / "images", address=self.address)
        if self.user is not None:
            config += AUTH.format(path=self._write_htpasswd())
        (self.folder / "registry.yml").write_text(config)
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    @staticmethod
    def unavailable():
        """None, or a sentence why no registry can run here."""
        if not any(map(shutil.which, PROGRAMS)):
            return "a registry needs docker-registry (package docker-registry)"
        if not shutil.which("htpasswd"):
            return "a registry needs htpasswd (package apache2-utils)"
        return None

    def _write_htpasswd(self):
        path = self.folder / "htpasswd"
        done = subprocess.run(["htpasswd", "-niB", self.user], input=self.password,
                              capture_output=True, text=True, check=True)
        path.write_text(done.stdout)
        return path

    def start(self):
        """Returns when it answers."""
        program = next(filter(None, map(shutil.which, PROGRAMS)))
        with open(self.folder / "registry.log", "ab") as log:
            self._process = subprocess.Popen(
                [program, "serve", str(self.folder / "registry.yml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(self._answers, START_DEADLINE_S, "the registry answers")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """SIGKILL; whoever pulls sees the connection break."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"the registry ended at once, status {self._process.returncode}:"
                                 f" {(self.folder / 'registry.log').read_text()[-2000:]}")
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def corrupt_layer(self, repository):
        """Flip bytes in the middle of the repository's biggest layer; its digest."""
        storage = self.folder / "images/docker/registry/v2"
        blobs = [self._blob(link.read_text()) for link in
                 (storage / "repositories" / repository / "_manifests").glob("revisions/*/*/link")]
        layers = {layer["digest"] for blob in blobs
                  for layer in json.loads(blob.read_bytes()).get("layers", [])}
        if not layers:
            raise AssertionError(f"the registry has no image {repository}")
        digest = max(layers, key=lambda digest: self._blob(digest).stat().st_size)
        blob = self._blob(digest)
        data = bytearray(blob.read_bytes())
        middle = len(data) // 2
        data[middle:middle + 64] = bytes(byte ^ 0xff for byte in data[middle:middle + 64])
        blob.write_bytes(data)
        return digest

    def _blob(self, digest):
        name = digest.partition(":")[2]
        return (self.folder / "images/docker/registry/v2/blobs/sha256"
                / name[:2] / name / "data")
