"""User data from the metadata services of EC2 and GCE, by bootstrap's own client."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from peers.cloud import start_metadata_service

CALLS = Path(os.environ.get("MAYFLY_BUILD", "build/debug")) / "tests/peers/metadata_calls"
BYTES = b"#cloud-config\n# -----BEGIN MAYFLY TICKET-----\n\x00\xff bytes\r\n"


def call(provider, port, **variables):
    """A proxy that nobody serves is set: metadata must not go through one."""
    place = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}",
             "GCE_METADATA_HOST": f"127.0.0.1:{port}", "http_proxy": "http://127.0.0.1:1"}
    return subprocess.run([CALLS, provider], env={**os.environ, **place, **variables},
                          capture_output=True, timeout=120, check=False)


def asked(log):
    return [(line["method"], line["path"], line["status"])
            for line in map(json.loads, log.read_text().splitlines())]


@pytest.fixture
def user_data(tmp_path):
    path = tmp_path / "user-data"
    path.write_bytes(BYTES)
    return path


@pytest.mark.parametrize("provider", ["aws", "gcp"])
def test_what_was_given_is_read(provider, user_data, tmp_path):
    log = tmp_path / "log"
    with start_metadata_service((), "127.0.0.1", 0, log, user_data=user_data) as port:
        done = call(provider, port)
    assert (done.returncode, done.stdout) == (0, BYTES), done.stderr
    assert asked(log) == {
        "aws": [("PUT", "/latest/api/token", 200), ("GET", "/latest/user-data", 200)],
        "gcp": [("GET", "/computeMetadata/v1/instance/attributes/user-data", 200)]}[provider]


@pytest.mark.parametrize("provider", ["aws", "gcp"])
def test_nothing_was_given(provider, tmp_path):
    with start_metadata_service((), "127.0.0.1", 0, tmp_path / "log") as port:
        done = call(provider, port)
    assert done.returncode == 1
    assert done.stderr == b"not_found: this instance has no user data\n"


def test_another_service_answers_in_place_of_google(tmp_path, user_data):
    """A captive portal, say: whatever it gives is not user data."""
    server = subprocess.Popen(
        ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", tmp_path, "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ,
                                                               "PYTHONUNBUFFERED": "1"})
    try:
        port = server.stdout.readline().split(b"port ")[1].split()[0].decode()
        path = tmp_path / "computeMetadata/v1/instance/attributes"
        path.mkdir(parents=True)
        user_data.rename(path / "user-data")
        done = call("gcp", port)
    finally:
        server.kill()
        server.wait()
    assert done.returncode == 1
    assert b"is not Google's metadata service" in done.stderr


@pytest.mark.slow
def test_nobody_answers():
    with socket.socket() as held:  # bound, and not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        process = subprocess.Popen(
            [CALLS, "aws"], stderr=subprocess.PIPE,
            env={**os.environ, "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}"})
        _, said = process.communicate(timeout=180)
    assert process.returncode == 1
    assert said.startswith(b"unreachable: ")


def test_a_provider_without_such_a_service():
    assert call("local", 1).stderr.startswith(b"not_found: provider local has no metadata")
