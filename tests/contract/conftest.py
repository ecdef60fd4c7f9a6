"""Fixtures of the contract tests: a running stand-in."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from standin.running import Running  # noqa: E402  (the path above comes first)


@pytest.fixture
def server(tmp_path):
    """A fresh server."""
    with Running(tmp_path) as running:
        yield running


@pytest.fixture
def client(server):
    return server.client()
