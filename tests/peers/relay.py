"""What listens in a network namespace and is answered by a server of this host's.

    with Relay(namespace, "198.51.100.1", lambda: 8008) as port: ...
    with Relay(namespace, "127.0.0.1", lambda: 8008, 8008): ...     # a port of one's choice

Connections to the address and port in the namespace go on to that port of loopback here. Where
nobody listens there they are closed at once.
"""

import contextlib
import socket
import sys
import threading

LISTEN = """
import socket, sys
address, way_back = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
with socket.create_server((address, int(sys.argv[3]))) as server:
    socket.send_fds(way_back, [b"."], [server.fileno()])
"""


def listen_in(namespace, address, port):
    """A listening socket in the namespace, which belongs to this process."""
    here, there = socket.socketpair()
    with here, there:
        namespace.run(sys.executable, "-c", LISTEN, address, str(there.fileno()), str(port),
                      pass_fds=[there.fileno()])
        _, descriptors, _, _ = socket.recv_fds(here, 1, 1)
    return socket.socket(fileno=descriptors[0])


class Relay:
    """See the module's first lines."""

    def __init__(self, namespace, address, port_here, port=0):
        self._namespace, self._address, self._port_here = namespace, address, port_here
        self._port = port

    def __enter__(self):
        self._server = listen_in(self._namespace, self._address, self._port)
        threading.Thread(target=self._accept, daemon=True).start()
        return self._server.getsockname()[1]

    def __exit__(self, *_exception):
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._server.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        with client, contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self._port_here())) as server:
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()


def copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
