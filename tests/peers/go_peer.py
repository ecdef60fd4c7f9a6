"""Real servers that tests talk to and that come as Go modules: pinned, built once for all trees
(outside of them). Without Go, or where they cannot be fetched, their tests are skipped, and say so.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mayfly-peers"
BUILD_DEADLINE_S = 900


def program(module, version):
    """Its path; built where it is not there yet."""
    name = module.rsplit("/", 1)[-1]
    folder = CACHE / f"{name}-{version}"
    path = folder / name
    if path.exists():
        return path
    if not shutil.which("go"):
        pytest.skip(f"Go is not installed: no {name}")
    try:
        subprocess.run(["go", "install", f"{module}@{version}"], check=True, capture_output=True,
                       text=True, timeout=BUILD_DEADLINE_S,
                       env=os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0"})
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"{name} cannot be built: {problem}: {str(problem.stderr)[-200:]}")
    return path
