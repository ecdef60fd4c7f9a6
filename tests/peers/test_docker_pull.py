"""Pulls by our client, through a real engine, from a real registry."""

import base64
import json
import subprocess
import urllib.request

import pytest

from peers.calls import Calls, Failed
from peers.engine import Engine, TINY
from peers.registry import Registry

USER, PASSWORD = "u", 'p w"\\+/?=ä'
BIG_MIB = 24
PATIENT_S = 300


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    for missing in (Engine.unavailable(), Registry.unavailable()):
        if missing:
            pytest.skip(missing)
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        running.import_tiny()
        yield running


@pytest.fixture(scope="module")
def registry(tmp_path_factory, engine):
    del engine  # skips where there can be none
    with Registry(tmp_path_factory.mktemp("registry"), USER, PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def big(tmp_path_factory, engine, registry):
    """Two images that take a while; who pulls one removes it from the engine."""
    folder = tmp_path_factory.mktemp("layers")
    return [push_big(engine, registry, f"big/{name}:1", folder) for name in ("a", "b")]


@pytest.fixture
def calls(engine):
    with Calls(engine.socket) as made:
        yield made


@pytest.fixture
def login(tmp_path, registry):
    """SERVER USER FILE, as the calls want them."""
    return login_with(tmp_path, registry, PASSWORD)


def login_with(tmp_path, registry, password):
    path = tmp_path / f"password-{len(password)}"
    path.write_text(password)
    path.chmod(0o600)
    return registry.address, USER, path


def push(engine, registry, repository, source=TINY):
    """The image's full name; the engine has it no more."""
    image = f"{registry.address}/{repository}"
    engine.docker("login", "--username", USER, "--password-stdin", registry.address,
                  input=PASSWORD)
    engine.docker("tag", source, image)
    engine.docker("push", image)
    engine.docker("rmi", image)
    engine.docker("logout", registry.address)
    return image


def push_big(engine, registry, repository, tmp_path):
    """An image of two layers that take a while: each is what a container has written."""
    local = f"local/{repository}"
    source = TINY
    for layer in ("one", "two"):
        subprocess.run(["dd", "if=/dev/urandom", f"of={tmp_path / layer}", "bs=1M",
                        f"count={BIG_MIB}", "status=none"], check=True)
        engine.docker("create", "--name", "builder", source, "true")
        engine.docker("cp", tmp_path / layer, f"builder:/{layer}")
        engine.docker("commit", "builder", local)
        engine.docker("rm", "builder")
        (tmp_path / layer).unlink()
        source = local
    image = push(engine, registry, repository, local)
    engine.docker("rmi", local)
    return image


def put_foreign_list(registry, repository, tag, platform):
    """A list of manifests, under a tag, that has the image of tag 1 for another platform alone."""
    kind = "application/vnd.docker.distribution.manifest."
    path = f"http://{registry.address}/v2/{repository}/manifests"
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Accept": f"{kind}v2+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{path}/1", headers=headers)) as answer:
        manifest = {"mediaType": f"{kind}v2+json", "size": len(answer.read()),
                    "digest": answer.headers["Docker-Content-Digest"],
                    "platform": {"os": "linux", "architecture": platform}}
    body = json.dumps({"schemaVersion": 2, "mediaType": f"{kind}list.v2+json",
                       "manifests": [manifest]}).encode()
    headers["Content-Type"] = f"{kind}list.v2+json"
    with urllib.request.urlopen(urllib.request.Request(f"{path}/{tag}", data=body, headers=headers,
                                                       method="PUT")) as answer:
        assert answer.status == 201
    return manifest["digest"]


def mount(folder, mib):
    """A file system of its own size; the test is skipped where none can be mounted."""
    image = folder.with_suffix(".img")
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    made = subprocess.run(["sh", "-c", 'mkfs.ext4 -q "$1" && mount -o loop "$1" "$2"', "sh", image,
                           folder], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")


def is_midway(progress):
    return progress["done_bytes"] > 0 and not progress["has_ended"]


def refused(call, *words, **more):
    with pytest.raises(Failed) as caught:
        call(*words, **more)
    return caught.value


# -- what goes well -----------------------------------------------------------------------------

def test_a_pull_with_its_progress(calls, engine, login, big):
    image = big[0]
    seen = []

    def note(progress):
        seen.append(progress)
        return progress["has_ended"]

    last = calls.pull(image, *login, until=note)
    assert last == {"has_ended": True, "layers": 3, "layers_done": 3,
                    "done_bytes": last["total_bytes"], "total_bytes": last["total_bytes"]}
    assert last["total_bytes"] > 2 * BIG_MIB << 20
    assert any(map(is_midway, seen)), "it is seen on its way"
    for before, after in zip(seen, seen[1:]):
        assert all(before[key] <= after[key] for key in before), "all of it only grows"
    assert calls.pull_turn(0) == last, "it stays ended"
    calls.pull_close(0)
    assert calls.image_look(image)["bytes"] > 2 * BIG_MIB << 20
    again = calls.pull(image, *login)
    assert again["has_ended"] and again["done_bytes"] == 0, "it was there"
    engine.docker("rmi", image)


def test_the_login_reaches_the_registry(calls, tmp_path, registry, login):
    assert calls.login_check(*login) == {}
    error = refused(calls.login_check, *login_with(tmp_path, registry, "wrong"))
    assert error.kind == "denied" and "wrong" not in error.message


def test_without_a_tag_it_is_the_latest_alone(calls, engine, registry, login):
    for tag in ("1", "2", "latest"):
        push(engine, registry, f"many:{tag}")
    calls.pull(f"{registry.address}/many", *login)
    listed = engine.docker("images", "--format", "{{.Tag}}", f"{registry.address}/many").stdout
    assert listed.split() == ["latest"]
    engine.docker("rmi", f"{registry.address}/many")


def test_a_digest(calls, engine, registry, login):
    push(engine, registry, "exact:1")
    digest = put_foreign_list(registry, "exact", "unused", "s390x")
    image = f"{registry.address}/exact@{digest}"
    assert calls.pull(image, *login)["has_ended"]
    assert calls.image_look(image)["os"] == "linux"
    engine.docker("rmi", image)
    absent = f"{registry.address}/exact@sha256:{'0' * 64}"
    assert refused(calls.pull, absent, *login).kind == "not_found"


def test_two_at_a_time(calls, engine, login, big):
    for slot, image in enumerate(big):
        calls.pull_begin(slot, image, *login)
    assert {is_midway(calls.pull_on(slot, is_midway)) for slot in (0, 1)} == {True}
    for slot, image in enumerate(big):
        assert calls.pull_on(slot)["layers_done"] == 3
        calls.pull_close(slot)
        assert calls.image_look(image)
        engine.docker("rmi", image)


def test_a_pull_that_is_closed_is_cancelled(calls, engine, login, big):
    image = big[0]
    calls.pull(image, *login, until=is_midway)
    calls.pull_close(0)
    assert refused(calls.image_look, image).kind == "not_found"
    assert calls.ping(), "the engine is none the worse"
    assert calls.pull(image, *login)["has_ended"]
    engine.docker("rmi", image)


# -- what does not ------------------------------------------------------------------------------

def test_no_login_or_a_wrong_one(calls, engine, registry, tmp_path):
    image = push(engine, registry, "team/tiny:1")
    error = refused(calls.pull, image)
    assert error.kind == "denied" and f"docker: pull {image}" in error.message
    assert refused(calls.pull_turn, 0).kind == "denied", "it stays so"
    error = refused(calls.pull, image, *login_with(tmp_path, registry, "wrong"))
    assert error.kind == "denied" and "wrong" not in error.message


def test_a_login_for_another_registry_stays_here(calls, registry, login):
    error = refused(calls.pull, f"localhost:{registry.address.partition(':')[2]}/a:1", *login)
    assert error.kind == "configuration" and "another registry" in error.message


@pytest.mark.parametrize("image", [
    pytest.param("team/tiny:nope", id="when the tag is missing"),
    pytest.param("team/nothing:1", id="when the repository is missing"),
])
def test_there_is_no_such_image(calls, engine, registry, login, image):
    push(engine, registry, "team/tiny:1")
    assert refused(calls.pull, f"{registry.address}/{image}", *login).kind == "not_found"


def test_it_is_for_another_architecture(calls, engine, registry, login):
    push(engine, registry, "team/foreign:1")
    put_foreign_list(registry, "team/foreign", "listed", "s390x")
    error = refused(calls.pull, f"{registry.address}/team/foreign:listed", *login)
    assert error.kind == "refused" and "no matching manifest" in error.message


def test_a_layer_is_damaged(tmp_path, engine):
    """The registry is its own: all images of the other have this layer."""
    with Registry(tmp_path / "registry", USER, PASSWORD) as registry, \
            Engine(tmp_path / "own") as own, Calls(own.socket) as calls:
        image = push(engine, registry, "team/damaged:1")
        registry.corrupt_layer("team/damaged")
        error = refused(calls.pull, image, *login_with(tmp_path, registry, PASSWORD))
        assert error.kind == "malformed" and "verification failed" in error.message
        assert refused(calls.image_look, image).kind == "not_found"


def test_the_registry_is_not_there(calls, registry, login):
    registry.stop()
    try:
        error = refused(calls.pull, f"{registry.address}/team/tiny:1", *login)
        assert error.kind == "unreachable" and "connection refused" in error.message
        assert refused(calls.login_check, *login).kind == "unreachable"
    finally:
        registry.start()


@pytest.mark.slow
def test_the_registry_goes_midway(calls, registry, login, big):
    calls.pull(big[0], *login, until=is_midway)
    registry.stop()
    try:
        error = refused(calls.pull_on, 0, deadline_s=PATIENT_S)  # the engine tries again
    finally:
        registry.start()
    assert error.kind == "unreachable"
    assert refused(calls.image_look, big[0]).kind == "not_found"


def test_the_engine_goes_midway(tmp_path, login, big):
    image = big[0]
    with Engine(tmp_path / "own") as own, Calls(own.socket) as calls:
        calls.pull(image, *login, until=is_midway)
        own.kill()
        error = refused(calls.pull_on, 0)
        assert error.kind == "unreachable"
        calls.pull_close(0)
        own.start()
        assert calls.pull(image, *login)["layers_done"] == 3


def test_the_disk_is_full(tmp_path, login, big):
    folder = tmp_path / "small"
    folder.mkdir()
    mount(folder, 2 * BIG_MIB)
    try:
        with Engine(folder) as own, Calls(own.socket) as calls:
            error = refused(calls.pull, big[0], *login)
            assert error.kind == "capacity" and "no space left on device" in error.message
    finally:
        subprocess.run(["umount", str(folder)], check=True)
