"""What a machine proves before it takes a task, where it does not come off at once."""

import pytest
from world import AGENT, wait_for

PATIENCE_S = 240


@pytest.mark.slow
def test_the_agent_starts_slowly(world):
    """Longer than it is waited for at once, as from a disk that is still being filled: it is
    asked again, and the machine works."""
    agent = world.folder / "agent"
    agent.write_text(f"#!/bin/sh\n[ -e {agent}.begun ] && exec {AGENT} \"$@\"\n"
                     f": > {agent}.begun\nexec sleep 600\n")
    agent.chmod(0o755)
    world.add_resource("cpu", agent={"command": [str(agent)]})
    task = world.add_task("cpu", "after a slow start", "print('hello')")
    reaper = world.start_reaper("watch", "--until-empty")
    wait_for(lambda: world.client.status(task) == "completed", PATIENCE_S, "the task completes")
    wait_for(lambda: reaper.poll() is not None, PATIENCE_S, "the reaper sees nothing left")
    assert [life["reason"] for life in world.lives().values()] == ["idle"]
