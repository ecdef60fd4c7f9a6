"""EC2's instance metadata service; leaves out every path but the role's, the instance id, the user
data and those that --values names, IPv6, the limit on calls a second, and that the real one answers
from below the instance's kernel. With --user-data also the one path of GCE's that gives it, with
its header both ways.

    metadata_service.py --address 169.254.169.254 --port 80 --log FILE [--hop-limit 1]
                        [--tokens required|optional] [--limited put|all] [--user-data FILE]
                        [--values FILE]

Prints "ready" when it listens, writes each request it answered as a line of JSON, and ends when its
standard input does, so that it dies with whoever started it.

A session as in amazon-ec2-metadata-mock: PUT for a token that lives for 1 to 21600 seconds (else
400), GET with it (401 without, with an unknown, or an expired one). Unlike that mock, and as AWS
documents it: a forwarded PUT is refused (403), and the token's path answers nothing but PUT (405).

--hop-limit is HttpPutResponseHopLimit: the IP time to live of answers to PUT, and of nothing else,
as the name says. With --limited all, of every packet this service sends: what a service could do at
most. --tokens is HttpTokens: `optional` also answers GET without any token. --values is a JSON
object of texts by path, read anew for each answer, so that a notice can come; null: no such path.
"""

import argparse
import http.server
import json
import pathlib
import secrets
import socket
import socketserver
import sys
import threading
import time

TOKEN_PATH = "/latest/api/token"
USER_DATA_PATH = "/latest/user-data"
GCE_PATH = "/computeMetadata/v1/instance/attributes/user-data"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
LIFETIME_HEADER = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
LONGEST_LIFETIME_S = 21600
ROLE = "worker-role"
CREDENTIALS = {
    "Code": "Success", "LastUpdated": "2026-11-23T20:00:00Z", "Type": "AWS-HMAC",
    "AccessKeyId": "ASIAOFTHEROLE", "SecretAccessKey": "a secret", "Token": "a/session/token==",
    "Expiration": "2026-11-24T02:00:00Z",
}
VALUES = {
    "/latest/meta-data/instance-id": "i-0aaaabbbbccccdddd",
    "/latest/meta-data/iam/security-credentials/": ROLE,
    f"/latest/meta-data/iam/security-credentials/{ROLE}": json.dumps(CREDENTIALS, indent=1),
}


class Service(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Not HTTPServer, which asks the name service for its own name."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, options):
        self.options = options
        self.expiries = {}
        self.log = open(options.log, "a", buffering=1, encoding="utf-8")
        super().__init__((options.address, options.port), Handler)

    def server_bind(self):
        if self.options.limited == "all":  # so the very first packet, SYN and ACK, has it
            set_hop_limit(self.socket, self.options.hop_limit)
        super().server_bind()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        # Last on its connection, so that no later answer raises the limit of what is sent again.
        self.close_connection = True
        if self.server.options.limited == "put":
            set_hop_limit(self.connection, self.server.options.hop_limit)
        lifetime = self.headers.get(LIFETIME_HEADER, "")
        if self.path != TOKEN_PATH:
            self._answer(405)
        elif "X-Forwarded-For" in self.headers:
            self._answer(403)
        elif not lifetime.isdecimal() or not 1 <= int(lifetime) <= LONGEST_LIFETIME_S:
            self._answer(400)
        else:
            token = secrets.token_urlsafe(32)
            self.server.expiries[token] = time.monotonic() + int(lifetime)
            self._answer(200, token, {LIFETIME_HEADER: lifetime})

    def do_GET(self):
        if self.path == TOKEN_PATH:
            self._answer(405)
        elif self.path == GCE_PATH:
            self._answer_gce()
        elif not self._is_admitted():
            self._answer(401)
        elif self.path == USER_DATA_PATH and self.server.options.user_data:
            self._answer(200, self._user_data())
        else:
            value = self._values().get(self.path)
            self._answer(404 if value is None else 200, value or "")

    def _values(self):
        given = self.server.options.values
        return VALUES | (json.loads(pathlib.Path(given).read_text()) if given else {})

    def _answer_gce(self):
        if self.headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in self.headers:
            self._answer(403, headers={"Metadata-Flavor": "Google"})
        elif not self.server.options.user_data:
            self._answer(404, headers={"Metadata-Flavor": "Google"})
        else:
            self._answer(200, self._user_data(), {"Metadata-Flavor": "Google"})

    def _user_data(self):
        return pathlib.Path(self.server.options.user_data).read_bytes()

    def _is_admitted(self):
        token = self.headers.get(TOKEN_HEADER)
        if token is None:
            return self.server.options.tokens == "optional"
        return time.monotonic() < self.server.expiries.get(token, 0)

    def _answer(self, status, body="", headers=None):
        # Written first: whoever has the answer finds it in the log.
        self.server.log.write(json.dumps({
            "from": self.client_address[0], "method": self.command, "path": self.path,
            "status": status, "hop_limit": hop_limit(self.connection)}) + "\n")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else body.encode())

    def log_message(self, *_words):
        pass


def set_hop_limit(connection, hops):
    connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def hop_limit(connection):
    return connection.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--hop-limit", type=int, default=1)
    parser.add_argument("--tokens", choices=("required", "optional"), default="required")
    parser.add_argument("--limited", choices=("put", "all"), default="put")
    parser.add_argument("--user-data")
    parser.add_argument("--values")
    with Service(parser.parse_args()) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        print(f"ready {service.server_address[1]}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
