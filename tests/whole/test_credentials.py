"""What a bundle holds reaches the real clearml-agent and its task, and is gone when the task ends.

In host mode, the same with the agent as another user than bootstrap ("nobody"), and docker mode.
The git servers are real ones, of the test's own (git_server.py).
"""

import base64
import json
import os
import tempfile
from pathlib import Path

import pytest
from git_server import HttpServer, SshServer, make_repository
from lives import (PATIENCE_S, check_properties_gone, finish, wait_for_reaper, wait_for_runs,
                   wait_for_status)
from world import World, closed_to_others, kill, wait_for

BASES = [Path(f"/dev/shm/mayfly-{os.getuid()}")] if os.geteuid() else [
    Path("/run/mayfly"), Path("/dev/shm/mayfly")]
PRINTABLE = "".join(map(chr, range(0x21, 0x7f)))
# All that a login may hold: the first one passes through a shell, the others through a netrc.
FIRST = "first-" + "".join(c for c in PRINTABLE if c not in "$`\\\"")
SECOND = "second-" + "".join(c for c in PRINTABLE if c not in "\\\"")
BLOB = bytes(range(256)) + b"blob-canary\n"
VALUES = {
    "QUOTES": "\"a\" 'b' `c`", "BACKSLASHES": "\\ \\\\ \\n \\u0041 \\",
    "DOLLARS": "$HOME ${HOME} $$", "BLANKS": "  in front and behind  ",
    "LINES": "one\ntwo\r\n\tthree\n", "PRINTABLE": f"canary {PRINTABLE}",
    "NUMBER": "0123", "WORD": "true", "NOTHING": "null", "PERCENT": "%s %d {0} {}",
    "HOCON": "${?x} # // {a: [1, 2]} += \"\"\"", "LONG": "long-canary " + "x" * 5000,
}
SEEING = '''
import base64, json, os, stat

def see(path):
    path = os.path.expanduser(path)
    with open(path, "rb") as file:
        return [base64.b64encode(file.read()).decode(), oct(stat.S_IMODE(os.stat(path).st_mode))]

seen = {{"files": {{path: see(path) for path in {paths!r}}},
        "environment": {{name: os.environ.get(name) for name in {names!r}}}}}
with open({out!r}, "w") as file:
    json.dump(seen, file)
'''
MAIN = '''
import os, pathlib
print("lib says", pathlib.Path("lib/word").read_text() if os.path.exists("lib/word") else "-")
'''


MODES = ["host", "nobody", "docker"]


def only(*modes):
    """Where one mode would only tell again what another does: each life takes half a minute."""
    return pytest.mark.parametrize("any_world", modes, indirect=True)


@pytest.fixture
def open_world(request):
    """A world that other users may pass through: pytest's own folder it closes at each start."""
    if os.geteuid() != 0:
        pytest.skip("only root can run the agent as another user")
    reason = closed_to_others()
    if reason:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="mayfly-whole-") as folder:
        Path(folder).chmod(0o711)
        with World(Path(folder) / "world") as made:
            request.node.world = made
            made.machines.mkdir()
            yield made


@pytest.fixture(params=MODES)
def any_world(request):
    """A world of each kind; tasks may write into its folder `seen`."""
    world = request.getfixturevalue(
        {"host": "world", "nobody": "open_world", "docker": "docker_world"}[request.param])
    (world.folder / "seen").mkdir()
    (world.folder / "seen").chmod(0o777)
    world.runs = world.folder / "seen" / "runs.jsonl"
    world.agent_user = {"agent": {"user": "nobody"}} if request.param == "nobody" else {}
    return world


@pytest.fixture
def ssh_server(tmp_path):
    reason = SshServer.unavailable()
    if reason:
        pytest.skip(reason)
    folder = tmp_path / "ssh"
    folder.mkdir()
    with SshServer(folder) as server:
        yield server


def add_repository_task(world, name, url, commit):
    script = {"binary": "python3", "repository": url, "branch": "master", "version_num": commit,
              "entry_point": "main.py", "working_dir": ".", "diff": "",
              "requirements": {"pip": ""}}
    task = world.client.call("tasks.create", name=name, type="training", script=script)["id"]
    world.client.enqueue(task, world.queues["cpu"])
    return task


def search(folder, canaries):
    """path -> the canaries that it holds; links are not followed, as they lead to the tmpfs."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            data = path.read_bytes()
        except OSError:  # gone meanwhile
            continue
        held = [canary for canary in canaries if canary in data]
        if held:
            found[path] = held
    return found


def rooms(world):
    names = set(world.instances())
    return [path for base in BASES if base.exists() for path in base.iterdir()
            if path.name in names]


def canaries_of(world, bundle):
    """All that must not stay anywhere: as it is, as JSON has it, and as base64."""
    key = bundle.get("ssh", {}).get("key", "")
    tokens = [login["token"] for login in bundle.get("git", [])]
    texts = [(world.folder / "secret").read_text(), *tokens, *key.splitlines()[1:-1],
             *bundle.get("environment", {}).values(), "blob-canary"]
    long = [text.encode() for text in texts if len(text) > 20 or "canary" in text]
    return [*long, *(json.dumps(text.decode())[1:-1].encode() for text in long),
            base64.b64encode(BLOB)[-16:]]


def check_gone(world, bundle):
    """No room, no mount, and no secret in any file of the machines or of the engine."""
    assert rooms(world) == []
    canaries = canaries_of(world, bundle)
    assert len(canaries) > 3
    for folder in (world.machines, *([world.engine.folder] if world.engine else [])):
        assert search(folder, canaries) == {}


def complete(world, *tasks):
    reaper = world.start_reaper("watch", "--until-empty")
    for task in tasks:
        wait_for(lambda: world.client.status(task) in ("completed", "failed"), PATIENCE_S,
                 "the task ends")
        assert world.client.status(task) == "completed", world.client.console(task)
    wait_for_reaper(reaper)


# ---- git --------------------------------------------------------------------------------------

def test_git(any_world, ssh_server, tmp_path):
    """Code at two hosts with a login each, one inside the other and alone, and code over ssh."""
    folder = tmp_path / "git"
    folder.mkdir()
    bundle = {"git": [{"host": "127.0.0.1", "user": "u-1", "token": FIRST},
                      {"host": "localhost", "user": "u-2", "token": SECOND}],
              "ssh": {"key": ssh_server.key.rstrip("\n")}}
    any_world.write_bundle(**bundle)
    any_world.add_resource("cpu", **any_world.agent_user)
    alone = make_repository(folder, "alone", {"main.py": MAIN, "word": "second"})
    over_ssh = make_repository(ssh_server.folder, "keyed", {"main.py": MAIN})
    with HttpServer(folder, "127.0.0.1", "u-1", FIRST) as first, \
            HttpServer(folder, "localhost", "u-2", SECOND) as second:
        both = make_repository(folder, "both", {"main.py": MAIN},
                               ("lib", second.url("alone"), folder / "alone.git"))
        tasks = [add_repository_task(any_world, *words) for words in (
            ("both", first.url("both"), both), ("alone", second.url("alone"), alone),
            ("keyed", ssh_server.url("keyed"), over_ssh))]
        complete(any_world, *tasks)
    assert "lib says second" in any_world.client.console(tasks[0])
    assert set(first.logins) == {("u-1", FIRST)}
    assert set(second.logins) == {("u-2", SECOND)}, "it was shown the other one's login"
    assert ssh_server.logins()
    check_gone(any_world, bundle)
    for task in tasks:
        assert not [canary for canary in canaries_of(any_world, bundle)
                    if canary in any_world.client.console(task).encode()]


@pytest.mark.parametrize("any_world, whose", [("docker", "right"), ("host", "wrong"),
                                              ("docker", "wrong")], indirect=["any_world"])
def test_known_hosts(any_world, ssh_server, whose):
    """Where hosts are known, no other key than theirs will do."""
    hosts = ssh_server.known_hosts.rstrip("\n")
    if whose == "wrong":
        host, kind, key = hosts.split()
        hosts = f"{host} {kind} {key[:-4]}AAAA"
    bundle = {"ssh": {"key": ssh_server.key, "known_hosts": hosts}}
    any_world.write_bundle(**bundle)
    any_world.add_resource("cpu", **any_world.agent_user)
    commit = make_repository(ssh_server.folder, "keyed", {"main.py": MAIN})
    task = add_repository_task(any_world, "keyed", ssh_server.url("keyed"), commit)
    if whose == "right":
        complete(any_world, task)
        assert ssh_server.logins()
    else:
        reaper = any_world.start_reaper("watch", "--until-empty")
        wait_for_status(any_world, task, "failed")
        wait_for_reaper(reaper)
        console = any_world.client.console(task)
        assert "The fingerprint for the ED25519 key sent by the remote host is" in console
        assert ssh_server.logins() == 0
    check_gone(any_world, bundle)


# ---- what the task sees -----------------------------------------------------------------------

@only("host", "docker")
def test_environment_and_files(any_world):
    """To the last byte, through two parsers and a shell or two."""
    out = any_world.folder / "seen" / "seen.json"
    files = {"blob": {"path": "~/.secret/deep/blob", "mode": "0640",
                      "base64": base64.b64encode(BLOB).decode()},
             "text": {"path": "~/text", "contents": "gr\u00fc\u00dfe \U0001f600\r\n$HOME\\ \"\n"},
             "empty": {"path": "~/.empty", "contents": ""}}
    bundle = {"environment": VALUES, "files": files}
    any_world.write_bundle(**bundle)
    any_world.add_resource("cpu", **any_world.agent_user)
    paths = [file["path"] for file in files.values()]
    task = any_world.add_task("cpu", "seeing", SEEING.format(
        paths=paths, names=list(VALUES), out=str(out)))
    complete(any_world, task)
    seen = json.loads(out.read_text())
    assert seen["environment"] == VALUES
    blob, text, empty = (seen["files"][path] for path in paths)
    assert base64.b64decode(blob[0]) == BLOB and blob[1] == "0o640"
    assert base64.b64decode(text[0]).decode() == files["text"]["contents"]
    assert text[1] == "0o600" and empty == ["", "0o600"]
    check_gone(any_world, bundle)


# ---- while it runs, and after kill -9 ---------------------------------------------------------

def begin(world, bundle):
    """A gated task, running, whose machine was given the bundle."""
    world.write_bundle(**bundle)
    world.add_resource("cpu", **world.agent_user)
    gate = world.folder / "seen" / "gate"
    task = world.add_task("cpu", "gated", world.gated_source(gate))
    reaper = world.start_reaper("watch", "--until-empty")
    wait_for_runs(world, task, 1)
    wait_for_status(world, task, "in_progress")
    return task, gate, reaper


def full_bundle(ssh_server):
    return {"git": [{"host": "127.0.0.1", "user": "u-1", "token": FIRST},
                    {"host": "localhost", "user": "u-2", "token": SECOND}],
            "ssh": {"key": ssh_server.key, "known_hosts": ssh_server.known_hosts},
            "environment": {"LONG": VALUES["LONG"]},
            "files": {"blob": {"path": "~/.secret/deep/blob",
                               "base64": base64.b64encode(BLOB).decode()}}}


def check_contained(world, canaries):
    """The engine was told nothing; what it keeps on its disk is the task's own container's."""
    for said in world.containers().values():
        assert not [c for c in canaries if c in json.dumps(said).encode()]
    task, = world.containers("task").values()
    layer = Path(task["GraphDriver"]["Data"]["UpperDir"])
    found = {path.relative_to(layer) for path in search(world.engine.folder, canaries)
             if path.is_relative_to(layer) or pytest.fail(f"{path} is not the task's")}
    assert found == {Path("root", name) for name in (
        "default_clearml.conf", ".netrc", ".ssh/id", ".secret/deep/blob")}


def test_while_it_runs(any_world, ssh_server):
    """All of it lies in the room alone, which nobody else may enter."""
    bundle = full_bundle(ssh_server)
    task, gate, reaper = begin(any_world, bundle)
    canaries = canaries_of(any_world, bundle)
    assert search(any_world.machines, canaries) == {}
    room, = rooms(any_world)
    seat = room / "0"
    owner = "nobody" if any_world.agent_user else "root" if os.geteuid() == 0 else seat.owner()
    assert (seat.owner(), seat.stat().st_mode & 0o777) == (owner, 0o700)
    conf = seat / "clearml.conf"
    assert (conf.owner(), conf.stat().st_mode & 0o777) == (owner, 0o600)
    assert search(seat, canaries).keys() >= {conf, seat / "ssh" / "id"}
    if any_world.engine:
        check_contained(any_world, canaries)
    finish(any_world, task, gate, reaper, runs=1)
    check_gone(any_world, bundle)


def kill_all(world, machine):
    """The agents before their task, whose death they would report."""
    for role in ("keeper", "bootstrap", "agent"):
        while pid := world.pid_of(machine, role):
            kill(pid)
            wait_for(lambda: world.pid_of(machine, role) != pid, PATIENCE_S, f"the {role} is dead")
    while world.processes(machine):
        for pid in world.processes(machine):
            kill(pid)


@only("nobody", "docker")
def test_whole_machine_killed(any_world, ssh_server):
    """Nobody was left to tidy up: the next machine's start does it."""
    bundle = full_bundle(ssh_server)
    task, gate, reaper = begin(any_world, bundle)
    killed, = any_world.instances()
    assert [room.name for room in rooms(any_world)] == [killed]
    kill_all(any_world, killed)
    wait_for_runs(any_world, task, 2)
    assert killed not in [room.name for room in rooms(any_world)]
    finish(any_world, task, gate, reaper, runs=2)
    check_gone(any_world, bundle)


@only("host")
def test_bootstrap_killed_for_good(any_world, ssh_server):
    """The keeper starts it three times; then it ends the rest, and takes the secrets away."""
    bundle = full_bundle(ssh_server)
    task, gate, reaper = begin(any_world, bundle)
    machine, = any_world.instances()
    while (keeper := any_world.pid_of(machine, "keeper")) is not None:
        bootstrap = any_world.pid_of(machine, "bootstrap")
        if bootstrap:
            kill(bootstrap)
            wait_for(lambda: any_world.pid_of(machine, "bootstrap") != bootstrap
                     or any_world.pid_of(machine, "keeper") != keeper, PATIENCE_S,
                     "it is gone")
    assert machine not in [room.name for room in rooms(any_world)]
    gate.touch()
    wait_for_status(any_world, task, "completed")
    wait_for_reaper(reaper)
    check_properties_gone(any_world, task)
    check_gone(any_world, bundle)
