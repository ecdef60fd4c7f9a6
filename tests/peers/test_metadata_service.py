"""The metadata service that tests stand on answers as amazon-ec2-metadata-mock 1.13.0 does, and
where that mock differs from what AWS documents, as AWS documents it (the rows that say so)."""

import http.client
import json
from contextlib import closing

import pytest

from peers.cloud import MetadataService, start_metadata_service
from peers.metadata_service import CREDENTIALS, LIFETIME_HEADER, ROLE, TOKEN_HEADER, TOKEN_PATH
from standin.client import wait_for

ID_PATH = "/latest/meta-data/instance-id"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
EXPIRY_DEADLINE_S = 30


def ask(port, method, path, headers=None):
    """Status, body and headers; of an error no body, which is a page for people."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read().decode()
        return answer.status, body if answer.status == 200 else "", answer.headers


def take_token(port, lifetime="60"):
    return ask(port, "PUT", TOKEN_PATH, {LIFETIME_HEADER: lifetime})


@pytest.fixture
def log(tmp_path):
    return tmp_path / "metadata.jsonl"


@pytest.fixture
def service(log):
    with start_metadata_service((), "127.0.0.1", 0, log) as port:
        yield port


@pytest.mark.parametrize("lifetime, status", [
    pytest.param("1", 200, id="when it is to live as short as it can"),
    pytest.param("21600", 200, id="when it is to live as long as it can"),
    pytest.param("0", 400, id="when it is not to live"),
    pytest.param("21601", 400, id="when it is to live too long"),
    pytest.param("-1", 400, id="when it is to be dead"),
    pytest.param("abc", 400, id="when its lifetime is no number"),
    pytest.param("1.5", 400, id="when its lifetime is no whole number"),
    pytest.param("", 400, id="when its lifetime is empty"),
    pytest.param(None, 400, id="when its lifetime is missing"),
])
def test_taking_a_token(service, lifetime, status):
    got, token, headers = ask(service, "PUT", TOKEN_PATH,
                              {} if lifetime is None else {LIFETIME_HEADER: lifetime})
    assert (got, bool(token)) == (status, status == 200)
    assert headers.get(LIFETIME_HEADER) == (lifetime if status == 200 else None)


@pytest.mark.parametrize("path, status, body", [
    pytest.param(ID_PATH, 200, "i-0aaaabbbbccccdddd", id="when it is the instance id"),
    pytest.param(ROLES_PATH, 200, ROLE, id="when it is the list of roles"),
    pytest.param(ROLES_PATH + "another", 404, "", id="when it is no role of the instance"),
    pytest.param("/latest/meta-data/nothing", 404, "", id="when it is nothing"),
    pytest.param(TOKEN_PATH, 405, "", id="when it is the token's path (the mock: 200, empty)"),
])
def test_reading_with_a_token(service, path, status, body):
    _, token, _ = take_token(service)
    assert ask(service, "GET", path, {TOKEN_HEADER: token})[:2] == (status, body)


def test_the_credentials_of_the_role(service):
    _, token, _ = take_token(service)
    status, body, _ = ask(service, "GET", ROLES_PATH + ROLE, {TOKEN_HEADER: token})
    assert (status, json.loads(body)) == (200, CREDENTIALS)


@pytest.mark.parametrize("tokens, headers, status", [
    pytest.param("required", {}, 401, id="when there is no token"),
    pytest.param("required", {TOKEN_HEADER: "x"}, 401, id="when the token is unknown"),
    pytest.param("required", {TOKEN_HEADER: ""}, 401, id="when the token is empty"),
    pytest.param("optional", {}, 200, id="when there is none, and none needed"),
    pytest.param("optional", {TOKEN_HEADER: "x"}, 401, id="when it is unknown, and none needed"),
])
def test_reading_without_a_valid_token(log, tokens, headers, status):
    with start_metadata_service((), "127.0.0.1", 0, log, tokens=tokens) as port:
        assert ask(port, "GET", ID_PATH, headers)[0] == status


def test_a_token_expires(service):
    _, token, _ = take_token(service, "4")
    assert ask(service, "GET", ID_PATH, {TOKEN_HEADER: token})[0] == 200
    wait_for(lambda: ask(service, "GET", ID_PATH, {TOKEN_HEADER: token})[0] == 401,
             EXPIRY_DEADLINE_S, "the token expires")


def test_a_forwarded_put_is_refused_as_aws_documents_it(service):
    headers = {LIFETIME_HEADER: "60", "X-Forwarded-For": "192.0.2.1"}
    assert ask(service, "PUT", TOKEN_PATH, headers)[:2] == (403, "")


@pytest.mark.parametrize("options, limits_put, limits_get", [
    pytest.param({"hop_limit": 1}, True, False, id="when the limit is on PUT"),
    pytest.param({"hop_limit": 1, "limited": "all"}, True, True, id="when it is on everything"),
])
def test_whose_answers_are_limited(log, options, limits_put, limits_get):
    with start_metadata_service((), "127.0.0.1", 0, log, **options) as port:
        ask(port, "GET", ID_PATH)
        take_token(port)
        ask(port, "PUT", TOKEN_PATH)
    limited = [(answer["method"], answer["hop_limit"] == 1)
               for answer in MetadataService(log).answers()]
    assert limited == [("GET", limits_get), ("PUT", limits_put), ("PUT", limits_put)]
