"""Leaves out: MaxCount beyond MinCount, spot requests of RunInstances and their ids, the request
and resource buckets, quotas, an hour's limit on terminated instances, filters by pending alone;
client-token and instance-lifecycle as filters while moto checks signatures. Everything else that
EC2 does and moto does not, as far as our programs notice, it does between the two:

- every request to EC2 is judged by botocore's model (judge.py); a violation is refused and logged
- client tokens: same parameters, same instance; others, IdempotentParameterMismatch; terminated,
  IdempotentInstanceTerminated; one zone is the scope where a zone or subnet is named, else the
  region; concurrent ones launch once (memory.py: also over a kill -9)
- a young instance is pending, or not to be seen at all, for so many looks (settings)
- a page of a list is as short as wanted (settings; not while moto checks signatures)
- spot requests, which moto fulfills at once, are open and have no instance (settings)
- user data of more than 16 KB is refused; a missing instance profile in EC2's words
- faults on demand (faults.py), and instances that the cloud ends, with a reason

Other services pass through, and are logged. Controls, under /_proxy/, in JSON:
    POST faults {...}   DELETE faults   GET faults     to inject, to clear, those still to come
    POST settings {"hidden_looks": 0, "pending_looks": 1, "page": 0, "are_requests_open": false}
    POST end {"region", "id", "code", "message"}       the cloud ends an instance
    POST keys {"access_key", "secret_key"}             what the proxy itself asks moto with
    POST forget                                        as new, once moto was reset

    python -m aws.proxy --upstream URL --port 0 --port-file FILE --state FILE --log FILE
"""

import argparse
import json
import os
import re
import socket
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

from .cloud import SETTINGS, Cloud, Cut, Refusal
from .memory import Memory
from .moto import REGION, Keys
from .upstream import PATIENCE_S, Upstream


class Log:
    """A line of JSON for each call that was answered, or cut."""

    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, call):
        with self._lock:
            self._file.write(json.dumps(call) + "\n")
            self._file.flush()


class Underway:
    """The calls that are not in the log yet: one whose client was killed goes on here."""

    def __init__(self):
        self._changed = threading.Condition()
        self._count = 0

    def __enter__(self):
        with self._changed:
            self._count += 1

    def __exit__(self, *_exception):
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self):
        with self._changed:
            if not self._changed.wait_for(lambda: self._count == 0, PATIENCE_S):
                raise ValueError(f"calls are underway for {PATIENCE_S} s")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud = log = None  # set by main()
    underway = Underway()

    def log_message(self, *_words):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_proxy/"):
            self._control(self.path.removeprefix("/_proxy/"), body)
            return
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request",
                          self.headers.get("Authorization") or "")
        region, service = scope.groups() if scope else (REGION, "")
        if service == "ec2" or not service and b"Version=2016-11-15" in body:
            with self.underway:
                self._ask_ec2(region, body)
        else:
            self._pass_through(region, service, body)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST

    def _ask_ec2(self, region, body):
        request = self.command, self.path, self.headers.items(), body
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
        call = self.cloud.read(region, pairs)
        call["client"] = self.headers.get("User-Agent") or ""
        try:
            status, text = self.cloud.answer(call, request)
        except Refusal as refusal:
            status, text = refusal.status, refusal.text()
            call["code"] = refusal.code
        except Cut:
            self._cut()
            self.log.write(call)
            return
        except Exception:  # so that a test sees what went wrong here, and EC2's client an answer
            call["broken"] = traceback.format_exc()
            status, text = 500, Refusal("InternalError", "the proxy broke").text()
        call["status"] = status
        self.log.write(call)
        self._send(status, text, "text/xml;charset=UTF-8")

    def _pass_through(self, region, service, body):
        status, headers, text = self.cloud.upstream.forward(
            self.command, self.path, self.headers.items(), body)
        target = self.headers.get("X-Amz-Target") or ""
        self.log.write({"action": f"{service}:{self.command}", "region": region,
                        "path": self.path, "target": target,
                        "parameters": json.loads(body) if target else {},
                        "client": self.headers.get("User-Agent") or "", "status": status,
                        "violations": []})
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        self._send(status, text, kind)

    def _cut(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client was faster

    def _send(self, status, text, kind):
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)
        except OSError:
            self.close_connection = True  # the client waits no longer

    def _control(self, word, body):
        try:
            said = self._obey(self.command, word, json.loads(body or b"null"))
            status = 200
        except (ValueError, KeyError, TypeError) as problem:
            status, said = 400, {"error": f"{type(problem).__name__}: {problem}"}
        self._send(status, json.dumps(said).encode(), "application/json")

    def _obey(self, verb, word, said):
        cloud = self.cloud
        if word == "faults" and verb == "POST":
            cloud.faults.add(said)
        elif word == "faults" and verb == "DELETE":
            cloud.faults.clear()
        elif word == "settings" and set(said) <= set(SETTINGS):
            cloud.settings.update(said)
        elif word == "end":
            cloud.end(said["region"], said["id"], said["code"], said["message"])
        elif word == "keys":
            cloud.upstream.keys = Keys(said["access_key"], said["secret_key"])
        elif word == "forget":
            self.underway.wait()
            cloud.forget()
        elif (word, verb) != ("faults", "GET"):
            raise ValueError(f"{verb} {word} {said}: no such control")
        return cloud.faults.pending()


def main():
    parser = argparse.ArgumentParser(description="EC2 in front of moto, for tests")
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    for name in ("port-file", "state", "log"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    options = parser.parse_args()
    Handler.cloud = Cloud(Upstream(options.upstream), Memory(options.state))
    Handler.log = Log(options.log)
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    fresh = options.port_file.with_suffix(".new")
    fresh.write_text(str(server.server_port))
    os.replace(fresh, options.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
