"""What a virtual machine is made of, without one."""

import shutil
import socket
import subprocess
import sys
import threading

import pytest
from peers.cloud import Cloud, NetworkNamespace
from peers.relay import Relay

from disk import Disk

ADDRESS = "198.51.100.1"
ASK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 30) as server:
    server.sendall(sys.argv[3].encode())
    server.shutdown(socket.SHUT_WR)
    while data := server.recv(100):
        print(data.decode(), end="")
"""


@pytest.fixture
def disk(tmp_path):
    if not shutil.which("debugfs", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        pytest.skip("needs debugfs (package e2fsprogs)")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "name").write_text("machine\n")
    path = tmp_path / "disk"
    subprocess.run(["truncate", "-s", "8M", path], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, path], check=True)
    return Disk(path)


def test_what_is_put_on_a_disk_is_there(disk):
    disk.put({"/etc/new.d/one": ("1\n", 0o400), "/etc/new.d/two": ("2\n", 0o644),
              "/etc/three": ("", 0o600)})
    disk.check()
    assert disk.read("/etc/new.d/one") == "1\n"
    assert disk.read("/etc/new.d/two") == "2\n"
    assert disk.read("/etc/three") == ""
    assert disk.read("/etc/name") == "machine\n"
    shown = subprocess.run(["debugfs", "-R", "stat /etc/new.d/one", disk.path], text=True,
                           capture_output=True, check=True).stdout
    assert "Type: regular    Mode:  0400" in shown
    assert disk.path.parent.joinpath("disk.put").exists() is False


def test_what_is_not_on_a_disk_is_none(disk):
    assert disk.read("/etc/nothing") is None
    assert disk.read("/nowhere/at/all") is None


def test_a_file_that_is_there_is_not_put_again(disk):
    with pytest.raises(AssertionError, match="debugfs says"):
        disk.put({"/etc/name": ("another\n", 0o644)})
    assert disk.read("/etc/name") == "machine\n"


def test_a_broken_disk_is_told(disk):
    with open(disk.path, "r+b") as file:
        file.seek(0)
        file.write(bytes(2 << 20))
    with pytest.raises(AssertionError, match="file system is broken"):
        disk.check()


@pytest.fixture
def namespace():
    reason = Cloud.unavailable()
    if reason:
        pytest.skip(reason)
    with NetworkNamespace() as made:
        made.run("ip", "link", "set", "lo", "up")
        made.run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
        yield made


def ask(namespace, port, text):
    return namespace.run(sys.executable, "-c", ASK, ADDRESS, str(port), text).stdout


def test_a_relay_carries_both_ways_out_of_a_namespace(namespace):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    while data := client.recv(100):
                        client.sendall(data.upper())
        thread = threading.Thread(target=serve)
        thread.start()
        with Relay(namespace, ADDRESS, lambda: server.getsockname()[1]) as port:
            assert ask(namespace, port, "one") == "ONE"
            assert ask(namespace, port, "two") == "TWO"
        thread.join()


def test_behind_a_relay_nobody_listens(namespace):
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = server.getsockname()[1]
    with Relay(namespace, ADDRESS, lambda: gone) as port:
        assert ask(namespace, port, "") == ""
