"""A program of ours that answers each line of words with a line of JSON (*_calls.c)."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAYFLY_BUILD", ROOT / "build/debug"))


class Driven:
    def __init__(self, name, folder="tests/vectors"):
        self.process = subprocess.Popen([BUILD / folder / name], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{words[0]}: the program ended with {self.process.wait()}"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0
