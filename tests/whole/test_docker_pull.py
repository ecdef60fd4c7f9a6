"""Docker mode, whole: images come from a real registry that asks for a login, or they do not come.

The registry's password is nowhere but in the bundle: that is looked for, everywhere.
"""

import base64
import json
import os
import secrets
import subprocess
from pathlib import Path

import pytest
from lives import (PATIENCE_S, check_properties_gone, runs_of, wait_for_reaper, wait_for_runs,
                   wait_for_status)
from test_docker import check_clean, end_of
from world import World, command_of, environment_of, wait_for

from peers import images
from peers.engine import Engine
from peers.registry import Registry

USER = "puller"
# The daemons see this small disk in its place, the machine's own namespace does not.
SMALL_DISK = ("unshare", "--mount", "--propagation", "slave", "sh", "-c",
              'mkdir -p "$0" && mount -t tmpfs -o size=300m none "$0" && exec "$@"')
ALL_BUT_20_MB = ("count=$(($(df -m /volume | awk 'NR == 2 { print $4 }') - 20))"
                 "; dd if=/dev/zero of=/volume/ballast bs=1M count=$count")


class Shelf:
    """A registry, and what a test asks of the images in it."""

    def __init__(self, engine, registry):
        self.engine = engine
        self.registry = registry
        self.login = {"server": registry.address, "user": USER, "password": registry.password}

    def name(self, image):
        return f"{self.registry.address}/{image}"

    def push(self, *names):
        """The engine has them; what it knows of the login is gone when they are there."""
        self.engine.docker("login", "--username", USER, "--password-stdin",
                           self.registry.address, input=self.registry.password)
        for name in names:
            self.engine.docker("push", name)
        self.engine.docker("logout", self.registry.address)

    def derive(self, image, flavour):
        """The image for tasks, with FLAVOUR in its environment; it has no layer of its own."""
        container = self.engine.docker("create", images.TASK, "true").stdout.strip()
        self.engine.docker("commit", "--change", f"ENV FLAVOUR={flavour}", container,
                           self.name(image))
        self.engine.docker("rm", container)
        return self.name(image)

    def unheard_of(self, image):
        """An image whose biggest layer no engine can have from any other one."""
        container = f"mayfly-layer-{secrets.token_hex(4)}"
        self.engine.docker("run", "--name", container, "--network", "none",
                           self.engine.import_tiny(), "dd", "if=/dev/urandom", "of=/layer",
                           "bs=1M", "count=4")
        self.engine.docker("commit", container, self.name(image))
        self.engine.docker("rm", container)
        return self.name(image)


@pytest.fixture(scope="module")
def shelf(engine, tmp_path_factory):
    """In it: team/own:1 and team/moves:1, of which the engine has an older one, and damaged:1."""
    reason = Registry.unavailable()
    if reason:
        pytest.skip(reason)
    password = secrets.token_urlsafe(24)
    with Registry(tmp_path_factory.mktemp("registry"), USER, password) as registry:
        shelf = Shelf(engine, registry)
        for source, name in zip((images.agent()[0], images.TASK), images_of(shelf)):
            engine.docker("tag", source, name)
        pushed = [*images_of(shelf), shelf.unheard_of("damaged:1"),
                  shelf.derive("team/own:1", "cherry"), shelf.derive("team/moves:1", "new")]
        shelf.push(*pushed)
        registry.corrupt_layer("damaged")
        engine.docker("rmi", *pushed)
        shelf.derive("team/moves:1", "old")
        yield shelf
        engine.docker("rmi", *engine.docker("images", "--filter", f"reference={registry.address}/*",
                                            "--filter", f"reference={registry.address}/*/*",
                                            "--format", "{{.Repository}}:{{.Tag}}").stdout.split())


def images_of(shelf):
    return shelf.name("agent:3.0.3"), shelf.name("task:1")


@pytest.fixture
def pull_world(docker_world, shelf):
    """A docker world whose machines have the registry's login, and the registry answers."""
    docker_world.write_bundle(registries=[shelf.login])
    yield docker_world
    shelf.registry.stop()
    shelf.registry.start()


def add_resource(world, **docker):
    """Tasks' images are fetched; the agent's own is here."""
    world.add_resource("cpu", max_attempts=docker.pop("max_attempts", 3),
                       agent={"docker": {"pull": "missing", **docker}})


def flavour(image):
    """A task in that container, and what it says."""
    return "import os; print('flavour', os.environ.get('FLAVOUR'))", {"image": image}


def machine_log(world):
    return "".join(path.read_text() for path in world.machines.glob("*/bootstrap.log"))


# ---- the password -----------------------------------------------------------------------------

def forms_of(secret):
    """As it is, and as the inside of base64 at each of the three places it may begin."""
    forms = {secret.encode()}
    for before in range(3):
        text = b"\0" * before + secret.encode()
        # What its neighbours share a sign with is cut off.
        inside = base64.b64encode(text)[4 if before else 0:len(text) // 3 * 4]
        forms |= {inside, inside.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms


def files_with(forms, *folders):
    """The files below that hold one of them."""
    done = subprocess.run(["grep", "-rlaF", "-D", "skip", "-f", "-", *folders],
                          input=b"\n".join(forms) + b"\n", capture_output=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    gone = b": No such file or directory"  # a file that was listed, and replaced meanwhile
    assert done.returncode in (0, 1) or \
        all(line.endswith(gone) for line in done.stderr.splitlines()), done.stderr
    return {Path(line) for line in done.stdout.decode().splitlines()}


def check_secret(world, secret):
    """No log, no file, no process's words and no container has it, but the bundle."""
    forms = forms_of(secret)
    engine = world.engine
    assert files_with(forms, world.folder, engine.folder, engine.socket.parent) == {
        world.folder / "bundle.json"}
    assert not files_with(forms, *(path for path in map(Path, ("/run/mayfly", "/dev/shm/mayfly"))
                                   if path.exists()))
    for path in Path("/proc").glob("[0-9]*"):
        said = "\0".join([*command_of(path.name), *environment_of(path.name)]).encode()
        assert not [form for form in forms if form in said], command_of(path.name)
    listed = engine.docker("ps", "-aq").stdout.split()
    known = json.dumps([engine.inspect(name) for name in listed]).encode()
    assert not [form for form in forms if form in known]


def test_a_secret_is_found_in_all_its_forms(tmp_path):
    """Else the tests below prove nothing."""
    secret = secrets.token_urlsafe(24)
    login = json.dumps({"user": "u", "password": secret}).encode()
    kinds = {"plain": login, "64": base64.b64encode(login), "url": base64.urlsafe_b64encode(login),
             "basic": base64.b64encode(f"us:{secret}".encode()),
             "other": base64.b64encode(f"use:{secret}".encode())}
    for name, text in kinds.items():
        (tmp_path / name).write_bytes(b"before " + text + b" after")
    (tmp_path / "none").write_bytes(base64.b64encode(b"u:" + secrets.token_bytes(24)))
    assert {path.name for path in files_with(forms_of(secret), tmp_path)} == set(kinds)


# ---- it comes ---------------------------------------------------------------------------------

def test_images_that_come_and_do_not(pull_world, shelf):
    """On one machine: those that cannot come fail at once, with advice; the one that can runs."""
    world = pull_world
    _, port = shelf.registry.address.split(":")
    add_resource(world)
    wishes = [  # the image, why it does not come, what the task's console advises
        (shelf.name("team/own:none"), "task:image-missing", "team/own:none"),
        (f"localhost:{port}/team/own:1", "task:image-denied",
         f"the bundle has no login for localhost:{port}")]
    bad = [world.add_task("cpu", image, *flavour(image)) for image, _, _ in wishes]
    gate = world.folder / "gate"
    source = world.gated_source(gate) + flavour("")[0]
    good = world.add_task("cpu", "good", source, {"image": shelf.name("team/own:1")})
    reaper = world.start_reaper("watch", "--until-empty")
    for task, (image, cause, words) in zip(bad, wishes):
        reason, console = end_of(world, task, "failed")
        assert reason.startswith(cause), (image, reason, console)
        assert words in console and "flavour" not in console
    wait_for_runs(world, good, 1)
    check_secret(world, shelf.registry.password)
    gate.touch()
    _, console = end_of(world, good, "completed")
    assert f"mayfly: pulling image {shelf.name('team/own:1')}" in console
    assert "flavour cherry" in console
    wait_for_reaper(reaper)
    assert len(world.instances()) == 1, "no task's wish is the machine's fault"
    for task in (*bad, good):
        check_properties_gone(world, task)
    check_secret(world, shelf.registry.password)
    check_clean(world)
    world.engine.docker("rmi", shelf.name("team/own:1"))


def test_wrong_login_in_the_bundle(pull_world, shelf, tmp_path):
    """No task's fault, or one expired token would fail a whole queue: it is given back."""
    world = pull_world
    wrong = secrets.token_urlsafe(24)
    with Registry(tmp_path / "another", USER, "another password") as another:
        world.write_bundle(registries=[
            shelf.login, {"server": another.address, "user": USER, "password": wrong}])
        add_resource(world, max_attempts=2)
        task = world.add_task("cpu", "any", *flavour(f"{another.address}/team/own:1"))
        reaper = world.start_reaper("watch", "--until-empty")
        reason, console = end_of(world, task, "failed")
        assert reason == "infra:image-denied"
        assert f"the login of the bundle for {another.address}" in console
        assert "back to the front" in console and "flavour" not in console
        wait_for_reaper(reaper)
    assert [life["reason"] for life in world.lives().values()] == ["infrastructure"]
    check_secret(world, wrong)
    check_properties_gone(world, task)
    check_clean(world)


def test_registry_comes_back(pull_world, shelf):
    """The task was taken while nobody listened: it waits, and runs in the end."""
    shelf.registry.stop()
    add_resource(pull_world)
    task = pull_world.add_task("cpu", "patient", *flavour(shelf.name("team/own:1")))
    reaper = pull_world.start_reaper("watch", "--until-empty")
    wait_for(lambda: "it is tried again" in machine_log(pull_world), PATIENCE_S, "a pull fails")
    check_secret(pull_world, shelf.registry.password)
    assert pull_world.client.status(task) == "queued"
    shelf.registry.start()
    _, console = end_of(pull_world, task, "completed")
    assert "flavour cherry" in console and "attempt 1 of 3" in console
    wait_for_reaper(reaper)
    check_secret(pull_world, shelf.registry.password)
    check_clean(pull_world)
    pull_world.engine.docker("rmi", shelf.name("team/own:1"))


def test_moved_tag(pull_world, shelf):
    """`always`: the tag is another image in the registry than here, and so are ours to be had."""
    pull_world.agent_image, pull_world.task_image = images_of(shelf)
    add_resource(pull_world, pull="always")
    own = pull_world.add_task("cpu", "own", *flavour(shelf.name("team/moves:1")))
    default = pull_world.add_task("cpu", "default", flavour("")[0])
    reaper = pull_world.start_reaper("watch", "--until-empty")
    assert "flavour new" in end_of(pull_world, own, "completed")[1]
    assert "flavour None" in end_of(pull_world, default, "completed")[1]
    wait_for_reaper(reaper)
    assert len(pull_world.instances()) == 1
    check_clean(pull_world)


# ---- it does not come -------------------------------------------------------------------------

@pytest.mark.parametrize("image", ["team/own:1", "damaged:1"], ids=["away", "damaged"])
def test_given_back(pull_world, shelf, image):
    """The registry is at fault: the task goes back to the front, and the machine leaves."""
    if image != "damaged:1":
        shelf.registry.stop()
    add_resource(pull_world, pull_timeout="3s", max_attempts=2)
    task = pull_world.add_task("cpu", "any", *flavour(shelf.name(image)))
    reaper = pull_world.start_reaper("watch", "--until-empty")
    reason, console = end_of(pull_world, task, "failed")
    assert reason == "infra:image-pull"
    assert "attempt 1 of 2" in console and "back to the front" in console
    assert shelf.name(image) in console and "flavour" not in console
    wait_for_reaper(reaper)
    assert [life["reason"] for life in pull_world.lives().values()] == ["infrastructure"]
    assert not pull_world.engine.inspect(shelf.name(image))
    check_properties_gone(pull_world, task)
    check_clean(pull_world)


def test_taken_away_while_the_image_comes(pull_world, shelf):
    """Aborted, or reset: the machine lets go of it, and takes the next one."""
    shelf.registry.stop()
    add_resource(pull_world)
    tasks = {call: pull_world.add_task("cpu", call, *flavour(shelf.name("team/own:1")))
             for call in ("tasks.stop", "tasks.reset")}
    reaper = pull_world.start_reaper("watch", "--until-empty")
    for call, task in tasks.items():
        wait_for(lambda: "pulling image" in pull_world.client.console(task),
                 PATIENCE_S, "the task is taken")
        pull_world.client.call(call, task=task)
        wait_for(lambda: f"seat 0: task {task} is " in machine_log(pull_world), PATIENCE_S,
                 "the machine lets go")
    wait_for_reaper(reaper)
    assert len(pull_world.instances()) == 1
    for call, task in tasks.items():
        assert pull_world.client.status(task) == (
            "stopped" if call == "tasks.stop" else "created")
        assert "runs this task" not in pull_world.client.console(task)
        check_properties_gone(pull_world, task)
    assert pull_world.client.waiting(pull_world.queues["cpu"]) == []
    check_clean(pull_world)


def test_disk_full(request, shelf, tmp_path):
    """The engine's disk has had room for the agent's image, and has none for another one."""
    prefix = (*SMALL_DISK, str(tmp_path / "small/engine/docker"))
    with Engine(tmp_path / "small", command_prefix=prefix) as engine:
        engine.load_agent_image()
        engine.docker("run", "--rm", "--network", "none", "--volume", "full:/volume",
                      engine.import_tiny(), "sh", "-c", ALL_BUT_20_MB)
        with World(tmp_path / "world", engine) as world:
            request.node.world = world
            world.write_bundle(registries=[shelf.login])
            add_resource(world, image=images.agent()[0], max_attempts=2)
            task = world.add_task("cpu", "big", *flavour(shelf.name("task:1")))
            reaper = world.start_reaper("watch", "--until-empty")
            reason, console = end_of(world, task, "failed")
            assert reason == "infra:disk-full"
            assert "no space left on device" in console and "back to the front" in console
            wait_for_reaper(reaper)
            assert [life["reason"] for life in world.lives().values()] == ["infrastructure"]
            assert not runs_of(world, task)
            check_clean(world)
