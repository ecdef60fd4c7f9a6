"""The demo itself: what README's first command plays must end well."""

import subprocess
import sys

from world import TREE


def test_demo_ends_well(tmp_path):
    done = subprocess.run([sys.executable, str(TREE / "tests/whole/demo.py"),
                           "--folder", str(tmp_path / "demo")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.endswith("completed")]
    assert len(rows) == 4, done.stdout
    assert "nothing is left" in done.stdout
