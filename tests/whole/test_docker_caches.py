"""Docker mode, whole: what one task has fetched and built, the next one on its machine finds.

Two tasks alike, one after the other, with a requirement and a repository. The agent's own words on
their consoles say what each of them did; the figures are printed for people.
"""

import re
import subprocess
from datetime import datetime

from lives import wait_for_reaper
from test_docker import check_clean, end_of

from peers import images

CACHES = ("venvs-cache", "pip-cache", "apt-cache", "vcs-cache", "pip-download-cache")


def make_repository(folder):
    """A bare repository with task.py in it; the words of a task's script that name it."""
    work, bare = folder / "work", folder / "repository.git"
    work.mkdir()
    (work / "task.py").write_text("import Cython\nprint('runs with Cython', Cython.__version__)\n")

    def git(*words):
        return subprocess.run(["git", "-C", str(work), "-c", "user.name=nobody",
                               "-c", "user.email=nobody@localhost", *words],
                              check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "task.py")
    git("commit", "--quiet", "--message=A task")
    git("clone", "--quiet", "--bare", str(work), str(bare))
    return {"repository": f"file://{bare}", "branch": "main",
            "version_num": git("rev-parse", "HEAD"), "diff": ""}


def wheel_version(name):
    wheel = next(images.WHEELHOUSE.glob(f"{name}-*.whl"))
    return re.match(rf"{name}-([0-9.]+)-", wheel.name).group(1)


def add_task(world, name, script):
    task = world.client.create_task(name, "")
    known = world.client.task(task)["script"]
    world.client.call("tasks.edit", task=task, script={**known, **script})
    world.client.enqueue(task, world.queues["cpu"])
    return task


def seconds(world, task):
    known = world.client.task(task)
    begin, end = (datetime.fromisoformat(known[name]) for name in ("started", "completed"))
    return (end - begin).total_seconds()


def test_the_second_of_two_alike(docker_world):
    world = docker_world
    version = wheel_version("cython")
    script = {**make_repository(world.folder), "requirements": {"pip": f"Cython=={version}"}}
    # The image for tasks spares them an environment of their own; here they are to make one.
    world.add_resource("cpu", agent={"docker": {"arguments": [
        "-v", f"{world.folder}:{world.folder}", "-e", "CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL="]}})
    tasks = [add_task(world, name, script) for name in ("first", "second")]
    reaper = world.start_reaper("watch", "--until-empty")
    first, second = (end_of(world, task, "completed")[1] for task in tasks)
    wait_for_reaper(reaper)
    assert len(world.instances()) == 1
    print("first", seconds(world, tasks[0]), "s, second", seconds(world, tasks[1]), "s")
    for console in (first, second):
        assert f"runs with Cython {version}" in console
    assert "Successfully installed Cython" in first and "Adding venv into cache" in first
    assert "Using Cached environment" not in first and "Using cached repository" not in first
    assert "::: Using Cached environment /root/.clearml/venvs-cache/" in second
    assert 'Using cached repository in "/root/.clearml/vcs-cache/repository.git.' in second
    assert "Successfully installed" not in second
    check_folders(world)
    check_clean(world)


def check_folders(world):
    """On the machine's disk, where a later machine does not find them."""
    caches = world.machines / world.instances()[0] / "agent" / "0" / "caches"
    assert {path.name for path in caches.iterdir()} >= set(CACHES)
    assert any(caches.glob("venvs-cache/*/**/Cython/__init__.py"))
    assert any(caches.glob("vcs-cache/repository.git.*/*"))
