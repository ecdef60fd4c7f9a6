"""Git servers of a test's own on loopback: over http with a login, and over ssh with a key.

    make_repository(folder, "code", {"main.py": "print(1)"})      # folder/code.git; its commit
    with HttpServer(folder, "127.0.0.1", "user", "token") as server:
        server.url("code")                                        # http://127.0.0.1:PORT/code.git
    with SshServer(folder) as server:
        server.url("code"), server.key, server.known_hosts

Different names of this computer (127.0.0.1, localhost, 127.0.0.2) are different hosts to whoever
compares names, as clearml-agent, git and ssh do.
"""

import base64
import http.server
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from world import wait_for

GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c",
       "protocol.allow=always", "-c", "init.defaultBranch=master"]
START_DEADLINE_S = 30
SSH_HOST = "127.0.0.2"
# dropbear looks for the keys in the home that passwd names; so it gets a passwd of its own.
IN_NAMESPACE = 'mount --bind "$0" /etc/passwd && exec "$@"'


def git(folder, *words, environment=None):
    done = subprocess.run([*GIT, *words], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == 0, f"git {words[0]}: {done.stderr}"
    return done.stdout.strip()


def make_repository(folder, name, files, submodule=None):
    """A bare repository folder/NAME.git of one commit, whose name is returned.

    submodule: (path in it, URL that is recorded, the bare repository it is made from).
    """
    with tempfile.TemporaryDirectory(dir=folder) as work:
        git(work, "init", "-q")
        for path, text in files.items():
            (Path(work) / path).write_text(text)
        if submodule:
            path, url, source = submodule
            git(work, "submodule", "--quiet", "add", str(source), path)
            git(work, "config", "-f", ".gitmodules", f"submodule.{path}.url", url)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "all")
        git(folder, "clone", "-q", "--bare", work, f"{name}.git")
        return git(work, "rev-parse", "HEAD")


class HttpServer:
    """Serves the bare repositories of a folder to whoever has the login, and notes all logins."""

    def __init__(self, folder, host, user, token):
        self.host, self.logins = host, []
        handler = type("Handler", (_Handler,), {
            "folder": folder, "logins": self.logins, "login": (user, token)})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def url(self, name):
        return f"http://{self.host}:{self._server.server_port}/{name}.git"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """git http-backend behind a login."""

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        login = None
        if kind == "Basic":
            user, _, token = base64.b64decode(text).decode().partition(":")
            login = user, token
            self.logins.append(login)
        if login != self.login:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._answer(body)

    do_GET = do_POST = _serve

    def _answer(self, body):
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False,
            env={"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.folder),
                 "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                 "REQUEST_METHOD": self.command, "REMOTE_USER": self.login[0],
                 "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                 "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                 "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                 "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                 "GIT_CONFIG_VALUE_0": "*"})
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class SshServer:
    """dropbear, which lets one key in, that of .key; .known_hosts is what ssh-keyscan would say."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = self.folder / "dropbear.log"
        with socket.socket() as probe:
            probe.bind((SSH_HOST, 0))
            self.port = probe.getsockname()[1]

    @staticmethod
    def unavailable():
        """None, or a sentence why there can be none here."""
        for program in ("dropbear", "dropbearkey", "ssh-keygen"):
            if not shutil.which(program):
                return f"git over ssh needs {program}"
        if os.geteuid() != 0:
            return "git over ssh needs root: a passwd of its own for dropbear"
        return None

    @staticmethod
    def _in_namespace(passwd, *words):
        return ["unshare", "--mount", "sh", "-c", IN_NAMESPACE, str(passwd), *words]

    def url(self, name):
        return f"ssh://git@{SSH_HOST}:{self.port}{self.folder}/{name}.git"

    def __enter__(self):
        home = self.folder / "ssh-home"
        (home / ".ssh").mkdir(parents=True)
        home.chmod(0o700)
        (home / ".ssh").chmod(0o700)
        self.key = self._make_key(home)
        host_key = self.folder / "host-key"
        said = run("dropbearkey", "-t", "ed25519", "-f", str(host_key))
        public = next(line for line in said.splitlines() if line.startswith("ssh-ed25519 "))
        self.known_hosts = f"[{SSH_HOST}]:{self.port} {' '.join(public.split()[:2])}\n"
        passwd = self.folder / "passwd"
        passwd.write_text(f"root:x:0:0::{home}:/bin/sh\ngit:x:0:0::{home}:/bin/sh\n")
        # What dropbear and git each ask for: whose repositories these are does not matter.
        (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
        with open(self.log, "ab") as log:
            self._dropbear = subprocess.Popen(
                self._in_namespace(passwd, "dropbear", "-F", "-E", "-s", "-j", "-k", "-p",
                                   f"{SSH_HOST}:{self.port}", "-r", str(host_key), "-P",
                                   str(self.folder / "dropbear.pid")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._listens, START_DEADLINE_S, "dropbear listens")
        return self

    def __exit__(self, *_):
        self._dropbear.terminate()
        self._dropbear.wait()

    def logins(self):
        """How often somebody got in."""
        return self.log.read_text(errors="replace").count("Pubkey auth succeeded for 'git'")

    def _make_key(self, home):
        path = self.folder / "client-key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path))
        allowed = home / ".ssh" / "authorized_keys"
        allowed.write_text((self.folder / "client-key.pub").read_text())
        allowed.chmod(0o600)
        return path.read_text()

    def _listens(self):
        assert self._dropbear.poll() is None, self.log.read_text(errors="replace")
        with socket.socket() as connection:
            return connection.connect_ex((SSH_HOST, self.port)) == 0


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"
    return done.stdout
