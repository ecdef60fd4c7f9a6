"""Our client of the docker engine against a real one: each verb, and what can go wrong."""

import itertools
import json
import threading

import pytest

from peers.calls import Calls, DEADLINE_S, Failed
from peers.engine import Engine, TINY
from standin.client import wait_for

SLEEP = ["sleep", "1000"]
numbers = itertools.count()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if Engine.unavailable():
        pytest.skip(Engine.unavailable())
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        running.import_tiny()
        yield running


@pytest.fixture
def own_engine(tmp_path, engine):
    """One that a test may kill."""
    del engine  # skips where there can be none
    with Engine(tmp_path / "own") as running:
        running.import_tiny()
        yield running


@pytest.fixture
def calls(engine):
    with Calls(engine.socket) as made:
        yield made


@pytest.fixture
def name():
    """No other test's."""
    return f"c{next(numbers)}"


def shell(script):
    return ["sh", "-c", script]


def refused(call, *words, **spec):
    """The error of a call that must fail."""
    with pytest.raises(Failed) as caught:
        call(*words, **spec)
    return caught.value


def says(calls, name, text):
    """Wait until a container's output holds the text: what it has begun is done."""
    wait_for(lambda: text in calls.logs(name, 100, 100000)["text"], DEADLINE_S, f"it says {text}")


# -- the engine ---------------------------------------------------------------------------------

def test_ping_takes_the_engines_version(calls, engine):
    said = json.loads(engine.docker("version", "--format", "{{json .Server}}").stdout)
    newest = tuple(map(int, said["ApiVersion"].split(".")))
    assert tuple(map(int, calls.ping()["version"].split("."))) == min(newest, (1, 47))


def test_look_tells_what_the_engine_says(calls, engine):
    said = json.loads(engine.docker("info", "--format", "{{json .}}").stdout)
    version = json.loads(engine.docker("version", "--format", "{{json .Server}}").stdout)
    assert calls.look() == {
        "version": version["Version"], "os": "linux", "architecture": version["Arch"],
        "root_folder": said["DockerRootDir"], "cgroup_version": int(said["CgroupVersion"]),
        "has_live_restore": False}


def test_an_engine_that_restores_says_so(tmp_path, engine):
    del engine
    with Engine(tmp_path, live_restore=True) as another, Calls(another.socket) as calls:
        assert calls.look()["has_live_restore"]


def test_an_engine_that_is_killed_and_comes_back(own_engine):
    with Calls(own_engine.socket) as calls:
        calls.ping()
        own_engine.kill()
        error = refused(calls.ping)
        assert error.kind == "unreachable" and "no answer" in error.message
        assert refused(calls.inspect, "x").kind == "unreachable"
        own_engine.start()
        calls.ping()


def test_no_engine_at_all(tmp_path):
    with Calls(tmp_path / "docker.sock") as calls:
        error = refused(calls.ping)
        assert error.kind == "unreachable" and "is docker installed" in error.message


# -- from its making to its end -----------------------------------------------------------------

def test_what_is_asked_for_is_what_is_made(calls, engine, name, tmp_path):
    made = calls.create(
        name, TINY, entrypoint=["/bin/busybox"], command=["echo", 'a "b" \\ c'],
        environment=["A=1", "B=x=y", "C="], labels=["mayfly=1", "odd/label=a b=c", "bare"],
        binds=[f"{tmp_path}:/there:ro"], network="host", log_max_megabytes=3, has_init=True)
    found = engine.inspect(name)
    assert found["Id"] == made
    config, host = found["Config"], found["HostConfig"]
    assert config["Entrypoint"] == ["/bin/busybox"]
    assert config["Cmd"] == ["echo", 'a "b" \\ c']
    assert {"A=1", "B=x=y", "C="} <= set(config["Env"])
    assert config["Labels"] == {"mayfly": "1", "odd/label": "a b=c", "bare": ""}
    assert host["Binds"] == [f"{tmp_path}:/there:ro"]
    assert host["NetworkMode"] == "host"
    assert host["Init"] is True
    assert host["LogConfig"] == {"Type": "json-file",
                                 "Config": {"max-size": "3m", "max-file": "2"}}
    calls.start(name)
    assert calls.end(name) == 0
    assert calls.logs(name, 10, 1000) == {"text": 'a "b" \\ c\n'}


@pytest.mark.parametrize("script, code", [
    pytest.param("true", 0, id="when it ends well"),
    pytest.param("exit 3", 3, id="when it fails"),
    pytest.param("exit 255", 255, id="when it fails with the largest number"),
    pytest.param("kill -9 $$", 137, id="when it is killed"),
])
def test_the_exit_code_is_its_own(calls, name, script, code):
    calls.run(name, TINY, command=shell(script), has_init=True)
    assert calls.end(name) == code
    assert calls.end(name) == code, "it is told again"
    found = calls.inspect(name)
    assert (found["state"], found["is_running"], found["exit_code"]) == ("exited", False, code)


def test_one_that_runs_is_looked_at(calls, name):
    made = calls.run(name, TINY, command=SLEEP, has_init=True)
    found = calls.inspect(name)
    pid = found.pop("pid")
    assert found == {"id": made, "whole_id": made, "name": name, "image": TINY, "exit_code": 0,
                     "state": "running", "is_running": True, "is_out_of_memory": False}
    pids = calls.top(name)["pids"]
    wait_for(lambda: len(calls.top(name)["pids"]) == 2, DEADLINE_S, "the init has started it")
    assert pid in pids
    assert calls.start(name) == {}, "it runs already"
    assert refused(calls.wait, name, 200).kind == "unreachable"
    assert calls.inspect(made[:12])["name"] == name
    calls.remove(name)


def test_one_that_was_never_started(calls, name):
    calls.create(name, TINY, command=SLEEP)
    found = calls.inspect(name)
    assert (found["state"], found["is_running"], found["pid"]) == ("created", False, 0)
    assert calls.end(name) == 0
    assert calls.logs(name, 10, 1000) == {"text": ""}


@pytest.mark.parametrize("call, words", [
    ("start", ()), ("wait", (1000,)), ("stop", (1,)), ("kill", ("SIGKILL",)), ("pause", ()),
    ("unpause", ()), ("inspect", ()), ("logs", (10, 1000)), ("top", ()),
])
def test_there_is_no_such_container(calls, call, words):
    error = refused(calls.call, call, "nobody", *words)
    assert error.kind == "not_found" and "nobody" in error.message


def test_what_cannot_be_made(calls, name):
    calls.create(name, TINY, command=SLEEP)
    error = refused(calls.create, name, TINY, command=SLEEP)
    assert error.kind == "conflict" and "already in use" in error.message
    error = refused(calls.create, f"{name}x", "peers/nothing:1", command=SLEEP)
    assert error.kind == "not_found" and "No such image: peers/nothing:1" in error.message
    assert refused(calls.create, f"{name}x", TINY, command=SLEEP,
                   binds=["relative:x:y:z"]).kind == "refused"


def test_what_cannot_be_started(calls, name):
    calls.create(name, TINY, command=["/no/such/program"])
    error = refused(calls.start, name)
    assert error.kind == "refused" and "/no/such/program" in error.message
    found = calls.inspect(name)
    assert not found["is_running"] and found["exit_code"] == 127


@pytest.mark.parametrize("gpus, request_", [
    pytest.param("0,1", {"Count": 0, "DeviceIDs": ["0", "1"]}, id="when some are named"),
    pytest.param("all", {"Count": -1, "DeviceIDs": None}, id="when all are asked for"),
])
def test_gpus_are_asked_for_and_there_is_no_driver(calls, engine, name, gpus, request_):
    calls.create(name, TINY, command=SLEEP, gpus=gpus)
    found = engine.inspect(name)["HostConfig"]["DeviceRequests"]
    assert [{key: one[key] for key in ("Count", "DeviceIDs", "Capabilities")} for one in found] == [
        {**request_, "Capabilities": [["gpu"]]}]
    error = refused(calls.start, name)
    assert error.kind == "refused" and "could not select device driver" in error.message


# -- signals ------------------------------------------------------------------------------------

@pytest.mark.parametrize("script, grace_s, code", [
    pytest.param("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done", 30, 7,
                 id="when it ends by itself"),
    pytest.param("trap '' TERM; echo ready; while :; do sleep 0.1; done", 1, 137,
                 id="when it will not end"),
    pytest.param("trap '' TERM; echo ready; while :; do sleep 0.1; done", 0, 137,
                 id="when it gets no time"),
])
def test_stop(calls, name, script, grace_s, code):
    calls.run(name, TINY, command=shell(script))
    says(calls, name, "ready")
    calls.stop(name, grace_s)
    assert calls.inspect(name)["exit_code"] == code
    assert calls.stop(name, grace_s) == {}, "it has ended already"


def test_kill_sends_any_signal(calls, name):
    script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.1; done"
    calls.run(name, TINY, command=shell(script))
    says(calls, name, "ready")
    calls.kill(name, "SIGUSR1")
    assert calls.end(name) == 9
    error = refused(calls.kill, name, "SIGUSR1")
    assert error.kind == "conflict" and "is not running" in error.message
    assert refused(calls.kill, name, "SIGNONSENSE").kind == "refused"
    error = refused(calls.top, name)
    assert error.kind == "conflict" and "is not running" in error.message


def test_pause_and_unpause(calls, name):
    calls.run(name, TINY, command=SLEEP, has_init=True)
    calls.pause(name)
    found = calls.inspect(name)
    assert (found["state"], found["is_running"]) == ("paused", True)
    assert refused(calls.pause, name).kind == "conflict"
    calls.unpause(name)
    assert calls.inspect(name)["state"] == "running"
    calls.pause(name)
    calls.stop(name, 30)
    assert calls.inspect(name)["state"] == "exited", "a paused one is stopped, too"


# -- output -------------------------------------------------------------------------------------

def test_output_in_frames(calls, name):
    calls.run(name, TINY, command=shell("echo out; echo err >&2; echo last"))
    calls.end(name)
    text = calls.logs(name, 10, 1000)["text"]
    assert sorted(text.splitlines()) == ["err", "last", "out"]
    calls.run(f"{name}x", TINY, command=shell("seq 2000"))
    calls.end(f"{name}x")
    lines = "".join(f"{number}\n" for number in range(1001, 2001))
    assert calls.logs(f"{name}x", 5000, 100000)["text"] == lines
    assert calls.logs(f"{name}x", 2, 100000)["text"] == "1999\n2000\n"
    assert calls.logs(f"{name}x", 1000, 12)["text"] == "1999\n2000\n", "whole lines of the end"


def test_output_of_a_terminal_is_raw(calls, engine, name):
    engine.docker("run", "--detach", "--tty", "--name", name, TINY, "sh", "-c", "echo out; seq 3")
    calls.end(name)
    assert calls.logs(name, 10, 1000)["text"] == "out\r\n1\r\n2\r\n3\r\n"
    assert calls.logs(name, 1, 1000)["text"] == "3\r\n"


def test_the_longest_output(calls, name):
    """A line without an end: the engine makes lines of 16 KiB of it, and we read a thousand."""
    calls.run(name, TINY, command=shell("head -c 18000000 /dev/zero | tr '\\0' x"))
    assert calls.end(name) == 0
    assert calls.logs(name, 1000, 20_000_000)["text"].strip("x") == ""
    assert len(calls.logs(name, 1000, 20_000_000)["text"]) >= 16_000_000
    assert calls.logs(name, 1000, 1000)["text"] == 1000 * "x"


# -- many ---------------------------------------------------------------------------------------

def test_list_by_labels(calls, name):
    ids = {
        "a": calls.create(f"{name}a", TINY, command=SLEEP, labels=[f"run={name}", "seat=1"]),
        "b": calls.run(f"{name}b", TINY, command=SLEEP, labels=[f"run={name}", "seat=2"]),
        "c": calls.run(f"{name}c", TINY, command=["true"], labels=[f"run={name}x", "seat=1"]),
    }
    calls.end(f"{name}c")

    def listed(*labels):
        return {one["name"]: (one["id"], one["state"], one["is_running"])
                for one in calls.list(*labels)["containers"]}

    assert listed(f"run={name}") == {f"{name}a": (ids["a"], "created", False),
                                     f"{name}b": (ids["b"], "running", True)}
    assert set(listed(f"run={name}", "seat=2")) == {f"{name}b"}
    assert set(listed(f"run={name}x")) == {f"{name}c"}
    assert listed(f"run={name}", "absent") == {}
    assert set(listed("run")) >= {f"{name}a", f"{name}b", f"{name}c"}
    assert set(listed()) >= set(listed("run"))
    assert calls.list(f"run={name}x")["containers"][0]["image"] == TINY


def test_remove(calls, engine, name):
    calls.run(name, TINY, command=SLEEP)
    calls.remove(name)
    assert engine.inspect(name) is None
    assert calls.remove(name) == {}, "it is gone already"
    calls.create(name, TINY, command=SLEEP)
    calls.remove(name)
    assert engine.inspect(name) is None


def test_two_remove_the_same(engine, name):
    """Whoever comes second comes back when it is gone, too."""
    with Calls(engine.socket) as first, Calls(engine.socket) as second:
        for round_ in range(5):
            container = f"{name}-{round_}"
            first.run(container, TINY, command=SLEEP)
            failures = []

            def remove(calls, container=container, failures=failures):
                try:
                    calls.remove(container)
                    assert engine.inspect(container) is None
                except (Failed, AssertionError) as problem:
                    failures.append(problem)

            threads = [threading.Thread(target=remove, args=(one,)) for one in (first, second)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert failures == []


def test_prune_takes_what_has_ended_and_bears_the_label(calls, engine, name):
    spec = {"command": ["true"], "labels": [f"run={name}"]}
    for ended in ("a", "b"):
        calls.run(f"{name}{ended}", TINY, **spec)
        calls.end(f"{name}{ended}")
    calls.create(f"{name}made", TINY, **spec)
    calls.run(f"{name}runs", TINY, command=SLEEP, labels=[f"run={name}"])
    calls.run(f"{name}other", TINY, command=["true"], labels=[f"run={name}x"])
    calls.end(f"{name}other")
    assert calls.prune(f"run={name}") == {"removed": 2}
    left = {one["name"] for one in calls.list("run")["containers"]}
    assert {f"{name}made", f"{name}runs", f"{name}other"} <= left
    assert engine.inspect(f"{name}a") is None
    assert calls.prune(f"run={name}") == {"removed": 0}


def test_disk_usage_grows_with_what_is_written(calls, name):
    before = calls.disk_usage()
    assert before["images"] >= 1 and before["image_bytes"] > 500_000
    calls.run(name, TINY, command=shell("dd if=/dev/zero of=/big bs=1M count=3"))
    calls.end(name)
    after = calls.disk_usage()
    assert after["containers"] == before["containers"] + 1
    assert after["container_bytes"] - before["container_bytes"] >= 3 << 20


# -- events -------------------------------------------------------------------------------------

def test_events_of_a_life(calls, name):
    label = f"run={name}"
    calls.watch_open(0, label)
    # Not one turn yet: what happens meanwhile is not missed.
    made = calls.run(name, TINY, command=shell("exit 5"), labels=[label])
    calls.run(f"{name}x", TINY, command=["true"], labels=[f"run={name}x"])
    calls.end(name)
    calls.end(f"{name}x")
    calls.remove(f"{name}x")
    calls.remove(name)
    seen = []
    while not seen or seen[-1]["action"] != "destroy":
        seen.append(calls.event())
    assert [event["action"] for event in seen if event["action"] != "attach"] == [
        "create", "start", "die", "destroy"]
    for event in seen:
        assert (event["type"], event["container"], event["name"]) == ("container", made, name)
        assert event["exit_code"] == (5 if event["action"] == "die" else -1)
    assert seen[0]["wall_ms"] <= seen[-1]["wall_ms"]
    calls.watch_close(0)


def test_two_watches_see_their_own(calls, name):
    for slot in (0, 1):
        calls.watch_open(slot, f"run={name}{slot}")
    for slot in (0, 1):
        calls.create(f"{name}{slot}", TINY, command=SLEEP, labels=[f"run={name}{slot}"])
    for slot in (1, 0):
        assert calls.event(slot)["name"] == f"{name}{slot}"
    for slot in (0, 1):
        assert calls.watch_turn(slot) == {}
        calls.watch_close(slot)


def test_one_runs_out_of_memory(calls, engine, name):
    label = f"run={name}"
    calls.watch_open(0, label)
    engine.docker("create", "--name", name, "--label", label, "--memory", "16m",
                  "--memory-swap", "16m", TINY, "tail", "/dev/zero")
    calls.start(name)
    assert calls.end(name) == 137
    seen = {}
    # The kernel's word of it ("oom") comes before or after; tests/whole waits for what it does.
    while "die" not in seen:
        event = calls.event()
        seen[event["action"]] = event
    assert seen["die"]["exit_code"] == 137
    wait_for(lambda: calls.inspect(name)["is_out_of_memory"], DEADLINE_S, "the kernel's word")
    assert calls.inspect(name)["exit_code"] == 137
    calls.watch_close(0)


def test_a_watch_ends_when_the_engine_is_killed(own_engine, name):
    with Calls(own_engine.socket) as calls:
        label = f"run={name}"
        calls.watch_open(0, label)
        calls.run(name, TINY, command=SLEEP, labels=[label])
        while calls.event()["action"] != "start":
            pass
        own_engine.kill()
        error = refused(calls.event)
        assert error.kind == "unreachable"
        assert refused(calls.watch_turn, 0).kind == "unreachable", "it stays over"
        calls.watch_close(0)
        own_engine.start()
        calls.watch_open(0, label)
        calls.remove(name)
        while calls.event()["action"] != "destroy":
            pass
        calls.watch_close(0)


def test_a_wait_ends_when_the_engine_is_killed(own_engine, name):
    with Calls(own_engine.socket) as calls:
        calls.run(name, TINY, command=SLEEP)
        timer = threading.Timer(0.5, own_engine.kill)
        timer.start()
        error = refused(calls.end, name)
        timer.join()
        assert error.kind == "unreachable" and "docker: wait for" in error.message


# -- images -------------------------------------------------------------------------------------

def test_an_image_is_looked_at(calls, engine):
    said = engine.inspect(TINY)
    assert calls.image_look(TINY) == {"id": said["Id"], "architecture": said["Architecture"],
                                      "os": "linux", "bytes": said["Size"]}
    assert calls.image_look(said["Id"].partition(":")[2])["id"] == said["Id"]
    error = refused(calls.image_look, "peers/nothing:1")
    assert error.kind == "not_found" and "peers/nothing:1" in error.message


@pytest.mark.parametrize("image", [
    "a", "a:1", "a/b/c:_x.Y-z", "r.example/a", "r.example:5000/a/b:1", "127.0.0.1:5000/a",
    "localhost/a", "localhost:5000/a:b", "R.Example/a", "g/a.b_c__d-e---f", "1/2",
])
def test_a_name_that_we_take_the_engine_takes(calls, engine, image):
    calls.reference(image)
    engine.docker("tag", TINY, image)
    assert calls.image_look(image)["id"] == engine.inspect(TINY)["Id"]
    engine.docker("rmi", image)


@pytest.mark.parametrize("image", [
    "A", "A/b", "r.example/A", "a b", "a:", "a:-1", "a:.1", "a//b", "/a", "a/", "a..b", "a___b",
    "-a", "a:1:2", "a.-b", "a_", f"a:{'b' * 129}", "r.example:x/a", "a" * 256, "ä",
])
def test_a_name_that_the_engine_refuses_we_refuse(calls, engine, image):
    assert engine.docker("tag", TINY, "--", image, check=False).returncode != 0
    assert refused(calls.reference, image).kind == "refused"
    assert refused(calls.pull_begin, 0, image).kind == "refused"
