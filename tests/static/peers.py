"""What a machine talks to, on loopback: a name server, a web server of https, a proxy."""

import contextlib
import http.server
import ipaddress
import os
import select
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

TYPE_A, TYPE_AAAA = 1, 28
NO_SUCH_NAME, TRUNCATED = 3, 0x0200


def dns_answer(query, addresses, is_tcp):
    """Addresses by name; one below long.test is told over TCP alone, as an answer too long is."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    name, wanted = ".".join(labels), struct.unpack_from("!H", query, at + 1)[0]
    question = query[12:at + 5]
    if name.endswith("long.test") and not is_tcp:
        return query[:2] + struct.pack("!5H", 0x8180 | TRUNCATED, 1, 0, 0, 0) + question
    known = addresses.get(name)
    found = [ipaddress.ip_address(one).packed for one in known or []
             if (":" in one) == (wanted == TYPE_AAAA) and wanted in (TYPE_A, TYPE_AAAA)]
    flags = 0x8180 | (0 if known else NO_SUCH_NAME)
    answers = b"".join(struct.pack("!HHHIH", 0xC00C, wanted, 1, 60, len(one)) + one
                       for one in found)
    return query[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0) + question + answers


@contextlib.contextmanager
def name_server(addresses):
    """On port 53 of an address of loopback that is this process's own; yields that address."""

    class ByUdp(socketserver.BaseRequestHandler):
        def handle(self):
            query, answering = self.request
            answering.sendto(dns_answer(query, addresses, False), self.client_address)

    class ByTcp(socketserver.StreamRequestHandler):
        def handle(self):
            length, = struct.unpack("!H", self.rfile.read(2))
            answer = dns_answer(self.rfile.read(length), addresses, True)
            self.wfile.write(struct.pack("!H", len(answer)) + answer)

    pid = os.getpid()
    place = (f"127.{100 + pid % 100}.{pid // 100 % 250}.{1 + pid // 25000 % 250}", 53)
    socketserver.TCPServer.allow_reuse_address = True
    with socketserver.ThreadingUDPServer(place, ByUdp) as by_udp, \
            socketserver.ThreadingTCPServer(place, ByTcp) as by_tcp, \
            serving(by_udp), serving(by_tcp):
        yield place[0]


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()


def make_certificate(folder, names, *key):
    """A certificate for these names that vouches for itself; its key is beside it."""
    certificate, secret = folder / "certificate.pem", folder / "certificate.key"
    key = key or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run(["openssl", "req", "-x509", *key, "-nodes", "-keyout", secret, "-out",
                    certificate, "-days", "2", "-subj", "/CN=mayfly test", "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)],
                   check=True, capture_output=True)
    return certificate, secret


class Web(http.server.ThreadingHTTPServer):
    """Serves one file by https, and notes what it was asked for, by which TLS."""

    def __init__(self, pair, content, address="127.0.0.1", version=None):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), self.Exchange)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        if version:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.content, self.asked = content, []

    def handle_error(self, _request, _client):
        """A handshake that the client gave up is what some tests are about."""

    class Exchange(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.connection.version()))
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.content)))
            self.end_headers()
            self.wfile.write(self.server.content)

        def log_message(self, *_words):
            pass


class Proxy(socketserver.ThreadingTCPServer):
    """Takes CONNECT, and leads wherever it was asked to go to one place."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), self.Tunnel)
        self.target, self.asked = target, []

    class Tunnel(socketserver.StreamRequestHandler):
        rbufsize = 0

        def handle(self):
            words = self.rfile.readline().decode().split()
            self.server.asked.append(words[:2])
            while self.rfile.readline().strip():
                pass
            with socket.create_connection(self.server.target) as far:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                ways = {self.connection: far, far: self.connection}
                while True:
                    for side in select.select(ways, [], [])[0]:
                        data = side.recv(65536)
                        if not data:
                            return
                        ways[side].sendall(data)
