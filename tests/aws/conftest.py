"""Fixtures of the AWS tests: one moto for all of them, as new for each."""

import pytest

from .moto import Moto


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory):
    with Moto(tmp_path_factory.mktemp("moto")) as moto:
        yield moto


@pytest.fixture
def moto(moto_server):
    """The server, reset."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def ground(moto):
    return moto.lay_out()
